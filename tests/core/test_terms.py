"""Terms TH-3.3.2 (I-60), notices (I-61), clearing TH-4.2.1 (I-62), capitation TH-3.1.4 (I-63), advances TH-3.3.3 (I-64)."""

from datetime import date, timedelta

import msgspec
import pytest
from around import plan
from hypothesis import given
from hypothesis import strategies as st

from tuodi.calendars import calendar_file, china
from tuodi.core.dates import Period
from tuodi.core.engine.clearing import (
    Registration,
    advance_split,
    capitation,
    clearing_year,
    clearing_year_of,
)
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.terms import WEEKDAYS_ONLY, Pause, calendar_of, deadline, term, working_days
from tuodi.core.errors import InputErrors, MissingValues
from tuodi.core.policy.model import Capitation, Figure, Terms

THE_PLAN = plan()
CHINA = china()


def day(text):
    return date.fromisoformat(text)


def review(the_plan=THE_PLAN, calendar=CHINA, pauses=(), **events):
    return deadline(the_plan, "review", {k: day(v) for k, v in events.items()}, calendar=calendar, pauses=pauses)


def notice(posted, the_plan=THE_PLAN, which="notice"):
    return deadline(the_plan, which, {"posting": day(posted)}, calendar=CHINA)


# I-60: thirty working days


def test_TH_3_3_2_thirty_working_days_from_the_working_day_after_acceptance():
    # accepted on Tuesday 1 March 2022; four full weeks of March after it, 4 and 5 April closed, 2 April worked
    found = review(acceptance="2022-03-01")
    assert (found.first, found.last, found.is_guessed) == (day("2022-03-02"), day("2022-04-13"), False)
    assert working_days(found.first, found.last, CHINA) == 30
    assert found.says == "审核审批：自受理次日起 30 个工作日，最迟 2022-04-13。"


def test_TH_3_3_2_accepted_before_a_holiday_begins_on_the_next_working_day():
    found = review(acceptance="2022-09-30")
    assert found.first == day("2022-10-08")


def test_TH_3_3_2_waiting_for_missing_papers_does_not_count():
    pause = Pause(day("2022-03-03"), day("2022-03-10"))
    found = review(acceptance="2022-03-01", pauses=[pause])
    # 4, 7, 8, 9, 10 March do not count: five working days later than 13 April
    assert found.last == day("2022-04-20")


def test_TH_3_3_2_while_papers_are_missing_there_is_no_last_day():
    found = review(acceptance="2022-03-01", pauses=[Pause(day("2022-03-03"))])
    assert (found.last, found.missing) == (None, ("supplied",))
    at_once = review(acceptance="2022-03-01", pauses=[Pause(day("2022-03-01"))])
    assert at_once.last is None


def test_I_60_other_reading_from_submission_without_pause():
    the_plan = plan({"I-60": "submission"})
    pause = Pause(day("2022-03-03"), day("2022-03-10"))
    found = review(the_plan, submission="2022-02-28", acceptance="2022-03-10", pauses=[pause])
    assert found.last == day("2022-04-12")
    assert review(the_plan, acceptance="2022-03-10").missing == ("submission",)


def test_I_60_other_reading_the_notice_must_end_inside_the_term():
    found = review(plan({"I-60": "notice_inside"}), acceptance="2022-03-01")
    # term ends Wednesday 13 April: posted on 8 April, days 9 to 13
    assert (found.last, found.term_last) == (day("2022-04-08"), day("2022-04-13"))
    unknown = review(plan({"I-60": "notice_inside"}, without=("notice_days",)), acceptance="2022-03-01")
    assert unknown.missing == ("notice_days",)


def test_I_60_a_notice_longer_than_the_term_would_have_to_be_posted_at_once():
    found = review(plan({"I-60": "notice_inside"}, notice_days="60"), acceptance="2022-03-01")
    assert found.last == day("2022-03-01")


def test_I_60_I_61_a_notice_inside_the_term_may_run_over_a_weekend():
    the_plan = plan({"I-60": "notice_inside"}, notice_days="4")
    # accepted 4 March: the term ends Monday 18 April; posted on 14 April, days 15 to 18
    assert review(the_plan, acceptance="2022-03-04").last == day("2022-04-14")


