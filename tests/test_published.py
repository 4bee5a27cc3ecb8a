"""Examples published by other places, and small invented packs: the format carries policies that nobody here chose.

Every folder of ``tests/packs`` is a pack with worked cases; each case runs through the scalar function and the reference.
"""

from fractions import Fraction
from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, pack_of, source_of
from tuodi.core.engine.fold import fold, trace
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.prove import prove
from tuodi.core.money import yuan
from tuodi.core.policy.cases import history_of, run_case

PACKS = Path(__file__).parent / "packs"
FOLDERS = sorted(path.parent for path in PACKS.glob("*/policy.yaml"))
CASES = [(folder, case) for folder in FOLDERS for case in cases_of(folder)]


@pytest.mark.parametrize(("folder", "case"), CASES, ids=[f"{f.name}:{c.line}:{c.name}" for f, c in CASES])
def test_case(folder, case):
    assert [str(m) for m in run_case(source_of(folder), case, [])] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_every_pack_has_cases_and_is_proven(folder):
    assert cases_of(folder)
    pack = pack_of(folder)
    plan = make_plan(pack, simulate=bool(pack.insurance))
    assert prove(plan.program) == []


def test_T17_each_bracket_pays_what_was_published():
    folder = PACKS / "t17-catastrophic"
    plan = make_plan(pack_of(folder), simulate=True)
    bills, records, _ = history_of(cases_of(folder)[0])
    steps = trace(plan, fold(plan, bills, records)[0])
    parts = [Fraction(steps[f"catastrophic.part{i}"], 10_000) for i in (0, 1, 2)]
    assert [yuan(int(part)) for part in parts] == ["10800.00", "45500.00", "37500.00"]
