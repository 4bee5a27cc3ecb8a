"""Secrets of second factors are bound to their account; until now all were bound to one word, so that rows could be exchanged."""

from django.db import migrations

from tuodi.base import secrets

BEFORE = "site.second-factor"


def bind(apps, schema_editor):
    for row in apps.get_model("mfa", "Authenticator").objects.using(schema_editor.connection.alias).all():
        for name in ("secret", "seed"):
            if name in row.data:
                text = secrets.decrypt(bytes.fromhex(row.data[name]), bound_to=BEFORE)
                row.data[name] = secrets.encrypt(text, bound_to=f"{BEFORE}:{row.user_id}").hex()
        row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("tuodi_site", "0001_cache"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(bind)]
