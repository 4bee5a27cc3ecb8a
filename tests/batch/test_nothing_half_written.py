"""A batch called as a function keeps the promise of the command line: what does not end well leaves no file."""

import errno
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from exchange_samples import IDENTITY, csv_text, settlements, written

from tuodi.batch import faults
from tuodi.batch.disk import written_to
from tuodi.batch.entries import SCHEMA
from tuodi.batch.packs import pack_of
from tuodi.batch.pipeline import Job, adjudicate
from tuodi.batch.writing import EntryWriter
from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import InputErrors


@pytest.fixture
def job(tmp_path: Path) -> Job:
    days = {"begndate": "2023-03-05", "enddate": "2023-03-09", "setl_time": "2023-03-09 10:30:00"}
    rows = csv_text(settlements(days, {**days, "medfee_sumamt": "1"}, {**days, "setl_id": "S1"}))
    identities = csv_text([IDENTITY | {"begin": "2022-01-01"}, IDENTITY | {"identity": "duke"}])
    return Job(
        make_plan(pack_of("610900-ankang")), written(tmp_path, rows, "s.csv"), written(tmp_path, identities, "i.csv"),
        tmp_path / "out" / "entries.csv", keep_going=True,
    )  # fmt: skip


def test_the_rows_to_correct_stand_beside_the_entries(job):
    job.out.parent.mkdir()
    report = adjudicate(job)
    assert sorted(path.name for path in job.out.parent.iterdir()) == [
        "entries.csv",
        "entries.i.bad.csv",
        "entries.s.bad.csv",
    ]
    text = (job.out.parent / "entries.s.bad.csv").read_text("utf-8-sig")
    assert report.bad_rows == 3
    assert text.startswith("x_error,")
    assert text.count("\n") == 3


def test_a_batch_that_fails_while_writing_leaves_nothing(job, monkeypatch):
    def full(self, frame):
        raise OSError(28, "No space left on device")

    job.out.parent.mkdir()
    monkeypatch.setattr(EntryWriter, "write", full)
    with pytest.raises(OSError, match="No space"):
        adjudicate(job)
    assert list(job.out.parent.iterdir()) == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_faults_that_are_not_listed_are_counted(job, monkeypatch, is_kept):
    """Three rows are wrong; of each file one fault is listed, the last line says that one more is not."""
    job.out.parent.mkdir()
    monkeypatch.setattr(faults, "MAX_FAULTS", 1)
    if is_kept:
        found = adjudicate(job).faults
    else:
        with pytest.raises(InputErrors) as raised:
            adjudicate(replace(job, keep_going=False))
        found = raised.value.faults
    assert [fault.code for fault in found] == ["E-VALUE-CODE", faults.SETL_SUM, faults.FAULTS_MORE]
    assert dict(found[2].fields)["count"] == "1"


FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")


@needs_full
@pytest.mark.parametrize("name", ["entries.csv", "entries.parquet"])
def test_a_full_disk_is_told_with_its_number_and_the_file(tmp_path, monkeypatch, name):
    """Polars says the number in words and pyarrow keeps back the name: whoever reads the error gets both."""
    path = tmp_path / name
    writer = EntryWriter(path)
    writer._draft.symlink_to(FULL)
    with pytest.raises(OSError, match="No space") as caught, writer:
        writer.write(pl.DataFrame(schema=SCHEMA).clear(100_000))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_names_its_file_or_has_no_number_stays_as_it_is():
    for error in (OSError(13, "Permission denied", "other"), OSError("nobody knows")):
        with pytest.raises(OSError, match=r"denied|nobody") as caught, written_to("mine"):
            raise error
        assert caught.value is error
