"""Trouble with a disk, told the same whichever library met it: the system's number and the file that was written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Polars says the number in words only: "No space left on device (os error 28)".
_IN_WORDS = re.compile(r"\(os error (\d+)\)")


@contextmanager
def written_to(path: str | Path) -> Iterator[None]:
    """Let an error of the system inside the block carry its number and the file's name."""
    try:
        yield
    except OSError as error:
        if error.filename:
            raise
        said = _IN_WORDS.search(str(error))
        number = error.errno or (int(said[1]) if said else 0)
        if not number:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error
