"""A whole bill from its total: AK-4.1, AK-4.1.2 (insurance first), facts kept, shares that add up."""

from datetime import date

import pytest
from around import bill, held, plan
from hypothesis import given
from hypothesis import strategies as st

from tuodi.core.engine.fold import fold
from tuodi.core.engine.simulate import ALL_PAYERS, TypedBill, estimate, estimate_typed, waterfall
from tuodi.core.errors import InputErrors

SIMULATED = plan(simulate=True)
FACTS = plan()
LOW = [held("registered_low_income")]
DAY = date(2018, 5, 1)


def typed(total, the_plan=SIMULATED, records=LOW, **more):
    return estimate_typed(the_plan, TypedBill(DAY, total, psn_no="甲", **more), records)


def shares(found):
    return {share.id: share.amount_fen for share in found.shares}


def test_AK_4_1_2_insurance_first_assistance_after():
    # in policy 95,500: basic (95,500 - 500) x 60 % = 57,000; left 38,500: catastrophic 28,500 x 50 % = 14,250;
    # left 24,250: assistance 70 % = 16,975; left 7,275 in policy and 4,500 outside
    found = typed(10_000_000, full_self_pay_fen=300_000, over_limit_fen=50_000, class_b_first_fen=100_000)
    assert shares(found) == {"hifp_pay": 5_700_000, "hifmi_pay": 1_425_000, "instant": 1_697_500}
    assert found.left_fen == 727_500 + 450_000
    assert [share.is_simulated for share in found.shares] == [True, True, False]
    assert [share.kind for share in found.shares] == ["insurance", "insurance", "assistance"]
    assert found.parts_fen["inscp_scp_amt"] == 9_550_000
    assert found.shares[2].due_on == DAY
    assert found.shares[2].clauses == ("QD-2.3.1",)


def test_a_known_payment_is_kept_and_its_layer_does_not_run():
    found = typed(10_000_000, payments_fen={"hifp_pay": 4_000_000})
    # left 60,000: catastrophic 50,000 x 50 % = 25,000; left 35,000: assistance 24,500
    assert shares(found) == {"hifp_pay": 4_000_000, "hifmi_pay": 2_500_000, "instant": 2_450_000}
    assert not found.shares[0].is_simulated
    both = typed(10_000_000, payments_fen={"hifp_pay": 4_000_000, "hifmi_pay": 0})
    assert shares(both) == {"hifp_pay": 4_000_000, "instant": 4_200_000}


def test_reliefs_upstream_aid_and_later_charity_are_shares_of_their_own():
    paid = {"hifp_pay": 0, "hifmi_pay": 0, "relief_amt": 100, "maf_pay": 200, "later_aid_amt": 300}
    found = typed(10_000, payments_fen=paid)
    assert [(share.id, share.kind) for share in found.shares] == [
        ("relief_amt", "relief"),
        ("maf_pay", "upstream"),
        ("instant", "assistance"),
        ("later_aid_amt", "later_aid"),
    ]
    assert found.left_fen == 10_000 - 600 - 6_930


def test_without_simulation_every_amount_is_a_fact():
    found = typed(10_000_000, the_plan=FACTS, payments_fen={"hifp_pay": 6_000_000})
    assert shares(found) == {"hifp_pay": 6_000_000, "instant": 2_800_000}


def test_earlier_settlements_are_facts_and_count_in_the_totals_of_assistance():
    earlier = [bill("2018-01-05", "2 万元", hifp="1 万元")]
    found = estimate(SIMULATED, bill("2018-05-01", "1 万元", number=2), LOW, earlier=earlier)
    # basic (10,000 - 500) x 60 % = 5,700; 4,300 below the catastrophic deductible; assistance 3,010
    assert shares(found) == {"hifp_pay": 570_000, "hifmi_pay": 0, "instant": 301_000}


def test_earlier_settlements_that_are_simulated_too_use_up_the_insurance_deductible():
    # each bill: basic (20,500 - 500) x 60 % = 12,000, left 8,500; the second reaches 17,000: (17,000 - 10,000) x 50 % = 3,500
    bills = [bill("2018-01-05", "20500 元"), bill("2018-05-01", "20500 元", number=2)]
    alone = estimate(SIMULATED, bills[1], LOW, earlier=bills[:1])
    both = estimate(SIMULATED, bills[1], LOW, earlier=bills[:1], earlier_known=())
    assert (alone.amount_fen("hifmi_pay"), both.amount_fen("hifmi_pay")) == (0, 350_000)


def test_AK_6_2_1_insurance_pays_although_assistance_refuses():
    found = typed(1_050_000, refer_stas="unfiled")
    assert shares(found) == {"hifp_pay": 600_000, "hifmi_pay": 0}
    assert (found.result.decision.refusal, found.result.decision.clause) == ("unfiled", "AK-6.2.1")


def test_nobody_without_an_identity_gets_assistance_but_insurance_pays():
    found = typed(1_050_000, records=[])
    assert shares(found) == {"hifp_pay": 600_000, "hifmi_pay": 0}
    assert found.result.decision.refusal == "no_category"
    assert found.left_fen == 450_000


def test_a_category_without_a_layer_is_refused_although_insurance_looks():
    found = typed(1_050_000, records=[held("dibao")])
    assert found.result.decision.refusal == "not_covered"
    assert found.amount_fen("hifp_pay") == 600_000


def test_any_computed_settlement_has_its_waterfall():
    bills = [bill("2018-01-05", "2 万元"), bill("2018-02-05", "1 万元")]
    found = [waterfall(SIMULATED, result) for result in fold(SIMULATED, bills, LOW)]
    assert [sum(shares(w).values()) + w.left_fen for w in found] == [2_000_000, 1_000_000]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"full_self_pay_fen": 60, "class_b_first_fen": 41}, "E-BILL-PARTS"),
        ({"payments_fen": {"hifp_pay": 101}}, "E-BILL-OVERPAID"),
        ({"payments_fen": {"nobody": 1}}, "E-BILL-PAYER"),
        ({"over_limit_fen": -1}, "E-BILL-NEGATIVE"),
        ({"admitted_on": date(2018, 5, 2)}, "E-BILL-DAYS"),
    ],
)
def test_a_bill_that_does_not_fit_is_refused_with_everything_that_is_wrong(more, code):
    with pytest.raises(InputErrors, match=code):
        typed(100, **more)


def test_all_faults_of_a_bill_come_at_once():
    with pytest.raises(InputErrors) as caught:
        typed(100, full_self_pay_fen=200, payments_fen={"hifp_pay": 300, "nobody": 1})
    assert [f.code for f in caught.value.faults] == ["E-BILL-PAYER", "E-BILL-PARTS", "E-BILL-OVERPAID"]


@given(
    total=st.integers(0, 50_000_000),
    parts=st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)),
    known=st.dictionaries(st.sampled_from(sorted(ALL_PAYERS)), st.integers(0, 4), max_size=3),
)
def test_law_shares_and_what_is_left_add_up_to_the_total(total, parts, known):
    split = [total * part // 100 for part in parts]
    paid = {name: total * part // 100 for name, part in known.items()}
    names = ("full_self_pay_fen", "over_limit_fen", "class_b_first_fen")
    found = typed(total, payments_fen=paid, **dict(zip(names, split, strict=True)))
    assert sum(share.amount_fen for share in found.shares) + found.left_fen == total
    assert all(share.amount_fen >= 0 for share in found.shares)
    assert sum(found.parts_fen.values()) == total
    for name, amount in paid.items():
        assert found.amount_fen(name) == amount
