"""Holiday calendars that come with the program, as values for :mod:`tuodi.core.engine.terms`."""

from __future__ import annotations

from importlib import resources

from tuodi.core.engine.terms import WorkCalendar, calendar_of
from tuodi.core.policy.parse import parse_yaml


def calendar_file(text: str, *, file: str) -> WorkCalendar:
    """Return the calendar of a YAML text with ``years``, ``closed`` and ``working``; ``InputErrors`` for anything else."""
    return calendar_of(parse_yaml(text, file=file).data)


def china() -> WorkCalendar:
    """Return the official holidays and make-up working days of the years that the file knows."""
    text = (resources.files("tuodi") / "calendars" / "china.yaml").read_text("utf-8")
    return calendar_file(text, file="calendars/china.yaml")
