"""Institutions as offices see them: the list, one with everything known of it, and what may be done to it. Doors only.

A hospital's counter sees its own institution and changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tuodi.apps.institutions import permissions, queries
from tuodi.apps.institutions.actions import (
    ChangeInstitution,
    EndAgreement,
    LiftSuspension,
    MakeAgreement,
    RegisterInstitution,
    Suspend,
)
from tuodi.apps.institutions.forms import (
    AgreementForm,
    ChangeForm,
    EndForm,
    KeyForm,
    LiftForm,
    RegisterForm,
    RevokeForm,
    SuspendForm,
)
from tuodi.apps.institutions.keys import IssueKey, RevokeKey, accounts_of
from tuodi.apps.institutions.models import LEVELS, Agreement, ApiKey, Institution, Suspension
from tuodi.base import access, clock
from tuodi.base.doors import csv_download, page_of, said
from tuodi.core.errors import InputErrors

#: What the list may be ordered by.
ORDERS = {"code": "code", "name": "name", "level": "level", "area": "area_code"}
TIERS = {"tertiary": "三级", "secondary": "二级", "primary": "一级及以下"}


def _rows(request: HttpRequest) -> tuple[Any, dict[str, Any]]:
    """Return the institutions that the address asks for, and how the list is shown."""
    access.demand(request.user, permissions.VIEW)
    asked = {name: request.GET.get(name, "").strip()[:60] for name in ("text", "area", "tier", "state", "order")}
    order = asked["order"] if asked["order"].lstrip("-") in ORDERS else "code"
    rows = queries.institutions(
        request.user, on=clock.today(), text=asked["text"], area_code=asked["area"], tier=asked["tier"], state=asked["state"]
    )  # fmt: skip
    sign = "-" if order.startswith("-") else ""
    return rows.order_by(f"{sign}{ORDERS[order.lstrip('-')]}", "code"), {**asked, "order": order}


@login_required
def institutions(request: HttpRequest) -> HttpResponse:
    """List institutions as they stand today."""
    rows, shown = _rows(request)
    shown |= {
        "page": page_of(request, rows), "states": queries.STATES, "tiers": TIERS, "today": clock.today(),
        "filtered": any(shown[name] for name in ("text", "area", "tier", "state")),
        "may_register": access.may(request.user, permissions.CHANGE),
    }  # fmt: skip
    return render(request, "institutions/list.html", shown)


@login_required
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give the listed institutions as CSV; contacts are left out."""
    rows, _ = _rows(request)
    head = ("机构编码", "名称", "类型", "等级", "区划", "省外", "医保定点", "医疗救助定点", "暂停理由")
    lines = (
        (row.code, row.name, row.kind_name, row.level_name, row.area_code, "是" if row.is_out_of_province else "",
         "是" if row.is_designated else "", "是" if row.is_assistance else "", row.suspended_for or "")
        for row in rows.iterator(500)
    )  # fmt: skip
    return csv_download("institutions", head, lines)


