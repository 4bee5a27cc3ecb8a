"""What is asked about people: by identity number (keyed index), name or pinyin initials; identities; households; lists to check.

Whatever is for a user takes the user and sees only what that user may (``access``). What has no user is for the other apps'
actions, which have checked. A person's file is in :mod:`tuodi.apps.registry.timeline`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from tuodi.apps.registry import permissions
from tuodi.apps.registry.insured import ALWAYS, Span, spans_of
from tuodi.apps.registry.models import (
    DeathCorrection,
    Household,
    HouseholdPlace,
    Identity,
    IdentityCode,
    InsuredPlace,
    Membership,
    Person,
    SearchWord,
)  # fmt: skip
from tuodi.apps.registry.words import begins_with
from tuodi.base import access, clock, secrets
from tuodi.base.access import area_prefix, in_area, visible
from tuodi.base.action import Action
from tuodi.core.dates import day_before
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.identities import IDENTITIES, IdentityRecord

E_ROTATING = declare(
    "E-REG-KEYS", "正在更换密钥，暂时不能比对名册", "请系统管理员完成换钥（tuodi keys rotate、tuodi keys retire）后再办"
)

PAGE = 50

#: psn_nos -> those of them that something above the registry stands on, with what it is. Filled in ``site``.
DEPENDENTS: list[Callable[[list[str]], dict[str, str]]] = []
#: A user, an action on households, whose they are, what was filled in -> what of their money it moves, as a page shows it. The same.
WEIGHS: list[Callable[[Any, Action, list[str], dict[str, Any]], dict[str, Any]]] = []


def bound(person: Person) -> str:
    """Return what a person's sealed number is bound to, so that rows cannot be swapped."""
    return f"registry.person:{person.psn_no}"


def certno_of(person: Person) -> str:
    """Return the identity number in clear; whoever calls this answers for showing it."""
    return secrets.decrypt(bytes(person.certno_sealed), bound_to=bound(person)) if person.certno_sealed else ""


def seal_certno(person: Person, certno: str) -> None:
    """Set a person's identity number, sealed and indexed; the caller saves."""
    person.certno_sealed = secrets.encrypt(certno, bound_to=bound(person)) if certno else None
    person.certno_index = secrets.search_index(certno) if certno else None
    person.certno_tail = certno[-4:]


def masked_certno(person: Person) -> str:
    """Return the identity number as anybody who sees the person may see it; nothing is unsealed."""
    return f"{'*' * 14}{person.certno_tail}" if person.certno_tail else ""


@lru_cache(maxsize=1)
def _keyed(key: bytes) -> tuple[Any, Any]:
    """Return the two halves of HMAC-SM3 with a key taken in, to be copied for each number."""
    whole = key.ljust(64, b"\0")
    return hashlib.new("sm3", bytes(b ^ 0x36 for b in whole)), hashlib.new("sm3", bytes(b ^ 0x5C for b in whole))


def index_of(numbers: Iterable[str]) -> dict[str, bytes]:
    """Return the keyed index of many identity numbers in their plain form; the same as ``secrets.search_index`` one by one.

    Raises while the index key is being changed: a roster held against half of the numbers would register people twice.
    """
    if settings.TUODI_INDEX_KEY_OLD:
        raise InputErrors([fault(E_ROTATING)])
    if "sm3" not in hashlib.algorithms_available:
        return {number: secrets.search_index(number) for number in numbers}
    begun, closing = _keyed(settings.TUODI_INDEX_KEY)
    found = {}
    for number in numbers:
        inner, outer = begun.copy(), closing.copy()
        inner.update(number.encode())
        outer.update(inner.digest())
        found[number] = outer.digest()[: secrets.INDEX_BYTES]
    return found


def person_by_certno(number: str) -> Person | None:
    """Return the person with an identity number, found by the keyed index; of merged records the one that was kept."""
    if not number.strip():
        return None
    rows = Person.objects.filter(certno_index__in=secrets.search_indexes(number), withdrawn_at__isnull=True)
    return rows.select_related("merged_into").order_by("merged_into_id", "pk").first()


