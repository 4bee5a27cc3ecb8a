"""Facts that nobody has given: "not yet known", by the name of the fact, never zero by silence (style C4)."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from tuodi.batch.packs import pack_of, source_of
from tuodi.core.engine.decide import NOT_YET_KNOWN
from tuodi.core.engine.fold import fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.words import explain
from tuodi.core.identities import IdentityRecord
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
    ],
)
def test_what_is_missing_is_named_and_nothing_else(known, named, unnamed):
    result = decided(make_plan(pack_of(str(PACKS / "rates-by-what"))), **known)
    assert (result.decision.refusal, result.pay, result.layers) == (NOT_YET_KNOWN, 0, ())
    assert all(name in result.decision.says for name in named)
    assert not any(name in result.decision.says for name in unnamed)


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
