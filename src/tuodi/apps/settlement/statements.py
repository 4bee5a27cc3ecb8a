"""Reconciliation with a hospital: totals (3201), lines (9101 + 3202 + 9102), and what of the two sides does not match.

The hospital's file has one line a settlement, TAB between columns, no header: setl_id, mdtrt_id, psn_no, medfee_sumamt,
fund_pay_sumamt, acct_pay, refd_setl_flag. Deviations that are live (gb2312, carriage returns, zipped or not) are read too.
"""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.envelope import Fields, reference
from tuodi.apps.settlement.gateway import Call, Reply, handles
from tuodi.apps.settlement.models import StatementFile
from tuodi.apps.settlement.queries import StatementLine, statement, statement_rows
from tuodi.base import access, clock, outbox
from tuodi.base.action import Action
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import fen_from_yuan, yuan

E_FILE = declare("E-STATEMENT-FILE", "查不到对账文件 {number}", "请先用 9101 上传，并使用其返回的文件查询号")
E_CONTENT = declare(
    "E-STATEMENT-CONTENT", "对账文件读不出：{why}", "请上传 ZIP 压缩的文本文件，列间用制表符分隔，UTF-8 编码"
)
E_LINE = declare(
    "E-STATEMENT-LINE",
    "对账文件第 {number} 行写法不对：{why}",
    "每行依次为结算ID、就诊ID、人员编号、总额、基金支付、个人账户、退费标志",
)

BALANCED, OURS_MORE, THEIRS_MORE, DIFFERENT = "0", "1", "2", "3"
RESULTS = {BALANCED: "对平", OURS_MORE: "中心多", THEIRS_MORE: "医药机构多", DIFFERENT: "数据不一致"}
MAX_FILE = 20 * 1024 * 1024


@dataclass(frozen=True)
class Compared:
    """One settlement on both sides, in fen; ``result`` is the code of stmt_rslt."""

    setl_id: str
    result: str
    ours: StatementLine | None
    theirs: StatementLine | None


