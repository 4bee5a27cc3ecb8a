"""A document put in force again from a day is folded as one document with dated figures would be (decision 13)."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tuodi.batch.packs import entered_values, pack_of
from tuodi.core.engine.fold import Application, fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.versions import Period, Version, answering, fold_documents, fold_periods, fold_versions
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.load import load_pack, read_source
from tuodi.core.settlements import Settlement

SAMPLE = Path(__file__).parent.parent / "data" / "delegated-sample.yaml"
TEXT = """
pack: dated
name: 分段变化
area: "000114"
document: {{title: 试验, issuer: 试验县}}
in_force: {{clause: GV-1, first: 2023-01-01}}
care: {{clause: GV-2, inpatient: ["21"], chronic_outpatient: ["14"]}}
categories:
  - {{id: {first}, name: 第一类, clause: GV-3, identities: [{first}]}}
  - {{id: {second}, name: 第二类, clause: GV-3, identities: [{second}]}}
no_category: GV-3
funds: [{{id: assistance, name: 医疗救助基金, clause: GV-9}}]
layers:
  - id: inpatient
    name: 住院救助
    clause: GV-4
    covers: {{care: [inpatient], category: [extreme_poverty, dibao]}}
    base: {{measure: in_policy, clause: GV-4}}
    fund: assistance
    deductible: {{per: year}}
    caps: {{year: {{per: year, clause: GV-5}}}}
    figures:
      - clause: GV-4.1
        deductible: 500 元
        rate: {rate}
        caps: {{year: {cap}}}
