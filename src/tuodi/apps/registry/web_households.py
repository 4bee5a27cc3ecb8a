"""Households in pages: who belongs to one and did before; joined, left, split, moved, put right, the money seen first. Doors only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from tuodi.apps.registry import permissions, queries
from tuodi.apps.registry.actions.base import (
    E_AREA,
    E_DEAD,
    E_HEAD,
    E_HOUSEHOLD,
    E_HOUSEHOLD_EXISTS,
    E_HOUSEHOLD_NUMBER,
    E_MEMBER,
    E_MOVE_DAY,
    E_NO_HOUSEHOLD,
    E_NOT_MEMBER,
    E_PERIOD,
    E_SAME_AREA,
)
from tuodi.apps.registry.actions.household_moves import CorrectHouseholdMove
from tuodi.apps.registry.actions.households import JoinHousehold, LeaveHousehold, MoveHousehold, SplitHousehold
from tuodi.apps.registry.actions.memberships import CorrectMembership, MoveMember
from tuodi.apps.registry.models import Household, HouseholdPlace, Membership, Person
from tuodi.apps.registry.timeline import open_household
from tuodi.apps.registry.web_people import code_field, text_field
from tuodi.base import access, clock
from tuodi.base.action import Action
from tuodi.base.doors import day_field, page_of, say_beside
from tuodi.core.errors import InputErrors, fault

#: The field that a fault is about.
PLACES = {
    E_HEAD: "head", E_HOUSEHOLD_EXISTS: "new_number", E_HOUSEHOLD_NUMBER: "new_number", E_NOT_MEMBER: "first", E_MEMBER: "first", E_PERIOD: "last", E_DEAD: "last",
    E_MOVE_DAY: "first", E_NO_HOUSEHOLD: "first", E_SAME_AREA: "area_code",
}  # fmt: skip


class SplitForm(forms.Form):
    """Who forms a household of their own, from when."""

    psn_nos = forms.MultipleChoiceField(label="分出的成员", widget=forms.CheckboxSelectMultiple)
    head = forms.ChoiceField(label="新户户主", help_text="须在分出的成员里")
    new_number = text_field("新户编号", 30)
    first = day_field("分户日期", help_text="从这一天起属于新户，前一天还在原户")

    def __init__(self, data: Any, *, members: list[Person], **more: Any) -> None:
        super().__init__(data, **more)
        named = [(one.psn_no, f"{one.name}（{one.psn_no}）") for one in members]
        self.fields["psn_nos"].choices = named  # type: ignore[attr-defined]
        self.fields["head"].choices = [("", "请选择"), *named]  # type: ignore[attr-defined]


class MoveForm(forms.Form):
    """Where a household moves to, and when."""

    area_code = code_field("迁入地区划", help_text="可以是辖区以外；迁出后由当地管理这一户")
    first = day_field("迁移日期", help_text="从这一天起住在迁入地")


class CorrectMoveForm(MoveForm):
    """What a move should have said."""

    is_void = forms.BooleanField(label="作废：这次迁移根本不该登记", required=False)


class MemberForm(forms.Form):
    """Which household a member moves to, and when."""

    number = text_field("迁入户编号", 30, help_text="已经登记的户")
    first = day_field("迁户日期", help_text="从这一天起属于迁入的户，前一天还在原户")
    is_head = forms.BooleanField(label="迁入后是户主", required=False)

    def __init__(self, data: Any, *, user: Any, **more: Any) -> None:
        super().__init__(data, **more)
        self.user = user

    def clean_number(self) -> str:
        number = str(self.cleaned_data["number"])
        if not access.visible(self.user, Household).filter(number=number).exists():
            raise forms.ValidationError(fault(E_HOUSEHOLD, number=number).message)
        return number


class CorrectForm(forms.Form):
    """What a membership should have said."""

    first = day_field("入户日期")
    last = day_field("离户日期", required=False, help_text="算作成员的最后一天；还在户的不填")
    is_head = forms.BooleanField(label="户主", required=False)
    is_void = forms.BooleanField(label="作废：这条记录根本不该登记", required=False)


class JoinForm(forms.Form):
    """Which household somebody joins, and from when."""

    number = text_field("户编号", 30)
    first = day_field("入户日期")
    is_head = forms.BooleanField(label="户主", required=False)
    is_new = forms.BooleanField(label="新户：这个户编号还没有登记", required=False)
    new_area = code_field("新户所在区划", required=False, help_text="只有新户需要填")
    is_rural = forms.BooleanField(label="新户是农村户", required=False, initial=True)

    def __init__(self, data: Any, *, user: Any, **more: Any) -> None:
        super().__init__(data, **more)
        self.user = user

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        is_new, number, area = given.pop("is_new"), given.get("number"), given.get("new_area")
        if not is_new:
            given["new_area"] = ""
            if number and not access.visible(self.user, Household).filter(number=number).exists():
                self.add_error("number", fault(E_HOUSEHOLD, number=number).message)
        elif not area and "new_area" not in self.errors:
            self.add_error("new_area", "新户请填所在区划。")
        elif area and not area.startswith(access.area_prefix(self.user.area_code)):
            self.add_error("new_area", fault(E_AREA, area=area).message)
        return given


class LeaveForm(forms.Form):
    """Which household somebody leaves, and when."""

    number = forms.ChoiceField(label="户编号")
    last = day_field("离户日期", help_text="算作成员的最后一天")

    def __init__(self, data: Any, *, person: Person, **more: Any) -> None:
        super().__init__(data, **more)
        numbers = dict.fromkeys(number for _, _, number in reversed(queries.households_of(person.psn_no)))
        self.fields["number"].choices = [(number, number) for number in numbers]  # type: ignore[attr-defined]


def _unseen(request: HttpRequest, action: Action, psn_nos: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """Return what an action on households moves and the user has not seen yet; empty if nothing, or if it is this that was seen."""
    shown = {
        name: told for weigh in queries.WEIGHS for name, told in weigh(request.user, action, psn_nos, given).items()
    }
    return {} if not shown or request.POST.get("seen") == shown["mark"] else shown


def _asked(
    request: HttpRequest,
    form: forms.Form,
    action: Any,
    *,
    back: str,
    done: str,
    then: str = "",
    whose: Any = None,
    places: Mapping[str, str] = PLACES,
    **shown: Any,
) -> HttpResponse:
    """Ask, and do what was filled in; what is wrong is said beside the fields. Done, go ``then``, or back.

    ``whose`` says of what was filled in whose money it may move: what it moves is seen first.
    """
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            weighed = _unseen(request, action(dict(given)), whose(given), given) if whose else {}
            if not weighed:
                action(dict(given)).run()
        except InputErrors as error:
            say_beside(form, error, places)
        else:
            if not weighed:
                messages.success(request, done)
                return redirect(then or back)
            shown |= weighed
    return render(request, "registry/household_form.html", {"form": form, "back": back, **shown})


def _person(request: HttpRequest, pk: int) -> Person:
    found = access.get(request.user, Person, pk, permissions.MOVE)
    return found.merged_into or found


def _household(request: HttpRequest, pk: int, verb: str) -> Household:
    return access.get(request.user, Household, pk, verb)


def _people(members: tuple[Membership, ...]) -> list[Person]:
    return [row.person.merged_into or row.person for row in members]


@login_required
def household(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a household's file."""
    row, whole = _household(request, pk, permissions.VIEW), request.GET.get("all") == "1"
    file = open_household(request.user, row, clock.today(), with_withdrawn=whole)
    latest = file.places[0] if file.places else None
    left = queries.moved_from(latest) if latest else None
    here = left and left.area_code.startswith(access.area_prefix(_area(request.user)))
    may_move = access.may(request.user, permissions.MOVE)
    shown = {"file": file, "whole": whole, "may_move": may_move, "last_move": latest if here and may_move else None}
    return render(request, "registry/household.html", shown)


