"""Settling and cancelling through the actions: the history decides, whatever the order of news."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Sum

from tests.apps.cast import assemble, bill
from tuodi.apps.institutions.models import Suspension
from tuodi.apps.settlement.actions import CancelSettlement, Settle, presettle
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.base import clock
from tuodi.base.models import AuditEvent
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return assemble()


def paid(setl_id):
    return Entry.objects.filter(bill__setl_id=setl_id).aggregate(fen=Sum("pay"))["fen"] or 0


def test_G06_order_of_arrival_does_not_matter(cast):
    """安康低保 70 %，年度 4 万；累计 12 万后 5 万：21,000 · 19,000 · 10,000，无论先后到达。"""
    for setl_id, day, yuan in (
        ("A", date(2023, 3, 1), 30000),
        ("C", date(2023, 5, 1), 50000),
        ("B", date(2023, 4, 1), 40000),
    ):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, yuan)).run()
    assert [paid(s) for s in "ABC"] == [2_100_000, 1_900_000, 1_000_000]
    assert list(Entry.objects.filter(bill__setl_id="C").order_by("pk").values_list("pay", flat=True)) == [
        1_900_000,
        -900_000,
    ]


def test_G07_a_cancellation_frees_the_cap_and_issues_the_differences(cast):
    for setl_id, day, yuan in (("A", date(2023, 3, 1), 30000), ("B", date(2023, 4, 1), 40000)):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, yuan)).run()
    assert [paid(s) for s in "AB"] == [2_100_000, 1_900_000]
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    assert [paid(s) for s in "AB"] == [0, 2_800_000]
    assert Refold.objects.filter(cause="cancel").get().change_fen == -2_100_000 + 900_000


def test_G07_what_a_cancellation_takes_back_goes_to_the_fund_that_paid_it(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    assert list(Entry.objects.order_by("pk").values_list("fund", "category", "pay")) == [
        ("medical_assistance", "dibao", 2_100_000),
        ("medical_assistance", "dibao", -2_100_000),
    ]


def test_presettlement_keeps_nothing_and_says_the_same(cast):
    said = presettle(cast.zhao, bill("A", date(2023, 3, 1), 30000)).pay
    assert not Bill.objects.exists()
    assert not Entry.objects.exists()
    assert Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run().result.pay == said == 2_100_000


def test_every_settlement_leaves_an_audit_row_without_personal_data(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    row = AuditEvent.objects.get()
    assert (row.verb, row.subject_id, row.data["pay_fen"]) == ("settlement:settle", "A", 2_100_000)
    assert "王" not in str(row.data)


def test_a_second_cancellation_and_an_unknown_one_are_errors(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    with pytest.raises(InputErrors, match="E-BILL-CANCELLED"):
        CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A--").run()
    with pytest.raises(InputErrors, match="E-BILL-UNKNOWN"):
        CancelSettlement(actor=cast.sun, setl_id="A", new_id="A--").run()


def test_the_same_settlement_id_twice_is_an_error(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    with pytest.raises(InputErrors, match="E-SETTLED-ALREADY"):
        Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    assert paid("A") == 2_100_000


def test_the_wrong_role_may_not_settle(cast):
    with pytest.raises(PermissionDenied):
        Settle(actor=cast.auditor, bill=bill("A", date(2023, 3, 1), 30000)).run()
    assert not Bill.objects.exists()


def test_AK_6_3_a_suspended_institution_is_refused_with_the_reason(cast):
    Suspension.objects.create(
        institution=cast.hospital, first=date(2023, 2, 1), reason="虚记费用调查", recorded_at=clock.now()
    )
    with pytest.raises(InputErrors, match="虚记费用调查"):
        Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    assert Settle(actor=cast.zhao, bill=bill("B", date(2023, 1, 20), 1000)).run().result.pay == 70_000


def test_AK_6_2_1_unfiled_referral_is_kept_as_a_refusal_with_its_clause(cast):
    done = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000, refer_stas="unfiled")).run()
    entry = Entry.objects.get()
    assert (done.result.pay, entry.pay, entry.result["clauses"]) == (0, 0, ["AK-6.2.1"])


def test_the_trace_is_kept_with_the_settlement(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    kept = Entry.objects.get().result
    assert kept["trace"]
    assert kept["pack"] == "610900-ankang"
