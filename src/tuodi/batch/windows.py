"""Identity windows as columns: the rules of :mod:`tuodi.core.engine.windows`, over whole rosters at once.

The meaning is the core's; this module only repeats it over arrays (days are whole numbers since 1970-01-01, as in Arrow), and
tests hold the two against each other record by record. ``NONE`` stands for an empty day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numba
import numpy as np

from tuodi.core.engine.windows import Judged, rule_of
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.model import Pack

Array = np.ndarray[Any, Any]
EPOCH = date(1970, 1, 1)
NONE = -(2**31)
FOREVER = (date(9999, 12, 31) - EPOCH).days
LONG_AGO = (date(1, 1, 1) - EPOCH).days
CARE, SETTLED, BOTH = int(Judged.CARE), int(Judged.SETTLED), int(Judged.BOTH)
PER_RECORD = {"window": 0, "first_settlement": 1, "rest_of_year": 2}
#: Columns of a rule row.
R_CERTIFIED, R_UNTIL_MONTH_END, R_REACH, R_LASTS, R_AFTER, R_WINDOW, R_PER_RECORD, R_EXISTS = range(8)
#: Columns of a window row.
W_MONTHS, W_APPLIED, W_EXCEPT, W_RENEWALS, W_IDENTITIES, W_ACCOMPANIED = range(6)
LASTS = {"end": 0, "month_end": 1, "year_end": 2}


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - EPOCH).days


@numba.njit(cache=True)
def civil(day: int) -> tuple[int, int, int]:
    """Return year, month and day of a day number."""
    z = day + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (1 if month <= 2 else 0), month, doy - (153 * mp + 2) // 5 + 1


@numba.njit(cache=True)
def day_of(year: int, month: int, day: int) -> int:
    """Return the day number of a calendar day."""
    y = year - 1 if month <= 2 else year
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468


@numba.njit(cache=True)
def month_length(year: int, month: int) -> int:
    """Return the days of a month."""
    return day_of(year + 1 if month == 12 else year, 1 if month == 12 else month + 1, 1) - day_of(year, month, 1)


@numba.njit(cache=True)
def add_months(day: int, months: int) -> int:
    """Return the same day so many months on; a day the month lacks becomes its last; kept within 0001 to 9999."""
    year, month, d = civil(day)
    index = year * 12 + month - 1 + months
    year, month = index // 12, index % 12 + 1
    if year < 1:
        return LONG_AGO
    if year > 9999:
        return FOREVER
    return day_of(year, month, min(d, month_length(year, month)))


@numba.njit(cache=True)
def month_end(day: int) -> int:
    """Return the last day of the month."""
    year, month, _ = civil(day)
    return day_of(year, month, month_length(year, month))


@dataclass(frozen=True)
class Roster:
    """Identity records sorted by person: ``start[p]:start[p+1]`` are person p's, in file order."""

    start: Array
    identity: Array
    first: Array
    last: Array
    certified: Array
    applied: Array


def rule_table(pack: Pack) -> tuple[Array, Array]:
    """Return the pack's identity rules (a row an identity) and windows (a row a window) as numbers."""
    names = list(pack.windows)
    rules = np.zeros((len(IDENTITIES), 8), np.int64)
    for i, identity in enumerate(IDENTITIES):
        rule = rule_of(pack, identity)
        rules[i, R_WINDOW] = -1
        if rule is None:
            continue
        rules[i, R_EXISTS] = 1
        rules[i, R_CERTIFIED] = rule.certified_months
        rules[i, R_UNTIL_MONTH_END] = rule.certified_until == "month_end"
        rules[i, R_REACH] = rule.reach_back_months
        rules[i, R_LASTS] = LASTS[rule.lasts_until]
        rules[i, R_AFTER] = rule.months_after_end
        rules[i, R_WINDOW] = names.index(rule.window) if rule.window else -1
        rules[i, R_PER_RECORD] = PER_RECORD[rule.per_record]
    windows = np.zeros((len(names), 6), np.int64)
    codes = list(IDENTITIES)
    for i, name in enumerate(names):
        window = pack.windows[name]
        mask, beside = (sum(1 << codes.index(i) for i in found) for found in (window.identities, window.accompanied_by))
        windows[i] = (
            window.months,
            window.before == "applied_on",
            window.except_last_months,
            window.renewals,
            mask,
            beside,
        )
    return rules, windows