@login_required
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """Let some members form a household of their own."""
    row = _household(request, pk, permissions.MOVE)
    members = _people(queries.household_file(row, request.user, clock.today()).members)
    return _asked(
        request, SplitForm(request.POST or None, members=members),
        lambda given: SplitHousehold(actor=request.user, number=row.number, **given), back=reverse("household", args=[pk]),
        done="分户已登记。原来的成员记录终止于前一天，都留存。", title="分户", button="登记分户", household=row,
        whose=lambda given: given["psn_nos"],
    )  # fmt: skip


@login_required
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a household to another area."""
    row = _household(request, pk, permissions.MOVE)
    members = _people(queries.household_file(row, request.user, clock.today()).members)
    form = MoveForm(request.POST or None)
    is_away = form.is_valid() and not form.cleaned_data["area_code"].startswith(access.area_prefix(_area(request.user)))
    return _asked(
        request, form, lambda given: MoveHousehold(actor=request.user, number=row.number, **given),
        back=reverse("household", args=[pk]), then=reverse("households-moved") if is_away else "", done="整户迁移已登记。",
        title="整户迁移", button="登记迁移", household=row, members=members,
    )  # fmt: skip


@login_required
def moved(request: HttpRequest) -> HttpResponse:
    """List the households that left one's area, so that one sent away by mistake is found again."""
    access.demand(request.user, permissions.MOVE)
    return render(request, "registry/moved.html", {"page": page_of(request, queries.moves_away(request.user))})


