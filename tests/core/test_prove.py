"""The range proof: it finds what could go wrong in a program made to go wrong, and nothing in the packs."""

import itertools

import pytest
from sound_pack import pack

from tuodi.batch.packs import pack_of, shelf
from tuodi.core.engine.compile import compile_program
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.prove import INT64, prove, row_faults
from tuodi.core.engine.steps import (
    ZERO,
    Bucket,
    Const,
    Name,
    Program,
    Slot,
    Step,
    both,
    choose,
    either,
    greatest,
    least,
    rounded,
)
from tuodi.core.errors import PackErrors
from tuodi.core.policy.figures import EnteredValue


def program(*steps, figures=("rate0", "from0", "from1", "trigger", "target"), slots=(), writes=None, outputs=None):
    return Program(
        facts=("inscp_scp_amt", "hifp_pay", "category", "a.x", "share.x"), figures={"x": tuple(figures)},
        steps=tuple(Step(f"s{i}", step, f"第 {i} 步") for i, step in enumerate(steps)),
        buckets=(Bucket("x", "year", "person", ("x",)),), slots=tuple(Slot(name, "x") for name in slots), writes=writes or {},
        layers=("x",), outputs=outputs or {},
    )  # fmt: skip


AMOUNT, PAID, FLAG, SHARE, RATE = (Name(n) for n in ("inscp_scp_amt", "hifp_pay", "a.x", "share.x", "p.x.rate0"))
EDGES = Name("p.x.from0"), Name("p.x.from1")
TRIGGER, TARGET = Name("p.x.trigger"), Name("p.x.target")


def whys(*steps, **more):
    return [fault.why for fault in prove(program(*steps, **more))]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (AMOUNT * AMOUNT, "可能超出 64 位整数"),
        (ZERO - AMOUNT * AMOUNT, "可能超出 64 位整数"),
        (choose(either(TRIGGER.lt(AMOUNT), FLAG), AMOUNT - TARGET, 0) * 10_000, "可能超出 64 位整数"),
        (rounded(AMOUNT - PAID, 100), "可能对负数四舍五入"),
        (rounded(AMOUNT, SHARE), "除数可能不是正数"),
        (rounded(Const(INT64) - ZERO, 10_000), "可能超出 64 位整数"),
    ],
)
def test_what_could_go_wrong_is_found(step, why):
    (fault,) = prove(program(step))[:1]
    assert (fault.step, fault.label, fault.why) == ("s0", "第 0 步", why)
    assert fault.low <= fault.high


@pytest.mark.parametrize(
    "step",
    [
        RATE * AMOUNT,
        rounded(greatest(0, AMOUNT - PAID), 100),
        (EDGES[1] - EDGES[0]) * 10,
        choose(TRIGGER.lt(AMOUNT), AMOUNT - TARGET, 0) * 10_000,
        choose(both(TRIGGER.lt(AMOUNT), FLAG), AMOUNT - TARGET, 0) * 10_000,
        choose(FLAG, AMOUNT.eq(PAID), 0),
    ],
)
def test_what_cannot_go_wrong_is_proven(step):
    assert whys(step) == []


def test_an_edge_that_need_not_ascend_is_not_taken_to():
    assert whys((EDGES[0] - EDGES[1]) * 10_000) == ["可能超出 64 位整数"]


def told(entitled, due):
    return {"x": dict.fromkeys(("deductible", "entitled", "pay"), entitled) | {"cut": due}}


@pytest.mark.parametrize(
    ("due", "proven"),
    [
        (AMOUNT - least(AMOUNT, PAID), True),
        (AMOUNT - greatest(0, least(AMOUNT, PAID)), True),
        (AMOUNT - choose(FLAG, least(PAID, AMOUNT), 0), True),
        (AMOUNT - (AMOUNT - PAID), True),
        (greatest(AMOUNT, PAID) - AMOUNT, True),
        (greatest(PAID, AMOUNT) - AMOUNT, True),
        (least(greatest(AMOUNT, PAID), AMOUNT + PAID) - AMOUNT, True),
        (choose(FLAG, AMOUNT + PAID, AMOUNT + 1) - AMOUNT, True),
        (rounded(AMOUNT + PAID, 10_000) - rounded(AMOUNT, 10_000), True),
        (Name("s0") - least(Name("s0"), PAID), True),
        (rounded(AMOUNT, 10_000) - rounded(AMOUNT, 1_000), False),
        (AMOUNT - PAID, False),
        (AMOUNT - greatest(AMOUNT, PAID), False),
        (least(AMOUNT, PAID) - AMOUNT, False),
        (AMOUNT - RATE * PAID, False),
        (AMOUNT * RATE - PAID, False),
    ],
)
def test_what_people_are_told_is_not_negative(due, proven):
    found = whys(AMOUNT + PAID, due, outputs=told("s0", "s1"))
    assert (found == []) == proven
    assert set(found) <= {"可能为负"}


def test_remembered_totals_stay_above_zero_by_induction():
    assert whys(Name("kept") + AMOUNT, slots=("kept",), writes={"kept": "s0"}) == []
    assert whys(Name("kept") - AMOUNT, slots=("kept",), writes={"kept": "s0"}) == ["可能为负"]
    assert whys(Name("idle") + AMOUNT, slots=("idle",)) == []


@pytest.mark.parametrize(
    ("name", "simulate", "rounding"), list(itertools.product(shelf(), (False, True), ("running_total", "each_claim")))
)
def test_every_pack_is_proven(name, simulate, rounding):
    from msgspec.structs import replace

    assert prove(compile_program(replace(pack_of(name), rounding=rounding), simulate=simulate)) == []


def test_a_plan_that_cannot_be_proven_is_refused():
    layer = {"name": "层", "clause": "JX-7", "base": {"measure": "in_policy", "clause": "JX-7"}, "fund": "assistance",
             "figures": [{"clause": "JX-7", "rate": "1%"}]}  # fmt: skip
    many = [{**layer, "id": f"l{i}"} for i in range(200)]
    with pytest.raises(PackErrors, match="E-PACK-UNPROVEN"):
        make_plan(pack({"layers": many, "readings": {}}), [EnteredValue("jx.standard", "1", "文件")])


@pytest.mark.parametrize(
    ("names", "numbers", "wrong"),
    [
        (("from0", "rate0", "from1", "rate1"), (0, 5000, 100, 6000), []),
        (("from0", "rate0", "from1", "rate1"), (100, 5000, 0, 10_001), ["rate1", "from1"]),
        (("trigger", "target"), (5, 6), ["trigger"]),
        (("limit0", "lump0", "lump_from0", "cap.year"), (10**15, 10**14, 10**15, -1), ["limit0", "lump0", "cap.year"]),
    ],
)
def test_rows_are_held_against_what_the_proof_assumes(names, numbers, wrong):
    assert row_faults(names, numbers) == wrong
