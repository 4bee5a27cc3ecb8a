"""One step ahead: same items, same order, same errors, and nobody left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tuodi.batch.ahead import ahead


def numbers(count: int, *, seen: list[int] | None = None) -> Iterator[int]:
    for number in range(count):
        if seen is not None:
            seen.append(number)
        yield number


def makers() -> int:
    return sum(thread.name == "tuodi-ahead" for thread in threading.enumerate())


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_items_come_in_their_order(count: int) -> None:
    assert list(ahead(numbers(count))) == list(range(count))
    assert makers() == 0


def test_an_error_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("second")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="second"):
        next(items)
    assert makers() == 0


def test_a_reader_who_leaves_stops_the_maker() -> None:
    seen: list[int] = []
    items = ahead(numbers(1000, seen=seen))
    assert next(items) == 0
    began = time.monotonic()
    items.close()
    assert time.monotonic() - began < 0.9
    assert makers() == 0
    assert len(seen) < 10


def test_only_one_item_waits() -> None:
    seen: list[int] = []
    items = ahead(numbers(1000, seen=seen))
    next(items)
    time.sleep(0.05)
    assert len(seen) <= 3
    items.close()
