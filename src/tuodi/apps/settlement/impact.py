"""What a proposed policy would change: the area's own settlements replayed under the policy in force and under the proposed one.

Person by person, a few hundred at a time, so that memory does not grow with the area; what is kept are sums, and the largest
differences. Nothing that names a person is kept: settlements, categories, layers and clauses only.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuodi.apps.policies import permissions
from tuodi.apps.policies.actions import KeepImpact
from tuodi.apps.policies.actions.base import row_for
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import InForce, Proposal, basis, plans_of
from tuodi.apps.settlement.circles import circles_in
from tuodi.apps.settlement.folding import PlansOf, plans_for
from tuodi.apps.settlement.histories import CHUNK, PersonHistory, earned, histories
from tuodi.base import access, clock
from tuodi.core.engine.fold import EventResult
from tuodi.core.errors import MissingValues

LARGEST = 20
MISSING_SHOWN = 20


@dataclass
class Side:
    """Those who gain, or those who lose."""

    people: int = 0
    bills: int = 0
    fen: int = 0

    def told(self) -> dict[str, int]:
        return {"people": self.people, "bills": self.bills, "fen": self.fen}


@dataclass
class Sums:
    """The sums of a replay, of a size that does not grow with the area."""

    people: int = 0
    bills: int = 0
    before_fen: int = 0
    after_fen: int = 0
    gain: Side = field(default_factory=Side)
    lose: Side = field(default_factory=Side)
    by: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"layer": {}, "clause": {}, "category": {}}
    )
    largest: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)
    missing: dict[str, None] = field(default_factory=dict)
    unanswered: int = 0

    def add(self, before: dict[str, EventResult], after: dict[str, EventResult]) -> None:
        """Add one person."""
        self.people += 1
        change = 0
        for setl_id, new in after.items():
            self.bills += 1
            change += self._add_bill(setl_id, before.get(setl_id), new)
        if change:
            (self.gain if change > 0 else self.lose).people += 1

    def _add_bill(self, setl_id: str, old: EventResult | None, new: EventResult) -> int:
        paid = old.pay if old else 0
        self.before_fen += paid
        self.after_fen += new.pay
        was, now = (_by_layer(result) for result in (old, new))
        changed = [layer for layer in {**was, **now} if _pay(was, layer) != _pay(now, layer)]
        for layer in changed:
            change = _pay(now, layer) - _pay(was, layer)
            self._count("layer", layer, change)
            self._count("clause", "、".join((now.get(layer) or was[layer])[1]), change)
        change = new.pay - paid
        if change:
            side = self.gain if change > 0 else self.lose
            side.bills, side.fen = side.bills + 1, side.fen + change
            self._count("category", new.category or (old.category if old else "") or new.decision.refusal, change)
            row = {
                "setl_id": setl_id,
                "category": new.category,
                "before_fen": paid,
                "after_fen": new.pay,
                "layers": changed,
            }
            kept = heapq.heappush if len(self.largest) < LARGEST else heapq.heappushpop
            kept(self.largest, (abs(change), self.bills, row))
        return change

    def _count(self, by: str, name: str, change: int) -> None:
        held = self.by[by].setdefault(name, {"gain_bills": 0, "gain_fen": 0, "lose_bills": 0, "lose_fen": 0})
        side = "gain" if change > 0 else "lose"
        held[f"{side}_bills"] += 1
        held[f"{side}_fen"] += change

    def told(self) -> dict[str, Any]:
        """Return the sums as the proposal keeps them."""
        return {
            "people": self.people, "bills": self.bills, "before_fen": self.before_fen, "after_fen": self.after_fen,
            "gain": self.gain.told(), "lose": self.lose.told(), "by_layer": self.by["layer"], "by_clause": self.by["clause"],
            "by_category": self.by["category"], "missing": list(self.missing), "unanswered": self.unanswered,
            "largest": [row for _, _, row in sorted(self.largest, key=lambda item: (-item[0], item[1]))],
        }  # fmt: skip

    @classmethod
    def again(cls, told: dict[str, Any]) -> Sums:
        """Return the sums that :meth:`told` told, to go on adding to."""
        if not told:
            return cls()
        largest = [(abs(row["after_fen"] - row["before_fen"]), -n, row) for n, row in enumerate(told["largest"])]
        heapq.heapify(largest)
        return cls(
            people=told["people"], bills=told["bills"], before_fen=told["before_fen"], after_fen=told["after_fen"],
            gain=Side(**told["gain"]), lose=Side(**told["lose"]),
            by={"layer": told["by_layer"], "clause": told["by_clause"], "category": told["by_category"]}, largest=largest,
            missing=dict.fromkeys(told["missing"]), unanswered=told["unanswered"],
        )  # fmt: skip


def _by_layer(result: EventResult | None) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {layer.layer: (layer.pay, layer.clauses) for layer in result.layers} if result else {}


def _pay(layers: dict[str, tuple[int, tuple[str, ...]]], layer: str) -> int:
    return layers[layer][0] if layer in layers else 0


Plans = dict[str, tuple[list[InForce], list[InForce]]]


def add_circles(sums: Sums, some: Sequence[PersonHistory], proposal: Proposal, plans: Plans) -> None:
    """Add what a proposal would change for some people of its area; a circle is added with the first of its members."""

    def known(area: str) -> tuple[list[InForce], list[InForce]]:
        if area not in plans:
            plans[area] = plans_of(area), plans_of(area, proposal)
        return plans[area]

    sides: tuple[PlansOf, PlansOf] = (lambda area: known(area)[0]), (lambda area: known(area)[1])
    for circle in circles_in(some, *sides, area_code=proposal.area_code):
        _add_circle(sums, circle, *sides)


def _add_circle(sums: Sums, circle: list[PersonHistory], before: PlansOf, after: PlansOf) -> None:
    """Add what a circle gains and loses; who cannot be computed for want of values is counted apart."""
    try:
        governed = [held for held in circle if plans_for(held.person, before)]
        was = earned(governed, before)
        is_same = all(plans_for(held.person, before) == plans_for(held.person, after) for held in circle)
        would = was if is_same else earned(circle, after)
        for held in circle:
            own = {bill.setl_id for bill in held.bills}
            sums.add(was.only(own).results, would.only(own).results)
    except MissingValues as missing:
        sums.unanswered += len(circle)
        for one in missing.faults:
            if len(sums.missing) < MISSING_SHOWN:
                sums.missing[one.message] = None


def impact(proposal: Proposal, *, progress: Callable[[int], object] | None = None) -> dict[str, Any]:
    """Return what a proposal would change in its area's settlements: who gains, who loses, by layer, clause and category."""
    sums, plans = Sums(), Plans()
    measured_under = basis(proposal.area_code)
    after = ""
    while some := list(histories(proposal.area_code, after=after, limit=CHUNK)):
        after = some[-1].person.psn_no
        add_circles(sums, some, proposal, plans)
        if progress is not None:
            progress(len(some))
    return {**sums.told(), "basis": measured_under, "at": clock.now().isoformat()}


def measure(actor: Any, proposal: Proposal, *, progress: Callable[[int], object] | None = None) -> dict[str, Any]:
    """Measure a proposal and keep the result with it, to be looked at before it is approved."""
    access.demand(actor, permissions.MEASURE)
    row = proposal.installation or proposal.value or proposal.withdrawn
    assert isinstance(row, (Installation, DelegatedValue))
    row_for(actor, type(row), row.pk, permissions.MEASURE)
    found = impact(proposal, progress=progress)
    KeepImpact(actor=actor, proposal=proposal, impact=found).run()
    return found
