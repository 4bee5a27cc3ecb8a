"""What is asked about people: by identity number (keyed index), by name or pinyin initials; identities in local codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from tuodi.apps.registry.models import Identity, IdentityCode, Person
from tuodi.base import secrets
from tuodi.base.access import visible
from tuodi.core.identities import IDENTITIES


def bound(person: Person) -> str:
    """Return what a person's sealed number is bound to, so that rows cannot be swapped."""
    return f"registry.person:{person.psn_no}"


def certno_of(person: Person) -> str:
    """Return the identity number in clear; whoever calls this answers for showing it."""
    return secrets.decrypt(bytes(person.certno_sealed), bound_to=bound(person)) if person.certno_sealed else ""


def person_by_certno(number: str) -> Person | None:
    """Return the person with an identity number, found by the keyed index."""
    if not number.strip():
        return None
    return Person.objects.filter(certno_index=secrets.search_index(number)).order_by("pk").first()


def people_matching(user: Any, text: str) -> QuerySet[Person]:
    """Return the people a user may see that match an identity number, a person number, a name or its pinyin initials."""
    text = text.strip()
    rows = visible(user, Person).filter(merged_into__isnull=True)
    if not text:
        return rows.order_by("psn_no")
    if text.isascii() and text.isalpha():
        return rows.filter(initials__contains=f" {text.lower()}").order_by("name", "psn_no")
    if text[:1].isdigit() and len(text) in (15, 18):
        return rows.filter(Q(certno_index=secrets.search_index(text)) | Q(psn_no=text)).order_by("psn_no")
    return rows.filter(Q(name__startswith=text) | Q(psn_no=text)).order_by("name", "psn_no")


def identities_in_local_codes(person: Person) -> Iterator[tuple[Identity, str, str]]:
    """Yield a person's identities as believed now, each with its local code and label."""
    region = person.insured_area
    codes = list(IdentityCode.objects.filter(region__in=[region[:6], f"{region[:4]}00", f"{region[:2]}0000"], last__isnull=True))
    by_identity = {code.identity: code for code in sorted(codes, key=lambda c: c.region)}
    for row in Identity.objects.filter(person=person, withdrawn_at__isnull=True).order_by("first"):
        local = by_identity.get(row.identity)
        yield row, local.local_code if local else row.identity, local.label if local else IDENTITIES[row.identity]
