"""Files of a side as they are uploaded: CSV or xlsx in the exchange format, or the text of a 3202; every bad row at once.

Columns may be headed by the names of the national interface or by what they are called in Chinese.

Cells are judged by the readers of :mod:`tuodi.batch`; what is told of a settlement beyond the amounts is kept as written, so
that a bill missing here can be recorded from the insurer's own words.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from dataclasses import replace
from datetime import date, datetime
from io import StringIO
from typing import Any

from tuodi.apps.reconciliation.comparing import Line
from tuodi.apps.settlement.statements import parse
from tuodi.base import workbooks
from tuodi.base.unwritten import unwritten
from tuodi.batch.columns import SETTLEMENTS, Column, Schema
from tuodi.batch.csv_source import GB_18030, CsvSource, encoding_of
from tuodi.batch.reading import CHUNK_ROWS, Reader
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import yuan
from tuodi.core.settlements import INSURER_FIELDS, SPLIT_FIELDS

E_TWICE = declare(
    "E-RECON-TWICE", "结算号 {setl_id} 出现两次（第 {first} 行也有）", "每笔结算只写一行；撤销另写一行，金额为负"
)
E_SHEET = declare("E-RECON-SHEET", "工作簿打不开，或第一张工作表是空的", "请用 xlsx 或 CSV，第一行写列名")
E_SHEET_AREA = declare(
    "E-RECON-SHEET-AREA", "工作簿的内容或空白区域过大，读不了", "请删去表格右边和下边的空行空列，另存后再上传"
)
E_NUMBER = declare(
    "E-RECON-NUMBER", "{column}在表格里是数字格式，超过 15 位的数字已经丢失", "请把这一列设为“文本”后重新导出"
)
E_SIZE = declare("E-RECON-SIZE", "文件超过 {limit} MB", "请按机构和日期分开上传")
E_FOREIGN = declare("E-RECON-INSTITUTION", "机构编码 {given} 不是本文件所属的 {code}", "请按机构分开上传")
E_DAY = declare("E-RECON-DAY", "结算时间 {given} 不在对账日 {day}", "请按结算日期分开上传")

MAX_BYTES = 20 * 1024 * 1024
REQUIRED = ("setl_id", "psn_no", "medfee_sumamt")
EXACT = 10**15

SCHEMA = Schema(
    "reconciliation",
    "对账文件",
    (
        *(
            replace(column, required=column.name in REQUIRED, signed=column.kind == "amount")
            for column in SETTLEMENTS.columns
        ),
        Column("fund_pay_sumamt", "基金支付总额", "amount", signed=True),
        Column("acct_pay", "个人账户支出", "amount", signed=True),
        Column("mdtrt_id", "就诊ID", "id"),
    ),
)  # fmt: skip
#: What columns are called beside their names: headings of spreadsheets that people keep.
CALLED = {column.title: column.name for column in SCHEMA.columns} | {
    "结算ID": "setl_id", "个人编号": "psn_no", "基金支付": "fund_pay_sumamt", "个人账户支付": "acct_pay",
}  # fmt: skip
#: What of a row is kept beside the amounts: nothing that tells who somebody is.
KEPT = tuple(name for name in SCHEMA.names if name not in ("certno", "brdy", "household", "standard_area"))
#: What a bill needs to be recorded.
BILL = ("med_type", "begndate", "enddate", "setl_time", "diag_code", *SPLIT_FIELDS)


def read(content: bytes, *, code: str, day: date) -> list[Line]:
    """Return the lines of an uploaded file of one institution and day; ``InputErrors`` with every fault."""
    if content.startswith(b"PK\x03\x04"):
        content = _csv_of(content)
    content, written = _named(content)
    with unwritten(content) as path:
        try:
            reader = Reader(path, CsvSource(path, SCHEMA), SCHEMA, chunk_rows=CHUNK_ROWS)
            faults: list[Fault] = []
            rows: list[dict[str, Any]] = []
            for chunk in reader:
                faults += chunk.faults
                rows += chunk.frame.to_dicts()
        except InputErrors as error:
            raise InputErrors(replace(one, file="") for one in error.faults) from None
    faults = [replace(one, file="") for one in faults] + _whole(rows, code=code, day=day)
    if faults:
        told = (replace(one, column=written.get(one.column, one.column)) for one in faults)
        raise InputErrors(sorted(told, key=lambda one: one.line))
    return [_line(row, set(written)) for row in rows]


def _named(content: bytes) -> tuple[bytes, dict[str, str]]:
    """Return a file whose columns bear their names, and how each was headed."""
    first, end, rest = content.partition(b"\n")
    encoding = "gb18030" if encoding_of(first) == GB_18030 else "utf-8"
    cells = next(csv.reader([first.removeprefix(BOM_UTF8).decode(encoding, "replace").rstrip("\r")]), [])
    heads = [cell.strip() for cell in cells]
    written = {CALLED.get(head.replace(" ", ""), head): head for head in heads}
    if not any(head.replace(" ", "") in CALLED for head in heads):
        return content, written
    made = StringIO(newline="")
    csv.writer(made, lineterminator="").writerow(CALLED.get(head.replace(" ", ""), head) for head in heads)
    return made.getvalue().encode(encoding) + end + rest, written


def read_statement(content: bytes) -> list[Line]:
    """Return the lines of a hospital's 3202 file."""
    return [
        Line(
            one.setl_id, one.psn_no, one.mdtrt_id, medfee=one.medfee, fund=one.fund, acct=one.acct, refunded=one.refunded
        )
        for one in parse(content)
    ]  # fmt: skip


