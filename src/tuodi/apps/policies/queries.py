"""The plans in force: which pack answers for an area on a day, ready to run.

Plans are kept by the rows they are made from, so that a new installation or value makes a new plan and nothing is ever stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db.models import QuerySet

from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack, read_source


@dataclass(frozen=True)
class InForce:
    """An installation and its plan; ``until`` is the first day of the next one."""

    installation: Installation
    plan: Plan
    first: date
    until: date | None

    def answers(self, day: date) -> bool:
        """Say whether this installation answers for a day."""
        return self.first <= day and (self.until is None or day < self.until)


def areas_above(area_code: str) -> list[str]:
    """Return the codes of an area and of those above it, nearest first."""
    codes = [area_code[:6], f"{area_code[:4]}00", f"{area_code[:2]}0000"]
    return list(dict.fromkeys(codes))


def plans_of(area_code: str) -> list[InForce]:
    """Return the approved installations of the nearest area that has any, oldest first."""
    above = areas_above(area_code)
    rows = list(
        Installation.objects.filter(area_code__in=above, approved_at__isnull=False).order_by("first", "approved_at")
    )
    nearest = next((code for code in above if any(row.area_code == code for row in rows)), None)
    if nearest is None:
        return []
    own = [row for row in rows if row.area_code == nearest]
    latest = {row.first: row for row in own}
    ordered = sorted(latest.values(), key=lambda row: row.first)
    values = tuple(
        EnteredValue(v.param, v.value, v.source, v.first)
        for v in DelegatedValue.objects.filter(
            area_code=nearest, approved_at__isnull=False, withdrawn_at__isnull=True
        ).order_by("approved_at")
    )
    untils = [*(row.first for row in ordered[1:]), None]
    return [InForce(row, _plan(row.pk, row.digest, values), row.first, until) for row, until in zip(ordered, untils, strict=True)]


@lru_cache(maxsize=64)
def _plan(installation_id: int, digest: str, values: tuple[EnteredValue, ...]) -> Plan:
    row = Installation.objects.get(pk=installation_id)
    source = read_source(row.texts["policy.yaml"], file=f"{row.pack}/policy.yaml", diseases_text=row.texts.get("diseases.csv", ""))
    return make_plan(load_pack(source, readings=row.readings), list(values))


def installations() -> QuerySet[Installation]:
    """Return all installations, newest first."""
    return Installation.objects.order_by("-first", "-proposed_at")
