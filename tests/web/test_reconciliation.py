"""A day's three-way reconciliation in a real browser: found, mended by two people, matched by the next run (AK-5.1.1, AK-6.1, WH-5.2)."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.web.visitor import PHONE, SCREEN, Visitor, needs_chromium

pytestmark = needs_chromium

SETTLE = """
from datetime import date
from tests.apps.cast import bill
from tuodi.apps.settlement.actions import Settle
from tuodi.base.models import User
zhao = User.objects.get(username="zhao")
for setl_id, yuan in (("A", 1000), ("B", 1000), ("C", 1000), *((f"S{n:04d}", 400 + n) for n in range(30))):
    Settle(actor=zhao, bill=bill(f"{setl_id}-202303", date(2023, 3, 1), yuan)).run()
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.queries import first_grants
for row in Bill.objects.filter(setl_time__date="2023-03-01", fixmedins_code="H61090200001"):
    print(row.setl_id, row.medfee_sumamt, first_grants({row.pk}).get(row.pk, 0))
"""
HEAD = (
    "setl_id", "psn_no", "fixmedins_code", "med_type", "begndate", "enddate", "setl_time", "diag_code", "medfee_sumamt",
    "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "maf_pay",
)  # fmt: skip


def row(setl_id, yuan, maf):
    return (
        setl_id, "P0001", "H61090200001", "21", "2023-03-01", "2023-03-01", "2023-03-01 10:00:00", "J18.9", yuan, "0", "0", "0",
        yuan, maf,
    )  # fmt: skip


def in_csv(rows):
    return "\n".join(",".join(cells) for cells in (HEAD, *rows)).encode()


def in_xlsx(rows):
    """Return the smallest workbook that spreadsheets open: one sheet of text cells."""
    cell = '<c t="inlineStr"><is><t>{}</t></is></c>'
    lines = "".join(f"<row>{''.join(cell.format(one) for one in cells)}</row>" for cells in (HEAD, *rows))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{sheet}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheet}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="对账" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
    }  # fmt: skip
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return held.getvalue()


@pytest.fixture(scope="module")
def sides(served):
    """What each settlement of the day costs and was helped with, in yuan, as a file writes it."""
    told = [line.split() for line in served.manage(SETTLE).splitlines()]
    return {setl_id: tuple(f"{int(fen) // 100}.{int(fen) % 100:02d}" for fen in amounts) for setl_id, *amounts in told}


@pytest.fixture(scope="module")
def entered(chromium, served):
    """Everybody who logged in, by name: a second factor is set up once."""
    held = {}

    def enter(name):
        if name not in held:
            held[name] = Visitor(chromium, served, SCREEN)
            held[name].enter(name)
        held[name].page.set_viewport_size(SCREEN)
        return held[name]

    return enter


def both_ways(visitor):
    """Look at a page on a counter's screen and on a phone."""
    for viewport in (PHONE, SCREEN):
        visitor.page.set_viewport_size(viewport)
        visitor.looks_right()


