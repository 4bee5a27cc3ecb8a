"""What a message must fulfil before money moves: nothing of tomorrow, nothing charged twice, nobody else's visit or bill."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import numbers_of
from tuodi.apps.settlement import history
from tuodi.apps.settlement.models import Bill
from tuodi.base import clock
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.settlements import SPLIT_FIELDS, is_inpatient

E_FUTURE = declare(
    "E-SETTLE-FUTURE", "结算时间 {at} 晚于现在 {now}", "请校准医院信息系统的时钟后重新发送；年度和封顶线按结算时间计算"
)
E_FUTURE_DAY = declare(
    "E-SETTLE-FUTURE-DAY", "{what} {day} 还没有到", "请核对入院、出院日期；身份和年度按这两个日期判断"
)
E_CHARGED = declare(
    "E-VISIT-CHARGED",
    "就诊 {mdtrt_id} 已经结算，结算号 {setl_id}",
    "没有收到答复的，用原报文编号原样重发；要改的先撤销原结算；住院中途结算的写明 mid_setl_flag 为 1，门诊一次就诊再次收费的写明收费批次 chrg_bchno",
)
E_ALIKE = declare(
    "E-BILL-ALIKE",
    "这家机构为这个人已经结算过日期、医疗类别和各项金额都相同的一笔，结算号 {setl_id}",
    "没有收到答复的，用原编号原样重发，得到原来的答复；确是另一次就诊的，各写收费批次 chrg_bchno；要重新结算的先撤销原结算",
)
E_NOT_THEIRS = declare(
    "E-BILL-OTHER", "结算 {setl_id} 的{what}与报文里的 {given} 不符", "请核对结算号、就诊ID和人员编号是否属于同一笔结算"
)
E_KIND = declare(
    "E-ENCOUNTER-KIND",
    "就诊 {mdtrt_id} 是{kind}，不能按{asked}结算",
    "住院用 2303、2304 结算，门诊用 2206、2207；医疗类别与就诊一致",
)
E_DEAD = declare(
    "E-SETTLE-DEAD",
    "人员 {psn_no} 已登记于 {died_on} 死亡，不能办理 {day} 开始的就医",
    "请核对人员和日期；登记有误的请经办机构先更正死亡登记",
)
E_OTHER_PERSON = declare("E-ENCOUNTER-PERSON", "就诊 {mdtrt_id} 登记的不是人员 {psn_no}", "请核对就诊ID和人员编号")

#: What two bills of one visit have in common when they are one bill sent twice.
ALIKE = ("begndate", "enddate", "med_type", *SPLIT_FIELDS)
#: How far a hospital's clock may be ahead of ours.
AHEAD = timedelta(minutes=10)


def is_same_person(given: str, kept: str) -> bool:
    """Say whether a number that was given is that of a record, or of one merged with it; nothing given is no contradiction."""
    return not given or given == kept or given in numbers_of(kept)


def faults_of_kind(mdtrt_id: str, *, outpatient: bool, visit: str, given: str) -> list[Fault]:
    """Return what is wrong if a stay is settled as a visit or the other way round; of a region's own kinds nothing is known."""
    told = [kind for kind in (visit, given) if kind and not kind.startswith("99")]
    names = {True: "住院", False: "门诊"}
    wrong = [kind for kind in told if is_inpatient(kind) == outpatient]
    return [fault(E_KIND, mdtrt_id=mdtrt_id, kind=names[outpatient], asked=names[not outpatient])] if wrong else []


def demand_alive(person: Person, day: date) -> None:
    """Refuse care that begins after the person's death: somebody else is being treated, or the record is wrong."""
    if person.died_on is not None and day > person.died_on:
        raise InputErrors([fault(E_DEAD, psn_no=person.psn_no, died_on=person.died_on, day=day)])


def demand_begun(at: datetime) -> None:
    """Refuse an admission that is still to come."""
    if at > clock.now() + AHEAD:
        raise InputErrors([fault(E_FUTURE_DAY, what="入院时间", day=f"{clock.local(at):%Y-%m-%d %H:%M}")])


def demand_past(bill: Bill) -> None:
    """Refuse what has not happened yet: a clock that runs ahead would take from another year's cap.

    Who leaves in the morning may settle the evening before.
    """
    now = clock.now()
    if bill.setl_time > now + AHEAD:
        at, today = (f"{clock.local(value):%Y-%m-%d %H:%M}" for value in (bill.setl_time, now))
        raise InputErrors([fault(E_FUTURE, at=at, now=today)])
    latest = clock.local(now + AHEAD).date()
    days = (("入院日期", bill.begndate, latest), ("出院日期", bill.enddate, latest + timedelta(days=1)))
    if faults := [fault(E_FUTURE_DAY, what=what, day=day) for what, day, last in days if day > last]:
        raise InputErrors(faults)


def is_charged_by(bill: Bill, kept: Bill) -> bool:
    """Say whether a bill would charge again what a kept one charged: a stay is settled once, a visit once a batch.

    A system that lost an answer may try again under another message id; only the visit shows that it is the same (G16). A stay
    that is settled midway is settled again for the rest, a visit whose batches have no numbers for other care: what has the very
    same days and amounts is the same.
    """
    same = bill.mdtrt_id and (kept.mdtrt_id, kept.fixmedins_code) == (bill.mdtrt_id, bill.fixmedins_code)
    if not same or not history.counts(kept):
        return False
    alike = all(getattr(bill, name) == getattr(kept, name) for name in ALIKE)
    if is_inpatient(kept.med_type):
        return not kept.is_midway or (bill.is_midway and alike)
    return kept.chrg_bchno == bill.chrg_bchno and (bool(bill.chrg_bchno) or alike)


def is_alike(bill: Bill, kept: Bill) -> bool:
    """Say whether a message that names no visit, or a kept one that named none, is by all it says one bill sent twice.

    Same institution, days, kind of care and amounts, of one person: the caller knows whose bills are looked at. Somebody who really
    came twice on a day has two batches. What people enter by hand is not judged so: they see the list.
    """
    if not bill.msgid or (bill.mdtrt_id and kept.mdtrt_id) or not history.counts(kept):
        return False
    names = ("fixmedins_code", "chrg_bchno", *ALIKE)
    return all(getattr(bill, name) == getattr(kept, name) for name in names)


def demand_not_charged(bill: Bill, own: list[Bill]) -> None:
    """Refuse a bill that one of the person's own charged already, naming that one."""
    if charged := next((kept for kept in own if is_charged_by(bill, kept)), None):
        raise InputErrors([fault(E_CHARGED, mdtrt_id=bill.mdtrt_id, setl_id=charged.setl_id)])
    if charged := next((kept for kept in own if is_alike(bill, kept)), None):
        raise InputErrors([fault(E_ALIKE, setl_id=charged.setl_id)])


def demand_theirs(bill: Bill, *, psn_no: str = "", mdtrt_id: str = "") -> None:
    """Refuse a message that names another person or visit than the bill has: one of the numbers is a mistake."""
    if mdtrt_id and bill.mdtrt_id and mdtrt_id != bill.mdtrt_id:
        raise InputErrors([fault(E_NOT_THEIRS, setl_id=bill.setl_id, what="就诊ID", given=mdtrt_id)])
    if not is_same_person(psn_no, bill.psn_no):
        raise InputErrors([fault(E_NOT_THEIRS, setl_id=bill.setl_id, what="人员编号", given=psn_no)])
