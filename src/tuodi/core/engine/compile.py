"""From a pack's layers to steps (benefits 2 and 4): the only place that knows what a layer means.

For one layer and one event, in the order of ``benefits.md`` 4: burden, what earlier layers paid taken off, deductible,
counted, exact entitlement by bands on the running total, cap, factor. ``a.<layer>`` says whether the layer looks at the
event at all; figures are read as ``p.<layer>.<figure>``, remembered totals as ``<layer>.<total>``.
"""

from __future__ import annotations

from tuodi.core.engine.builder import Builder
from tuodi.core.engine.features import Features, cap_groups, features, figure_names
from tuodi.core.engine.steps import (
    ZERO,
    Expr,
    Name,
    Program,
    both,
    choose,
    either,
    greatest,
    least,
    names_in,
    rounded,
    total,
)
from tuodi.core.policy.model import Layer, Pack
from tuodi.core.settlements import AMOUNT_FIELDS, INSURER_FIELDS

EXACT = 10_000
#: What comes off a burden unless a pack says otherwise (benefits 2).
STANDARD_LESS = (*INSURER_FIELDS, "supp_pay", "relief_amt")

#: What people read for the amounts of a bill.
AMOUNT_NAMES = {
    "medfee_sumamt": "医疗费总额", "fulamt_ownpay_amt": "全自费", "overlmt_selfpay": "超限价自费",
    "preselfpay_amt": "乙类先行自付", "inscp_scp_amt": "政策范围内费用", "hifp_pay": "基本医保统筹支付",
    "cvlserv_pay": "公务员补助支付", "hifes_pay": "企业补充医保支付", "hifmi_pay": "居民大病保险支付",
    "hifob_pay": "职工大额补助支付", "oth_pay": "其他基金支付", "supp_pay": "补充商业保险支付",
    "relief_amt": "减免及其他帮扶", "maf_pay": "上游医疗救助已付", "later_aid_amt": "后位慈善帮扶",
}  # fmt: skip


def compile_program(pack: Pack, *, simulate: bool = False) -> Program:
    """Return the steps of all layers; with ``simulate`` the insurance layers run first and fill what insurers pay."""
    layers = [*(pack.insurance if simulate else []), *pack.layers]
    build = Builder(pack, layers, cap_groups(layers))
    for layer in layers:
        _layer(build, layer)
    facts = (
        *AMOUNT_FIELDS,
        "category",
        *(f"a.{layer.id}" for layer in layers),
        *(f"c.{layer.id}" for layer in layers),
        *(f"last.{layer.id}" for layer in layers if layer.deductible.waived_if_unreached),
        *(f"share.{layer.id}" for layer in layers if layer.factor and layer.factor.of == "due"),
    )
    read = {name for step in build.steps for name in names_in(step.expr)}
    program = Program(
        facts=tuple(fact for fact in facts if fact in read),
        figures={layer.id: figure_names(layer) for layer in layers},
        steps=tuple(build.steps),
        buckets=tuple(build.buckets.values()),
        slots=tuple(build.slots.values()),
        writes=build.writes,
        layers=tuple(layer.id for layer in layers),
        outputs=build.outputs,
    )
    program.check()
    return program


def _layer(build: Builder, layer: Layer) -> None:
    has = features(layer)
    a = Name(f"a.{layer.id}")
    base, scope = _base(build, layer, has)
    deducted, counted = _deductible(build, layer, has, base)
    changed = _category_changed(build, layer)
    exact = _entitlement(build, layer, has, base=base, scope=scope, deducted=deducted, counted=counted, changed=changed)
    lid = layer.id
    paid_before = build.total_of(layer, "paid")
    whole = build.step(
        f"{lid}.rounded", rounded(exact, EXACT), "累计应救助额（四舍五入到分）", layer, readings=("I-21",)
    )
    entitled = build.step(
        f"{lid}.entitled", choose(a, greatest(0, whole - paid_before), 0), "本次未受限额前应付", layer
    )
    rooms = _rooms(build, layer, has)
    due = build.step(f"{lid}.due", choose(a, greatest(0, least(entitled, *rooms)), 0), "本次应付", layer)
    cut = build.step(f"{lid}.cut", entitled - due, "被年度限额截去", layer)
    paid = build.step(f"{lid}.paid_after", paid_before + due, "本期累计已付", layer)
    build.write(f"{lid}.paid", paid.name)
    if any(not rule.revives for rule in layer.caps.values()):
        exact = build.step(
            f"{lid}.exact_kept",
            choose(Name(cut.name).eq(0), exact, paid * EXACT),
            "限额截去部分不再补付",
            layer,
            unit="fen*bp",
        )
    build.write(f"{lid}.exact", exact.name)
    _spend(build, layer, due)
    pay = _factor(build, layer, due)
    if layer.pays == "maf_pay" or layer.pays not in AMOUNT_FIELDS:
        build.paid[lid] = pay
    else:
        build.simulated.setdefault(layer.pays, []).append(pay)
        build.paid[lid] = ZERO
    build.outputs[lid] = {
        "base": f"{lid}.base", "deductible": deducted, "counted": counted.name, "entitled": entitled.name,
        "cut": cut.name, "pay": pay.name,
    }  # fmt: skip


