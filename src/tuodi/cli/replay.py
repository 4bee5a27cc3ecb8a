"""``tuodi replay``: one history under two policies, readings or times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.cli import exits
from tuodi.cli.adjudicate import inputs_of
from tuodi.cli.files import out_path, refuse_overwriting
from tuodi.cli.output import amount, print_json, signed, table
from tuodi.cli.plans import choose, chosen, file_of, plan_for
from tuodi.cli.progress import Progress
from tuodi.cli.typed import whole
from tuodi.cli.usage import UsageError
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.words_case import pack_digest
from tuodi.core.errors import Together
from tuodi.core.money import yuan

if TYPE_CHECKING:
    from tuodi.batch.replay import Replay


def run(args: Any) -> int:
    """Compute both sides and print who gains and who loses."""
    top = whole(args.top, "--top", 0, 1_000_000)
    out = out_path(args.out, suffixes=(".csv", ".parquet")) if args.out else None
    if out is not None:
        refuse_overwriting(out, inputs_of(args))
    if not (args.pack_b or args.reading_b or args.delegated_b or args.years != args.years_b):
        raise UsageError("两份完全一样。请用 --pack-b、--reading-b、--delegated-b 或 --years-b 说明第二份是什么")
    plans = plan_for(args, plans_of)
    from tuodi.batch.examine import Files
    from tuodi.batch.replay import Side, replay

    files = Files(Path(args.settlements), Path(args.identities), file_of(args.applications), file_of(args.institutions))
    with Progress(quiet=args.quiet) as progress:
        found = replay(
            Side(plans[0], args.years),
            Side(plans[1], args.years_b),
            files,
            top=top,
            out=out,
            progress=progress,
        )
    if args.json:
        print_json(as_data(plans, found))
    else:
        print(as_text(args, plans, found))
    return exits.DONE


def plans_of(args: Any) -> tuple[Plan, Plan]:
    """Return the two plans; what is not said of the second is as the first."""
    readings = args.reading_b or (args.reading if not args.pack_b else [])
    delegated = args.delegated_b or args.delegated
    together, plans = Together(), []
    with together.heard():
        plans.append(chosen(args).plan())
    with together.heard():
        second = choose(args.pack_b or args.pack, readings, delegated=delegated, sample_values=args.sample_values)
        plans.append(second.plan())
    together.tell()
    return plans[0], plans[1]


def side_line(plan: Plan, years: int) -> str:
    """Return what one side is, in one line."""
    moved = f"，历史移动 {years:+d} 年" if years else ""
    return f"{plan.pack.pack}（{plan.pack.name}，sha256:{pack_digest(plan.pack)}）{moved}"


def readings_that_differ(plans: tuple[Plan, Plan]) -> list[str]:
    """Return the readings that both packs list and read differently."""
    a, b = (plan.pack.readings for plan in plans)
    return [
        f"{name}：{reading.default}（{reading.choices[reading.default].means}）→ {b[name].default}（{b[name].choices[b[name].default].means}）"
        for name, reading in a.items()
        if name in b and b[name].default != reading.default
    ]


def as_text(args: Any, plans: tuple[Plan, Plan], found: Replay) -> str:
    """Return the comparison as people read it."""
    names = {layer.id: layer.name for plan in reversed(plans) for layer in plan.layers}
    head = [f"第一份  {side_line(plans[0], args.years)}", f"第二份  {side_line(plans[1], args.years_b)}"]
    head += [f"释义    {text}" for text in readings_that_differ(plans)]
    parts = ["\n".join(head)]
    rows = [
        ("救助合计（元）", amount(found.before.paid_fen), amount(found.after.paid_fen), signed(found.change)),
        (
            "被限额截去（元）",
            amount(found.before.cut_fen),
            amount(found.after.cut_fen),
            signed(found.after.cut_fen - found.before.cut_fen),
        ),
    ]
    parts.append(table(("", "第一份", "第二份", "差额"), rows, right=(1, 2, 3)))
    parts.append(
        f"得到救助的 {found.people:,} 人中：{found.gaining:,} 人增加，共 {amount(found.gained)} 元；"
        f"{found.losing:,} 人减少，共 {amount(found.lost)} 元；{found.people - found.gaining - found.losing:,} 人不变。\n"
        f"涉及结算 {found.changed_settlements:,} 笔。"
    )
    if found.by_clause:
        clauses = [
            (row.clause, names.get(row.layer, row.layer), amount(row.before), amount(row.after), signed(row.change))
            for row in found.by_clause
        ]
        parts.append("按条款\n" + table(("条款", "救助层", "第一份", "第二份", "差额"), clauses, right=(2, 3, 4)))
    if found.refusals:
        rows = [(clause, says, f"{before:,}", f"{after:,}") for clause, says, before, after in found.refusals]
        parts.append("不予救助的笔数有变化的\n" + table(("条款", "原因", "第一份", "第二份"), rows, right=(2, 3)))
    if found.largest:
        people = [
            (p.psn_no, amount(p.before), amount(p.after), signed(p.change), p.largest_setl_id) for p in found.largest
        ]
        parts.append(
            "差额最大的人\n" + table(("人员", "第一份", "第二份", "差额", "变化最大的结算"), people, right=(1, 2, 3))
        )
    if args.out:
        parts.append(f"逐笔差额写到 {args.out}")
    return "\n\n".join(parts)


def as_data(plans: tuple[Plan, Plan], found: Replay) -> dict[str, Any]:
    """Return the comparison as plain data, amounts in yuan text."""
    return {
        "packs": [
            {"id": p.pack.pack, "digest": f"sha256:{pack_digest(p.pack)}", "readings": {n: r.default for n, r in p.pack.readings.items()}}
            for p in plans
        ],
        "before": yuan(found.before.paid_fen), "after": yuan(found.after.paid_fen), "change": yuan(found.change),
        "people": found.people, "gaining": found.gaining, "losing": found.losing, "gained": yuan(found.gained), "lost": yuan(found.lost),
        "changed_settlements": found.changed_settlements,
        "by_clause": [
            {"clause": r.clause, "layer": r.layer, "before": yuan(r.before), "after": yuan(r.after), "change": yuan(r.change),
             "settlements": r.settlements}
            for r in found.by_clause
        ],
        "refusals": [{"clause": c, "says": s, "before": before, "after": after} for c, s, before, after in found.refusals],
        "largest": [
            {"psn_no": p.psn_no, "before": yuan(p.before), "after": yuan(p.after), "change": yuan(p.change), "settlements": p.settlements,
             "largest_setl_id": p.largest_setl_id, "largest_change": yuan(p.largest_change)}
            for p in found.largest
        ],
    }  # fmt: skip
