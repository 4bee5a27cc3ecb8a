"""Statements whose text Django makes once and that are then sent with other values.

A settle call sends a dozen statements that are always the same; making their text anew takes longer than the database needs for them.
What is kept hangs on the connection it was made for, so each thread has its own: a statement being sent holds its values. Only for the statements of the settle call: elsewhere a
plain queryset is fast enough and says more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.sql import InsertQuery

M = TypeVar("M", bound=Model)

#: What stands for a value while the text is made: nothing that a queryset says on its own.
STAND_INS: dict[type, Callable[[int], Any]] = {
    str: lambda n: f"\x1fvalue {n}\x1f",
    int: lambda n: -(10**15) - n,
    date: lambda n: date(1, 1, 1 + n),
}


def _connection() -> Any:
    """Return the connection of this thread itself: ``django.db.connection`` is one object for all threads that stands for theirs."""
    return connections[DEFAULT_DB_ALIAS]


def _kept() -> dict[object, Any]:
    """Return what is kept for the connection of this thread."""
    kept: dict[object, Any] = _connection().__dict__.setdefault("tuodi_prepared", {})
    return kept


class Prepared(Generic[M]):
    """A queryset over named values: ``Prepared(build, code=str, day=date)(code="H1", day=today)`` is ``list(build("H1", today))``.

    ``build`` is called once for a connection, with stand-ins; it must not look at the values. A value is never ``None``.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], **kinds: type) -> None:
        self.build, self.kinds = build, kinds

    def __call__(self, **values: Any) -> list[Any]:
        """Return the rows for these values."""
        assert values.keys() == self.kinds.keys(), values.keys()
        kept = _kept()
        if self not in kept:
            kept[self] = _Statement(self.build, self.kinds)
        rows: list[Any] = kept[self].rows(values)
        return rows


class _Statement:
    """The text for one connection: the queryset's own compiler, which says its text again instead of making it again."""

    def __init__(self, build: Callable[..., QuerySet[Any]], kinds: dict[str, type]) -> None:
        stand_ins = {name: STAND_INS[kind](n) for n, (name, kind) in enumerate(kinds.items())}
        names = {_adapted(value): name for name, value in stand_ins.items()}
        self.queryset = build(**stand_ins)
        self.connection = _connection()
        compiler = self.queryset.query.get_compiler(connection=self.connection)
        self.sql, given = compiler.as_sql()
        self.given = [(names.get(value) if isinstance(value, (str, int, date)) else None, value) for value in given]
        missing = set(kinds) - {name for name, _ in self.given}
        assert not missing, f"not in the statement as they are given: {missing}"
        self.params: tuple[Any, ...] = ()
        compiler.as_sql = lambda *_, **__: (self.sql, self.params)
        self.queryset.query.get_compiler = lambda *_, **__: compiler

    def rows(self, values: dict[str, Any]) -> list[Any]:
        assert self.connection.in_atomic_block or not self.queryset.query.select_for_update, (
            "a lock outside a transaction"
        )
        adapted = {name: _adapted(value) for name, value in values.items()}
        self.params = tuple(adapted[name] if name else value for name, value in self.given)
        return list(self.queryset._iterable_class(self.queryset))


def _adapted(value: Any) -> Any:
    """Return a value as the database's driver takes it."""
    return _connection().ops.adapt_datefield_value(value) if isinstance(value, date) else value


def insert(row: Model) -> None:
    """Insert a new row and set its key, as ``save(force_insert=True)`` does for a model without parents and signals."""
    model = type(row)
    kept, connection = _kept(), _connection()
    if model not in kept:
        kept[model] = _insertion(model)
    sql, fields = kept[model]
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, connection.alias


def _insertion(model: type[Model]) -> tuple[str, list[Any]]:
    assert not model._meta.parents, model
    fields = [field for field in model._meta.local_concrete_fields if field is not model._meta.pk]
    query = InsertQuery(model)
    query.insert_values(fields, [model()])
    compiler = query.get_compiler(connection=_connection())
    compiler.returning_fields = [model._meta.pk]
    compiler.pre_save_val = lambda field, obj: None
    ((sql, _),) = compiler.as_sql()
    return sql, fields
