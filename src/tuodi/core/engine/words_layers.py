"""What one layer did to one bill, in sentences for the patient, every figure taken from the trace.

What does not change from bill to bill (names, figures, periods, which values are samples) is made once for each row of figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tuodi.core.engine.compile import EXACT
from tuodi.core.engine.features import features
from tuodi.core.engine.fold import EventResult, LayerResult
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.words_layout import day
from tuodi.core.engine.words_terms import LIMITLESS, exact_yuan, period_name
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import percent
from tuodi.core.money import yuan_for_people as yuan
from tuodi.core.policy.figures import EnteredValue, delegated_in
from tuodi.core.policy.model import FigureRow, Layer

SAMPLE = "〔示例值〕"


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap as the texts name it: the steps that hold it, and what to call it."""

    limit: str
    room: str
    name: str


@dataclass(frozen=True, slots=True)
class LayerVoice:
    """What is the same each time a layer speaks with one row of figures."""

    layer: Layer
    figures: Mapping[str, int]
    marks: frozenset[str]
    entered: tuple[EnteredValue, ...]
    shape: str
    bands: int
    parts: tuple[str, ...]
    caps: tuple[Cap, ...]
    per: str
    fund: str
    clauses: tuple[str, ...]
    #: False where a bill is counted in the totals only: the row has no figures.
    pays: bool


def voice_of(plan: Plan, i: int, row: int, figures: FigureRow | None) -> LayerVoice:
    """Return the voice of the plan's layer ``i`` under row ``row`` of its table."""
    layer, lid = plan.layers[i], plan.layers[i].id
    has = features(layer)
    numbers = dict(zip(plan.program.figures[lid], plan.tables[i][row], strict=True))
    shape = "top_up" if has.top_up else "lumps" if has.lumps else "bring_down" if has.bring_down else "whole"
    if not (has.top_up or has.lumps or has.bring_down):
        shape = "flat" if has.flat else layer.bands
    steps = {step.name for step in plan.program.steps}
    parts = tuple(name for n in range(has.bands + 2) if (name := f"{lid}.part{n}") in steps)
    marks, entered = _entered(plan, layer, figures, row, i)
    return LayerVoice(
        layer=layer, figures=numbers, marks=marks, entered=entered, shape=shape, bands=has.bands,
        parts=parts or (f"{lid}.growth",),
        caps=tuple(Cap(f"{lid}.cap.{cap}", f"{lid}.room.{cap}", period_name(plan.pack, rule.per)) for cap, rule in layer.caps.items()),
        per=period_name(plan.pack, layer.deductible.per),
        fund=next((fund.name for fund in plan.pack.funds if fund.id == layer.fund), layer.fund),
        clauses=tuple(dict.fromkeys((layer.clause, *([figures.clause] if figures else [])))),
        pays=figures is not None,
    )  # fmt: skip


def _entered(
    plan: Plan, layer: Layer, figures: FigureRow | None, row: int, i: int
) -> tuple[frozenset[str], tuple[EnteredValue, ...]]:
    """Return which figures of a row are sample values, and every entered value that the row reads."""
    if figures is None:
        return frozenset(), ()
    segment = next((key[0] for key, held in plan.row_index[i].items() if held == row and isinstance(key[0], int)), None)
    at = plan.boundaries[segment - 1] if segment else plan.first
    found: dict[str, EnteredValue] = {}
    marks: set[str] = set()
    for name, spec in figure_specs(layer, figures):
        for param in delegated_in(spec):
            entry = plan.entered.entry(param, max(at, plan.first))
            if entry is not None:
                found[param] = entry
                marks |= {name} if entry.is_sample else set()
    return frozenset(marks), tuple(found.values())


def figure_specs(layer: Layer, figures: FigureRow) -> Iterator[tuple[str, object]]:
    """Yield the figures of a row by the names that the steps use."""
    yield from (
        ("deductible", figures.deductible),
        ("deductibles_of_year", figures.deductibles_of_year),
        ("rate0", figures.rate),
    )
    for n, band in enumerate(figures.bands):
        yield from ((f"from{n}", band.from_), (f"rate{n}", band.rate), (f"limit{n}", band.limit))
    for n, lump in enumerate(figures.lumps):
        yield from ((f"lump_from{n}", lump.from_), (f"lump{n}", lump.amount))
    if figures.bring_down is not None:
        yield from (("trigger", figures.bring_down.trigger), ("target", figures.bring_down.target))
    yield "top_up_to", figures.top_up_to
    yield from ((f"cap.{cap}", spec) for cap, spec in figures.caps.items())
    for cap, steps in figures.cap_steps.items():
        for n, step in enumerate(steps):
            yield from ((f"cap.{cap}.from{n}", step.from_), (f"cap.{cap}.amount{n}", step.amount))
    yield from (("penalty", penalty.share) for penalty in layer.base.penalties)


