"""Every command with its arguments, help and examples. Nothing is computed or loaded here: ``run`` names where to look."""

from __future__ import annotations

import argparse
from typing import Any

from tuodi import __version__
from tuodi.cli.exits import MEANINGS
from tuodi.cli.parser_county import add_county_commands
from tuodi.cli.usage import Parser, add_command, add_json

PROG = "tuodi"
SUMMARY = "托底：医疗救助的开放系统。按一个地方的政策包计算、解释、比较医疗救助，运行一个县的一站式结算。"
NOTES = (
    "退出码：" + "；".join(f"{code} {says}" for code, says in MEANINGS.items()) + "。",
    "各命令都有自己的说明：tuodi 命令 --help。加 --json 输出数据，错误也是数据：{\"errors\": […]}。",
)  # fmt: skip


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(prog=PROG, summary=SUMMARY, examples=(
        ("tuodi demo", "造一个演示的县，在本机打开网页"),
        ("tuodi pack list", "有哪些政策包"),
        ("tuodi synth --pack 999999-example --people 2000 --seed 1 --out demo", "造一个合成县来试"),
        ("tuodi adjudicate --pack 999999-example --settlements demo/settlements.csv --identities demo/identities.csv --sample-values --out demo/entries.csv", "批量计算"),
    ))  # fmt: skip
    parser.notes = NOTES
    parser.add_argument("-V", "--version", action="version", version=f"tuodi {__version__}", help="显示版本")
    commands = parser.add_subparsers(dest="command", metavar="命令", parser_class=Parser)
    for add in (_adjudicate, _explain, _estimate, _pack, _replay, _synth, _convert, _version):
        add(commands)
    add_county_commands(commands)
    return parser


def _policy(parser: Parser, *, required: bool = True) -> None:
    """Add what says which policy: pack, entered values, readings."""
    parser.add_argument("--pack", metavar="ID", required=required, help="政策包的编号或文件夹")
    _values(parser)
    parser.add_argument(
        "--reading", metavar="I-nn=读法", action="append", default=[], help="换一种释义，例如 I-04=stay；可写多次"
    )


def _policies(parser: Parser) -> None:
    """Add what says which policy, or which one after the other."""
    _policy(parser, required=False)
    parser.add_argument(
        "--policies",
        metavar="文件",
        help="先后施行的几份政策（YAML 列表：pack、from，可加 delegated、reading），代替 --pack",
    )


def _values(parser: Parser) -> None:
    parser.add_argument(
        "--delegated", metavar="文件", action="append", default=[], help="授权参数录入值（YAML），可写多次"
    )
    parser.add_argument(
        "--sample-values", action="store_true", help="没有录入的用随程序附带的示例值；只供试用，处处标明示例"
    )


def _files(parser: Parser) -> None:
    """Add the exchange files of a history."""
    parser.add_argument("--settlements", metavar="文件", required=True, help="结算文件（CSV 或 Parquet）")
    parser.add_argument("--identities", metavar="文件", required=True, help="身份名册")
    parser.add_argument("--applications", metavar="文件", help="申请文件（依申请救助）")
    parser.add_argument("--institutions", metavar="文件", help="机构文件（定点、等级、暂停服务）")


def _adjudicate(commands: Any) -> None:
    parser = add_command(commands, "adjudicate", "adjudicate:run", "批量计算：结算和身份文件进，救助结果出",
        ("tuodi adjudicate --pack 999999-example --settlements 结算.csv --identities 身份.csv --delegated 参数.yaml --out 结果.parquet", "CSV 或 Parquet 进出，认 UTF-8 和 GB 18030"),
        ("tuodi adjudicate … --reading I-04=stay --keep-going --bad-rows 坏行.csv", "换一种释义；有坏行也算完其余的，坏行另存"),
        ("tuodi adjudicate --policies 政策.yaml --settlements 结算.csv --identities 身份.csv --out 结果.csv", "期间换过政策：每笔按当天施行的一份算，同一份文件的年度累计连续计算"),
    )  # fmt: skip
    _policies(parser)
    _files(parser)
    parser.add_argument("--out", metavar="文件", required=True, help="结果文件，名字以 .csv 或 .parquet 结尾")
    parser.add_argument(
        "--keep-going", action="store_true", help="有坏行时写出其余的结果，坏行另存，改正后并回原文件重算"
    )
    parser.add_argument("--bad-rows", metavar="文件", help="结算文件的坏行写到哪里（默认在结果旁边）")
    parser.add_argument("--threads", metavar="数", type=int, default=2, help="计算用几个线程（默认 2）")
    parser.add_argument("--quiet", action="store_true", help="不显示进度")
    add_json(parser)


