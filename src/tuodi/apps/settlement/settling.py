"""Pre-settle, settle, cancel, reverse, as the national interface says them (22xx, 23xx, 2601)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import history, permissions
from tuodi.apps.settlement.actions import CancelSettlement, Settle, person_of, presettle_under
from tuodi.apps.settlement.demands import E_OTHER_PERSON, demand_theirs, faults_of_kind, is_same_person
from tuodi.apps.settlement.envelope import Fields
from tuodi.apps.settlement.gateway import Call, Reply, handles, own_id
from tuodi.apps.settlement.models import Bill, Encounter, Exchange
from tuodi.apps.settlement.people import personal
from tuodi.apps.settlement.queries import counter_grants, counter_pay, left_to_pay
from tuodi.base import access, clock
from tuodi.base.prepared import Prepared
from tuodi.batch.national import document
from tuodi.batch.national_rows import from_exchange_row
from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.one_stop import why_elsewhere
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import yuan
from tuodi.core.settlements import (
    AMOUNT_FIELDS,
    CAUSES,
    DISEASE_CLASSES,
    INSURER_FIELDS,
    REFERRALS,
    SPLIT_FIELDS,
)

E_SPLIT = declare(
    "E-SETTLE-SPLIT", "医疗费总额 {total} 不等于全自费、超限价、先行自付、政策范围内四项之和 {parts}", "请核对四项金额后重新发送"
)  # fmt: skip
E_ENCOUNTER = declare("E-ENCOUNTER-UNKNOWN", "查不到就诊 {mdtrt_id}", "请核对 mdtrt_id；住院须先办理 2401 入院登记")
E_DATES = declare("E-SETTLE-DATES", "出院日期 {last} 早于入院日期 {first}", "请核对医院回传的两个日期")
E_OVERPAID = declare(
    "E-SETTLE-OVERPAID", "各方支付合计 {paid} 超过医疗费总额 {total}", "请核对 upstream 节点里的各项支付"
)
E_CODE = declare("E-SETTLE-CODE", "{name} “{given}”不是可用的代码", "可用：{known}")
E_NOTHING = declare("E-REVERSE-NOTHING", "没有收到过报文 {msgid} 的 {infno} 交易", "无需冲正；可用新的 msgid 重新办理")
E_LATER = declare("E-REVERSE-LATER", "报文 {msgid} 的结果已被后续业务使用，不能冲正", "请先撤销后续业务")


#: Exchanges that 2601 undoes, and what stands for the content of a message that never came.
REVERSIBLE = ("2207", "2208", "2304", "2305", "2401")
NEVER_RECEIVED = "-"
#: What an answer carries where the hospital gave no diagnosis; never stored and never looked at.
NO_DIAGNOSIS = "Z99.9"


def bill_from(call: Call, *, outpatient: bool, is_visit_needed: bool = True) -> tuple[Bill, dict[str, str]]:
    """Return the bill that a request describes, unsaved, and the national fields that only the answer needs."""
    data, upstream = call.envelope.node("data"), call.envelope.node("upstream")
    fields = Fields(data, upstream)
    psn_no = fields.text("psn_no", title="人员编号", limit=30)
    mdtrt_id = fields.text("mdtrt_id", title="就诊ID" if is_visit_needed else "", limit=30)
    encounter = _visit(mdtrt_id, call) if mdtrt_id else None
    if mdtrt_id and (encounter.cancelled_at is not None if encounter else not outpatient):
        fields.faults.append(fault(E_ENCOUNTER, mdtrt_id=mdtrt_id))
    elif encounter and not is_same_person(psn_no, encounter.psn_no):
        fields.faults.append(fault(E_OTHER_PERSON, mdtrt_id=mdtrt_id, psn_no=psn_no))
    amounts = {name: fields.fen(name, title="金额" if name == "medfee_sumamt" else "") for name in SPLIT_FIELDS}
    parts = sum(amounts[name] for name in SPLIT_FIELDS[1:])
    if not fields.faults and parts != amounts["medfee_sumamt"]:
        fields.faults.append(fault(E_SPLIT, total=yuan(amounts["medfee_sumamt"]), parts=yuan(parts)))
    others = Fields(upstream)
    for name in (*INSURER_FIELDS, "supp_pay", "relief_amt", "maf_pay", "later_aid_amt"):
        amounts[name] = others.fen(name)
    amounts["oth_pay"] += others.fen("hifdm_pay") + others.fen("othfund_pay")
    hospital = others.fen("hosp_part_amt")
    fields.faults += others.faults
    now = clock.local(clock.now())
    settled = fields.instant("setl_time") or now
    first = fields.instant("begndate", "begntime") or (encounter.admitted if encounter else None) or settled
    last = fields.instant("enddate", "endtime", "dscgTime") or (encounter.discharged if encounter else None) or settled
    first, last = _wall(first).date(), _wall(last).date()
    if outpatient and not fields.raw("enddate", "endtime", "dscgTime"):
        last = first
    if last < first:
        fields.faults.append(fault(E_DATES, first=first, last=last))
    paid = sum(amounts[name] for name in (*INSURER_FIELDS, "maf_pay")) + hospital
    if not fields.faults and paid > amounts["medfee_sumamt"]:
        fields.faults.append(fault(E_OVERPAID, paid=yuan(paid), total=yuan(amounts["medfee_sumamt"])))
    med_type, visit = fields.text("med_type", limit=6), encounter.med_type if encounter else ""
    fields.faults += faults_of_kind(mdtrt_id, outpatient=outpatient, visit=visit, given=med_type)
    med_type = med_type or visit
    med_type = med_type or ("11" if outpatient else "21")
    diagnosis = fields.text("diag_code", "dise_codg", "dscg_maindiag_code", limit=20) or (
        encounter.diag_code if encounter else ""
    )
    acct = fields.fen("acct_pay")
    insutype = fields.text("insutype", limit=6) or (encounter.insutype if encounter else "")
    clr_type = fields.text("clr_type", limit=6)
    batch, midway = fields.text("chrg_bchno", limit=30), fields.raw("mid_setl_flag") == "1"
    disease_class, cause = fields.text("disease_class", limit=20), fields.text("cause", limit=24)
    refer_stas = fields.text("refer_stas", limit=8)
    for name, given, allowed in (
        ("disease_class", disease_class, DISEASE_CLASSES),
        ("cause", cause, CAUSES),
        ("refer_stas", refer_stas, REFERRALS),
    ):
        if given and given not in allowed:
            fields.faults.append(fault(E_CODE, name=name, given=given, known="、".join(key for key in allowed if key)))
    fields.done()
    amounts["relief_amt"] += hospital
    bill = Bill(
        mdtrt_id=mdtrt_id, psn_no=psn_no, fixmedins_code=call.envelope.fixmedins_code, msgid=call.envelope.msgid,
        chrg_bchno=batch, is_midway=midway,
        insutype=insutype, clr_type=clr_type or ("11" if outpatient else "21"),
        clr_optins=call.envelope.insured_area[:6], med_type=med_type, begndate=first, enddate=last,
        setl_time=clock.instant(settled), diag_code=diagnosis, disease_class=disease_class,
        refer_stas=refer_stas, out_prov=fields.text("out_prov") == "1",
        cause=cause, acct_pay=acct, hosp_part_amt=hospital, **amounts,
    )  # fmt: skip
    known = {
        name: fields.raw(name) for name in ("mdtrt_cert_type", "invono", "psn_type", "cvlserv_flag") if fields.raw(name)
    }
    return bill, known


def _visits(mdtrt_id: str, code: str) -> QuerySet[Encounter]:
    return Encounter.objects.filter(mdtrt_id=mdtrt_id, fixmedins_code=code)


VISIT = Prepared(_visits, mdtrt_id=str, code=str)
LOCKED_VISIT = Prepared(lambda mdtrt_id, code: _visits(mdtrt_id, code).select_for_update(), mdtrt_id=str, code=str)


def _visit(mdtrt_id: str, call: Call) -> Encounter | None:
    """Return a visit of the institution, locked while it is being settled so that nobody cancels it meanwhile."""
    asked = LOCKED_VISIT if connection.in_atomic_block else VISIT
    return next(iter(asked(mdtrt_id=mdtrt_id, code=call.envelope.fixmedins_code)), None)


def _wall(value: datetime) -> datetime:
    return clock.local(value) if value.tzinfo else value


def reply_for(
    bill: Bill, result: EventResult, known: dict[str, str], person: Person, *, plan: Plan, settled: bool
) -> dict[str, Any]:  # fmt: skip
    """Return ``setlinfo`` and ``setldetail``: complete, the identities hold, ``maf_pay`` is upstream plus what the counter pays."""
    counter = counter_pay(plan, result, bill, on=clock.today())
    said = explanation(result, counter, why=why_elsewhere(plan, result, clock.today()))
    made = _block(bill, counter, person, known=known, said=said)
    if not settled:
        info = dict(made["setlinfo"])  # type: ignore[call-overload]
        info["setl_id"], info["setl_time"] = "", None
        made["setlinfo"] = info
    return made


def _block(
    bill: Bill, counter: int, person: Person, *, known: dict[str, str] | None = None, said: str = ""
) -> dict[str, Any]:
    """Return a settlement as the interface tells it, when ``counter`` is paid for it."""
    row = {name: yuan(getattr(bill, name)) for name in AMOUNT_FIELDS} | {
        "setl_id": bill.setl_id or "presettle", "psn_no": bill.psn_no, "fixmedins_code": bill.fixmedins_code,
        "med_type": bill.med_type, "begndate": bill.begndate.isoformat(), "enddate": bill.enddate.isoformat(),
        "setl_time": clock.local(bill.setl_time).strftime("%Y-%m-%d %H:%M:%S"), "diag_code": bill.diag_code or NO_DIAGNOSIS,
        "refd_setl_flag": "0", "out_prov": "1" if bill.out_prov else "0", "hosp_lv": bill.hosp_lv, "x_hosp_part_amt": yuan(bill.hosp_part_amt),
        "disease_class": bill.disease_class, "refer_stas": bill.refer_stas, "cause": bill.cause,
    }  # fmt: skip
    known = personal(person, on=bill.enddate) | (known or {}) | {
        "insutype": bill.insutype or person.insutype or "390", "mdtrt_id": bill.mdtrt_id, "clr_type": bill.clr_type,
        "clr_optins": bill.clr_optins, "medins_setl_id": bill.msgid, "acct_pay": yuan(bill.acct_pay),
    }  # fmt: skip
    return document(from_exchange_row(row, assistance_fen=counter, setl_proc_info=said, known=known))


def explanation(result: EventResult, counter: int, *, why: str) -> str:
    """Return what stands in ``setl_proc_info``: category, each layer's figures and clauses, or the refusal."""
    said: dict[str, Any] = {"category": result.category, "identity": result.identity}
    if result.decision.refusal:
        said |= {"refusal": result.decision.says, "clause": result.decision.clause}
    said["layers"] = [
        {
            "layer": x.layer, "base": yuan(x.base), "deductible": yuan(x.deductible), "counted": yuan(x.counted), "cut": yuan(x.cut),
            "pay": yuan(x.pay), "clauses": list(x.clauses), "readings": list(x.readings), "due_on": x.due_on.isoformat(),
        }
        for x in result.layers
    ]  # fmt: skip
    if counter != result.pay:
        said |= {"paid_elsewhere": yuan(result.pay - counter)} | ({"why_elsewhere": why} if why else {})
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _presettle(call: Call, *, outpatient: bool) -> Reply:
    bill, known = bill_from(call, outpatient=outpatient)
    bill.setl_id = f"~{call.envelope.msgid}"[:30]
    result, plan = presettle_under(call.actor, bill)
    return Reply(reply_for(bill, result, known, person_of(bill.psn_no), plan=plan, settled=False))


