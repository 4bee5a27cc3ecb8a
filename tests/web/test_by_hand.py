"""A hospital without a connected system, by hand in a real browser: what its clerk does over a stay, a cancellation and a day's
reconciliation comes to what ``tuodi adjudicate`` makes of the county's own files, to the fen (AK-5.1.1, AK-5.2, AK-6.2.2)."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.served import ROOT
from tests.web.visitor import PHONE, SCREEN, Visitor, needs_chromium

pytestmark = needs_chromium
BEIJING = ZoneInfo("Asia/Shanghai")
DAY = "2023-05-09"
#: The reconciliation file that the clerk keeps in a spreadsheet.
HEAD = "setl_id,psn_no,setl_time,medfee_sumamt,fund_pay_sumamt,acct_pay,refd_setl_flag\n"


@pytest.fixture(scope="module")
def entered(chromium, served):
    held = {}

    def enter(name):
        if name not in held:
            held[name] = Visitor(chromium, served, SCREEN)
            held[name].enter(name)
        return held[name]

    return enter


def both_ways(visitor):
    """Look at the page on a screen and on a phone."""
    visitor.looks_right()
    visitor.page.set_viewport_size(PHONE)
    visitor.looks_right()
    visitor.page.set_viewport_size(SCREEN)


def find(page, served, number="P0001"):
    page.goto(f"{served.url}/counter/")
    page.fill("#id_number", number)
    page.keyboard.press("Enter")
    page.wait_for_selector("#bill")


def type_bill(page, shown, **amounts):
    """Type a bill and wait for what it would get."""
    for name, text in amounts.items():
        page.fill(f"#id_{name}", text)
    page.keyboard.press("Tab")
    page.wait_for_selector(f"#result .big:has-text('{shown}')")


def settle(page):
    page.click("text=办理结算")
    page.wait_for_selector("dialog[open]")
    page.click("dialog >> text=确认结算 >> nth=-1")
    page.wait_for_selector("text=结算已办理")
    return page.url


def statement(page, detail):
    """Return the settlement's number and what assistance pays, as they stand on the printed slip."""
    page.goto(f"{detail}statement/")
    page.wait_for_selector("article.slip")
    row = page.locator("tr:has-text('结算 ID')")
    return row.locator("td").first.inner_text(), page.locator(".settle-line strong").first.inner_text()


def tuodi(served, *words):
    done = subprocess.run(
        [sys.executable, "-m", "tuodi.cli", *words], env=served.environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, (words, done.stderr[-2000:])
    return done.stdout


def adjudicated(served, folder):
    """Export the county and compute it again; return what each settlement is paid, in yuan."""
    told = json.loads(tuodi(served, "export", "--area", "610902", "--out", str(folder), "--json"))
    tuodi(served, *shlex.split(shlex.join(told["command"][1:])), "--quiet")
    paid = {}
    with (folder / "entries.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["layer"]:
                paid[row["setl_id"]] = paid.get(row["setl_id"], 0) + int(row["pay"].replace(".", ""))
    return paid


def test_a_stay_by_hand_comes_to_what_the_batch_makes_of_it(entered, served, tmp_path):
    clerk = entered("zhao")
    page = clerk.page
    find(page, served)
    page.click("text=入院登记")
    page.wait_for_selector("h1:text('入院登记')")
    both_ways(clerk)
    page.fill("#id_admitted", "2023-04-28T08:30")
    page.fill("#id_ipt_otp_no", "Z2023-17")
    page.fill("#id_diag_code", "j18.9")
    page.click("button:text('登记入院')")
    page.wait_for_selector("text=入院已登记")
    page.wait_for_selector("text=还要知道是否经基层首诊转诊")
    assert page.input_value("#id_begndate") == "2023-04-28"
    both_ways(clerk)

    stay = {"enddate": DAY, "setl_time": f"{DAY}T10:00"}
    wrong = {"medfee_sumamt": "40000", "inscp_scp_amt": "40000", "hifp_pay": "24000"}
    type_bill(page, "11,200.00", **stay, **wrong)
    both_ways(clerk)
    first = settle(page)
    both_ways(clerk)
    mistaken, _ = statement(page, first)
    page.goto(first)
    page.click("text=撤销结算")
    page.select_option("#id_reason", "amounts")
    both_ways(clerk)
    page.click("button.danger")
    page.wait_for_selector("text=结算已撤销")

    find(page, served)
    page.wait_for_selector("text=住院号 Z2023-17")
    right = {
        "medfee_sumamt": "40000",
        "inscp_scp_amt": "38500.50",
        "preselfpay_amt": "1499.50",
        "hifp_pay": "24000.01",
        "hifmi_pay": "500",
    }
    type_bill(page, "9,800.34", **stay, **right)
    again = settle(page)
    kept, paid = statement(page, again)
    assert paid == "9,800.34 元"
    both_ways(clerk)
    page.emulate_media(media="print")
    assert len(page.pdf(prefer_css_page_size=True)) > 10_000
    page.emulate_media(media="screen")

    find(page, served)
    clinic = {
        "begndate": DAY,
        "enddate": DAY,
        "setl_time": f"{DAY}T15:00",
        "diag_code": "I10",
        "medfee_sumamt": "333.33",
    }
    page.select_option("#id_med_type", "14")
    type_bill(page, "233.33", inscp_scp_amt="333.33", **clinic)
    second, _ = statement(page, settle(page))

    amounts = adjudicated(served, tmp_path / "out")
    assert {key: amounts.get(key) for key in (kept, second, mistaken)} == {
        kept: 980_034,
        second: 23_333,
        mistaken: None,
    }
    reconcile(
        entered,
        served,
        {mistaken: ("40000.00", "35200.00"), kept: ("40000.00", "34300.35"), second: ("333.33", "233.33")},
    )


def reconcile(entered, served, lines):
    """The clerk brings the day's file, with a fen too much first; the county compares, and nothing is left to do."""
    clerk, office = entered("zhao"), entered("chen")
    page = clerk.page
    for off, says in ((1, "金额不符"), (0, "没有差异")):
        rows = dict(lines)
        key = next(iter(rows))
        fund = int(rows[key][1].replace(".", "")) + off
        rows[key] = (rows[key][0], f"{fund // 100}.{fund % 100:02d}")
        text = HEAD + "".join(f"{k},P0001,{DAY} 10:00:00,{total},{fund},0.00,0\n" for k, (total, fund) in rows.items())
        page.goto(f"{served.url}/reconciliation/?day={DAY}")
        page.click("tbody a >> nth=0")
        page.set_input_files("#id_file", {"name": "9日.csv", "mimeType": "text/csv", "buffer": text.encode()})
        page.click("button:text('上传')")
        page.wait_for_selector("text=已收到 9日.csv")
        office.page.goto(f"{served.url}/reconciliation/?day={DAY}")
        office.page.click("tbody a >> nth=0")
        office.page.click("button.main >> text=对账")
        office.page.wait_for_selector("text=已重新对账")
        page.reload()
        page.wait_for_selector(f"text={says}")
        both_ways(clerk)
    today = datetime.now(BEIJING).date()
    page.goto(f"{served.url}/reconciliation/?day={today}")
    both_ways(clerk)
