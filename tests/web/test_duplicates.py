"""Records of one person by hand: found, weighed in money, merged, parted; only by who may, only in the area."""

import re
from datetime import date

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tests.web.visitor import SCREEN, Visitor, needs_chromium
from tuodi.apps.registry.models import Identity, Merge, NotTheSame, Person
from tuodi.apps.settlement.actions import Settle
from tuodi.base import clock
from tuodi.base.models import AuditEvent

BIRTH = date(1950, 1, 1)


def double(cast, psn_no="P0300", **changes):
    """Register 王奶奶 a second time, with 低保 of her own and a bill: apart she gets two yearly caps."""
    Person.objects.filter(pk=cast.wang.pk).update(birth=BIRTH, certno_tail="0023")
    facts = {"name": "王奶奶", "birth": BIRTH, "insured_area": "610902", "registered_area": "610902", **changes}
    made = Person.objects.create(psn_no=psn_no, initials=" wnn ", recorded_at=clock.now(), **facts)
    Identity.objects.create(
        person=made, identity="dibao", first=date(2023, 1, 1), issuer="民政局", recorded_at=clock.now()
    )
    return made


def confirm(office, at, **data):
    """Look at what it means and confirm what was seen."""
    query = f"?into={data['into']}" if data else ""
    seen = re.search(r'name="seen" value="(\w+)"', office.get(at + query).content.decode())[1]
    return office.post(at, {**data, "seen": seen}, follow=True).content.decode()


def settle_both(cast):
    for setl_id, day, yuan, psn_no in (
        ("A", date(2023, 3, 1), 70000, "P0001"),
        ("Z", date(2023, 5, 1), 10000, "P0300"),
    ):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, yuan, person=psn_no)).run()


@pytest.fixture
def cast(db):
    cache.clear()
    return assemble()


@pytest.fixture
def office(client, cast):
    enter(client, cast.registrar)
    return client


def test_nothing_alike_is_said(office):
    assert "没有发现重复的人员" in office.get("/duplicates/").content.decode()
    assert "还没有合并过人员" in office.get("/duplicates/merges/").content.decode()


def test_records_stand_side_by_side_with_why_and_masked_numbers(office, cast):
    made = double(cast)
    page = office.get("/duplicates/").content.decode()
    assert "姓名和出生日期相同" in page
    assert "*" * 14 + "0023" in page
    assert page.index("P0001") < page.index("P0300")
    assert f"/people/{made.pk}/merge/?into={cast.wang.pk}" in page
    assert f"/people/{cast.wang.pk}/merge/?into={made.pk}" in page


def test_groups_come_in_pages(office, cast):
    for n in range(11):
        for side in "ab":
            double(cast, f"P4{n:02}{side}", name=f"重名{n}")
    assert "P409" not in (first := office.get("/duplicates/").content.decode())
    assert first.count("姓名和出生日期相同") == 10
    second = office.get("/duplicates/?page=2").content.decode()
    assert (second.count("姓名和出生日期相同"), "P409a" in second) == (1, True)


def test_AK_6_3_a_shared_cap_is_seen_before_merging_and_before_parting(office, cast):
    made = double(cast)
    settle_both(cast)
    at = f"/people/{made.pk}/merge/"
    seen = office.get(f"{at}?into={cast.wang.pk}").content.decode()
    assert '<dt>应减少</dt><dd class="big">7,000.00 元' in seen
    assert not Merge.objects.exists()
    assert "已合并" in confirm(office, at, into=cast.wang.pk)
    made.refresh_from_db()
    assert made.merged_into == cast.wang
    assert "没有发现重复的人员" in office.get("/duplicates/").content.decode()
    apart = f"/people/{made.pk}/unmerge/"
    assert apart in office.get(f"/people/{cast.wang.pk}/").content.decode()
    assert apart in office.get("/duplicates/merges/").content.decode()
    assert '<dt>应补发</dt><dd class="big good">7,000.00 元' in office.get(apart).content.decode()
    assert "合并已撤销" in confirm(office, apart)
    made.refresh_from_db()
    assert made.merged_into is None
    assert "撤销</span>" in office.get("/duplicates/merges/").content.decode()


def test_an_amount_that_changed_since_it_was_seen_is_shown_again(office, cast):
    made = double(cast)
    at = f"/people/{made.pk}/merge/"
    page = office.get(f"{at}?into={cast.wang.pk}").content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', page)[1]
    settle_both(cast)
    answer = office.post(at, {"into": cast.wang.pk, "seen": seen}).content.decode()
    assert "金额在您查看之后有了变化" in answer
    assert not Merge.objects.exists()


