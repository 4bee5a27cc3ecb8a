"""Visits and stays: registration, admission, discharge (2201, 2401, 2402, 2404, 2405) and what an admission sets going."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tuodi.apps.institutions.queries import standing
from tuodi.apps.registry.insured import area_on
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import history, permissions
from tuodi.apps.settlement.actions import person_of, standing_of
from tuodi.apps.settlement.demands import E_OTHER_PERSON, demand_alive, demand_begun, is_same_person
from tuodi.apps.settlement.envelope import Fields
from tuodi.apps.settlement.folding import plans_for
from tuodi.apps.settlement.gateway import Call, Reply, handles, own_id
from tuodi.apps.settlement.models import Bill, Encounter, Notice
from tuodi.apps.settlement.queries import standing_of_person
from tuodi.apps.settlement.referrals import referrals
from tuodi.base import clock, outbox
from tuodi.base.access import visible
from tuodi.base.action import Action
from tuodi.core.engine.services import PersonOnDay, deposit
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.policy.model import Pack
from tuodi.core.settlements import is_inpatient

E_NO_STAY = declare("E-STAY-UNKNOWN", "查不到本机构的就诊 {mdtrt_id}", "请核对就诊ID；外院就诊不能在本机构办理")
E_SETTLED = declare("E-STAY-SETTLED", "就诊 {mdtrt_id} 已有结算 {setl_id}", "请先撤销结算再办理")
E_DISCHARGE = declare("E-STAY-DATES", "出院时间 {last} 早于入院时间 {first}", "请核对医院回传的两个时间")


class Admit(Action):
    """Open a visit or stay; tells whoever the policy says must know of an admission."""

    verb = permissions.ADMIT

    def __init__(self, *, actor: Any, encounter: Encounter) -> None:
        super().__init__(actor=actor)
        self.encounter = encounter

    def check(self) -> None:
        self.person = person_of(self.encounter.psn_no)
        demand_begun(self.encounter.admitted)
        demand_alive(self.person, clock.local(self.encounter.admitted).date())
        standing_of(self.encounter.fixmedins_code, clock.local(self.encounter.admitted).date())

    def decide(self) -> None:
        day = clock.local(self.encounter.admitted).date()
        self.standing = standing_of_person(self.person, day)
        packs = [held.plan.pack for held in plans_for(self.person) if held.answers(day)]
        self.pack: Pack | None = packs[-1] if packs else None
        inpatient = is_inpatient(self.encounter.med_type)
        self.told = told_of(self.pack) if self.standing and self.pack and inpatient else []

    def write(self) -> Encounter:
        self.encounter.recorded_at = clock.now()
        self.encounter.save(force_insert=True)
        Notice.objects.bulk_create(
            Notice(
                encounter=self.encounter, told=told, clause=clause, at=clock.now(),
                area_code=self.person.residence_area or self.person.insured_area,
            )
            for told, clause in self.told
        )  # fmt: skip
        return self.encounter

    def audited(self, done: Encounter) -> dict[str, Any]:
        return {
            "subject": "encounter",
            "subject_id": done.mdtrt_id,
            "data": {"med_type": done.med_type, "told": [t for t, _ in self.told]},
        }

    def announce(self, done: Encounter) -> None:
        outbox.announce("encounter:admitted", mdtrt_id=done.mdtrt_id)


def told_of(pack: Pack) -> list[tuple[str, str]]:
    """Return who is told of an admission and by which clause: the pack's ``terms.admission_notices``."""
    return [(notice.told, notice.clause) for notice in pack.terms.admission_notices]


class CancelAdmission(Action):
    """Undo an admission on which nothing has been settled."""

    verb = permissions.ADMIT

    def __init__(self, *, actor: Any, mdtrt_id: str, psn_no: str = "") -> None:
        super().__init__(actor=actor)
        self.mdtrt_id, self.psn_no = mdtrt_id, psn_no

    def check(self) -> None:
        self.encounter = stay_of(self.actor, self.mdtrt_id, psn_no=self.psn_no)

    def lock(self) -> None:
        Encounter.objects.select_for_update().get(pk=self.encounter.pk)
        stay_of(self.actor, self.mdtrt_id)
        demand_unsettled(self.encounter)

    def write(self) -> Encounter:
        self.encounter.cancelled_at = clock.now()
        self.encounter.save(update_fields=["cancelled_at"])
        return self.encounter

    def audited(self, done: Encounter) -> dict[str, Any]:
        return {"subject": "encounter", "subject_id": done.mdtrt_id, "data": {"cancelled": True}}


def demand_unsettled(encounter: Encounter) -> None:
    """Refuse to take back what a settlement that counts was made on."""
    settled = Bill.objects.filter(
        mdtrt_id=encounter.mdtrt_id, fixmedins_code=encounter.fixmedins_code, is_cancellation=False, cancelled_by__isnull=True,
        is_reversed=False,
    ).first()  # fmt: skip
    if settled:
        raise InputErrors([fault(E_SETTLED, mdtrt_id=encounter.mdtrt_id, setl_id=settled.setl_id)])


