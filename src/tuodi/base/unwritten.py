"""Content that a parser wants as a file and that must not lie on a disk: a file in memory alone, where the system has such."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unwritten(content: bytes) -> Iterator[Path]:
    """Give the path of a file that holds the content, gone afterwards; only where there are no files in memory is it on the disk."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryDirectory(prefix="tuodi-") as folder:
            path = Path(folder) / "content"
            path.touch(mode=0o600)
            path.write_bytes(content)
            yield path
        return
    descriptor = os.memfd_create("tuodi", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
