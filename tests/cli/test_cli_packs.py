"""Packs on the command line: said, checked, their cases run, clauses counted, made and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuodi.batch.packs import SAMPLES
from tuodi.batch.registers import clauses, interpretations
from tuodi.cli import exits

PACK = "999999-example"


def test_the_shelf_is_listed(tuodi):
    answer = tuodi("pack", "list")
    assert PACK in answer.out
    assert "编造的示例" in answer.out
    assert [one["first"] for one in tuodi("pack", "list", "--json").data if one["id"] == PACK] == ["2024-01-01"]


def test_a_pack_is_said_with_its_clauses(tuodi):
    said = tuodi("pack", "show", PACK).out
    for part in ("二类救助对象", "75%", "SL-7.2", "起付线"):
        assert part in said
    assert tuodi("pack", "show", PACK, "--markdown").out.startswith("# ")
    assert tuodi("pack", "show", PACK, "--json").data
    assert "每次住院" in tuodi("pack", "show", PACK, "--reading", "I-04=stay").out


def test_check_finds_what_is_wrong(tuodi, tmp_path):
    assert tuodi("pack", "check", PACK).code == exits.DONE
    assert (
        tuodi("pack", "new", "111111-there", "--name", "某县", "--area", "111111", "--out", str(tmp_path)).code
        == exits.DONE
    )
    policy = tmp_path / "111111-there" / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("fund: assistance", "fund: nothing"), "utf-8")
    answer = tuodi("pack", "check", str(policy))
    assert answer.code == exits.FOUND
    assert "错误 [E-" in answer.out
    assert tuodi("pack", "check", str(policy), "--json").data["error_count"] >= 1


def test_cases_hold_or_say_what_does_not(tuodi, tmp_path):
    answer = tuodi("pack", "cases", PACK)
    assert answer.code == exits.DONE
    assert "0 个不符" in answer.out
    assert tuodi("pack", "test", PACK, "--only", "起付线", "--json").data["failed"] == []
    tuodi("pack", "new", "111111-there", "--name", "某县", "--area", "111111", "--out", str(tmp_path))
    cases = tmp_path / "111111-there" / "cases.yaml"
    cases.write_text(cases.read_text("utf-8").replace("2800 元", "2801 元"), "utf-8")
    answer = tuodi("pack", "cases", str(cases.parent))
    assert answer.code == exits.FOUND
    assert "应为 2,801.00 元，算得 2,800.00 元" in answer.out


def test_clauses_without_a_case_are_told(tuodi):
    answer = tuodi("pack", "clauses", "--kind", "W", "--json")
    assert all("W" in row["kinds"] and row["cases"] == 0 for row in answer.data)
    every = tuodi("pack", "clauses", "320902-tinghu", "--kind", "all", "--all", "--json").data
    assert {row["clause"].partition("-")[0] for row in every} == {"TH"}
    assert "条没有案例" in tuodi("pack", "clauses").out


def test_the_registers_are_whole():
    assert len({row.id for row in clauses()}) == len(clauses()) == 154
    assert [row.id for row in interpretations()] == [f"I-{n:02d}" for n in range(1, 67)]


@pytest.mark.parametrize(
    ("more", "code"),
    [(("--area", "12"), exits.USAGE), (("--prefix", "x"), exits.USAGE), ((), exits.DONE)],
)
def test_a_new_pack_is_made_once_and_never_over_another(tuodi, tmp_path, more, code):
    words = [
        "pack",
        "new",
        "111111-there",
        "--name",
        "某县",
        "--out",
        str(tmp_path / "mine"),
        "--area",
        "111111",
        *more,
    ]
    assert tuodi(*words).code == code
    if code == exits.DONE:
        assert tuodi("pack", "check", str(tmp_path / "mine" / "111111-there")).code == exits.DONE
        assert tuodi(*words).code == exits.INPUT
        assert [path.name for path in (tmp_path / "mine").iterdir()] == ["111111-there"]


def test_differences_between_packs_readings_and_days(tuodi):
    assert tuodi("pack", "diff", PACK, PACK).out == "没有差异。\n"
    answer = tuodi("pack", "diff", PACK, PACK, "--reading-b", "I-04=stay")
    assert answer.code == exits.FOUND
    assert "自然年度 → 每次住院" in answer.out
    assert tuodi("pack", "diff", PACK, PACK, "--reading-b", "I-04=stay", "--json").data[0]["kind"] == "changed"
    assert tuodi("pack", "diff", PACK, PACK, "--on", "2024-06-01", "--sample-values").code == exits.DONE
    assert tuodi("pack", "diff", PACK, PACK, "--on", "June").code == exits.USAGE


def test_the_samples_that_the_program_carries_are_those_of_the_tests():
    own = Path(__file__).parent.parent / "data" / "delegated-sample.yaml"
    assert SAMPLES.read_text("utf-8") == own.read_text("utf-8")


def test_what_was_done_to_a_part_is_said_once_in_a_line(tuodi):
    said = tuodi("pack", "diff", PACK, "610900-ankang").out
    assert "删去      授权参数" in said
    assert "删去授权参数" not in said


def test_a_case_written_wrongly_is_told_and_counted(tuodi, tmp_path):
    folder = tmp_path / "999998-xinxian"
    assert (
        tuodi("pack", "new", folder, "--name", "新县医疗救助", "--area", "999998", "--prefix", "XX").code == exits.DONE
    )
    path = folder / "cases.yaml"
    path.write_text(path.read_text("utf-8").replace("burden: 61000", "burdn: 61000"), "utf-8")
    answer = tuodi("pack", "cases", folder)
    assert answer.code == exits.FOUND
    assert (
        "第 8 行 请改：超过年度限额的部分不付（XX-4）\n    写法不对：settlements 的第 1 项里没有名为“burdn”的键，是不是“burden”。"
        in answer.out
    )
    assert "2 个案例，1 个符合，1 个不符" in answer.out
    (failed,) = tuodi("pack", "cases", folder, "--json").data["failed"]
    assert failed["mismatches"][0]["what"] == "写法"
