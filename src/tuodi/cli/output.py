"""How the command line says things: aligned tables, amounts, errors; or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from tuodi.core.errors import Fault
from tuodi.core.policy.describe_text import width_of

#: Errors printed before the rest is only counted.
SHOWN = 200


def say_json(data: Any) -> None:
    """Print data as JSON."""
    print(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def say_line(text: str, *, as_json: bool, code: int) -> int:
    """Print one error and return the exit code."""
    if as_json:
        say_json({"errors": [{"message": text}]})
    else:
        print(text, file=sys.stderr)
    return code


def say_errors(faults: Sequence[Fault], *, as_json: bool, code: int) -> int:
    """Print faults, as lines on standard error or as JSON on standard output, and return the exit code."""
    if as_json:
        say_json({"errors": [fault_data(f) for f in faults]})
        return code
    for one in faults[:SHOWN]:
        print(one, file=sys.stderr)
    if len(faults) > SHOWN:
        print(f"……还有 {len(faults) - SHOWN} 处错误未列出（用 --json 可看全部）", file=sys.stderr)
    print(f"共 {len(faults)} 处错误，没有写出结果。", file=sys.stderr)
    return code


def fault_data(one: Fault) -> dict[str, Any]:
    """Return a fault as plain data."""
    return {
        "code": one.code, "file": one.file, "line": one.line or None, "column": one.column, "value": one.value, "message": one.message,
    }  # fmt: skip


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Return an aligned table; Chinese characters are two wide; ``right`` names columns of amounts."""
    lines = [list(headers), *[list(row) for row in rows]]
    widths = [max(width_of(line[i]) for line in lines) for i in range(len(headers))]

    def cell(text: str, i: int) -> str:
        room = " " * (widths[i] - width_of(text))
        return room + text if i in right else text + room

    made = ["  ".join(cell(text, i) for i, text in enumerate(line)).rstrip() for line in lines]
    return "\n".join([made[0], "  ".join("-" * width for width in widths), *made[1:]])


class Progress:
    """A progress bar on standard error, only where somebody watches."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.stage = ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if not sys.stderr.isatty():
            return
        if stage != self.stage:
            from tqdm import tqdm

            self.close()
            self.bar, self.stage = tqdm(desc=stage, total=total, unit="行", leave=False), stage
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
