"""Identity windows at their edges, worked by hand: the day before, the day itself, the day after."""

from datetime import date, timedelta

import msgspec
import pytest

from tuodi.batch.packs import pack_of
from tuodi.core.dates import FOREVER, Period
from tuodi.core.engine.windows import Judged, ReachBack, identity_windows, opens, reach_backs, window_of
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.model import IdentityRule, Window

LIFE = Period(date(2022, 1, 1), date(2023, 12, 31))
DAY = timedelta(days=1)


def pack(*, rule=None, window=None):
    """Return a pack with one rule of identities and one reach-back window for illness-poverty people."""
    rules = [IdentityRule(clause="ZZ-1", identities=["illness_poverty"], **rule)] if rule else []
    windows = {"w": Window(clause="ZZ-2", name="追溯", identities=["illness_poverty"], **window)} if window else {}
    return msgspec.structs.replace(pack_of("320902-tinghu"), identity_rules=rules, windows=windows)


def record(first=date(2023, 3, 1), identity="illness_poverty", **more):
    return IdentityRecord("甲", identity, first, **more)


def spans(made, *records):
    return [(w.first, w.last, w.judged) for w in identity_windows(made, records, life=LIFE)]


def test_TH_3_2_8_a_certification_lasts_twelve_months_from_its_day():
    made = pack(rule={"certified_months": 12})
    assert spans(made, record(certified_on=date(2023, 3, 1))) == [(date(2023, 3, 1), date(2024, 2, 29), Judged.CARE)]
    assert spans(made, record()) == [(date(2023, 3, 1), date(2024, 2, 29), Judged.CARE)]


def test_TH_3_2_8_it_reaches_back_twelve_months_before_the_application():
    made = pack(rule={"certified_months": 12, "reach_back_months": 12})
    held = record(certified_on=date(2023, 3, 1), applied_on=date(2023, 2, 10))
    assert spans(made, held) == [(date(2022, 2, 10), date(2024, 2, 29), Judged.BOTH)]


@pytest.mark.parametrize(("certified_on", "count"), [(LIFE.last - DAY, 1), (LIFE.last, 1), (LIFE.last + DAY, 0)])
def test_I_31_a_certification_after_the_last_day_in_force_gives_nothing(certified_on, count):
    made = pack(rule={"certified_months": 12})
    assert len(spans(made, record(certified_on, certified_on=certified_on))) == count


@pytest.mark.parametrize(
    ("certified_on", "count"),
    [(date(2022, 3, 2), 1), (date(2022, 3, 1), 0)],
    ids=["expires on its first day", "before"],
)
def test_a_certification_that_expires_before_it_begins_gives_nothing(certified_on, count):
    # Certified for twelve months, the identity begins 2023-03-01: the last day is 2023-03-01 or 2023-02-28.
    made = pack(rule={"certified_months": 12})
    assert len(spans(made, record(certified_on=certified_on))) == count


def test_TH_3_2_9_an_ended_identity_holds_to_the_end_of_its_month_and_no_longer_than_its_certification():
    made = pack(rule={"certified_months": 12, "lasts_until": "month_end"})
    ended = record(certified_on=date(2023, 3, 1), last=date(2023, 6, 10))
    assert spans(made, ended) == [(date(2023, 3, 1), date(2023, 6, 30), Judged.CARE)]
    later = record(certified_on=date(2023, 3, 1), last=date(2024, 6, 10))
    assert spans(made, later) == [(date(2023, 3, 1), date(2024, 2, 29), Judged.CARE)]


def test_I_25_a_certification_may_last_to_the_end_of_its_month():
    made = pack(rule={"certified_months": 12, "certified_until": "month_end"})
    held = record(date(2023, 3, 15), certified_on=date(2023, 3, 15))
    assert spans(made, held) == [(date(2023, 3, 15), date(2024, 3, 31), Judged.CARE)]


def test_QD_3_3_1_an_identity_goes_on_two_years_after_its_end():
    made = pack(rule={"months_after_end": 24})
    assert spans(made, record(last=date(2023, 6, 10))) == [(date(2023, 3, 1), date(2025, 6, 10), Judged.CARE)]
    assert spans(made, record()) == [(date(2023, 3, 1), FOREVER, Judged.CARE)]


def test_an_application_reaches_back_only_when_that_is_earlier_than_the_first_day():
    made = pack(rule={"reach_back_months": 12})
    for applied_on, first, judged in (
        (date(2024, 2, 29), date(2023, 2, 28), Judged.BOTH), (date(2024, 3, 1), date(2023, 3, 1), Judged.CARE),
        (date(2024, 3, 2), date(2023, 3, 1), Judged.CARE),
    ):  # fmt: skip
        assert spans(made, record(applied_on=applied_on)) == [(first, FOREVER, judged)], applied_on


def test_a_window_remembers_its_record_and_its_rule():
    made = pack(rule={"certified_months": 12})
    held = record(certified_on=date(2023, 3, 1))
    (window,) = identity_windows(made, [held], life=LIFE)
    assert (window.record, window.rule) == (held, made.identity_rules[0])


def opened(*records, of=0, **window):
    made = pack(window={"months": 6, **window})
    return opens(made, "w", records[of], list(records), LIFE)


def test_DT_3_3_a_window_is_the_six_months_before_the_certification():
    held = record(certified_on=date(2023, 8, 31))
    assert opened(held) == ReachBack("w", date(2023, 2, 28), date(2023, 8, 31), held)


