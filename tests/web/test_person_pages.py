"""One person's pages: an identity certified, ended, corrected, withdrawn, each weighed in money before it is confirmed."""

from datetime import date

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tests.web.visitor import SCREEN, Visitor, needs_chromium
from tuodi.apps.policies.models import DelegatedValue
from tuodi.apps.registry.actions.insuring import MoveInsurance
from tuodi.apps.registry.models import Identity, InsuredPlace, Person, PersonChange
from tuodi.apps.settlement.actions import Settle
from tuodi.base import clock
from tuodi.base.models import AuditEvent, User

#: The example number of GB 11643.
NUMBER = "11010519491231002X"
DIBAO = {
    "identity": "dibao", "issuer": "汉滨区民政局", "document_number": "民低保〔2022〕3 号", "applied_on": "2021-12-20",
    "certified_on": "2022-01-01", "first": "2022-01-01", "last": "",
}  # fmt: skip


@pytest.fixture
def cast(db):
    cache.clear()
    return assemble()


@pytest.fixture
def office(client, cast):
    enter(client, cast.registrar)
    return client


def seen(page):
    return page.split('name="seen" value="')[1].split('"')[0]


def weigh(office, at, given):
    return office.post(at, given).content.decode()


def confirm(office, at, given):
    """Look at what it comes to, then confirm it."""
    mark = seen(weigh(office, at, given))
    return office.post(at, {**given, "step": "confirm", "seen": mark}, follow=True).content.decode()


def test_TH_4_3_1_a_certification_is_weighed_then_kept_with_its_source(office, cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000, person="P0002")).run()
    at = f"/people/{cast.li.pk}/certify/"
    page = weigh(office, at, DIBAO)
    assert "本应已得到的救助" in page
    assert '<dd class="big good">0.00 元' not in page
    assert "2023-03-01" in page
    assert not Identity.objects.filter(person=cast.li, identity="dibao").exists()
    page = confirm(office, at, DIBAO)
    assert "身份已认定" in page
    row = Identity.objects.get(person=cast.li, identity="dibao", withdrawn_at__isnull=True)
    assert (row.issuer, row.document_number, row.applied_on) == (
        "汉滨区民政局",
        "民低保〔2022〕3 号",
        date(2021, 12, 20),
    )
    told = AuditEvent.objects.get(verb="identity:certify")
    assert "民政局" not in str(told.data)
    assert "汉滨区民政局" in page


def test_TH_3_2_8_a_certification_reaches_back_twelve_months_before_the_application(client, db):
    cache.clear()
    cast = assemble("320902-tinghu", first=date(2021, 9, 1))
    DelegatedValue.objects.create(
        area_code="610900", param="th.publication_date", value="2021-09-01", source="示例值", is_sample=True, proposed_by=cast.officer,
        proposed_at=clock.now(), approved_by=cast.approver, approved_at=clock.now(),
    )  # fmt: skip
    cast.li.identities.update(withdrawn_at=clock.now())
    enter(client, cast.registrar)
    Settle(actor=cast.zhao, bill=bill("A", date(2022, 9, 1), 60000, person="P0002")).run()
    given = {**DIBAO, "identity": "illness_poverty", "certified_on": "2023-06-01", "first": "2023-06-01"}
    at = f"/people/{cast.li.pk}/certify/"
    page = weigh(client, at, {**given, "applied_on": "2023-05-20"})
    assert "2022-09-01" in page
    assert "都不受影响" in weigh(client, at, {**given, "applied_on": "2023-09-02"})


def test_AK_5_2_2_an_identity_gained_during_a_stay_helps_it_from_its_start(office, cast):
    stay = bill("A", date(2023, 3, 20), 30000, person="P0002", begndate=date(2023, 3, 1), enddate=date(2023, 3, 20))
    Settle(actor=cast.zhao, bill=stay).run()
    at = f"/people/{cast.li.pk}/certify/"
    assert "2023-03-20" in weigh(office, at, {**DIBAO, "first": "2023-03-15"})
    assert "都不受影响" in weigh(office, at, {**DIBAO, "first": "2023-03-21"})