def _whole(rows: list[dict[str, Any]], *, code: str, day: date) -> list[Fault]:
    faults, first = [], {}
    for row in rows:
        key, line = row["setl_id"], row["row"]
        if key in first:
            faults.append(fault(E_TWICE, line=line, column="setl_id", setl_id=key, first=first[key]))
        first.setdefault(key, line)
        if row.get("fixmedins_code") and row["fixmedins_code"] != code:
            faults.append(fault(E_FOREIGN, line=line, column="fixmedins_code", given=row["fixmedins_code"], code=code))
        at = row.get("setl_time")
        if at is not None and at.date() != day:
            faults.append(fault(E_DAY, line=line, column="setl_time", given=at, day=day))
    return faults


def _line(row: dict[str, Any], present: set[str]) -> Line:
    insurers = sum(row.get(name) or 0 for name in INSURER_FIELDS)
    maf = (row.get("maf_pay") or 0) if "maf_pay" in present else None
    if "fund_pay_sumamt" in present:
        fund = row["fund_pay_sumamt"]
    else:
        fund = insurers + maf if maf is not None else None
    whole = all(row.get(name) not in (None, "") for name in BILL) and row["medfee_sumamt"] > 0
    bill = {name: _written(name, row[name]) for name in KEPT if row.get(name) not in (None, "")} if whole else None
    return Line(
        row["setl_id"], row["psn_no"], row.get("mdtrt_id") or "", medfee=row["medfee_sumamt"], fund=fund, maf=maf,
        acct=row["acct_pay"] if "acct_pay" in present else None, refunded=row["medfee_sumamt"] < 0, bill=bill,
    )  # fmt: skip


def _written(name: str, value: Any) -> str:
    column = SCHEMA.column(name)
    if column.kind == "amount":
        return yuan(value)
    if column.kind == "flag":
        return "1" if value in (True, 1, "1") else "0"
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _csv_of(content: bytes) -> bytes:
    """Return the first sheet of a workbook as CSV, its rows on the same lines."""
    try:
        rows = workbooks.rows_of(content)
    except workbooks.UnreadableError as error:
        raise InputErrors([fault(E_SHEET)]) from error
    except workbooks.TooLargeError as error:
        raise InputErrors([fault(E_SHEET_AREA)]) from error
    if not rows:
        raise InputErrors([fault(E_SHEET)])
    heads = [str(cell).strip() for cell in rows[0]]
    faults = [
        fault(E_NUMBER, line=number, column=head)
        for number, row in enumerate(rows[1:], 2)
        for head, cell in zip(heads, row, strict=False)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool) and abs(cell) >= EXACT
    ]
    if faults:
        raise InputErrors(faults)
    made = StringIO(newline="")
    csv.writer(made).writerows([_text(cell) for cell in row] for row in rows)
    return made.getvalue().encode()


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    whole = isinstance(cell, int | float) and not isinstance(cell, bool) and cell == int(cell)
    return str(int(cell)) if whole else cell.isoformat() if isinstance(cell, date) else str(cell).strip()
