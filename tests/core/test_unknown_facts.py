"""Facts that nobody has given: "not yet known", by the name of the fact, never zero by silence (style C4)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sound_pack import source

from tuodi.batch.packs import pack_of, source_of
from tuodi.core.engine.conditions import Profile, tier_of
from tuodi.core.engine.decide import NOT_YET_KNOWN
from tuodi.core.engine.fold import fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.words import explain
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack
from tuodi.core.settlements import Settlement

PACKS = Path(__file__).parent.parent / "packs"
DIBAO = IdentityRecord("甲", "dibao", date(2021, 1, 1))
BILL = Settlement(
    setl_id="1", psn_no="甲", fixmedins_code="H1", med_type="21", begndate=date(2022, 2, 1), enddate=date(2022, 2, 1),
    setl_time=datetime(2022, 2, 1), diag_code="J18.9", medfee_sumamt=100_000, fulamt_ownpay_amt=0, overlmt_selfpay=0,
    preselfpay_amt=0, inscp_scp_amt=100_000,
)  # fmt: skip


def decided(plan, **known):
    [result] = fold(plan, [replace(BILL, **known)], [DIBAO])
    return result


@pytest.mark.parametrize(
    ("known", "named", "unnamed"),
    [
        ({}, ["hosp_lv", "brdy"], []),
        ({"birth": date(1980, 1, 1)}, ["hosp_lv"], ["brdy"]),
        ({"hosp_lv": "01"}, ["brdy"], ["hosp_lv"]),
        # A code that is no level says as little as none.
        ({"birth": date(1980, 1, 1), "hosp_lv": "99"}, ["hosp_lv"], ["brdy"]),
    ],
)
def test_what_is_missing_is_named_and_nothing_else(known, named, unnamed):
    result = decided(make_plan(pack_of(str(PACKS / "rates-by-what"))), **known)
    assert (result.decision.refusal, result.pay, result.layers) == (NOT_YET_KNOWN, 0, ())
    assert all(name in result.decision.says for name in named)
    assert not any(name in result.decision.says for name in unnamed)


def test_all_that_is_missing_is_asked_for_in_one_sentence():
    result = decided(make_plan(pack_of(str(PACKS / "rates-by-what"))))
    asked = "适用哪一条取决于医院等级（hosp_lv）、出生日期（brdy），账单里没有；请补上后重新计算"
    assert result.decision.says == asked


def test_a_fact_that_changes_nothing_is_not_asked_for():
    """Under 18 the level of the hospital does not matter (JC-4.2): 1000 × 85 % = 850."""
    plan = make_plan(pack_of(str(PACKS / "rates-by-what")))
    assert decided(plan, birth=date(2010, 1, 1)).pay == 85_000


def test_the_patient_is_told_that_it_is_no_refusal():
    plan = make_plan(pack_of(str(PACKS / "rates-by-what")))
    result = decided(plan)
    told = explain(plan, result, records=[DIBAO]).patient
    assert "现在还不能算" in told
    assert "这还不是不予救助" in told


def test_AK_6_2_1_a_refusal_that_depends_on_the_level_waits_for_it_too():
    """Under I-35 "no primary referral" a stay in a secondary hospital is refused; at an unknown one nobody can say."""
    plan = make_plan(load_pack(source_of("610900-ankang"), readings={"I-35": "no_primary_referral"}))
    bill = {"begndate": date(2023, 3, 1), "enddate": date(2023, 3, 1), "setl_time": datetime(2023, 3, 1)}
    assert decided(plan, **bill).decision.refusal == NOT_YET_KNOWN
    assert decided(plan, **bill, hosp_lv="05").decision.refusal == "no_primary_referral"
    assert decided(plan, **bill, hosp_lv="09").pay == 70_000


def test_a_pack_that_does_not_ask_needs_no_fact():
    bill = {"begndate": date(2023, 3, 1), "enddate": date(2023, 3, 1), "setl_time": datetime(2023, 3, 1)}
    assert decided(make_plan(pack_of("610900-ankang")), **bill).pay == 70_000


CHILDHOOD = {
    "begndate": date(2022, 3, 1), "enddate": date(2022, 3, 9), "setl_time": datetime(2022, 3, 9), "diag_code": "C91.0",
    "medfee_sumamt": 12_000_000, "inscp_scp_amt": 12_000_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("known", "pay"),
    [
        # Leukaemia is among the 30 diseases as a disease of childhood: (120 000 − 3 000) × 50 % = 58 500, the cap is 70 000.
        ({"birth": date(2012, 1, 1)}, 5_850_000),
        # Of a grown-up it is a general disease: 58 500 too, the cap is 50 000.
        ({"birth": date(1980, 1, 1)}, 5_000_000),
        # Certified by the insurance office, it needs no birth date.
        ({"disease_class": "major"}, 5_850_000),
        # One of the 30 at any age needs none either.
        ({"diag_code": "C16.9"}, 5_850_000),
    ],
)
def test_TH_3_2_3_a_disease_of_childhood_is_told_by_the_birth_date(known, pay):
    assert decided(tinghu(), **CHILDHOOD | known).pay == pay


def test_TH_3_2_3_a_disease_of_childhood_without_a_birth_date_is_not_yet_known_and_not_general():
    plan = tinghu()
    result = decided(plan, **CHILDHOOD)
    assert (result.decision.refusal, result.pay) == (NOT_YET_KNOWN, 0)
    assert "出生日期（brdy）" in result.decision.says
    assert "hosp_lv" not in result.decision.says
    told = explain(plan, result, records=[DIBAO])
    assert "现在还不能算" in told.patient
    assert "0岁起major、general、18岁起general（没有出生日期）" in "".join(told.auditor.split())


def test_a_disease_of_childhood_is_not_asked_for_where_it_changes_nothing():
    """A person without an identity gets nothing at any age (TH-3.1.0), so that the birth date is not what is lacking."""
    [result] = fold(tinghu(), [replace(BILL, **CHILDHOOD)], [])
    assert result.decision.refusal == "no_category"


@pytest.mark.parametrize(
    ("tertiary", "named", "unnamed"),
    [
        # From 18 on two rates that are two questions: nobody knows which without the level.
        ("jx.tertiary", ["hosp_lv", "brdy"], []),
        # From 18 on the same rate everywhere, whatever it is: the level does not matter.
        ("jx.secondary", ["brdy"], ["hosp_lv"]),
    ],
)
def test_figures_that_nobody_has_entered_are_alike_only_if_they_are_the_same_figures(tertiary, named, unnamed):
    """Under 18 everybody gets 85 %; from 18 on the rate is delegated by level of hospital and has not been entered."""
    params = {
        name: {"clause": "JX-4", "asks": "救助比例", "left_to": "市级文件", "unit": "percent"}
        for name in ("jx.secondary", tertiary)
    }
    levels = (("primary", "jx.secondary"), ("secondary", "jx.secondary"), ("tertiary", tertiary))
    grown = [
        {
            "clause": "JX-4.1",
            "when": {"age": {"from": 18, "to": 999}, "hospital": [level]},
            "rate": {"delegated": param},
        }
        for level, param in levels
    ]
    young = {"clause": "JX-4.2", "when": {"age": {"to": 18}}, "rate": "85%"}
    made = source({
        "delegated": params, "readings": None, "layers.0.readings": None, "layers.0.caps": None,
        "layers.0.covers.hospital": ["primary", "secondary", "tertiary"], "layers.0.figures": [*grown, young],
    })  # fmt: skip
    result = decided(make_plan(load_pack(made)))
    assert result.decision.refusal == NOT_YET_KNOWN
    assert all(name in result.decision.says for name in named)
    assert not any(name in result.decision.says for name in unnamed)


@pytest.mark.parametrize("since", [1, 14])
def test_a_rate_from_an_age_on_is_not_promised_to_whom_it_may_be_too_early_for(since):
    """Nobody under that age gets anything (of one year: who is not one yet), so that without a birth date nobody can say."""
    rate = {"clause": "JX-4.1", "when": {"age": {"from": since, "to": 999}}, "rate": "70%"}
    plan = make_plan(load_pack(source({
        "delegated": None, "readings": None, "layers.0.readings": None, "layers.0.caps": None, "layers.0.figures": [rate],
    })))  # fmt: skip
    assert decided(plan).decision.refusal == NOT_YET_KNOWN
    born = date(2022 - since, 2, 1)
    assert decided(plan, birth=born).pay == 70_000
    assert decided(plan, birth=born + timedelta(days=1)).pay == 0


def test_a_disease_of_childhood_is_another_from_the_day_of_the_age_on():
    """What is supposed of an age leaves nothing open: neither the age nor which disease it is."""
    open_ = Profile(
        date(2022, 2, 1), 1, "21", ("one",), "local", False, "", diseases_by_age=((0, ("child",)), (18, ("grown",)))
    )
    assert [open_.at_age(age).diseases for age in (0, 17, 18)] == [("child",), ("child",), ("grown",)]
    assert (open_.at_age(18).age, open_.at_age(18).diseases_by_age) == (18, ())


def test_a_level_of_hospital_is_known_by_its_code_alone():
    assert [tier_of(code) for code in ("", "99", "1", "01")] == ["", "", tier_of("01"), tier_of("01")]
    assert tier_of("01")


def tinghu():
    return make_plan(pack_of("320902-tinghu"), [EnteredValue("th.publication_date", "2021-09-01", "示例", None)])
