"""A death in pages: recorded, recorded wrongly and put right, decided by a second person where money may move. Doors only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import E_DEAD, E_DEATH_DAY, E_NO_CHANGE, E_WHY
from tuodi.apps.registry.actions.deaths import CorrectDeath, DecideDeathCorrection, RecordDeath
from tuodi.apps.registry.models import DeathCorrection, Person
from tuodi.apps.settlement.retro import impact_of_correcting_death, impact_of_death
from tuodi.apps.settlement.web_identities import Deed, weighed
from tuodi.apps.settlement.weighing import lines_of, mark_of
from tuodi.base import access
from tuodi.base.doors import day_field, said
from tuodi.core.errors import InputErrors

PLACES = {E_DEATH_DAY: "day", E_NO_CHANGE: "day", E_DEAD: "day", E_WHY: "reason"}


class DeathForm(forms.Form):
    """When somebody died."""

    day = day_field("死亡日期", help_text="户籍关系于这一天终止")
    ends_identities = forms.BooleanField(
        label="身份认定也于这一天终止", required=False, help_text="不勾选的，等认定部门通知后逐项终止"
    )


class CorrectForm(forms.Form):
    """What the record of a death should have said."""

    is_alive = forms.BooleanField(label="没有死亡，整条登记有误", required=False)
    day = day_field("正确的死亡日期", required=False, help_text="人没有死亡的不填")
    reason = forms.CharField(label="理由", max_length=200, widget=forms.Textarea({"rows": 2}))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "day" in given and bool(given["day"]) == given["is_alive"]:
            told = "已勾选没有死亡的，不要填日期。" if given["is_alive"] else "请填正确的死亡日期，或勾选没有死亡。"
            self.add_error("day", told)
        return given


class DecideForm(forms.Form):
    """Why a correction is sent back."""

    refusal = forms.CharField(label="退回理由", max_length=200, required=False, help_text="退回时写明，通过的不用填")


@login_required
def death(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a death."""
    person = access.get(request.user, Person, pk, permissions.RECORD_DEATH)
    named = {"psn_no": person.psn_no}
    deed = Deed(
        "登记死亡", "确认登记死亡", "死亡已登记。受影响的结算将自动重算，差额另记。",
        lambda given: RecordDeath(actor=request.user, **named, **given),
        lambda given: impact_of_death(request.user, **named, **given), is_danger=True,
    )  # fmt: skip
    return weighed(request, person.merged_into or person, DeathForm(request.POST or None), deed, places=PLACES)


@login_required
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right a death that was recorded wrongly."""
    found = access.get(request.user, Person, pk, permissions.CORRECT_DEATH)
    person = found.merged_into or found
    deed = Deed(
        "更正死亡登记", "确认更正", "更正已登记。涉及身份认定的，等县级审批岗复核后生效。",
        lambda given: CorrectDeath(actor=request.user, psn_no=person.psn_no, day=given["day"], reason=given["reason"]),
        lambda given: impact_of_correcting_death(request.user, psn_no=person.psn_no, day=given["day"]),
    )  # fmt: skip
    return weighed(request, person, CorrectForm(request.POST or None), deed, places=PLACES)


@login_required
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm or send back a correction, with what it comes to before one's eyes."""
    row = access.get(request.user, DeathCorrection, pk, permissions.DECIDE_DEATH)
    person = row.person.merged_into or row.person
    form, wrong, has_changed = DecideForm(request.POST or None), [], False
    is_waiting = row.state == "waiting"
    found = impact_of_correcting_death(request.user, psn_no=person.psn_no, day=row.day) if is_waiting else None
    mark = mark_of({"correction": pk}, found) if found else ""
    if request.method == "POST" and form.is_valid():
        refusal = form.cleaned_data["refusal"] if request.POST.get("decision") == "refuse" else None
        has_changed = refusal is None and is_waiting and request.POST.get("seen") != mark
        if not has_changed:
            try:
                DecideDeathCorrection(actor=request.user, correction_id=pk, refusal=refusal).run()
            except InputErrors as error:
                wrong = said(error)
            else:
                told = "已退回。" if refusal is not None else "死亡登记已更正。受影响的结算将自动重算，差额另记。"
                messages.success(request, told)
                return redirect("person", person.pk)
    shown = {
        "row": row, "person": person, "form": form, "wrong": wrong, "found": found, "mark": mark, "has_changed": has_changed,
        "lines": lines_of(found, request.user) if found else [],
    }  # fmt: skip
    return render(request, "identities/decide_death.html", shown)


urlpatterns = [
    path("people/<int:pk>/death/", death, name="person-death"),
    path("people/<int:pk>/death/correct/", correct, name="person-death-correct"),
    path("death-corrections/<int:pk>/", decide, name="person-death-decide"),
]
