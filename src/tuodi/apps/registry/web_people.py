"""One person in pages: registered, joined to a household and parted from it; the form of their particulars. Doors only."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tuodi.apps.registry import permissions, queries
from tuodi.apps.registry.actions.base import (
    E_AREA,
    E_BIRTH_DAY,
    E_DEAD,
    E_HOUSEHOLD,
    E_HOUSEHOLD_EXISTS,
    E_HOUSEHOLD_NUMBER,
    E_MEMBER,
    E_NOT_MEMBER,
    E_NUMBER_FORM,
    E_NUMBER_HELD,
    E_PERSON_EXISTS,
)
from tuodi.apps.registry.actions.households import JoinHousehold, LeaveHousehold
from tuodi.apps.registry.actions.people import RegisterPerson
from tuodi.apps.registry.models import Household, Person
from tuodi.base import access, clock
from tuodi.base.action import Action
from tuodi.base.doors import day_field, say_beside
from tuodi.batch.citizen import citizen_id_fault
from tuodi.core.errors import InputErrors, fault

#: The field that a fault is about.
PLACES = {
    E_PERSON_EXISTS: "psn_no", E_NUMBER_HELD: "certno", E_NUMBER_FORM: "certno", E_MEMBER: "first", E_DEAD: "first",
    E_NOT_MEMBER: "last", E_HOUSEHOLD_EXISTS: "number", E_HOUSEHOLD_NUMBER: "number",
}  # fmt: skip
INSUTYPES = {"390": "城乡居民基本医疗保险", "310": "职工基本医疗保险"}


def text_field(label: str, size: int, *, required: bool = True, help_text: str = "") -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "off"})
    return forms.CharField(label=label, max_length=size, required=required, widget=widget, help_text=help_text)


def code_field(label: str, *, required: bool = True, help_text: str = "") -> forms.RegexField:
    return forms.RegexField(
        r"^[0-9]{6}([0-9]{3}){0,2}$", label=label, required=required, help_text=help_text,
        error_messages={"invalid": "请填 6、9 或 12 位区划代码。"}, widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
    )  # fmt: skip


class PersonForm(forms.Form):
    """What is recorded of a person; of one who is known the number stays."""

    psn_no = forms.RegexField(
        r"^[0-9A-Za-z_-]{1,30}$", label="人员编号", help_text="医保信息平台的人员编号",
        error_messages={"invalid": "请填字母、数字组成的编号，不超过 30 位。"}, widget=forms.TextInput({"autocomplete": "off"}),
    )  # fmt: skip
    name = text_field("姓名", 50)
    certno = text_field("身份证号码", 18, required=False)
    gend = forms.ChoiceField(
        label="性别", required=False, choices=[("", "未填"), ("1", "男"), ("2", "女"), ("9", "未说明")]
    )
    birth = day_field("出生日期", required=False)
    insured_area = code_field("参保地区划", help_text="六位区划代码，须在您的辖区内")
    registered_area = code_field("户籍地区划", required=False)
    residence_area = code_field("居住地区划", required=False)
    insutype = forms.ChoiceField(label="险种", required=False, choices=[("", "未填"), *INSUTYPES.items()])

    def __init__(self, data: Any, *, user: Any, person: Person | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.user, self.person = user, person
        self.fields["certno"].help_text = "没有证件的可不填；填了而没填出生日期的，按号码登记"
        if person is None:
            return
        del self.fields["psn_no"], self.fields["insured_area"]
        self.fields["certno"].help_text = "不更换的留空"
        if person.insutype and person.insutype not in INSUTYPES:
            self.fields["insutype"].choices = [*self.fields["insutype"].choices, (person.insutype, person.insutype)]  # type: ignore[attr-defined]

    def clean_certno(self) -> str:
        number = str(self.cleaned_data["certno"]).upper()
        if number and citizen_id_fault(number):
            raise forms.ValidationError(fault(E_NUMBER_FORM).message)
        return number

    def clean_birth(self) -> date | None:
        day: date | None = self.cleaned_data["birth"]
        if day and day > clock.today():
            raise forms.ValidationError(fault(E_BIRTH_DAY, day=day).message)
        return day

    def clean_insured_area(self) -> str:
        return own_area(self.user, str(self.cleaned_data["insured_area"]))


def own_area(user: Any, area: str) -> str:
    """Return a code of the user's area; raise if it is of another."""
    if not area.startswith(access.area_prefix(user.area_code)):
        raise forms.ValidationError(fault(E_AREA, area=area).message)
    return area


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


def unseen(request: HttpRequest, action: Action, psn_nos: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """Return what an action on households moves and the user has not seen yet; empty if nothing, or if it is this that was seen."""
    shown = {
        name: told for weigh in queries.WEIGHS for name, told in weigh(request.user, action, psn_nos, given).items()
    }
    return {} if not shown or request.POST.get("seen") == shown["mark"] else shown


def _asked(
    request: HttpRequest, form: forms.Form, make: Any, *, title: str, button: str, done: str, person: Person | None
) -> HttpResponse:
    """Ask, and do what was filled in once what it moves was seen; what is wrong is said beside the fields."""
    weighed: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        action: Action = make(given)
        try:
            weighed = unseen(request, make(given), [person.psn_no], given) if person else {}
            if not weighed:
                action.run()
        except InputErrors as error:
            say_beside(form, error, PLACES)
        else:
            if not weighed:
                messages.success(request, done)
                return redirect("person", person.pk if person else action.person.pk)  # type: ignore[attr-defined]
    shown = {"form": form, "title": title, "button": button, "person": person, **weighed}
    return render(request, "registry/person_form.html", shown)


def _person(request: HttpRequest, pk: int, verb: str) -> Person:
    found = access.get(request.user, Person, pk, verb)
    return found.merged_into or found


@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    access.demand(request.user, permissions.REGISTER)
    initial = {"insured_area": getattr(request.user, "area_code", "")}
    form = PersonForm(request.POST or None, user=request.user, initial=initial)
    return _asked(
        request, form, lambda given: RegisterPerson(actor=request.user, **given), title="登记人员", button="登记",
        done="人员已登记。", person=None,
    )  # fmt: skip


@login_required
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Make somebody a member of a household."""
    person = _person(request, pk, permissions.MOVE)
    form = JoinForm(request.POST or None, user=request.user)
    return _asked(
        request, form, lambda given: JoinHousehold(actor=request.user, psn_no=person.psn_no, **given), title="登记入户",
        button="登记入户", done="入户已登记。", person=person,
    )  # fmt: skip


@login_required
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """End somebody's membership of a household."""
    person = _person(request, pk, permissions.MOVE)
    form = LeaveForm(request.POST or None, person=person, initial={"last": clock.today()})
    return _asked(
        request, form, lambda given: LeaveHousehold(actor=request.user, psn_no=person.psn_no, **given), title="登记离户",
        button="登记离户", done="离户已登记。", person=person,
    )  # fmt: skip


urlpatterns = [
    path("people/new/", register, name="person-new"),
    path("people/<int:pk>/join/", join, name="household-join"),
    path("people/<int:pk>/leave/", leave, name="household-leave"),
]
