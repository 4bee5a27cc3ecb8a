"""Whose identity counted and why, in whose favour; why a bill was refused; what a person can do next.

What can be done is derived from what the pack holds: conditions of the refusal, layers on application, means tests, procedures.
An estimate of what an identity would have brought is the fold itself, run once with that record moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

import msgspec

from tuodi.core.dates import FOREVER
from tuodi.core.engine.decide import CARE_NOT_COVERED, NO_CATEGORY, NOT_IN_FORCE
from tuodi.core.engine.fold import EventResult, fold
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.windows import IdentityWindow, Judged
from tuodi.core.engine.words_layout import day, span
from tuodi.core.errors import MissingValues
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.money import yuan_for_people as yuan
from tuodi.core.policy.model import Layer, When
from tuodi.core.settlements import MED_TYPES, Settlement

CARE_NAMES = {"inpatient": "住院", "chronic_outpatient": "门诊慢特病", "other": "其他门诊"}


def care_text(settlement: Settlement) -> str:
    """Return when and how the person was treated."""
    s = settlement
    return f"{span(s.begndate, s.enddate)} {MED_TYPES.get(s.med_type[:2], s.med_type)}"


def identity_lines(plan: Plan, result: EventResult) -> list[str]:
    """Return which identity counted, on which record it rests, and how the rules stretched or judged its time."""
    if not result.identity:
        return ["这次就医期间没有可以计入救助的身份。"]
    name = IDENTITIES[result.identity]
    category = next((c for c in plan.pack.categories if c.id == result.category), None)
    lines = [
        f"按“{name}”计算，属于“{category.name}”（{category.clause}）。" if category else f"按“{name}”的追溯窗口计算。"
    ]
    if result.window is None:
        return lines
    record = result.window.record
    by = f"，{record.issuer}" if record.issuer else ""
    certified = f"{f'{by}于 ' if by else '，'}{day(record.certified_on)} 认定" if record.certified_on else by
    lines.append(f"认定记录：有效期 {span(record.first, record.last)}{certified}。")
    return [*lines, *_window_lines(plan, result.window, result.settlement)]


def _window_lines(plan: Plan, window: IdentityWindow, s: Settlement) -> Iterator[str]:
    record, clause = window.record, f"（{window.rule.clause}）" if window.rule else ""
    last = record.last or FOREVER
    if window.judged == Judged.SETTLED:
        yield f"追溯：{span(window.first, window.last)} 结算的费用视同已经认定，对您有利{clause}。"
        return
    if window.first < record.first:
        yield f"追溯：有效期从 {day(window.first)} 算起，早于记录的起始日，对您有利{clause}。"
    if window.last > last:
        yield f"延续：身份终止以后算到 {day(window.last)} 为止，对您有利{clause}。"
    elif window.last < last:
        yield f"有效期算到 {day(window.last)} 为止{clause}。"
    if plan.care_of(s.med_type) == "inpatient" and not (record.first <= s.begndate and s.enddate <= last):
        yield f"住院期间任何一天具备身份，整次住院都算，对您有利{clause}。"


def refusal_lines(plan: Plan, result: EventResult) -> list[str]:
    """Return why the bill was refused, with the clause."""
    decision = result.decision
    return [f"{decision.says}（{decision.clause}）。"]


def next_lines(
    plan: Plan, result: EventResult, records: Iterable[IdentityRecord], *, is_anything_left: bool = True
) -> list[str]:
    """Return what the person can do next: after a refusal, and layers that wait for an application."""
    lines: list[str] = []
    refusal = result.decision.refusal
    if refusal == NO_CATEGORY:
        lines += _without_identity(plan, result, list(records))
    elif refusal == NOT_IN_FORCE:
        lines.append(f"本政策只管 {span(plan.first, plan.last)} 的结算，其他时间请按当时有效的政策办理。")
    elif refusal == CARE_NOT_COVERED:
        kinds = dict.fromkeys(care for layer in plan.layers for care in _cares(layer))
        lines.append(
            f"救助的是{'、'.join(CARE_NAMES[kind] for kind in kinds)}费用；如医疗类别登记有误，请医院更正后重新结算。"
        )
    elif result.decision.is_open:
        lines.append("这还不是不予救助：请医院或经办机构补上缺少的一项，再重新计算。")
    elif refusal:
        ground = next((r for r in plan.pack.refusals if r.id == refusal), None)
        lines += _undone(ground.when) if ground else ["如病种、机构或身份登记有误，请更正后重新计算。"]
    if is_anything_left:
        lines += _on_application(plan, result)
    if refusal or not result.pay:
        who = f"（{plan.pack.interpreter}负责解释）" if plan.pack.interpreter else ""
        lines.append(f"对结果有不同意见，可以向经办机构申请复核{who}。")
    return lines


def _cares(layer: Layer) -> list[str]:
    return list(layer.covers.care) if layer.covers.care is not msgspec.UNSET else list(CARE_NAMES)


def _without_identity(plan: Plan, result: EventResult, records: list[IdentityRecord]) -> list[str]:
    """Return how near the person was to an identity that counts."""
    s, pack = result.settlement, plan.pack
    counting = {identity for category in pack.categories for identity in category.identities}
    own = [r for r in records if r.psn_no == s.psn_no and r.identity in counting]
    later = min((r for r in own if r.first > s.enddate), key=lambda r: r.first, default=None)
    ended = max((r for r in own if r.last and r.last < s.begndate), key=lambda r: r.last or date.min, default=None)
    lines = []
    if later is not None:
        lines.append(
            f"名册里您的“{IDENTITIES[later.identity]}”身份从 {day(later.first)} 起，晚于这次就医结束的 {day(s.enddate)}，所以这次不计。"
        )
        if would := _would_pay(plan, s, later):
            lines.append(
                f"假如就医时已经有这一身份，单独这一次可以救助约 {yuan(would)}；如认定日期有误，请向认定部门核实。"
            )
    if ended is not None:
        lines.append(
            f"名册里您的“{IDENTITIES[ended.identity]}”身份已于 {day(ended.last)} 终止，早于这次就医开始的 {day(s.begndate)}。"
        )
    if not lines:
        names = [IDENTITIES[i] for i in IDENTITIES if i in counting]
        lines.append(f"本政策救助的身份：{'、'.join(names)}。如就医时已有其中一种，请向认定部门核实名册后重新计算。")
    for test in pack.means_tests:
        lines.append(f"可以向{'、'.join(test.decided_by)}申请“{test.name}”（{test.clause}）。")
    return lines


def _would_pay(plan: Plan, s: Settlement, record: IdentityRecord) -> int:
    """Return what the bill alone would have been paid had the identity begun with the care."""
    try:
        (result,) = fold(plan, [s], [replace(record, first=s.begndate)])
    except MissingValues:
        return 0
    return result.pay


def _undone(when: When) -> list[str]:
    """Return what would take a ground of refusal away."""
    unset, lines = msgspec.UNSET, []
    if when.referral is not unset:
        lines.append("如果已经办理转诊或异地就医备案，请把备案记录交给经办机构更正后重新计算。")
    if when.designated is not unset or when.assistance_institution is not unset:
        lines.append("请核对医院或药店当时是否定点；如登记有误，请经办机构更正后重新计算。")
    if when.cause is not unset:
        lines.append("如有证明（例如事故认定书写明没有责任方），请交给经办机构核定原因后重新计算。")
    if when.care is not unset or when.med_type is not unset or when.disease is not unset or when.diagnosis is not unset:
        lines.append("如医疗类别或诊断登记有误，请医院更正后重新结算。")
    return lines or ["如登记的情况有误，请更正后重新计算。"]


def _on_application(plan: Plan, result: EventResult) -> Iterator[str]:
    """Yield the layers that would look at this bill if somebody applied."""
    done = {own.layer for own in result.layers}
    for layer, choice in zip(plan.layers, result.decision.layers, strict=True):
        if layer.due != "application" or not choice.looks or layer.id in done:
            continue
        steps = [step for p in plan.pack.procedures if p.clause == layer.clause for step in p.steps]
        where = f"，向{steps[0].by}提出" if steps else ""
        lacks = "；所需的数值尚未录入，请先问经办机构" if choice.missing is not None else ""
        yield f"“{layer.name}”（{layer.clause}）要申请才有{where}{lacks}。"