def upload(page, side, name, content):
    page.select_option("#id_side", side)
    page.set_input_files("#id_file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.click("button:text('上传')")


def test_a_day_from_the_first_file_to_nothing_left_to_do(entered, served, sides):
    clerk, approver = entered("chen"), entered("zhou")
    page = clerk.page
    page.goto(f"{served.url}/reconciliation/?day=2023-02-20")
    page.click("text=后一天")
    page.fill("#day", "2023-03-01")
    page.click("button:text('查看')")
    page.wait_for_selector("tbody >> text=未对账")
    both_ways(clerk)
    page.click("tbody a >> nth=0")
    page.wait_for_selector("text=这一天还没有对账")
    both_ways(clerk)

    upload(page, "insurer", "insurer.csv", in_csv([row("A-202303", "1.234", "0"), row("B-202303", "x", "0")]))
    page.wait_for_selector(".message.bad >> text=第 2 行")
    both_ways(clerk)
    theirs = {key: amounts for key, amounts in sides.items() if key != "C-202303"}
    theirs |= {"B-202303": (sides["B-202303"][0], "699.99"), "D-202303": ("500.00", "350.00")}
    upload(page, "insurer", "insurer.csv", in_csv([row(key, *amounts) for key, amounts in theirs.items()]))
    page.wait_for_selector(".message.success >> text=已收到 insurer.csv")
    for setl_id, kind in (("B-202303", "金额不符"), ("C-202303", "对方缺"), ("D-202303", "我方缺")):
        assert page.is_visible(f"tr:has-text('{setl_id}') >> text={kind}")
    page.click("summary:text('一致的结算')")
    both_ways(clerk)
    with page.expect_download() as file:
        page.click("text=导出 CSV")
    told = file.value.path().read_text("utf-8-sig")
    assert told.count("\n") == len(theirs) + 2
    assert "C-202303,P0001,对方缺,医保机构没有" in told

    page.goto(f"{served.url}/reconciliation/")
    page.click("text=待处理差异")
    page.wait_for_selector("text=共 3 笔")
    both_ways(clerk)
    for setl_id, kind, reason in (
        ("C-202303", "撤销我方结算", "医院书面确认已退费"), ("D-202303", "按医保文件补记我方结算", "医院漏传，已核对病历"),
        ("B-202303", "请医药机构重新上传", "与医院核对金额"),
    ):  # fmt: skip
        page.click(f"tr:has-text('{setl_id}') >> text=处理 >> nth=-1")
        page.wait_for_selector("h1:text('处理差异')")
        page.click("button:text('提交')")
        page.wait_for_selector("h1:text('处理差异')")
        page.check(f"label:has-text('{kind}') input")
        page.fill("#id_reason", reason)
        both_ways(clerk)
        page.click("button:text('提交')")
        page.wait_for_selector("h1:text('待处理差异')")
    page.wait_for_selector("text=处理已登记")
    both_ways(clerk)

    other = approver.page
    other.goto(f"{served.url}/reconciliation/work/")
    both_ways(approver)
    other.click("a:text('C-202303')")
    other.wait_for_selector("button:text('退回')")
    other.click("button:text('退回')")
    other.wait_for_selector(".message.bad >> text=理由")
    both_ways(approver)
    for setl_id in ("C-202303", "D-202303"):
        other.goto(f"{served.url}/reconciliation/work/")
        other.click(f"a:text('{setl_id}')")
        other.click("button:text('复核通过并办理')")
        other.wait_for_selector("text=已复核并办理")

    page.goto(f"{served.url}/reconciliation/?day=2023-03-01")
    page.click("tbody a >> nth=0")
    corrected = theirs | {"B-202303": sides["B-202303"]}
    upload(page, "insurer", "insurer.xlsx", in_xlsx([row(key, *amounts) for key, amounts in corrected.items()]))
    page.wait_for_selector("text=已收到 insurer.xlsx")
    page.wait_for_selector("text=没有差异")
    both_ways(clerk)
    page.goto(f"{served.url}/reconciliation/work/")
    page.wait_for_selector("text=没有待处理的差异")
    both_ways(clerk)
    page.goto(f"{served.url}/reconciliation/?day=2023-03-01")
    page.wait_for_selector("tbody >> text=已平")
    both_ways(clerk)


def test_a_hospital_sends_its_own_side_only(entered, served, sides):
    visitor = entered("zhao")
    page = visitor.page
    page.goto(f"{served.url}/reconciliation/?day=2023-03-01")
    both_ways(visitor)
    page.click("tbody a >> nth=0")
    assert page.locator("#id_side option").all_inner_texts() == ["医药机构"]
    assert page.locator("button:text('重新对账')").count() == 0
    both_ways(visitor)


def test_the_books_of_the_night_fit_screen_and_phone(entered, served):
    visitor = entered("zhou")
    visitor.page.goto(f"{served.url}/settlements/books/")
    both_ways(visitor)
    served.manage(BOOKS)
    visitor.page.reload()
    visitor.page.wait_for_selector("text=P0001")
    both_ways(visitor)


BOOKS = """
from tuodi.apps.settlement.nightly import Books, Difference, KeepBooks
from tuodi.base.system import system_user
found = tuple(Difference("P0001", f"S{n:04d}-202303", "basic", 28000 + n, 28100 + n, area="610902") for n in range(30))
KeepBooks(actor=system_user(), books=Books(2, 60, found + (Difference("P0002", "", "", 0, 0, "授权参数“倾斜救助比例”还没有录入", area="610902"),), 0), is_repair=False).run()
"""
