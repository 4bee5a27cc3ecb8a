"""One person in pages, where it touches money: identities certified, ended, corrected, withdrawn; other particulars. Doors only.

They stand here, above the registry, because nothing is confirmed before what it means in money has been seen: the page that asks
to confirm carries a mark of what it showed, and where that no longer holds it is shown anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tuodi.apps.policies.queries import identities_used
from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import E_ENDED, E_IDENTITY, E_OVERLAP, E_PERIOD
from tuodi.apps.registry.actions.changing import FACTS as PARTICULARS
from tuodi.apps.registry.actions.changing import ChangePerson
from tuodi.apps.registry.actions.identities import FACTS, CertifyIdentity, CorrectIdentity, EndIdentity
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.registry.web_people import PLACES as PERSON_PLACES
from tuodi.apps.registry.web_people import PersonForm
from tuodi.apps.settlement.retro import (
    Impact,
    impact_of_certifying,
    impact_of_changing,
    impact_of_correcting,
    impact_of_ending,
)
from tuodi.apps.settlement.weighing import lines_of, mark_of
from tuodi.base import access, clock
from tuodi.base.action import Action
from tuodi.base.doors import day_field, say_beside
from tuodi.core.errors import InputErrors, fault
from tuodi.core.identities import IDENTITIES

#: The field that a fault is about.
PLACES = {E_PERIOD: "last", E_ENDED: "last", E_OVERLAP: "first", E_IDENTITY: "identity"}
STARTS = "待遇追溯按政策另算，不必提前起始日期"


def identity_choices(area_code: str) -> list[Any]:
    """Return the identities to choose from, those that the area's policies name first: a department may certify the others too."""
    used, by_name = identities_used(area_code), sorted(IDENTITIES.items(), key=lambda item: item[1])
    named = [item for item in by_name if item[0] in used]
    others = [item for item in by_name if item[0] not in used]
    return (
        [("当地政策用到的身份", named), ("其他身份（当地政策没有用到，登记后不影响救助）", others)]
        if named and others
        else by_name
    )


