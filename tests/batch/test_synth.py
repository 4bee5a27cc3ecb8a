"""Synthetic counties: the same seed gives the same bytes, every row obeys the exchange format, every situation occurs."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tuodi.batch import synth_tables as tables
from tuodi.batch.columns import SCHEMAS
from tuodi.batch.national import CANNOT, HOLDS, check_identities, from_exchange_row
from tuodi.batch.reading import open_table
from tuodi.batch.synth import county, summary
from tuodi.batch.synth_bills import whole_fen
from tuodi.batch.synth_files import decimals
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import yuan
from tuodi.core.settlements import (
    AMOUNT_FIELDS,
    CAUSES,
    DISEASE_CLASSES,
    HOSPITAL_TIERS,
    INSURER_FIELDS,
    MED_TYPES,
    REFERRALS,
    SPLIT_FIELDS,
)  # fmt: skip

FIRST, LAST = date(2023, 1, 1), date(2025, 6, 30)
AMOUNTS = [name for name in AMOUNT_FIELDS if name != "later_aid_amt"]
PEOPLE = 24_000


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, object]:
    """One county of two blocks with every identity, as typed Parquet in fen."""
    out = tmp_path_factory.mktemp("county")
    figures = county(
        out_dir=out, people=PEOPLE, seed=7, identities=list(tables.KINDS), first=FIRST, last=LAST, format="parquet",
        in_fen=True, layers=["tilt", "support"],
    )  # fmt: skip
    return out, figures


@pytest.fixture(scope="module")
def rows(made) -> pl.DataFrame:
    frame = pl.read_parquet(made[0] / "settlements.parquet")
    return frame.rename({f"{name}_fen": name for name in AMOUNTS})


@pytest.fixture(scope="module")
def bills(rows) -> pl.DataFrame:
    return rows.filter(pl.col("refd_setl_flag") == "0")


@pytest.fixture(scope="module")
def records(made) -> pl.DataFrame:
    return pl.read_parquet(made[0] / "identities.parquet")


@pytest.fixture(scope="module")
def people(made) -> pl.DataFrame:
    return pl.read_csv(made[0] / "people.csv", try_parse_dates=True)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, form):
    wish = {
        "people": 700,
        "identities": ["dibao", "illness_poverty"],
        "first": FIRST,
        "last": LAST,
        "format": form,
    }
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        county(out_dir=tmp_path / name, seed=seed, **wish)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert len(digests(tmp_path / "a")) == 6
    assert digests(tmp_path / "a")[f"settlements.{form}"] != digests(tmp_path / "c")[f"settlements.{form}"]


def test_money_forms_say_the_same(tmp_path):
    wish = {"people": 600, "seed": 1, "identities": ["dibao"], "first": FIRST, "last": LAST}
    county(out_dir=tmp_path / "yuan", format="parquet", **wish)
    county(out_dir=tmp_path / "fen", format="parquet", in_fen=True, **wish)
    county(out_dir=tmp_path / "csv", format="csv", **wish)
    decimal = pl.read_parquet(tmp_path / "yuan" / "settlements.parquet")
    fen = pl.read_parquet(tmp_path / "fen" / "settlements.parquet")
    text = pl.read_csv(tmp_path / "csv" / "settlements.csv", infer_schema=False)
    assert decimal["medfee_sumamt"].dtype == pl.Decimal(18, 2)
    assert fen["medfee_sumamt_fen"].dtype == pl.Int64
    assert text.columns == decimal.columns
    for name in AMOUNTS:
        assert (decimal[name].to_physical().cast(pl.Int64) == fen[f"{name}_fen"]).all()
        assert (text[name].cast(pl.Decimal(18, 2)) == decimal[name]).all()
    assert (text["begndate"] == decimal["begndate"].dt.to_string()).all()
    assert (text["setl_time"] == decimal["setl_time"].dt.to_string("%Y-%m-%d %H:%M:%S")).all()


def test_every_bill_splits_and_pays_exactly(rows):
    assert rows.select(pl.min_horizontal(pl.col(AMOUNTS).min())).item() >= 0
    total, *parts = SPLIT_FIELDS
    assert (rows[total] == rows.select(pl.sum_horizontal(parts)).to_series()).all()
    paid = rows.select(pl.sum_horizontal([*INSURER_FIELDS, "supp_pay", "maf_pay"])).to_series()
    assert (paid <= rows["inscp_scp_amt"]).all()
    assert (paid + rows["relief_amt"] <= rows["inscp_scp_amt"] + rows["preselfpay_amt"]).all()
    assert rows["medfee_sumamt"].min() >= 100


def test_codes_days_and_ids_obey_the_exchange_format(rows, bills, made):
    assert set(rows["cause"]) <= set(CAUSES)
    assert set(rows["refer_stas"]) == set(REFERRALS)
    assert set(rows["disease_class"]) <= {"", *DISEASE_CLASSES}
    assert set(rows["hosp_lv"]) <= {"", *HOSPITAL_TIERS}
    assert all(code[:2] in MED_TYPES for code in set(rows["med_type"]))
    assert all(re.fullmatch(r"[A-Z][0-9]{2}\.[0-9x][0-9]{2}", code) for code in set(rows["diag_code"]))
    assert (rows["begndate"] <= rows["enddate"]).all()
    assert (rows["enddate"] <= rows["setl_time"].dt.date()).all()
    assert rows["begndate"].min() >= FIRST
    assert rows["setl_time"].dt.date().max() <= LAST
    outpatient = rows.filter(pl.col("med_type").str.slice(0, 2).is_in(["11", "13", "14", "41"]))
    assert (outpatient["begndate"] == outpatient["enddate"]).all()
    assert bills["setl_id"].is_unique().all()
    places = pl.read_csv(made[0] / "institutions.csv", infer_schema=False)
    assert set(rows["fixmedins_code"]) <= set(places["fixmedins_code"])
    assert all(re.fullmatch(r"[HP][0-9]{11}", code) for code in places["fixmedins_code"])
    assert {"0", "1"} == set(places["insurance_designated"]) == set(places["assistance_designated"])
    assert places["suspended_from"].drop_nulls().len() == places["suspended_to"].drop_nulls().len() == 1


def test_the_reader_of_exchange_files_finds_nothing_wrong(made):
    for name, kind in (
        ("settlements", "parquet"),
        ("identities", "parquet"),
        ("applications", "csv"),
        ("institutions", "csv"),
    ):
        reader = open_table(made[0] / f"{name}.{kind}", SCHEMAS[name])
        assert [str(one) for chunk in reader for one in chunk.faults] == []
        assert (reader.row_count, reader.bad_count) == (made[1].rows[name], 0)


def test_rows_are_sorted_by_person_and_instant(rows):
    assert rows.select("psn_no", "setl_time").equals(rows.select("psn_no", "setl_time").sort("psn_no", "setl_time"))


def test_a_cancelling_row_follows_the_bill_it_takes_back(rows, bills):
    cancels = rows.filter(pl.col("refd_setl_flag") == "1")
    both = cancels.join(bills, on="setl_id", suffix="_bill")
    assert len(both) == len(cancels) > 50
    assert cancels["setl_id"].is_unique().all()
    assert (both["psn_no"] == both["psn_no_bill"]).all()
    assert (both["setl_time"] > both["setl_time_bill"]).all()
    assert (both["medfee_sumamt"] == both["medfee_sumamt_bill"]).all()


def test_people_lie_in_one_bed_at_a_time_and_bills_end_with_life(bills, people):
    stays = bills.filter(pl.col("med_type").str.slice(0, 2).is_in(["21", "22", "24", "25", "28", "52"]))
    taken_back = stays.group_by("psn_no", "begndate", "enddate", "medfee_sumamt").first()
    ordered = taken_back.sort("psn_no", "begndate")
    same = ordered["psn_no"] == ordered["psn_no"].shift(1)
    assert (ordered["begndate"] > ordered["enddate"].shift(1)).filter(same.fill_null(False)).all()
    living = bills.join(people, on="psn_no")
    assert len(living) == len(bills)
    assert (living["enddate"] <= living["died_on"]).fill_null(True).all()
    assert (living["brdy"] == living["birth"]).all()
    assert (living["household"] == living["household_right"]).all()


def test_identity_records_are_certifications_that_do_not_overlap(records, people):
    assert set(records["identity"]) == set(IDENTITIES)
    assert (records["begin"] <= records["end"]).fill_null(True).all()
    ordered = records.sort("psn_no", "identity", "begin")
    same = (ordered["psn_no"] == ordered["psn_no"].shift(1)) & (ordered["identity"] == ordered["identity"].shift(1))
    assert (ordered["begin"] > ordered["end"].shift(1)).filter(same.fill_null(False)).fill_null(False).all()
    assert (records["applied_on"] <= records["certified_on"]).fill_null(True).all()
    orphans = records.filter(pl.col("identity") == "orphan").join(people, on="psn_no")
    assert (FIRST.year - orphans["birth"].dt.year()).max() <= 18


def test_every_situation_occurs(made, rows, records):
    _, figures = made
    lacking = [name for name, count in figures.situations.items() if count == 0]
    assert len(figures.situations) == 20
    assert lacking == []
    assert min(figures.identities.values()) >= 1
    assert records["end"].null_count() > 0
    assert set(rows["med_type"]) == set(tables.MED_TYPES)
    assert set(rows["cause"]) == set(tables.CAUSES)
    assert set(rows["disease_class"]) == set(tables.CLASSES)
    for name in (
        "hifp_pay",
        "cvlserv_pay",
        "hifes_pay",
        "hifmi_pay",
        "hifob_pay",
        "oth_pay",
        "supp_pay",
        "relief_amt",
        "maf_pay",
    ):
        assert rows[name].max() > 0, name
    assert rows["medfee_sumamt"].max() > 20_000_000


def test_bills_come_from_suspended_and_undesignated_institutions_too(rows, made):
    places = pl.read_csv(made[0] / "institutions.csv", try_parse_dates=True)
    joined = rows.join(places, on="fixmedins_code")
    day = pl.col("enddate")
    assert joined.filter(day.is_between(pl.col("suspended_from"), pl.col("suspended_to"))).height > 0
    assert joined.filter(pl.col("assistance_designated") == 0).height > 0
    without_agreement = joined.filter(pl.col("insurance_designated") == 0)
    assert without_agreement.height > 0
    assert without_agreement["hifp_pay"].max() == 0


def test_means_lie_near_the_published_ones(made):
    _, figures = made
    for tier, published in enumerate(tables.MEAN_BILL):
        mean = figures.resident_fee_fen[tier] / figures.resident_stays[tier] / 100
        assert 0.88 * published < mean < 1.12 * published
        share = 100 * figures.resident_fund_fen[tier] / figures.resident_policy_fen[tier]
        assert abs(share - tables.PUBLISHED_FUND_SHARE[tier]) < 5
    assert 15 <= figures.per_head_percent(figures.bills[0]) <= 24
    assert 25 <= figures.per_head_percent(figures.bills[1]) <= 38
    assert 8 < figures.stay_days / figures.bills[0] < 11
    assert 40 < figures.fee_fen[1] / figures.bills[1] / 100 < 600
    assert 5_000 < figures.resident_fee_fen.total() / figures.resident_stays.total() / 100 < 10_000


def test_the_poor_fall_ill_more_often(bills, records):
    stays = bills.filter(pl.col("med_type").str.slice(0, 1) == "2")
    holders = records.filter(~pl.col("identity").is_in(list(tables.BY_BILLS)))["psn_no"].unique()
    theirs = stays["psn_no"].is_in(holders.implode()).sum() / len(holders)
    others = (len(stays) - stays["psn_no"].is_in(holders.implode()).sum()) / (PEOPLE - len(holders))
    assert theirs > 1.2 * others


def test_bills_are_national_records_too(rows):
    sample = rows.gather_every(max(len(rows) // 300, 1))
    for row in sample.iter_rows(named=True):
        row["setl_time"] = row["setl_time"].strftime("%Y-%m-%d %H:%M:%S")
        row |= {name: yuan(row[name]) for name in AMOUNTS}
        record = from_exchange_row({name: str(value) for name, value in row.items()})
        assert [check.status for check in check_identities(record)] == [HOLDS] * 5 + [CANNOT]


def test_applications_follow_heavy_bills(made):
    asked = pl.read_csv(made[0] / "applications.csv", try_parse_dates=True)
    assert set(asked["layer"]) == {"tilt", "support"}
    assert asked["applied_on"].max() <= LAST
    assert len(asked) == made[1].rows["applications"]


def test_everything_is_marked_as_synthetic_and_no_citizen_number_is_written(made, people):
    out, figures = made
    readme = (out / "README.txt").read_text(encoding="utf-8")
    assert "合成" in readme
    assert f"种子 7，时间 {FIRST} 至 {LAST}" in readme
    assert summary(figures) in readme
    assert "13,942" in summary(figures)
    assert people["name"].str.starts_with("合成").all()
    assert people["psn_no"].str.starts_with("SYN").all()
    for path in out.glob("*.csv"):
        assert not re.search(r"[0-9]{17}[0-9Xx]", path.read_text(encoding="utf-8"))


def test_progress_counts_people_and_files_count_rows(tmp_path):
    steps: list[int] = []
    figures = county(
        out_dir=tmp_path, people=20_001, seed=0, identities=[], first=FIRST, last=date(2023, 1, 3), progress=steps.append
    )  # fmt: skip
    assert steps == [20_000, 1]
    for name in ("settlements", "identities", "people", "applications", "institutions"):
        lines = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").count("\n")
        assert lines == figures.rows[name] + 1, name


@pytest.mark.parametrize("people", [1, 2, 40])
def test_the_smallest_counties_are_counties(tmp_path, people):
    day = date(2024, 2, 29)
    figures = county(
        out_dir=tmp_path,
        people=people,
        seed=5,
        identities=list(tables.KINDS),
        first=day,
        last=day,
        layers=["x"],
    )
    assert figures.people == people
    assert pl.read_csv(tmp_path / "people.csv").height == people


def test_a_senseless_wish_is_answered_with_everything_wrong_about_it(tmp_path):
    with pytest.raises(InputErrors) as caught:
        county(
            out_dir=tmp_path / "no", people=0, seed=-1, identities=["dibao", "dibao", "rich"], first=LAST, last=FIRST,
            format="xlsx", area="3209",
        )  # fmt: skip
    assert len(caught.value.faults) == 7
    assert not (tmp_path / "no").exists()
    with pytest.raises(InputErrors):
        county(out_dir=tmp_path, people=1, seed=0, identities=[], first=FIRST, last=LAST, in_fen=True)


def test_fen_become_decimals_by_their_bytes():
    fen = [0, 1, -1, 99, 10**15, -(10**15)]
    assert [str(value) for value in decimals(np.array(fen)).to_pylist()] == [
        "0.00", "0.01", "-0.01", "0.99", "10000000000000.00", "-10000000000000.00",
    ]  # fmt: skip


def test_drawn_yuan_become_whole_fen_at_one_place():
    assert whole_fen(np.array([0.0, 0.004, 0.005, 1.25, 12345.678])).tolist() == [0, 0, 1, 125, 1234568]
