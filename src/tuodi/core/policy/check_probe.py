"""One person's single bill of any size, run through all layers: what it earns, and where a little more makes a jump.

A :class:`Probe` stands for one kind of case. The search looks around every threshold of its layers (bracket edges, triggers, lump
sums, steps of caps), found in each layer's own running quantity, and on a coarse grid of burdens for everything else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuodi.core.engine.codegen import Event, compile_event
from tuodi.core.engine.plan import Plan
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.check_grid import Kind
from tuodi.core.policy.figures import UNLIMITED

#: The largest burden looked at, in fen: ten million yuan.
TOP = 10**9
#: Burdens looked at whatever the figures, in fen.
COARSE = tuple(sorted({m * 10**e for e in range(4, 9) for m in range(1, 10)} | {0, TOP}))
#: A jump in what is paid is worth telling from here on, in fen.
TELLING = 100
QUANTITIES = ("base", "gross_after", "total_after")
THRESHOLDS = ("from", "lump_from", "trigger")


@dataclass(frozen=True)
class Jump:
    """At ``burden`` fen one fen more changes what is paid out of proportion; most of it in ``layer``."""

    burden: int
    paid: tuple[int, int]
    layer: str

    @property
    def gain(self) -> int:
        """How much more is paid than before, in fen."""
        return self.paid[1] - self.paid[0]

    @property
    def worked(self) -> str:
        """The jump in numbers, as people read them."""
        left = self.burden - self.paid[0], self.burden + 1 - self.paid[1]
        return (
            f"负担 {yuan_for_people(self.burden)} → 救助 {yuan_for_people(self.paid[0])}，自付 {yuan_for_people(left[0])}；"
            f"再多 0.01 元 → 救助 {yuan_for_people(self.paid[1])}，自付 {yuan_for_people(left[1])}"
        )


class Bench:
    """A plan's program compiled to give what each layer pays and its running quantities."""

    def __init__(self, plan: Plan) -> None:
        program = plan.program
        made = {step.name for step in program.steps}
        self.plan = plan
        self.pays = [program.outputs[layer.id]["pay"] for layer in plan.layers]
        self.quantities = [f"{layer.id}.{q}" for layer in plan.layers for q in QUANTITIES if f"{layer.id}.{q}" in made]
        self.event: Event = compile_event(program, [*self.pays, *self.quantities])


class Probe:
    """A kind of case on a bench, asked what a single bill of a given burden (wholly within policy scope) earns."""

    def __init__(self, bench: Bench, kind: Kind) -> None:
        plan = self.plan = bench.plan
        self.bench = bench
        self.kind = kind
        decision = plan.decide(kind.profile)
        self.rows = tuple(choice.row for choice in decision.layers)
        self.figures = [plan.tables[i][row] for i, row in enumerate(self.rows)]
        self.state = tuple(0 for _ in plan.program.slots)
        looking = {layer.id for layer, row in zip(plan.layers, self.rows, strict=True) if row}
        self.known = {fact: _fact(fact, looking, decision.category) for fact in plan.program.facts}

    def values(self, burden: int) -> tuple[int, ...]:
        """Return what each layer pays, then the quantities of the bench."""
        bill = {"medfee_sumamt": burden, "inscp_scp_amt": burden}
        facts = tuple(bill.get(name, value) for name, value in self.known.items())
        return self.bench.event(facts, self.figures, self.state)[0]

    def paid(self, burden: int) -> int:
        """Return what all layers pay together."""
        return int(sum(self.values(burden)[: len(self.rows)]))

    def jump(self, burden: int) -> Jump | None:
        """Return the jump between a burden and one fen more, if there is one worth telling."""
        before, after = self.values(burden)[: len(self.rows)], self.values(burden + 1)[: len(self.rows)]
        gain = sum(after) - sum(before)
        if 0 <= gain < TELLING:
            return None
        changes = [b - a for a, b in zip(before, after, strict=True)]
        at = changes.index(min(changes) if gain < 0 else max(changes))
        return Jump(burden, (int(sum(before)), int(sum(after))), self.plan.layers[at].id)

    def jumps(self, layers: Sequence[int] | None = None) -> Iterator[Jump]:
        """Yield every jump found: around the thresholds of the layers given (by number; none: all), and on the coarse grid."""
        found: dict[int, Jump] = {}
        for i in range(len(self.rows)) if layers is None else layers:
            for burden in self._around(i):
                jump = self.jump(burden)
                if jump is not None:
                    found[burden] = jump
        for low, high in itertools.pairwise(COARSE):
            if any(low <= burden < high for burden in found):
                continue
            jump = self._between(low, high)
            if jump is not None:
                found[jump.burden] = jump
        yield from (found[burden] for burden in sorted(found))

    def _around(self, i: int) -> set[int]:
        """Return the burdens at which a layer's quantities are about to pass one of its thresholds."""
        layer, numbers = self.plan.layers[i], self.figures[i]
        names = self.plan.program.figures[layer.id]
        edges = {
            number for name, number in zip(names, numbers, strict=True)
            if 0 < number < UNLIMITED and (name.startswith(THRESHOLDS) or ".from" in name)
        } if self.rows[i] else set()  # fmt: skip
        own = [n for n, q in enumerate(self.bench.quantities) if q.rpartition(".")[0] == layer.id]
        found = {
            self._reaches(len(self.rows) + n, target) for n in own for edge in edges for target in (edge, edge + 1)
        }
        return {burden - 1 for burden in found if burden is not None and burden > 0}

    def _reaches(self, index: int, target: int) -> int | None:
        """Return the smallest burden at which a quantity reaches a target (quantities grow with the burden)."""
        low, high = 0, TOP
        if self.values(high)[index] < target:
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.values(middle)[index] >= target else (middle + 1, high)
        return low

    def _between(self, low: int, high: int) -> Jump | None:
        """Return a jump between two burdens where less is paid at the higher one, or less is left to the person."""
        paid = self.paid(low), self.paid(high)
        if paid[0] <= paid[1] and high - paid[1] >= low - paid[0]:
            return None
        loses = paid[0] > paid[1]
        while high - low > 1:
            middle = (low + high) // 2
            first = self.paid(low) > self.paid(middle) if loses else middle - self.paid(middle) < low - self.paid(low)
            low, high = (low, middle) if first else (middle, high)
        return self.jump(low)


def _fact(fact: str, looking: set[str], category: int) -> int:
    kind, _, layer = fact.partition(".")
    if kind in ("a", "c"):
        return int(layer in looking)
    if kind == "share":
        return 10_000
    return category if fact == "category" else 0
