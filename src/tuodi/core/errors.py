"""The errors of the product, in one list.

Three kinds, never mixed (style F1): a *refusal* is a lawful answer and lives in results; an *input error* is here, with
a code, a Chinese sentence and what to do; *our mistake* is an ``assert``.

    TuodiError
    ├── InputErrors        every fault of what was handed in, all at once
    │   ├── PackErrors     the same for a policy pack
    │   └── WordErrors     words of a command that name nothing there is
    └── MissingValues      a delegated value that a rule needs has not been entered
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: code -> (what is wrong, with fields in braces; what to do next). ``docs/reference/errors.md`` is generated from it.
CATALOGUE: dict[str, tuple[str, str]] = {}


def declare(code: str, wrong: str, remedy: str) -> str:
    """Add an error to the one list and return its code."""
    assert code not in CATALOGUE, code
    CATALOGUE[code] = (wrong, remedy)
    return code


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, with where it stands and what it says there."""

    code: str
    fields: tuple[tuple[str, str], ...] = ()
    file: str = ""
    line: int = 0
    column: str = ""
    value: str = ""

    @property
    def message(self) -> str:
        """The Chinese sentence: what is wrong, then what to do."""
        wrong, remedy = CATALOGUE[self.code]
        fields = {"value": self.value, **dict(self.fields)}
        return f"{wrong.format(**fields)}。{remedy.format(**fields)}。"

    @property
    def place(self) -> str:
        """Where: file, line, column, as people read it."""
        parts = [self.file] if self.file else []
        if self.line:
            parts.append(f"第 {self.line} 行")
        if self.column:
            parts.append(f"“{self.column}”列")
        return " ".join(parts)

    def __str__(self) -> str:
        place = f"{self.place}：" if self.place else ""
        value = f"（值为“{self.value}”）" if self.value else ""
        return f"[{self.code}] {place}{self.message}{value}"


def fault(code: str, /, *, file: str = "", line: int = 0, column: str = "", value: str = "", **fields: object) -> Fault:
    """Return a fault of the catalogue; the code must be declared and its sentence must have its fields."""
    made = Fault(code, tuple((k, str(v)) for k, v in fields.items()), file, line, column, value)
    assert made.message
    return made


class TuodiError(Exception):
    """Anything that a door (command line, page, interface) answers plainly."""


class InputErrors(TuodiError):
    """All faults of one input, in the order of their places."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        assert self.faults
        super().__init__("\n".join(str(f) for f in self.faults))


class PackErrors(InputErrors):
    """All faults of one policy pack."""


class WordErrors(InputErrors):
    """Words of a command that name nothing there is: the command was not written as it must be."""


class Together:
    """Collects what is wrong with several inputs, so that it is told at once."""

    def __init__(self) -> None:
        self.errors: list[InputErrors] = []

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Keep the faults of one input."""
        try:
            yield
        except InputErrors as error:
            self.errors.append(error)

    def tell(self) -> None:
        """Raise what was kept, if anything was: as what it is, if all of it is of one kind, each fault once."""
        if self.errors:
            kinds = {type(error) for error in self.errors}
            made = kinds.pop() if len(kinds) == 1 else InputErrors
            raise made(dict.fromkeys(fault for error in self.errors for fault in error.faults))


class MissingValues(InputErrors):
    """Delegated values that rules need and that nobody has entered; the faults name parameter, clause and document."""
