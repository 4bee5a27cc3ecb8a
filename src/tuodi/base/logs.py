"""Log lines without personal data: of an error where it happened and of which kind, never the values that its text would tell.

A database says of a row that it refuses what stands in it, a parser repeats what it could not read. What is looked for in a log
is the place in the program; the row is found by the reference that the line carries.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType
from typing import Any

from django.db import Error as DatabaseTrouble

from tuodi.core.errors import InputErrors


class WithoutValues(logging.Formatter):
    """Writes errors as frames and kinds; of our own errors the codes, of the database's the state and what refused."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        error, told = ei[1], []
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            told.append("".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__qualname__}{_said(error)}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n\n".join(reversed(told))


def _said(error: BaseException) -> str:
    if isinstance(error, InputErrors):
        return f": {', '.join(one.code for one in error.faults)}"
    diagnosis: Any = getattr(error.__cause__ or error, "diag", None)
    if isinstance(error, DatabaseTrouble) and diagnosis is not None:
        told = (diagnosis.sqlstate, diagnosis.table_name, diagnosis.constraint_name)
        return f": {', '.join(filter(None, told))}"
    return ""
