"""What has become of every mutant: a line of JSON for each function, kept with the repository so that runs add up.

A line holds for one text of a function (``digest``, of the function and its mutants); when the text changes its mutants run again. Of a
survivor it keeps what the mutant changes and, once somebody has read it, why that is no fault or which test notices it since.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

SURVIVED, KILLED, WITHOUT_END = "survived", "killed", "timeout"
UNREAD = "not read yet"
MARKS = ("<!-- the ledger, by python -m tests.mutation -->", "<!-- end of the ledger -->")


def function_of(mutant: str) -> str:
    """Return the function that a mutant is in.

    >>> function_of("tuodi.core.money.x_half_up__mutmut_12")
    'tuodi.core.money.x_half_up'
    """
    return mutant.partition("__mutmut_")[0]


def module_of(mutant: str) -> str:
    """Return the module that a mutant is in.

    >>> module_of("tuodi.core.money.x_half_up__mutmut_12"), module_of("tuodi.core.policy.figures.xǁMissingǁ__init____mutmut_2")
    ('tuodi.core.money', 'tuodi.core.policy.figures')
    """
    return mutant.partition(".x_")[0].partition(".xǁ")[0]


@dataclass
class Function:
    """A function and its mutants."""

    name: str
    digest: str
    mutants: dict[str, str]
    texts: set[str]


@dataclass
class Line:
    """What became of a function's mutants; ``survived`` by number: what it changes, and what was found on reading it."""

    function: str
    digest: str
    mutants: int
    texts: int
    killed: int
    without_end: int
    survived: dict[str, list[str]] = field(default_factory=dict)


class _Silent(ast.NodeTransformer):
    """Leaves out what no result can depend on: texts of assertions and exceptions, and that a zip asserts equal lengths."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in {"AssertionError", "ValueError"}:
            node.exc.args = []
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if ast.unparse(node.func) == "zip":
            node.keywords = []
        return self.generic_visit(node)


def functions_in(module: str, text: str) -> dict[str, Function]:
    """Return the functions with mutants of a module that mutmut has written."""
    found: dict[str, dict[str, ast.FunctionDef]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
            name, _, number = node.name.partition("__mutmut_")
            node.name = name
            found.setdefault(name, {})[number] = node
    out = {}
    for name, nodes in found.items():
        texts = {number: ast.unparse(node) for number, node in nodes.items()}
        digest = hashlib.sha256("\n".join(texts.values()).encode()).hexdigest()[:12]
        quiet = {number: ast.unparse(_Silent().visit(node)) for number, node in nodes.items()}
        original, of_all = texts.pop("orig"), quiet.pop("orig")
        out[f"{module}.{name}"] = Function(
            f"{module}.{name}", digest, {n: change(original, other) for n, other in texts.items()},
            {n for n in texts if quiet[n] == of_all},
        )  # fmt: skip
    return out


def change(old: str, new: str) -> str:
    """Return what a mutant changes, with a little of what stands around it.

    >>> change("def f(a):\\n    return a + g(1)", "def f(a):\\n    return a - g(1)")
    'return a + g(1) → return a - g(1)'
    """
    lines = [(a, b) for a, b in zip(old.splitlines(), new.splitlines(), strict=False) if a != b]
    before, after = lines[0] if lines else (old, new)
    pieces = [re.findall(r"\w+|\s+|.", text.strip()) for text in (before, after)]
    marks = [op for op in difflib.SequenceMatcher(None, *pieces, autojunk=False).get_opcodes() if op[0] != "equal"]
    first, last = max(0, marks[0][1] - 12), marks[-1][2] + 8
    tail = len(pieces[0]) - last
    said = pieces[0][first:last], pieces[1][first : len(pieces[1]) - tail if tail > 0 else None]
    return " → ".join("".join(piece).strip() for piece in said)


def shown(function: str) -> str:
    """Return a function's name as it is written.

    >>> shown("tuodi.core.engine.fold.x__prepare"), shown("tuodi.core.policy.figures.xǁResolverǁrate")
    ('core/engine/fold.py _prepare', 'core/policy/figures.py Resolver.rate')
    """
    module, _, name = function.rpartition(".")
    name = name.removeprefix("xǁ").replace("ǁ", ".") if name.startswith("xǁ") else name.removeprefix("x_")
    return f"{module.removeprefix('tuodi.').replace('.', '/')}.py {name}"


def read(path: Path) -> dict[str, Line]:
    """Return the ledger by function."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {line.function: line for line in (Line(**json.loads(text)) for text in lines)}


