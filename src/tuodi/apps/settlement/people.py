"""Who the person is, as the interface says it (1101, 2001)."""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.apps.registry import queries as registry
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.actions import person_of
from tuodi.apps.settlement.envelope import Fields
from tuodi.apps.settlement.gateway import Call, Reply, handles
from tuodi.apps.settlement.queries import standing_of_person, term_over
from tuodi.base import access, clock
from tuodi.base.audit import record
from tuodi.core.dates import age_on
from tuodi.core.errors import InputErrors, declare, fault

#: From this age on a resident is insured as a grown-up.
ADULT = 18

E_NOBODY = declare(
    "E-PERSON-NOT-FOUND", "查不到该证件或人员编号对应的参保人", "请核对证件号码；确属救助对象的请联系参保地经办机构登记"
)
E_CERT = declare("E-PERSON-CERT", "凭证类型 {given} 暂不能用于查询", "请改用身份证（02），或直接传人员编号 psn_no")


@handles("1101")
def person_info(call: Call) -> Reply:
    access.demand(call.actor, permissions.VIEW)
    fields = Fields(call.envelope.node("data"))
    kind = fields.text("mdtrt_cert_type") or "02"
    number, psn_no = fields.text("certno", limit=50), fields.text("psn_no", limit=30)
    if kind in ("02", "99"):
        number = fields.text("mdtrt_cert_no", limit=50) or number
    elif not (psn_no or number):
        fields.faults.append(fault(E_CERT, given=kind))
    fields.done()
    person = (
        Person.objects.filter(psn_no=psn_no, withdrawn_at__isnull=True).first()
        if psn_no
        else registry.person_by_certno(number)
    )
    if person is None:
        raise InputErrors([fault(E_NOBODY)])
    person = person.merged_into or person
    record(actor=call.actor, verb="person:looked_up", subject="person", subject_id=person.psn_no, data={"by": "1101"})
    return Reply({"baseinfo": base_info(person), "insuinfo": insurance(person), "idetinfo": identity_rows(person)})


def personal(person: Person, *, on: date) -> dict[str, str]:
    """Return what an answer says of whom it is about; what the registry does not know is empty."""
    certno = registry.certno_of(person)
    return {
        "psn_name": person.name, "psn_cert_type": "01" if certno else "", "certno": certno, "gend": person.gend or "9", "naty": "",
        "brdy": person.birth.isoformat() if person.birth else "", "age": str(age_on(person.birth, on)) if person.birth else "",
        "psn_type": psn_type_of(person, on=on),
    }  # fmt: skip


def psn_type_of(person: Person, *, on: date) -> str:
    """Return the kind of insured person where insurance and age tell it: a resident of age, or not; of an employee nothing."""
    if person.birth is None or not (person.insutype or "390").startswith("39"):
        return ""
    return "1501" if age_on(person.birth, on) >= ADULT else "14"


def base_info(person: Person) -> dict[str, Any]:
    """Return ``baseinfo``."""
    told = personal(person, on=clock.today())
    del told["psn_type"]
    return {"psn_no": person.psn_no, **told, "exp_content": ""}


def insurance(person: Person) -> list[dict[str, Any]]:
    """Return ``insuinfo``: the one row that the registry knows."""
    return [
        {
            "balc": "0.00", "insutype": person.insutype or "390", "psn_type": psn_type_of(person, on=clock.today()), "psn_insu_stas": "4" if person.died_on else "1",
            "psn_insu_date": "", "paus_insu_date": "", "cvlserv_flag": "0", "insuplc_admdvs": person.insured_area, "emp_name": "",
        }
    ]  # fmt: skip


def identity_rows(person: Person) -> list[dict[str, Any]]:
    """Return ``idetinfo`` in local codes where configuration maps them; an empty end is open."""
    return [
        {
            "psn_idet_type": code, "psn_type_lv": "", "memo": label,
            "begntime": f"{row.first:%Y-%m-%d} 00:00:00", "endtime": f"{row.last:%Y-%m-%d} 23:59:59" if row.last else "",
        }
        for row, code, label in registry.identities_in_local_codes(person)
    ]  # fmt: skip


@handles("2001")
def entitlement_check(call: Call) -> Reply:
    """Say whether assistance can be enjoyed, and by which category and clause."""
    access.demand(call.actor, permissions.VIEW)
    fields = Fields(call.envelope.node("data"))
    psn_no = fields.text("psn_no", title="人员编号", limit=30)
    day = fields.day("begntime") or clock.today()
    fields.done()
    person = person_of(psn_no)
    held = standing_of_person(person, day)
    term = "" if held else term_over(person, day)
    without = f"{day} 不在政策施行期限内（{term}）" if term else f"{day} 没有医疗救助对象身份"
    said = f"{held.category_name}（{held.identity_name}，{held.clause}）" if held else without
    row = {
        "psn_no": person.psn_no, "trt_chk_type": "1", "fund_pay_type": "610101", "trt_enjymnt_flag": "1" if held else "0",
        "begndate": day.isoformat(), "enddate": "", "trt_chk_rslt": said,
    }  # fmt: skip
    return Reply({"trtinfo": [row]})
