"""Admission at the counter without a browser: what the policy says of the deposit, who is told, and the bill of the stay."""

from datetime import date, datetime

import pytest

from tests.web.test_counter import cast, opened, typed, window
from tuodi.apps.settlement.models import Bill, Encounter
from tuodi.base import clock
from tuodi.base.models import AuditEvent

__all__ = ["cast", "window"]
pytestmark = pytest.mark.django_db


def stay(**changes):
    return {
        "key": "20230220fedcba9876543210", "admitted": "2023-02-20T08:30", "med_type": "21", "ipt_otp_no": "Z7", "diag_code": "j18.9",
        **changes,
    }  # fmt: skip


def test_an_admission_says_what_is_asked_of_the_deposit_and_is_kept_once_AK_6_2_2(window, cast):
    ticket = opened(window)
    for _ in range(2):
        page = window.post(f"{ticket}admit/", stay(), follow=True).content.decode()
        assert "还要知道是否经基层首诊转诊" in page
    made = Encounter.objects.get()
    assert (made.fixmedins_code, made.diag_code, made.ipt_otp_no) == (cast.hospital.code, "J18.9", "Z7")
    assert "在院登记" in page
    assert 'value="2023-02-20"' in page
    assert AuditEvent.objects.filter(verb="encounter:admit").exists()


def test_what_is_wrong_with_an_admission_is_said(window):
    ticket = opened(window)
    page = window.post(f"{ticket}admit/", stay(admitted="2999-01-01T00:00", ipt_otp_no="")).content.decode()
    assert "入院时间不能晚于现在" in page
    assert "这一项必填" in page
    assert not Encounter.objects.exists()


def test_a_stay_is_settled_left_cancelled_and_settled_again(window):
    ticket = opened(window)
    window.post(f"{ticket}admit/", stay())
    made = Encounter.objects.get()
    wrong = window.post(f"{ticket}try/", typed(mdtrt_id=made.mdtrt_id, begndate="2023-02-21")).content.decode()
    assert "入院登记的日期是 2023-02-20" in wrong
    detail = window.post(f"{ticket}settle/", {**typed(mdtrt_id=made.mdtrt_id), "shown_fen": "840000"})["Location"]
    made.refresh_from_db()
    assert clock.local(made.discharged) == clock.local(clock.instant(datetime(2023, 3, 1, 10)))
    assert Bill.objects.get().mdtrt_id == made.mdtrt_id
    assert "在院登记" not in window.get(ticket).content.decode()
    assert "已有结算" in window.post(f"{ticket}admit/{made.pk}/cancel/", follow=True).content.decode()
    window.post(f"{detail}cancel/", {"reason": "amounts"})
    made.refresh_from_db()
    assert made.discharged is None
    again = {**typed(mdtrt_id=made.mdtrt_id, key="202301020123456789abcde0"), "shown_fen": "840000"}
    assert window.post(f"{ticket}settle/", again).status_code == 302
    assert Bill.objects.filter(mdtrt_id=made.mdtrt_id, cancelled_by__isnull=True, is_cancellation=False).count() == 1


def test_nothing_is_settled_on_a_stay_that_was_cancelled_meanwhile(window):
    ticket = opened(window)
    window.post(f"{ticket}admit/", stay())
    made = Encounter.objects.get()
    window.post(f"{ticket}admit/{made.pk}/cancel/")
    page = window.post(f"{ticket}settle/", {**typed(mdtrt_id=made.mdtrt_id), "shown_fen": "840000"}).content.decode()
    assert "结算已办理" not in page
    assert not Bill.objects.filter(mdtrt_id=made.mdtrt_id).exists()


@pytest.mark.parametrize(("opened_at", "used_at"), [(datetime(2023, 12, 31, 23, 50), datetime(2024, 1, 1, 0, 5))])
def test_a_page_opened_before_midnight_of_the_new_year_settles_what_it_shows_after_it(window, opened_at, used_at):
    """安康低保：2023 年 4 万已满；年前开的页面写着 12 月 31 日，过了零点仍算旧年，累计 12 万、限额 5 万，再给 1 万；新开的页面是新的一年。"""
    bill = typed(medfee_sumamt="60000", inscp_scp_amt="60000", preselfpay_amt="0", fulamt_ownpay_amt="0", hifp_pay="0")
    with clock.set_to(clock.instant(opened_at)):
        ticket = opened(window)
        window.post(f"{ticket}settle/", {**bill, "shown_fen": "4000000"})
        page = window.get(ticket).content.decode()
        assert 'value="2023-12-31T23:50"' in page
        late = bill | {"key": "20231231aaaaaaaaaaaaaaaa", "setl_time": "2023-12-31T23:50", "enddate": "2023-12-31"}
    with clock.set_to(clock.instant(used_at)):
        assert window.post(f"{ticket}settle/", {**late, "shown_fen": "1000000"}).status_code == 302
        page = window.get(ticket).content.decode()
        assert 'value="2024-01-01T00:05"' in page
        new = bill | {"key": "20240101bbbbbbbbbbbbbbbb", "setl_time": "2024-01-01T00:05", "enddate": "2024-01-01"}
        assert window.post(f"{ticket}settle/", {**new, "shown_fen": "4000000"}).status_code == 302
    settled = {b.setl_id[1:9]: sum(b.entries.values_list("pay", flat=True)) for b in Bill.objects.all()}
    assert settled == {"20230102": 4_000_000, "20231231": 1_000_000, "20240101": 4_000_000}
    assert {b.setl_time.astimezone(clock.ZONE).date() for b in Bill.objects.all()} == {
        date(2023, 3, 1), date(2023, 12, 31), date(2024, 1, 1),
    }  # fmt: skip
