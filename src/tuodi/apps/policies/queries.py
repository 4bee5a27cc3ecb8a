"""The plans in force: which pack answers for an area on a day, ready to run; and what they would be if a proposal were approved.

Plans are kept by the rows they are made from, so that a new installation or value makes a new plan and nothing is ever stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import msgspec
from django.db.models import CharField, Count, Max, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat

from tuodi.apps.policies.models import DelegatedValue, Installation, Measurement
from tuodi.base.access import in_area
from tuodi.base.models import User
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, load_pack, read_source
from tuodi.core.policy.local_values import plain_param
from tuodi.core.policy.model import Delegated, Pack

#: What a pack's text and impact weigh; not read where only the plan is wanted.
HEAVY = ("texts", "impact", "accepted")


@dataclass(frozen=True)
class InForce:
    """An installation and its plan; ``until`` is the first day of the next one.

    For somebody who moved, the policies of an area govern ``since`` the move there and ``before`` the next one.
    """

    installation: Installation
    plan: Plan
    first: date
    until: date | None
    since: date = date.min
    before: date | None = None

    def governs(self, day: date) -> bool:
        """Say whether the policies of this area are those of the person on a day."""
        return self.since <= day and (self.before is None or day < self.before)

    def answers(self, day: date) -> bool:
        """Say whether this installation answers for a day."""
        return self.first <= day and (self.until is None or day < self.until) and self.governs(day)


@dataclass(frozen=True)
class Proposal:
    """A change that is not approved yet: an installation, a value, or the withdrawal of a value."""

    installation: Installation | None = None
    value: DelegatedValue | None = None
    withdrawn: DelegatedValue | None = None

    @property
    def area_code(self) -> str:
        held = self.installation or self.value or self.withdrawn
        assert held is not None
        return held.area_code


def proposal_waits(row: Installation | DelegatedValue, *, is_withdrawal: bool = False) -> bool:
    """Say whether a proposal is still to be decided."""
    if is_withdrawal:
        return isinstance(row, DelegatedValue) and row.withdrawal_at is not None and row.withdrawn_at is None
    gone = row.approved_at or row.refused_at or getattr(row, "withdrawn_at", None)
    return gone is None


def proposal_of(row: Measurement) -> Proposal:
    """Return what a measurement measures, as it stands now."""
    if row.is_withdrawal:
        return Proposal(withdrawn=row.value)
    return Proposal(installation=row.installation, value=row.value)


def measurements_of(proposal: Proposal) -> QuerySet[Measurement]:
    """Return the measurements of a proposal, newest first."""
    rows = Measurement.objects.filter(
        installation=proposal.installation, value=proposal.value or proposal.withdrawn,
        is_withdrawal=proposal.withdrawn is not None,
    )  # fmt: skip
    return rows.order_by("-pk")


def measurement_under_way(proposal: Proposal) -> Measurement | None:
    """Return the measurement of a proposal that goes on, under the policy in force now."""
    return measurements_of(proposal).filter(finished_at__isnull=True, basis=basis(proposal.area_code)).first()


def areas_above(area_code: str) -> list[str]:
    """Return the codes of an area and of those above it, nearest first.

    >>> areas_above("610902"), areas_above("610900")
    (['610902', '610900', '610000'], ['610900', '610000'])
    """
    codes = [area_code[:6], f"{area_code[:4]}00", f"{area_code[:2]}0000"]
    return list(dict.fromkeys(codes))


def layer_names(area_code: str) -> dict[str, str]:
    """Return what the layers of an area's policies are called, a later policy's word before an earlier one's."""
    return {layer.id: layer.name for held in plans_of(area_code) for layer in held.plan.layers}


def plans_of(area_code: str, proposal: Proposal | None = None) -> list[InForce]:
    """Return the approved installations of the nearest area that has any, oldest first; as if the proposal were approved too."""
    above = areas_above(area_code)
    rows = list(
        Installation.objects.filter(area_code__in=above, approved_at__isnull=False)
        .defer(*HEAVY)
        .order_by("first", "approved_at")
    )
    if proposal and proposal.installation and proposal.area_code in above:
        rows.append(proposal.installation)
    nearest = next((code for code in above if any(row.area_code == code for row in rows)), None)
    if nearest is None:
        return []
    latest = {row.first: row for row in rows if row.area_code == nearest}
    ordered = sorted(latest.values(), key=lambda row: row.first)
    values = entered_values(nearest, proposal)
    untils = [*(row.first for row in ordered[1:]), None]
    return [InForce(row, plan_of(row, values), row.first, until) for row, until in zip(ordered, untils, strict=True)]


def identities_used(area_code: str) -> frozenset[str]:
    """Return the identities that the policies of an area name anywhere: for a category, a condition, a window or a premium."""
    return frozenset().union(*(_named(msgspec.to_builtins(held.plan.pack)) for held in plans_of(area_code)))


