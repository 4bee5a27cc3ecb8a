"""A person's history: rows to values, folded, and the differences written.

Whatever happens (a settlement, a cancellation, an identity granted back, another policy), the history is folded anew under
the plans in force and compared with what the entries say so far; each difference becomes one entry with its cause. So the
order in which news arrives cannot matter, and the sum of entries always is what the history earns.

The lock of a history is the row of the person it is kept under, which the registry's actions take too: while money is decided
nobody merges the person or changes an identity. After the lock one statement reads the bills with what was paid for each, one
the identities, however long the history is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from django.db.models import Exists, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tuodi.apps.policies.queries import InForce, plans_at, plans_of, policy_stamp
from tuodi.apps.registry.insured import area_on, spans_of
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.registry.queries import numbers_of
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.apps.settlement.referrals import referrals
from tuodi.base import clock
from tuodi.base.prepared import Prepared, insert
from tuodi.core.engine.fold import EventResult, LayerResult, judged_day, trace
from tuodi.core.engine.one_stop import paid_at_counter
from tuodi.core.engine.versions import fold_documents
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

E_PERSON = declare("E-PERSON-UNKNOWN", "查不到人员编号 {psn_no}", "请先用 1101 取得人员编号，或请经办机构登记该人员")
E_NO_POLICY = declare(
    "E-NO-POLICY", "区划 {area} 在 {day} 没有已批准的政策包", "请政策岗先提交、审核岗批准适用于该区划的政策包"
)  # fmt: skip


@dataclass(frozen=True)
class Computed:
    """What a history earns: results by settlement, and which installation answered each."""

    results: dict[str, EventResult]
    answered: dict[str, InForce]


@dataclass(frozen=True)
class Held:
    """A person whose history is locked; whether a referral filing covers what is settled; the plans in force."""

    person: Person
    is_filed: bool
    plans: list[InForce]

    def identities(self) -> list[IdentityRecord]:
        """Return the identities as believed now, those of merged records included."""
        return _records(self.person.psn_no, IDENTITIES(key=self.person.pk))


def _numbers(key: int) -> QuerySet[Person]:
    """Return every record that a history is kept under: the person's own and those merged into it."""
    return Person.objects.filter(Q(pk=key) | Q(merged_into=key))


def _identities(key: int) -> QuerySet[Identity]:
    rows = Identity.objects.filter(person__in=_numbers(key).values("pk"), withdrawn_at__isnull=True)
    return rows.order_by("first", "pk")


def _kept(psn_no: str) -> QuerySet[Person]:
    kept = Person.objects.filter(psn_no=psn_no).values(key=Coalesce("merged_into", "pk"))
    found = Person.objects.filter(pk__in=kept).annotate(stamp=policy_stamp())
    return found.select_for_update(of=("self",), no_key=True)


def _kept_and_filed(psn_no: str, institution: str, day: date) -> QuerySet[Person]:
    return _kept(psn_no).annotate(is_filed=Exists(referrals(psn_no, institution=institution, day=day)))


IDENTITIES = Prepared(_identities, key=int)
KEPT = Prepared(_kept, psn_no=str)
KEPT_AND_FILED = Prepared(_kept_and_filed, psn_no=str, institution=str, day=date)


def lock(psn_no: str, *, care: Bill | None = None) -> Held:
    """Take the lock of a person's history; every writer of that person's money takes it first. Merged records share one.

    The kept record is found and locked by one statement, which also says whether a referral covers ``care`` and which policies
    are in force. Whoever was merged while this waited is looked up again. An unknown number is an error that says what to do.
    """
    while True:
        if care is None:
            found = KEPT(psn_no=psn_no)
        else:
            found = KEPT_AND_FILED(psn_no=psn_no, institution=care.fixmedins_code, day=care.begndate)
        if not found:
            raise InputErrors([fault(E_PERSON, psn_no=psn_no)])
        person = found[0]
        if person.merged_into_id is None:
            return Held(
                person, getattr(person, "is_filed", False), plans_for(person, partial(plans_at, stamp=person.stamp))
            )


