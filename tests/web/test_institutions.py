"""Institutions' pages: found, registered, designated, suspended; a key is shown once; a counter sees only its own."""

import re
from datetime import date

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble
from tests.site.entering import enter
from tuodi.apps.institutions.keys import token_of
from tuodi.apps.institutions.models import Agreement, ApiKey, Institution, Suspension
from tuodi.apps.institutions.queries import standing
from tuodi.base import clock

pytestmark = pytest.mark.django_db
NEW = {"code": "H61090200009", "name": "汉滨区第九医院（虚构）", "kind": "1", "level": "08", "area_code": "610902"}


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def clerk(client, cast):
    enter(client, cast.chen)
    return client


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_the_list_is_searched_filtered_sorted_paged_and_exported(clerk, cast):
    for n in range(30):
        Institution.objects.create(
            code=f"H610902001{n:02d}", name=f"乡镇卫生院{n:02d}（虚构）", level="10", area_code="610902"
        )
    first = page(clerk, "/institutions/")
    assert "共 32 家机构" in first
    assert "第 1 / 2 页" in first
    assert "第 2 / 2 页" in page(clerk, "/institutions/?page=2")
    assert "共 1 家机构" in page(clerk, "/institutions/?text=第1医院")
    assert "共 30 家机构" in page(clerk, "/institutions/?tier=primary&state=undesignated")
    assert "没有符合条件的机构" in page(clerk, "/institutions/?area=320902")
    names = re.findall(r'href="/institutions/\d+/">([^<]+)<', page(clerk, "/institutions/?order=-name"))
    assert names == sorted(names, reverse=True)
    assert page(clerk, "/institutions/?order=password&state=x&tier=x&page=x")
    lines = b"".join(clerk.get("/institutions/export.csv?text=医院").streaming_content).decode().splitlines()
    assert len(lines) == 3
    assert "二级甲等" in lines[1]


def test_from_registration_to_agreement_and_its_end_WH_5_3(clerk, cast):
    answer = clerk.post("/institutions/new/", NEW)
    made = Institution.objects.get(code=NEW["code"])
    assert answer["Location"] == f"/institutions/{made.pk}/"
    assert "还没有协议" in page(clerk, answer["Location"])
    days = {"first": "2023-01-01", "last": "", "number": "协〔2023〕9", "terms": "住院、门诊；按月结算"}
    refused = clerk.post(f"/institutions/{made.pk}/agreement/", {"kind": "assistance", **days}).content.decode()
    assert "WH-5.3" in refused
    for kind in ("insurance", "assistance"):
        assert clerk.post(f"/institutions/{made.pk}/agreement/", {"kind": kind, **days}).status_code == 302
    shown = page(clerk, f"/institutions/{made.pk}/")
    for said in ("协〔2023〕9", "按月结算", "医疗救助定点", "有效", "签订协议"):
        assert said in shown, said
    row = Agreement.objects.get(institution=made, kind="insurance")
    ending = {"last": "2023-05-31", "reason": "考核不合格"}
    assert clerk.post(f"/institutions/agreements/{row.pk}/end/", ending).status_code == 302
    assert "没有有效的医保定点协议" in page(clerk, f"/institutions/{made.pk}/")
    assert standing(made.code, date(2023, 5, 31)).designated
    assert not standing(made.code, date(2023, 6, 1)).designated


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"code": "610"}, "不是 12 位国家编码"), ({"name": ""}, "必填"), ({"area_code": "320902"}, "不在您的辖区内"),
        ({"code": "H61090200001"}, "已经登记"), ({"kind": "9"}, "9"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_beside_what_was_typed(clerk, how, said):
    answer = clerk.post("/institutions/new/", {**NEW, **how})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert Institution.objects.count() == 2


def test_one_out_of_the_province_is_registered_and_seen(clerk):
    away = {**NEW, "code": "H50010100001", "area_code": "500101", "is_out_of_province": "on"}
    answer = clerk.post("/institutions/new/", away, follow=True)
    assert "（省外）" in answer.content.decode()


def test_AK_6_3_suspended_with_a_reason_that_its_own_counter_reads_and_lifted(client, cast):
    enter(client, cast.zhou)
    path = f"/institutions/{cast.hospital.pk}/suspend/"
    assert "这一项必填" in client.post(path, {"first": "2023-05-01", "reason": " "}).content.decode()
    assert client.post(path, {"first": "2023-05-01", "last": "", "reason": "串换项目，限期整改"}).status_code == 302
    again = client.post(path, {"first": "2023-06-01", "reason": "又一次"}).content.decode()
    assert "已经暂停" in again
    client.logout()
    enter(client, cast.zhao)
    shown = page(client, f"/institutions/{cast.hospital.pk}/")
    assert "今天暂停结算：串换项目，限期整改" in shown
    assert "办理记录" not in shown
    client.logout()
    enter(client, cast.zhou)
    row = Suspension.objects.get()
    client.post(f"/institutions/suspensions/{row.pk}/lift/", {"first": clock.today().isoformat()})
    assert "今天暂停结算" not in page(client, f"/institutions/{cast.hospital.pk}/")


def test_a_level_changes_from_a_day_and_the_page_keeps_what_was(clerk, cast):
    change = {
        "name": cast.hospital.name,
        "kind": "1",
        "level": "02",
        "first": "2023-06-01",
        "contact": "刘科长",
        "phone": "0915-1",
    }
    assert clerk.post(f"/institutions/{cast.hospital.pk}/change/", change).status_code == 302
    shown = page(clerk, f"/institutions/{cast.hospital.pk}/")
    assert "二级甲等 改为 三级甲等" in shown
    assert "刘科长" in shown
    assert standing(cast.hospital.code, date(2023, 5, 31)).institution.level == "05"
    assert "修改前后完全相同" in clerk.post(f"/institutions/{cast.hospital.pk}/change/", change).content.decode()


def test_a_key_is_shown_once_and_counts_until_it_is_revoked(client, cast):
    enter(client, cast.admin)
    own, path = cast.hospital, f"/institutions/{cast.hospital.pk}/key/"
    refused = client.post(path, {"name": "x", "user": cast.zhao.pk}).content.decode()
    assert "不能用" in refused
    assert "选择一个有效的选项" in client.post(path, {"name": "his-1", "user": cast.sun.pk}).content.decode()
    made = client.post(path, {"name": "his-1", "user": cast.zhao.pk}).content.decode()
    token = re.search(r'class="secret">([0-9a-f]{64})<', made)[1]
    assert token_of("his-1", clock.today()).token == token
    assert token not in page(client, f"/institutions/{own.pk}/")
    assert "已经有名为 his-1" in client.post(path, {"name": "his-1", "user": cast.zhao.pk}).content.decode()
    key = ApiKey.objects.get()
    client.post(f"/institutions/keys/{key.pk}/revoke/", {"reason": "更换系统"})
    assert token_of("his-1", clock.today()) is None
    assert "已注销" in page(client, f"/institutions/{own.pk}/")


def test_a_counter_sees_its_own_institution_and_nothing_to_do(client, cast):
    enter(client, cast.zhao)
    shown = page(client, "/institutions/")
    assert cast.hospital.name in shown
    assert cast.other_hospital.name not in shown
    assert "登记机构" not in shown
    own = page(client, f"/institutions/{cast.hospital.pk}/")
    for verb in ("修改信息", "签订协议", "发放密钥", "终止<"):
        assert verb not in own
    assert client.get(f"/institutions/{cast.other_hospital.pk}/").status_code == 404
