"""Records that may be one person: found, weighed in money, merged, parted again, or told apart. Doors only.

They stand here, above the registry, because two histories become one with what that means in money before one's eyes.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.registry import duplicates as alike
from tuodi.apps.registry import permissions, queries
from tuodi.apps.registry.actions.lookalikes import TellApart, UndoTellApart
from tuodi.apps.registry.actions.people import MergePeople, UnmergePeople
from tuodi.apps.registry.models import Merge, NotTheSame, Person
from tuodi.apps.settlement.retro import Impact, impact_of_merging, impact_of_parting
from tuodi.apps.settlement.weighing import whose_of
from tuodi.base import access
from tuodi.base.doors import page_of, said
from tuodi.core.errors import InputErrors

WHYS = {"number": "身份证号码相同", "name_birth": "姓名和出生日期相同"}


class ApartForm(forms.Form):
    """How it was found out that two records are two people."""

    reason = forms.CharField(
        label="怎样核实的", max_length=200, widget=forms.Textarea({"rows": 2}), help_text="例如：已核对两人身份证原件，是同名同日出生的两个人"
    )  # fmt: skip


#: Groups that are looked for at once; as they are merged the next ones come up.
MOST, GROUPS = 500, 10


def _lines(user: Any, people: list[Person]) -> list[dict[str, Any]]:
    """Return what is shown of records side by side."""
    held = queries.identities_now(user, people)
    return [
        {"person": one, "certno": queries.masked_certno(one), "identities": held[one.pk], "others": [x for x in people if x.pk != one.pk]}
        for one in people
    ]  # fmt: skip


@login_required
def duplicates(request: HttpRequest) -> HttpResponse:
    """List the records of the area that may be one person, and why."""
    access.demand(request.user, permissions.MERGE)
    found = alike.duplicates(request.user, limit=MOST)
    page = page_of(request, found, size=GROUPS)
    groups = [(WHYS[group.why], _lines(request.user, list(group.people))) for group in page]
    return render(request, "duplicates/list.html", {"page": page, "groups": groups, "is_full": len(found) == MOST})


@login_required
def merges(request: HttpRequest) -> HttpResponse:
    """List what was merged in the area, the latest first."""
    access.demand(request.user, permissions.UNMERGE)
    rows = access.visible(request.user, Merge).select_related("person", "into", "by").order_by("-pk")
    return render(request, "duplicates/merges.html", {"page": page_of(request, rows)})


@login_required
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what merging a record into the one of ``into`` means in money; merge when that is confirmed."""
    person = access.get(request.user, Person, pk, permissions.MERGE)
    asked = request.POST.get("into") or request.GET.get("into", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return redirect("duplicates")
    kept = access.get(request.user, Person, int(asked), permissions.MERGE)
    try:
        impact = impact_of_merging(request.user, psn_no=person.psn_no, into=kept.psn_no)
        if _is_confirmed(request, person, impact):
            MergePeople(actor=request.user, psn_no=person.psn_no, into=kept.psn_no).run()
            messages.success(request, "已合并。两条记录的结算按同一人重算，差额另记。")
            return redirect("person", kept.pk)
    except InputErrors as error:
        return _refused(request, "duplicates", error)
    return _weighed(request, person, kept, impact, is_merging=True)


@login_required
def unmerge(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what parting a merged record means in money; part it when that is confirmed."""
    person = access.get(request.user, Person, pk, permissions.UNMERGE)
    try:
        impact = impact_of_parting(request.user, psn_no=person.psn_no)
        if _is_confirmed(request, person, impact):
            UnmergePeople(actor=request.user, psn_no=person.psn_no).run()
            messages.success(request, "合并已撤销。两条记录的结算分开重算，差额另记。")
            return redirect("merges")
    except InputErrors as error:
        return _refused(request, "merges", error)
    assert person.merged_into is not None
    return _weighed(request, person, person.merged_into, impact, is_merging=False)


@login_required
def apart(request: HttpRequest) -> HttpResponse:
    """List the pairs that were told apart."""
    access.demand(request.user, permissions.TELL_APART)
    return render(request, "duplicates/apart.html", {"page": page_of(request, alike.marks_of(request.user))})


@login_required
def tell_apart(request: HttpRequest, pk: int) -> HttpResponse:
    """Say, with a reason, that a record and that of ``other`` are two people."""
    person = access.get(request.user, Person, pk, permissions.TELL_APART)
    asked = request.GET.get("other", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return redirect("duplicates")
    other = access.get(request.user, Person, int(asked), permissions.TELL_APART)
    form = ApartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            TellApart(actor=request.user, one=person.psn_no, other=other.psn_no, reason=reason).run()
        except InputErrors as error:
            return _refused(request, "duplicates", error)
        messages.success(request, "已标记为不是同一人，不再列为重复。")
        return redirect("duplicates")
    shown = {"person": person, "lines": _lines(request.user, [person, other]), "form": form}
    return render(request, "duplicates/tell_apart.html", shown)


@login_required
@require_POST
def undo_apart(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back that two records are two people."""
    mark = access.get(request.user, NotTheSame, pk, permissions.TELL_APART)
    try:
        UndoTellApart(actor=request.user, mark_id=mark.pk).run()
    except InputErrors as error:
        return _refused(request, "duplicates-apart", error)
    messages.success(request, "标记已撤销，重新列为可能重复。")
    return redirect("duplicates-apart")


def _mark(person: Person, impact: Impact) -> str:
    """Return what a preview is known by again: another amount is another mark."""
    return hashlib.sha256(repr((person.pk, impact)).encode()).hexdigest()[:32]


def _is_confirmed(request: HttpRequest, person: Person, impact: Impact) -> bool:
    """Say whether the very amounts were seen that are so now."""
    return request.method == "POST" and request.POST.get("seen") == _mark(person, impact)


def _weighed(request: HttpRequest, person: Person, kept: Person, impact: Impact, *, is_merging: bool) -> HttpResponse:
    lines, whose = _lines(request.user, [kept, person]), whose_of(request.user, impact)
    shown = {
        "person": person,
        "kept": kept,
        "lines": lines,
        "impact": impact,
        "changes": [(change, whose[change.psn_no]) for change in impact.changes],
        "is_merging": is_merging,
        "mark": _mark(person, impact),
        "has_changed": request.method == "POST",
    }
    return render(request, "duplicates/weigh.html", shown)


def _refused(request: HttpRequest, back: str, error: InputErrors) -> HttpResponse:
    for sentence in said(error):
        messages.error(request, sentence)
    return redirect(back)


urlpatterns = [
    path("duplicates/apart/", apart, name="duplicates-apart"),
    path("duplicates/apart/<int:pk>/undo/", undo_apart, name="person-apart-undo"),
    path("people/<int:pk>/apart/", tell_apart, name="person-apart"),
    path("duplicates/", duplicates, name="duplicates"),
    path("duplicates/merges/", merges, name="merges"),
    path("people/<int:pk>/merge/", merge, name="person-merge"),
    path("people/<int:pk>/unmerge/", unmerge, name="person-unmerge"),
]
