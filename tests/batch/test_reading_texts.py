"""Texts that people write beside the tables: entered values, packs and cases, broken on purpose."""

from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, entered_values, pack_of, source_of
from tuodi.core.errors import InputErrors

GOOD = '- {param: dt.provincial.rate.dibao, value: "80%", source: 浙医保发〔2022〕1号}\n'


@pytest.fixture(scope="module")
def dongtou():
    return pack_of("330305-dongtou")


def faults_of(folder: Path, text: str | bytes, pack) -> list[tuple[str, int]]:
    path = folder / "values.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputErrors) as caught:
        entered_values(path, pack)
    return [(fault.code, fault.line) for fault in caught.value.faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_values_are_read_as_chinese_editors_save_them(tmp_path, dongtou, encoding):
    path = tmp_path / "values.yaml"
    path.write_bytes(GOOD.encode(encoding))
    assert [value.source for value in entered_values(path, dongtou)] == ["浙医保发〔2022〕1号"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD + '- {param: dt.provincial.cap, value: "8%", source: 文件}\n', [("E-CHECK-VALUE", 2)]),
        (GOOD + '- {param: dt.provincial.cap, value: "-5", source: 文件}\n', [("E-CHECK-VALUE", 2)]),
        ('- {param: dt.provincial.rate.dibao, value: "180%", source: 文件}\n', [("E-CHECK-OVER-100", 1)]),
        ('- {param: dt.provincial.rate.dibao, value: "80 元", source: 文件}\n', [("E-CHECK-VALUE", 1)]),
        (GOOD + GOOD, [("E-DELEGATED-AGAIN", 2)]),
        ('- {param: dt.provincial.cap, value: "80000"}\n', [("E-DELEGATED-SHAPE", 1)]),
        ('- {param: dt.provincial.cap, source: 文件}\n', [("E-DELEGATED-SHAPE", 1)]),
        ('- {param: dt.provincial.cap, value: "80000", source: 文件, from: 2024-13-01}\n', [("E-DELEGATED-SHAPE", 1)]),
        ('- {param: dt.nothing, value: "80000", source: 文件}\n', [("E-DELEGATED-UNKNOWN", 1)]),
        ("dt.provincial.cap: 80000\n", [("E-LIST-SHAPE", 1)]),
        (GOOD + "- {param: dt.provincial.cap, value: 80000.5, source: 文件}\n", [("E-PACK-DECIMAL", 2)]),
        (GOOD + "- {param: a, param: b}\n", [("E-PACK-REPEATED", 2)]),
        ("- {param: [\n", [("E-PACK-YAML", 2)]),
        (b"\xff\xfe-\x00", [("E-TEXT-ENCODING", 0)]),
    ],
)  # fmt: skip
def test_values_written_wrongly_are_told_with_their_line(tmp_path, dongtou, text, found):
    assert faults_of(tmp_path, text, dongtou) == found


def test_the_same_parameter_from_another_day_is_another_value(tmp_path, dongtou):
    path = tmp_path / "values.yaml"
    path.write_text(GOOD + GOOD.replace("source", "from: 2024-01-01, source"), "utf-8")
    assert len(entered_values(path, dongtou)) == 2


def test_a_pack_saved_in_gb18030_is_the_same_pack(tmp_path):
    shelved = source_of("320681-qidong")
    folder = tmp_path / "320681-qidong"
    folder.mkdir()
    from tuodi.batch.packs import SHELF

    for name in ("policy.yaml", "cases.yaml", "diseases.csv"):
        (folder / name).write_bytes((SHELF / folder.name / name).read_text("utf-8").encode("gb18030"))
    assert source_of(folder).document.data == shelved.document.data
    assert source_of(folder).diseases == shelved.diseases
    assert [case.line for case in cases_of(folder)] == [case.line for case in cases_of("320681-qidong")]


def test_cases_that_are_no_list_are_a_fault(tmp_path):
    (tmp_path / "policy.yaml").write_text("pack: x\n", "utf-8")
    (tmp_path / "cases.yaml").write_text("name: 一个案例\n", "utf-8")
    with pytest.raises(InputErrors) as caught:
        cases_of(tmp_path)
    assert [fault.code for fault in caught.value.faults] == ["E-LIST-SHAPE"]
