"""A step in words: its label, its expression with the values that it ran on, its value.

``本次按比例计算 = 救助比例 50% × 起付线以上计入 1,000.00 元 = 500.00 元``. The text is made from the step's own expression, so that
there is no second wording of a rule; of a conditional the branch taken is said with the reason it was taken; addends of zero and
floors that did not bind are left out. Evaluating what is printed gives what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tuodi.core.engine.compile import EXACT as ONE
from tuodi.core.engine.steps import ZERO, Const, Expr, Name, Op, Step
from tuodi.core.engine.words_terms import COUNT, EXACT, FEN, FLAG, RATE, Term, value_text
from tuodi.core.policy.model import Pack

#: How tightly a text binds: a sum, a product, a single operand.
SUM, PRODUCT, SINGLE = 1, 2, 3
#: A comparison and how it reads when it holds, and when it does not.
SIGNS = {"<": ("<", "≥"), "<=": ("≤", ">"), "==": ("=", "≠")}
TRUTHS = (*SIGNS, "and", "or")
#: What turns fen into exact amounts, and what a category is compared with to say that there is one.
WHOLE, HAS_CATEGORY = Const(ONE), (ZERO, Name("category"))


class Spoken(NamedTuple):
    """An expression in words: the text, the unit of its value, the value, and how tightly the text binds."""

    text: str
    unit: str
    value: int
    level: int

    def inside(self, level: int) -> str:
        """Return the text as it stands inside another expression."""
        return f"({self.text})" if self.level < level else self.text


class StepWords(NamedTuple):
    """One step with everything that an auditor asks about it."""

    step: Step
    value: int
    text: str
    says: str
    names: tuple[str, ...]
    speaker: Speaker
    clauses: tuple[str, ...]
    readings: tuple[str, ...]

    @property
    def operands(self) -> tuple[tuple[str, Term, int], ...]:
        """What the step reads: name, what it is called, value."""
        terms, known = self.speaker.terms, self.speaker.known
        return tuple((name, terms[name], known[name]) for name in self.names)

    def data(self, pack: Pack) -> dict[str, Any]:
        """Return the step as plain data; values are whole numbers in the named unit."""
        return {
            "name": self.step.name, "layer": self.step.layer, "label": self.step.label, "unit": self.step.unit,
            "value": int(self.value), "text": self.text, "says": self.says, "clauses": list(self.clauses),
            "readings": list(self.readings),
            "operands": [
                {"name": name, "label": term.label, "unit": term.unit, "value": int(value), "text": value_text(value, term.unit, pack)}
                for name, term, value in self.operands
            ],
        }  # fmt: skip


class Speaker:
    """Says expressions over known values; one for each settlement."""

    def __init__(self, known: Mapping[str, int], terms: Mapping[str, Term], pack: Pack) -> None:
        self.known, self.terms, self.pack = known, terms, pack
        self.layer = ""
        #: Names as the layer that speaks says them: those of another layer are said with whose they are.
        self.leaves: dict[str, Spoken] = {}
        self.texts: dict[tuple[int, str], str] = {}
        self.names = {layer.id: layer.name for layer in (*pack.insurance, *pack.layers)}

    def step(self, step: Step, names: tuple[str, ...], *, clauses: Mapping[str, str] | None = None) -> StepWords:
        """Return a step in words; ``names`` are those that it reads, ``clauses`` where the figures among them come from."""
        if step.layer != self.layer:
            self.layer, self.leaves = step.layer, {}
        value, label = self.known[step.name], self.terms[step.name].label
        text = self.text(value, step.unit)
        if step.unit == FLAG:
            says = f"{label} = {text}（因 {self.reason(step.expr)}）"
        else:
            says = f"{label} = {text if isinstance(step.expr, Const) else self._worked_out(step.expr, text)}"
        own = [clauses[name] for name in names if name in clauses] if clauses else []
        cited = tuple(dict.fromkeys((*step.clauses, *own))) if own else step.clauses
        return StepWords(step, value, text, says, names, self, cited, step.readings)

    def _worked_out(self, expr: Expr, text: str) -> str:
        """Return how a value came about, and the value where that does not end with it."""
        said, _, _, level = self.say(expr)
        if said == text or (level == SINGLE and said.endswith(f" {text}") and "(" not in said):
            return said
        return f"{said} = {text}"

    def text(self, value: int, unit: str) -> str:
        """Return a value as people read it; the same amount stands in many steps."""
        said = self.texts.get((value, unit))
        if said is None:
            said = self.texts[value, unit] = value_text(value, unit or FEN, self.pack)
        return said

    def say(self, expr: Expr) -> Spoken:
        """Return an expression in words."""
        if isinstance(expr, Name):
            return self.leaves.get(expr.name) or self._leaf(expr.name)
        if isinstance(expr, Const):
            return Spoken(self.text(expr.value, FEN), "", expr.value, SINGLE)
        assert isinstance(expr, Op)
        return SAYS[expr.operator](self, expr)

    def _truth(self, expr: Op) -> Spoken:
        holds = self.holds(expr)
        return Spoken("是" if holds else "否", FLAG, int(holds), SINGLE)

    def _leaf(self, name: str) -> Spoken:
        term, value = self.terms[name], self.known[name]
        whose = f"“{self.names[term.layer]}”" if term.layer and term.layer != self.layer else ""
        said = Spoken(f"{whose}{term.label} {self.text(value, term.unit)}", term.unit, value, SINGLE)
        self.leaves[name] = said
        return said

    def _sum(self, expr: Op) -> Spoken:
        parts = list(map(self.say, flattened(expr)))
        unit = next((part.unit for part in parts if part.unit), "")
        value = sum(part.value for part in parts)
        told = [part for part in parts if part.value != 0 or len(parts) == 2]
        if not told:
            return Spoken(self.text(0, unit), unit, value, SINGLE)
        if len(told) == 1:
            return Spoken(told[0].text, unit, value, told[0].level)
        return Spoken(" + ".join(part.inside(SUM) for part in told), unit, value, SUM)

    def _difference(self, expr: Op) -> Spoken:
        left, right = map(self.say, expr.operands)
        unit, value = left.unit or right.unit, left.value - right.value
        return Spoken(f"{left.inside(SUM)} − {right.inside(PRODUCT)}", unit, value, SUM)

    def _product(self, expr: Op) -> Spoken:
        left, right = map(self.say, expr.operands)
        for scale, other, at in ((left, right, 0), (right, left, 1)):
            if expr.operands[at] == WHOLE and other.unit in (FEN, ""):
                return Spoken(other.text, EXACT, other.value * WHOLE.value, other.level)
            assert scale.unit != EXACT, expr
        unit = EXACT if RATE in (left.unit, right.unit) else left.unit or right.unit
        return Spoken(f"{left.inside(PRODUCT)} × {right.inside(PRODUCT)}", unit, left.value * right.value, PRODUCT)

    def _extreme(self, expr: Op) -> Spoken:
        parts = list(map(self.say, flattened(expr)))
        unit = next((part.unit for part in parts if part.unit), "")
        smallest = expr.operator == "min"
        value = min(part.value for part in parts) if smallest else max(part.value for part in parts)
        if (
            not smallest
            and isinstance(expr.operands[0], Const)
            and len(parts) == 2
            and parts[1].value >= parts[0].value
        ):
            return parts[1]
        told = [part for part in parts if self.text(part.value, unit) != "不限"] if smallest else parts
        if len(told) == 1:
            return told[0]
        words = ", ".join(part.text for part in told or parts)
        return Spoken(f"{'取小' if smallest else '取大'}({words})", unit, value, SINGLE)

    def _chosen(self, expr: Op) -> Spoken:
        condition, then, otherwise = expr.operands
        holds = self.holds(condition)
        taken, other = self.say(then if holds else otherwise), otherwise if holds else then
        unit = taken.unit or self.say(other).unit
        text = (
            self.text(0, unit) if isinstance(then if holds else otherwise, Const) and taken.value == 0 else taken.text
        )
        if is_bookkeeping(condition) or (
            not holds and isinstance(condition, Name) and condition.name.endswith(".changed")
        ):
            return Spoken(text, unit, taken.value, taken.level)
        reason = self.reason(condition)
        if "不限" in reason:
            return Spoken(text, unit, taken.value, taken.level)
        return Spoken(f"{text}（因 {reason}）", unit, taken.value, min(taken.level, PRODUCT))

    def _rounded(self, expr: Op) -> Spoken:
        top, bottom = map(self.say, expr.operands)
        value = (2 * top.value + bottom.value) // (2 * bottom.value)
        if expr.operands[1] == WHOLE:
            return Spoken(f"四舍五入到分({top.text})", FEN, value, SINGLE)
        return Spoken(f"四舍五入({top.text} ÷ {bottom.inside(PRODUCT)})", FEN, value, SINGLE)

    def reason(self, expr: Expr) -> str:
        """Return a true sentence that says why a condition holds, or why it does not."""
        holds = self.holds(expr)
        if isinstance(expr, Name):
            return f"{self.terms[expr.name].label}：{'是' if holds else '否'}"
        assert isinstance(expr, Op)
        if expr.operator in ("and", "or"):
            parts = [(part, self.holds(part)) for part in flattened(expr)]
            decisive = [part for part, truth in parts if truth == holds]
            if (expr.operator == "and") != holds:
                return self.reason(decisive[0])
            return " 且 ".join(self.reason(part) for part in decisive if not is_bookkeeping(part)) or self.reason(
                decisive[0]
            )
        left, right = expr.operands
        if expr.operator == "==" and right == ZERO and isinstance(left, Op):
            return self.reason(left)
        sign = SIGNS[expr.operator][0 if holds else 1]
        said, other = self.say(left), self.say(right)
        unit = said.unit or other.unit
        if unit == COUNT and right == ZERO:
            return said.text
        first = self.text(said.value, unit) if isinstance(left, Const) else said.text
        return f"{first} {sign} {self.text(other.value, unit) if isinstance(right, Const) else other.text}"

    def holds(self, expr: Expr) -> bool:
        """Say whether a condition holds."""
        if not isinstance(expr, Op) or expr.operator not in TRUTHS:
            return bool(self.value(expr))
        if expr.operator == "and":
            return all(map(self.holds, expr.operands))
        if expr.operator == "or":
            return any(map(self.holds, expr.operands))
        left, right = map(self.value, expr.operands)
        if expr.operator == "==":
            return left == right
        return left < right or (expr.operator == "<=" and left == right)

    def value(self, expr: Expr) -> int:
        """Return what an expression comes to."""
        return self.known[expr.name] if isinstance(expr, Name) else self.say(expr).value


#: What each operator is said by.
SAYS: dict[str, Callable[[Speaker, Op], Spoken]] = {
    "+": Speaker._sum, "-": Speaker._difference, "*": Speaker._product, "min": Speaker._extreme, "max": Speaker._extreme,
    "if": Speaker._chosen, "half_up": Speaker._rounded, **dict.fromkeys(TRUTHS, Speaker._truth),
}  # fmt: skip


def is_bookkeeping(expr: Expr) -> bool:
    """Say whether a condition only says that a layer looks at the event or that it has a category at all."""
    if isinstance(expr, Op) and expr.operator in ("and", "or"):
        return all(is_bookkeeping(part) for part in flattened(expr))
    if isinstance(expr, Op) and expr.operator == "<":
        return expr.operands == HAS_CATEGORY
    return isinstance(expr, Name) and expr.name.startswith(("a.", "c."))


def flattened(expr: Op) -> list[Expr]:
    """Return the operands of a chain of one operator, left to right."""
    out: list[Expr] = []
    for operand in expr.operands:
        out += flattened(operand) if isinstance(operand, Op) and operand.operator == expr.operator else [operand]
    return out