def _named(part: Any) -> frozenset[str]:
    if isinstance(part, dict):
        return frozenset().union(*map(_named, part.values()))
    if isinstance(part, list):
        return frozenset().union(*map(_named, part))
    return frozenset({part} & IDENTITIES.keys()) if isinstance(part, str) else frozenset()


def household_totals() -> QuerySet[Installation]:
    """Return the policies in force anywhere that keep a household's totals."""
    return Installation.objects.filter(approved_at__isnull=False, is_by_household=True)


def policy_stamp() -> Concat:
    """Return an expression that changes with every approval and withdrawal, to be asked along with something else."""
    approved, values = Installation.objects.filter(approved_at__isnull=False), DelegatedValue.objects.all()
    asked = (
        (approved, "approved_at"), (values.filter(approved_at__isnull=False), "approved_at"),
        (values.filter(withdrawn_at__isnull=False), "withdrawn_at"),
    )  # fmt: skip
    parts: list[Any] = []
    for rows, at in asked:
        for what in (Count("pk"), Max(at)):
            # Grouped by a constant, an aggregate is one row and may stand inside a statement about something else.
            one = rows.order_by().annotate(one=Value(1)).values("one").annotate(what=what).values("what")
            text = Cast(Subquery(one), CharField())
            parts += [Coalesce(text, Value("-")), Value(";")]
    return Concat(*parts)


@lru_cache(maxsize=256)
def _plans_at(area_code: str, stamp: str) -> tuple[InForce, ...]:
    return tuple(plans_of(area_code))


def plans_at(area_code: str, stamp: str) -> list[InForce]:
    """Return :func:`plans_of`, kept for as long as the :func:`policy_stamp` just read stays the same."""
    return list(_plans_at(area_code, stamp))


def forget_plans() -> None:
    """Forget the kept plans: after a database was put in the place of another under a running process."""
    _plans_at.cache_clear()
    _plan.cache_clear()
    _pack.cache_clear()


def entered_values(area_code: str, proposal: Proposal | None = None) -> tuple[EnteredValue, ...]:
    """Return the values approved for an area, later approvals last, as the core wants them; as if the proposal were approved."""
    rows = list(approved_values(area_code))
    if proposal and proposal.withdrawn:
        rows = [row for row in rows if row.pk != proposal.withdrawn.pk]
    if proposal and proposal.value and proposal.value.area_code == area_code:
        rows.append(proposal.value)
    return tuple(EnteredValue(v.param, v.value, v.source, v.first) for v in rows)


def approved_values(area_code: str) -> QuerySet[DelegatedValue]:
    """Return the values that count in an area, in the order of their approval."""
    rows = DelegatedValue.objects.filter(area_code=area_code, approved_at__isnull=False, withdrawn_at__isnull=True)
    return rows.order_by("approved_at", "pk")


def plan_of(row: Installation, values: tuple[EnteredValue, ...]) -> Plan:
    """Return the plan of an installation under some values."""
    return _plan(row.pk, row.digest, tuple(sorted(row.readings.items())), values)


@lru_cache(maxsize=64)
def _plan(
    installation_id: int, digest: str, readings: tuple[tuple[str, str], ...], values: tuple[EnteredValue, ...]
) -> Plan:
    return make_plan(pack_of(Installation.objects.get(pk=installation_id)), list(values))


def source_of(pack: str, texts: dict[str, str]) -> PackSource:
    """Return the parsed texts of a pack; ``PackErrors`` with all faults."""
    return read_source(texts["policy.yaml"], file=f"{pack}/policy.yaml", diseases_text=texts.get("diseases.csv", ""))


def pack_of(row: Installation) -> Pack:
    """Return the typed pack of an installation under its readings."""
    return _pack(row.pk, row.pack, row.digest, tuple(sorted(row.readings.items())))


@lru_cache(maxsize=64)
def _pack(installation_id: int, pack: str, digest: str, readings: tuple[tuple[str, str], ...]) -> Pack:
    texts = Installation.objects.values_list("texts", flat=True).get(pk=installation_id)
    return load_pack(source_of(pack, texts), readings=dict(readings))


def in_force_above(area_code: str, day: date) -> Installation | None:
    """Return an approved installation of an area above that answers on or after a day; None if the area may decide itself."""
    for above in areas_above(area_code)[1:]:
        for held in (
            Installation.objects.filter(area_code=above, approved_at__isnull=False).defer(*HEAVY).order_by("-first")
        ):
            if plan_of(held, entered_values(above)).last >= day:
                return held
    return None