@numba.njit(cache=True, nogil=True)
def record_windows(
    start: Array, identity: Array, first: Array, last: Array, certified: Array, applied: Array,
    rules: Array, windows: Array, first_in_force: int, last_in_force: int,
) -> tuple[Array, Array, Array, Array, Array, Array]:  # fmt: skip
    """Return for each record its held window (first, last, mode) and, for each window kind, what it opens.

    ``own[r] = (first, last, mode)`` with ``first > last`` for none; ``opened[r, w] = (first, before, certified)``
    with ``first == NONE`` for none.
    """
    n, kinds = len(identity), len(windows)
    own_first, own_last = np.ones(n, np.int64), np.zeros(n, np.int64)
    mode = np.zeros(n, np.int64)
    open_first = np.full((n, kinds), NONE, np.int64)
    open_before = np.full((n, kinds), NONE, np.int64)
    open_day = np.full((n, kinds), NONE, np.int64)
    for p in range(len(start) - 1):
        for r in range(start[p], start[p + 1]):
            rule = rules[identity[r]]
            if rule[R_CERTIFIED] > 0:
                own_first[r], own_last[r], mode[r] = _certified(
                    rule, first[r], last[r], certified[r], applied[r], last_in_force
                )
            else:
                own_first[r] = first[r]
                own_last[r] = _held_until(rule, last[r])
                if rule[R_REACH] and applied[r] != NONE and add_months(applied[r], -rule[R_REACH]) < first[r]:
                    own_first[r], mode[r] = add_months(applied[r], -rule[R_REACH]), BOTH
            for w in range(kinds):
                if not (windows[w, W_IDENTITIES] >> identity[r]) & 1:
                    continue
                day = applied[r] if windows[w, W_APPLIED] else certified[r]
                if day == NONE or day > last_in_force:
                    continue
                if not windows[w, W_RENEWALS] and _renews(start[p], start[p + 1], r, day - 1, identity, first, last):
                    continue
                certifications = applied if windows[w, W_APPLIED] else certified
                beside = windows[w, W_ACCOMPANIED]
                if beside and not _accompanied(start[p], start[p + 1], day, beside, identity, certifications):
                    continue
                open_first[r, w] = add_months(day, -windows[w, W_MONTHS])
                if (certified[r] if certified[r] != NONE else day) < first_in_force:
                    open_first[r, w] = max(open_first[r, w], first_in_force)
                open_before[r, w] = add_months(day, -windows[w, W_EXCEPT])
                open_day[r, w] = day
    return own_first, own_last, mode, open_first, open_before, open_day


@numba.njit(cache=True)
def _held_until(rule: Array, last: int) -> int:
    if last == FOREVER or not rule[R_EXISTS]:
        return last
    if rule[R_AFTER]:
        last = add_months(last, rule[R_AFTER])
    return _until(rule, last)


@numba.njit(cache=True)
def _until(rule: Array, last: int) -> int:
    if rule[R_LASTS] == 2:
        return day_of(civil(last)[0], 12, 31)
    return month_end(last) if rule[R_LASTS] == 1 else last


@numba.njit(cache=True)
def _certified(
    rule: Array, first: int, last: int, certified: int, applied: int, last_in_force: int
) -> tuple[int, int, int]:
    day = certified if certified != NONE else first
    if day > last_in_force:
        return 1, 0, CARE
    expiry = add_months(day, rule[R_CERTIFIED]) - 1
    if rule[R_UNTIL_MONTH_END]:
        expiry = month_end(expiry)
    if last != FOREVER:
        expiry = min(expiry, _until(rule, last))
    if applied != NONE and rule[R_REACH]:
        return add_months(applied, -rule[R_REACH]), expiry, BOTH
    return first, expiry, CARE


@numba.njit(cache=True)
def _renews(begin: int, stop: int, r: int, before: int, identity: Array, first: Array, last: Array) -> bool:
    for other in range(begin, stop):
        if other != r and identity[other] == identity[r] and first[other] <= before <= last[other]:
            return True
    return False


@numba.njit(cache=True)
def _accompanied(begin: int, stop: int, day: int, beside: int, identity: Array, certifications: Array) -> bool:
    for other in range(begin, stop):  # noqa: SIM110
        if (beside >> identity[other]) & 1 and certifications[other] == day:
            return True
    return False


@numba.njit(cache=True)
def _meets(mode: int, first: int, last: int, care_first: int, care_last: int, settled: int) -> bool:
    if mode == CARE:
        return first <= care_last and care_first <= last
    if mode == SETTLED:
        return first <= settled <= last
    return first <= settled and care_first <= last


