"""Is the county well? One line for each thing that can be wrong, with what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import entered_values, params_of, plan_of, samples_in_force
from tuodi.apps.registry.models import ImportRun
from tuodi.base import audit, clock
from tuodi.base.models import Announcement, AuditEvent, User
from tuodi.core.errors import InputErrors
from tuodi.site.backup import KEYS

Level = Literal["好", "注意", "错误"]
GIB = 1024**3
#: A program of this year is not run before it.
FIRST_YEAR = 2026
WAITING_MINUTES, WAITING_DAYS = 15, 7


@dataclass(frozen=True)
class Found:
    """What a check says, and what to do."""

    level: Level
    what: str
    says: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.level:　<2} {self.what}：{self.says}{'。' + self.todo if self.todo else ''}"


def examine() -> Iterator[Found]:
    """Yield what every check finds; those that need a working database only if there is one."""
    yield from database()
    try:
        waiting = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield Found("错误", "数据库结构", f"读不出迁移记录（{error}）", "请先修复数据库连接")
        return
    yield from around()
    if waiting:
        yield Found("错误", "数据库结构", f"有 {len(waiting)} 项迁移没有执行", "请先备份，再执行 tuodi migrate")
        return
    yield Found("好", "数据库结构", "已是最新")
    for check in CHECKS:
        yield from check()


def database() -> Iterator[Found]:
    """Yield which database answers."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA journal_mode")
                mode = cursor.fetchone()[0]
                yield Found("好", "数据库", f"SQLite {connection.settings_dict['NAME']}（{mode}）")
                if settings.PRODUCTION:
                    yield Found(
                        "注意",
                        "数据库",
                        "生产环境在用 SQLite",
                        "多个窗口同时办理的县，请改用 PostgreSQL（TUODI_DATABASE）",
                    )
            else:
                cursor.execute("SHOW server_version")
                yield Found("好", "数据库", f"PostgreSQL {cursor.fetchone()[0]} {connection.settings_dict['NAME']}")
    except DatabaseError as error:
        yield Found(
            "错误",
            "数据库",
            f"连不上（{error}）",
            "请检查 TUODI_DATABASE 和数据库服务；还没有建过的请执行 tuodi migrate",
        )


def around() -> Iterator[Found]:
    """Yield what can be seen without the database."""
    yield from keys()
    yield from files()
    yield from disk()
    yield from static_files()
    yield from production()


def keys() -> Iterator[Found]:
    """Yield where the keys are and who can read them, and whether they are being changed."""
    if settings.TUODI_FIELD_KEY_OLD or settings.TUODI_INDEX_KEY_OLD:
        yield Found("注意", "密钥", "正在更换，旧钥还在", "请执行 tuodi keys rotate，再执行 tuodi keys retire")
    own = [name for name in KEYS if not os.environ.get(name)]
    if not own:
        yield Found("好", "密钥", "由环境变量给出")
        return
    folder = Path(settings.HOME) / "keys"
    missing = [name for name in own if not (folder / name.lower()).exists()]
    loose = [
        name for name in own if name not in missing and stat.S_IMODE((folder / name.lower()).stat().st_mode) & 0o077
    ]
    if missing:
        yield Found(
            "错误",
            "密钥",
            f"缺少 {'、'.join(missing)}",
            f"请把原来的密钥放回 {folder}；没有密钥读不出身份证号，也验不了审计链",
        )
    if loose:
        yield Found("错误", "密钥", f"{'、'.join(loose)} 别人也能读", f"请执行 chmod 600 {folder}/*")
    if not missing and not loose:
        yield Found("好", "密钥", f"{folder}，只有本账户能读")