class IdentityForm(forms.Form):
    """What a department certified, of somebody insured in an area."""

    identity = forms.ChoiceField(label="身份")
    issuer = forms.CharField(label="认定部门", max_length=60, help_text="例如县民政局")
    document_number = forms.CharField(label="证件或文号", max_length=60, required=False)
    applied_on = day_field("申请日期", required=False, help_text="本人提出认定申请的日期，有的身份由此往前追溯待遇")
    certified_on = day_field("认定日期", required=False, help_text="认定文书上的日期")
    first = day_field("起始日期", help_text=f"认定文书写明的生效日期；{STARTS}")
    last = day_field("终止日期", required=False, help_text="最后有效的一天；不填为长期")

    def __init__(self, data: Any, *, area_code: str, **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["identity"].choices = [("", "请选择"), *identity_choices(area_code)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", fault(E_PERIOD, first=first, last=last).message)
        return given


class EndForm(forms.Form):
    """When a certification ends."""

    last = day_field("终止日期", help_text="最后有效的一天")


@dataclass(frozen=True)
class Deed:
    """What a page is about to do: its words, the action of what was filled in, and what that comes to."""

    title: str
    button: str
    done: str
    action: Callable[[dict[str, Any]], Action]
    impact: Callable[[dict[str, Any]], Impact]
    is_danger: bool = False
    #: Nothing is shown before where no settlement is concerned.
    is_at_once: bool = False
    row: Identity | None = None


def weighed(
    request: HttpRequest, person: Person, form: forms.Form, deed: Deed, *, places: Mapping[str, str] = PLACES
) -> HttpResponse:
    """Ask, show what it comes to, do it once that is confirmed. A form without fields is shown what it comes to at once."""
    step = request.POST.get("step", "")
    shown = {"person": person, "form": form, "deed": deed, "held": IDENTITIES[deed.row.identity] if deed.row else ""}
    if (request.method == "POST" or not form.fields) and step != "edit" and form.is_valid():
        action = deed.action(form.cleaned_data)
        try:
            action.rehearse()
            found = deed.impact(form.cleaned_data)
            mark = mark_of(form.cleaned_data, found)
            is_plain = deed.is_at_once and not found.changes and not found.why
            if is_plain or (step == "confirm" and request.POST.get("seen") == mark):
                action.run()
                messages.success(request, deed.done)
                return redirect("person", person.pk)
        except InputErrors as error:
            say_beside(form, error, places)
        else:
            shown |= {
                "found": found, "lines": lines_of(found, request.user), "mark": mark, "has_changed": step == "confirm",
                "given": [(field.label, _told(field, form.cleaned_data[field.name])) for field in form],
            }  # fmt: skip
            return render(request, "identities/preview.html", shown)
    return render(request, "identities/form.html", shown)


def _told(field: forms.BoundField, value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if field.name == "certno":
        return "按新填的号码更换" if value else "不更换"
    if field.name == "identity":
        return IDENTITIES[value]
    return dict(getattr(field.field, "choices", ())).get(value, "") or str(value or "")


def _row(request: HttpRequest, pk: int, verb: str) -> tuple[Identity, Person]:
    """Return a certification and the person whose file shows it."""
    row = access.get(request.user, Identity, pk, verb)
    return row, row.person.merged_into or row.person


@login_required
def certify(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a department's certification of a person."""
    person = access.get(request.user, Person, pk, permissions.CERTIFY)
    named = {"psn_no": person.psn_no}
    deed = Deed(
        "认定身份", "确认认定", "身份已认定。受影响的结算将自动重算，差额另记。",
        lambda given: CertifyIdentity(actor=request.user, **named, **given),
        lambda given: impact_of_certifying(request.user, **named, **given),
    )  # fmt: skip
    return weighed(
        request, person.merged_into or person, IdentityForm(request.POST or None, area_code=person.insured_area), deed
    )


@login_required
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a certification on a day."""
    row, person = _row(request, pk, permissions.END)
    deed = Deed(
        "终止身份", "确认终止", "身份已终止。受影响的结算将自动重算，差额另记。",
        lambda given: EndIdentity(actor=request.user, identity_id=pk, **given),
        lambda given: impact_of_ending(request.user, identity_id=pk, **given), is_danger=True, row=row,
    )  # fmt: skip
    return weighed(request, person, EndForm(request.POST or None, initial={"last": clock.today()}), deed)


@login_required
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right a certification that was recorded wrongly."""
    row, person = _row(request, pk, permissions.CORRECT)
    deed = Deed(
        "更正身份", "确认更正", "身份已更正，原记录作废留存。受影响的结算将自动重算，差额另记。",
        lambda given: CorrectIdentity(actor=request.user, identity_id=pk, facts=given),
        lambda given: impact_of_correcting(request.user, identity_id=pk, facts=given), row=row,
    )  # fmt: skip
    initial = {name: getattr(row, name) for name in FACTS}
    return weighed(
        request, person, IdentityForm(request.POST or None, area_code=person.insured_area, initial=initial), deed
    )


@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a certification that should never have been recorded."""
    row, person = _row(request, pk, permissions.CORRECT)
    deed = Deed(
        "作废身份", "确认作废", "身份记录已作废。受影响的结算将自动重算，差额另记。",
        lambda given: CorrectIdentity(actor=request.user, identity_id=pk, facts=None),
        lambda given: impact_of_correcting(request.user, identity_id=pk, facts=None), is_danger=True, row=row,
    )  # fmt: skip
    return weighed(request, person, forms.Form({}), deed)


@login_required
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what is recorded of somebody."""
    found = access.get(request.user, Person, pk, permissions.CHANGE)
    person = found.merged_into or found
    deed = Deed(
        "变更信息", "确认变更", "信息已变更，原来的内容留存。受影响的结算将自动重算，差额另记。",
        lambda given: ChangePerson(actor=request.user, psn_no=person.psn_no, **given),
        lambda given: impact_of_changing(request.user, psn_no=person.psn_no, facts=given), is_at_once=True,
    )  # fmt: skip
    initial = {name: getattr(person, name) for name in PARTICULARS}
    form = PersonForm(request.POST or None, user=request.user, person=person, initial=initial)
    return weighed(request, person, form, deed, places=PERSON_PLACES)


urlpatterns = [
    path("people/<int:pk>/change/", change, name="person-change"),
    path("people/<int:pk>/certify/", certify, name="person-certify"),
    path("identities/<int:pk>/end/", end, name="identity-end"),
    path("identities/<int:pk>/correct/", correct, name="identity-correct"),
    path("identities/<int:pk>/withdraw/", withdraw, name="identity-withdraw"),
]
