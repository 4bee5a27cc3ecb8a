"""Settling and cancelling through the actions: the history decides, whatever the order of news."""

from datetime import date, timedelta
from hashlib import sha256

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Sum

from tests.apps.cast import assemble, bill
from tuodi.apps.institutions.models import Suspension
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import forget_plans
from tuodi.apps.settlement.actions import CancelSettlement, Settle, presettle
from tuodi.apps.settlement.listing import narrowed, settlements_for, totals
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.apps.settlement.nightly import check_books, refold_area
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


def test_a_list_adds_up_what_stands_and_counts_nothing_of_what_is_cancelled(cast):
    for number, day in enumerate((date(2024, 1, 5), date(2024, 2, 5), date(2024, 3, 5))):
        Settle(actor=cast.zhao, bill=bill(f"B{number}", day, 10_000)).run()
    CancelSettlement(actor=cast.zhao, setl_id="B1", new_id="B1-").run()
    rows = settlements_for(cast.auditor)
    charged, paid = Bill.objects.get(setl_id="B0").medfee_sumamt, Entry.objects.aggregate(paid=Sum("pay"))["paid"]
    assert totals(rows) == {"count": 2, "medfee": 2 * charged, "paid": paid}
    gone = narrowed(rows, first=None, last=None, state="cancelled", setl_id="", psn_no="")
    assert gone.count() == 1
    assert totals(gone) == {"count": 0, "medfee": 0, "paid": 0}


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
    with pytest.raises(InputErrors, match="虚记费用调查"):  # what its own message says of the day does not help
        Settle(actor=cast.zhao, bill=bill("B", date(2023, 1, 20), 1000)).run()
    assert Settle(actor=cast.chen, bill=bill("B", date(2023, 1, 20), 1000)).run().result.pay == 70_000


def test_AK_6_2_1_unfiled_referral_is_kept_as_a_refusal_with_its_clause(cast):
    done = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000, refer_stas="unfiled")).run()
    entry = Entry.objects.get()
    assert (done.result.pay, entry.pay, entry.result["clauses"]) == (0, 0, ["AK-6.2.1"])


def test_the_trace_is_kept_with_the_settlement(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    kept = Entry.objects.get().result
    assert kept["trace"]
    assert kept["pack"] == "610900-ankang"


def test_a_difference_is_a_record_with_cause_amount_and_trace(cast):
    for setl_id, month in (("B", 4), ("A", 3)):
        Settle(actor=cast.zhao, bill=bill(setl_id, date(2023, month, 1), 40000)).run()
    changed = Entry.objects.filter(bill__setl_id="B").latest("pk")
    assert (changed.refold.cause, changed.refold.cause_id, changed.pay) == ("settle", "A", -1_600_000)
    told = changed.result["trace"]
    assert (told["assistance.pay"], told["assistance.cut"]) == (changed.total, changed.result["cut"])
    assert changed.total == 1_200_000


def other_fund(*, first=date(2023, 1, 4), rate="70%", fund="finance"):
    """Put in force a version whose assistance another fund pays, from a day; fold the area under it."""
    held = Installation.objects.earliest("pk")
    was, before = "when: {category: [dibao], care: [inpatient]}, rate: 70%", "fund: medical_assistance"
    text = held.texts["policy.yaml"]
    assert was in text
    assert before in text
    text = text.replace(was, was.replace("70%", rate)).replace(before, f"fund: {fund}")
    made = Installation.objects.create(
        area_code="610900", pack=held.pack, digest=sha256(text.encode()).hexdigest(), texts={**held.texts, "policy.yaml": text},
        first=first, proposed_by=held.proposed_by, proposed_at=held.proposed_at, approved_by=held.approved_by,
        approved_at=held.approved_at + timedelta(days=Installation.objects.count()),
    )  # fmt: skip
    forget_plans()
    refold_area({"area_code": "610900", "cause_id": f"installation:{made.pk}"})


def by_fund():
    return {row["fund"]: row["fen"] for row in Entry.objects.values("fund").annotate(fen=Sum("pay"))}


def entries(setl_id):
    rows = Entry.objects.filter(bill__setl_id=setl_id).order_by("pk")
    return list(rows.values_list("fund", "pay", "total"))


def test_what_another_fund_pays_now_is_taken_back_whole_on_the_one_that_paid(cast):
    """70 % 改 60 % 并改由财政资金支付：医疗救助资金收回 21,000，财政资金付 18,000；2023 年的不动。"""
    for setl_id, day in (("A", date(2023, 3, 1)), ("B", date(2024, 3, 1))):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, 30000)).run()
    other_fund(rate="60%", first=date(2024, 1, 1))
    assert entries("A") == [("medical_assistance", 2_100_000, 2_100_000)]
    assert entries("B") == [
        ("medical_assistance", 2_100_000, 2_100_000), ("medical_assistance", -2_100_000, 0), ("finance", 1_800_000, 1_800_000),
    ]  # fmt: skip
    assert by_fund() == {"medical_assistance": 2_100_000, "finance": 1_800_000}
    made = Refold.objects.get(cause="policy")
    assert (made.change_fen, made.entries.count()) == (-300_000, 2)
    assert not check_books(area_code="610900").differences


def test_a_fund_that_alone_changes_is_found_and_entered_too(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    other_fund()
    assert by_fund() == {"medical_assistance": 0, "finance": 2_100_000}
    assert Refold.objects.get(cause="policy").change_fen == 0
    other_fund(fund="medical_assistance")
    assert by_fund() == {"medical_assistance": 2_100_000, "finance": 0}
    assert not check_books(area_code="610900").differences
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    assert by_fund() == {"medical_assistance": 0, "finance": 0}
    assert [pay for _, pay, _ in entries("A")] == [2_100_000, -2_100_000, 2_100_000, -2_100_000, 2_100_000, -2_100_000]


def test_bills_of_one_person_that_together_leave_the_proven_range_are_not_settled(cast):
    """一笔至多十亿元以下：一百笔还算得准，再多就不再接受，说明是谁、合计多少。"""
    kept = [bill(f"A{n:03}", date(2023, 3, 1), 999_999_999) for n in range(100)]
    for one in kept:
        one.recorded_at = one.setl_time
    Bill.objects.bulk_create(kept)
    with pytest.raises(InputErrors, match=r"E-TOTAL-RANGE.*人员 P0001.*100,999,999,899\.00 元"):
        Settle(actor=cast.zhao, bill=bill("B", date(2023, 3, 2), 999_999_999)).run()
    assert not Bill.objects.filter(setl_id="B").exists()
    Settle(actor=cast.zhao, bill=bill("C", date(2023, 3, 2), 1)).run()
