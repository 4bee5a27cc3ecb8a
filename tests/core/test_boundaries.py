"""Days, rows and words at their edges, each worked by hand: what mutation testing found nobody had written down."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from msgspec import UNSET
from sound_pack import source

from tuodi.batch.packs import pack_of
from tuodi.core.dates import Period
from tuodi.core.engine.conditions import whoever, windows_named
from tuodi.core.engine.features import figure_names
from tuodi.core.engine.fold import differences, due_windows, fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.rows import NEVER, UNLIMITED, silent_row
from tuodi.core.engine.windows import Judged, identity_windows, opens, reach_backs, window_of
from tuodi.core.errors import MissingValues
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import percent
from tuodi.core.policy.figures import Entered, EnteredValue, Resolver
from tuodi.core.policy.load import load_pack
from tuodi.core.policy.model import When
from tuodi.core.settlements import Settlement

PACKS = Path(__file__).parent.parent / "packs"
LIFE = Period(date(2022, 1, 1), date(2024, 12, 31))
WINDOW = {"clause": "JX-6", "name": "认定前 6 个月", "identities": ["dibao"], "months": 6}
RULE = {"clause": "JX-6", "identities": ["dibao"], "window": "recent"}


def pack(rule=RULE, **window):
    return load_pack(source({"windows": {"recent": WINDOW | window}, "identity_rules": [rule]}))


def dibao(first, last=None, certified=None, applied=None):
    days = [date.fromisoformat(day) if day else None for day in (first, last, certified, applied)]
    return IdentityRecord("甲", "dibao", *days)


def opened(record, *others, **window):
    return opens(pack(**window), "recent", record, [record, *others], LIFE)


def test_a_reach_back_holds_from_its_first_day_to_the_day_before_the_certification():
    """Certified on 2023-07-01, six months back: 2023-01-01 to 2023-06-30."""
    held = dibao("2023-07-01", certified="2023-07-01")
    backs = reach_backs(pack(), [held], life=LIFE)["recent"]
    inside = {day: window_of(backs, date.fromisoformat(day)) is not None
              for day in ("2022-12-31", "2023-01-01", "2023-06-30", "2023-07-01")}  # fmt: skip
    assert inside == {"2022-12-31": False, "2023-01-01": True, "2023-06-30": True, "2023-07-01": False}


@pytest.mark.parametrize(
    ("first", "last", "is_opened"),
    [("2023-06-30", "2023-06-30", False), ("2023-01-01", "2023-06-29", True), ("2023-01-01", "2023-06-30", False)],
)
def test_who_held_the_identity_the_day_before_has_not_newly_got_it(first, last, is_opened):
    renewed = dibao("2023-07-01", certified="2023-07-01")
    assert (opened(renewed, dibao(first, last, certified=first)) is not None) is is_opened


def test_a_window_before_the_application_looks_at_the_application():
    record = dibao("2023-07-01", certified="2023-07-01", applied="2023-05-01")
    assert (opened(record, before="applied_on").before, opened(record).before) == (date(2023, 5, 1), date(2023, 7, 1))


def test_only_certifications_before_the_first_day_reach_no_further_than_it():
    on_it = opened(dibao("2022-01-01", certified="2022-01-01"))
    before_it = opened(dibao("2021-12-31", certified="2021-12-31", applied="2022-02-01"), before="applied_on")
    assert (on_it.first, before_it.first) == (date(2021, 7, 1), date(2022, 1, 1))


@pytest.mark.parametrize(("certified", "count"), [("2024-12-31", 1), ("2025-01-01", 0)])
def test_I_31_a_certification_counts_up_to_the_last_day_in_force(certified, count):
    rule = {"clause": "JX-6", "identities": ["dibao"], "certified_months": 12}
    held = identity_windows(pack(rule), [dibao(certified, certified=certified)], life=LIFE)
    assert len(held) == count


def test_an_identity_of_one_day_counts_on_that_day_by_its_rule():
    rule = {"clause": "JX-6", "identities": ["dibao"], "certified_months": 12}
    [held] = identity_windows(pack(rule), [dibao("2023-05-01", "2023-05-01", certified="2023-05-01")], life=LIFE)
    assert (held.first, held.last, held.judged) == (date(2023, 5, 1), date(2023, 5, 1), Judged.CARE)
    assert held.rule.certified_months == 12


def rows_of(name, **values):
    """Return the numbers by which a pack's first layer counts an event and pays nothing, by name."""
    layer = pack_of(str(PACKS / name)).layers[0]
    resolver = Resolver(Entered([EnteredValue(*value) for value in values.values()]), date(2022, 1, 1))
    return dict(zip(figure_names(layer), silent_row(layer, layer.figures[0], resolver), strict=True))


