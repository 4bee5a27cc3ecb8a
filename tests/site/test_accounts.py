"""Getting in: password and second factor, locks, limits of a session, and what is recorded of it."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache

from tests.apps.cast import PASSWORD, assemble
from tests.site.entering import acting, enter, give_password, log_in, phone, set_up_second_factor
from tuodi.base import clock
from tuodi.base.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def zhao(cast):
    give_password(cast.zhao)
    return cast.zhao


def test_a_login_without_a_name_or_a_password_says_both(client, db):
    page = client.post("/accounts/login/", {"login": "", "password": ""}).content.decode()
    assert [page.count(f'id="id_{name}_error">这一项必填') for name in ("login", "password")] == [1, 1]


def test_nobody_works_before_a_second_factor_is_set_up(client, zhao):
    assert log_in(client, zhao).status_code == 302
    for path in ("/", "/counter/", "/settlements/"):
        assert client.get(path)["Location"] == "/accounts/2fa/totp/activate/"
    set_up_second_factor(client)
    assert client.get("/counter/").status_code == 200
    assert Authenticator.objects.filter(user=zhao).count() == 2


def test_the_second_time_the_code_is_asked_for_and_a_wrong_one_refused(client, zhao):
    log_in(client, zhao)
    secret = set_up_second_factor(client)
    client.post("/accounts/logout/")
    cache.clear()
    assert log_in(client, zhao)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/counter/")["Location"].startswith("/accounts/login/")
    assert "wrong" in client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert client.post("/accounts/2fa/authenticate/", {"code": phone(secret)})["Location"] == "/"
    assert client.get("/counter/").status_code == 200


def test_a_recovery_code_works_once(client, zhao):
    log_in(client, zhao)
    set_up_second_factor(client)
    with acting(zhao):
        code = Authenticator.objects.get(user=zhao, type="recovery_codes").wrap().get_unused_codes()[0]
    for expected in (302, 200):
        client.post("/accounts/logout/")
        log_in(client, zhao)
        assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == expected


def test_setting_up_shows_the_recovery_codes_next(client, zhao):
    log_in(client, zhao)
    set_up_second_factor(client)
    assert client.get("/accounts/2fa/recovery-codes/").content.decode().count("<li>") == 10


def test_the_secret_is_sealed_in_the_database(client, zhao):
    log_in(client, zhao)
    secret = set_up_second_factor(client)
    for row in Authenticator.objects.filter(user=zhao):
        assert secret not in str(row.data)
    with acting(zhao):
        assert Authenticator.objects.get(user=zhao, type="totp").wrap().validate_code(phone(secret)) in (True, False)


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(client, zhao):
    answers = [log_in(client, zhao, password="wrong-wrong-1").status_code for _ in range(5)]
    assert answers == [200] * 4 + [429]
    locked = log_in(client, zhao)
    assert locked.status_code == 429
    assert "暂时锁定" in locked.content.decode()


def test_a_first_password_must_be_changed(client, zhao):
    zhao.must_change_password = True
    zhao.save(update_fields=["must_change_password"])
    log_in(client, zhao)
    assert client.get("/")["Location"] == "/accounts/password/change/"
    new = "another-long-one-2"
    sent = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert sent.status_code == 302, sent.content.decode()
    zhao.refresh_from_db()
    assert not zhao.must_change_password
    assert zhao.check_password(new)
    assert AuditEvent.objects.filter(verb="account:changed_password", subject_id=str(zhao.pk)).exists()


@pytest.mark.parametrize("weak", ["short1", "12345678901234", "password123"])
def test_weak_passwords_are_refused(client, zhao, weak):
    enter(client, zhao)
    sent = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": weak, "password2": weak})
    assert sent.status_code == 200
    assert "wrong" in sent.content.decode()


@pytest.mark.parametrize(
    ("minutes", "steps"), [(31, 1), (20, 25)], ids=["unused for half an hour", "a whole working day"]
)
def test_a_session_ends(client, zhao, minutes, steps):
    enter(client, zhao)
    began = clock.now()
    assert client.get("/").status_code == 200
    for step in range(1, steps + 1):
        with clock.set_to(began + timedelta(minutes=minutes * step)):
            last = client.get("/")
            ended = step * minutes > 8 * 60 or minutes > 30
            assert last.status_code == (302 if ended else 200), step
    assert last["Location"] == "/accounts/login/"


def test_coming_and_going_is_recorded_without_names(client, zhao, django_capture_on_commit_callbacks):
    log_in(client, zhao)
    with django_capture_on_commit_callbacks(execute=True):
        set_up_second_factor(client)
    client.post("/accounts/logout/")
    rows = AuditEvent.objects.filter(subject="account")
    assert set(rows.values_list("verb", flat=True)) >= {
        "account:logged_in",
        "account:logged_out",
        "account:added_second_factor",
    }
    assert not any(zhao.name in str(row.data) for row in rows)


def test_accounts_that_cannot_log_in(client, cast, zhao):
    assert log_in(client, cast.system).status_code == 200
    zhao.is_active = False
    zhao.save(update_fields=["is_active"])
    assert log_in(client, zhao)["Location"] == "/accounts/inactive/"
    assert client.get("/counter/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "path",
    ["2fa/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/", "2fa/totp/deactivate/", "password/change/", "reauthenticate/",
     "2fa/reauthenticate/", "logout/"],
)  # fmt: skip
def test_the_pages_of_an_account_are_in_chinese(client, zhao, path):
    log_in(client, zhao)
    set_up_second_factor(client)
    page = client.get(f"/accounts/{path}", follow=True).content.decode()
    shown = re.sub(r"<[^>]+>", " ", page.split("<main", 1)[1].split(">", 1)[1].split("</main>")[0])
    assert not re.search(r"[A-Za-z]{4,}", shown), shown
