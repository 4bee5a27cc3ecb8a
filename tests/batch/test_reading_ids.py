"""Ids over a whole file: the same faults in memory, in bucket files, and when every hash collides."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch import faults, ids
from tuodi.batch.checks import Chunk
from tuodi.batch.ids import IdGuard

Row = tuple[str, bool, str]


def chunk(rows: list[Row], *, first: int = 2, bad: list[tuple[int, str, str]] | None = None) -> Chunk:
    """Return a chunk with settlements (id, cancels, person) and bad ones (line, id, flag)."""
    frame = pl.DataFrame(
        [
            {"setl_id": setl_id, "refd_setl_flag": cancels, "psn_no": person, "row": row}
            for row, (setl_id, cancels, person) in enumerate(rows, first)
        ],
        schema={"setl_id": pl.String, "refd_setl_flag": pl.Boolean, "psn_no": pl.String, "row": pl.Int64},
    )
    texts = pl.DataFrame(
        [{"setl_id": setl_id, "refd_setl_flag": flag} for _, setl_id, flag in bad or []],
        schema={"setl_id": pl.String, "refd_setl_flag": pl.String},
    )
    return Chunk(frame, [], texts, pl.Series([line for line, *_ in bad or []], dtype=pl.Int64))


def found(chunks: list[Chunk], **options: int) -> list[tuple[str, int, str]]:
    """Return code, line and first line of every fault."""
    with IdGuard("s.csv", **options) as guard:
        for one in chunks:
            guard.feed(one)
        said = guard.finish()
        assert guard.fault_count == len(said)
        assert all((one.value == "") == (one.column == "psn_no") for one in said)
        assert guard.lines.to_list() == sorted({one.line for one in said})
    return [(one.code, one.line, dict(one.fields).get("first", "")) for one in said]


def expected(rows: list[Row]) -> list[tuple[str, int, str]]:
    """Return the same by a dictionary."""
    first: dict[tuple[str, bool], int] = {}
    people = {setl_id: person for setl_id, cancels, person in reversed(rows) if not cancels}
    for row, (setl_id, cancels, _) in enumerate(rows, 2):
        first.setdefault((setl_id, cancels), row)
    said = []
    for row, (setl_id, cancels, person) in enumerate(rows, 2):
        at = first[setl_id, cancels]
        if at != row:
            said.append((faults.SETL_CANCEL_REPEATED if cancels else faults.SETL_REPEATED, row, str(at)))
        if cancels and setl_id not in people:
            said.append((faults.SETL_CANCEL_UNKNOWN, row, ""))
        elif cancels and people[setl_id] != person:
            said.append((faults.SETL_CANCEL_PERSON, row, str(first[setl_id, False])))
    return said


ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.booleans(), st.sampled_from("PQ")), max_size=20)


@given(ROWS, st.integers(1, 20), st.sampled_from([3, 1000]), st.booleans())
@settings(deadline=None, max_examples=40)
def test_ids_are_judged_as_by_a_dictionary(rows: list[Row], size: int, memory_rows: int, collide: bool) -> None:
    chunks = [chunk(rows[at : at + size], first=2 + at) for at in range(0, len(rows), size)]
    with pytest.MonkeyPatch.context() as patch:
        if collide:
            patch.setattr(ids, "_hashes", lambda column: pl.zeros(len(column), pl.UInt64, eager=True))
        assert sorted(found(chunks, memory_rows=memory_rows)) == sorted(expected(rows))


def test_many_ids_go_through_bucket_files(tmp_path: Path) -> None:
    rows = [(f"S{number % 999}", False, "P") for number in range(1000)]
    guard = IdGuard("s.csv", memory_rows=100, directory=tmp_path)
    for at in range(0, 1000, 50):
        guard.feed(chunk(rows[at : at + 50], first=2 + at))
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.iterdir())) > 100
    (one,) = guard.finish()
    assert (one.code, one.line, one.column, one.file) == (faults.SETL_REPEATED, 1001, "setl_id", "s.csv")
    assert "结算号 S0 在第 2 行已经有了" in one.message
    assert list(tmp_path.iterdir()) == []


def test_buckets_are_removed_when_reading_stops(tmp_path: Path) -> None:
    with IdGuard("s.csv", memory_rows=1, directory=tmp_path) as guard:
        guard.feed(chunk([("a", False, "P"), ("b", False, "P")]))
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_bad_rows_count_for_their_ids() -> None:
    one = chunk(
        [("a", True, "P"), ("b", False, "P")],
        bad=[(9, "a", "0"), (10, "b", ""), (11, "b", "x"), (12, "", "0")],
    )
    assert found([one]) == [(faults.SETL_REPEATED, 10, "3")]


def test_bad_rows_of_a_file_without_flags() -> None:
    one = chunk([("a", False, "P")], bad=[(9, "a", "")])
    one = Chunk(one.frame, [], one.bad.drop("refd_setl_flag"), one.bad_lines)
    assert found([one]) == [(faults.SETL_REPEATED, 9, "2")]


def test_faults_beyond_the_limit_are_counted() -> None:
    guard = IdGuard(limit=2)
    guard.feed(chunk([("a", False, "P")] * 6))
    assert (len(guard.finish()), guard.fault_count, guard.lines.len()) == (2, 5, 5)


def test_nothing_fed_is_nothing_found() -> None:
    assert found([]) == []


def test_an_id_that_is_a_citizen_number_is_masked() -> None:
    guard = IdGuard()
    guard.feed(chunk([("999999194912310028", False, "P")] * 2))
    assert "9999**********0028" in guard.finish()[0].message
