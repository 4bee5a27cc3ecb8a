"""From the document's shapes to the other doors' actions and back: fen to the message that the national door reads, results to fen."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from tuodi.apps.interface import shapes
from tuodi.apps.settlement.counter import Worked
from tuodi.apps.settlement.envelope import Envelope
from tuodi.apps.settlement.gateway import Call
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.settling import E_SPLIT, bill_from
from tuodi.base import clock
from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.one_stop import paid_at_counter, why_elsewhere
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.simulate import TypedBill
from tuodi.core.engine.words_bill import bill_of
from tuodi.core.errors import InputErrors, fault
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.money import yuan
from tuodi.core.settlements import AMOUNT_FIELDS, SPLIT_FIELDS, is_inpatient

#: Payers that the message has among its own fields, not in its node of what was paid before.
OWN = ("acct_pay",)
TEXTS = (
    "psn_no",
    "mdtrt_id",
    "med_type",
    "diag_code",
    "disease_class",
    "refer_stas",
    "cause",
    "insutype",
    "chrg_bchno",
)
#: How long an identity without a first day has been held in an estimate.
HELD_FOR = timedelta(days=365)


def is_outpatient(med_type: str) -> bool:
    return not is_inpatient(med_type)


def call_for(actor: Any, infno: str, request_id: str, asked: Any) -> Call:
    """Return a request as the gateway keeps it: once for its id, whatever the door; the digest is over what was asked."""
    content = json.dumps([infno, asked], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Call(Envelope(infno, request_id, actor.institution_code, "", actor.area_code, {}, {}, digest), actor)


def bill_in(call: Call, given: shapes.BillIn) -> Bill:
    """Return the bill, unsaved, checked by what checks the national message."""
    amounts = {name.removesuffix("_fen"): yuan(fen) for name, fen in given if name.endswith("_fen")}
    own = (*SPLIT_FIELDS, *OWN)
    data: dict[str, Any] = {name: getattr(given, name) for name in TEXTS}
    data |= {name: amounts[name] for name in own} | {
        "begndate": given.begndate.isoformat(), "enddate": given.enddate.isoformat(), "out_prov": "1" if given.out_prov else "0",
        "mid_setl_flag": "1" if given.is_midway else "0",
        "setl_time": clock.local(given.setl_time).isoformat(sep=" ", timespec="seconds"),
        "clr_type": given.clr_type or ("11" if is_outpatient(given.med_type) else "21"),
    }  # fmt: skip
    upstream = {name: text for name, text in amounts.items() if name not in own}
    read = call.envelope
    filled = Envelope(
        read.infno, read.msgid, read.fixmedins_code, read.opter, read.insured_area, read.signature, {"data": data, "upstream": upstream}, read.digest
    )  # fmt: skip
    made, _ = bill_from(Call(filled, call.actor), outpatient=is_outpatient(given.med_type), is_visit_needed=False)
    made.setl_id = given.setl_id or number_for(read.fixmedins_code, read.msgid)
    return made


def number_for(code: str, request_id: str) -> str:
    """Return the number of what a request makes: the same for the same request of the same institution, nobody else's."""
    return "J" + hashlib.sha256(f"{code}|{request_id}".encode()).hexdigest()[:27].upper()


def granted(worked: Worked) -> dict[str, Any]:
    """Return what a bill is granted, layer by layer, or the refusal with its clause."""
    return granted_under(worked.plan, worked.result, counter_fen=worked.counter, why=worked.why_elsewhere)


def granted_under(
    plan: Plan, result: EventResult, *, counter_fen: int | None = None, why: str = ""
) -> dict[str, Any]:  # fmt: skip
    """Return what a bill is granted under a plan; without what a counter pays, that is what it would on the day of settling."""
    if counter_fen is None:
        day = result.settlement.setl_time.date()
        counter_fen = sum(layer.pay for layer in paid_at_counter(plan, result, day))
        why = why_elsewhere(plan, result, day)
    decision, names = result.decision, {layer.id: layer.name for layer in plan.layers}
    refusal = (
        {"refusal": decision.refusal, "says": decision.says, "clause": decision.clause} if decision.refusal else None
    )
    return {
        "assistance_fen": result.pay, "counter_fen": counter_fen, "why_elsewhere": why, "left_fen": max(0, bill_of(plan, result).left), "category": result.category,
        "identity": result.identity, "identity_name": IDENTITIES.get(result.identity, ""), "refusal": refusal,
        "layers": [
            {
                "layer": x.layer, "name": names.get(x.layer, x.layer), "base_fen": x.base, "deductible_fen": x.deductible,
                "counted_fen": x.counted, "cut_fen": x.cut, "pay_fen": x.pay, "due_on": x.due_on.isoformat(), "clauses": list(x.clauses),
                "readings": list(x.readings),
            }
            for x in result.layers
        ],
    }  # fmt: skip


def listed(bill: Any, state: str) -> dict[str, Any]:
    """Return a row of the list of settlements."""
    return {
        "setl_id": bill.setl_id, "psn_no": bill.psn_no, "fixmedins_code": bill.fixmedins_code, "med_type": bill.med_type,
        "setl_time": bill.setl_time.astimezone(clock.ZONE), "medfee_sumamt_fen": bill.medfee_sumamt, "assistance_fen": bill.paid, "state": state,
    }  # fmt: skip


def amounts_of(bill: Bill) -> dict[str, int]:
    """Return the amounts as they were received."""
    return {f"{name}_fen": getattr(bill, name) for name in (*AMOUNT_FIELDS, "hosp_part_amt", "acct_pay")}


def typed(given: shapes.Estimate) -> TypedBill:
    """Return the bill of an estimate; everything on it is a fact."""
    care = given.bill
    parts = sum(getattr(care, f"{name}_fen") for name in SPLIT_FIELDS[1:])
    if parts != care.medfee_sumamt_fen:
        raise InputErrors([fault(E_SPLIT, total=yuan(care.medfee_sumamt_fen), parts=yuan(parts))])
    paid = {name: getattr(care, f"{name}_fen") for name in AMOUNT_FIELDS if name not in SPLIT_FIELDS}
    paid["relief_amt"] += care.hosp_part_amt_fen
    return TypedBill(
        settled_on=given.settled_on, total_fen=care.medfee_sumamt_fen, full_self_pay_fen=care.fulamt_ownpay_amt_fen,
        over_limit_fen=care.overlmt_selfpay_fen, class_b_first_fen=care.preselfpay_amt_fen, payments_fen=paid,
        admitted_on=given.admitted_on, med_type=care.med_type, diag_code=care.diag_code, disease_class=care.disease_class,
        hosp_lv=given.hosp_lv, refer_stas=care.refer_stas or "local", out_prov=care.out_prov, cause=care.cause, birth=given.birth,
    )  # fmt: skip


def records_of(given: shapes.Estimate, psn_no: str) -> list[IdentityRecord]:
    """Return the identities typed into an estimate."""
    return [
        IdentityRecord(psn_no, row.identity, row.first or given.settled_on - HELD_FOR, row.last, None, None)
        for row in given.identities
    ]
