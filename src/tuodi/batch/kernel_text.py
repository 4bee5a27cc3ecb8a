"""The text of the kernel's loop, from the same :class:`Program` as the scalar function and the trace.

Flags are masks (0 or -1) and a condition picks by ``&`` and ``^``, so that the loop has no branches to foretell. Whatever
depends on an event's *choice* alone (category, which layers look, figures, and any arithmetic among them) is worked out once
for each choice and stands in a table; the loop reads its row. Buckets with one period and the same layers share one key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tuodi.core.engine.codegen import local_names
from tuodi.core.engine.reference import value_of
from tuodi.core.engine.steps import Bucket, Const, Expr, Name, Op, Program, either, names_in

MASKED = {"and": "&", "or": "|"}
COMPARED = ("<", "<=", "==")
ARITHMETIC = ("+", "-", "*")
#: The key of a bucket that nothing has been written to; no period has it.
NOTHING = -(2**62)


@dataclass
class KernelText:
    """The loop ``run(unit, choice, table, amounts…, keys…, last…, outputs…)`` and what the table's columns are.

    ``columns`` are expressions over a choice's facts and figures; those in ``masks`` are flags.
    """

    program: Program
    outputs: tuple[str, ...]
    names: dict[str, str] = field(init=False)
    columns: dict[Expr, int] = field(init=False, default_factory=dict)
    flags: set[str] = field(init=False)
    fixed: set[str] = field(init=False)
    loads: dict[str, str] = field(init=False, default_factory=dict)
    loaded: set[str] = field(init=False, default_factory=set)
    body: list[str] = field(init=False, default_factory=list)
    source: str = field(init=False)

    def __post_init__(self) -> None:
        facts = self.program.facts
        self.names = local_names(self.program)
        self.flags = {fact for fact in facts if fact.startswith(("a.", "c.", "last."))}
        self.fixed = {fact for fact in facts if fact == "category" or fact.startswith(("a.", "c.", "share."))}
        self.fixed |= {f"p.{layer}.{figure}" for layer, own in self.program.figures.items() for figure in own}
        self.source = self._text()

    def row(self, known: Mapping[str, int]) -> list[int]:
        """Return a choice's row of the table, its facts (flags as 0 and 1) and figures being known."""
        values = {name: Fraction(value) for name, value in known.items()}
        for step in self.program.steps:
            if step.name in self.fixed:
                values[step.name] = value_of(step.expr, values)
        return [int(value_of(expr, values)) * (-1 if self._is_flag(expr) else 1) for expr in self.columns]

    def _text(self) -> str:
        program, names = self.program, self.names
        amounts, keys, last = amount_facts(program), key_names(program), last_facts(program)
        groups = bucket_groups(program)
        body = self.body
        self.loads |= {fact: f"int64(A{i}[i])" for i, fact in enumerate(amounts)}
        self.loads |= {fact: f"-int64(L{i}[i] > 0)" for i, fact in enumerate(last)}
        group_of: dict[str, int] = {}
        for g, (period, buckets) in enumerate(groups):
            key = "1" if period == "once" else f"int64(K{keys.index(period)}[i])"
            body += [f"k{g} = {key}", f"b{g} = ({NOTHING} & fresh) | (b{g} & ~fresh)", f"h{g} = -int64(k{g} == b{g})"]
            self.loads |= {slot: f"m{i} & h{g}" for i, slot in self._slots(buckets)}
            group_of |= {slot: g for _, slot in self._slots(buckets)}
            body += [f"w{g} = {self._mask(looking(buckets[0]))}", f"b{g} = (k{g} & w{g}) | (b{g} & ~w{g})"]
        for step in program.steps:
            body.append(f"{names[step.name]} = {self._value(step.expr)}")
            if self._is_flag(step.expr):
                self.flags.add(step.name)
            if self._is_fixed(step.expr):
                self.fixed.add(step.name)
            body += [
                f"O{i}[i] = {self._number(Name(name))}" for i, name in enumerate(self.outputs) if name == step.name
            ]
            for i, slot in enumerate(slot.name for slot in program.slots):
                if program.writes.get(slot) == step.name:
                    g, _ = group_of[slot], self._value(Name(slot))
                    body.append(f"m{i} = ({names[step.name]} & w{g}) | (m{i} & ~w{g})")
        lists = (("A", amounts), ("K", keys), ("L", last), ("O", self.outputs))
        arguments = ["unit", "choice", "table", *(f"{letter}{i}" for letter, found in lists for i in range(len(found)))]
        start = [
            "previous = -1",
            *(f"m{i} = 0" for i in range(len(program.slots))),
            *(f"b{g} = {NOTHING}" for g in range(len(groups))),
        ]
        first = ["now = unit[i]", "fresh = -int64(now != previous)", "previous = now", "c = choice[i]"]
        return "\n".join([
            "import numba", "from numba import int64, uint64", "", "",
            "@numba.njit(nogil=True, cache=True, error_model='numpy', boundscheck=False)",
            f"def run({', '.join(arguments)}):", *(f"    {line}" for line in start),
            "    for i in range(len(unit)):", *(f"        {line}" for line in (*first, *body)), "",
        ])  # fmt: skip

    def _loaded(self, name: str, load: str) -> str:
        """Return a name, its line being written where it is first asked for: a register that waits is one too few."""
        if load and name not in self.loaded:
            self.loaded.add(name)
            self.body.append(f"{name} = {load}")
        return name

    def _slots(self, buckets: Sequence[Bucket]) -> list[tuple[int, str]]:
        own = {bucket.name for bucket in buckets}
        return [(i, slot.name) for i, slot in enumerate(self.program.slots) if slot.bucket in own]

    def _is_fixed(self, expr: Expr) -> bool:
        return all(name in self.fixed for name in names_in(expr))

    def _is_flag(self, expr: Expr) -> bool:
        if isinstance(expr, Name):
            return expr.name in self.flags
        return isinstance(expr, Op) and (expr.operator in MASKED or expr.operator in COMPARED)

    def _mask(self, expr: Expr) -> str:
        """Return source of a condition: -1 where it holds, else 0."""
        return self._value(expr) if self._is_flag(expr) else f"(-int64({self._value(expr)} != 0))"

    def _number(self, expr: Expr) -> str:
        """Return source of a value; a flag as 1 or 0."""
        return f"({self._value(expr)} & 1)" if self._is_flag(expr) else self._value(expr)

    def _value(self, expr: Expr) -> str:
        """Return source of a value; a flag as a mask."""
        if isinstance(expr, Const):
            return str(expr.value)
        if self._is_fixed(expr):
            at = self.columns.setdefault(expr, len(self.columns))
            return self._loaded(f"t{at}", f"table[c, {at}]")
        if isinstance(expr, Name):
            return self._loaded(self.names[expr.name], self.loads.get(expr.name, ""))
        assert isinstance(expr, Op)
        if expr.operator in MASKED:
            return "(" + f" {MASKED[expr.operator]} ".join(self._mask(operand) for operand in expr.operands) + ")"
        if expr.operator == "if":
            mask, then, otherwise = (
                self._mask(expr.operands[0]),
                *(self._number(operand) for operand in expr.operands[1:]),
            )
            if otherwise == "0":
                return f"({mask} & {then})"
            name = f"q{len(self.body)}"
            self.body.append(f"{name} = {mask}")
            return f"(({then} & {name}) | ({otherwise} & ~{name}))"
        parts = [self._number(operand) for operand in expr.operands]
        if expr.operator in COMPARED:
            return f"(-int64({parts[0]} {expr.operator} {parts[1]}))"
        if expr.operator in ARITHMETIC:
            return f"({parts[0]} {expr.operator} {parts[1]})"
        if expr.operator == "half_up":
            return _half_up(parts[0], expr.operands[1], parts[1])
        return f"{expr.operator}({parts[0]}, {parts[1]})"


