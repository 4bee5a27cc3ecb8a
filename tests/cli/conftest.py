"""A history of four people under the invented county's policy, as files; and the command line called as a function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tuodi.cli import main

PACK = "999999-example"
BILL = {
    "fixmedins_code": "H99999900001", "med_type": "21", "diag_code": "J18.900", "fulamt_ownpay_amt": "500.00", "overlmt_selfpay": "0",
    "preselfpay_amt": "500.00", "inscp_scp_amt": "9000.00", "medfee_sumamt": "10000.00", "hifp_pay": "4000.00",
}  # fmt: skip
BILLS = (
    {"setl_id": "S1", "psn_no": "P1", "day": "2024-03-09"},
    {"setl_id": "S2", "psn_no": "P1", "day": "2024-06-09", "med_type": "14"},
    {"setl_id": "S3", "psn_no": "P2", "day": "2024-03-09"},
    {"setl_id": "S4", "psn_no": "P2", "day": "2024-07-09"},
    {"setl_id": "S5", "psn_no": "P3", "day": "2024-03-09"},
    {"setl_id": "S6", "psn_no": "P4", "day": "2024-03-09", "refer_stas": "unfiled"},
    {"setl_id": "S7", "psn_no": "P1", "day": "2024-08-09"},
)
IDENTITIES = (
    {
        "psn_no": "P1",
        "identity": "dibao",
        "begin": "2023-01-01",
        "end": "",
        "certified_on": "2022-12-20",
        "issuer": "民政局",
    },
    {
        "psn_no": "P2",
        "identity": "low_income",
        "begin": "2023-01-01",
        "end": "",
        "certified_on": "",
        "issuer": "民政局",
    },
    {
        "psn_no": "P3",
        "identity": "dibao",
        "begin": "2024-05-01",
        "end": "",
        "certified_on": "2024-04-20",
        "issuer": "民政局",
    },
    {
        "psn_no": "P4",
        "identity": "extreme_poverty",
        "begin": "2020-01-01",
        "end": "",
        "certified_on": "",
        "issuer": "民政局",
    },
)


def bill(given: dict[str, str]) -> dict[str, str]:
    """Return a settlement row: the usual bill, settled on ``day``, with what is given instead."""
    day = given["day"]
    days = {"begndate": day, "enddate": day, "setl_time": f"{day} 10:00:00"}
    return {**BILL, **days, **{name: text for name, text in given.items() if name != "day"}}


def csv_text(rows: list[dict[str, str]]) -> str:
    """Return rows as CSV with the columns of them all."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return "".join(",".join(line) + "\n" for line in [names, *([row.get(name, "") for name in names] for row in rows)])


class County(NamedTuple):
    """Where the files are."""

    folder: Path

    @property
    def settlements(self) -> Path:
        return self.folder / "settlements.csv"

    @property
    def identities(self) -> Path:
        return self.folder / "identities.csv"

    def policy(self, *more: str) -> list[str]:
        """Return the arguments that every command over files shares."""
        return ["--pack", PACK, "--settlements", str(self.settlements), "--identities", str(self.identities), *more]

    def write(self, *more: dict[str, str], encoding: str = "utf-8") -> None:
        """Write the settlements, with more rows behind them."""
        rows = [bill(given) for given in (*BILLS, *more)]
        self.settlements.write_text(csv_text(rows), encoding=encoding)

    def names(self) -> list[str]:
        """Return what lies in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def county(tmp_path):
    made = County(tmp_path)
    made.write()
    made.identities.write_text(csv_text([dict(row) for row in IDENTITIES]), encoding="utf-8")
    return made


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


@pytest.fixture
def tuodi(capsys):
    """Run a command in this process and return its answer."""

    def run(*words: str) -> Answer:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run
