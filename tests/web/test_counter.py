"""The counter's pages without a browser: found by number, tried, settled as shown and once, cancelled with a reason."""

import re
from datetime import date

import pytest
from django.core.cache import cache

from tests.apps.cast import assemble, bill
from tests.site.entering import enter
from tuodi.apps.institutions.models import Suspension
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import counter, listing
from tuodi.apps.settlement.actions import CancelSettlement, Settle
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.base import clock
from tuodi.base.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def window(client, cast):
    enter(client, cast.zhao)
    return client


def typed(**changes):
    return {
        "key": "202301020123456789abcdef", "med_type": "21", "begndate": "2023-02-20", "enddate": "2023-03-01", "setl_time": "2023-03-01T10:00",
        "diag_code": "j18.9", "medfee_sumamt": "30,000.00", "inscp_scp_amt": "27000", "preselfpay_amt": "2,000", "fulamt_ownpay_amt": "１０００",
        "hifp_pay": "15,000", **changes,
    }  # fmt: skip


def opened(window, number="P0001"):
    answer = window.post("/counter/", {"number": number})
    assert answer.status_code == 302
    return answer["Location"]


def settle(window, shown="840000", **changes):
    return window.post(f"{opened(window)}settle/", {**typed(**changes), "shown_fen": shown})


def test_a_person_is_found_by_number_only_and_that_is_recorded(window):
    page = window.get(opened(window)).content.decode()
    assert "王奶奶" in page
    assert "二类救助对象" in page
    assert AuditEvent.objects.filter(verb="person:looked_up", subject_id="P0001").count() == 1
    for text in ("王奶奶", "wnn", "P000", "P9999"):
        assert "查不到" in window.post("/counter/", {"number": text}).content.decode()


def test_a_suspended_institution_is_told_before_it_types_a_bill(window, cast):
    assert "暂停救助结算" not in window.get("/counter/").content.decode()
    today = clock.today()
    Suspension.objects.create(institution=cast.hospital, first=today, reason="考核不合格", recorded_at=clock.now())
    for address in ("/counter/", opened(window)):
        assert "本机构今天暂停救助结算：考核不合格" in window.get(address).content.decode()


def test_a_try_says_the_result_and_keeps_nothing(window):
    page = window.post(f"{opened(window)}try/", typed()).content.decode()
    assert "8,400.00" in page
    assert "6,600.00" in page
    assert "12,000.00 元 × 70% = 8,400.00 元" in page
    assert "<svg" in page
    assert not Bill.objects.exists()


def test_AK_3_1_1_a_bill_that_gets_nothing_says_why_before_and_after_it_is_settled(window, cast):
    Person.objects.create(psn_no="P0003", name="无身份", initials="", insured_area="610902", recorded_at=clock.now())
    page = window.post(f"{opened(window, 'P0003')}try/", typed()).content.decode()
    assert "这次不能救助：" in page
    assert "预结算：从医疗费总额到个人负担" in page
    assert "结算 预结算" not in page
    small = typed(medfee_sumamt="500", inscp_scp_amt="500", preselfpay_amt="0", fulamt_ownpay_amt="0", hifp_pay="0")
    window.post(f"{opened(window, 'P0002')}settle/", {**small, "shown_fen": "0"})
    made = Bill.objects.get(psn_no="P0002")
    page = window.get(f"/settlements/{made.pk}/").content.decode()
    assert "这次没有救助支付：救助算的是政策范围内的个人负担" in page
    assert "起付线以内 500.00 元由个人承担" in page
    assert "已结算，无救助" in page
    assert "已结算，无救助" in window.get("/settlements/?first=2023-01-01").content.decode()


