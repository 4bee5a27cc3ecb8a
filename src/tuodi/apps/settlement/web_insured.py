"""Where somebody is insured, in pages: a move entered with its first day, corrected, withdrawn. Doors only.

A move reaches back as far as its first day, so what it means in money is shown before it is confirmed (:mod:`web_identities`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import E_INSURED_DAY, E_INSURED_ONCE, E_INSURED_SAME
from tuodi.apps.registry.actions.insuring import CorrectMove, CorrectOrigin, MoveInsurance
from tuodi.apps.registry.insured import places_of
from tuodi.apps.registry.models import InsuredPlace, Person
from tuodi.apps.registry.web_people import code_field, own_area
from tuodi.apps.settlement.retro import impact_of_correcting_move, impact_of_correcting_origin, impact_of_moving
from tuodi.apps.settlement.web_identities import Deed, weighed
from tuodi.base import access, clock
from tuodi.base.doors import day_field
from tuodi.core.errors import fault

PLACES = {E_INSURED_DAY: "first", E_INSURED_ONCE: "first", E_INSURED_SAME: "area_code"}
REFOLDED = "受影响的结算将自动重算，差额另记。"


class OriginForm(forms.Form):
    """Where somebody was insured before any move."""

    area_code = code_field("参保地区划", help_text="六位区划代码，须在您的辖区内")

    def __init__(self, data: Any, *, user: Any, **more: Any) -> None:
        super().__init__(data, **more)
        self.user = user

    def clean_area_code(self) -> str:
        return own_area(self.user, str(self.cleaned_data["area_code"]))


class MoveForm(OriginForm):
    """Where somebody is insured from which day."""

    first = day_field("起始日期", help_text="在新参保地参保的第一天；这天起的结算按新参保地的政策计算")

    def clean_first(self) -> date:
        day: date = self.cleaned_data["first"]
        if day > clock.today():
            raise forms.ValidationError(fault(E_INSURED_DAY, day=day).message)
        return day


@login_required
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter that somebody is insured elsewhere from a day on."""
    found = access.get(request.user, Person, pk, permissions.CHANGE)
    person = found.merged_into or found
    deed = Deed(
        "变更参保地", "确认变更", f"参保地已变更。{REFOLDED}",
        lambda given: MoveInsurance(actor=request.user, psn_no=person.psn_no, **given),
        lambda given: impact_of_moving(request.user, psn_no=person.psn_no, **given),
    )  # fmt: skip
    return weighed(request, person, MoveForm(request.POST or None, user=request.user), deed, places=PLACES)


@login_required
def correct_origin(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right where somebody was insured before any move."""
    found = access.get(request.user, Person, pk, permissions.CHANGE)
    person = found.merged_into or found
    deed = Deed(
        "更正最早的参保地", "确认更正", f"参保地已更正，原记录作废留存。{REFOLDED}",
        lambda given: CorrectOrigin(actor=request.user, psn_no=person.psn_no, **given),
        lambda given: impact_of_correcting_origin(request.user, psn_no=person.psn_no, **given),
    )  # fmt: skip
    form = OriginForm(request.POST or None, user=request.user, initial={"area_code": places_of(person)[0][1]})
    return weighed(request, person, form, deed, places=PLACES)


@login_required
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right a move that was entered wrongly."""
    row = access.get(request.user, InsuredPlace, pk, permissions.CHANGE)
    deed = Deed(
        "更正参保地", "确认更正", f"参保地已更正，原记录作废留存。{REFOLDED}",
        lambda given: CorrectMove(actor=request.user, place_id=pk, facts=given),
        lambda given: impact_of_correcting_move(request.user, place_id=pk, facts=given),
    )  # fmt: skip
    initial = {"area_code": row.area_code, "first": row.first}
    form = MoveForm(request.POST or None, user=request.user, initial=initial)
    return weighed(request, row.person, form, deed, places=PLACES)


@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a move that never happened."""
    row = access.get(request.user, InsuredPlace, pk, permissions.CHANGE)
    deed = Deed(
        f"作废 {row.first} 起的参保地 {row.area_code}", "确认作废", f"这条参保地记录已作废。{REFOLDED}",
        lambda given: CorrectMove(actor=request.user, place_id=pk, facts=None),
        lambda given: impact_of_correcting_move(request.user, place_id=pk, facts=None), is_danger=True,
    )  # fmt: skip
    return weighed(request, row.person, forms.Form({}), deed)


urlpatterns = [
    path("people/<int:pk>/insured/", move, name="insured-move"),
    path("people/<int:pk>/insured/earliest/", correct_origin, name="insured-correct-origin"),
    path("insured/<int:pk>/correct/", correct, name="insured-correct"),
    path("insured/<int:pk>/withdraw/", withdraw, name="insured-withdraw"),
]