def live_bills(psn_no: str) -> list[Bill]:
    """Return the bills of a person that count, under whichever number: neither cancelled nor reversed, nor cancellations themselves."""
    return live_bills_under(numbers_of(psn_no))


def live_bills_under(numbers: Iterable[str]) -> list[Bill]:
    """Return the bills that count under some person numbers."""
    rows = Bill.objects.filter(
        psn_no__in=list(numbers), is_cancellation=False, cancelled_by__isnull=True, is_reversed=False
    )
    return list(rows.order_by("setl_time", "setl_id"))


def settlement_of(bill: Bill, *, person: Person | None) -> Settlement:
    """Return a bill as the core's value, under the number by which the person is kept."""
    return Settlement(
        setl_id=bill.setl_id, psn_no=person.psn_no if person else bill.psn_no, fixmedins_code=bill.fixmedins_code, med_type=bill.med_type,
        begndate=bill.begndate, enddate=bill.enddate, setl_time=clock.local(bill.setl_time), diag_code=bill.diag_code,
        **{name: getattr(bill, name) for name in AMOUNT_FIELDS}, disease_class=bill.disease_class,
        refer_stas=bill.refer_stas, out_prov=bill.out_prov, cause=bill.cause, birth=person.birth if person else None,
        hosp_lv=bill.hosp_lv, designated=bill.designated,
        assistance_designated=bill.assistance_designated, standard_area=person.registered_area if person else "",
    )  # fmt: skip


def records_of(psn_no: str) -> list[IdentityRecord]:
    """Return a person's identities as believed now, those of merged records included."""
    rows = Identity.objects.filter(person__psn_no__in=numbers_of(psn_no), withdrawn_at__isnull=True)
    return _records(psn_no, rows.order_by("first", "pk"))


def _records(psn_no: str, rows: Iterable[Identity]) -> list[IdentityRecord]:
    return [
        IdentityRecord(psn_no, row.identity, row.first, row.last, row.certified_on, row.applied_on, row.issuer)
        for row in rows
    ]


def compute(
    settlements: Iterable[Settlement], records: list[IdentityRecord], plans: list[InForce], *, person: Person
) -> Computed:
    """Fold each settlement under the installation that answers for its day (decision 13), where the person was insured then.

    Installations of one document are versions of it, and a year's totals run on from one to the next. Another document begins
    with nothing, unless it says itself that what came earlier in its first year counts (I-30). Layers on application owe
    nothing here: nobody has applied for them.
    """
    answered: dict[str, InForce] = {}
    groups: dict[int, list[Settlement]] = {}
    for s in settlements:
        held = answering(plans, s, person=person)
        answered[s.setl_id] = held
        groups.setdefault(plans.index(held), []).append(s)
    areas = [held.installation.area_code for held in plans]
    results = fold_documents([held.plan for held in plans], groups, records, areas=areas)
    return Computed(results, answered)


#: area -> the policies in force there.
PlansOf = Callable[[str], list[InForce]]


def plans_for(person: Person, plans: PlansOf = plans_of) -> list[InForce]:
    """Return the installations that answer for a person, those of each area while they were insured there, oldest first."""
    if not person.insured_moves:
        return plans(person.insured_area)
    return [
        replace(held, since=span.first, before=span.until)
        for span in spans_of(person) for held in plans(span.area)
    ]  # fmt: skip


def answering(plans: list[InForce], s: Settlement, *, person: Person) -> InForce:
    """Return the installation that answers for a settlement, by the date of I-11; the first of an area for what came before it.

    Where two areas judge by different days, so that neither counts the settlement as its own, the day of settling decides.
    """
    settled = s.setl_time.date()
    judged = [(held, judged_day(held.plan.pack.year_of, s)) for held in plans]
    for found in (
        (held for held, day in reversed(judged) if held.answers(day)),
        (held for held, day in judged if held.governs(day)),
        (held for held in reversed(plans) if held.answers(settled)),
    ):
        for held in found:
            return held
    raise InputErrors([fault(E_NO_POLICY, area=area_on(person, settled), day=settled)])


