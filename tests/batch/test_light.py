"""The light path for small files: what it accepts it reads as the reader does; what the reader refuses it never accepts."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch.columns import APPLICATIONS, IDENTITIES, INSTITUTIONS, SETTLEMENTS
from tuodi.batch.light import light_rows
from tuodi.batch.reading import read_all
from tuodi.batch.synth import county
from tuodi.core.errors import InputErrors

GOOD = {
    "setl_id": "S1", "psn_no": "P1", "fixmedins_code": "H1", "med_type": "21", "begndate": "2024-03-01", "enddate": "2024-03-09",
    "setl_time": "2024-03-09 10:00:00", "diag_code": "J18.900", "medfee_sumamt": "100.00", "fulamt_ownpay_amt": "10",
    "overlmt_selfpay": "0", "preselfpay_amt": "9.5", "inscp_scp_amt": "80.50", "hifp_pay": "", "refd_setl_flag": "", "hosp_lv": "5",
}  # fmt: skip
IDENTITY = {
    "psn_no": "P1",
    "identity": "dibao",
    "begin": "2023-01-01",
    "end": "2023-12-31",
    "certified_on": "",
    "issuer": "民政局",
}


def text_of(*rows):
    return "".join(",".join(line) + "\n" for line in [list(rows[0]), *(list(row.values()) for row in rows)])


def both(path, schema):
    """Return what the light path says and what the reader says, None where it refuses."""
    try:
        frame, _, _ = read_all(path, schema)
        full = list(frame.iter_rows(named=True))
    except InputErrors:
        full = None
    return light_rows(path, schema), full


def test_a_synthetic_county_is_read_alike(tmp_path):
    county(
        out_dir=tmp_path,
        people=400,
        seed=11,
        identities=["dibao", "illness_poverty"],
        first=date(2023, 1, 1),
        last=date(2023, 12, 31),
        layers=["x"],
    )
    for schema in (SETTLEMENTS, IDENTITIES, APPLICATIONS, INSTITUTIONS):
        light, full = both(tmp_path / f"{schema.name}.csv", schema)
        assert light == full
        assert light is not None


CELLS = st.one_of(
    st.sampled_from([
        "", "0", "1", "100.00", "-1", "1,0", "0.001", "１２", "1e3", " 5", "2024-03-01", "2024-02-30", "1899-01-01", "2024-03-09 10:00:00",
        "2024-03-09 24:00:00", "2024-3-9", "21", "2101", "99", "J18", "j18", "local", "filed", "major", "05", "5", "12", "P1", "P 1", "张三", "x'y", "\ufffd",
    ]),
    st.text(st.characters(codec="utf-8", exclude_characters='",\n\r\x00'), max_size=8),
)  # fmt: skip


@pytest.mark.parametrize(
    ("good", "schema"), [(GOOD, SETTLEMENTS), (IDENTITY, IDENTITIES)], ids=["settlements", "identities"]
)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_the_light_path_accepts_the_reader_reads_the_same(tmp_path_factory, good, schema, data):
    rows = [
        good | {"setl_id": f"S{n}"} if "setl_id" in good else good | {"psn_no": f"P{n}"}
        for n in range(data.draw(st.integers(1, 3)))
    ]
    for _ in range(data.draw(st.integers(0, 2))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.sampled_from(list(good)))] = data.draw(CELLS)
    path = tmp_path_factory.mktemp("light") / "rows.csv"
    path.write_text(text_of(*rows), "utf-8")
    light, full = both(path, schema)
    if light is not None:
        assert light == full


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "psn_no\n", text_of(IDENTITY)[:-1] + ',"\n', text_of(IDENTITY, IDENTITY), text_of(IDENTITY | {"x": "1"}),
        text_of(IDENTITY, IDENTITY | {"begin": "2023-12-31", "end": ""}), text_of(IDENTITY | {"end": "2022-01-01"}),
        text_of(IDENTITY).replace("\n", "\r"), text_of(IDENTITY).replace(",", "\t"),
    ],
)  # fmt: skip
def test_oddities_are_left_to_the_reader(tmp_path, text):
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode())
    assert light_rows(path, IDENTITIES) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_and_line_ends(tmp_path, encoding):
    path = tmp_path / "rows.csv"
    path.write_bytes(text_of(IDENTITY | {"x_note": "备注"}).replace("\n", "\r\n").encode(encoding))
    light, full = both(path, IDENTITIES)
    assert light == full
    assert light[0]["issuer"] == "民政局"


def test_cancellations(tmp_path):
    path = tmp_path / "rows.csv"
    cancel = dict.fromkeys(GOOD, "") | {"setl_id": "S1", "psn_no": "P1", "refd_setl_flag": "1"}
    for other, accepted in (
        ({}, True),
        ({"psn_no": "P2"}, False),
        ({"setl_id": "S2"}, False),
        ({"medfee_sumamt": "x"}, True),
        ({"enddate": "x"}, False),
    ):
        path.write_text(text_of(GOOD, cancel | other), "utf-8")
        light, full = both(path, SETTLEMENTS)
        assert (light is not None) == accepted
        assert light in (None, full)
    path.write_text(text_of(GOOD, cancel, cancel), "utf-8")
    assert light_rows(path, SETTLEMENTS) is None


def test_large_files_are_left_to_the_reader(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text(text_of(IDENTITY), "utf-8")
    monkeypatch.setattr("tuodi.batch.light.LARGEST_BYTES", 10)
    assert light_rows(path, IDENTITIES) is None
