"""Files of national records converted: whole or not at all, cancellations with what they cancel, CSV and Parquet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from national_samples import DEFAULTS, SAMPLES, codes, full, row_of

from tuodi.batch.national import (
    convert,
    document,
    read_records,
)
from tuodi.batch.national_rows import COLUMNS
from tuodi.core.errors import InputErrors
from tuodi.core.money import fen_from_yuan
from tuodi.core.settlements import AMOUNT_FIELDS

# --- files ---


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_samples_convert_to_csv_and_back_and_to_csv_again(tmp_path):
    first, middle, second = tmp_path / "a.csv", tmp_path / "b.json", tmp_path / "c.csv"
    report = convert(SAMPLES, first, defaults=DEFAULTS, generate_ids=True, keep_going=True)
    assert (report.read, report.written, report.cancelling, len(report.passed_over)) == (16, 8, 2, 5)
    assert [(key, check.identity) for key, check in report.failed_checks] == [
        ("S07", "I5"), ("S08", "I5"), ("S08", "I6"), ("S09", "I3"),
    ]  # fmt: skip
    assert any("S09" in line and "恒等式不成立" in line for line in report.lines())
    assert convert(first, middle, assistance={"DEMO-S-S07": 12_300}).written == 8
    convert(middle, second)
    assert second.read_bytes() == first.read_bytes()


def test_amounts_are_written_as_exact_numbers(tmp_path):
    convert(SAMPLES, tmp_path / "a.csv", defaults=DEFAULTS, generate_ids=True, keep_going=True)
    convert(tmp_path / "a.csv", tmp_path / "b.json")
    assert '"medfee_sumamt":23442.46,' in (tmp_path / "b.json").read_text(encoding="utf-8")


def test_one_fault_leaves_nothing_behind(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("before")
    with pytest.raises(InputErrors):
        convert(SAMPLES, target, defaults=DEFAULTS, generate_ids=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert target.read_text() == "before"


NEGATIVE = {name: "-" + text for name, text in {"medfee_sumamt": "1000", "fulamt_ownpay_amt": "50", "preselfpay_amt": "50", "inscp_scp_amt": "900", "hifp_pay": "500", "hifmi_pay": "100", "maf_pay": "30", "oth_pay": "5", "fund_pay_sumamt": "635", "psn_cash_pay": "300", "acct_pay": "65"}.items()}  # fmt: skip


@pytest.mark.parametrize(
    "cancel",
    [{"setl_id": "S2", "mdtrt_id": "M1"}, {"setl_id": "S2", "init_setl_id": "S1"}, {"setl_id": "S1"}],
)
def test_a_cancel_response_finds_the_settlement_it_takes_back(tmp_path, cancel):
    original = document(full(mdtrt_id="M1"))
    response = {
        "setlinfo": NEGATIVE | cancel | {"overlmt_selfpay": 0, "cvlserv_pay": 0, "hifes_pay": 0, "hifob_pay": 0}
    }
    response["setlinfo"]["setl_time"] = "2024-02-01 09:00:00"
    (tmp_path / "a.json").write_text(json.dumps([original, response]))
    report = convert(tmp_path / "a.json", tmp_path / "a.csv")
    first, second = read_csv(tmp_path / "a.csv")
    assert (report.cancelling, second["setl_id"], second["refd_setl_flag"]) == (1, "S1", "1")
    assert (second["psn_no"], second["setl_time"]) == (first["psn_no"], "2024-02-01 09:00:00")
    assert second["medfee_sumamt"] == first["medfee_sumamt"]
    convert(tmp_path / "a.csv", tmp_path / "b.json")
    again = read_records((tmp_path / "b.json").read_text(encoding="utf-8")).records
    assert again[1].amounts == {name: -fen for name, fen in again[0].amounts.items()}


def test_an_original_marked_as_refunded_without_its_negative_is_cancelled_too(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(document(full(refd_setl_flag="1"))))
    report = convert(tmp_path / "a.json", tmp_path / "a.csv")
    assert [row["refd_setl_flag"] for row in read_csv(tmp_path / "a.csv")] == ["0", "1"]
    assert "补写一行撤销" in report.notes[0]


def test_a_cancelling_row_without_amounts_takes_those_of_its_original(tmp_path):
    row = row_of()
    cancel = {name: row[name] for name in ("setl_id", "psn_no")} | {
        "refd_setl_flag": "1",
        "setl_time": "2024-03-01 00:00:00",
    }
    with (tmp_path / "a.csv").open("w", encoding="gb18030", newline="") as handle:
        writer = csv.DictWriter(handle, [*COLUMNS, "x_注"], restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([row | {"x_注": "国标编码"}, cancel])
    report = convert(tmp_path / "a.csv", tmp_path / "b.json")
    assert (report.written, report.cancelling) == (2, 1)
    record = read_records((tmp_path / "b.json").read_text(encoding="utf-8")).records[1]
    assert (record.amounts["medfee_sumamt"], record.text("setl_time")) == (-100_000, "2024-03-01 00:00:00")


def test_parquet_in_both_money_forms_and_typed_days(tmp_path):
    row = row_of()
    columns = {name: [row[name]] for name in COLUMNS if name not in AMOUNT_FIELDS}
    table = {f"{name}_fen": pa.array([fen_from_yuan(row[name])]) for name in AMOUNT_FIELDS}
    pq.write_table(pa.table(columns | table), tmp_path / "a.parquet")
    strings = pa.table({name: [row[name]] for name in COLUMNS})
    typed = strings.set_column(4, "begndate", strings["begndate"].cast(pa.date32()))
    at = typed.schema.get_field_index("setl_time")
    typed = typed.set_column(at, "setl_time", typed["setl_time"].cast(pa.timestamp("s")))
    at = typed.schema.get_field_index("hifp_pay")
    typed = typed.set_column(at, "hifp_pay", typed["hifp_pay"].cast(pa.decimal128(18, 2)))
    pq.write_table(typed, tmp_path / "b.parquet")
    for name in ("a", "b"):
        convert(tmp_path / f"{name}.parquet", tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def lines_of(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputErrors) as caught:
        convert(tmp_path / "a.csv", tmp_path / "b.json")
    assert not (tmp_path / "b.json").exists()
    return codes(caught.value.faults)


def test_broken_tables_are_told_plainly(tmp_path):
    header = ",".join(COLUMNS)
    assert "E-CONVERT-NO-COLUMN" in lines_of(tmp_path, "setl_id\n1\n")
    assert "E-CONVERT-COLUMN" in lines_of(tmp_path, header + ",colour\n")
    assert "E-CONVERT-COLUMN" in lines_of(tmp_path, header + ",setl_id\n")
    assert lines_of(tmp_path, header + "\n1,2\n") == ["E-CONVERT-CELLS"]
    assert lines_of(tmp_path, header + '\n"1"2,\n') == ["E-CONVERT-FILE"]


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("a.json", "b.json", "E-CONVERT-DIRECTION"),
        ("a.csv", "b.csv", "E-CONVERT-DIRECTION"),
        ("a.txt", "b.json", "E-CONVERT-DIRECTION"),
        ("a.json", "b.parquet", "E-CONVERT-DIRECTION"),
        ("absent.json", "b.csv", "E-CONVERT-FILE"),
        ("broken.parquet", "b.json", "E-CONVERT-FILE"),
    ],
)
def test_files_that_cannot_be_converted(tmp_path, source, target, code):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputErrors) as caught:
        convert(tmp_path / source, tmp_path / target)
    assert codes(caught.value.faults) == [code]
