"""What the counter of an institution without a connected system asks and does: find somebody, try a bill, settle, cancel.

A person is found by number only, and finding is recorded. What is settled is what was shown: if the grant changed in between,
nothing is kept. The fields of the bill are :mod:`.counter_form`'s, pages :mod:`.web`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from django.core import signing

from tuodi.apps.institutions.models import Institution
from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry import queries as registry
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.settlement import history, permissions
from tuodi.apps.settlement.actions import Cancelled, CancelSettlement, Settle, Settled, person_of, presettle
from tuodi.apps.settlement.admissions import hold_stay, leave
from tuodi.apps.settlement.circles import believed
from tuodi.apps.settlement.folding import answering, plans_for
from tuodi.apps.settlement.histories import earned
from tuodi.apps.settlement.models import Bill, Encounter
from tuodi.apps.settlement.people import E_NOBODY
from tuodi.apps.settlement.queries import counter_pay
from tuodi.base import access, clock
from tuodi.base.audit import record
from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.one_stop import why_elsewhere
from tuodi.core.engine.picture import picture
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.words import Explanation, explain
from tuodi.core.engine.words_patient import why_left
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import yuan_for_people

E_CHANGED = declare(
    "E-COUNTER-CHANGED", "该参保人的结算或身份刚有变化，本次救助由 {shown} 变为 {now}，没有结算", "请核对新的结果后再办理结算"
)  # fmt: skip
E_CONNECTED = declare(
    "E-COUNTER-CONNECTED", "结算 {setl_id} 是医院信息系统联网办理的", "请在医院信息系统里撤销，以免两边不一致"
)

#: What a pre-settlement is called where a settlement would have its id.
UNSETTLED = "预结算"
#: Seconds for which a found person may be worked on.
FOUND_FOR = 4 * 3600
SALT = "tuodi.counter"
#: Why a settlement is cancelled by hand: a closed list, so that nothing personal is written.
REASONS = {
    "amounts": "金额录入有误", "person": "录错了人员", "upstream": "医保重新结算", "repeated": "重复办理", "withdrawn": "参保人要求改为自费或另行结算",
}  # fmt: skip


def find_person(actor: Any, number: str, *, by: str = "counter") -> Person:
    """Return the person with an identity number or person number, whichever it is; recorded, nobody is an error."""
    access.demand(actor, permissions.PRESETTLE)
    number = number.strip()
    person = (
        registry.person_by_certno(number) or Person.objects.filter(psn_no=number, withdrawn_at__isnull=True).first()
    )
    if person is None or not _may_meet(actor, person):
        record(actor=actor, verb="person:not_found", subject="person", data={"by": by})
        raise InputErrors([fault(E_NOBODY)])
    person = person.merged_into or person
    record(actor=actor, verb="person:looked_up", subject="person", subject_id=person.psn_no, data={"by": by})
    return person


def ticket_for(actor: Any, person: Person) -> str:
    """Return what stands for a found person in an address: signed, for this user, for some hours."""
    return signing.dumps([actor.pk, person.pk], salt=SALT)


def person_with(actor: Any, ticket: str) -> Person | None:
    """Return the person of a ticket; None if it is not this user's or too old."""
    try:
        owner, key = signing.loads(ticket, salt=SALT, max_age=FOUND_FOR)
    except signing.BadSignature:
        return None
    person = Person.objects.filter(pk=key).first() if owner == actor.pk else None
    return person if person is not None and _may_meet(actor, person) else None


def _may_meet(actor: Any, person: Person) -> bool:
    """Say whether somebody may stand before a counter: at an institution anybody, at an office people of its area."""
    return bool(actor.institution_code) or access.visible(actor, Person).filter(pk=person.pk).exists()


def identities_of(person: Person) -> list[Identity]:
    """Return the certifications believed now, latest first."""
    rows = Identity.objects.filter(person=person, withdrawn_at__isnull=True) | Identity.objects.filter(
        person__merged_into=person, withdrawn_at__isnull=True
    )
    return list(rows.order_by("-first", "pk"))


def institution_of(actor: Any) -> Institution | None:
    """Return the institution that a counter belongs to."""
    if not actor.institution_code:
        return None
    return access.visible(actor, Institution).filter(code=actor.institution_code).first()


@dataclass(frozen=True)
class Worked:
    """A bill with what it is granted, and how to say it."""

    bill: Bill
    result: EventResult
    plan: Plan
    explanation: Explanation

    @property
    def pay(self) -> int:
        return self.result.pay

    @property
    def counter(self) -> int:
        """What the counter pays of it, on the day on which it is or was settled."""
        return counter_pay(self.plan, self.result, self.bill, on=self._day)

    @property
    def why_elsewhere(self) -> str:
        return why_elsewhere(self.plan, self.result, self._day)

    @property
    def later(self) -> int:
        """What is granted but paid elsewhere, later or by the office."""
        return self.pay - self.counter

    @property
    def _day(self) -> date:
        return clock.local(self.bill.recorded_at or clock.now()).date()

    @property
    def left(self) -> int:
        """What the person pays at the counter."""
        return max(0, self.explanation.case.bill.left + self.later - self.bill.acct_pay)

    @property
    def category_name(self) -> str:
        names = {category.id: category.name for category in self.plan.pack.categories}
        return names.get(self.result.category, "")

    @property
    def why_nothing(self) -> str:
        """Why nothing is granted: what refuses it, or what keeps all of it with the person; empty if something is."""
        decision = self.result.decision
        if decision.refusal:
            return f"{decision.says}（{decision.clause}）"
        return "" if self.pay else why_left(self.explanation.case) or "救助范围内没有剩下的个人负担"

    @property
    def picture(self) -> str:
        return picture(self.plan, self.result, called=UNSETTLED if self.bill.setl_id == UNSETTLED else "本次结算")

    @property
    def sections(self) -> list[Section]:
        """The patient's explanation as parts of a page."""
        return sections_of(self.explanation.patient)