@handles("3201")
def totals(call: Call) -> Reply:
    access.demand(call.actor, permissions.RECONCILE)
    fields = Fields(call.envelope.node("data"))
    first, last = fields.day("stmt_begndate", title="对账开始日期"), fields.day("stmt_enddate", title="对账结束日期")
    theirs = [fields.fen(name, title="金额", signed=True) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")]
    count = fields.count("fixmedins_setl_cnt", title="结算笔数")
    refunds = fields.raw("refd_setl_flag", "REFD_SETL_FLAG") != "0"
    fields.done()
    assert first is not None
    assert last is not None
    lines = statement(
        statement_rows(
            call.envelope.fixmedins_code,
            first=first,
            last=last,
            insutype=fields.raw("insutype"),
            clr_type=fields.raw("clr_type"),
        )
    )
    lines, originals = _asked_for(lines, refunds=refunds)
    ours = _sums(lines)
    same = (ours, len(lines)) == (theirs, count) or (_sums(originals), len(originals)) == (theirs, count)
    result = BALANCED if same else OURS_MORE if len(lines) > count else THEIRS_MORE if len(lines) < count else DIFFERENT
    said = RESULTS[result] if same else (
        f"{RESULTS[result]}：中心 {len(lines)} 笔，总额 {yuan(ours[0])}，基金 {yuan(ours[1])}，账户 {yuan(ours[2])}；"
        f"机构 {count} 笔，总额 {yuan(theirs[0])}，基金 {yuan(theirs[1])}，账户 {yuan(theirs[2])}"
    )  # fmt: skip
    info = {"setl_optins": fields.raw("setl_optins"), "stmt_rslt": result, "stmt_rslt_dscr": said[:200]}
    return Reply({"stmtinfo": info})


def _sums(lines: list[StatementLine]) -> list[int]:
    return [sum(getattr(line, name) for line in lines) for name in ("medfee", "fund", "acct")]


def _asked_for(lines: list[StatementLine], *, refunds: bool) -> tuple[list[StatementLine], list[StatementLine]]:
    """Return the lines of a statement, twice: as they are, or without refunds in the two ways that are live.

    Some systems mark a cancelled settlement as refunded like its negative and leave out both, others only the negative.
    """
    if refunds:
        return lines, lines
    originals = [line for line in lines if not line.refunded]
    return [line for line in originals if not line.is_gone], originals


class KeepFile(Action):
    """Keep an uploaded or made reconciliation file."""

    verb = permissions.RECONCILE

    def __init__(self, *, actor: Any, file: StatementFile, compared: dict[str, str] | None = None) -> None:
        super().__init__(actor=actor)
        self.file, self.compared = file, compared

    def write(self) -> StatementFile:
        self.file.at = clock.now()
        self.file.save(force_insert=True)
        return self.file

    def audited(self, done: StatementFile) -> dict[str, Any]:
        return {"subject": "statement_file", "subject_id": done.number, "data": {"bytes": len(done.content)}}

    def announce(self, done: StatementFile) -> None:
        if self.compared:
            outbox.announce("statement:compared", **self.compared)


@handles("9101", changes=True)
def upload(call: Call) -> Reply:
    node = call.envelope.node("fsUploadIn") or call.envelope.node("data")
    fields = Fields(node)
    name = fields.text("filename", limit=200) or "statement.zip"
    fields.done()
    file = StatementFile(
        number=reference(call.actor.area_code)[:30],
        fixmedins_code=call.envelope.fixmedins_code,
        filename=name,
        content=_bytes(node.get("in")),
    )
    KeepFile(actor=call.actor, file=file).run()
    out = {"file_qury_no": file.number, "filename": name, "fixmedins_code": file.fixmedins_code}
    return Reply({"file_qury_no": file.number, "data": out}, subject=file.number)


def _bytes(value: Any) -> bytes:
    """Return the bytes of a file sent as an array of numbers (signed or not) or as base64."""
    try:
        made = (
            bytes(int(item) & 255 for item in value)
            if isinstance(value, list)
            else base64.b64decode(str(value or ""), validate=True)
        )
    except (ValueError, TypeError):
        raise InputErrors([fault(E_CONTENT, why="in 既不是字节数组也不是 base64")]) from None
    if not made or len(made) > MAX_FILE:
        raise InputErrors([fault(E_CONTENT, why=f"大小为 {len(made)} 字节")])
    return made


@handles("3202", changes=True)
def details(call: Call) -> Reply:
    """Compare line by line; the result is a file to fetch with 9102."""
    fields = Fields(call.envelope.node("data"))
    number = fields.text("file_qury_no", title="文件查询号", limit=30)
    first, last = fields.day("stmt_begndate", title="对账开始日期"), fields.day("stmt_enddate", title="对账结束日期")
    fields.done()
    assert first is not None
    assert last is not None
    held = StatementFile.objects.filter(number=number, fixmedins_code=call.envelope.fixmedins_code).first()
    if held is None:
        raise InputErrors([fault(E_FILE, number=number)])
    ours = statement(
        statement_rows(call.envelope.fixmedins_code, first=first, last=last, clr_type=fields.raw("clr_type"))
    )
    theirs = parse(bytes(held.content))
    if fields.raw("refd_setl_flag", "REFD_SETL_FLAG") == "0":
        told = {line.setl_id for line in theirs}
        ours = [line for line in _asked_for(ours, refunds=False)[1] if not line.is_gone or line.setl_id in told]
    compared = compare(ours, theirs=theirs)
    made = StatementFile(
        number=reference(call.actor.area_code)[:30],
        fixmedins_code=held.fixmedins_code,
        filename=f"result-{number}.zip",
        content=pack(compared),
    )
    span = {"number": number, "first": first.isoformat(), "last": last.isoformat(), "clr_type": fields.raw("clr_type")}
    KeepFile(actor=call.actor, file=made, compared=span).run()
    stamp = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M:%S")
    return Reply(
        {"fileinfo": {"file_qury_no": made.number, "filename": made.filename, "dld_endtime": stamp}},
        subject=made.number,
    )


@handles("9102")
def download(call: Call) -> Reply:
    access.demand(call.actor, permissions.RECONCILE)
    fields = Fields(call.envelope.node("fsDownloadIn") or call.envelope.node("data"))
    number = fields.text("file_qury_no", title="文件查询号", limit=30)
    fields.done()
    held = StatementFile.objects.filter(number=number, fixmedins_code=call.envelope.fixmedins_code).first()
    if held is None:
        raise InputErrors([fault(E_FILE, number=number)])
    return Reply({"filename": held.filename, "out": base64.b64encode(bytes(held.content)).decode()})


def parse(content: bytes) -> list[StatementLine]:
    """Return the lines of a hospital's file; every bad line is reported."""
    text = _text(content)
    faults: list[Fault] = []
    lines: list[StatementLine] = []
    for number, row in enumerate(text.replace("\r", "").split("\n"), start=1):
        if not row.strip():
            continue
        cells = [cell.strip() for cell in row.split("\t")]
        if len(cells) < 7:
            faults.append(fault(E_LINE, number=number, why=f"只有 {len(cells)} 列"))
            continue
        try:
            medfee, fund, acct = (fen_from_yuan(cell or "0") for cell in cells[3:6])
        except ValueError:
            faults.append(fault(E_LINE, number=number, why="金额写法不对"))
            continue
        lines.append(StatementLine(cells[0], cells[1], cells[2], "", medfee, fund, acct, 0, cells[6] == "1"))
    if faults:
        raise InputErrors(faults)
    return lines


def _text(content: bytes) -> str:
    if content[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = archive.namelist()
                if len(names) != 1 or archive.getinfo(names[0]).file_size > MAX_FILE:
                    raise InputErrors([fault(E_CONTENT, why=f"压缩包里有 {len(names)} 个文件，或解压后过大")])
                content = archive.read(names[0])
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise InputErrors([fault(E_CONTENT, why="压缩包已损坏")]) from None
        except (NotImplementedError, RuntimeError):
            raise InputErrors([fault(E_CONTENT, why="压缩包加了密，或用了别的压缩方法")]) from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputErrors([fault(E_CONTENT, why="编码不是 UTF-8 也不是 GB 18030")])


def compare(ours: list[StatementLine], *, theirs: list[StatementLine]) -> list[Compared]:
    """Return every settlement of either side: matched, missing here, missing there, different.

    Two conventions are live for cancelled originals (marked 1 like their negatives, or not); both match. So does a negative
    that a hospital keeps under the number of what it cancels. A line that is told twice is one too many.
    """
    left = {line.setl_id: line for line in ours}
    own = {line.cancels: line.setl_id for line in ours if line.cancels}
    right = {own.get(line.setl_id, line.setl_id) if line.medfee < 0 else line.setl_id: line for line in theirs}
    out = []
    for setl_id in [*left, *(key for key in right if key not in left)]:
        a, b = left.get(setl_id), right.get(setl_id)
        if a is None or b is None:
            result = THEIRS_MORE if a is None else OURS_MORE
        else:
            result = BALANCED if (a.medfee, a.fund, a.acct) == (b.medfee, b.fund, b.acct) else DIFFERENT
        out.append(Compared(setl_id, result, a, b))
    kept = set(map(id, right.values()))
    return out + [Compared(line.setl_id, THEIRS_MORE, None, line) for line in theirs if id(line) not in kept]


def pack(compared: list[Compared]) -> bytes:
    """Return the result file: psn_no, mdtrt_id, setl_id, msgid, stmt_rslt, refd_setl_flag, memo, amounts; only what differs."""
    rows = []
    for item in compared:
        held = item.ours or item.theirs
        if item.result == BALANCED or held is None:
            continue
        cells = [
            held.psn_no, held.mdtrt_id, item.setl_id, held.msgid, item.result, "1" if held.refunded else "0", RESULTS[item.result],
            yuan(held.medfee), yuan(held.fund), yuan(held.acct),
        ]  # fmt: skip
        rows.append("\t".join(cells))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.txt", "\n".join(rows))
    return out.getvalue()