def _settle(call: Call, *, outpatient: bool) -> Reply:
    bill, known = bill_from(call, outpatient=outpatient)
    given = Fields(call.envelope.node("upstream"))
    bill.setl_id = given.text("setl_id", limit=30) or own_id("T", call)
    given.done()
    done = Settle(actor=call.actor, bill=bill).run()
    return Reply(
        reply_for(done.bill, done.result, known, done.person, plan=done.plan, settled=True), subject=bill.setl_id
    )


@handles("2206", "2206A")
def presettle_outpatient(call: Call) -> Reply:
    return _presettle(call, outpatient=True)


@handles("2303")
def presettle_inpatient(call: Call) -> Reply:
    return _presettle(call, outpatient=False)


@handles("2207", "2207A", changes=True)
def settle_outpatient(call: Call) -> Reply:
    return _settle(call, outpatient=True)


@handles("2304", changes=True)
def settle_inpatient(call: Call) -> Reply:
    return _settle(call, outpatient=False)


@handles("2208", "2305", changes=True)
def cancel(call: Call) -> Reply:
    fields = Fields(call.envelope.node("data"))
    setl_id = fields.text("setl_id", title="结算ID", limit=30)
    psn_no, mdtrt_id = fields.text("psn_no", title="人员编号", limit=30), fields.text("mdtrt_id", limit=30)
    fields.done()
    done = CancelSettlement(
        actor=call.actor, setl_id=setl_id, new_id=own_id("T", call), msgid=call.envelope.msgid, psn_no=psn_no, mdtrt_id=mdtrt_id
    ).run()  # fmt: skip
    paid = counter_grants([done.bill]).get(done.bill.pk, 0)
    return Reply(negative(done.bill, paid, call, done.person), subject=setl_id)


