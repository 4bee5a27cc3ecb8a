"""The five-layer policy once more, by hand, in exact decimal yuan: an ordinary careful program without the engine.

It is what a good administrator's script would be, written from ``five_layers.yaml`` alone. Its results must equal the fold's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tests.benchmarks.facts import CHRONIC, INPATIENT, Facts, amount

ZERO, FEN = Decimal(0), Decimal("0.01")
BASIC = {
    1: (ZERO, Decimal("0.9"), Decimal(60_000)),
    2: (Decimal(2_000), Decimal("0.7"), Decimal(40_000)),
    3: (Decimal(5_000), Decimal("0.5"), Decimal(30_000)),
}
BANDS = (
    (Decimal(10_000), Decimal(30_000), Decimal("0.2")),
    (Decimal(30_000), Decimal(100_000), Decimal("0.3")),
    (Decimal(100_000), None, Decimal("0.4")),
)
BANDED_CAP = Decimal(50_000)
SECOND = (Decimal(10_000), Decimal("0.3"), Decimal(20_000))
CHRONIC_RATE, CHRONIC_CAP = Decimal("0.4"), Decimal(3_000)
TRIGGER, TARGET = Decimal(50_000), Decimal(49_500)
INSURERS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay", "supp_pay", "relief_amt")


@dataclass
class Year:
    """What one layer remembers of a person's year."""

    used: Decimal = ZERO
    total: Decimal = ZERO
    exact: Decimal = ZERO
    paid: Decimal = ZERO
    category: int = 0

    def take(self, base: Decimal, deductible: Decimal) -> Decimal:
        """Return what is left of a base after the unused deductible."""
        taken = min(base, max(ZERO, deductible - self.used))
        self.used += taken
        return base - taken

    def pay(self, growth: Decimal, cap: Decimal | None, category: int) -> Decimal:
        """Return what is paid for an exact growth: rounded on the running sum, cut at the cap, afresh after a change of category."""
        if category and self.category not in (0, category):
            self.exact = self.paid
        self.category = category or self.category
        self.exact += growth
        due = max(ZERO, self.exact.quantize(FEN, ROUND_HALF_UP) - self.paid)
        if cap is not None:
            due = max(ZERO, min(due, cap - self.paid))
        self.paid += due
        return due


def banded(total: Decimal) -> Decimal:
    """Return what the bands give for a running total."""
    out = ZERO
    for low, high, rate in BANDS:
        if total > low:
            out += rate * ((total if high is None else min(total, high)) - low)
    return out


def brought_down(total: Decimal) -> Decimal:
    """Return what brings a running total that has passed the trigger down to the target."""
    return total - TARGET if total > TRIGGER else ZERO


def pay_all(found: Facts) -> list[tuple[int, ...]]:
    """Return what each of the five layers pays for each settlement, in fen."""
    inside, own = (yuan(amount(found, name).tolist()) for name in ("inscp_scp_amt", "preselfpay_amt"))
    paid_by = [yuan(amount(found, name).tolist()) for name in INSURERS]
    person, year = found.person.tolist(), found.year.tolist()
    category, care = found.category.tolist(), found.care.tolist()
    out: list[tuple[int, ...]] = []
    remembered: dict[int, list[Year]] = {}
    before = None
    for i in range(len(found)):
        if person[i] != before:
            before, remembered = person[i], {}
        layers = remembered.setdefault(year[i], [Year() for _ in range(5)])
        burden = max(ZERO, inside[i] - sum((column[i] for column in paid_by), ZERO))
        paid = one(layers, burden, own[i], category[i], care[i])
        out.append(tuple(int(value * 100) for value in paid))
    return out


def one(layers: list[Year], burden: Decimal, own: Decimal, category: int, care: int) -> list[Decimal]:
    """Return what the five layers pay for one settlement, in yuan."""
    basic, bands, second, chronic, resolve = layers
    paid = [ZERO] * 5
    if category:
        deductible, rate, cap = BASIC[category]
        paid[0] = basic.pay(rate * basic.take(burden, deductible), cap, category)
    base = burden - paid[0]
    before, bands.total = banded(bands.total), bands.total + base
    paid[1] = bands.pay(banded(bands.total) - before, BANDED_CAP, category)
    if care == INPATIENT:
        deductible, rate, cap = SECOND
        base = burden + own - paid[0] - paid[1]
        paid[2] = second.pay(rate * second.take(base, deductible), cap, category)
    if care == CHRONIC:
        paid[3] = chronic.pay(CHRONIC_RATE * (burden - sum(paid)), CHRONIC_CAP, category)
    before, resolve.total = brought_down(resolve.total), resolve.total + burden - sum(paid)
    paid[4] = resolve.pay(brought_down(resolve.total) - before, None, category)
    return paid


def yuan(fen: Iterable[int]) -> list[Decimal]:
    """Return fen as exact yuan."""
    return [Decimal(value) / 100 for value in fen]
