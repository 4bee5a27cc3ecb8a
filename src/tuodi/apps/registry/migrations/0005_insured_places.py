"""Where somebody is insured, by day: nobody has moved yet, so every place that is held stands since always, and has no row."""

import django.db.models.deletion
from django.db import migrations, models

from tuodi.base.triggers import append_only

COLUMNS = ["id", "person_id", "area_code", "first", "run_id", "replaces_id", "recorded_at", "withdrawn_at"]


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0004_deaths_and_lookalikes"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="insured_moves",
            field=models.TextField(
                blank=True,
                default="",
                help_text="此前的参保地和各次变动的日期；没有变动过的为空",
                verbose_name="参保地变动",
            ),
        ),
        migrations.CreateModel(
            name="InsuredPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("area_code", models.CharField(db_index=True, max_length=12, verbose_name="参保地区划")),
                ("first", models.DateField(null=True, verbose_name="起始日期")),
                ("recorded_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="insured_places",
                        to="registry.person",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="replaced_by",
                        to="registry.insuredplace",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="insured_places",
                        to="registry.importrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at__isnull", True)),
                        fields=("person", "first"),
                        name="insured_place_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("first__isnull", True), ("withdrawn_at__isnull", True)),
                        fields=("person",),
                        name="insured_origin_once",
                    ),
                ],
            },
        ),
        append_only("registry_insuredplace", columns=COLUMNS, may_set=("withdrawn_at",)),
    ]
