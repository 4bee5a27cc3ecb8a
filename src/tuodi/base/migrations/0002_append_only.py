from django.db import migrations

from tuodi.base.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("base", "0001_initial")]
    operations = [
        append_only(
            "base_auditevent",
            columns=[
                "id",
                "at",
                "actor_id",
                "actor_role",
                "verb",
                "subject",
                "subject_id",
                "area_code",
                "data",
                "sequence",
                "seal",
            ],
            may_set=("sequence", "seal"),
        ),
    ]
