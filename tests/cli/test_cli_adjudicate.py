"""Batches on the command line: results and summaries, all bad rows at once, nothing half written."""

from __future__ import annotations

import csv

import polars as pl
import pytest

from tuodi.cli import exits

# S1: (9,000 - 4,000) x 75 %; S2 the same; S7 the same; S3: (5,000 - 3,000) x 60 %; S4: 5,000 x 60 %
PAID = {"S1": "3750.00", "S2": "3750.00", "S3": "1200.00", "S4": "3000.00", "S7": "3750.00"}
REFUSED = {"S5": "SL-2", "S6": "SL-12"}


def entries(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_batch_pays_to_the_fen_and_says_so(tuodi, county):
    out = county.folder / "entries.csv"
    answer = tuodi("adjudicate", *county.policy("--out", str(out)))
    assert answer.code == exits.DONE, answer.err
    assert {row["setl_id"]: row["pay"] for row in entries(out) if row["layer"]} == PAID
    assert {row["setl_id"]: row["clauses"] for row in entries(out) if row["refusal"]} == REFUSED
    for part in (
        "结算 7 笔（撤销 0 笔）",
        "救助合计 15,450.00 元",
        "按救助层",
        "门诊慢特病救助",
        "按救助类别",
        "二类救助对象",
        "按结算月份",
        "2024-03",
        "不予救助",
    ):
        assert part in answer.out
    assert county.names() == ["entries.csv", "identities.csv", "settlements.csv"]


def test_parquet_gb18030_and_json(tuodi, county):
    out = county.folder / "entries.parquet"
    county.write(encoding="gb18030")
    county.identities.write_bytes(county.identities.read_text("utf-8").encode("gb18030"))
    answer = tuodi("adjudicate", *county.policy("--out", str(out), "--json"))
    assert answer.data["pay"] == "15450.00"
    assert answer.data["by_layer"]["inpatient"] == {"entries": 4, "pay": "11700.00"}
    assert sum(pl.read_parquet(out)["pay"]) == 15450


BAD = (
    {"setl_id": "S8", "psn_no": "P1", "day": "2024-09-09", "hifp_pay": "4,000.0"},
    {"setl_id": "S9", "psn_no": "P1", "day": "2024-09-09", "medfee_sumamt": "9999.99"},
    {"setl_id": "S1", "psn_no": "P1", "day": "2024-09-10"},
)


def write_bad(county):
    county.write(*BAD)
    text = county.settlements.read_text("utf-8").replace("4,000.0", '"4,000.0"')
    county.settlements.write_text(text, "utf-8")


def test_all_bad_rows_at_once_with_file_line_column_value_and_nothing_written(tuodi, county):
    write_bad(county)
    out = county.folder / "entries.csv"
    answer = tuodi("adjudicate", *county.policy("--out", str(out)))
    assert answer.code == exits.INPUT
    for part in ("第 9 行 “hifp_pay”列", "值为“4,000.0”", "第 10 行", "相差 0.01", "第 11 行 “setl_id”列"):
        assert part in answer.err
    assert county.names() == ["identities.csv", "settlements.csv"]
    found = tuodi("adjudicate", *county.policy("--out", str(out), "--json")).data["errors"]
    assert (found[0]["line"], found[0]["column"], found[0]["value"]) == (9, "hifp_pay", "4,000.0")
    assert len(found) == 3


def test_keep_going_writes_the_good_entries_and_the_bad_rows_apart(tuodi, county):
    write_bad(county)
    out, bad = county.folder / "entries.csv", county.folder / "bad.csv"
    answer = tuodi("adjudicate", *county.policy("--out", str(out), "--keep-going", "--bad-rows", str(bad)))
    assert answer.code == exits.FOUND
    assert "行有错" in answer.out
    assert "并回原文件一起重算" in answer.out
    kept = {row["setl_id"]: row["pay"] for row in entries(out) if row["layer"]}
    assert kept.items() <= PAID.items()
    with bad.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["setl_id"] for row in rows][:2] == ["S8", "S9"]
    assert all(row["x_error"] for row in rows)


