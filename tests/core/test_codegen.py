"""Generated text and reference give every expression the same value, and the text holds nothing but what the language has."""

import ast
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import plan_of, policies

from tuodi.batch.kernel import kernel_source
from tuodi.batch.kernel_text import KernelText
from tuodi.core.engine.codegen import event_source, local_names, scalar_outputs, source_of, tuple_of
from tuodi.core.engine.reference import evaluate, nearest_half_up, value_of
from tuodi.core.engine.steps import (
    OPERATORS,
    ZERO,
    Bucket,
    Const,
    Name,
    Op,
    Program,
    Slot,
    Step,
    both,
    choose,
    either,
    greatest,
    least,
    lift,
    names_in,
    rounded,
    total,
)

NAMES = {"inscp_scp_amt": "f0", "hifp_pay": "f1", "category": "f2"}
WHOLE = st.integers(-(10**6), 10**6)
ALLOWED = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.Tuple, ast.Name, ast.Constant, ast.Subscript, ast.Return, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.Eq, ast.BoolOp, ast.And, ast.Or, ast.IfExp, ast.NamedExpr,
    ast.Load, ast.Store,
)  # fmt: skip


def expressions():
    leaves = st.builds(Const, WHOLE) | st.builds(Name, st.sampled_from(sorted(NAMES)))

    def extended(inner):
        flag = st.builds(lambda o, a, b: Op(o, (a, b)), st.sampled_from(("<", "<=", "==")), inner, inner)
        return (
            st.builds(lambda o, a, b: Op(o, (a, b)), st.sampled_from(("+", "-", "min", "max")), inner, inner)
            | st.builds(lambda a, b: Op("*", (a, Const(b))), inner, st.integers(-9, 9))
            | st.builds(lambda a, n: rounded(greatest(0, a), n), inner, st.integers(1, 10_000))
            | st.builds(lambda f, a, b: choose(f, a, b), flag, inner, inner)
            | st.builds(lambda f, g, a, b: choose(both(f, g), a, b), flag, flag, inner, inner)
            | st.builds(lambda f, g, a, b: choose(either(f, g), a, b), flag, flag, inner, inner)
        )

    return st.recursive(leaves, extended, max_leaves=12)


def by_kernel_text(expr, values):
    """Return an expression's value by the kernel's loop over one event; the third name is known of the event's choice."""
    text = KernelText(
        program(Step("x", expr, "值"), facts=tuple(NAMES), figures={"l": ()}, buckets=(), slots=()), ("x",)
    )
    scope = {"int64": int, "uint64": int}
    exec("\n".join(line for line in text.source.splitlines() if "numba" not in line), scope)
    out = [None]
    scope["run"]([0], [0], np.array([text.row({"category": values[2]})]).reshape(1, -1), [values[0]], [values[1]], out)
    return out[0]


@given(expressions(), st.tuples(WHOLE, WHOLE, st.integers(0, 9)))
def test_scalar_text_kernel_text_and_reference_give_an_expression_the_same_value(expr, values):
    slow = value_of(expr, dict(zip(NAMES, map(Fraction, values), strict=True)))
    scope = {"__builtins__": {"min": min, "max": max}, **dict(zip(NAMES.values(), values, strict=True))}
    assert eval(source_of(expr, NAMES), scope) == slow
    assert by_kernel_text(expr, values) == slow


@given(policies())
def test_the_text_of_a_policy_holds_assignments_and_arithmetic_only(pack):
    program = plan_of(pack).program
    text = event_source(program, scalar_outputs(program))
    tree = ast.parse(text)
    assert {type(node) for node in ast.walk(tree)} <= set(ALLOWED)
    assert not any(isinstance(node, ast.Call) for node in ast.walk(tree))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    held = {node.target.id for node in ast.walk(tree) if isinstance(node, ast.NamedExpr)}
    assert all(name[0] == "x" and name[1:].isdigit() for name in held)
    assert used <= {"f", "p", "s", *held, *local_names(program).values()}
    assert not any(name.isascii() and name in text for name in program.layers), "nothing from a pack is in the text"


@given(policies())
def test_the_kernel_is_the_same_text_for_the_same_policy(pack):
    first, second = plan_of(pack), plan_of(pack)
    names = scalar_outputs(first.program)
    assert kernel_source(first, names) == kernel_source(second, names)


@pytest.mark.parametrize(("numerator", "expected"), [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (16, 2)])
def test_a_half_goes_up_in_the_reference(numerator, expected):
    assert nearest_half_up(Fraction(numerator, 10)) == expected


def test_the_reference_rounds_nothing_negative_and_knows_no_other_operator():
    with pytest.raises(AssertionError):
        nearest_half_up(Fraction(-1, 10))
    with pytest.raises(AssertionError):
        Op("/", (ZERO, ZERO))
    assert len(OPERATORS) == 12


def program(*steps, **more):
    given = {
        "facts": ("a",),
        "figures": {"l": ("rate",)},
        "buckets": (Bucket("b", "year", "person", ("l",)),),
        "slots": (Slot("s", "b"),),
        "writes": {},
    }
    return Program(steps=steps, layers=("l",), **{**given, **more})


def test_a_step_reads_only_what_stands_before_it():
    program(Step("x", Name("a") + Name("s") + Name("p.l.rate"), "和")).check()
    for wrong in (
        program(Step("x", Name("y"), "和"), Step("y", ZERO, "零")), program(Step("x", ZERO, "零"), Step("x", ZERO, "零")), program(Step("a", ZERO, "零")),
        program(writes={"t": "a"}), program(writes={"s": "x"}),
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            wrong.check()
    program(Step("x", ZERO, "零"), writes={"s": "x"}).check()


def test_a_step_that_is_not_whole_is_our_mistake():
    halves = program(Step("x", Name("a"), "半"))
    assert evaluate(halves, {"a": 3}) == {"x": 3}
    with pytest.raises(AssertionError):
        evaluate(halves, {"a": Fraction(1, 2)})


def test_sums_leave_noughts_out_and_nothing_else():
    a = Name("a")
    assert a + 0 == a == ZERO + a == a - 0
    assert total([ZERO, a, ZERO]) == a
    assert total([]) == ZERO
    assert ZERO - a == Op("-", (ZERO, a))
    assert a * 0 == Op("*", (a, ZERO))
    assert (a.lt(1), a.le(1), a.eq(1)) == tuple(Op(o, (a, Const(1))) for o in ("<", "<=", "=="))
    assert least(a, 1, 2) == Op("min", (Op("min", (a, Const(1))), Const(2)))
    assert greatest(a, 1, 2) == Op("max", (Op("max", (a, Const(1))), Const(2)))
    assert both(a, a, a) == Op("and", (Op("and", (a, a)), a))
    assert either(a) == a == lift(a)
    assert list(names_in(choose(a.lt(Name("b")), Name("c"), 1))) == ["a", "b", "c"]


def test_a_tuple_of_one_is_a_tuple():
    assert [eval(tuple_of(parts)) for parts in ([], ["1"], ["1", "2"])] == [(), (1,), (1, 2)]
