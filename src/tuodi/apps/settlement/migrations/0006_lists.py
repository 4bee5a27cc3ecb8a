"""An index of what was cancelled or reversed, for lists of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0005_books_append_only"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(
                condition=models.Q(("cancelled_by__isnull", False), ("is_reversed", True), _connector="OR"),
                fields=["setl_time"],
                name="bill_gone",
            ),
        ),
    ]