@numba.njit(cache=True, nogil=True)
def event_identities(
    person: Array, care_first: Array, care_last: Array, settled: Array, year: Array, start: Array, identity: Array,
    rules: Array, own_first: Array, own_last: Array, mode: Array, open_first: Array, open_before: Array, open_day: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Return for each event the mask of identities that count, and for each window kind its certification day or 0.

    Events are sorted by person and folding order; ``year`` is that of the settlement instant.
    """
    n, kinds = len(person), open_first.shape[1]
    masks = np.zeros(n, np.int64)
    keys = np.full((n, kinds), NONE, np.int64)
    used = np.zeros(2 * len(identity), np.int64)
    for i in range(n):
        p = person[i]
        for r in range(start[p], start[p + 1]):
            rule = rules[identity[r]]
            for half in range(2):
                if half == 0:
                    met = own_first[r] <= own_last[r] and _meets(
                        mode[r], own_first[r], own_last[r], care_first[i], care_last[i], settled[i]
                    )
                else:
                    w = rule[R_WINDOW]
                    met = (
                        w >= 0 and open_first[r, w] != NONE
                        and open_first[r, w] <= settled[i] < open_before[r, w]
                    )  # fmt: skip
                slot = 2 * r + half
                if met and rule[R_PER_RECORD] == 1:
                    met = used[slot] == 0
                    used[slot] = 1
                elif rule[R_PER_RECORD] == 2:
                    if met:
                        used[slot] = year[i]
                    else:
                        met = used[slot] == year[i]
                if met:
                    masks[i] |= 1 << identity[r]
        for w in range(kinds):
            keys[i, w] = _window_key(start[p], start[p + 1], w, settled[i], open_first, open_before, open_day)
    return masks, keys


@numba.njit(cache=True)
def _window_key(
    begin: int, stop: int, w: int, settled: int, open_first: Array, open_before: Array, open_day: Array
) -> int:
    """Return the earliest certification day whose window holds a settlement day, or NONE."""
    best = NONE
    for r in range(begin, stop):
        held = open_first[r, w] != NONE and open_first[r, w] <= settled < open_before[r, w]
        if held and (best == NONE or open_day[r, w] < best):
            best = open_day[r, w]
    return best


@numba.njit(cache=True, nogil=True)
def deciding_certification(
    person: Array, decided: Array, care_first: Array, care_last: Array, settled: Array, start: Array, identity: Array,
    first: Array, certified: Array, rules: Array, own_first: Array, own_last: Array, mode: Array, open_first: Array,
    open_before: Array,
) -> Array:  # fmt: skip
    """Return the certification day of the window that gives each event its deciding identity; NONE if not known.

    Held windows come before reach-backs, then the earliest certified (``fold._deciding_window``).
    """
    n = len(person)
    out = np.full(n, NONE, np.int64)
    for i in range(n):
        if decided[i] < 0:
            continue
        best_half, best_key = 2, np.int64(0)
        p = person[i]
        for r in range(start[p], start[p + 1]):
            if identity[r] != decided[i]:
                continue
            rule = rules[identity[r]]
            key = certified[r] if certified[r] != NONE else first[r]
            held = own_first[r] <= own_last[r] and _meets(
                mode[r], own_first[r], own_last[r], care_first[i], care_last[i], settled[i]
            )
            w = rule[R_WINDOW]
            back = (
                w >= 0 and open_first[r, w] != NONE
                and open_first[r, w] <= settled[i] < open_before[r, w]
            )  # fmt: skip
            half = 0 if held else (1 if back else 2)
            if half < best_half or (half == best_half and half < 2 and key < best_key):
                best_half, best_key = half, key
                out[i] = certified[r]
    return out


@numba.njit(cache=True, nogil=True)
def state_holds(
    person: Array,
    first_day: Array,
    last_day: Array,
    start: Array,
    identity: Array,
    first: Array,
    last: Array,
    state: int,
) -> Array:
    """Return whether a record of a state (not an identity that gives a category) meets ``first_day``..``last_day``."""
    out = np.zeros(len(person), np.int8)
    for i in range(len(person)):
        for r in range(start[person[i]], start[person[i] + 1]):
            if identity[r] == state and first[r] <= last_day[i] and first_day[i] <= last[r]:
                out[i] = 1
    return out
