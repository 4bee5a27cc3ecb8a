"""Records that may be one person: one identity number, or one name and birth.

Which numbers, and which names and births, more than one record has had stands in :class:`Alike`, written by the database itself
as records are written (migration ``0008_alike``). So a page of them looks at those few and not at everybody. What stands there is
where to look, nothing more: whether the records are still alike is read from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Count, Func, Q, QuerySet, Subquery

from tuodi.apps.registry import permissions
from tuodi.apps.registry.models import Alike, NotTheSame, Person
from tuodi.base import access
from tuodi.base.access import visible

#: Groups that a page looks for at once.
PAGE = 50
#: By what records are found alike.
KEYS = {"number": ("certno_index",), "name_birth": ("name", "birth")}


@dataclass(frozen=True)
class Duplicate:
    """Records that may be one person, and why: ``number`` (one identity number) or ``name_birth``."""

    why: str
    people: tuple[Person, ...]


def duplicates(user: Any, *, limit: int = PAGE) -> list[Duplicate]:
    """Return groups of visible records that may be one person; the same identity number first, those told apart left out."""
    access.demand(user, permissions.VIEW)
    rows = visible(user, Person).filter(merged_into__isnull=True)
    told_apart = {frozenset(pair) for pair in marks_of(user).values_list("one", "other")}
    found: dict[frozenset[int], Duplicate] = {}
    for why, keys in KEYS.items():
        # Said so, no database begins with the index of merged records, in which all others stand under one key.
        known = visible(user, Person).filter(_is_repeated(*keys), ~Q(merged_into__isnull=False)).order_by()
        repeated = known.values(*keys).annotate(times=Count("pk")).filter(times__gt=1).order_by(*keys)
        repeated = repeated[: limit + len(told_apart)]
        wanted = {tuple(_plain(group[key]) for key in keys): list[Person]() for group in repeated}
        among = {f"{key}__in": {group[at] for group in wanted} for at, key in enumerate(keys)}
        for person in rows.filter(**among).order_by("pk") if wanted else ():
            group = wanted.get(tuple(_plain(getattr(person, key)) for key in keys))
            if group is not None:
                group.append(person)
        for alike in wanted.values():
            people = tuple(one for one in alike if any(_may_be_same(one, other, told_apart) for other in alike))
            if people:
                found.setdefault(frozenset(person.pk for person in people), Duplicate(why, people))
    return list(found.values())[:limit]


class _AreAmong(Func):
    """Whether some columns together are a row of a subquery, the last expression."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return ``(a, b) IN (SELECT ...)``, which is the same on both databases."""
        *columns, (rows, given) = [compiler.compile(one) for one in self.get_source_expressions()]
        return f"({', '.join(name for name, _ in columns)}) IN {rows}", list(given)


def _is_repeated(*keys: str) -> _AreAmong:
    """Whose keys more than one record has had."""
    noted = Alike.objects.filter(**{f"{key}__isnull": False for key in keys})
    return _AreAmong(*keys, Subquery(noted.values(*keys)))


def complete_alike() -> None:
    """Note what no record could note: of two that were written at once, neither saw the other."""
    with connection.cursor() as cursor:
        for keys in KEYS.values():
            columns, held = ", ".join(keys), " AND ".join(f"{key} IS NOT NULL" for key in keys)
            cursor.execute(
                f"INSERT INTO registry_alike ({columns}) SELECT {columns} FROM registry_person "  # noqa: S608  names are constants
                f"WHERE {held} GROUP BY {columns} HAVING count(*) > 1 ON CONFLICT DO NOTHING"
            )


def _may_be_same(one: Person, other: Person, told_apart: set[frozenset[int]]) -> bool:
    return one.pk != other.pk and frozenset((one.pk, other.pk)) not in told_apart


def marks_of(user: Any) -> QuerySet[NotTheSame]:
    """Return the standing marks that two records are two people, the latest first."""
    rows = visible(user, NotTheSame).filter(undone_at__isnull=True)
    return rows.select_related("one", "other", "by").order_by("-pk")


def _plain(value: Any) -> Any:
    """Return a key that compares alike on each database: PostgreSQL gives bytes as a view of memory."""
    return bytes(value) if isinstance(value, memoryview) else value
