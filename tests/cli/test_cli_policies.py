"""Several policies in force one after the other, out of a file: the year runs on, and what is wrong is told at once."""

import csv

import pytest
from tests.cli.conftest import PACK

from tuodi.batch.packs import folder_of
from tuodi.cli import exits


@pytest.fixture
def adjudicate(tuodi, county):
    """Adjudicate the county under a file of policies; returns the answer."""

    def run(text, *more):
        file = county.folder / "policies.yaml"
        file.write_text(text, encoding="utf-8")
        given = ["--policies", file, *county.policy()[2:], "--out", county.folder / "entries.csv", *more]
        return tuodi("adjudicate", *given)

    return run


def paid(county):
    with (county.folder / "entries.csv").open(encoding="utf-8") as file:
        return {row["setl_id"]: row["pay"] for row in csv.DictReader(file) if row["layer"]}


def test_the_same_document_again_from_a_day_pays_what_it_paid_alone(tuodi, county, adjudicate):
    assert tuodi("adjudicate", *county.policy("--out", county.folder / "entries.csv")).code == exits.DONE
    alone = paid(county)
    said = adjudicate(f"- {{pack: {PACK}, from: 2024-01-01}}\n- {{pack: {PACK}, from: 2024-07-01}}\n")
    assert said.code == exits.DONE, said.err
    assert paid(county) == alone
    assert "2024-01-01 起：政策包" in said.out
    assert "2024-07-01 起：政策包" in said.out
    assert "救助合计 15,450.00 元" in said.out


def test_a_document_in_a_folder_beside_the_file_is_read_from_there_and_another_one_begins_anew(
    tuodi, county, adjudicate
):
    """改名即另一份文件：S4 不再接着 S3 已扣的起付线算，(5,000 - 3,000) × 60 % = 1,200。"""
    folder = county.folder / "later"
    folder.mkdir()
    for path in folder_of(PACK).iterdir():
        if path.suffix in (".yaml", ".csv"):
            (folder / path.name).write_text(
                path.read_text("utf-8").replace(f"pack: {PACK}", "pack: 999999-later"), "utf-8"
            )
    said = adjudicate(f"- {{pack: {PACK}, from: 2024-01-01}}\n- {{pack: later, from: 2024-07-01}}\n", "--json")
    assert said.code == exits.DONE, said.err
    assert [one["id"] for one in said.data["packs"]] == [PACK, "999999-later"]
    assert {setl_id: pay for setl_id, pay in paid(county).items() if setl_id in ("S3", "S4")} == {
        "S3": "1200.00", "S4": "1200.00",
    }  # fmt: skip
    given = ["--policies", county.folder / "policies.yaml", *county.policy()[2:], "--for", "both"]
    told = {setl_id: tuodi("explain", *given, setl_id).out for setl_id in ("S3", "S4")}
    assert [("999999-later" in text, "支付 1,200.00 元" in text) for text in told.values()] == [
        (False, True),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "E-LIST-SHAPE", "列表"),
        ("pack: a\n", "E-LIST-SHAPE", "列表"),
        ("- {pack: a}\n", "E-POLICIES-SHAPE", "缺少 pack 或 from"),
        ("- {pack: a, from: 2024-13-01}\n", "E-POLICIES-SHAPE", "不是日期"),
        ("- {pack: a, from: 2024-01-01, until: 2024-02-01}\n", "E-POLICIES-SHAPE", "多余的键 until"),
        ("- {pack: a, from: 2024-01-01, reading: I-04=stay}\n", "E-POLICIES-SHAPE", "reading 不是列表"),
        ("- {pack: a, from: 2024-01-01}\n- {pack: a, from: 2024-01-01}\n", "E-POLICIES-ORDER", "没有晚于"),
        (f"- {{pack: {PACK}, from: 2024-01-01, delegated: [none.yaml]}}\n", "E-FILE-NOT-FOUND", "none.yaml"),
        ("- {pack: nowhere, from: 2024-01-01}\n- {pack: neither, from: 2024-02-01}\n", "E-PACK-NOT-FOUND", "neither"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file_is_told(adjudicate, county, text, code, says):
    said = adjudicate(text)
    assert said.code != exits.DONE
    assert code in said.err
    assert says in said.err
    assert not (county.folder / "entries.csv").exists()


def test_one_pack_or_a_file_of_them_and_nothing_beside_the_file(tuodi, county, adjudicate):
    out = ("--out", county.folder / "entries.csv")
    said = tuodi("adjudicate", *county.policy()[2:], *out)
    assert (said.code, "--pack 和 --policies 要写其中一个" in said.err) == (exits.USAGE, True)
    good = f"- {{pack: {PACK}, from: 2024-01-01}}\n"
    assert adjudicate(good, "--pack", PACK).code == exits.USAGE
    assert "写在那个文件里" in adjudicate(good, "--reading", "I-04=stay").err
    assert adjudicate(good).code == exits.DONE
