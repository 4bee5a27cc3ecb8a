"""``tuodi pack …``: the shelf, a pack in Chinese, its checks, its cases, the clauses without a case, differences, a new one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.batch.packs import cases_of, pack_of, shelf, source_of
from tuodi.cli import exits
from tuodi.cli.files import staged
from tuodi.cli.output import columns, fault_data, print_json, say, table, width_of
from tuodi.cli.plans import choose, chosen, values_for
from tuodi.cli.typed import day_of
from tuodi.cli.usage import UsageError
from tuodi.core.engine.words_case import pack_digest
from tuodi.core.errors import InputErrors, MissingValues, declare, fault
from tuodi.core.policy.load import load_pack

if TYPE_CHECKING:
    from tuodi.core.policy.check_look import Finding
    from tuodi.core.policy.model import Pack

E_EXISTS = declare("E-PACK-EXISTS", "已经有“{path}”这个文件夹", "请换一个名字，或先移走原来的")
WIDEST = 100


def list_packs(args: Any) -> int:
    """List the packs that come with the program."""
    packs = [pack_of(name) for name in shelf()]
    if args.json:
        print_json([
            {
                "id": p.pack, "name": p.name, "area": p.area, "title": p.document.title, "number": p.document.number,
                "first": in_force(p)[0], "last": in_force(p)[1], "example": p.example, "digest": f"sha256:{pack_digest(p)}",
            }
            for p in packs
        ])  # fmt: skip
    else:
        rows = [(p.pack, p.name + ("（编造的示例）" if p.example else ""), *in_force(p)) for p in packs]
        print(table(("编号", "名称", "施行", "截止"), rows))
    return exits.DONE


def in_force(pack: Pack) -> tuple[str, str]:
    """Return the first and last day of a pack as far as its text gives them."""
    force = pack.in_force
    first = "另定" if not hasattr(force.first, "isoformat") else str(force.first)
    last = "长期" if force.last is None else ("另定" if not hasattr(force.last, "isoformat") else str(force.last))
    return first, f"{force.years} 年" if force.years else last


def show(args: Any) -> int:
    """Say a pack in Chinese sentences and tables, each with its clause."""
    from tuodi.core.policy.describe import describe
    from tuodi.core.policy.describe_text import to_data, to_markdown, to_text

    policy = chosen(args)
    said = describe(policy.pack, policy.values)
    if args.json:
        print_json(to_data(said))
    elif args.markdown:
        print(to_markdown(said), end="")
    else:
        print(to_text(said, width=min(max(columns(), 60), WIDEST)), end="")
    return exits.DONE


def check(args: Any) -> int:
    """Check a pack; exit code 1 if it has errors."""
    from tuodi.core.policy.check import check, errors_of, open_warnings

    source = source_of(args.pack)
    findings = check(
        source, values_for(args.pack, load_pack(source), delegated=args.delegated, sample_values=args.sample_values)
    )
    errors, warnings = errors_of(findings), open_warnings(findings)
    if args.json:
        print_json(
            {
                "error_count": len(errors),
                "warning_count": len(warnings),
                "findings": [finding_data(finding) for finding in findings],
            }
        )
    else:
        for finding in findings:
            print(finding)
        print(
            f"{args.pack}：{len(errors)} 个错误，{len(warnings)} 个提醒，另有 {len(findings) - len(errors) - len(warnings)} 条说明或已接受的提醒。"
        )
    return exits.FOUND if errors else exits.DONE


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data."""
    accepted = {"reason": finding.accepted.reason, "by": finding.accepted.by} if finding.accepted else None
    return {
        "level": finding.level, **fault_data(finding.fault), "clause": finding.clause, "layer": finding.layer, "worked": finding.worked,
        "accepted": accepted,
    }  # fmt: skip


def cases(args: Any) -> int:
    """Run the worked cases beside a pack; exit code 1 if one does not hold."""
    from tuodi.core.policy.cases import run_case

    source = source_of(args.pack)
    wanted = args.sample_values or not args.delegated
    values = values_for(args.pack, load_pack(source), delegated=args.delegated, sample_values=wanted)
    ran, wrong = [case for case in cases_of(args.pack) if args.only in case.name], []
    for case in ran:
        try:
            found = [(m.what, m.expected, m.found) for m in run_case(source, case, values)]
        except MissingValues as error:
            found = [("授权参数", "已录入", str(error.faults[0]))]
        except InputErrors as errors:
            found = [
                ("写法", "按写法书写", (dict(one.fields).get("why") or str(one)).rstrip("。")) for one in errors.faults
            ]
        if found:
            wrong.append((case, found))
    if args.json:
        print_json({"ran": len(ran), "failed": [
            {"name": case.name, "file": case.file, "line": case.line, "clauses": case.clauses,
             "mismatches": [dict(zip(("what", "expected", "found"), one, strict=True)) for one in found]}
            for case, found in wrong
        ]})  # fmt: skip
    else:
        for case, found in wrong:
            print(f"✗ {case.file} 第 {case.line} 行 {case.name}（{'、'.join(case.clauses)}）")
            for what, expected, got in found:
                print(f"    {what}不对：{got}。" if what == "写法" else f"    {what}：应为 {expected}，算得 {got}")
        print(f"{args.pack}：{len(ran)} 个案例，{len(ran) - len(wrong)} 个符合，{len(wrong)} 个不符。")
    return exits.FOUND if wrong else exits.DONE


