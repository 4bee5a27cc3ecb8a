"""A served site and a browser, for the stories of one file."""

from __future__ import annotations

import os

import pytest

from tests.web.served import Served


@pytest.fixture(scope="module")
def served():
    held = Served()
    yield held
    held.end()


@pytest.fixture(scope="module")
def chromium():
    from tests.web.visitor import CHROMIUM, sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            env={**os.environ, "LANGUAGE": "zh_CN"},
        )
        yield browser
        browser.close()
