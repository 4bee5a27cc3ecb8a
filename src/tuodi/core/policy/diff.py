"""What differs between two packs, two readings or two days of one pack: in Chinese, with clauses, figure by figure.

Lists are matched by their ids (rows of figures by their conditions), so that a moved line is no difference and a changed figure is one
change. ``on_day`` gives a pack as it stands on one day, for comparing days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import msgspec

from tuodi.core.policy.check_figures import CALLED, UNITS
from tuodi.core.policy.check_ids import NOT_HERE, REFERS
from tuodi.core.policy.check_look import inside
from tuodi.core.policy.describe_fields import label_of, value_words
from tuodi.core.policy.describe_words import Words, joined
from tuodi.core.policy.figures import EnteredValue, Resolver
from tuodi.core.policy.model import (
    DatedFigure,
    Delegated,
    Figure,
    FigureRow,
    Line,
    Pack,
    Part,
    Reading,
    When,
    Window,
)

Kind = Literal["added", "removed", "changed", "moved"]
KINDS: dict[Kind, str] = {"added": "增加", "removed": "删去", "changed": "改变", "moved": "次序改变"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where in people's words, what it was and what it is, and the clause it is about."""

    kind: Kind
    where: str
    before: str
    after: str
    clause: str
    path: str

    def __str__(self) -> str:
        clause = f"〔{self.clause}〕" if self.clause else ""
        if self.kind == "changed":
            return f"{self.where}：{self.before or '（无）'} → {self.after or '（无）'}{clause}"
        return f"{KINDS[self.kind]}{self.where}{'：' if self.before or self.after else ''}{self.before or self.after}{clause}"


def diff(
    a: Pack, b: Pack, values: Sequence[EnteredValue] = (), values_of_b: Sequence[EnteredValue] | None = None,
    *, codes: bool = True,
) -> list[Change]:  # fmt: skip
    """Return what differs from the first pack to the second, in the order of the model.

    ``values`` are entered values for both (said beside delegated figures); ``values_of_b`` those of the second, if others.
    ``codes``: with the names that parameters, windows and choices have in packs, for who writes or decides them.
    """
    words = Words(a, values), Words(b, values if values_of_b is None else values_of_b)
    return list(_part(_Place(words, codes, "", "", ""), a, b))


def on_day(pack: Pack, values: Sequence[EnteredValue], day: date) -> Pack:
    """Return a pack with every dated figure as it stands on a day, and only the rows and values in force then."""
    resolver = Resolver({}, day)
    made: Pack = _standing(pack, resolver)
    return made


def values_on(values: Sequence[EnteredValue], day: date) -> list[EnteredValue]:
    """Return the entered values in force on a day, one for each parameter."""
    held: dict[str, EnteredValue] = {}
    for value in sorted(values, key=lambda value: value.first or date.min):
        if (value.first or date.min) <= day:
            held[value.param] = value
    return list(held.values())