def _base(build: Builder, layer: Layer, has: Features) -> tuple[Name, Expr]:
    """Return the base of the event, and the scope amount that a target rate is measured on."""
    base, lid = layer.base, layer.id
    a = Name(f"a.{lid}")
    if base.measure == "cut":
        assert base.cut_of is not None
        grown = Name(f"{base.cut_of}.cut") - Name(f"{base.cut_of}.cut_before")
        amount = choose(both(a, Name(f"a.{base.cut_of}")), grown, 0)
        return build.step(f"{lid}.base", amount, "限额截去的部分", layer, clauses=(base.clause,)), amount
    burden, scope = _burden(build, layer)
    if has.penalty:
        lost = rounded(burden * Name(f"p.{lid}.penalty"), EXACT)
        burden = burden - build.step(f"{lid}.penalty", lost, "未按规定转诊等扣减", layer)
    earlier = [build.paid[other] for other in build.paid if base.after is None or other in base.after]
    burden = burden - total(earlier) if total(earlier) != ZERO else burden
    step = build.step(
        f"{lid}.base", choose(a, burden, 0), "本次计入的个人负担", layer,
        clauses=(base.clause,), readings=tuple(base.readings),
    )  # fmt: skip
    return step, choose(a, scope, 0)


def _burden(build: Builder, layer: Layer) -> tuple[Expr, Expr]:
    """Return the burden named by the layer before earlier layers are taken off, floored at 0 (benefits 2)."""
    base = layer.base
    less = STANDARD_LESS if base.less is None else tuple(base.less)
    key = (base.measure, less, base.upstream, tuple(sorted(build.simulated)))
    scope: Expr = Name("medfee_sumamt") if base.measure == "total" else Name("inscp_scp_amt")
    whole_scope = scope + Name("preselfpay_amt") if base.measure == "in_catalogue" else scope
    if key in build.burdens:
        return build.burdens[key], whole_scope
    payers = total([total([Name(payer), *build.simulated.get(payer, [])]) for payer in less])
    label = {"in_policy": "政策范围内个人负担", "in_catalogue": "目录内个人负担", "total": "全部个人负担"}[base.measure]
    suffix = f"{len(build.burdens) + 1}"
    burden: Expr = greatest(0, scope - payers)
    if base.measure == "in_catalogue":
        inside = build.step(f"in_policy.{suffix}", burden, "政策范围内个人负担", clauses=(base.clause,))
        burden = inside + Name("preselfpay_amt")
    if base.upstream:
        burden = greatest(0, burden - Name("maf_pay"))
    made = build.step(f"burden.{suffix}", burden, label, clauses=(base.clause,), readings=tuple(base.readings))
    build.burdens[key] = made
    return made, whole_scope