def files() -> Iterator[Found]:
    """Yield whether others on this machine can read the database."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return
    path = Path(settings.DATABASES["default"]["NAME"])
    own = [one for one in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if one.exists()]
    loose = [one.name for one in own if stat.S_IMODE(one.stat().st_mode) & 0o077]
    if loose:
        yield Found("错误", "数据库文件", f"{'、'.join(loose)} 别人也能读", f"请执行 chmod 600 {path}*")
    elif own:
        yield Found("好", "数据库文件", "只有本账户能读")


def disk() -> Iterator[Found]:
    """Yield how much room is left."""
    free = shutil.disk_usage(settings.HOME).free
    says = f"{settings.HOME} 所在磁盘剩余 {free * 10 // GIB / 10:.1f} GiB"
    if free < GIB // 4:
        yield Found("错误", "磁盘", says, "请立即清理或扩容，写满后不能结算")
    elif free < 2 * GIB:
        yield Found("注意", "磁盘", says, "请尽快清理或扩容")
    else:
        yield Found("好", "磁盘", says)


def static_files() -> Iterator[Found]:
    """Yield whether the pages have their style."""
    found = finders.find("tuodi.css")
    if found:
        yield Found("好", "页面文件", "齐全")
    else:
        yield Found("错误", "页面文件", "找不到 tuodi.css", "请重新安装程序")


def production() -> Iterator[Found]:
    """Yield whether this is a place for real people."""
    if settings.TUODI_DEMONSTRATION:
        yield Found("注意", "用途", "这是演示：人、机构和单据都是虚构的", "不可录入真实信息")
    elif settings.PRODUCTION:
        yield Found("好", "用途", f"生产环境，主机 {'、'.join(settings.ALLOWED_HOSTS)}")
        if not settings.HTTPS_ELSEWHERE:
            yield Found(
                "注意",
                "用途",
                "没有说明前面有 HTTPS 代理",
                "有代理的请设置 TUODI_HTTPS_ELSEWHERE=1，没有的请用 tuodi serve --cert 证书 --key 私钥",
            )
    else:
        yield Found("注意", "用途", "没有按生产环境运行", "正式使用前请设置 TUODI_PRODUCTION=1 及它要求的各项")
    if settings.DEBUG:
        yield Found("错误", "用途", "调试开关是开的", "请关闭 DEBUG")


def time_of_day() -> Iterator[Found]:
    """Yield whether the clock can be true: not before the program, not before what was recorded, as the database has it."""
    now = clock.now()
    last = AuditEvent.objects.order_by("-pk").values_list("at", flat=True).first()
    if now.year < FIRST_YEAR:
        yield Found("错误", "时钟", f"现在是 {clock.local(now):%Y-%m-%d %H:%M}，不可能", "请校准服务器时间（NTP）")
        return
    if last is not None and last > now + timedelta(minutes=2):
        yield Found(
            "错误", "时钟", f"比最后一条审计记录（{clock.local(last):%Y-%m-%d %H:%M}）还早", "请校准服务器时间（NTP）"
        )
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart = abs((cursor.fetchone()[0] - now).total_seconds())
        if apart > 5:
            yield Found("注意", "时钟", f"与数据库服务器相差 {apart:.0f} 秒", "请让两台服务器都与 NTP 对时")
            return
    yield Found("好", "时钟", f"{clock.local(now):%Y-%m-%d %H:%M}（北京时间）")


def accounts() -> Iterator[Found]:
    """Yield whether accounts are guarded."""
    people = User.objects.filter(is_active=True).exclude(role__in=("system", "hospital"))
    if not people.exists():
        yield Found("注意", "账号", "还没有工作人员账号", "请执行 tuodi user add 开立系统管理员")
        return
    if not settings.TUODI_SECOND_FACTOR:
        yield Found(
            "注意" if settings.TUODI_DEMONSTRATION else "错误",
            "第二重验证",
            "已关闭",
            "只有演示可以关闭（TUODI_SECOND_FACTOR）",
        )
        return
    bare = people.exclude(pk__in=Authenticator.objects.values("user_id")).count()
    if bare:
        yield Found("注意", "第二重验证", f"{bare} 个账号还没有设置", "他们下次登录时必须先设置，长期不用的账号请停用")
    else:
        yield Found("好", "第二重验证", "所有账号都已设置")


def audit_chain() -> Iterator[Found]:
    """Yield whether the audit trail holds."""
    verdict = audit.verify()
    if not verdict.holds:
        yield Found(
            "错误", "审计链", f"{verdict.why}（记录号 {verdict.broken_at}）", "请立即保全数据库，报告审计监督岗"
        )
        return
    if verdict.unsealed_seconds > WAITING_MINUTES * 60:
        waits = f"{verdict.unsealed} 条没有封存，最早的一条已等 {verdict.unsealed_seconds // 60} 分钟；封存以前被改、被删的，验证发现不了"
        yield Found("注意", "审计链", waits, "服务运行时每两秒封存一次，请检查服务；停着的，执行 tuodi audit seal")
    else:
        yield Found("好", "审计链", f"{verdict.sealed} 条已封存，{verdict.unsealed} 条待封存")


def announcements() -> Iterator[Found]:
    """Yield whether news reaches those who wait for it."""
    before = clock.now() - timedelta(minutes=WAITING_MINUTES)
    waiting = Announcement.objects.filter(delivered_at__isnull=True, at__lt=before)
    if first := waiting.order_by("pk").first():
        says = f"{waiting.count()} 条超过 {WAITING_MINUTES} 分钟没有送达，最早的是 {first.fact}（{clock.local(first.at):%m-%d %H:%M}）"
        yield Found("注意", "内部通知", says, "请执行 tuodi nightly 并查看日志里的错误")
    else:
        yield Found("好", "内部通知", "没有积压")


def policies() -> Iterator[Found]:
    """Yield whether every policy in force can answer, and where it rests on samples."""
    areas = (
        Installation.objects.filter(approved_at__isnull=False)
        .values_list("area_code", flat=True)
        .order_by("area_code")
        .distinct()
    )
    if not areas:
        yield Found("注意", "政策", "还没有批准的政策包，不能结算", "请政策岗提交、审核岗批准")
    for area in areas:
        row = Installation.objects.filter(area_code=area, approved_at__isnull=False).order_by("-first").first()
        assert row is not None
        try:
            plan_of(row, entered_values(area))
        except InputErrors as errors:
            yield Found("错误", "政策", f"{area} 的“{row.pack}”算不出来：{errors.faults[0].message}")
            continue
        missing = [p.param for p in params_of(row) if p.is_missing]
        samples = len(list(samples_in_force(area)))
        if missing:
            yield Found(
                "注意",
                "政策",
                f"{area} 还有 {len(missing)} 项授权参数没有录入（{missing[0]} 等）",
                "用到时会拒绝并说明出处，请尽早录入",
            )
        if samples:
            yield Found("注意", "政策", f"{area} 有 {samples} 项示例值", "请换成查得的正式数值并写明来源")
        if not missing and not samples:
            yield Found("好", "政策", f"{area} 的“{row.pack}”自 {row.first} 起有效，参数齐全")


def stalled() -> Iterator[Found]:
    """Yield what waits for somebody for too long."""
    before = clock.now() - timedelta(days=WAITING_DAYS)
    undecided = {"approved_at__isnull": True, "refused_at__isnull": True, "proposed_at__lt": before}
    packs = Installation.objects.filter(**undecided).count()
    values = DelegatedValue.objects.filter(**undecided, withdrawn_at__isnull=True).count()
    rosters = ImportRun.objects.filter(state="previewed", at__lt=before).count()
    waiting = [
        f"{n} {what}"
        for n, what in ((packs, "个政策包待审核"), (values, "项参数待审核"), (rosters, "份名册只预览未导入"))
        if n
    ]
    if waiting:
        yield Found("注意", "积压", f"超过 {WAITING_DAYS} 天：{'，'.join(waiting)}", "请相关岗位办结或退回")
    else:
        yield Found("好", "积压", "没有")


CHECKS: tuple[Callable[[], Iterator[Found]], ...] = (
    time_of_day,
    accounts,
    audit_chain,
    announcements,
    policies,
    stalled,
)
