"""What more than one record has had, an identity number or a name and birth, is noted as records are written."""

from django.db import migrations, models

KEYS = (("certno_index",), ("name", "birth"))


def note_all(keys):
    columns, held = ", ".join(keys), " AND ".join(f"{key} IS NOT NULL" for key in keys)
    return (
        f"INSERT INTO registry_alike ({columns}) SELECT {columns} FROM registry_person "  # noqa: S608  names are constants
        f"WHERE {held} GROUP BY {columns} HAVING count(*) > 1 ON CONFLICT DO NOTHING"
    )


def note_one(keys):
    same = " AND ".join(f"p.{key} = NEW.{key}" for key in keys)
    return (
        f"INSERT INTO registry_alike ({', '.join(keys)}) SELECT {', '.join(f'NEW.{key}' for key in keys)} "  # noqa: S608
        f"WHERE EXISTS (SELECT 1 FROM registry_person p WHERE {same} AND p.id <> NEW.id) ON CONFLICT DO NOTHING"
    )


def triggers(vendor):
    """Yield the statements that have the database note what a record shares with another."""
    body = " ".join(f"{note_one(keys)};" for keys in KEYS)
    if vendor == "postgresql":
        yield (
            "CREATE OR REPLACE FUNCTION registry_person_alike() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )
    for verb in ("INSERT", "UPDATE OF name, birth, certno_index"):
        start = f"CREATE TRIGGER registry_person_alike_{verb[:6].lower()} AFTER {verb} ON registry_person FOR EACH ROW "
        yield start + ("EXECUTE FUNCTION registry_person_alike()" if vendor == "postgresql" else f"BEGIN {body} END")


def begin(apps, schema_editor):
    for statement in (*map(note_all, KEYS), *triggers(schema_editor.connection.vendor)):
        schema_editor.execute(statement)


def end(apps, schema_editor):
    on = " ON registry_person" if schema_editor.connection.vendor == "postgresql" else ""
    for verb in ("insert", "update"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS registry_person_alike_{verb}{on}")


class Migration(migrations.Migration):
    """A later change of people's table on SQLite may make it anew and must put the triggers back."""

    dependencies = [("registry", "0007_household_moves")]
    operations = [
        migrations.CreateModel(
            "Alike",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50, null=True)),
                ("birth", models.DateField(null=True)),
                ("certno_index", models.BinaryField(max_length=16, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["name", "birth"], name="alike_name_birth"),
                    models.UniqueConstraint(fields=["certno_index"], name="alike_number"),
                ],
            },
        ),
        migrations.RunPython(begin, end),
    ]
