"""The door: words to arguments, a command loaded and run, every kind of trouble answered plainly with its exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from tuodi.cli import exits
from tuodi.cli.parser import build_parser
from tuodi.cli.usage import UsageError

#: How a system asks a program to end: told to (kill, shutdown), or its terminal was closed.
ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    _forgiving_output()
    try:
        with _terminating():
            return _run(words)
    except UsageError as error:
        return _usage(error, as_json=as_json)
    except KeyboardInterrupt:
        print("已中断。没有写完的文件都已清除。", file=sys.stderr)
        return exits.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.DONE
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else exits.DONE


def _run(words: list[str]) -> int:
    parser = build_parser()
    args = parser.parse_args(words)
    if not args.command:
        raise UsageError("没有写命令。用 tuodi --help 看有哪些命令。", parser.format_usage())
    module, _, name = args.run.partition(":")
    command: Callable[[Any], int] = getattr(importlib.import_module(module), name)
    try:
        code = command(args)
        sys.stdout.flush()
        return code
    except (UsageError, BrokenPipeError):
        raise
    except Exception as error:
        return _answer(error, as_json=getattr(args, "json", False))


def _answer(error: Exception, *, as_json: bool) -> int:
    """Print what went wrong and return its exit code; what is nobody's input is our mistake, and is shown whole."""
    from tuodi.cli.output import print_faults
    from tuodi.core.engine.decide import E_MISSING
    from tuodi.core.errors import InputErrors, MissingValues, PackErrors, WordErrors

    if isinstance(error, OSError) and (error.filename or error.errno):
        from tuodi.cli.files import unusable

        if not error.filename:  # what is printed cannot be written: say it where it can, once
            as_json = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        error = unusable(error)
    if not isinstance(error, InputErrors):
        traceback.print_exception(error)
        print("[E-CRASH] 程序自身出错，不是您的文件有错。请把以上内容报给维护者。", file=sys.stderr)
        return exits.CRASHED
    print_faults(error.faults, as_json=as_json)
    if not as_json and any(fault.code == E_MISSING for fault in error.faults):
        print("录入值写在一个文件里，用 --delegated 给出；只想试用，可以加 --sample-values。", file=sys.stderr)
    kinds = {WordErrors: exits.USAGE, MissingValues: exits.MISSING, PackErrors: exits.PACK}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), exits.INPUT)


def _usage(error: UsageError, *, as_json: bool) -> int:
    if as_json:
        from tuodi.cli.output import print_json

        print_json({"errors": [{"code": "E-USAGE", "message": str(error)}]})
    else:
        print(f"{error.usage}[E-USAGE] {error}", file=sys.stderr)
    return exits.USAGE


def _forgiving_output() -> None:
    """Let a terminal that lacks a character show a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


@contextmanager
def _terminating() -> Iterator[None]:
    """Let a request to end be an interrupt, so that nothing is left half written."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A terminal that is closed asks too; whoever said to go on regardless (nohup) is obeyed.
    asked = [number for number in ENDINGS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