def layer_lines(voice: LayerVoice, own: LayerResult, known: Mapping[str, int], *, reduced_by: str = "") -> list[str]:
    """Return what a layer did, one sentence a line; ``reduced_by`` names the state that reduces the share."""
    if own.base <= 0:
        return ["前面各项支付以后没有剩余，这一层不再支付。"]
    lid = voice.layer.id
    lines = [f"计入的个人负担 {yuan(own.base)}。"]
    if lost := known.get(f"{lid}.penalty"):
        lines[0] = f"计入的个人负担 {yuan(own.base)}（已按规定扣减 {yuan(lost)}）。"
    lines += _deductible(voice, own, known)
    if not voice.pays:
        return [*lines, "只计入累计，这次不支付。"]
    if own.counted <= 0:
        return [*lines, "还没有超过起付线，这次不支付。"]
    lines += _earned(voice, own, known)
    if known.get(f"{lid}.changed"):
        lines.append("本期内救助类别有变化：此前类别被限额截去的部分不再补付。")
    growth = known[f"{lid}.growth"]
    revived = own.entitled * EXACT - growth
    if revived >= EXACT:
        lines.append(f"此前被限额截去的 {exact_yuan(revived)}现在补上，本次应付 {yuan(own.entitled)}。")
    elif revived:
        lines.append(f"按累计金额四舍五入到分，减去此前已付的，本次应付 {yuan(own.entitled)}。")
    if own.entitled:
        lines += _caps(voice, own, known)
    if reduced_by and own.entitled:
        lines.append(f"因“{reduced_by}”，应付的 {yuan(known[f'{lid}.due'])}按 {percent(known[f'share.{lid}'])} 支付。")
    return lines


def _deductible(voice: LayerVoice, own: LayerResult, known: Mapping[str, int]) -> list[str]:
    figure = voice.figures.get("deductible", 0)
    if not figure:
        return []
    used = known.get(f"{voice.layer.id}.deductible_used_after", own.deductible)
    name = f"起付线 {yuan(figure)}{SAMPLE if 'deductible' in voice.marks else ''}（按{voice.per}累计）"
    if voice.per == "每次":
        name = f"起付线 {yuan(figure)}（每次）"
    if own.counted + own.deductible > own.base:
        return [f"{name}：全期没有达到，按规定不再扣。"]
    if not own.deductible:
        return [f"{name}：此前已经扣满，这次不再扣。"]
    before = used - own.deductible
    so_far = f"，连同此前的 {yuan(before)}共扣 {yuan(used)}" if before > 0 else ""
    if used >= figure:
        return [f"{name}：这次扣 {yuan(own.deductible)}{so_far}，已经扣满。"]
    return [f"{name}：这次扣 {yuan(own.deductible)}{so_far}，再有 {yuan(figure - used)}才达到。"]


def _earned(voice: LayerVoice, own: LayerResult, known: Mapping[str, int]) -> list[str]:
    """Return how the counted amount was turned into an entitlement."""
    lid, figures = voice.layer.id, voice.figures
    growth = exact_yuan(known[f"{lid}.growth"])
    if voice.shape == "flat":
        what = "超过起付线的 " if figures.get("deductible") else ""
        mark = SAMPLE if "rate0" in voice.marks else ""
        return [f"{what}{yuan(own.counted)} × {percent(figures['rate0'])}{mark} = {growth}。"]
    if voice.shape == "top_up":
        return [f"报销比例补足到 {percent(figures['top_up_to'])}，补 {growth}。"]
    total = max(
        known.get(f"{lid}.total_after", 0),
        known.get(f"{lid}.gross_after", 0) if voice.layer.position == "before_deductible" else 0,
    )
    if voice.shape == "bring_down":
        trigger, target = yuan(figures["trigger"]), yuan(figures["target"])
        if total <= figures["trigger"]:
            return [f"累计负担 {yuan(total)}，没有超过 {trigger}，这次不化解。"]
        return [f"累计负担 {yuan(total)}，超过 {trigger}：{target}以上的全部化解，这次 {growth}。"]
    if voice.shape == "lumps":
        reached = [n for n in range(len(figures)) if figures.get(f"lump_from{n}", LIMITLESS) <= total]
        if not reached:
            return [f"累计负担 {yuan(total)}，还没有达到定额救助的起点 {yuan(figures['lump_from0'])}。"]
        return [
            f"累计负担 {yuan(total)}，达到定额 {yuan(figures[f'lump{reached[-1]}'])}，减去此前已得的，这次 {growth}。"
        ]
    if voice.shape == "whole" and any(known[part] < 0 for part in voice.parts):
        return _moved_up(voice, known, total)
    lines = [_band(voice, n, known, total) for n, part in enumerate(voice.parts) if known[part]]
    if not lines:
        return [f"累计 {yuan(total)}，还没有达到起点 {yuan(figures['from0'])}，这次不支付。"]
    return lines


