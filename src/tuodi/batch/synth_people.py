"""Synthetic households: who lives with whom, how old they are, who is poor, who dies, who holds which identity when.

Everything works on one block of people as numpy columns. Days are whole numbers since 1970-01-01. Randomness comes only from
the generator handed in, so a block is the same whenever its seed is. Nobody here exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from tuodi.batch import synth_tables as tables

#: a day that never comes: an open end, a person who does not die.
NEVER = np.int64(2**31 - 1)
#: no such day: an application or certification day that was not recorded.
UNKNOWN = np.int64(-(2**31))
YEAR_DAYS = 365
#: the poorest fifth carries most household identities: weights whose mean is 1.
POOR_SHARE, POOR_WEIGHT, OTHER_WEIGHT = 0.2, 4.0, 0.25


@dataclass(frozen=True, slots=True)
class Window:
    """First and last day of the county's bills, both included."""

    first: int
    last: int

    @property
    def days(self) -> int:
        """How many days the window has."""
        return self.last - self.first + 1


@dataclass(slots=True)
class People:
    """A block of people, households whole and in order."""

    number: np.ndarray
    household: np.ndarray
    birth: np.ndarray
    is_male: np.ndarray
    is_employee: np.ndarray
    is_poor: np.ndarray
    died: np.ndarray
    name: np.ndarray

    def __len__(self) -> int:
        return len(self.number)

    def age(self, day: int) -> np.ndarray:
        """Return whole years of age on a day, by the mean length of a year."""
        return ((day - self.birth) / 365.2425).astype(np.int64)


@dataclass(slots=True)
class Records:
    """Identity records of a block: ``person`` is the place in the block, ``code`` the place in the list of codes."""

    person: np.ndarray
    code: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    certified: np.ndarray
    applied: np.ndarray
    is_yearly: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def pick(self, which: np.ndarray) -> Records:
        """Return the chosen records."""
        return Records(*(getattr(self, one.name)[which] for one in fields(self)))


def join(parts: Sequence[Records]) -> Records:
    """Return all records of the parts, one after another."""
    return Records(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Records)))


def people(rng: np.random.Generator, *, count: int, number: int, household: int, window: Window) -> People:
    """Return ``count`` people in whole households, numbered from ``number`` and ``household``; the last may be cut."""
    sizes, weights = np.array(tables.HOUSEHOLD_SIZES).T
    drawn = rng.choice(sizes, size=count, p=weights / weights.sum())
    size = drawn[: np.searchsorted(np.cumsum(drawn), count) + 1]
    place = np.repeat(np.arange(len(size)), size)[:count]
    first = np.concatenate(([0], np.cumsum(size)[:-1]))
    rank = np.arange(count) - first[place]
    age, is_male = _ages(rng, size=size, place=place, rank=rank)
    is_poor = (rng.random(len(size)) < POOR_SHARE)[place]
    household_works = (rng.random(len(size)) < 0.2)[place]
    made = People(
        number=number + np.arange(count),
        household=household + place,
        birth=window.first - age * YEAR_DAYS - age // 4 - rng.integers(1, YEAR_DAYS, count),
        is_male=is_male,
        is_employee=household_works & (age >= 22) & ~is_poor & (rng.random(count) < 0.85),
        is_poor=is_poor,
        died=np.full(count, NEVER),
        name=rng.integers(0, len(tables.SURNAMES) * len(tables.GIVEN), count),
    )
    return replace(made, died=_deaths(rng, made, window))


