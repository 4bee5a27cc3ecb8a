"""The laws of benefits 6, on policies nobody has seen and on every pack of the shelf.

A law that needs a condition states it where it stands; ``policies(smooth=True)`` and ``uniform_histories`` are those conditions as data.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction

import msgspec
import pytest
from evaluators import folded, known_of
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import (
    SHELF,
    History,
    World,
    bill,
    drawn,
    histories,
    plan_of,
    policies,
    shelf_plan,
    shelf_world,
    uniform_histories,
    values_of,
    with_amounts_of,
)

from tuodi.batch.packs import pack_of
from tuodi.core.engine.conditions import Profile, holds
from tuodi.core.engine.fold import Application, differences, events_of, live, trace
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.reference import value_of
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.money import basis_points, half_up
from tuodi.core.policy.figures import UNLIMITED, EnteredValue, Resolver, parse_amount
from tuodi.core.settlements import AMOUNT_FIELDS, REFERRALS

PEOPLE = ("甲", "乙")


def total(plan, history):
    """Return what a history earns in all, insurance layers apart."""
    return sum(result.pay for result in folded(plan, history))


def with_bills(history, bills):
    return replace(history, settlements=tuple(bills))


@st.composite
def cases(draw, source, *, uniform=False, people=PEOPLE):
    """Draw a plan and a history of it; ``source`` is a pack of the shelf or a strategy of policies."""
    world = shelf_world(source) if isinstance(source, str) else World.of(plan_of(draw(source)))
    history = draw(uniform_histories(world) if uniform else histories(world, people=people))
    return world, history


def on_shelf_and_unseen(**kind):
    """Run a law on every pack of the shelf, and on policies of a kind."""
    return pytest.mark.parametrize("source", [*SHELF, policies(**kind)], ids=[*SHELF, "unseen"])


# --- what is paid ----------------------------------------------------------------------------------------------------


@on_shelf_and_unseen()
@given(data=st.data())
def test_what_a_result_says_adds_up_and_nothing_in_it_is_negative(source, data):
    world, history = data.draw(cases(source))
    for result in folded(world.plan, history):
        assert result.pay == sum(layer.pay for layer in result.layers if layer.pays == "maf_pay")
        values = trace(world.plan, result)
        for layer in result.layers:
            assert min(layer.pay, layer.cut, layer.entitled, layer.deductible) >= 0
            assert layer.entitled - layer.cut == values[f"{layer.layer}.due"]
            assert layer.deductible <= max(0, layer.base)
            assert layer.pay <= values[f"{layer.layer}.due"] + 1, "halving rounds on the running sum"


def periods_of(plan, history):
    """Yield every computed event with its keys: which year, stay, window it counts in."""
    events = events_of(plan, history.settlements, history.identities, history.applications)
    for event, result in zip(events, folded(plan, history), strict=True):
        yield event, result, trace(plan, result)


def key_of(event, period, unit, layer):
    s = event.settlement
    whose = s.household or s.psn_no if unit == "household" else s.psn_no
    if period == "claim":
        return whose, s.setl_id
    return whose, event.applications.get(layer) if period == "application" else event.keys.get(period)


@on_shelf_and_unseen()
@given(data=st.data())
def test_layers_that_share_a_cap_never_pay_above_it_in_its_period(source, data):
    world, history = data.draw(cases(source))
    paid, highest = defaultdict(int), defaultdict(int)
    for event, result, values in periods_of(world.plan, history):
        seen = {layer.layer for layer in result.layers}
        for layer in world.plan.layers:
            for cap, rule in layer.caps.items():
                if layer.id in seen:
                    key = cap, key_of(event, rule.per, layer.of, layer.id)
                    paid[key] += values[f"{layer.id}.due"]
                    highest[key] = max(highest[key], values[f"{layer.id}.cap.{cap}"])
    assert all(paid[key] <= highest[key] for key in paid)


@on_shelf_and_unseen()
@given(data=st.data())
def test_no_layer_pays_above_the_burden_of_its_period(source, data):
    world, history = data.draw(cases(source))
    paid, burden = defaultdict(int), defaultdict(int)
    for event, result, values in periods_of(world.plan, history):
        for layer in result.layers:
            own = next(x for x in world.plan.layers if x.id == layer.layer)
            key = layer.layer, key_of(event, own.period, own.of, own.id)
            paid[key] += values[f"{layer.layer}.due"]
            burden[key] += max(0, layer.base)
    assert all(paid[key] <= burden[key] for key in paid)


@on_shelf_and_unseen(smooth=True)
@given(data=st.data())
def test_all_layers_together_never_pay_above_the_burden_of_the_year(source, data):
    world, history = data.draw(cases(source, uniform=True))
    whole = sum(s.medfee_sumamt - s.hifp_pay for s in history.settlements)
    assert 0 <= total(world.plan, history) <= whole


@on_shelf_and_unseen(smooth=True)
@given(data=st.data())
def test_more_burden_never_earns_less(source, data):
    # I-02, the other reading, waives a deductible that the year has not reached: reaching it then earns less, by the clause's design
    world, history = data.draw(cases(source, uniform=True))
    assume(not any(layer.deductible.waived_if_unreached for layer in world.plan.layers))
    n = data.draw(st.integers(0, len(history.settlements) - 1))
    more = data.draw(world.amounts)
    bills = list(history.settlements)
    bills[n] = replace(
        bills[n], inscp_scp_amt=bills[n].inscp_scp_amt + more, medfee_sumamt=bills[n].medfee_sumamt + more
    )
    assert total(world.plan, with_bills(history, bills)) >= total(world.plan, history)


# --- order, cancelling, splitting --------------------------------------------------------------------------------------


@on_shelf_and_unseen(smooth=True)
@given(data=st.data())
def test_the_total_of_the_year_does_not_depend_on_the_order_of_its_bills(source, data):
    world, history = data.draw(cases(source, uniform=True))
    order = data.draw(st.permutations(history.settlements))
    bills = [with_amounts_of(own, other) for own, other in zip(history.settlements, order, strict=True)]
    assert total(world.plan, with_bills(history, bills)) == total(world.plan, history)


@on_shelf_and_unseen(smooth=True)
@given(data=st.data())
def test_a_bill_split_in_two_pays_the_same_and_leaves_the_others_alone(source, data):
    world, history = data.draw(cases(source, uniform=True))
    n = data.draw(st.integers(0, len(history.settlements) - 1))
    whole = history.settlements[n]
    burden = whole.inscp_scp_amt - whole.hifp_pay
    part = data.draw(st.integers(0, burden))
    first = {**dict.fromkeys(AMOUNT_FIELDS, 0), "inscp_scp_amt": part, "medfee_sumamt": part}
    rest = {name: getattr(whole, name) - amount for name, amount in first.items()}
    halves = [replace(whole, setl_id=f"{n}-1", **first), replace(whole, setl_id=f"{n}-2", **rest)]
    bills = [*history.settlements[:n], *halves, *history.settlements[n + 1 :]]
    before = {r.settlement.setl_id: r.pay for r in folded(world.plan, history)}
    after = {r.settlement.setl_id: r.pay for r in folded(world.plan, with_bills(history, bills))}
    assert after.pop(f"{n}-1") + after.pop(f"{n}-2") == before.pop(str(n))
    assert after == before


@on_shelf_and_unseen()
@given(data=st.data())
def test_the_order_of_arrival_never_matters(source, data):
    world, history = data.draw(cases(source))
    shuffled = History(
        *(
            tuple(data.draw(st.permutations(part)))
            for part in (history.settlements, history.identities, history.applications)
        )
    )
    once, again = folded(world.plan, history), folded(world.plan, shuffled)
    assert [(r.settlement, r.layers, r.category) for r in once] == [(r.settlement, r.layers, r.category) for r in again]


@on_shelf_and_unseen()
@given(data=st.data())
def test_cancelling_an_event_gives_what_the_history_without_it_earns(source, data):
    world, history = data.draw(cases(source))
    gone = data.draw(st.sampled_from(history.settlements))
    kept = [s for s in history.settlements if s is not gone]
    cancelled = with_bills(history, live(data.draw(st.permutations(history.settlements)), [gone.setl_id]))
    assert folded(world.plan, cancelled) == folded(world.plan, with_bills(history, kept))


@on_shelf_and_unseen()
@given(data=st.data())
def test_the_differences_of_two_folds_sum_to_the_change(source, data):
    world, history = data.draw(cases(source))
    gone = data.draw(st.sampled_from(history.settlements))
    before = folded(world.plan, history)
    after = folded(world.plan, with_bills(history, [s for s in history.settlements if s is not gone]))
    issued = differences(before, after)
    assert sum(d.amount for d in issued) == sum(r.pay for r in after) - sum(r.pay for r in before)
    assert all(d.amount for d in issued)
    assert len({(d.setl_id, d.layer) for d in issued}) == len(issued)
    assert differences(before, before) == []


@on_shelf_and_unseen()
@given(data=st.data())
def test_the_past_is_not_changed_by_what_comes_after(source, data):
    world, history = data.draw(cases(source))
    if (
        any(layer.deductible.waived_if_unreached for layer in world.plan.layers)
        or world.plan.pack.category_rule == "best_of_year"
    ):
        assume(False)
    ordered = folded(world.plan, history)
    n = data.draw(st.integers(0, len(ordered)))
    earlier = folded(world.plan, with_bills(history, [r.settlement for r in ordered[:n]]))
    assert [r.layers for r in earlier] == [r.layers for r in ordered[:n]]


# --- steps, rounding, closed form --------------------------------------------------------------------------------------


@on_shelf_and_unseen()
@given(data=st.data())
def test_every_step_is_rebuilt_from_the_values_shown_before_it(source, data):
    world, history = data.draw(cases(source))
    for result in folded(world.plan, history):
        shown = {name: Fraction(value) for name, value in known_of(world.plan, result).items()}
        values = trace(world.plan, result)
        for step in world.plan.program.steps:
            assert value_of(step.expr, shown) == values[step.name], step.name
            shown[step.name] = Fraction(values[step.name])


def yuan_of(text):
    return parse_amount(text) if text else 0


def closed_form(layer, row, burden):
    """Return what a year's burden earns (benefits 4), written once more: min(cap, rounded(bands(burden - deductible)))."""
    deductible = yuan_of(row.deductible)
    counted = max(0, burden - deductible)
    if layer.deductible.waived_if_unreached and burden < deductible:
        counted = burden
    before = layer.position == "before_deductible" and row.bands
    low, high = (min(burden, deductible), burden) if before else (0, counted)
    exact = basis_points(row.rate) * counted if row.rate is not None else 0
    for i, band in enumerate(row.bands):
        edge, top = yuan_of(band.from_), yuan_of(row.bands[i + 1].from_) if i + 1 < len(row.bands) else UNLIMITED
        worth = [basis_points(band.rate) * min(max(0, at - edge), top - edge) for at in (low, high)]
        worth = [min(value, yuan_of(band.limit) * 10_000) for value in worth] if band.limit else worth
        exact += worth[1] - worth[0]
    exact += 10_000 * max([yuan_of(lump.amount) for lump in row.lumps if yuan_of(lump.from_) <= high], default=0)
    if row.bring_down and high > yuan_of(row.bring_down.trigger):
        exact += 10_000 * (high - yuan_of(row.bring_down.target))
    rooms = []
    for cap, rule in layer.caps.items():
        measured = counted if rule.steps_on == "counted" else burden
        reached = [step for step in row.cap_steps.get(cap, []) if yuan_of(step.from_) <= measured]
        rooms.append(yuan_of(reached[-1].amount if reached else row.caps[cap]))
    return min([half_up(exact, 10_000), *rooms])


