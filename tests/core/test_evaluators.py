"""Reference, scalar, trace and kernel say the same of every step, to the fen: on policies nobody has seen and on every pack."""

from datetime import date, datetime
from pathlib import Path

import pytest
from evaluators import by_kernel, by_reference, by_trace, folded, plain_kernel
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    SHELF,
    TEST_PACKS,
    History,
    World,
    bill,
    drawn,
    few,
    histories,
    plan_of,
    policies,
    shelf_world,
)

from tuodi.batch.kernel import compile_kernel
from tuodi.batch.packs import pack_of
from tuodi.core.engine.fold import Application
from tuodi.core.engine.prove import prove
from tuodi.core.identities import IdentityRecord

PEOPLE = ("甲", "乙", "丙")


def assert_all_agree(plan, history):
    results = folded(plan, history)
    checked = folded(plan, history, reference=True)
    assert [r.layers for r in results] == [r.layers for r in checked]
    assert [r.before for r in results] == [r.before for r in checked]
    traced = by_trace(plan, results)
    assert traced == by_reference(plan, results)
    for result in results:
        values = traced[result.settlement.setl_id]
        for layer in result.layers:
            names = plan.program.outputs[layer.layer]
            assert {key: values[name] for key, name in names.items()} == {key: getattr(layer, key) for key in names}
    assert by_kernel(plan, history, plain_kernel) == traced
    return traced


@given(st.data())
def test_all_evaluators_agree_on_policies_nobody_has_seen(data):
    plan = plan_of(data.draw(policies()))
    assert_all_agree(plan, data.draw(histories(World.of(plan), people=PEOPLE[:2])))


@given(st.data())
def test_all_evaluators_agree_on_totals_of_persons_and_households_together(data):
    plan = plan_of(data.draw(policies(mixed=True)))
    history = data.draw(histories(World.of(plan), people=PEOPLE[:2]))
    results = folded(plan, history)
    assert by_trace(plan, results) == by_reference(plan, results)
    assert [r.layers for r in results] == [r.layers for r in folded(plan, history, reference=True)]


@pytest.mark.parametrize("pack", [*SHELF, *TEST_PACKS], ids=lambda p: Path(p).name)
@few
@given(st.data())
def test_all_evaluators_agree_on_every_pack(pack, data):
    world = shelf_world(pack)
    assert_all_agree(world.plan, data.draw(histories(world, people=PEOPLE)))


#: Between them these use every kind of figure; the others run the same text uncompiled.
COMPILED = [
    *SHELF,
    *(path for path in TEST_PACKS if Path(path).name in {"target-rate", "other-aid", "household-ceiling", "lump-sums"}),
]


@pytest.mark.parametrize("pack", COMPILED, ids=lambda p: Path(p).name)
@few
@given(st.data())
def test_the_compiled_kernel_agrees_with_the_fold(pack, data):
    world = shelf_world(pack)
    history = data.draw(histories(world, people=PEOPLE))
    names = [name for layer in world.plan.program.outputs.values() for name in layer.values()]
    computed = by_kernel(world.plan, history, compile_kernel, names)
    traced = by_trace(world.plan, folded(world.plan, history))
    assert computed == {setl_id: {name: values[name] for name in names} for setl_id, values in traced.items()}


@given(policies())
def test_no_step_of_a_policy_nobody_has_seen_leaves_int64(pack):
    assert prove(plan_of(pack).program) == []


@given(policies())
def test_equal_policies_make_equal_programs(pack):
    assert plan_of(pack).program == plan_of(pack).program


# --- what went wrong once --------------------------------------------------------------------------------------------


def paid(plan, bills, identity="dibao", people=("甲",)):
    """Return what fold and kernel pay for each bill."""
    records = tuple(IdentityRecord(person, identity, date(2016, 1, 1)) for person in people)
    history = History(tuple(bills), records)
    by_fold = {r.settlement.setl_id: r.pay for r in folded(plan, history)}
    pays = [names["pay"] for names in plan.program.outputs.values()]
    kernel = by_kernel(plan, history, plain_kernel, pays)
    by_batch = {setl_id: sum(values.values()) for setl_id, values in kernel.items()}
    return [by_fold[bill_.setl_id] for bill_ in bills], [by_batch[bill_.setl_id] for bill_ in bills]


def test_a_late_bill_of_last_year_leaves_this_year_its_totals_in_the_batch():
    # I-11, by discharge: 50,000 (cap 40,000 at 70 %: 35,000), a late bill of December 1,000, then 50,000 with the cap risen to 50,000
    plan = plan_of(pack_of("610900-ankang", readings={"I-11": "discharge"}))
    bills = [
        bill("1", datetime(2024, 1, 3, 10), 5_000_000, enddate=date(2024, 1, 2)),
        bill("2", datetime(2024, 1, 5, 10), 100_000, enddate=date(2023, 12, 28)),
        bill("3", datetime(2024, 2, 5, 10), 5_000_000, enddate=date(2024, 2, 4)),
    ]
    assert paid(plan, bills) == ([3_500_000, 70_000, 1_500_000],) * 2


