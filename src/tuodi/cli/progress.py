"""A progress bar on the error output, only where somebody watches."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Progress:
    """Call it with stage, done and total; a context manager, so that the bar goes away whatever happens."""

    def __init__(self, *, quiet: bool = False, unit: str = "行") -> None:
        self._shown = sys.stderr.isatty() and not quiet
        self._unit = unit
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if not self._shown:
            return
        if stage != self._stage:
            self.close()
            self._stage = stage
        if self._bar is None:
            from tqdm import tqdm  # type: ignore[import-untyped]

            self._bar = tqdm(desc=stage, total=total, unit=self._unit, leave=False, file=sys.stderr)
        self._bar.total = max(total, done) if total else None
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
