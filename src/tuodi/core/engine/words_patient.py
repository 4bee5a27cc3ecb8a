"""The patient's page: what the hospital charged, who paid, whose identity counted, what each layer did, what is left and why."""

from __future__ import annotations

from tuodi.core.engine.words_bill import Bill
from tuodi.core.engine.words_case import WordedCase
from tuodi.core.engine.words_layers import SAMPLE, layer_lines, payment_line, reduced_by
from tuodi.core.engine.words_layout import amount_line, wrapped
from tuodi.core.engine.words_person import care_text, identity_lines, next_lines, refusal_lines
from tuodi.core.money import yuan_for_people as yuan
from tuodi.core.policy.figures import EnteredValue, parse_amount
from tuodi.core.policy.local_values import plain_param

RATED = ("flat", "marginal", "whole")
MEASURES = {
    "in_policy": "政策范围内的个人负担", "in_catalogue": "目录内的个人负担（含乙类先行自付）", "total": "全部个人负担", "cut": "被限额截去的部分",
}  # fmt: skip


def patient_page(case: WordedCase) -> str:
    """Return the page, at most 78 columns wide."""
    lines = [*_head(case), "", *_charged(case), "", *_paid(case), "", "三、身份"]
    for sentence in identity_lines(case.plan, case.result):
        lines += wrapped(sentence)
    lines += ["", *_computed(case)]
    rest = _rest(case)
    return "\n".join([*lines, "", *rest] if rest else lines) + "\n"


def _head(case: WordedCase) -> list[str]:
    pack, result, bill = case.plan.pack, case.result, case.bill
    s = result.settlement
    if result.decision.refusal:
        outcome = "现在还不能算。" if result.decision.is_open else "这次不能救助。"
    elif bill.left < 0:
        outcome = f"医疗救助支付 {yuan(bill.assistance)}，按全期累计计算，{_more(bill)[0]}。"
    else:
        outcome = f"医疗救助支付 {yuan(bill.assistance)}，您还要承担 {yuan(bill.left)}。"
    policy = case.vocabulary.pages.get(("policy",))
    if policy is None:
        number = f"（{pack.document.number}）" if pack.document.number else ""
        policy = wrapped(f"政策：{pack.document.title}{number}", indent=2, hanging=8)
        case.vocabulary.pages["policy",] = policy
    return [
        "医疗救助说明",
        *policy,
        *wrapped(f"结算：{s.setl_id}，{s.setl_time.date().isoformat()} 结算，{care_text(s)}", indent=2, hanging=8),
        *wrapped(f"结果：{outcome}", indent=2, hanging=8),
    ]


def _more(bill: Bill) -> tuple[str, str]:
    """Return why a bill is paid more than was left of it: earlier bills' share, unless other aid is not taken off (I-37, I-54)."""
    if any(payment.kind in ("supplementary", "relief", "charity") for payment in bill.payments):
        return "已多于本次剩下的个人负担", "其中多于个人负担的部分"
    return "已含此前结算应补的部分", "其中补此前结算的部分"


def _charged(case: WordedCase) -> list[str]:
    bill = case.bill
    lines = ["一、医院收了多少", amount_line("医疗费总额", yuan(bill.total))]
    for label, amount in (
        ("政策范围内费用", bill.in_policy), ("乙类先行自付", bill.class_b), ("全自费", bill.self_pay), ("超限价自费", bill.over_limit),
    ):  # fmt: skip
        if amount:
            lines.append(amount_line(label, yuan(amount), indent=6))
    return lines


def _paid(case: WordedCase) -> list[str]:
    bill = case.bill
    lines = ["二、谁付了多少"]
    for payment in bill.payments:
        label = f"医疗救助：{payment.label}" if payment.kind == "assistance" else payment.label
        lines.append(amount_line(label, yuan(payment.amount)))
    if bill.left < 0:
        lines.append(amount_line(_more(bill)[1], yuan(-bill.left), indent=6))
    lines.append(amount_line("您还要承担", yuan(max(bill.left, 0))))
    if bill.left > 0:
        parts = zip(("政策范围内", "乙类先行自付", "全自费和超限价"), bill.left_parts, strict=True)
        lines += [amount_line(f"其中{label}", yuan(amount), indent=6) for label, amount in parts if amount]
    return lines


