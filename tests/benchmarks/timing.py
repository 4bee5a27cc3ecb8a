"""Times taken side by side: A, B, A, B …, so that a noisy machine disturbs both alike; medians, and ratios of neighbours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Times:
    """Seconds of each run of one contestant."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return median(self.seconds)


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def side_by_side(*contestants: Callable[[], object], rounds: int) -> list[Times]:
    """Return the times of all contestants, taken in turns; each has run once before."""
    for work in contestants:
        work()
    found: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for held, work in zip(found, contestants, strict=True):
            held.append(seconds_of(work))
    return [Times(held) for held in found]


def ratio(above: Times, below: Times) -> float:
    """Return the median, over the rounds, of one contestant's time over the other's."""
    return median(a / b for a, b in zip(above.seconds, below.seconds, strict=True))


def each(work: Callable[[], object], *, times: int, rounds: int) -> float:
    """Return the median over the rounds of the seconds of one call among many."""
    work()

    def many() -> None:
        for _ in range(times):
            work()

    return median(seconds_of(many) / times for _ in range(rounds))
