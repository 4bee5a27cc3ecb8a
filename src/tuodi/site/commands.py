"""What an office does with a running county from the command line: serve, migrate, examine, back up, restore, the night's work.

Plain functions that print Chinese lines and return an exit code (0 good, 1 something is wrong); ``DJANGO_SETTINGS_MODULE`` and the
``TUODI_*`` variables are set by whoever calls them, before :func:`prepare`.
"""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import socket
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from tuodi.site import jobs

LOG = logging.getLogger("tuodi.jobs")
SHOWN = 20
#: Requests that one worker answers at once.
THREADS = 4
#: Connections that one worker keeps open: a browser holds up to six while its user reads, and an idle one must not shut out others.
CONNECTIONS = 512
#: Seconds in which workers finish what they answer when the county is stopped.
END_WITHIN = 20


def prepare() -> None:
    """Set Django up; may be called again."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.site.settings")
    django.setup()


def port_trouble(host: str, port: int) -> str:
    """Return why a port cannot be listened at; empty if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except PermissionError:
            return f"没有权限使用端口 {port}（1024 以下的端口要由 root 或 systemd 授权）。请换一个端口，如 --port 8000"
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"端口 {port} 已被别的程序占用（也许托底已经在运行）。请先停掉它，或换一个端口，如 --port {port + 1}"
            return f"不能在 {host}:{port} 上监听（{error.strerror or error}）。请检查 --host 是不是本机的地址"
    return ""


def serve(
    host: str = "127.0.0.1", port: int = 8000, workers: int = 2, *, tls: tuple[Path, Path] | None = None
) -> int:  # fmt: skip
    """Serve the county until stopped; on SQLite the tables are brought up to date first, on PostgreSQL that is asked for."""
    prepare()
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connection, connections

    if settings.PRODUCTION and not tls and not settings.HTTPS_ELSEWHERE:
        raise ImproperlyConfigured(
            "生产环境必须用 HTTPS：前面有代理的请设置 TUODI_HTTPS_ELSEWHERE=1，没有的请给出 --cert 和 --key"
        )
    if connection.vendor == "sqlite":
        code = migrate(quiet=True)
        if code:
            return code
    elif waiting := _unapplied():
        print(f"数据库有 {waiting} 项迁移没有执行。请先备份，再执行 tuodi migrate。", file=sys.stderr)
        return 1
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    print(address(host, port, is_secure=tls is not None))
    if settings.TUODI_DEMONSTRATION:
        print("这是演示：人、机构和单据都是虚构的，不可录入真实信息。")
    print("按 Ctrl+C 停止。", flush=True)
    connections.close_all()
    stop = threading.Event()
    threads = [
        threading.Thread(target=task, args=(stop,), name=name, daemon=True)
        for name, task in (("tuodi-jobs", jobs.work), ("tuodi-long", jobs.work_long))
    ]
    for thread in threads:
        thread.start()
    try:
        _granian(host, port, workers, tls)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    print("已停止。")
    return 0


def _granian(host: str, port: int, workers: int, tls: tuple[Path, Path] | None) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    # A forked worker would inherit what the jobs' threads hold at that instant: modules half loaded, and SQLite's word that this
    # process has locks which it does not have, so that its snapshots come apart (docs/decisions/0018).
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        "tuodi.site.served:application", address=host, port=port, interface=Interfaces.WSGI, workers=workers, websockets=False,
        log_level=LogLevels.warning, respawn_failed_workers=True, backpressure=CONNECTIONS, blocking_threads=THREADS,
        workers_kill_timeout=END_WITHIN, ssl_cert=tls[0] if tls else None, ssl_key=tls[1] if tls else None,
    ).serve()  # fmt: skip


def address(host: str, port: int, *, is_secure: bool = False) -> str:
    """Return where the county can be reached, as a line for people."""
    scheme = "https" if is_secure else "http"
    if host in ("0.0.0.0", "::"):  # noqa: S104  what was asked for is only said
        return (
            f"托底已启动：本机 {scheme}://127.0.0.1:{port}/ ，其他电脑用本机的主机名和端口 {port}（须列入 TUODI_HOSTS）"
        )
    return f"托底已启动：{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


