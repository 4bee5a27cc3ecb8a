"""Who may bring files, compare, mend and decide; an office sees its area's institutions, a hospital its own lines only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q

import tuodi.apps.institutions.permissions  # noqa: F401  what of institutions is seen is asked for here
from tuodi.apps.reconciliation.models import Finding, Mend, Report, Run
from tuodi.base.access import allow, in_area, scope

VIEW = allow("reconciliation:view", "hospital", "county_clerk", "county_approver", "finance", "auditor", "system")
REPORT = allow("reconciliation:report", "hospital", "county_clerk", "finance", "system")
RUN = allow("reconciliation:run", "county_clerk", "finance", "system")
MEND = allow("reconciliation:mend", "county_clerk", "finance")
APPROVE = allow("reconciliation:approve", "county_approver")


def _of(before: str) -> Callable[[Any], Q]:
    def rule(user: Any) -> Q:
        if user.role == "hospital":
            return Q(**{f"{before}fixmedins_code": user.institution_code or "-"})
        return in_area(user, f"{before}area_code")

    return rule


scope(Report, _of(""))
scope(Run, _of(""))
scope(Finding, _of("run__"))
scope(Mend, _of("finding__run__"))
