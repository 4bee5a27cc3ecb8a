"""Changing the keys of a county: everything that is sealed under the former ones is sealed and indexed anew, some rows at a time.

Where the former keys stand beside the new ones (``TUODI_FIELD_KEY_OLD``, ``TUODI_INDEX_KEY_OLD``), everything is readable throughout.
A batch is one transaction with its audit row; whoever is killed in between starts again and finds what is left, because what a row
is sealed under shows when it is opened. Nothing is forgotten before :func:`left` says that nothing needs the former keys.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Model, QuerySet

from tuodi.apps.institutions.models import ApiKey
from tuodi.apps.registry.comparing import bound as roster_bound
from tuodi.apps.registry.models import Person, PersonChange, RosterFile, RosterPart
from tuodi.apps.registry.previews import bound as part_bound
from tuodi.apps.registry.queries import bound as person_bound
from tuodi.apps.settlement.models import Exchange
from tuodi.base import secrets
from tuodi.base.access import allow
from tuodi.base.action import Action
from tuodi.base.system import system_user
from tuodi.site.accounts import bound as account_bound

ROTATE = allow("keys:rotate", "system")
BATCH = 500
#: The keys that can be changed, and their bytes. The audit key cannot: it proves what was sealed with it.
ROTATED = {"TUODI_FIELD_KEY": 16, "TUODI_INDEX_KEY": 32}


@dataclass(frozen=True)
class Place:
    """Rows that hold something sealed: which, and how one of them is renewed; ``renew`` says whether anything had to be done."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    renew: Callable[[Any], bool]
    fields: tuple[str, ...]


def _anew(sealed: bytes, bound_to: str) -> bytes | None:
    """Return a text sealed under the key of now; None if it is already."""
    if secrets.is_current(sealed, bound_to=bound_to):
        return None
    return secrets.encrypt(secrets.decrypt(sealed, bound_to=bound_to), bound_to=bound_to)


def _renew(row: Model, field: str, bound_to: str) -> bool:
    made = _anew(getattr(row, field), bound_to)
    if made is not None:
        setattr(row, field, made)
    return made is not None


def _renew_person(row: Person) -> bool:
    """Renew a number and its index; the index is that of the number as it is opened."""
    assert row.certno_sealed is not None
    number = secrets.decrypt(row.certno_sealed, bound_to=person_bound(row))
    index = secrets.search_index(number)
    stale = bytes(row.certno_index or b"") != index
    row.certno_index = index
    return _renew(row, "certno_sealed", person_bound(row)) or stale


def _renew_change(row: PersonChange) -> bool:
    """Renew what a change keeps of a number, before and after."""
    done = False
    for kept in (row.before, row.after):
        if not kept.get("certno_sealed"):
            continue
        sealed, bound_to = bytes.fromhex(kept["certno_sealed"]), person_bound(row.person)
        index = (
            secrets.search_index(secrets.decrypt(sealed, bound_to=bound_to)).hex() if kept.get("certno_index") else ""
        )
        made = _anew(sealed, bound_to)
        if made is not None:
            kept["certno_sealed"], done = made.hex(), True
        if kept.get("certno_index", "") != index:
            kept["certno_index"], done = index, True
    return done


def _renew_second_factor(row: Authenticator) -> bool:
    done = False
    for name in ("secret", "seed"):
        if name in row.data:
            made = _anew(bytes.fromhex(row.data[name]), account_bound(row.user_id))
            if made is not None:
                row.data[name], done = made.hex(), True
    return done


PLACES = (
    Place("person", lambda: Person.objects.exclude(certno_sealed=None), _renew_person, ("certno_sealed", "certno_index")),
    Place("person_change", lambda: PersonChange.objects.select_related("person"), _renew_change, ("before", "after")),
    Place("api_key", lambda: ApiKey.objects.exclude(token_sealed=b""), lambda row: _renew(row, "token_sealed", row.bound), ("token_sealed",)),
    Place("roster_file", lambda: RosterFile.objects.exclude(sealed=b"").select_related("run"), lambda row: _renew(row, "sealed", roster_bound(row.run)), ("sealed",)),
    Place("roster_part", RosterPart.objects.all, lambda row: _renew(row, "sealed", part_bound(row.run_id, row.kind, row.number)), ("sealed",)),
    Place("second_factor", Authenticator.objects.all, _renew_second_factor, ("data",)),
    Place("exchange", Exchange.objects.all, lambda row: _renew(row, "answer_sealed", row.bound), ("answer_sealed",)),
)  # fmt: skip


class RotateBatch(Action):
    """Seal the next rows of a place anew; returns how many needed it and the key of the last that was looked at."""

    verb = ROTATE

    def __init__(self, *, actor: Any, place: Place, after: int) -> None:
        super().__init__(actor=actor)
        self.place, self.after = place, after

    def lock(self) -> None:
        rows = self.place.rows().filter(pk__gt=self.after).order_by("pk")
        self.rows = list(rows.select_for_update(of=("self",))[:BATCH])

    def write(self) -> tuple[int, int]:
        renewed = [row for row in self.rows if self.place.renew(row)]
        for row in renewed:
            type(row).objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in self.place.fields})
        return len(renewed), self.rows[-1].pk if self.rows else 0

    def audited(self, done: tuple[int, int]) -> dict[str, Any]:
        data = {"kind": self.place.name, "rows": done[0], "first": self.after + 1, "last": done[1]}
        return {"subject": "keys", "subject_id": self.place.name, "data": data}


def rotate() -> Iterator[tuple[str, int, int]]:
    """Seal anew whatever is under the former keys; yield after each batch its place, rows looked at and rows renewed."""
    actor = system_user()
    for place in PLACES:
        after = 0
        while True:
            batch = RotateBatch(actor=actor, place=place, after=after)
            if not place.rows().filter(pk__gt=after).exists():
                break
            renewed, after = batch.run()
            yield place.name, len(batch.rows), renewed


def left() -> dict[str, int]:
    """Return how many rows of each place still need the former keys; places without any are left out."""
    found = {
        place.name: sum(1 for row in place.rows().order_by("pk").iterator(BATCH) if place.renew(row))
        for place in PLACES
    }
    return {name: count for name, count in found.items() if count}


def begin() -> int:
    """Put new keys beside the former ones, where the keys are files; return how many, 0 if that was done before.

    Killed in between it may be called again: a former key that differs from the present one is never written over.
    """
    begun = 0
    for name, size in ROTATED.items():
        held = Path(settings.HOME) / "keys" / name.lower()
        former = held.with_name(f"{held.name}_old")
        if former.exists() and former.read_text("ascii") != held.read_text("ascii"):
            continue
        fresh = held.with_name(f"{held.name}_new")
        fresh.write_text(held.read_text("ascii"), "ascii")
        fresh.replace(former)
        begun += 1
        fresh.write_text(random.token_hex(size), "ascii")
        fresh.replace(held)
    return begun


def retire() -> None:
    """Delete the former keys, where they are files."""
    for name in ROTATED:
        (Path(settings.HOME) / "keys" / f"{name.lower()}_old").unlink(missing_ok=True)
