"""``tuodi synth``: a synthetic county for a pack."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tuodi.cli import exits
from tuodi.cli.files import staged_anew
from tuodi.cli.output import print_json
from tuodi.cli.plans import chosen
from tuodi.cli.progress import Progress
from tuodi.cli.typed import day_of
from tuodi.core.engine.plan import Plan
from tuodi.core.policy.check_look import delegated_in_part
from tuodi.core.policy.model import Layer


def run(args: Any) -> int:
    """Write the county's files and say what came out."""
    plan = chosen(args).plan()
    first, last = whole_year(plan)
    first = day_of(args.first, "起始日期") if args.first else first
    last = day_of(args.last, "截止日期") if args.last else (last if not args.first else date(first.year, 12, 31))
    identities = list(dict.fromkeys(i for category in plan.pack.categories for i in category.identities))
    from tuodi.batch.synth import FORMATS, county, summary

    with staged_anew(Path(args.out)) as inside, Progress(quiet=args.quiet, unit="人") as progress:
        done = 0

        def made(count: int) -> None:
            nonlocal done
            done += count
            progress("生成", done, args.people)

        figures = county(
            out_dir=inside, people=args.people, seed=args.seed, identities=identities, first=first, last=last,
            format=args.format, in_fen=args.fen, area=args.area, progress=made,
            layers=[layer.id for layer in plan.layers if layer.due == "application" and is_figured(plan, layer)],
        )  # fmt: skip
    other = [f"{name}.{kind}" for name in ("settlements", "identities") for kind in FORMATS if kind != args.format]
    older = [name for name in other if (Path(args.out) / name).exists()]
    if args.json:
        print_json({"out": args.out, "people": figures.people, "households": figures.households, "rows": dict(figures.rows),
                    "situations": dict(figures.situations), "first": str(first), "last": str(last), "older": older})  # fmt: skip
    else:
        print(f"写到 {args.out}：{first} 至 {last}\n{summary(figures)}")
        if older:
            print(f"注意：{args.out} 里还有以前生成的 {'、'.join(older)}，不是这一次的人")
    return exits.DONE


def is_figured(plan: Plan, layer: Layer) -> bool:
    """Say whether every value that a layer leaves to others is entered or a sample: where one is not, nobody can be told an amount."""
    return all(plan.entered.by_param.get(param) for param in delegated_in_part(layer.figures))


def whole_year(plan: Plan) -> tuple[date, date]:
    """Return the first whole calendar year in which a policy is in force, or its whole life if it has none."""
    year = plan.first.year + (plan.first > date(plan.first.year, 1, 1))
    first, last = date(year, 1, 1), date(year, 12, 31)
    return (first, last) if first <= plan.last else (plan.first, plan.last)
