"""Where a household was can be corrected: a row is withdrawn and another added, and the database refuses any other change."""

import django.db.models.deletion
from django.db import migrations, models

from tuodi.base.triggers import append_only

COLUMNS = ["id", "household_id", "area_code", "first", "last", "replaces_id", "recorded_at", "withdrawn_at"]


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_parts")]
    operations = [
        migrations.AddField("householdplace", "withdrawn_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "householdplace",
            "replaces",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="replaced_by",
                to="registry.householdplace",
            ),
        ),
        append_only("registry_householdplace", columns=COLUMNS, may_set=("withdrawn_at",)),
    ]
