"""Accounts: what an administrator may do in the own area, what nobody may, and that each leaves its row."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client

from tests.apps.cast import assemble
from tests.site.entering import enter, give_password, log_in
from tuodi.apps.accounts.actions import (
    AddAccount,
    Deactivate,
    Reactivate,
    ResetPassword,
    ResetSecondFactor,
    Unlock,
)
from tuodi.apps.accounts.queries import accounts_for, ordered
from tuodi.base import clock
from tuodi.base.models import AuditEvent, User
from tuodi.base.system import system_user
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db
NEW = {"username": "qian", "name": "钱工", "role": "county_clerk", "area_code": "610902"}


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def lower(cast):
    """An administrator of the county only."""
    return User.objects.create(
        username="lower", password="!", name="县管理员", role="administrator", area_code="610902"
    )


def codes(raised) -> list[str]:
    return [fault.code for fault in raised.value.faults]


def test_an_account_begins_with_a_password_that_must_be_changed(cast, client):
    given = AddAccount(actor=cast.admin, **NEW).run()
    assert re.fullmatch(r"([a-z2-9]{4}-){2}[a-z2-9]{4}", given.password)
    assert given.password not in given.user.password
    log_in(client, given.user, password=given.password)
    assert client.get("/")["Location"] == "/accounts/password/change/"
    row = AuditEvent.objects.get(verb="account:add")
    assert (row.subject_id, row.area_code, row.actor) == (str(given.user.pk), "610902", cast.admin)
    assert row.data == {"role": "county_clerk", "area": "610902", "institution": ""}


@pytest.mark.parametrize("role", ["auditor", "county_approver", "hospital", "registry_clerk"])
def test_only_an_administrator_adds(cast, role):
    with pytest.raises(PermissionDenied):
        AddAccount(actor=User.objects.filter(role=role).first(), **NEW).run()
    assert not User.objects.filter(username="qian").exists()


@pytest.mark.parametrize("area", ["320902", "610900", "610903", "000000", "", "61", "6109020000001", "61090x"])
def test_nobody_is_added_outside_or_above_the_own_area(cast, lower, area):
    with pytest.raises(InputErrors) as raised:
        AddAccount(actor=lower, **{**NEW, "role": "administrator", "area_code": area}).run()
    assert codes(raised) == ["E-ACCOUNT-AREA"]


def test_every_fault_is_told_at_once(cast):
    wrong = {"username": "Q", "name": " ", "role": "system", "area_code": "320902", "password": "short"}
    with pytest.raises(InputErrors) as raised:
        AddAccount(actor=cast.admin, **wrong).run()
    assert codes(raised) == [
        "E-ACCOUNT-USERNAME", "E-ACCOUNT-NAME", "E-ACCOUNT-ROLE", "E-ACCOUNT-AREA", "E-ACCOUNT-PASSWORD",
    ]  # fmt: skip
    with pytest.raises(InputErrors) as raised:
        AddAccount(actor=cast.admin, **{**NEW, "username": "zhao"}).run()
    assert codes(raised) == ["E-ACCOUNT-TAKEN"]


def test_a_counter_is_bound_to_a_registered_institution_and_nobody_else_is(cast):
    counter = {**NEW, "role": "hospital", "institution_code": "h61090200001"}
    assert AddAccount(actor=cast.admin, **counter).run().user.institution_code == "H61090200001"
    for wrong, code in (
        ({**counter, "institution_code": ""}, "E-ACCOUNT-UNBOUND"),
        ({**counter, "area_code": "610903"}, "E-ACCOUNT-INSTITUTION"),
        ({**counter, "role": "finance"}, "E-ACCOUNT-NO-INSTITUTION"),
    ):
        with pytest.raises(InputErrors) as raised:
            AddAccount(actor=cast.admin, **{**wrong, "username": "other"}).run()
        assert codes(raised) == [code]


def test_a_deactivated_account_is_out_at_once_and_can_come_back(cast, client):
    enter(client, cast.chen)
    assert client.get("/").status_code == 200
    Deactivate(actor=cast.admin, account=cast.chen).run()
    assert client.get("/").status_code == 302
    with pytest.raises(InputErrors) as raised:
        Deactivate(actor=cast.admin, account=cast.chen).run()
    assert codes(raised) == ["E-ACCOUNT-STATE"]
    Reactivate(actor=cast.admin, account=cast.chen).run()
    cast.chen.refresh_from_db()
    assert cast.chen.is_active
    verbs = AuditEvent.objects.filter(subject_id=str(cast.chen.pk), subject="account").values_list("verb", flat=True)
    assert {"account:deactivate", "account:reactivate"} <= set(verbs)


@pytest.mark.parametrize("action", [Deactivate, Reactivate, ResetPassword, ResetSecondFactor, Unlock])
def test_nobody_acts_on_the_own_account_nor_above_nor_elsewhere(cast, lower, action):
    with pytest.raises(InputErrors) as raised:
        action(actor=cast.admin, account=cast.admin).run()
    assert codes(raised) == ["E-ACCOUNT-SELF"]
    for other in (cast.admin, cast.outsider, cast.system):
        with pytest.raises(Http404):
            action(actor=lower, account=other).run()
    with pytest.raises(PermissionDenied):
        action(actor=cast.auditor, account=cast.chen).run()
    with pytest.raises(PermissionDenied):
        action(actor=cast.chen, account=cast.zhou).run()


def test_the_last_administrator_stays(cast, lower):
    Deactivate(actor=system_user(), account=lower).run()
    with pytest.raises(InputErrors) as raised:
        Deactivate(actor=system_user(), account=cast.admin).run()
    assert codes(raised) == ["E-ACCOUNT-LAST-ADMINISTRATOR"]
    Reactivate(actor=cast.admin, account=lower).run()
    with pytest.raises(InputErrors):
        Deactivate(actor=system_user(), account=cast.admin).run()


def test_an_administrator_who_was_just_deactivated_does_nothing_more(cast, lower):
    User.objects.filter(pk=cast.admin.pk).update(is_active=False)
    assert cast.admin.is_active
    with pytest.raises(PermissionDenied):
        Deactivate(actor=cast.admin, account=lower).run()


def test_a_reset_password_ends_sessions_and_lifts_the_lock(cast, client):
    give_password(cast.chen)
    enter(client, cast.chen)
    elsewhere = Client()
    for _ in range(6):
        log_in(elsewhere, cast.chen, password="wrong-wrong-1")
    assert accounts_for(cast.admin, state="locked").get() == cast.chen
    given = ResetPassword(actor=cast.admin, account=cast.chen).run()
    assert client.get("/counter/").status_code == 302
    assert not accounts_for(cast.admin, state="locked").exists()
    assert log_in(client, cast.chen, password=given.password)["Location"] == "/accounts/2fa/authenticate/"
    with pytest.raises(InputErrors) as raised:
        ResetPassword(actor=cast.admin, account=cast.chen, password="12345678901").run()
    assert codes(raised) == ["E-ACCOUNT-PASSWORD"]


def test_a_lock_is_lifted_and_ends_by_itself(cast, client):
    give_password(cast.chen)
    for _ in range(6):
        locked = log_in(client, cast.chen, password="wrong-wrong-1")
    assert locked.status_code == 429
    with clock.set_to(clock.now() + timedelta(minutes=16)):
        assert not accounts_for(cast.admin, state="locked").exists()
    Unlock(actor=cast.admin, account=cast.chen).run()
    assert not AccessAttempt.objects.filter(username="chen").exists()
    assert log_in(client, cast.chen).status_code == 302


def test_a_lost_second_factor_is_set_up_anew(cast, client):
    with pytest.raises(InputErrors) as raised:
        ResetSecondFactor(actor=cast.admin, account=cast.chen).run()
    assert codes(raised) == ["E-ACCOUNT-NO-SECOND-FACTOR"]
    enter(client, cast.chen)
    ResetSecondFactor(actor=cast.admin, account=cast.chen).run()
    assert client.get("/counter/")["Location"] == "/accounts/2fa/totp/activate/"


def test_the_list_is_of_the_own_area_searched_and_narrowed(cast, lower):
    seen = set(accounts_for(lower).values_list("username", flat=True))
    assert seen == {"lower", "chen", "zhou", "zhao", "sun", "registrar"}
    assert "system" not in set(accounts_for(cast.admin).values_list("username", flat=True))
    assert [u.username for u in accounts_for(cast.admin, text="赵")] == ["zhao"]
    assert [u.username for u in accounts_for(cast.admin, text="h61090200002")] == ["sun"]
    assert {u.username for u in accounts_for(cast.admin, role="hospital", state="bare")} == {"zhao", "sun"}
    assert next(u.username for u in ordered(accounts_for(lower), "-username")) == "zhou"
    with pytest.raises(PermissionDenied):
        accounts_for(cast.chen)


def test_the_pages_add_and_show_the_password_once(cast, client):
    enter(client, cast.admin)
    made = client.post("/users/new/", {**NEW, "institution_code": ""}).content.decode()
    user = User.objects.get(username="qian")
    password = re.search(r'secret mono">([^<]+)<', made)[1]
    assert user.check_password(password)
    assert password not in client.get(f"/users/{user.pk}/").content.decode()
    again = client.post("/users/new/", {**NEW, "institution_code": ""}).content.decode()
    assert "已经有人使用" in again
    reset = client.post(f"/users/{user.pk}/password/").content.decode()
    assert "密码已重设" in reset
    assert client.post(f"/users/{user.pk}/deactivate/")["Location"] == f"/users/{user.pk}/"
    assert "已停用" in client.get(f"/users/{user.pk}/").content.decode()
    assert client.post(f"/users/{user.pk}/delete/").status_code == 404
    assert "不能对自己的账号办理" in client.post(f"/users/{cast.admin.pk}/deactivate/").content.decode()
    assert "qian" in client.post("/users/", {"text": "qia"}).content.decode()
