"""Person-sorted settlements in memory: what a policy asks of a bill, as plain columns, for the contests without files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from tuodi.batch.kernel import Choice, Columns, amount_facts
from tuodi.batch.packs import entered_values, pack_of
from tuodi.core.engine.conditions import IDENTITY_BITS, Profile
from tuodi.core.engine.decide import Decision
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.policy.load import load_pack, read_source

Array = np.ndarray
HERE = Path(__file__).parent
#: Values for what a pack delegates, so that every pack can be run.
SAMPLE = HERE.parent / "data" / "delegated-sample.yaml"
YEARS = (2024, 2025)
#: What a person holds, by number of the category; 0 is nobody's.
HELD = ("", "extreme_poverty", "dibao", "low_income")
#: Kinds of care by number: a stay, outpatient care of a chronic disease, other outpatient care.
CARES = ("21", "14", "11")
INPATIENT, CHRONIC, OTHER = range(3)


@dataclass(frozen=True)
class Facts:
    """Columns in folding order; amounts in fen."""

    person: Array
    year: Array
    category: Array
    care: Array
    amounts: dict[str, Array]

    def __len__(self) -> int:
        return len(self.person)


def policy(name: str) -> Plan:
    """Return the plan of a policy file beside this module."""
    path = HERE / f"{name}.yaml"
    return make_plan(load_pack(read_source(path.read_text("utf-8"), file=path.name)))


def plan_of(name: str) -> Plan:
    """Return the plan of a policy file beside this module, or of a pack of the shelf under the sample values."""
    if (HERE / f"{name}.yaml").exists():
        return policy(name)
    pack = pack_of(name)
    return make_plan(pack, entered_values(SAMPLE, pack))


def facts(count: int, *, seed: int, changes: bool, first_person: int = 0) -> Facts:
    """Return that many settlements of a fifth as many people over two years.

    With ``changes`` one person in six has another category from some bill on, so that a year may hold two.
    """
    rng = np.random.default_rng(seed)
    people = max(count // 5, 1)
    person = np.sort(rng.integers(0, people, count))
    year = np.where(rng.random(count) < 0.5, *YEARS)
    year = year[np.lexsort((year, person))].astype(np.int16)
    category = rng.choice(4, people, p=(0.25, 0.15, 0.35, 0.25))[person]
    if changes:
        start = np.searchsorted(person, np.arange(people))
        bills = np.searchsorted(person, np.arange(people), side="right") - start
        turn = start + (rng.random(people) * np.maximum(bills, 1)).astype(np.int64)
        other = rng.integers(0, 4, people)
        turns = rng.random(people) < 1 / 6
        category = np.where(turns[person] & (np.arange(count) >= turn[person]), other[person], category)
    care = rng.choice(3, count, p=(0.5, 0.3, 0.2)).astype(np.int8)
    inside = np.minimum(rng.lognormal(13.0, 1.2, count), 3e8).astype(np.int64)
    amounts = {
        "inscp_scp_amt": inside,
        "preselfpay_amt": inside * rng.integers(0, 20, count) // 100,
        "hifp_pay": inside * rng.integers(30, 80, count) // 100,
        "hifmi_pay": np.where(inside > 5_000_000, inside // 10, 0),
    }
    return Facts(person + first_person, year, category.astype(np.int8), care, amounts)


def amount(found: Facts, name: str) -> Array:
    """Return a column of fen; zeros for what no bill of these has."""
    return found.amounts[name] if name in found.amounts else np.zeros(len(found), np.int64)


def decisions(plan: Plan) -> list[Decision]:
    """Return what the plan decides for each pair of category and care, in that order."""
    day = date(YEARS[0], 6, 1)
    return [
        plan.decide(Profile(day, IDENTITY_BITS.get(held, 0), care, ("general",), "local", False, ""))
        for held in HELD
        for care in CARES
    ]


def choice_of(found: Facts) -> Array:
    """Return which of :func:`decisions` each settlement has."""
    return (found.category * np.uint32(len(CARES)) + found.care).astype(np.uint32)


def columns(plan: Plan, found: Facts, *, narrow: bool = False) -> Columns:
    """Return the kernel's columns; ``narrow`` keeps amounts in 32 bits (up to 21 million yuan a bill), choices in 8."""
    kind = np.int32 if narrow else np.int64
    return Columns(
        unit=found.person.astype(kind, copy=False),
        amounts={name: amount(found, name).astype(kind, copy=False) for name in amount_facts(plan.program)},
        choice=choice_of(found).astype(np.uint8 if narrow else np.uint32, copy=False),
        choices=[Choice(tuple(layer.row for layer in d.layers), d.category) for d in decisions(plan)],
        keys={"year": found.year},
    )


def arrays_of(held: Columns) -> Iterator[Array]:
    """Yield every column that the kernel reads."""
    yield held.unit
    yield held.choice
    yield from held.amounts.values()
    yield from held.keys.values()


def pays(plan: Plan) -> list[str]:
    """Return the steps that say what each layer pays."""
    return [plan.program.outputs[layer]["pay"] for layer in plan.program.layers]
