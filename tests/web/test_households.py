"""A household in pages: members moved, split off, put right; the household moved; everything recorded stays (TH-4.3.1)."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble
from tests.site.entering import enter
from tests.web.visitor import SCREEN, Visitor, needs_chromium
from tuodi.apps.registry.actions.households import JoinHousehold
from tuodi.apps.registry.models import Household, Membership
from tuodi.apps.registry.queries import household_on, households_of
from tuodi.base.models import AuditEvent


@pytest.fixture
def cast(db):
    cache.clear()
    made = assemble()
    for psn_no, number in (("P0001", "F1"), ("P0002", "F2")):
        JoinHousehold(
            actor=made.chen, psn_no=psn_no, number=number, new_area="610902", first=date(2023, 1, 1), is_head=True
        ).run()
    return made


@pytest.fixture
def office(client, cast):
    enter(client, cast.registrar)
    return client


def key(number):
    return Household.objects.get(number=number).pk


def test_opening_a_household_is_an_event_of_its_own(office, cast):
    page = office.get(f"/households/{key('F1')}/").content.decode()
    assert "王奶奶" in page
    assert AuditEvent.objects.get(verb="household:viewed").subject_id == "F1"


def test_a_member_is_moved_then_split_off_and_a_wrong_day_is_said_beside_its_field(office, cast):
    at = f"/people/{cast.li.pk}/move/"
    page = office.post(at, {"number": "F7", "first": "2024-01-01"}).content.decode()
    assert "查不到户 F7" in page.split('id="id_number_error"')[1][:100]
    page = office.post(at, {"number": "F1", "first": "2020-01-01"}).content.decode()
    assert "不在任何一户" in page.split('id="id_first_error"')[1][:100]
    assert "迁户已登记" in office.post(at, {"number": "F1", "first": "2024-01-01"}, follow=True).content.decode()
    at = f"/households/{key('F1')}/split/"
    given = {"psn_nos": ["P0002"], "head": "P0001", "new_number": "F9", "first": "2024-06-01"}
    page = office.post(at, given).content.decode()
    assert "不在分出的成员里" in page.split('id="id_head_error"')[1][:100]
    page = office.post(at, {**given, "head": "P0002", "new_number": "F2"}).content.decode()
    assert "已经存在" in page.split('id="id_new_number_error"')[1][:100]
    page = office.post(at, {**given, "head": "P0002"}, follow=True).content.decode()
    assert "分户已登记" in page
    assert [household_on("P0002", day) for day in (date(2024, 5, 31), date(2024, 6, 1))] == ["F1", "F9"]
    assert "以前的成员" in page
    assert "李叔" in page


def test_a_leaving_entered_wrongly_is_corrected_or_voided_and_still_seen(office, cast):
    office.post(f"/people/{cast.wang.pk}/leave/", {"number": "F1", "last": "2023-02-01"})
    row = Membership.objects.get(person=cast.wang, withdrawn_at__isnull=True)
    assert f"/memberships/{row.pk}/correct/" in office.get(f"/people/{cast.wang.pk}/").content.decode()
    at = f"/memberships/{row.pk}/correct/"
    page = office.post(at, {"first": "2023-01-01", "last": "2022-01-01", "is_head": "on"}).content.decode()
    assert "早于起始日期" in page.split('id="id_last_error"')[1][:100]
    page = office.post(at, {"first": "2023-01-01", "last": "", "is_head": "on"}, follow=True).content.decode()
    assert "成员记录已更正" in page
    assert households_of("P0001") == [(date(2023, 1, 1), None, "F1")]
    assert "已作废" in office.get(f"/households/{key('F1')}/?all=1").content.decode()
    made = Membership.objects.get(person=cast.wang, withdrawn_at__isnull=True)
    office.post(f"/memberships/{made.pk}/correct/", {"first": "2023-01-01", "is_void": "on"})
    assert households_of("P0001") == []


def test_a_household_moves_within_the_area_or_out_of_sight(office, cast):
    at = f"/households/{key('F1')}/move/"
    assert "王奶奶" in office.get(at).content.decode()
    page = office.post(at, {"area_code": "610902", "first": "2024-01-01"}).content.decode()
    assert "已经在 610902" in page.split('id="id_area_code_error"')[1][:100]
    page = office.post(at, {"area_code": "610902001", "first": "2024-01-01"}, follow=True).content.decode()
    assert "整户迁移已登记" in page
    assert "610902001" in page
    answer = office.post(at, {"area_code": "610921", "first": "2024-02-01"})
    assert answer["Location"] == "/households/moved/"
    assert office.get(f"/households/{key('F1')}/").status_code == 404


def test_a_household_sent_away_by_mistake_is_found_and_brought_back(office, cast):
    assert "没有迁出的户" in office.get("/households/moved/").content.decode()
    assert "/households/moved/" in office.get("/people/").content.decode()
    office.post(f"/households/{key('F1')}/move/", {"area_code": "610921", "first": "2024-02-01"})
    listed = office.get("/households/moved/").content.decode()
    assert "610921" in listed
    at = listed.split('href="/households/places/')[1].split('"')[0]
    page = office.post(f"/households/places/{at}", {"area_code": "610902", "first": "2024-02-01"}).content.decode()
    assert "已经在 610902" in page.split('id="id_area_code_error"')[1][:100]
    given = {"area_code": "610902001", "first": "2024-02-01"}
    assert "迁移已更正" in office.post(f"/households/places/{at}", given, follow=True).content.decode()
    at = f"/households/{key('F1')}/"
    page = office.get(at).content.decode()
    assert "更正这次迁移" in page
    assert "610921" not in page
    assert "610921" in office.get(f"{at}?all=1").content.decode(), "what was recorded stays to be seen"
    place = Household.objects.get(number="F1").places.get(withdrawn_at__isnull=True, last__isnull=True)
    office.post(f"/households/places/{place.pk}/correct/", {**given, "is_void": "on"})
    page = office.get(at).content.decode()
    assert "610902001" not in page
    assert "更正这次迁移" not in page


HOME = """
from datetime import date
from tests.apps.cast import NOW
from tuodi.apps.registry.actions.households import JoinHousehold
from tuodi.apps.registry.actions.people import RegisterPerson
from tuodi.base.models import User
chen, registrar = User.objects.get(username="chen"), User.objects.get(username="registrar")
JoinHousehold(actor=chen, psn_no="P0001", number="F61090200000000000000001", new_area="610902", first=date(2023, 1, 1), is_head=True).run()
JoinHousehold(actor=chen, psn_no="P0002", number="F2", new_area="610902", first=date(2023, 1, 1), is_head=True).run()
for n in range(32):
    name = "买买提明·阿卜杜热合曼·吐尔逊江" if n == 0 else f"成员{n}"
    RegisterPerson(actor=registrar, psn_no=f"M{n:04d}", name=name, insured_area="610902", birth=date(1950 + n, 1, 1)).run()
    JoinHousehold(actor=chen, psn_no=f"M{n:04d}", number="F61090200000000000000001", first=date(2023, 1, 1)).run()
