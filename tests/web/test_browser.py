"""The story in a real browser: enter with a phone's code, settle by hand, print, cancel; on a wide screen and on a phone."""

from __future__ import annotations

from tests.web.visitor import PHONE, SCREEN, Visitor, needs_chromium

pytestmark = needs_chromium


def fill_bill(page):
    for name, text in (
        ("diag_code", "J18.9"), ("begndate", "2023-02-20"), ("enddate", "2023-03-01"), ("setl_time", "2023-03-01T10:00"),
        ("medfee_sumamt", "30000"), ("inscp_scp_amt", "27000"), ("preselfpay_amt", "2000"),
    ):  # fmt: skip
        page.fill(f"#id_{name}", text)
    page.wait_for_selector("#split-note.bad:has-text('少 1,000.00 元')")
    page.fill("#id_fulamt_ownpay_amt", "1000")
    page.wait_for_selector("#split-note.good")
    page.fill("#id_hifp_pay", "15000")
    page.keyboard.press("Tab")
    page.wait_for_selector("#result .big:has-text('8,400.00')")
    assert page.input_value("#id_medfee_sumamt") == "30,000.00"


def type_bill(page):
    """Type a bill from its first field to its last, Enter after each: the days, then total and parts, then what insurance paid."""
    assert page.evaluate("document.activeElement.id") == "id_med_type"
    page.keyboard.press("Enter")
    for typed in ("J18.9", "02202023", "03012023", "030120231000AM", "30000", "27000", "2000", "1000", "", "15000", ""):
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
    page.wait_for_selector("#result .big:has-text('8,400.00')")
    page.wait_for_function("document.activeElement.matches('#result [data-dialog]')")
    assert page.input_value("#id_setl_time") == "2023-03-01T10:00"


def test_a_bill_is_settled_by_hand_printed_and_cancelled(chromium, served):
    visitor = Visitor(chromium, served, SCREEN)
    page = visitor.page
    secret = visitor.enter("zhao")
    visitor.leave()
    visitor.enter_again("zhao", secret)

    page.click("nav >> text=结算窗口")
    page.wait_for_selector("#id_number")
    visitor.looks_right()
    page.keyboard.type("610902194901011228")
    page.keyboard.press("Enter")
    page.wait_for_selector("#bill")
    visitor.looks_right()
    fill_bill(page)
    visitor.looks_right()
    assert "610902194901011228" not in page.content()

    page.click("text=办理结算")
    page.wait_for_selector("dialog[open]")
    visitor.looks_right()
    page.click("dialog >> text=确认结算 >> nth=-1")
    page.wait_for_selector("h1:text('结算详情')")
    assert "结算已办理" in page.content()
    page.click("summary")
    visitor.looks_right()
    detail = page.url

    page.click("text=打印结算单")
    page.wait_for_selector("article.slip")
    visitor.looks_right()
    page.emulate_media(media="print")
    assert not page.is_visible("header.top")
    assert not page.is_visible("[data-print]")
    assert page.is_visible("article.slip")
    assert len(page.pdf(prefer_css_page_size=True)) > 10_000
    page.emulate_media(media="screen")
    code = page.inner_text(".mono")

    page.goto(detail)
    page.click("text=撤销结算")
    page.wait_for_selector("#id_reason")
    visitor.looks_right()
    page.select_option("#id_reason", "amounts")
    page.click("button.danger")
    page.wait_for_selector("text=结算已撤销")
    visitor.looks_right()
    visitor.leave()
    page.goto(f"{served.url}/verify/{code}/")
    page.wait_for_selector("text=已经撤销")
    visitor.looks_right()


def test_the_counter_needs_no_mouse_and_fits_a_phone(chromium, served):
    visitor = Visitor(chromium, served, PHONE)
    page = visitor.page
    visitor.enter("sun")
    page.goto(f"{served.url}/counter/")
    visitor.looks_right()
    page.keyboard.type("P0001")
    page.keyboard.press("Enter")
    page.wait_for_selector("#bill")
    visitor.looks_right()
    type_bill(page)
    visitor.looks_right()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text('结算详情')")
    visitor.looks_right()
    page.click("text=返回列表")
    page.wait_for_selector("h1:text('结算查询')")
    visitor.looks_right()
    page.goto(f"{served.url}/settlements/?first=2023-01-01")
    page.wait_for_selector("table.cards")
    visitor.looks_right()


def test_the_office_lists_sorts_and_opens(chromium, served):
    visitor = Visitor(chromium, served, SCREEN)
    page = visitor.page
    visitor.enter("chen")
    page.goto(f"{served.url}/settlements/?first=2023-01-01")
    visitor.looks_right()
    page.click("th >> text=医疗费总额")
    page.wait_for_selector("th[aria-sort=descending] >> text=医疗费总额")
    page.click("text=下一页")
    page.wait_for_selector("text=第 2 / 2 页")
    visitor.looks_right()
    page.click("tbody a >> nth=0")
    page.wait_for_selector("h1:text('结算详情')")
    visitor.looks_right()
    page.click("text=返回列表")
    page.wait_for_selector("text=第 2 / 2 页")
    page.wait_for_selector("th[aria-sort=descending] >> text=医疗费总额")
    page.goto(f"{served.url}/accounts/2fa/")
    visitor.looks_right()


def test_the_office_finds_a_person_and_opens_the_file(chromium, served):
    for viewport in (SCREEN, PHONE):
        visitor = Visitor(chromium, served, viewport)
        page = visitor.page
        if viewport is SCREEN:
            secret = visitor.enter("registrar")
        else:
            visitor.enter_again("registrar", secret)
        page.goto(f"{served.url}/people/")
        visitor.looks_right()
        page.keyboard.type("wnn")
        page.keyboard.press("Enter")
        page.wait_for_selector("table.cards")
        visitor.looks_right()
        page.click("tbody a")
        page.wait_for_selector("h1:text('个人档案')")
        assert "民政局" in page.content()
        visitor.looks_right()
