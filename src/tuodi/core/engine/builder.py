"""What a program grows in while the layers are compiled: its steps in order, what is remembered, what is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuodi.core.engine.steps import ZERO, Bucket, Expr, Name, Slot, Step
from tuodi.core.policy.model import Layer, Pack


@dataclass
class Builder:
    """Collects steps, slots and writes while the layers are compiled in their order."""

    pack: Pack
    layers: list[Layer]
    groups: dict[str, str]
    steps: list[Step] = field(default_factory=list)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    writes: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    burdens: dict[tuple[object, ...], Expr] = field(default_factory=dict)
    paid: dict[str, Expr] = field(default_factory=dict)
    caps: dict[str, Expr] = field(default_factory=dict)
    shares: dict[str, Expr] = field(default_factory=dict)
    changed: dict[str, Expr] = field(default_factory=dict)
    simulated: dict[str, list[Expr]] = field(default_factory=dict)

    def step(
        self, name: str, expr: Expr, label: str, layer: Layer | None = None, *, unit: str = "fen",
        clauses: tuple[str, ...] = (), readings: tuple[str, ...] = (),
    ) -> Name:  # fmt: skip
        own = (layer.clause,) if layer and not clauses else clauses
        self.steps.append(Step(name, expr, label, layer.id if layer else "", own, readings, unit))
        return Name(name)

    def slot(self, name: str, bucket: str, *, period: str, unit: str, layers: tuple[str, ...]) -> Expr:
        """Return the remembered total; nothing is remembered from one claim to the next."""
        if period == "claim":
            return ZERO
        period = f"application:{layers[0]}" if period == "application" else period
        self.buckets.setdefault(bucket, Bucket(bucket, period, unit, layers))
        assert self.buckets[bucket].period == period, (bucket, period)
        self.slots.setdefault(name, Slot(name, bucket))
        return Name(name)

    def write(self, slot: str, step: str) -> None:
        if slot in self.slots:
            self.writes[slot] = step

    def group_layers(self, layer: Layer) -> tuple[str, ...]:
        return tuple(other.id for other in self.layers if self.groups[other.id] == self.groups[layer.id])

    def total_of(self, layer: Layer, name: str) -> Expr:
        """Return a running total of the layer's own period."""
        return self.slot(
            f"{layer.id}.{name}", f"{layer.id}", period=layer.period, unit=layer.of, layers=self.group_layers(layer)
        )
