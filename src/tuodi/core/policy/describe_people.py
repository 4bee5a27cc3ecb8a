"""Who is entitled and from when to when: life, categories, windows of identities, reach-back, diseases, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tuodi.core.policy.describe_parts import Section, Sentence, Table, sentence, table
from tuodi.core.policy.describe_words import Words, joined
from tuodi.core.policy.model import Figure, IdentityRule, Window

JUDGED = {"settlement": "结算日", "discharge": "出院日", "admission": "入院日"}
BEFORE = {"certified_on": "认定", "applied_on": "申请"}


def life_section(words: Words) -> Section:
    """Return the document, the life of the pack and how days are judged."""
    pack = words.pack
    document, life = pack.document, pack.in_force
    number = f"（{document.number}）" if document.number else ""
    blocks = [sentence(f"依据：{document.issuer}《{document.title}》{number}。", life.clause)]
    blocks.append(sentence(f"{_life(words)}，以{JUDGED[life.judged_by]}判断。", life.clause, readings=life.readings))
    if life.earlier_in_first_year == "counts":
        blocks.append(sentence("施行首年在施行日以前的费用计入累计，但不救助。", life.clause, readings=life.readings))
    if life.reach_back_before_first:
        blocks.append(sentence("追溯窗口可以早于施行日。", life.clause, readings=life.readings))
    blocks.append(sentence(f"一次结算属于{JUDGED[pack.year_of]}所在的自然年度。"))
    if pack.rounding == "each_claim":
        blocks.append(sentence("每次结算单独四舍五入到分。"))
    else:
        blocks.append(sentence("按累计额四舍五入到分，各次之和恒等于总额。", readings=("I-21",)))
    if pack.interpreter:
        blocks.append(sentence(f"由{pack.interpreter}解释。", life.clause))
    if pack.example:
        blocks.insert(0, sentence("这是编造的示例，不是任何地方的政策。", level=0))
    return Section("life", "依据与施行", tuple(blocks), (life.clause,))


def _life(words: Words) -> str:
    life = words.pack.in_force
    first = words.figure(life.first, "day")
    first = first if isinstance(life.first, date) else f"{_asks(words, life.first)}{first}"
    if life.last is not None:
        last = words.figure(life.last, "day")
        return f"自 {first} 起施行，" + (f"至 {last} 止" if "未录入" not in last else "长期有效（录入停止日为止）")
    if life.years is not None:
        return f"自 {first} 起施行 {life.years} 年"
    return f"自 {first} 起施行，长期有效"


def _asks(words: Words, spec: object) -> str:
    if isinstance(spec, Figure) and spec.delegated in words.pack.delegated:
        return words.pack.delegated[spec.delegated].asks + " "
    return ""


def people_section(words: Words) -> Section:
    """Return categories with their identities, and how long each identity counts."""
    pack = words.pack
    rows = [
        (str(number), category.name, joined(words.identity(i) for i in category.identities), category.clause)
        for number, category in enumerate(pack.categories, start=1)
    ]
    blocks: list[Sentence | Table] = [table(("次序", "类别", "身份", "条款"), rows)]
    if len(pack.categories) > 1:
        rule = "同时有几种身份的，按次序取最前的类别，不重复享受"
        year = "；全年按当年取得过的最高类别" if pack.category_rule == "best_of_year" else ""
        blocks.append(sentence(f"{rule}{year}。", pack.no_category))
    blocks.append(sentence("没有上述身份的，不在救助范围内。", pack.no_category))
    if pack.uncovered_settlements == "counted":
        blocks.append(sentence("没有身份期间的结算计入累计，但不救助。"))
    blocks += list(_identity_rules(words))
    last = "出院日" if pack.stay_ends == "discharge" else "结算日"
    blocks.append(sentence(f"住院的，从入院日到{last}任何一天具备身份即算；其他就医看就诊当日。", readings=("I-41",)))
    blocks += [_window(words, window) for window in pack.windows.values()]
    return Section("people", "谁可以享受", tuple(blocks))


def _identity_rules(words: Words) -> Iterator[Sentence]:
    for rule in words.pack.identity_rules:
        who = joined(words.identity(identity) for identity in rule.identities)
        yield sentence(f"{who}：{joined(_stretches(words, rule), last='，')}。", rule.clause, readings=rule.readings)


def _stretches(words: Words, rule: IdentityRule) -> Iterator[str]:
    """Yield how an identity's window is stretched or cut."""
    if rule.certified_months:
        until = "，到期月月底止" if rule.certified_until == "month_end" else ""
        yield f"每次认定有效 {rule.certified_months} 个月{until}"
        if rule.reach_back_months:
            yield f"自申请日追溯 {rule.reach_back_months} 个月"
    if rule.months_after_end:
        yield f"身份终止后待遇再保留 {rule.months_after_end} 个月"
    ends = {"end": "按身份起止日期" if not rule.certified_months and not rule.months_after_end else "", "month_end": "身份终止当月仍享受，次月起停止",
            "year_end": "身份终止当年仍享受，次年起停止"}  # fmt: skip
    yield ends[rule.lasts_until]
    if rule.window is not None:
        yield f"新认定的另按追溯窗口“{words.window(rule.window)}”追溯"
    if rule.per_record == "first_settlement":
        yield "每次认定只用于第一次结算"
    if rule.per_record == "rest_of_year":
        yield "认定后本自然年度内都有效"