class Discharge(Action):
    """Record a discharge, or (with None) undo it."""

    verb = permissions.ADMIT

    def __init__(
        self, *, actor: Any, mdtrt_id: str, at: datetime | None, diag_code: str = "", psn_no: str = ""
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        self.mdtrt_id, self.at, self.diag_code, self.psn_no = mdtrt_id, at, diag_code, psn_no

    def check(self) -> None:
        self.encounter = stay_of(self.actor, self.mdtrt_id, psn_no=self.psn_no)
        if self.at is not None and self.at < self.encounter.admitted:
            first, last = clock.local(self.encounter.admitted), clock.local(self.at)
            raise InputErrors([fault(E_DISCHARGE, first=first, last=last)])

    def lock(self) -> None:
        Encounter.objects.select_for_update().get(pk=self.encounter.pk)
        if self.at is None:
            demand_unsettled(self.encounter)

    def write(self) -> Encounter:
        self.encounter.discharged = self.at
        self.encounter.diag_code = self.diag_code or self.encounter.diag_code
        self.encounter.save(update_fields=["discharged", "diag_code"])
        return self.encounter

    def audited(self, done: Encounter) -> dict[str, Any]:
        return {"subject": "encounter", "subject_id": done.mdtrt_id, "data": {"discharged": bool(self.at)}}


def stay_of(actor: Any, mdtrt_id: str, *, psn_no: str = "") -> Encounter:
    """Return an open visit of the actor's institution, that of the person if one is named."""
    found = visible(actor, Encounter).filter(mdtrt_id=mdtrt_id, cancelled_at__isnull=True).first()
    if found is None:
        raise InputErrors([fault(E_NO_STAY, mdtrt_id=mdtrt_id)])
    if not is_same_person(psn_no, found.psn_no):
        raise InputErrors([fault(E_OTHER_PERSON, mdtrt_id=mdtrt_id, psn_no=psn_no)])
    return found


def _admission(call: Call, node: str, *, inpatient: bool) -> Reply:
    given = call.envelope.node(node) or call.envelope.node("data")
    fields = Fields(given)
    encounter = Encounter(
        mdtrt_id=own_id("M", call), psn_no=fields.text("psn_no", title="人员编号", limit=30),
        fixmedins_code=call.envelope.fixmedins_code, insutype=fields.text("insutype", limit=6),
        med_type=fields.text("med_type", title="医疗类别" if inpatient else "", limit=6) or "11",
        ipt_otp_no=fields.text("ipt_no", "ipt_otp_no", limit=30), diag_code=fields.text("dscg_maindiag_code", "dise_codg", limit=20),
    )  # fmt: skip
    at = fields.instant("begntime", title="开始时间")
    fields.done()
    assert at is not None
    encounter.admitted = clock.instant(at)
    person = person_of(encounter.psn_no)
    encounter.psn_no = person.psn_no
    waived, why = deposit_waived(person, encounter) if inpatient else (False, "")
    encounter.is_deposit_waived = waived
    made = Admit(actor=call.actor, encounter=encounter).run()
    output = {"mdtrt_id": made.mdtrt_id, "psn_no": made.psn_no, "ipt_otp_no": made.ipt_otp_no}
    if inpatient:
        output |= {"deposit_waived": "1" if waived else "0", "exp_content": why}
    return Reply({"result" if inpatient else "data": output}, subject=made.mdtrt_id)


def deposit_waived(person: Person, encounter: Encounter) -> tuple[bool, str]:
    """Say whether the policy waives the deposit for this admission, with its clause."""
    day = clock.local(encounter.admitted).date()
    plans = [held for held in plans_for(person) if held.answers(day)]
    place = standing(encounter.fixmedins_code, day)
    if not plans or place is None:
        return False, ""
    area, own = place.institution.area_code, area_on(person, day)
    answers = {"inside_city": area[:4] == own[:4], "inside_district": area[:6] == own[:6]}
    if referrals(person.pk, institution=encounter.fixmedins_code, day=day).exists():
        answers["referred_from_primary"] = True
    who = PersonOnDay(
        on=day, birth=person.birth, answers=answers, med_type=encounter.med_type, hosp_lv=place.institution.level,
        area=person.registered_area,
    )  # fmt: skip
    said = deposit(plans[-1].plan, who, history.records_of(person.psn_no))
    return said.outcome == "waived", f"{said.says}{said.clause}"


@handles("2201", changes=True)
def register(call: Call) -> Reply:
    return _admission(call, "data", inpatient=False)


@handles("2401", changes=True)
def admit(call: Call) -> Reply:
    return _admission(call, "mdtrtinfo", inpatient=True)


@handles("2402", changes=True)
def discharge(call: Call) -> Reply:
    fields = Fields(call.envelope.node("dscginfo") or call.envelope.node("data"))
    mdtrt_id, at = fields.text("mdtrt_id", title="就诊ID", limit=30), fields.instant("endtime", title="出院时间")
    diagnosis, psn_no = fields.text("dise_codg", limit=20), fields.text("psn_no", limit=30)
    fields.done()
    assert at is not None
    Discharge(actor=call.actor, mdtrt_id=mdtrt_id, at=clock.instant(at), diag_code=diagnosis, psn_no=psn_no).run()
    return Reply({}, subject=mdtrt_id)


@handles("2404", "2202", changes=True)
def cancel_admission(call: Call) -> Reply:
    fields = Fields(call.envelope.node("data"))
    mdtrt_id, psn_no = fields.text("mdtrt_id", title="就诊ID", limit=30), fields.text("psn_no", limit=30)
    fields.done()
    CancelAdmission(actor=call.actor, mdtrt_id=mdtrt_id, psn_no=psn_no).run()
    return Reply({}, subject=mdtrt_id)


@handles("2405", changes=True)
def undo_discharge(call: Call) -> Reply:
    fields = Fields(call.envelope.node("data"))
    mdtrt_id, psn_no = fields.text("mdtrt_id", title="就诊ID", limit=30), fields.text("psn_no", limit=30)
    fields.done()
    Discharge(actor=call.actor, mdtrt_id=mdtrt_id, at=None, psn_no=psn_no).run()
    return Reply({}, subject=mdtrt_id)
