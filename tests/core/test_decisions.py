"""What a decision says in full: refusals with nobody's category, layers that do not look, what insurers pay all the same."""

from datetime import date, datetime

import pytest
from strategies import bill, drawn, plan_of

from tuodi.core.engine.decide import NO_CATEGORY, NOT_IN_FORCE, NOT_YET_KNOWN, LayerChoice
from tuodi.core.engine.events import events_of
from tuodi.core.engine.fold import Application, fold, run, run_event, shape_of
from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import MissingValues, PackErrors
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import EnteredValue

HALF = {"clause": "ZZ-4.1", "rate": "50%"}
DAY = datetime(2024, 3, 1, 9)
DIBAO = IdentityRecord("甲", "dibao", date(2016, 1, 1))
EXCLUDED = {"id": "crime", "clause": "ZZ-5", "says": "违法犯罪", "when": {"cause": ["crime"]}}
INSURED = {
    "id": "basic", "name": "基本医保", "clause": "ZZ-6", "base": {"measure": "in_policy", "clause": "ZZ-6", "less": []},
    "fund": "fund", "pays": "hifp_pay", "figures": [{"clause": "ZZ-6", "rate": "60%"}],
}  # fmt: skip


def pays(pack, *bills, records=(DIBAO,)):
    return [result.pay for result in fold(plan_of(pack), bills, records)]


def said(decision):
    return decision.refusal, decision.clause, decision.says, decision.category, decision.identity


@pytest.mark.parametrize(
    ("in_force", "day", "life"),
    [({}, datetime(2021, 12, 31), "长期"), ({"last": "2024-02-29"}, DAY, "2024-02-29")],
)
def test_outside_its_life_a_policy_says_from_when_to_when_it_is_in_force(in_force, day, life):
    pack = drawn([{"id": "l0", "figures": [HALF]}], in_force={"clause": "ZZ-1", "first": "2022-01-01", **in_force})
    [result] = fold(plan_of(pack), [bill("1", day, 100_000)], [DIBAO])
    assert said(result.decision) == (NOT_IN_FORCE, "ZZ-1", f"不在政策施行期限内（2022-01-01 至 {life}）", 0, "")
    assert result.decision.layers == (LayerChoice(0, False),)


@pytest.mark.parametrize(("uncovered", "end"), [("ignored", ""), ("counted", "，只计入累计")])
def test_I_38_who_has_no_identity_is_of_no_category_whether_the_bill_counts_or_not(uncovered, end):
    pack = drawn([{"id": "l0", "figures": [HALF]}], uncovered_settlements=uncovered)
    [result] = fold(plan_of(pack), [bill("1", DAY, 100_000)], [])
    assert said(result.decision) == (NO_CATEGORY, "ZZ-2", f"就医期间没有属于本政策救助对象的身份{end}", 0, "")


def test_what_is_granted_is_no_refusal_and_says_nothing():
    [result] = fold(plan_of(drawn([{"id": "l0", "figures": [HALF]}])), [bill("1", DAY, 100_000)], [DIBAO])
    assert said(result.decision) == ("", "", "", 1, "dibao")


def test_I_38_a_bill_that_is_excluded_does_not_count_for_who_has_no_identity_yet():
    # Half of what lies above 1,000 in the year. 1,000 in March, dibao from April, 1,000: above it only if March counted.
    row = {"clause": "ZZ-4.1", "bands": [{"rate": "0%"}, {"from": "1000 元", "rate": "50%"}]}
    pack = drawn([{"id": "l0", "figures": [row]}], uncovered_settlements="counted", refusals=[EXCLUDED])
    later = IdentityRecord("甲", "dibao", date(2024, 4, 1))
    second = bill("2", datetime(2024, 4, 9, 9), 100_000)
    assert pays(pack, bill("1", DAY, 100_000, cause="crime"), second, records=[later]) == [0, 0]
    assert pays(pack, bill("1", DAY, 100_000), second, records=[later]) == [0, 50_000]


WAIVED = {"id": "l0", "deductible": {"waived_if_unreached": True}, "figures": [{**HALF, "deductible": "500 元"}]}


