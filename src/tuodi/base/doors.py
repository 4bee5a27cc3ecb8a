"""What the doors of the apps share: saying what is wrong, days from addresses, pages of a list, a list as CSV.

Doors parse, call one action or query and render; nothing here decides anything.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, StreamingHttpResponse

from tuodi.base import clock
from tuodi.base.action import Action
from tuodi.core.errors import Fault, InputErrors

PAGE = 25
#: The first and the last day that anybody means.
DAYS = (date(1880, 1, 1), date(2199, 12, 31))


def said(wrong: InputErrors) -> list[str]:
    """Return the sentences of what is wrong, each with its file and line if it has one."""
    return [sentence_of(fault) for fault in wrong.faults]


def sentence_of(fault: Fault) -> str:
    """Return one fault as people read it: place, sentence, value."""
    place = f"{fault.place}：" if fault.place else ""
    value = f"（值为“{fault.value}”）" if fault.value else ""
    return f"{place}{fault.message}{value}"


def bars(action: Action) -> list[str]:
    """Return what stands against an action now, as it would say itself; empty if nothing: a button is not offered to be refused."""
    try:
        action.rehearse()
    except InputErrors as wrong:
        return said(wrong)
    return []


def say_beside(form: forms.Form, wrong: InputErrors, places: Mapping[str, str]) -> None:
    """Say each fault beside the field that its code is about; those of no field stand above the form."""
    for fault in wrong.faults:
        field = places.get(fault.code)
        form.add_error(field if field in form.fields else None, sentence_of(fault))


def day_of(text: str) -> date | None:
    """Return the day that an address names; None if it names none of these centuries: days are added to and taken from.

    >>> day_of("2026-02-28"), day_of("2026-02-30"), day_of("9999-12-31"), day_of("")
    (datetime.date(2026, 2, 28), None, None, None)
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if DAYS[0] <= found <= DAYS[1] else None


def page_of(request: HttpRequest, rows: Any, *, size: int = PAGE) -> Page[Any]:
    """Return the page of a list that the address asks for; the nearest if there is none such."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def day_field(label: str, *, required: bool = True, help_text: str = "") -> forms.DateField:
    """Return a form's field for one day; that it has a last one makes browsers take four digits for a year."""
    widget = forms.DateInput({"type": "date", "max": f"{DAYS[1]}"}, format="%Y-%m-%d")
    limits = [MinValueValidator(DAYS[0]), MaxValueValidator(DAYS[1])]
    return forms.DateField(label=label, required=required, widget=widget, help_text=help_text, validators=limits)


def csv_download(name: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """Return a list as a file that spreadsheets open with the right characters and without formulas."""

    def lines() -> Iterator[str]:
        yield "\ufeff" + csv_line(head)
        for row in rows:
            yield csv_line(row)

    told = {"Content-Disposition": f'attachment; filename="{name}-{clock.today():%Y%m%d}.csv"'}
    return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=told)


def csv_line(cells: Iterable[object]) -> str:
    """Return a line of such a file."""
    held = io.StringIO()
    csv.writer(held).writerow(safe_cell(cell) for cell in cells)
    return held.getvalue()


def safe_cell(text: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers.

    Spreadsheets of East Asian systems take the full-width signs for formulas too.

    >>> safe_cell("=1+1"), safe_cell("＝1"), safe_cell("一医院"), safe_cell(" -2"), safe_cell("")
    ("'=1+1", "'＝1", '一医院', "' -2", '')
    """
    begins = unicodedata.normalize("NFKC", text).lstrip()[:1] if isinstance(text, str) else ""
    return f"'{text}" if begins and begins in "=+-@|%" else text
