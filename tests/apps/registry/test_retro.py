"""Identities that reach back: what they would change is shown before, and written as differences after."""

from datetime import date, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404

from tests.apps.cast import assemble, bill
from tests.apps.registry.test_rosters import lines, preview
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import forget_plans
from tuodi.apps.registry.actions.changing import ChangePerson
from tuodi.apps.registry.actions.identities import CertifyIdentity, CorrectIdentity, EndIdentity
from tuodi.apps.registry.actions.insuring import CorrectOrigin
from tuodi.apps.registry.actions.people import MergePeople, UnmergePeople
from tuodi.apps.registry.actions.rosters import ApplyRoster
from tuodi.apps.registry.actions.undoing import UndoRoster
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.registry.previews import IMPACT, Lines
from tuodi.apps.registry.timeline import open_file
from tuodi.apps.settlement.actions import CancelSettlement, Settle
from tuodi.apps.settlement.models import Entry, Refold
from tuodi.apps.settlement.nightly import check_books
from tuodi.apps.settlement.retro import (
    entries_of,
    impact_of_certifying,
    impact_of_changing,
    impact_of_correcting,
    impact_of_correcting_origin,
    impact_of_ending,
    impact_of_merging,
    impact_of_parting,
)
from tuodi.base import clock, outbox
from tuodi.base.models import User
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db

REACHED = {
    "psn_no": "P0003",
    "identity": "dibao",
    "first": date(2023, 1, 1),
    "issuer": "民政局",
    "certified_on": date(2023, 1, 1),
}


#: 低保改按 50 %：30,000 元应助 15,000 元，40,000 元应助 20,000 元（合计 35,000 元，未到封顶线）。
MOVED = [("A", 2_100_000, 1_500_000), ("B", 1_900_000, 2_000_000)]


@pytest.fixture
def cast():
    """王奶奶 has been helped; 张三, known to nobody then, has not."""
    made = assemble()
    with clock.set_to(clock.instant(datetime(2023, 6, 1, 9))):
        Person.objects.create(
            psn_no="P0003",
            name="张三",
            initials=" zs ",
            insured_area="610902",
            registered_area="610902",
            recorded_at=clock.now(),
        )
        for setl_id, day, yuan, person in (
            ("A", date(2023, 3, 1), 30000, "P0001"), ("B", date(2023, 4, 1), 40000, "P0001"), ("Z", date(2023, 5, 1), 10000, "P0003"),
        ):  # fmt: skip
            Settle(actor=made.zhao, bill=bill(setl_id, day, yuan, person=person)).run()
        outbox.deliver()
        yield made


def paid(setl_id):
    return Entry.objects.filter(bill__setl_id=setl_id).aggregate(fen=Sum("pay"))["fen"] or 0


def test_a_gain_is_shown_before_and_paid_after(cast):
    """安康低保 70 %：10,000 元应助 7,000 元。"""
    shown = impact_of_certifying(cast.zhou, **REACHED)
    assert [(c.setl_id, c.before_fen, c.after_fen, c.identity) for c in shown.changes] == [("Z", 0, 700_000, "dibao")]
    assert (shown.gain_fen, shown.loss_fen, paid("Z")) == (700_000, 0, 0)
    made = CertifyIdentity(actor=cast.zhou, **REACHED).run()
    outbox.deliver()
    assert paid("Z") == 700_000
    assert Refold.objects.get(cause="identity").change_fen == 700_000
    assert [(e.bill.setl_id, e.pay) for e in entries_of(cast.chen, f"identity:{made.pk}")] == [("Z", 700_000)]
    assert entries_of(cast.outsider, f"identity:{made.pk}") == []


def test_a_loss_is_shown_before_and_claimed_back_after(cast):
    row = Identity.objects.get(person=cast.wang)
    shown = impact_of_ending(cast.zhou, identity_id=row.pk, last=date(2023, 3, 15))
    assert [(c.setl_id, c.before_fen, c.after_fen) for c in shown.changes] == [("B", 1_900_000, 0)]
    assert impact_of_correcting(cast.zhou, identity_id=row.pk, facts=None).loss_fen == 4_000_000
    EndIdentity(actor=cast.zhou, identity_id=row.pk, last=date(2023, 3, 15)).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [2_100_000, 0]
    assert list(Entry.objects.filter(bill__setl_id="B").order_by("pk").values_list("pay", flat=True)) == [
        1_900_000,
        -1_900_000,
    ]


