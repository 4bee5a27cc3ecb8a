"""The lock of a history is the person's own row, which the registry's actions take too: no table for it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("settlement", "0002_append_only")]

    operations = [migrations.DeleteModel(name="History")]