@given(st.data())
def test_one_layer_pays_in_all_what_the_closed_form_says(data):
    drawn_pack = data.draw(policies(smooth=True))
    pack = msgspec.structs.replace(drawn_pack, layers=drawn_pack.layers[:1])
    plan = plan_of(pack)
    history = data.draw(uniform_histories(World.of(plan)))
    results = [r for r in folded(plan, history) if r.layers]
    burden = sum(max(0, r.settlement.inscp_scp_amt - r.settlement.hifp_pay) for r in results)
    expected = closed_form(plan.layers[0], results[0].decision.layers[0].figures, burden) if results else 0
    assert sum(r.pay for r in results) == expected


def half_above_deductible(**layer):
    return plan_of(
        drawn([{"id": "l0", "figures": [{"clause": "ZZ-4.1", "deductible": "500 元", "rate": "50%"}], **layer}])
    )


def paid(plan, amounts, **more):
    bills = [
        bill(str(n), datetime(2024, 3, 1, 9) + timedelta(days=n), amount, **more) for n, amount in enumerate(amounts)
    ]
    return [r.pay for r in folded(plan, History(tuple(bills), (IdentityRecord("甲", "dibao", date(2016, 1, 1)),)))]


def test_ten_bills_of_one_fen_past_the_deductible_at_half_pay_five_in_all():
    pays = paid(half_above_deductible(), [50_000] + [1] * 10)
    assert pays == [0] + [1, 0] * 5


