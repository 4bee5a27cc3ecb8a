"""Means tests: does a household meet the conditions under which an office may certify an identity?

A test is a list of criteria (data of a pack, :mod:`.means_criteria`). What is *not* here: certifying. A passed test is a
proposal to the offices that the pack names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuodi.core.engine.means_criteria import (
    OUTCOMES,
    CriterionResult,
    Household,
    MedicalCost,
    Outcome,
    criterion_result,
)
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.policy.model import MeansTest
from tuodi.core.settlements import INSURER_FIELDS, Settlement

E_NO_TEST = declare("E-MEANS-UNKNOWN", "政策包没有名为“{test}”的经济状况测试", "可用的测试：{known}")
E_MEMBERS = declare("E-MEANS-MEMBERS", "家庭人口“{members}”不是正整数", "请填写共同生活的家庭成员人数")


@dataclass(frozen=True, slots=True)
class MeansTestResult:
    """The answer: failed if one criterion failed, not yet known if one is, else passed."""

    test: str
    identity: str
    gives_to: str
    outcome: Outcome
    says: str
    clause: str
    criteria: tuple[CriterionResult, ...]
    readings: tuple[str, ...]
    missing: tuple[str, ...]
    decided_by: tuple[str, ...]


def means_test(plan: Plan, test_id: str, household: Household) -> MeansTestResult:
    """Return the answer of one means test of a pack for a household on its day of application.

    Amounts in fen. AK-2.1.3 (I-19, I-42), WH-2.1.2 (I-42), WH-2.1.3 (I-20, I-42), QD-1.3 are data of their packs. Raises
    ``InputErrors`` for a test that the pack does not have and for a number of members below 1.
    """
    tests = {test.id: test for test in plan.pack.means_tests}
    if test_id not in tests:
        raise InputErrors([fault(E_NO_TEST, test=test_id, known="、".join(tests) or "（无）")])
    if household.members is not None and household.members < 1:
        raise InputErrors([fault(E_MEMBERS, members=household.members)])
    test = tests[test_id]
    if not plan.first <= household.applied_on <= plan.last:
        return _result(test, "not_in_force", (), plan.pack.in_force.clause)
    criteria = tuple(criterion_result(plan, criterion, household) for criterion in test.criteria)
    found = {criterion.outcome for criterion in criteria}
    outcome: Outcome = "passed"
    if "failed" in found:
        outcome = "failed"
    elif "not_yet_known" in found:
        outcome = "not_yet_known"
    return _result(test, outcome, criteria, test.clause)


def medical_costs(settlements: Iterable[Settlement]) -> tuple[MedicalCost, ...]:
    """Return what settlements left to the person by settlement day: within policy scope, and in all (benefits 2)."""
    out = []
    for s in settlements:
        paid = sum(getattr(s, name) for name in INSURER_FIELDS) + s.supp_pay + s.relief_amt
        assisted = s.maf_pay + s.later_aid_amt
        out.append(
            MedicalCost(
                on=s.setl_time.date(),
                in_policy_fen=max(0, s.inscp_scp_amt - paid),
                self_paid_fen=max(0, s.medfee_sumamt - paid - assisted),
            )
        )
    return tuple(out)


def _result(test: MeansTest, outcome: Outcome, criteria: tuple[CriterionResult, ...], clause: str) -> MeansTestResult:
    missing = tuple(dict.fromkeys(name for criterion in criteria for name in criterion.missing))
    readings = [*test.readings, *(name for criterion in criteria for name in criterion.readings)]
    says = f"{test.name}：{OUTCOMES[outcome]}"
    if outcome == "not_yet_known":
        says += f"，缺少 {'、'.join(missing)}"
    if outcome == "passed":
        says += f"，可由{'、'.join(test.decided_by)}认定"
    return MeansTestResult(
        test=test.id,
        identity=test.identity,
        gives_to=test.gives_to,
        outcome=outcome,
        says=says + "。",
        clause=clause,
        criteria=criteria,
        readings=tuple(dict.fromkeys(readings)),
        missing=missing,
        decided_by=tuple(test.decided_by),
    )
