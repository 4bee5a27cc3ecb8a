"""Households: joining, leaving, splitting, moving; a day belongs to one household."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.http import Http404

from tests.apps.cast import assemble
from tuodi.apps.registry.actions.deaths import RecordDeath
from tuodi.apps.registry.actions.household_moves import CorrectHouseholdMove
from tuodi.apps.registry.actions.households import (
    JoinHousehold,
    LeaveHousehold,
    MoveHousehold,
    SplitHousehold,
)
from tuodi.apps.registry.actions.memberships import CorrectMembership, MoveMember
from tuodi.apps.registry.actions.people import MergePeople
from tuodi.apps.registry.models import Household, Membership, Person
from tuodi.apps.registry.queries import household_file, household_on, households_of, members_on
from tuodi.base import outbox
from tuodi.base.models import Announcement, AuditEvent, User
from tuodi.batch.columns import SETTLEMENTS
from tuodi.batch.reading import read_all
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return assemble()


@pytest.fixture
def home(cast, monkeypatch):
    monkeypatch.setitem(outbox.SUBSCRIBERS, "household:changed", [lambda data: None])
    JoinHousehold(
        actor=cast.chen, psn_no="P0001", number="F1", new_area="610902", first=date(2023, 1, 1), is_head=True
    ).run()
    JoinHousehold(actor=cast.chen, psn_no="P0002", number="F1", first=date(2023, 6, 1)).run()
    return cast


def test_members_are_those_of_the_day(home):
    assert [row.person.psn_no for row in members_on(home.chen, "F1", date(2023, 3, 1))] == ["P0001"]
    assert [row.person.psn_no for row in members_on(home.chen, "F1", date(2023, 7, 1))] == ["P0001", "P0002"]
    assert members_on(home.outsider, "F1", date(2023, 7, 1)) == []
    assert [household_on("P0002", day) for day in (date(2023, 5, 31), date(2023, 6, 1))] == ["", "F1"]
    assert AuditEvent.objects.filter(verb="household:change").count() == 2
    assert Announcement.objects.filter(fact="household:changed").count() == 2


def test_a_day_belongs_to_one_household(home):
    with pytest.raises(InputErrors, match="E-REG-MEMBER"):
        JoinHousehold(actor=home.chen, psn_no="P0002", number="F2", new_area="610902", first=date(2023, 1, 1)).run()
    assert not Household.objects.filter(number="F2").exists()
    LeaveHousehold(actor=home.chen, psn_no="P0002", number="F1", last=date(2023, 12, 31)).run()
    with pytest.raises(InputErrors, match="E-REG-HOUSEHOLD-EXISTS"):
        JoinHousehold(actor=home.chen, psn_no="P0002", number="F1", new_area="610902", first=date(2024, 1, 1)).run()


def test_leaving_ends_the_membership_and_keeps_the_row(home):
    LeaveHousehold(actor=home.chen, psn_no="P0002", number="F1", last=date(2023, 12, 31)).run()
    assert [household_on("P0002", day) for day in (date(2023, 12, 31), date(2024, 1, 1))] == ["F1", ""]
    assert Membership.objects.filter(person=home.li).count() == 2
    with pytest.raises(InputErrors, match="E-REG-NOT-MEMBER"):
        LeaveHousehold(actor=home.chen, psn_no="P0002", number="F1", last=date(2024, 6, 1)).run()


def test_a_split_moves_those_who_leave_from_the_day(home):
    SplitHousehold(
        actor=home.chen, number="F1", new_number="F9", psn_nos=["P0002"], head="P0002", first=date(2024, 1, 1)
    ).run()
    assert [household_on("P0002", day) for day in (date(2023, 12, 31), date(2024, 1, 1))] == ["F1", "F9"]
    assert household_on("P0001", date(2024, 1, 1)) == "F1"
    assert members_on(home.chen, "F9", date(2024, 1, 1))[0].is_head
    with pytest.raises(InputErrors, match="E-REG-NOT-MEMBER"):
        SplitHousehold(
            actor=home.chen, number="F1", new_number="F8", psn_nos=["P0002"], head="P0002", first=date(2024, 2, 1)
        ).run()


def test_a_move_takes_the_members_along_and_keeps_where_they_were(home):
    MoveHousehold(actor=home.chen, number="F1", area_code="610921", first=date(2024, 1, 1)).run()
    home.wang.refresh_from_db()
    assert home.wang.residence_area == "610921"
    assert where(home) == [("610902", date(2023, 1, 1), date(2023, 12, 31)), ("610921", date(2024, 1, 1), None)]
    assert Household.objects.get(number="F1").places.count() == 3, "the place without an end stays, withdrawn"
    with pytest.raises(Http404):
        MoveHousehold(actor=home.chen, number="F1", area_code="610902", first=date(2024, 2, 1)).run()


def test_a_move_is_dated_after_the_last_one_not_later_than_today_and_to_another_place(home):
    for day, area, code in (
        (date(2023, 1, 1), "610921", "E-REG-MOVE-DAY"), (date(2999, 1, 1), "610921", "E-REG-MOVE-DAY"), (date(2024, 1, 1), "610902", "E-REG-SAME-AREA"),
    ):  # fmt: skip
        with pytest.raises(InputErrors, match=code):
            MoveHousehold(actor=home.chen, number="F1", area_code=area, first=day).run()


def where(home):
    rows = Household.objects.get(number="F1").places.filter(withdrawn_at__isnull=True)
    return list(rows.order_by("first").values_list("area_code", "first", "last"))


def moved_wrongly(home):
    """王奶奶's household is sent to another county by mistake; returns the place."""
    Person.objects.filter(pk=home.wang.pk).update(residence_area="610902003")
    return MoveHousehold(actor=home.chen, number="F1", area_code="610921", first=date(2024, 1, 1)).run()


