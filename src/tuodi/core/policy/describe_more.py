"""Everything of a pack besides its layers: premiums, means tests, openings, warnings, procedures, services, funds, duties, terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tuodi.core.policy.describe_parts import Section, Sentence, Table, sentence, table
from tuodi.core.policy.describe_words import UNENTERED, Words, joined
from tuodi.core.policy.model import Condition, Criterion, Deadline, Fund, Line, Premium, Service, Tally

INSURANCES = {"resident": "城乡居民基本医保", "supplementary": "补充医疗保险"}
HELD = {
    "any_day": "集中缴费期内任一天具备身份",
    "first_day": "集中缴费期第一天具备身份",
    "payment_day": "缴费当天具备身份",
}
COMPARES = {"at_most": "不超过", "below": "低于", "at_least": "达到", "above": "超过"}
MINUS = {"none": "", "in_policy": "扣除政策范围内自付医疗费用后", "self_paid": "扣除自付医疗费用后"}
SPANS = {
    "twelve_months_before_application_month": "申请月之前 12 个月", "twelve_months_to_application": "申请日之前 12 个月",
    "previous_calendar_year": "上一自然年度", "calendar_year": "申请所在自然年度",
}  # fmt: skip
TALLIES = {"in_policy": "政策范围内个人负担", "in_catalogue": "目录内个人负担", "total": "全部个人负担"}
DAY_KINDS = {"working": "个工作日", "calendar": "日"}
TOLD = {"village_contact": "村级联系人", "service_team": "服务团队"}
RUNS_FROM = {"acceptance": "受理", "submission": "提交申请", "posting": "张贴", "decision": "作出决定"}


def more_sections(words: Words) -> Iterator[Section]:
    """Yield a section for everything that the pack has."""
    pack = words.pack
    chapters: list[tuple[str, str, list[Sentence | Table]]] = [
        ("premiums", "资助参保", list(_premiums(words))),
        ("means_tests", "经济状况认定", list(_means_tests(words))),
        ("openings", "可以申请的其他帮扶", list(_openings(words))),
        ("warnings", "预警", list(_warnings(words))),
        ("services", "服务", list(_services(words))),
        ("deposit_waivers", "先诊疗后付费", [
            sentence(f"{w.name}：{w.says}" + _by(words.when(w.when)) + _conditions(w.requires) + "。", w.clause, readings=w.readings)
            for w in pack.deposit_waivers
        ]),
        ("procedures", "怎么办理", list(_procedures(words))),
        ("terms", "期限和结算", list(_terms(words))),
        ("funds", "钱从哪里来", list(_funds(words))),
        ("duties", "谁负责", list(_duties(words))),
    ]  # fmt: skip
    for section_id, title, blocks in chapters:
        if blocks:
            yield Section(section_id, title, tuple(blocks))


def _by(words: str) -> str:
    return f"（{words}）" if words else ""


def _conditions(conditions: Iterable[Condition], word: str = "条件") -> str:
    asked = joined(condition.asks for condition in conditions)
    return f"；{word}：{asked}" if asked else ""


def _premiums(words: Words) -> Iterator[Table]:
    rows = [
        (INSURANCES[p.insurance], _premium_who(words, p), _premium_amount(words, p), HELD[p.held], words.fund(p.fund),
         joined([p.clause, *p.readings]))
        for p in words.pack.premiums
    ]  # fmt: skip
    if rows:
        yield table(("保险", "对象", "资助", "以哪天的身份", "资金", "条款"), rows)


def _premium_who(words: Words, premium: Premium) -> str:
    who = [words.category(c) for c in premium.categories] + [words.identity(i) for i in premium.identities]
    who += [words.value(premium.who)] if premium.who else []
    only = joined(["须已参加基本医保" if premium.only_insured else "", "须已缴费" if premium.only_paid else ""])
    return joined(who) + _by(only)


def _premium_amount(words: Words, premium: Premium) -> str:
    value = words.figure(premium.value, "yuan")
    if premium.amount == "none":
        return "不资助"
    if premium.amount == "fixed":
        return f"定额 {value}"
    return "个人缴费全额" + (f"（标准 {value}）" if value else "")


def _means_tests(words: Words) -> Iterator[Sentence]:
    for test in words.pack.means_tests:
        who = "全家" if test.gives_to == "household" else "患者本人"
        text = (
            f"{test.name}：同时符合下列条件的，由{joined(test.decided_by)}认定{who}为{words.identity(test.identity)}。"
        )
        yield sentence(text, test.clause, readings=test.readings, level=0)
        for criterion in test.criteria:
            yield sentence(f"{criterion_words(words, criterion)}。", criterion.clause, readings=criterion.readings)


def criterion_words(words: Words, criterion: Criterion) -> str:
    """Return one condition of a means test in words."""
    left = f"（标准另定：{words.value(criterion.requires)}）" if criterion.requires else ""
    if criterion.kind == "yes_no":
        return f"{criterion.name}：{criterion.asks}{left}"
    limit = words.figure(criterion.limit, "yuan") or UNENTERED
    per = {"year": "每年 ", "month": "每月 "}[criterion.limit_per] if criterion.kind == "income_per_head" else ""
    times = f"的 {criterion.times} 倍" if criterion.times != "1" else ""
    what = (
        f"{SPANS[criterion.window]}的家庭收入{MINUS[criterion.minus]}人均"
        if criterion.kind == "income_per_head"
        else (f"{SPANS[criterion.window]}的{'政策范围内' if criterion.minus == 'in_policy' else ''}自付医疗费用")
    )
    where = "" if criterion.standard == "registration" else "（按居住地标准）"
    return f"{criterion.name}：{what}{COMPARES[criterion.compare]}标准（{per}{limit}）{times}{where}{left}"


def _tally(words: Words, tally: Tally) -> str:
    less = "" if tally.less is None else f"，只减去{words.payers(tally.less)}"
    after = (
        ""
        if tally.after is None
        else "，救助支付不减"
        if not tally.after
        else f"，再减去{joined(words.layer(x) for x in tally.after)}已付"
    )
    counts = "" if tally.counts == "covered" else "，没有身份期间的也计入"
    return f"自然年度{TALLIES[tally.measure]}{less}{after}{counts}"


def _lines(words: Words, lines: Iterable[Line]) -> Iterator[Sentence]:
    for line in lines:
        who = words.when(line.when)
        if line.threshold is None:
            yield sentence(f"{who or '所有人'}：有负担即可。", line.clause)
        else:
            over = {"at_least": "达到", "above": "超过"}[line.compare]
            yield sentence(f"{who or '所有人'}：{over} {words.figure(line.threshold, 'yuan')}。", line.clause)


def _openings(words: Words) -> Iterator[Sentence]:
    for opening in words.pack.openings:
        whose = "全家" if opening.of == "household" else "本人"
        text = f"{opening.name}：按{whose}{_tally(words, opening.tally)}；由{joined(opening.decided_by) or '经办单位'}酌情决定，不计算金额"
        text += f"；查验：{joined(opening.checks)}" if opening.checks else ""
        text += f"；材料：{joined(opening.materials)}" if opening.materials else ""
        text += f"；资金：{words.fund(opening.fund)}" if opening.fund else ""
        yield sentence(
            text + "。",
            opening.clause,
            opening.tally.clause,
            readings=[*opening.readings, *opening.tally.readings],
            level=0,
        )
        yield from _lines(words, opening.lines)


def _warnings(words: Words) -> Iterator[Sentence]:
    for line in words.pack.warnings:
        whose = "全家" if line.of == "household" else "本人"
        text = f"{line.name}：按{whose}{_tally(words, line.tally)}"
        text += f"；重点监测{joined(words.identity(i) for i in line.focus)}" if line.focus else ""
        text += f"；{joined(line.route, last=' → ')}" if line.route else ""
        yield sentence(text + "。", line.clause, readings=[*line.readings, *line.tally.readings], level=0)
        yield from _lines(words, line.lines)


def _services(words: Words) -> Iterator[Sentence]:
    for service in words.pack.services:
        yield sentence(f"{service.name}{_service(words, service)}。", service.clause, readings=service.readings)


def _service(words: Words, service: Service) -> str:
    said = [_by(words.when(service.for_))]
    if service.content:
        said.append(f"：{joined(service.content)}")
    if service.times is not None:
        said.append(f"；每{'年' if service.per == 'year' else '人终身'} {service.times} 次")
    if service.first or service.last:
        said.append(f"；{service.first or ''} 至 {service.last or ''}")
    if service.yearly_amount is not None:
        said.append(f"；每人每年最高 {words.figure(service.yearly_amount, 'yuan')}")
    if service.least_amount is not None:
        said.append(f"；每次不低于 {words.figure(service.least_amount, 'yuan')}")
    said.append(_conditions(service.requires))
    said.append(_conditions(service.unless, "不提供的情形"))
    if service.fund:
        said.append(f"；资金：{words.fund(service.fund)}")
    if service.delegated:
        said.append(
            f"；另定：{joined(words.pack.delegated[p].asks for p in service.delegated if p in words.pack.delegated)}"
        )
    return "".join(said)


def _procedures(words: Words) -> Iterator[Sentence | Table]:
    deadlines = {deadline.id: deadline for deadline in words.pack.terms.deadlines}
    for procedure in words.pack.procedures:
        yield sentence(f"{procedure.name}。", procedure.clause, level=0)
        rows = []
        for n, step in enumerate(procedure.steps, start=1):
            term = deadlines.get(step.term or "")
            days = days_words(words, term) if term else ""
            rows.append(
                (str(n), step.does, step.by, days, joined(step.materials), joined([step.clause, *step.readings]))
            )
        yield table(("步骤", "做什么", "谁来做", "期限", "材料", "条款"), rows)
        yield from (sentence(f"{note}。") for note in procedure.notes)


def _terms(words: Words) -> Iterator[Sentence]:
    terms = words.pack.terms
    for deadline in terms.deadlines:
        text = f"{deadline.name}：自{RUNS_FROM[deadline.runs_from]}次日起 {days_words(words, deadline)}"
        text += "，等待补正材料的时间不算" if deadline.pauses else ""
        text += "，末日是休息日的顺延到下一工作日" if deadline.rest_day_end == "next_working_day" else ""
        yield sentence(text + "。", deadline.clause, readings=deadline.readings)
    if terms.clearing is not None:
        covers = "截至当日（上一年结算次日起）" if terms.clearing.covers == "to_that_day" else "整个自然年度"
        text = f"资金每年 {terms.clearing.month} 月 {terms.clearing.day} 日结算，结算范围为{covers}。"
        yield sentence(text, terms.clearing.clause, readings=terms.clearing.readings)
    if terms.capitation is not None:
        capitation = terms.capitation
        heads = "在册月数折算人数" if capitation.heads == "registered_months" else "1 月 1 日在册人数"
        effect = "按考核得分比例拨付" if capitation.effect == "in_proportion" else "考核合格即拨付"
        text = (
            f"打包经费每人每年 {words.figure(capitation.amount, 'yuan')}，按{heads}，{effect}"
            f"（满分 {words.figure(capitation.scale, 'number')}）。"
        )
        yield sentence(text, capitation.clause, readings=capitation.readings)
    if terms.advance is not None:
        gets = (
            "机构得垫付额与救助额中较小的一个，余下归本人"
            if terms.advance.institution_gets == "smaller_of_the_two"
            else "救助全部归机构"
        )
        yield sentence(f"权益转让后机构垫付的，{gets}。", terms.advance.clause, readings=terms.advance.readings)
    for notice in terms.admission_notices:
        yield sentence(f"有身份的人入院时通知{TOLD[notice.told]}：{notice.says}。", notice.clause)
    if terms.cost_control is not None:
        share = words.figure(terms.cost_control.selfpay_share_at_most, "percent")
        yield sentence(f"定点机构救助对象政策范围内自付费用比例不超过 {share}。", terms.cost_control.clause)


def days_words(words: Words, deadline: Deadline) -> str:
    """Return a length of days in words."""
    return (
        f"{words.figure(deadline.days, 'number').removesuffix(' 天').replace(' 天（', '（')} {DAY_KINDS[deadline.kind]}"
    )


def _funds(words: Words) -> Iterator[Table]:
    rows = [(f.name, joined(f.sources), joined(f.uses), _fund_notes(words, f), f.clause) for f in words.pack.funds]
    yield from [table(("资金", "来源", "用途", "说明", "条款"), rows)] if rows else []


def _fund_notes(words: Words, fund: Fund) -> str:
    left = joined(words.pack.delegated[p].asks for p in fund.delegated if p in words.pack.delegated)
    return joined([fund.notes, f"另定：{left}" if left else ""], last="；")


def _duties(words: Words) -> Iterator[Table]:
    rows = [(duty.measure, joined(duty.lead), joined(duty.responsible), duty.clause) for duty in words.pack.duties]
    if rows:
        yield table(("事项", "牵头单位", "责任单位", "条款"), rows)