def clauses(args: Any) -> int:
    """Print the clauses of the register that no case cites; with ``--all`` every clause with how many do."""
    from tuodi.batch.registers import KINDS
    from tuodi.batch.registers import clauses as register

    names = args.pack or shelf()
    prefixes = {pack_of(name).in_force.clause.partition("-")[0] for name in names}
    cited = Counter(clause for name in names for case in cases_of(name) for clause in dict.fromkeys(case.clauses))
    rows = [row for row in register() if row.prefix in prefixes and (args.kind == "all" or args.kind in row.kinds)]
    told = [row for row in rows if args.all or not cited[row.id]]
    if args.json:
        print_json([
            {"clause": row.id, "section": row.section, "kinds": list(row.kinds), "asks": row.asks, "cases": cited[row.id]} for row in told
        ])  # fmt: skip
        return exits.DONE
    for row in told:
        kinds = "、".join(KINDS[kind] for kind in row.kinds)
        count = f"{cited[row.id]} 个案例" if cited[row.id] else "没有案例"
        print(f"{row.id}  {row.section}  {kinds}  {count}\n    {row.asks}")
    bare = sum(not cited[row.id] for row in rows)
    kind = "全部" if args.kind == "all" else f"{KINDS[args.kind]}类"
    print(f"{'、'.join(names)}：{kind}条款 {len(rows)} 条，{bare} 条没有案例。")
    return exits.DONE


def new(args: Any) -> int:
    """Make the folder of a new pack; nothing there is overwritten."""
    from tuodi.core.policy.template import new_pack

    given = Path(args.pack)
    pack = args.id or given.name
    folder = Path(args.out) / given
    if folder.exists():
        raise InputErrors([fault(E_EXISTS, path=folder)])
    if not (len(args.area) == 6 and args.area.isdigit()):
        raise UsageError(f"区划“{args.area}”应为六位数字")
    if not (2 <= len(args.prefix) <= 4 and args.prefix.isascii() and args.prefix.isupper() and args.prefix.isalpha()):
        raise UsageError(f"条款号前缀“{args.prefix}”应为两到四个大写字母")
    texts = new_pack(pack=pack, name=args.name, area=args.area, prefix=args.prefix)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with staged(folder.parent) as inside:
        (inside / folder.name).mkdir()
        for file, text in texts.items():
            (inside / folder.name / file).write_text(text, encoding="utf-8", newline="\n")
    if args.json:
        print_json({"folder": str(folder), "files": sorted(texts)})
    else:
        print(f"已建好 {folder}：{'、'.join(sorted(texts))}。改完运行 tuodi pack check {folder}")
    return exits.DONE


def diff(args: Any) -> int:
    """Print what differs between two packs, readings or days; exit code 1 if anything does."""
    from tuodi.core.policy.diff import KINDS, diff, on_day

    a = choose(args.a, args.reading, delegated=args.delegated, sample_values=args.sample_values)
    b = choose(args.b, args.reading_b, delegated=args.delegated_b or args.delegated, sample_values=args.sample_values)
    packs = [
        on_day(side.pack, side.values, day_of(day, "日期")) if day else side.pack
        for side, day in ((a, args.on), (b, args.on_b or args.on))
    ]
    changes = diff(packs[0], packs[1], a.values, b.values)
    if args.json:
        print_json([
            {"kind": c.kind, "where": c.where, "before": c.before, "after": c.after, "clause": c.clause, "path": c.path} for c in changes
        ])  # fmt: skip
    elif not changes:
        print("没有差异。")
    else:
        wide = max(width_of(says) for says in KINDS.values())
        for change in changes:
            kind = KINDS[change.kind]
            print(f"{kind:<{wide - width_of(kind) + len(kind)}}  {str(change).removeprefix(kind)}")
        say(f"共 {len(changes)} 处差异。")
    return exits.FOUND if changes else exits.DONE
