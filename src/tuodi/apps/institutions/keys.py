"""Keys of institutions' systems: made once, shown once, kept sealed."""

from __future__ import annotations

import re
import secrets as random
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.actions.base import E_DAYS, E_REASON
from tuodi.apps.institutions.models import ApiKey, Institution
from tuodi.base import access, clock, secrets
from tuodi.base.action import Action, refuse
from tuodi.base.models import User
from tuodi.base.prepared import Prepared
from tuodi.core.errors import InputErrors, declare, fault

E_KEY_NAME = declare("E-INST-KEY-NAME", "密钥名称“{name}”不能用", "请用 3 至 60 位字母、数字和连字符，例如 hb-his-1")
E_KEY_HELD = declare("E-INST-KEY-HELD", "已经有名为 {name} 的接口密钥", "名称不能重复使用，注销过的也不能；请换一个")
E_KEY_USER = declare(
    "E-INST-KEY-ACCOUNT", "账号“{user}”不是 {code} 的医院窗口账号，或已停用", "请选择本机构启用中的窗口账号"
)
E_REVOKED = declare("E-INST-KEY-REVOKED", "接口密钥 {name} 已经注销", "需要时请另发新的密钥")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,59}")


@dataclass(frozen=True)
class Key:
    """A usable key: its token and the account it acts as."""

    token: str
    user: User


def _valid(name: str, day: date) -> QuerySet[ApiKey]:
    within = Q(first__lte=day) & (Q(last__isnull=True) | Q(last__gte=day))
    return ApiKey.objects.filter(within, name=name, revoked_at__isnull=True, user__is_active=True).select_related(
        "user"
    )


VALID = Prepared(_valid, name=str, day=date)


def token_of(name: str, day: date) -> Key | None:
    """Return a key that is valid on a day."""
    held = next(iter(VALID(name=name, day=day)), None)
    if held is None:
        return None
    return Key(secrets.decrypt(bytes(held.token_sealed), bound_to=held.bound), held.user)


def accounts_of(institution: Institution) -> QuerySet[User]:
    """Return the accounts as which an institution's system may act: its own counter's, in use."""
    return User.objects.filter(role="hospital", institution_code=institution.code, is_active=True).order_by("username")


class IssueKey(Action):
    """Make a key for an institution's system; returns the token, which is never shown again."""

    verb = permissions.ISSUE_KEY

    def __init__(
        self, *, actor: Any, institution: Institution, name: str, user: User, last: date | None = None
    ) -> None:
        super().__init__(actor=actor)
        self.institution, self.name, self.user, self.last = institution, name.strip(), user, last

    def check(self) -> None:
        self.institution = access.get(self.actor, Institution, self.institution.pk, self.verb)

    def lock(self) -> None:
        Institution.objects.select_for_update(of=("self",)).get(pk=self.institution.pk)

    def decide(self) -> None:
        faults = []
        if not NAME.fullmatch(self.name):
            faults.append(fault(E_KEY_NAME, name=self.name))
        elif ApiKey.objects.filter(name=self.name).exists():
            faults.append(fault(E_KEY_HELD, name=self.name))
        if self.user not in accounts_of(self.institution):
            faults.append(fault(E_KEY_USER, user=self.user.username, code=self.institution.code))
        if self.last is not None and self.last < clock.today():
            faults.append(fault(E_DAYS, first=clock.today(), last=self.last))
        if faults:
            raise InputErrors(faults)

    def write(self) -> str:
        token = random.token_hex(32)
        made = ApiKey(
            institution=self.institution, name=self.name, user=self.user, first=clock.today(), last=self.last, recorded_at=clock.now()
        )  # fmt: skip
        made.token_sealed = secrets.encrypt(token, bound_to=made.bound)
        made.save(force_insert=True)
        return token

    def audited(self, done: str) -> dict[str, Any]:
        return {"subject": "api_key", "subject_id": self.name, "area_code": self.institution.area_code}


class RevokeKey(Action):
    """Let a key of an institution's system count no more."""

    verb = permissions.REVOKE_KEY

    def __init__(self, *, actor: Any, key: ApiKey, reason: str) -> None:
        super().__init__(actor=actor)
        self.key, self.reason = key.pk, reason.strip()

    def check(self) -> None:
        self.row = access.get(self.actor, ApiKey, self.key, self.verb)
        if not self.reason:
            raise refuse(E_REASON)

    def lock(self) -> None:
        self.row = ApiKey.objects.select_for_update(of=("self",)).select_related("institution").get(pk=self.key)
        if self.row.revoked_at:
            raise refuse(E_REVOKED, name=self.row.name)

    def write(self) -> ApiKey:
        self.row.revoked_at = clock.now()
        self.row.save(update_fields=["revoked_at"])
        return self.row

    def audited(self, done: ApiKey) -> dict[str, Any]:
        data = {"reason": self.reason}
        return {"subject": "api_key", "subject_id": done.name, "area_code": done.institution.area_code, "data": data}