def test_I_30_an_event_that_only_counts_uses_the_deductible_up_and_reaches_no_line():
    stays = rows_of("t15-stay-deductibles")
    assert (stays["deductible"], stays["deductibles_of_year"], stays["rate0"]) == (60_000, UNLIMITED, 0)
    lumps = rows_of("lump-sums")
    assert {value for name, value in lumps.items() if name.startswith("lump_from")} == {NEVER}
    assert {value for name, value in lumps.items() if name.startswith("lump") and "from" not in name} == {0}
    ceiling = rows_of("household-ceiling")
    assert (ceiling["trigger"], ceiling["target"]) == (NEVER, NEVER)


def test_conditions_without_those_on_the_person():
    bill = When(care=["inpatient"])
    assert whoever(When(category=["a"], identity=["dibao"], not_identity=["orphan"], care=["inpatient"])) == bill
    either = whoever(When(any_of=[When(category=["a"], care=["inpatient"]), When(care=["other"])]))
    assert either == When(any_of=[bill, When(care=["other"])])
    assert whoever(When(any_of=[When(category=["a"]), bill])).any_of is UNSET


def test_a_missing_value_is_told_with_rule_clause_question_place_and_day():
    with pytest.raises(MissingValues) as raised:
        fold(make_plan(load_pack(source())), [BILL], [dibao("2022-01-01")])
    [fault] = raised.value.faults
    assert fault.message.startswith(
        "规则“住院救助”（JX-4.1）需要授权参数 jx.standard（月低保标准），2023-03-01 当日没有录入值。请从民政部门文件查得数值"
    )


BILL = Settlement(
    setl_id="1", psn_no="甲", fixmedins_code="H1", med_type="21", begndate=date(2023, 3, 1), enddate=date(2023, 3, 1),
    setl_time=datetime(2023, 3, 1), diag_code="J18.9", medfee_sumamt=100_000, fulamt_ownpay_amt=0, overlmt_selfpay=0,
    preselfpay_amt=0, inscp_scp_amt=100_000,
)  # fmt: skip


def test_a_bill_that_earns_nothing_is_no_difference():
    plan = make_plan(load_pack(source()), [EnteredValue("jx.standard", "600.00", "县民政局文件")])
    nothing = fold(plan, [replace(BILL, hifp_pay=100_000)], [dibao("2022-01-01")])
    assert [layer.pay for layer in nothing[0].layers] == [0]
    assert differences([], nothing) == differences(nothing, []) == []
    [found] = differences(nothing, fold(plan, [BILL], [dibao("2022-01-01")]))
    assert (found.before, found.after, found.amount) == (0, 70_000, 70_000)


@pytest.mark.parametrize(("points", "text"), [(1_000, "10%"), (1_050, "10.5%"), (1_005, "10.05%"), (10_000, "100%")])
def test_rates_for_people(points, text):
    assert percent(points) == text


def test_a_lump_sum_that_falls_falls_where_each_claim_is_rounded_alone_too():
    """4,000 from 10,000 on, 1,000 from 30,000 on, 6,000 from 100,000 on: after 4,000 nothing is due, then 6,000 − 4,000 = 2,000."""
    lumps = [
        {"from": f"{at} 元", "amount": f"{amount} 元"} for at, amount in ((10000, 4000), (30000, 1000), (100000, 6000))
    ]
    made = load_pack(source({
        "delegated": None, "readings": None, "rounding": "each_claim", "layers.0.readings": None, "layers.0.caps": None,
        "layers.0.figures": [{"clause": "JX-4.1", "lumps": lumps}],
    }))  # fmt: skip
    bills = [
        replace(BILL, setl_id=str(month), setl_time=datetime(2022, month, 1), medfee_sumamt=fen, inscp_scp_amt=fen)
        for month, fen in ((2, 1_000_000), (3, 2_000_000), (4, 7_000_000))
    ]
    for reference in (False, True):
        results = fold(make_plan(made), bills, [dibao("2022-01-01")], reference=reference)
        assert [result.pay for result in results] == [400_000, 0, 200_000]


