"""From identity records to windows: when each identity counts under a pack (benefits 3).

A window says how a settlement is judged against it:

- ``CARE``: held on any day from admission to discharge (other care: on its day), TH-3.2.9, AK-5.2, I-41;
- ``SETTLED``: a reach-back ``[day - n months, day)``, judged by the settlement day;
- ``BOTH``: begins as a reach-back, ends as a held identity (TH-3.2.8, I-25).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from tuodi.core.dates import FOREVER, LONG_AGO, Period, add_months, day_before, month_end
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.model import IdentityRule, Pack, Window


class Judged(IntEnum):
    CARE = 0
    SETTLED = 1
    BOTH = 2


@dataclass(frozen=True, slots=True)
class IdentityWindow:
    """An identity counts for a settlement that meets ``first``..``last`` in the way of ``judged``."""

    identity: str
    first: date
    last: date
    judged: Judged
    record: IdentityRecord
    rule: IdentityRule | None = None

    def meets(self, *, care_first: date, care_last: date, settled: date) -> bool:
        """Say whether a settlement lies in the window."""
        if self.judged == Judged.CARE:
            return self.first <= care_last and care_first <= self.last
        if self.judged == Judged.SETTLED:
            return self.first <= settled <= self.last
        return self.first <= settled and care_first <= self.last


@dataclass(frozen=True, slots=True)
class ReachBack:
    """An opened reach-back window of a certification: ``[first, before)`` by settlement day; the key is its day."""

    window: str
    first: date
    before: date
    record: IdentityRecord


def rule_of(pack: Pack, identity: str) -> IdentityRule | None:
    """Return the rule that governs an identity: the first that names it, or ``*``."""
    for rule in pack.identity_rules:
        if identity in rule.identities or "all" in rule.identities:
            return rule
    return None


def identity_windows(pack: Pack, records: Iterable[IdentityRecord], *, life: Period) -> list[IdentityWindow]:
    """Return the windows of one person's records, in the order of the records."""
    records = list(records)
    out: list[IdentityWindow] = []
    for record in records:
        rule = rule_of(pack, record.identity)
        out.extend(_record_windows(pack, rule, record, records, life))
    return out


def _record_windows(
    pack: Pack, rule: IdentityRule | None, record: IdentityRecord, records: list[IdentityRecord], life: Period
) -> list[IdentityWindow]:
    if rule is None:
        return [IdentityWindow(record.identity, record.first, record.last or FOREVER, Judged.CARE, record)]
    out = _certified(rule, record, life.last) if rule.certified_months else [_held_under(rule, record)]
    if rule.window is not None:
        opened = opens(pack, rule.window, record, records, life)
        if opened:
            out.append(
                IdentityWindow(record.identity, opened.first, day_before(opened.before), Judged.SETTLED, record, rule)
            )
    return out


def _held_under(rule: IdentityRule, record: IdentityRecord) -> IdentityWindow:
    """Return the window of an identity that is held as long as its record says, stretched by its rule."""
    last = record.last or FOREVER
    if record.last is not None:
        last = until(rule, add_months(last, rule.months_after_end) if rule.months_after_end else last)
    first, judged = record.first, Judged.CARE
    if rule.reach_back_months and record.applied_on and add_months(record.applied_on, -rule.reach_back_months) < first:
        first, judged = add_months(record.applied_on, -rule.reach_back_months), Judged.BOTH
    return IdentityWindow(record.identity, first, last, judged, record, rule)


def _certified(rule: IdentityRule, record: IdentityRecord, last_in_force: date) -> list[IdentityWindow]:
    """Return the window of an identity that is certified for a time and reaches back (I-25, I-31)."""
    certified = record.certified_on or record.first
    if certified > last_in_force:
        return []
    expiry = day_before(add_months(certified, rule.certified_months))
    if rule.certified_until == "month_end":
        expiry = month_end(expiry)
    if record.last is not None:
        expiry = min(expiry, until(rule, record.last))
    if record.applied_on is not None and rule.reach_back_months:
        first, judged = add_months(record.applied_on, -rule.reach_back_months), Judged.BOTH
    else:
        first, judged = record.first, Judged.CARE
    if first > expiry:
        return []
    return [IdentityWindow(record.identity, first, expiry, judged, record, rule)]


def until(rule: IdentityRule, last: date) -> date:
    """Return the last day of an identity that ended on a day: that day, or the end of its month or year."""
    if rule.lasts_until == "year_end":
        return date(last.year, 12, 31)
    return month_end(last) if rule.lasts_until == "month_end" else last


def opens(
    pack: Pack, name: str, record: IdentityRecord, records: list[IdentityRecord], life: Period
) -> ReachBack | None:
    """Return the reach-back window that a record's certification opens, or None (I-28, I-31)."""
    window = pack.windows[name]
    if record.identity not in window.identities:
        return None
    day = _certification(window, record)
    if day is None or day > life.last:
        return None
    if window.accompanied_by and not any(
        other.identity in window.accompanied_by and _certification(window, other) == day for other in records
    ):
        return None
    if not window.renewals:
        before = day_before(day)
        for other in records:
            if other is not record and other.identity == record.identity and _held(other, before):
                return None
    first, before = add_months(day, -window.months), add_months(day, -window.except_last_months)
    if (record.certified_on or day) < life.first:
        first = max(first, life.first)
    return ReachBack(name, first, before, record)


def _certification(window: Window, record: IdentityRecord) -> date | None:
    return record.certified_on if window.before == "certified_on" else record.applied_on


def _held(record: IdentityRecord, day: date) -> bool:
    return record.first <= day and (record.last is None or day <= record.last)


def reach_backs(pack: Pack, records: Iterable[IdentityRecord], *, life: Period) -> dict[str, list[ReachBack]]:
    """Return each window's openings for one person, earliest certification first."""
    records = list(records)
    out: dict[str, list[ReachBack]] = {}
    for name in pack.windows:
        found = [opens(pack, name, record, records, life) for record in records]
        out[name] = sorted((w for w in found if w), key=lambda w: (certification_day(pack, w), w.first))
    return out


def certification_day(pack: Pack, window: ReachBack) -> date:
    """Return the day that opened a window."""
    return _certification(pack.windows[window.window], window.record) or LONG_AGO


def window_of(windows: list[ReachBack], settled: date) -> ReachBack | None:
    """Return the window a settlement belongs to: of several, that of the earliest certification."""
    for window in windows:
        if window.first <= settled < window.before:
            return window
    return None
