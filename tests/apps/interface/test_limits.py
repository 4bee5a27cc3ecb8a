"""What no interface takes: too many calls, too large, too deep, not JSON, the wrong method; each with its own answer."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.apps.interface.client import bill, codes
from tuodi.apps.settlement.models import Bill, Exchange
from tuodi.base import clock, limits
from tuodi.base.models import CallCount

CALL = "/fsi/api/rsfComIfsService/callService"
AT = clock.instant(datetime(2026, 3, 1, 9, 0, 5))


@pytest.fixture
def client(cast):
    return Client()


@pytest.fixture
def minute():
    with clock.set_to(AT):
        yield


@pytest.fixture
def this_minute():
    """What follows happens in one minute, in which signatures of now hold."""
    with clock.set_to(clock.now().replace(second=5)):
        yield


def test_permits_are_counted_for_all_workers_and_begin_anew_each_minute(db, minute):
    def worker(calls):
        limits.HELD = limits.Permits()
        return [limits.take("test", "a", per_minute=10, block=4) for _ in range(calls)]

    before = limits.HELD
    try:
        assert worker(3) == [True] * 3
        assert worker(5) == [True] * 5  # Two blocks of four were drawn there, one permit of the first worker's is lost.
        assert CallCount.objects.get().drawn == 12
        assert worker(1) == [False]
        assert limits.take("test", "b", per_minute=10)
        assert limits.take("other", "a", per_minute=10)
        assert not any(row.who == "a" for row in CallCount.objects.all())
        with clock.set_to(AT + timedelta(minutes=7)):
            assert worker(1) == [True]
        assert CallCount.objects.count() == 1, "old counts are swept"
    finally:
        limits.HELD = before


def test_no_more_than_the_limit_is_permitted_whatever_the_block(db, minute):
    limits.HELD.left.clear()
    assert sum(limits.take("test", "c", per_minute=7, block=4) for _ in range(30)) == 7


def test_a_key_that_calls_too_often_waits_a_minute_at_either_interface(system, settings, this_minute):
    settings.TUODI_CALLS = 3
    assert [system.get("institution")[0] for _ in range(4)] == [200, 200, 200, 429]
    assert codes(system.get("institution")[1]) == {("E-CALL-LIMIT", "")}
    assert system.last["Retry-After"] == "60"
    body = system.envelope("9001", {"signIn": {"opter_no": "1"}})
    told = system.client.post(CALL, body, content_type="application/json", headers=system.headers())
    assert (told.status_code, told.json()["infcode"], told["Retry-After"]) == (429, -1, "60")
    assert "每分钟最多 3 次" in told.json()["err_msg"]


def test_wrong_signatures_of_one_address_are_limited_and_right_ones_are_not(system, client, settings, this_minute):
    settings.TUODI_UNSIGNED_CALLS = 2
    assert [client.get("/api/v1/institution").status_code for _ in range(3)] == [401, 401, 429]
    assert client.post(CALL, {}, content_type="application/json").status_code == 429
    assert system.get("institution")[0] == 200


def test_statements_are_verified_so_often_from_one_address(client, this_minute):
    from tuodi.apps.settlement.web import VERIFICATIONS

    told = [client.get("/verify/1-1-AAAAAAAAAA/").status_code for _ in range(VERIFICATIONS + 1)]
    assert told == [200] * VERIFICATIONS + [429]
    page = client.get("/verify/")
    assert (page.status_code, page["Retry-After"]) == (429, "60")
    assert "操作太频繁" in page.content.decode()


def test_signing_in_so_often_from_one_address_is_told_to_wait(client, cast):
    from django.core.cache import cache

    cache.clear()
    said = [client.post("/accounts/login/", {"login": f"nobody{n}", "password": "x"}) for n in range(31)]
    assert said[-1].status_code == 429
    assert "请稍等几分钟再试" in said[-1].content.decode()
    cache.clear()


def test_a_body_that_is_too_large_is_not_read(system):
    status, said = system.post("people/find", b" " * (64 * 1024 + 1))
    assert (status, codes(said)) == (413, {("E-MSG-LARGE", "")})
    told = system.client.post(
        CALL, b" " * (4 * 1024 * 1024 + 1), content_type="application/json", headers=system.headers()
    )
    assert (told.status_code, told.json()["infcode"]) == (413, -1)
    assert "E-MSG-LARGE" in told.json()["err_msg"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"number":', "E-MSG-JSON"), (b"\xff\xfe", "E-MSG-JSON"), (b'{"number": NaN}', "E-MSG-JSON"), (b" ", "E-MSG-JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "E-MSG-DEEP"), (b"[" * 30_000 + b"]" * 30_000, "E-MSG-JSON"),
        (b'{"number": "\\u0000"}', "E-MSG-TEXT"), (b'{"number": "\\ud800"}', "E-MSG-TEXT"), (b'{"number": ' + b"9" * 9000 + b"}", "E-MSG-JSON"),
    ],
    ids=["truncated", "not utf-8", "not a number", "empty", "deep", "very deep", "nul", "surrogate", "endless number"],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_told_so(system, body, code):
    status, said = system.post("people/find", body)
    assert (status, {one for one, _ in codes(said)}) == (400, {code})


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"'])
def test_a_body_that_is_no_object_is_told_so(system, body):
    status, said = system.post("people/find", body)
    assert status == 422
    assert {code for code, _ in codes(said)} <= {"E-API-KIND", "E-API-LACKS"}


@pytest.mark.parametrize("kind", ["text/html", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_what_is_not_json_is_not_taken(system, kind):
    status, said = system.post("people/find", {"number": "P0001"}, content_type=kind)
    assert (status, codes(said)) == (415, {("E-API-CONTENT", "")})
    told = system.client.generic("POST", CALL, b"{}", content_type=kind, headers=system.headers())
    assert (told.status_code, told.json()["infcode"]) == (415, -1)


def test_the_wrong_method_names_the_right_one(system):
    for method, path, allowed in (
        ("DELETE", "settlements", {"GET", "POST"}),
        ("GET", "people/find", {"POST"}),
        ("PUT", "openapi.json", {"GET"}),
    ):
        status, said = system.ask(method, path)
        assert (status, codes(said)) == (405, {("E-API-METHOD", "")})
        assert set(system.last["Allow"].replace(" ", "").split(",")) == allowed
    told = system.client.get(CALL)
    assert (told.status_code, told["Allow"], told.json()["infcode"]) == (405, "POST", -1)


def test_an_unknown_address_is_told_in_the_same_shape(system):
    status, said = system.get("people/P0001")
    assert (status, codes(said)) == (404, {("E-API-NOT-FOUND", "")})


@pytest.mark.parametrize("change", [
    {"x-tif-timestamp": "²"}, {"x-tif-timestamp": "9" * 5000}, {"x-tif-timestamp": "-1"}, {"x-tif-paasid": "x\x00y"}, {"x-tif-paasid": ""},
    {"x-tif-signature": "é"}, {"x-tif-nonce": ""},
])  # fmt: skip
def test_headers_that_are_no_signature_are_refused_and_nothing_breaks(system, change):
    status, said = system.ask("POST", "settlements", {"request_id": "20230309-0001", "bill": bill(1)}, headers=change)
    assert status == 401
    assert {code for code, _ in codes(said)} <= {"E-SIGN-KEY", "E-SIGN-TIME", "E-SIGN-WRONG"}
    assert not Bill.objects.exists()
    assert not Exchange.objects.exists()


def test_a_key_that_was_revoked_is_no_key(system, cast):
    from tuodi.apps.institutions.keys import RevokeKey
    from tuodi.apps.institutions.models import ApiKey

    RevokeKey(actor=cast.admin, key=ApiKey.objects.get(), reason="更换").run()
    assert codes(system.get("institution")[1]) == {("E-SIGN-KEY", "")}


def test_our_own_mistake_says_that_nothing_was_done_and_gives_a_number(system, monkeypatch, caplog):
    from tuodi.apps.interface import api

    def breaks(*args, **named):
        raise RuntimeError("P0001 is in here")

    monkeypatch.setattr(api.counter, "find_person", breaks)
    status, said = system.post("people/find", {"number": "P0001"})
    assert (status, codes(said)) == (500, {("E-API-INTERNAL", "")})
    assert "P0001" not in str(said)