def _window(words: Words, window: Window) -> Sentence:
    before = BEFORE[window.before]
    span = f"{before}日以前 {window.months} 个月" + (
        f"、不含最后 {window.except_last_months} 个月" if window.except_last_months else ""
    )
    who = joined(words.identity(identity) for identity in window.identities)
    renewals = "" if window.renewals else "；续认定不重开窗口"
    beside = (
        f"，须同日另有{joined(words.identity(i) for i in window.accompanied_by)}的认定" if window.accompanied_by else ""
    )
    text = f"追溯窗口“{window.name}”：{who}新{before}的{beside}，追溯{span}内结算的费用（不含{before}当日）{renewals}。"
    return sentence(text, window.clause, readings=window.readings)


def diseases_section(words: Words) -> Section | None:
    """Return the classes of diseases and where their lists stand."""
    diseases = words.pack.diseases
    if diseases is None:
        return None
    rows = []
    for known in diseases.classes:
        listed = [d for d in words.pack.disease_lists if d.list_ == known.list_]
        names = joined(d.disease + (f"（未满 {d.under_age} 岁）" if d.under_age else "") for d in listed)
        left = f"另定清单：{words.value(known.delegated)}" if known.delegated else ""
        rows.append((known.name, joined([names, left], last="；"), known.clause))
    which = "任一诊断" if diseases.diagnoses == "any" else "主要诊断"
    text = f"先看经办认定的病种，没有认定的按{which}对照清单；同时属于几种的取在前的；都不属于的为{words.diseases[diseases.otherwise]}。"
    blocks = (table(("病种类别", "病种", "条款"), rows), sentence(text, diseases.clause, readings=diseases.readings))
    return Section("diseases", "病种", blocks, (diseases.clause,))


def refusals_section(words: Words) -> Section:
    """Return what counts at all: kinds of care, and the grounds on which a settlement does not count."""
    pack = words.pack
    care = pack.care
    said = f"住院：医疗类别代码 {joined(care.inpatient)}" + (
        f"；门诊慢特病：{joined(care.chronic_outpatient)}" if care.chronic_outpatient else ""
    )
    blocks: list[Sentence | Table] = [sentence(f"{said}；其余为其他门诊。", care.clause)]
    if pack.refusals:
        rows = [
            (refusal.says, words.when(refusal.when), joined([refusal.clause, *refusal.readings]))
            for refusal in pack.refusals
        ]
        blocks.append(table(("不予救助的情形", "判断", "条款"), rows))
    return Section("counts", "哪些费用算数", tuple(blocks), (care.clause,))