def test_ten_bills_of_one_fen_rounded_one_by_one_pay_ten():
    # I-21, the other reading: why it is not the default (style C3)
    plan = plan_of(msgspec.structs.replace(half_above_deductible().pack, rounding="each_claim"))
    assert paid(plan, [50_000] + [1] * 10) == [0] + [1] * 10


# --- where a law ends ------------------------------------------------------------------------------------------------


def tinghu(*classes):
    """Return what Tinghu pays for bills of these classes and amounts in ten thousands of yuan, in this order."""
    bills = [
        bill(str(n), datetime(2022, 3, 1, 9) + timedelta(days=n), amount * 1_000_000, disease_class=name)
        for n, (name, amount) in enumerate(classes)
    ]
    return total(shelf_plan("320902-tinghu"), History(tuple(bills), (IdentityRecord("甲", "dibao", date(2016, 1, 1)),)))


def test_TH_3_2_2_across_disease_classes_with_caps_of_their_own_the_order_does_matter():
    # I-10: the room left for a bill is the cap of its class less all paid in the year. General 50,000, major 70,000.
    assert tinghu(("general", 11), ("major", 11)) == 5_000_000 + 2_000_000
    assert tinghu(("major", 11), ("general", 11)) == 5_350_000
    # as long as no cap is reached it does not
    assert tinghu(("general", 3), ("major", 3)) == tinghu(("major", 3), ("general", 3)) == 2 * 1_350_000