def write(path: Path, ledger: dict[str, Line], functions: dict[str, Function]) -> None:
    """Write the lines of functions that still are, in the order of the functions."""
    kept = [json.dumps(asdict(ledger[name]), ensure_ascii=False) for name in functions if name in ledger]
    path.write_text("".join(f"{line}\n" for line in kept), "utf-8")


def missing(ledger: dict[str, Line], functions: dict[str, Function]) -> list[str]:
    """Return the mutants of functions that the ledger does not know with this text."""
    new = [f for name, f in functions.items() if name not in ledger or ledger[name].digest != f.digest]
    return [f"{f.name}__mutmut_{n}" for f in new for n in f.mutants if n not in f.texts]


def survivors(ledger: dict[str, Line]) -> list[str]:
    """Return the mutants that have survived."""
    return [f"{line.function}__mutmut_{n}" for line in ledger.values() for n in line.survived]


def enter(ledger: dict[str, Line], functions: dict[str, Function], told: dict[str, str]) -> None:
    """Enter what was told of mutants: all of a function's, or some of those that had survived."""
    of: dict[str, dict[str, str]] = {}
    for mutant, state in told.items():
        of.setdefault(function_of(mutant), {})[mutant.rpartition("_")[2]] = state
    for name, states in of.items():
        function, line = functions[name], ledger.get(name)
        if line is not None and line.digest == function.digest:
            for n in [n for n in line.survived if states.get(n, SURVIVED) != SURVIVED]:
                del line.survived[n]
                line.killed += 1
        elif not set(function.mutants) - function.texts - set(states):
            counts = Counter(states.values())
            left = {n: [function.mutants[n], UNREAD] for n, state in states.items() if state == SURVIVED}
            ledger[name] = Line(
                name, function.digest, len(function.mutants), len(function.texts), counts[KILLED], counts[WITHOUT_END], left
            )  # fmt: skip


def table(ledger: dict[str, Line], functions: dict[str, Function]) -> str:
    """Return what became of the mutants of each file, and of each survivor what was found on reading it."""
    counts: dict[str, Counter[str]] = {}
    for name, function in functions.items():
        line = ledger.get(name)
        own = Counter(mutants=len(function.mutants), texts=len(function.texts))
        if line is not None and line.digest == function.digest:
            own += Counter(killed=line.killed, end=line.without_end, survived=len(line.survived))
        for file in (f"`{shown(name).split()[0]}`", "together"):
            counts[file] = counts.get(file, Counter()) + own
    out = [
        "| file | mutants | texts only | run | killed | ran without end | survived |",
        "|---|---|---|---|---|---|---|",
    ]
    for file, own in sorted(counts.items(), key=lambda pair: pair[0] == "together"):
        ran = own["killed"] + own["end"] + own["survived"]
        numbers = (own["mutants"], own["texts"], ran, own["killed"], own["end"], own["survived"])
        out.append(f"| {file} | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    out += ["", "| survivor | what it changes | as read |", "|---|---|---|"]
    for name in functions:
        for number, (changed, verdict) in ledger[name].survived.items() if name in ledger else ():
            said = changed.replace("|", "\\|")
            out.append(f"| `{shown(name)}` {number} | `{said}` | {verdict} |")
    return "\n".join(out)


def into_page(page: Path, text: str) -> None:
    """Write the table between its marks."""
    before, _, rest = page.read_text("utf-8").partition(MARKS[0])
    page.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{rest.partition(MARKS[1])[2]}", "utf-8")