def negative(bill: Bill, paid: int, call: Call, person: Person) -> dict[str, Any]:
    """Return the negative settlement that answers a cancellation: what the counter ``paid`` is taken back, differences since apart."""
    row = {name: yuan(getattr(bill, name)) for name in AMOUNT_FIELDS} | {
        "setl_id": own_id("T", call), "psn_no": bill.psn_no, "fixmedins_code": bill.fixmedins_code, "med_type": bill.med_type,
        "begndate": bill.begndate.isoformat(), "enddate": bill.enddate.isoformat(), "diag_code": bill.diag_code or NO_DIAGNOSIS,
        "setl_time": clock.local(clock.now()).strftime("%Y-%m-%d %H:%M:%S"), "refd_setl_flag": "1", "hosp_lv": bill.hosp_lv,
        "x_hosp_part_amt": yuan(bill.hosp_part_amt),
    }  # fmt: skip
    known = personal(person, on=bill.enddate) | {
        "mdtrt_id": bill.mdtrt_id, "clr_optins": bill.clr_optins, "clr_type": bill.clr_type, "medins_setl_id": call.envelope.msgid,
        "insutype": bill.insutype or "390", "acct_pay": yuan(bill.acct_pay),
    }  # fmt: skip
    return document(from_exchange_row(row, assistance_fen=paid, known=known))


