"""Deadlines: working days by a calendar of holidays, calendar days, pauses and rest days (I-60, I-61).

Days are counted from the day after an event. Which days are closed is data passed in; a year that the calendar does not know
falls back to Monday to Friday, and the answer says so. What is *not* here: what is due for whom, and today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from tuodi.core.engine.plan import Plan
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.policy.figures import Missing
from tuodi.core.policy.local_values import LocalResolver, sample_mark
from tuodi.core.policy.model import Deadline

E_NO_DEADLINE = declare("E-TERM-UNKNOWN", "政策包没有名为“{deadline}”的期限", "可用的期限：{known}")
E_DAYS = declare("E-TERM-DAYS", "期限“{deadline}”的天数“{days}”不是非负整数", "请填写整数天数")
E_CALENDAR = declare(
    "E-CALENDAR-SHAPE",
    "节假日日历写法不对：{why}",
    "应有 years（年份）、closed（放假日）、working（调休上班日）三个列表",
)
E_PAUSE = declare("E-TERM-PAUSE", "补正材料的提交日 {supplied} 早于通知日 {asked}", "请核对两个日期")

ONE_DAY = timedelta(days=1)
SATURDAY = 5
#: A term that is still running after so many days has no end that anybody could act on.
LONGEST_DAYS = 3660
EVENTS = {"acceptance": "受理", "submission": "提交申请", "posting": "张贴公示", "decision": "作出决定"}
KINDS = {"working": "个工作日", "calendar": "日"}


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Which days are worked: weekdays ``closed`` and weekend days ``working`` in the ``years`` that are known in full."""

    years: frozenset[int] = frozenset()
    closed: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        """Say whether a day is worked; Monday to Friday where nothing else is known.

        >>> known = WorkCalendar(frozenset({2017}), frozenset({date(2017, 4, 4)}), frozenset({date(2017, 4, 1)}))
        >>> [known.is_working(date(2017, 4, d)) for d in (1, 2, 4, 5)]
        [True, False, False, True]
        """
        if day in self.working:
            return True
        return day not in self.closed and day.weekday() < SATURDAY

    def is_known(self, day: date) -> bool:
        """Say whether the year of a day is known."""
        return day.year in self.years


WEEKDAYS_ONLY = WorkCalendar()


@dataclass(frozen=True, slots=True)
class Pause:
    """Waiting for missing papers: the days after ``asked`` up to ``supplied`` (included) do not count; None is still waiting."""

    asked: date
    supplied: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.asked < day and (self.supplied is None or day <= self.supplied)


@dataclass(frozen=True, slots=True)
class TermResult:
    """When a term runs: its first counted day and the last day to act on, both included; None when not yet known.

    ``term_last`` differs from ``last`` only when a notice must end inside the term. ``is_guessed``: a year without known holidays.
    """

    deadline: str
    clause: str
    readings: tuple[str, ...]
    days: int | None = None
    first: date | None = None
    last: date | None = None
    term_last: date | None = None
    is_guessed: bool = False
    missing: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    says: str = ""


def deadline(
    plan: Plan,
    deadline_id: str,
    events: Mapping[str, date],
    *,
    calendar: WorkCalendar = WEEKDAYS_ONLY,
    pauses: Iterable[Pause] = (),
) -> TermResult:
    """Return when a term of the pack runs, from the events known so far (``acceptance``, ``submission``, ``posting``, ``decision``).

    TH-3.3.2 (I-60), TH-3.3.4, AK-5.1.2, WH-3.3, WH-3.4 (I-61) are data of their packs. A lacking event, an open pause or a length
    that nobody has entered leaves ``last`` None; the first two say so in ``missing``.
    """
    rule = _rule(plan, deadline_id)
    waiting = tuple(pauses) if rule.pauses else ()
    for pause in waiting:
        if pause.supplied is not None and pause.supplied < pause.asked:
            raise InputErrors([fault(E_PAUSE, supplied=pause.supplied, asked=pause.asked)])
    answer = TermResult(rule.id, rule.clause, tuple(rule.readings))
    begun = events.get(rule.runs_from)
    if begun is None:
        return _said(rule, replace(answer, missing=(rule.runs_from,)))
    resolver = LocalResolver(plan.entered, begun)
    try:
        days = _days(resolver, rule)
        notice = _rule(plan, rule.holds_notice) if rule.holds_notice is not None else None
        notice_days = _days(resolver, notice) if notice is not None else 0
    except Missing as lacking:
        return _said(rule, replace(answer, missing=lacking.params))
    first, last = term(begun, days, calendar=calendar, kind=rule.kind, pauses=waiting)
    answer = replace(answer, sources=tuple(resolver.sources()))
    if last is None:
        return _said(rule, replace(answer, days=days, first=first, missing=("supplied",)))
    if rule.rest_day_end == "next_working_day":
        last = next_working_day(last, calendar)
    act_by = last
    if notice is not None:
        act_by = _post_by(notice, notice_days, begun=begun, last=last, calendar=calendar)
    needs_calendar = "working" in (rule.kind, notice.kind if notice else "") or rule.rest_day_end != "stays"
    guessed = needs_calendar and not all(calendar.is_known(day) for day in (begun, first, last))
    return _said(rule, replace(answer, days=days, first=first, last=act_by, term_last=last, is_guessed=guessed))