def people_matching(user: Any, text: str, *, limit: int = PAGE, offset: int = 0) -> list[Person]:
    """Return a page of the people a user may see by identity number, person number, name or pinyin initials."""
    text = text.strip()
    rows = visible(user, Person).filter(merged_into__isnull=True)
    if not text:
        return list(rows.order_by("psn_no")[offset : offset + limit])
    if text[:1].isdigit() and len(text) in (15, 18):
        numbered = rows.filter(certno_index__in=secrets.search_indexes(text))
        found = list(numbered.order_by("psn_no")[offset : offset + limit])
        if found:
            return found
    exact = [] if offset else list(rows.filter(psn_no=text))
    words = visible(user, SearchWord).filter(begins_with("word", text.lower()))
    keys = list(words.order_by("word", "person_id").values_list("person_id", flat=True)[offset : offset + 3 * limit])
    wanted = list(dict.fromkeys(keys))[:limit]
    by_key = {person.pk: person for person in rows.filter(pk__in=wanted)}
    return (exact + [by_key[key] for key in wanted if key in by_key])[:limit]


def codes_for(area_code: str, day: date) -> list[IdentityCode]:
    """Return what local codes mean in an area on a day, those of regions farther away first, so that a nearer one wins."""
    regions = [area_code[:6], f"{area_code[:4]}00", f"{area_code[:2]}0000"]
    within = Q(last__isnull=True) | Q(last__gte=day)
    rows = IdentityCode.objects.filter(within, region__in=regions, first__lte=day)
    return sorted(rows.order_by("-first", "-pk"), key=lambda row: -regions.index(row.region))


def identities_in_local_codes(person: Person) -> Iterator[tuple[Identity, str, str]]:
    """Yield a person's identities as believed now, each with its local code and label of today."""
    by_identity = {code.identity: code for code in codes_for(person.insured_area, clock.today())}
    for row in identities_of(person):
        local = by_identity.get(row.identity)
        yield row, local.local_code if local else row.identity, local.label if local else IDENTITIES[row.identity]


#: What a mapping is on a day.
CODE_STATES = {"now": "有效", "coming": "尚未开始", "over": "已终止"}


def codes_seen(user: Any, *, on: date, text: str = "", state: str = "") -> QuerySet[IdentityCode]:
    """Return the mappings that a user may see, by code, name, region or identity, and by state on a day."""
    rows = visible(user, IdentityCode)
    if text := text.strip():
        meant = [identity for identity, name in IDENTITIES.items() if text in name]
        rows = rows.filter(
            Q(local_code=text) | Q(label__icontains=text) | Q(region__startswith=text) | Q(identity__in=meant)
        )
    if state == "coming":
        rows = rows.filter(first__gt=on)
    elif state == "over":
        rows = rows.filter(last__lt=on)
    elif state == "now":
        rows = rows.filter(Q(last__isnull=True) | Q(last__gte=on), first__lte=on)
    return rows.order_by("region", "local_code", "first")


def code_state(row: IdentityCode, on: date) -> str:
    """Return what a mapping is on a day."""
    if row.first > on:
        return "coming"
    return "over" if row.last is not None and row.last < on else "now"


def insured_places_of(person: Person) -> list[tuple[Span, InsuredPlace | None]]:
    """Return where somebody was insured from when to when, newest first, each with the row that says so."""
    rows = InsuredPlace.objects.filter(person=person, withdrawn_at__isnull=True)
    by_first = {row.first or ALWAYS: row for row in rows}
    return [(span, by_first.get(span.first)) for span in reversed(spans_of(person))]


def identities_of(person: Person) -> QuerySet[Identity]:
    """Return a person's identities as believed now, those of merged records included."""
    whose = Q(person=person) | Q(person__merged_into=person)
    return Identity.objects.filter(whose, withdrawn_at__isnull=True).order_by("first", "pk")


def record_of(row: Identity, psn_no: str) -> IdentityRecord:
    """Return a certification as the core's value."""
    return IdentityRecord(psn_no, row.identity, row.first, row.last, row.certified_on, row.applied_on, row.issuer)


def numbers_of(psn_no: str) -> list[str]:
    """Return every person number of somebody: that of the kept record and those merged into it."""
    person = Person.objects.filter(psn_no=psn_no).select_related("merged_into").first()
    if person is None:
        return [psn_no]
    kept = person.merged_into or person
    return [kept.psn_no, *Person.objects.filter(merged_into=kept).order_by("pk").values_list("psn_no", flat=True)]


@dataclass(frozen=True)
class Home:
    """A household that a person belongs to from a first day to a last."""

    first: date
    last: date | None
    household: int
    number: str


