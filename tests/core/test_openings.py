"""Charity openings QD-2.4.1, QD-2.5.3 (I-18, I-38, I-50, I-51) and warning lines AK-4.3.1, DT-3.6."""

from datetime import date

import pytest
from around import bill, held, plan
from hypothesis import given
from hypothesis import strategies as st

from tuodi.core.engine.openings import openings, warnings

THE_PLAN = plan()
LOW = held("registered_low_income")
DIBAO = held("dibao")


def opened(bills, records, rule="charity", readings=None, year=2018):
    found = openings(plan(readings) if readings else THE_PLAN, bills, records, year=year)
    return {result.whose: result for result in found if result.rule == rule}


def warned(bills, records, rule="relapse", the_plan=None, year=2018):
    found = warnings(the_plan or THE_PLAN, bills, records, year=year)
    return {result.whose: result for result in found if result.rule == rule}


@pytest.mark.parametrize(
    ("burden", "outcome"),
    [("29999.99 元", "not_reached"), ("30000 元", "reached"), ("30000.01 元", "reached")],
)
def test_QD_2_4_1_dibao_households_from_thirty_thousand(burden, outcome):
    # dibao alone has no layer in this pack: nothing comes off
    found = opened([bill("2018-05-01", burden)], [DIBAO])["甲"]
    assert (found.outcome, found.clause) == (outcome, "QD-2.4.1")
    assert found.threshold_fen == 3_000_000


@pytest.mark.parametrize(
    ("burden", "outcome"),
    [("199999.97 元", "not_reached"), ("20 万元", "reached")],
)
def test_QD_2_4_1_low_income_households_from_sixty_thousand_after_assistance(burden, outcome):
    # 200,000 x 30 % = 60,000 left; 199,999.97 - 139,999.98 = 59,999.99
    found = opened([bill("2018-05-01", burden)], [LOW])["甲"]
    assert found.outcome == outcome
    assert found.short_fen == (0 if outcome == "reached" else 1)


def test_QD_2_4_1_counts_over_the_calendar_year_and_says_when_it_was_reached():
    bills = [
        bill("2017-12-31", "9 万元"),
        bill("2018-02-01", "2 万元"),
        bill("2018-09-03", "1 万元"),
        bill("2018-10-01", "500 元"),
    ]
    found = opened(bills, [DIBAO])["甲"]
    assert (found.total_fen, found.reached_on, found.setl_id) == (3_050_000, date(2018, 9, 3), "2018-09-03-1")
    assert "可以申请，材料：出院小结" in found.says
    assert "村（居）审核" in found.says
    assert opened(bills, [DIBAO], year=2017)["甲"].outcome == "reached"


def test_QD_2_4_1_insurance_comes_off_and_what_lies_outside_policy_scope_does_not_count():
    bills = [
        bill(
            "2018-05-01",
            "8 万元",
            hifp="4 万元",
            hifmi="1 万元",
            relief="1 元",
            fulamt="9 万元",
            preself="2 万元",
        )
    ]
    assert opened(bills, [DIBAO])["甲"].total_fen == 2_999_900
    total = opened(bills, [DIBAO], readings={"I-18": "total"})["甲"]
    assert (total.outcome, total.total_fen) == ("reached", 13_999_900)


def test_QD_2_4_1_upstream_assistance_comes_off():
    assert opened([bill("2018-05-01", "4 万元", maf="1 万元")], [DIBAO])["甲"].total_fen == 3_000_000


def test_QD_2_4_1_with_both_identities_the_lower_threshold():
    bills = [bill("2018-05-01", "10 万元")]
    found = opened(bills, [LOW, DIBAO])["甲"]
    assert (found.outcome, found.total_fen, found.threshold_fen) == ("reached", 3_000_000, 3_000_000)
    assert opened(bills, [LOW])["甲"].outcome == "not_reached"


def test_QD_2_4_1_identity_is_judged_at_the_event_that_reaches_the_line():
    # 20,000 as dibao, then 60,000 x 30 % = 18,000 as low income only: 38,000 is not 60,000
    bills = [bill("2018-02-01", "2 万元"), bill("2018-08-01", "6 万元")]
    records = [held("dibao", "2018-01-01", "2018-06-30"), LOW]
    first = opened([bills[0]], [records[0]])["甲"]
    assert first.total_fen == 2_000_000
    both = opened(bills, [records[0], held("registered_low_income", "2018-07-01")])["甲"]
    assert (both.outcome, both.total_fen) == ("not_reached", 3_800_000)


