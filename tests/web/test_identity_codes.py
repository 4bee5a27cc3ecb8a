"""What local identity codes mean: kept by the administrator, by region and day, and used by rosters and answers of that day."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble
from tests.site.entering import enter
from tuodi.apps.registry.models import IdentityCode
from tuodi.apps.registry.queries import codes_for, identities_in_local_codes
from tuodi.base import clock
from tuodi.base.models import AuditEvent

pytestmark = pytest.mark.django_db
NEW = {
    "region": "610900",
    "local_code": "A01",
    "label": "城市低保",
    "identity": "dibao",
    "first": "2023-01-01",
    "last": "",
}


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def administrator(client, cast):
    enter(client, cast.admin)
    return client


def add(client, **how):
    return client.post("/identity-codes/new/", {**NEW, **how})


def page(client, path="/identity-codes/"):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_code_is_added_found_and_ended(administrator, cast):
    assert "还没有对照" in page(administrator)
    assert add(administrator)["Location"] == "/identity-codes/"
    for query in ("?text=A01", "?text=城市", "?text=低保对象", "?state=now", "?text=6109"):
        assert "城市低保" in page(administrator, f"/identity-codes/{query}"), query
    assert "没有符合条件" in page(administrator, "/identity-codes/?state=over")
    row = IdentityCode.objects.get()
    path = f"/identity-codes/{row.pk}/end/"
    assert "早于起始日期" in administrator.post(path, {"last": "2022-12-31"}).content.decode()
    assert administrator.post(path, {"last": "2023-12-31"}).status_code == 302
    assert "城市低保" in page(administrator, "/identity-codes/?state=over")
    assert "不需要再次终止" in administrator.post(path, {"last": "2023-12-31"}).content.decode()
    assert add(administrator, first="2024-01-01", identity="relapse_monitored").status_code == 302
    assert [code.identity for code in codes_for("610902", date(2023, 6, 1))] == ["dibao"]
    assert [code.identity for code in codes_for("610902", date(2024, 6, 1))] == ["relapse_monitored"]
    done = AuditEvent.objects.filter(verb="identity_code:set").values_list("data__done", flat=True)
    assert list(done) == ["mapped", "ended", "mapped"]
    lines = b"".join(administrator.get("/identity-codes/export.csv").streaming_content).decode().splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"region": "320900"}, "辖区内"), ({"region": "6109"}, "辖区内"), ({"label": " "}, "必填"), ({"identity": "x"}, "选项"),
        ({"last": "2022-01-01"}, "早于起始日期"), ({"label": "农村低保"}, "已对照为"),
        ({"local_code": "A02", "identity": "extreme_poverty"}, "已对照为"),
    ],
)  # fmt: skip
def test_what_does_not_fit_or_would_mean_two_things_is_refused(administrator, how, said):
    add(administrator)
    assert said in add(administrator, **how).content.decode()
    assert IdentityCode.objects.count() == 1


def test_several_codes_may_mean_one_identity(administrator):
    add(administrator)
    assert add(administrator, local_code="A02", label="农村低保").status_code == 302


def test_a_region_above_is_seen_and_not_changed(administrator, cast):
    above = IdentityCode.objects.create(
        region="610000", local_code="S1", label="省低保", identity="dibao", first=date(2020, 1, 1)
    )
    assert "省低保" in page(administrator)
    assert f"/identity-codes/{above.pk}/end/" not in page(administrator)
    assert administrator.post(f"/identity-codes/{above.pk}/end/", {"last": "2023-12-31"}).status_code == 403
    elsewhere = IdentityCode.objects.create(
        region="320000", local_code="J1", label="苏", identity="dibao", first=date(2020, 1, 1)
    )
    assert administrator.get(f"/identity-codes/{elsewhere.pk}/end/").status_code == 404


def test_the_nearer_region_and_the_day_decide_what_is_answered(cast):
    def answered():
        return [local for _, local, _ in identities_in_local_codes(cast.wang)]

    assert answered() == ["dibao"]
    common = {"label": "低保", "identity": "dibao"}
    IdentityCode.objects.create(region="610000", local_code="S1", first=date(2020, 1, 1), **common)
    IdentityCode.objects.create(region="610902", local_code="C1", first=clock.today() + timedelta(days=1), **common)
    assert answered() == ["S1"]
    IdentityCode.objects.update(first=date(2020, 1, 1))
    assert answered() == ["C1"]
