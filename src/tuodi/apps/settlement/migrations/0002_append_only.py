from django.db import migrations

from tuodi.base.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial")]
    operations = [
        append_only(
            "settlement_entry",
            columns=[
                "id",
                "refold_id",
                "bill_id",
                "layer",
                "category",
                "identity",
                "pay",
                "total",
                "due_on",
                "fund",
                "refusal",
                "result",
                "at",
            ],
        ),
        append_only(
            "settlement_refold",
            columns=["id", "psn_no", "cause", "cause_id", "installation_id", "digest", "at"],
            may_set=("change_fen",),
        ),
    ]
