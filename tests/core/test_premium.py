"""Premium subsidies: AK-3.2.1, AK-3.2.2, DT-3.1.1, DT-3.2, QD-2.2, WH-2.2.1 with I-66."""

from dataclasses import replace
from datetime import date

import pytest
from around import held, plan
from hypothesis import given
from hypothesis import strategies as st

from tuodi.core.dates import Period
from tuodi.core.engine.premium import PremiumFacts, premium_subsidies, uninsured

COLLECTION = Period(date(2023, 9, 1), date(2023, 12, 31))
FACTS = PremiumFacts("甲", 2024, COLLECTION, "resident", {"resident": 38_000, "supplementary": 10_000})
THE_PLAN = plan()


def subsidy(facts, *identities, insurance="resident", the_plan=None):
    answer = premium_subsidies(the_plan or THE_PLAN, facts, identities)
    return next(result for result in answer.results if result.insurance == insurance)


def test_AK_3_2_1_class_one_in_full():
    found = subsidy(FACTS, held("extreme_poverty"))
    assert (found.outcome, found.amount_fen, found.own_part_fen, found.rule) == (
        "granted",
        38_000,
        0,
        "class1",
    )


@pytest.mark.parametrize("identity", ["dibao", "relapse_monitored"])
def test_AK_3_2_1_dibao_and_monitored_a_fixed_amount(identity):
    found = subsidy(FACTS, held(identity))
    assert (found.amount_fen, found.own_part_fen, found.clause) == (19_000, 19_000, "AK-3.2.1")
    assert "个人应缴 190.00 元（示例，非正式标准）" in found.says
    assert found.sources == ("premium.fixed：示例值（示例，非正式标准）",)


@pytest.mark.parametrize("identity", ["dibao_edge", "illness_poverty"])
def test_AK_3_2_1_edge_and_class_three_none_with_the_clause(identity):
    found = subsidy(FACTS, held(identity))
    assert (found.outcome, found.amount_fen, found.clause) == ("none", 0, "AK-3.2.1")


def test_AK_3_2_1_without_the_delegated_amount_it_is_not_yet_known():
    the_plan = plan(without=("premium.fixed",))
    found = subsidy(FACTS, held("dibao"), the_plan=the_plan)
    assert (found.outcome, found.amount_fen, found.missing) == ("not_yet_known", None, ("premium.fixed",))
    assert found.own_part_fen is None
    both = subsidy(FACTS, held("dibao"), held("orphan"), the_plan=the_plan)
    assert (both.outcome, both.amount_fen) == ("granted", 38_000)


def test_AK_2_1_4_several_identities_the_highest_not_repeated():
    found = subsidy(FACTS, held("dibao"), held("orphan"), held("dibao_edge"))
    assert (found.amount_fen, found.rule) == (38_000, "class1")


@pytest.mark.parametrize(
    ("first", "last", "outcome"),
    [
        ("2023-12-31", None, "granted"),
        ("2024-01-01", None, "next_year"),
        ("2024-12-31", None, "next_year"),
        ("2025-01-01", None, "no_rule"),
        ("2023-01-01", "2023-09-01", "granted"),
        ("2023-01-01", "2023-08-31", "no_rule"),
    ],
)
def test_AK_3_2_2_I_66_any_day_of_the_collection_period(first, last, outcome):
    assert subsidy(FACTS, held("dibao", first, last)).outcome == outcome


def test_AK_3_2_2_additions_during_the_year_are_in_next_years_collection():
    late = held("dibao", "2024-03-01")
    next_year = PremiumFacts("甲", 2025, Period(date(2024, 9, 1), date(2024, 12, 31)), "resident", {"resident": 40_000})
    assert subsidy(FACTS, late).outcome == "next_year"
    assert subsidy(next_year, late).amount_fen == 19_000


def test_I_66_other_reading_the_first_day():
    the_plan = plan({"I-66": "first_day"})
    assert subsidy(FACTS, held("dibao", "2023-09-01"), the_plan=the_plan).outcome == "granted"
    assert subsidy(FACTS, held("dibao", "2023-09-02"), the_plan=the_plan).outcome == "next_year"


def test_I_66_other_reading_the_day_of_payment():
    the_plan = plan({"I-66": "payment_day"})
    paid = replace(FACTS, paid_on=date(2023, 10, 8))
    assert subsidy(paid, held("dibao", "2023-10-08"), the_plan=the_plan).outcome == "granted"
    assert subsidy(paid, held("dibao", "2023-10-09"), the_plan=the_plan).outcome == "next_year"
    assert subsidy(FACTS, held("dibao"), the_plan=the_plan).missing == ("paid_on",)


def test_AK_3_2_1_employee_insurance_has_no_resident_premium():
    found = subsidy(replace(FACTS, insurance="employee"), held("extreme_poverty"))
    assert (found.outcome, found.amount_fen) == ("none", 0)
    assert "职工医保" in found.says