def term(
    begun: date, days: int, *, calendar: WorkCalendar, kind: str, pauses: tuple[Pause, ...] = ()
) -> tuple[date, date | None]:
    """Return the first and the last counted day of a term that begins the day after ``begun``; no last while a pause is open.

    >>> term(date(2022, 3, 4), 3, calendar=WEEKDAYS_ONLY, kind="working")
    (datetime.date(2022, 3, 7), datetime.date(2022, 3, 9))
    >>> term(date(2022, 3, 4), 3, calendar=WEEKDAYS_ONLY, kind="calendar")
    (datetime.date(2022, 3, 5), datetime.date(2022, 3, 7))
    """
    counted = 0
    first: date | None = None
    day = begun
    for _ in range(LONGEST_DAYS):
        if counted == days and first is not None:
            return first, day
        day += ONE_DAY
        waiting = [pause for pause in pauses if day in pause]
        if any(pause.supplied is None for pause in waiting):
            return first or day, None
        if not waiting and (kind == "calendar" or calendar.is_working(day)):
            first = first or day
            if days == 0:
                return first, begun
            counted += 1
    return first or day, None


def next_working_day(day: date, calendar: WorkCalendar) -> date:
    """Return the day itself if it is worked, else the next that is."""
    while not calendar.is_working(day):
        day += ONE_DAY
    return day


def working_days(first: date, last: date, calendar: WorkCalendar) -> int:
    """Return how many days between two days, both included, are worked.

    >>> working_days(date(2022, 3, 4), date(2022, 3, 8), WEEKDAYS_ONLY)
    3
    """
    span = (last - first).days + 1
    return sum(calendar.is_working(first + timedelta(days=i)) for i in range(max(0, span)))


def calendar_of(data: Mapping[str, Any]) -> WorkCalendar:
    """Return the calendar of plain data (``years``, ``closed``, ``working``); ``InputErrors`` if it is not one.

    >>> calendar_of({"years": [2017], "closed": ["2017-04-03"], "working": ["2017-04-01"]}).is_working(date(2017, 4, 3))
    False
    """
    extra = set(data) - {"years", "closed", "working"}
    if extra:
        raise InputErrors([fault(E_CALENDAR, why="有多余的键 " + "、".join(sorted(extra)))])
    try:
        years = frozenset(int(year) for year in data.get("years") or ())
        closed = frozenset(_day(item) for item in data.get("closed") or ())
        working = frozenset(_day(item) for item in data.get("working") or ())
    except (TypeError, ValueError) as error:
        raise InputErrors([fault(E_CALENDAR, why=str(error))]) from None
    twice = closed & working
    if twice:
        raise InputErrors([fault(E_CALENDAR, why=f"{min(twice)} 既放假又上班")])
    return WorkCalendar(years, closed, working)


def _day(item: object) -> date:
    return item if isinstance(item, date) else date.fromisoformat(str(item))


def _rule(plan: Plan, deadline_id: str) -> Deadline:
    known = {rule.id: rule for rule in plan.pack.terms.deadlines}
    if deadline_id not in known:
        raise InputErrors([fault(E_NO_DEADLINE, deadline=deadline_id, known="、".join(known) or "（无）")])
    return known[deadline_id]


def _days(resolver: LocalResolver, rule: Deadline) -> int:
    """Return the length of a term in force on a day; ``Missing`` if it is delegated and nobody has entered it."""
    if isinstance(rule.days, int):
        return rule.days
    spec = resolver.dated(rule.days) if isinstance(rule.days, list) else rule.days
    text = spec if isinstance(spec, str) else resolver.text(spec.delegated or "")
    if not text.isdecimal():
        raise InputErrors([fault(E_DAYS, deadline=rule.name, days=text)])
    return int(text)


def _post_by(notice: Deadline, days: int, *, begun: date, last: date, calendar: WorkCalendar) -> date:
    """Return the last day on which a notice may be posted so that it has ended by ``last``; not before ``begun``."""
    day = last
    while day > begun:
        _, end = term(day, days, calendar=calendar, kind=notice.kind)
        if end is not None and notice.rest_day_end == "next_working_day":
            end = next_working_day(end, calendar)
        if end is not None and end <= last:
            return day
        day -= ONE_DAY
    return begun


def _said(rule: Deadline, answer: TermResult) -> TermResult:
    if answer.last is None:
        names = "、".join({"supplied": "补正材料", **EVENTS}.get(name, name) for name in answer.missing)
        return replace(answer, says=f"{rule.name}：截止日尚不能确定，缺少 {names}。")
    guessed = "（该年度节假日安排未录入，按周一至周五推算）" if answer.is_guessed else ""
    guessed += sample_mark(answer.sources)
    says = (
        f"{rule.name}：自{EVENTS[rule.runs_from]}次日起 {answer.days} {KINDS[rule.kind]}，最迟 {answer.last}{guessed}。"
    )
    return replace(answer, says=says)