def _standing(value: Any, resolver: Resolver) -> Any:
    if isinstance(value, list):
        if value and all(isinstance(item, DatedFigure) for item in value):
            return resolver.dated(value)
        return [_standing(item, resolver) for item in value if not _over(item, resolver.day)]
    if isinstance(value, dict):
        return {key: _standing(item, resolver) for key, item in value.items()}
    if isinstance(value, Part):
        fields = {name: _standing(getattr(value, name), resolver) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


def _over(item: Any, day: date) -> bool:
    """Say whether a row of figures does not hold on a day."""
    if not isinstance(item, FigureRow):
        return False
    early = isinstance(item.first, date) and day < item.first
    return early or (isinstance(item.last, date) and day > item.last)


@dataclass(frozen=True)
class _Place:
    """Where a comparison stands: in words, as a path, under which clause; and the words of both packs."""

    words: tuple[Words, Words]
    codes: bool
    where: str
    path: str
    clause: str

    def inner(self, name: str, path: str, value: Any = None) -> _Place:
        clause = getattr(value, "clause", None)
        clause = clause if isinstance(clause, str) else self.clause
        where = joined([self.where, name], last=" › ")
        return _Place(self.words, self.codes, where, f"{self.path}.{path}".lstrip("."), clause)

    def change(self, kind: Kind, before: str = "", after: str = "") -> Change:
        return Change(kind, self.where, before, after, self.clause, self.path)


def _part(place: _Place, a: Part, b: Part) -> Iterator[Change]:
    for name, key in zip(a.__struct_fields__, a.__struct_encode_fields__, strict=True):
        mine, theirs = getattr(a, name), getattr(b, name)
        if mine == theirs or (isinstance(a, Pack) and key in ("pack", "accepted")):
            continue
        at = place.inner(label_of(type(a), key), key, b)
        if isinstance(a, Pack) and key == "readings":
            yield from _readings(at, mine, theirs)
        else:
            yield from _value(at, _meant(a, key, mine), _meant(b, key, theirs), _unit(a, key))


def _unit(part: Part, key: str) -> str:
    """Return the unit of a figure, or what a name names; ``text`` for anything else."""
    named = REFERS.get(key, "text") if (type(part), key) not in NOT_HERE else "text"
    return UNITS.get((type(part), key), named)


def _meant(part: Part, key: str, value: Any) -> Any:
    """Return what a value of a closed list means; any other value as it is."""
    return value_words(type(part), key, value) if isinstance(value, str) else value


def _value(place: _Place, a: Any, b: Any, unit: str) -> Iterator[Change]:
    if isinstance(a, dict) and isinstance(b, dict):
        yield from _dicts(place, a, b, unit)
    elif isinstance(a, list) and isinstance(b, list) and (_keyed(a) and _keyed(b)):
        yield from _dicts(place, _by_key(place.words[0], a), _by_key(place.words[1], b), unit)
        shared = [key for key in _by_key(place.words[0], a) if key in _by_key(place.words[1], b)]
        again = [key for key in _by_key(place.words[1], b) if key in shared]
        if shared != again:
            yield place.change("moved", "", f"{joined(shared)} → {joined(again)}")
    elif isinstance(a, Part) and isinstance(b, Part) and type(a) is type(b) and not isinstance(a, (Figure, When)):
        yield from _part(place, a, b)
    else:
        yield place.change("changed", _said(place.words[0], a, unit), _said(place.words[1], b, unit))


def _keyed(items: list[Any]) -> bool:
    """Say whether a list is made of structures that can be told apart by a name or their conditions."""
    return all(isinstance(item, Part) and not isinstance(item, (DatedFigure, When)) for item in items)


def _by_key(words: Words, items: list[Part]) -> dict[str, Part]:
    """Return structures by their names; equal names are told apart by their order."""
    out: dict[str, Part] = {}
    for i, item in enumerate(items):
        key = _key(words, item) or f"第 {i + 1} 项"
        while key in out:
            key += "′"
        out[key] = item
    return out


def _key(words: Words, item: Part) -> str:
    if isinstance(item, (FigureRow, Line)):
        return words.when(item.when) or "全部"
    for name in ("name", "disease", "measure", "says", "does"):
        if getattr(item, name, ""):
            return str(getattr(item, name))
    from_ = getattr(item, "from_", None)
    if from_ is not None:
        return words.figure(from_, "yuan")
    identities = getattr(item, "identities", None)
    return joined(words.identity(i) for i in identities) if identities else str(getattr(item, "id", ""))


def _dicts(place: _Place, a: dict[str, Any], b: dict[str, Any], unit: str) -> Iterator[Change]:
    for key in [*a, *(key for key in b if key not in a)]:
        if a.get(key) == b.get(key) and key in a and key in b:
            continue
        at = place.inner(f"“{_called(place, key, b.get(key, a.get(key)))}”", key, b.get(key, a.get(key)))
        if key not in b:
            yield at.change("removed", before=_said(place.words[0], a[key], unit))
        elif key not in a:
            yield at.change("added", after=_said(place.words[1], b[key], unit))
        else:
            yield from _value(at, a[key], b[key], unit)


def _called(place: _Place, key: str, value: Any) -> str:
    """Return what one entry of a list is called: what it asks or is for, where the names of packs say nothing to the reader."""
    if place.codes:
        return key
    if isinstance(value, Delegated):
        return value.asks
    return value.name if isinstance(value, Window) else key


def _readings(place: _Place, a: dict[str, Reading], b: dict[str, Reading]) -> Iterator[Change]:
    """Yield readings switched, added and removed."""
    for key in [*a, *(key for key in b if key not in a)]:
        known = b[key] if key in b else a[key]
        at = _Place(place.words, place.codes, f"释义 {key}", f"readings.{key}", " ".join(known.clause))
        if key in a and key in b:
            before, after = a[key], b[key]
            if before.default != after.default:
                yield at.change("changed", *(_choice(one, one.default, place.codes) for one in (before, after)))
            elif before != after:
                yield at.change("changed", _choices(before, place.codes), _choices(after, place.codes))
        else:
            kind: Kind = "added" if key in b else "removed"
            yield at.change(kind, after=known.question)


def _choice(reading: Reading, name: str, codes: bool) -> str:
    means = reading.choices[name].means
    return f"{means}（{name}）" if codes else means


def _choices(reading: Reading, codes: bool) -> str:
    said = (f"{name}（{choice.means}）" if codes else choice.means for name, choice in reading.choices.items())
    return f"{reading.question}：{joined(said, last='；')}"


def _said(words: Words, value: Any, unit: str) -> str:
    """Return a value in words."""
    if value is None and unit in ("payer", "layer"):
        return "（默认）"
    if value is msgspec.UNSET or value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, When):
        return words.when(value) or "不限"
    if isinstance(value, (str, int, date, Figure)) or (isinstance(value, list) and isinstance(value[0], DatedFigure)):
        return (
            words.figure(value, unit) if unit in CALLED or isinstance(value, Figure) else _name(words, str(value), unit)
        )
    if isinstance(value, list):
        return joined(_said(words, item, unit) for item in value)
    if isinstance(value, dict):
        return joined((f"{key} {_said(words, item, unit)}" for key, item in value.items()), last="；")
    return joined(_fields(words, value), last="，")


def _fields(words: Words, value: Part) -> Iterator[str]:
    for key, inner in inside(value):
        said = _said(words, _meant(value, str(key), inner), _unit(value, str(key)))
        if said and key not in ("id", "name", "clause", "readings"):
            yield f"{label_of(type(value), str(key))} {said}"


def _name(words: Words, text: str, kind: str) -> str:
    """Return what a name stands for, by what it names."""
    say: dict[str, Callable[[str], str]] = {
        "identity": words.identity, "category": words.category, "layer": words.layer, "fund": words.fund, "window": words.window,
        "disease": lambda name: words.diseases.get(name, name), "payer": lambda name: words.payers([name]), "period": words.period,
    }  # fmt: skip
    return say[kind](text) if kind in say else text
