"""Replay, synthetic counties and conversion on the command line."""

from __future__ import annotations

import csv
import json
import os

import pytest

from tuodi.cli import exits, files


def test_replay_says_who_gains_and_who_loses_by_clause(tuodi, county):
    out = county.folder / "difference.csv"
    answer = tuodi("replay", *county.policy("--reading-b", "I-04=stay", "--out", str(out)))
    assert answer.code == exits.DONE, answer.err
    for part in ("-1,800.00", "1 人减少，共 1,800.00 元", "SL-7", "P2", "S4", "I-04：year"):
        assert part in answer.out
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(r["setl_id"], r["layer"], r["before"], r["after"], r["change"]) for r in rows] == [
        ("S4", "inpatient", "3000.00", "1200.00", "-1800.00")
    ]
    data = tuodi("replay", *county.policy("--reading", "I-04=stay", "--reading-b", "I-04=year", "--json")).data
    assert (data["change"], data["gaining"], data["losing"], data["people"]) == ("1800.00", 1, 0, 2)
    assert data["largest"][0]["psn_no"] == "P2"


def test_replay_by_moved_years(tuodi, county):
    same = tuodi("replay", *county.policy("--years-b", "1", "--json")).data
    assert same["before"] == "15450.00"
    assert same["change"] == "0.00"
    earlier = tuodi("replay", *county.policy("--years-b", "-1", "--json")).data  # the policy is in force from 2024
    assert earlier["after"] == "0.00"
    assert earlier["losing"] == 2
    assert ["SL-20", 7] in [[row["clause"], row["after"]] for row in earlier["refusals"]]


def test_replay_of_the_same_is_a_wrong_command_and_bad_rows_are_input_errors(tuodi, county):
    assert tuodi("replay", *county.policy()).code == exits.USAGE
    county.write({"setl_id": "S8", "psn_no": "P1", "day": "2024-99-09"})
    for more in (("--reading-b", "I-04=stay"), ("--years-b", "1")):
        answer = tuodi("replay", *county.policy(*more))
        assert answer.code == exits.INPUT
        assert "第 9 行" in answer.err


def test_a_synthetic_county_can_be_settled(tuodi, tmp_path):
    out = tmp_path / "county"
    answer = tuodi("synth", "--pack", "999999-example", "--people", "150", "--seed", "5", "--out", str(out), "--json")
    assert (answer.data["people"], answer.data["first"], answer.data["last"]) == (150, "2024-01-01", "2024-12-31")
    files = ("--settlements", str(out / "settlements.csv"), "--identities", str(out / "identities.csv"))
    more = ("--applications", str(out / "applications.csv"), "--institutions", str(out / "institutions.csv"))
    assert (
        tuodi("adjudicate", "--pack", "999999-example", *files, *more, "--out", str(out / "e.csv")).code == exits.DONE
    )
    assert (
        tuodi("synth", "--pack", "999999-example", "--people", "0", "--out", str(tmp_path / "none")).code == exits.INPUT
    )