def test_a_year_without_known_holidays_is_guessed_by_weekdays_and_says_so():
    found = review(acceptance="2031-03-03")
    assert (found.last, found.is_guessed) == (day("2031-04-14"), True)
    assert "按周一至周五推算" in found.says
    assert review(acceptance="2026-12-01").is_guessed


# I-61: notices


@pytest.mark.parametrize(
    ("posted", "last"),
    [
        ("2017-04-05", "2017-04-10"),  # 6, 7, 8 April; 8 is a Saturday
        ("2017-04-06", "2017-04-10"),  # 7, 8, 9; 9 is a Sunday
        ("2017-04-07", "2017-04-10"),  # 8, 9, 10
        ("2017-03-29", "2017-04-01"),  # 30, 31 March, 1 April: a Saturday that is worked
        ("2017-04-01", "2017-04-05"),  # 2, 3, 4 April: 4 is closed
    ],
)
def test_WH_3_3_three_days_from_the_day_after_posting(posted, last):
    assert notice(posted).last == day(last)


def test_I_61_other_reading_counts_working_days():
    # 5, 6, 7 April; 2 Sunday, 3 and 4 closed
    assert notice("2017-04-01", plan({"I-61": "working"})).last == day("2017-04-07")


def test_TH_3_3_4_the_length_is_delegated():
    assert notice("2022-03-01", which="th_notice").last == day("2022-03-07")
    without = notice("2022-03-01", plan(without=("notice_days",)), which="th_notice")
    assert (without.last, without.missing) == (None, ("notice_days",))
    with pytest.raises(InputErrors, match="五日"):
        notice("2022-03-01", plan(notice_days="五日"), which="th_notice")
    assert notice("2022-03-01", plan(notice_days="0"), which="th_notice").last == day("2022-03-01")


def test_calendar_days_need_no_calendar():
    found = notice("2031-03-01", which="objection")
    assert (found.last, found.is_guessed) == (day("2031-03-08"), False)
    assert notice("2031-03-01", which="th_notice").is_guessed


def test_faults_of_terms_and_calendars_are_named():
    with pytest.raises(InputErrors, match="nothing"):
        deadline(THE_PLAN, "nothing", {})
    with pytest.raises(InputErrors, match="早于"):
        review(acceptance="2022-03-01", pauses=[Pause(day("2022-03-03"), day("2022-03-02"))])
    with pytest.raises(InputErrors, match="既放假又上班"):
        calendar_of({"closed": ["2017-04-03"], "working": ["2017-04-03"]})
    with pytest.raises(InputErrors, match="多余"):
        calendar_of({"holidays": []})
    with pytest.raises(InputErrors, match="E-CALENDAR-SHAPE"):
        calendar_file("closed: [四月]", file="c.yaml")


def test_the_calendar_that_comes_with_the_program_is_consistent():
    assert all(d.weekday() < 5 for d in CHINA.closed)
    assert all(d.weekday() >= 5 for d in CHINA.working)
    assert {d.year for d in CHINA.closed} == CHINA.years
    assert not CHINA.is_working(day("2025-10-08"))
    assert CHINA.is_working(day("2025-10-11"))


