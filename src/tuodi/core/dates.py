"""Days: closed periods, months that clamp, and nothing that asks what day it is today.

``first`` and ``last`` are both included. "n months back" from a day that the month lacks is the month's last
day (benefits 3).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

FOREVER = date(9999, 12, 31)
LONG_AGO = date(1, 1, 1)


def month_end(day: date) -> date:
    """Return the last day of the month of ``day``.

    >>> month_end(date(2024, 2, 3))
    datetime.date(2024, 2, 29)
    """
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def add_months(day: date, months: int) -> date:
    """Return the same day ``months`` later (or earlier); a day the month lacks becomes the month's last.

    >>> add_months(date(2024, 8, 31), -6), add_months(date(2023, 12, 31), 2)
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29))
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if year < 1:
        return LONG_AGO
    if year > 9999:
        return FOREVER
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def day_before(day: date) -> date:
    """Return the day before ``day``."""
    return day - timedelta(days=1) if day > LONG_AGO else day


def age_on(birth: date, day: date) -> int:
    """Return completed years of age on ``day``; somebody born on 29 February is a year older on 1 March.

    >>> age_on(date(2004, 2, 29), date(2022, 2, 28)), age_on(date(2004, 2, 29), date(2022, 3, 1))
    (17, 18)
    """
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


@dataclass(frozen=True, slots=True)
class Period:
    """A closed span of days; ``last`` is ``FOREVER`` when open."""

    first: date
    last: date = FOREVER

    def __post_init__(self) -> None:
        assert self.first <= self.last, (self.first, self.last)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def meets(self, other: Period) -> bool:
        """Say whether the two share a day."""
        return self.first <= other.last and other.first <= self.last