def _computed(case: WordedCase) -> list[str]:
    plan, result = case.plan, case.result
    if result.decision.refusal and not result.layers:
        lines = ["四、为什么还不能算" if result.decision.is_open else "四、为什么不能救助"]
        for sentence in refusal_lines(plan, result):
            lines += wrapped(sentence)
        return lines
    lines = ["四、救助怎么算"]
    if result.decision.refusal:
        lines += wrapped(refusal_lines(plan, result)[0])
    for number, (voice, own) in enumerate(case.voices, start=1):
        lines += wrapped(f"{number}. {voice.layer.name}（{'、'.join(voice.clauses)}）", indent=2, hanging=5)
        reduced = reduced_by(plan, voice, case.known)
        sentences = layer_lines(voice, own, case.known, reduced_by=reduced)
        if own.pay or not sentences[-1].endswith(("不支付。", "不再支付。", "不化解。")):
            sentences.append(payment_line(voice, own, result))
        for sentence in sentences:
            lines += wrapped(sentence, indent=5)
    return lines


def _rest(case: WordedCase) -> list[str]:
    """Return why something is left, what can be done next, and which values are samples."""
    lines = ["五、还要知道的"]
    further = next_lines(case.plan, case.result, case.records, is_anything_left=case.bill.left > 0)
    for sentence in (*_why_left(case), *further):
        lines += wrapped(f"· {sentence}", indent=4, hanging=6)
    lines += _grounds(case)
    return lines if len(lines) > 1 else []


def _grounds(case: WordedCase) -> list[str]:
    """Return the sample values and the readings that the result rests on; the same for all results of the same figures."""
    key = tuple([(id(voice), own.readings) for voice, own in case.voices])
    lines = case.vocabulary.pages.get(key)
    if lines is None:
        lines = case.vocabulary.pages[key] = []
        samples = [entry for entry in case.entered() if entry.is_sample]
        if samples:
            asks = "、".join(_asked(case, entry) for entry in samples)
            lines += wrapped(f"· {SAMPLE}以下数值尚未正式录入，用的是示例值，结果只供参考：{asks}。", hanging=6)
        readings = sorted({reading for own in case.result.layers for reading in own.readings})
        if readings:
            lines += wrapped(f"· 条文有不同读法的地方，按释义 {'、'.join(readings)} 处理。", hanging=6)
    return lines


def _why_left(case: WordedCase) -> list[str]:
    """Return why the person still pays, as a sentence of the page."""
    reasons = why_left(case)
    return [f"为什么还要承担：{reasons}。"] if reasons else []


def why_left(case: WordedCase) -> str:
    """Return why the person still pays: outside the base, below the deductible, beyond the rate, cut by a cap; empty if not so."""
    bill, voices = case.bill, [(voice, own) for voice, own in case.voices if own.pays == "maf_pay"]
    own = [(voice.layer, result) for voice, result in voices]
    if bill.left <= 0 or not own:
        return ""
    _, class_b, outside = bill.left_parts
    reasons = []
    if outside and not any(layer.base.measure == "total" for layer, _ in own):
        reasons.append(f"全自费和超限价 {yuan(outside)}不在救助范围内")
    if class_b and all(layer.base.measure == "in_policy" for layer, _ in own):
        reasons.append(f"乙类先行自付 {yuan(class_b)}不计入救助")
    if deducted := sum(r.deductible for _, r in own):
        reasons.append(f"起付线以内 {yuan(deducted)}由个人承担")
    if cut := sum(r.cut for _, r in own):
        reasons.append(f"超过限额的 {yuan(cut)}不付")
    if any(v.shape in RATED and r.counted > r.entitled > 0 for v, r in voices):
        reasons.append("救助比例以外的部分由个人承担")
    if not reasons:
        return ""
    bases: dict[str, dict[str, None]] = {}
    for layer, _ in own:
        bases.setdefault(layer.base.measure, {})[layer.base.clause] = None
    counted = "、".join(f"{MEASURES[measure]}（{'、'.join(clauses)}）" for measure, clauses in bases.items())
    return f"救助算的是{counted}；{'；'.join(reasons)}"


def _asked(case: WordedCase, entry: EnteredValue) -> str:
    asked = case.plan.pack.delegated[plain_param(entry.param)]
    value = yuan(parse_amount(entry.value)) if asked.unit == "yuan" else entry.value
    return f"{asked.asks}（{value}）"
