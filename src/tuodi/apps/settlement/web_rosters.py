"""Rosters of departments in pages: uploaded, held against what is known, weighed in money, confirmed, undone. Doors only.

They stand here, above the registry, because a roster is confirmed with what it means in money before one's eyes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.policies.queries import identities_used
from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.rosters import DropRoster, ReadRosterAgain
from tuodi.apps.registry.applied import Written
from tuodi.apps.registry.models import ImportRun, Person
from tuodi.apps.registry.previews import CHANGES, IMPACT, LEFT_ALONE, PASSED, TO_CORRECT, Lines
from tuodi.apps.registry.uploads import content_of
from tuodi.apps.settlement import importing
from tuodi.base import access, clock, progress
from tuodi.base.action import Action
from tuodi.base.audit import record
from tuodi.base.doors import day_field, page_of, said
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IDENTITIES

#: The kinds of a preview's lines, in the order in which they are shown.
KINDS = {
    "new": "新增", "changed": "变更", "ended": "终止", "registered": "新登记人员", "updated": "人员信息变更", "joined": "入户",
    "not_found": "查无此人", "conflicts": "需要核对", "bad": "填写有误", PASSED: "登记已变",
}  # fmt: skip
#: Seconds of silence after which a page says that nobody seems to be at work.
SILENT = 60
#: Fields of a difference as people call them.
FIELDS = {
    "first": "起始日期", "last": "终止日期", "certified_on": "认定日期", "applied_on": "申请日期", "issuer": "认定部门",
    "document_number": "证件或文号", "name": "姓名", "gend": "性别", "birth": "出生日期", "insured_area": "参保地",
    "registered_area": "户籍地", "residence_area": "居住地", "insutype": "险种", "household": "户编号", "certno": "身份证号",
}  # fmt: skip
#: What an empty field says.
OPEN = {"last": "长期"}


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

    def __init__(self, *args: Any, area_code: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.used = identities_used(area_code)

    def boxes(self) -> tuple[list[Any], list[Any]]:
        """Return the boxes of the identities that the area's policies name, and of the others."""
        every = list(self["covers"].subwidgets)
        named = [box for box in every if box.data["value"] in self.used] or every
        return named, [box for box in every if box not in named]


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
    area_code, wrong = str(getattr(request.user, "area_code", "")), []
    form = RosterForm(
        request.POST or None, request.FILES or None, area_code=area_code, initial={"as_of": clock.today()}
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            run = importing.take_in(
                actor=request.user, content=content_of(given["file"]), filename=given["file"].name, kind=given["kind"],
                issuer=given["issuer"], area_code=area_code, as_of=given["as_of"],
                is_full=given["is_full"] == "yes", covers=given["covers"],
            )  # fmt: skip
        except InputErrors as error:
            wrong = said(error)
        else:
            return redirect("roster", run.pk)
    return render(request, "rosters/new.html", {"form": form, "wrong": wrong})


def _told(line: dict[str, Any]) -> dict[str, Any]:
    """Return a kept difference as a line of the page; of what is changed to, or from, nothing that is said too."""
    empty = "" if line["kind"] in ("new", "registered", "joined") else "未填"
    facts = [
        (FIELDS[name], was or (OPEN.get(name, empty) if empty else ""), will or OPEN.get(name, "空"))
        for name, was, will in line["fields"] if name in FIELDS and (was or will)
    ]  # fmt: skip
    named = {"kind": KINDS[line["kind"]], "identity": IDENTITIES.get(line["identity"], "")}
    return {**line, **named, "facts": facts}


@login_required
def roster(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an import: where it came from, how far it is, and while it waits what it would change."""
    run = access.get(request.user, ImportRun, pk, permissions.VIEW_ROSTER)
    shown: dict[str, Any] = {
        "run": run, "covers": [IDENTITIES[code] for code in run.covers], "may_import": access.may(request.user, permissions.IMPORT),
        "may_undo": access.may(request.user, permissions.UNDO) and run.state == "applied",
        "counts": [(key, name, run.counts.get(key, 0), key in LEFT_ALONE) for key, name in KINDS.items() if run.counts.get(key)],
    }  # fmt: skip
    if run.state in ImportRun.BUSY:
        return render(request, "rosters/detail.html", shown | _progress(run))
    if request.headers.get("HX-Request") == "true":
        return redirect("roster", pk)
    if run.state == "previewed" and shown["may_import"]:
        kind = request.GET.get("kind", "")
        kind = kind if kind in KINDS else ""
        page = page_of(request, Lines(run, [kind] if kind else CHANGES))
        is_left = kind in LEFT_ALONE
        shown |= {
            "page": page, "kind": kind, "is_left": is_left, "lines": list(page) if is_left else [_told(line) for line in page],
            "changes": len(Lines(run, CHANGES)), "touched": len(Lines(run, [IMPACT])),
        }  # fmt: skip
        _viewed(request, run)
    elif run.state in ("applied", "undone"):
        shown |= _written(request, run)
        if shown["may_import"] and run.counts.get(PASSED):
            shown["passed"] = page_of(request, Lines(run, [PASSED]))
        _viewed(request, run)
    return render(request, "rosters/detail.html", shown)


def _written(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    """Return what an applied roster wrote, of people whom the user may see by name."""
    counted = Written(run).counted()
    kind = request.GET.get("kind", "")
    kind = kind if kind in counted else ""
    page = page_of(request, Written(run, [kind] if kind else tuple(counted)))
    seen = set(
        access.visible(request.user, Person)
        .filter(pk__in=[line["person"] for line in page])
        .values_list("pk", flat=True)
    )
    lines = [_told(line) for line in page if line["person"] in seen]
    kinds = [(key, KINDS[key], count) for key, count in counted.items()]
    return {"written": page, "kind": kind, "lines": lines, "kinds": kinds, "all": sum(counted.values())}


def _progress(run: ImportRun) -> dict[str, Any]:
    """Return how far the background is with a run, and whether nothing was heard of it for long."""
    seen = progress.seen(importing.notes_of(run.pk))
    waited = (clock.now() - (run.asked_at or run.at)).total_seconds()
    return {"is_busy": True, "progress": seen, "is_silent": (seen.age if seen else waited) > SILENT}


def _viewed(request: HttpRequest, run: ImportRun) -> None:
    record(actor=request.user, verb="roster:viewed", subject="roster", subject_id=run.pk, area_code=run.area_code)


def _waiting(request: HttpRequest, pk: int) -> ImportRun | None:
    """Return a run of which a preview is kept; None if it went on since."""
    run = access.get(request.user, ImportRun, pk, permissions.IMPORT)
    return run if run.state == "previewed" else None


@login_required
def wrong_rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the rows that are wrong as a file to correct and upload again."""
    run = _waiting(request, pk)
    if run is None:
        return redirect("roster", pk)
    content = b"".join(text.encode() for text in Lines(run, [TO_CORRECT]))
    _viewed(request, run)
    told = {"Content-Disposition": f'attachment; filename="roster-{run.pk}-to-correct.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=told)


@login_required
def impact(request: HttpRequest, pk: int) -> HttpResponse:
    """Show who should already have been helped, and by how much, before the roster is confirmed."""
    run = _waiting(request, pk)
    if run is None:
        return redirect("roster", pk)
    _viewed(request, run)
    page = page_of(request, Lines(run, [IMPACT]))
    known = access.visible(request.user, Person).filter(psn_no__in=[line["psn_no"] for line in page])
    people = {person.psn_no: person for person in known}
    lines = [(line, people.get(line["psn_no"])) for line in page]
    return render(request, "rosters/impact.html", {"run": run, "page": page, "lines": lines})


def _back(request: HttpRequest, pk: int, error: InputErrors) -> HttpResponse:
    for sentence in said(error):
        messages.error(request, sentence)
    return redirect("roster", pk)


def _done(request: HttpRequest, pk: int, action: Callable[..., Action], *, said_then: str = "") -> HttpResponse:
    """Do something with a roster of the user's area, and go back to it."""
    access.get(request.user, ImportRun, pk, permissions.IMPORT)
    try:
        action(actor=request.user, run_id=pk).run()
    except InputErrors as error:
        return _back(request, pk, error)
    if said_then:
        messages.success(request, said_then)
    return redirect("roster", pk)


@login_required
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Apply a previewed roster."""
    run = access.get(request.user, ImportRun, pk, permissions.IMPORT)
    try:
        importing.confirm(request.user, run)
    except InputErrors as error:
        return _back(request, pk, error)
    run.refresh_from_db()
    if run.state == "applied":
        messages.success(request, "名册已导入。受影响的结算将自动重算，差额另记。")
    return redirect("roster", pk)


@login_required
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a roster that waits held against what is known now."""
    return _done(request, pk, ReadRosterAgain)


@login_required
@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a preview up."""
    return _done(request, pk, DropRoster, said_then="已放弃，没有改动任何登记。")


@login_required
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what undoing an import puts back; undo it when that is confirmed."""
    run = access.get(request.user, ImportRun, pk, permissions.UNDO)
    if request.method == "POST":
        try:
            importing.undo(request.user, run)
        except InputErrors as error:
            return _back(request, pk, error)
        run.refresh_from_db()
        if run.state == "undone":
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
    path("rosters/<int:pk>/again/", again, name="roster-again"),
    path("rosters/<int:pk>/drop/", drop, name="roster-drop"),
    path("rosters/<int:pk>/undo/", undo, name="roster-undo"),
]
