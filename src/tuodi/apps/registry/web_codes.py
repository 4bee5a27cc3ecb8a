"""What local codes of the insurance platform mean, as an administrator keeps it: looked up, added, ended. Doors only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tuodi.apps.registry import permissions, queries
from tuodi.apps.registry.actions.codes import EndIdentityCode, MapIdentityCode
from tuodi.apps.registry.models import IdentityCode
from tuodi.base import access, clock
from tuodi.base.doors import csv_download, day_field, page_of, said
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IDENTITIES


def _text(label: str, *, size: int, help_text: str = "") -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "off"})
    return forms.CharField(label=label, max_length=size, widget=widget, help_text=help_text)


class CodeForm(forms.Form):
    """What a local code means."""

    region = _text("地区", size=6, help_text="六位区划代码；下级没有自己的对照时也用它")
    local_code = _text("本地编码", size=10, help_text="医保信息平台字典里的编码")
    label = _text("本地名称", size=60, help_text="平台字典里的名称，名册里写这个名称也认得")
    identity = forms.ChoiceField(
        label="对应的身份", choices=[("", "请选择"), *sorted(IDENTITIES.items(), key=lambda i: i[1])]
    )
    first = day_field("自哪天起")
    last = day_field("至", required=False, help_text="不填为长期")


class EndCodeForm(forms.Form):
    """When a mapping ends."""

    last = day_field("有效至", help_text="这一天仍然有效")


def _rows(request: HttpRequest) -> tuple[Any, dict[str, str]]:
    access.demand(request.user, permissions.MAP_CODES)
    asked = {name: request.GET.get(name, "").strip()[:60] for name in ("text", "state")}
    return queries.codes_seen(request.user, on=clock.today(), **asked), asked


@login_required
def codes(request: HttpRequest) -> HttpResponse:
    """List what local codes mean."""
    rows, asked = _rows(request)
    page, day, own = (
        page_of(request, rows),
        clock.today(),
        access.area_prefix(str(getattr(request.user, "area_code", ""))),
    )
    lines = [
        (row, IDENTITIES.get(row.identity, row.identity), queries.code_state(row, day), row.region.startswith(own) and row.last is None)
        for row in page
    ]  # fmt: skip
    shown = {**asked, "page": page, "lines": lines, "states": queries.CODE_STATES, "filtered": any(asked.values())}
    return render(request, "registry/codes.html", shown)


@login_required
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give the listed mappings as CSV."""
    rows, _ = _rows(request)
    day = clock.today()
    lines = (
        (row.region, row.local_code, row.label, IDENTITIES.get(row.identity, row.identity), row.identity, row.first, row.last or "",
         queries.CODE_STATES[queries.code_state(row, day)])
        for row in rows.iterator(500)
    )  # fmt: skip
    head = ("地区", "本地编码", "本地名称", "身份", "身份代码", "自", "至", "状态")
    return csv_download("identity-codes", head, lines)


@login_required
def add(request: HttpRequest) -> HttpResponse:
    """Say what a local code means."""
    access.demand(request.user, permissions.MAP_CODES)
    initial = {"region": getattr(request.user, "area_code", ""), "first": clock.today()}
    form, wrong = CodeForm(request.POST or None, initial=initial), []
    if request.method == "POST" and form.is_valid():
        try:
            MapIdentityCode(actor=request.user, **form.cleaned_data).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            messages.success(request, "对照已登记。")
            return redirect("identity-codes")
    shown = {"form": form, "wrong": wrong, "title": "新增编码对照", "button": "登记"}
    return render(request, "registry/code_form.html", shown)


@login_required
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a mapping after a day."""
    row = access.get(request.user, IdentityCode, pk, permissions.MAP_CODES)
    form, wrong = EndCodeForm(request.POST or None, initial={"last": clock.today()}), []
    if request.method == "POST" and form.is_valid():
        try:
            EndIdentityCode(actor=request.user, code=row, **form.cleaned_data).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            messages.success(request, "对照已终止。已认定的身份不受影响。")
            return redirect("identity-codes")
    note = f"{row.region} 的 {row.local_code}“{row.label}”，现对照为{IDENTITIES.get(row.identity, row.identity)}。"
    shown = {"form": form, "wrong": wrong, "title": "终止编码对照", "button": "确认终止", "danger": True, "note": note}
    return render(request, "registry/code_form.html", shown)


urlpatterns = [
    path("identity-codes/", codes, name="identity-codes"),
    path("identity-codes/export.csv", export, name="identity-codes-export"),
    path("identity-codes/new/", add, name="identity-code-new"),
    path("identity-codes/<int:pk>/end/", end, name="identity-code-end"),
]
