"""Files of national settlement records to exchange files and back: what ``tuodi convert`` does.

The direction follows from the files: JSON in, exchange CSV out; exchange CSV or Parquet in, JSON out. Nothing is half
done: the result is written beside its place and moved there when it is whole, and without ``keep_going`` one fault stops it.

JSON is held in memory (interface answers are small); exchange rows are streamed, whatever their number.
"""

from __future__ import annotations

import codecs
import csv
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tuodi.batch.disk import written_to
from tuodi.batch.national_checks import CANNOT, FAILS, HOLDS, IdentityCheck, check_identities
from tuodi.batch.national_records import Record, read_records
from tuodi.batch.national_rows import (
    COLUMNS,
    REQUIRED_TEXTS,
    ExchangeRow,
    from_exchange_row,
    is_cancelling,
    to_exchange_row,
)
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import yuan
from tuodi.core.settlements import SPLIT_FIELDS

__all__ = [
    "CANNOT", "FAILS", "HOLDS", "ExchangeRow", "IdentityCheck", "Record", "Report", "check_identities", "convert",
    "document", "from_exchange_row", "read_records", "to_exchange_row",
]  # fmt: skip

E_DIRECTION = declare(
    "E-CONVERT-DIRECTION",
    "不知道怎样把“{source}”转换成“{target}”",
    "接口记录用 .json 或 .jsonl，交换文件用 .csv 或 .parquet，转换结果分别为 .csv 与 .json",
)
E_FILE = declare("E-CONVERT-FILE", "文件不能读写：{why}", "请检查路径和权限")
E_COLUMN = declare("E-CONVERT-COLUMN", "不认识或重复的列", "列名见交换格式说明；附加列请以 x_ 开头")
E_NO_COLUMN = declare("E-CONVERT-NO-COLUMN", "缺少必填的列", "请补上这一列")
E_CELLS = declare("E-CONVERT-CELLS", "这一行有 {cells} 格，表头有 {columns} 列", "请检查逗号和引号")

JSON_SUFFIXES, TABLE_SUFFIXES = (".json", ".jsonl", ".ndjson"), (".csv", ".parquet")
#: texts of ``setlinfo`` in the order of the interface, before and after the money block; others follow.
LEADING = (
    "mdtrt_id", "setl_id", "psn_no", "psn_name", "psn_cert_type", "certno", "gend", "naty", "brdy", "age", "insutype",
    "psn_type", "cvlserv_flag", "setl_time", "mdtrt_cert_type", "med_type", "fixmedins_code", "hosp_lv", "begndate", "enddate",
)  # fmt: skip
CHUNK = 1 << 20