@login_required
def institution(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one institution."""
    return _page(request, access.get(request.user, Institution, pk, permissions.VIEW))


def _page(request: HttpRequest, row: Institution, *, token: str = "", key_name: str = "") -> HttpResponse:
    user, day = request.user, clock.today()
    detail = queries.institution_in_detail(user, row.code, permissions.VIEW, on=day)
    may = {
        name: access.may(user, verb)
        for name, verb in (
            ("change", permissions.CHANGE), ("suspend", permissions.SUSPEND), ("lift", permissions.LIFT),
            ("issue", permissions.ISSUE_KEY), ("revoke", permissions.REVOKE_KEY),
        )
    }  # fmt: skip
    shown = {
        "detail": detail, "row": row, "may": may, "token": token, "key_name": key_name, "today": day,
        "agreements": [(one, queries.state_on(one, day)) for one in detail.agreements],
        "suspensions": [(one, queries.state_on(one, day)) for one in detail.suspensions],
        "levels": [(one, LEVELS.get(one.before, "没有"), LEVELS.get(one.after, "没有")) for one in detail.levels],
        "keys": [(key, key.last is not None and key.last < day) for key in detail.keys], "trail": queries.trail_of(user, row),
    }  # fmt: skip
    return render(request, "institutions/detail.html", shown)


def _fill_in(
    request: HttpRequest, form: Any, act: Callable[[dict[str, Any]], object], *, row: Institution | None, done: str, **shown: Any
) -> HttpResponse:  # fmt: skip
    """Show a form; sent and in order, run the action and lead back to the institution."""
    wrong: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            made = act(form.cleaned_data)
        except InputErrors as error:
            wrong = said(error)
        else:
            messages.success(request, done)
            return redirect("institution", pk=row.pk if row else made.pk)  # type: ignore[attr-defined]
    return render(request, "institutions/form.html", {"form": form, "wrong": wrong, "row": row, **shown})


@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Register an institution."""
    access.demand(request.user, permissions.CHANGE)
    area = str(getattr(request.user, "area_code", ""))
    form = RegisterForm(request.POST or None, initial={"area_code": area}, within=access.area_prefix(area))
    return _fill_in(
        request, form, lambda data: RegisterInstitution(actor=request.user, **data).run(), row=None,
        done="机构已登记。定点协议请接着签订。", title="登记机构", button="登记",
    )  # fmt: skip


@login_required
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an institution's name, type, level or contacts."""
    row = access.get(request.user, Institution, pk, permissions.CHANGE)
    form = ChangeForm(request.POST or None, initial=ChangeForm.initial_of(row))
    return _fill_in(
        request, form, lambda data: ChangeInstitution(actor=request.user, institution=row, **data).run(), row=row,
        done="已修改。", title="修改机构信息", button="保存",
    )  # fmt: skip


@login_required
def make_agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an agreement."""
    row = access.get(request.user, Institution, pk, permissions.CHANGE)
    form = AgreementForm(request.POST or None, initial={"first": clock.today()})
    return _fill_in(
        request, form, lambda data: MakeAgreement(actor=request.user, institution=row, **data).run(), row=row,
        done="协议已登记。", title="签订协议", button="登记协议",
        note="医疗救助定点从医保定点机构中择优确定：没有医保定点协议的，不能签医疗救助定点协议。",
    )  # fmt: skip


@login_required
def end_agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """End an agreement after a day."""
    row = access.get(request.user, Agreement, pk, permissions.CHANGE)
    form = EndForm(request.POST or None, initial={"last": clock.today()})
    note = f"{row.get_kind_display()}协议 {row.number}（{row.first} 至 {row.last or '长期'}）"  # type: ignore[attr-defined]
    return _fill_in(
        request, form, lambda data: EndAgreement(actor=request.user, agreement=row, **data).run(), row=row.institution,
        done="协议已终止。", title="终止协议", button="确认终止", danger=True, note=note,
    )  # fmt: skip


@login_required
def suspend(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep an institution from settling."""
    row = access.get(request.user, Institution, pk, permissions.SUSPEND)
    form = SuspendForm(request.POST or None, initial={"first": clock.today()})
    return _fill_in(
        request, form, lambda data: Suspend(actor=request.user, institution=row, **data).run(), row=row,
        done="已暂停结算。", title="暂停结算", button="确认暂停", danger=True,
        note="暂停期间该机构的结算一律不予办理，并告知理由；已办理的结算不受影响。",
    )  # fmt: skip


@login_required
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an institution settle again."""
    row = access.get(request.user, Suspension, pk, permissions.LIFT)
    form = LiftForm(request.POST or None, initial={"first": clock.today()})
    return _fill_in(
        request, form, lambda data: LiftSuspension(actor=request.user, suspension=row, **data).run(), row=row.institution,
        done="已恢复结算。", title="恢复结算", button="确认恢复", note=f"{row.first} 起因“{row.reason}”暂停。",
    )  # fmt: skip


@login_required
def issue_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a key; the token is shown in this answer and never again."""
    row = access.get(request.user, Institution, pk, permissions.ISSUE_KEY)
    accounts = accounts_of(row)
    form, wrong = KeyForm(request.POST or None, accounts=accounts), []
    if request.method == "POST" and form.is_valid():
        try:
            token = IssueKey(actor=request.user, institution=row, **form.cleaned_data).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            return _page(request, row, token=token, key_name=form.cleaned_data["name"])
    note = "" if accounts else "该机构还没有启用的医院窗口账号，请先开设账号：密钥以该账号的名义办理结算。"
    shown = {"form": form, "wrong": wrong, "row": row, "title": "发放接口密钥", "button": "生成密钥", "note": note}
    return render(request, "institutions/form.html", shown)


@login_required
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a key count no more."""
    row = access.get(request.user, ApiKey, pk, permissions.REVOKE_KEY)
    form = RevokeForm(request.POST or None)
    return _fill_in(
        request, form, lambda data: RevokeKey(actor=request.user, key=row, **data).run(), row=row.institution,
        done="密钥已注销，立即生效。", title="注销接口密钥", button="确认注销", danger=True,
        note=f"注销“{row.name}”后，用它的医院系统立即不能办理结算，且不能恢复。",
    )  # fmt: skip


urlpatterns = [
    path("institutions/", institutions, name="institutions"),
    path("institutions/export.csv", export, name="institutions-export"),
    path("institutions/new/", register, name="institution-new"),
    path("institutions/<int:pk>/", institution, name="institution"),
    path("institutions/<int:pk>/change/", change, name="institution-change"),
    path("institutions/<int:pk>/agreement/", make_agreement, name="institution-agreement"),
    path("institutions/<int:pk>/suspend/", suspend, name="institution-suspend"),
    path("institutions/<int:pk>/key/", issue_key, name="institution-key"),
    path("institutions/agreements/<int:pk>/end/", end_agreement, name="agreement-end"),
    path("institutions/suspensions/<int:pk>/lift/", lift, name="suspension-lift"),
    path("institutions/keys/<int:pk>/revoke/", revoke_key, name="key-revoke"),
]