def test_a_move_out_of_sight_is_corrected_by_who_could_enter_it_and_the_members_go_along(home):
    place = moved_wrongly(home)
    for area, day, code in (
        ("610921", date(2024, 1, 1), "NO-CHANGE"), ("610902", date(2024, 1, 1), "SAME-AREA"),
        ("610902001", date(2023, 1, 1), "MOVE-DAY"), ("610902001", date(2999, 1, 1), "MOVE-DAY"),
    ):  # fmt: skip
        with pytest.raises(InputErrors, match=code):
            CorrectHouseholdMove(actor=home.chen, place_id=place.pk, facts={"area_code": area, "first": day}).run()
    facts = {"area_code": "610902001", "first": date(2024, 3, 1)}
    made = CorrectHouseholdMove(actor=home.chen, place_id=place.pk, facts=facts).run()
    assert where(home) == [("610902", date(2023, 1, 1), date(2024, 2, 29)), ("610902001", date(2024, 3, 1), None)]
    assert Household.objects.get(number="F1").area_code == "610902001"
    assert (made.replaces_id, Person.objects.get(pk=home.wang.pk).residence_area) == (place.pk, "610902001")
    told = AuditEvent.objects.filter(verb="household:change").latest("pk")
    assert (told.subject_id, told.data["from"], told.data["to"], told.data["replaces_place"]) == (
        "F1", "610902", "610902001", place.pk,
    )  # fmt: skip
    with pytest.raises(InputErrors, match="E-REG-NOT-LAST-MOVE"):
        CorrectHouseholdMove(actor=home.chen, place_id=place.pk, facts=None).run()


@pytest.mark.parametrize("is_corrected_first", [False, True])
def test_a_move_that_was_none_is_voided_and_everybody_lives_where_they_lived(home, is_corrected_first):
    place = moved_wrongly(home)
    if is_corrected_first:
        facts = {"area_code": "610922", "first": date(2024, 2, 1)}
        place = CorrectHouseholdMove(actor=home.chen, place_id=place.pk, facts=facts).run()
    CorrectHouseholdMove(actor=home.chen, place_id=place.pk, facts=None).run()
    assert where(home) == [("610902", date(2023, 1, 1), None)]
    assert Household.objects.get(number="F1").area_code == "610902"
    assert Person.objects.get(pk=home.wang.pk).residence_area == "610902003"
    MoveHousehold(actor=home.chen, number="F1", area_code="610902001", first=date(2024, 1, 1)).run()
    assert where(home)[1] == ("610902001", date(2024, 1, 1), None)


