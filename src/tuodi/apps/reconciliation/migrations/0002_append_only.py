from django.db import migrations

from tuodi.base.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0001_initial")]
    operations = [
        append_only(
            "reconciliation_report",
            columns=[
                "id", "fixmedins_code", "area_code", "day", "side", "filename", "digest", "lines", "by_id", "at",
            ],
        ),
        append_only(
            "reconciliation_run",
            columns=[
                "id", "fixmedins_code", "area_code", "day", "hospital_id", "insurer_id", "counts", "by_id", "at",
            ],
        ),
        append_only(
            "reconciliation_finding",
            columns=["id", "run_id", "setl_id", "kind", "sides", "wrong", "signature"],
        ),
        append_only(
            "reconciliation_mend",
            columns=[
                "id", "finding_id", "kind", "reason", "proposed_by_id", "proposed_at", "state", "decided_by_id", "decided_at",
                "refusal",
            ],
            may_set=("state", "decided_by_id", "decided_at", "refusal"),
        ),
    ]  # fmt: skip