@pytest.mark.parametrize(("premium", "amount"), [(18_999, 18_999), (19_000, 19_000), (19_001, 19_000), (0, 0)])
def test_AK_3_2_1_never_more_than_the_personal_premium(premium, amount):
    found = subsidy(replace(FACTS, premiums_fen={"resident": premium}), held("dibao"))
    assert found.amount_fen == amount
    assert found.outcome == ("granted" if amount else "none")


def test_AK_3_2_1_an_unknown_premium_is_asked_for():
    found = subsidy(replace(FACTS, premiums_fen={}), held("extreme_poverty"))
    assert (found.outcome, found.missing) == ("not_yet_known", ("premiums.resident",))


def test_DT_3_2_disability_certificate_and_basic_insurance():
    found = subsidy(FACTS, held("disability_certificate"), insurance="supplementary")
    assert (found.amount_fen, found.own_part_fen) == (10_000, 0)
    employee = replace(FACTS, insurance="employee", premiums_fen={})
    assert subsidy(employee, held("disability_certificate"), insurance="supplementary").amount_fen == 10_000
    nobody = replace(FACTS, insurance="none")
    assert subsidy(nobody, held("disability_certificate"), insurance="supplementary").outcome == "not_insured"
    unknown = replace(FACTS, insurance=None)
    assert subsidy(unknown, held("disability_certificate"), insurance="supplementary").missing == ("insurance",)


def test_DT_3_1_1_who_and_how_much_are_delegated():
    found = subsidy(FACTS, held("dibao"), insurance="supplementary")
    assert (found.amount_fen, found.rule) == (6_000, "listed")
    assert subsidy(FACTS, held("low_income"), insurance="supplementary").outcome == "no_rule"
    unknown = subsidy(FACTS, held("dibao"), insurance="supplementary", the_plan=plan(without=("premium.who",)))
    assert unknown.missing == ("premium.who",)


@pytest.mark.parametrize(
    ("paid_on", "outcome"),
    [
        (None, "not_paid"),
        (date(2023, 8, 31), "not_paid"),
        (date(2023, 9, 1), "granted"),
        (date(2024, 1, 1), "not_paid"),
    ],
)
def test_WH_2_2_1_refund_to_those_who_paid_in_the_collection_period(paid_on, outcome):
    facts = replace(FACTS, paid_on=paid_on)
    assert subsidy(facts, held("supported_disabled_child")).outcome == outcome


@pytest.mark.parametrize(
    ("premium", "amount", "own"), [(17_000, 17_000, 0), (18_000, 18_000, 0), (36_000, 18_000, 18_000)]
)
def test_WH_2_2_1_the_first_tier_amount_whatever_tier_was_chosen(premium, amount, own):
    facts = replace(FACTS, paid_on=date(2023, 9, 2), premiums_fen={"resident": premium})
    found = subsidy(facts, held("supported_disabled_child"))
    assert (found.amount_fen, found.own_part_fen) == (amount, own)


def test_QD_2_2_people_with_an_identity_and_no_insurance_are_listed():
    people = [
        premium_subsidies(THE_PLAN, PremiumFacts(name, 2024, COLLECTION, insurance), [held(identity, person=name)])
        for name, insurance, identity in [
            ("甲", "none", "registered_low_income"),
            ("乙", "resident", "registered_low_income"),
            ("丙", "none", "low_income"),
            ("丁", None, "dibao"),
        ]
    ]
    assert [person.psn_no for person in uninsured(people)] == ["甲"]
    assert people[3].is_uninsured is None


def test_outside_the_life_of_the_pack_nothing_is_answered():
    early = replace(FACTS, year=2016, collection=Period(date(2015, 9, 1), date(2015, 12, 31)))
    found = subsidy(early, held("dibao", "2015-01-01"))
    assert (found.outcome, found.clause) == ("not_in_force", "AK-8.5")


def test_somebody_elses_identity_does_not_count():
    assert subsidy(FACTS, held("dibao", person="乙")).outcome == "no_rule"


@given(
    premium=st.integers(0, 100_000),
    identities=st.lists(
        st.sampled_from(["dibao", "orphan", "dibao_edge", "supported_disabled_child", "low_income"]),
        max_size=4,
    ),
)
def test_law_the_parts_add_up_and_never_exceed_the_premium(premium, identities):
    facts = replace(FACTS, premiums_fen={"resident": premium}, paid_on=date(2023, 9, 9))
    found = subsidy(facts, *(held(identity) for identity in identities))
    assert found.amount_fen is not None
    assert 0 <= found.amount_fen <= premium
    assert found.amount_fen + found.own_part_fen == premium
    alone = [subsidy(facts, held(identity)).amount_fen for identity in identities]
    assert found.amount_fen == max(alone, default=0)
