"""Where somebody is insured, by day: a bill is computed by the area of its own day, whatever is learned when (AK-6.3)."""

from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import Sum
from django.http import Http404

from tests.apps.cast import assemble, bill
from tests.apps.registry.test_rosters import lines, preview
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import Proposal, forget_plans
from tuodi.apps.registry.actions.changing import ChangePerson
from tuodi.apps.registry.actions.insuring import CorrectMove, CorrectOrigin, MoveInsurance
from tuodi.apps.registry.actions.rosters import ApplyRoster
from tuodi.apps.registry.actions.undoing import UndoRoster
from tuodi.apps.registry.insured import ALWAYS, area_on, places_of
from tuodi.apps.registry.models import InsuredPlace, Person
from tuodi.apps.registry.timeline import open_file
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.impact import impact
from tuodi.apps.settlement.models import Entry, Refold
from tuodi.apps.settlement.nightly import check_books
from tuodi.apps.settlement.people import insurance
from tuodi.apps.settlement.retro import (
    impact_of_changing,
    impact_of_correcting_move,
    impact_of_correcting_origin,
    impact_of_moving,
)
from tuodi.base import clock, outbox
from tuodi.base.models import User
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db

HERE, THERE = "610902", "611002"
DAY = date(2023, 3, 15)


@pytest.fixture
def cast():
    """汉阴（虚构的 611000）有自己的文件，低保只付一半；登记岗管两地。

    甲 2023-03-01 为 30,000 元，乙 2023-04-01 为 40,000 元。此地 70 %：21,000 + 19,000（年度封顶线 40,000 截去 9,000）。
    """
    made = assemble()
    here = Installation.objects.get()
    text = (
        here.texts["policy.yaml"]
        .replace("rate: 70%", "rate: 50%")
        .replace("pack: 610900-ankang", "pack: 611000-hanyin")
    )
    assert "rate: 50%" in text
    assert "pack: 611000-hanyin" in text
    Installation.objects.create(
        area_code="611000", pack="611000-hanyin", digest="1" * 64, texts={**here.texts, "policy.yaml": text}, first=here.first,
        proposed_by=here.proposed_by, proposed_at=here.proposed_at, approved_by=here.approved_by, approved_at=here.approved_at,
    )  # fmt: skip
    forget_plans()
    User.objects.filter(pk=made.registrar.pk).update(area_code="610000")
    made.registrar.refresh_from_db()
    with clock.set_to(clock.instant(datetime(2023, 6, 1, 9))):
        for setl_id, day, yuan in (("A", date(2023, 3, 1), 30000), ("B", date(2023, 4, 1), 40000)):
            Settle(actor=made.zhao, bill=bill(setl_id, day, yuan)).run()
        outbox.deliver()
        yield made


def paid(setl_id):
    return Entry.objects.filter(bill__setl_id=setl_id).aggregate(fen=Sum("pay"))["fen"] or 0


def move(cast, *, area=THERE, first=DAY):
    MoveInsurance(actor=cast.registrar, psn_no="P0001", area_code=area, first=first).run()
    outbox.deliver()
    return InsuredPlace.objects.get(person=cast.wang, first=first, withdrawn_at__isnull=True)


def person():
    return Person.objects.get(psn_no="P0001")


def agree(cast):
    """The short form on the person's row says what the rows say, and the books of both areas hold."""
    found = person()
    rows = InsuredPlace.objects.filter(person=found, withdrawn_at__isnull=True)
    if rows:
        assert places_of(found) == tuple(sorted((row.first or ALWAYS, row.area_code) for row in rows))
    assert not check_books(area_code="610000").differences


def test_AK_6_3_a_bill_is_computed_by_the_area_of_its_own_day(cast):
    """甲仍按此地 70 % 为 21,000；乙在彼地，按 50 % 为 20,000（彼地的封顶线从头算）。"""
    shown = impact_of_moving(cast.registrar, psn_no="P0001", area_code=THERE, first=DAY)
    assert [(c.setl_id, c.before_fen, c.after_fen) for c in shown.changes] == [("B", 1_900_000, 2_000_000)]
    assert paid("B") == 1_900_000
    move(cast)
    assert [paid(s) for s in "AB"] == [2_100_000, 2_000_000]
    made = Refold.objects.filter(cause="person").get()
    assert (made.change_fen, made.cause_id.split(":")[0]) == (100_000, "change")
    assert [area_on(person(), day) for day in (date(2023, 3, 14), DAY)] == [HERE, THERE]
    agree(cast)


def test_what_the_former_area_paid_comes_back_to_its_own_fund_whole(cast):
    """两地的资金同名，仍是两笔账：安康收回乙的 19,000，汉阴付 20,000；迁回则各自反向。"""
    moved = move(cast)
    assert by_fund("B") == {("610900", "medical_assistance"): 0, ("611000", "medical_assistance"): 2_000_000}
    rows = Entry.objects.filter(bill__setl_id="B").order_by("pk")
    assert list(rows.values_list("fund_area", "pay", "total")) == [
        ("610900", 1_900_000, 1_900_000), ("610900", -1_900_000, 0), ("611000", 2_000_000, 2_000_000),
    ]  # fmt: skip
    CorrectMove(actor=cast.registrar, place_id=moved.pk, facts=None).run()
    outbox.deliver()
    assert by_fund("B") == {("610900", "medical_assistance"): 1_900_000, ("611000", "medical_assistance"): 0}
    assert by_fund("A") == {("610900", "medical_assistance"): 2_100_000}
    agree(cast)


