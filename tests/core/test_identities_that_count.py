"""Which identities count for a bill: several at once, the best of a year (I-13), the rest of a year (I-33), any day of a stay."""

from datetime import date, datetime

import pytest
from strategies import bill, drawn, plan_of

from tuodi.core.engine.events import registered_elsewhere
from tuodi.core.engine.fold import fold
from tuodi.core.identities import IdentityRecord

CATEGORIES = [
    {"id": "first", "name": "甲类", "clause": "ZZ-2", "identities": ["extreme_poverty", "dibao"]},
    {"id": "second", "name": "乙类", "clause": "ZZ-2", "identities": ["dibao_edge"]},
]
#: 80 % for the first category, 50 % for the second.
LAYER = {
    "id": "l0",
    "figures": [
        {"clause": "ZZ-4.1", "when": {"category": ["first"]}, "rate": "80%"},
        {"clause": "ZZ-4.2", "when": {"category": ["second"]}, "rate": "50%"},
    ],
}
ALWAYS = date(2016, 1, 1)


def paid(bills, records, **pack):
    """Return what bills of 1,000 are paid."""
    plan = plan_of(drawn([LAYER], categories=CATEGORIES, **pack))
    return [result.pay // 1_000 for result in fold(plan, bills, records)]


def held(identity, first=ALWAYS, last=None):
    return IdentityRecord("甲", identity, first, last)


def stay(number, admitted, discharged, **more):
    return bill(
        str(number), datetime(*discharged, 10), 100_000, begndate=date(*admitted), enddate=date(*discharged), **more
    )


def test_I_33_an_identity_that_counts_for_the_rest_of_the_year_does_not_hide_a_better_one():
    bills = [
        stay(1, (2024, 2, 1), (2024, 2, 9)),
        stay(2, (2024, 6, 1), (2024, 6, 9)),
        stay(3, (2025, 2, 1), (2025, 2, 9)),
    ]
    rule = [{"clause": "ZZ-3", "identities": ["dibao_edge"], "per_record": "rest_of_year"}]
    edge = held("dibao_edge", last=date(2024, 2, 29))
    assert paid(bills, [edge], identity_rules=rule) == [50, 50, 0]
    assert paid(bills, [held("dibao"), edge], identity_rules=rule) == [80, 80, 80]


def test_I_13_the_best_identity_of_the_year_counts_for_its_bills_that_have_an_identity_at_all():
    # dibao until March, nothing in April, edge from May; the next year edge only
    records = [held("dibao", last=date(2024, 3, 31)), held("dibao_edge", date(2024, 5, 1))]
    bills = [
        stay(n, day, day)
        for n, day in enumerate([(2024, 3, 1), (2024, 4, 2), (2024, 5, 2), (2024, 6, 2), (2025, 1, 2)])
    ]
    assert paid(bills, records) == [80, 0, 50, 50, 50]
    assert paid(bills, records, category_rule="best_of_year") == [80, 0, 80, 80, 50]


def test_I_13_the_year_of_the_best_identity_is_the_year_of_the_bill():
    # Discharged in January: by settlement and by discharge a bill of 2025, by admission one of 2024, when dibao counted.
    records = [held("dibao", last=date(2024, 12, 1)), held("dibao_edge", date(2024, 12, 2))]
    bills = [stay(1, (2024, 11, 1), (2024, 11, 9)), stay(2, (2024, 12, 28), (2025, 1, 3))]
    for year_of, second in (("settlement", 50), ("discharge", 50), ("admission", 80)):
        assert paid(bills, records, category_rule="best_of_year", year_of=year_of) == [80, second]


def test_only_a_stay_has_a_last_day_other_care_is_judged_by_its_first():
    edge = [held("dibao_edge", date(2024, 3, 5))]
    for med_type, pays in (("21", 50), ("14", 0)):
        assert paid([stay(1, (2024, 3, 1), (2024, 3, 9), med_type=med_type)], edge) == [pays]


@pytest.mark.parametrize(
    ("judged_on", "days"),
    [("settlement_day", [4, 5]), ("any_day_of_stay", [1, 2, 3, 4]), ("calendar_year", [0, 1, 2, 3, 4, 5])],
)
def test_I_59_a_state_is_judged_on_the_day_that_the_policy_names(judged_on, days):
    # A stay from 1 to 9 March settled on the 20th; the state held on one day (n); half of what is due, by the second of two layers.
    factor = {"state": "declined_basic_service", "share": "50%", "clause": "ZZ-8", "judged_on": judged_on}
    layers = [{"id": "l0", "figures": [{"clause": "ZZ-4.1", "rate": "0%"}]}, {**LAYER, "id": "l1", "factor": factor}]
    plan = plan_of(drawn(layers, categories=CATEGORIES))
    paid_for = bill("1", datetime(2024, 3, 20, 10), 100_000, begndate=date(2024, 3, 1), enddate=date(2024, 3, 9))
    spans = [
        (date(2024, 1, 1), date(2024, 2, 29)), (date(2024, 2, 1), date(2024, 3, 1)), (date(2024, 3, 5), date(2024, 3, 5)),
        (date(2024, 3, 9), date(2024, 3, 19)), (date(2024, 3, 9), date(2024, 3, 20)), (date(2024, 3, 20), None),
    ]  # fmt: skip
    halved = []
    for n, span in enumerate(spans):
        [result] = fold(plan, [paid_for], [held("dibao"), held("declined_basic_service", *span)])
        assert result.pay in (80_000, 40_000)
        halved += [n] if result.pay == 40_000 else []
    assert halved == days


@pytest.mark.parametrize(
    ("area", "standard", "is_elsewhere"),
    [
        # A county whose code ends in 0 is itself and not its neighbours; a city (00) is all its counties.
        ("320680", "320680", False), ("320680", "320681", True), ("320600", "320681", False), ("320600", "320701", True),
        ("320000", "320701", False), ("320600", "", False),
    ],
)  # fmt: skip
def test_registered_in_the_county_or_in_any_county_of_the_city(area, standard, is_elsewhere):
    assert registered_elsewhere(plan_of(drawn([LAYER], categories=CATEGORIES, area=area)), standard) is is_elsewhere
