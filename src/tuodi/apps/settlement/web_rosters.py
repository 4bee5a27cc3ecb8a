"""Rosters of departments in pages: uploaded, held against what is known, weighed in money, confirmed, undone. Doors only.

They stand here, above the registry, because a roster is confirmed with what it means in money before one's eyes.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.rosters import ApplyRoster, DropRoster, Preview, PreviewRoster, preview_of
from tuodi.apps.registry.actions.undoing import UndoRoster
from tuodi.apps.registry.models import ImportRun
from tuodi.apps.registry.plans import Difference
from tuodi.apps.registry.uploads import content_of
from tuodi.apps.settlement.retro import impact_of_plan
from tuodi.base import access, clock
from tuodi.base.doors import day_field, page_of, said, sentence_of
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IDENTITIES

#: The kinds of a preview's lines, in the order in which they are shown.
KINDS = {
    "new": "新增", "changed": "变更", "ended": "终止", "registered": "新登记人员", "updated": "人员信息变更", "joined": "入户",
    "not_found": "查无此人", "conflicts": "需要核对", "bad": "填写有误",
}  # fmt: skip
LEFT_ALONE = ("not_found", "conflicts", "bad")
#: Fields of a difference as people call them.
FIELDS = {
    "first": "起始日期", "last": "终止日期", "certified_on": "认定日期", "applied_on": "申请日期", "issuer": "认定部门",
    "document_number": "证件或文号", "name": "姓名", "gend": "性别", "birth": "出生日期", "insured_area": "参保地",
    "registered_area": "户籍地", "residence_area": "居住地", "insutype": "险种", "household": "户编号", "certno": "身份证号",
}  # fmt: skip


class RosterForm(forms.Form):
    """A roster and what it is."""

    file = forms.FileField(
        label="名册文件", help_text="xlsx 或 CSV，不超过 20 MB；第一行写列名，如姓名、身份证号、身份、起始日期",
        widget=forms.ClearableFileInput({"accept": ".xlsx,.csv"}),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label="名册内容", choices=[("identities", "身份名册：谁有什么身份"), ("people", "人员名册：登记或更正人员信息")]
    )
    issuer = forms.CharField(label="来源部门", max_length=60, help_text="例如民政局、乡村振兴局、残联")
    as_of = day_field("名册所示日期", help_text="名册反映哪一天的情况")
    is_full = forms.ChoiceField(
        label="名册范围",
        choices=[("no", "只是增补：不在名册上的人不受影响"), ("yes", "全部名单：不在名册上的人，身份终止")],
    )
    covers = forms.MultipleChoiceField(
        label="名册包含的身份", required=False, choices=sorted(IDENTITIES.items(), key=lambda item: item[1]),
        widget=forms.CheckboxSelectMultiple, help_text="全部名单必须勾选；只勾一种时，名册里可以没有“身份”列",
    )  # fmt: skip


@login_required
def rosters(request: HttpRequest) -> HttpResponse:
    """List the imports of the area, the latest first."""
    access.demand(request.user, permissions.VIEW_ROSTER)
    state = request.GET.get("state", "")
    rows = access.visible(request.user, ImportRun).select_related("by").order_by("-pk")
    rows = rows.filter(state=state) if state in dict(ImportRun.STATES) else rows
    shown = {
        "page": page_of(request, rows), "state": state, "states": ImportRun.STATES,
        "may_import": access.may(request.user, permissions.IMPORT),
    }  # fmt: skip
    return render(request, "rosters/list.html", shown)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Take a roster and show what it would change."""
    access.demand(request.user, permissions.IMPORT)
    form, wrong = RosterForm(request.POST or None, request.FILES or None, initial={"as_of": clock.today()}), []
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            preview = PreviewRoster(
                actor=request.user, content=content_of(given["file"]), filename=given["file"].name, kind=given["kind"],
                issuer=given["issuer"], area_code=str(getattr(request.user, "area_code", "")), as_of=given["as_of"],
                is_full=given["is_full"] == "yes", covers=given["covers"],
            ).run()  # fmt: skip
        except InputErrors as error:
            wrong = said(error)
        else:
            return redirect("roster", preview.run.pk)
    return render(request, "rosters/new.html", {"form": form, "wrong": wrong})


def _told(one: Difference) -> dict[str, Any]:
    """Return a difference as a line of the page."""
    facts = [
        (FIELDS.get(name, name), (one.before or {}).get(name), one.after.get(name))
        for name in one.fields
        if name in FIELDS and name != "certno" and (one.after.get(name) or (one.before or {}).get(name))
    ]
    return {
        "kind": KINDS.get(one.kind, one.kind), "psn_no": one.psn_no, "name": one.name, "line": one.line, "facts": facts,
        "identity": IDENTITIES.get(one.identity, ""),
    }  # fmt: skip