def test_DT_3_3_a_payment_waits_for_the_certification_whose_window_its_totals_run_in():
    [layer] = [one for one in pack_of("330305-dongtou").layers if one.period.startswith("window:")]
    assert due_windows(layer, covered_by_category=True)[:2] == ["twelve_months", "twelve_months"]


def test_an_identity_held_on_the_day_is_told_before_one_that_reaches_back_to_it():
    """Held on 2023-07-01 until 07-15, and again from 08-01, six months back: both windows meet the day; the held one is told."""
    found = pack()
    held = dibao("2023-01-01", "2023-07-15", certified="2023-01-10")
    later = dibao("2023-08-01", certified="2023-08-01")
    windows = identity_windows(found, [held, later], life=LIFE)
    day = date(2023, 7, 1)
    both = [w for w in windows if w.meets(care_first=day, care_last=day, settled=day)]
    assert {w.judged == Judged.SETTLED for w in both} == {True, False}
    bill = replace(BILL, begndate=day, enddate=day, setl_time=datetime(2023, 7, 1, 10))
    plan = make_plan(found, [EnteredValue("jx.standard", "600 元", "民政部门文件")])
    for records in ([held, later], [later, held]):
        result = fold(plan, [bill], records)[0]
        assert (result.window.judged == Judged.SETTLED, result.window.record.first) == (False, date(2023, 1, 1))


def test_who_belongs_to_a_category_that_no_layer_covers_is_told_the_clause_of_the_first_layer():
    """低保边缘 is a category (JX-3); 住院救助 (JX-4) covers 低保 only."""
    plan = make_plan(
        load_pack(source({"layers.0.covers.category": ["dibao"]})),
        [EnteredValue("jx.standard", "600.00", "县民政局文件")],
    )
    record = IdentityRecord("甲", "dibao_edge", date(2023, 1, 1))
    decision = fold(plan, [BILL], [record])[0].decision
    assert (decision.refusal, decision.clause, decision.identity) == ("not_covered", "JX-4", "dibao_edge")
    assert decision.says == "该病种、机构或身份没有适用的救助"


@pytest.mark.parametrize(("area", "pays"), [("999001", 60), ("", 60), ("888001", 30)])
def test_a_rule_for_who_is_registered_here_or_elsewhere(area, pays):
    """户籍在本县的 60%，在外县的 30%；没有写户籍的按本县。"""
    here = {"clause": "JX-4.1", "when": {"registered": ["here"]}, "rate": "60%", "caps": {"yearly": "3 万元"}}
    rules = [here, here | {"when": {"registered": ["elsewhere"]}, "rate": "30%"}]
    plan = make_plan(load_pack(source({"layers.0.figures": rules})))
    [result] = fold(plan, [replace(BILL, standard_area=area)], [dibao("2023-01-01")])
    assert result.pay == pays * 1_000


def test_rows_of_one_layer_that_bring_down_and_rows_that_rate():
    """账单 1000 元。低保：超过 999.99 元的，600 元以上全付；低保边缘：按 50%。"""
    rules = [
        {"clause": "JX-4.1", "when": {"category": ["dibao"]}, "bring_down": {"trigger": "999.99 元", "target": "600 元"}, "caps": {"yearly": "3 万元"}},
        {"clause": "JX-4.2", "when": {"category": ["edge"]}, "rate": "50%", "caps": {"yearly": "3 万元"}},
    ]  # fmt: skip
    plan = make_plan(load_pack(source({"layers.0.figures": rules})))
    edge = IdentityRecord("甲", "dibao_edge", date(2023, 1, 1))
    assert [fold(plan, [BILL], [held])[0].pay for held in (dibao("2023-01-01"), edge)] == [40_000, 50_000]