@pytest.mark.parametrize(
    ("more", "layer", "year"),
    [
        ({"cause": "crime"}, {}, {}),
        ({"med_type": "14"}, {"covers": {"category": ["first"], "care": ["inpatient"], "hospital": ["primary"]}}, {}),
        ({}, {}, {"in_force": {"clause": "ZZ-1", "first": "2022-01-01", "last": "2024-03-31"}}),
    ],
    ids=["refused", "not covered", "after the last day"],
)
def test_I_02_a_bill_on_which_the_layer_does_not_look_is_not_its_last_one_of_the_year(more, layer, year):
    pack = drawn([{**WAIVED, **layer}], refusals=[EXCLUDED], **year)
    bills = bill("1", DAY, 30_000, hosp_lv="09"), bill("2", datetime(2024, 4, 1, 9), 30_000, hosp_lv="09", **more)
    assert pays(pack, *bills) == [15_000, 0]


def test_I_02_a_bill_of_which_nobody_knows_is_not_the_last_one_of_the_year():
    figures = [{**HALF, "deductible": "500 元", "when": {"hospital": [tier]}} for tier in ("primary", "secondary")]
    bills = bill("1", DAY, 30_000, hosp_lv="09"), bill("2", datetime(2024, 4, 1, 9), 30_000)
    assert pays(drawn([{**WAIVED, "figures": figures}]), *bills) == [15_000, 0]


def test_I_02_each_member_of_a_household_has_a_last_bill_of_the_year_where_totals_are_a_person_s():
    bills = (
        bill("1", DAY, 30_000, household="户一"),
        bill("2", datetime(2024, 4, 1, 9), 30_000, psn_no="乙", household="户一"),
    )
    records = DIBAO, IdentityRecord("乙", "dibao", date(2016, 1, 1))
    assert pays(drawn([WAIVED]), *bills, records=records) == [15_000, 15_000]


def insured(plan, **more):
    """Return what the insurer pays for a bill of 1,000 from its total, and the refusal of assistance."""
    [result] = fold(plan, [bill("1", DAY, 100_000, **more)], [DIBAO])
    return [(layer.layer, layer.pay) for layer in result.layers], result.decision.refusal


def test_AK_4_1_what_insurers_pay_does_not_depend_on_whether_assistance_looks():
    by_level = {
        "figures": [
            {**HALF, "when": {"hospital": ["primary"]}},
            {**HALF, "rate": "40%", "when": {"hospital": ["secondary"]}},
        ]
    }
    plan = make_plan(drawn([{"id": "l0", **by_level}], insurance=[INSURED], refusals=[EXCLUDED]), simulate=True)
    assert insured(plan, hosp_lv="09") == ([("basic", 60_000), ("l0", 20_000)], "")
    assert insured(plan, hosp_lv="09", cause="crime") == ([("basic", 60_000)], "crime")
    assert insured(plan) == ([("basic", 60_000)], NOT_YET_KNOWN)


def test_AK_4_1_what_insurers_pay_is_not_known_where_it_depends_on_what_nobody_knows():
    rates = [
        {"clause": "ZZ-6", "rate": rate, "when": {"hospital": [tier]}}
        for tier, rate in (("primary", "80%"), ("secondary", "60%"))
    ]
    plan = make_plan(drawn([{"id": "l0", "figures": [HALF]}], insurance=[{**INSURED, "figures": rates}]), simulate=True)
    assert insured(plan, hosp_lv="05") == ([("basic", 60_000), ("l0", 20_000)], "")
    assert insured(plan) == ([], NOT_YET_KNOWN)


def test_a_bill_that_lacks_the_level_and_whose_figures_nobody_has_entered_asks_for_the_figures():
    asked = {"zz.rate": {"clause": "ZZ-4", "asks": "救助比例", "left_to": "市级文件", "unit": "percent"}}
    row = {"clause": "ZZ-4.1", "rate": {"delegated": "zz.rate"}}
    figures = [{**row, "when": {"hospital": [tier]}} for tier in ("primary", "secondary", "tertiary")]
    with pytest.raises(MissingValues) as error:
        fold(make_plan(drawn([{"id": "l0", "figures": figures}], delegated=asked)), [bill("1", DAY, 100_000)], [DIBAO])
    assert [dict(f.fields)["param"] for f in error.value.faults] == ["zz.rate"]


def test_an_infant_is_asked_for_where_the_first_year_of_life_is_another_rule():
    plan = plan_of(drawn([{"id": "l0", "figures": [{**HALF, "when": {"age": {"from": 1}}}]}]))
    [result] = fold(plan, [bill("1", DAY, 100_000)], [DIBAO])
    assert result.decision.refusal == NOT_YET_KNOWN