def by_fund(setl_id):
    rows = Entry.objects.filter(bill__setl_id=setl_id).values_list("fund_area", "fund")
    return {(area, fund): fen for area, fund, fen in rows.annotate(fen=Sum("pay"))}


def test_who_moved_is_settled_by_the_new_area_and_late_bills_by_the_old(cast):
    move(cast)
    Settle(actor=cast.zhao, bill=bill("C", date(2023, 5, 1), 10000)).run()
    Settle(actor=cast.zhao, bill=bill("D", date(2023, 1, 10), 10000)).run()
    assert [paid(s) for s in "CD"] == [500_000, 700_000]
    agree(cast)


def test_moves_in_any_order_leave_the_same_places_and_the_same_money(cast):
    move(cast, first=date(2023, 5, 1), area=THERE)
    back = [("610921", date(2023, 5, 20)), ("611021", DAY)]
    for area, first in back:
        move(cast, area=area, first=first)
    assert places_of(person()) == (
        (ALWAYS, HERE), (DAY, "611021"), (date(2023, 5, 1), THERE), (date(2023, 5, 20), "610921"),
    )  # fmt: skip
    assert [paid(s) for s in "AB"] == [2_100_000, 2_000_000]
    agree(cast)


def test_a_wrong_move_is_corrected_withdrawn_and_kept(cast):
    row = move(cast)
    later = {"area_code": THERE, "first": date(2023, 5, 1)}
    assert impact_of_correcting_move(cast.registrar, place_id=row.pk, facts=later).loss_fen == 100_000
    CorrectMove(actor=cast.registrar, place_id=row.pk, facts=later).run()
    outbox.deliver()
    assert paid("B") == 1_900_000
    with pytest.raises(InputErrors, match="E-REG-WITHDRAWN"):
        CorrectMove(actor=cast.registrar, place_id=row.pk, facts=None).run()
    made = InsuredPlace.objects.get(replaces=row)
    CorrectMove(actor=cast.registrar, place_id=made.pk, facts=None).run()
    outbox.deliver()
    found = person()
    assert (found.insured_area, found.insured_moves) == (HERE, "")
    assert InsuredPlace.objects.filter(person=found, withdrawn_at__isnull=False).count() == 2
    agree(cast)
    move(cast)
    agree(cast)


def test_where_somebody_was_insured_before_any_move_is_corrected_too(cast):
    shown = impact_of_correcting_origin(cast.registrar, psn_no="P0001", area_code=THERE)
    assert (shown.gain_fen, shown.loss_fen) == (100_000, 600_000)
    CorrectOrigin(actor=cast.registrar, psn_no="P0001", area_code=THERE).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [1_500_000, 2_000_000]
    move(cast, area=HERE, first=DAY)
    CorrectOrigin(actor=cast.registrar, psn_no="P0001", area_code="611021").run()
    assert places_of(person()) == ((ALWAYS, "611021"), (DAY, HERE))
    assert [row.area_code for row in InsuredPlace.objects.filter(first__isnull=True).order_by("pk")] == [
        HERE, THERE, "611021",
    ]  # fmt: skip
    agree(cast)


def test_what_says_nothing_or_cannot_be_is_refused(cast):
    for code, area, first in (
        ("E-REG-INSURED-DAY", THERE, date(2023, 6, 2)), ("E-REG-INSURED-SAME", HERE, DAY),
    ):  # fmt: skip
        with pytest.raises(InputErrors, match=code):
            move(cast, area=area, first=first)
    row = move(cast)
    with pytest.raises(InputErrors, match="E-REG-INSURED-ONCE"):
        move(cast, area="611021")
    with pytest.raises(InputErrors, match="E-REG-INSURED-SAME"):
        move(cast, first=date(2023, 2, 1))
    origin = InsuredPlace.objects.get(first__isnull=True)
    with pytest.raises(InputErrors, match="E-REG-INSURED-START"):
        CorrectMove(actor=cast.registrar, place_id=origin.pk, facts=None).run()
    with pytest.raises(PermissionDenied):
        MoveInsurance(actor=cast.registrar, psn_no="P0001", area_code="320902", first=date(2023, 5, 1)).run()
    with pytest.raises((PermissionDenied, Http404)):
        CorrectMove(actor=cast.outsider, place_id=row.pk, facts=None).run()
    assert places_of(person()) == ((ALWAYS, HERE), (DAY, THERE))


def test_the_database_itself_refuses_to_change_or_delete_a_place(cast):
    row = move(cast)
    with pytest.raises(DatabaseError), transaction.atomic():
        InsuredPlace.objects.filter(pk=row.pk).update(area_code=HERE)
    with pytest.raises(DatabaseError), transaction.atomic():
        InsuredPlace.objects.filter(pk=row.pk).delete()


