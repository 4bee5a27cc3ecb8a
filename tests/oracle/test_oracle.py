"""The product against the second engine on synthetic counties: every settlement of every person, to the fen."""

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.oracle.oracle import PLACES
from tuodi.batch.columns import APPLICATIONS, IDENTITIES, SETTLEMENTS
from tuodi.batch.packs import entered_values, folder_of, pack_of, shelf
from tuodi.batch.pipeline import Job, adjudicate
from tuodi.batch.reading import read_all
from tuodi.batch.synth import county
from tuodi.core.engine.plan import make_plan

SAMPLE = Path(__file__).parent.parent / "data" / "delegated-sample.yaml"
SPANS = {
    "320902-tinghu": (date(2021, 6, 1), date(2023, 12, 31)),
    "610900-ankang": (date(2022, 10, 1), date(2025, 3, 31)),
    "330305-dongtou": (date(2021, 10, 1), date(2023, 12, 31)),
    "320681-qidong": (date(2017, 6, 1), date(2020, 3, 31)),
    "371072-weihai-edz": (date(2017, 1, 1), date(2019, 6, 30)),
}


def disease_codes(pack):
    path = folder_of(pack) / "diseases.csv"
    if not path.exists():
        return []
    lists = {known.list_ for known in pack_of(pack).diseases.classes}
    return [
        (prefix, int(row["under_age"] or 0))
        for row in csv.DictReader(path.read_text("utf-8").splitlines())
        if row["list"] in lists
        for prefix in row["icd10"].split(";")
    ]


def witness(pack, folder):
    """Return what the second engine pays for each settlement of a county."""
    settlements, _, _ = read_all(folder / "settlements.csv", SETTLEMENTS)
    identities, _, _ = read_all(folder / "identities.csv", IDENTITIES)
    applications, _, _ = read_all(folder / "applications.csv", APPLICATIONS)
    cancelled = settlements.filter("refd_setl_flag")["setl_id"].to_list()
    kept = settlements.filter(~pl.col("setl_id").is_in(cancelled))
    histories, records, asked = defaultdict(list), defaultdict(list), defaultdict(list)
    for table, held in ((kept, histories), (identities, records), (applications, asked)):
        for row in table.iter_rows(named=True):
            held[row["psn_no"]].append(row)
    extra = {}
    if pack in ("320902-tinghu", "320681-qidong"):
        extra["major"] = disease_codes(pack)
    if pack == "320902-tinghu":
        extra["published"] = date(2021, 9, 1)
    out = {}
    for psn_no, history in histories.items():
        out.update(PLACES[pack](history, records[psn_no], applications=asked[psn_no], **extra))
    return {setl_id: pay for setl_id, pay in out.items() if pay}


@pytest.mark.parametrize("pack", [pack for pack in PLACES if pack in shelf()])
def test_product_and_second_engine_pay_the_same_to_the_fen(pack, tmp_path):
    loaded = pack_of(pack)
    identities = sorted({i for c in loaded.categories for i in c.identities} | {"declined_basic_service"})
    layers = [layer.id for layer in loaded.layers if layer.due == "application" and layer.id in ("tilted", "support")]
    first, last = SPANS[pack]
    county(out_dir=tmp_path, people=4000, seed=11, identities=identities, first=first, last=last, layers=layers)
    plan = make_plan(loaded, entered_values(SAMPLE, loaded))
    out = tmp_path / "entries.csv"
    job = Job(
        plan, tmp_path / "settlements.csv", tmp_path / "identities.csv", out, applications=tmp_path / "applications.csv"
    )
    adjudicate(job)
    paid = pl.read_csv(out, infer_schema=False).with_columns(
        fen=pl.col("pay").str.replace(".", "", literal=True).cast(pl.Int64)
    )
    product = {k: v for k, v in paid.group_by("setl_id").agg(pl.col("fen").sum()).iter_rows() if v}
    expected = witness(pack, tmp_path)
    wrong = {
        k: (expected.get(k, 0), product.get(k, 0))
        for k in expected.keys() | product.keys()
        if expected.get(k, 0) != product.get(k, 0)
    }
    assert not wrong, f"{len(wrong)} of {len(expected)}: {dict(list(wrong.items())[:5])}"
    assert len(expected) > 50
