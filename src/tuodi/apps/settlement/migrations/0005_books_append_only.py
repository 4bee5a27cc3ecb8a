from django.db import migrations

from tuodi.base.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("settlement", "0004_books")]
    operations = [
        append_only("settlement_bookscheck", columns=["id", "at", "people", "bills", "repaired", "found", "is_repair"]),
        append_only(
            "settlement_booksdifference",
            columns=["id", "check_run_id", "area_code", "psn_no", "setl_id", "layer", "entered_fen", "earned_fen", "why"],
        ),
    ]  # fmt: skip