def _explain(commands: Any) -> None:
    parser = add_command(commands, "explain", "explain:run", "解释一笔结算：给病人看的，给审核人看的，一张瀑布图",
        ("tuodi explain --pack 999999-example --settlements 结算.csv --identities 身份.csv --sample-values S000123", "病人看的一页"),
        ("tuodi explain … S000123 --for auditor", "每一步的算式、条款、释义、参数来源"),
        ("tuodi explain … S000123 --svg 账单.svg", "从总额到自付的瀑布图"),
        ("tuodi explain --policies policies.yaml --settlements settlements.csv --identities identities.csv S000123", "期间换过政策：按那一笔当天施行的一份说"),
    )  # fmt: skip
    _policies(parser)
    _files(parser)
    _explained(parser)
    parser.add_argument("setl_id", metavar="结算号", help="要解释的结算")


def _explained(parser: Parser) -> None:
    parser.add_argument(
        "--for",
        dest="reader",
        choices=("patient", "auditor", "both"),
        default="patient",
        help="给谁看：病人、审核人、两者",
    )
    parser.add_argument("--svg", metavar="文件", help="另写一张瀑布图（SVG）")
    add_json(parser)


def _estimate(commands: Any) -> None:
    parser = add_command(commands, "estimate", "estimate:run", "估算：填一张账单和一个身份，看能救助多少、怎么算",
        ("tuodi estimate", "在终端里一项一项地问"),
        ("tuodi estimate --pack 999999-example --sample-values --identity dibao --settled 2024-05-01 --total 30000 --full-self-pay 2000 --class-b 1500 --hifp 18000", "一次写全"),
    )  # fmt: skip
    _policy(parser, required=False)
    parser.add_argument(
        "--identity",
        metavar="身份",
        action="append",
        default=[],
        help="身份代码或名称，可写起止日，如 dibao:2026-01-01:2026-12-31（默认一年前起）；可写多次",
    )
    parser.add_argument("--certified", metavar="日期", help="身份的认定日期")
    parser.add_argument("--applied", metavar="日期", help="身份的申请日期")
    parser.add_argument("--settled", metavar="日期", help="结算日期（默认今天）")
    parser.add_argument("--admitted", metavar="日期", help="入院日期（默认同结算日期）")
    parser.add_argument("--care", metavar="代码", default="21", help="医疗类别代码（默认 21 普通住院；14 门诊慢特病）")
    parser.add_argument("--diagnosis", metavar="编码", default="", help="主要诊断（ICD-10）")
    parser.add_argument("--disease-class", metavar="类别", default="", help="经办机构认定的疾病类别")
    parser.add_argument("--hosp-lv", metavar="等级", default="", help="医院等级（01 至 11）")
    parser.add_argument("--birth", metavar="日期", help="出生日期")
    parser.add_argument("--cause", metavar="原因", default="", help="外伤原因代码")
    parser.add_argument("--out-of-province", action="store_true", help="省外就医")
    parser.add_argument(
        "--referral", choices=("local", "filed", "unfiled"), default="local", help="转诊：本地、已备案、未备案"
    )
    parser.add_argument("--total", metavar="金额", help="医疗费总额（元）")
    parser.add_argument("--full-self-pay", metavar="金额", default="0", help="其中全自费")
    parser.add_argument("--over-limit", metavar="金额", default="0", help="其中超限价自费")
    parser.add_argument("--class-b", metavar="金额", default="0", help="其中乙类先行自付")
    for name, says in (
        ("hifp", "基本医保已支付"), ("hifmi", "大病保险已支付（不填：政策包能模拟的由程序模拟）"), ("hifob", "职工大额补助已支付"),
        ("cvlserv", "公务员补助已支付"), ("hifes", "企业补充医保已支付"), ("oth", "其他基金已支付"), ("supp", "补充商业保险已支付"),
        ("relief", "减免和其他帮扶"), ("maf", "上游医疗救助已付"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", metavar="金额", help=says)
    parser.add_argument("--earlier", metavar="金额", default="0", help="本年此前留给个人的政策范围内负担")
    _explained(parser)


def _pack(commands: Any) -> None:
    parser = add_command(commands, "pack", "packs:none", "政策包：列出、说明、检查、跑案例、比较、新建",
        ("tuodi pack show 999999-example", "用中文说一遍这份政策"),
        ("tuodi pack check 我的县/policy.yaml", "检查自己写的政策包"),
    )  # fmt: skip
    inner = parser.add_subparsers(dest="pack_command", metavar="命令", parser_class=Parser, required=True)
    listed = add_command(
        inner, "list", "packs:list_packs", "列出随程序来的政策包", ("tuodi pack list --json", "作为数据")
    )
    add_json(listed)
    shown = add_command(inner, "show", "packs:show", "用中文句子和表格说一份政策，每句带条款",
        ("tuodi pack show 999999-example --sample-values", "连同授权参数的录入值"), ("tuodi pack show 999999-example --markdown > 政策.md", "写成文档"))  # fmt: skip
    _one_pack(shown)
    _values(shown)
    shown.add_argument("--reading", metavar="I-nn=读法", action="append", default=[], help="换一种释义")
    shown.add_argument("--markdown", action="store_true", help="写成 Markdown")
    checked = add_command(inner, "check", "packs:check", "检查一份政策包：空缺、重叠、悬崖、读法、步骤的范围",
        ("tuodi pack check 999999-example", "有错误时退出码为 1"))  # fmt: skip
    _one_pack(checked)
    _values(checked)
    cases = add_command(inner, "cases", "packs:cases", "跑政策包旁边的案例，算到分",
        ("tuodi pack cases 999999-example", "不给授权参数时用示例值"), ("tuodi pack cases 999999-example --only 起付线", "只跑名字里有“起付线”的"),
        aliases=["test"])  # fmt: skip
    _one_pack(cases)
    _values(cases)
    cases.add_argument("--only", metavar="文字", default="", help="只跑名字里有这些字的案例")
    clauses = add_command(inner, "clauses", "packs:clauses", "条款登记：哪些条款还没有案例",
        ("tuodi pack clauses", "所有政策包"), ("tuodi pack clauses 999999-example --kind W --all", "一份政策包的所有流程类条款"))  # fmt: skip
    clauses.add_argument("pack", metavar="ID", nargs="*", help="政策包；不写为全部")
    clauses.add_argument(
        "--kind",
        choices=("R", "W", "F", "D", "V", "P", "all"),
        default="R",
        help="哪一类：R 计算（默认）、W 流程、F 资金、D 数据、V 监督、P 公示、all 全部",
    )
    clauses.add_argument("--all", action="store_true", help="有案例的也列出，写明几个")
    add_json(clauses)
    _pack_more(inner)


def _pack_more(inner: Any) -> None:
    new = add_command(inner, "new", "packs:new", "新建一份政策包的文件夹",
        ("tuodi pack new 999998-xinxian --name 新县医疗救助 --area 999998 --prefix XX", "在当前文件夹下新建"))  # fmt: skip
    new.add_argument("pack", metavar="ID", help="编号（也是文件夹名），如 999998-xinxian")
    new.add_argument("--id", metavar="编号", help="编号与文件夹名不同时写")
    new.add_argument("--name", metavar="名称", required=True, help="政策的名称")
    new.add_argument("--area", metavar="区划", required=True, help="六位区划代码")
    new.add_argument("--prefix", metavar="前缀", default="XX", help="条款号的前缀，两到四个大写字母")
    new.add_argument("--out", metavar="文件夹", default=".", help="建在哪里")
    add_json(new)
    compared = add_command(inner, "diff", "packs:diff", "两份政策包、两种释义或两个日期之间差在哪里",
        ("tuodi pack diff 999999-example 我的县", "两份之间"), ("tuodi pack diff 999999-example 999999-example --on 2023-06-01 --on-b 2026-01-01 --sample-values", "同一份在两个日期"))  # fmt: skip
    compared.add_argument("a", metavar="A", help="第一份")
    compared.add_argument("b", metavar="B", help="第二份")
    compared.add_argument(
        "--reading", "--reading-a", metavar="I-nn=读法", action="append", default=[], help="第一份的释义"
    )
    compared.add_argument("--reading-b", metavar="I-nn=读法", action="append", default=[], help="第二份的释义")
    compared.add_argument("--on", "--on-a", metavar="日期", help="看哪一天的数额")
    compared.add_argument("--on-b", metavar="日期", help="第二份看哪一天的数额（默认同 --on）")
    compared.add_argument(
        "--delegated-b", metavar="文件", action="append", default=[], help="第二份的授权参数（默认同第一份）"
    )
    _values(compared)
    add_json(compared)


def _one_pack(parser: Parser) -> None:
    parser.add_argument("pack", metavar="ID", help="政策包的编号或文件夹")
    add_json(parser)


def _replay(commands: Any) -> None:
    parser = add_command(commands, "replay", "replay:run", "重放：同一批历史按两份政策、两种释义或两个时间各算一遍，看谁多谁少",
        ("tuodi replay --pack 999999-example --reading-b I-04=stay --settlements 结算.csv --identities 身份.csv --sample-values", "换一种释义，看影响"),
        ("tuodi replay --pack 999999-example --pack-b 我的县 --years-b 1 … --out 差额.csv", "换一份政策，历史顺延一年以落在它的有效期内"),
    )  # fmt: skip
    _policy(parser)
    parser.add_argument("--pack-b", metavar="ID", help="第二份政策包（默认同第一份）")
    parser.add_argument("--reading-b", metavar="I-nn=读法", action="append", default=[], help="第二份的释义")
    parser.add_argument(
        "--delegated-b", metavar="文件", action="append", default=[], help="第二份的授权参数录入值（默认同第一份）"
    )
    parser.add_argument("--years", metavar="年数", type=int, default=0, help="第一份：历史整体移动几年再算")
    parser.add_argument("--years-b", metavar="年数", type=int, default=0, help="第二份：历史整体移动几年再算")
    _files(parser)
    parser.add_argument("--out", metavar="文件", help="逐笔差额（CSV 或 Parquet）")
    parser.add_argument("--top", metavar="数", type=int, default=20, help="列出差额最大的多少人（默认 20）")
    parser.add_argument("--quiet", action="store_true", help="不显示进度")
    add_json(parser)


def _synth(commands: Any) -> None:
    parser = add_command(commands, "synth", "synth:run", "造一个合成县：人、身份、结算，同样的种子同样的文件",
        ("tuodi synth --pack 999999-example --people 10000 --seed 7 --out demo --sample-values", "一万人，政策包施行后的第一个整年"),
    )  # fmt: skip
    _policy(parser)
    parser.add_argument("--people", metavar="人数", type=int, required=True, help="多少人")
    parser.add_argument("--seed", metavar="种子", type=int, default=1, help="随机种子（默认 1）")
    parser.add_argument("--out", metavar="文件夹", required=True, help="写到哪个文件夹")
    parser.add_argument("--first", metavar="日期", help="从哪一天（默认政策包施行后的第一个整年）")
    parser.add_argument("--last", metavar="日期", help="到哪一天")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv", help="文件格式")
    parser.add_argument("--fen", action="store_true", help="金额写成整数分（只限 parquet）")
    parser.add_argument("--area", metavar="区划", default="999901", help="机构的区划代码（默认虚构）")
    parser.add_argument("--quiet", action="store_true", help="不显示进度")
    add_json(parser)


def _convert(commands: Any) -> None:
    parser = add_command(commands, "convert", "convert:run", "国家接口的结算记录（JSON）与交换文件互相转换，检查恒等式 I1–I4",
        ("tuodi convert 接口.json 结算.csv", "方向由文件名决定"),
        ("tuodi convert 结算.csv 接口.json --entries 结果.csv", "把救助金额写回 maf_pay"),
    )  # fmt: skip
    parser.add_argument("source", metavar="来源", help="接口记录 .json/.jsonl，或交换文件 .csv/.parquet")
    parser.add_argument("target", metavar="目标", help=".csv 或 .json")
    parser.add_argument(
        "--default", metavar="字段=值", action="append", default=[], help="来源缺的字段取什么值；可写多次"
    )
    parser.add_argument("--generate-ids", action="store_true", help="缺的编号由程序编，列在 x_generated")
    parser.add_argument("--entries", metavar="文件", help="救助结果，转成接口记录时写入医疗救助支付")
    parser.add_argument("--keep-going", action="store_true", help="有坏行时写出其余的")
    add_json(parser)


def _version(commands: Any) -> None:
    parser = add_command(
        commands, "version", "version:run", "显示版本和随程序来的政策包", ("tuodi version --json", "作为数据")
    )
    add_json(parser)


def command_parsers(parser: Parser) -> list[Parser]:
    """Return every command's parser, those of commands inside commands too, in their order."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names = [choice.dest for choice in action._choices_actions]
            for name in names:
                found += [action.choices[name], *command_parsers(action.choices[name])]
    return found