"""
CHANGED = date(2024, 7, 1)
HELD = [
    IdentityRecord("甲", "dibao", date(2023, 1, 1)),
    IdentityRecord("甲", "extreme_poverty", date(2024, 5, 1), date(2024, 9, 30)),
]


def plan(rate, cap, first="extreme_poverty", second="dibao", changes=()):
    text = TEXT.format(rate=rate, cap=cap, first=first, second=second)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return make_plan(load_pack(read_source(text, file="dated.yaml")))


def bill(number, at, fen):
    return Settlement(
        setl_id=f"{number:03d}", psn_no="甲", fixmedins_code="H1", med_type="21", begndate=at.date() - timedelta(days=9),
        enddate=at.date(), setl_time=at, diag_code="J18", medfee_sumamt=fen, fulamt_ownpay_amt=0, overlmt_selfpay=0,
        preselfpay_amt=0, inscp_scp_amt=fen,
    )  # fmt: skip


def bills(seed):
    chance = random.Random(seed)
    first = datetime(2024, 1, 5)
    return [bill(n, first + timedelta(hours=chance.randrange(9000)), chance.randrange(1, 90_000)) for n in range(25)]


def parted(some):
    return [s for s in some if s.setl_time.date() < CHANGED], [s for s in some if s.setl_time.date() >= CHANGED]


@pytest.mark.parametrize("seed", range(8))
def test_two_versions_pay_what_one_document_with_dated_figures_pays(seed):
    dated = plan(
        "[{first: 2023-01-01, value: 60%}, {first: 2024-07-01, value: 83%}]",
        "[{first: 2023-01-01, value: 2000 元}, {first: 2024-07-01, value: 3000 元}]",
    )
    before, after = parted(bills(seed))
    found = fold_versions(
        [Version(plan("60%", "2000 元"), before), Version(plan("83%", "3000 元"), after)], HELD
    )  # fmt: skip
    expected = fold(dated, bills(seed), HELD)
    assert [(r.settlement.setl_id, r.layers) for r in found] == [(r.settlement.setl_id, r.layers) for r in expected]
    assert any(layer.cut for r in found for layer in r.layers)


def test_versions_that_answer_in_turns_share_their_totals():
    early, late = plan("100%", "1000 元"), plan("100%", "2000 元")
    some = [bill(n, datetime(2024, 3 + n, 1), 70_000) for n in range(4)]
    found = fold_versions([Version(early, some[::2]), Version(late, some[1::2])], HELD[:1])
    assert [r.pay for r in found] == [20_000, 70_000, 10_000, 100_000]


def test_AK_4_2_1_versions_pay_on_application_what_one_document_pays():
    """低保 2024 年两次 8 万：救助 4 万后升到 5 万，倾斜按两次剩下的一起算；年中照原样重新施行一次，不改变任何一次。"""
    pack = pack_of("610900-ankang")
    values = entered_values(SAMPLE, pack)
    one, again = make_plan(pack, values), make_plan(pack, values)
    some = [bill(1, datetime(2024, 3, 1), 8_000_000), bill(2, datetime(2024, 9, 1), 8_000_000)]
    asked = [Application("甲", "tilted", date(2024, 12, 1))]
    expected = fold(one, some, HELD[:1], asked)
    found = fold_versions([Version(one, some[:1]), Version(again, some[1:])], HELD[:1], asked)
    assert [r.layers for r in found] == [r.layers for r in expected]
    assert all(layer.pay for r in found for layer in r.layers if layer.layer == "tilted")


def test_one_version_is_the_fold_of_its_document():
    one = plan("60%", "2000 元")
    found, expected = fold_versions([Version(one, bills(1))], HELD), fold(one, bills(1), HELD)
    assert [r.layers for r in found] == [r.layers for r in expected]


def test_I_02_a_deductible_that_a_household_never_reached_is_waived_once_over_versions():
    """起付线 500 元按户、全年没有达到的不再扣：甲 100、乙 200、甲 100，全在起付线以内，由全户最后一次补齐 400。"""
    text = TEXT.format(rate="100%", cap="9000 元", first="extreme_poverty", second="dibao")
    text = text.replace(
        "deductible: {per: year}", "of: household\n    deductible: {per: year, waived_if_unreached: true}"
    )
    one, again = (make_plan(load_pack(read_source(text, file="dated.yaml"))) for _ in range(2))
    months = [datetime(2024, 2, 1), datetime(2024, 3, 1), datetime(2024, 9, 1)]
    some = [
        replace(bill(n, at, fen), psn_no=who, household="户")
        for n, (at, fen, who) in enumerate(zip(months, (10_000, 20_000, 10_000), "甲乙甲", strict=True))
    ]
    held = [HELD[0], replace(HELD[0], psn_no="乙")]
    expected = fold(one, some, held)
    found = fold_versions([Version(one, some[:2]), Version(again, some[2:])], held)
    assert [r.pay for r in found] == [r.pay for r in expected] == [0, 0, 40_000]


def test_a_category_is_known_by_its_name_where_versions_list_them_otherwise_I_13():
    versions = plan("50%", "1000 元"), plan("50%", "9000 元", first="dibao", second="extreme_poverty")
    some = [bill(1, datetime(2024, 2, 1), 400_000), bill(2, datetime(2024, 8, 1), 100_000)]
    held = HELD[:1]
    kept = fold_versions([Version(plan_, [one]) for plan_, one in zip(versions, some, strict=True)], held)
    assert kept[1].before["inpatient.last_category"] == 1
    assert [r.pay for r in kept] == [100_000, 125_000]
    other = [HELD[0], IdentityRecord("甲", "extreme_poverty", date(2024, 8, 1))]
    swapped = plan("50%", "9000 元", first="extreme_poverty", second="dibao")
    changed = fold_versions([Version(versions[0], some[:1]), Version(swapped, some[1:])], other)
    assert [r.pay for r in changed] == [100_000, 50_000]


@pytest.mark.parametrize("seed", range(4))
def test_I_11_each_settlement_is_folded_under_the_plan_in_force_on_its_day(seed):
    some = [
        *bills(seed),
        bill(90, datetime(2024, 6, 30, 23, 59), 7_000),
        bill(91, datetime(2024, 7, 1), 7_000),
        bill(92, datetime(2023, 2, 1), 9_000),
    ]
    early, late = plan("60%", "2000 元"), plan("83%", "3000 元")
    periods = [Period(early, date(2023, 6, 1), CHANGED), Period(late, CHANGED, None)]
    before, after = parted(some)
    expected = fold_versions([Version(early, before), Version(late, after)], HELD)
    found = fold_periods(periods, some, HELD)
    assert [(r.settlement.setl_id, r.layers) for r in found] == [(r.settlement.setl_id, r.layers) for r in expected]
    assert found[0].settlement.setl_id == "092"


def another(first, *, counts):
    """A document of its own with the same rules, in force from a day."""
    chosen = ", earlier_in_first_year: counts" if counts else ""
    text = TEXT.format(rate="100%", cap="9000 元", first="extreme_poverty", second="dibao").replace(
        "pack: dated", "pack: other"
    )
    text = text.replace("first: 2023-01-01", f"first: {first}{chosen}")
    return make_plan(load_pack(read_source(text, file="other.yaml")))


@pytest.mark.parametrize(
    ("counts", "areas", "first", "pays"),
    [
        (True, (), CHANGED, 70_000), (True, ("A", "A"), CHANGED, 70_000), (True, ("A", "B"), CHANGED, 20_000),
        (False, (), CHANGED, 20_000), (True, (), date(2025, 1, 1), 20_000),
    ],
)  # fmt: skip
def test_I_30_another_document_begins_with_nothing_unless_it_says_otherwise_of_its_own_area(counts, areas, first, pays):
    """起付线 500 元、全额：前一份文件里的 700 元付 200；后一份里的 700 元，计入此前的付 700，否则再扣一次起付线付 200。"""
    plans = [plan("100%", "9000 元"), another(first, counts=counts)]
    day = datetime(first.year, 8, 1)
    groups = {0: [bill(1, datetime(2024, 3, 1), 70_000)], 1: [bill(2, day, 70_000)]}
    found = fold_documents(plans, groups, HELD[:1], areas=areas)
    assert {setl_id: result.pay for setl_id, result in found.items()} == {"001": 20_000, "002": pays}


def test_I_30_a_bill_that_another_document_answers_for_on_the_first_day_or_later_does_not_count():
    """起付线 500 元、全额：施行当日（住院始于施行前）由另一份文件答复的 700 元不计入此前，八月的 700 元仍扣起付线，付 200。"""
    plans = [plan("100%", "9000 元"), another(CHANGED, counts=True)]
    groups = {0: [bill(1, datetime(2024, 7, 1), 70_000)], 1: [bill(2, datetime(2024, 8, 1), 70_000)]}
    assert fold_documents(plans, groups, HELD[:1])["002"].pay == 20_000


def test_I_30_every_version_of_a_document_that_counts_what_came_earlier_answers():
    plans = [plan("100%", "9000 元"), another(CHANGED, counts=True), another(CHANGED, counts=True)]
    groups = {n: [bill(n, datetime(2024, 6 + n, 1), 70_000)] for n in range(3)}
    found = fold_documents(plans, groups, HELD[:1])
    assert {setl_id: result.pay for setl_id, result in found.items()} == {"000": 20_000, "001": 70_000, "002": 70_000}


@pytest.mark.parametrize("versions", [1, 2])
def test_AK_4_2_1_an_application_is_heard_whatever_number_of_plans_answers(versions):
    pack = pack_of("610900-ankang")
    plans = [make_plan(pack, entered_values(SAMPLE, pack)) for _ in range(versions)]
    some = [bill(1, datetime(2024, 3, 1), 8_000_000), bill(2, datetime(2024, 9, 1), 8_000_000)]
    asked = [Application("甲", "tilted", date(2024, 12, 1))]
    days = [date(2022, 1, 1), CHANGED, None]
    periods = [Period(p, days[n], CHANGED if n + 1 < versions else None) for n, p in enumerate(plans)]
    expected = fold(plans[0], some, HELD[:1], asked)
    found = fold_periods(periods, some, HELD[:1], asked)
    assert [r.layers for r in found] == [r.layers for r in expected]
    assert any(layer.pay for r in found for layer in r.layers if layer.layer == "tilted")


def test_I_11_what_came_before_the_first_plan_is_its_own_and_a_plan_ends_the_day_before_the_next():
    early, late = plan("60%", "2000 元"), plan("83%", "3000 元")
    periods = [Period(early, date(2023, 6, 1), CHANGED), Period(late, CHANGED, None)]
    assert answering(periods, bill(1, datetime(2023, 2, 1), 1)) == 0
    assert not periods[0].answers(CHANGED)
    assert periods[0].answers(CHANGED - timedelta(days=1))


def test_versions_that_answer_for_nothing_or_for_one_bill_are_folded_all_the_same():
    versions = [Version(plan("60%", "2000 元"), []), Version(plan("83%", "3000 元"), [])]
    assert fold_versions(versions, HELD) == []
    [only] = fold_versions([versions[0], Version(versions[1].plan, [bill(1, datetime(2024, 8, 1), 150_000)])], HELD)
    assert only.pay == 83_000


def test_a_total_that_ends_with_its_version_takes_no_other_with_it():
    """前一版起付线终身一次、后一版按年：起付线累计没有去处，年度限额 2000 元已用的 1500 元仍在，只剩 500 元。"""
    early = plan("100%", "2000 元", changes=[("{per: year}", "{per: once}")])
    some = [bill(1, datetime(2024, 3, 1), 200_000), bill(2, datetime(2024, 8, 1), 200_000)]
    found = fold_versions([Version(early, some[:1]), Version(plan("100%", "2000 元"), some[1:])], HELD[:1])
    assert [r.pay for r in found] == [150_000, 50_000]


def test_a_total_that_only_the_later_version_has_begins_with_nothing():
    """前一版没有起付线：后一版的 500 元起付线一分没扣过，1000 元付 500 元。"""
    early = plan(
        "100%", "9000 元", changes=[("        deductible: 500 元\n", ""), ("    deductible: {per: year}\n", "")]
    )
    some = [bill(1, datetime(2024, 3, 1), 100_000), bill(2, datetime(2024, 8, 1), 100_000)]
    found = fold_versions([Version(early, some[:1]), Version(plan("100%", "9000 元"), some[1:])], HELD[:1])
    assert [r.pay for r in found] == [100_000, 50_000]


def test_I_13_who_had_no_category_yet_has_none_in_the_next_version():
    counted = [("no_category: GV-3", "no_category: GV-3\nuncovered_settlements: counted")]
    plans = [plan("100%", "9000 元", changes=counted) for _ in range(2)]
    some = [bill(1, datetime(2024, 3, 1), 100_000), bill(2, datetime(2024, 8, 1), 100_000)]
    later = [IdentityRecord("甲", "dibao", date(2024, 8, 1))]
    found = fold_versions([Version(p, [s]) for p, s in zip(plans, some, strict=True)], later)
    assert found[1].before["inpatient.last_category"] == 0
    assert [r.pay for r in found] == [0, 50_000]


OTHERS = [("category: [extreme_poverty, dibao]", "category: [extreme_poverty, low_income]")]


def test_I_13_a_category_that_a_version_no_longer_has_is_none_of_its_categories():
    late = plan("50%", "9000 元", second="low_income", changes=OTHERS)
    some = [bill(1, datetime(2024, 2, 1), 400_000), bill(2, datetime(2024, 8, 1), 100_000)]
    held = [replace(HELD[0], last=date(2024, 7, 31)), IdentityRecord("甲", "extreme_poverty", date(2024, 8, 1))]
    found = fold_versions([Version(plan("50%", "1000 元"), some[:1]), Version(late, some[1:])], held)
    assert found[1].before["inpatient.last_category"] > len(late.pack.categories)
    # Cut at 1000 before; of another category now, so that what was cut is not paid again.
    assert [r.pay for r in found] == [100_000, 50_000]


def test_I_13_a_category_that_one_version_in_between_does_not_have_stops_nothing():
    """第一版有低保、第二版没有、第三版又有：第二版里不予救助，第三版照常付，起付线和限额接着算。"""
    plans = plan("50%", "9000 元"), plan("50%", "9000 元", second="low_income", changes=OTHERS), plan("50%", "9000 元")
    some = [bill(n, datetime(2024, 2 + 3 * n, 1), 150_000) for n in range(3)]
    found = fold_versions([Version(p, [s]) for p, s in zip(plans, some, strict=True)], HELD[:1])
    assert [r.pay for r in found] == [50_000, 0, 75_000]


def test_I_02_each_person_and_year_has_its_own_last_bill_over_versions():
    """起付线 500 元按人、全年没有达到的不再扣：同户甲、乙和甲的前一年各有自己的最后一次，各补齐扣掉的。"""
    changes = [("deductible: {per: year}", "deductible: {per: year, waived_if_unreached: true}")]
    one, again = (plan("100%", "9000 元", changes=changes) for _ in range(2))
    times = [datetime(2023, 9, 1), datetime(2024, 3, 1), datetime(2024, 8, 1), datetime(2024, 9, 1)]
    some = [
        replace(bill(n, at, 10_000), psn_no=who, household="户")
        for n, (at, who) in enumerate(zip(times, "甲乙甲甲", strict=True))
    ]
    held = [HELD[0], replace(HELD[0], psn_no="乙")]
    expected = fold(one, some, held)
    found = fold_versions([Version(one, some[:2]), Version(again, some[2:])], held)
    assert [r.pay for r in found] == [r.pay for r in expected] == [10_000, 10_000, 0, 20_000]