def _unapplied() -> int:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(*, quiet: bool = False) -> int:
    """Bring the tables up to date."""
    prepare()
    from django.conf import settings
    from django.core.management import call_command

    Path(settings.HOME).mkdir(parents=True, exist_ok=True)
    waiting = _unapplied()
    if waiting:
        call_command("migrate", verbosity=0, skip_checks=True)
    if not quiet:
        print(f"已执行 {waiting} 项迁移。" if waiting else "数据库结构已是最新。")
    return 0


def doctor(*, as_json: bool = False) -> int:
    """Print how the county is, line by line or as data; 1 if something is wrong."""
    prepare()
    from tuodi.site.doctor import examine

    found = list(examine())
    if as_json:
        levels = {"好": "good", "注意": "look", "错误": "wrong"}
        rows = [{"level": levels[one.level], "what": one.what, "says": one.says, "todo": one.todo} for one in found]
        print(json.dumps({"checks": rows}, ensure_ascii=False, indent=2))
        return 1 if any(one.level == "错误" for one in found) else 0
    for one in found:
        print(one)
    wrong, look = (sum(1 for one in found if one.level == level) for level in ("错误", "注意"))
    print(f"共 {len(found)} 项：错误 {wrong}，注意 {look}。")
    return 1 if wrong else 0


def backup(path: Path, *, passphrase: str = "", portable: bool = False) -> int:
    """Write the county into one file."""
    prepare()
    from tuodi.site import backup as backups

    try:
        kept = backups.backup(Path(path), passphrase=passphrase, portable=portable)
    except backups.BackupError as error:
        print(error, file=sys.stderr)
        return 1
    size = kept.path.stat().st_size
    print(f"已备份 {kept.rows} 行到 {kept.path}（{size // 1024 or 1} KiB）。")
    if kept.has_keys:
        print("密钥已用口令加密放在备份里。忘记口令就无法取出，请与备份分开保管。")
    else:
        print(
            "备份不含密钥。请另行妥善保管 keys 目录（或环境变量里的密钥）：没有密钥，身份证号读不出来，审计链也无法验证。"
        )
    return 0


def restore(path: Path, *, passphrase: str = "") -> int:
    """Restore a county into an empty database and say whether it is what was backed up."""
    prepare()
    from tuodi.site import backup as backups

    try:
        found = backups.restore(Path(path), passphrase=passphrase)
    except backups.BackupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"已恢复 {found.rows} 行，行数与备份时一致。")
    _say_audit(found.audit)
    _say_books(found.books, repair=False)
    print("恢复成功。" if found.holds else "恢复的数据有问题，请勿启用，换一份备份再试。")
    return 0 if found.holds else 1


def audit_verify(*, as_json: bool = False, heads: Path | None = None) -> int:
    """Walk the audit chain, keep the verdict in the trail and say whether it holds, also against heads kept elsewhere."""
    prepare()
    from tuodi.base import anchors, audit

    try:
        elsewhere = anchors.parse(heads.read_text("utf-8").splitlines()) if heads else []
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    verdict = _walk()
    if verdict.holds and elsewhere:
        verdict = audit.verify(elsewhere)
    if as_json:
        said = {
            "holds": verdict.holds,
            "sealed": verdict.sealed,
            "unsealed": verdict.unsealed,
            "unsealed_seconds": verdict.unsealed_seconds,
            "broken_at": verdict.broken_at,
            "why": verdict.why,
        }
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        _say_audit(verdict)
    return 0 if verdict.holds else 1


def _walk() -> Any:
    from tuodi.apps.trail.actions import VerifyTrail
    from tuodi.base.system import system_user

    return VerifyTrail(actor=system_user()).run()


def audit_head() -> int:
    """Print the heads of the audit chain that were kept, to be printed or kept on another machine."""
    prepare()
    from tuodi.base import anchors

    heads = anchors.kept()
    print("\n".join(map(str, heads)) if heads else "还没有封存过审计记录。")
    return 0


def seal() -> int:
    """Seal the audit rows that are not yet."""
    prepare()
    from tuodi.base import audit

    print(f"已封存 {audit.seal()} 条审计记录。")
    return 0


