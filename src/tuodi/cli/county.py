"""Running a county: ``tuodi serve``, ``migrate``, ``doctor``, ``backup``, ``restore``, ``export``, ``audit``, ``nightly``, ``demo``.

Doors to :mod:`tuodi.site`, which is loaded when a command runs and not before. What keeps a county from starting is answered
with its own exit code, all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from tuodi.cli import exits
from tuodi.cli.output import print_json, say
from tuodi.cli.secret import ask_secret
from tuodi.cli.typed import whole
from tuodi.cli.usage import UsageError

Command = Callable[[Any], int]


def county(run: Command) -> Command:
    """Have a command answer a county that cannot start, or a database that does not answer, with what is wrong."""

    @wraps(run)
    def answered(args: Any) -> int:
        from django.core.exceptions import ImproperlyConfigured
        from django.db.utils import OperationalError, ProgrammingError

        try:
            return run(args)
        except ImproperlyConfigured as error:
            return not_ready(str(error).splitlines(), as_json=getattr(args, "json", False))
        except (OperationalError, ProgrammingError) as error:
            said = f"数据库用不了：{str(error).strip()}。请检查 TUODI_DATABASE 和数据库服务；还没有建表的请先执行 tuodi migrate"
            return not_ready([said], as_json=getattr(args, "json", False))

    return answered


def not_ready(lines: list[str], *, as_json: bool) -> int:
    """Print what keeps the county from starting and return its exit code."""
    if as_json:
        print_json({"errors": [{"code": "E-NOT-READY", "message": line} for line in lines]})
    else:
        for line in lines:
            say(f"[E-NOT-READY] {line}")
        if len(lines) > 1:
            say("各项环境变量的意思见 tuodi serve --help。")
    return exits.NOT_READY


@county
def serve(args: Any) -> int:
    """Serve the county until stopped."""
    from tuodi.site import commands

    whole(args.port, "--port", 1, 65535)
    whole(args.workers, "--workers", 1, 64)
    if bool(args.cert) != bool(args.key):
        raise UsageError("--cert 和 --key 要一起给")
    for path in (args.cert, args.key):
        if path and not Path(path).is_file():
            raise UsageError(f"找不到文件“{path}”")
    if trouble := commands.port_trouble(args.host, args.port):
        return not_ready([trouble], as_json=False)
    tls = (Path(args.cert), Path(args.key)) if args.cert else None
    return commands.serve(args.host, args.port, args.workers, tls=tls)


@county
def migrate(args: Any) -> int:
    """Bring the tables up to date."""
    from tuodi.site import commands

    return commands.migrate()


@county
def doctor(args: Any) -> int:
    """Say how the county is."""
    from tuodi.site import commands

    return commands.doctor(as_json=args.json)


@county
def backup(args: Any) -> int:
    """Write the county into one file."""
    from tuodi.site import commands

    passphrase = ask_secret("备份口令", twice=True, from_stdin=args.stdin) if args.with_keys else ""
    return commands.backup(Path(args.file), passphrase=passphrase, portable=args.portable)


@county
def restore(args: Any) -> int:
    """Restore a county into an empty database."""
    from tuodi.site import commands

    passphrase = ask_secret("备份口令", twice=False, from_stdin=args.stdin) if args.with_keys else ""
    return commands.restore(Path(args.file), passphrase=passphrase)


@county
def export(args: Any) -> int:
    """Write an area's settlements as exchange files."""
    from tuodi.site import commands

    return commands.export(args.area, Path(args.out), as_json=args.json)


@county
def audit_verify(args: Any) -> int:
    """Walk the audit chain."""
    from tuodi.site import commands

    return commands.audit_verify(as_json=args.json, heads=Path(args.heads) if args.heads else None)


@county
def audit_heads(args: Any) -> int:
    """List the heads of the chain."""
    from tuodi.site import commands

    return commands.audit_head()


@county
def audit_seal(args: Any) -> int:
    """Seal what is not yet sealed."""
    from tuodi.site import commands

    return commands.seal()


@county
def nightly(args: Any) -> int:
    """Do the night's work."""
    from tuodi.site import commands

    return commands.nightly(repair=args.repair)


@county
def demo(args: Any) -> int:
    """Make a served county to try things in, and serve it."""
    from tuodi.site import demonstration

    whole(args.people, "--people", 20, 100_000)
    whole(args.port, "--port", 1, 65535)
    return demonstration.run(
        Path(args.home), args.people, packs=args.pack, port=args.port, is_served=not args.no_serve, afresh=args.fresh
    )
