"""``tuodi convert``: settlement records of the national interface to exchange rows and back, their identities checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.cli import exits
from tuodi.cli.files import refuse_overwriting
from tuodi.cli.output import fault_data, print_faults, print_json, say
from tuodi.cli.typed import pairs_of
from tuodi.cli.usage import filled_lines
from tuodi.core.errors import Fault, InputErrors
from tuodi.core.money import yuan

if TYPE_CHECKING:
    from tuodi.batch.national import Report
    from tuodi.batch.national_checks import IdentityCheck


def run(args: Any) -> int:
    """Convert one file; a record whose binding identities fail is converted and told, with exit code 1."""
    from tuodi.batch.national import convert

    refuse_overwriting(Path(args.target), [args.source, args.entries])
    try:
        report = convert(
            args.source, args.target, defaults=pairs_of(args.default, "--default"), generate_ids=args.generate_ids,
            assistance=assistance_of(Path(args.entries)) if args.entries else None, keep_going=args.keep_going,
        )  # fmt: skip
    except InputErrors as errors:
        failing = list(_failing(Path(args.source)))
        if args.json:
            print_json({"errors": [fault_data(one) for one in errors.faults], "failed": _failed_data(failing)})
            return exits.INPUT
        for key, check in failing:
            if check.is_binding:
                say(f"恒等式不成立 {key}：{check}")
        say_grouped(errors.faults)
        return exits.INPUT
    if args.json:
        print_json(as_data(report))
    else:
        say_grouped(report.faults)
        print("\n".join(line for line in report.lines() if not line.startswith("[E-")))
    failed = any(check.is_binding for _, check in report.failed_checks)
    return exits.FOUND if failed or report.faults else exits.DONE


def say_grouped(faults: Iterable[Fault]) -> None:
    """Say the same fault of many records once, with how many and which; ``--json`` has each by itself."""
    groups: dict[tuple[object, ...], list[Fault]] = {}
    for one in faults:
        alike = tuple(field for field in one.fields if field[0] != "record")
        groups.setdefault((one.code, one.file, one.column, one.value, alike), []).append(one)
    for same in groups.values():
        records = [record for one in same if (record := dict(one.fields).get("record"))]
        if len(records) < 2:
            print_faults(same, as_json=False)
            continue
        fields = {**dict(same[0].fields), "record": f"{len(records)} 条记录"}
        say(str(replace(same[0], line=0, fields=tuple(fields.items()))))
        names = "、".join(dict.fromkeys(name.removeprefix("结算记录").strip() for name in records))
        say("\n".join(filled_lines(f"记录：{names}", 4, hanging=10)))


def _failing(source: Path) -> Iterator[tuple[str, IdentityCheck]]:
    """Yield which identities fail in records that cannot be converted, if they can be read at all."""
    from tuodi.batch.national import FAILS, check_identities, read_records

    if source.suffix not in (".json", ".jsonl", ".ndjson"):
        return
    try:
        records = read_records(source.read_text("utf-8"), file=source.name).records
    except (OSError, UnicodeDecodeError, InputErrors):
        return
    for record in records:
        for check in check_identities(record):
            if check.status == FAILS:
                yield record.key, check


def assistance_of(entries: Path) -> dict[str, int]:
    """Return what assistance pays for each settlement, in fen."""
    from tuodi.batch.columns import ENTRIES
    from tuodi.batch.reading import read_all

    frame, _, _ = read_all(entries, ENTRIES)
    paid: Counter[str] = Counter()
    for setl_id, fen in frame.select("setl_id", "pay").iter_rows():
        paid[setl_id] += fen
    return dict(paid)


def as_data(report: Report) -> dict[str, Any]:
    """Return a report as plain data."""
    return {
        "read": report.read, "written": report.written, "cancelling": report.cancelling, "passed_over": list(report.passed_over),
        "failed": _failed_data(report.failed_checks), "notes": report.notes,
        "faults": [fault_data(one) for one in report.faults],
    }  # fmt: skip


def _failed_data(checks: Iterable[tuple[str, IdentityCheck]]) -> list[dict[str, Any]]:
    return [
        {
            "record": key, "identity": check.identity, "is_binding": check.is_binding, "says": str(check),
            "left": None if check.left_fen is None else yuan(check.left_fen),
            "right": None if check.right_fen is None else yuan(check.right_fen),
        }
        for key, check in checks
    ]  # fmt: skip
