"""How many statements one settle call costs: the same whatever the number of lines and the length of the history."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.apps.cast import bill as kept_bill
from tests.apps.test_gateway import admit, bill, cast, hospital
from tuodi.apps.registry.actions.people import MergePeople
from tuodi.apps.settlement.actions import Settle

__all__ = ["cast", "hospital"]
pytestmark = pytest.mark.django_db
#: One of them keeps the nonce. Transaction control apart: the beginning, the end and, inside a test, savepoints.
MOST = 12


def statements(run):
    with CaptureQueriesContext(connection) as caught:
        run()
    said = [one["sql"] for one in caught if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    # Calls are counted in blocks of twenty, and anew each minute: the one call that draws a block is no measure of the others.
    return [sql for sql in said if "base_callcount" not in sql]


def settle(hospital, *, day, lines=20):
    mdtrt_id = admit(hospital)
    line = {"feedetl_sn": "1", "med_list_codg": "X", "det_item_fee_sumamt": "50.00"}
    asked = {
        "data": bill("1000", mdtrt_id=mdtrt_id),
        "feedetail": [{**line, "feedetl_sn": str(n)} for n in range(lines)],
        "upstream": {"setl_time": f"{day} 10:30:00"},
    }
    return statements(lambda: hospital.call("2304", asked))


def test_a_settle_call_takes_at_most_twelve_statements(hospital):
    settle(hospital, day="2023-03-09")
    assert len(settle(hospital, day="2023-03-10")) <= MOST


def test_neither_lines_nor_history_nor_merged_records_add_a_statement(hospital, cast):
    few = settle(hospital, day="2023-03-09", lines=1)
    for n in range(30):
        Settle(actor=cast.zhao, bill=kept_bill(f"K{n}", date(2023, 4, 1 + n % 28), 100)).run()
    MergePeople(actor=cast.registrar, psn_no="P0002", into="P0001").run()
    many = settle(hospital, day="2023-05-09", lines=200)
    assert len(many) <= max(len(few), MOST)


def test_a_policy_approved_since_is_seen_by_the_next_settlement(hospital, cast):
    from django.utils import timezone

    from tuodi.apps.policies.models import Installation
    from tuodi.apps.settlement.models import Refold

    settle(hospital, day="2023-03-09")
    old = Installation.objects.get()
    new = Installation.objects.create(
        area_code="610900", pack=old.pack, digest="1" * 64, texts=old.texts, first=date(2023, 1, 5), proposed_by=old.proposed_by,
        proposed_at=timezone.now(), approved_by=old.approved_by, approved_at=timezone.now(),
    )  # fmt: skip
    settle(hospital, day="2023-03-10")
    assert Refold.objects.latest("pk").installation == new