@handles("2601", changes=True)
def reverse(call: Call) -> Reply:
    """Undo an exchange whose answer its sender never got.

    Nothing was received: nothing is undone, that is said, and the message is not taken when it arrives late after all.
    """
    fields = Fields(call.envelope.node("data"))
    psn_no = fields.text("psn_no", title="人员编号", limit=30)
    msgid, infno = (
        fields.text("omsgid", title="原发送方报文ID", limit=30),
        fields.text("oinfno", title="原交易编号", limit=6),
    )
    if infno and infno[:4] not in REVERSIBLE:
        fields.faults.append(fault(E_CODE, name="oinfno", given=infno, known="、".join(REVERSIBLE)))
    fields.done()
    access.demand(call.actor, permissions.REVERSE)
    own = {"fixmedins_code": call.envelope.fixmedins_code, "msgid": msgid}
    held, _ = Exchange.objects.get_or_create(
        **own,
        defaults={"infno": infno, "digest": NEVER_RECEIVED, "at": clock.now(), "state": "reversed", "refmsgid": ""},
    )
    held = Exchange.objects.select_for_update().get(pk=held.pk)
    if held.digest == NEVER_RECEIVED or held.infno[:4] != infno[:4]:
        return Reply({}, refused=InputErrors([fault(E_NOTHING, msgid=msgid, infno=infno)]))
    if held.state == "done":
        _undo(call, held, psn_no)
        held.state = "reversed"
        held.save(update_fields=["state"])
    return Reply({}, subject=held.subject)


def _undo(call: Call, held: Exchange, psn_no: str) -> None:
    if held.infno[:4] in ("2207", "2304"):
        bill = Bill.objects.get(setl_id=held.subject)
        demand_theirs(bill, psn_no=psn_no)
        if bill.cancelled_by_id:
            raise InputErrors([fault(E_LATER, msgid=held.msgid)])
        CancelSettlement(actor=call.actor, setl_id=held.subject, new_id="", reversal=True).run()
    elif held.infno[:4] in ("2208", "2305"):
        demand_theirs(Bill.objects.get(setl_id=held.subject), psn_no=psn_no)
        restore(call, held.subject)
    elif held.infno == "2401":
        from tuodi.apps.settlement.stays import CancelAdmission

        CancelAdmission(actor=call.actor, mdtrt_id=held.subject, psn_no=psn_no).run()


def restore(call: Call, setl_id: str) -> None:
    """Undo a cancellation: the negative row is reversed and the bill counts again."""
    from tuodi.apps.settlement.actions import RestoreSettlement

    RestoreSettlement(actor=call.actor, setl_id=setl_id).run()


def settlement_view(bill: Bill) -> dict[str, Any]:
    """Return a kept settlement as 5203 tells it: the block of its answer with what has been paid by now, its rows, its names."""
    counter = min(max(0, history.total_paid(bill)), left_to_pay(bill))
    made = _block(bill, counter, person_of(bill.psn_no))
    info = dict(made["setlinfo"])
    info |= {
        "psn_pay": info["psn_part_amt"], "cash_payamt": info["psn_cash_pay"], "year": str(clock.local(bill.setl_time).year),
        "refd_setl_flag": "1" if bill.cancelled_by_id or bill.is_reversed else "0",
    }  # fmt: skip
    return {**made, "setlinfo": info}
