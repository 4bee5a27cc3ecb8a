"""An argument parser that speaks Chinese and knows that a Chinese character is two columns wide.

``argparse`` does the parsing; help, usage and complaints are written here. What a command is, is in :mod:`.parser`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from tuodi.cli.output import width_of

WIDE, OPTION = 80, 24
#: What argparse says, and what people read.
COMPLAINTS = (
    (r"the following arguments are required: (.*)", "缺少必需的参数：{0}"),
    (r"unrecognized arguments: (.*)", "不认识的参数：{0}"),
    (r"argument (.*?): invalid choice: '(.*?)' \(choose from (.*)\)", "参数 {0} 不能是“{1}”，可用的有：{2}"),
    (r"argument (.*?): invalid (\w+) value: '(.*?)'", "参数 {0} 的值“{2}”写法不对"),
    (r"argument (.*?): expected (?:one|at least one) argument", "参数 {0} 后面要有值"),
    (r"argument (.*?): expected (\d+) arguments?", "参数 {0} 后面要有 {1} 个值"),
    (r"argument (.*?): not allowed with argument (.*)", "参数 {0} 不能和 {1} 同时用"),
    (r"one of the arguments (.*) is required", "以下参数要有一个：{0}"),
    (r"ambiguous option: (.*?) could match (.*)", "参数 {0} 不明确，可能是 {1}"),
    (r"argument (.*?): ignored explicit argument '(.*?)'", "参数 {0} 不带值，去掉“{1}”"),
    (r"argument (.*?): (.*)", "参数 {0}：{1}"),
)


class UsageError(Exception):
    """The command was not written as it must be."""

    def __init__(self, message: str, usage: str = "") -> None:
        super().__init__(message)
        self.usage = usage


def in_chinese(message: str) -> str:
    """Return a complaint of argparse in Chinese.

    >>> in_chinese("the following arguments are required: --pack")
    '缺少必需的参数：--pack'
    """
    for pattern, says in COMPLAINTS:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            return says.format(*match.groups()).replace("参数 命令 不能", "命令不能").replace("'", "")
    return message


class Parser(argparse.ArgumentParser):
    """A parser whose help has a summary, arguments, examples and exit codes."""

    def __init__(self, *, summary: str = "", examples: tuple[tuple[str, str], ...] = (), **kwargs: Any) -> None:
        super().__init__(add_help=False, allow_abbrev=False, **kwargs)
        self.summary, self.examples = summary, examples
        self.notes: tuple[str, ...] = ()
        self.add_argument("-h", "--help", action="help", help="显示这段说明")

    def error(self, message: str) -> NoReturn:
        raise UsageError(in_chinese(message), self.format_usage())

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Complain of what a command does not know with the usage of that command, not of the whole program."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest

    def format_usage(self) -> str:
        return "\n".join(self._usage()) + "\n"

    def _usage(self) -> list[str]:
        """Return the command with its arguments, broken between arguments only."""
        lines = [f"用法：{self.prog}"]
        for action in self.visible():
            form = written(action)
            word = form if action.required or not action.option_strings else f"[{form}]"
            if width_of(f"{lines[-1]} {word}") > WIDE:
                lines.append("     ")
            lines[-1] += f" {word}"
        return lines

    def visible(self) -> list[argparse.Action]:
        """Return the arguments that help tells, options after the others."""
        shown = [action for action in self._actions if action.help != argparse.SUPPRESS]
        positional = [action for action in shown if not action.option_strings]
        return [*(action for action in shown if action.option_strings), *positional]

    def format_help(self) -> str:
        lines = []
        if self.summary:
            lines += [*filled_lines(self.summary, 0), ""]
        lines += [*self._usage(), ""]
        lines += [*self._arguments(), *self._examples()]
        for note in self.notes:
            lines += [*filled_lines(note, 0), ""]
        return "\n".join(lines).rstrip() + "\n"

    def _arguments(self) -> Iterator[str]:
        commands = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        for found in commands:
            yield "命令："
            for name, help_text in subcommands(found):
                yield from told(name, help_text)
            yield ""
        others = [a for a in self.visible() if not isinstance(a, argparse._SubParsersAction)]
        positional = [a for a in others if not a.option_strings]
        for title, actions in (("参数：", positional), ("选项：", [a for a in others if a.option_strings])):
            if actions:
                yield title
                for action in actions:
                    yield from told(written(action, all_names=True), (action.help or "") % vars(action))
                yield ""

    def _examples(self) -> Iterator[str]:
        if self.examples:
            yield "示例："
            for command, says in self.examples:
                yield from filled_lines(f"# {says}", 2, hanging=4)
                yield from command_lines(command)
            yield ""


def add_command(
    commands: Any, name: str, where: str, summary: str, *examples: tuple[str, str], **kwargs: Any
) -> Parser:
    """Add a command that is run by ``where`` (module and function under ``tuodi.cli``)."""
    made: Parser = commands.add_parser(name, help=summary, summary=summary + "。", examples=examples, **kwargs)
    made.set_defaults(run=f"tuodi.cli.{where}")
    return made


def add_json(parser: Parser) -> None:
    """Let a command answer as data."""
    parser.add_argument("--json", action="store_true", help="输出 JSON")


def subcommands(action: argparse._SubParsersAction[Any]) -> list[tuple[str, str]]:
    """Return the names and summaries of commands, aliases left out."""
    return [(choice.dest, choice.help or "") for choice in action._choices_actions]


def written(action: argparse.Action, *, all_names: bool = False) -> str:
    """Return an argument as it is written: its names and what stands for its value."""
    if isinstance(action, argparse._SubParsersAction):
        return "命令 …"
    value = action.metavar if isinstance(action.metavar, str) else (action.dest.upper() if action.nargs != 0 else "")
    if action.choices is not None and action.metavar is None:
        value = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    if action.nargs in ("*", "+"):
        value = f"{value} …"
    if not action.option_strings:
        return f"[{value}]" if action.nargs in ("?", "*") else value
    names = ", ".join(action.option_strings) if all_names else action.option_strings[0]
    return f"{names} {value}".rstrip()


def told(name: str, says: str) -> Iterator[str]:
    """Yield an argument and what it means, the meaning in its own column."""
    first, *rest = filled_lines(says, 0, wide=WIDE - OPTION) or [""]
    if width_of(name) + 4 > OPTION:
        yield f"  {name}"
        yield " " * OPTION + first
    else:
        yield f"  {name}" + " " * (OPTION - 2 - width_of(name)) + first
    for line in rest:
        yield " " * OPTION + line


def command_lines(command: str) -> list[str]:
    """Return a command as it can be copied: broken at blanks only, with a mark that it goes on.

    >>> command_lines("tuodi pack list")
    ['  tuodi pack list']
    """
    lines, line = [], " "
    for word in command.split(" "):
        if width_of(f"{line} {word}") > WIDE - 2 and line.strip():
            lines.append(f"{line} \\")
            line = "     "
        line += f" {word}"
    return [*lines, line]


def filled_lines(text: str, indent: int, *, hanging: int | None = None, wide: int = WIDE) -> list[str]:
    """Return a text in lines of at most ``wide`` columns; words are not torn.

    >>> filled_lines("把结算文件算成结果文件", 2, wide=16)
    ['  把结算文件算', '  成结果文件']
    """
    hanging = indent if hanging is None else hanging
    lines: list[str] = []
    line, start = "", indent
    for word in re.findall(r"[!-~]+|.", text):
        if line.strip() and start + width_of(line + word) > wide and word not in "，。；：、）” ":
            lines.append(" " * start + line.rstrip())
            line, start = "", hanging
        line += word if line or word != " " else ""
    return [*lines, " " * start + line.rstrip()] if line.strip() else lines