def test_a_stay_settled_twice_with_other_care_between_keeps_its_deductible_in_the_batch():
    # I-04, by stay: 2,000 of the first 1,500 + 1,500 are deducted once, whatever is settled between
    plan = plan_of(pack_of("610900-ankang", readings={"I-04": "stay"}))
    stay = {"begndate": date(2024, 3, 1)}
    bills = [
        bill("1", datetime(2024, 3, 20, 9), 150_000, enddate=date(2024, 3, 20), **stay),
        bill("2", datetime(2024, 3, 21, 9), 10_000, med_type="14"),
        bill("3", datetime(2024, 4, 20, 9), 150_000, enddate=date(2024, 4, 20), **stay),
    ]
    assert paid(plan, bills, "dibao_edge") == ([0, 6_000, 60_000],) * 2


def household_pack(**layer):
    return drawn(
        [
            {
                "id": "l0",
                "of": "household",
                "figures": [{"clause": "ZZ-4.1", "deductible": "500 元", "rate": "50%"}],
                **layer,
            }
        ]
    )


def test_members_of_a_household_admitted_together_have_stays_of_their_own():
    plan = plan_of(household_pack(deductible={"per": "stay"}))
    together = {"begndate": date(2024, 3, 1), "enddate": date(2024, 3, 9), "household": "户一"}
    bills = [bill(who, datetime(2024, 3, 9, 10), 60_000, psn_no=who, **together) for who in ("甲", "乙")]
    assert paid(plan, bills, people=("甲", "乙")) == ([5_000, 5_000],) * 2


def test_a_share_of_the_rate_may_be_a_third_or_in_per_cent():
    for share, due in (("1/3", 10_000), ("20%", 6_000)):
        factor = {"state": "declined_basic_service", "share": share, "clause": "ZZ-6", "of": "rate"}
        plan = plan_of(drawn([{"id": "l0", "figures": [{"clause": "ZZ-4.1", "rate": "30%"}], "factor": factor}]))
        records = (
            IdentityRecord("甲", "dibao", date(2016, 1, 1)),
            IdentityRecord("甲", "declined_basic_service", date(2016, 1, 1)),
        )
        results = folded(plan, History((bill("1", datetime(2024, 3, 9, 10), 100_000),), records))
        assert [r.pay for r in results] == [due]


def test_a_deductible_waived_at_the_last_event_is_waived_once_for_a_household():
    # two members, 100 each, below the deductible of 500: 200 in all, not 100 and 200
    plan = plan_of(household_pack(deductible={"waived_if_unreached": True}))
    bills = [
        bill(who, datetime(2024, month, 1, 9), 10_000, psn_no=who, household="户一")
        for month, who in ((3, "甲"), (6, "乙"))
    ]
    assert paid(plan, bills, people=("甲", "乙")) == ([0, 10_000],) * 2


def test_a_row_without_one_before_it_answers_from_its_first_day():
    # nothing said before 2024-07-01, half from then: 23:00 of the day before pays nothing, the day itself 500 of 1,000
    plan = plan_of(drawn([{"id": "l0", "figures": [{"clause": "ZZ-4.1", "first": "2024-07-01", "rate": "50%"}]}]))
    days = datetime(2024, 6, 30, 23), datetime(2024, 7, 1)
    assert paid(plan, [bill(str(n), day, 100_000) for n, day in enumerate(days)]) == ([0, 50_000],) * 2


def test_the_last_event_of_a_layer_on_application_is_the_last_that_is_applied_for():
    layer = {"id": "l0", "due": "application", "figures": [{"clause": "ZZ-4.1", "deductible": "500 元", "rate": "50%"}]}
    plan = plan_of(drawn([{**layer, "deductible": {"waived_if_unreached": True}}]))
    bills = tuple(bill(str(month), datetime(2024, month, 1, 9), 10_000) for month in (3, 6))
    records = (IdentityRecord("甲", "dibao", date(2016, 1, 1)),)
    history = History(bills, records, (Application("甲", "l0", date(2024, 4, 1)),))
    assert [r.pay for r in folded(plan, history)] == [5_000, 0]
    assert [values["l0.pay"] for values in by_kernel(plan, history, plain_kernel, ["l0.pay"]).values()] == [5_000, 0]


def test_I_13_what_a_change_of_category_finds_below_what_was_paid_is_not_lifted_to_it():
    # topped up to 90 %: 100 unpaid by insurance (90), then 1,000 that insurance paid whole (the 90 are more than due by now),
    # then 1,000 unpaid: 90 % of 2,100 less 1,000 is 890 in all, whoever was in which category between
    plan = plan_of(drawn([{"id": "l0", "figures": [{"clause": "ZZ-4.1", "top_up_to": "90%"}]}]))
    bills = (
        bill("1", datetime(2024, 3, 1, 9), 10_000), bill("2", datetime(2024, 3, 17, 9), 100_000, hifp_pay=100_000),
        bill("3", datetime(2024, 6, 1, 9), 100_000),
    )  # fmt: skip
    edge, dibao = (
        IdentityRecord("甲", "dibao_edge", date(2016, 1, 1)),
        IdentityRecord("甲", "dibao", date(2024, 3, 15), date(2024, 3, 20)),
    )
    assert [r.pay for r in folded(plan, History(bills, (edge,)))] == [9_000, 0, 80_000]
    assert [r.pay for r in folded(plan, History(bills, (edge, dibao)))] == [9_000, 0, 80_000]
