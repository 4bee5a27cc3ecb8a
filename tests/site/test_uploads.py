"""What somebody hostile uploads: files that grow, name a cell at the end of the world, hide formulas; nothing of it lies on a disk."""

import base64
import io
import tempfile
import zipfile
from datetime import date

import pytest
import xlsxwriter
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.apps.cast import assemble
from tests.site.entering import enter
from tuodi.apps.reconciliation import reading as reports
from tuodi.apps.registry.reading import read_roster
from tuodi.apps.registry.uploads import MAX_BYTES
from tuodi.apps.settlement.statements import parse
from tuodi.base import workbooks
from tuodi.base.doors import csv_download
from tuodi.core.errors import InputErrors

HEADINGS = ("人员编号", "姓名", "身份", "起始日期")


def workbook(write) -> bytes:
    """Return a workbook whose first sheet ``write`` fills."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    write(made.add_worksheet())
    made.close()
    return out.getvalue()


def far_away(sheet) -> None:
    sheet.write_row(0, 0, HEADINGS)
    sheet.write(1_048_575, 16_383, "x")


def one_long_text(sheet) -> None:
    sheet.write_row(0, 0, HEADINGS)
    for row in range(1, 60_000):
        sheet.write(row, 0, "长" * 32_000)


@pytest.mark.parametrize("write", [far_away, one_long_text])
def test_a_small_workbook_that_would_fill_the_memory_is_refused(write):
    content = workbook(write)
    assert len(content) < 2 * 1024 * 1024
    with pytest.raises(InputErrors, match="E-REG-SHEET-AREA"):
        read_roster(content, kind="identities")
    with pytest.raises(InputErrors, match="E-RECON-SHEET-AREA"):
        reports.read(content, code="H1", day=date(2024, 1, 1))


def test_a_workbook_that_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_SECONDS", 0.001)
    with pytest.raises(workbooks.TooLargeError):
        workbooks.rows_of(workbook(lambda sheet: sheet.write(0, 0, "x")))


def test_cells_come_back_as_they_were_written():
    def write(sheet):
        sheet.write_row(0, 0, ["文", 1, 2.5, True])
        sheet.write_datetime(2, 1, date(2024, 1, 5), sheet.book.add_format({"num_format": "yyyy-mm-dd"}))

    def filled(sheet):
        sheet.book = book
        write(sheet)

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    filled(book.add_worksheet())
    book.close()
    rows = workbooks.rows_of(out.getvalue())
    assert [rows[0], rows[1], rows[2][0]] == [["文", 1.0, 2.5, True], ["", "", "", ""], ""]
    assert str(rows[2][1])[:10] == "2024-01-05"


def _zipped(content: bytes, **how) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", content, **how)
    return bytearray(out.getvalue())


def test_archives_that_are_encrypted_or_damaged_are_said_to_be_so():
    locked, torn, strange = _zipped(b"x" * 100), _zipped(bytes(range(256)) * 8), _zipped(b"x" * 100)
    for at in (6, locked.index(b"PK\x01\x02") + 8):
        locked[at] |= 1
    torn[50] ^= 0xFF
    for at in (8, strange.index(b"PK\x01\x02") + 10):
        strange[at] = 99
    for content in (locked, torn, strange):
        with pytest.raises(InputErrors, match="E-STATEMENT-CONTENT"):
            parse(bytes(content))


def test_an_archive_that_grows_is_refused_before_it_has():
    with pytest.raises(InputErrors, match="过大"):
        parse(bytes(_zipped(b"\0" * (21 * 1024 * 1024))))


def test_no_cell_of_the_rows_to_correct_is_a_formula_headings_included():
    evil = '=HYPERLINK("http://evil.example")'
    content = f"人员编号,身份,起始日期,{evil.replace(chr(34), '')},@SUM(1)\nP1,低保,某日,-2+3,\t=1+1\n".encode()
    made = read_roster(content, kind="identities").bad_csv.decode("utf-8-sig")
    cells = [cell.strip().strip('"') for line in made.splitlines() for cell in line.split(",")]
    assert cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]


def test_no_cell_of_a_download_is_a_formula():
    rows = [[f"{sign}1"] for sign in "=+-@＝＋－＠|%"] + [["\t=1"], ["\r=1"], [" =1"]]
    made = b"".join(csv_download("x", ["=1"], rows).streaming_content).decode("utf-8-sig")
    assert all(line.startswith(("'", "\"'")) for line in made.split("\r\n") if line), made


@pytest.fixture
def cast():
    cache.clear()
    return assemble()


@pytest.fixture
def watched(monkeypatch):
    """Every file that is made in the place for temporary files while the test runs."""
    made: list[str] = []
    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp"):
        real = getattr(tempfile, name)
        monkeypatch.setattr(
            tempfile, name, lambda *a, _real=real, _name=name, **k: made.append(_name) or _real(*a, **k)
        )
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1000, 6 * 1024 * 1024])
def test_an_upload_is_never_in_clear_on_the_disk(client, cast, watched, size):
    enter(client, cast.registrar)
    content = "人员编号,身份,起始日期,备注\nP0002,低保,2024-01-01,无\n".encode()
    content += b"P0001," + "特困,2024-01-01,".encode() + b"x" * size + b"\n"
    asked = {
        "file": SimpleUploadedFile("a.csv", content), "kind": "identities", "issuer": "民政局", "as_of": "2024-01-02", "is_full": "no",
    }  # fmt: skip
    answer = client.post("/rosters/new/", asked)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    assert client.get(answer["Location"]).status_code == 200
    assert watched == []


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_not_kept_and_said_to_be_too_large(client, cast):
    enter(client, cast.registrar)
    asked = {
        "file": SimpleUploadedFile("a.csv", b"x" * (MAX_BYTES + 2 * 1024 * 1024)), "kind": "identities", "issuer": "民政局",
        "as_of": "2024-01-02", "is_full": "no",
    }  # fmt: skip
    assert "超过 20 MB" in client.post("/rosters/new/", asked).content.decode()


def test_a_child_that_reads_workbooks_knows_no_keys(monkeypatch):
    seen = {}
    real = workbooks.subprocess.run
    monkeypatch.setattr(workbooks.subprocess, "run", lambda *a, **k: seen.update(k) or real(*a, **k))
    monkeypatch.setenv("TUODI_FIELD_KEY", "00" * 16)
    workbooks.rows_of(workbook(lambda sheet: sheet.write(0, 0, base64.b64encode(b"x").decode())))
    assert seen["env"] == {}