def test_an_unchanged_history_has_no_differences_and_is_told_twice_without_harm(cast):
    row = Identity.objects.get(person=cast.wang)
    assert impact_of_correcting(cast.zhou, identity_id=row.pk, facts={"document_number": "1 号"}).changes == ()
    CorrectIdentity(actor=cast.zhou, identity_id=row.pk, facts={"document_number": "1 号"}).run()
    assert outbox.deliver() == 1
    outbox.announce("identity:changed", psn_nos=["P0001"], cause_id="again")
    outbox.deliver()
    assert not Refold.objects.filter(cause="identity").exists()
    assert [paid(s) for s in "AB"] == [2_100_000, 1_900_000]


def test_a_roster_shows_what_it_changes_for_whom_and_undoing_takes_it_back(cast):
    run = preview(cast, lines("张三,P0003,,低保,2023-01-01,", "李叔,P0002,,低保,2023-01-01,")).run
    assert [(line["psn_no"], line["gain_fen"]) for line in Lines(run, [IMPACT])] == [("P0003", 700_000)]
    assert run.told["money"] == {"gain_fen": 700_000, "loss_fen": 0, "gaining": 1, "losing": 0, "unknown": 0}
    ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert paid("Z") == 700_000
    UndoRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert paid("Z") == 0
    assert sorted(
        Refold.objects.filter(cause="identity", cause_id=f"run:{run.pk}").values_list("change_fen", flat=True)
    ) == [-700_000, 700_000]


def test_only_who_may_certify_asks_and_only_of_their_area(cast):
    with pytest.raises(PermissionDenied):
        impact_of_certifying(cast.chen, **REACHED)
    cast.zhou.area_code = "320902"
    with pytest.raises(Http404):
        impact_of_certifying(cast.zhou, **REACHED)


def test_somebody_who_cannot_be_folded_is_said_and_holds_nobody_up(cast):
    Person.objects.filter(psn_no="P0003").update(insured_area="320902")
    cast.zhou.area_code = "000000"
    assert "没有已批准的政策包" in impact_of_certifying(cast.zhou, **REACHED).why
    CertifyIdentity(actor=cast.zhou, **REACHED).run()
    assert outbox.deliver() == 1


def test_a_person_with_settlements_stays_registered(cast):
    run = preview(cast, lines("P0400,钱五", head="人员编号,姓名"), kind="people").run
    ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    Settle(actor=cast.zhao, bill=bill("Q", date(2023, 5, 1), 100, person="P0400")).run()
    with pytest.raises(InputErrors, match=r"E-REG-DEPENDS.*P0400"):
        UndoRoster(actor=cast.registrar, run_id=run.pk).run()


def test_merged_records_share_one_history_and_one_cap(cast):
    """安康低保年度 4 万已满：并入后 7,000 元不再支付；拆开后各算各的。"""
    CertifyIdentity(actor=cast.zhou, **REACHED).run()
    outbox.deliver()
    assert paid("Z") == 700_000
    MergePeople(actor=cast.registrar, psn_no="P0003", into="P0001").run()
    outbox.deliver()
    assert [paid(s) for s in "ABZ"] == [2_100_000, 1_900_000, 0]
    assert check_books().differences == ()
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    assert [paid(s) for s in "ABZ"] == [0, 2_800_000, 700_000]
    UnmergePeople(actor=cast.registrar, psn_no="P0003").run()
    outbox.deliver()
    assert [paid(s) for s in "ABZ"] == [0, 2_800_000, 700_000]
    assert check_books().differences == ()


def entered(user, cause_id):
    return {(entry.bill.setl_id, entry.layer): entry.pay for entry in entries_of(user, cause_id)}


def shown_as(impact):
    return {(change.setl_id, change.layer): change.fen for change in impact.changes}


@pytest.mark.parametrize(("away", "kept"), [("P0003", "P0001"), ("P0001", "P0003")])
def test_what_merging_and_parting_are_shown_to_come_to_is_what_is_entered(cast, away, kept):
    """安康低保年度 4 万：两人各自不超，并成一人超出的部分退回；分开又补上。"""
    CertifyIdentity(actor=cast.zhou, **REACHED).run()
    outbox.deliver()
    shown = impact_of_merging(cast.registrar, psn_no=away, into=kept)
    assert (shown.bills, shown.gain_fen, shown.loss_fen) == (3, 0, 700_000)
    merge = MergePeople(actor=cast.registrar, psn_no=away, into=kept).run()
    outbox.deliver()
    assert entered(cast.chen, f"merge:{merge.pk}") == shown_as(shown)
    back = impact_of_parting(cast.registrar, psn_no=away)
    assert shown_as(back) == {key: -fen for key, fen in shown_as(shown).items()}
    UnmergePeople(actor=cast.registrar, psn_no=away).run()
    outbox.deliver()
    assert entered(cast.chen, f"unmerge:{merge.pk}") == shown_as(back)
    assert check_books().differences == ()


