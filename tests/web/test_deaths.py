"""A death recorded wrongly, in pages: weighed in money, agreed to by a second person, at both widths."""

from __future__ import annotations

from tests.web.visitor import PHONE, SCREEN, Visitor, needs_chromium

BILL = """
from datetime import date
from tests.apps.cast import bill
from tuodi.apps.settlement.actions import Settle
from tuodi.base.models import User
Settle(actor=User.objects.get(username="zhao"), bill=bill("A", date(2023, 3, 1), 30000)).run()
"""


@needs_chromium
def test_a_death_recorded_wrongly_is_put_right_by_two_people(chromium, served):
    served.manage(BILL)
    clerk, approver = Visitor(chromium, served, SCREEN), Visitor(chromium, served, SCREEN)
    page, other = clerk.page, approver.page
    clerk.enter("registrar")
    approver.enter("zhou")

    def both_ways(visitor):
        for size in (PHONE, SCREEN):
            visitor.page.set_viewport_size(size)
            visitor.looks_right()

    page.goto(f"{served.url}/people/")
    page.fill("#text", "wnn")
    page.keyboard.press("Enter")
    page.click("td a:text('王奶奶')")
    page.click("text=登记死亡")
    page.fill("#id_day", "2023-02-01")
    page.check("#id_ends_identities")
    page.click("button:text('下一步')")
    page.click("text=确认登记死亡")
    page.wait_for_selector("text=死亡已登记")
    both_ways(clerk)
    page.click("text=更正死亡登记")
    page.wait_for_selector("h1:text('更正死亡登记')")
    both_ways(clerk)
    page.fill("#id_reason", "派出所误报，已见本人")
    page.click("button:text('下一步')")
    page.wait_for_selector(".wrong >> text=请填正确的死亡日期")
    both_ways(clerk)
    page.check("#id_is_alive")
    page.click("button:text('下一步')")
    page.wait_for_selector("text=21,000.00")
    both_ways(clerk)
    page.click("button:text('确认更正')")
    page.wait_for_selector("text=等县级审批岗复核")
    both_ways(clerk)

    other.goto(f"{served.url}/people/")
    other.wait_for_selector("h2:text('待复核的死亡更正')")
    both_ways(approver)
    other.click(".trail a")
    other.wait_for_selector("text=21,000.00")
    both_ways(approver)
    other.click("button:text('退回')")
    other.wait_for_selector(".message.bad >> text=没有写明理由")
    both_ways(approver)
    other.click("button:text('复核通过并更正')")
    other.wait_for_selector("text=死亡登记已更正")
    both_ways(approver)
    assert other.is_visible(".tag.good >> text=低保对象")
