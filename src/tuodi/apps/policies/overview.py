"""Policies as pages show them: installations with what became of each, values with their states, impacts and differences in words.

Reads only. What may be seen is decided by ``access``; what counts, by :mod:`.queries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import (
    HEAVY,
    approved_values,
    basis,
    entered_values,
    installations_awaiting_approval,
    pack_of,
    plans_of,
    since_when,
    source_of,
    standing_values,
    values_awaiting_approval,
)
from tuodi.base.access import visible
from tuodi.batch.packs import cases_of, sample_values_of, shelf
from tuodi.core.errors import InputErrors, PackErrors
from tuodi.core.policy.cases import run_case
from tuodi.core.policy.check import check, errors_of, open_warnings
from tuodi.core.policy.check_look import Finding
from tuodi.core.policy.describe import describe
from tuodi.core.policy.describe_parts import Description
from tuodi.core.policy.describe_words import Words
from tuodi.core.policy.diff import Change, diff
from tuodi.core.policy.load import load_pack
from tuodi.core.policy.local_values import plain_param
from tuodi.core.policy.model import Delegated, Pack, Reading

STATES = {"now": "生效中", "coming": "待生效", "awaiting": "待审核", "past": "已停用", "refused": "已退回"}


@dataclass(frozen=True)
class Listed:
    """An installation, what became of it by a day, and the last day for which it answers (None: no end, or none at all)."""

    row: Installation
    pack: Pack
    state: str
    last: date | None

    @property
    def state_name(self) -> str:
        return STATES[self.state]


def _spans(area_code: str) -> dict[int, tuple[date, date | None]]:
    """Return the days for which each installation of an area answers."""
    spans: dict[int, tuple[date, date | None]] = {}
    for held in plans_of(area_code):
        last = held.plan.last if held.plan.last.year < date.max.year else None
        if held.until is not None:
            before_next = held.until - timedelta(days=1)
            last = before_next if last is None else min(last, before_next)
        spans[held.installation.pk] = (held.first, last)
    return spans


def _listed(row: Installation, spans: dict[int, tuple[date, date | None]], on: date) -> Listed:
    first, last = spans.get(row.pk, (row.first, None))
    if row.refused_at:
        state = "refused"
    elif not row.approved_at:
        state = "awaiting"
    elif row.pk not in spans or (last is not None and last < on):
        state = "past"
    else:
        state = "coming" if first > on else "now"
    return Listed(row, pack_of(row), state, last if state in ("now", "coming", "past") else None)


def installations_seen(user: Any, *, on: date, state: str = "") -> list[Listed]:
    """Return the installations that a user may see as they stand on a day: in force first, then by state and newest first."""
    rows = list(
        visible(user, Installation)
        .defer(*HEAVY)
        .select_related("proposed_by", "approved_by", "refused_by")
        .order_by("area_code", "-first", "-proposed_at")
    )
    spans: dict[int, tuple[date, date | None]] = {}
    for area in {row.area_code for row in rows if row.approved_at}:
        spans |= _spans(area)
    found = [_listed(row, spans, on) for row in rows]
    order = list(STATES)
    return sorted((one for one in found if not state or one.state == state), key=lambda one: order.index(one.state))


def standing_of(row: Installation, on: date) -> Listed:
    """Return one installation as it stands on a day."""
    return _listed(row, _spans(row.area_code) if row.approved_at else {}, on)


VALUE_STATES = {
    "standing": "采用", "withdrawing": "提请撤回", "awaiting": "待审核", "superseded": "已被替代", "withdrawn": "已撤回",
    "refused": "已退回",
}  # fmt: skip


@dataclass(frozen=True)
class ValueLine:
    """An entered value, in the unit of its parameter where that is known, and what became of it."""

    row: DelegatedValue
    state: str
    declared: Delegated | None

    @property
    def said(self) -> str:
        """The value as people write it."""
        return Words.of_unit(self.row.value, self.declared.unit) if self.declared else self.row.value

    @property
    def asks(self) -> str:
        """What the value is of; the parameter's name where no pack declares it any more."""
        return self.declared.asks if self.declared else self.row.param

    @property
    def state_name(self) -> str:
        return VALUE_STATES[self.state]

    @property
    def counts(self) -> bool:
        return self.state in ("standing", "withdrawing")


@dataclass(frozen=True)
class Param:
    """A parameter that a pack leaves to another document, with every value ever entered for it."""

    name: str
    declared: Delegated
    lines: tuple[ValueLine, ...]

    @property
    def state(self) -> str:
        """``sample`` if anything rests on one, ``entered``, ``optional`` or ``missing``."""
        counting = [line for line in self.lines if line.counts]
        if any(line.row.is_sample for line in counting):
            return "sample"
        if counting:
            return "entered"
        return "optional" if self.declared.optional else "missing"

    @property
    def current(self) -> list[ValueLine]:
        """The values that count or wait."""
        return [line for line in self.lines if line.counts or line.state == "awaiting"]

    @property
    def gone(self) -> list[ValueLine]:
        return [line for line in self.lines if line not in self.current]