def _deductible(build: Builder, layer: Layer, has: Features, base: Name) -> tuple[str, Name]:
    """Take the unused deductible off the event's base; return the step of what was taken and the counted amount."""
    lid, rule = layer.id, layer.deductible
    if not has.deductible:
        zero = build.step(f"{lid}.deducted", ZERO, "起付线扣除", layer)
        return zero.name, base
    a = Name(f"a.{lid}")
    used = build.slot(
        f"{lid}.deductible_used", f"{lid}.deductible.{rule.per}", period=rule.per, unit=layer.of, layers=(lid,)
    )
    figure = Name(f"p.{lid}.deductible")
    unused = greatest(0, figure - used)
    if has.deductibles_of_year:
        of_year = build.slot(
            f"{lid}.deducted_year", f"{lid}.deductible.year", period="year", unit=layer.of, layers=(lid,)
        )
        unused = least(unused, greatest(0, Name(f"p.{lid}.deductibles_of_year") - of_year))
    taken = build.step(
        f"{lid}.deducted", greatest(0, least(base, unused)), "起付线扣除", layer, readings=tuple(rule.readings)
    )
    after: Expr = greatest(used + taken, choose(a, figure, 0)) if rule.first_claim_only else used + taken
    used_after = build.step(f"{lid}.deductible_used_after", after, "累计已扣起付线", layer)
    build.write(f"{lid}.deductible_used", used_after.name)
    if has.deductibles_of_year:
        of_year_after = build.step(f"{lid}.deducted_year_after", of_year + taken, "全年累计起付线", layer)
        build.write(f"{lid}.deducted_year", of_year_after.name)
    counted: Expr = base - taken
    if rule.waived_if_unreached:
        unreached = both(a, Name(f"last.{lid}"), used_after.lt(figure))
        counted = counted + choose(unreached, used_after, 0)
    return taken.name, build.step(f"{lid}.counted", counted, "起付线以上计入", layer)


def _category_changed(build: Builder, layer: Layer) -> Expr:
    """Return whether the last covered settlement of the group's period had another category (I-13)."""
    group = build.groups[layer.id]
    if group in build.changed:
        return build.changed[group]
    members = build.group_layers(layer)
    bucket = next(other for other in build.layers if other.id == group)
    last = build.slot(f"{group}.last_category", f"{group}", period=bucket.period, unit=bucket.of, layers=members)
    if last == ZERO:
        build.changed[group] = ZERO
        return ZERO
    category = Name("category")
    covered = both(either(*(Name(f"c.{member}") for member in members)), ZERO.lt(category))
    changed = both(covered, Name("category").eq(last).eq(0), last.eq(0).eq(0))
    step = build.step(f"{group}.changed", changed, "本期内救助类别变化", bucket, unit="flag", readings=("I-13",))
    after = build.step(
        f"{group}.category_after", choose(covered, category, last), "最近一次的类别", bucket, unit="count"
    )
    build.write(f"{group}.last_category", after.name)
    build.changed[group] = step
    return step


def _entitlement(
    build: Builder,
    layer: Layer,
    has: Features,
    *,
    base: Name,
    scope: Expr,
    deducted: str,
    counted: Name,
    changed: Expr,
) -> Name:
    """Return the exact running entitlement (fen x 10 000) after the event."""
    lid = layer.id
    exact = build.total_of(layer, "exact")
    paid = build.total_of(layer, "paid")
    # An entitlement that has fallen below what was paid is not lifted to it: that would be earned a second time.
    kept = exact if changed == ZERO else choose(changed, least(paid, rounded(exact, EXACT)) * EXACT, exact)
    if any(other.base.cut_of == lid for other in build.layers):
        build.step(f"{lid}.cut_before", greatest(0, rounded(kept, EXACT) - paid), "此前被限额截去", layer)
    gross_before: Expr = ZERO
    if has.needs_gross(layer):
        gross_before = build.total_of(layer, "gross")
        gross = build.step(f"{lid}.gross_after", greatest(0, gross_before + base), "本期累计个人负担", layer)
        build.write(f"{lid}.gross", gross.name)
    growth = _growth(build, layer, has, scope=scope, deducted=deducted, counted=counted, gross_before=gross_before)
    if build.pack.rounding == "each_claim":
        alone = rounded(greatest(0, growth), EXACT) - rounded(greatest(0, ZERO - growth), EXACT)
        growth = build.step(
            f"{lid}.growth_alone", alone * EXACT, "本次单独四舍五入到分", layer, unit="fen*bp", readings=("I-21",)
        )
    return build.step(
        f"{lid}.exact_after",
        greatest(0, kept + growth),
        "累计应救助额（精确值）",
        layer,
        unit="fen*bp",
        readings=("I-21",),
    )