def test_rows_that_follow_each_other_answer_from_their_first_day_to_their_last():
    """2023-06-30 以前 70%，2023-07-01 起 50%：前后两天各 1000 元，700、500；先问后一天的也一样。"""
    dibao_only, caps = {"category": ["dibao"]}, {"yearly": "3 万元"}
    rules = [
        {"clause": "JX-4.1", "when": dibao_only, "last": "2023-06-30", "rate": "70%", "caps": caps},
        {"clause": "JX-4.1", "when": dibao_only, "first": "2023-07-01", "rate": "50%", "caps": caps},
        {"clause": "JX-4.2", "when": {"category": ["edge"]}, "rate": "60%", "caps": caps},
    ]
    days = [datetime(2023, 6, 30, 23), datetime(2023, 7, 1)]
    bills = [
        replace(BILL, setl_id=str(n), begndate=d.date(), enddate=d.date(), setl_time=d) for n, d in enumerate(days)
    ]
    for asked in (bills, bills[1:], bills[:1]):
        plan = make_plan(load_pack(source({"layers.0.figures": rules})))
        paid = {r.settlement.setl_id: r.pay for r in fold(plan, asked, [dibao("2023-01-01")])}
        assert paid == {one.setl_id: {"0": 70_000, "1": 50_000}[one.setl_id] for one in asked}


def test_a_policy_asks_for_what_its_conditions_name_and_for_nothing_else():
    made = load_pack(source({"layers.0.covers.care": None, "refusals": [
        {"id": "crime", "clause": "JX-7", "says": "违法犯罪", "when": {"any_of": [{"cause": ["crime"]}, {"referral": ["unfiled"]}]}},
    ]}))  # fmt: skip
    assert make_plan(made).asked == {"category", "any_of", "cause", "referral"}


def test_conditions_name_the_windows_they_ask_for_and_those_of_their_alternatives():
    assert windows_named(When()) == []
    assert windows_named(When(window="w", any_of=[When(window="v"), When(identity=["dibao"])])) == ["w", "v"]


@pytest.mark.parametrize(("med_type", "pays"), [("1401", 60), ("14", 60), ("11", 30), ("12", 0)])
def test_a_rule_for_kinds_of_care_by_their_national_code_or_its_beginning(med_type, pays):
    """门诊慢特病（14 开头）60%，普通门诊（11）30%，别的不管。"""
    slow = {"clause": "JX-4.1", "when": {"med_type": ["13", "14"]}, "rate": "60%", "caps": {"yearly": "3 万元"}}
    rules = [slow, slow | {"when": {"med_type": ["11"]}, "rate": "30%"}]
    plan = make_plan(load_pack(source({"layers.0.covers.care": None, "layers.0.figures": rules})))
    [result] = fold(plan, [replace(BILL, med_type=med_type)], [dibao("2023-01-01")])
    assert result.pay == pays * 1_000


@pytest.mark.parametrize(
    ("birth", "pays"), [(date(2023, 2, 1), 80), (date(2005, 3, 2), 80), (date(2005, 3, 1), 50), (date(2023, 3, 1), 80)]
)
def test_a_rule_for_children_is_for_infants_too_and_ends_on_the_birthday(birth, pays):
    """18 岁以下 80%，18 岁起 50%；2023-03-01 入院。"""
    young = {"clause": "JX-4.1", "when": {"age": {"to": 18}}, "rate": "80%", "caps": {"yearly": "3 万元"}}
    plan = make_plan(
        load_pack(source({"layers.0.figures": [young, young | {"when": {"age": {"from": 18}}, "rate": "50%"}]}))
    )
    [result] = fold(plan, [replace(BILL, birth=birth)], [dibao("2023-01-01")])
    assert result.pay == pays * 1_000


@pytest.mark.parametrize(
    ("entered", "code", "pays"),
    [("C16; E75", "E75.2", 70), ("C16; E75", "J18.9", 0), ("C16; E75", "C16.9", 70), (None, "J18.9", 70)],
)
def test_a_list_of_diagnoses_that_is_entered_restricts_and_one_that_is_not_restricts_nothing(entered, code, pays):
    """Decision 6."""
    asked = {"jx.list": {"clause": "JX-4", "asks": "病种目录", "left_to": "市级文件", "unit": "diagnoses"}}
    row = {
        "clause": "JX-4.1",
        "when": {"diagnosis": {"delegated": "jx.list"}},
        "rate": "70%",
        "caps": {"yearly": "3 万元"},
    }
    made = load_pack(source({"delegated": asked, "layers.0.figures": [row]}))
    plan = make_plan(made, [EnteredValue("jx.list", entered, "市级文件")] if entered else [])
    [result] = fold(plan, [replace(BILL, diag_code=code)], [dibao("2023-01-01")])
    assert result.pay == pays * 1_000
