"""Many rows of one model inserted at once, the values beside one statement.

A queryset's own way writes the values of PostgreSQL into the text, sealed bytes as twice as many digits, and on SQLite makes a text for
each batch; both take some times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db import connection
from django.db.models import Model


def add_rows(rows: Sequence[Model]) -> None:
    """Insert rows of one model whose keys nobody needs."""
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = model._meta.db_table
    saves = [(field.attname, _prepared(field)) for field in fields]
    values = [[save(getattr(row, name)) for name, save in saves] for row in rows]
    with connection.wrap_database_errors, _cursor() as cursor:
        cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', values)  # noqa: S608  names are those of the model


def _cursor() -> AbstractContextManager[Any]:
    """Return a cursor that sends values beside the text: on PostgreSQL the driver's, as Django's writes them into it."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    driver: Any = connection.Database  # type: ignore[attr-defined]
    cursor: AbstractContextManager[Any] = driver.Cursor(connection.connection)
    return cursor


def _prepared(field: Any) -> Callable[[Any], Any]:
    """Return what gives a field's value as the database takes it: text, bytes and whole numbers as they are, the few days once each."""
    known: dict[Any, Any] = {None: None}

    def prepare(value: Any) -> Any:
        if type(value) in (str, int, bytes):
            return value
        if value not in known:
            known[value] = field.get_db_prep_save(value, connection)
        return known[value]

    return prepare