def test_identities_of_a_merged_record_count_for_the_bills_of_the_other(cast):
    shown = impact_of_merging(cast.registrar, psn_no="P0003", into="P0002")
    assert shown.bills == 1
    merge = MergePeople(actor=cast.registrar, psn_no="P0003", into="P0002").run()
    outbox.deliver()
    assert entered(cast.chen, f"merge:{merge.pk}") == shown_as(shown)


def test_only_who_may_merge_weighs_it_and_what_cannot_be_merged_is_refused(cast):
    with pytest.raises(PermissionDenied):
        impact_of_merging(cast.chen, psn_no="P0003", into="P0001")
    with pytest.raises(InputErrors, match="E-REG-SAME-PERSON"):
        impact_of_merging(cast.registrar, psn_no="P0001", into="P0001")
    with pytest.raises(InputErrors, match="E-REG-NOT-MERGED"):
        impact_of_parting(cast.registrar, psn_no="P0001")


def test_a_file_tells_everything_in_order_with_its_source(cast):
    seen = open_file(cast.chen, "P0001")
    assert [(m.on, m.kind, m.amount_fen) for m in seen.moments] == [
        (date(2023, 1, 1), "identity", None), (date(2023, 3, 1), "settlement", 3_000_000), (date(2023, 4, 1), "settlement", 4_000_000),
        (date(2023, 6, 1), "payment", 2_100_000), (date(2023, 6, 1), "payment", 1_900_000),
    ]  # fmt: skip
    assert all(moment.source for moment in seen.moments)


@pytest.fixture
def neighbours(cast):
    """汉阴（虚构的 611000）的低保只付一半；登记岗管两地。"""
    here = Installation.objects.get()
    texts = {**here.texts, "policy.yaml": here.texts["policy.yaml"].replace("rate: 70%", "rate: 50%")}
    assert texts != here.texts
    Installation.objects.create(
        area_code="611000", pack=here.pack, digest="1" * 64, texts=texts, first=here.first, proposed_by=here.proposed_by,
        proposed_at=here.proposed_at, approved_by=here.approved_by, approved_at=here.approved_at,
    )  # fmt: skip
    forget_plans()
    User.objects.filter(pk=cast.registrar.pk).update(area_code="610000")
    cast.registrar.refresh_from_db()
    return cast


def test_AK_6_3_another_area_from_the_beginning_is_shown_in_money_before_and_folded_after(neighbours):
    cast = neighbours
    shown = impact_of_correcting_origin(cast.registrar, psn_no="P0001", area_code="611002")
    assert [(c.setl_id, c.before_fen, c.after_fen) for c in shown.changes] == MOVED
    CorrectOrigin(actor=cast.registrar, psn_no="P0001", area_code="611002").run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [after for _, _, after in MOVED]
    made = Refold.objects.filter(cause="person").get()
    assert (made.change_fen, made.cause_id.split(":")[0]) == (shown.gain_fen - shown.loss_fen, "change")
    assert not check_books(area_code="610000").differences


def test_a_change_that_touches_no_settlement_is_told_to_nobody(cast):
    assert impact_of_changing(cast.registrar, psn_no="P0001", facts={"name": "王奶"}).changes == ()
    ChangePerson(actor=cast.registrar, psn_no="P0001", name="王奶").run()
    assert outbox.deliver() == 0


def test_a_roster_of_people_is_weighed_and_folded_and_undone_too(neighbours):
    cast = neighbours
    content = lines("P0001,王奶奶,611002", head="人员编号,姓名,参保地区划")
    run = preview(cast, content, kind="people", area_code="610000", as_of=date(2023, 2, 1)).run
    assert (run.told["money"]["gain_fen"], run.told["money"]["loss_fen"]) == (100_000, 600_000)
    ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [after for _, _, after in MOVED]
    UndoRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [before for _, before, _ in MOVED]
