"""Stays of an institution without a connected system: admitted by hand, undone, and the stay that a typed bill belongs to."""

from __future__ import annotations

import secrets
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef

from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import numbers_of
from tuodi.apps.settlement.models import Bill, Encounter
from tuodi.apps.settlement.settling import E_ENCOUNTER
from tuodi.apps.settlement.stays import Admit, deposit_waived
from tuodi.base import clock
from tuodi.base.access import visible
from tuodi.core.errors import InputErrors, fault
from tuodi.core.settlements import MED_TYPES, is_inpatient

#: Kinds of care that begin with an admission.
CARE = ["21", "22", "24", "26", "28", "52"]
SHOWN = 10


class AdmissionForm(forms.Form):
    """One admission. ``to_encounter`` gives it unsaved."""

    key = forms.RegexField(r"^[0-9]{8}[0-9a-f]{16}$", widget=forms.HiddenInput)
    admitted = forms.DateTimeField(
        label="入院时间", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )  # fmt: skip
    med_type = forms.ChoiceField(label="医疗类别", choices=[(code, MED_TYPES[code]) for code in CARE])
    ipt_otp_no = forms.CharField(label="住院号", max_length=30, widget=forms.TextInput({"autocomplete": "off"}))
    diag_code = forms.CharField(
        label="入院诊断编码", max_length=20, widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
    )

    @staticmethod
    def fresh() -> dict[str, Any]:
        """Return what a new page begins with: its own key, now."""
        key = f"{clock.today():%Y%m%d}{secrets.token_hex(8)}"
        return {"key": key, "admitted": clock.local(clock.now()), "med_type": CARE[0]}

    def clean_admitted(self) -> datetime:
        at: datetime = self.cleaned_data["admitted"]
        if at > clock.now() + timedelta(minutes=5):
            raise forms.ValidationError("入院时间不能晚于现在。")
        return at

    def to_encounter(self, person: Person, code: str) -> Encounter:
        """Return the stay, unsaved, with what the policy says of its deposit; the same page admits once."""
        data = self.cleaned_data
        made = Encounter(
            mdtrt_id=f"N{data['key']}", psn_no=person.psn_no, fixmedins_code=code, insutype=person.insutype,
            med_type=data["med_type"], ipt_otp_no=data["ipt_otp_no"].strip(), admitted=data["admitted"],
            diag_code=data["diag_code"].strip().upper(),
        )  # fmt: skip
        made.is_deposit_waived = deposit_waived(person, made)[0]
        return made


class AdmitByHand(Admit):
    """Admit at the counter; a page that was sent already gives what it gave."""

    def write(self) -> Encounter:
        before = visible(self.actor, Encounter).filter(mdtrt_id=self.encounter.mdtrt_id).first()
        return before or super().write()

    def audited(self, done: Encounter) -> dict[str, Any]:
        said = super().audited(done)
        return {**said, "data": {**said["data"], "by": "counter"}}


def stays_of(actor: Any, person: Person) -> list[Encounter]:
    """Return a person's stays at the actor's institution for which nothing is settled, the newest first."""
    settled = Bill.objects.filter(
        mdtrt_id=OuterRef("mdtrt_id"), fixmedins_code=OuterRef("fixmedins_code"), is_cancellation=False,
        cancelled_by__isnull=True, is_reversed=False,
    )  # fmt: skip
    rows = visible(actor, Encounter).filter(
        ~Exists(settled), psn_no__in=numbers_of(person.psn_no), cancelled_at__isnull=True
    )
    inpatient = [row for row in rows.order_by("-admitted") if is_inpatient(row.med_type)]
    return inpatient[:SHOWN]


def hold_stay(bill: Bill) -> Encounter | None:
    """Return the stay that a bill belongs to, locked; one that was cancelled meanwhile is an error."""
    if not bill.mdtrt_id:
        return None
    rows = Encounter.objects.filter(
        mdtrt_id=bill.mdtrt_id, fixmedins_code=bill.fixmedins_code, cancelled_at__isnull=True
    )
    held = rows.select_for_update().first()
    if held is None:
        raise InputErrors([fault(E_ENCOUNTER, mdtrt_id=bill.mdtrt_id)])
    return held


def leave(stay: Encounter, bill: Bill) -> None:
    """Record that a stay ended with the bill: on its last day, at the latest when it was settled."""
    midnight = clock.instant(datetime.combine(bill.enddate, time(23, 59)))
    stay.discharged = max(stay.admitted, min(bill.setl_time, midnight))
    stay.save(update_fields=["discharged"])