def test_who_lives_elsewhere_since_the_move_is_left_there(home):
    place = moved_wrongly(home)
    Person.objects.filter(pk=home.wang.pk).update(residence_area="610923")
    CorrectHouseholdMove(actor=home.chen, place_id=place.pk, facts=None).run()
    assert Person.objects.get(pk=home.wang.pk).residence_area == "610923"


def test_only_the_last_move_is_corrected_and_only_by_the_area_that_it_left(home):
    first = Household.objects.get(number="F1").places.get()
    place = moved_wrongly(home)
    with pytest.raises(InputErrors, match="E-REG-NOT-LAST-MOVE"):
        CorrectHouseholdMove(actor=home.chen, place_id=first.pk, facts=None).run()
    User.objects.filter(pk=home.chen.pk).update(area_code="610921")
    with pytest.raises(PermissionDenied):
        CorrectHouseholdMove(actor=User.objects.get(pk=home.chen.pk), place_id=place.pk, facts=None).run()
    with pytest.raises(Http404):
        CorrectHouseholdMove(actor=home.outsider, place_id=place.pk, facts=None).run()
    with pytest.raises(DatabaseError), transaction.atomic():
        Household.objects.get(number="F1").places.update(area_code="610923")


def test_the_head_of_a_split_is_one_of_those_who_leave(home):
    with pytest.raises(InputErrors, match="E-REG-HEAD"):
        SplitHousehold(
            actor=home.chen, number="F1", new_number="F9", psn_nos=["P0002"], head="P0001", first=date(2024, 1, 1)
        ).run()


@pytest.fixture
def neighbours(home):
    """A second household, of 王奶奶's, so that 李叔 can go between two."""
    LeaveHousehold(actor=home.chen, psn_no="P0001", number="F1", last=date(2023, 8, 31)).run()
    JoinHousehold(actor=home.chen, psn_no="P0001", number="F2", new_area="610902", first=date(2023, 9, 1)).run()
    return home


def test_a_member_moves_to_another_household_without_a_day_between(neighbours):
    MoveMember(actor=neighbours.chen, psn_no="P0002", number="F2", first=date(2024, 1, 1)).run()
    assert households_of("P0002") == [
        (date(2023, 6, 1), date(2023, 12, 31), "F1"), (date(2024, 1, 1), None, "F2"),
    ]  # fmt: skip
    told = AuditEvent.objects.filter(verb="household:change").order_by("-pk").first()
    assert (told.data["from"], told.data["household"]) == ("F1", "F2")
    with pytest.raises(InputErrors, match="E-REG-MEMBER"):
        MoveMember(actor=neighbours.chen, psn_no="P0002", number="F2", first=date(2024, 2, 1)).run()
    with pytest.raises(InputErrors, match="E-REG-NO-HOUSEHOLD"):
        MoveMember(actor=neighbours.chen, psn_no="P0002", number="F1", first=date(2020, 1, 1)).run()


def test_a_merged_record_moves_with_the_one_that_was_kept(neighbours):
    MergePeople(actor=neighbours.registrar, psn_no="P0002", into="P0001").run()
    LeaveHousehold(actor=neighbours.chen, psn_no="P0001", number="F1", last=date(2023, 12, 31)).run()
    assert Membership.objects.get(person=neighbours.li, withdrawn_at__isnull=True).last == date(2023, 12, 31)