def test_what_is_wrong_is_said_beside_the_fields_all_at_once_and_values_are_kept(office, cast):
    at = f"/people/{cast.li.pk}/certify/"
    page = weigh(office, at, {**DIBAO, "identity": "", "issuer": "", "last": "2021-01-01"})
    for said in (
        'id="id_identity_error"',
        'id="id_issuer_error"',
        'id="id_last_error"',
        "早于起始日期",
        "民低保〔2022〕3 号",
    ):
        assert said in page, said
    page = weigh(office, at, {**DIBAO, "identity": "dibao_edge"})
    assert "重叠" in page.split('id="id_first_error"')[1][:200]


def test_nothing_is_confirmed_that_was_not_shown(office, cast):
    at = f"/people/{cast.li.pk}/certify/"
    mark = seen(weigh(office, at, DIBAO))
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000, person="P0002")).run()
    page = office.post(at, {**DIBAO, "step": "confirm", "seen": mark}).content.decode()
    assert "有了变化" in page
    assert not Identity.objects.filter(person=cast.li, identity="dibao").exists()
    page = office.post(at, {**DIBAO, "step": "edit", "seen": mark}).content.decode()
    assert "下一步" in page
    assert "汉滨区民政局" in page


def test_an_identity_is_ended_corrected_and_withdrawn_with_its_loss_before_ones_eyes(office, cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 6, 1), 30000)).run()
    row = cast.wang.identities.get()
    assert "不能终止于更早" in weigh(office, f"/identities/{row.pk}/end/", {"last": "2022-01-01"})
    page = weigh(office, f"/identities/{row.pk}/end/", {"last": "2023-02-01"})
    assert '应减少</dt><dd class="big">0.00' not in page
    assert "身份已终止" in confirm(office, f"/identities/{row.pk}/end/", {"last": "2023-02-01"})
    ended = Identity.objects.get(replaces=row)
    assert "已被更正或作废" in weigh(office, f"/identities/{row.pk}/end/", {"last": "2023-03-01"})
    given = {"identity": "dibao", "issuer": "民政局", "first": "2023-01-01", "last": ""}
    at = f"/identities/{ended.pk}/correct/"
    assert "完全相同" in weigh(office, at, {**given, "last": "2023-02-01"})
    assert "身份已更正" in confirm(office, at, given)
    made = Identity.objects.get(replaces=ended)
    at = f"/identities/{made.pk}/withdraw/"
    mark = seen(office.get(at).content.decode())
    assert "身份记录已作废" in office.post(at, {"step": "confirm", "seen": mark}, follow=True).content.decode()
    assert not Identity.objects.filter(person=cast.wang, withdrawn_at__isnull=True).exists()
    assert "已被更正或作废" in office.get(at).content.decode()


def test_a_clerk_who_certifies_nothing_sees_no_way_to(client, cast):
    enter(client, cast.chen)
    page = client.get(f"/people/{cast.wang.pk}/").content.decode()
    assert "身份认定" in page
    assert "/certify/" not in page
    assert "/withdraw/" not in page


def body(form, **changes):
    return {"name": "赵六", "insured_area": "610902", **form, **changes}


def test_TH_4_3_1_a_person_is_registered_and_changed_with_what_was_said_before_kept(office, cast):
    assert "登记人员" in office.get("/people/").content.decode()
    wrong = {"psn_no": "P 9", "name": "", "certno": "123", "birth": "2999-01-01", "insured_area": "320902"}
    page = office.post("/people/new/", wrong).content.decode()
    for name in wrong:
        assert f'id="id_{name}_error"' in page, name
    page = office.post("/people/new/", body({"psn_no": "P0001", "certno": NUMBER})).content.decode()
    assert "已经登记" in page.split('id="id_psn_no_error"')[1][:100]
    page = office.post("/people/new/", body({"psn_no": "P0009", "certno": NUMBER}), follow=True).content.decode()
    assert "人员已登记" in page
    made = Person.objects.get(psn_no="P0009")
    assert made.birth == date(1949, 12, 31)
    page = office.post("/people/new/", body({"psn_no": "P0001", "certno": NUMBER})).content.decode()
    assert "已经登记" in page.split('id="id_psn_no_error"')[1][:100]
    assert "P0009" in page.split('id="id_certno_error"')[1][:100]
    at = f"/people/{made.pk}/change/"
    same = {"birth": "1949-12-31"}
    assert "完全相同" in office.post(at, body(same)).content.decode()
    page = office.post(at, body(same, name="赵陆", residence_area="610902")).content.decode()
    made.refresh_from_db()
    assert made.name == "赵陆"
    assert PersonChange.objects.get(person=made).before["name"] == "赵六"
    assert AuditEvent.objects.get(verb="person:change").data == {"changed": ["name", "residence_area"]}
    assert "赵陆" in office.post("/people/", {"text": "zl"}).content.decode()
    assert "变更基本信息" in office.get(f"/people/{made.pk}/").content.decode()


