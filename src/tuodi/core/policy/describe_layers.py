"""Layers of benefit: what each looks at, takes off, pays and where it stops, with one table of figures."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tuodi.core.engine.compile import AMOUNT_NAMES, STANDARD_LESS
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.describe_parts import Section, Sentence, Table, sentence, table
from tuodi.core.policy.describe_words import DUE, Words, joined
from tuodi.core.policy.model import CapRule, FigureRow, Layer, When

MEASURES = {"in_policy": "政策范围内费用", "in_catalogue": "政策范围内费用", "total": "医疗费总额"}
STATES = {
    "settlement_day": "结算日在此期间",
    "calendar_year": "结算所在自然年度内有过",
    "any_day_of_stay": "就医任一日在此期间",
}


def layer_sections(words: Words) -> Iterator[Section]:
    """Yield the chapter on layers and a part for each."""
    pack = words.pack
    order = joined((layer.name for layer in pack.layers), last=" → ")
    lead = [sentence(f"依次计算：{order}。后一层只看前面各层付过以后剩下的部分。")] if len(pack.layers) > 1 else []
    if pack.layers:
        yield Section("layers", "付多少", tuple(lead))
    for layer in pack.layers:
        yield _layer(words, layer)
    if pack.insurance:
        note = "只在从医疗费总额起模拟时使用；真实结算的保险支付以结算数据为准。"
        yield Section("insurance", "保险层（模拟用）", (sentence(note, level=0),))
        for layer in pack.insurance:
            yield _layer(words, layer)


def _layer(words: Words, layer: Layer) -> Section:
    blocks: list[Sentence | Table] = [*_scope(words, layer), *_rules(words, layer), _figures(words, layer)]
    blocks += _caps(words, layer)
    blocks += _factor(layer)
    return Section(f"layer.{layer.id}", layer.name, tuple(blocks), (layer.clause,), level=2)


def _scope(words: Words, layer: Layer) -> Iterator[Sentence]:
    covers = words.when(layer.covers) or "所有人、所有就医"
    yield sentence(f"适用：{covers}。", layer.clause)
    yield sentence(f"基数：{base_words(words, layer)}。", layer.base.clause, readings=layer.base.readings)
    for penalty in layer.base.penalties:
        text = f"{words.when(penalty.when)}的，基数先扣减 {words.figure(penalty.share, 'percent')}。"
        yield sentence(text, penalty.clause)
    if len(layer.base.penalties) > 1:
        yield sentence("同时符合几项扣减的，只按最重的一项。", layer.base.clause)
    dues = {row.due or layer.due for row in layer.figures}
    paid = joined(DUE[due] for due in ("counter", "application", "year_end", "december") if due in dues)
    fund = words.fund(layer.fund)
    pays = f"，记入{AMOUNT_NAMES[layer.pays]}" if layer.pays in AMOUNT_NAMES and layer.pays != "maf_pay" else ""
    yield sentence(f"{paid}，从{fund}支出{pays}。", layer.clause, readings=layer.readings)


def base_words(words: Words, layer: Layer) -> str:
    """Return what a layer looks at, in words."""
    base = layer.base
    if base.measure == "cut":
        return f"{words.layer(base.cut_of or '')}中被限额截去的部分"
    less = STANDARD_LESS if base.less is None else tuple(base.less)
    said = MEASURES[base.measure]
    if base.less is None:
        said += "，减去基本医保、大病保险等各类保险支付、补充商业保险和减免帮扶"
    elif less:
        said += f"，只减去{words.payers(less)}"
    if base.measure == "in_catalogue":
        said += "（不足零按零），加乙类先行自付"
    if base.upstream:
        said += "，再减去上游医疗救助已付"
    earlier = _earlier(words, layer)
    if earlier:
        said += f"，再减去{earlier}已付"
    return said


def _earlier(words: Words, layer: Layer) -> str:
    """Return the earlier layers whose payments come off."""
    before: list[str] = []
    for other in words.pack.layers:
        if other.id == layer.id:
            break
        if (layer.base.after is None or other.id in layer.base.after) and not _apart(layer.covers, other.covers):
            before.append(other.name)
    else:
        return ""
    return joined(before)


def _apart(one: When, other: When) -> bool:
    """Say whether no event can meet both conditions: they name the same key and share no value."""
    for key in ("category", "care", "disease", "hospital"):
        mine, theirs = getattr(one, key), getattr(other, key)
        if mine is not msgspec.UNSET and theirs is not msgspec.UNSET and not set(mine) & set(theirs):
            return True
    return False


def _rules(words: Words, layer: Layer) -> Iterator[Sentence]:
    """Yield over what totals run, how the deductible is used up and where brackets lie."""
    rule = layer.deductible
    whose = "全家合并" if layer.of == "household" else "本人"
    yield sentence(f"{whose}按{words.period(layer.period)}累计。", layer.clause)
    if any(row.deductible is not None for row in layer.figures):
        text = f"起付线按{words.period(rule.per)}扣除，扣满为止"
        text += "，只从其中第一笔费用扣，未扣满也不再扣" if rule.first_claim_only else ""
        text += "；到期仍未扣满的，最后一次结算时不再扣" if rule.waived_if_unreached else ""
        yield sentence(text + "。", layer.clause, readings=rule.readings)
    if any(row.deductibles_of_year is not None for row in layer.figures):
        yield sentence("全年各次起付线合计另有封顶（见表）。", layer.clause)
    if any(row.bands for row in layer.figures):
        how = "达到哪一段，全部金额按哪一段的比例" if layer.bands == "whole" else "各段只对本段内的金额按本段比例"
        where = (
            "段的位置从零量起，起付线含在内；"
            if layer.position == "before_deductible"
            else "段的位置从起付线以上量起；"
        )
        where = where if any(row.deductible is not None for row in layer.figures) else ""
        yield sentence(f"分段：{how}；{where}起点含本数。", layer.clause)


def _figures(words: Words, layer: Layer) -> Table:
    """Return the figures of a layer, one row each."""
    caps = list(layer.caps)
    rows = []
    several = any(row.due and row.due != layer.due for row in layer.figures)
    for row in layer.figures:
        rows.append(
            (
                words.when(row.when) or "全部", _days(words, row), words.figure(row.deductible, "yuan") or "不设",
                words.figure(row.deductibles_of_year, "yuan"), rate_words(words, row),
                *(_cap(words, row, cap) for cap in caps),
                DUE[row.due or layer.due] if several else "", row.clause,
            )
        )  # fmt: skip
    if all(row.deductible is None for row in layer.figures):
        rows = [(row[0], row[1], "", *row[3:]) for row in rows]
    names = [cap_name(layer, cap) for cap in caps]
    return table(("适用于", "期间", "起付线", "全年起付线合计", "付多少", *names, "支付时间", "条款"), rows)


def _days(words: Words, row: FigureRow) -> str:
    first = f"{words.figure(row.first, 'day')} 起" if row.first is not None else ""
    last = f"至 {words.figure(row.last, 'day')}" if row.last is not None else ""
    return joined([first, last], last=" ")


def rate_words(words: Words, row: FigureRow) -> str:
    """Return what a row pays, in words."""
    said: list[str] = []
    if row.rate is not None:
        said.append(words.figure(row.rate, "percent"))
    for i, band in enumerate(row.bands):
        first = words.figure(band.from_, "yuan")
        last = f"至 {words.figure(row.bands[i + 1].from_, 'yuan')}" if i + 1 < len(row.bands) else "以上"
        limit = f"（本段最多 {words.figure(band.limit, 'yuan')}）" if band.limit is not None else ""
        less = f"（本段先减去{words.payers(band.less)}）" if band.less else ""
        span = f"{first}{' ' if last != '以上' else ''}{last}" if first != "0 元" or i + 1 < len(row.bands) else "全部"
        said.append(f"{span} {words.figure(band.rate, 'percent')}{limit}{less}")
    for lump in row.lumps:
        said.append(f"满 {words.figure(lump.from_, 'yuan')}给付 {words.figure(lump.amount, 'yuan')}")
    if row.bring_down is not None:
        trigger, target = words.figure(row.bring_down.trigger, "yuan"), words.figure(row.bring_down.target, "yuan")
        said.append(f"超过 {trigger}的，付到只剩 {target}" if trigger != target else f"超过 {trigger}的部分全付")
    if row.top_up_to is not None:
        said.append(f"补足到总报销比例 {words.figure(row.top_up_to, 'percent')}")
    return joined(said, last="；")


def cap_name(layer: Layer, cap: str) -> str:
    """Return how a cap of a layer is called: by its period, and its own id where a layer has several."""
    several = f"（{cap}）" if len(layer.caps) > 1 else ""
    kind = layer.caps[cap].per.partition(":")[0]
    called = {
        "year": "年度限额",
        "once": "终身限额",
        "stay": "单次住院限额",
        "claim": "单次限额",
        "application": "每次申请限额",
    }
    return called.get(kind, "限额") + several


def _cap(words: Words, row: FigureRow, cap: str) -> str:
    flat = words.figure(row.caps[cap], "yuan") if cap in row.caps else ""
    steps = [
        f"{'' if words.figure(step.from_, 'yuan') == '0 元' else '累计满 ' + words.figure(step.from_, 'yuan') + '：'}{words.figure(step.amount, 'yuan')}"
        for step in row.cap_steps.get(cap, [])
    ]
    return joined([flat, *steps], last="；") or "不限"


def _caps(words: Words, layer: Layer) -> Iterator[Sentence]:
    for cap, rule in layer.caps.items():
        said = [f"{cap_name(layer, cap)}按{words.period(rule.per)}计算", *_cap_details(words, layer, cap, rule)]
        yield sentence(joined(said, last="；") + "。", rule.clause, readings=rule.readings)


def _cap_details(words: Words, layer: Layer, cap: str, rule: CapRule) -> Iterator[str]:
    others = [other.name for other in words.pack.layers if cap in other.caps and other.id != layer.id]
    if others:
        yield f"与{joined(others)}共用"
    if rule.counts:
        yield f"{joined(words.layer(other) for other in rule.counts)}的支付也计入"
    if any(row.cap_steps.get(cap) for row in layer.figures):
        yield "按累计个人负担升档" if rule.steps_on == "burden" else "按起付线以上累计金额升档"
        yield "升档时补付此前被截去的部分" if rule.revives else "升档前被截去的部分不补付"


def _factor(layer: Layer) -> Iterator[Sentence]:
    factor = layer.factor
    if factor is None:
        return
    state = IDENTITIES.get(factor.state, factor.state)
    what = "应付金额" if factor.of == "due" else "比例"
    text = f"{state}的，{what}按 {factor.share} 计（{STATES[factor.judged_on]}），限额和累计仍按全额。"
    yield sentence(text, factor.clause, readings=factor.readings)
