"""The first page: what somebody with this job can do here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.apps.policies import queries as policies
from tuodi.apps.reconciliation import queries as reconciliation
from tuodi.apps.registry import queries as registry
from tuodi.base import access


@dataclass(frozen=True)
class Task:
    """A door on the first page and in the heading."""

    title: str
    says: str
    url: str


#: verb, title, what it is for, url name; a hospital finds people at its counter only.
TASKS = (
    ("settlement:presettle", "结算窗口", "没有联网接口的机构在这里办理：查就诊人、录费用，看清每一步再结算", "counter"),
    ("settlement:view", "结算查询", "本机构或本辖区的结算、撤销，每一笔怎么算、后来怎么变", "settlements"),
    ("reconciliation:view", "对账", "三方逐笔对账：谁缺、哪里不符，怎样补正", "reconciliation"),
    ("books:view", "夜间核账", "每夜把每个人的账重算一遍，与账上差一分也列出来", "books"),
    ("notice:view", "入院通知", "辖区内的人入院，要告知村（居）联系人或服务团队的；联系以后写明办理情况", "notices"),
    ("person:view", "人员查询", "辖区内的人员、身份和家庭，每条记录从哪里来", "people"),
    ("roster:view", "名册导入", "各部门送来的身份名册：先看差异和金额影响，再确认；可以撤销", "rosters"),
    ("person:merge", "重复人员", "可能是同一个人的几条记录：并列核对、看金额影响，再合并；可以撤销", "duplicates"),
    ("institution:view", "定点机构", "医院和药店：等级、协议、暂停结算、接口密钥", "institutions"),
    ("account:view", "账号管理", "辖区内谁有什么岗位、账号是否在用；系统管理员在这里开立和停用", "accounts"),
    ("audit:view", "审计记录", "辖区内谁在什么时候做了什么，审计链是否完好", "trail"),
    ("identity_code:set", "编码对照", "医保信息平台的本地身份编码对应哪一种身份", "identity-codes"),
    ("policy:view", "政策管理", "哪份政策在用、每个数从哪份文件来；提交、测算、审核", "policies"),
)
#: Doors that a job's verbs open and that it does not go through.
NOT_FOR = {("people", "hospital")} | {(door, "system") for door in ("people", "institutions", "accounts", "policies")}


def tasks_for(user: Any) -> list[Task]:
    """Return the doors that a user's job opens."""
    return [
        Task(title, says, reverse(url))
        for verb, title, says, url in TASKS
        if access.may(user, verb) and (url, user.role) not in NOT_FOR
    ]


def _policies_waiting(user: Any) -> int:
    installations = policies.installations_awaiting_approval(user).count() if access.may(user, "policy:approve") else 0
    values = policies.values_awaiting_approval(user).count() if access.may(user, "policy_value:approve") else 0
    return installations + values


def _deaths_waiting(user: Any) -> int:
    return registry.death_corrections_waiting(user).count() if access.may(user, "person:decide_death") else 0


def _mends_waiting(user: Any) -> int:
    return reconciliation.waiting(user).count() if access.may(user, "reconciliation:approve") else 0


#: Behind a door: how much of it waits for a decision of this user.
WAITING: dict[str, Callable[[Any], int]] = {
    "policies": _policies_waiting, "people": _deaths_waiting, "reconciliation": _mends_waiting
}  # fmt: skip


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the tasks of the user's job, and where something waits for a decision."""
    counts = {reverse(url): count(request.user) for url, count in WAITING.items()}
    return render(
        request, "home.html", {"tasks": [(door, counts.get(door.url, 0)) for door in tasks_for(request.user)]}
    )
