"""Rosters as departments send them: CSV (UTF-8, GB 18030) or xlsx into good rows, faults with their places, and bad rows to correct.

Headings are mapped (身份证号, 公民身份号码 …) and identities read by name, code or local code; days in the usual ways of writing.
The cells themselves are judged by the readers of :mod:`tuodi.batch`, column by column. Nothing is repaired that could be guessed
wrongly: an identity number that a spreadsheet took for a number has lost its last digits and is refused.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tuodi.base import workbooks
from tuodi.base.doors import safe_cell
from tuodi.base.unwritten import unwritten
from tuodi.batch import faults
from tuodi.batch.checks import error_text
from tuodi.batch.columns import Column, Schema
from tuodi.batch.csv_source import CsvSource
from tuodi.batch.reading import CHUNK_ROWS, Reader
from tuodi.batch.sources import Batch, BrokenRow
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.identities import IDENTITIES

E_NUMERIC = declare(
    "E-REG-CELL-NUMERIC",
    "{title}在表格里是数字格式，超过 15 位的数字已经丢失",
    "请从来源系统重新导出，把这一列设为“文本”；不能按显示的数字补回",
)
E_NOBODY = declare("E-REG-ROW-NOBODY", "人员编号和身份证号都是空的，不知道是谁", "请至少填一项")
E_IDENTITY = declare(
    "E-REG-ROW-IDENTITY",
    "不认得这种身份",
    "请写规定的名称，如特困人员、低保对象、低保边缘家庭成员；本地的代码请系统管理员登记到“编码对照”",
)
E_SHEET = declare(
    "E-REG-SHEET",
    "工作簿打不开，或没有认得出的列名（如姓名、身份证号、起始日期）",
    "请核对第一张工作表，列名须在前 10 行内",
)
E_SHEET_SIZE = declare("E-REG-SHEET-SIZE", "工作簿有 {rows} 行，超过上限 {limit} 行", "请分成几个文件，或导出为 CSV")
E_SHEET_AREA = declare(
    "E-REG-SHEET-AREA", "工作簿的内容或空白区域过大，读不了", "请删去表格右边和下边的空行空列，只留名册，另存后再上传"
)

#: Heading of the reasons in a file to correct; read again, the column is passed over.
WHY = "有误之处"
HEADER_ROWS = 10
MAX_SHEET_ROWS = 400_000
#: Whole numbers up to here are exact in a spreadsheet's cells.
EXACT = 10**15

#: canonical name -> headings that mean it, the first of which is the one shown.
HEADINGS: dict[str, tuple[str, ...]] = {
    "psn_no": ("人员编号", "个人编号", "医保编号", "医保个人编号"),
    "name": ("姓名", "对象姓名", "人员姓名", "psn_name"),
    "certno": ("身份证号", "身份证号码", "公民身份号码", "证件号码", "身份证"),
    "identity": ("身份", "救助类别", "身份类别", "人员类别", "对象类别", "救助身份", "身份/救助类别"),
    "begin": ("起始日期", "开始日期", "起始时间", "享受起始日期", "生效日期"),
    "end": ("终止日期", "结束日期", "截止日期", "终止时间", "享受终止日期"),
    "certified_on": ("认定日期", "批准日期", "审批日期", "认定时间"),
    "applied_on": ("申请日期", "申请时间"),
    "issuer": ("认定部门", "认定单位", "发证机关"),
    "document_number": ("证号", "证件编号", "文号", "低保证号", "残疾证号"),
    "household": ("户编号", "家庭编号", "户号"),
    "gend": ("性别",),
    "birth": ("出生日期", "brdy"),
    "insured_area": ("参保地区划", "参保地", "insuplc_admdvs"),
    "registered_area": ("户籍地区划", "户籍地"),
    "residence_area": ("居住地区划", "居住地"),
    "insutype": ("险种", "险种类型"),
}  # fmt: skip
_CANONICAL = {heading: name for name, headings in HEADINGS.items() for heading in (name, *headings)}
TITLES = {name: headings[0] for name, headings in HEADINGS.items()}

#: Names of identities as departments write them, beside those of the closed list and its codes.
IDENTITY_NAMES = {
    **{code: code for code in IDENTITIES}, **{title: code for code, title in IDENTITIES.items()},
    "特困": "extreme_poverty", "特困供养人员": "extreme_poverty", "特困供养": "extreme_poverty", "五保": "extreme_poverty",
    "低保": "dibao", "最低生活保障对象": "dibao", "低保家庭成员": "dibao", "城市低保": "dibao", "农村低保": "dibao",
    "低保边缘": "dibao_edge", "低保边缘家庭": "dibao_edge", "低保边缘对象": "dibao_edge", "低收入家庭成员": "low_income",
    "监测对象": "relapse_monitored", "易返贫致贫人口": "relapse_monitored", "返贫人口": "returned_to_poverty",
    "事实孤儿": "de_facto_orphan", "支出型困难家庭": "expenditure_hardship", "因病致贫重病患者": "illness_poverty",
    "因病致贫家庭重病患者": "illness_poverty", "优抚对象": "entitled_veteran", "重度残疾人": "severe_disability_allowance",
}  # fmt: skip


def _schema(name: str, *columns: Column) -> Schema:
    return Schema(name, "名册", columns, is_open=True)


def _column(name: str, kind: Any, **more: Any) -> Column:
    return Column(name, TITLES[name], kind, **more)


SCHEMAS = {
    "identities": _schema(
        "identities", _column("psn_no", "id"), _column("name", "text"), _column("certno", "citizen_id"),
        _column("identity", "code", required=True, codes=tuple(IDENTITIES)), _column("begin", "day", required=True),
        _column("end", "day"), _column("certified_on", "day"), _column("applied_on", "day"), _column("issuer", "text"),
        _column("document_number", "text"), _column("household", "id"),
    ),
    "people": _schema(
        "people", _column("psn_no", "id", required=True), _column("name", "text", required=True), _column("certno", "citizen_id"),
        _column("gend", "code", codes=("1", "2", "9")), _column("birth", "day"), _column("insured_area", "id"),
        _column("registered_area", "id"), _column("residence_area", "id"), _column("insutype", "id"), _column("household", "id"),
    ),
    "register": _schema("register", _column("psn_no", "id"), _column("name", "text"), _column("certno", "citizen_id")),
}  # fmt: skip


@dataclass(frozen=True)
class Roster:
    """A roster that was read: good rows under canonical names with their line (``row``), and whatever was wrong."""

    frame: pl.DataFrame
    present: frozenset[str]
    faults: tuple[Fault, ...]
    bad: pl.DataFrame
    ignored: tuple[str, ...] = ()

    @property
    def bad_csv(self) -> bytes:
        """The bad rows as a file that a spreadsheet opens and that can be read again once corrected."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(map(safe_cell, self.bad.columns))
        writer.writerows([safe_cell(cell) for cell in row] for row in self.bad.iter_rows())
        return b"\xef\xbb\xbf" + out.getvalue().encode()


