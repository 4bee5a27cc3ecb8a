"""Histories folded anew: after a policy is approved, and every night to see that the books are what the histories earn.

A difference is looked for without a lock; only who has one is locked and written, as an action of the system with the cause. Work
for an area is cut into announcements, so that each is a short transaction and a stopped delivery goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Sum

from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import history, permissions
from tuodi.apps.settlement.circles import circles_in
from tuodi.apps.settlement.folding import Fund, PlansOf, is_by_household
from tuodi.apps.settlement.histories import CHUNK, PersonHistory, earned, histories
from tuodi.apps.settlement.models import BooksCheck, BooksDifference, Entry
from tuodi.base import clock, outbox
from tuodi.base.action import Action
from tuodi.base.system import system_user
from tuodi.core.errors import InputErrors

#: People whose histories one announcement re-folds.
AT_ONCE = 100


class RefoldPerson(Action):
    """Fold one person's history anew and write the differences with their cause."""

    verb = permissions.REFOLD

    def __init__(self, *, actor: Any, psn_no: str, area: str, cause: str, cause_id: str) -> None:
        super().__init__(actor=actor)
        self.psn_no, self.area, self.cause, self.cause_id = psn_no, area, cause, cause_id

    def lock(self) -> None:
        self.held = history.lock(self.psn_no)

    def write(self) -> history.Refolded:
        return history.refold(self.held, cause=self.cause, cause_id=self.cause_id)

    def audited(self, done: history.Refolded) -> dict[str, Any]:
        data = {"cause": self.cause, "cause_id": self.cause_id, **done.told()}
        return {"subject": "history", "subject_id": self.psn_no, "area_code": self.area, "data": data}


@dataclass(frozen=True)
class Difference:
    """A settlement and layer whose entries do not sum up to what the history earns, or a history that cannot be folded."""

    psn_no: str
    setl_id: str
    layer: str
    entered_fen: int
    earned_fen: int
    why: str = ""
    area: str = ""


def refold_person(person: Person, plans: PlansOf, *, cause: str, cause_id: str) -> None:
    """Fold a person's history anew, now; where it is folded with others', in a transaction of its own.

    A circle takes several locks in the written order: whoever holds others already must not (decision 19).
    """
    asked = {"psn_no": person.psn_no, "area": person.insured_area, "cause": cause, "cause_id": cause_id}
    if is_by_household(person, plans):
        outbox.announce("settlement:refold_asked", **asked)
    else:
        RefoldPerson(actor=system_user(), **asked).run()


def refold_asked(data: dict[str, Any]) -> None:
    """Subscriber of ``settlement:refold_asked``: one circle; one that cannot be folded is reported every night."""
    with suppress(InputErrors):
        RefoldPerson(actor=system_user(), **data).run()


def differences(
    some: Sequence[PersonHistory], plans: PlansOf, *, area_code: str
) -> Iterator[tuple[PersonHistory, list[Difference]]]:
    """Yield those of some people of an area, and of their circles, whose entries differ from what their histories earn, and where."""
    circles = list(circles_in(some, plans, area_code=area_code)) if some else []
    owner = {number: held.person.psn_no for circle in circles for held in circle for number in held.numbers}
    sums: dict[str, dict[tuple[str, str, Fund], int]] = {}
    rows = Entry.objects.filter(bill__psn_no__in=list(owner))
    by = ("bill__psn_no", "bill__setl_id", "layer", "fund_area", "fund")
    for number, setl_id, layer, whose, fund, fen in rows.values_list(*by).annotate(Sum("pay")):
        sums.setdefault(owner[number], {})[(setl_id, layer, (whose, fund))] = fen
    for circle in circles:
        yield from _differences_of(circle, plans, sums)


