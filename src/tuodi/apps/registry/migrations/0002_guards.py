"""What the database itself refuses: to change or delete a certification or a membership, and two that overlap."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from tuodi.base.triggers import append_only

IDENTITY_COLUMNS = [
    "id", "person_id", "identity", "first", "last", "certified_on", "applied_on", "issuer", "document_number", "run_id",
    "replaces_id", "recorded_at", "withdrawn_at", "withdrawn_by_run_id",
]  # fmt: skip
MEMBERSHIP_COLUMNS = [
    "id", "household_id", "person_id", "first", "last", "is_head", "reason", "run_id", "replaces_id", "recorded_at", "withdrawn_at",
]  # fmt: skip


def no_overlap(table: str, *same: str) -> migrations.RunPython:
    """Return the operation whose trigger refuses a row that shares a day with a believed row of the same person."""
    matching = " AND ".join(f'o."{column}" = NEW."{column}"' for column in same)
    overlap = (
        f"SELECT 1 FROM {table} o WHERE {matching} AND o.withdrawn_at IS NULL "  # noqa: S608  names are constants
        """AND o."first" <= coalesce(NEW."last", '9999-12-31') AND NEW."first" <= coalesce(o."last", '9999-12-31')"""
    )

    def make(apps: Any, schema_editor: Any) -> None:
        for statement in _postgres() if schema_editor.connection.vendor == "postgresql" else _sqlite():
            schema_editor.execute(statement)

    def _sqlite() -> list[str]:
        return [
            f"CREATE TRIGGER {table}_no_overlap BEFORE INSERT ON {table} WHEN NEW.withdrawn_at IS NULL AND EXISTS ({overlap}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} overlaps'); END"
        ]

    def _postgres() -> list[str]:
        return [
            f"CREATE OR REPLACE FUNCTION {table}_overlap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.withdrawn_at IS NULL AND EXISTS ({overlap}) THEN RAISE EXCEPTION '{table} overlaps' "
            "USING ERRCODE = 'exclusion_violation'; END IF; "
            "RETURN NEW; END $$",
            f"CREATE TRIGGER {table}_no_overlap BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_overlap()",
        ]

    def drop(apps: Any, schema_editor: Any) -> None:
        on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_overlap{on}")

    return migrations.RunPython(make, drop)


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [
        append_only("registry_identity", columns=IDENTITY_COLUMNS, may_set=("withdrawn_at", "withdrawn_by_run_id")),
        append_only("registry_membership", columns=MEMBERSHIP_COLUMNS, may_set=("withdrawn_at",)),
        no_overlap("registry_identity", "person_id", "identity"),
        no_overlap("registry_membership", "person_id"),
    ]
