"""On what the figures were measured: processor, cores, memory, versions, day."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("numpy", "numba", "polars", "pyarrow", "duckdb", "openfisca-core")


def described() -> list[str]:
    """Return the machine and the libraries in a few lines."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ", ".join(f"{name} {found}" for name in LIBRARIES if (found := version_of(name)))
    return [
        f"Processor: {_processor()}, {cores} cores used, {_memory()} of memory",
        f"System: {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        f"Libraries: {libraries}",
        f"Day: {date.today()}",
    ]


def version_of(name: str) -> str:
    """Return the installed version of a library, "" if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def free_bytes() -> int:
    """Return how much memory is available now; 0 where the system does not say."""
    return _meminfo("MemAvailable")


def peak_bytes() -> int:
    """Return the most memory that this process has had since it was started.

    The system's own tally is asked first: what ``getrusage`` says, a process inherits from the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    total = _meminfo("MemTotal")
    return f"{total / 2**30:.0f} GiB" if total else "an unknown amount"


def _meminfo(name: str) -> int:
    path = Path("/proc/meminfo")
    if not path.exists():
        return 0
    for line in path.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0
