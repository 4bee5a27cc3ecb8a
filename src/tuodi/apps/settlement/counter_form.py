"""The fields of a bill typed at the counter, checked all at once, in the words of the national interface."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms

from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry.insured import area_on
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.counter import REASONS, setl_id_for
from tuodi.apps.settlement.models import Bill, Encounter
from tuodi.apps.settlement.settling import E_DATES, E_OVERPAID, E_SPLIT
from tuodi.base import clock
from tuodi.base.doors import DAYS, day_field
from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.errors import fault
from tuodi.core.money import fen_from_yuan, yuan, yuan_for_people
from tuodi.core.settlements import (
    CAUSES,
    DISEASE_CLASSES,
    INSURER_FIELDS,
    MED_TYPES,
    REFERRALS,
    SPLIT_FIELDS,
    is_inpatient,
)

#: The day on which the page was opened, then chance: sent again after midnight it still is the same settlement.
KEY = re.compile(r"[0-9]{8}[0-9a-f]{16}")
#: Kinds of care that an institution types by hand, the usual ones first.
CARE = ["21", "14", "11", "13", "28", "22", "24", "26", "52", "51", "15", "16", "41"]
PARTS = SPLIT_FIELDS[1:]


class MoneyInput(forms.TextInput):
    """A right-aligned amount; thousands are separated for reading."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__({"class": "money", "inputmode": "decimal", "autocomplete": "off", "maxlength": "20", **attrs})

    def format_value(self, value: Any) -> str | None:
        return f"{value // 100:,}.{value % 100:02d}" if isinstance(value, int) else super().format_value(value)


class MoneyField(forms.Field):
    """Yuan as people type them (thousands, full-width digits) to fen; empty is nothing paid."""

    widget = MoneyInput

    def to_python(self, value: Any) -> int:
        import unicodedata

        text = (
            unicodedata.normalize("NFKC", str(value or ""))
            .replace(",", "")
            .replace(" ", "")
            .removeprefix("¥")
            .removesuffix("元")
        )
        if not text:
            return 0
        try:
            fen = fen_from_yuan(text)
        except ValueError:
            raise forms.ValidationError(
                "“%(value)s”不是金额，请填写如 1,234.56 的数字，最多两位小数。", params={"value": value}
            ) from None
        if fen < 0:
            raise forms.ValidationError("金额不能为负数。")
        if fen >= 10**12:
            raise forms.ValidationError("金额超过一百亿元，请核对。")
        return fen

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError("请填写金额。")


def _money(name: str, *, required: bool = False, label: str = "") -> MoneyField:
    return MoneyField(label=label or AMOUNT_NAMES[name], required=required)


class FindForm(forms.Form):
    """Who is here: by number only."""

    number = forms.CharField(
        label="居民身份证号码或人员编号",
        max_length=30,
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )


class CancelForm(forms.Form):
    """Why a settlement is cancelled."""

    reason = forms.ChoiceField(
        label="撤销原因", choices=[("", "请选择"), *REASONS.items()], widget=forms.Select({"autofocus": True})
    )