@given(
    begun=st.dates(date(2017, 1, 1), date(2025, 12, 31)),
    days=st.integers(1, 60),
    wait=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_law_a_term_has_exactly_its_days_and_a_pause_only_lengthens_it(begun, days, wait):
    first, last = term(begun, days, calendar=CHINA, kind="working")
    assert begun < first <= last
    assert working_days(first, last, CHINA) == days
    asked = begun + timedelta(days=wait[0])
    pause = Pause(asked, asked + timedelta(days=wait[1]))
    _, later = term(begun, days, calendar=CHINA, kind="working", pauses=(pause,))
    assert later >= last
    assert working_days(begun + timedelta(days=1), later, CHINA) == days + sum(
        CHINA.is_working(d) for d in (begun + timedelta(days=i) for i in range(1, 200)) if d in pause and d <= later
    )


def test_an_endless_pause_ends_the_count():
    assert term(day("2022-03-01"), 99_999, calendar=WEEKDAYS_ONLY, kind="working") == (
        day("2022-03-02"),
        None,
    )


# I-62: clearing


def test_TH_4_2_1_I_62_from_11_december_to_10_december():
    found = clearing_year(THE_PLAN, 2022)
    assert found.period == Period(day("2021-12-11"), day("2022-12-10"))
    assert (found.cleared_on, found.estimated_first, found.readings) == (day("2022-12-10"), None, ("I-62",))


@pytest.mark.parametrize(
    ("posted", "year"),
    [("2021-12-10", 2021), ("2021-12-11", 2022), ("2022-12-10", 2022), ("2022-12-31", 2023)],
)
def test_TH_4_2_1_money_belongs_to_exactly_one_clearing_year(posted, year):
    assert clearing_year_of(THE_PLAN, day(posted)) == year


def test_I_62_other_reading_the_calendar_year_with_december_estimated():
    the_plan = plan({"I-62": "calendar_year"})
    found = clearing_year(the_plan, 2022)
    assert found.period == Period(day("2022-01-01"), day("2022-12-31"))
    assert found.estimated_first == day("2022-12-11")
    assert clearing_year_of(the_plan, day("2022-12-31")) == 2022


# I-63: capitation


def register(person, institution, first, last=None):
    return Registration(person, institution, day(first), day(last) if last else None)


def payouts(registrations, scores, the_plan=THE_PLAN, year=2022):
    found = capitation(the_plan, year, registrations, scores)
    return {part.institution: (part.months, part.package_fen, part.payout_fen) for part in found.institutions}


def test_TH_3_1_4_I_63_registered_months_and_score_in_per_cent():
    people = [register("甲", "A", "2021-01-01"), register("乙", "A", "2022-07-01")]
    # 18 months x 150 / 12 = 225; x 90 % = 202.50
    assert payouts(people, {"A": "90"}) == {"A": (18, 22_500, 20_250)}


def test_TH_3_1_4_a_person_who_changes_team_is_counted_once():
    people = [
        register("甲", "A", "2022-01-01", "2022-03-15"),
        register("甲", "B", "2022-03-16", "2022-06-30"),
    ]
    found = payouts(people, {"A": "100", "B": "100"})
    # January and February with A; March (last day with B) to June with B
    assert found == {"A": (2, 2_500, 2_500), "B": (4, 5_000, 5_000)}


def test_TH_3_1_4_packages_add_up_to_the_rounded_whole():
    people = [register(f"{i}", name, "2022-01-01", "2022-01-31") for i, name in enumerate("ABC")]
    found = capitation(plan(), 2022, people, dict.fromkeys("ABC", "100"))
    # 3 x 12.50 = 37.50
    assert [part.package_fen for part in found.institutions] == [1250, 1250, 1250]
    assert found.package_fen == 3750


def test_TH_3_1_4_unknown_score_or_scale_is_not_zero():
    people = [register("甲", "A", "2022-01-01")]
    part = capitation(THE_PLAN, 2022, people, {}).institutions[0]
    assert (part.payout_fen, part.withheld_fen, part.missing) == (None, None, ("score.A",))
    without = capitation(plan(without=("score_scale",)), 2022, people, {"A": "90"}).institutions[0]
    assert without.missing == ("score_scale",)


@pytest.mark.parametrize("score", ["100.5", "101"])
def test_TH_3_1_4_a_score_above_the_scale_is_refused(score):
    with pytest.raises(InputErrors, match="高于满分"):
        payouts([register("甲", "A", "2022-01-01")], {"A": score})


def test_I_63_other_reading_heads_on_the_first_of_january():
    people = [register("甲", "A", "2021-06-01", "2022-01-01"), register("乙", "A", "2022-01-02")]
    assert payouts(people, {"A": "100"}, plan({"I-63": "heads"})) == {"A": (12, 15_000, 15_000)}


@pytest.mark.parametrize(("score", "payout"), [("59.9", 0), ("60", 15_000), ("60.1", 15_000)])
def test_I_63_other_reading_pass_or_fail(score, payout):
    found = payouts([register("甲", "A", "2022-01-01")], {"A": score}, plan({"I-63": "pass_or_fail"}))
    assert found["A"][2] == payout
    the_plan = plan({"I-63": "pass_or_fail"}, without=("pass_mark",))
    assert payouts([register("甲", "A", "2022-01-01")], {"A": score}, the_plan)["A"][2] is None


def test_TH_3_1_4_months_before_the_pack_is_in_force_do_not_count():
    assert payouts([register("甲", "A", "2016-01-01", "2017-02-01")], {"A": "100"}, year=2017)["A"][0] == 2
    assert payouts([register("甲", "A", "2016-01-01")], {"A": "100"}, year=2016) == {"A": (0, 0, 0)}


@given(
    spans=st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=8),
    score=st.integers(0, 100),
)
def test_law_packages_add_up_and_payouts_never_exceed_them(spans, score):
    people = [
        register(f"{i}", name, f"2022-{min(a, b):02d}-01", f"2022-{max(a, b):02d}-28")
        for i, (name, a, b) in enumerate(spans)
    ]
    found = capitation(THE_PLAN, 2022, people, dict.fromkeys("ABCD", str(score)))
    assert sum(part.package_fen for part in found.institutions) == found.package_fen
    assert sum(part.months for part in found.institutions) == sum(abs(a - b) + 1 for _, a, b in spans)
    for part in found.institutions:
        assert 0 <= part.payout_fen <= part.package_fen
        assert part.payout_fen + part.withheld_fen == part.package_fen


