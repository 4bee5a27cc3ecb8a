"""A batch gives exactly the entries of the fold: every pack, CSV and Parquet, several parts, any order of rows, cancellations."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from tuodi.batch.columns import APPLICATIONS, IDENTITIES, SETTLEMENTS
from tuodi.batch.entries import AMOUNTS, SCHEMA, entries_of_fold
from tuodi.batch.kernel import unit_of
from tuodi.batch.objects import applications_of, identities_of, settlements_of
from tuodi.batch.packs import entered_values, pack_of, shelf
from tuodi.batch.pipeline import Job, adjudicate
from tuodi.batch.reading import read_all
from tuodi.batch.synth import county
from tuodi.core.engine.fold import fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import MissingValues
from tuodi.core.money import yuan
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack, read_source

TESTS = Path(__file__).parent.parent
SAMPLE = TESTS / "data" / "delegated-sample.yaml"
STAND_INS = {
    "yuan": "1000.00",
    "percent": "50%",
    "day": "2022-01-01",
    "days": "5",
    "number": "100",
    "diagnoses": "E75",
    "text": "-",
}


@cache
def plan_of(pack, **readings):
    """Return the plan of a pack under chosen readings, with every delegated value entered."""
    loaded = pack_of(pack, readings={name.replace("_", "-"): choice for name, choice in readings.items()})
    values = entered_values(SAMPLE, loaded)
    named = {value.param for value in values}
    more = [
        EnteredValue(param, STAND_INS[asked.unit], "示例值")
        for param, asked in loaded.delegated.items()
        if param not in named and not asked.optional
    ]
    return make_plan(loaded, values + more)


def write_roster(plan, folder, seed):
    """Write identities of every kind the pack speaks of for two people in three, dated by chance."""
    chance = random.Random(seed)
    people = pl.read_csv(folder / "people.csv", infer_schema_length=0)["psn_no"].to_list()
    spoken = {i for category in plan.pack.categories for i in category.identities}
    spoken |= {i for window in plan.pack.windows.values() for i in window.identities}
    spoken |= {layer.factor.state for layer in plan.layers if layer.factor}
    with (folder / "identities.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["psn_no", "identity", "begin", "end", "certified_on", "applied_on", "issuer"])
        for person in people:
            for identity in chance.sample(sorted(spoken), min(len(spoken), chance.choice((0, 1, 2)))):
                begin = plan.first + timedelta(days=chance.randint(-400, 600))
                end = begin + timedelta(days=chance.choice((27, 180, 365))) if chance.random() < 0.5 else ""
                certified = begin + timedelta(days=chance.choice((0, 5, 40))) if chance.random() < 0.7 else ""
                applied = (
                    certified - timedelta(days=chance.choice((3, 90))) if certified and chance.random() < 0.7 else ""
                )
                rows.writerow([person, identity, begin, end, certified, applied, "民政局"])


def write_applications(plan, folder, seed):
    """Write applications for every layer on application."""
    chance = random.Random(seed)
    layers = [layer.id for layer in plan.layers if layer.due == "application"]
    people = pl.read_csv(folder / "people.csv", infer_schema_length=0)["psn_no"].to_list()
    rows = [
        (p, x, plan.first + timedelta(days=chance.randint(0, 800)))
        for p in people
        for x in layers
        if chance.random() < 0.4
    ]
    pl.DataFrame(rows, schema=["psn_no", "layer", "applied_on"], orient="row").with_columns(
        pl.all().cast(pl.String)
    ).write_csv(folder / "applications.csv")


@pytest.fixture(scope="session")
def counties(tmp_path_factory):
    """Return a function that gives the folder of a county whose bills lie around the first years of a plan, made once."""
    made = {}

    def county_of(plan, kind="csv"):
        key = plan.pack.pack, kind
        if key not in made:
            folder = made[key] = tmp_path_factory.mktemp(f"{plan.pack.pack}-{kind}")
            first = plan.first - timedelta(days=200)
            last = min(
                plan.last + timedelta(days=60) if plan.last < date(9000, 1, 1) else date(9000, 1, 1),
                first + timedelta(days=900),
            )
            county(
                out_dir=folder,
                people=160,
                seed=11,
                identities=[],
                first=first,
                last=last,
                format=kind,
                area=plan.pack.area,
            )
            write_roster(plan, folder, seed=5)
            write_applications(plan, folder, seed=6)
        return made[key]

    return county_of


def job_of(plan, folder, out, *, kind="csv", **more):
    asked = any(layer.due == "application" for layer in plan.layers)
    given = {
        "settlements": folder / f"settlements.{kind}", "identities": folder / "identities.csv",
        "applications": folder / "applications.csv" if asked else None, "part_rows": 100, **more,
    }  # fmt: skip
    return Job(plan, out=out, **given)


def expected_of(plan, job):
    """Return the entries of the fold of everything in a job's files."""
    settlements, _, _ = read_all(job.settlements, SETTLEMENTS)
    identities, _, _ = read_all(job.identities, IDENTITIES)
    applications = read_all(job.applications, APPLICATIONS)[0] if job.applications else None
    gone = settlements.filter("refd_setl_flag")["setl_id"].implode()
    kept = settlements.filter(~pl.col("setl_id").is_in(gone))
    return entries_of_fold(fold(plan, settlements_of(kept), identities_of(identities), applications_of(applications)))


