from django.db import migrations

from tuodi.base.triggers import append_only

INSTALLATION = [
    "id", "area_code", "pack", "digest", "texts", "readings", "first", "impact", "proposed_by_id", "proposed_at", "approved_by_id",
    "approved_at", "refused_by_id", "refused_at", "refusal", "note", "accepted", "interpreter", "interpreter_document",
]  # fmt: skip
VALUE = [
    "id", "area_code", "param", "value", "source", "first", "is_sample", "proposed_by_id", "proposed_at", "approved_by_id",
    "approved_at", "refused_by_id", "refused_at", "refusal", "withdrawal_by_id", "withdrawal_at", "withdrawal_reason",
    "withdrawn_by_id", "withdrawn_at", "impact",
]  # fmt: skip
DECIDED = ("impact", "approved_by_id", "approved_at", "refused_by_id", "refused_at", "refusal")


class Migration(migrations.Migration):
    """A later change of these tables on SQLite makes them anew and must put the triggers back."""

    dependencies = [("policies", "0002_decisions")]
    operations = [
        append_only("policies_installation", columns=INSTALLATION, may_set=DECIDED),
        append_only(
            "policies_delegatedvalue", columns=VALUE,
            may_set=(*DECIDED, "withdrawal_by_id", "withdrawal_at", "withdrawal_reason", "withdrawn_by_id", "withdrawn_at"),
        ),
    ]  # fmt: skip