def _differences_of(
    circle: list[PersonHistory], plans: PlansOf, sums: dict[str, dict[tuple[str, str, Fund], int]]
) -> Iterator[tuple[PersonHistory, list[Difference]]]:
    """Yield where the entries of a circle's members differ, by fund too."""
    try:
        computed = earned(circle, plans)
    except InputErrors as errors:
        for held in circle:
            person = held.person
            yield held, [Difference(person.psn_no, "", "", 0, 0, errors.faults[0].message, person.insured_area)]
        return
    for held in circle:
        number, area = held.person.psn_no, held.person.insured_area
        entered, own = sums.get(number, {}), computed.only({bill.setl_id for bill in held.bills})
        owed = {
            (setl_id, layer.layer, own.fund(layer, result)): layer.pay
            for setl_id, result in own.results.items() for layer in result.layers
        }  # fmt: skip
        found = [
            Difference(number, *key[:2], entered.get(key, 0), owed.get(key, 0), area=area)
            for key in {**entered, **owed} if entered.get(key, 0) != owed.get(key, 0)
        ]  # fmt: skip
        if found:
            yield held, found


def refold_area(data: dict[str, Any]) -> None:
    """Subscriber of ``policy:approved`` and ``settlement:refold_area``: some people now, the rest with the next announcement."""
    some = list(histories(data["area_code"], after=data.get("after", ""), limit=AT_ONCE))
    plans = cache(plans_of)
    for held, found in list(differences(some, plans, area_code=data["area_code"])):
        if not found[0].why:
            refold_person(held.person, plans, cause="policy", cause_id=data["cause_id"])
    if len(some) == AT_ONCE:
        outbox.announce(
            "settlement:refold_area",
            area_code=data["area_code"],
            cause_id=data["cause_id"],
            after=some[-1].person.psn_no,
        )


@dataclass(frozen=True)
class Books:
    """What a night's check found."""

    people: int
    bills: int
    differences: tuple[Difference, ...]
    repaired: int


#: Differences that are kept to be shown; the rest are counted only by the people repaired.
SHOWN = 1000


def check_books(
    *, area_code: str = "000000", repair: bool = False, progress: Callable[[int], object] | None = None
) -> Books:
    """Fold everybody's history and return where the entries differ; ``repair`` writes the differences, else nothing is written."""
    people = bills = repaired = 0
    found: list[Difference] = []
    plans = cache(plans_of)
    some: list[PersonHistory] = []

    def look() -> None:
        nonlocal repaired
        for held, wrong in list(differences(some, plans, area_code=area_code)):
            found.extend(wrong[: max(0, SHOWN - len(found))])
            if repair and not wrong[0].why:
                RefoldPerson(
                    actor=system_user(),
                    psn_no=held.person.psn_no,
                    area=held.person.insured_area,
                    cause="late",
                    cause_id="nightly",
                ).run()
                repaired += 1
        if progress is not None:
            progress(len(some))
        some.clear()

    for held in histories(area_code):
        people, bills = people + 1, bills + len(held.bills)
        some.append(held)
        if len(some) == CHUNK:
            look()
    look()
    return Books(people, bills, tuple(found), repaired)


class KeepBooks(Action):
    """Keep what a check of the books found, for whoever oversees them."""

    verb = permissions.CHECK_BOOKS

    def __init__(self, *, actor: Any, books: Books, is_repair: bool) -> None:
        super().__init__(actor=actor)
        self.books, self.is_repair = books, is_repair

    def write(self) -> BooksCheck:
        books = self.books
        made = BooksCheck.objects.create(
            at=clock.now(), people=books.people, bills=books.bills, repaired=books.repaired, found=len(books.differences),
            is_repair=self.is_repair,
        )  # fmt: skip
        BooksDifference.objects.bulk_create(
            BooksDifference(
                check_run=made, area_code=one.area, psn_no=one.psn_no, setl_id=one.setl_id, layer=one.layer,
                entered_fen=one.entered_fen, earned_fen=one.earned_fen, why=one.why[:400],
            )
            for one in books.differences
        )  # fmt: skip
        return made

    def audited(self, done: BooksCheck) -> dict[str, Any]:
        return {"subject": "books", "subject_id": done.pk, "data": {"found": done.found, "repaired": done.repaired}}