def _half_up(numerator: str, divisor: Expr, text: str) -> str:
    """Return source of a quotient rounded half up; that neither is negative the range proof has shown."""
    if isinstance(divisor, Const) and divisor.value % 2 == 0:
        return f"int64(uint64({numerator} + {divisor.value // 2}) // uint64({divisor.value}))"
    return f"int64(uint64(2 * {numerator} + {text}) // uint64(2 * {text}))"


def amount_facts(program: Program) -> tuple[str, ...]:
    """Return the facts that are amounts of the bill."""
    return tuple(f for f in program.facts if "." not in f and f != "category")


def last_facts(program: Program) -> tuple[str, ...]:
    """Return the facts that mark the last event of a deductible's period."""
    return tuple(fact for fact in program.facts if fact.startswith("last."))


def key_names(program: Program) -> tuple[str, ...]:
    """Return the period keys that the buckets read, ``once`` apart."""
    return tuple(dict.fromkeys(bucket.period for bucket in program.buckets if bucket.period != "once"))


def bucket_groups(program: Program) -> list[tuple[str, list[Bucket]]]:
    """Return the buckets that begin and end together, with their period."""
    groups: dict[tuple[str, tuple[str, ...]], list[Bucket]] = {}
    for bucket in program.buckets:
        groups.setdefault((bucket.period, bucket.layers), []).append(bucket)
    return [(period, buckets) for (period, _), buckets in groups.items()]


def looking(bucket: Bucket) -> Expr:
    """Return the flag that some layer of a bucket looks at the event, so that it is written."""
    return either(*(Name(f"a.{layer}") for layer in bucket.layers))
