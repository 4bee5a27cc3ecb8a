"""The way in for the workers of ``tuodi serve``, in a process group of their own.

Ctrl+C in a terminal reaches every process of the terminal's group. A worker that is told to end twice, by the terminal and by the
process that started it, waits for itself for ever; outside the group it is told once, by that process, and ends in good order.

A worker whose first process was killed ends too: it would hold the port, so that the county could not be started again, and answer
while nobody tells news and seals the trail.
"""

from __future__ import annotations

import multiprocessing
import os
import threading

from tuodi.site.wsgi import application

__all__ = ["application"]

os.setpgid(0, 0)


def _end_with_the_first() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
        os._exit(1)


threading.Thread(target=_end_with_the_first, name="tuodi-first", daemon=True).start()
