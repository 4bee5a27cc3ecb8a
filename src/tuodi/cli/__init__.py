"""The command line ``tuodi``: parse, call the batch or the core, say it in Chinese (or JSON). The only door that reads files.

Commands live one to a module and are imported when asked for, so that the first answer comes at once. Exit codes: 0 done ·
1 problems were found · 2 wrong usage · 3 faults in input · 4 delegated values missing · 5 faults in a pack · 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

DONE, FOUND, USAGE, INPUT, MISSING, PACK, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["version"]):
        from tuodi import __version__

        print(f"tuodi {__version__}")
        return DONE
    from tuodi.cli.parser import parser_of

    given = parser_of().parse_args(arguments)
    return run(given.module, given)


def run(module: str, given: object) -> int:
    """Run a command's module, turning every expected error into plain lines on standard error."""
    from tuodi.cli.output import say_errors, say_line
    from tuodi.core.errors import InputErrors, MissingValues, PackErrors

    as_json = bool(getattr(given, "json", False))
    try:
        code: int = importlib.import_module(f"tuodi.cli.{module}").run(given)
        return code
    except MissingValues as error:
        return say_errors(error.faults, as_json=as_json, code=MISSING)
    except PackErrors as error:
        return say_errors(error.faults, as_json=as_json, code=PACK)
    except InputErrors as error:
        return say_errors(error.faults, as_json=as_json, code=INPUT)
    except OSError as error:
        return say_line(f"读写文件出错：{error.strerror or error}（{error.filename or ''}）。请检查路径、权限和磁盘空间。", as_json=as_json, code=INPUT)
    except KeyboardInterrupt:
        return say_line("已中断，没有写出任何结果文件。", as_json=as_json, code=INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