def test_who_sees_somebody_and_what_the_interface_says_follow_the_area_of_today(cast):
    Person.objects.filter(pk=cast.wang.pk).update(registered_area="")
    move(cast)
    assert insurance(person())[0]["insuplc_admdvs"] == THERE
    with pytest.raises(Http404):
        open_file(cast.chen, "P0001")
    told = [moment for moment in open_file(cast.registrar, "P0001").moments if moment.kind == "insured"]
    assert [(one.on, one.text) for one in told] == [(DAY, f"参保地变为 {THERE}")]


def test_a_policy_is_measured_and_folded_for_whoever_was_insured_there(cast):
    """王奶奶搬走之后此地改付一半：甲结算时她还在此地，仍要重算；乙不变。"""
    move(cast)
    here = Installation.objects.get(area_code="610900")
    text = here.texts["policy.yaml"].replace("rate: 70%", "rate: 50%")
    proposed = Installation(area_code="610900", pack=here.pack, digest="2" * 64, texts={**here.texts, "policy.yaml": text}, first=here.first,
        proposed_by=here.proposed_by, proposed_at=here.proposed_at)  # fmt: skip
    proposed.save()
    found = impact(Proposal(installation=proposed))
    assert (found["before_fen"], found["after_fen"]) == (4_100_000, 3_500_000)


def test_an_area_without_a_policy_has_none_of_another(cast):
    User.objects.filter(pk=cast.registrar.pk).update(area_code="000000")
    cast.registrar.refresh_from_db()
    shown = impact_of_moving(cast.registrar, psn_no="P0001", area_code="320902", first=DAY)
    assert "320902 在 2023-04-01 没有已批准的政策包" in shown.why


def test_a_roster_says_where_somebody_is_insured_from_its_day_and_nothing_older(cast):
    head = "人员编号,姓名,参保地区划"
    content = lines(f"P0001,王奶奶,{THERE}", head=head)
    run = preview(cast, content, kind="people", area_code="610000", as_of=DAY).run
    assert (run.told["money"]["gain_fen"], run.told["money"]["loss_fen"]) == (100_000, 0)
    ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [2_100_000, 2_000_000]
    agree(cast)
    older = lines(f"P0001,王奶奶,{HERE}", head=head)
    assert not preview(cast, older, kind="people", area_code="610000", as_of=DAY).plan.differences
    UndoRoster(actor=cast.registrar, run_id=run.pk).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [2_100_000, 1_900_000]
    assert (person().insured_area, person().insured_moves) == (HERE, "")
    assert not InsuredPlace.objects.filter(withdrawn_at__isnull=True)
    move(cast)
    agree(cast)


def test_a_later_move_stands_in_the_way_of_undoing_the_roster_before_it(cast):
    content = lines(f"P0001,王奶奶,{THERE}", head="人员编号,姓名,参保地区划")
    run = preview(cast, content, kind="people", area_code="610000", as_of=DAY).run
    ApplyRoster(actor=cast.registrar, run_id=run.pk).run()
    move(cast, area="611021", first=date(2023, 5, 1))
    with pytest.raises(InputErrors, match="E-REG-DEPENDS"):
        UndoRoster(actor=cast.registrar, run_id=run.pk).run()


def test_another_birth_date_is_shown_in_money_before_and_folded_after(cast):
    """虚构：60 岁及以上的低保付 80 %。甲 21,000 变 24,000；乙 28,000 变 16,000（年度封顶线 40,000）。"""
    here, once = Installation.objects.get(area_code="610900"), "when: {category: [dibao], care: [inpatient]}, rate: 70%"
    line = next(line for line in here.texts["policy.yaml"].splitlines() if once in line)
    ages = [line.replace("[inpatient]", f"[inpatient], age: {{from: {a}, to: {b}}}") for a, b in ((0, 60), (60, 150))]
    text = here.texts["policy.yaml"].replace(line, f"{ages[0]}\n{ages[1].replace('70%', '80%')}")
    Person.objects.filter(pk=cast.wang.pk).update(birth=date(1990, 1, 1))
    Installation.objects.create(
        area_code=here.area_code, pack=here.pack, digest="3" * 64, texts={**here.texts, "policy.yaml": text}, first=here.first,
        proposed_by=here.proposed_by, proposed_at=here.proposed_at, approved_by=here.approved_by, approved_at=here.approved_at + timedelta(days=1),
    )  # fmt: skip
    forget_plans()
    assert not check_books(area_code="610000").differences
    old = {"birth": date(1950, 1, 1)}
    shown = impact_of_changing(cast.registrar, psn_no="P0001", facts=old)
    assert [(c.setl_id, c.before_fen, c.after_fen) for c in shown.changes] == [
        ("A", 2_100_000, 2_400_000), ("B", 1_900_000, 1_600_000),
    ]  # fmt: skip
    ChangePerson(actor=cast.registrar, psn_no="P0001", **old).run()
    outbox.deliver()
    assert [paid(s) for s in "AB"] == [2_400_000, 1_600_000]
    assert not check_books(area_code="610000").differences
