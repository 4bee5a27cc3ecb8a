"""The chain walked and the verdict kept in the trail itself, so that the trail says when it was last found whole."""

from __future__ import annotations

from typing import Any

from tuodi.apps.trail import permissions
from tuodi.base import audit
from tuodi.base.action import Action


class VerifyTrail(Action):
    """Walk the whole chain; returns the verdict. Counts and the number of the first wrong row are recorded, nothing else."""

    verb = permissions.VERIFY

    def decide(self) -> None:
        self.verdict = audit.verify()

    def write(self) -> audit.Verdict:
        return self.verdict

    def audited(self, done: audit.Verdict) -> dict[str, Any]:
        data = {"holds": done.holds, "sealed": done.sealed, "unsealed": done.unsealed, "broken_at": done.broken_at}
        return {"subject": "audit", "data": data}
