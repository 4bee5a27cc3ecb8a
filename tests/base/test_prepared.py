"""Statements made once: the same rows as the queryset's, with each new value; no lock outside a transaction."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection, connections
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from tests.apps.cast import assemble
from tuodi.apps.institutions.models import Agreement, Institution
from tuodi.apps.registry.models import Identity, Person
from tuodi.base import clock, prepared
from tuodi.base.models import AuditEvent
from tuodi.base.prepared import Prepared, insert

pytestmark = pytest.mark.django_db


def agreements(code, day):
    within = Q(first__lte=day) & (Q(last__isnull=True) | Q(last__gte=day))
    return Agreement.objects.filter(within, institution__code=code).select_related("institution").order_by("pk")


def test_each_value_gets_the_rows_of_its_own_queryset():
    cast = assemble()
    asked = Prepared(agreements, code=str, day=date)
    first = Agreement.objects.filter(institution=cast.hospital).earliest("first").first
    found = set()
    for code in (cast.hospital.code, cast.hospital.code + "x", *Institution.objects.values_list("code", flat=True)):
        for day in (first - timedelta(days=1), first, first + timedelta(days=1)):
            rows = asked(code=code, day=day)
            assert rows == list(agreements(code, day))
            assert all(row.institution.code == code for row in rows)
            found.add(len(rows))
    assert len(found) > 1


def test_a_value_is_never_part_of_the_text():
    assemble()
    asked = Prepared(lambda code: Institution.objects.filter(code=code), code=str)
    assert asked(code="' OR 1=1 --") == []
    assert asked(code="%s %(x)s") == []


def test_the_text_is_made_once_and_related_rows_come_with_it():
    cast = assemble()
    asked = Prepared(lambda key: Identity.objects.filter(person=key).select_related("person"), key=int)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        people = [row.person for _ in range(3) for row in asked(key=cast.wang.pk)]
    assert len(caught) == 3
    assert set(people) == {cast.wang}


def test_what_would_not_be_in_the_statement_is_refused():
    with pytest.raises(AssertionError, match="as they are given"):
        Prepared(lambda code: Institution.objects.all(), code=str)(code="H")
    with pytest.raises(AssertionError):
        Prepared(lambda code: Institution.objects.filter(code=code), code=str)()


def test_no_thread_sends_another_s_values():
    """What is kept holds the values of the call under way: were it shared, one hospital's call would read another's person."""
    asked = Prepared(lambda code: Institution.objects.filter(code=code), code=str)
    kept, statements = [], []

    def look():
        kept.append(prepared._kept())
        statement = prepared._Statement(asked.build, asked.kinds)
        statements.append((statement.connection, statement.queryset.query.get_compiler().connection))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look()
    assert len({id(one) for one in kept}) == 4
    assert len({id(ours) for ours, _ in statements}) == 4
    assert all(ours is used for ours, used in statements)


def test_a_lock_outside_a_transaction_is_refused(monkeypatch):
    cast = assemble()
    asked = Prepared(lambda key: Person.objects.filter(pk=key).select_for_update(), key=int)
    assert asked(key=cast.wang.pk) == [cast.wang]
    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "in_atomic_block", False)
        with pytest.raises(AssertionError, match="outside a transaction"):
            asked(key=cast.wang.pk)


def test_an_inserted_row_is_the_row_that_save_makes():
    cast = assemble()
    given = {
        "at": clock.now(), "actor_id": cast.zhao.pk, "actor_role": "hospital", "verb": "x:y", "subject": "x", "subject_id": "1",
        "area_code": "610902", "data": {"甲": [1, None]},
    }  # fmt: skip
    ours, theirs = AuditEvent(**given), AuditEvent(**given)
    insert(ours)
    theirs.save(force_insert=True)
    assert ours.pk != theirs.pk
    kept = AuditEvent.objects.filter(pk__in=(ours.pk, theirs.pk)).values()
    first, second = ({name: value for name, value in row.items() if name != "id"} for row in kept)
    assert first == second
    ours.refresh_from_db()
    assert ours.data == given["data"]
