"""Accounts as the administrator of an area manages them. Doors only; a first password is shown once, in the answer itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.accounts import actions, permissions, queries
from tuodi.apps.accounts.areas import E_AREA_NAME, NameArea, areas_seen
from tuodi.apps.accounts.forms import AccountForm, AreaForm
from tuodi.apps.institutions.models import Institution
from tuodi.apps.trail import words
from tuodi.apps.trail.queries import events_of
from tuodi.base import access
from tuodi.base.doors import say_beside
from tuodi.base.models import User
from tuodi.core.errors import InputErrors

PAGE, TRAIL = 25, 20


@login_required
def accounts(request: HttpRequest) -> HttpResponse:
    """List accounts of the area. What is searched for is sent, never written into an address: it may be a name."""
    asked = {key: request.POST.get(key, "").strip()[:60] for key in ("text", "role", "state", "order")}
    rows = queries.accounts_for(request.user, text=asked["text"], role=asked["role"], state=asked["state"])
    page = Paginator(queries.ordered(rows, asked["order"]), PAGE).get_page(request.POST.get("page"))
    shown = {
        **asked, "page": page, "roles": actions.JOBS, "states": queries.STATES, "may_name": access.may(request.user, permissions.NAME_AREA), "may_add": access.may(request.user, permissions.ADD),
        "is_narrowed": any(asked[key] for key in ("text", "role", "state")),
    }  # fmt: skip
    return render(request, "accounts/list.html", shown)


def _institutions(user: Any) -> list[tuple[str, str]]:
    rows = Institution.objects.filter(access.in_area(user, "area_code")).order_by("name", "code")
    return [(row.code, f"{row.name}（{row.code}）") for row in rows]


@login_required
def add(request: HttpRequest) -> HttpResponse:
    """Add an account and show its first password."""
    access.demand(request.user, permissions.ADD)
    own: Any = request.user
    form = AccountForm(request.POST or None, institutions=_institutions(own), initial={"area_code": own.area_code})
    wrong: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            given = actions.AddAccount(actor=own, **form.cleaned_data).run()
        except InputErrors as error:
            wrong = [fault.message for fault in error.faults]
        else:
            return render(request, "accounts/given.html", {"given": given, "is_new": True})
    return render(request, "accounts/add.html", {"form": form, "wrong": wrong})


@login_required
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account, what can be done with it, and what was."""
    access.get(request.user, User, pk, permissions.VIEW)
    return _page(request, pk)


def _page(request: HttpRequest, pk: int, *, wrong: list[str] | None = None) -> HttpResponse:
    row = queries.accounts_for(request.user).get(pk=pk)
    place = Institution.objects.filter(code=row.institution_code).first() if row.institution_code else None
    trail = [(event, words.said(event.verb)) for event in events_of("account", pk, limit=TRAIL)]
    shown = {
        "account": row, "place": place, "trail": trail, "wrong": wrong or [],
        "may_change": access.may(request.user, permissions.DEACTIVATE) and row.pk != request.user.pk,
    }  # fmt: skip
    return render(request, "accounts/account.html", shown)


#: What can be done on an account's page: the word in the address, the action, what is said when it is done.
DONE: dict[str, tuple[Callable[..., Any], str]] = {
    "deactivate": (actions.Deactivate, "账号已停用，已登录的会话随即失效。"),
    "reactivate": (actions.Reactivate, "账号已恢复。"),
    "password": (actions.ResetPassword, ""),
    "second-factor": (actions.ResetSecondFactor, "第二重验证已重设，使用人下次登录须重新设置。"),
    "unlock": (actions.Unlock, "锁定已解除。"),
}


@login_required
@require_POST
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Do one thing with an account."""
    if what not in DONE:
        raise Http404("没有这项操作")
    action, said = DONE[what]
    row = access.get(request.user, User, pk, action.verb)  # type: ignore[attr-defined]
    try:
        done = action(actor=request.user, account=row).run()
    except InputErrors as error:
        return _page(request, pk, wrong=[fault.message for fault in error.faults])
    if isinstance(done, actions.Given):
        return render(request, "accounts/given.html", {"given": done, "is_new": False})
    messages.success(request, said)
    return redirect("account", pk=pk)


@login_required
def areas(request: HttpRequest) -> HttpResponse:
    """List the areas of one's own with their names, and give one its name."""
    access.demand(request.user, permissions.NAME_AREA)
    form = AreaForm(request.POST or None, initial={"code": request.GET.get("code", "")[:12]})
    if request.method == "POST" and form.is_valid():
        try:
            done = NameArea(actor=request.user, **form.cleaned_data).run()
        except InputErrors as error:
            say_beside(form, error, {actions.E_AREA: "code", E_AREA_NAME: "name"})
        else:
            messages.success(request, f"{done.code} 已命名为“{done.name}”。")
            return redirect("areas")
    return render(request, "accounts/areas.html", {"form": form, "areas": areas_seen(request.user)})


urlpatterns = [
    path("areas/", areas, name="areas"),
    path("users/", accounts, name="accounts"),
    path("users/new/", add, name="account-add"),
    path("users/<int:pk>/", account, name="account"),
    path("users/<int:pk>/<slug:what>/", act, name="account-act"),
]
