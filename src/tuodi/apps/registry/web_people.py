"""One person in pages: registered; the form of their particulars, and fields that other pages have too. Doors only."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import (
    E_AREA,
    E_BIRTH_DAY,
    E_NUMBER_FORM,
    E_NUMBER_HELD,
    E_PERSON_EXISTS,
)
from tuodi.apps.registry.actions.people import RegisterPerson
from tuodi.apps.registry.models import Person
from tuodi.base import access, clock
from tuodi.base.doors import day_field, say_beside
from tuodi.batch.citizen import citizen_id_fault
from tuodi.core.errors import InputErrors, fault

#: The field that a fault is about.
PLACES = {E_PERSON_EXISTS: "psn_no", E_NUMBER_HELD: "certno", E_NUMBER_FORM: "certno"}
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


@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    access.demand(request.user, permissions.REGISTER)
    initial = {"insured_area": getattr(request.user, "area_code", "")}
    form = PersonForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = RegisterPerson(actor=request.user, **form.cleaned_data).run()
        except InputErrors as error:
            say_beside(form, error, PLACES)
        else:
            messages.success(request, "人员已登记。")
            return redirect("person", made.pk)
    return render(request, "registry/person_form.html", {"form": form})


urlpatterns = [path("people/new/", register, name="person-new")]
