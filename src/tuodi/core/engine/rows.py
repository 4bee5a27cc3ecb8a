"""Figure rows: the numbers that a layer's steps read, for one day, in the order of ``compile.figure_names``."""

from __future__ import annotations

from tuodi.core.engine.features import Features, features, figure_names
from tuodi.core.engine.prove import LIMIT
from tuodi.core.money import half_up
from tuodi.core.policy.figures import UNLIMITED, Resolver
from tuodi.core.policy.model import Band, FigureRow, Layer

#: A bracket edge that no running total reaches.
NEVER = UNLIMITED


def figure_row(
    layer: Layer, row: FigureRow, resolver: Resolver, *, penalty: int = 0, rate_share: tuple[int, int] = (1, 1)
) -> tuple[int, ...]:
    """Return a row's numbers; ``Missing`` if it reads a delegated value that nobody has entered.

    ``penalty`` is basis points taken off the base; ``rate_share`` multiplies every rate (I-03, other reading).
    """
    has = features(layer)
    numbers: dict[str, int] = dict.fromkeys(figure_names(layer), 0)
    if has.penalty:
        numbers["penalty"] = penalty
    if row.deductible is not None:
        numbers["deductible"] = resolver.amount(row.deductible)
    if has.deductibles_of_year:
        numbers["deductibles_of_year"] = (
            resolver.amount(row.deductibles_of_year) if row.deductibles_of_year is not None else UNLIMITED
        )
    _bands(numbers, row, has, resolver, rate_share)
    for i in range(has.lumps):
        lump = row.lumps[i] if i < len(row.lumps) else None
        numbers[f"lump_from{i}"] = resolver.amount(lump.from_) if lump else NEVER
        numbers[f"lump{i}"] = resolver.amount(lump.amount) if lump else 0
    if has.bring_down:
        numbers["trigger"] = resolver.amount(row.bring_down.trigger) if row.bring_down else NEVER
        numbers["target"] = resolver.amount(row.bring_down.target) if row.bring_down else NEVER
    if row.top_up_to is not None:
        numbers["top_up_to"] = resolver.rate(row.top_up_to)
    _caps(numbers, row, has, resolver)
    return tuple(numbers[name] for name in figure_names(layer))


def _bands(
    numbers: dict[str, int], row: FigureRow, has: Features, resolver: Resolver, rate_share: tuple[int, int]
) -> None:
    bands = list(row.bands) if row.bands else [Band(rate=row.rate)] if row.rate is not None else []
    for i in range(has.bands):
        band = bands[i] if i < len(bands) else None
        if not has.flat:
            numbers[f"from{i}"] = resolver.amount(band.from_) if band else NEVER
        numbers[f"rate{i}"] = half_up(resolver.rate(band.rate) * rate_share[0], rate_share[1]) if band else 0
        if has.limits:
            numbers[f"limit{i}"] = resolver.amount(band.limit) if band and band.limit is not None else LIMIT


def _caps(numbers: dict[str, int], row: FigureRow, has: Features, resolver: Resolver) -> None:
    for cap, steps in has.cap_steps.items():
        own = row.cap_steps.get(cap, [])
        numbers[f"cap.{cap}"] = resolver.amount(row.caps[cap]) if cap in row.caps else UNLIMITED
        for i in range(steps):
            step = own[i] if i < len(own) else None
            numbers[f"cap.{cap}.from{i}"] = resolver.amount(step.from_) if step else NEVER
            numbers[f"cap.{cap}.amount{i}"] = resolver.amount(step.amount) if step else UNLIMITED


def silent_row(layer: Layer, row: FigureRow | None = None, resolver: Resolver | None = None) -> tuple[int, ...]:
    """Return numbers under which an event only adds to running totals and earns nothing (I-30, I-38, other readings).

    With a ``row`` it uses up that row's deductible as well: a settlement before the first day (I-30).
    """
    has = features(layer)
    numbers: dict[str, int] = dict.fromkeys(figure_names(layer), 0)
    if row is not None and resolver is not None and row.deductible is not None:
        numbers["deductible"] = resolver.amount(row.deductible)
        if has.deductibles_of_year:
            numbers["deductibles_of_year"] = UNLIMITED
    for i in range(has.bands):
        if not has.flat:
            numbers[f"from{i}"] = NEVER
    for i in range(has.lumps):
        numbers[f"lump_from{i}"] = NEVER
    if has.bring_down:
        numbers["trigger"] = numbers["target"] = NEVER
    return tuple(numbers[name] for name in figure_names(layer))
