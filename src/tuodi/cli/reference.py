"""The reference page of the command line, ``docs/reference/cli.md``, written from the parsers so that it cannot be out of date."""

from __future__ import annotations

import argparse

from tuodi.cli.environment import VARIABLES
from tuodi.cli.exits import MEANINGS
from tuodi.cli.parser import build_parser, command_parsers
from tuodi.cli.usage import Parser, command_lines, written

HEAD = """# 命令行

由 `tuodi.cli.reference` 从程序生成，不要手改：`make reference`。文件格式见 [exchange.md](exchange.md)。

列有 `--json` 的命令可以加它：结果作为数据写到标准输出；出错时写 `{"errors": [{"code", "message", "file", "line", "column", "value"}]}`。
不加 `--json` 时，错误写到标准错误输出，一行一个：`[代码] 文件 第 n 行 “列名”列：哪里不对。怎么办。（值为“…”）`。

结果先写在旁边，全部成功才放到位；失败或中断什么也不留下。

## 退出码

| 码 | 意思 |
|---|---|
"""


def reference_text() -> str:
    """Return the page."""
    parser = build_parser()
    lines = [HEAD + "\n".join(f"| {code} | {says} |" for code, says in MEANINGS.items()), _environment()]
    lines += [_section(found) for found in (parser, *command_parsers(parser))]
    return "\n\n".join(lines) + "\n"


def _environment() -> str:
    rows = [f"| `{name}` | {says} | {'必需' if needed else ''} |" for name, says, needed in VARIABLES]
    return "\n".join(["## 环境变量", "", "| 名称 | 意思 | 正式使用 |", "|---|---|---|", *rows])


def _section(parser: Parser) -> str:
    depth = "##" if parser.prog.count(" ") < 2 else "###"
    parts = [f"{depth} `{parser.prog}`", parser.summary]
    rows = [
        f"| `{written(action, all_names=True)}` | {_cell(action)} |"
        for action in parser.visible()
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
    ]
    if rows:
        parts.append("\n".join(["| 参数 | 说明 |", "|---|---|", *rows]))
    if parser.examples:
        parts.append("```\n" + "\n".join(_example(command, says) for command, says in parser.examples) + "\n```")
    return "\n\n".join(parts)


def _cell(action: argparse.Action) -> str:
    says = action.help or ""
    return f"{says}{'（必需）' if action.required and action.option_strings else ''}"


def _example(command: str, says: str) -> str:
    return f"# {says}\n" + "\n".join(line.removeprefix("  ") for line in command_lines(command))
