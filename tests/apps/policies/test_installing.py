"""Packs in force: proposed, measured, approved by another person, and the histories folded anew."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Sum
from django.http import Http404

from tests.apps.books import one_fen_more
from tests.apps.cast import assemble, bill
from tuodi.apps.policies.actions import (
    ApproveInstallation,
    ProposeInstallation,
    RefuseInstallation,
    SwitchReading,
    shelf_texts,
)  # fmt: skip
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import Proposal, installations_awaiting_approval, plans_of
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.impact import measure
from tuodi.apps.settlement.models import Entry, Refold
from tuodi.apps.settlement.nightly import check_books, refold_area
from tuodi.base import clock, outbox
from tuodi.base.models import Announcement, AuditEvent, User
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db
OFFICE = "安康市医疗保障局"


@pytest.fixture
def cast():
    return assemble()


@pytest.fixture
def subscribed():
    before = {fact: list(held) for fact, held in outbox.SUBSCRIBERS.items()}
    for fact in ("policy:approved", "settlement:refold_area"):
        if refold_area not in outbox.SUBSCRIBERS.get(fact, []):
            outbox.subscribe(fact, refold_area)
    yield
    outbox.SUBSCRIBERS.clear()
    outbox.SUBSCRIBERS.update(before)


def paid(setl_id):
    return Entry.objects.filter(bill__setl_id=setl_id).aggregate(fen=Sum("pay"))["fen"] or 0


def per_stay(cast, **how):
    """I-04 read the other way: the deductible of 李叔's class counts per stay."""
    fields = {"interpreter": OFFICE, "interpreter_document": "安医保函〔2024〕1号", **how}
    return SwitchReading(
        actor=how.pop("actor", cast.officer), installation=Installation.objects.first(), readings={"I-04": "stay"}, first=date(2023, 1, 4),
        interpreter=fields["interpreter"], interpreter_document=fields["interpreter_document"],
    )  # fmt: skip


def ankang(cast, **how):
    fields = {"actor": cast.officer, "area_code": "610900", "pack": "610900-ankang", "first": date(2024, 1, 1), **how}
    return ProposeInstallation(**fields)


def settle_two(cast):
    for setl_id, day in (("A", date(2023, 3, 1)), ("B", date(2023, 4, 1))):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, 4000, person="P0002")).run()


def test_a_switched_reading_is_measured_approved_and_folded_anew(cast, subscribed):
    settle_two(cast)
    before = paid("A") + paid("B")
    made = per_stay(cast).run()
    assert made.digest != Installation.objects.first().digest
    with pytest.raises(InputErrors, match="E-POLICY-IMPACT"):
        ApproveInstallation(actor=cast.approver, installation=made).run()
    told = measure(cast.officer, Proposal(installation=made))
    made.refresh_from_db()
    assert made.impact == told
    assert (told["people"], told["bills"], told["before_fen"]) == (1, 2, before)
    assert told["lose"]["people"] == 1
    assert told["after_fen"] - told["before_fen"] == told["lose"]["fen"] < 0
    assert sum(row["lose_fen"] for row in told["by_layer"].values()) == told["lose"]["fen"]
    assert [row["setl_id"] for row in told["largest"]] == ["B"]
    assert "P0002" not in str(told)
    assert list(installations_awaiting_approval(cast.approver)) == [made]
    ApproveInstallation(actor=cast.approver, installation=made).run()
    assert paid("A") + paid("B") == before
    while outbox.deliver():
        pass
    assert paid("A") + paid("B") == told["after_fen"]
    assert (
        Refold.objects.filter(cause="policy", cause_id=f"installation:{made.pk}").get().change_fen
        == told["lose"]["fen"]
    )
    assert set(AuditEvent.objects.filter(subject="installation").values_list("verb", flat=True)) >= {
        "policy:propose",
        "policy:measure",
        "policy:approve",
    }
    told_twice = Announcement.objects.get(fact="policy:approved").data
    refold_area(told_twice)
    assert Refold.objects.filter(cause="policy").count() == 1


def test_TH_5_only_the_interpreters_office_switches_a_reading(cast):
    for how in ({"interpreter": "某某局"}, {"interpreter_document": ""}):
        with pytest.raises(InputErrors, match="E-POLICY-INTERPRETER") as error:
            per_stay(cast, **how).run()
        assert OFFICE in str(error.value)
    assert Installation.objects.count() == 1


def test_the_proposer_does_not_approve_nor_refuse(cast):
    made = per_stay(cast).run()
    measure(cast.officer, Proposal(installation=made))
    cast.officer.role = "policy_approver"
    cast.officer.save()
    for action in (
        ApproveInstallation(actor=cast.officer, installation=made),
        RefuseInstallation(actor=cast.officer, installation=made, reason="否"),
    ):
        with pytest.raises(InputErrors, match="E-POLICY-SAME-PERSON"):
            action.run()
    with pytest.raises(IntegrityError), transaction.atomic():
        Installation.objects.filter(pk=made.pk).update(approved_by=cast.officer, approved_at=clock.now())


