"""One step ahead: the next item is made while the last one is worked on.

Reading and cutting a file and judging its cells keep different parts of the machine busy, and release the
interpreter's lock while they do. One item waits at most, so that memory stays bounded.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")

_END = object()
_PATIENCE = 1  # seconds between looks at whether anybody still listens


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the same items in the same order; what the maker raises is raised here, after the items before it."""
    waiting: Queue[object] = Queue(maxsize=1)
    is_over = threading.Event()

    def hand_over(item: object) -> None:
        while not is_over.is_set():
            with contextlib.suppress(Full):
                waiting.put(item, timeout=_PATIENCE)
                return

    def make() -> None:
        try:
            for item in items:
                hand_over(item)
                if is_over.is_set():
                    return
            hand_over(_END)
        except BaseException as error:  # handed over, not hidden
            hand_over(_Raised(error))

    maker = threading.Thread(target=make, name="tuodi-ahead", daemon=True)
    maker.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        is_over.set()
        with contextlib.suppress(Empty):
            waiting.get_nowait()  # so that a maker that waits goes on, and sees that it is over
        maker.join()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
