"""Accounts: added, deactivated, reactivated, a password or second factor given anew, a lock lifted; each with its audit row.

An administrator acts in the own area and below, never on the own account; the last administrator who answers for an area
stays. A job is never changed: an account is deactivated and another added, so that the trail says which job did what.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q

from tuodi.apps.accounts import permissions
from tuodi.apps.institutions.models import Institution
from tuodi.base import access
from tuodi.base.action import Action
from tuodi.base.models import User
from tuodi.core.errors import Fault, InputErrors, declare, fault

E_USERNAME = declare(
    "E-ACCOUNT-USERNAME",
    "用户名“{username}”不合要求",
    "请用 3 至 40 个小写字母、数字、点、短横或下划线，以字母或数字开头",
)
E_TAKEN = declare("E-ACCOUNT-TAKEN", "用户名“{username}”已经有人使用", "请换一个；停用的账号也占用用户名")
E_NAME = declare("E-ACCOUNT-NAME", "没有填写姓名，或超过 60 个字", "请填写使用人的真实姓名")
E_ROLE = declare("E-ACCOUNT-ROLE", "没有“{role}”这种岗位", "可选：{allowed}")
E_AREA = declare(
    "E-ACCOUNT-AREA", "辖区“{area}”不是 6、9 或 12 位区划代码，或不在您的辖区内", "请填写本辖区或下级的区划代码"
)
E_INSTITUTION = declare(
    "E-ACCOUNT-INSTITUTION",
    "机构编码“{code}”没有登记，或不在账号的辖区内",
    "医院窗口的账号须绑定一家已登记的定点医药机构",
)
E_UNBOUND = declare(
    "E-ACCOUNT-UNBOUND",
    "医院窗口的账号没有选机构，开出来也办不了结算",
    "请在“绑定机构”里选一家；列表里没有的，请县级经办岗先在“定点机构”登记",
)
E_NO_INSTITUTION = declare(
    "E-ACCOUNT-NO-INSTITUTION", "{role}的账号不绑定机构", "请把机构编码留空；只有医院窗口绑定机构"
)
E_PASSWORD = declare("E-ACCOUNT-PASSWORD", "密码不合要求：{why}", "请换一个不少于 10 位、不常见的密码")
E_SELF = declare(
    "E-ACCOUNT-SELF", "不能对自己的账号办理", "自己的密码和第二重验证在“账号安全”里改，其余请另一位管理员办理"
)
E_LAST = declare(
    "E-ACCOUNT-LAST-ADMINISTRATOR", "这是能管理 {area} 的最后一个系统管理员，不能停用", "请先开立另一个系统管理员账号"
)
E_STATE = declare("E-ACCOUNT-STATE", "这个账号已经是{state}状态", "请刷新页面")
E_NO_FACTOR = declare("E-ACCOUNT-NO-SECOND-FACTOR", "这个账号没有设置第二重验证", "不需要重设，使用人登录后会先设置")

#: Jobs that people have; the system's own account is made by the program.
JOBS = {role: name for role, name in access.ROLES.items() if role != "system"}
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")
AREA = re.compile(r"[0-9]{6}([0-9]{3}){0,2}")
NAME_LENGTH = 60
#: First passwords: letters and figures that are not taken for each other, in groups that can be read out.
ALPHABET, GROUPS, GROUP = "abcdefghjkmnpqrstuvwxyz23456789", 3, 4


def first_password() -> str:
    """Return a password that nobody can guess and that can be told over a telephone."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


@dataclass(frozen=True)
class Given:
    """An account with the password that it was given, which is kept nowhere."""

    user: User
    password: str


def _password_faults(password: str, user: User) -> list[Fault]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [fault(E_PASSWORD, why="；".join(text.rstrip("。") for text in error.messages))]
    return []