def homes_of(people: Iterable[int]) -> dict[int, tuple[Home, ...]]:
    """Return the households of some people as believed now, by their keys; memberships of records merged into them included."""
    found: dict[int, tuple[Home, ...]] = dict.fromkeys(people, ())
    whose = Q(person__in=list(found)) | Q(person__merged_into__in=list(found))
    rows = Membership.objects.filter(whose, withdrawn_at__isnull=True).annotate(
        kept=Coalesce("person__merged_into", "person")
    )
    told = rows.order_by("first", "pk").values_list("kept", "first", "last", "household_id", "household__number")
    for kept, *home in told:
        found[kept] += (Home(*home),)
    return found


def homes_in(records: Iterable[int]) -> tuple[Home, ...]:
    """Return the households that some records of one person say, by their own keys."""
    rows = Membership.objects.filter(person__in=list(records), withdrawn_at__isnull=True).order_by("first", "pk")
    return tuple(Home(*row) for row in rows.values_list("first", "last", "household_id", "household__number"))


def home_on(person: Person, homes: Iterable[Home], day: date) -> Home | None:
    """Return the household that a person belongs to on a day; after a death, that of the day of death."""
    on = min(day, person.died_on) if person.died_on else day
    return next((home for home in homes if home.first <= on and (home.last is None or on <= home.last)), None)


def members_of(households: Iterable[int]) -> dict[int, set[int]]:
    """Return the keys of everybody who is believed ever to have belonged to some households; of merged records the one kept."""
    found: dict[int, set[int]] = {key: set() for key in households}
    rows = Membership.objects.filter(household__in=list(found), withdrawn_at__isnull=True)
    for household, kept in rows.values_list("household_id", Coalesce("person__merged_into", "person")):
        found[household].add(kept)
    return found


def ever_with(people: Iterable[int]) -> list[str]:
    """Return the numbers of everybody who ever shared a household with some people by what is believed now or was before."""
    whose = list(people)
    theirs = Membership.objects.filter(Q(person__in=whose) | Q(person__merged_into__in=whose)).values("household")
    kept = Membership.objects.filter(household__in=theirs).values(kept=Coalesce("person__merged_into", "person"))
    return list(Person.objects.filter(pk__in=kept).order_by("psn_no").values_list("psn_no", flat=True))


def households_of(psn_no: str) -> list[tuple[date, date | None, str]]:
    """Return the households of a person as believed now: first day, last day, number."""
    whose = Q(person__psn_no=psn_no) | Q(person__merged_into__psn_no=psn_no)
    rows = Membership.objects.filter(whose, withdrawn_at__isnull=True).order_by("first", "pk")
    return list(rows.values_list("first", "last", "household__number"))


def household_on(psn_no: str, day: date) -> str:
    """Return the number of the household that a person belongs to on a day, or nothing."""
    return next(
        (number for first, last, number in households_of(psn_no) if first <= day and (last is None or day <= last)), ""
    )


def members_on(user: Any, number: str, day: date) -> list[Membership]:
    """Return the members of a household on a day that a user may see, the head first."""
    rows = visible(user, Membership).filter(
        Q(last__isnull=True) | Q(last__gte=day), household__number=number, first__lte=day, withdrawn_at__isnull=True
    )
    return list(rows.select_related("person", "household").order_by("-is_head", "person__birth", "pk"))


def death_corrections_waiting(user: Any, person: Person | None = None) -> QuerySet[DeathCorrection]:
    """Return the corrections of deaths that wait for a second person, of one person or of all that a user may see."""
    rows = visible(user, DeathCorrection).filter(state="waiting")
    rows = rows if person is None else rows.filter(person=person)
    return rows.select_related("person", "proposed_by").order_by("proposed_at")


def memberships_of(user: Any, person: Person) -> list[Membership]:
    """Return the memberships of somebody as believed now, the latest first; of households elsewhere only that they are."""
    rows = Membership.objects.filter(Q(person=person) | Q(person__merged_into=person), withdrawn_at__isnull=True)
    seen = set(visible(user, Household).filter(memberships__in=rows).values_list("pk", flat=True))
    held = list(rows.select_related("household").order_by("-first", "-pk"))
    for row in held:
        row.is_seen = row.household_id in seen  # type: ignore[attr-defined]
    return held


@dataclass(frozen=True)
class HouseholdFile:
    """A household as a user sees it: members today, those before or withdrawn, where it was; how many are not seen."""

    household: Household
    members: tuple[Membership, ...]
    others: tuple[Membership, ...]
    places: tuple[HouseholdPlace, ...]
    unseen: int


