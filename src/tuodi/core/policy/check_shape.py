"""Layers that say less, more or something else than they seem to: keys that have no effect, totals that cannot run together.

What the engine would silently ignore is an error here; what it would refuse as our mistake never gets that far.
"""

from __future__ import annotations

from collections.abc import Iterator

from tuodi.core.engine.features import cap_groups, features
from tuodi.core.errors import declare
from tuodi.core.policy.check_look import Finding, Level, Look, parts
from tuodi.core.policy.model import AgeRange, CapRule, FigureRow, IdentityRule, Layer
from tuodi.core.policy.parse import Path
from tuodi.core.settlements import INSURER_FIELDS

E_NOTHING = declare(
    "E-CHECK-PAYS-NOTHING", "{named}的这一行没有写怎么付", "请写 rate、bands、lumps、bring_down 或 top_up_to"
)
E_NO_ROWS = declare("E-CHECK-NO-ROWS", "{named}没有一行数额", "请在 figures 里至少写一行")
E_IGNORED = declare("E-CHECK-IGNORED", "{named}写了“{key}”，但{why}，它不起作用", "请删去，或改成起作用的写法")
W_IGNORED = declare("W-NO-EFFECT", "{named}写了“{key}”，但{why}，它不起作用", "请核对是否漏写了什么")
E_SHARE = declare("E-CHECK-SHARE", "份额“{given}”不能精确到万分之一", "请写成百分比，或分母能整除 10000 的分数，如 1/2")
E_TOGETHER = declare(
    "E-CHECK-TOGETHER",
    "{layers}共用限额，{what}却不一致（{values}）",
    "共用限额的层要按同一期间、同一单位（个人或家庭）累计",
)
W_TOGETHER = declare(
    "W-CAP-PERIODS",
    "{layers}共用限额，{what}却不一致（{values}）",
    "类别变化按第一层的期间判断；如不是本意，请改成一致",
)
E_CAP_PERIOD = declare(
    "E-CHECK-CAP-PERIOD",
    "限额“{cap}”在各层里写的{what}不一致（{values}）",
    "同一个限额只能有一种写法；要分开就用不同的编号",
)
W_INSURES = declare(
    "W-INSURANCE-PAYS", "保险层“{named}”没有写 pays，它的支付会算作医疗救助", "请写 pays: hifp_pay、hifmi_pay 等"
)
W_UNITS = declare(
    "W-MIXED-UNITS", "有的层按个人累计，有的按家庭累计", "结果不受影响，但批量计算会慢得多；能分成两份政策包的请分开"
)


W_CARRIES = declare(
    "W-CAP-CARRIES",
    "{named}的限额“{cap}”按{each}计算，本层却按{whole}累计：一次被截去的部分会在后面的结算里补付",
    "如不是本意，请写 revives: false，或把本层的 period 改成与限额一致",
)

#: Level, key and reason of something written in vain.
Vain = tuple[Level, str, str]


def check_shape(look: Look) -> Iterator[Finding]:
    """Yield what a layer says without effect, and layers whose totals cannot run together."""
    layers = [*look.pack.insurance, *look.pack.layers]
    for key, held in (("insurance", look.pack.insurance), ("layers", look.pack.layers)):
        for i, layer in enumerate(held):
            yield from _layer(look, (key, i), layer)
            if key == "insurance" and layer.pays not in INSURER_FIELDS:
                yield look.finding(
                    "warning", W_INSURES, (key, i), clause=layer.clause, layer=layer.id, named=layer.name
                )
    for i, rule in enumerate(look.pack.identity_rules):
        for key, why in _identity_rule(rule):
            at = ("identity_rules", i)
            yield look.finding("error", E_IGNORED, at, clause=rule.clause, named="身份规则", key=key, why=why)
    yield from _together(look, layers)
    if len({layer.of for layer in layers}) > 1:
        yield look.finding("warning", W_UNITS, ("layers",))


def _identity_rule(rule: IdentityRule) -> Iterator[tuple[str, str]]:
    """Yield what a rule of identities says in vain, and why."""
    if rule.certified_months and rule.months_after_end:
        yield "months_after_end", "每次认定有效多久已由 certified_months 定了"
    if rule.certified_until == "month_end" and not rule.certified_months:
        yield "certified_until", "没有写 certified_months（每次认定有效几个月）"


def _layer(look: Look, path: Path, layer: Layer) -> Iterator[Finding]:
    if not layer.figures:
        yield look.finding("error", E_NO_ROWS, path, clause=layer.clause, layer=layer.id, named=layer.name)
    for i, row in enumerate(layer.figures):
        for level, key, why in _row(layer, row):
            yield _vain(look, (*path, "figures", i), layer, level=level, key=key, why=why, clause=row.clause)
    for level, key, why in (*_rules(layer), *_base(layer)):
        yield _vain(look, path, layer, level=level, key=key, why=why, clause=layer.clause)
    yield from _carries(look, path, layer)
    if layer.factor is not None and not exact_share(layer.factor.share):
        yield look.finding(
            "error", E_SHARE, (*path, "factor"), clause=layer.factor.clause, layer=layer.id, given=layer.factor.share
        )