def _band(voice: LayerVoice, n: int, known: Mapping[str, int], total: int) -> str:
    """Return what one bracket brought."""
    figures, part = voice.figures, known[voice.parts[n]]
    rate, reach = figures[f"rate{n}"], _reach(voice, n)
    mark = SAMPLE if {f"rate{n}", f"from{n}"} & voice.marks else ""
    if voice.shape == "whole":
        return f"累计 {yuan(total)}，在“{reach}”一段，{_rated(voice, known)}按 {percent(rate)}{mark}，比此前多 {exact_yuan(part)}。"
    limited = figures.get(f"limit{n}", LIMITLESS)
    if part % rate or limited < LIMITLESS or f"{voice.layer.id}.less{n}_after" in known:
        return f"{reach}的部分按 {percent(rate)}{mark}，得 {exact_yuan(part)}。"
    return f"{reach}的部分 {yuan(part // rate)} × {percent(rate)}{mark} = {exact_yuan(part)}。"


def _reach(voice: LayerVoice, n: int) -> str:
    """Return from where to where one bracket reaches."""
    low, high = voice.figures[f"from{n}"], voice.figures.get(f"from{n + 1}", LIMITLESS)
    return f"累计 {yuan(low)}至 {yuan(high)}" if high < LIMITLESS else f"累计超过 {yuan(low)}" if low else "累计金额"


def _rated(voice: LayerVoice, known: Mapping[str, int]) -> str:
    """Return what a whole bracket rates: all of the total, of a total that holds the deductible what is above it."""
    counted = known.get(f"{voice.layer.id}.total_after")
    holds_it = voice.layer.position == "before_deductible" and voice.figures.get("deductible")
    return f"起付线以上的 {yuan(counted)}" if holds_it and counted is not None else "全部"


def _moved_up(voice: LayerVoice, known: Mapping[str, int], total: int) -> list[str]:
    """Return how a total that came into another bracket is paid by that one alone, what the last one gave taken off."""
    gained, lost = [], []
    for n, name in enumerate(voice.parts):
        part, reach = known[name], _reach(voice, n)
        if part > 0:
            rate = percent(voice.figures[f"rate{n}"])
            mark = SAMPLE if {f"rate{n}", f"from{n}"} & voice.marks else ""
            gained.append(
                f"累计 {yuan(total)}，到了“{reach}”一段，{_rated(voice, known)}改按 {rate}{mark}，得 {exact_yuan(part)}。"
            )
        elif part < 0:
            lost.append(f"减去此前按“{reach}”一段已算的 {exact_yuan(-part)}。")
    return gained + lost


def _caps(voice: LayerVoice, own: LayerResult, known: Mapping[str, int]) -> list[str]:
    lines = []
    due = known[f"{voice.layer.id}.due"]
    for cap in voice.caps:
        limit, room = known[cap.limit], known[cap.room]
        mark = SAMPLE if cap.limit.removeprefix(f"{voice.layer.id}.") in voice.marks else ""
        if limit >= LIMITLESS:
            lines.append(f"不设{cap.name}限额。")
        elif own.cut and room == due:
            left = "" if room == limit else f"只剩 {yuan(room)}" if room > 0 else "已经用完"
            lines.append(f"{cap.name}限额 {yuan(limit)}{mark}{left}，超出的 {yuan(own.cut)}不付。")
        else:
            lines.append(f"{cap.name}限额 {yuan(limit)}{mark}，付后还剩 {yuan(room - due)}。")
    return lines


def payment_line(voice: LayerVoice, own: LayerResult, result: EventResult) -> str:
    """Return what the layer pays, when and out of which fund."""
    if not own.pay:
        return "这次支付 0.00 元。"
    settled = result.settlement.setl_time.date()
    when = "结算时支付" if own.due_on == settled else f"{day(own.due_on)} 起支付"
    return f"支付 {yuan(own.pay)}，{when}，出自“{voice.fund}”。"


def reduced_by(plan: Plan, voice: LayerVoice, known: Mapping[str, int]) -> str:
    """Return the state that reduces what a layer pays, if it does."""
    share = known.get(f"share.{voice.layer.id}", EXACT)
    factor = voice.layer.factor
    return f"{IDENTITIES[factor.state]}（{factor.clause}）" if factor and share != EXACT else ""