def basis(area_code: str) -> str:
    """Return a digest of the policy now in force in an area: an impact measured under another one is out of date."""
    above = areas_above(area_code)
    installed = (
        Installation.objects.filter(area_code__in=above, approved_at__isnull=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    values = DelegatedValue.objects.filter(area_code__in=above, approved_at__isnull=False, withdrawn_at__isnull=True)
    held = [list(installed), list(values.order_by("pk").values_list("pk", flat=True))]
    return hashlib.sha256(repr(held).encode()).hexdigest()


def installations() -> QuerySet[Installation]:
    """Return all installations, newest first."""
    return Installation.objects.order_by("-first", "-proposed_at")


def installations_awaiting_approval(user: User) -> QuerySet[Installation]:
    """Return the proposals that this user may decide: not their own."""
    rows = Installation.objects.filter(in_area(user, "area_code"), approved_at__isnull=True, refused_at__isnull=True)
    return rows.exclude(proposed_by=user).order_by("proposed_at")


def values_awaiting_approval(user: User) -> QuerySet[DelegatedValue]:
    """Return the values and withdrawals that this user may decide: not their own."""
    new = Q(approved_at__isnull=True, refused_at__isnull=True, withdrawn_at__isnull=True) & ~Q(proposed_by=user)
    asked = Q(approved_at__isnull=False, withdrawal_at__isnull=False, withdrawn_at__isnull=True) & ~Q(
        withdrawal_by=user
    )
    return DelegatedValue.objects.filter(in_area(user, "area_code")).filter(new | asked).order_by("proposed_at")


def state_of(row: Installation | DelegatedValue) -> str:
    """Return what came of a proposal, as people read it."""
    if getattr(row, "withdrawn_at", None):
        return "已撤回"
    if row.refused_at:
        return "已退回"
    if getattr(row, "withdrawal_at", None):
        return "提请撤回"
    return "已批准" if row.approved_at else "待审核"


@dataclass(frozen=True)
class ParamState:
    """A parameter that a pack leaves to another document, and the values that now stand for it, oldest first."""

    param: str
    declared: Delegated
    values: tuple[DelegatedValue, ...]

    @property
    def is_missing(self) -> bool:
        return not self.values and not self.declared.optional

    @property
    def has_sample(self) -> bool:
        return any(value.is_sample for value in self.values)


def standing_values(rows: Iterable[DelegatedValue], since: date) -> list[DelegatedValue]:
    """Return the values, given in the order of their approval, on which something since a day rests, oldest day first.

    Of two for the same day the later approval stands; one is superseded wholly by another that begins no later than ``since``.
    """
    latest = {(value.param, value.first): value for value in rows}
    ordered = sorted(latest.values(), key=lambda value: (value.param, value.first or date.min))
    return [
        value for value, following in zip_longest(ordered, ordered[1:])
        if following is None or following.param != value.param or (following.first or date.min) > since
    ]  # fmt: skip


def since_when(area_code: str) -> date:
    """Return the first day for which an area has a policy in force; without one, the last of all days."""
    rows = Installation.objects.filter(area_code=area_code, approved_at__isnull=False)
    return rows.order_by("first").values_list("first", flat=True).first() or date.max


def params_of(row: Installation) -> list[ParamState]:
    """Return every delegated parameter of an installation's pack with the values in force; superseded ones left out."""
    by_param: dict[str, list[DelegatedValue]] = {}
    since = min(row.first, since_when(row.area_code))
    for value in standing_values(approved_values(row.area_code), since):
        by_param.setdefault(plain_param(value.param), []).append(value)
    return [
        ParamState(name, declared, tuple(by_param.get(name, ()))) for name, declared in pack_of(row).delegated.items()
    ]


def samples_in_force(area_code: str) -> list[DelegatedValue]:
    """Return the sample values on which the policy that answers for an area rests."""
    rows = Installation.objects.filter(area_code__in=areas_above(area_code), approved_at__isnull=False)
    held = {row.area_code: row.first for row in rows.defer(*HEAVY).order_by("-first")}
    nearest = next((code for code in areas_above(area_code) if code in held), None)
    if nearest is None:
        return []
    return [value for value in standing_values(approved_values(nearest), held[nearest]) if value.is_sample]


def samples_seen(user: User) -> list[DelegatedValue]:
    """Return the samples on which anything rests that a user may see: every page says so until they are replaced."""
    code = user.area_code
    seen = in_area(user, "area_code") | Q(area_code__in=areas_above(code))
    approved = DelegatedValue.objects.filter(seen, approved_at__isnull=False, withdrawn_at__isnull=True)
    areas = set(approved.filter(is_sample=True).values_list("area_code", flat=True))
    own = [area for area in areas_above(code) if area in areas]
    below = sorted(areas - set(own))
    found = samples_in_force(code) if own else []
    return found + [value for area in below for value in samples_in_force(area)]