def ankang_with_a_high_tilt(*amounts):
    """Return what a dibao person gets who applies for the tilt at the end of the year; its cap, 300,000, is out of reach."""
    pack = pack_of("610900-ankang")
    values = [v for v in values_of(pack) if v.param != "ak.tilt.cap"] + [
        EnteredValue("ak.tilt.cap", "300000.00", "示例值")
    ]
    bills = [bill(str(n), datetime(2024, 3, 1 + n, 9), amount) for n, amount in enumerate(amounts)]
    asked = (Application("甲", "tilted", date(2024, 12, 31)),)
    return total(
        make_plan(pack, values), History(tuple(bills), (IdentityRecord("甲", "dibao", date(2020, 1, 1)),), asked)
    )


def test_AK_4_2_1_after_a_cap_that_rises_a_later_layer_depends_on_the_order():
    # 99,999 then 1: capped at 40,000, the tilt pays half of 59,999 - 10,000; the last yuan raises the cap and assistance pays
    # 10,000 more, which the tilt has paid half of already. 1 then 99,999: 50,000, and half of 50,000 - 10,000.
    assert ankang_with_a_high_tilt(9_999_900, 100) == 5_000_000 + 2_499_950
    assert ankang_with_a_high_tilt(100, 9_999_900) == 5_000_000 + 2_000_000


def test_I_02_a_deductible_waived_if_unreached_pays_less_once_it_is_reached():
    plan = half_above_deductible(deductible={"waived_if_unreached": True})
    assert paid(plan, [49_999]) == [25_000]
    assert paid(plan, [50_000]) == [0]


def test_I_02_a_bill_that_no_row_of_the_layer_speaks_of_is_not_its_last_one_of_the_year():
    row = {"clause": "ZZ-4.1", "when": {"care": ["inpatient"]}, "deductible": "500 元", "rate": "50%"}
    waived = {"id": "stays", "deductible": {"per": "year", "waived_if_unreached": True}, "figures": [row]}
    other = {"id": "visits", "figures": [{"clause": "ZZ-4.1", "when": {"care": ["chronic_outpatient"]}, "rate": "10%"}]}
    bills = [bill(str(n), datetime(2024, 3, n, 9), 30_000, med_type=kind) for n, kind in ((1, "21"), (2, "14"))]
    history = History(tuple(bills), (IdentityRecord("甲", "dibao", date(2016, 1, 1)),))
    assert [result.pay for result in folded(plan_of(drawn([waived, other])), history)] == [15_000, 3_000]


