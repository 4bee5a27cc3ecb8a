"""Admissions at the counter. Doors: check, call one query or action, show."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import admissions, counter, permissions
from tuodi.apps.settlement.models import Encounter
from tuodi.apps.settlement.stays import CancelAdmission, deposit_waived
from tuodi.base import access
from tuodi.base.doors import said
from tuodi.core.errors import InputErrors


def _person(request: HttpRequest, ticket: str) -> tuple[Person, Any]:
    """Return who stands at the counter, and the institution that admits: an office has none."""
    person = counter.person_with(request.user, ticket)
    if person is None:
        raise Http404("请重新查找就诊人")
    access.demand(request.user, permissions.ADMIT)
    own = counter.institution_of(request.user)
    if own is None:
        raise PermissionDenied("入院由定点医药机构的窗口办理")
    return person, own


@login_required
def admit(request: HttpRequest, ticket: str) -> HttpResponse:
    """Admit somebody; say whether the deposit is waived."""
    person, own = _person(request, ticket)
    form = admissions.AdmissionForm(request.POST or None, initial=admissions.AdmissionForm.fresh())
    wrong: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            made = admissions.AdmitByHand(actor=request.user, encounter=form.to_encounter(person, own.code)).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            messages.success(request, f"入院已登记。{deposit_waived(person, made)[1]}")
            return redirect("counter-bill", ticket=ticket)
    return render(
        request,
        "settlement/admit.html",
        {"person": person, "ticket": ticket, "form": form, "wrong": wrong, "place": own},
    )


@login_required
@require_POST
def cancel(request: HttpRequest, ticket: str, pk: int) -> HttpResponse:
    """Undo an admission on which nothing is settled."""
    _person(request, ticket)
    stay = access.get(request.user, Encounter, pk, permissions.ADMIT)
    try:
        CancelAdmission(actor=request.user, mdtrt_id=stay.mdtrt_id).run()
    except InputErrors as error:
        messages.warning(request, "；".join(said(error)))
    else:
        messages.success(request, "入院登记已撤销。")
    return redirect("counter-bill", ticket=ticket)


urlpatterns = [
    path("counter/<str:ticket>/admit/", admit, name="counter-admit"),
    path("counter/<str:ticket>/admit/<int:pk>/cancel/", cancel, name="counter-admit-cancel"),
]