def test_a_counter_without_a_registered_institution_is_told_who_mends_that(client, cast):
    cast.zhao.institution_code = ""
    cast.zhao.save()
    enter(client, cast.zhao)
    assert "这个账号没有关联到已登记的定点医药机构" in client.get("/counter/").content.decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inscp_scp_amt": "26999.99"}, "不等于"), ({"inscp_scp_amt": "abc"}, "不是金额"), ({"hifp_pay": "-1"}, "不能为负数"),
        ({"hifp_pay": "1.001"}, "最多两位小数"), ({"enddate": "2023-02-01"}, "早于入院日期"), ({"setl_time": "2999-01-01T00:00"}, "不能晚于现在"),
        ({"hifp_pay": "30000.01"}, "超过医疗费总额"), ({"medfee_sumamt": ""}, "请填写金额"), ({"med_type": "zz"}, "医疗类别"),
        ({"key": "../../x"}, "页面已失效"), ({"setl_time": "2023-02-25T10:00"}, "早于出院日期"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_settled(window, change, says):
    ticket = opened(window)
    assert says in window.post(f"{ticket}try/", typed(**change)).content.decode()
    window.post(f"{ticket}settle/", {**typed(**change), "shown_fen": "840000"})
    assert not Bill.objects.exists()


def test_all_faults_at_once(window):
    page = window.post(f"{opened(window)}try/", typed(medfee_sumamt="x", hifp_pay="-1", diag_code="")).content.decode()
    assert page.count("<li>") == 3


def test_it_is_settled_once_however_often_it_is_sent(window, cast):
    first, second = settle(window), settle(window)
    assert first["Location"] == second["Location"]
    made = Bill.objects.get()
    assert (made.fixmedins_code, made.diag_code, made.msgid) == (cast.hospital.code, "J18.9", "")
    assert listing.trail_of(made)[0].data["pay_fen"] == 840_000


def test_what_changed_since_it_was_shown_is_not_settled(window, cast):
    Settle(actor=cast.sun, bill=bill("B", date(2023, 2, 1), 50_000, hospital=cast.other_hospital.code)).run()
    page = settle(window).content.decode()
    assert "8,400.00 元 变为 5,000.00 元" in page
    assert Bill.objects.count() == 1
    assert Entry.objects.count() == 1


def test_the_office_tries_but_does_not_settle(client, cast):
    enter(client, cast.chen)
    page = client.post(f"{opened(client)}try/", typed(institution=cast.hospital.code)).content.decode()
    assert "8,400.00" in page
    assert "办理结算" not in page
    assert settle(client, institution=cast.hospital.code).status_code == 403
    assert (
        "不在可用的选项中" in client.post(f"{opened(client)}try/", typed(institution="H00000000000")).content.decode()
    )


def test_a_cancellation_needs_a_reason_and_is_told(window):
    detail = settle(window)["Location"]
    asked = window.get(f"{detail}cancel/").content.decode()
    assert "王奶奶" in asked, "who it is, before it is cancelled"
    assert "元须收回" in asked
    assert window.post(f"{detail}cancel/", {"reason": ""}).status_code == 200
    assert window.post(f"{detail}cancel/", {"reason": "any text"}).status_code == 200
    assert window.post(f"{detail}cancel/", {"reason": "amounts"})["Location"] == detail
    page = window.get(detail).content.decode()
    assert "已撤销" in page
    assert "撤销结算：金额录入有误" in page
    assert "-8,400.00" in page
    assert "assistance" not in page, "what counts no more still has its layers' names"
    assert "已于" in window.post(f"{detail}cancel/", {"reason": "amounts"}).content.decode()
    assert window.get(f"{detail}statement/").status_code == 404


def test_what_a_connected_system_settled_is_cancelled_there(window, cast):
    made = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 1000, msgid="M1")).run().bill
    assert "医院信息系统" in window.post(f"/settlements/{made.pk}/cancel/", {"reason": "amounts"}).content.decode()
    assert Bill.objects.count() == 1


def test_the_detail_shows_steps_clauses_and_later_differences(window, cast):
    first = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30_000)).run().bill
    second = Settle(actor=cast.zhao, bill=bill("B", date(2023, 4, 1), 40_000)).run().bill
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    page = window.get(f"/settlements/{second.pk}/").content.decode()
    for said in ("后来有变动", "结算撤销引起", "+9,000.00", "+19,000.00", "AK-3.3.1", "逐步计算与条款", "赵医生"):
        assert said in page, said
    assert "已撤销" in window.get(f"/settlements/{first.pk}/").content.decode()


def code_on(window, pk):
    return re.search(r'mono">([0-9A-Z-]+)<', window.get(f"/settlements/{pk}/statement/").content.decode())[1]


def test_a_printed_statement_is_confirmed_to_anybody_without_personal_data(window, cast):
    made = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30_000)).run().bill
    code = code_on(window, made.pk)
    window.logout()
    page = window.get(f"/verify/{code.lower()}/").content.decode()
    assert "验证通过" in page
    assert "21,000.00" in page
    for personal in ("王", "P0001", "J18"):
        assert personal not in page.split("<main")[1]
    for wrong in (
        code[:-1] + ("0" if code[-1] != "0" else "1"),
        "x",
        "1-2-3",
        "9" * 40,
        f"{code}-1",
        "ZZZZZZZZZZZZZ-0-0000000000",
    ):
        assert "没有出具过" in window.get(f"/verify/{wrong}/").content.decode(), wrong


def test_no_code_is_asked_for(client, db):
    assert "请输入结算单下方的验证码" in client.get("/verify/?code=").content.decode()