def as_text(entries):
    """Return entries of either kind as sorted rows of text, amounts in yuan."""
    texts = {name: [yuan(value) for value in entries[name]] for name in AMOUNTS}
    frame = entries.with_columns(**{name: pl.Series(value) for name, value in texts.items()})
    frame = frame.with_columns(
        pl.col("setl_time").dt.strftime("%Y-%m-%d %H:%M:%S"), pl.col("due_on").cast(pl.String).fill_null("")
    )
    return sorted(frame.select(list(SCHEMA)).rows())


def read_back(path):
    """Return a file of entries as sorted rows of text, amounts in yuan."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path).with_columns(
            pl.col("setl_time").dt.strftime("%Y-%m-%d %H:%M:%S"),
            pl.col("due_on").cast(pl.String),
            *(pl.col(n).cast(pl.String) for n in AMOUNTS),
        )
    else:
        frame = pl.read_csv(path, infer_schema_length=0)
    return sorted(frame.select(list(SCHEMA)).fill_null("").rows())


@pytest.mark.parametrize(("kind", "name"), [("csv", "entries.csv"), ("parquet", "entries.parquet")])
@pytest.mark.parametrize("pack", shelf())
def test_a_batch_gives_exactly_the_entries_of_the_fold(pack, kind, name, counties, tmp_path):
    plan = plan_of(pack)
    job = job_of(plan, counties(plan, kind), tmp_path / name, kind=kind)
    report = adjudicate(job)
    expected = expected_of(plan, job)
    assert read_back(job.out) == as_text(expected)
    assert (report.entries, report.paid_fen, report.cut_fen) == (
        len(expected),
        expected["pay"].sum(),
        expected["cut"].sum(),
    )
    assert report.paid_fen > 0
    assert report.cancelled > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("pack", "readings"),
    [
        ("610900-ankang", {"I_11": "discharge"}), ("610900-ankang", {"I_11": "admission", "I_04": "stay"}),
        ("610900-ankang", {"I_13": "highest_of_year"}), ("610900-ankang", {"I_33": "rest_of_year"}), ("610900-ankang", {"I_30": "earlier_counts"}),
        ("320902-tinghu", {"I_02": "waived", "I_03": "half_rate"}), ("320902-tinghu", {"I_01": "claim"}),
    ],
)  # fmt: skip
def test_a_batch_gives_the_entries_of_the_fold_under_other_readings(pack, readings, counties, tmp_path):
    plan = plan_of(pack, **readings)
    job = job_of(plan, counties(plan_of(pack)), tmp_path / "entries.csv")
    adjudicate(job)
    assert read_back(job.out) == as_text(expected_of(plan, job))


@pytest.mark.parametrize("pack", ["320902-tinghu", "320681-qidong"])
def test_a_disease_of_childhood_without_a_birth_date_is_not_yet_known_in_a_batch_either(pack, counties, tmp_path):
    """TH-3.2.3, QD-2.3.2: leukaemia (C91) counts below 18; every third birth date is left out."""
    plan = plan_of(pack, **({"I_49": "qidong_20"} if pack == "320681-qidong" else {}))
    folder = counties(plan_of(pack))
    rows = pl.read_csv(folder / "settlements.csv", infer_schema_length=0).with_row_index()
    third = pl.col("index") % 3 == 0
    rows = rows.with_columns(
        brdy=pl.when(third).then(pl.lit("")).otherwise(pl.lit("2015-01-01")),
        diag_code=pl.lit("C91.0"),
        disease_class=pl.lit(""),
    )
    rows.drop("index").write_csv(tmp_path / "settlements.csv")
    job = job_of(plan, folder, tmp_path / "entries.csv", settlements=tmp_path / "settlements.csv")
    report = adjudicate(job)
    assert read_back(job.out) == as_text(expected_of(plan, job))
    assert any("brdy" in says for _, says in report.refusals)
    assert report.paid_fen > 0


@pytest.mark.parametrize(("part_rows", "threads"), [(7, 1), (10_000, 2), (1_000_000, 1)])
def test_rows_in_any_order_and_parts_of_any_size_give_the_same_entries(part_rows, threads, counties, tmp_path):
    plan = plan_of("610900-ankang")
    folder = counties(plan)
    adjudicate(job_of(plan, folder, tmp_path / "sorted.csv"))
    shuffled = pl.read_csv(folder / "settlements.csv", infer_schema_length=0).sample(
        fraction=1, shuffle=True, seed=part_rows
    )
    shuffled.write_csv(tmp_path / "settlements.csv")
    pl.read_csv(folder / "identities.csv", infer_schema_length=0).sample(fraction=1, shuffle=True, seed=1).write_csv(
        tmp_path / "identities.csv"
    )
    again = job_of(
        plan, folder, tmp_path / "again.csv", settlements=tmp_path / "settlements.csv", identities=tmp_path / "identities.csv",
        part_rows=part_rows, threads=threads,
    )  # fmt: skip
    adjudicate(again)
    assert read_back(again.out) == read_back(tmp_path / "sorted.csv")


def test_a_cancelled_row_is_as_if_it_had_never_been(counties, tmp_path):
    plan = plan_of("320902-tinghu")
    folder = counties(plan)
    rows = pl.read_csv(folder / "settlements.csv", infer_schema_length=0)
    gone = rows.filter(pl.col("refd_setl_flag") == "1")["setl_id"].implode()
    rows.filter(~pl.col("setl_id").is_in(gone)).write_csv(tmp_path / "settlements.csv")
    adjudicate(job_of(plan, folder, tmp_path / "cancelled.csv"))
    report = adjudicate(job_of(plan, folder, tmp_path / "absent.csv", settlements=tmp_path / "settlements.csv"))
    assert report.cancelled == 0
    assert read_back(tmp_path / "cancelled.csv") == read_back(tmp_path / "absent.csv")


def test_what_the_institutions_file_says_reaches_every_settlement(counties, tmp_path):
    # AK-3.1.1: care outside designated institutions does not count; nor while an institution is suspended
    plan = plan_of("610900-ankang")
    folder = counties(plan)
    job = job_of(plan, folder, tmp_path / "entries.csv", institutions=folder / "institutions.csv")
    adjudicate(job)
    with (folder / "institutions.csv").open(encoding="utf-8") as lines:
        known = {row["fixmedins_code"]: row for row in csv.DictReader(lines)}

    def told(settlement):
        place, day = known[settlement.fixmedins_code], settlement.setl_time.date().isoformat()
        suspended = place["suspended_from"] and place["suspended_from"] <= day <= (place["suspended_to"] or "9999")
        designated = place["insurance_designated"] == "1" and not suspended
        return replace(
            settlement,
            hosp_lv=settlement.hosp_lv or place["hosp_lv"],
            designated=designated,
            assistance_designated=place["assistance_designated"] == "1",
        )

    settlements, _, _ = read_all(job.settlements, SETTLEMENTS)
    gone = settlements.filter("refd_setl_flag")["setl_id"].implode()
    kept = [told(s) for s in settlements_of(settlements.filter(~pl.col("setl_id").is_in(gone)))]
    identities, applications = (
        read_all(path, schema)[0] for path, schema in ((job.identities, IDENTITIES), (job.applications, APPLICATIONS))
    )
    expected = entries_of_fold(fold(plan, kept, identities_of(identities), applications_of(applications)))
    assert read_back(job.out) == as_text(expected)
    assert expected.filter(pl.col("clauses") == "AK-3.1.1", pl.col("refusal") != "").height > 0


# --- households --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part_rows", [50, 1_000_000])
def test_households_share_their_totals_in_a_batch(part_rows, counties, tmp_path):
    plan = plan_of(str(TESTS / "packs" / "household-ceiling"))
    assert unit_of(plan.program) == "household"
    job = job_of(plan, counties(plan), tmp_path / "entries.csv", part_rows=part_rows)
    report = adjudicate(job)
    assert report.cancelled > 0
    assert read_back(job.out) == as_text(expected_of(plan, job))


def test_a_cancelling_row_that_names_no_household_cancels_all_the_same(counties, tmp_path):
    plan = plan_of(str(TESTS / "packs" / "household-ceiling"))
    folder = counties(plan)
    rows = pl.read_csv(folder / "settlements.csv", infer_schema_length=0)
    bare = pl.when(pl.col("refd_setl_flag") == "1").then(pl.lit("")).otherwise(pl.col("household"))
    rows.with_columns(household=bare).write_csv(tmp_path / "settlements.csv")
    job = job_of(plan, folder, tmp_path / "entries.csv", settlements=tmp_path / "settlements.csv", part_rows=50)
    adjudicate(job)
    assert read_back(job.out) == as_text(expected_of(plan, job))


def test_somebody_who_changes_household_keeps_personal_rights_and_leaves_the_totals(counties, tmp_path):
    # G13: every third person moves, in the middle of their bills, to a household of their own
    plan = plan_of(str(TESTS / "packs" / "household-ceiling"))
    folder = counties(plan)
    rows = pl.read_csv(folder / "settlements.csv", infer_schema_length=0)
    moved = pl.col("psn_no").str.ends_with("3") & (pl.col("setl_time") > "2022-10-01")
    rows.with_columns(household=pl.when(moved).then(pl.col("psn_no") + "H").otherwise(pl.col("household"))).write_csv(
        tmp_path / "settlements.csv"
    )
    job = job_of(plan, folder, tmp_path / "entries.csv", settlements=tmp_path / "settlements.csv", part_rows=50)
    adjudicate(job)
    assert read_back(job.out) == as_text(expected_of(plan, job))


MIXED = """
  - id: own
    name: 个人住院救助
    clause: JF-6
    covers: {category: [dibao], care: [inpatient]}
    base: {measure: in_policy, clause: JF-6}
    fund: assistance
    caps: {own: {per: year, clause: JF-6.2}}
    figures:
      - {clause: JF-6.1, deductible: 1000 元, rate: 50%, caps: {own: 3000 元}}
