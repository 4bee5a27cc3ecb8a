"""The auditor's page and the same as data: pack and digest, identity record, delegated values with their source, every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tuodi.core.engine.plan import Plan
from tuodi.core.engine.words_case import WordedCase
from tuodi.core.engine.words_layers import figure_specs
from tuodi.core.engine.words_layout import day, span, wrapped
from tuodi.core.engine.words_person import care_text
from tuodi.core.engine.words_steps import Speaker, StepWords
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import yuan
from tuodi.core.money import yuan_for_people as people
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement


def step_words(case: WordedCase, *, all_layers: bool = True) -> Iterator[StepWords]:
    """Yield every step in order; without ``all_layers`` those of layers that did not look at the settlement are left out."""
    speaker = Speaker(case.known, case.vocabulary.terms, case.plan.pack)
    looked = {own.layer for own in case.result.layers}
    own_clauses = {
        f"p.{voice.layer.id}.{name}": figures.clause
        for voice, own in case.voices
        if (figures := case.result.decision.layers[case.vocabulary.places[own.layer]].figures) is not None
        for name, spec in figure_specs(voice.layer, figures)
        if spec is not None and not name.startswith("cap.")
    }
    reads = list(zip(case.plan.program.steps, case.vocabulary.reads, strict=True))
    needed: set[str] = set()
    for step, names in reversed(reads):
        if step.layer in looked or (not step.layer and step.name in needed):
            needed.update((step.name, *names))
    for step, names in reads:
        if all_layers or step.name in needed:
            yield speaker.step(step, names, clauses=own_clauses)


def auditor_page(case: WordedCase) -> str:
    """Return the page, at most 78 columns wide."""
    lines = ["审核说明", *_grounds(case), "", "步骤"]
    names = {layer.id: f"{layer.name}（{layer.clause}）" for layer in case.plan.layers}
    layer = ""
    for number, words in enumerate(step_words(case, all_layers=False), start=1):
        if words.step.layer and words.step.layer != layer:
            layer = words.step.layer
            lines.append(f"  〔{names[layer]}〕")
        cited = "、".join(words.clauses) + (f"；{'、'.join(words.readings)}" if words.readings else "")
        lines += wrapped(f"[{number:>2}] {words.says}" + (f"  {{{cited}}}" if cited else ""), indent=2, hanging=7)
    return "\n".join([*lines, "", "结果", *_outcome(case)]) + "\n"


def _grounds(case: WordedCase) -> Iterator[str]:
    plan, result, pack = case.plan, case.result, case.plan.pack
    s = result.settlement
    facts = [
        ("政策包", f"{pack.pack}（{pack.name}），数据摘要 sha256:{case.vocabulary.digest}"),
        ("施行", f"{span(plan.first, plan.last)}（{pack.in_force.clause}）"),
        ("结算", f"{s.setl_id}，{s.setl_time.isoformat(sep=' ')}，人员 {s.psn_no}，机构 {s.fixmedins_code}"),
        (
            "就医",
            f"{care_text(s)}（{s.med_type}），诊断 {s.diag_code}，病种 {_diseases(plan, s)}，转诊 {s.refer_stas}",
        ),
        ("身份", _identity(case)),
    ]
    facts += [("授权参数", text) for text in _delegated(case)]
    facts += [("释义口径", text) for text in _readings(case)]
    for label, text in facts:
        yield from wrapped(f"{label}：{text}", indent=2, hanging=8)


def _diseases(plan: Plan, s: Settlement) -> str:
    """Return the disease classes; where they depend on a birth date that is not given, from which age each holds."""
    open_ = plan.diseases_open(s)
    if open_:
        return "、".join(f"{first} 岁起 {'、'.join(found)}" for first, found in open_) + "（没有出生日期）"
    return "、".join(plan.diseases_of(s))


def _identity(case: WordedCase) -> str:
    result = case.result
    if not result.identity:
        return "无"
    text = f"{result.identity}（{IDENTITIES[result.identity]}），类别 {result.category or '—'}"
    if result.window is None:
        return text
    record, window = result.window.record, result.window
    clause = f"（{window.rule.clause}）" if window.rule else ""
    applied = f"，申请 {day(record.applied_on)}" if record.applied_on else ""
    certified = f"，认定 {day(record.certified_on)}" if record.certified_on else ""
    issuer = f"，{record.issuer}" if record.issuer else ""
    return f"{text}；记录 {span(record.first, record.last)}{certified}{applied}{issuer}；计算用的有效期 {span(window.first, window.last)}{clause}"


def _delegated(case: WordedCase) -> Iterator[str]:
    for entry in case.entered():
        since = f"，自 {day(entry.first)}" if entry.first else ""
        mark = "；示例值，不是正式标准" if entry.is_sample else ""
        yield f"{entry.param} = {entry.value}{since}（来源：{entry.source or '未注明'}{mark}）"


def _readings(case: WordedCase) -> Iterator[str]:
    used = dict.fromkeys(reading for own in case.result.layers for reading in own.readings)
    for name in sorted(used):
        reading = case.plan.pack.readings.get(name)
        if reading is not None:
            yield f"{name} = {reading.default}（{reading.choices[reading.default].means}）"


def _outcome(case: WordedCase) -> Iterator[str]:
    decision = case.result.decision
    if decision.refusal:
        kind = "还不能算" if decision.is_open else "不予救助"
        yield from wrapped(f"{kind}：{decision.says}（{decision.clause}，{decision.refusal}）", indent=2)
    for own in case.result.layers:
        cited = "、".join(own.clauses) + (f"；{'、'.join(own.readings)}" if own.readings else "")
        text = (
            f"{own.layer} 支付 {people(own.pay)}，截去 {people(own.cut)}，{own.due_on} 起，资金 {own.fund}  {{{cited}}}"
        )
        yield from wrapped(text, indent=2, hanging=4)
    yield f"  合计 {people(case.result.pay)}"


def case_data(case: WordedCase) -> dict[str, Any]:
    """Return everything as plain data; amounts are yuan text, values of steps whole numbers in their unit."""
    result, pack, s = case.result, case.plan.pack, case.result.settlement
    window = result.window
    in_policy, class_b, outside = case.bill.left_parts
    return {
        "pack": {
            "id": pack.pack, "name": pack.name, "digest": f"sha256:{case.vocabulary.digest}", "first": str(case.plan.first),
            "last": str(case.plan.last), "readings": {name: reading.default for name, reading in pack.readings.items()},
        },
        "settlement": {
            "setl_id": s.setl_id, "psn_no": s.psn_no, "fixmedins_code": s.fixmedins_code, "setl_time": s.setl_time.isoformat(sep=" "),
            "med_type": s.med_type, "begndate": str(s.begndate), "enddate": str(s.enddate), "diag_code": s.diag_code,
            **{name: yuan(getattr(s, name)) for name in AMOUNT_FIELDS},
        },
        "identity": {
            "identity": result.identity, "category": result.category,
            "record": _record(case), "first": str(window.first) if window else None, "last": str(window.last) if window else None,
            "clause": window.rule.clause if window and window.rule else None,
        },
        "refusal": {"id": result.decision.refusal, "clause": result.decision.clause, "says": result.decision.says}
        if result.decision.refusal else None,
        "layers": [
            {
                "layer": own.layer, **{name: yuan(getattr(own, name)) for name in ("base", "deductible", "counted", "entitled", "cut", "pay")},
                "due_on": str(own.due_on), "fund": own.fund, "clauses": list(own.clauses), "readings": list(own.readings),
            }
            for own in result.layers
        ],
        "pay": yuan(result.pay),
        "payments": [{"label": p.label, "amount": yuan(p.amount), "kind": p.kind, "clauses": list(p.clauses)} for p in case.bill.payments],
        "left": {"total": yuan(case.bill.left), "in_policy": yuan(in_policy), "class_b": yuan(class_b), "outside": yuan(outside)},
        "delegated": [
            {"param": e.param, "value": e.value, "source": e.source, "first": str(e.first) if e.first else None, "sample": e.is_sample}
            for e in case.entered()
        ],
        "steps": [words.data(pack) for words in step_words(case)],
    }  # fmt: skip


def _record(case: WordedCase) -> dict[str, Any] | None:
    window = case.result.window
    if window is None:
        return None
    record = window.record
    days = {name: getattr(record, name) for name in ("first", "last", "certified_on", "applied_on")}
    return {"issuer": record.issuer, **{name: str(value) if value else None for name, value in days.items()}}
