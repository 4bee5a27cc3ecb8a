"""What a layer's figures use between them, and in which order: so that only needed steps are made, and rows fill the same columns."""

from __future__ import annotations

from dataclasses import dataclass

from tuodi.core.policy.model import Layer


@dataclass(frozen=True)
class Features:
    """What a layer's figure rows use, so that only needed steps are made."""

    deductible: bool
    deductibles_of_year: bool
    bands: int
    flat: bool
    limits: bool
    less: tuple[tuple[str, ...], ...]
    lumps: int
    bring_down: bool
    top_up: bool
    penalty: bool
    cap_steps: dict[str, int]

    def counts_steps(self, layer: Layer) -> bool:
        """Say whether a cap steps up with what was counted."""
        return any(n > 0 and layer.caps[cap].steps_on == "counted" for cap, n in self.cap_steps.items())

    def needs_gross(self, layer: Layer) -> bool:
        before = layer.position == "before_deductible" and not self.flat
        steps = any(n > 0 and layer.caps[c].steps_on == "burden" for c, n in self.cap_steps.items())
        return before or steps or self.top_up


def features(layer: Layer) -> Features:
    """Return what the rows of a layer use between them."""
    rows = layer.figures
    bands = max([len(row.bands) for row in rows] + [1 if any(row.rate is not None for row in rows) else 0])
    less: list[tuple[str, ...]] = [()] * bands
    for row in rows:
        for i, band in enumerate(row.bands):
            less[i] = tuple(sorted({*less[i], *band.less}))
    return Features(
        deductible=any(row.deductible is not None for row in rows),
        deductibles_of_year=any(row.deductibles_of_year is not None for row in rows),
        bands=bands,
        flat=all(not row.bands for row in rows) and not any(less),
        limits=any(band.limit is not None for row in rows for band in row.bands),
        less=tuple(less),
        lumps=max((len(row.lumps) for row in rows), default=0),
        bring_down=any(row.bring_down is not None for row in rows),
        top_up=any(row.top_up_to is not None for row in rows),
        penalty=bool(layer.base.penalties),
        cap_steps={cap: max((len(row.cap_steps.get(cap, [])) for row in rows), default=0) for cap in layer.caps},
    )


def figure_names(layer: Layer) -> tuple[str, ...]:
    """Return the figure columns of a layer, in the order in which :mod:`.rows` fills them."""
    has = features(layer)
    names: list[str] = []
    if has.penalty:
        names.append("penalty")
    if has.deductible:
        names.append("deductible")
    if has.deductibles_of_year:
        names.append("deductibles_of_year")
    for i in range(has.bands):
        names += ([] if has.flat else [f"from{i}"]) + [f"rate{i}"] + ([f"limit{i}"] if has.limits else [])
    for i in range(has.lumps):
        names += [f"lump_from{i}", f"lump{i}"]
    if has.bring_down:
        names += ["trigger", "target"]
    if has.top_up:
        names.append("top_up_to")
    for cap, steps in has.cap_steps.items():
        names.append(f"cap.{cap}")
        for i in range(steps):
            names += [f"cap.{cap}.from{i}", f"cap.{cap}.amount{i}"]
    return tuple(names)


def cap_groups(layers: list[Layer]) -> dict[str, str]:
    """Return each layer's group: layers that share a cap, directly or through others, bear one name."""
    group = {layer.id: layer.id for layer in layers}
    for cap in {cap for layer in layers for cap in layer.caps}:
        sharing = [layer.id for layer in layers if cap in layer.caps]
        joined = {group[layer] for layer in sharing}
        name = min(joined, key=[layer.id for layer in layers].index)
        group = {layer: name if held in joined else held for layer, held in group.items()}
    return group
