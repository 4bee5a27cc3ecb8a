"""Whose fund paid an entry; those of before were paid by the area under whose policy they were computed."""

from django.db import migrations, models

from tuodi.base.triggers import append_only

COLUMNS = [
    "id", "refold_id", "bill_id", "layer", "category", "identity", "pay", "total", "due_on", "fund", "refusal", "result", "at",
]  # fmt: skip
WHOSE = """UPDATE settlement_entry SET fund_area = (
SELECT i.area_code FROM settlement_refold r JOIN policies_installation i ON i.id = r.installation_id
WHERE r.id = settlement_entry.refold_id) WHERE layer <> ''"""


def _unguarded(apps, schema_editor):
    before = append_only("settlement_entry", columns=COLUMNS)
    before.reverse_code(apps, schema_editor)


def _guarded_again(apps, schema_editor):
    append_only("settlement_entry", columns=COLUMNS).code(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("settlement", "0009_batch_and_midway"), ("policies", "0001_initial")]
    operations = [
        migrations.RunPython(_unguarded, _guarded_again),
        migrations.AddField(
            "entry",
            "fund_area",
            models.CharField(blank=True, default="", help_text="哪个统筹区的资金", max_length=12),
            preserve_default=False,
        ),
        migrations.RunSQL(WHOSE, migrations.RunSQL.noop),
        append_only("settlement_entry", columns=[*COLUMNS, "fund_area"]),
    ]