def test_QD_2_4_1_nobody_without_the_identities():
    assert opened([bill("2018-05-01", "9 万元")], [])["甲"].outcome == "not_in_group"
    other = opened([bill("2018-05-01", "40 万元")], [held("extreme_poverty")])["甲"]
    assert (other.outcome, other.total_fen) == ("not_in_group", 12_000_000)


def test_I_38_settlements_of_days_without_identity_do_not_count_unless_read_so():
    bills = [bill("2018-02-01", "1 万元"), bill("2018-08-01", "2 万元")]
    records = [held("dibao", "2018-07-01")]
    assert opened(bills, records)["甲"].total_fen == 2_000_000
    assert opened(bills, records, readings={"I-38": "all"})["甲"].outcome == "reached"


def test_I_50_one_persons_costs_or_the_households():
    bills = [
        bill("2018-02-01", "2 万元", household="H1"),
        bill("2018-03-01", "1 万元", person="乙", household="H1"),
    ]
    records = [DIBAO, held("dibao", person="乙")]
    assert {r.outcome for r in opened(bills, records).values()} == {"not_reached"}
    found = opened(bills, records, readings={"I-50": "household"})
    assert {whose: r.outcome for whose, r in found.items()} == {"H1": "reached"}


def test_I_51_after_discharge_the_same_thresholds_or_a_route_of_its_own():
    bills = [bill("2018-05-01", "100 元")]
    assert opened(bills, [LOW], rule="after_discharge")["甲"].outcome == "not_reached"
    found = opened(bills, [LOW], rule="after_discharge", readings={"I-51": "own_route"})["甲"]
    assert (found.outcome, found.threshold_fen, found.short_fen) == ("reached", None, 0)
    assert "村（居）审核" not in found.says
    nothing = opened([bill("2018-05-01", "0 元")], [LOW], rule="after_discharge", readings={"I-51": "own_route"})["甲"]
    assert nothing.outcome == "not_reached"


@pytest.mark.parametrize(("burden", "outcome"), [("4999.99 元", "not_reached"), ("5000 元", "reached")])
def test_AK_4_3_1_warning_counts_what_insurance_left_before_assistance(burden, outcome):
    found = warned([bill("2018-05-01", burden)], [held("relapse_monitored")])["甲"]
    assert (found.outcome, found.is_focus) == (outcome, True)
    assert ("推送至县医保局、县乡村振兴局" in found.says) == (outcome == "reached")


def test_AK_4_3_1_without_the_threshold_it_is_not_yet_known():
    found = warned(
        [bill("2018-05-01", "9 万元")],
        [held("relapse_monitored")],
        the_plan=plan(without=("warning.relapse",)),
    )
    assert (found["甲"].outcome, found["甲"].missing) == ("not_yet_known", ("warning.relapse",))


def test_DT_3_6_a_line_for_anybody_counts_people_without_identity():
    at, above = bill("2018-05-01", "5 万元"), bill("2018-05-01", "50000.01 元")
    assert warned([at], [], rule="anyone")["甲"].outcome == "not_reached"
    found = warned([above], [], rule="anyone")["甲"]
    assert (found.outcome, found.is_focus) == ("reached", False)


def test_before_the_pack_is_in_force_nothing_counts():
    found = opened([bill("2016-05-01", "9 万元")], [held("dibao", "2016-01-01")], year=2016)["甲"]
    assert (found.outcome, found.total_fen) == ("not_in_group", 0)


@given(burdens=st.lists(st.integers(0, 4_000_000), min_size=1, max_size=5), more=st.integers(0, 4_000_000))
def test_law_more_burden_never_closes_an_opening_and_order_does_not_matter(burdens, more):
    def run(amounts):
        bills = [bill(f"2018-0{i + 1}-01", f"{fen // 100}.{fen % 100:02d} 元") for i, fen in enumerate(amounts)]
        return opened(bills, [DIBAO])["甲"]

    found = run(burdens)
    assert found.total_fen == sum(burdens)
    assert (found.outcome == "reached") == (sum(burdens) >= 3_000_000)
    assert run(burdens[::-1]).outcome == found.outcome
    if found.outcome == "reached":
        assert run([*burdens, more]).outcome == "reached"
