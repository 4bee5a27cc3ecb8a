"""The audit trail: append-only in the database, sealed, and a tampered row found."""

import pytest
from django.db import DatabaseError, connection, transaction

from tuodi.base import audit
from tuodi.base.models import AuditEvent, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    return User.objects.create_user("chen", "long-enough-1", name="小陈", role="county_clerk", area_code="610902")


@pytest.fixture
def trail(clerk):
    for number in range(5):
        audit.record(actor=clerk, verb="test:done", subject="thing", subject_id=number, data={"amount": number})
    assert audit.seal() == 5
    return clerk


def without_triggers(statement):
    """Do what somebody with the database's own password could do."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("DROP TRIGGER base_auditevent_no_update")
            cursor.execute("DROP TRIGGER base_auditevent_no_delete")
        cursor.execute(statement)


def test_the_chain_holds(trail):
    assert audit.verify() == audit.Verdict(sealed=5, unsealed=0)


@pytest.mark.parametrize("change", [lambda rows: rows.update(verb="test:other"), lambda rows: rows.delete()])
def test_the_database_refuses_to_change_a_row(trail, change):
    with pytest.raises(DatabaseError), transaction.atomic():
        change(AuditEvent.objects.all())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE base_auditevent SET subject_id = '99' WHERE sequence = 3",
        "UPDATE base_auditevent SET actor_role = 'auditor' WHERE sequence = 1",
        "DELETE FROM base_auditevent WHERE sequence = 2",
        "UPDATE base_auditevent SET sequence = CASE sequence WHEN 2 THEN 30 ELSE sequence END",
    ],
    ids=["edited", "edited first", "deleted", "reordered"],
)
def test_a_tampered_row_is_found(trail, statement):
    without_triggers(statement)
    verdict = audit.verify()
    assert not verdict.holds
    assert verdict.why