def test_the_slow_evaluator_runs_where_it_is_asked_for_and_nowhere_else(monkeypatch):
    plan = plan_of(drawn([{"id": "l0", "figures": [HALF]}]))
    bills, asked = [bill("1", DAY, 100_000)], []
    events = events_of(plan, bills, [DIBAO])
    monkeypatch.setattr("tuodi.core.engine.fold.evaluate", lambda *known: asked.append(known) or 1 / 0)
    assert [r.pay for r in (*fold(plan, bills, [DIBAO]), *run(plan, events))] == [50_000, 50_000]
    assert run_event(plan, shape_of(plan), events[0], {}).pay == 50_000
    for slow in (lambda: fold(plan, bills, [DIBAO], reference=True), lambda: run(plan, events, reference=True)):
        with pytest.raises(ZeroDivisionError):
            slow()


WINDOWS = {"recent": {"clause": "ZZ-7", "name": "认定前 6 个月", "identities": ["illness_poverty"], "months": 6}}


@pytest.mark.parametrize(
    ("covers", "held", "due"),
    [
        # Covered by the window named: paid once certified. Covered by category or by the window: by category paid at once.
        ({"window": "recent"}, [], date(2024, 6, 1)),
        ({"window": "recent"}, [DIBAO], date(2024, 6, 1)),
        ({"any_of": [{"category": ["first"]}, {"window": "recent"}]}, [], date(2024, 6, 1)),
        ({"any_of": [{"category": ["first"]}, {"window": "recent"}]}, [DIBAO], date(2024, 3, 1)),
    ],
)
def test_DT_3_3_a_payment_waits_for_the_certification_that_covers_it(covers, held, due):
    plan = plan_of(drawn([{"id": "l0", "covers": covers, "figures": [HALF]}], windows=WINDOWS))
    certified = IdentityRecord("甲", "illness_poverty", date(2024, 6, 1), certified_on=date(2024, 6, 1))
    [result] = fold(plan, [bill("1", DAY, 100_000)], [*held, certified])
    assert [(layer.pay, layer.due_on) for layer in result.layers] == [(50_000, due)]


def test_TH_3_2_6_a_share_of_what_is_due_is_told_with_its_clause():
    factor = {"state": "declined_basic_service", "share": "50%", "clause": "ZZ-8"}
    plan = plan_of(drawn([{"id": "l0", "figures": [HALF], "factor": factor}]))
    declined = IdentityRecord("甲", "declined_basic_service", date(2016, 1, 1))
    [result] = fold(plan, [bill("1", DAY, 100_000)], [DIBAO, declined])
    assert (result.pay, result.layers[0].clauses) == (25_000, ("ZZ-3", "ZZ-4", "ZZ-4.1", "ZZ-8"))