def try_bill(actor: Any, bill: Bill, person: Person) -> Worked:
    """Return what a bill would be granted now, with words and picture; nothing is kept."""
    bill.setl_id = UNSETTLED
    return worked(bill, presettle(actor, bill), person)


def worked_settlement(bill: Bill) -> Worked | None:
    """Return what a kept bill is granted as its person's history now stands; None once it counts no more."""
    if bill.is_cancellation or bill.cancelled_by_id or bill.is_reversed:
        return None
    person, plans = person_of(bill.psn_no), cache(plans_of)
    return worked(bill, earned(believed(person, plans), plans).results[bill.setl_id], person)


def worked(bill: Bill, result: EventResult, person: Person) -> Worked:
    """Return a computed bill with how to say it."""
    plan = answering(plans_for(person), result.settlement, person=person).plan
    return Worked(bill, result, plan, explain(plan, result, records=history.records_of(person.psn_no)))


class SettleAsShown(Settle):
    """Settle by hand, only if the grant is the one that was shown."""

    def __init__(self, *, actor: Any, bill: Bill, shown_fen: int) -> None:
        super().__init__(actor=actor, bill=bill)
        self.shown_fen = shown_fen

    def lock(self) -> None:
        self.stay = hold_stay(self.bill)
        super().lock()

    def write(self) -> Settled:
        done = super().write()
        if self.stay is not None:
            leave(self.stay, done.bill)
        if done.result.pay != self.shown_fen:
            raise InputErrors(
                [fault(E_CHANGED, shown=yuan_for_people(self.shown_fen), now=yuan_for_people(done.result.pay))]
            )
        return done

    def audited(self, done: Settled) -> dict[str, Any]:
        said = super().audited(done)
        return {**said, "data": {**said["data"], "by": "counter"}}


class CancelByHand(CancelSettlement):
    """Cancel a settlement that was made by hand, with a reason of the closed list."""

    def __init__(self, *, actor: Any, bill: Bill, reason: str) -> None:
        assert reason in REASONS, reason
        super().__init__(actor=actor, setl_id=bill.setl_id, new_id=f"{bill.setl_id[:28]}-C")
        self.reason = reason

    def check(self) -> None:
        super().check()
        if self.bill.msgid:
            raise InputErrors([fault(E_CONNECTED, setl_id=self.setl_id)])

    def write(self) -> Cancelled:
        done = super().write()
        if self.bill.mdtrt_id:
            stays = Encounter.objects.filter(mdtrt_id=self.bill.mdtrt_id, fixmedins_code=self.bill.fixmedins_code)
            stays.update(discharged=None)
        return done

    def audited(self, done: Cancelled) -> dict[str, Any]:
        said = super().audited(done)
        return {**said, "data": {**said["data"], "reason": self.reason, "by": "counter"}}


def setl_id_for(key: str) -> str:
    """Return the settlement id of a bill page: the same page settles once, however often it is sent."""
    return f"C{key}"


@dataclass(frozen=True)
class Line:
    """A line of an explanation: a sentence, or a label with an amount."""

    text: str
    amount: str = ""
    depth: int = 0

    @property
    def is_title(self) -> bool:
        return not self.amount and self.text[:1].isdigit() and ". " in self.text[:4]

    @property
    def is_point(self) -> bool:
        return self.text.startswith("· ")

    @property
    def words(self) -> str:
        return self.text.removeprefix("· ")


@dataclass(frozen=True)
class Section:
    """A part of an explanation: its heading, then lines."""

    title: str
    lines: tuple[Line, ...]


def sections_of(page: str) -> list[Section]:
    """Return a page of :mod:`tuodi.core.engine.words_patient` as parts, lines torn for paper put together again.

    >>> sections_of("医疗救助说明\\n\\n一、谁付了多少\\n    您还要承担      6.00 元\\n")[0].lines[0]
    Line(text='您还要承担', amount='6.00 元', depth=0)
    """
    made: list[Section] = []
    lines: list[Line] = []
    for raw in page.splitlines()[1:]:
        text = raw.strip()
        if raw[:1] not in ("", " "):
            lines = []
            made.append(Section(text, ()))
        elif text and made:
            lines = _added(lines, text, depth=int(raw.startswith("      ")))
            made[-1] = Section(made[-1].title, tuple(lines))
    return made


def _added(lines: list[Line], text: str, *, depth: int) -> list[Line]:
    label, gap, amount = text.rpartition("  ")
    if gap and amount.strip().endswith(" 元"):
        return [*lines, Line(label.strip(), amount.strip(), depth)]
    before = lines[-1] if lines else None
    begins = text.startswith("· ") or (text[:1].isdigit() and ". " in text[:4])
    if before is None or before.amount or begins or before.text.endswith("。") or before.is_title:
        return [*lines, Line(text)]
    joined = f"{before.text}{' ' if before.text[-1:].isascii() and text[:1].isascii() else ''}{text}"
    return [*lines[:-1], Line(joined)]