def deliver() -> int:
    """Deliver every announcement that waits, those that follow from it included; return how many."""
    prepare()
    from tuodi.base import outbox

    told = 0
    while done := outbox.deliver():
        told += done
    return told


def export(area: str, folder: Path, *, as_json: bool = False) -> int:
    """Write an area's settlements, identities, institutions and policy as files, and say how to compute them again."""
    prepare()
    import shlex

    from tuodi.site.exporting import export as write

    made = write(area, folder)
    if as_json:
        told = {
            "people": made.people, "settlements": made.bills, "identities": made.identities, "institutions": len(made.institutions),
            "command": made.command, "notes": made.notes,
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return 0
    print(
        f"{made.people} 人、{made.bills} 笔结算、{made.identities} 项身份、{len(made.institutions)} 家机构，写到 {folder}。"
    )
    for note in made.notes:
        print(f"注意：{note}。")
    print(f"重新计算：\n  {shlex.join(made.command)}")
    return 0


def nightly(*, repair: bool = False) -> int:
    """Do the night's work: seal, deliver, fold every history and compare with the books; nothing else is written without ``repair``."""
    prepare()
    from tqdm import tqdm

    from tuodi.apps.reconciliation.daily import reconcile_day
    from tuodi.apps.registry.duplicates import complete_alike
    from tuodi.apps.settlement.models import Bill
    from tuodi.apps.settlement.nightly import KeepBooks, check_books
    from tuodi.base import clock
    from tuodi.base.system import system_user

    seal()
    complete_alike()
    told, late = 0, ""
    try:
        told = deliver()
    except Exception as error:
        LOG.exception("通知送达出错")
        late = str(error) or type(error).__name__
    print(f"已送达 {told} 条内部通知。" + (f"有一条送不到，下次再试：{late}" if late else ""))
    people = Bill.objects.values("psn_no").distinct().count()
    with tqdm(total=people, desc="重算", unit="人", disable=None) as bar:
        books = check_books(repair=repair, progress=bar.update)
    KeepBooks(actor=system_user(), books=books, is_repair=repair).run()
    _say_books(books, repair=repair)
    compared = reconcile_day(clock.today() - timedelta(days=1))
    wanting = sum(count for run in compared for kind, count in run.counts.items() if kind != "matched")
    print(f"昨日对账 {len(compared)} 家机构，差异 {wanting} 笔。")
    verdict = _walk()
    _say_audit(verdict)
    wrong = bool(books.differences) and not (repair and all(not d.why for d in books.differences))
    return 1 if wrong or late or not verdict.holds else 0


def _say_audit(verdict: Any) -> None:
    if verdict.holds:
        waiting = f"{verdict.unsealed} 条待封存"
        if verdict.unsealed:
            waiting += f"（最早的一条已等 {verdict.unsealed_seconds} 秒；封存以前被改、被删的，验证发现不了）"
        print(f"审计链完好：{verdict.sealed} 条已封存，{waiting}。")
    else:
        print(f"审计链被破坏：{verdict.why}（记录号 {verdict.broken_at}）。请立即保全数据库，报告审计监督岗。")


def _say_books(books: Any, *, repair: bool) -> None:
    from tuodi.apps.policies.queries import layer_names
    from tuodi.core.money import yuan_for_people

    if not books.differences:
        print(f"{books.people} 人、{books.bills} 笔结算重新计算，与账上分毫不差。")
        return
    print(f"{books.people} 人、{books.bills} 笔结算重新计算，{len(books.differences)} 处与账上不符：")
    for d in books.differences[:SHOWN]:
        if d.why:
            print(f"  人员 {d.psn_no} 算不出来：{d.why}")
        else:
            layer = layer_names(d.area).get(d.layer, d.layer)
            print(
                f"  结算 {d.setl_id}（{layer}）：账上 {yuan_for_people(d.entered_fen)}，应为 {yuan_for_people(d.earned_fen)}"
            )
    if len(books.differences) > SHOWN:
        print(f"  …… 其余 {len(books.differences) - SHOWN} 处从略")
    print(f"已为 {books.repaired} 人补记差额。" if repair else "没有改动任何数据。核实后可加 --repair 补记差额。")
