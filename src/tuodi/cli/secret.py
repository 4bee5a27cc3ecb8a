"""Secrets typed in: without echo on a terminal, or one line of the standard input where nobody sits before one."""

from __future__ import annotations

import getpass
import sys

from tuodi.cli.usage import UsageError


def ask_secret(what: str, *, twice: bool, from_stdin: bool) -> str:
    """Return what is typed; ``twice`` has it typed again, so that no slip of a finger locks anybody out."""
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        raise UsageError(f"没有终端可以输入{what}。请加 --stdin，从标准输入给出一行。")
    else:
        given = getpass.getpass(f"{what}（输入时不显示）：")
        if twice and getpass.getpass(f"再输一遍{what}：") != given:
            raise UsageError(f"两次输入的{what}不一样。")
    if not given:
        raise UsageError(f"没有输入{what}。")
    return given