class AddAccount(Action):
    """Add an account of the actor's area; returns it with its first password, which must be changed at the first sign-in."""

    verb = permissions.ADD

    def __init__(
        self, *, actor: Any, username: str, name: str, role: str, area_code: str, institution_code: str = "", password: str = ""
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        self.password = password or first_password()
        self.made = User(
            username=username.strip(), name=name.strip(), role=role, area_code=area_code.strip(),
            institution_code=institution_code.strip().upper(), must_change_password=True,
        )  # fmt: skip

    def decide(self) -> None:
        made, faults = self.made, []
        if not USERNAME.fullmatch(made.username):
            faults.append(fault(E_USERNAME, username=made.username))
        elif User.objects.filter(username=made.username).exists():
            faults.append(fault(E_TAKEN, username=made.username))
        if not 0 < len(made.name) <= NAME_LENGTH:
            faults.append(fault(E_NAME))
        if made.role not in JOBS:
            faults.append(fault(E_ROLE, role=made.role, allowed="、".join(JOBS)))
        inside = made.area_code.startswith(access.area_prefix(self.actor.area_code))
        if not (AREA.fullmatch(made.area_code) and inside and self.actor.area_code):
            faults.append(fault(E_AREA, area=made.area_code))
        faults += self._institution_faults()
        faults += _password_faults(self.password, made)
        if faults:
            raise InputErrors(faults)

    def _institution_faults(self) -> list[Fault]:
        made = self.made
        if made.role != "hospital":
            wrong = made.institution_code and made.role in JOBS
            return [fault(E_NO_INSTITUTION, role=JOBS[made.role])] if wrong else []
        own = Institution.objects.filter(
            code=made.institution_code, area_code__startswith=access.area_prefix(made.area_code)
        )
        if not made.institution_code:
            return [fault(E_UNBOUND)]
        return [] if own.exists() else [fault(E_INSTITUTION, code=made.institution_code)]

    def write(self) -> Given:
        self.made.set_password(self.password)
        self.made.save(force_insert=True)
        return Given(self.made, self.password)

    def audited(self, done: Given) -> dict[str, Any]:
        made = done.user
        data = {"role": made.role, "area": made.area_code, "institution": made.institution_code}
        return {"subject": "account", "subject_id": str(made.pk), "area_code": made.area_code, "data": data}


class OnAccount(Action):
    """An action on another's account in the actor's area, locked together with the administrators whose number it may change."""

    account: User
    counts_administrators: ClassVar[bool] = False

    def __init__(self, *, actor: Any, account: User) -> None:
        super().__init__(actor=actor)
        self.key = account.pk

    def check(self) -> None:
        self.account = access.get(self.actor, User, self.key, self.verb)
        if self.account.pk == self.actor.pk:
            raise InputErrors([fault(E_SELF)])

    def lock(self) -> None:
        wanted = Q(pk__in=[self.key, self.actor.pk])
        if self.counts_administrators:
            wanted |= Q(role="administrator")
        rows = {row.pk: row for row in User.objects.select_for_update().filter(wanted).order_by("pk")}
        if not rows[self.actor.pk].is_active:
            raise PermissionDenied("您的账号已被停用")
        self.account = rows[self.key]

    def audited(self, done: Any) -> dict[str, Any]:
        own = self.account
        return {"subject": "account", "subject_id": str(own.pk), "area_code": own.area_code, "data": {"role": own.role}}


class Deactivate(OnAccount):
    """End an account: nobody signs in with it and its sessions are over. What was done with it stays in the trail."""

    verb = permissions.DEACTIVATE
    counts_administrators = True

    def decide(self) -> None:
        own = self.account
        if not own.is_active:
            raise InputErrors([fault(E_STATE, state="停用")])
        if own.role == "administrator" and not any(
            own.area_code.startswith(access.area_prefix(other.area_code))
            for other in User.objects.filter(role="administrator", is_active=True).exclude(pk=own.pk)
        ):
            raise InputErrors([fault(E_LAST, area=own.area_code)])

    def write(self) -> User:
        self.account.is_active = False
        self.account.save(update_fields=["is_active"])
        return self.account


class Reactivate(OnAccount):
    """Let an account be used again, with the password and second factor that it had."""

    verb = permissions.REACTIVATE

    def decide(self) -> None:
        if self.account.is_active:
            raise InputErrors([fault(E_STATE, state="启用")])

    def write(self) -> User:
        self.account.is_active = True
        self.account.save(update_fields=["is_active"])
        return self.account


class ResetPassword(OnAccount):
    """Give a first password anew and lift a lock; returns both. The account's sessions are over."""

    verb = permissions.RESET_PASSWORD

    def __init__(self, *, actor: Any, account: User, password: str = "") -> None:
        super().__init__(actor=actor, account=account)
        self.password = password or first_password()

    def decide(self) -> None:
        if faults := _password_faults(self.password, self.account):
            raise InputErrors(faults)

    def write(self) -> Given:
        self.account.set_password(self.password)
        self.account.must_change_password = True
        self.account.save(update_fields=["password", "must_change_password"])
        _lift(self.account)
        return Given(self.account, self.password)


class ResetSecondFactor(OnAccount):
    """Take a lost second factor and its recovery codes away: a new one is set up at the next sign-in, before any work."""

    verb = permissions.RESET_SECOND_FACTOR

    def decide(self) -> None:
        if not Authenticator.objects.filter(user=self.account).exists():
            raise InputErrors([fault(E_NO_FACTOR)])

    def write(self) -> User:
        Authenticator.objects.filter(user=self.account).delete()
        return self.account


class Unlock(OnAccount):
    """Lift the lock after too many wrong passwords, before it ends by itself."""

    verb = permissions.UNLOCK

    def write(self) -> User:
        _lift(self.account)
        return self.account


def _lift(account: User) -> None:
    AccessAttempt.objects.filter(username=account.username).delete()