def test_interrupted_nothing_is_left(tuodi, county, monkeypatch):
    def stopped(job, *, progress=None):
        job.out.write_text("half")
        job.bad_rows.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("tuodi.batch.pipeline.adjudicate", stopped)
    out, bad = county.folder / "entries.csv", county.folder / "bad.csv"
    answer = tuodi("adjudicate", *county.policy("--out", str(out), "--keep-going", "--bad-rows", str(bad)))
    assert answer.code == exits.INTERRUPTED
    assert county.names() == ["identities.csv", "settlements.csv"]


def test_a_result_never_takes_the_place_of_what_it_is_made_from(tuodi, county):
    answer = tuodi("adjudicate", *county.policy("--out", str(county.settlements)))
    assert answer.code == exits.USAGE
    assert "是同一个" in answer.err


@pytest.mark.parametrize(("out", "code"), [("entries.xlsx", exits.USAGE), ("nowhere/entries.csv", exits.INPUT)])
def test_where_results_cannot_go_is_said_before_anything_is_computed(tuodi, county, out, code):
    assert tuodi("adjudicate", *county.policy("--out", str(county.folder / out))).code == code


def test_a_missing_delegated_value_has_its_own_code(tuodi, county, tmp_path):
    words = [
        "--settlements",
        str(county.settlements),
        "--identities",
        str(county.identities),
        "--out",
        str(tmp_path / "e.csv"),
    ]
    answer = tuodi("adjudicate", "--pack", "320902-tinghu", *words)
    assert answer.code == exits.MISSING
    assert "th.publication_date" in answer.err
    with_samples = tuodi("adjudicate", "--pack", "320902-tinghu", "--sample-values", *words)
    assert with_samples.code == exits.DONE
    assert "示例值" in with_samples.out


def test_a_broken_pack_has_its_own_code(tuodi, county, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "policy.yaml").write_text("pack: x\nlayers: 3\n", "utf-8")
    answer = tuodi("pack", "check", str(tmp_path / "mine"))
    assert answer.code == exits.PACK
    assert "policy.yaml 第" in answer.err


def test_another_reading_changes_the_result(tuodi, county):
    out = county.folder / "entries.csv"
    assert tuodi("adjudicate", *county.policy("--out", str(out), "--reading", "I-04=stay")).code == exits.DONE
    assert {row["setl_id"]: row["pay"] for row in entries(out) if row["layer"]} == PAID | {"S4": "1200.00"}


def test_bills_of_one_person_that_together_leave_the_proven_range_are_refused_with_the_person_and_the_sum(
    tuodi, county
):
    huge = {
        "medfee_sumamt": "999999999.99",
        "inscp_scp_amt": "999999999.99",
        "fulamt_ownpay_amt": "0",
        "preselfpay_amt": "0",
        "hifp_pay": "",
    }
    days = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 11)]
    county.write(*({"setl_id": f"H{n}", "psn_no": f"P{1 + n % 2}", "day": day, **huge} for n, day in enumerate(days)))
    out = county.folder / "entries.csv"
    assert tuodi("adjudicate", *county.policy("--out", str(out))).code == exits.DONE
    county.write(*({"setl_id": f"H{n}", "psn_no": "P1", "day": day, **huge} for n, day in enumerate(days)))
    out.unlink()
    answer = tuodi("adjudicate", *county.policy("--out", str(out), "--json"))
    (error,) = answer.data["errors"]
    assert (answer.code, error["code"], out.exists()) == (exits.INPUT, "E-TOTAL-RANGE", False)
    assert "人员 P1" in error["message"]
    explained = tuodi("explain", *county.policy("S7", "--json"))
    assert explained.data["errors"] == [error]