class BillForm(forms.Form):
    """One bill. ``to_bill`` gives it unsaved."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=24)
    institution = forms.ChoiceField(label="定点医药机构", required=False)
    mdtrt_id = forms.ChoiceField(label="对应的住院", required=False)
    med_type = forms.ChoiceField(
        label="医疗类别", choices=[(code, MED_TYPES[code]) for code in CARE], widget=forms.Select({"autofocus": True})
    )
    begndate, enddate = day_field("入院（就诊）日期"), day_field("出院日期")
    setl_time = forms.DateTimeField(
        label="医保结算时间", widget=forms.DateTimeInput({"type": "datetime-local", "max": f"{DAYS[1]}T23:59"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )  # fmt: skip
    diag_code = forms.CharField(
        label="主要诊断编码", max_length=20, widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
    )
    disease_class = forms.ChoiceField(
        label="疾病类别", required=False, choices=[("", "按诊断编码判断"), *DISEASE_CLASSES.items()]
    )
    refer_stas = forms.ChoiceField(
        label="转诊备案", required=False, choices=[("", "按备案记录判断"), *REFERRALS.items()]
    )
    cause = forms.ChoiceField(label="致病原因", required=False, choices=list(CAUSES.items()))
    medfee_sumamt = _money("medfee_sumamt", required=True)
    inscp_scp_amt, preselfpay_amt = _money("inscp_scp_amt"), _money("preselfpay_amt")
    fulamt_ownpay_amt, overlmt_selfpay = _money("fulamt_ownpay_amt"), _money("overlmt_selfpay")
    hifp_pay, hifmi_pay = _money("hifp_pay"), _money("hifmi_pay")
    hifob_pay, cvlserv_pay, hifes_pay, oth_pay = (
        _money("hifob_pay"),
        _money("cvlserv_pay"),
        _money("hifes_pay"),
        _money("oth_pay"),
    )
    supp_pay, relief_amt = _money("supp_pay"), _money("relief_amt")
    hosp_part_amt = _money("", label="医院减免")
    acct_pay = _money("", label="个人账户支付")

    def __init__(
        self, *args: Any, person: Person, own: Institution | None, choices: list[Institution], stays: Sequence[Encounter] = (),
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.person, self.own, self.stays = person, own, stays
        if stays:
            told = [
                (s.mdtrt_id, f"{clock.local(s.admitted):%Y-%m-%d %H:%M} 入院（住院号 {s.ipt_otp_no}）") for s in stays
            ]
            self.fields["mdtrt_id"].choices = [*told, ("", "不是这几次住院")]  # type: ignore[attr-defined]
        else:
            del self.fields["mdtrt_id"]
        if own is None:
            field = self.fields["institution"]
            field.required = True
            field.choices = [("", "请选择"), *((row.code, row.name) for row in choices)]  # type: ignore[attr-defined]
        else:
            del self.fields["institution"]

    @staticmethod
    def fresh(stays: Sequence[Encounter] = ()) -> dict[str, Any]:
        """Return what a new page begins with: its own key, today, now, and what is known of the newest stay."""
        today = clock.today()
        began = {
            "key": f"{today:%Y%m%d}{secrets.token_hex(8)}", "med_type": CARE[0], "begndate": today, "enddate": today,
            "setl_time": clock.now().replace(second=0, microsecond=0),
        }  # fmt: skip
        if stays:
            newest = stays[0]
            began |= {
                "mdtrt_id": newest.mdtrt_id, "begndate": clock.local(newest.admitted).date(), "diag_code": newest.diag_code,
                "med_type": newest.med_type if newest.med_type in CARE else CARE[0],
            }  # fmt: skip
        return began

    def rows(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def care(self) -> list[forms.BoundField]:
        names = ("med_type", "diag_code", "begndate", "enddate", "setl_time")
        first = [name for name in ("institution", "mdtrt_id") if name in self.fields]
        return self.rows(*first, *names)

    @property
    def special(self) -> list[forms.BoundField]:
        return self.rows("disease_class", "refer_stas", "cause")

    @property
    def parts(self) -> list[forms.BoundField]:
        return self.rows("inscp_scp_amt", "preselfpay_amt", "fulamt_ownpay_amt", "overlmt_selfpay")

    @property
    def paid(self) -> list[forms.BoundField]:
        return self.rows("hifp_pay", "hifmi_pay")

    @property
    def paid_by_others(self) -> list[forms.BoundField]:
        return self.rows(
            "hifob_pay", "cvlserv_pay", "hifes_pay", "oth_pay", "supp_pay", "relief_amt", "hosp_part_amt", "acct_pay"
        )

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        if not KEY.fullmatch(key):
            raise forms.ValidationError("页面已失效，请重新打开。")
        return key

    def clean_setl_time(self) -> Any:
        at = self.cleaned_data["setl_time"]
        if at > clock.now() + timedelta(minutes=5):
            raise forms.ValidationError("医保结算时间不能晚于现在。")
        return at

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("begndate"), data.get("enddate")
        if first and last and last < first:
            self.add_error("enddate", fault(E_DATES, first=first, last=last).message)
        stay = next((s for s in self.stays if s.mdtrt_id == data.get("mdtrt_id")), None)
        if stay and first and first != clock.local(stay.admitted).date():
            self.add_error(
                "begndate", f"入院登记的日期是 {clock.local(stay.admitted):%Y-%m-%d}，请核对，或选“不是这几次住院”。"
            )
        if last and data.get("setl_time") and clock.local(data["setl_time"]).date() < last:
            self.add_error("setl_time", "医保结算时间早于出院日期，请核对。")
        if any(name in self.errors for name in (*SPLIT_FIELDS, *INSURER_FIELDS)):
            return data
        total, parts = data["medfee_sumamt"], sum(data[name] for name in PARTS)
        if total != parts:
            self.add_error(None, fault(E_SPLIT, total=yuan_for_people(total), parts=yuan_for_people(parts)).message)
        paid = sum(data.get(name, 0) for name in (*INSURER_FIELDS, "hosp_part_amt"))
        if paid > total:
            self.add_error(None, fault(E_OVERPAID, paid=yuan(paid), total=yuan(total)).message)
        return data

    def to_bill(self) -> Bill:
        """Return the bill, unsaved, of the counter's institution."""
        data, person = self.cleaned_data, self.person
        code = self.own.code if self.own else data["institution"]
        amounts = {name: data[name] for name in (*SPLIT_FIELDS, *INSURER_FIELDS, "supp_pay", "relief_amt")}
        amounts["relief_amt"] += data["hosp_part_amt"]
        outpatient = not is_inpatient(data["med_type"])
        return Bill(
            setl_id=setl_id_for(data["key"]), mdtrt_id=data.get("mdtrt_id", ""), psn_no=person.psn_no, fixmedins_code=code, insutype=person.insutype,
            clr_type="11" if outpatient else "21", clr_optins=area_on(person, data["setl_time"].date())[:6], med_type=data["med_type"],
            begndate=data["begndate"], enddate=data["enddate"], setl_time=data["setl_time"], diag_code=data["diag_code"].strip().upper(),
            disease_class=data["disease_class"], cause=data["cause"],
            refer_stas=data["refer_stas"],
            acct_pay=data["acct_pay"], hosp_part_amt=data["hosp_part_amt"], **amounts,
        )  # fmt: skip