#: What the entries of a history sum up to in fen, by bill and layer, and by the fund that paid.
Paid = dict[tuple[int, str], dict[str, int]]
_BILL = [column.attname for column in Bill._meta.concrete_fields]


def _paid(key: int, also: str) -> QuerySet[Bill]:
    wanted = Q(psn_no__in=_numbers(key).values("psn_no")) | Q(setl_id=also)
    rows = (
        Bill.objects.filter(wanted).values(*_BILL, "entries__layer", "entries__fund").annotate(paid=Sum("entries__pay"))
    )
    return rows.order_by("setl_time", "setl_id")


PAID = Prepared(_paid, key=int, also=str)


def bills_and_paid(held: Held, *, also: str = "") -> tuple[list[Bill], Paid]:
    """Return all bills of a locked history in folding order, what counts no more included, and what was paid for each.

    ``also`` is a settlement number that is looked for among everybody's.
    """
    bills: dict[int, Bill] = {}
    paid: Paid = {}
    for row in PAID(key=held.person.pk, also=also):
        layer, fund, fen = row.pop("entries__layer"), row.pop("entries__fund"), row.pop("paid")
        bill = bills.setdefault(row["id"], Bill(**row))
        if layer is not None:
            paid.setdefault((bill.pk, layer), {})[fund] = int(fen)
    return list(bills.values()), paid


def counts(bill: Bill) -> bool:
    """Say whether a bill counts: neither cancelled nor reversed, nor a cancellation itself."""
    return not (bill.is_cancellation or bill.cancelled_by_id or bill.is_reversed)


def refold(
    held: Held, *, cause: str, cause_id: str = "", keep_trace: str = "", read: tuple[list[Bill], Paid] | None = None
) -> tuple[Refold | None, Computed]:
    """Fold a locked history and write its differences; return the refold (None if nothing changed) and what was computed.

    ``read`` is what :func:`bills_and_paid` gave, if it was asked before.
    """
    bills, paid = read or bills_and_paid(held)
    live = sorted((bill for bill in bills if counts(bill)), key=lambda bill: (bill.setl_time, bill.setl_id))
    settlements = [settlement_of(bill, person=held.person) for bill in live]
    computed = compute(settlements, held.identities(), held.plans, person=held.person)
    written = write_differences(
        held.person.psn_no, live, paid, computed, cause=cause, cause_id=cause_id, keep_trace=keep_trace
    )
    return written, computed


def write_differences(
    psn_no: str, bills: list[Bill], so_far: Paid, computed: Computed, *, cause: str, cause_id: str, keep_trace: str
) -> Refold | None:
    """Write one entry for each settlement and layer whose total changes, and for a refusal that is told now.

    What a fund paid is taken back on that fund, all of it, where another fund pays the layer now or nothing is owed any more.
    """
    by_id = {bill.setl_id: bill for bill in bills}
    wanted: dict[tuple[int, str], tuple[LayerResult, EventResult]] = {}
    for setl_id, result in computed.results.items():
        for layer in result.layers:
            wanted[(by_id[setl_id].pk, layer.layer)] = (layer, result)
    now = clock.now()
    entries = _taken_back(so_far, wanted, at=now)
    for key, (layer, result) in wanted.items():
        change = layer.pay - so_far.get(key, {}).get(layer.fund, 0)
        told = result.settlement.setl_id == keep_trace
        if change or (told and (layer.pay or layer.cut)):
            entries.append(_entry(key, layer, result, change=change, computed=computed, at=now, told=told))
    asked = computed.results.get(keep_trace)
    if asked is not None and asked.decision.refusal:
        entries.append(_refused(by_id[keep_trace].pk, asked, at=now))
    if not entries:
        return None
    answer = computed.answered.get(keep_trace) or next(iter(computed.answered.values()), None)
    installation = answer.installation if answer else _last_installation(psn_no)
    made = Refold(
        psn_no=psn_no, cause=cause, cause_id=cause_id, installation=installation,
        digest=digest(computed), at=now, change_fen=sum(entry.pay for entry in entries),
    )  # fmt: skip
    insert(made)
    for entry in entries:
        entry.refold = made
    if len(entries) == 1:
        insert(entries[0])
    else:
        Entry.objects.bulk_create(entries)
    return made