def test_AK_6_3_a_move_to_another_area_is_weighed_before_it_is_done(office, cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 6, 1), 30000)).run()
    at, moved = f"/people/{cast.wang.pk}/insured/", {"area_code": "320902", "first": "2023-05-01"}
    assert "不在您的辖区内" in office.post(at, moved).content.decode()
    User.objects.filter(pk=cast.registrar.pk).update(area_code="000000")
    page = office.post(at, moved).content.decode()
    assert "变更参保地：确认" in page
    assert "算不出来" in page
    cast.wang.refresh_from_db()
    assert cast.wang.insured_area == "610902"
    page = office.post(at, {**moved, "step": "confirm", "seen": seen(page)}, follow=True).content.decode()
    assert "参保地已变更" in page
    assert "参保地变为 320902" in page
    cast.wang.refresh_from_db()
    assert (cast.wang.insured_area, cast.wang.insured_moves) == ("320902", "610902 2023-05-01 320902")


def test_AK_6_3_a_wrong_move_is_corrected_and_withdrawn_with_its_money(office, cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 6, 1), 30000)).run()
    User.objects.filter(pk=cast.registrar.pk).update(area_code="610900")
    cast.registrar.refresh_from_db()
    MoveInsurance(actor=cast.registrar, psn_no="P0001", area_code="610903", first=date(2023, 5, 1)).run()
    row = InsuredPlace.objects.get(first=date(2023, 5, 1))
    assert f"/insured/{row.pk}/withdraw/" in office.get(f"/people/{cast.wang.pk}/").content.decode()
    at, other = f"/insured/{row.pk}/correct/", {"area_code": "610904", "first": "2023-07-01"}
    assert 'value="2023-05-01"' in office.get(at).content.decode()
    assert "晚于今天" in office.post(at, {**other, "first": "2199-01-01"}).content.decode()
    assert "原记录作废留存" in confirm(office, at, other)
    made = InsuredPlace.objects.get(replaces=row)
    at = f"/insured/{made.pk}/withdraw/"
    page = office.get(at).content.decode()
    assert "作废 2023-07-01 起的参保地 610904" in page
    assert "已作废" in office.post(at, {"step": "confirm", "seen": seen(page)}, follow=True).content.decode()
    at, first = f"/people/{cast.wang.pk}/insured/earliest/", {"area_code": "610905"}
    assert "参保地已更正" in confirm(office, at, first)
    cast.wang.refresh_from_db()
    assert (cast.wang.insured_area, cast.wang.insured_moves) == ("610905", "")


def test_a_number_that_somebody_else_holds_is_not_taken_over(office, cast):
    office.post("/people/new/", body({"psn_no": "P0009", "certno": NUMBER}))
    page = office.post(f"/people/{cast.li.pk}/change/", body({}, certno=NUMBER)).content.decode()
    assert "P0009" in page.split('id="id_certno_error"')[1][:100]


def test_a_death_is_weighed_then_recorded_and_ends_what_the_office_says(office, cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 6, 1), 30000)).run()
    at = f"/people/{cast.wang.pk}/death/"
    assert "晚于今天" in weigh(office, at, {"day": "2190-01-01"}).split('id="id_day_error"')[1][:100]
    assert "都不受影响" in weigh(office, at, {"day": "2023-02-01"})
    assert "2023-06-01" in weigh(office, at, {"day": "2023-02-01", "ends_identities": "on"})
    page = confirm(office, at, {"day": "2023-07-01", "ends_identities": "on"})
    assert "死亡已登记" in page
    assert "登记死亡</a>" not in page
    assert Identity.objects.get(person=cast.wang, withdrawn_at__isnull=True).last == date(2023, 7, 1)


