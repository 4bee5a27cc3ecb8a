"""Kept answers name people: they are sealed like identity numbers, those of before too."""

import json

from django.db import migrations, models

from tuodi.base import secrets


def seal(apps, schema_editor):
    exchanges = apps.get_model("settlement", "Exchange").objects.using(schema_editor.connection.alias)
    for row in exchanges.only("fixmedins_code", "msgid", "answer").iterator(500):
        text = json.dumps(row.answer, ensure_ascii=False, separators=(",", ":"))
        row.answer_sealed = secrets.encrypt(text, bound_to=f"settlement.exchange:{row.fixmedins_code}:{row.msgid}")
        row.save(update_fields=["answer_sealed"])


class Migration(migrations.Migration):
    dependencies = [("settlement", "0006_lists")]
    operations = [
        migrations.AddField("exchange", "answer_sealed", models.BinaryField(default=b""), preserve_default=False),
        migrations.RunPython(seal),
        migrations.RemoveField("exchange", "answer"),
    ]
