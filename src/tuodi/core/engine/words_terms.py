"""What every name of a compiled rule is called in Chinese, in which unit it is counted and how a value of it is written.

Facts, figures, remembered totals and steps all have a :class:`Term`; the terms of a plan are made once. What is *not* here: any
sentence, and any meaning of a rule: labels of steps come from the steps themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.steps import Program, Step
from tuodi.core.money import percent, yuan_for_people
from tuodi.core.policy.figures import UNLIMITED
from tuodi.core.policy.model import Pack

FEN, EXACT, RATE, FLAG, COUNT = "fen", "fen*bp", "bp", "flag", "count"
#: Amounts from here on stand for "no limit" (a difference of two of them included).
LIMITLESS = UNLIMITED // 10

#: The last part of a figure's name -> what people read; ``{n}`` is the number of the band or step.
FIGURE_LABELS = {
    "penalty": "扣减比例", "deductible": "起付线", "deductibles_of_year": "全年起付线合计上限", "from": "第 {n} 段起点",
    "rate": "第 {n} 段比例", "limit": "第 {n} 段最高额", "lump_from": "第 {n} 档起点", "lump": "第 {n} 档定额",
    "trigger": "化解起点", "target": "化解后的负担", "top_up_to": "目标报销比例", "cap": "限额",
    "cap.from": "第 {n} 档限额起点", "cap.amount": "第 {n} 档限额",
}  # fmt: skip
#: The last part of a remembered total's name -> what people read.
TOTAL_LABELS = {
    "deductible_used": "此前已扣起付线", "deducted_year": "本年此前已扣起付线", "last_category": "此前最近一次的类别",
    "exact": "此前累计应救助额", "paid": "此前累计已付", "gross": "此前累计个人负担", "total": "此前累计计入",
    "scope": "此前累计政策范围内费用", "share_exact": "此前按份额累计", "less": "第 {n} 段此前累计剔除",
}  # fmt: skip
PERIODS = {"claim": "每次", "stay": "每次住院", "year": "年度", "once": "终身", "application": "每次申请"}
RATE_FIGURES = ("rate", "penalty", "top_up_to")


@dataclass(frozen=True, slots=True)
class Term:
    """What a name is called, its unit, and for a step the layer it belongs to."""

    label: str
    unit: str
    layer: str = ""


def numbered(name: str) -> tuple[str, int | None]:
    """Return a name without the number at its end, and the number.

    >>> numbered("from12"), numbered("deductible")
    (('from', 12), ('deductible', None))
    """
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :]) if stem != name else None


def terms_of(plan: Plan) -> dict[str, Term]:
    """Return the term of every name of a plan's program."""
    program = plan.program
    return {
        **dict(_facts(plan)),
        **dict(_figures(program)),
        **{slot.name: _total(slot.name) for slot in program.slots},
        **{step.name: Term(_label(plan, step), step.unit, step.layer) for step in program.steps},
    }


def _label(plan: Plan, step: Step) -> str:
    """Return a step's label; where a layer has several caps, with what each is a cap of."""
    layer = next((layer for layer in plan.layers if layer.id == step.layer), None)
    kind, _, cap = step.name.removeprefix(f"{step.layer}.").partition(".")
    if layer is None or len(layer.caps) < 2 or kind not in ("cap", "room") or cap not in layer.caps:
        return step.label
    return f"{step.label}（{period_name(plan.pack, layer.caps[cap].per)}）"


def period_name(pack: Pack, per: str) -> str:
    """Return what people call the period over which a total runs."""
    kind, _, window = per.partition(":")
    if kind == "window":
        return f"“{pack.windows[window].name}”"
    return "认定年度" if kind == "window_year" else PERIODS[kind]


def _facts(plan: Plan) -> Iterator[tuple[str, Term]]:
    names = {layer.id: layer.name for layer in plan.layers}
    for fact in plan.program.facts:
        kind, _, layer = fact.partition(".")
        if fact in AMOUNT_NAMES:
            yield fact, Term(AMOUNT_NAMES[fact], FEN)
        elif fact == "category":
            yield fact, Term("本次类别", COUNT)
        elif kind == "share":
            yield fact, Term("支付份额", RATE)
        else:
            says = {"a": "适用", "c": "计入", "last": "是本期最后一次"}[kind]
            yield fact, Term(f"“{names[layer]}”{says}", FLAG)


def _figures(program: Program) -> Iterator[tuple[str, Term]]:
    for layer in program.layers:
        bands = sum(1 for name in program.figures[layer] if numbered(name)[0] == "rate")
        for figure in program.figures[layer]:
            stem, number = numbered(figure)
            if stem.startswith("cap."):
                parts = figure.split(".")
                last, number = numbered(parts[-1]) if len(parts) > 2 else ("", None)
                label = FIGURE_LABELS[f"cap.{last}" if last else "cap"]
            else:
                label = "救助比例" if stem == "rate" and bands == 1 else FIGURE_LABELS[stem]
            n = "" if number is None else number + 1
            yield f"p.{layer}.{figure}", Term(label.format(n=n), RATE if stem in RATE_FIGURES else FEN)


def _total(slot: str) -> Term:
    group, _, last = slot.rpartition(".")
    if group == "cap":
        return Term("限额此前已用", FEN)
    stem, number = numbered(last)
    units = {"exact": EXACT, "share_exact": EXACT, "last_category": COUNT}
    return Term(TOTAL_LABELS[stem].format(n="" if number is None else number + 1), units.get(stem, FEN))


def exact_yuan(value: int) -> str:
    """Return fen x 10 000 as yuan text with as many decimals as it needs, two at least.

    >>> exact_yuan(5_000_000), exact_yuan(5_000_050_000), exact_yuan(-1)
    ('5.00 元', '5,000.05 元', '-0.000001 元')
    """
    whole, part = divmod(abs(value), 1_000_000)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if value < 0 else ''}{whole:,}.{decimals} 元"


def value_text(value: int, unit: str, pack: Pack) -> str:
    """Return a value as people read it.

    >>> value_text(7000, "bp", None), value_text(1, "flag", None), value_text(10**15, "fen", None)
    ('70%', '是', '不限')
    """
    if unit == FEN:
        return yuan_for_people(value) if abs(value) < LIMITLESS else "不限"
    if unit == EXACT:
        return exact_yuan(value) if abs(value) < LIMITLESS * 10_000 else "不限"
    if unit == RATE:
        return percent(value)
    if unit == FLAG:
        return "是" if value else "否"
    return f"“{pack.categories[value - 1].name}”" if value else "无"
