"""One settlement explained from files; bills typed in and asked for."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tuodi.batch.packs import pack_of
from tuodi.cli import exits


def test_the_patients_page_says_who_paid_and_why(tuodi, county):
    answer = tuodi("explain", *county.policy("S4"))
    assert answer.code == exits.DONE, answer.err
    for part in (
        "医疗救助支付 3,000.00 元，您还要承担 3,000.00 元", "低收入救助对象", "起付线 3,000.00 元（按年度累计）：此前已经扣满",
        "5,000.00 元 × 60% = 3,000.00 元", "SL-7.3",
    ):  # fmt: skip
        assert part in answer.out
    first = tuodi("explain", *county.policy("S3")).out
    assert "这次扣 3,000.00 元，已经扣满" in first


def test_the_auditors_page_has_every_step(tuodi, county):
    said = "".join(tuodi("explain", *county.policy("S3", "--for", "auditor")).out.split())
    for part in (
        "起付线以上计入=本次计入的个人负担5,000.00元−起付线扣除3,000.00元=2,000.00元",
        "sha256:",
        "释义口径：I-04=year",
        "民政局",
    ):
        assert part in said
    both = tuodi("explain", *county.policy("S3", "--for", "both")).out
    assert both.startswith("医疗救助说明")
    assert "审核说明" in both


def test_as_data_and_as_a_picture(tuodi, county):
    svg = county.folder / "bill.svg"
    answer = tuodi("explain", *county.policy("S1", "--json", "--svg", str(svg)))
    assert answer.data["pay"] == "3750.00"
    assert answer.data["steps"][0]["label"] == "政策范围内个人负担"
    assert ElementTree.parse(svg).getroot().get("role") == "img"


def test_a_refusal_says_what_was_lacking_and_what_it_would_have_brought(tuodi, county):
    said = "".join(tuodi("explain", *county.policy("S5")).out.split())
    assert "从2024-05-01起，晚于这次就医结束的2024-03-09" in said
    assert "单独这一次可以救助约3,750.00元" in said
    assert "备案" in tuodi("explain", *county.policy("S6")).out


def test_reading_and_institutions_and_applications_are_heeded(tuodi, county):
    stay = tuodi("explain", *county.policy("S4", "--reading", "I-04=stay", "--json")).data
    assert stay["pay"] == "1200.00"
    institutions = county.folder / "institutions.csv"
    institutions.write_text("fixmedins_code,hosp_lv,insurance_designated\nH2,05,1\n", "utf-8")
    answer = tuodi("explain", *county.policy("S4", "--institutions", str(institutions)))
    assert answer.code == exits.INPUT
    assert "H99999900001" in answer.err
    applications = county.folder / "applications.csv"
    applications.write_text("psn_no,layer,applied_on\nP1,nothing,2024-12-01\n", "utf-8")
    answer = tuodi("explain", *county.policy("S1", "--applications", str(applications)))
    assert answer.code == exits.INPUT
    assert "可申请的救助层：major" in answer.err


@pytest.mark.parametrize("how", ["small", "odd", "parquet"])
def test_small_odd_and_parquet_files_tell_the_same(tuodi, county, how):
    expected = tuodi("explain", *county.policy("S7")).out
    cancelling = (
        {"setl_id": "S8", "psn_no": "P1", "day": "2024-01-05"},
        {"setl_id": "S8", "psn_no": "P1", "day": "2024-01-06", "refd_setl_flag": "1"},
    )
    county.write(*cancelling)
    if how == "odd":
        county.settlements.write_text(
            county.settlements.read_text("utf-8").replace("J18.900", '"J18.900"', 1) + ",,,,,,,,,,,,,\n", "utf-8"
        )
    words = county.policy("S7")
    if how == "parquet":
        import polars as pl

        amounts = (
            "medfee_sumamt",
            "fulamt_ownpay_amt",
            "overlmt_selfpay",
            "preselfpay_amt",
            "inscp_scp_amt",
            "hifp_pay",
        )
        frame = pl.read_csv(county.settlements, infer_schema=False).with_columns(
            pl.col(name).cast(pl.Decimal(18, 2)) for name in amounts
        )
        frame.write_parquet(county.folder / "s.parquet")
        words[words.index(str(county.settlements))] = str(county.folder / "s.parquet")
    assert tuodi("explain", *words).out == expected
    answer = tuodi("explain", *[("S8" if word == "S7" else word) for word in words])
    assert answer.code == exits.INPUT
    assert "已经撤销" in answer.err


def test_a_bad_row_elsewhere_in_the_file_is_refused_with_all_faults(tuodi, county):
    county.write(
        {"setl_id": "S8", "psn_no": "P9", "day": "2024-09-09", "hifp_pay": "四千"},
        {"setl_id": "S9", "psn_no": "P9", "day": "2024-99-09"},
    )
    answer = tuodi("explain", *county.policy("S1"))
    assert answer.code == exits.INPUT
    assert "第 9 行" in answer.err
    assert "第 10 行" in answer.err


def test_an_unknown_settlement(tuodi, county):
    answer = tuodi("explain", *county.policy("S99", "--json"))
    assert answer.code == exits.INPUT
    assert answer.data["errors"][0]["code"] == "E-EXPLAIN-UNKNOWN"


def test_one_settlement_loads_neither_columns_nor_compilers(county):
    script = (
        "import sys; from tuodi.cli import main; code = main(sys.argv[1:]);"
        "heavy = {'numba', 'polars', 'numpy', 'pyarrow', 'django'} & set(sys.modules); sys.exit(code or (f'loaded {heavy}' if heavy else 0))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "explain", *county.policy("S1")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "医疗救助支付 3,750.00 元" in run.stdout
    script = script.replace("'django'", "'django', 'msgspec', 'yaml', 'tuodi.core'")
    run = subprocess.run([sys.executable, "-c", script, "--version"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


ESTIMATE = (
    "estimate",
    "--pack",
    "999999-example",
    "--identity",
    "低保对象",
    "--settled",
    "2024-05-01",
    "--total",
    "10,000",
    "--hifp",
    "4000",
)


def test_an_estimate_from_options(tuodi):
    answer = tuodi(*ESTIMATE, "--class-b", "500", "--full-self-pay", "500")
    assert answer.code == exits.DONE, answer.err
    assert "医疗救助支付 3,750.00 元" in answer.out
    data = tuodi(*ESTIMATE, "--earlier", "5 万元", "--json").data
    assert data["layers"][0]["cut"] == "2000.00"  # 6,000 x 75 % = 4,500, of the cap of 40,000 only 2,500 is left


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--identity", "nobody"), "不认识身份“nobody”"),
        (("--identity", "困境儿童"), "不止一种身份“困境儿童”"),
        (("--identity", "dibao:2024-05-01:2024-04-01"), "终止日早于起始日"),
        (("--settled", "2024/05/01"), "结算日期“2024/05/01”不是日期"),
        (("--total", "1e4"), "不是金额"),
        (("--full-self-pay=-3",), "不是金额"),
        (("--care", "7x"), "医疗类别没有“7x”"),
        (("--hosp-lv", "44"), "医院等级没有“44”"),
    ],
)
def test_what_cannot_be_read_is_told(tuodi, more, says):
    answer = tuodi(*ESTIMATE, *more)
    assert answer.code == exits.USAGE
    assert says in answer.err


def test_parts_that_exceed_the_bill_are_input_errors(tuodi):
    assert tuodi(*ESTIMATE, "--class-b", "20000").code == exits.INPUT


def test_questions_on_a_terminal(tuodi, monkeypatch):
    answers = iter(
        ["999999-example", "n", "99", "低保对象", "2024-13-01", "2024-05-01", "", "10000", "500", "", "500", "4000", ""]
    )
    asked = []

    def answer_to(question):
        asked.append(question)
        return next(answers)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", answer_to)
    answer = tuodi("estimate")
    assert answer.code == exits.DONE, answer.err
    assert "医疗救助支付 3,750.00 元" in answer.out
    assert asked.count("结算日期（回车：今天）：") == 2
    assert asked.count("医疗费总额（元）：") == 2
    assert next(answers, "all asked") == "all asked"


@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_file_too_large_for_the_light_reader_is_read_once_and_again_only_before_the_settlement(
    county, monkeypatch, at
):
    """Seven settlements in chunks of two; P1's are wanted, wherever the one that is asked for stands."""
    from tuodi.batch import history, light, reading
    from tuodi.core.engine.plan import make_plan

    read = []
    monkeypatch.setattr(light, "LARGEST_BYTES", 1)
    checked = reading.Reader.checked

    def counted(self):
        for chunk, batch in checked(self):
            if self.schema.name == "settlements":
                read.append(len(chunk.frame))
            yield chunk, batch

    def in_twos(path, schema):
        return open_table(path, schema, chunk_rows=2)

    open_table = reading.open_table
    monkeypatch.setattr(reading, "open_table", in_twos)
    monkeypatch.setattr(reading.Reader, "checked", counted)
    ids = ["S1", "S2", "S3", "S4", "S5", "S6", "S7"]
    found = history.history_of(
        [make_plan(pack_of("999999-example"))], ids[at], settlements=county.settlements, identities=county.identities
    )
    person = {"S1": "P1", "S4": "P2", "S7": "P1"}[ids[at]]
    assert sorted(one.setl_id for one in found.settlements) == {"P1": ["S1", "S2", "S7"], "P2": ["S3", "S4"]}[person]
    assert sum(read) == 7 + at // 2 * 2
