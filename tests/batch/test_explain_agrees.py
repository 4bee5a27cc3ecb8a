"""What ``tuodi explain`` folds one settlement with gives what ``tuodi adjudicate`` pays it, whoever moved and whatever was cancelled."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.batch.exchange_samples import csv_text
from tests.batch.test_batch_agrees import MIXED, TESTS

from tuodi.batch import light, reading
from tuodi.batch.history import history_of
from tuodi.batch.pipeline import Job, adjudicate
from tuodi.core.engine.fold import fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.policy.load import load_pack, read_source

TEXT = (TESTS / "packs" / "household-ceiling" / "policy.yaml").read_text("utf-8")
#: Totals of persons and of households: folded by the batch, which need not compile anything for each example.
PLAN = make_plan(load_pack(read_source(TEXT + MIXED, file="mixed.yaml")))
ALONE = make_plan(load_pack(read_source(TEXT.replace("    of: household\n", ""), file="person.yaml")))
#: Person, household, yuan, whether it was cancelled, and whether the cancelling row names the household.
BILL = st.tuples(
    st.sampled_from("PQRS"), st.sampled_from(["", "F1", "F2", "F3"]), st.sampled_from([4000, 9000, 15000]),
    st.sampled_from([False, False, True]), st.booleans(),
)  # fmt: skip


def rows_of(bills):
    """Return the rows of a file: the bills on days in a row, then what cancels some of them."""
    made, gone = [], []
    for number, (psn_no, household, yuan, is_cancelled, says) in enumerate(bills):
        day = (date(2023, 1, 5) + timedelta(days=9 * number)).isoformat()
        row = {
            "setl_id": f"S{number}", "psn_no": psn_no, "fixmedins_code": "H1", "med_type": "21", "begndate": day, "enddate": day,
            "setl_time": f"{day} 10:00:00", "diag_code": "J18.900", "medfee_sumamt": f"{yuan}", "fulamt_ownpay_amt": "0",
            "overlmt_selfpay": "0", "preselfpay_amt": "0", "inscp_scp_amt": f"{yuan}", "household": household, "refd_setl_flag": "0",
        }  # fmt: skip
        made.append(row)
        if is_cancelled:
            gone.append(row | {"refd_setl_flag": "1", "household": household if says else ""})
    return made + gone


def paid_by_batch(job):
    adjudicate(job)
    paid = Counter()
    with job.out.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            paid[row["setl_id"]] += int(row["pay"].replace(".", ""))
    return +paid


def paid_as_explained(files, live):
    paid = Counter()
    for setl_id in live:
        found = history_of([PLAN], setl_id, **files)
        (result,) = [
            one
            for one in fold(PLAN, found.settlements, found.identities, found.applications)
            if one.settlement.setl_id == setl_id
        ]
        paid[setl_id] = result.pay
    return +paid


def in_twos(path, schema):
    return reading.Reader(path, reading.CsvSource(path, schema), schema, chunk_rows=2)


@pytest.mark.parametrize("by", ["light", "reader"])
def test_a_settlement_explained_is_paid_what_the_batch_pays_it(by, monkeypatch):
    if by == "reader":
        monkeypatch.setattr(light, "LARGEST_BYTES", 1)
        monkeypatch.setattr(reading, "open_table", in_twos)

    @given(st.lists(BILL, min_size=2, max_size=9))
    @settings(deadline=None, max_examples=12, derandomize=True)
    def holds(bills):
        with TemporaryDirectory() as folder:
            files = {name: Path(folder) / f"{name}.csv" for name in ("settlements", "identities")}
            files["settlements"].write_text(csv_text(rows_of(bills)), "utf-8")
            held = [{"psn_no": psn_no, "identity": "dibao", "begin": "2022-01-01"} for psn_no in "PQRS"]
            files["identities"].write_text(csv_text(held), "utf-8")
            live = [f"S{number}" for number, one in enumerate(bills) if not one[3]]
            expected = paid_by_batch(Job(PLAN, out=Path(folder) / "entries.csv", **files))
            assert paid_as_explained(files, live) == expected

    holds()


def test_another_members_cancelling_row_without_a_household_and_those_who_moved_in_from_a_third_are_heeded(tmp_path):
    bills = [
        ("R", "F2", 9000, False, True), ("Q", "F2", 9000, True, False), ("Q", "F2", 4000, False, True), ("Q", "F1", 15000, True, False),
        ("P", "F1", 9000, False, True), ("P", "F1", 4000, False, True),
    ]  # fmt: skip
    for name, rows in (
        ("settlements", rows_of(bills)),
        ("identities", [{"psn_no": p, "identity": "dibao", "begin": "2022-01-01"} for p in "PQR"]),
    ):
        (tmp_path / f"{name}.csv").write_text(csv_text(rows), "utf-8")
    files = {name: tmp_path / f"{name}.csv" for name in ("settlements", "identities")}
    found = history_of([PLAN], "S5", **files)
    assert [one.setl_id for one in found.settlements] == ["S0", "S2", "S4", "S5"]
    assert [one.setl_id for one in history_of([ALONE], "S5", **files).settlements] == ["S4", "S5"]
