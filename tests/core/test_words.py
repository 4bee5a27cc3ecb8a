"""Explanations: what is printed gives, evaluated, what is printed; every case of every pack can be worded for everybody."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.core.engine.fold import fold, live
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.words import explain
from tuodi.core.engine.words_audit import step_words
from tuodi.core.engine.words_layout import wrapped
from tuodi.core.policy.cases import history_of
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack

TESTS = Path(__file__).parent.parent
SAMPLE = TESTS / "data" / "delegated-sample.yaml"
FOLDERS = [*shelf(), *sorted(path.parent for path in (TESTS / "packs").glob("*/policy.yaml"))]
CASES = [
    (folder, case)
    for folder in FOLDERS
    for case in cases_of(folder)
    if case.data.get("kind", "history") == "history" and "missing" not in case.data["expect"]
]

TOKEN = re.compile(
    r"(?P<number>(?<![\w.])-?[0-9][0-9,]*(?:\.[0-9]+)?(?= 元|%))(?P<unit> 元|%)|(?P<none>不限)"
    r"|(?P<call>取小|取大|四舍五入到分)?(?P<open>\()|(?P<close>\))|(?P<sign> [+−×÷] )|(?P<comma>, )"
)
ENDLESS = Fraction(10**13)


class Printed:
    """Evaluates a printed expression: whatever is no number, sign or bracket is a label and is passed over."""

    def __init__(self, text: str) -> None:
        self.tokens = list(TOKEN.finditer(text))
        self.at = 0

    def value(self) -> Fraction:
        value = self.sum()
        assert self.at == len(self.tokens), [m.group() for m in self.tokens[self.at :]]
        return value

    def peek(self, group: str) -> str:
        return (self.tokens[self.at].group(group) or "") if self.at < len(self.tokens) else ""

    def sum(self) -> Fraction:
        value = self.product()
        while self.peek("sign").strip() in ("+", "−"):
            sign = self.tokens[self.at].group("sign").strip()
            self.at += 1
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self) -> Fraction:
        value = self.single()
        while self.peek("sign").strip() == "×":
            self.at += 1
            value *= self.single()
        return value

    def single(self) -> Fraction:
        token = self.tokens[self.at]
        self.at += 1
        if token.group("none"):
            return ENDLESS
        if token.group("number"):
            number = Fraction(token.group("number").replace(",", ""))
            return number / 100 if token.group("unit") == "%" else number
        assert token.group("open"), token.group()
        parts = [self.sum()]
        while self.peek("comma"):
            self.at += 1
            parts.append(self.sum())
        assert self.peek("close")
        self.at += 1
        call = token.group("call")
        if call == "四舍五入到分":
            return Fraction((parts[0] * 200 + 1) // 2, 100)
        return {"取小": min, "取大": max}[call](parts) if call else parts[0]


REASON = re.compile(r"（因 ((?:[^（）]|（[^（）]*）)*)）")


def check_reasons(text: str) -> str:
    """Check every comparison given as a reason and return the text without reasons."""
    for reason in REASON.findall(text):
        for part in reason.split(" 且 "):
            match = re.fullmatch(r"(.*) (<|≤|>|≥|=|≠) (.*)", part)
            if match is None or not TOKEN.search(match.group(1)):
                continue
            left, right = Printed(match.group(1)).value(), Printed(match.group(3)).value()
            holds = {
                "<": left < right,
                "≤": left <= right,
                ">": left > right,
                "≥": left >= right,
                "=": left == right,
                "≠": left != right,
            }
            assert holds[match.group(2)], part
    return REASON.sub("", text)


def worded(folder, case):
    """Yield plan, records and result for every settlement of a case."""
    own = [EnteredValue(str(p), str(v), "案例") for p, v in (case.data.get("delegated") or {}).items()]
    named = {value.param for value in own}
    values = [v for v in entered_values(SAMPLE, pack_of(folder)) if v.param not in named] + [
        v for v in own if v.value != "None"
    ]
    plan = make_plan(
        load_pack(source_of(folder), readings=case.readings), values, simulate=bool(case.data.get("simulate"))
    )
    bills, records, asked = history_of(case)
    kept = live(bills, [str(setl_id) for setl_id in case.data.get("cancelled") or []])
    for result in fold(plan, kept, records, asked):
        yield plan, records, result


def columns(line: str) -> int:
    """Return how wide a terminal shows a line; quotes and signs of ambiguous width are narrow."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.mark.parametrize(("folder", "case"), CASES, ids=[f"{c.file}:{c.line}:{c.name}" for _, c in CASES])
def test_what_is_printed_evaluates_to_what_is_printed(folder, case):
    for plan, records, result in worded(folder, case):
        explanation = explain(plan, result, records=records)
        for words in step_words(explanation.case):
            label = explanation.case.vocabulary.terms[words.step.name].label
            assert label.startswith(words.step.label)
            assert words.says.startswith(f"{label} = ")
            if words.step.unit in ("flag", "count"):
                check_reasons(words.says)
                continue
            text = check_reasons(words.says.removeprefix(f"{label} = "))
            *middle, last = text.split(" = ")
            printed = Printed(last).value()
            if abs(printed) < ENDLESS / 100:
                assert [Printed(part).value() for part in middle] == [printed] * len(middle), words.says
        pages = explanation.patient + explanation.auditor
        assert [line for line in pages.splitlines() if columns(line) > 80] == []
        assert "None" not in pages
        assert f"合计 {explanation.data['pay'].replace('-', '')}" in explanation.auditor.replace(",", "")


@pytest.mark.parametrize(("folder", "case"), CASES[:40], ids=[f"{c.file}:{c.line}:{c.name}" for _, c in CASES[:40]])
def test_a_bill_adds_up(folder, case):
    for plan, _, result in worded(folder, case):
        bill = explain(plan, result).case.bill
        assert bill.total == bill.in_policy + bill.class_b + bill.self_pay + bill.over_limit
        assert bill.total == sum(payment.amount for payment in bill.payments) + bill.left
        assert sum(bill.left_parts) == bill.left
        assert bill.assistance == result.pay


def test_data_of_every_step_holds_its_operands():
    folder, case = CASES[0]
    plan, records, result = next(iter(worded(folder, case)))
    data = explain(plan, result, records=records).data
    assert [step["name"] for step in data["steps"]] == [step.name for step in plan.program.steps]
    assert all(type(step["value"]) is int for step in data["steps"])
    assert data["pack"]["digest"].startswith("sha256:")


@pytest.mark.parametrize("size", [12, 20, 33, 78])
def test_wrapping_keeps_every_character_and_the_width(size):
    text = "起付线 3,000.00 元（按年度累计）：这次扣 1,234.56 元，再有 1,765.44 元才达到；详见 TH-3.2.2。𠮷野家住院。"
    lines = wrapped(text, indent=2, hanging=4, columns=size)
    assert "".join(line.strip() for line in lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= max(size, 20) for line in lines)