def test_what_was_proposed_never_changes(cast):
    for change in ({"texts": {}}, {"first": date(2020, 1, 1)}, {"readings": {}}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Installation.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Installation.objects.all().delete()


def test_an_impact_measured_under_another_policy_is_out_of_date(cast):
    first, second = per_stay(cast).run(), ankang(cast).run()
    for made in (first, second):
        measure(cast.officer, Proposal(installation=made))
    ApproveInstallation(actor=cast.approver, installation=Installation.objects.get(pk=first.pk)).run()
    with pytest.raises(InputErrors, match="E-POLICY-IMPACT"):
        ApproveInstallation(actor=cast.approver, installation=second).run()


def test_approved_twice_or_after_a_refusal_is_an_error(cast):
    made, other = per_stay(cast).run(), ankang(cast).run()
    measure(cast.officer, Proposal(installation=made))
    ApproveInstallation(actor=cast.approver, installation=made).run()
    with pytest.raises(InputErrors, match="E-POLICY-DECIDED"):
        ApproveInstallation(actor=cast.approver, installation=made).run()
    RefuseInstallation(actor=cast.approver, installation=other, reason="文号不对").run()
    with pytest.raises(InputErrors, match="已退回"):
        ApproveInstallation(actor=cast.approver, installation=other).run()
    with pytest.raises(InputErrors, match="E-POLICY-REASON"):
        RefuseInstallation(actor=cast.approver, installation=other, reason=" ").run()


def test_the_wrong_role_and_the_wrong_area(cast):
    with pytest.raises(PermissionDenied):
        ankang(cast, actor=cast.chen).run()
    with pytest.raises(Http404):
        ankang(cast, area_code="320900").run()
    county = User.objects.create(username="x", password="!", name="县审核", role="policy_approver", area_code="610902")
    with pytest.raises(PermissionDenied):
        ApproveInstallation(actor=county, installation=ankang(cast).run()).run()
    assert not Installation.objects.filter(approved_by=county).exists()


def test_AK_3_1_4_a_county_may_not_install_its_own_and_the_attempt_is_kept(cast):
    county = User.objects.create(username="x", password="!", name="县政策", role="policy_officer", area_code="610902")
    with pytest.raises(InputErrors, match="E-POLICY-OVERRIDE"):
        ankang(cast, actor=county, area_code="610902").run()
    row = AuditEvent.objects.get(verb="policy:override_refused")
    assert (row.actor_id, row.area_code, row.data["pack"]) == (county.pk, "610902", "610900-ankang")
    assert Installation.objects.count() == 1


def test_a_pack_with_errors_is_refused_and_warnings_need_a_reason(cast):
    texts = shelf_texts("610900-ankang")
    broken = {**texts, "policy.yaml": texts["policy.yaml"].replace("layers:", "leyers:", 1)}
    with pytest.raises(InputErrors):
        ankang(cast, texts=broken).run()
    lines = texts["policy.yaml"].replace(
        "delegated:\n", "delegated:\n  ak.unused: {clause: AK-1, asks: 无用, left_to: 无, unit: yuan}\n", 1
    )
    warned = {**texts, "policy.yaml": lines}
    with pytest.raises(InputErrors, match="E-POLICY-WARNINGS") as error:
        ankang(cast, texts=warned).run()
    code = "W-UNUSED"
    assert code in str(error.value)
    with pytest.raises(InputErrors, match="E-POLICY-WARNINGS"):
        ankang(cast, texts=warned, accept={code: "  "}).run()
    made = ankang(cast, texts=warned, accept={code: "市里将另文规定"}).run()
    assert {"warning": code, "reason": "市里将另文规定", "by": str(cast.officer.pk)} in made.accepted
    with pytest.raises(InputErrors, match="E-POLICY-AREA"):
        ankang(cast, pack="330305-dongtou", texts=None).run()


def test_the_next_installation_answers_from_its_day(cast):
    made = ankang(cast, first=date(2025, 1, 1)).run()
    measure(cast.approver, Proposal(installation=made))
    ApproveInstallation(actor=cast.approver, installation=made).run()
    held = plans_of("610902")
    assert [(h.first, h.until) for h in held] == [(date(2023, 1, 4), date(2025, 1, 1)), (date(2025, 1, 1), None)]


def test_the_nights_check_reports_a_fen_and_writes_only_when_told(cast):
    settle_two(cast)
    assert check_books().differences == ()
    entry = Entry.objects.filter(bill__setl_id="B").first()
    one_fen_more(entry)
    found = check_books()
    assert [(d.setl_id, d.entered_fen - d.earned_fen) for d in found.differences] == [("B", 1)]
    assert check_books().differences == found.differences
    assert check_books(repair=True).repaired == 1
    assert check_books().differences == ()
