"""Rows that the database itself refuses to change: one list, written for both databases.

``append_only`` returns a migration operation whose triggers refuse delete, and refuse update of anything but the named
columns (a seal, a delivery mark).
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


def append_only(table: str, *, columns: list[str], may_set: tuple[str, ...] = ()) -> migrations.RunPython:
    """Return the operation for one table; ``columns`` are all its columns."""
    fixed = [column for column in columns if column not in may_set]

    def make(apps: Any, schema_editor: Any) -> None:
        statements = (
            _postgres(table, fixed) if schema_editor.connection.vendor == "postgresql" else _sqlite(table, fixed)
        )
        for statement in statements:
            schema_editor.execute(statement)

    def drop(apps: Any, schema_editor: Any) -> None:
        for verb in ("update", "delete"):
            on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}{on}")

    return migrations.RunPython(make, drop)


def _sqlite(table: str, fixed: list[str]) -> list[str]:
    columns = ", ".join(f'"{column}"' for column in fixed)
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE OF {columns} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    ]


def _postgres(table: str, fixed: list[str]) -> list[str]:
    columns = ", ".join(f'"{column}"' for column in fixed)
    return [
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE OF {columns} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
    ]