def _ages(
    rng: np.random.Generator, *, size: np.ndarray, place: np.ndarray, rank: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ages and sexes by place in the household: head, spouse, two children, two grandparents, a child."""
    lives_small = (size == 1) | ((size == 2) & (rng.random(len(size)) < 0.55))
    is_old = lives_small & (rng.random(len(size)) < 0.6)
    head = np.where(is_old, rng.integers(60, 92, len(size)), rng.integers(27, 62, len(size)))
    head_male = rng.random(len(size)) < 0.66
    count = len(place)
    child = np.maximum(head[place] - rng.integers(23, 36, count), rng.integers(0, 4, count))
    elder = np.minimum(head[place] + rng.integers(22, 33, count), 97)
    spouse = np.maximum(head[place] + rng.integers(-4, 4, count), 20)
    age = np.select([rank == 0, rank == 1, (rank == 4) | (rank == 5)], [head[place], spouse, elder], child)
    sex = np.select([rank == 0, rank == 1], [head_male[place], ~head_male[place]], rng.random(count) < 0.51)
    return age.astype(np.int64), sex.astype(bool)


def by_age(age: np.ndarray, values: Sequence[object]) -> np.ndarray:
    """Return the value of each person's age group."""
    group = np.searchsorted(tables.AGE_GROUPS, age, side="right") - 1
    return np.asarray(values)[np.maximum(group, 0)]


def _deaths(rng: np.random.Generator, people: People, window: Window) -> np.ndarray:
    yearly = by_age(people.age(window.first), tables.DEATHS_A_YEAR) * np.where(people.is_poor, 1.4, 1.0)
    died = window.first + (rng.exponential(1.0, len(people)) / yearly * YEAR_DAYS).astype(np.int64)
    return np.where(died <= window.last, died, NEVER)


def identities(
    rng: np.random.Generator, people: People, *, codes: Sequence[str], window: Window, at_least_one: bool
) -> Records:
    """Return identity records of the block for every code that does not depend on bills, overlaps and all.

    ``at_least_one`` makes somebody hold each code even where chance would give it to nobody.
    """
    age = people.age(window.first)
    parts = [_no_records()]
    for i, code in enumerate(codes):
        if code in tables.BY_BILLS:
            continue
        kind = tables.KINDS[code]
        eligible = (age >= kind.youngest) & (age <= kind.oldest)
        holders, group = _holders(rng, people, kind=kind, eligible=eligible, at_least_one=at_least_one)
        parts.append(_episodes(rng, holders, group=group, code=i, window=window))
    return until_death(join(parts), people)


def _no_records() -> Records:
    nothing = np.zeros(0, np.int64)
    return Records(*[nothing] * 6, is_yearly=np.zeros(0, bool))


def _holders(
    rng: np.random.Generator, people: People, *, kind: tables.Kind, eligible: np.ndarray, at_least_one: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return who holds the identity, and who shares one certification with whom."""
    weight = np.where(people.is_poor, POOR_WEIGHT, OTHER_WEIGHT)
    unit = people.household - people.household[0] if kind.is_household else np.arange(len(people))
    chance = kind.per_myriad / 10_000 * weight / max(eligible.mean(), 0.01)
    chosen = rng.random(unit.max() + 1)[unit] < chance
    holds = chosen & eligible
    if at_least_one and not holds.any() and eligible.any():
        holds = (unit == unit[np.argmax(eligible)]) & eligible
    return np.flatnonzero(holds), unit[holds]


def _episodes(
    rng: np.random.Generator, holders: np.ndarray, *, group: np.ndarray, code: int, window: Window
) -> Records:
    """Return one certification for each group: held before or gained, open, lost or renewed every year."""
    _, place = np.unique(group, return_inverse=True)
    count = place.max() + 1 if len(place) else 0
    was_held = rng.random(count) < 0.55
    before = window.first - rng.integers(30, 1100, count)
    gained = window.first + rng.integers(0, window.days, count)
    begin = np.where(was_held, before, gained)
    begin = np.where(rng.random(count) < 0.6, _month_first(begin), begin)
    form = rng.random(count)
    lost = np.maximum(begin, window.first) + rng.integers(20, max(window.days, 21) + 1, count)
    lost = np.where(rng.random(count) < 0.6, _month_first(lost) - 1, lost)
    end = np.where(form < 0.5, NEVER, np.maximum(lost, begin + 5))
    is_yearly = form >= 0.75
    spans = Records(
        person=np.arange(count), code=np.full(count, code), begin=begin, end=np.where(is_yearly, NEVER, end),
        certified=np.zeros(count, np.int64), applied=np.zeros(count, np.int64), is_yearly=is_yearly,
    )  # fmt: skip
    spans = join([spans.pick(~is_yearly), _renewed(rng, spans.pick(is_yearly), window)])
    _certify(rng, spans, window)
    order = np.argsort(place, kind="stable")
    size = np.bincount(place, minlength=count)
    start = np.concatenate(([0], np.cumsum(size)[:-1])) if count else size
    members = size[spans.person]
    offset = np.arange(members.sum()) - np.repeat(np.cumsum(members) - members, members)
    made = spans.pick(np.repeat(np.arange(len(spans)), members))
    return replace(made, person=holders[order[start[made.person] + offset]])


def _month_first(day: np.ndarray) -> np.ndarray:
    return day.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _renewed(rng: np.random.Generator, spans: Records, window: Window) -> Records:
    """Return yearly records: most are renewed on 1 January, some two months late, some never again."""
    parts = [spans.pick(np.zeros(len(spans), bool))]
    year = spans.begin.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    last_year = int(np.int64(window.last).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64))
    is_alive = np.ones(len(spans), bool)
    for current in range(int(year.min()) if len(year) else last_year + 1, last_year + 1):
        january = int(np.datetime64(current, "Y").astype("datetime64[D]").astype(np.int64))
        following = int(np.datetime64(current + 1, "Y").astype("datetime64[D]").astype(np.int64))
        is_late = rng.random(len(spans)) < 0.1
        begin = np.maximum(spans.begin, np.where(is_late & (year < current), january + 59, january))
        is_here = is_alive & (year <= current) & (begin < following)
        part = replace(spans, begin=begin, end=np.full(len(spans), following - 1))
        parts.append(part.pick(is_here))
        is_alive &= (rng.random(len(spans)) < 0.85) | (year > current)
    return join(parts)


def _certify(rng: np.random.Generator, spans: Records, window: Window) -> None:
    """Fill certification and application days in place; some identities are granted back to an earlier day."""
    count = len(spans)
    ahead = spans.begin - rng.integers(0, 25, count)
    back = np.minimum(spans.begin + rng.integers(20, 170, count), np.maximum(window.last, spans.begin))
    spans.certified = np.where(rng.random(count) < 0.07, back, ahead)
    spans.applied = np.where(rng.random(count) < 0.15, UNKNOWN, spans.certified - rng.integers(7, 45, count))
    spans.certified = np.where(rng.random(count) < 0.03, UNKNOWN, spans.certified)


def until_death(records: Records, people: People) -> Records:
    """Return the records cut at the day the person died; what would begin later is left out."""
    died = people.died[records.person]
    return replace(records, end=np.minimum(records.end, died)).pick(records.begin <= died)


def by_bills(
    rng: np.random.Generator, *, codes: Sequence[str], person: np.ndarray, settled: np.ndarray, window: Window
) -> Records:
    """Return identities certified because of heavy bills: the given people, some weeks after their bill was settled."""
    parts = [_no_records()]
    for i, code in enumerate(codes):
        if code not in tables.BY_BILLS or not len(person):
            continue
        chosen = rng.random(len(person)) < 0.35
        chosen[0] |= not chosen.any()
        count = int(chosen.sum())
        certified = np.minimum(settled[chosen] + rng.integers(10, 120, count), window.last)
        begin = np.where(rng.random(count) < 0.5, certified, _month_first(certified))
        parts.append(
            Records(
                person=person[chosen], code=np.full(count, i), begin=begin, end=begin + YEAR_DAYS - 1, certified=certified,
                applied=certified - rng.integers(7, 45, count), is_yearly=np.zeros(count, bool),
            )
        )  # fmt: skip
    return join(parts)


def meet_stays(
    rng: np.random.Generator,
    records: Records,
    *,
    person: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    window: Window,
) -> tuple[Records, np.ndarray, np.ndarray]:
    """Return the records, some of them moved so that the identity is gained or lost in the middle of a stay.

    The stays are sorted by person. The two masks say which records were gained and which were lost so.
    """
    count = len(records)
    place = np.minimum(np.searchsorted(person, records.person), max(len(person) - 1, 0))
    if not len(person):
        return records, np.zeros(count, bool), np.zeros(count, bool)
    length = end[place] - begin[place]
    fits = (person[place] == records.person) & (length >= 2) & ~records.is_yearly
    middle = begin[place] + 1 + rng.integers(0, np.maximum(length - 1, 1))
    is_gained = fits & (records.begin >= window.first) & (middle + 30 < records.end) & (rng.random(count) < 0.3)
    is_lost = fits & ~is_gained & (records.end <= window.last) & (middle > records.begin) & (rng.random(count) < 0.3)
    late = middle + rng.integers(1, 40, count)
    certified = np.where(is_gained, np.where(rng.random(count) < 0.5, middle, late), records.certified)
    moved = replace(
        records,
        begin=np.where(is_gained, middle, records.begin),
        end=np.where(is_lost, middle, records.end),
        certified=np.where(
            records.certified == UNKNOWN, UNKNOWN, np.minimum(certified, np.maximum(window.last, middle))
        ),
        applied=np.where(is_gained, UNKNOWN, records.applied),
    )
    return moved, is_gained, is_lost
