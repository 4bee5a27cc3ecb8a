"""Questions on a terminal for what an estimate still lacks. An answer that cannot be read is asked for again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tuodi.batch.packs import pack_of, shelf
from tuodi.cli.output import say
from tuodi.cli.typed import day_of, fen_of, identity_code
from tuodi.cli.usage import UsageError
from tuodi.core.identities import IDENTITIES

AMOUNTS = (
    ("total", "医疗费总额（元）", True), ("full_self_pay", "其中全自费", False), ("over_limit", "其中超限价自费", False),
    ("class_b", "其中乙类先行自付", False), ("hifp", "基本医保已支付", False), ("hifmi", "大病保险已支付（回车：没有或由程序模拟）", False),
)  # fmt: skip


def ask(args: Any) -> None:
    """Fill in what the arguments lack."""
    say("逐项填写，回车用默认值，Ctrl+C 退出。")
    if not args.pack:
        args.pack = _choice("政策包", [(pack, pack_of(pack).name) for pack in shelf()])
    pack = pack_of(args.pack)
    if pack.delegated and not args.delegated and not args.sample_values:
        args.sample_values = _yes("没有给授权参数，用示例值吗？结果只供参考（Y/n）")
    if not args.identity:
        counting = [identity for category in pack.categories for identity in category.identities]
        args.identity = [
            _choice("身份", [(code, IDENTITIES[code]) for code in dict.fromkeys(counting)], read=identity_code)
        ]
    if not args.settled:
        args.settled = _answer("结算日期（回车：今天）", lambda text: text and str(day_of(text, "结算日期")))
    for name, question, required in AMOUNTS:
        held = getattr(args, name)
        if held is None or held == "0":
            given = _answer(question, _amount(required))
            setattr(args, name, given or held)


def _amount(required: bool) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text and not required:
            return ""
        fen_of(text, "金额")
        return text

    return read


def _yes(question: str) -> bool:
    return not _answer(question, str.lower).startswith("n")


def _choice(name: str, options: list[tuple[str, str]], *, read: Callable[[str], str] | None = None) -> str:
    """Return one of the options, chosen by its number or written out."""
    for number, (code, title) in enumerate(options, start=1):
        say(f"  {number:>2}  {title}（{code}）")

    def chosen(text: str) -> str:
        if text.isdigit() and 1 <= int(text) <= len(options):
            return options[int(text) - 1][0]
        if text in dict(options):
            return text
        if read is not None:
            return read(text)
        raise UsageError(f"请填 1 到 {len(options)} 的序号，或写全编号")

    return _answer(f"{name}（序号）", chosen)


def _answer(question: str, read: Callable[[str], str]) -> str:
    while True:
        try:
            text = input(f"{question}：").strip()
        except EOFError:
            raise UsageError("没有填完") from None
        try:
            return read(text)
        except UsageError as error:
            say(str(error))
