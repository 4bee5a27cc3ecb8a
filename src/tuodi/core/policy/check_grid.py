"""Every kind of person and bill that a layer's conditions tell apart: exactly one row of figures must answer each.

The conditions of a layer name some dimensions (category, care, disease, hospital, age, referral …); their values are enumerated from
what the conditions mention, so that the grid is complete and small. What no row answers is a hole, what two rows answer an
overlap; a row that answers nothing is dead. Time is one more dimension where rows have days of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations, pairwise, product
from typing import Any

import msgspec

from tuodi.core.dates import FOREVER
from tuodi.core.engine.conditions import IDENTITY_BITS, Profile, holds
from tuodi.core.engine.plan import Plan
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.figures import Missing, Resolver, delegated_in
from tuodi.core.policy.model import FigureRow, Layer, When
from tuodi.core.settlements import CAUSES, MED_TYPES, REFERRALS

TIERS = {"primary": "一级及以下医院", "secondary": "二级医院", "tertiary": "三级医院"}
CARES = {"inpatient": "住院", "chronic_outpatient": "门诊慢特病", "other": "其他门诊"}
#: More kinds of case than this are not enumerated one by one: the least telling dimensions are dropped.
MOST = 60_000


@dataclass(frozen=True)
class Option:
    """One value of a dimension: what people call it, what it makes of a profile, the category it gives (people only)."""

    name: str
    changes: dict[str, Any]
    category: int = 0


@dataclass(frozen=True)
class Dimension:
    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of case: an option of every dimension."""

    options: tuple[Option, ...]
    profile: Profile
    category: int


def conditions_of(layer: Layer) -> list[When]:
    """Return all conditions of a layer."""
    return [layer.covers, *(row.when for row in layer.figures), *(penalty.when for penalty in layer.base.penalties)]


def flat(whens: Iterable[When]) -> list[When]:
    """Return conditions and the alternatives inside them."""
    out: list[When] = []
    for when in whens:
        out.append(when)
        if when.any_of is not msgspec.UNSET:
            out += flat(when.any_of)
    return out


def mentioned(whens: Sequence[When], *keys: str) -> list[Any]:
    """Return every value that conditions give for some keys, in order, once."""
    out: dict[Any, None] = {}
    for when in flat(whens):
        for key in keys:
            value = getattr(when, key)
            if value is not msgspec.UNSET:
                out.update(dict.fromkeys(value if isinstance(value, list) else [value]))
    return list(out)


def dimensions(
    plan: Plan, whens: Sequence[When], *, windows: Sequence[str] = (), pairs: bool = True
) -> list[Dimension]:
    """Return the dimensions that conditions tell apart, people first; ``windows`` are told apart whether mentioned or not."""
    found = [Dimension("对象", tuple(_people(plan, whens, pairs=pairs)))]
    for key, make in (("care", _cares), ("disease", _diseases)):
        if mentioned(whens, key, "med_type") if key == "care" else mentioned(whens, key):
            found.append(make(plan, whens))
    for key, name, attribute, texts in (
        ("hospital", "医院", "tier", TIERS), ("referral", "转诊", "referral", REFERRALS), ("cause", "原因", "cause", CAUSES),
    ):  # fmt: skip
        if mentioned(whens, key):
            found.append(Dimension(name, tuple(Option(text, {attribute: value}) for value, text in texts.items())))
    if mentioned(whens, "age"):
        found.append(_ages(whens))
    for key, attribute, yes, no in (
        ("out_of_province", "out_of_province", "省外就医", "省内就医"), ("designated", "designated", "定点机构", "非定点机构"),
        ("assistance_institution", "assistance_institution", "救助定点机构", "非救助定点机构"), ("registered", "elsewhere", "户籍在外地", "户籍在本地"),
    ):  # fmt: skip
        if mentioned(whens, key):
            found.append(Dimension(yes, (Option(yes, {attribute: True}), Option(no, {attribute: False}))))
    opened = list(dict.fromkeys([*mentioned(whens, "window"), *windows]))
    if opened:
        found.append(_windows(plan, opened))
    if mentioned(whens, "diagnosis", "not_diagnosis"):
        found.append(_diagnoses(plan, whens))
    return found


def kinds(plan: Plan, dims: Sequence[Dimension], day: date) -> Iterator[Kind]:
    """Yield every kind of case on a day."""
    base = Profile(
        day=day, identities=0, med_type=_care_code(plan, "inpatient"), diseases=(_ordinary(plan),), referral="local",
        out_of_province=False, cause="", tier="tertiary", age=40, designated=True, assistance_institution=True, diagnosis="Z00.0",
    )  # fmt: skip
    kept = list(dims)
    while _size(kept) > MOST:
        kept.remove(max(kept[1:], key=lambda dim: len(dim.options)))
    for options in product(*(dim.options for dim in kept)):
        changes: dict[str, Any] = {}
        for option in options:
            changes.update(option.changes)
        yield Kind(options, replace(base, **changes), options[0].category)


def _size(dims: Sequence[Dimension]) -> int:
    size = 1
    for dim in dims:
        size *= len(dim.options)
    return size


def matching(plan: Plan, layer: Layer, kind: Kind) -> list[int]:
    """Return the rows of a layer that answer a kind of case."""
    return [
        i for i, row in enumerate(layer.figures)
        if in_time(plan, row, kind.profile.day) and holds(plan, row.when, kind.profile, kind.category)
    ]  # fmt: skip


def in_time(plan: Plan, row: FigureRow, day: date) -> bool:
    """Say whether a row holds on a day; a bound that nobody has entered bounds nothing."""
    resolver = Resolver(plan.entered, day)
    try:
        return (row.first is None or resolver.day_of(row.first) <= day) and (
            row.last is None or day <= resolver.day_of(row.last)
        )
    except Missing:
        return True


