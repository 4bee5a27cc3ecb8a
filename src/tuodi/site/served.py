"""The way in for the workers of ``tuodi serve``, in a process group of their own.

Ctrl+C in a terminal reaches every process of the terminal's group. A worker that is told to end twice, by the terminal and by the
process that started it, waits for itself for ever; outside the group it is told once, by that process, and ends in good order.
"""

from __future__ import annotations

import os

from tuodi.site.wsgi import application

__all__ = ["application"]

os.setpgid(0, 0)
