"""A person's history under lock: folded, and the differences written.

Whatever happens (a settlement, a cancellation, an identity granted back, another policy), the history is folded anew under
the plans in force and compared with what the entries say so far; each difference becomes one entry with its cause. So the
order in which news arrives cannot matter, and the sum of entries always is what the history earns.

The lock of a history is the row of the person it is kept under, which the registry's actions take too: while money is decided
nobody merges the person or changes an identity. After the lock one statement reads the bills with what was paid for each, one
the identities, however long the history is. Where households' totals are kept, a person's circle is locked, folded and written as
one (decision 19).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tuodi.apps.policies.queries import household_totals, plans_at, policy_stamp
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.registry.queries import numbers_of, record_of
from tuodi.apps.settlement.circles import Circle, circle_of
from tuodi.apps.settlement.folding import (
    Computed,
    Fund,
    Part,
    PlansOf,
    compute,
    is_by_household,
    plans_for,
    settlement_of,
)
from tuodi.apps.settlement.histories import owners_of
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.apps.settlement.referrals import referrals
from tuodi.base import clock
from tuodi.base.prepared import Prepared, insert
from tuodi.core.engine.fold import EventResult, LayerResult, trace
from tuodi.core.engine.one_stop import paid_at_counter
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord

E_PERSON = declare("E-PERSON-UNKNOWN", "查不到人员编号 {psn_no}", "请先用 1101 取得人员编号，或请经办机构登记该人员")


@dataclass(frozen=True)
class Held:
    """A person whose history is locked; whether a referral filing covers what is settled; the plans in force.

    With a ``circle`` all of its histories are locked.
    """

    person: Person
    is_filed: bool
    plans: PlansOf
    circle: Circle | None = None

    def parts(self, live: list[Bill]) -> list[Part]:
        """Return what is folded: the bills that count of each person, with the identities as believed now, merged records' included."""
        if self.circle is None:
            settlements = [settlement_of(bill, person=self.person) for bill in live]
            return [Part(self.person, settlements, self._identities(), plans_for(self.person, self.plans))]
        return [one.part(self.plans) for one in self.circle.histories()]

    def by_person(self, bills: list[Bill]) -> dict[str, list[Bill]]:
        """Return the bills of each person, by the number kept."""
        if self.circle is None:
            return {self.person.psn_no: bills}
        owner = owners_of(self.circle.people)
        found: dict[str, list[Bill]] = {person.psn_no: [] for person in self.circle.people}
        for bill in bills:
            found[owner[bill.psn_no]].append(bill)
        return found

    def _identities(self) -> list[IdentityRecord]:
        return [record_of(row, self.person.psn_no) for row in IDENTITIES(key=self.person.pk)]


def _numbers(key: int) -> QuerySet[Person]:
    """Return every record that a history is kept under: the person's own and those merged into it."""
    return Person.objects.filter(Q(pk=key) | Q(merged_into=key))


def _identities(key: int) -> QuerySet[Identity]:
    rows = Identity.objects.filter(person__in=_numbers(key).values("pk"), withdrawn_at__isnull=True)
    return rows.order_by("first", "pk")


def _kept(psn_no: str) -> QuerySet[Person]:
    kept = Person.objects.filter(psn_no=psn_no).values(key=Coalesce("merged_into", "pk"))
    return Person.objects.filter(pk__in=kept).annotate(stamp=policy_stamp())


def _kept_alone(psn_no: str) -> QuerySet[Person]:
    """Return the person to lock, nobody while household totals are in force anywhere: of several rows no one is locked first."""
    found = _kept(psn_no).filter(~Exists(household_totals()))
    return found.select_for_update(of=("self",), no_key=True)


def _kept_and_filed(psn_no: str, institution: str, day: date) -> QuerySet[Person]:
    return _kept_alone(psn_no).annotate(
        is_filed=Exists(referrals(OuterRef(OuterRef("pk")), institution=institution, day=day))
    )


IDENTITIES = Prepared(_identities, key=int)
KEPT = Prepared(_kept_alone, psn_no=str)
KEPT_AND_FILED = Prepared(_kept_and_filed, psn_no=str, institution=str, day=date)


