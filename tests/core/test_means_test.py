"""Means tests: AK-2.1.3, WH-2.1.2, WH-2.1.3, QD-1.3 with I-19, I-20, I-42."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import msgspec
import pytest
from around import SAMPLES, bill, plan
from hypothesis import given
from hypothesis import strategies as st

from tuodi.batch.packs import entered_values
from tuodi.core.dates import Period
from tuodi.core.engine.exact import exact_number, meets
from tuodi.core.engine.means_criteria import Household, MedicalCost
from tuodi.core.engine.means_test import means_test, medical_costs
from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import InputErrors
from tuodi.core.policy.figures import Entered, EnteredValue
from tuodi.core.policy.local_values import LocalResolver, local_params, plain_param

ANSWERS = {"property": True}
#: 3 people, 45,640 less 10,000 = 35,640 = 1.5 x 12 x 660 x 3.
AT_LIMIT = Household(
    applied_on=date(2023, 6, 15),
    members=3,
    income_fen=4_564_000,
    medical=(MedicalCost(date(2022, 9, 1), 1_000_000, 1_200_000),),
    answers=ANSWERS,
)


def criterion(result, name="income"):
    return next(c for c in result.criteria if c.id == name)


@pytest.mark.parametrize(("more_fen", "outcome"), [(-1, "passed"), (0, "passed"), (1, "failed")])
def test_AK_2_1_3_at_most_one_and_a_half_standards_exactly(more_fen, outcome):
    result = means_test(plan(), "severe", replace(AT_LIMIT, income_fen=4_564_000 + more_fen))
    assert result.outcome == outcome
    assert criterion(result).limit_fen == 3_564_000
    assert criterion(result).net_fen == 3_564_000 + more_fen
    assert criterion(result).window == Period(date(2022, 6, 1), date(2023, 5, 31))


def test_AK_2_1_3_says_how_it_was_computed_and_that_the_standard_is_a_sample():
    result = means_test(plan(), "severe", AT_LIMIT)
    says = criterion(result).says
    assert "申请之月前 12 个月（2022-06-01 至 2023-05-31）" in says
    assert "45,640.00 元 - 政策范围内自付医疗费用 10,000.00 元 = 35,640.00 元" in says
    assert "1.5 倍 × 660.00 元 × 12 个月 × 3 人 = 35,640.00 元" in says
    assert "示例，非正式标准" in says
    assert result.says == "因病致贫重病患者认定：符合，可由县民政局、县医保局认定。"
    assert result.readings == ("I-19", "I-42")
    assert (result.identity, result.gives_to) == ("illness_poverty", "patient")


@pytest.mark.parametrize("param", ["property", "high_cost"])
def test_AK_2_1_3_is_not_yet_known_without_the_delegated_conditions(param):
    result = means_test(plan(without=(param,)), "severe", AT_LIMIT)
    assert result.outcome == "not_yet_known"
    assert result.missing == (param,)
    assert param in result.says


def test_AK_2_1_3_fails_even_if_another_criterion_is_not_yet_known():
    result = means_test(plan(without=("high_cost",)), "severe", replace(AT_LIMIT, income_fen=9_000_000))
    assert result.outcome == "failed"


@pytest.mark.parametrize(("cost_fen", "outcome"), [(999_999, "failed"), (1_000_000, "passed"), (1_000_001, "passed")])
def test_AK_2_1_3_high_medical_cost_is_measured_against_the_entered_figure(cost_fen, outcome):
    household = replace(AT_LIMIT, income_fen=0, medical=(MedicalCost(date(2022, 9, 1), cost_fen, cost_fen),))
    assert criterion(means_test(plan(), "severe", household), "high_cost").outcome == outcome


def test_AK_2_1_3_property_that_does_not_meet_the_conditions_fails():
    result = means_test(plan(), "severe", replace(AT_LIMIT, answers={"property": False}))
    assert result.outcome == "failed"


@pytest.mark.parametrize(
    ("household", "missing"),
    [
        (replace(AT_LIMIT, members=None), "members"),
        (replace(AT_LIMIT, income_fen=None), "income"),
        (replace(AT_LIMIT, medical=None), "medical"),
        (replace(AT_LIMIT, medical=(MedicalCost(date(2022, 9, 1), None, 5),)), "medical"),
        (replace(AT_LIMIT, answers={}), "property"),
    ],
)
def test_AK_2_1_3_an_unknown_fact_is_not_zero(household, missing):
    result = means_test(plan(), "severe", household)
    assert result.outcome == "not_yet_known"
    assert missing in result.missing


def test_AK_2_1_3_without_a_standard_names_it():
    assert means_test(plan(without=("dibao_month",)), "severe", AT_LIMIT).missing == ("dibao_month",)


@pytest.mark.parametrize(
    ("on", "counts"),
    [("2022-05-31", False), ("2022-06-01", True), ("2023-05-31", True), ("2023-06-01", False)],
)
def test_I_19_costs_count_inside_the_twelve_months(on, counts):
    household = replace(AT_LIMIT, medical=(MedicalCost(date.fromisoformat(on), 700, 900),))
    assert criterion(means_test(plan(), "severe", household)).minus_fen == (700 if counts else 0)


def test_I_19_other_reading_takes_the_calendar_year():
    result = means_test(plan({"I-19": "calendar_year"}), "severe", AT_LIMIT)
    assert criterion(result).window == Period(date(2022, 1, 1), date(2022, 12, 31))


def test_AK_2_1_3_income_by_month_needs_every_month_of_the_window():
    months = {f"2022-{m:02d}": 380_333 for m in range(6, 13)} | {f"2023-{m:02d}": 380_333 for m in range(1, 6)}
    household = replace(AT_LIMIT, income_fen=None, income_months_fen=months)
    assert criterion(means_test(plan(), "severe", household)).income_fen == 12 * 380_333
    short = {month: fen for month, fen in months.items() if month != "2023-05"}
    assert means_test(plan(), "severe", replace(household, income_months_fen=short)).missing == ("income",)


@pytest.mark.parametrize(("income_fen", "outcome"), [(3_168_000, "passed"), (3_168_001, "failed")])
def test_WH_2_1_2_at_most_twice_the_standard(income_fen, outcome):
    # 2 x 660 x 12 x 2 = 31,680; medical cost does not come off
    household = Household(applied_on=date(2023, 6, 15), members=2, income_fen=income_fen)
    assert means_test(plan(), "low", household).outcome == outcome


def test_WH_2_1_2_I_42_other_reading_takes_the_previous_calendar_year():
    household = Household(applied_on=date(2023, 6, 15), members=2, income_fen=1)
    result = means_test(plan({"I-42": "previous_year"}), "low", household)
    assert criterion(result).window == Period(date(2022, 1, 1), date(2022, 12, 31))


@pytest.mark.parametrize(
    ("income_fen", "outcome"), [(5_031_999, "passed"), (5_032_000, "failed"), (5_032_001, "failed")]
)
def test_WH_2_1_3_I_20_below_the_edge_standard_after_all_self_paid_cost(income_fen, outcome):
    # (50,320 - 20,080) / 3 / 12 = 840
    household = Household(
        applied_on=date(2017, 6, 15),
        members=3,
        income_fen=income_fen,
        medical=(MedicalCost(date(2017, 2, 1), 0, 2_008_000),),
    )
    assert means_test(plan(), "patient", household).outcome == outcome


@pytest.mark.parametrize(("income_fen", "outcome"), [(2_099_999, "passed"), (2_100_000, "failed")])
def test_QD_1_3_below_seven_thousand_a_head(income_fen, outcome):
    result = means_test(plan(), "registered", Household(applied_on=date(2018, 3, 1), members=3, income_fen=income_fen))
    assert result.outcome == outcome
    assert criterion(result).window == Period(date(2017, 1, 1), date(2017, 12, 31))


def test_a_loss_makes_the_net_income_negative_and_passes():
    household = replace(AT_LIMIT, income_fen=500_000)
    assert criterion(means_test(plan(), "severe", household)).net_fen == -500_000
    assert means_test(plan(), "severe", household).outcome == "passed"


def test_before_the_pack_is_in_force_nothing_is_answered():
    result = means_test(plan(), "low", Household(applied_on=date(2016, 12, 31), members=1, income_fen=0))
    assert (result.outcome, result.clause) == ("not_in_force", "AK-8.5")


def test_an_unknown_test_or_an_empty_household_is_refused():
    with pytest.raises(InputErrors, match="severe"):
        means_test(plan(), "nothing", AT_LIMIT)
    with pytest.raises(InputErrors, match="0"):
        means_test(plan(), "severe", replace(AT_LIMIT, members=0))
    with pytest.raises(InputErrors, match="半"):
        exact_number("半")


# I-42: which standard


LOCAL = {
    "dibao_monthAT990101.urban": "800.00",
    "dibao_monthAT990101.rural": "600.00",
    "dibao_monthAT990200": "500.00",
}


def standard(household, readings=None, **values):
    return means_test(plan(readings, **{**LOCAL, **values}), "low", household).criteria[0]


def test_I_42_standard_of_the_registration_urban_or_rural_as_marked():
    home = Household(date(2023, 6, 15), 1, 0, registration="990101", residence="990203", marked="rural")
    assert standard(home).standard_fen == 60_000
    assert standard(replace(home, marked="urban")).standard_fen == 80_000
    assert "dibao_month@990101.rural" in standard(home).says


def test_I_42_other_readings_residence_and_the_higher_of_the_two():
    home = Household(date(2023, 6, 15), 1, 0, registration="990101", residence="990203", marked="rural")
    assert standard(home, {"I-42": "residence"}).standard_fen == 50_000
    higher = means_test(plan({"I-42": "higher"}, **LOCAL), "severe", replace(home, marked="", medical=()))
    assert criterion(higher).standard_fen == 80_000


def test_I_42_an_unknown_place_is_asked_for_when_values_differ_by_place():
    found = standard(Household(date(2023, 6, 15), 1, 0))
    assert found.outcome == "not_yet_known"
    assert found.missing == ("registration", "marked")


def test_I_42_standard_in_force_on_the_application_day():
    values = [
        EnteredValue("dibao_month", "600.00", "文件", date(2022, 1, 1)),
        EnteredValue("dibao_month", "660.00", "文件", date(2023, 1, 1)),
    ]
    entered = Entered(values)
    assert LocalResolver(entered, date(2022, 12, 31)).text("dibao_month") == "600.00"
    assert LocalResolver(entered, date(2023, 1, 1)).text("dibao_month") == "660.00"


def test_local_values_fall_back_to_city_province_and_plain():
    names = local_params("p", area="610902", kind="urban")
    assert names == (
        "p@610902.urban", "p@610902", "p@610900.urban", "p@610900", "p@610000.urban", "p@610000", "p@urban", "p"
    )  # fmt: skip
    assert {plain_param(name) for name in names} == {"p"}


@given(
    net=st.integers(-(10**10), 10**10), top=st.integers(0, 10**8), bottom=st.integers(1, 10**4),
    compare=st.sampled_from(["at_most", "below", "at_least", "above"]),
)  # fmt: skip
def test_law_comparing_whole_numbers_decides_as_exact_fractions_do(net, top, bottom, compare):
    limit = Fraction(top, bottom)
    right = {"at_most": net <= limit, "below": net < limit, "at_least": net >= limit, "above": net > limit}
    assert meets(net, compare, numerator=top, denominator=bottom)[0] == right[compare]


@given(income=st.integers(0, 10**9), cost=st.integers(0, 10**9), members=st.integers(1, 12))
def test_law_the_test_is_the_formula_of_I_19(income, cost, members):
    household = replace(
        AT_LIMIT, income_fen=income, members=members, medical=(MedicalCost(date(2023, 1, 1), cost, cost),)
    )
    found = criterion(means_test(THE_PLAN, "severe", household))
    assert (found.outcome == "passed") == (Fraction(income - cost, members) <= Fraction(3, 2) * 12 * 66_000)


THE_PLAN = plan()


def test_medical_costs_are_what_bills_left_in_policy_and_in_all():
    costs = medical_costs(
        [bill("2022-09-01", "10000 元", fulamt="500 元", preself="300 元", hifp="6000 元", maf="1000 元")]
    )
    assert costs == (MedicalCost(date(2022, 9, 1), 400_000, 380_000),)
    assert SAMPLES["dibao_month"] == "660.00"


def test_I_42_a_file_of_entered_values_may_name_area_and_residence_kind(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text('- {param: dibao_month@990101.urban, value: "800.00", source: 文件}\n', "utf-8")
    values = entered_values(path, plan().pack)
    assert [(v.param, v.value) for v in values] == [("dibao_month@990101.urban", "800.00")]


def test_income_by_month_cannot_fill_a_window_that_cuts_months():
    pack = plan().pack
    test = next(test for test in pack.means_tests if test.id == "severe")
    cut = msgspec.structs.replace(test.criteria[0], window="twelve_months_to_application")
    pack = msgspec.structs.replace(pack, means_tests=[msgspec.structs.replace(test, criteria=[cut])])
    months = {f"{year}-{month:02d}": 1 for year in (2022, 2023) for month in range(1, 13)}
    household = replace(AT_LIMIT, income_fen=None, income_months_fen=months)
    result = means_test(make_plan(pack, [EnteredValue("dibao_month", "660.00", "文件")]), "severe", household)
    assert (result.outcome, result.missing) == ("not_yet_known", ("income",))