def _value_state(row: DelegatedValue, standing: set[int]) -> str:
    if row.withdrawn_at:
        return "withdrawn"
    if row.refused_at:
        return "refused"
    if not row.approved_at:
        return "awaiting"
    if row.withdrawal_at:
        return "withdrawing"
    return "standing" if row.pk in standing else "superseded"


def params_in_detail(row: Installation) -> list[Param]:
    """Return every delegated parameter of an installation with its values: missing ones first, then samples."""
    values = DelegatedValue.objects.filter(area_code=row.area_code).select_related(
        "proposed_by", "approved_by", "refused_by", "withdrawal_by", "withdrawn_by"
    )
    since = min(row.first, since_when(row.area_code))
    standing = {value.pk for value in standing_values(approved_values(row.area_code), since)}
    declared_by, held = pack_of(row).delegated, dict[str, list[ValueLine]]()
    for value in values.order_by("param", "first", "pk"):
        name = plain_param(value.param)
        held.setdefault(name, []).append(ValueLine(value, _value_state(value, standing), declared_by.get(name)))
    found = [Param(name, declared, tuple(held.get(name, ()))) for name, declared in declared_by.items()]
    order = ["missing", "sample", "entered", "optional"]
    return sorted(found, key=lambda param: order.index(param.state))


def value_line(row: DelegatedValue) -> ValueLine:
    """Return one value with what became of it."""
    standing = standing_values(approved_values(row.area_code), since_when(row.area_code))
    held = installation_for(row)
    declared = pack_of(held).delegated[plain_param(row.param)] if held else None
    return ValueLine(row, _value_state(row, {value.pk for value in standing}), declared)


def installation_for(value: DelegatedValue) -> Installation | None:
    """Return the newest installation, approved or waiting, whose pack declares a value's parameter."""
    rows = Installation.objects.filter(area_code=value.area_code, refused_at__isnull=True).order_by("-first", "-pk")
    return next((row for row in rows.defer(*HEAVY) if plain_param(value.param) in pack_of(row).delegated), None)


def installations_waiting(user: Any) -> list[tuple[Installation, Pack]]:
    """Return the installations that a user may decide, each with its pack."""
    rows = installations_awaiting_approval(user).select_related("proposed_by").defer(*HEAVY)
    return [(row, pack_of(row)) for row in rows]


def values_waiting(user: Any) -> list[ValueLine]:
    """Return the values, and the withdrawals of values, that a user may decide."""
    rows = values_awaiting_approval(user).select_related("proposed_by", "withdrawal_by")
    return [value_line(row) for row in rows]


@dataclass(frozen=True)
class ReadingShown:
    """A reading of a pack: its question, every choice, and which one is taken."""

    name: str
    reading: Reading
    taken: str

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        return [(name, choice.means, name == self.taken) for name, choice in self.reading.choices.items()]


def readings_of(pack: Pack) -> list[ReadingShown]:
    """Return the readings of a pack under its choices."""
    return [ReadingShown(name, reading, reading.default) for name, reading in pack.readings.items()]


def readings_said(one: Listed, *, codes: bool) -> str:
    """Return the readings that an installation set by itself, in words, or as packs name them."""
    known = one.pack.readings
    return "；".join(
        f"{name}={choice}" if codes or name not in known else f"{name}：{known[name].choices[choice].means}"
        for name, choice in one.row.readings.items()
    )


def described(row: Installation, *, codes: bool) -> Description:
    """Return an installation's policy in Chinese sentences, under its readings and the values entered; ``codes`` as in packs."""
    return describe(pack_of(row), entered_values(row.area_code), codes=codes)


@dataclass(frozen=True)
class CaseResult:
    """What the worked cases beside a pack say of a text: how many, and those that do not hold with what was expected and found."""

    ran: int
    wrong: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str, str], ...]], ...]


def cases_held(row: Installation) -> CaseResult | None:
    """Return the result of the worked cases of a pack on the shelf under an installation's text; None if it has none there."""
    return _cases(row.pk, row.pack, row.digest) if row.pack in shelf() else None