# --- every day has one answer ------------------------------------------------------------------------------------------


def situations(plan):
    """Yield a profile of every kind of case: one thing varied at a time beside identity, care and disease."""
    pack, codes = plan.pack, {"": 0, **{i: 1 << n for n, i in enumerate(IDENTITIES)}}
    identities = [
        i
        for i in codes
        if not i or plan.category_of(codes[i])[0] or any(i in w.identities for w in pack.windows.values())
    ]
    classes = ["general", *([c.id for c in pack.diseases.classes] if pack.diseases else [])]
    varied = [
        {}, *({"referral": r} for r in REFERRALS), *({"tier": t} for t in ("primary", "secondary", "tertiary")), {"age": 17}, {"age": 18},
        {"out_of_province": True}, {"elsewhere": True}, {"designated": False}, {"assistance_institution": False}, {"cause": "fight"},
        *({"windows": (w,)} for w in pack.windows),
    ]  # fmt: skip
    plain = {
        "referral": "local",
        "out_of_province": False,
        "cause": "",
        "age": 40,
        "tier": "secondary",
        "diagnosis": "J18.9",
    }
    for identity in identities:
        for med_type in (*pack.care.inpatient[:1], *pack.care.chronic_outpatient[:1], "11"):
            for disease in classes:
                for more in varied:
                    yield {"identities": codes[identity], "med_type": med_type, "diseases": (disease,), **plain, **more}


def days_of(plan):
    """Return the first day of every quarter of the pack's life and a year round it, and the days round every change."""
    quarters = [
        date(y, m, 1)
        for y in range(plan.first.year - 1, min(plan.last.year, plan.first.year + 4) + 2)
        for m in (1, 4, 7, 10)
    ]
    changes = [b + timedelta(days=n) for b in plan.boundaries if 1900 < b.year < 9999 for n in (-1, 0)]
    return sorted({*quarters, *changes})


@pytest.mark.parametrize("pack", SHELF)
def test_a_pack_answers_on_every_day_by_exactly_one_rule_or_is_not_in_force(pack):
    plan = plan_of(shelf_plan(pack).pack)
    cases_, layers = list(situations(plan)), plan.layers
    for day in days_of(plan):
        resolver = Resolver(plan.entered, max(day, plan.first))
        step = max(1, len(cases_) // 150) if day not in (plan.first, plan.last) else 1
        for facts in cases_[day.toordinal() % step :: step]:
            profile = Profile(day=day, **facts)
            decision = plan.decide(profile)
            inside = plan.first <= day <= plan.last
            assert inside or decision.refusal == "not_in_force"
            assert bool(decision.refusal) != any(choice.looks for choice in decision.layers), profile
            for layer, choice in zip(layers, decision.layers, strict=True):
                rows = [
                    row
                    for row in layer.figures
                    if holds(plan, row.when, profile, decision.category) and in_time(row, resolver)
                ]
                assert len(rows) <= 1 or not holds(plan, layer.covers, profile, decision.category), (layer.id, profile)
                assert choice.figures is None or [choice.figures] == rows


def in_time(row, resolver):
    return (row.first is None or resolver.day_of(row.first) <= resolver.day) and (
        row.last is None or resolver.day <= resolver.day_of(row.last)
    )


def test_no_pack_answers_before_its_first_or_after_its_last_day():
    for pack in SHELF:
        plan = shelf_plan(pack)
        for day in (
            plan.first - timedelta(days=1),
            plan.last + timedelta(days=1) if plan.last.year < 9999 else plan.first - timedelta(days=2),
        ):
            when = datetime(day.year, day.month, day.day, 9)
            for category in plan.pack.categories:
                records = (IdentityRecord("甲", category.identities[0], date(2010, 1, 1)),)
                (result,) = folded(plan, History((bill("1", when, 10_000_000),), records))
                assert (result.pay, result.decision.clause) == (0, plan.pack.in_force.clause)
