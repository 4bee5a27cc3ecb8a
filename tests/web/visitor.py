"""Somebody at a browser, who writes down whatever should not happen.

On every page: no serious finding of axe, nothing refused by the content policy, no request outside, no error in the console,
nothing wider than the screen. Skipped where no Chromium is found (``apt-get install chromium fonts-noto-cjk``, or ``CHROMIUM=path``).
``TUODI_SHOTS=folder`` keeps a picture of every page that was checked, in the order in which they were seen.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.apps.cast import PASSWORD
from tests.site.entering import phone

SHOTS = os.environ.get("TUODI_SHOTS", "")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_sync = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt-get install chromium fonts-noto-cjk, or set CHROMIUM"
)

#: A phone in the hand, a counter's screen.
PHONE, SCREEN = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


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
        if SHOTS:
            self._keep_picture(title)
        found = axe_sync.Axe().run(self.page)
        bad = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical", "moderate")]
        assert not bad, (title, [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in bad])
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (title, wide)
        assert not self.wrong, (title, self.wrong)

    def looks_right_on_both(self):
        """Check the page as it stands on a phone and on a counter's screen."""
        for size in (PHONE, SCREEN):
            self.page.set_viewport_size(size)
            self.looks_right()

    def _keep_picture(self, title):
        folder = Path(SHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        number, width = len(list(folder.iterdir())) + 1, self.page.viewport_size["width"]
        name = f"{number:03d}-{width}-{title.split(' · ')[0]}.png".replace("/", "-")
        self.page.screenshot(path=folder / name, full_page=True)

    def enter(self, username):
        """Log in for the first time: password, second factor, recovery codes."""
        page = self.page
        page.goto(self.served.url)
        self.looks_right()
        page.fill("#id_login", username)
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('确认密码')")
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
