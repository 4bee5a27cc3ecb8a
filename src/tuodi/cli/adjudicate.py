"""``tuodi adjudicate``: a batch from files to a file, with its summary by layer, category and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.cli import exits
from tuodi.cli.files import out_path, refuse_overwriting, staged
from tuodi.cli.output import amount, fault_data, print_faults, print_json, table
from tuodi.cli.plans import file_of, plan_for, policy_line, sample_note
from tuodi.cli.policies import policies_of
from tuodi.cli.progress import Progress
from tuodi.cli.typed import whole
from tuodi.core.engine.versions import Period
from tuodi.core.engine.words_case import pack_digest
from tuodi.core.money import yuan

if TYPE_CHECKING:
    from tuodi.batch.pipeline import Report

INPUTS = ("settlements", "identities", "applications", "institutions", "delegated", "policies")
REFUSALS_SHOWN = 12


def run(args: Any) -> int:
    """Run the batch; nothing appears beside ``--out`` unless it ends well."""
    threads = whole(args.threads, "--threads", 1, 256)
    out = out_path(args.out, suffixes=(".csv", ".parquet"))
    refuse_overwriting(out, inputs_of(args))
    periods = plan_for(args, policies_of)
    plan, later = periods[-1].plan, periods if len(periods) > 1 else ()
    from tuodi.batch.pipeline import Job, adjudicate

    bad = out_path(args.bad_rows, suffixes=(".csv",)) if args.bad_rows else None
    with staged(out.parent) as inside, staged((bad or out).parent) as beside, Progress(quiet=args.quiet) as progress:
        job = Job(
            plan, Path(args.settlements), Path(args.identities), inside / out.name, applications=file_of(args.applications),
            institutions=file_of(args.institutions), bad_rows=beside / bad.name if bad else None, keep_going=args.keep_going,
            threads=threads, periods=later,
        )  # fmt: skip
        report = adjudicate(job, progress=progress)
    if args.json:
        print_json(as_data(periods, report, out))
    else:
        if report.faults:
            print_faults(report.faults, as_json=False)
        print(summary(periods, report, out))
    return exits.FOUND if report.bad_rows or report.fault_count else exits.DONE


def inputs_of(args: Any) -> list[str]:
    """Return every file that a command reads."""
    names: list[str] = []
    for name in INPUTS:
        given = getattr(args, name, None)
        names += given if isinstance(given, list) else [given] if given else []
    return names


def as_data(periods: Sequence[Period], report: Report, out: Path) -> dict[str, Any]:
    """Return a report as plain data, amounts in yuan text."""

    def sums(held: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, Any]]:
        return {key: {"entries": count, "pay": yuan(fen)} for key, (count, fen) in held.items()}

    packs = [{"id": p.plan.pack.pack, "digest": f"sha256:{pack_digest(p.plan.pack)}"} for p in periods]
    return {
        "pack": packs[-1], "packs": packs, "out": str(out),
        "settlements": report.settlements, "cancelled": report.cancelled, "entries": report.entries, "pay": yuan(report.paid_fen),
        "cut": yuan(report.cut_fen), "by_layer": sums(report.by_layer), "by_category": sums(report.by_category),
        "by_month": sums(report.by_month),
        "refusals": [{"clause": clause, "says": says, "count": count} for (clause, says), count in report.refusals.items()],
        "bad_rows": report.bad_rows, "fault_count": report.fault_count, "faults": [fault_data(one) for one in report.faults],
        "seconds": report.seconds,
    }  # fmt: skip


def summary(periods: Sequence[Period], report: Report, out: Path) -> str:
    """Return the summary as people read it."""
    plans = [period.plan for period in periods]
    layers = {layer.id: layer.name for plan in plans for layer in plan.layers}
    categories = {category.id: category.name for plan in plans for category in plan.pack.categories}
    parts = [
        f"{policy_lines(periods)}\n"
        f"结算 {report.settlements:,} 笔（撤销 {report.cancelled:,} 笔），结果 {report.entries:,} 条，写到 {out}\n"
        f"救助合计 {amount(report.paid_fen)} 元，被限额截去 {amount(report.cut_fen)} 元；用时 {report.seconds.get('total', 0):.1f} 秒"
    ]
    parts += list(dict.fromkeys(note for plan in plans for note in sample_note(plan)))
    if report.bad_rows:
        parts.append(
            f"有 {report.bad_rows:,} 行有错（共 {report.fault_count:,} 处），没有计算，已另存。\n"
            "改正后请并回原文件一起重算：同一个人的起付线和限额要看他的全部结算，单独算改正的行会算错。"
        )
    for title, held, names in (
        ("按救助层", report.by_layer, layers), ("按救助类别", report.by_category, categories), ("按结算月份", report.by_month, {}),
    ):  # fmt: skip
        if held:
            parts.append(f"{title}\n{sums_table(held, names)}")
    if report.refusals:
        rows = [
            (clause, says, f"{count:,}") for (clause, says), count in list(report.refusals.items())[:REFUSALS_SHOWN]
        ]
        parts.append("不予救助\n" + table(("条款", "原因", "笔数"), rows, right=(2,)))
    return "\n\n".join(parts)


def policy_lines(periods: Sequence[Period]) -> str:
    """Return which policies computed something, a line each, with their first days if there are several."""
    lines = [policy_line(period.plan, pack_digest(period.plan.pack)) for period in periods]
    if len(periods) == 1:
        return lines[0]
    return "\n".join(f"{period.first} 起：{line}" for period, line in zip(periods, lines, strict=True))


def sums_table(held: Mapping[str, tuple[int, int]], names: Mapping[str, str]) -> str:
    """Return counts and amounts by what they are counted by, with their sum."""
    rows = [(names.get(key, key) or "（无类别）", f"{count:,}", amount(fen)) for key, (count, fen) in held.items()]
    if len(rows) > 1:
        rows.append(("合计", f"{sum(c for c, _ in held.values()):,}", amount(sum(f for _, f in held.values()))))
    return table(("", "笔数", "金额（元）"), rows, right=(1, 2))