def lock(psn_no: str, *, bill: Bill | None = None) -> Held:
    """Take the lock of a person's history; every writer of that person's money takes it first. Merged records share one.

    The kept record is found and locked by one statement, which also says whether a referral covers a ``bill`` to be settled that
    does not say so itself, and which policies are in force. Whoever was merged while this waited is looked up again. An unknown
    number is an error that says what to do.
    """
    while True:
        if bill is None or bill.refer_stas:
            found = KEPT(psn_no=psn_no)
        else:
            found = KEPT_AND_FILED(psn_no=psn_no, institution=bill.fixmedins_code, day=bill.begndate)
        if not found:
            return _lock_circle(psn_no, bill)
        person, plans = found[0], partial(plans_at, stamp=found[0].stamp)
        if person.merged_into_id is None:
            assert not is_by_household(person, plans), "an installation that does not say what its text does"
            return Held(person, getattr(person, "is_filed", False), plans)


def _lock_circle(psn_no: str, bill: Bill | None) -> Held:
    """Lock a person's circle: read, locked in the order of keys, read again; if it grew meanwhile, all is given back."""
    also = clock.local(bill.setl_time).date() if bill else None
    while True:
        person, circle = _circle_now(psn_no, also)
        with transaction.atomic():
            list(
                Person.objects.select_for_update(no_key=True)
                .filter(pk__in=circle.keys)
                .order_by("pk")
                .values_list("pk")
            )
            again, held = _circle_now(psn_no, also)
            if again.pk == person.pk and held.keys <= circle.keys:
                filed = bill is not None and not bill.refer_stas and referrals(
                    again.pk, institution=bill.fixmedins_code, day=bill.begndate
                ).exists()  # fmt: skip
                return Held(again, filed, partial(plans_at, stamp=again.stamp), held)
            transaction.set_rollback(True)


def _circle_now(psn_no: str, also: date | None) -> tuple[Person, Circle]:
    person = _kept(psn_no).first()
    if person is None:
        raise InputErrors([fault(E_PERSON, psn_no=psn_no)])
    return person, circle_of(person, partial(plans_at, stamp=person.stamp), also=also)


def records_of(psn_no: str) -> list[IdentityRecord]:
    """Return a person's identities as believed now, those of merged records included."""
    rows = Identity.objects.filter(person__psn_no__in=numbers_of(psn_no), withdrawn_at__isnull=True)
    return [record_of(row, psn_no) for row in rows.order_by("first", "pk")]


#: What the entries of a history sum up to in fen, by bill and layer, and by the fund that paid.
Paid = dict[tuple[int, str], dict[Fund, int]]
_BILL = [column.attname for column in Bill._meta.concrete_fields]
_PAID_BY = ["entries__layer", "entries__fund_area", "entries__fund"]


def _paid_under(numbers: QuerySet[Person], also: str) -> QuerySet[Bill]:
    wanted = Q(psn_no__in=numbers.values("psn_no")) | Q(setl_id=also)
    rows = Bill.objects.filter(wanted).values(*_BILL, *_PAID_BY).annotate(paid=Sum("entries__pay"))
    return rows.order_by("setl_time", "setl_id")


PAID = Prepared(lambda key, also: _paid_under(_numbers(key), also), key=int, also=str)


def bills_and_paid(held: Held, *, also: str = "") -> tuple[list[Bill], Paid]:
    """Return all bills of a locked history in folding order, what counts no more included, and what was paid for each.

    ``also`` is a settlement number that is looked for among everybody's.
    """
    if held.circle is None:
        rows = PAID(key=held.person.pk, also=also)
    else:
        people = held.circle.people
        rows = list(
            _paid_under(Person.objects.filter(Q(pk__in=[one.pk for one in people]) | Q(merged_into__in=people)), also)
        )
    bills: dict[int, Bill] = {}
    paid: Paid = {}
    for row in rows:
        (layer, *fund), fen = map(row.pop, _PAID_BY), row.pop("paid")
        bill = bills.setdefault(row["id"], Bill(**row))
        if layer is not None:
            paid.setdefault((bill.pk, layer), {})[fund[0], fund[1]] = int(fen)
    return list(bills.values()), paid


