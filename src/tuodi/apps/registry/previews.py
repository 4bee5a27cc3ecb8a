"""A preview as it is kept: its lines in sealed parts, so that a page reads a few of them and nobody reads the roster again.

What is kept is what pages show: no identity number. A line is plain data; days stand as people write them in files.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby, islice
from typing import Any, overload

from tuodi.apps.registry.models import ImportRun, RosterPart
from tuodi.apps.registry.plans import Difference
from tuodi.base import secrets
from tuodi.base.bulk import add_rows
from tuodi.base.doors import sentence_of
from tuodi.core.errors import Fault

#: Lines of a part.
PART = 200
#: The kinds of lines: those that change something, those left alone; beside them what it means in money, and the file to correct.
CHANGES = ("new", "changed", "ended", "registered", "updated", "joined")
LEFT_ALONE = ("not_found", "conflicts", "bad", "passed")
IMPACT, TO_CORRECT = "impact", "to_correct"
#: Sentences about what was passed over when the roster was applied or undone, because the record had changed by then.
PASSED = "passed"


def line_of(one: Difference | Fault) -> Any:
    """Return a difference, or a sentence about a row left alone, as it is kept."""
    if isinstance(one, Fault):
        return sentence_of(one)
    told: dict[str, Any] = {
        "kind": one.kind,
        "psn_no": one.psn_no,
        "name": one.name,
        "identity": one.identity,
        "line": one.line,
    }
    fields = [name for name in one.fields if name != "certno"]
    if "certno" in one.after:
        told["certno"] = True
    return {
        **told,
        "fields": [[name, plain((one.before or {}).get(name)), plain(one.after[name])] for name in fields],
    }


def told_by(line: dict[str, Any]) -> str:
    """Return a line as one text: two lines that say the same have the same."""
    return json.dumps(line, ensure_ascii=False, sort_keys=True)


def by_person(run: ImportRun) -> list[list[dict[str, Any]]]:
    """Return the kept changes of each person, in the order of the person numbers."""
    lines = sorted(Lines(run, CHANGES)[:], key=lambda line: str(line["psn_no"]))
    return [list(some) for _, some in groupby(lines, key=lambda line: line["psn_no"])]


def plain(value: Any) -> Any:
    """Return a value as a line keeps it."""
    return value.isoformat() if isinstance(value, date) else value


def sealed_parts(run: ImportRun, kind: str, lines: Iterable[Any], *, first: int = 0) -> list[RosterPart]:
    """Return the lines of a kind, sealed, a bounded number in each row, not kept yet: sealing takes longer than writing."""
    each = iter(lines)
    return [RosterPart(run=run, kind=kind, number=number, sealed=_sealed(run, kind, number, part))
            for number, part in enumerate(iter(lambda: list(islice(each, PART)), []), first)]  # fmt: skip


def keep(parts: Sequence[RosterPart]) -> None:
    """Keep sealed lines."""
    add_rows(parts)


def add(run: ImportRun, kind: str, lines: Sequence[Any]) -> None:
    """Keep more lines of a kind, after those that are kept, and count them; whoever calls saves ``told``."""
    had = int(run.told.get("lines", {}).get(kind, 0))
    last = Lines(run, [kind])[had - had % PART : had]
    RosterPart.objects.filter(run=run, kind=kind, number=had // PART).delete()
    keep(sealed_parts(run, kind, [*last, *lines], first=had // PART))
    run.told = {**run.told, "lines": {**run.told.get("lines", {}), kind: had + len(lines)}}


def forget(run: ImportRun) -> None:
    """Delete what is kept of a preview: names are not kept longer than somebody decides about them. What was passed over stays."""
    RosterPart.objects.filter(run=run).exclude(kind=PASSED).delete()


def bound(run_id: int, kind: str, number: int) -> str:
    """Return what some sealed lines of a preview are bound to: whose they are, and which."""
    return f"registry.rosterpart:{run_id}:{kind}:{number}"


def _sealed(run: ImportRun, kind: str, number: int, lines: list[Any]) -> bytes:
    return secrets.encrypt(json.dumps(lines, ensure_ascii=False), bound_to=bound(run.pk, kind, number))


class ReadByPage(Sequence[Any]):
    """Lines of which those asked for are read, a page at a time."""

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

    @abstractmethod
    def _between(self, first: int, last: int) -> Iterator[Any]: ...


class Lines(ReadByPage):
    """The kept lines of some kinds, one kind after the other."""

    def __init__(self, run: ImportRun, kinds: Iterable[str]) -> None:
        counted = run.told.get("lines", {})
        self.run, self.counts = run, {kind: int(counted.get(kind, 0)) for kind in kinds}

    def __len__(self) -> int:
        return sum(self.counts.values())

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
