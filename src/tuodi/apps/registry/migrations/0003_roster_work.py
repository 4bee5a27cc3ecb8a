from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def read_again(apps: Any, schema_editor: Any) -> None:
    """Have the previews that wait found anew: their lines were not kept before."""
    for run in apps.get_model("registry", "ImportRun").objects.filter(state="previewed"):
        run.state, run.asked_by, run.asked_at = "reading", run.by, run.at
        run.save(update_fields=["state", "asked_by", "asked_at"])
        apps.get_model("base", "Announcement").objects.create(at=run.at, fact="roster:uploaded", data={"run": run.pk})


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0002_guards"),
        ("base", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="importrun",
            name="asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="asked_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.RESTRICT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="failure",
            field=models.TextField(blank=True, help_text="上一步没有办成的原因"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="told",
            field=models.JSONField(default=dict, help_text="预览的行数、没有用到的列、金额合计；不含个人信息"),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("reading", "正在比对"),
                    ("failed", "未能读取"),
                    ("previewed", "已预览"),
                    ("applying", "正在导入"),
                    ("applied", "已导入"),
                    ("undoing", "正在撤销"),
                    ("undone", "已撤销"),
                    ("dropped", "已放弃"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="RosterPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=12)),
                ("number", models.IntegerField()),
                ("sealed", models.BinaryField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT, related_name="parts", to="registry.importrun"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("run", "kind", "number"), name="roster_part_once")],
            },
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop, elidable=True),
    ]