def test_a_leaving_entered_wrongly_is_put_right_and_stays_to_be_seen(home):
    LeaveHousehold(actor=home.chen, psn_no="P0002", number="F1", last=date(2023, 7, 31)).run()
    wrong = Membership.objects.get(person=home.li, withdrawn_at__isnull=True)
    for facts, code in (({"last": wrong.last}, "E-REG-NO-CHANGE"), ({"last": date(2020, 1, 1)}, "E-REG-PERIOD")):
        with pytest.raises(InputErrors, match=code):
            CorrectMembership(actor=home.chen, membership_id=wrong.pk, facts=facts).run()
    CorrectMembership(actor=home.chen, membership_id=wrong.pk, facts={"last": None}).run()
    assert households_of("P0002") == [(date(2023, 6, 1), None, "F1")]
    assert Membership.objects.filter(person=home.li).count() == 3
    with pytest.raises(InputErrors, match="E-REG-WITHDRAWN"):
        CorrectMembership(actor=home.chen, membership_id=wrong.pk, facts=None).run()
    file = household_file(Household.objects.get(number="F1"), home.chen, date(2024, 1, 1), with_withdrawn=True)
    assert (len(file.members), len(file.others)) == (2, 2)
    assert len(household_file(file.household, home.chen, date(2024, 1, 1)).others) == 0
    told = AuditEvent.objects.filter(verb="household:change").order_by("-pk").first()
    assert (told.data["replaces"], told.data["changed"]) == (wrong.pk, ["last"])


def test_a_correction_neither_meets_another_household_nor_outlives_a_death(neighbours):
    held = Membership.objects.get(person=neighbours.wang, household__number="F1", withdrawn_at__isnull=True)
    with pytest.raises(InputErrors, match="E-REG-MEMBER"):
        CorrectMembership(actor=neighbours.chen, membership_id=held.pk, facts={"last": None}).run()
    RecordDeath(actor=neighbours.chen, psn_no="P0002", day=date(2024, 1, 1), ends_identities=False).run()
    ended = Membership.objects.get(person=neighbours.li, withdrawn_at__isnull=True)
    with pytest.raises(InputErrors, match="E-REG-DEAD"):
        CorrectMembership(actor=neighbours.chen, membership_id=ended.pk, facts={"last": None}).run()
    CorrectMembership(actor=neighbours.chen, membership_id=ended.pk, facts=None).run()
    assert households_of("P0002") == []


def test_the_wrong_job_and_another_area(home):
    with pytest.raises(PermissionDenied):
        LeaveHousehold(actor=home.auditor, psn_no="P0002", number="F1", last=date(2024, 1, 1)).run()
    with pytest.raises(Http404):
        LeaveHousehold(actor=home.outsider, psn_no="P0002", number="F1", last=date(2024, 1, 1)).run()


@pytest.mark.parametrize("number", ["F 1", "一，二", '"F"', "F1\u3000", "", "F;1", "Ｆ１"])
def test_a_number_that_files_of_exchange_refuse_is_no_households(home, number):
    with pytest.raises(InputErrors, match="E-REG-HOUSEHOLD-NUMBER"):
        SplitHousehold(
            actor=home.chen, number="F1", new_number=number, psn_nos=["P0002"], head="P0002", first=date(2024, 1, 1)
        ).run()
    assert list(Household.objects.values_list("number", flat=True)) == ["F1"]


def test_a_number_that_a_household_may_have_is_one_that_files_of_exchange_hold(home, tmp_path):
    number = "汉滨-1_a.b:c/d#e|f(g)@h"
    SplitHousehold(
        actor=home.chen, number="F1", new_number=number, psn_nos=["P0002"], head="P0002", first=date(2024, 1, 1)
    ).run()
    row = "setl_id,psn_no,fixmedins_code,med_type,begndate,enddate,setl_time,diag_code,medfee_sumamt,fulamt_ownpay_amt,overlmt_selfpay,"
    row += f"preselfpay_amt,inscp_scp_amt,household\nS1,P1,H1,21,2024-01-01,2024-01-02,2024-01-02 10:00:00,J18.9,1,0,0,0,1,{number}\n"
    (tmp_path / "bills.csv").write_text(row, "utf-8")
    assert read_all(tmp_path / "bills.csv", SETTLEMENTS)[0]["household"].to_list() == [number]
