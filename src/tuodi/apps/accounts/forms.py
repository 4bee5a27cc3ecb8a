"""The forms of a new account and of an area's name."""

from __future__ import annotations

from typing import Any

from django import forms

from tuodi.apps.accounts.actions import JOBS


class AreaForm(forms.Form):
    """What an area is called."""

    code = forms.CharField(
        label="区划代码", max_length=12, help_text="6、9 或 12 位，本辖区或下级",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    name = forms.CharField(
        label="名称",
        max_length=60,
        help_text="民政部门公布的名称",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class AccountForm(forms.Form):
    """Who, which job, where; what of it holds is decided by the action."""

    name = forms.CharField(label="姓名", max_length=60)
    username = forms.CharField(
        label="用户名",
        max_length=40,
        help_text="小写字母、数字、点或短横，例如姓名全拼；开立后不能改。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    role = forms.ChoiceField(label="岗位", choices=[("", "请选择"), *JOBS.items()])
    area_code = forms.CharField(
        label="辖区",
        max_length=12,
        help_text="6、9 或 12 位区划代码，本辖区或下级；本人只能看到和办理这里的事。",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    institution_code = forms.ChoiceField(
        label="定点医药机构", required=False, help_text="只有医院窗口须选择。", choices=[]
    )

    def __init__(self, *args: Any, institutions: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["institution_code"].choices = [("", "不绑定机构"), *institutions]  # type: ignore[attr-defined]