def test_DT_3_7_1_nobody_of_a_synthetic_county_applies_for_what_has_no_figures_yet(tuodi, tmp_path):
    """The rate of 医中医疗 is left to another document and has no sample: whoever applied would keep the county from being computed."""
    out = tmp_path / "county"
    words = ("--pack", "330305-dongtou", "--sample-values", "--people", "20000", "--seed", "5", "--quiet")
    assert tuodi("synth", *words, "--out", str(out)).code == 0
    assert (out / "applications.csv").read_text("utf-8-sig").split() == ["psn_no,layer,applied_on"]
    ankang = ("--pack", "610900-ankang", "--sample-values", "--people", "20000", "--seed", "5", "--quiet")
    assert tuodi("synth", *ankang, "--out", str(tmp_path / "other")).code == 0
    assert ",tilted," in (tmp_path / "other" / "applications.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(KeyboardInterrupt(), exits.INTERRUPTED), (OSError("No space left on device (os error 28)"), exits.INPUT)],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_county_that_is_not_finished_leaves_what_was_there(tuodi, tmp_path, monkeypatch, trouble, code, is_there):
    from tuodi.batch.synth_files import Appender

    def stopped(self, schema):
        self.path.write_text("half")
        raise trouble

    out = tmp_path / "county"
    if is_there:
        out.mkdir()
        (out / "settlements.csv").write_text("earlier")
    monkeypatch.setattr(Appender, "_opened", stopped)
    answer = tuodi("synth", "--pack", "999999-example", "--people", "150", "--out", str(out))
    assert answer.code == code
    if code == exits.INPUT:
        assert f"文件“{out / 'settlements.csv'}”不能读写：磁盘满了" in answer.err
    left = [path.name for path in out.iterdir()] if out.exists() else None
    assert left == (["settlements.csv"] if is_there else None)
    assert not is_there or (out / "settlements.csv").read_text() == "earlier"


def record(**amounts):
    info = {
        "setl_id": "S1", "psn_no": "P1", "fixmedins_code": "H1", "med_type": "21", "begndate": "2024-03-01", "enddate": "2024-03-09",
        "setl_time": "2024-03-09 10:00:00", "diag_code": "J18.900", "medfee_sumamt": 1000, "fulamt_ownpay_amt": 100, "overlmt_selfpay": 0,
        "preselfpay_amt": 100, "inscp_scp_amt": 800, "hifp_pay": 500, "cvlserv_pay": 0, "hifes_pay": 0, "hifmi_pay": 0, "hifob_pay": 0,
        "maf_pay": 0, "oth_pay": 0, "fund_pay_sumamt": 500, "psn_part_amt": 500, "acct_pay": 0, "psn_cash_pay": 500,
    }  # fmt: skip
    return {"records": [{"setlinfo": info | amounts, "setldetail": []}]}


def test_conversion_there_and_back_and_identities_that_fail(tuodi, tmp_path):
    source, rows, back = tmp_path / "in.json", tmp_path / "rows.csv", tmp_path / "out.json"
    source.write_text(json.dumps(record()), "utf-8")
    answer = tuodi("convert", source, rows)
    assert answer.code == exits.DONE, answer.err + answer.out
    entries = tmp_path / "entries.csv"
    entries.write_text("psn_no,setl_id,layer,pay\nP1,S1,a,100.00\nP1,S1,b,50.00\n", "utf-8")
    assert tuodi("convert", rows, back, "--entries", entries).code == exits.DONE
    assert json.loads(back.read_text("utf-8"))["records"][0]["setlinfo"]["maf_pay"] == 150
    source.write_text(json.dumps(record(fund_pay_sumamt=499)), "utf-8")
    answer = tuodi("convert", source, rows)
    assert answer.code == exits.FOUND
    assert "恒等式不成立" in answer.out
    failed = tuodi("convert", source, rows, "--json").data["failed"]
    assert {one["identity"] for one in failed if one["is_binding"]} == {"I2", "I3"}


def test_records_that_cannot_be_converted_still_tell_which_identities_fail(tuodi, tmp_path):
    source = tmp_path / "in.json"
    source.write_text(json.dumps(record(fund_pay_sumamt=499, diag_code="")), "utf-8")
    answer = tuodi("convert", source, tmp_path / "rows.csv")
    assert answer.code == exits.INPUT
    assert "恒等式不成立" in answer.err
    data = tuodi("convert", source, tmp_path / "rows.csv", "--json").data
    assert [one["code"] for one in data["errors"]] == ["E-NATIONAL-LACKS"]
    assert {one["identity"] for one in data["failed"] if one["is_binding"]} == {"I2", "I3"}
    assert tuodi("convert", source, source).code == exits.USAGE
    assert tuodi("convert", source, tmp_path / "x.txt").code == exits.INPUT
    assert tuodi("convert", source, tmp_path / "rows.csv", "--default", "diag_code").code == exits.USAGE


def test_the_same_fault_of_many_records_is_told_once_with_the_records_and_in_json_each(tuodi, tmp_path):
    """Two records lack the same fields; one of them lacks its kind of care too."""
    source = tmp_path / "records.json"
    info = {
        "medfee_sumamt": 100,
        "fulamt_ownpay_amt": 0,
        "overlmt_selfpay": 0,
        "preselfpay_amt": 0,
        "inscp_scp_amt": 100,
    }
    records = [{"setlinfo": {**info, "setl_id": "A1", "med_type": "21"}}, {"setlinfo": {**info, "setl_id": "A2"}}]
    source.write_text(json.dumps({"records": records}), "utf-8")
    answer = tuodi("convert", source, tmp_path / "rows.csv")
    assert answer.code == exits.INPUT
    assert answer.err.count("没有 psn_no") == 1
    assert "2 条记录没有 psn_no" in answer.err
    assert "记录：A1、A2" in answer.err
    assert "结算记录 A2 没有 med_type" in answer.err
    assert not (tmp_path / "rows.csv").exists()
    each = tuodi("convert", source, tmp_path / "rows.csv", "--json").data["errors"]
    records = [error["fields"]["record"].split() for error in each if error["column"] == "psn_no"]
    assert records == [["结算记录", "A1"], ["结算记录", "A2"]]


def test_a_county_in_another_format_names_the_files_that_stay(tuodi, tmp_path):
    asked = (
        "synth",
        "--pack",
        "610900-ankang",
        "--people",
        "20",
        "--seed",
        "1",
        "--out",
        str(tmp_path / "c"),
        "--quiet",
    )
    assert "以前生成的" not in tuodi(*asked).out
    assert "以前生成的 settlements.csv、identities.csv" in tuodi(*asked, "--format", "parquet").out


def test_what_a_killed_command_left_goes_with_the_next_one_and_what_one_works_in_stays(tmp_path):
    left, young = tmp_path / ".tuodi-left", tmp_path / ".tuodi-young"
    for folder in (left, young):
        folder.mkdir()
        (folder / "half.csv").write_text("half")
    os.utime(left, (0, 0))
    with files.staged(tmp_path) as held:
        os.utime(held, (0, 0))
        with files.staged(tmp_path):
            assert [one.exists() for one in (left, young, held)] == [False, True, True]
    assert not held.exists()