def test_a_statement_of_what_changed_later_says_so(window, cast):
    for setl_id, day, yuan in (("A", date(2023, 3, 1), 30_000), ("B", date(2023, 4, 1), 40_000)):
        Settle(actor=cast.zhao, bill=bill(setl_id, day, yuan)).run()
    kept, gone = Bill.objects.get(setl_id="B"), Bill.objects.get(setl_id="A")
    codes = code_on(window, kept.pk), code_on(window, gone.pk)
    CancelSettlement(actor=cast.zhao, setl_id="A", new_id="A-").run()
    assert "现为 28,000.00" in window.get(f"/verify/{codes[0]}/").content.decode()
    assert "已经撤销" in window.get(f"/verify/{codes[1]}/").content.decode()
    assert "验证通过" in window.get(f"/verify/{code_on(window, kept.pk)}/").content.decode()


def test_the_list_is_filtered_ordered_paged_and_counts_its_queries(window, cast, django_assert_max_num_queries):
    for n in range(30):
        Settle(actor=cast.zhao, bill=bill(f"A{n:02d}", date(2023, 3, 1 + n % 28), 100 + n, person="P0002")).run()
    Settle(actor=cast.sun, bill=bill("OTHER", date(2023, 3, 1), 100, hospital=cast.other_hospital.code)).run()
    CancelSettlement(actor=cast.zhao, setl_id="A00", new_id="A00-").run()

    def listed(query):
        page = window.get(f"/settlements/?{query}").content.decode()
        return [int(pk) for pk in re.findall(r'href="/settlements/(\d+)/"', page)], page

    with django_assert_max_num_queries(14):
        keys, page = listed("first=2023-01-01")
    assert len(keys) == 25
    assert "第 1 / 2 页" in page
    assert len(listed("first=2023-01-01&page=2")[0]) == 5
    assert len(listed("first=2023-03-28&last=2023-03-28")[0]) == 1
    assert listed("state=cancelled")[0] == [Bill.objects.get(setl_id="A00").pk]
    by_fee = [Bill.objects.get(pk=pk).medfee_sumamt for pk in listed("order=medfee&state=settled")[0]]
    assert by_fee == sorted(by_fee)
    assert "没有符合条件的结算" in listed("first=2030-01-01")[1]
    assert "没有符合条件" in window.get("/settlements/").content.decode()
    assert listed("order=password&first=x&page=zzz&state=nonsense")[0]


def test_a_list_too_long_to_count_shows_the_latest_and_says_so(window, cast, monkeypatch):
    for n in range(30):
        Settle(actor=cast.zhao, bill=bill(f"A{n:02d}", date(2023, 3, 1 + n % 28), 100 + n, person="P0002")).run()
    monkeypatch.setattr(listing, "COUNTED", 27)
    page = window.get("/settlements/?first=2023-01-01&order=-paid").content.decode()
    assert "超过 <strong>27</strong> 笔" in page
    assert "第 1 / 2 页" in page
    assert "有效结算" not in page
    assert "order=-medfee" not in page
    first = Bill.objects.order_by("-setl_time", "-pk")[0]
    assert re.findall(r'href="/settlements/(\d+)/"', page)[0] == str(first.pk)
    whole = window.get("/settlements/?first=2023-03-20&order=-paid").content.decode()
    assert "有效结算" in whole
    assert "order=-medfee" in whole


def test_a_hospital_finds_only_its_own_settlements(window, cast):
    Settle(actor=cast.sun, bill=bill("OTHER", date(2023, 3, 1), 100, hospital=cast.other_hospital.code)).run()
    for text in ("OTHER", "P0001", "P0002"):
        assert window.post("/settlements/find/", {"text": text})["Location"] == "/settlements/"
    Settle(actor=cast.zhao, bill=bill("OWN", date(2023, 3, 1), 100)).run()
    assert "?who=" in window.post("/settlements/find/", {"text": "P0001"})["Location"]


def test_an_export_is_recorded_and_holds_no_formula(window, cast):
    Settle(actor=cast.zhao, bill=bill("=1+1", date(2023, 3, 1), 100)).run()
    text = b"".join(window.get("/settlements/export.csv?state=").streaming_content).decode()
    assert text.startswith("\ufeff结算ID")
    assert "'=1+1" in text
    assert "王" not in text
    assert AuditEvent.objects.get(verb="settlement:exported").data == {"rows": 1}


def test_a_page_that_lost_its_session_is_left_as_a_whole(client, cast):
    ticket = counter.ticket_for(cast.zhao, cast.wang)
    answer = client.post(f"/counter/{ticket}/try/", typed(), headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith("/accounts/login/")
