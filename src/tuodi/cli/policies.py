"""Policies that were in force one after the other, out of a small file (``tuodi export`` writes one).

A list, oldest first: ``pack`` (an id, or a folder beside the file), ``from`` (its first day), and, as the words of the command line
would be, ``delegated`` (files of entered values, beside the file) and ``reading`` (``I-nn=choice``).
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from tuodi.batch.packs import E_LIST, E_NO_FILE, SHELF, text_of
from tuodi.cli.plans import choose, chosen
from tuodi.cli.usage import UsageError
from tuodi.core.engine.versions import Period
from tuodi.core.errors import InputErrors, Together, declare, fault
from tuodi.core.policy.parse import parse_yaml

E_SHAPE = declare(
    "E-POLICIES-SHAPE",
    "第 {number} 份政策写法不对：{why}",
    "每份写 pack 和 from: yyyy-mm-dd，可加 delegated、reading 两个列表",
)
E_ORDER = declare("E-POLICIES-ORDER", "{day} 没有晚于前一份的 {before}", "请按起始日期从早到晚写，一天只写一份")
KEYS = {"pack", "from", "delegated", "reading"}


def policies_of(args: Any) -> tuple[Period, ...]:
    """Return the plans of ``--policies``, or the one of ``--pack``, which answers for every day."""
    if bool(args.pack) == bool(args.policies):
        raise UsageError("--pack 和 --policies 要写其中一个")
    if not args.policies:
        return (Period(chosen(args).plan(), date.min, None),)
    if args.delegated or args.reading:
        raise UsageError("写了 --policies，--delegated 和 --reading 就写在那个文件里")
    return periods_of(Path(args.policies), sample_values=args.sample_values)


def periods_of(path: Path, *, sample_values: bool = False) -> tuple[Period, ...]:
    """Return the plans of a file with the days between which each answers; all that is wrong is told at once."""
    if not path.exists():
        raise InputErrors([fault(E_NO_FILE, path=path)])
    document = parse_yaml(text_of(path), file=str(path), under="policies")
    items = document.data["policies"]
    if not isinstance(items, list) or not items:
        raise InputErrors([fault(E_LIST, file=str(path), line=1)])
    lines = [document.line(("policies", n)) for n in range(len(items))]
    wrong = [
        fault(E_SHAPE, file=str(path), line=line, number=number, why=why)
        for number, (item, line) in enumerate(zip(items, lines, strict=True), start=1) if (why := _why(item))
    ]  # fmt: skip
    if wrong:
        raise InputErrors(wrong)
    days = [date.fromisoformat(item["from"]) for item in items]
    wrong = [
        fault(E_ORDER, file=str(path), line=line, day=day, before=before)
        for (before, day), line in zip(pairwise(days), lines[1:], strict=True) if day <= before
    ]  # fmt: skip
    if wrong:
        raise InputErrors(wrong)
    return _plans(path.parent, items, days, sample_values=sample_values)


def _why(item: Any) -> str:
    if not isinstance(item, dict) or not item.get("pack") or not item.get("from"):
        return "缺少 pack 或 from"
    if more := sorted(set(item) - KEYS):
        return f"有多余的键 {'、'.join(more)}"
    for key in ("delegated", "reading"):
        if not isinstance(item.get(key, []), list) or not all(isinstance(one, str) for one in item.get(key, [])):
            return f"{key} 不是列表"
    try:
        date.fromisoformat(str(item["from"]))
    except ValueError:
        return f"from 不是日期（{item['from']}）"
    return ""


def _plans(folder: Path, items: list[Any], days: list[date], *, sample_values: bool) -> tuple[Period, ...]:
    together, made = Together(), []
    for item, (first, until) in zip(items, zip_longest(days, days[1:]), strict=True):
        with together.heard():
            pack = str(item["pack"])
            beside = pack if (SHELF / pack / "policy.yaml").exists() else str(folder / pack)
            values = [str(folder / name) for name in item.get("delegated", [])]
            chosen = choose(beside, item.get("reading", []), delegated=values, sample_values=sample_values)
            made.append(Period(chosen.plan(), first, until))
    together.tell()
    return tuple(made)