def _row(layer: Layer, row: FigureRow) -> Iterator[Vain]:
    """Yield what a row says in vain."""
    if row.rate is None and not row.bands and not row.lumps and row.bring_down is None and row.top_up_to is None:
        yield "error", "", ""
    if row.rate is not None and row.bands:
        yield "error", "rate", "同一行已写了 bands"
    if row.deductibles_of_year is not None and row.deductible is None:
        yield "error", "deductibles_of_year", "这一行没有起付线 deductible"
    topped = any(other.top_up_to is not None for other in layer.figures)
    if topped and (row.rate is not None or row.bands or row.lumps or row.bring_down is not None):
        yield "error", "rate、bands、lumps 或 bring_down", "本层是补足到目标比例（top_up_to），请另设一层"


def _carries(look: Look, path: Path, layer: Layer) -> Iterator[Finding]:
    """Yield caps of one claim or stay in a layer whose totals run on, so that what they cut off comes back later."""
    called = {"claim": "每次结算", "stay": "每次住院", "year": "自然年度", "once": "终身"}
    for cap, rule in layer.caps.items():
        if rule.per in ("claim", "stay") and layer.period in ("year", "once") and rule.revives:
            yield look.finding(
                "warning", W_CARRIES, (*path, "caps", cap), clause=rule.clause or layer.clause, layer=layer.id, named=layer.name,
                cap=cap, each=called[rule.per], whole=called[layer.period],
            )  # fmt: skip


def _rules(layer: Layer) -> Iterator[Vain]:
    has = features(layer)
    rule = layer.deductible
    if not has.deductible and (rule.per != "year" or rule.first_claim_only or rule.waived_if_unreached):
        yield "error", "deductible", "没有一行写了起付线金额"
    if has.flat and layer.bands == "whole":
        yield "warning", "bands: whole", "没有一行写了分段 bands"
    if layer.position == "before_deductible" and (has.flat or not has.deductible):
        yield "warning", "position: before_deductible", "没有分段或没有起付线"
    for cap, steps in has.cap_steps.items():
        if not steps and layer.caps[cap].steps_on != "burden":
            yield "warning", f"caps.{cap}.steps_on", "这个限额不升档"
    for _, part in parts(layer):
        if isinstance(part, AgeRange) and part.from_ >= part.to:
            yield "error", f"age {{from: {part.from_}, to: {part.to}}}", "没有人在这个年龄段"


def _base(layer: Layer) -> Iterator[Vain]:
    base = layer.base
    if base.measure == "cut" and base.cut_of is None:
        yield "error", "base.measure: cut", "没有写 cut_of（哪一层被限额截去的部分）"
    if base.measure != "cut" and base.cut_of is not None:
        yield "error", "base.cut_of", "measure 不是 cut"
    if base.measure == "cut" and (base.less or base.upstream or base.after or base.penalties):
        yield "error", "base 的 less、upstream、after 或 penalties", "截去的部分不再减别的"


def _vain(look: Look, at: Path, layer: Layer, *, level: Level, key: str, why: str, clause: str) -> Finding:
    if not key:
        return look.finding(level, E_NOTHING, at, clause=clause, layer=layer.id, named=layer.name)
    code = E_IGNORED if level == "error" else W_IGNORED
    return look.finding(level, code, at, clause=clause, layer=layer.id, named=layer.name, key=key, why=why)


def exact_share(share: str) -> bool:
    """Say whether a share ("1/2", "50%") is a whole number of basis points, not more than all.

    >>> exact_share("1/2"), exact_share("1/3"), exact_share("50%"), exact_share("3/2")
    (True, False, True, False)
    """
    top, _, bottom = share.removesuffix("%").partition("/")
    if not top.strip().isdigit() or (bottom and not bottom.isdigit()):
        return False
    if share.endswith("%"):
        return not bottom and int(top) <= 100
    return bool(bottom) and int(bottom) > 0 and int(top) <= int(bottom) and 10_000 * int(top) % int(bottom) == 0


def _together(look: Look, layers: list[Layer]) -> Iterator[Finding]:
    """Yield layers that share a cap and do not run over the same period and unit."""
    groups: dict[str, list[Layer]] = {}
    for layer_id, group in cap_groups(layers).items():
        groups.setdefault(group, []).append(next(layer for layer in layers if layer.id == layer_id))
    for members in groups.values():
        remembers = any(m.factor is not None for m in members)
        for what, values in (("期间 period", {m.period for m in members}), ("单位 of", {str(m.of) for m in members})):
            if len(values) > 1:
                grave = what == "单位 of" or remembers
                yield look.finding(
                    "error" if grave else "warning", E_TOGETHER if grave else W_TOGETHER, ("layers",), clause=members[0].clause,
                    layers="、".join(m.name for m in members), what=what, values="、".join(sorted(values)),
                )  # fmt: skip
    for cap in sorted({cap for layer in layers for cap in layer.caps}):
        rules: list[CapRule] = [layer.caps[cap] for layer in layers if cap in layer.caps]
        for what, values in (
            ("期间 per", {r.per for r in rules}),
            ("升档依据 steps_on", {str(r.steps_on) for r in rules}),
        ):
            if len(values) > 1:
                yield look.finding(
                    "error", E_CAP_PERIOD, ("layers",), cap=cap, what=what, values="、".join(sorted(values))
                )