def household_file(household: Household, user: Any, day: date, *, with_withdrawn: bool = False) -> HouseholdFile:
    """Return a visible household's file on a day; whoever shows it leaves the audit row."""
    everybody = Membership.objects.filter(household=household)
    believed = everybody.filter(withdrawn_at__isnull=True)
    seen = visible(user, Membership).filter(household=household).select_related("person", "person__merged_into")
    rows = seen if with_withdrawn else seen.filter(withdrawn_at__isnull=True)
    in_order = list(rows.order_by("-is_head", "person__birth", "first", "pk"))
    now = [
        row
        for row in in_order
        if row.withdrawn_at is None and row.first <= day and (row.last is None or row.last >= day)
    ]
    others = sorted((row for row in in_order if row not in now), key=lambda row: (row.first, row.pk), reverse=True)
    unseen = believed.count() - seen.filter(withdrawn_at__isnull=True).count()
    places = household.places.all() if with_withdrawn else household.places.filter(withdrawn_at__isnull=True)
    return HouseholdFile(household, tuple(now), tuple(others), tuple(places.order_by("-first", "-pk")), unseen)


def moved_from(place: HouseholdPlace) -> HouseholdPlace | None:
    """Return the place that a household left when it came to this one; None unless that was its last move, believed still."""
    if place.withdrawn_at is not None or place.last is not None or place.first is None:
        return None
    rows = HouseholdPlace.objects.filter(household_id=place.household_id, withdrawn_at__isnull=True)
    return rows.filter(last=day_before(place.first)).order_by("pk").last()


def moves_away(user: Any) -> list[tuple[HouseholdPlace, HouseholdPlace]]:
    """Return the households that left a user's area, where they are and where they were, the latest entered first."""
    rows = HouseholdPlace.objects.filter(last__isnull=True, withdrawn_at__isnull=True).exclude(
        in_area(user, "area_code")
    )
    rows = rows.filter(household__in=HouseholdPlace.objects.filter(in_area(user, "area_code")).values("household"))
    found = ((row, moved_from(row)) for row in rows.select_related("household").order_by("-recorded_at", "-pk"))
    return [(row, left) for row, left in found if left and left.area_code.startswith(area_prefix(str(user.area_code)))]


def identities_now(user: Any, found: Iterable[Person]) -> dict[int, list[str]]:
    """Return the names of the identities that people hold today, those of merged records included."""
    day, keys = clock.today(), [person.pk for person in found]
    rows = access.visible(user, Identity).filter(
        Q(person__in=keys) | Q(person__merged_into__in=keys),
        Q(last__isnull=True) | Q(last__gte=day),
        first__lte=day,
        withdrawn_at__isnull=True,
    )
    held: dict[int, list[str]] = {key: [] for key in keys}
    for row in rows.select_related("person").order_by("first", "pk"):
        whose = held[row.person_id if row.person_id in held else row.person.merged_into_id]
        if (name := IDENTITIES.get(row.identity, row.identity)) not in whose:
            whose.append(name)
    return held


def _holding(day: date, identities: Collection[str] = ()) -> QuerySet[Identity]:
    held = Identity.objects.filter(
        Q(last__isnull=True) | Q(last__gte=day), person=OuterRef("pk"), first__lte=day, withdrawn_at__isnull=True
    )
    return held.filter(identity__in=identities) if identities else held


@dataclass(frozen=True)
class OneListOnly:
    """Who stands in one list only (TH-3.1.0): registered without an identity, with an identity unregistered, unknown numbers."""

    registered_only: tuple[Person, ...]
    identity_only: tuple[Person, ...]
    unknown: tuple[str, ...]


def one_list_only(user: Any, registered: Collection[str], day: date, *, identities: Collection[str]) -> OneListOnly:
    """Compare the city's register (person numbers) with who holds one of the policy's identities on a day."""
    access.demand(user, permissions.VIEW)
    rows = visible(user, Person).filter(died_on__isnull=True)
    listed = set(registered)
    known = {
        psn_no: (key, into)
        for psn_no, key, into in rows.values_list("psn_no", "pk", "merged_into_id")
        if psn_no in listed
    }
    on_list = {into or key for key, into in known.values()}
    holding = set(rows.filter(Exists(_holding(day, identities))).values_list("pk", flat=True))
    kept = dict(rows.filter(merged_into__isnull=False).values_list("pk", "merged_into_id"))
    holders = {kept.get(key, key) for key in holding}

    def people(keys: set[int]) -> tuple[Person, ...]:
        return tuple(sorted(rows.filter(pk__in=keys), key=lambda person: person.psn_no))

    return OneListOnly(people(on_list - holders), people(holders - on_list), tuple(sorted(listed - set(known))))