def test_I_30_each_row_s_own_deductible_is_used_up_before_the_first_day_where_that_counts():
    # In force from July. First category: delegated, 1,000; second: 300. 1,000 in May earns nothing and uses them up; July pays half.
    asked = {"zz.line": {"clause": "ZZ-4", "asks": "起付线", "left_to": "市级文件", "unit": "yuan"}}
    rows = [
        {**HALF, "when": {"category": ["first"]}, "deductible": {"delegated": "zz.line"}},
        {**HALF, "when": {"category": ["second"]}, "deductible": "300 元"},
    ]
    in_force = {"clause": "ZZ-1", "first": "2022-07-01", "earlier_in_first_year": "counts"}
    pack = drawn([{"id": "l0", "figures": rows}], in_force=in_force, delegated=asked)
    plan = make_plan(pack, [EnteredValue("zz.line", "1000.00", "市级文件", date(2022, 1, 1))])
    held = [DIBAO, IdentityRecord("乙", "low_income", date(2016, 1, 1))]
    for first in (100_000, 20_000):
        for second_line, who in ((100_000, "甲"), (30_000, "乙")):
            bills = (
                bill("1", datetime(2022, 5, 1, 9), first, psn_no=who),
                bill("2", datetime(2022, 7, 1), 100_000, psn_no=who),
            )
            left = max(0, second_line - first)
            assert [result.pay for result in fold(plan, bills, held)] == [0, (100_000 - left) // 2]


def test_a_row_whose_bands_are_out_of_order_is_refused_with_layer_clause_and_figure():
    asked = {"zz.from": {"clause": "ZZ-4", "asks": "第二段起点", "left_to": "市级文件", "unit": "yuan"}}
    bands = [{"rate": "50%"}, {"from": {"delegated": "zz.from"}, "rate": "60%"}, {"from": "1 万元", "rate": "70%"}]
    pack = drawn([{"id": "l0", "figures": [{"clause": "ZZ-4.1", "bands": bands}]}], delegated=asked)
    plan = make_plan(pack, [EnteredValue("zz.from", "20000.00", "市级文件")])
    with pytest.raises(PackErrors) as error:
        fold(plan, [bill("1", DAY, 100_000)], [DIBAO])
    [wrong] = error.value.faults
    assert (wrong.code, dict(wrong.fields)) == ("E-PACK-RANGE", {"layer": "一层", "clause": "ZZ-3", "figure": "from2"})


def test_a_layer_on_application_whose_value_nobody_has_entered_does_not_look_and_says_what_is_missing():
    asked = {"zz.rate": {"clause": "ZZ-4", "asks": "救助比例", "left_to": "市级文件", "unit": "percent"}}
    row = {"clause": "ZZ-4.1", "rate": {"delegated": "zz.rate"}}
    plan = make_plan(drawn([{"id": "l0", "due": "application", "figures": [row]}], delegated=asked))
    bills, applied = [bill("1", DAY, 100_000)], [Application("甲", "l0", date(2024, 5, 1))]
    [result] = fold(plan, bills, [DIBAO])
    [choice] = result.decision.layers
    assert choice == LayerChoice(0, False, plan.layers[0].figures[0], choice.missing)
    with pytest.raises(MissingValues) as error:
        fold(plan, bills, [DIBAO], applied)
    assert error.value is choice.missing


def lacking(pack, day):
    """Return what the message says of the one value that is missing."""
    with pytest.raises(MissingValues) as error:
        fold(make_plan(pack), [bill("1", day, 100_000)], [DIBAO])
    [missing] = error.value.faults
    return {name: dict(missing.fields)[name] for name in ("rule", "clause", "param", "asks", "left_to", "day")}


def test_a_day_that_nobody_has_entered_is_asked_for_with_the_rule_that_begins_on_it():
    asked = {"zz.day": {"clause": "ZZ-4", "asks": "新比例起算日", "left_to": "市级文件", "unit": "day"}}
    said_of_both = {"param": "zz.day", "asks": "新比例起算日", "left_to": "市级文件"}
    row = {**HALF, "first": {"delegated": "zz.day"}}
    found = lacking(drawn([{"id": "l0", "figures": [row]}], delegated=asked), DAY)
    assert found == {**said_of_both, "rule": "ZZ-4.1", "clause": "ZZ-4.1", "day": "2024-03-01 当日"}
    in_force = {"clause": "ZZ-1", "first": {"delegated": "zz.day"}}
    found = lacking(drawn([{"id": "l0", "figures": [HALF]}], delegated=asked, in_force=in_force), DAY)
    assert found == {**said_of_both, "rule": "施行期限", "clause": "ZZ-1", "day": "还"}


def test_a_penalty_may_be_for_one_category_or_one_kind_of_care():
    penalties = [
        {"clause": "ZZ-4.2", "when": {"category": ["second"]}, "share": "20%"},
        {"clause": "ZZ-4.2", "when": {"care": ["chronic_outpatient"]}, "share": "10%"},
    ]
    base = {"measure": "in_policy", "clause": "ZZ-4", "penalties": penalties}
    pack, low = (
        drawn([{"id": "l0", "base": base, "figures": [HALF]}]),
        IdentityRecord("甲", "low_income", date(2016, 1, 1)),
    )
    for records, care, paid in ((DIBAO, "21", 50_000), (DIBAO, "14", 45_000), (low, "21", 40_000), (low, "14", 40_000)):
        assert pays(pack, bill("1", DAY, 100_000, med_type=care), records=[records]) == [paid]


ASKED = {"clause": "ZZ-1", "asks": "日期", "left_to": "文件", "unit": "day"}


def test_I_32_a_last_day_that_an_administrator_may_enter_ends_the_policy_once_entered():
    force = {"clause": "ZZ-1", "first": "2022-01-01", "last": {"delegated": "zz.last"}}
    layers, ends = [{"id": "l0", "figures": [HALF]}], [EnteredValue("zz.last", "2024-02-29", "文件")]
    open_ = drawn(layers, in_force=force, delegated={"zz.last": {**ASKED, "optional": True}})
    [granted] = fold(make_plan(open_), [bill("1", DAY, 100_000)], [DIBAO])
    [refused] = fold(make_plan(open_, ends), [bill("1", DAY, 100_000)], [DIBAO])
    assert (granted.pay, refused.pay, refused.decision.refusal) == (50_000, 0, NOT_IN_FORCE)
    with pytest.raises(MissingValues, match=r"zz\.last"):
        make_plan(drawn(layers, in_force=force, delegated={"zz.last": ASKED}))