@login_required
def correct_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right where a household moved to and when, or that it did not move at all."""
    place = access.get(request.user, HouseholdPlace, pk, permissions.MOVE)
    household = place.household
    is_seen = household.area_code.startswith(access.area_prefix(_area(request.user)))
    back = reverse("household", args=[household.pk]) if is_seen else reverse("households-moved")

    def action(given: dict[str, Any]) -> Action:
        is_void = given.pop("is_void")
        return CorrectHouseholdMove(actor=request.user, place_id=pk, facts=None if is_void else given)

    form = CorrectMoveForm(request.POST or None, initial={"area_code": place.area_code, "first": place.first})
    return _asked(
        request, form, action, back=back, then=reverse("households-moved"), done="迁移已更正，原记录作废留存；随迁成员的居住地一并更正。",
        title="更正整户迁移", button="保存更正", household=household, place=place,
    )  # fmt: skip


def _area(user: Any) -> str:
    return str(user.area_code)


@login_required
def move_member(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a person to another household."""
    person = _person(request, pk)
    return _asked(
        request, MemberForm(request.POST or None, user=request.user),
        lambda given: MoveMember(actor=request.user, psn_no=person.psn_no, **given), back=reverse("person", args=[person.pk]),
        done="迁户已登记。原来的成员记录终止于前一天，留存。", title="迁到另一户", button="登记迁户", person=person,
        whose=lambda given: [person.psn_no],
    )  # fmt: skip


@login_required
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right a membership that was recorded wrongly, an end entered by mistake included."""
    row = access.get(request.user, Membership, pk, permissions.MOVE)
    person = row.person.merged_into or row.person
    initial: dict[str, date | bool | None] = {"first": row.first, "last": row.last, "is_head": row.is_head}

    def action(given: dict[str, Any]) -> Action:
        is_void = given.pop("is_void")
        return CorrectMembership(actor=request.user, membership_id=pk, facts=None if is_void else given)

    return _asked(
        request, CorrectForm(request.POST or None, initial=initial), action, back=reverse("person", args=[person.pk]),
        done="成员记录已更正，原记录作废留存。", title="更正成员记录", button="保存更正", person=person, row=row,
        whose=lambda given: [person.psn_no],
    )  # fmt: skip


@login_required
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Make somebody a member of a household."""
    person = _person(request, pk)
    return _asked(
        request, JoinForm(request.POST or None, user=request.user),
        lambda given: JoinHousehold(actor=request.user, psn_no=person.psn_no, **given), back=reverse("person", args=[person.pk]),
        done="入户已登记。", title="登记入户", button="登记入户", person=person, whose=lambda given: [person.psn_no],
        places=PLACES | {E_DEAD: "first", E_HOUSEHOLD_EXISTS: "number", E_HOUSEHOLD_NUMBER: "number"},
    )  # fmt: skip


@login_required
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """End somebody's membership of a household."""
    person = _person(request, pk)
    return _asked(
        request, LeaveForm(request.POST or None, person=person, initial={"last": clock.today()}),
        lambda given: LeaveHousehold(actor=request.user, psn_no=person.psn_no, **given), back=reverse("person", args=[person.pk]),
        done="离户已登记。", title="登记离户", button="登记离户", person=person, whose=lambda given: [person.psn_no],
        places=PLACES | {E_NOT_MEMBER: "last"},
    )  # fmt: skip


urlpatterns = [
    path("people/<int:pk>/join/", join, name="household-join"),
    path("people/<int:pk>/leave/", leave, name="household-leave"),
    path("households/<int:pk>/", household, name="household"),
    path("households/<int:pk>/split/", split, name="household-split"),
    path("households/<int:pk>/move/", move, name="household-move"),
    path("households/moved/", moved, name="households-moved"),
    path("households/places/<int:pk>/correct/", correct_move, name="household-move-correct"),
    path("people/<int:pk>/move/", move_member, name="household-move-member"),
    path("memberships/<int:pk>/correct/", correct, name="membership-correct"),
]
