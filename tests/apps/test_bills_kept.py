"""A bill is what was received: the database itself refuses to change or delete it; only that it was cancelled or reversed is noted."""

from datetime import date

import pytest
from django.db import DatabaseError, transaction

from tests.apps.cast import assemble, bill
from tuodi.apps.settlement.actions import CancelSettlement, RestoreSettlement, Settle
from tuodi.apps.settlement.models import Bill, Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    made = assemble()
    for number, setl_id in enumerate("AB"):
        Settle(actor=made.zhao, bill=bill(setl_id, date(2023, 3, 1 + number), 30_000)).run()
    return made


def paid():
    return {setl_id: sum(Entry.objects.filter(bill__setl_id=setl_id).values_list("pay", flat=True)) for setl_id in "AB"}


def is_refused(setl_id, /, **said):
    with pytest.raises(DatabaseError, match="settlement_bill"), transaction.atomic():
        Bill.objects.filter(setl_id=setl_id).update(**said)


@pytest.mark.parametrize(
    "column", [f.attname for f in Bill._meta.concrete_fields if f.attname not in ("cancelled_by_id", "is_reversed")]
)
def test_no_column_of_what_was_received_is_changed(cast, column):
    kept = Bill.objects.values_list(column, flat=True).get(setl_id="A")
    is_refused("A", **{column: kept})


def test_no_bill_is_deleted(cast):
    made = bill("C", date(2023, 3, 9), 1)
    made.recorded_at = made.setl_time
    made.save()
    with pytest.raises(DatabaseError, match="settlement_bill"), transaction.atomic():
        made.delete()


def test_a_reversed_bill_stays_reversed(cast):
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="-", reversal=True).run()
    is_refused("A", is_reversed=False)
    assert paid() == {"A": 0, "B": 2_100_000}


def test_a_bill_is_cancelled_by_a_cancellation_of_the_same_person_only(cast):
    other = Bill.objects.get(setl_id="B")
    is_refused("A", cancelled_by=other)
    strange = bill("C", date(2023, 3, 9), 0, person="P0002", is_cancellation=True)
    strange.recorded_at = strange.setl_time
    strange.save()
    is_refused("A", cancelled_by=strange)
    is_refused("C", cancelled_by=strange)


def test_a_cancellation_is_taken_back_only_by_reversing_it_and_is_not_exchanged_for_another(cast):
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    is_refused("A", cancelled_by=None)
    spare = bill("C-", date(2023, 3, 9), 0, is_cancellation=True)
    spare.recorded_at = spare.setl_time
    spare.save()
    is_refused("A", cancelled_by=spare)
    RestoreSettlement(actor=cast.zhao, setl_id="A").run()
    assert paid() == {"A": 2_100_000, "B": 1_900_000}
    is_refused("A", cancelled_by=Bill.objects.get(setl_id="A-"))
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A--").run()
    assert paid() == {"A": 0, "B": 2_100_000}
