"""The audit trail: append-only in the database, sealed, and a tampered row found."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tuodi.base import anchors, audit, clock
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


@pytest.fixture
def headed(clerk, settings, tmp_path, django_capture_on_commit_callbacks):
    """A county whose heads are kept; returns what records and seals."""
    settings.HOME = tmp_path

    def work(rows):
        for number in range(rows):
            audit.record(actor=clerk, verb="test:done", subject="thing", subject_id=number)
        with django_capture_on_commit_callbacks(execute=True):
            assert audit.seal() == rows

    work(5)
    return work


def test_the_end_cut_off_is_found_by_a_head_kept_outside_the_database(headed):
    assert [head.sequence for head in anchors.kept()] == [5]
    assert audit.verify().holds
    without_triggers("DELETE FROM base_auditevent WHERE sequence > 3")
    assert audit.verify(heads=[]).holds
    verdict = audit.verify()
    assert not verdict.holds
    assert "末尾的审计记录被删去" in verdict.why


def test_the_end_cut_off_stays_found_when_new_rows_take_its_place(headed):
    without_triggers("DELETE FROM base_auditevent WHERE sequence > 3")
    headed(4)
    assert [head.sequence for head in anchors.kept()] == [5, 7]
    verdict = audit.verify()
    assert not verdict.holds
    assert "另存的链首不符" in verdict.why


def test_a_day_keeps_one_head_and_earlier_days_theirs(headed):
    headed(1)
    assert [head.sequence for head in anchors.kept()] == [6]
    with clock.set_to(clock.now() + timedelta(days=1)):
        headed(1)
    assert [head.sequence for head in anchors.kept()] == [6, 7]
    assert audit.verify().holds


def test_a_row_that_is_committed_late_is_sealed_after_later_ones(trail, clerk):
    held = AuditEvent.objects.order_by("pk").last()
    late = audit.record(actor=clerk, verb="test:late", subject="thing")
    without_triggers(f"UPDATE base_auditevent SET id = {held.pk - 1000} WHERE id = {late.pk}")
    assert audit.seal() == 1
    assert AuditEvent.objects.get(verb="test:late").sequence == 6
    assert audit.verify().holds


def test_a_file_of_heads_that_is_none_says_so(tmp_path):
    with pytest.raises(ValueError, match="不是审计链首记录"):
        anchors.parse(["x"])


def test_what_waits_for_a_seal_is_told_with_how_long(trail, clerk, settings, tmp_path):
    settings.HOME = tmp_path
    begun = clock.now()
    with clock.set_to(begun):
        for _ in range(2):
            audit.record(actor=clerk, verb="test:done", subject="thing")
    with clock.set_to(begun + timedelta(seconds=90)):
        verdict = audit.verify()
        assert (verdict.holds, verdict.unsealed, verdict.unsealed_seconds) == (True, 2, 90)
        assert audit.seal() == 2
        verdict = audit.verify()
        assert (verdict.holds, verdict.unsealed, verdict.unsealed_seconds) == (True, 0, 0)


def test_a_seal_with_nothing_to_seal_takes_no_lock_and_one_statement(trail, django_assert_num_queries):
    with django_assert_num_queries(1) as asked:
        assert audit.seal() == 0
    assert "lock" not in asked.captured_queries[0]["sql"].lower()


def test_a_row_whose_seal_was_taken_off_to_be_sealed_anew_is_found_by_a_head(headed):
    without_triggers("UPDATE base_auditevent SET seal = NULL, sequence = NULL, subject_id = '99' WHERE sequence = 5")
    assert audit.seal() == 1
    assert audit.verify(heads=[]).holds
    assert "另存的链首不符" in audit.verify().why