"""


@needs_chromium
def test_a_clerk_splits_moves_and_corrects_at_both_widths(chromium, served):
    served.manage(HOME)
    visitor = Visitor(chromium, served, SCREEN)
    page = visitor.page
    visitor.enter("registrar")

    page.goto(f"{served.url}/people/")
    page.fill("#text", "王奶奶")
    page.keyboard.press("Enter")
    page.click("td a:text('王奶奶')")
    page.click("summary:text('在户的记录')")
    visitor.looks_right_on_both()
    page.click("a:text('F61090200000000000000001') >> nth=0")
    page.wait_for_selector("text=33 人")
    visitor.looks_right_on_both()
    page.click("text=分户")
    page.wait_for_selector("h1:text('分户')")
    visitor.looks_right_on_both()
    page.check("label:has-text('成员1（') input")
    page.check("label:has-text('成员2（') input")
    page.select_option("#id_head", label="王奶奶（P0001）")
    page.fill("#id_new_number", "F3")
    page.fill("#id_first", "2024-01-01")
    page.click("button:text('登记分户')")
    page.wait_for_selector(".wrong >> text=不在分出的成员里")
    visitor.looks_right_on_both()
    page.select_option("#id_head", label="成员1（M0001）")
    page.click("button:text('登记分户')")
    page.wait_for_selector("text=分户已登记")
    page.wait_for_selector("text=31 人")
    page.click("text=连同已作废的记录")
    visitor.looks_right_on_both()
    page.click("text=整户迁移")
    visitor.looks_right_on_both()
    page.fill("#id_area_code", "610902001")
    page.fill("#id_first", "2024-02-01")
    page.click("button:text('登记迁移')")
    page.wait_for_selector("text=整户迁移已登记")
    page.click("text=更正这次迁移")
    visitor.looks_right_on_both()
    page.fill("#id_area_code", "610921")
    page.click("button:text('保存更正')")
    page.wait_for_selector("h1:text('迁出的户')")
    visitor.looks_right_on_both()
    page.click("td a:text('更正')")
    page.check("#id_is_void")
    page.click("button:text('保存更正')")
    page.wait_for_selector("text=没有迁出的户")
    page.goto(f"{served.url}/people/")
    page.fill("#text", "M0003")
    page.keyboard.press("Enter")
    page.click("td a:text('成员3')")
    page.click("text=迁到另一户")
    visitor.looks_right_on_both()
    page.fill("#id_number", "F2")
    page.fill("#id_first", "2024-03-01")
    page.click("button:text('登记迁户')")
    page.wait_for_selector("text=迁户已登记")
    page.click("summary:text('在户的记录')")
    page.click("li:has-text('2024-03-01') >> text=更正")
    visitor.looks_right_on_both()
    page.fill("#id_last", "2024-12-31")
    page.click("button:text('保存更正')")
    page.wait_for_selector("text=成员记录已更正")
    visitor.looks_right_on_both()
    page.emulate_media(media="print")
    visitor.looks_right()