def _growth(
    build: Builder,
    layer: Layer,
    has: Features,
    *,
    scope: Expr,
    deducted: str,
    counted: Name,
    gross_before: Expr,
) -> Expr:
    """Return what the event adds to the exact entitlement."""
    lid = layer.id
    a = Name(f"a.{lid}")
    if has.counts_steps(layer):
        _counted_total(build, layer, counted)
    if has.flat and not has.lumps and not has.bring_down and not has.top_up:
        growth = Name(f"p.{lid}.rate0") * counted if has.bands else ZERO
        return build.step(f"{lid}.growth", growth, "本次按比例计算", layer, unit="fen*bp")
    if has.top_up:
        scope_before = build.total_of(layer, "scope")
        scope_after = build.step(f"{lid}.scope_after", scope_before + scope, "本期累计政策范围内费用", layer)
        build.write(f"{lid}.scope", scope_after.name)
        target = Name(f"p.{lid}.top_up_to")

        def short(scope_sum: Expr, burden_sum: Expr) -> Expr:
            return greatest(0, target * scope_sum - (scope_sum - burden_sum) * EXACT)

        growth = short(scope_after, Name(f"{lid}.gross_after")) - short(scope_before, gross_before)
        return build.step(f"{lid}.growth", choose(a, growth, 0), "补足到目标报销比例", layer, unit="fen*bp")
    if layer.position == "before_deductible" and not has.flat:
        low: Expr = gross_before + Name(deducted)
        high: Expr = greatest(Name(f"{lid}.gross_after"), low)
    else:
        low, high = _counted_total(build, layer, counted)
    reached, rated = (low, high), (low, high)
    if layer.bands == "whole" and layer.position == "before_deductible" and has.bands and not has.flat:
        # The burden, deductible inside, says which bracket rates everything; what it rates is what was counted.
        reached, rated = (gross_before, Name(f"{lid}.gross_after")), _counted_total(build, layer, counted)
    parts = [
        *_bands(build, layer, has, reached, rated),
        *_lumps(layer, has, low, high),
        *_bring_down(layer, has, low, high),
    ]
    if len(parts) > 1:
        parts = [
            build.step(f"{lid}.part{i}", part, f"第 {i + 1} 段", layer, unit="fen*bp") for i, part in enumerate(parts)
        ]
    return build.step(f"{lid}.growth", choose(a, total(parts), 0), "本次按分段计算", layer, unit="fen*bp")


def _counted_total(build: Builder, layer: Layer, counted: Name) -> tuple[Expr, Expr]:
    """Return the running total of what was counted, before and after the event."""
    low, name = build.total_of(layer, "total"), f"{layer.id}.total_after"
    if not any(step.name == name for step in build.steps):
        build.step(name, greatest(0, low + counted), "本期累计计入", layer)
        build.write(f"{layer.id}.total", name)
    return low, Name(name)


def _bands(
    build: Builder, layer: Layer, has: Features, reached: tuple[Expr, Expr], rated: tuple[Expr, Expr]
) -> list[Expr]:
    """Return the growth of each band between two running totals; of whole brackets ``reached`` finds the one that rates ``rated``."""
    lid = layer.id

    def edge(i: int) -> Expr:
        return Name(f"p.{lid}.from{i}") if not has.flat else ZERO

    def within(i: int, at: Expr) -> Expr:
        over = greatest(0, at - edge(i)) if not has.flat else at
        return least(over, edge(i + 1) - edge(i)) if i + 1 < has.bands else over

    def worth(i: int, at: Expr, amount: Expr, less: Expr) -> Expr:
        rate = Name(f"p.{lid}.rate{i}")
        if layer.bands == "whole":
            begun = edge(i).le(at)
            inside = both(begun, at.lt(edge(i + 1))) if i + 1 < has.bands else begun
            value: Expr = choose(inside, rate * amount, 0)
        else:
            part = within(i, at)
            value = rate * (greatest(0, part - less) if less != ZERO else part)
        return least(value, Name(f"p.{lid}.limit{i}") * EXACT) if has.limits else value

    out: list[Expr] = []
    for i in range(has.bands):
        before, after = _taken_off(build, layer, has, i)
        out.append(worth(i, reached[1], rated[1], after) - worth(i, reached[0], rated[0], before))
    return out


def _taken_off(build: Builder, layer: Layer, has: Features, i: int) -> tuple[Expr, Expr]:
    """Return the running amounts that are deducted from band ``i`` alone, before and after the event (I-54)."""
    if not has.less[i]:
        return ZERO, ZERO
    lid = layer.id
    before = build.total_of(layer, f"less{i}")
    amounts = choose(Name(f"a.{lid}"), total([Name(payer) for payer in has.less[i]]), 0)
    after = build.step(f"{lid}.less{i}_after", before + amounts, f"第 {i + 1} 段累计剔除", layer)
    build.write(f"{lid}.less{i}", after.name)
    return before, after