def days_of(plan: Plan, layer: Layer) -> list[date]:
    """Return a day of every stretch in which the same rows of a layer can hold."""
    if all(row.first is None and row.last is None for row in layer.figures):
        return [plan.first]
    last = plan.last
    return sorted({plan.first, *(day for day in plan.boundaries if plan.first <= day <= last and day < FOREVER)})


def boxes(dims: Sequence[Dimension], found: Sequence[Kind]) -> list[str]:
    """Return kinds of case in few words: what differs in one dimension only is said together, what holds for all is left out.

    The kinds may have fewer dimensions than given (dropped ones); those are not told apart.
    """
    names = {option.name for kind in found for option in kind.options}
    kept = [dim for dim in dims if any(option.name in names for option in dim.options)]
    rows = {tuple(frozenset([option.name]) for option in kind.options) for kind in found}
    width = len(next(iter(rows))) if rows else 0
    for i in range(width):
        merged: dict[tuple[frozenset[str], ...], frozenset[str]] = {}
        for row in rows:
            rest = (*row[:i], *row[i + 1 :])
            merged[rest] = merged.get(rest, frozenset()) | row[i]
        rows = {(*rest[:i], value, *rest[i:]) for rest, value in merged.items()}
    out = []
    for row in rows:
        said = [
            "或".join(option.name for option in dim.options if option.name in held)
            for dim, held in zip(kept, row, strict=False)
            if len(held) < len(dim.options)
        ]
        out.append(" × ".join(said) or "所有情形")
    return sorted(out)


def _people(plan: Plan, whens: Sequence[When], *, pairs: bool) -> Iterator[Option]:
    """Yield people: of each category one, and each identity (alone and beside another) that conditions mention."""
    named = [i for i in mentioned(whens, "identity", "not_identity") if i in IDENTITY_BITS]
    singles = [category.identities[0] for category in plan.pack.categories if category.identities]
    if named:
        singles = [i for category in plan.pack.categories for i in category.identities] + named
    masks: dict[int, str] = {0: "没有身份的人"}
    for identity in dict.fromkeys(singles):
        masks.setdefault(IDENTITY_BITS[identity], IDENTITIES[identity])
    beside = (
        [(a, b) for a, b in combinations(dict.fromkeys([*singles, *named]), 2) if a in named or b in named]
        if pairs
        else []
    )
    for a, b in beside[:200]:
        masks.setdefault(IDENTITY_BITS[a] | IDENTITY_BITS[b], f"{IDENTITIES[a]}兼{IDENTITIES[b]}")
    for mask, name in masks.items():
        number, _ = plan.category_of(mask)
        category = plan.pack.categories[number - 1].name if number else ""
        yield Option(
            category if category and not named else f"{category}（{name}）" if category else name,
            {"identities": mask},
            number,
        )


def _cares(plan: Plan, whens: Sequence[When]) -> Dimension:
    options = [Option(text, {"med_type": _care_code(plan, care)}) for care, text in CARES.items()]
    codes = {option.changes["med_type"] for option in options}
    for code in mentioned(whens, "med_type"):
        if code not in codes:
            codes.add(code)
            options.append(Option(MED_TYPES.get(code[:2], code) + f"（{code}）", {"med_type": code}))
    return Dimension("医疗类别", tuple(options))


def _care_code(plan: Plan, care: str) -> str:
    if care != "other":
        codes = getattr(plan.pack.care, care)
        return str(codes[0]) if codes else ""
    return next((code for code in ("11", "13", "41", "99") if plan.care_of(code) == "other"), "99")


def _ordinary(plan: Plan) -> str:
    return plan.pack.diseases.otherwise if plan.pack.diseases else "general"


def _diseases(plan: Plan, whens: Sequence[When]) -> Dimension:
    classes = plan.pack.diseases.classes if plan.pack.diseases else []
    options = [Option(known.name, {"diseases": (known.id,)}) for known in classes]
    return Dimension("病种", (*options, Option("其他病种", {"diseases": (_ordinary(plan),)})))


def _ages(whens: Sequence[When]) -> Dimension:
    edges = sorted({0, *(edge for age in mentioned(whens, "age") for edge in (age.from_, age.to) if edge < 200)})
    names = [f"{a}至{b - 1}岁" for a, b in pairwise(edges)] + [f"{edges[-1]}岁及以上"]
    return Dimension("年龄", tuple(Option(name, {"age": age}) for name, age in zip(names, edges, strict=True)))


def _windows(plan: Plan, names: Sequence[str]) -> Dimension:
    def called(held: tuple[str, ...]) -> str:
        return "在" + "和".join(plan.pack.windows[n].name if n in plan.pack.windows else n for n in held) + "内"

    sets = [(name,) for name in names] + ([tuple(names)] if len(names) > 1 else [])
    return Dimension(
        "追溯", (Option("不在追溯窗口内", {"windows": ()}), *(Option(called(held), {"windows": held}) for held in sets))
    )


def _diagnoses(plan: Plan, whens: Sequence[When]) -> Dimension:
    options = [Option("诊断不在所列清单", {"diagnosis": "Z00.0"})]
    for n, spec in enumerate(mentioned(whens, "diagnosis", "not_diagnosis"), start=1):
        text = spec if isinstance(spec, str) else ""
        for param in [] if isinstance(spec, str) else delegated_in(spec):
            entry = plan.entered.entry(param, FOREVER)
            text = entry.value if entry else ""
        if text:
            options.append(Option(f"诊断在第 {n} 个清单", {"diagnosis": text.split(";")[0].strip()}))
    return Dimension("诊断", tuple(options))
