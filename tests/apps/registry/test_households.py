"""Households: joining, leaving, splitting, moving; a day belongs to one household."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.apps.cast import assemble
from tuodi.apps.registry.actions.households import (
    JoinHousehold,
    LeaveHousehold,
    MoveHousehold,
    SplitHousehold,
)
from tuodi.apps.registry.models import Household, Membership
from tuodi.apps.registry.queries import household_on, members_on
from tuodi.base import outbox
from tuodi.base.models import Announcement, AuditEvent
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
    assert list(Household.objects.get(number="F1").places.order_by("first").values_list("area_code", "last")) == [
        ("610902", date(2023, 12, 31)), ("610921", None),
    ]  # fmt: skip
    with pytest.raises(Http404):
        MoveHousehold(actor=home.chen, number="F1", area_code="610902", first=date(2024, 2, 1)).run()


def test_the_wrong_job_and_another_area(home):
    with pytest.raises(PermissionDenied):
        LeaveHousehold(actor=home.auditor, psn_no="P0002", number="F1", last=date(2024, 1, 1)).run()
    with pytest.raises(Http404):
        LeaveHousehold(actor=home.outsider, psn_no="P0002", number="F1", last=date(2024, 1, 1)).run()