def _lumps(layer: Layer, has: Features, low: Expr, high: Expr) -> list[Expr]:
    """Return the growth of lump sums: the amount of the highest step reached."""
    if not has.lumps:
        return []
    lid = layer.id

    def worth(at: Expr) -> Expr:
        value: Expr = ZERO
        for i in range(has.lumps):
            value = choose(Name(f"p.{lid}.lump_from{i}").le(at), Name(f"p.{lid}.lump{i}"), value)
        return value * EXACT

    return [worth(high) - worth(low)]


def _bring_down(layer: Layer, has: Features, low: Expr, high: Expr) -> list[Expr]:
    """Return the growth of "all above target once the total exceeds trigger" (DT-3.4)."""
    if not has.bring_down:
        return []
    trigger, target = Name(f"p.{layer.id}.trigger"), Name(f"p.{layer.id}.target")

    def worth(at: Expr) -> Expr:
        return choose(trigger.lt(at), at - target, 0) * EXACT

    return [worth(high) - worth(low)]


def _rooms(build: Builder, layer: Layer, has: Features) -> list[Expr]:
    """Return what each cap leaves for this event; a stepped cap is that of the running burden reached."""
    rooms: list[Expr] = []
    for cap, rule in layer.caps.items():
        amount: Expr = Name(f"p.{layer.id}.cap.{cap}")
        measured = Name(f"{layer.id}.gross_after" if rule.steps_on == "burden" else f"{layer.id}.total_after")
        for i in range(has.cap_steps[cap]):
            reached = Name(f"p.{layer.id}.cap.{cap}.from{i}").le(measured)
            amount = choose(reached, Name(f"p.{layer.id}.cap.{cap}.amount{i}"), amount)
        clauses = (rule.clause,) if rule.clause else ()
        limit = build.step(
            f"{layer.id}.cap.{cap}", amount, "适用的限额", layer, clauses=clauses, readings=tuple(rule.readings)
        )
        rooms.append(
            build.step(f"{layer.id}.room.{cap}", limit - _cap_used(build, cap), "限额剩余", layer, clauses=clauses)
        )
    return rooms


def _cap_used(build: Builder, cap: str) -> Expr:
    """Return what the layers sharing a cap have paid in its period, this event's earlier layers included."""
    if cap not in build.caps:
        users = [layer for layer in build.layers if cap in layer.caps]
        rule = users[0].caps[cap]
        members = {layer.id for layer in users} | {other for user in users for other in user.caps[cap].counts}
        build.caps[cap] = build.slot(
            f"cap.{cap}", f"cap.{cap}", period=rule.per, unit=users[0].of,
            layers=tuple(layer.id for layer in build.layers if layer.id in members),
        )  # fmt: skip
    return build.caps[cap]


def _spend(build: Builder, layer: Layer, due: Name) -> None:
    """Add what is due to every accumulator that counts this layer."""
    for user in build.layers:
        for cap, rule in user.caps.items():
            if user is layer or (layer.id in rule.counts and layer.id != user.id and cap not in layer.caps):
                name = f"cap.{cap}.after.{layer.id}"
                if any(step.name == name for step in build.steps):
                    continue
                build.caps[cap] = build.step(name, _cap_used(build, cap) + due, "限额累计已用", layer)
                build.write(f"cap.{cap}", name)


def _factor(build: Builder, layer: Layer, due: Name) -> Name:
    """Take the share last, on the group's exact running sum, so that roundings never drift (I-27)."""
    lid, group = layer.id, build.groups[layer.id]
    factor = layer.factor
    if factor is None or factor.of == "rate":
        return build.step(f"{lid}.pay", due, "实际救助", layer)
    if group not in build.shares:
        build.shares[group] = build.slot(
            f"{group}.share_exact", f"{group}", period=layer.period, unit=layer.of, layers=build.group_layers(layer)
        )
    before = build.shares[group]
    after = build.step(
        f"{lid}.share_exact_after", before + due * Name(f"share.{lid}"), "按份额累计（精确值）", layer,
        unit="fen*bp", clauses=(factor.clause,), readings=tuple(factor.readings),
    )  # fmt: skip
    build.shares[group] = after
    build.write(f"{group}.share_exact", after.name)
    share = rounded(after, EXACT) - rounded(before, EXACT)
    if build.pack.rounding == "each_claim":
        share = rounded(due * Name(f"share.{lid}"), EXACT)
    return build.step(f"{lid}.pay", share, "实际救助", layer, clauses=(factor.clause,), readings=tuple(factor.readings))
