"""What offices fill in about institutions; the actions say what may not be."""

from __future__ import annotations

from typing import Any

from django import forms

from tuodi.apps.institutions.models import KINDS, LEVELS, Agreement, Institution
from tuodi.base.doors import day_field
from tuodi.base.models import User

LEVEL_CHOICES = [("", "没有等级（药店等）"), *LEVELS.items()]


def _text(label: str, *, size: int, required: bool = True, help_text: str = "") -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "off"})
    return forms.CharField(label=label, max_length=size, required=required, widget=widget, help_text=help_text)


def _long(label: str, *, size: int, required: bool = True, help_text: str = "") -> forms.CharField:
    widget = forms.Textarea({"rows": 3})
    return forms.CharField(label=label, max_length=size, required=required, widget=widget, help_text=help_text)


class RegisterForm(forms.Form):
    """A new institution."""

    code = _text("机构编码", size=30, help_text="12 位国家编码，H 或 P 开头")
    name = _text("名称", size=200, help_text="与执业许可证一致的全称")
    kind = forms.ChoiceField(label="类型", choices=list(KINDS.items()))
    level = forms.ChoiceField(label="等级", choices=LEVEL_CHOICES, required=False)
    area_code = _text("所在区划", size=6, help_text="六位区划代码")
    is_out_of_province = forms.BooleanField(label="省外机构", required=False)
    contact = _text("联系人", size=60, required=False)
    phone = _text("联系电话", size=30, required=False)

    def __init__(self, *args: Any, within: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.within = within

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        area, away = data.get("area_code", ""), data.get("is_out_of_province")
        if area and not away and not area.startswith(self.within):
            self.add_error("area_code", f"区划 {area} 不在您的辖区内；省外机构请勾选“省外机构”。")
        return data


class ChangeForm(forms.Form):
    """What may change of an institution; a level from a day."""

    name = _text("名称", size=200)
    kind = forms.ChoiceField(label="类型", choices=list(KINDS.items()))
    level = forms.ChoiceField(label="等级", choices=LEVEL_CHOICES, required=False)
    first = day_field("等级自哪天起", required=False, help_text="只在等级有变时填写；不填为今天")
    contact = _text("联系人", size=60, required=False)
    phone = _text("联系电话", size=30, required=False)

    @staticmethod
    def initial_of(row: Institution) -> dict[str, Any]:
        return {name: getattr(row, name) for name in ("name", "kind", "level", "contact", "phone")}


class AgreementForm(forms.Form):
    """An agreement to be recorded."""

    kind = forms.ChoiceField(label="协议", choices=Agreement.KINDS)
    number = _text("协议编号", size=60, required=False)
    first = day_field("起始日期")
    last = day_field("终止日期", required=False, help_text="不填为长期")
    terms = _long(
        "约定",
        size=4000,
        required=False,
        help_text="服务内容、质量、结算、双方责任等要点（WH-5.3），供查阅，不参与计算",
    )


class EndForm(forms.Form):
    """How an agreement ends."""

    last = day_field("协议有效至", help_text="这一天仍然有效，次日起不再是定点")
    reason = _long("终止理由", size=200, help_text="写明依据，如考核结果或通知书文号")


class SuspendForm(forms.Form):
    """Why and when an institution may not settle."""

    first = day_field("自", help_text="这一天起暂停结算")
    last = day_field("至", required=False, help_text="不填为直到恢复")
    reason = _long("理由", size=200, help_text="会原样告知该机构的结算窗口，请勿写入个人信息")


class LiftForm(forms.Form):
    """From when an institution may settle again."""

    first = day_field("自哪天起恢复结算", help_text="此前的日子仍按暂停处理")


class KeyForm(forms.Form):
    """A key for an institution's system."""

    name = _text("密钥名称", size=60, help_text="医院系统在每次请求中写明（x-tif-paasid），例如 hb-his-1")
    user = forms.ModelChoiceField(label="以谁的名义办理", queryset=User.objects.none(), empty_label="请选择窗口账号")
    last = day_field("有效至", required=False, help_text="不填为长期")

    def __init__(self, *args: Any, accounts: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = accounts  # type: ignore[attr-defined]


class RevokeForm(forms.Form):
    """Why a key counts no more."""

    reason = _long("注销理由", size=200)
