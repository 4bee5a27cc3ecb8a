"""How high running totals may come: what the range proof assumes of them, held against the bills that are folded together.

The proof (:mod:`.prove`) bounds one amount of a bill by ``AMOUNT`` and a running total by ``RUNNING``; that the totals of one person or
household keep to that no single bill can say. By induction they do if what one unit's bills charge together stays within ``RUNNING``:
what a layer measures is the bill's total or some of its four parts, less what others paid, so a total of what was counted, deducted
or borne never exceeds the sum of what was charged; shares are at most 1 (``SHARE`` basis points of 1), so an exact entitlement, in fen x 10 000, never exceeds
``EXACT_RUNNING = 10 000 x RUNNING``, nor what was paid that sum; what lump sums and caps add is bounded by their figures, which are
bounded themselves. So the sum over a whole history, which no period exceeds, is held against ``RUNNING``: 100,000,000,000 yuan. A
hundred bills of a billion yuan come to that; where it is met, somebody has written too many digits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from tuodi.core.engine.plan import Plan
from tuodi.core.engine.prove import RUNNING
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import yuan_for_people
from tuodi.core.settlements import SPLIT_FIELDS, Settlement

E_TOTAL_RANGE = declare(
    "E-TOTAL-RANGE",
    "{whose}的单据，政策计算用到的费用合计 {total}，超出能够累计的 {limit}",
    "请核对有没有重复的单据，或多写了几位的金额；更正后再算",
)


def amounts_measured(plans: Iterable[Plan]) -> list[str]:
    """Return the amounts of a bill that are measured: the total where some plan reads it, which is all of the parts, else parts."""
    read = {fact for plan in plans for fact in plan.program.facts}
    total, *parts = SPLIT_FIELDS
    return [total] if total in read else [name for name in parts if name in read]


def too_high(sums: Iterable[tuple[str, str, int]]) -> list[Fault]:
    """Return a fault for each unit (person's number, household's number or nothing, sum of its amounts) beyond the bound."""
    return [
        fault(E_TOTAL_RANGE, whose=f"户 {house}" if house else f"人员 {psn_no}", total=yuan_for_people(fen), limit=yuan_for_people(RUNNING))
        for psn_no, house, fen in sums if fen > RUNNING
    ]  # fmt: skip


def demand_in_range(plans: Collection[Plan], settlements: Collection[Settlement]) -> None:
    """Refuse bills of one person, or of one household where its totals are kept, whose amounts together leave the proven range."""
    names = amounts_measured(plans)
    worth = [sum(getattr(s, name) for name in names) for s in settlements]
    if sum(worth) <= RUNNING:
        return
    sums: dict[tuple[str, str], int] = defaultdict(int)
    by_household = any(plan.is_by_household for plan in plans)
    for s, fen in zip(settlements, worth, strict=True):
        sums[s.psn_no, ""] += fen
        if by_household and s.household:
            sums["", s.household] += fen
    if found := too_high((*key, fen) for key, fen in sums.items()):
        raise InputErrors(found)
