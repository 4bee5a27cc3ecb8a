"""Every fault of every file, of the readings and of the entered values in one run: whoever corrects them corrects them once."""

from __future__ import annotations

import pytest

from tuodi.cli import exits

BAD_BILL = {"setl_id": "S8", "psn_no": "P1", "day": "2024-09-09", "hifp_pay": "十元"}
TINGHU = ("--pack", "320902-tinghu")


def spoil_rows(county):
    """Let a settlement (line 9) and an identity (line 6) be wrong."""
    county.write(BAD_BILL)
    county.identities.write_text(county.identities.read_text("utf-8") + "P5,duke,2024-01-01,,,\n", "utf-8")


def spoil_forms(county):
    """Let neither file even be read: a column is missing from each."""
    for path in (county.settlements, county.identities):
        path.write_text(path.read_text("utf-8").replace("psn_no", "person", 1), "utf-8")


@pytest.fixture(params=["adjudicate", "explain", "replay"])
def command(request, county):
    """Return a command over files with all it needs beside them."""
    more = {
        "adjudicate": ["--out", str(county.folder / "entries.csv")],
        "explain": ["S1"],
        "replay": ["--years-b", "1"],
    }[request.param]
    return [request.param, *more]


def over(county, *more):
    return ["--settlements", str(county.settlements), "--identities", str(county.identities), *more]


def places(answer):
    return {
        (e["code"], e["file"].rsplit("/", 1)[-1], e["line"], e["column"], e["value"]) for e in answer.data["errors"]
    }


ROWS = {
    ("E-AMOUNT-TEXT", "settlements.csv", 9, "hifp_pay", "十元"),
    ("E-VALUE-CODE", "identities.csv", 6, "identity", "duke"),
}


def test_wrong_rows_of_both_files(tuodi, county, command):
    spoil_rows(county)
    answer = tuodi(*command, *county.policy("--json"))
    assert answer.code == exits.INPUT
    assert places(answer) == ROWS


def test_a_file_that_is_not_there_and_wrong_rows_of_the_others(tuodi, county, command):
    spoil_rows(county)
    nowhere = str(county.folder / "nowhere.csv")
    answer = tuodi(*command, *county.policy("--json", "--applications", nowhere, "--institutions", nowhere))
    assert answer.code == exits.INPUT
    assert places(answer) > ROWS
    assert [str(row).count("nowhere") > 0 for row in answer.data["errors"]].count(True) == 2


def test_two_files_of_the_wrong_form(tuodi, county, command):
    spoil_forms(county)
    answer = tuodi(*command, *county.policy("--json"))
    assert answer.code == exits.INPUT
    assert {(code, file) for code, file, *_ in places(answer)} >= {
        ("E-COLUMN-MISSING", "settlements.csv"),
        ("E-COLUMN-MISSING", "identities.csv"),
    }


def test_wrong_rows_with_a_wrong_reading_and_a_wrong_file_of_values(tuodi, county, command):
    spoil_rows(county)
    values = county.folder / "values.yaml"
    values.write_text("- param: sl.nothing\n  value: 1\n  source: 无\n- param: sl.first_day\n", "utf-8")
    more = ("--delegated", str(values), "--reading", "I-04=x", "--reading", "I-99=y", "--json")
    answer = tuodi(*command, *county.policy(*more))
    assert answer.code == exits.INPUT
    found = places(answer)
    assert found > ROWS
    assert {code for code, *_ in found - ROWS} == {
        "E-WORD-READING-CHOICE",
        "E-WORD-READING",
        "E-DELEGATED-UNKNOWN",
        "E-DELEGATED-SHAPE",
    }


def test_wrong_rows_with_a_policy_whose_first_day_nobody_has_entered(tuodi, county, command):
    spoil_rows(county)
    answer = tuodi(*command, *TINGHU, *over(county, "--json"))
    assert answer.code == exits.INPUT
    found = places(answer)
    assert found > ROWS
    assert {code for code, *_ in found - ROWS} == {"E-DELEGATED-MISSING"}


def test_values_missing_alone_have_their_own_code_and_are_told_together(tuodi, county, command):
    answer = tuodi(*command, *TINGHU, *over(county))
    assert answer.code == exits.MISSING
    assert "th.publication_date" in answer.err
    assert "--sample-values" in answer.err


def test_rules_that_lack_values_are_told_with_the_wrong_rows_and_all_of_them(tuodi, county):
    """DT-3.3.1: a rate for each category, in another rule of the county's; none is told later than another."""
    day = "2023-03-09"
    bills = [{"setl_id": f"D{n}", "psn_no": person, "day": day} for n, person in enumerate(("P1", "P2", "P4"))]
    county.write(*bills, BAD_BILL)
    identities = county.identities.read_text("utf-8").replace("low_income", "dibao_edge")
    county.identities.write_text(identities + "P5,duke,2024-01-01,,,\n", "utf-8")
    out = str(county.folder / "entries.csv")
    answer = tuodi("adjudicate", "--pack", "330305-dongtou", *over(county, "--out", out, "--json"))
    assert answer.code == exits.INPUT
    found = answer.data["errors"]
    missing = [e["fields"]["param"] for e in found if e["code"] == "E-DELEGATED-MISSING"]
    assert {f"dt.provincial.rate.{name}" for name in ("dibao", "dibao_edge", "extreme_poverty")} <= set(missing)
    assert {e["code"] for e in found} == {"E-DELEGATED-MISSING", "E-AMOUNT-TEXT", "E-VALUE-CODE"}
    county.write(*bills)
    county.identities.write_text(identities, "utf-8")
    answer = tuodi("adjudicate", "--pack", "330305-dongtou", *over(county, "--out", out, "--json"))
    assert answer.code == exits.MISSING
    assert [e["fields"]["param"] for e in answer.data["errors"]] == missing
    assert county.names() == ["identities.csv", "settlements.csv"]