def _last_installation(psn_no: str) -> Any:
    """Return the installation of the person's last refold: a history that became empty was once computed under one."""
    return Refold.objects.filter(psn_no=psn_no).order_by("-pk").select_related("installation")[0].installation


def _entry(
    key: tuple[int, str],
    layer: LayerResult,
    result: EventResult,
    *,
    change: int,
    computed: Computed,
    at: Any,
    told: bool,
) -> Entry:
    held = computed.answered[result.settlement.setl_id]
    data: dict[str, Any] = {
        "base": layer.base, "deductible": layer.deductible, "counted": layer.counted, "entitled": layer.entitled,
        "cut": layer.cut, "clauses": list(layer.clauses), "readings": list(layer.readings), "pack": held.plan.pack.pack,
        "pack_digest": held.installation.digest, "trace": trace(held.plan, result),
    }  # fmt: skip
    if told:
        data["at_counter"] = layer in paid_at_counter(held.plan, result, clock.local(at).date())
    return Entry(
        bill_id=key[0], layer=key[1], category=result.category, identity=result.identity, pay=change, total=layer.pay,
        due_on=layer.due_on, fund=layer.fund, result=data, at=at,
    )  # fmt: skip


def _taken_back(
    so_far: Paid, wanted: dict[tuple[int, str], tuple[LayerResult, EventResult]], *, at: Any
) -> list[Entry]:
    """Return what takes back all that was paid by funds that owe nothing for a layer now: each is made whole again.

    ``total`` is what is left of the layer when that is taken back; what another fund gives instead comes after it.
    """
    gone: dict[tuple[int, str, str], int] = {}
    for (bill_id, layer), by_fund in so_far.items():
        owing = wanted.get((bill_id, layer))
        gone |= {
            (bill_id, layer, fund): fen for fund, fen in by_fund.items() if fen and (not owing or fund != owing[0].fund)
        }
    entries = []
    left = {key: sum(by_fund.values()) for key, by_fund in so_far.items()}
    for last in _last_entries(gone):
        fen = gone[last.bill_id, last.layer, last.fund]
        left[last.bill_id, last.layer] -= fen
        entries.append(
            Entry(
                bill_id=last.bill_id, layer=last.layer, category=last.category, identity=last.identity, pay=-fen,
                total=left[last.bill_id, last.layer], fund=last.fund, result={}, at=at,
            )
        )  # fmt: skip
    return entries


def _last_entries(keys: Iterable[tuple[int, str, str]]) -> list[Entry]:
    """Return the last entry of each of some bills' layers and funds; no query if there are none."""
    wanted = set(keys)
    if not wanted:
        return []
    rows = Entry.objects.filter(bill__in={bill_id for bill_id, _, _ in wanted}).order_by("pk")
    last = {(row.bill_id, row.layer, row.fund): row for row in rows}
    return [row for key, row in last.items() if key in wanted]


def _refused(bill_id: int, result: EventResult, *, at: Any) -> Entry:
    decision = result.decision
    return Entry(
        bill_id=bill_id, layer="", category=result.category, identity=result.identity, pay=0, total=0, refusal=decision.refusal,
        result={"clauses": [decision.clause], "says": decision.says}, at=at,
    )  # fmt: skip


def digest(computed: Computed) -> str:
    """Return a digest of what was computed from: packs, facts of every settlement, identities that decided."""
    facts = [
        [
            setl_id,
            held.installation.digest,
            computed.results[setl_id].identity,
            sorted(computed.results[setl_id].facts.items()),
        ]
        for setl_id, held in sorted(computed.answered.items())
    ]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def total_paid(bill: Bill) -> int:
    """Return what a bill has been granted in all, in fen."""
    return int(Entry.objects.filter(bill=bill).aggregate(total=Sum("pay"))["total"] or 0)


def first_day(results: Iterable[EventResult]) -> date | None:
    """Return the earliest settlement day of some results."""
    return min((r.settlement.setl_time.date() for r in results), default=None)
