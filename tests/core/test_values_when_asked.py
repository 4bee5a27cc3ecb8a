"""Delegated values are asked for only by the rules that act: a layer on application when somebody applies, a minimum never."""

from datetime import date, datetime

import polars as pl
import pytest

from tuodi.batch.packs import pack_of
from tuodi.core.engine.fold import Application, fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import MissingValues
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import Entered, EnteredValue, Missing, Resolver
from tuodi.core.policy.model import Figure
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

DIBAO = IdentityRecord("甲", "dibao", date(2023, 1, 1))


def bill(day: date, burden_fen: int) -> Settlement:
    return Settlement(
        setl_id="1", psn_no="甲", fixmedins_code="H1", med_type="21", begndate=day, enddate=day,
        setl_time=datetime(day.year, day.month, day.day), diag_code="J18.9", medfee_sumamt=burden_fen,
        fulamt_ownpay_amt=0, overlmt_selfpay=0, preselfpay_amt=0, inscp_scp_amt=burden_fen,
    )  # fmt: skip


def test_AK_4_2_1_without_an_application_no_value_is_asked_for():
    plan = make_plan(pack_of("610900-ankang"))
    [result] = fold(plan, [bill(date(2023, 3, 1), 100_000)], [DIBAO])
    assert result.pay == 70_000


def test_AK_4_2_1_an_application_asks_for_the_values_by_name():
    plan = make_plan(pack_of("610900-ankang"))
    asked = [Application("甲", "tilted", date(2023, 4, 1))]
    with pytest.raises(MissingValues) as raised:
        fold(plan, [bill(date(2023, 3, 1), 100_000)], [DIBAO], asked)
    assert "ak.tilt" in str(raised.value)


def test_AK_4_2_1_an_application_that_does_not_look_back_asks_for_nothing():
    plan = make_plan(pack_of("610900-ankang"))
    asked = [Application("甲", "tilted", date(2023, 2, 1))]
    [result] = fold(plan, [bill(date(2023, 3, 1), 100_000)], [DIBAO], asked)
    assert result.pay == 70_000


def test_the_batch_asks_for_the_same_values():
    from tuodi.batch.events import decide

    plan = make_plan(pack_of("610900-ankang"))
    day = date(2023, 3, 1)
    frame = pl.DataFrame(
        {
            "psn_no": ["甲"], "setl_id": ["1"], "setl_time": [datetime(2023, 3, 1)], "begndate": [day], "enddate": [day],
            "med_type": ["21"], "refer_stas": ["local"], "cause": [""], "hosp_lv": [""], "standard_area": [""],
            "out_prov": [False], "disease_class": [""], "diag_code": ["J18.9"], "fixmedins_code": ["H1"],
            "brdy": pl.Series([None], dtype=pl.Date),
            **{name: [0] for name in AMOUNT_FIELDS},
        }
    )  # fmt: skip
    held = pl.DataFrame(
        {"psn_no": ["甲"], "identity": ["dibao"], "begin": [date(2023, 1, 1)], "end": pl.Series([None], dtype=pl.Date),
         "certified_on": pl.Series([None], dtype=pl.Date), "applied_on": pl.Series([None], dtype=pl.Date)}
    )  # fmt: skip
    asked = pl.DataFrame({"psn_no": ["甲"], "layer": ["tilted"], "applied_on": [date(2023, 4, 1)]})
    with pytest.raises(MissingValues):
        decide(plan, frame, held, asked)


@pytest.mark.parametrize(("entered", "rate"), [(None, 8000), ("75%", 8000), ("80%", 8000), ("85%", 8500)])
def test_I_09_at_least_takes_a_higher_value_and_never_a_lower_one(entered, rate):
    values = Entered([EnteredValue("x.rate", entered)] if entered else [])
    assert Resolver(values, date(2020, 1, 1)).rate(Figure(delegated="x.rate", at_least="80%")) == rate


def test_I_09_a_higher_value_holds_from_its_day_on():
    values = Entered([EnteredValue("x.rate", "85%", first=date(2020, 1, 1))])
    figure = Figure(delegated="x.rate", at_least="80%")
    assert [Resolver(values, day).rate(figure) for day in (date(2019, 12, 31), date(2020, 1, 1))] == [8000, 8500]


def test_a_day_may_be_so_many_days_after_a_delegated_one():
    figure = Figure(plus="1 天", of=Figure(delegated="x.last"))
    assert Resolver(Entered([EnteredValue("x.last", "2025-12-31")]), date(2024, 1, 1)).day_of(figure) == date(
        2026, 1, 1
    )
    with pytest.raises(Missing):
        Resolver(Entered(), date(2024, 1, 1)).day_of(figure)
