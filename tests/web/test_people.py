"""People's pages: searched without a trace in addresses, opened with one in the audit trail, numbers masked until asked for."""

from datetime import date

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble
from tests.site.entering import enter
from tuodi.apps.registry.actions.people import RegisterPerson
from tuodi.base.models import AuditEvent

pytestmark = pytest.mark.django_db
NUMBER = "610902194901011228"


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def office(client, cast):
    enter(client, cast.registrar)
    return client


@pytest.fixture
def numbered(cast):
    body = NUMBER[:17]
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    last = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    RegisterPerson(
        actor=cast.registrar,
        psn_no="P0009",
        name="赵六",
        insured_area="610902",
        certno=body + last,
        birth=date(1949, 1, 1),
    ).run()
    return body + last


@pytest.mark.parametrize("text", ["王奶奶", "王", "wnn", "P0001"])
def test_people_are_found_by_name_initials_and_number(office, text):
    page = office.post("/people/", {"text": text}).content.decode()
    assert "王奶奶" in page
    assert "低保对象" in page
    assert "李叔" not in page


def test_nothing_is_listed_before_something_is_asked(office):
    assert "请输入要查的姓名或号码" in office.post("/people/", {"text": " "}).content.decode()
    assert "请输入" not in office.get("/people/").content.decode()
    assert "王奶奶" not in office.get("/people/").content.decode().replace("读作“王奶奶”", "")
    assert "没有找到" in office.post("/people/", {"text": "查无此人", "offset": "x"}).content.decode()


def test_an_identity_number_finds_and_is_shown_masked(office, numbered):
    page = office.post("/people/", {"text": numbered}).content.decode()
    assert "赵六" in page
    assert f"{'*' * 14}{numbered[-4:]}" in page
    assert page.count(numbered) == 1, "only what was typed stands in its own box"


def test_a_file_shows_where_records_come_from_and_is_recorded(office, cast):
    page = office.get(f"/people/{cast.wang.pk}/").content.decode()
    for said in ("低保对象", "民政局", "2023-01-01 至 长期"):
        assert said in page, said
    assert "王奶奶" not in page.split("<title>")[1].split("</title>")[0]
    assert AuditEvent.objects.filter(verb="person:viewed", subject_id="P0001").count() == 1


def test_a_number_is_shown_in_full_only_for_a_reason(client, cast, numbered):
    enter(client, cast.chen)
    found = client.post("/people/", {"text": "赵六"}).content.decode()
    file = found.split('data-label="姓名"><a href="')[1].split('"')[0]
    assert numbered not in client.get(file).content.decode()
    assert "要选择用途" in client.post(f"{file}reveal/", {"reason": ""}).content.decode()
    assert numbered in client.post(f"{file}reveal/", {"reason": "verify_document"}).content.decode()
    row = AuditEvent.objects.get(verb="person:reveal")
    assert row.data == {"reason": "verify_document", "shown": True}


def test_another_county_sees_nobody(client, cast):
    enter(client, cast.outsider)
    assert "没有找到" in client.post("/people/", {"text": "王奶奶"}).content.decode()
    assert client.get(f"/people/{cast.wang.pk}/").status_code == 404