# I-64: advances


@pytest.mark.parametrize(
    ("assistance", "advanced", "expected"),
    [(500, 300, (300, 200, 0)), (500, 500, (500, 0, 0)), (500, 800, (500, 0, 300)), (0, 800, (0, 0, 800))],
)
def test_TH_3_3_3_I_64_the_institution_gets_the_smaller_of_the_two(assistance, advanced, expected):
    found = advance_split(THE_PLAN, assistance_fen=assistance, advanced_fen=advanced)
    assert (found.institution_fen, found.person_fen, found.shortfall_fen) == expected


def test_I_64_other_reading_the_whole_assistance_to_the_institution():
    found = advance_split(plan({"I-64": "whole"}), assistance_fen=500, advanced_fen=300)
    assert (found.institution_fen, found.person_fen, found.clause) == (500, 0, "TH-3.3.3")


@given(assistance=st.integers(0, 10**9), advanced=st.integers(0, 10**9))
def test_law_an_advance_is_divided_without_remainder(assistance, advanced):
    found = advance_split(THE_PLAN, assistance_fen=assistance, advanced_fen=advanced)
    assert found.institution_fen + found.person_fen == assistance
    assert found.institution_fen + found.shortfall_fen == advanced


def test_I_60_a_notice_inside_the_term_that_may_end_on_any_day():
    deadlines = [
        msgspec.structs.replace(rule, holds_notice="objection") if rule.id == "review" else rule
        for rule in THE_PLAN.pack.terms.deadlines
    ]
    pack = msgspec.structs.replace(THE_PLAN.pack, terms=Terms(deadlines=deadlines))
    # the term ends Wednesday 13 April; seven days of objection: posted on 6 April
    assert review(make_plan(pack, []), acceptance="2022-03-01").last == day("2022-04-06")


def test_a_pack_without_terms_says_so():
    bare = make_plan(msgspec.structs.replace(THE_PLAN.pack, terms=Terms()), [])
    for ask in (
        lambda: clearing_year(bare, 2022),
        lambda: capitation(bare, 2022, [], {}),
        lambda: advance_split(bare, assistance_fen=1, advanced_fen=1),
    ):
        with pytest.raises(InputErrors, match="E-TERM-NONE"):
            ask()
    rule = Capitation(clause="TH-3.1.4", amount=Figure(delegated="premium.basic"), scale="100")
    lacking = make_plan(msgspec.structs.replace(THE_PLAN.pack, terms=Terms(capitation=rule)), [])
    with pytest.raises(MissingValues, match=r"premium\.basic"):
        capitation(lacking, 2022, [], {})
