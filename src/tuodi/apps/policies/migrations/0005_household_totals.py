from django.db import migrations, models

from tuodi.base.triggers import append_only

BEFORE = [
    "id", "area_code", "pack", "digest", "texts", "readings", "first", "impact", "proposed_by_id", "proposed_at", "approved_by_id",
    "approved_at", "refused_by_id", "refused_at", "refusal", "note", "accepted", "interpreter", "interpreter_document",
]  # fmt: skip
DECIDED = ("impact", "approved_by_id", "approved_at", "refused_by_id", "refused_at", "refusal")
OLD = append_only("policies_installation", columns=BEFORE, may_set=DECIDED)
NEW = append_only("policies_installation", columns=[*BEFORE, "is_by_household"], may_set=DECIDED)


class Migration(migrations.Migration):
    """Whether a pack keeps a household's totals. Until now none that does could be put in force, so none that is kept does."""

    dependencies = [("policies", "0004_measurement")]

    operations = [
        migrations.RunPython(OLD.reverse_code, OLD.code),
        migrations.AddField(
            model_name="installation",
            name="is_by_household",
            field=models.BooleanField(default=False, help_text="有的层按全家合并累计", verbose_name="按户累计"),
        ),
        NEW,
    ]