def counts(bill: Bill) -> bool:
    """Say whether a bill counts: neither cancelled nor reversed, nor a cancellation itself."""
    return not (bill.is_cancellation or bill.cancelled_by_id or bill.is_reversed)


@dataclass(frozen=True)
class Refolded:
    """What a fold came to: the person's own refold (None if nothing changed), those of others of the circle, all results."""

    own: Refold | None
    others: tuple[Refold, ...]
    computed: Computed

    def told(self) -> dict[str, int]:
        """Return the sums for the audit trail."""
        said = {"change_fen": self.own.change_fen if self.own else 0}
        if self.others:
            said |= {"others": len(self.others), "others_fen": sum(one.change_fen for one in self.others)}
        return said


def refold(
    held: Held, *, cause: str, cause_id: str = "", keep_trace: str = "", read: tuple[list[Bill], Paid] | None = None
) -> Refolded:
    """Fold a locked history and write its differences, of a circle each member's as the member's own.

    ``read`` is what :func:`bills_and_paid` gave, if it was asked before.
    """
    bills, paid = read or bills_and_paid(held)
    live = sorted((bill for bill in bills if counts(bill)), key=lambda bill: (bill.setl_time, bill.setl_id))
    computed = compute(held.parts(live))
    written: dict[str, Refold] = {}
    for psn_no, own in held.by_person(bills).items():
        mine = {bill.pk: bill for bill in own}
        made = write_differences(
            psn_no, own, {key: fen for key, fen in paid.items() if key[0] in mine},
            computed.only({bill.setl_id for bill in own}), cause=cause, cause_id=cause_id, keep_trace=keep_trace,
        )  # fmt: skip
        if made is not None:
            written[psn_no] = made
    first = written.pop(held.person.psn_no, None)
    return Refolded(first, tuple(written.values()), computed)


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
    owing = {key: computed.fund(layer, result) for key, (layer, result) in wanted.items()}
    entries = _taken_back(so_far, owing, at=now)
    for key, (layer, result) in wanted.items():
        change = layer.pay - so_far.get(key, {}).get(owing[key], 0)
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
        due_on=layer.due_on, fund=layer.fund, fund_area=held.installation.area_code, result=data, at=at,
    )  # fmt: skip


def _taken_back(so_far: Paid, owing: dict[tuple[int, str], Fund], *, at: Any) -> list[Entry]:
    """Return what takes back all that was paid by funds that owe nothing for a layer now: each is made whole again.

    ``total`` is what is left of the layer when that is taken back; what another fund gives instead comes after it.
    """
    gone = {
        (bill_id, layer, *fund): fen
        for (bill_id, layer), by_fund in so_far.items() for fund, fen in by_fund.items()
        if fen and fund != owing.get((bill_id, layer))
    }  # fmt: skip
    entries = []
    left = {key: sum(by_fund.values()) for key, by_fund in so_far.items()}
    for last in _last_entries(gone):
        fen = gone[last.bill_id, last.layer, last.fund_area, last.fund]
        left[last.bill_id, last.layer] -= fen
        entries.append(
            Entry(
                bill_id=last.bill_id, layer=last.layer, category=last.category, identity=last.identity, pay=-fen,
                total=left[last.bill_id, last.layer], fund=last.fund, fund_area=last.fund_area, result={}, at=at,
            )
        )  # fmt: skip
    return entries


def _last_entries(keys: Iterable[tuple[int, str, str, str]]) -> list[Entry]:
    """Return the last entry of each of some bills' layers and funds; no query if there are none."""
    wanted = set(keys)
    if not wanted:
        return []
    rows = Entry.objects.filter(bill__in={bill_id for bill_id, *_ in wanted}).order_by("pk")
    last = {(row.bill_id, row.layer, row.fund_area, row.fund): row for row in rows}
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
