"""The rows of a batch's files that are to be corrected: one file for each input that has any, there only if the batch ends well."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import polars as pl

from tuodi.batch.reading import write_bad


class BadRows:
    """Keeps rows aside in drafts and gives them their names at the end. ``named`` says how a file is called other than by its input."""

    def __init__(self, out: Path, *, named: dict[Path, Path | None]) -> None:
        self._out, self._named = out, named
        self._drafts: dict[Path, Path] = {}

    def add(self, source: Path, rows: pl.DataFrame) -> None:
        """Keep rows of an input file, behind those already kept."""
        path = self._named.get(source) or self._out.with_name(f"{self._out.stem}.{source.stem}.bad.csv")
        draft = self._drafts.get(path)
        if draft is None:
            draft = self._drafts[path] = path.with_name(f".{path.name}.{os.getpid()}.part")
            write_bad(draft, rows)
        else:
            write_bad(draft, rows, append=True)

    def __enter__(self) -> BadRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for path, draft in self._drafts.items():
            if kind is None:
                draft.replace(path)
            else:
                draft.unlink(missing_ok=True)