"""


def test_totals_of_persons_and_households_in_one_policy_are_folded(counties, tmp_path):
    text = (TESTS / "packs" / "household-ceiling" / "policy.yaml").read_text("utf-8")
    plan = make_plan(load_pack(read_source(text + MIXED, file="mixed.yaml")))
    assert unit_of(plan.program) == "mixed"
    job = job_of(plan, counties(plan_of(str(TESTS / "packs" / "household-ceiling"))), tmp_path / "entries.csv")
    report = adjudicate(job)
    assert sorted(report.by_layer) == ["ceiling", "own"]
    assert read_back(job.out) == as_text(expected_of(plan, job))


# --- nothing by halves -------------------------------------------------------------------------------------------------


def test_a_value_that_nobody_has_entered_leaves_no_file_behind(counties, tmp_path):
    full = plan_of("610900-ankang")
    bare = make_plan(
        full.pack, [v for held in full.entered.by_param.values() for v in held if v.param != "ak.tilt.rate"]
    )
    job = job_of(bare, counties(full), tmp_path / "entries.csv")
    with pytest.raises(MissingValues) as raised:
        adjudicate(job)
    assert {dict(fault.fields)["param"] for fault in raised.value.faults} == {"ak.tilt.rate"}
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_nobody_has_entered_leaves_an_older_file_as_it_was(counties, tmp_path):
    full = plan_of("610900-ankang")
    bare = make_plan(
        full.pack, [v for held in full.entered.by_param.values() for v in held if v.param != "ak.tilt.rate"]
    )
    (tmp_path / "entries.csv").write_text("older", "utf-8")
    with pytest.raises(MissingValues):
        adjudicate(job_of(bare, counties(full), tmp_path / "entries.csv"))
    assert (tmp_path / "entries.csv").read_text("utf-8") == "older"
