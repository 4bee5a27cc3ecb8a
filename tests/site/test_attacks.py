"""What an outsider, or somebody with a small job, tries: nothing of it works."""

from datetime import date

import pytest
from django.contrib.auth import hashers
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client

from tests.apps.cast import PASSWORD, assemble, bill
from tests.site.entering import enter, give_password, log_in, phone, set_up_second_factor
from tuodi.apps.accounts.actions import AddAccount
from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.models import BooksCheck
from tuodi.base import access
from tuodi.base.models import User
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db
SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


def test_a_form_from_another_site_is_refused(cast):
    client = Client(enforce_csrf_checks=True)
    enter(client, cast.chen)
    for path in ("/settlements/find/", "/counter/", "/accounts/logout/", "/users/new/", "/institutions/new/"):
        assert client.post(path, {"text": "P0001"}).status_code == 403, path


def test_a_session_that_was_planted_is_not_the_one_that_is_used(client, cast):
    give_password(cast.chen)
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key
    log_in(client, cast.chen)
    assert client.cookies["sessionid"].value != session.session_key


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"])
def test_nobody_is_led_away_after_logging_in(client, cast, to):
    give_password(cast.chen)
    answer = client.post("/accounts/login/", {"login": "chen", "password": PASSWORD, "next": to})
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    assert "javascript" not in answer["Location"]


def test_another_host_is_refused(client):
    for host in ("evil.example", "localhost.evil.example", "localhost@evil.example"):
        assert client.get("/accounts/login/", headers={"host": host}).status_code == 400


def test_cookies_are_not_for_scripts(client, cast, settings):
    give_password(cast.chen)
    log_in(client, cast.chen)
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_password_alone_opens_no_page(client, cast):
    give_password(cast.chen)
    log_in(client, cast.chen)
    set_up_second_factor(client)
    client.logout()
    answer = log_in(client, cast.chen)
    assert "2fa/authenticate" in answer["Location"]
    for path in ("/", "/settlements/", "/people/", "/accounts/2fa/totp/deactivate/", "/accounts/password/change/"):
        assert client.get(path)["Location"].startswith("/accounts/"), path


def test_codes_of_the_second_factor_cannot_be_tried_for_long_nor_used_twice(client, cast):
    give_password(cast.chen)
    log_in(client, cast.chen)
    secret = set_up_second_factor(client)
    client.logout()
    log_in(client, cast.chen)
    said = [client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode() for _ in range(12)]
    assert "验证码不对，或已经用过、过了时" in said[0]
    assert "请系统管理员在“账号管理”里重设第二重验证" in said[0], "the way out for who lost the phone"
    assert "暂时不能再试。请等 5 分钟" in said[-1]
    client.post("/accounts/2fa/authenticate/", {"code": phone(secret)})
    assert client.get("/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("spelled", ["chen", "CHEN", "Chen", " chen ", "ｃｈｅｎ"])
def test_the_lock_holds_however_the_name_is_spelled(client, cast, spelled):
    give_password(cast.chen)
    for n in range(12):
        client.post("/accounts/login/", {"login": ("chen", "CHEN", "Chen", "cHen")[n % 4], "password": "wrong"})
    assert log_in(client, User(username=spelled)).status_code != 302
    assert "_auth_user_id" not in client.session


def test_nobody_elsewhere_locks_a_person_out(client, cast):
    give_password(cast.chen)
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    for n in range(30):
        elsewhere.post("/accounts/login/", {"login": ("chen", "CHEN", " ｃhen")[n % 3], "password": "wrong"})
    assert log_in(elsewhere, cast.chen).status_code != 302
    assert log_in(client, cast.chen).status_code == 302


def test_a_forged_address_gives_no_more_attempts(cast):
    give_password(cast.chen)
    for n in range(12):
        forger = Client(headers={"x-forwarded-for": f"198.51.100.{n}", "x-real-ip": f"198.51.100.{n}"})
        forger.post("/accounts/login/", {"login": "chen", "password": "wrong"})
    assert log_in(Client(headers={"x-forwarded-for": "198.51.100.99"}), cast.chen).status_code != 302


def test_an_unknown_name_is_answered_like_a_wrong_password_and_costs_as_much(client, cast, monkeypatch):
    give_password(cast.chen)
    hashed = []
    for kind in {type(hashers.get_hasher())}:
        real = kind.encode
        monkeypatch.setattr(kind, "encode", lambda *a, _real=real, **k: hashed.append(1) or _real(*a, **k))
    said, costs = [], []
    for name in ("chen", "nobody", "system"):
        hashed.clear()
        cache.clear()
        page = client.post("/accounts/login/", {"login": name, "password": "wrong-wrong-1"}).content.decode()
        said.append(page.split("<form")[0].replace(name, ""))
        costs.append(len(hashed))
    assert len(set(costs)) == 1, costs
    assert len(set(said)) == 1


def test_a_counter_settles_for_its_own_institution_only(cast):
    with pytest.raises(PermissionDenied):
        Settle(actor=cast.sun, bill=bill("A", date(2023, 3, 1), 1000)).run()


def test_what_people_are_called_is_text_on_every_page(client, cast):
    done = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 1000)).run().bill
    for row in (cast.wang, cast.hospital, *cast.users.values()):
        row.name = SCRIPT[:50]
        row.save(update_fields=["name"])
    enter(client, User.objects.get(username="chen"))
    for path in ("/", "/settlements/", f"/settlements/{done.pk}/", f"/settlements/{done.pk}/statement/", f"/people/{cast.wang.pk}/",
                 "/institutions/", f"/institutions/{cast.hospital.pk}/", "/settlements/export.csv"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        said = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        if not path.endswith(".csv"):
            assert "<script>alert" not in said, path
            assert "<img src=x" not in said, path


def test_a_town_s_account_sees_its_town_and_not_the_province(client, cast):
    """The noughts at the end of a town's twelve digits are its villages."""
    town = User.objects.create(username="town", password="!", name="镇", role="town_clerk", area_code="610902100000")
    assert list(access.visible(town, Person)) == []
    cast.wang.residence_area = "610902100003"
    cast.wang.save(update_fields=["residence_area"])
    assert list(access.visible(town, Person)) == [cast.wang]


@pytest.mark.parametrize("code", ["6109020000", "61090200", "6109020", "610000000000", "610900", "", "61"])
def test_nobody_makes_an_account_that_sees_more_than_the_own(cast, code):
    cast.admin.area_code = "610902"
    with pytest.raises(InputErrors, match="E-ACCOUNT-AREA"):
        AddAccount(actor=cast.admin, username="wider", name="某人", role="auditor", area_code=code).run()


def test_an_account_without_an_area_sees_nothing(cast):
    for role in sorted(set(access.ROLES) - {"hospital"}):
        lost = User(username="lost", name="某人", role=role, area_code="")
        for model in access.SCOPES:
            held = access.visible(lost, model)
            if model not in (BooksCheck, Institution):
                assert not held.exists(), (role, model)