def test_a_household_is_joined_shown_and_left(office, cast):
    at = f"/people/{cast.wang.pk}/join/"
    given = {"number": "F1", "first": "2023-01-01", "is_head": "on"}
    assert "查不到户 F1" in office.post(at, given).content.decode().split('id="id_number_error"')[1][:100]
    assert 'id="id_new_area_error"' in office.post(at, {**given, "is_new": "on"}).content.decode()
    elsewhere = office.post(at, {**given, "is_new": "on", "new_area": "320902"}).content.decode()
    assert "不在您的辖区" in elsewhere.split('id="id_new_area_error"')[1][:100]
    page = office.post(at, {**given, "is_new": "on", "new_area": "610902"}, follow=True).content.decode()
    assert "入户已登记" in page
    assert "已是户 F1" in office.post(at, given).content.decode().split('id="id_first_error"')[1][:100]
    office.post(f"/people/{cast.li.pk}/join/", {"number": "F1", "first": "2023-01-01"})
    assert "李叔" in office.get(f"/people/{cast.wang.pk}/").content.decode()
    at = f"/people/{cast.li.pk}/leave/"
    wrong = office.post(at, {"number": "F1", "last": "2022-01-01"}).content.decode()
    assert "不是户 F1" in wrong.split('id="id_last_error"')[1][:100]
    page = office.post(at, {"number": "F1", "last": "2023-12-31"}, follow=True).content.decode()
    assert "离户已登记" in page
    assert "没有登记在户" in page


@needs_chromium
def test_a_clerk_certifies_an_identity(chromium, served):
    visitor = Visitor(chromium, served, SCREEN)
    page = visitor.page
    visitor.enter("registrar")

    page.goto(f"{served.url}/people/")
    page.fill("#text", "李叔")
    page.keyboard.press("Enter")
    page.click("td a:text('李叔')")
    page.wait_for_selector("h1:text('个人档案')")
    visitor.looks_right_on_both()
    page.click("text=认定身份")
    page.wait_for_selector("h1:text('认定身份')")
    visitor.looks_right_on_both()
    page.select_option("#id_identity", "dibao")
    page.fill("#id_issuer", "汉滨区民政局")
    page.fill("#id_first", "2023-01-01")
    page.click("button:text('下一步')")
    page.wait_for_selector("h1:text('确认')")
    visitor.looks_right_on_both()
    page.click("text=确认认定")
    page.wait_for_selector("text=身份已认定")
    visitor.looks_right_on_both()
    file = page.url
    for form in (
        f"{file}change/",
        f"{file}death/",
        f"{file}join/",
        f"{file}insured/earliest/",
        f"{served.url}/people/new/",
    ):
        page.goto(form)
        visitor.looks_right_on_both()
    page.goto(f"{file}insured/")
    visitor.looks_right_on_both()
    page.fill("#id_area_code", "610902100000")
    page.fill("#id_first", "2023-05-01")
    page.click("button:text('下一步')")
    page.wait_for_selector("h1:text('确认')")
    visitor.looks_right_on_both()
    page.click("text=确认变更")
    page.wait_for_selector("text=参保地已变更")
    visitor.looks_right_on_both()
    page.goto(f"{file}join/")
    page.fill("#id_number", "F1")
    page.fill("#id_first", "2023-01-01")
    page.click("button:text('登记入户')")
    page.wait_for_selector("text=查不到户")
    visitor.looks_right_on_both()
    page.check("#id_is_new")
    page.fill("#id_new_area", "610902")
    page.click("button:text('登记入户')")
    page.wait_for_selector("text=入户已登记")
    visitor.looks_right_on_both()
    page.click("text=登记离户")
    page.wait_for_selector("h1:text('登记离户')")
    visitor.looks_right_on_both()
    visitor.leave()
