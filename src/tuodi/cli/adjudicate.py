"""``tuodi adjudicate``: a batch, with its summary."""

from __future__ import annotations

import sys
from typing import Any

from tuodi.cli import DONE
from tuodi.cli.inputs import plan_of, sample_note, samples_of
from tuodi.cli.output import SHOWN, Progress, fault_data, say_json, table
from tuodi.core.engine.plan import Plan
from tuodi.core.money import yuan, yuan_for_people


def run(given: Any) -> int:
    """Adjudicate files and print the summary."""
    plan = plan_of(given.pack, given.delegated, given.reading)
    from tuodi.batch.pipeline import Job, adjudicate

    progress = Progress()
    job = Job(
        plan, given.settlements, given.identities, given.out, applications=given.applications, institutions=given.institutions,
        bad_rows=given.bad_rows, keep_going=given.keep_going, threads=max(1, given.threads),
    )  # fmt: skip
    try:
        report = adjudicate(job, progress=progress)
    finally:
        progress.close()
    if given.json:
        say_json(as_data(report))
    else:
        for one in report.faults[:SHOWN]:
            print(one, file=sys.stderr)
        print(summary(plan, report, given))
    return DONE


def as_data(report: Any) -> dict[str, Any]:
    """Return a report as plain data, amounts in yuan text."""

    def sums(held: dict[str, tuple[int, int]]) -> dict[str, dict[str, Any]]:
        return {key: {"entries": count, "pay": yuan(fen)} for key, (count, fen) in held.items()}

    return {
        "settlements": report.settlements, "cancelled": report.cancelled, "entries": report.entries, "pay": yuan(report.paid_fen),
        "cut": yuan(report.cut_fen), "by_layer": sums(report.by_layer), "by_category": sums(report.by_category),
        "by_month": sums(report.by_month),
        "refusals": [{"clause": clause, "says": says, "count": count} for (clause, says), count in report.refusals.items()],
        "bad_rows": report.bad_rows, "fault_count": report.fault_count, "faults": [fault_data(f) for f in report.faults],
    }  # fmt: skip


def summary(plan: Plan, report: Any, given: Any) -> str:
    """Return the summary as people read it."""
    names = {layer.id: layer.name for layer in plan.layers}
    categories = {category.id: category.name for category in plan.pack.categories}
    parts = [
        f"{plan.pack.name}：{report.settlements:,} 笔结算（撤销 {report.cancelled:,} 笔），"
        f"救助合计 {yuan_for_people(report.paid_fen)}，写出 {report.entries:,} 行到 {given.out}。"
    ]
    if samples_of(plan):
        parts.append(sample_note(plan))
    if report.bad_rows:
        parts.append(f"有 {report.bad_rows:,} 行有错（共 {report.fault_count:,} 处），已另存，改正后可再算。")
    for title, held, called in (
        ("按救助层", report.by_layer, names), ("按救助类别", report.by_category, categories), ("按结算月份", report.by_month, {}),
    ):  # fmt: skip
        if held:
            rows = [(called.get(key, key) or "（无类别）", f"{count:,}", yuan_for_people(fen)) for key, (count, fen) in held.items()]
            parts.append(f"{title}\n" + table(("", "笔数", "金额"), rows, right=(1, 2)))
    if report.refusals:
        rows = [(clause, says, f"{count:,}") for (clause, says), count in list(report.refusals.items())[:12]]
        parts.append("不予救助\n" + table(("条款", "原因", "笔数"), rows, right=(2,)))
    return "\n\n".join(parts)
