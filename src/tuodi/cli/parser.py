"""What can be asked on the command line, with examples. Only the standard library is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path

CODES = "退出码：0 完成 · 1 发现问题 · 2 用法不对 · 3 输入有误 · 4 缺少授权参数 · 5 政策包有误 · 130 中断"


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as written and says "用法"."""

    def add_usage(self, usage: object, actions: object, groups: object, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, prefix or "用法：")  # type: ignore[arg-type]


class _Parser(argparse.ArgumentParser):
    """Errors in Chinese."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage()
        self.exit(2, f"用法不对：{message}。运行 {self.prog} --help 查看说明。\n")


def parser_of() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(prog="tuodi", description="托底：医疗救助核算与解释", epilog=CODES, formatter_class=_Formatter, add_help=False)
    _help(parser)
    parser.add_argument("--version", action="store_true", help="显示版本")
    commands = parser.add_subparsers(title="命令", metavar="命令", required=True, parser_class=_Parser)
    _adjudicate(commands)
    _explain(commands)
    _estimate(commands)
    _pack(commands)
    _replay(commands)
    _synth(commands)
    _convert(commands)
    return parser


def _help(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-h", "--help", action="help", help="显示本说明")


def _add(commands: object, name: str, *, module: str, says: str, example: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(  # type: ignore[attr-defined]
        name, help=says, description=says, epilog=f"示例：\n{example}\n\n{CODES}", formatter_class=_Formatter, add_help=False
    )
    _help(made)
    made.add_argument("--json", action="store_true", help="输出 JSON，供程序使用")
    made.set_defaults(module=module)
    return made


def _plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", required=True, metavar="政策包", help="政策包编号或文件夹")
    parser.add_argument("--delegated", action="append", type=Path, default=[], metavar="文件", help="授权参数（YAML），可多次")
    parser.add_argument("--reading", action="append", default=[], metavar="I-05=whole", help="改用某条释义的另一种读法，可多次")


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settlements", required=True, type=Path, metavar="文件", help="结算文件（CSV 或 Parquet）")
    parser.add_argument("--identities", required=True, type=Path, metavar="文件", help="身份文件")
    parser.add_argument("--applications", type=Path, metavar="文件", help="申请文件（依申请的救助层）")
    parser.add_argument("--institutions", type=Path, metavar="文件", help="定点医药机构文件")


def _adjudicate(commands: object) -> None:
    made = _add(
        commands, "adjudicate", module="adjudicate", says="批量核算：结算和身份进，逐笔应付出",
        example="  tuodi adjudicate --pack 610900-ankang --settlements 结算.csv --identities 身份.csv \\\n"
        "      --delegated 授权参数.yaml --out 结果.csv\n"
        "  tuodi adjudicate … --out 结果.parquet --keep-going --bad-rows 待改.csv",
    )  # fmt: skip
    _plan(made)
    _files(made)
    made.add_argument("--out", required=True, type=Path, metavar="文件", help="结果文件，.parquet 结尾则为 Parquet")
    made.add_argument("--keep-going", action="store_true", help="有错的行另存，其余照算")
    made.add_argument("--bad-rows", type=Path, metavar="文件", help="有错的行写到哪里（默认在结果文件旁）")
    made.add_argument("--threads", type=int, default=2, help="计算线程数（默认 2）")


def _explain(commands: object) -> None:
    made = _add(
        commands, "explain", module="explain", says="解释一笔结算：给患者、给审计，或画成瀑布图",
        example="  tuodi explain --pack 610900-ankang --settlements 结算.csv --identities 身份.csv --delegated 授权参数.yaml S0001\n"
        "  tuodi explain … S0001 --for auditor\n  tuodi explain … S0001 --svg 瀑布图.svg",
    )  # fmt: skip
    _plan(made)
    _files(made)
    made.add_argument("setl_id", metavar="结算号")
    made.add_argument("--for", dest="reader", choices=["patient", "auditor"], default="patient", help="给谁看（默认患者）")
    made.add_argument("--svg", type=Path, metavar="文件", help="把账单瀑布图写成 SVG")


def _estimate(commands: object) -> None:
    made = _add(
        commands, "estimate", module="estimate", says="试算：输入一张账单和身份，立刻看到结果和理由",
        example="  tuodi estimate --pack 371072-weihai-edz --identity dibao --total 30000 --settled 2026-03-01\n"
        "  tuodi estimate --pack 610900-ankang --delegated 授权参数.yaml --identity dibao --total 80000 --hifp 40000\n"
        "  tuodi estimate --pack 371072-weihai-edz          （逐项提问）",
    )  # fmt: skip
    _plan(made)
    made.add_argument("--identity", action="append", default=[], metavar="身份", help="身份代码或名称，可多次；可写 dibao:2026-01-01:2026-12-31")
    made.add_argument("--settled", metavar="日期", help="结算日期（默认今天）")
    made.add_argument("--admitted", metavar="日期", help="入院日期")
    made.add_argument("--care", default="21", metavar="代码", help="医疗类别（默认 21 普通住院，14 门诊慢特病）")
    made.add_argument("--diagnosis", default="", metavar="ICD-10", help="主要诊断")
    made.add_argument("--disease", default="", metavar="类别", help="认定的疾病类别")
    made.add_argument("--birth", metavar="日期", help="出生日期")
    made.add_argument("--hosp-lv", default="", metavar="等级", help="医院等级（01 至 11）")
    made.add_argument("--referral", default="local", choices=["local", "filed", "unfiled"], help="转诊备案情况")
    made.add_argument("--cause", default="", help="受伤原因代码")
    for name, says in (
        ("total", "医疗费总额"), ("full-self-pay", "全自费"), ("over-limit", "超限价自费"), ("class-b", "乙类先行自付"),
        ("hifp", "基本医保支付"), ("hifmi", "大病保险支付"), ("hifob", "职工大额支付"), ("supp", "补充商业保险"), ("relief", "减免及帮扶"), ("maf", "上游医疗救助"),
    ):  # fmt: skip
        made.add_argument(f"--{name}", metavar="元", help=says)
    made.add_argument("--for", dest="reader", choices=["patient", "auditor"], default="patient")
    made.add_argument("--svg", type=Path, metavar="文件", help="把账单瀑布图写成 SVG")


def _pack(commands: object) -> None:
    pack: argparse.ArgumentParser = commands.add_parser(  # type: ignore[attr-defined]
        "pack", help="查看、检查、比较、新建政策包", description="查看、检查、比较、新建政策包", formatter_class=_Formatter, add_help=False,
        epilog=CODES,
    )  # fmt: skip
    _help(pack)
    under = pack.add_subparsers(title="子命令", metavar="子命令", required=True, parser_class=_Parser)
    _add(under, "list", module="pack_list", says="列出随附的政策包", example="  tuodi pack list")
    for name, says, example in (
        ("show", "用中文说明一个政策包，逐条带条款", "  tuodi pack show 610900-ankang --delegated 授权参数.yaml"),
        ("check", "检查政策包：空缺、重叠、死规则、断崖", "  tuodi pack check 我的政策包/"),
        ("cases", "运行政策包旁的算例", "  tuodi pack cases 610900-ankang --delegated 授权参数.yaml"),
    ):
        made = _add(under, name, module=f"pack_{name}", says=says, example=example)
        made.add_argument("pack", metavar="政策包")
        made.add_argument("--delegated", action="append", type=Path, default=[], metavar="文件")
        made.add_argument("--reading", action="append", default=[], metavar="I-05=whole")
    clauses = _add(under, "clauses", module="pack_clauses", says="列出没有算例的条款", example="  tuodi pack clauses\n  tuodi pack clauses 610900-ankang --kind R")
    clauses.add_argument("pack", nargs="*", metavar="政策包", help="默认全部")
    clauses.add_argument("--kind", default="R", help="条款类别字母，默认 R（可计算的规则）；all 为全部")
    new = _add(under, "new", module="pack_new", says="新建一个政策包的骨架", example="  tuodi pack new 我的政策包 --id 123456-somewhere --name 某县医疗救助 --area 123456")
    new.add_argument("folder", type=Path, metavar="文件夹")
    new.add_argument("--id", required=True, help="政策包编号，如 123456-somewhere")
    new.add_argument("--name", required=True, help="名称")
    new.add_argument("--area", required=True, help="六位区划代码")
    new.add_argument("--prefix", default="XX", help="条款号前缀，两到四个大写字母")
    diff = _add(under, "diff", module="pack_diff", says="比较两个政策包，或同一政策包的两种读法、两个日期", example="  tuodi pack diff 旧政策包/ 新政策包/\n  tuodi pack diff 610900-ankang 610900-ankang --reading-b I-04=stay")
    diff.add_argument("a", metavar="甲")
    diff.add_argument("b", metavar="乙")
    for side in ("a", "b"):
        diff.add_argument(f"--reading-{side}", action="append", default=[], metavar="I-05=whole")
        diff.add_argument(f"--delegated-{side}", action="append", type=Path, default=[], metavar="文件")
        diff.add_argument(f"--on-{side}", metavar="日期", help="只看这一天的数额")


def _replay(commands: object) -> None:
    made = _add(
        commands, "replay", module="replay", says="重放：同一段历史按两套政策各算一遍，谁多了、谁少了",
        example="  tuodi replay --pack 610900-ankang --settlements 结算.csv --identities 身份.csv --delegated 授权参数.yaml --reading-b I-04=stay\n"
        "  tuodi replay --pack 旧/ --pack-b 新/ --settlements 结算.csv --identities 身份.csv --out 差额.csv",
    )  # fmt: skip
    _plan(made)
    _files(made)
    made.add_argument("--pack-b", metavar="政策包", help="另一个政策包（默认同一个）")
    made.add_argument("--delegated-b", action="append", type=Path, metavar="文件", help="另一套授权参数（默认相同）")
    made.add_argument("--reading-b", action="append", metavar="I-05=whole", help="另一套读法（默认相同）")
    made.add_argument("--top", type=int, default=20, help="列出差额最大的多少笔（默认 20）")
    made.add_argument("--out", type=Path, metavar="文件", help="把全部差额写成 CSV")


def _synth(commands: object) -> None:
    made = _add(
        commands, "synth", module="synth", says="生成一个可信的合成县（全部为虚构数据）",
        example="  tuodi synth --pack 610900-ankang --people 10000 --seed 1 --out 合成县/",
    )  # fmt: skip
    made.add_argument("--pack", required=True, metavar="政策包")
    made.add_argument("--delegated", action="append", type=Path, default=[], metavar="文件")
    made.add_argument("--people", type=int, default=10000, metavar="人数")
    made.add_argument("--seed", type=int, default=1, metavar="种子", help="相同的种子生成相同的文件")
    made.add_argument("--out", required=True, type=Path, metavar="文件夹")
    made.add_argument("--format", choices=["csv", "parquet"], default="csv")
    made.add_argument("--first", metavar="日期", help="第一天（默认政策施行之日）")
    made.add_argument("--last", metavar="日期", help="最后一天（默认其后两年）")


def _convert(commands: object) -> None:
    made = _add(
        commands, "convert", module="convert", says="国家接口结算记录（JSON）与交换文件（CSV、Parquet）互转，并核对勾稽关系 I1 至 I4",
        example="  tuodi convert 结算记录.json 结算.csv --generate-ids --default psn_no=P1 --default diag_code=J18.9\n  tuodi convert 结算.csv 结算记录.json --entries 结果.csv",
    )  # fmt: skip
    made.add_argument("input", type=Path, metavar="输入")
    made.add_argument("output", type=Path, metavar="输出")
    made.add_argument("--default", action="append", default=[], metavar="字段=值", help="记录里没有的字段用什么补")
    made.add_argument("--generate-ids", action="store_true", help="缺少编号时生成演示用编号（会标明）")
    made.add_argument("--entries", type=Path, metavar="文件", help="核算结果，用来填医疗救助支付")
    made.add_argument("--keep-going", action="store_true", help="有错的记录跳过，其余照转")
