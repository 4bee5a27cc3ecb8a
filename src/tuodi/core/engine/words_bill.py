"""A bill as people see it: what it came to, who paid how much, what is left to the person and of what kind.

Shared by the explanation and the picture, so that both show the same figures. What is left is attributed by one convention: what
was paid comes first off the part within policy scope, then off the class-B first share, then off full self-pay and over-limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.plan import Plan
from tuodi.core.settlements import AMOUNT_FIELDS, INSURER_FIELDS

Kind = Literal["basic", "insurance", "supplementary", "relief", "upstream", "assistance", "other", "charity"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys(INSURER_FIELDS, "insurance"), "hifp_pay": "basic", "supp_pay": "supplementary", "relief_amt": "relief",
    "maf_pay": "upstream", "later_aid_amt": "charity",
}  # fmt: skip
#: The order in which payers come off a bill.
BEFORE = (*INSURER_FIELDS, "supp_pay", "relief_amt", "maf_pay")


@dataclass(frozen=True, slots=True)
class Payment:
    """What one payer paid, in fen; ``clauses`` for what the pack pays."""

    label: str
    amount: int
    kind: Kind
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill from its total to what is left, in fen. ``left`` may be negative (decision 0007)."""

    total: int
    in_policy: int
    class_b: int
    self_pay: int
    over_limit: int
    payments: tuple[Payment, ...]
    left: int

    @property
    def assistance(self) -> int:
        """What assistance pays."""
        return sum(payment.amount for payment in self.payments if payment.kind == "assistance")

    @property
    def left_parts(self) -> tuple[int, int, int]:
        """What is left within policy scope, of the class-B first share, and of full self-pay and over-limit."""
        outside = min(max(self.left, 0), self.self_pay + self.over_limit)
        class_b = min(max(self.left - outside, 0), self.class_b)
        return self.left - outside - class_b, class_b, outside


def bill_of(plan: Plan, result: EventResult) -> Bill:
    """Return the bill of a computed settlement."""
    s = result.settlement
    payments = [Payment(AMOUNT_NAMES[name], amount, KINDS[name]) for name in BEFORE if (amount := getattr(s, name))]
    names = {layer.id: layer.name for layer in plan.layers}
    for own in result.layers:
        if own.pay:
            insured = own.pays in AMOUNT_FIELDS and own.pays != "maf_pay"
            kind: Kind = "insurance" if insured else "assistance" if own.pays == "maf_pay" else "other"
            label = f"{names[own.layer]}（模拟）" if insured else names[own.layer]
            payments.append(Payment(label, own.pay, kind, own.clauses))
    if s.later_aid_amt:
        payments.append(Payment(AMOUNT_NAMES["later_aid_amt"], s.later_aid_amt, "charity"))
    left = s.medfee_sumamt - sum(payment.amount for payment in payments)
    return Bill(
        total=s.medfee_sumamt, in_policy=s.inscp_scp_amt, class_b=s.preselfpay_amt, self_pay=s.fulamt_ownpay_amt,
        over_limit=s.overlmt_selfpay, payments=tuple(payments), left=left,
    )  # fmt: skip
