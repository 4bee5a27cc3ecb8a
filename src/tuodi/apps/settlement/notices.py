"""Who is told of an admission, and what came of it: the village contact (QD-2.1), the service team (TH-3.1.3).

An admission writes a notice for each that the policy names; it stands in the list of whoever works where the person lives until
somebody says what was done.
"""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.models import Notice
from tuodi.base import access, clock
from tuodi.base.action import Action
from tuodi.core.errors import InputErrors, declare, fault

E_ANSWERED = declare("E-NOTICE-ANSWERED", "这条入院通知已由他人确认", "请刷新页面")
E_RESPONSE = declare("E-NOTICE-RESPONSE", "没有写明办理情况", "请写明联系了谁、做了什么，不超过 400 字")
LONGEST = 400
STATES = {"open": "待确认", "answered": "已确认", "cancelled": "入院已撤销"}


def state_of(notice: Notice) -> str:
    """Return the state of a notice by its word in ``STATES``."""
    if notice.confirmed_at is not None:
        return "answered"
    return "cancelled" if notice.encounter.cancelled_at is not None else "open"


def notices_for(user: Any, *, state: str = "") -> QuerySet[Notice]:
    """Return the notices that a user may see, the newest first, each with the person's ``name`` and the ``place``'s."""
    rows = access.visible(user, Notice).select_related("encounter").annotate(
        name=Subquery(Person.objects.filter(psn_no=OuterRef("encounter__psn_no")).values("name")[:1]),
        place=Subquery(Institution.objects.filter(code=OuterRef("encounter__fixmedins_code")).values("name")[:1]),
    )  # fmt: skip
    if state == "answered":
        rows = rows.filter(confirmed_at__isnull=False)
    elif state in STATES:
        rows = rows.filter(confirmed_at__isnull=True, encounter__cancelled_at__isnull=state == "open")
    return rows.order_by("-pk")


class AnswerNotice(Action):
    """Say what was done about an admission; once."""

    verb = permissions.ANSWER_NOTICE

    def __init__(self, *, actor: Any, notice_id: int, response: str) -> None:
        super().__init__(actor=actor)
        self.notice_id, self.response = notice_id, response.strip()

    def check(self) -> None:
        access.get(self.actor, Notice, self.notice_id, self.verb)
        if not 0 < len(self.response) <= LONGEST:
            raise InputErrors([fault(E_RESPONSE)])

    def lock(self) -> None:
        self.notice = Notice.objects.select_for_update().get(pk=self.notice_id)
        if self.notice.confirmed_at is not None:
            raise InputErrors([fault(E_ANSWERED)])

    def write(self) -> Notice:
        self.notice.confirmed_at, self.notice.response = clock.now(), self.response
        self.notice.save(update_fields=["confirmed_at", "response"])
        return self.notice

    def audited(self, done: Notice) -> dict[str, Any]:
        data = {"told": done.told}
        return {"subject": "notice", "subject_id": str(done.pk), "area_code": done.area_code, "data": data}