@pytest.mark.parametrize(("day", "is_open"), [(LIFE.last - DAY, True), (LIFE.last, True), (LIFE.last + DAY, False)])
def test_a_window_opens_until_the_last_day_in_force(day, is_open):
    assert (opened(record(certified_on=day)) is not None) == is_open


def test_a_window_opens_by_the_day_its_policy_names():
    held = record(certified_on=date(2023, 8, 1), applied_on=date(2023, 7, 1))
    assert opened(held).before == date(2023, 8, 1)
    assert opened(held, before="applied_on").before == date(2023, 7, 1)
    assert opened(record(certified_on=date(2023, 8, 1)), before="applied_on") is None
    assert opened(record(applied_on=date(2023, 8, 1))) is None
    assert opened(record(applied_on=date(2023, 8, 1)), before="applied_on").first == date(2023, 2, 1)


@pytest.mark.parametrize(
    ("certified_on", "first"),
    [
        (date(2022, 1, 1), date(2021, 7, 1)),
        (date(2021, 12, 31), date(2022, 1, 1)),
        (date(2022, 3, 1), date(2021, 7, 1)),
    ],
    ids=["on the first day in force", "the day before", "later"],
)
def test_I_31_what_was_certified_before_the_policy_reaches_back_to_its_first_day(certified_on, first):
    held = record(date(2021, 1, 1), certified_on=certified_on, applied_on=date(2022, 6, 1))
    assert opened(held, before="applied_on", months=11).first == first


@pytest.mark.parametrize(
    ("last", "is_open"),
    [(date(2023, 7, 30), True), (date(2023, 7, 31), False), (date(2023, 8, 1), False), (None, False)],
)
def test_a_renewal_opens_no_window_unless_the_policy_says_so(last, is_open):
    before = record(date(2022, 8, 1), last=last, certified_on=date(2022, 8, 1))
    held = record(date(2023, 8, 1), certified_on=date(2023, 8, 1))
    assert (opened(before, held, of=1) is not None) == is_open
    assert opened(before, held, of=1, renewals=True) is not None


@pytest.mark.parametrize(
    ("first", "is_open"), [(date(2023, 7, 30), False), (date(2023, 7, 31), False), (date(2023, 8, 1), True)]
)
def test_only_what_was_held_the_day_before_is_a_renewal(first, is_open):
    other = record(first, certified_on=first)
    held = record(date(2023, 8, 1), certified_on=date(2023, 8, 1))
    assert (opened(other, held, of=1) is not None) == is_open


def test_I_45_a_window_may_need_company_of_the_same_day():
    held = record(certified_on=date(2023, 8, 1))
    for other, is_open in (
        (record(identity="dibao", certified_on=date(2023, 8, 1)), True),
        (record(identity="dibao", certified_on=date(2023, 8, 2)), False),
        (record(identity="dibao_edge", certified_on=date(2023, 8, 1)), False),
    ):
        assert (opened(held, other, accompanied_by=["dibao"]) is not None) == is_open


def test_the_last_months_may_be_left_out():
    held = record(certified_on=date(2023, 8, 1))
    found = opened(held, months=12, except_last_months=6)
    assert (found.first, found.before) == (date(2022, 8, 1), date(2023, 2, 1))


def test_a_settlement_lies_in_a_half_open_window_and_in_that_of_the_earliest_certification():
    early, late = record(certified_on=date(2023, 6, 1)), record(date(2023, 9, 1), certified_on=date(2023, 9, 1))
    made = pack(window={"months": 6, "renewals": True})
    windows = reach_backs(made, [late, early], life=LIFE)["w"]
    assert [w.record for w in windows] == [early, late]
    found = [
        window_of(windows, day)
        for day in (date(2022, 11, 30), date(2022, 12, 1), date(2023, 5, 31), date(2023, 6, 1), date(2023, 8, 31), date(2023, 9, 1))
    ]  # fmt: skip
    assert [w.record if w else None for w in found] == [None, early, early, late, late, None]


def test_a_rule_s_window_is_an_identity_window_by_settlement_day():
    made = pack(rule={"window": "w"}, window={"months": 6})
    held = record(date(2023, 8, 1), certified_on=date(2023, 8, 1))
    assert spans(made, held) == [
        (date(2023, 8, 1), FOREVER, Judged.CARE), (date(2023, 2, 1), date(2023, 7, 31), Judged.SETTLED),
    ]  # fmt: skip


def test_the_three_ways_of_judging():
    made = pack(rule={"certified_months": 12, "reach_back_months": 12})
    (both,) = identity_windows(made, [record(certified_on=date(2023, 3, 1), applied_on=date(2023, 3, 1))], life=LIFE)
    assert both.judged == Judged.BOTH
    meets = {
        "settled on the first day": (date(2022, 1, 5), date(2022, 2, 20), date(2022, 3, 1)),
        "settled before": (date(2022, 1, 5), date(2022, 2, 20), date(2022, 2, 28)),
        "care begins on the last day": (date(2024, 2, 29), date(2024, 3, 9), date(2024, 3, 9)),
        "care begins after": (date(2024, 3, 1), date(2024, 3, 9), date(2024, 3, 9)),
    }
    said = {name: both.meets(care_first=a, care_last=b, settled=c) for name, (a, b, c) in meets.items()}
    assert list(said.values()) == [True, False, True, False]