def _lines(preview: Preview, kind: str) -> list[Any]:
    """Return what a preview's page lists: differences, or the sentences of rows left alone."""
    left = {
        "not_found": preview.plan.not_found, "conflicts": preview.plan.conflicts, "bad": preview.roster.faults,
    }  # fmt: skip
    return list(left[kind]) if kind in left else preview.plan.of_kind(*([kind] if kind else KINDS))


@login_required
def roster(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an import: where it came from, and while it waits what it would change."""
    run = access.get(request.user, ImportRun, pk, permissions.VIEW_ROSTER)
    shown: dict[str, Any] = {
        "run": run, "covers": [IDENTITIES[code] for code in run.covers], "may_import": access.may(request.user, permissions.IMPORT),
        "may_undo": access.may(request.user, permissions.UNDO) and run.state == "applied",
        "counts": [(key, name, run.counts.get(key, 0), key in LEFT_ALONE) for key, name in KINDS.items() if run.counts.get(key)],
    }  # fmt: skip
    if run.state == "previewed" and shown["may_import"]:
        preview = preview_of(request.user, pk)
        kind = request.GET.get("kind", "")
        kind = kind if kind in KINDS else ""
        page = page_of(request, _lines(preview, kind))
        is_left = kind in LEFT_ALONE
        shown |= {
            "page": page, "kind": kind, "is_left": is_left, "lines": [sentence_of(one) if is_left else _told(one) for one in page],
            "changes": len(preview.plan.differences), "has_changed": preview.plan.digest != run.plan,
            "absences_kept": preview.plan.absences_kept, "ignored": preview.roster.ignored,
        }  # fmt: skip
    return render(request, "rosters/detail.html", shown)


@login_required
def wrong_rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the rows that are wrong as a file to correct and upload again."""
    run = access.get(request.user, ImportRun, pk, permissions.IMPORT)
    try:
        content = preview_of(request.user, run.pk).roster.bad_csv
    except InputErrors as error:
        return _back(request, pk, error)
    told = {"Content-Disposition": f'attachment; filename="roster-{run.pk}-to-correct.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=told)


@login_required
def impact(request: HttpRequest, pk: int) -> HttpResponse:
    """Show who should already have been helped, and by how much, before the roster is confirmed."""
    run = access.get(request.user, ImportRun, pk, permissions.IMPORT)
    try:
        found = impact_of_plan(preview_of(request.user, pk).plan)
    except InputErrors as error:
        return _back(request, pk, error)
    known = [one for one in found if not one.why]
    shown = {
        "run": run, "page": page_of(request, found), "gain": sum(one.gain_fen for one in known),
        "loss": sum(one.loss_fen for one in known), "gaining": sum(1 for one in known if one.gain_fen),
        "losing": sum(1 for one in known if one.loss_fen), "unknown": len(found) - len(known),
    }  # fmt: skip
    return render(request, "rosters/impact.html", shown)


def _back(request: HttpRequest, pk: int, error: InputErrors) -> HttpResponse:
    for sentence in said(error):
        messages.error(request, sentence)
    return redirect("roster", pk)


@login_required
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Apply a previewed roster."""
    access.get(request.user, ImportRun, pk, permissions.IMPORT)
    try:
        ApplyRoster(actor=request.user, run_id=pk).run()
    except InputErrors as error:
        return _back(request, pk, error)
    messages.success(request, "名册已导入。受影响的结算将自动重算，差额另记。")
    return redirect("roster", pk)


@login_required
@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a preview up."""
    access.get(request.user, ImportRun, pk, permissions.IMPORT)
    try:
        DropRoster(actor=request.user, run_id=pk).run()
    except InputErrors as error:
        return _back(request, pk, error)
    messages.success(request, "已放弃，没有改动任何登记。")
    return redirect("roster", pk)


@login_required
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what undoing an import puts back; undo it when that is confirmed."""
    run = access.get(request.user, ImportRun, pk, permissions.UNDO)
    if request.method == "POST":
        try:
            UndoRoster(actor=request.user, run_id=pk).run()
        except InputErrors as error:
            return _back(request, pk, error)
        messages.success(request, "导入已撤销，登记恢复到导入之前。")
        return redirect("roster", pk)
    if run.state != "applied":
        return redirect("roster", pk)
    counts = [(name, run.counts[key]) for key, name in KINDS.items() if key not in LEFT_ALONE and run.counts.get(key)]
    return render(request, "rosters/undo.html", {"run": run, "counts": counts})


urlpatterns = [
    path("rosters/", rosters, name="rosters"),
    path("rosters/new/", new, name="roster-new"),
    path("rosters/<int:pk>/", roster, name="roster"),
    path("rosters/<int:pk>/to-correct.csv", wrong_rows, name="roster-wrong"),
    path("rosters/<int:pk>/impact/", impact, name="roster-impact"),
    path("rosters/<int:pk>/confirm/", confirm, name="roster-confirm"),
    path("rosters/<int:pk>/drop/", drop, name="roster-drop"),
    path("rosters/<int:pk>/undo/", undo, name="roster-undo"),
]