@dataclass(slots=True)
class Report:
    """What a conversion did: counts, identities that fail with the record's key, faults, notes."""

    read: int = 0
    written: int = 0
    cancelling: int = 0
    passed_over: tuple[str, ...] = ()
    failed_checks: list[tuple[str, IdentityCheck]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the report as people read it."""
        said = [f"读入 {self.read} 条，写出 {self.written} 条（其中撤销 {self.cancelling} 条）"]
        if self.passed_over:
            said.append(f"略过 {len(self.passed_over)} 条其他交易：{'、'.join(self.passed_over)}")
        for key, check in self.failed_checks:
            said.append(f"{'恒等式不成立' if check.is_binding else '提示'} {key}：{check}")
        return said + self.notes + [str(one) for one in self.faults]


def convert(
    input_path: Path | str,
    output_path: Path | str,
    *,
    defaults: Mapping[str, str] | None = None,
    generate_ids: bool = False,
    assistance: Mapping[str, int] | None = None,
    keep_going: bool = False,
) -> Report:
    """Convert one file and return the report; ``InputErrors`` with every fault, and nothing written, if any row is bad.

    ``defaults``: fields that the input lacks (exchange texts towards CSV, ``setlinfo`` texts towards JSON).
    ``generate_ids``: invent missing ids, marked in ``x_generated``. ``assistance``: our payment in fen by ``setl_id``, added
    towards JSON. ``keep_going``: write the good rows and report the bad ones.
    """
    source, target = Path(input_path), Path(output_path)
    report = Report()
    from_json, to_json = source.suffix in JSON_SUFFIXES, target.suffix in JSON_SUFFIXES
    known = from_json or source.suffix in TABLE_SUFFIXES
    if not known or from_json == to_json or not (to_json or target.suffix == ".csv"):
        raise InputErrors([fault(E_DIRECTION, source=source.name, target=target.name)])
    try:
        with _whole_or_nothing(target) as out:
            if from_json:
                _records_to_rows(source, out, report, defaults=defaults or {}, generate_ids=generate_ids)
            else:
                _rows_to_records(source, out, report, known=defaults or {}, assistance=assistance or {})
            if report.faults and not keep_going:
                raise InputErrors(report.faults)
    except FileNotFoundError:
        raise InputErrors([fault(E_FILE, file=source.name, why="没有这个文件")]) from None
    except (UnicodeError, pa.ArrowInvalid) as error:
        raise InputErrors([fault(E_FILE, file=source.name, why=error)]) from error
    return report


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[IO[str]]:
    """Yield a text file that takes its place only if the block ends well."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with written_to(target), open(handle, "w", encoding="utf-8", newline="") as out:
            yield out
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _records_to_rows(
    source: Path, out: IO[str], report: Report, *, defaults: Mapping[str, str], generate_ids: bool
) -> None:
    raw = source.read_bytes()
    reading = read_records(raw.decode(_encoding(lambda: iter((raw,)))), file=source.name)
    report.faults += reading.faults
    report.passed_over = reading.passed_over
    originals = Originals(reading.records)
    rows = []
    for record in reading.records:
        report.read += 1
        report.failed_checks += [(record.key, c) for c in check_identities(record) if c.status == FAILS]
        original = originals.of(record)
        made = to_exchange_row(
            record, defaults=defaults, original=original, generate_ids=generate_ids, file=source.name
        )
        report.faults += made.faults
        report.notes += made.notes
        if made.faults:
            continue
        rows.append(made.row)
        if originals.is_flagged_only(record):
            rows.append(made.row | {"refd_setl_flag": "1"})
            report.notes.append(f"结算记录 {record.key}：标为已退费而没有负记录，补写一行撤销")
    extra = sorted({name for row in rows for name in row} - set(COLUMNS))
    writer = csv.DictWriter(out, [*COLUMNS, *extra], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    report.written = len(rows)
    report.cancelling = sum(row["refd_setl_flag"] == "1" for row in rows)


class Originals:
    """Which settlement a cancelling record takes back.

    By ``init_setl_id``, by the same ``setl_id``, or, as the cancel response has an id of its own, by the same ``mdtrt_id``
    and the opposite total, if exactly one settlement has them.
    """

    def __init__(self, records: tuple[Record, ...]) -> None:
        self.by_id: dict[str, Record] = {}
        self.by_visit: dict[tuple[str, int], list[Record]] = {}
        for record in records:
            if not is_cancelling(record):
                self.by_id.setdefault(record.text("setl_id"), record)
                visit = (record.text("mdtrt_id"), record.amount("medfee_sumamt") or 0)
                self.by_visit.setdefault(visit, []).append(record)
        self.by_id.pop("", None)
        self.cancelled = {id(original) for record in records if (original := self.of(record)) is not None}

    def of(self, record: Record) -> Record | None:
        """Return the settlement that a cancelling record takes back, None if it is not in the file."""
        if not is_cancelling(record):
            return None
        for name in ("init_setl_id", "setl_id"):
            if found := self.by_id.get(record.text(name)):
                return found
        visit = record.text("mdtrt_id")
        candidates = self.by_visit.get((visit, -(record.amount("medfee_sumamt") or 0)), []) if visit else []
        return candidates[0] if len(candidates) == 1 else None

    def is_flagged_only(self, record: Record) -> bool:
        """Say whether a positive settlement is marked as refunded while its negative is not in the file."""
        flagged = record.text("refd_setl_flag") == "1" and not is_cancelling(record)
        return flagged and id(record) not in self.cancelled


def _rows_to_records(
    source: Path, out: IO[str], report: Report, *, known: Mapping[str, str], assistance: Mapping[str, int]
) -> None:
    cancelled = {row.get("setl_id", "") for _, row in _rows(source, None) if row.get("refd_setl_flag") == "1"}
    originals = {}
    if cancelled:
        originals = {row["setl_id"]: row for _, row in _rows(source, None) if _is_original(row, cancelled)}
    out.write('{"records":[')
    for line, row in _rows(source, report.faults):
        report.read += 1
        if row.get("refd_setl_flag") == "1" and (original := originals.get(row.get("setl_id", ""))):
            later = {name: row[name] for name in ("setl_time", "refd_setl_flag") if row.get(name)}
            row = original | later
        try:
            paid = assistance.get(row.get("setl_id", ""), 0)
            record = from_exchange_row(row, assistance_fen=paid, known=known, file=source.name, line=line)
        except InputErrors as errors:
            report.faults += errors.faults
            continue
        out.write(",\n" if report.written else "\n")
        out.write(msgspec.json.encode(document(record, numbers=True)).decode())
        report.written += 1
        report.cancelling += row.get("refd_setl_flag") == "1"
    out.write("\n]}\n")


def _is_original(row: Mapping[str, str], cancelled: set[str]) -> bool:
    return row.get("refd_setl_flag") != "1" and row.get("setl_id", "") in cancelled


def document(record: Record, *, numbers: bool = False) -> dict[str, object]:
    """Return ``{"setlinfo": …, "setldetail": […]}``; amounts as yuan text, or as exact JSON numbers for ``msgspec``."""

    def amount(fen: int) -> object:
        return msgspec.Raw(yuan(fen).encode()) if numbers else yuan(fen)

    info: dict[str, object] = {name: record.texts[name] for name in LEADING if name in record.texts}
    info |= {name: amount(fen) for name, fen in record.amounts.items()}
    info |= {name: text for name, text in record.texts.items() if name not in info}
    rows = [
        row.texts | {name: amount(fen) for name, fen in row.amounts.items()} | {"crt_payb_lmt_amt": None}
        for row in record.detail or ()
    ]
    return {"setlinfo": info, "setldetail": rows}


def _rows(source: Path, faults: list[Fault] | None) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells of every exchange row; faults of the file's shape are added if a list is given."""
    found: list[Fault] = [] if faults is None else faults
    yield from _parquet_rows(source) if source.suffix == ".parquet" else _csv_rows(source, found)


def _csv_rows(source: Path, faults: list[Fault]) -> Iterator[tuple[int, dict[str, str]]]:
    def chunks() -> Iterator[bytes]:
        with source.open("rb") as handle:
            yield from iter(lambda: handle.read(CHUNK), b"")

    with source.open(encoding=_encoding(chunks), newline="") as handle:
        reader = csv.reader(handle, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _require_columns(header, source.name)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    place = {"file": source.name, "line": reader.line_num}
                    faults.append(fault(E_CELLS, **place, cells=len(cells), columns=len(header)))
                    continue
                yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        except csv.Error as error:
            faults.append(fault(E_FILE, file=source.name, line=reader.line_num, why=error))


def _parquet_rows(source: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with pq.ParquetFile(source) as table:
        names = [name.removesuffix("_fen") for name in table.schema_arrow.names]
        _require_columns(names, source.name)
        line = 0
        for batch in table.iter_batches(batch_size=20_000):
            columns = [_texts(column, written) for written, column in zip(batch.schema.names, batch, strict=True)]
            for cells in zip(*columns, strict=True):
                line += 1
                yield line, dict(zip(names, cells, strict=True))


def _texts(column: pa.Array, name: str) -> list[str]:
    values = column.to_pylist()
    if name.endswith("_fen"):
        return ["" if value is None else yuan(value) for value in values]
    return [_cell(value) for value in values]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def _require_columns(header: list[str], file: str) -> None:
    """Raise every fault of a header at once: no row can be read under it."""
    wrong = []
    for i, name in enumerate(header):
        if name in header[:i] or not (name in COLUMNS or name.startswith("x_")):
            wrong.append(fault(E_COLUMN, file=file, line=1, column=name))
    lacking = [name for name in (*REQUIRED_TEXTS, *SPLIT_FIELDS) if name not in header]
    wrong += [fault(E_NO_COLUMN, file=file, line=1, column=name) for name in lacking]
    if wrong:
        raise InputErrors(wrong)


def _encoding(chunks: Callable[[], Iterator[bytes]]) -> str:
    """Return UTF-8 if the bytes are UTF-8 (with or without a mark), else GB 18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks():
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"