@dataclass
class _Table:
    """A file cut into text cells under its own headings."""

    frame: pl.DataFrame
    lines: pl.Series
    broken: list[BrokenRow] = field(default_factory=list)
    encoding: str = "UTF-8"
    is_damaged: bool = False
    numeric: list[tuple[int, str]] = field(default_factory=list)


class _Cells:
    """The table as a source for the batch's reader."""

    def __init__(self, table: _Table) -> None:
        self.types: Mapping[str, pl.DataType] = dict.fromkeys(table.frame.columns, pl.String())
        self.rows_hint, self.encoding, self._table = table.frame.height, table.encoding, table

    def batches(self) -> Iterator[Batch]:
        table = self._table
        yield Batch(table.frame, table.lines, (), table.is_damaged)


def read_roster(
    content: bytes, *, kind: str, identity: str = "", names: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Roster:  # fmt: skip
    """Return a roster of a kind; ``identity`` is what all rows have that name none, ``names`` more names of identities.

    Raises ``InputErrors`` when the form of the file is wrong; rows that are wrong come back with it.
    """
    table = _sheet(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    schema = SCHEMAS[kind]
    headings = _headings(table, schema, identity=identity)
    named = table.frame.rename(headings)
    ignored = tuple(heading for heading in table.frame.columns if heading not in headings and heading != WHY)
    named = _normalised(named.select(list(headings.values())), identity=identity, names=names or {})
    reader = Reader(Path("roster"), _Cells(replace(table, frame=named)), schema, chunk_rows=CHUNK_ROWS)
    frames, found = [], [row.fault for row in table.broken]
    for chunk in reader:
        frames.append(chunk.frame)
        found += chunk.faults
        if progress:
            progress(reader.row_count + reader.bad_count, named.height)
    frame = pl.concat(frames)
    found += [fault(E_NUMERIC, line=line, column=column, title=TITLES[column]) for line, column in table.numeric]
    if schema.name != "people":
        nobody = frame.filter((pl.col("psn_no") == "") & (pl.col("certno") == ""))["row"]
        numeric = {line for line, _ in table.numeric}
        found += [fault(E_NOBODY, line=line, column="certno") for line in nobody if line not in numeric]
    found = [
        replace(_as_departments_read(one), file="", column=TITLES.get(one.column, one.column))
        for one in sorted(found, key=lambda f: f.line)
    ]
    spoilt = pl.Series([one.line for one in found], dtype=pl.Int64)
    good = frame.filter(~pl.col("row").is_in(spoilt.implode()))
    return Roster(good, frozenset(headings.values()), tuple(found), _bad(table, found), ignored)


def _as_departments_read(one: Fault) -> Fault:
    """Return a fault without the codes of identities, which no department writes."""
    unknown = one.code == faults.VALUE_CODE and one.column == "identity"
    return fault(E_IDENTITY, line=one.line, column=one.column, value=one.value) if unknown else one


def _csv(content: bytes) -> _Table:
    """Cut a CSV file into cells; for the parser the content is a file, though on no disk."""
    with unwritten(content) as path:
        try:
            source = CsvSource(path, Schema("roster", "名册", (), is_open=True))
            batches = list(source.batches())
        except InputErrors as error:
            raise InputErrors(replace(one, file="") for one in error.faults) from None
    frame = pl.concat([pl.DataFrame(schema=source.types), *(batch.frame for batch in batches)])
    lines = pl.concat([pl.Series(dtype=pl.Int64), *(batch.lines.cast(pl.Int64) for batch in batches)])
    broken = [row for batch in batches for row in batch.broken]
    return _Table(frame, lines, broken, source.encoding or "UTF-8", any(batch.is_damaged for batch in batches))


def _sheet(content: bytes) -> _Table:
    """Cut the first sheet of a workbook into cells, the headings being the first row that has two known ones."""
    try:
        rows = workbooks.rows_of(content)
    except workbooks.UnreadableError as error:
        raise InputErrors([fault(E_SHEET)]) from error
    except workbooks.TooLargeError as error:
        raise InputErrors([fault(E_SHEET_AREA)]) from error
    if len(rows) > MAX_SHEET_ROWS:
        raise InputErrors([fault(E_SHEET_SIZE, rows=len(rows), limit=MAX_SHEET_ROWS)])
    at = next(
        (i for i, row in enumerate(rows[:HEADER_ROWS]) if sum(_plain(cell) in _CANONICAL for cell in row) >= 2), None
    )
    if at is None:
        raise InputErrors([fault(E_SHEET)])
    headings = [str(cell).strip() or f"x_{place}" for place, cell in enumerate(rows[at], 1)]
    repeated = sorted({heading for heading in headings if headings.count(heading) > 1})
    if repeated:
        places = {h: "、".join(str(p) for p, other in enumerate(headings, 1) if other == h) for h in repeated}
        raise InputErrors(
            [fault(faults.COLUMN_REPEATED, line=at + 1, column=h, name=h, places=places[h]) for h in repeated]
        )
    body, columns, numeric = rows[at + 1 :], {}, []
    for place, heading in enumerate(headings):
        name = _CANONICAL.get(_plain(heading), "")
        cells = [row[place] for row in body]
        if name in ("certno", "psn_no", "document_number", "household"):
            wrong = [
                i
                for i, cell in enumerate(cells)
                if isinstance(cell, (int, float)) and (name == "certno" or abs(cell) >= EXACT)
            ]
            numeric += [(at + 2 + i, name) for i in wrong]
            for i in wrong:
                cells[i] = ""
        columns[heading] = [cell if isinstance(cell, str) else _cell_text(cell) for cell in cells]
    lines = pl.int_range(at + 2, at + 2 + len(body), eager=True, dtype=pl.Int64)
    frame = pl.DataFrame(columns, schema=dict.fromkeys(headings, pl.String()))
    filled = ~frame.select(pl.all_horizontal(pl.all().str.strip_chars() == "")).to_series()
    filled = filled | lines.is_in([line for line, _ in numeric])
    return _Table(frame.filter(filled), lines.filter(filled), numeric=numeric)


def _cell_text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a point, days as people write them in files."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _plain(heading: Any) -> str:
    return unicodedata.normalize("NFKC", str(heading)).replace(" ", "").replace("*", "").strip()


def _headings(table: _Table, schema: Schema, *, identity: str) -> dict[str, str]:
    """Return which headings mean which columns of the schema; raise when one is missing or two mean the same."""
    found: dict[str, str] = {}
    wrong = []
    for heading in table.frame.columns:
        name = _CANONICAL.get(_plain(heading), "")
        if name not in schema.names:
            continue
        if name in found.values():
            both = [h for h, other in found.items() if other == name] + [heading]
            places = "、".join(str(table.frame.columns.index(h) + 1) for h in both)
            wrong.append(fault(faults.COLUMN_REPEATED, line=1, column=heading, name=TITLES[name], places=places))
        found[heading] = name
    present = set(found.values()) | ({"identity"} if identity else set())
    missing = [TITLES[name] for name in schema.required if name not in present]
    if not present & {"psn_no", "certno"}:
        missing.append("人员编号或身份证号")
    if missing:
        wrong.append(fault(faults.COLUMN_MISSING, line=1, title=schema.title, names="、".join(dict.fromkeys(missing))))
    if wrong:
        raise InputErrors(wrong)
    return found


def _normalised(frame: pl.DataFrame, *, identity: str, names: Mapping[str, str]) -> pl.DataFrame:
    """Return the cells as the exchange format writes them, where what is meant is certain."""
    frame = frame.with_columns(pl.all().fill_null("").str.strip_chars())
    made: list[pl.Expr | pl.Series] = []
    for name in frame.columns:
        cell = pl.col(name)
        if name in ("begin", "end", "certified_on", "applied_on", "birth"):
            made.append(_days(frame[name]))
        elif name == "identity":
            known = IDENTITY_NAMES | dict(names)
            filled = pl.when(cell == "").then(pl.lit(identity)).otherwise(cell) if identity else cell
            made.append(filled.replace(known).alias(name))
        elif name == "gend":
            made.append(cell.replace({"男": "1", "女": "2", "男性": "1", "女性": "2", "未知": "9"}).alias(name))
    frame = frame.with_columns(made)
    return (
        frame if "identity" in frame.columns or not identity else frame.with_columns(pl.lit(identity).alias("identity"))
    )


def _days(cells: pl.Series) -> pl.Series:
    """Return a column of days as the exchange format writes them; each way of writing one is looked at once."""
    written = cells.unique()
    meant = written.to_frame("day").select(_day(pl.col("day"))).to_series()
    other = written != meant
    return cells.replace(written.filter(other), meant.filter(other))


def _day(cell: pl.Expr) -> pl.Expr:
    """Return days written 2024/1/5, 2024.1.5, 2024年1月5日 or 20240105 as 2024-01-05; anything else as it is."""
    plain = cell.str.replace(r" 00:00:00$", "").str.replace_many(["年", "月", "日", "/", "."], ["-", "-", "", "-", "-"])
    whole = plain.str.replace(r"^([0-9]{4})([0-9]{2})([0-9]{2})$", "${1}-${2}-${3}")
    padded = whole.str.replace(r"^([0-9]{4})-([0-9])-", "${1}-0${2}-").str.replace(
        r"^([0-9]{4}-[0-9]{2})-([0-9])$", "${1}-0${2}"
    )
    open_ended = cell.is_in(["长期", "至今", "无", "9999-12-31", "99991231"])
    return (
        pl.when(open_ended)
        .then(pl.lit(""))
        .when(padded.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
        .then(padded)
        .otherwise(cell)
    )


def _bad(table: _Table, found: list[Fault]) -> pl.DataFrame:
    """Return the rows that have faults as they were written, the reason in the first column."""
    errors: dict[int, list[Fault]] = {}
    for one in found:
        errors.setdefault(one.line, []).append(one)
    headings = table.frame.columns
    own = [heading for heading in headings if heading != WHY]
    here = table.lines.is_in(list(errors))
    rows = [
        (line, [error_text(errors[line]), *cells])
        for line, cells in zip(table.lines.filter(here), table.frame.filter(here).select(own).iter_rows(), strict=True)
    ]
    for row in table.broken:
        cells = dict(zip(headings, [*row.cells, *[""] * len(headings)], strict=False))
        rows.append((row.line, [error_text(errors[row.line]), *(cells[heading] for heading in own)]))
    rows.sort(key=lambda row: row[0])
    return pl.DataFrame([cells for _, cells in rows], schema=dict.fromkeys([WHY, *own], pl.String()), orient="row")