@lru_cache(maxsize=16)
def _cases(installation_id: int, pack: str, digest: str) -> CaseResult:
    source = source_of(pack, Installation.objects.values_list("texts", flat=True).get(pk=installation_id))
    values, plans, wrong = sample_values_of(pack, load_pack(source)), dict[Any, Any](), []
    cases = cases_of(pack)
    for case in cases:
        try:
            found = tuple((one.what, one.expected, one.found) for one in run_case(source, case, values, plans=plans))
        except InputErrors as errors:
            found = (("能否计算", "能", errors.faults[0].message),)
        if found:
            wrong.append((case.name, tuple(case.clauses), found))
    return CaseResult(len(cases), tuple(wrong))


def before(row: Installation) -> Installation | None:
    """Return what answers, or answered, on an installation's first day if it were not there."""
    rows = Installation.objects.filter(area_code=row.area_code, approved_at__isnull=False, first__lte=row.first)
    rows = rows.exclude(pk=row.pk)
    if row.approved_at:
        rows = rows.exclude(first=row.first, approved_at__gt=row.approved_at)
    return rows.defer(*HEAVY).order_by("-first", "-approved_at").first()


def differences(row: Installation, *, codes: bool) -> tuple[Installation | None, list[Change]]:
    """Return what an installation is compared with, and what it changes, in words; ``codes`` as in packs."""
    other = before(row)
    if other is None:
        return None, []
    return other, diff(pack_of(other), pack_of(row), entered_values(row.area_code), codes=codes)


@dataclass(frozen=True)
class ImpactTable:
    """Gains and losses by what they come from."""

    title: str
    rows: tuple[tuple[str, dict[str, int]], ...]


@dataclass(frozen=True)
class Impact:
    """What a proposal was measured to change, in words; ``is_current`` if nothing came into force since."""

    told: dict[str, Any]
    change_fen: int
    tables: tuple[ImpactTable, ...]
    largest: tuple[dict[str, Any], ...]
    is_current: bool


def impact_of(row: Installation | DelegatedValue, pack: Pack | None) -> Impact | None:
    """Return a proposal's measured impact in words; None if it was not measured."""
    told = row.impact
    if not told:
        return None
    layers = {layer.id: layer.name for layer in (pack.layers if pack else [])}
    kinds = {one.id: one.name for one in (pack.categories if pack else [])}
    kinds |= {one.id: one.says for one in (pack.refusals if pack else [])} | {"no_category": "没有救助对象身份"}

    def table(title: str, key: str, names: dict[str, str]) -> ImpactTable:
        rows = sorted(told[key].items(), key=lambda item: item[1]["lose_fen"] - item[1]["gain_fen"])
        return ImpactTable(title, tuple((names.get(name, name) or "不属于任何类别", sums) for name, sums in rows))

    largest = tuple(
        {**one, "change_fen": one["after_fen"] - one["before_fen"], "category": kinds.get(one["category"], one["category"]),
         "layers": [layers.get(name, name) for name in one["layers"]]}
        for one in told["largest"]
    )  # fmt: skip
    tables = (
        table("按救助项目", "by_layer", layers),
        table("按条款", "by_clause", {}),
        table("按救助对象类别", "by_category", kinds),
    )
    change = told["after_fen"] - told["before_fen"]
    return Impact(told, change, tables, largest, told.get("basis") == basis(row.area_code))


@dataclass(frozen=True)
class Examined:
    """A pack that somebody is about to propose: what its check says, and its readings."""

    pack: Pack
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    readings: tuple[ReadingShown, ...]


def examined(area_code: str, pack: str, texts: dict[str, str], readings: dict[str, str]) -> Examined:
    """Return what a pack's check says of it under an area's values; ``PackErrors`` with every fault if it cannot be read."""
    source = source_of(pack, texts)
    findings = check(source, list(entered_values(area_code)))
    errors, warnings = errors_of(findings), open_warnings(findings)
    if errors:
        raise PackErrors(finding.fault for finding in errors)
    known = {name: choice for name, choice in readings.items() if choice in _choices(source.readings, name)}
    made = load_pack(source, readings=known)
    notes = [finding for finding in findings if finding not in warnings]
    return Examined(made, tuple(errors), tuple(warnings), tuple(notes), tuple(readings_of(made)))


def _choices(listed: dict[str, Reading], name: str) -> Iterable[str]:
    return listed[name].choices if name in listed else ()


def readings_in_force(area_code: str, pack: str) -> dict[str, str]:
    """Return the readings under which a pack was last approved for an area."""
    rows = Installation.objects.filter(area_code=area_code, pack=pack, approved_at__isnull=False)
    held = rows.order_by("-first", "-approved_at").values_list("readings", flat=True).first()
    return dict(held or {})


def counted(params: Sequence[Param]) -> dict[str, int]:
    """Return how many parameters are in each state."""
    return {
        state: sum(param.state == state for param in params) for state in ("missing", "sample", "entered", "optional")
    }
