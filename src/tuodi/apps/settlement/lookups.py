"""Questions of a hospital: visits (5201), settlements (5203), a year's totals (5206), sign-in and out (9001 / 9002)."""

from __future__ import annotations

import re
from typing import Any

from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.actions import E_NO_BILL, person_of
from tuodi.apps.settlement.demands import demand_theirs
from tuodi.apps.settlement.envelope import Fields, reference
from tuodi.apps.settlement.gateway import Call, Reply, handles
from tuodi.apps.settlement.models import Bill, Encounter
from tuodi.apps.settlement.queries import day_bounds, paid_in_year, standing_of_person
from tuodi.apps.settlement.settling import settlement_view
from tuodi.base import access, clock
from tuodi.base.access import visible
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import yuan

E_MONTH = declare("E-MSG-MONTH", "cum_ym “{given}”不是月份", "月份写成 yyyyMM，如 202606")
#: A year and, if it is given, a month of it.
MONTH = re.compile(r"(20[0-9]{2})-?(0[1-9]|1[0-2])?")


@handles("5201")
def visits(call: Call) -> Reply:
    access.demand(call.actor, permissions.VIEW)
    fields = Fields(call.envelope.node("data"))
    psn_no = fields.text("psn_no", title="人员编号", limit=30)
    first, last = fields.day("begntime", title="开始时间"), fields.day("endtime", title="结束时间")
    fields.done()
    assert first is not None
    assert last is not None
    begin, end = day_bounds(first, last)
    rows = visible(call.actor, Encounter).filter(
        psn_no=psn_no, admitted__gte=begin, admitted__lt=end, cancelled_at__isnull=True
    )
    if fields.raw("mdtrt_id"):
        rows = rows.filter(mdtrt_id=fields.raw("mdtrt_id"))
    person = person_of(psn_no)
    return Reply({"mdtrtinfo": [_visit(row, person) for row in rows.order_by("admitted")[:500]]})


def _visit(row: Encounter, person: Any) -> dict[str, Any]:
    admitted = clock.local(row.admitted)
    held = standing_of_person(person, admitted.date())
    return {
        "mdtrt_id": row.mdtrt_id, "psn_no": row.psn_no, "psn_name": person.name, "insutype": row.insutype,
        "maf_psn_flag": "1" if held else "", "begntime": admitted.strftime("%Y-%m-%d %H:%M:%S"),
        "endtime": clock.local(row.discharged).strftime("%Y-%m-%d %H:%M:%S") if row.discharged else "",
        "med_type": row.med_type, "ipt_otp_no": row.ipt_otp_no, "dscg_maindiag_code": row.diag_code,
        "inhosp_stas": "0" if row.discharged else "1",
    }  # fmt: skip


@handles("5203")
def settlements(call: Call) -> Reply:
    access.demand(call.actor, permissions.VIEW)
    fields = Fields(call.envelope.node("data"))
    setl_id = fields.text("setl_id", title="结算ID", limit=30)
    fields.done()
    bill = visible(call.actor, Bill).filter(setl_id=setl_id, is_cancellation=False).first()
    if bill is None:
        raise InputErrors([fault(E_NO_BILL, setl_id=setl_id)])
    demand_theirs(bill, psn_no=fields.raw("psn_no"), mdtrt_id=fields.raw("mdtrt_id"))
    return Reply(settlement_view(bill))


@handles("5206")
def year_totals(call: Call) -> Reply:
    """Return ``D610101``: what assistance has paid for the person's settlements from January to the month, to its end."""
    access.demand(call.actor, permissions.VIEW)
    fields = Fields(call.envelope.node("data"))
    psn_no, month = fields.text("psn_no", title="人员编号", limit=30), fields.text("cum_ym", limit=10)
    given = MONTH.fullmatch(month) if month else None
    if month and not given:
        fields.faults.append(fault(E_MONTH, given=month))
    fields.done()
    person = person_of(psn_no)
    year, last = (int(given[1]), int(given[2] or 12)) if given else (clock.today().year, 12)
    paid = sum(paid_in_year(person.psn_no, year, months=last).values())
    row = {
        "insutype": person.insutype or "390",
        "year": str(year),
        "cum_ym": f"{year}{last:02}",
        "cum_type_code": "D610101",
        "cum": yuan(paid),
    }
    return Reply({"cuminfo": [row]})


@handles("9001")
def sign_in(call: Call) -> Reply:
    fields = Fields(call.envelope.node("signIn") or call.envelope.node("data"))
    fields.text("opter_no", title="操作员编号", limit=20)
    fields.done()
    stamp = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M:%S")
    return Reply({"signinoutb": {"sign_time": stamp, "sign_no": reference(call.actor.area_code)[:30]}})


@handles("9002")
def sign_out(call: Call) -> Reply:
    stamp = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M:%S")
    return Reply({"signoutoutb": {"sign_time": stamp}})
