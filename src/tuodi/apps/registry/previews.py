"""A preview as it is kept: its lines in sealed parts, so that a page reads a few of them and nobody reads the roster again.

What is kept is what pages show: no identity number. A line is plain data; days stand as people write them in files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, overload

from tuodi.apps.registry.models import ImportRun, RosterPart
from tuodi.apps.registry.plans import Difference
from tuodi.base import secrets
from tuodi.base.doors import sentence_of
from tuodi.core.errors import Fault

#: Lines of a part.
PART = 200
#: The kinds of lines: those that change something, those left alone; beside them what it means in money, and the file to correct.
CHANGES = ("new", "changed", "ended", "registered", "updated", "joined")
LEFT_ALONE = ("not_found", "conflicts", "bad")
IMPACT, TO_CORRECT = "impact", "to_correct"


def line_of(one: Difference | Fault) -> Any:
    """Return a difference, or a sentence about a row left alone, as it is kept."""
    if isinstance(one, Fault):
        return sentence_of(one)
    told = {"kind": one.kind, "psn_no": one.psn_no, "name": one.name, "identity": one.identity, "line": one.line}
    fields = [name for name in one.fields if name != "certno"]
    return {
        **told,
        "fields": [[name, _plain((one.before or {}).get(name)), _plain(one.after[name])] for name in fields],
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def keep(run: ImportRun, kind: str, lines: Iterable[Any]) -> None:
    """Keep the lines of a kind, sealed, a bounded number in each row."""
    each = iter(lines)
    made = [RosterPart(run=run, kind=kind, number=number, sealed=_sealed(run, kind, number, part))
            for number, part in enumerate(iter(lambda: list(islice(each, PART)), []))]  # fmt: skip
    RosterPart.objects.bulk_create(made, batch_size=100)


def forget(run: ImportRun) -> None:
    """Delete what is kept of a preview: names are not kept longer than somebody decides about them."""
    RosterPart.objects.filter(run=run).delete()


def bound(run_id: int, kind: str, number: int) -> str:
    """Return what some sealed lines of a preview are bound to: whose they are, and which."""
    return f"registry.rosterpart:{run_id}:{kind}:{number}"


def _sealed(run: ImportRun, kind: str, number: int, lines: list[Any]) -> bytes:
    return secrets.encrypt(json.dumps(lines, ensure_ascii=False), bound_to=bound(run.pk, kind, number))


class Lines(Sequence[Any]):
    """The kept lines of some kinds, one kind after the other; what is asked for is read, a page at a time."""

    def __init__(self, run: ImportRun, kinds: Iterable[str]) -> None:
        counted = run.told.get("lines", {})
        self.run, self.counts = run, {kind: int(counted.get(kind, 0)) for kind in kinds}

    def __len__(self) -> int:
        return sum(self.counts.values())

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, int):
            return self[at : at + 1][0]
        first, last, step = at.indices(len(self))
        assert step == 1, "pages are read in order"
        return list(self._between(first, last))

    def _between(self, first: int, last: int) -> Iterator[Any]:
        for kind, count in self.counts.items():
            wanted = range(max(first, 0), min(last, count))
            if wanted:
                numbers = range(wanted.start // PART, wanted[-1] // PART + 1)
                held = [line for part in self._parts(kind, numbers) for line in part]
                yield from held[wanted.start - numbers.start * PART : wanted.stop - numbers.start * PART]
            first, last = first - count, last - count

    def _parts(self, kind: str, numbers: range) -> Iterator[list[Any]]:
        rows = RosterPart.objects.filter(run=self.run, kind=kind, number__gte=numbers.start, number__lt=numbers.stop)
        for row in rows.order_by("number"):
            yield json.loads(secrets.decrypt(bytes(row.sealed), bound_to=bound(self.run.pk, kind, row.number)))
