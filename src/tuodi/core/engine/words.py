"""One settlement in words, for a patient, for an auditor and as data, all from the trace of its computation (benefits 5).

There is no second text of a rule: the patient's page says figures and values of steps, the auditor's prints every step's own
expression with the values that it ran on. Each is made when it is asked for. Files, screens and letters are not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.words_audit import auditor_page, case_data
from tuodi.core.engine.words_case import WordedCase, case_of
from tuodi.core.engine.words_patient import patient_page
from tuodi.core.identities import IdentityRecord

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What can be said about one computed settlement."""

    case: WordedCase

    @property
    def patient(self) -> str:
        """One page for the patient: charges, payers, identity, each layer, what is left and why, what to do next."""
        return patient_page(self.case)

    @property
    def auditor(self) -> str:
        """Every step in order with its operands, clauses and readings; the pack's digest; delegated values and their source."""
        return auditor_page(self.case)

    @property
    def data(self) -> dict[str, Any]:
        """The same as plain data, every step of every layer included."""
        return case_data(self.case)


def explain(plan: Plan, result: EventResult, *, records: Sequence[IdentityRecord] = ()) -> Explanation:
    """Return the explanation of a computed settlement; ``records`` of the person allow hints at identities that came too late."""
    return Explanation(case_of(plan, result, records))