def test_what_cannot_be_merged_is_said(office, cast):
    made = double(cast)
    at = f"/people/{made.pk}/merge/"
    assert office.get(at)["Location"] == office.get(f"{at}?into=x")["Location"] == "/duplicates/"
    confirm(office, at, into=cast.wang.pk)
    for answer in (
        office.get(f"{at}?into={cast.li.pk}", follow=True),
        office.post(at, {"into": cast.li.pk}, follow=True),
    ):
        assert "人员 P0300 已并入 P0001" in answer.content.decode()
    assert Merge.objects.count() == 1


def test_nobody_merges_into_another_county_or_without_the_job(office, client, cast):
    made = double(cast, insured_area="320902", registered_area="320902")
    assert office.get(f"/people/{cast.wang.pk}/merge/?into={made.pk}").status_code == 404
    assert office.post(f"/people/{cast.wang.pk}/merge/", {"into": made.pk}).status_code == 404
    client.logout()
    enter(client, cast.chen)
    assert client.post(f"/people/{cast.wang.pk}/merge/", {"into": cast.li.pk}).status_code == 403
    assert "撤销合并" not in client.get(f"/people/{cast.wang.pk}/").content.decode()
    assert not Merge.objects.exists()


TWICE = """
from tests.web.test_duplicates import double, settle_both
from types import SimpleNamespace
from tuodi.base.models import User
from tuodi.apps.registry.models import Person
cast = SimpleNamespace(wang=Person.objects.get(psn_no="P0001"), zhao=User.objects.get(username="zhao"))
double(cast)
settle_both(cast)
"""


def test_two_people_are_told_apart_not_shown_nor_merged_and_shown_again_when_that_is_taken_back(office, cast):
    other = double(cast)
    at = f"/people/{cast.wang.pk}/apart/?other={other.pk}"
    assert f"/people/{cast.wang.pk}/apart/" in office.get("/duplicates/").content.decode()
    assert 'id="id_reason_error"' in office.post(at, {"reason": " "}).content.decode()
    page = office.post(at, {"reason": "已核对两人证件原件"}, follow=True).content.decode()
    assert "不再列为重复" in page
    assert "没有发现重复的人员" in page
    assert "已标记为不是同一人" in office.post(at, {"reason": "再来一次"}, follow=True).content.decode()
    assert (
        "已标记为不是同一人"
        in office.get(f"/people/{other.pk}/merge/?into={cast.wang.pk}", follow=True).content.decode()
    )
    mark = NotTheSame.objects.get()
    assert "已核对两人证件原件" in office.get("/duplicates/apart/").content.decode()
    assert "重新列为可能重复" in office.post(f"/duplicates/apart/{mark.pk}/undo/", follow=True).content.decode()
    assert "王奶奶" in office.get("/duplicates/").content.decode()
    assert "已经撤销" in office.post(f"/duplicates/apart/{mark.pk}/undo/", follow=True).content.decode()
    assert NotTheSame.objects.get().undone_by == cast.registrar
    assert [row.data["done"] for row in AuditEvent.objects.filter(verb="person:tell_apart").order_by("pk")] == [
        "marked",
        "undone",
    ]


def test_of_three_alike_the_one_told_apart_from_both_is_left_out(office, cast):
    second, third = double(cast), double(cast, "P0301")
    for one in (cast.wang, second):
        office.post(f"/people/{one.pk}/apart/?other={third.pk}", {"reason": "已核对"})
    page = office.get("/duplicates/").content.decode()
    assert "P0300" in page
    assert "P0301" not in page


@needs_chromium
def test_a_clerk_merges_and_parts_two_records(chromium, served):
    served.manage(TWICE)
    visitor = Visitor(chromium, served, SCREEN)
    page = visitor.page

    visitor.enter("registrar")
    page.goto(f"{served.url}/duplicates/")
    visitor.looks_right_on_both()
    page.locator("text=保留这条").first.click()
    page.wait_for_selector("h1:text('合并人员')")
    visitor.looks_right_on_both()
    page.click("text=确认合并")
    page.wait_for_selector("text=已合并")
    page.click("text=撤销合并")
    page.wait_for_selector("h1:text('撤销合并')")
    visitor.looks_right_on_both()
    page.click("text=确认撤销合并")
    page.wait_for_selector("text=合并已撤销")
    visitor.looks_right_on_both()
    page.click("text=返回重复人员")
    page.click("a:text-is('不是同一人') >> nth=0")
    page.wait_for_selector("h1:text('不是同一人')")
    visitor.looks_right_on_both()
    page.fill("#id_reason", "已核对两人身份证原件，同名同日出生")
    page.click("button:text('标记为不是同一人')")
    page.wait_for_selector("text=不再列为重复")
    visitor.looks_right_on_both()
    page.click("text=不是同一人的记录")
    page.wait_for_selector("text=已核对两人身份证原件")
    visitor.looks_right_on_both()
    page.click("button:text('撤销标记')")
    page.wait_for_selector("text=重新列为可能重复")
    visitor.looks_right_on_both()
    visitor.leave()
