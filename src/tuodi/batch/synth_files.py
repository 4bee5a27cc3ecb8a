"""The files of a synthetic county: numpy columns to Arrow, appended block by block to CSV or Parquet.

Amounts leave as ``decimal128(18,2)`` (or whole fen) made from the integers' bytes: no division, no rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tuodi.batch import synth_tables as tables
from tuodi.batch.disk import written_to
from tuodi.batch.synth_bills import AMOUNTS, DIAGNOSES, Bills
from tuodi.batch.synth_people import NEVER, UNKNOWN, People, Records
from tuodi.batch.synth_places import Institutions

YUAN = pa.decimal128(18, 2)


class Appender:
    """A CSV or Parquet file that grows by one table at a time and is created by the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: pa_csv.CSVWriter | pq.ParquetWriter | None = None
        self.rows = 0

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            with written_to(self.path):
                self.writer.close()

    def append(self, table: pa.Table) -> None:
        """Write the table's rows; an empty first table leaves a file with column names only."""
        with written_to(self.path):
            if self.writer is None:
                self.writer = self._opened(table.schema)
            self.writer.write_table(table)
        self.rows += table.num_rows

    def _opened(self, schema: pa.Schema) -> pa_csv.CSVWriter | pq.ParquetWriter:
        if self.path.suffix == ".parquet":
            return pq.ParquetWriter(self.path, schema, compression="zstd")
        options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
        return pa_csv.CSVWriter(self.path, schema, write_options=options)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the settlements file: bills, cancellations and bills settled again, numbered within their block."""

    bills: Bills
    sequence: np.ndarray
    second: np.ndarray
    is_cancelling: np.ndarray


def settlement_table(rows: Rows, people: People, institutions: Institutions, *, block: int, in_fen: bool) -> pa.Table:
    """Return the rows as a table of the exchange format, optional columns of birth, level and household filled.

    Settlement ids are unique over the county because each block numbers its own.
    """
    bills = rows.bills
    instant = (bills.settled * 86_400 + rows.second).astype("datetime64[s]")
    level = [row["hosp_lv"] for row in institutions.rows]
    code = [row["fixmedins_code"] for row in institutions.rows]
    columns: dict[str, pa.Array] = {
        "setl_id": _numbered(f"SYNS{block:05d}", rows.sequence, 8),
        "psn_no": _numbered("SYNP", people.number[bills.person], 9),
        "fixmedins_code": _named(code, bills.institution),
        "med_type": _named(tables.MED_TYPES, bills.med_type),
        "begndate": _days(bills.begin),
        "enddate": _days(bills.end),
        "setl_time": pa.array(instant),
        "diag_code": _named(DIAGNOSES, bills.diagnosis),
        "disease_class": _named(tables.CLASSES, bills.disease_class),
    }
    for name in AMOUNTS:
        fen = bills.amounts[name]
        columns[f"{name}_fen" if in_fen else name] = pa.array(fen) if in_fen else decimals(fen)
    columns |= {
        "refer_stas": _named(tables.REFERRALS, bills.referral),
        "out_prov": _named(("0", "1"), bills.out_prov),
        "cause": _named(tables.CAUSES, bills.cause),
        "refd_setl_flag": _named(("0", "1"), rows.is_cancelling),
        "brdy": _days(people.birth[bills.person]),
        "hosp_lv": _named(level, bills.institution),
        "household": _numbered("SYNH", people.household[bills.person], 9),
    }
    return pa.table(columns)


def identity_table(records: Records, people: People, codes: Sequence[str]) -> pa.Table:
    """Return identity records as a table of the exchange format."""
    issuers = [tables.KINDS[code].issuer for code in codes]
    return pa.table(
        {
            "psn_no": _numbered("SYNP", people.number[records.person], 9),
            "identity": _named(list(codes), records.code),
            "begin": _days(records.begin),
            "end": _days(records.end),
            "certified_on": _days(records.certified),
            "applied_on": _days(records.applied),
            "issuer": _named(issuers, records.code),
        }
    )


def people_table(people: People) -> pa.Table:
    """Return the people: invented names, all marked as synthetic; no citizen numbers."""
    names = [f"合成{surname}{given}" for surname in tables.SURNAMES for given in tables.GIVEN]
    return pa.table(
        {
            "psn_no": _numbered("SYNP", people.number, 9),
            "household": _numbered("SYNH", people.household, 9),
            "birth": _days(people.birth),
            "sex": _named(("2", "1"), people.is_male),
            "name": _named(names, people.name),
            "insutype": _named(("390", "310"), people.is_employee),
            "died_on": _days(people.died),
        }
    )


def application_table(people: People, *, person: np.ndarray, layer: np.ndarray, day: np.ndarray, layers: Sequence[str]) -> pa.Table:  # fmt: skip
    """Return applications as a table of the exchange format."""
    return pa.table(
        {
            "psn_no": _numbered("SYNP", people.number[person], 9),
            "layer": _named(list(layers) or [""], layer),
            "applied_on": _days(day),
        }
    )


def decimals(fen: np.ndarray) -> pa.Array:
    """Return whole fen as decimals of yuan, by writing the integers' 16 bytes."""
    words = np.empty((len(fen), 2), np.int64)
    words[:, 0] = fen
    words[:, 1] = fen >> 63
    return pa.Array.from_buffers(YUAN, len(fen), [None, pa.py_buffer(words.astype("<i8").tobytes())])


def _days(day: np.ndarray) -> pa.Array:
    nobody_knows = (day == NEVER) | (day == UNKNOWN)
    return pa.array(day.astype(np.int32), mask=nobody_knows).cast(pa.date32())


def _named(names: Sequence[str], place: np.ndarray) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(place.astype(np.int64)))


def _numbered(prefix: str, number: np.ndarray, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(number).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")
