"""The story in a real browser: enter with a phone's code, settle by hand, print, cancel; on a wide screen and on a phone.

On every page: no serious finding of axe, nothing refused by the content policy, no request outside, no error in the console,
nothing wider than the screen. Skipped where no Chromium is found (``apt-get install chromium fonts-noto-cjk``, or ``CHROMIUM=path``).
"""

from __future__ import annotations

import os
import shutil
import time

import pytest

from tests.apps.cast import PASSWORD
from tests.site.entering import phone
from tests.web.served import Served

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_sync = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt-get install chromium fonts-noto-cjk, or set CHROMIUM"
)

#: A phone in the hand, a counter's screen.
PHONE, SCREEN = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def served():
    held = Served()
    yield held
    held.stop()


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser, with everything that should not happen written down."""

    def __init__(self, chromium, served, viewport):
        self.served, self.wrong = served, []
        self.context = chromium.new_context(viewport=viewport, locale="zh-CN", timezone_id="Asia/Shanghai")
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._asked)

    def _asked(self, request):
        if not request.url.startswith((self.served.url, "data:", "blob:")):
            self.wrong.append(f"asked outside: {request.url}")

    def looks_right(self):
        """Check the page as it stands."""
        title = self.page.title()
        found = axe_sync.Axe().run(self.page)
        bad = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical", "moderate")]
        assert not bad, (title, [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in bad])
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (title, wide)
        assert not self.wrong, (title, self.wrong)

    def enter(self, username):
        """Log in for the first time: password, second factor, recovery codes."""
        page = self.page
        page.goto(self.served.url)
        self.looks_right()
        page.fill("#id_login", username)
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('确认身份')")
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('设置第二重验证')")
        self.looks_right()
        secret = page.text_content(".secret")
        page.fill("#id_code", phone(secret))
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('恢复码')")
        self.looks_right()
        return secret

    def enter_again(self, username, secret):
        """Log in with the second factor that is there, with the code of the next half-minute: each works once."""
        page = self.page
        page.goto(self.served.url)
        page.fill("#id_login", username)
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('输入验证码')")
        self.looks_right()
        page.fill("#id_code", phone(secret, at=time.time() + 30))
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('您好')")
        self.looks_right()

    def leave(self):
        self.page.click("header button")
        self.page.wait_for_selector("h1:text('登录')")


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
    fill_bill(page)
    visitor.looks_right()
    page.focus("#id_hifmi_pay")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    page.focus("[data-dialog]")
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
