"""Worked cases a few at a time, for mutation testing only: a test for each case would cost more to collect than to run."""

from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.core.policy.cases import run_case

TESTS = Path(__file__).parent.parent
SAMPLE = TESTS / "data" / "delegated-sample.yaml"
PACKS = [*shelf(), *sorted(str(path.parent) for path in (TESTS / "packs").glob("*/policy.yaml"))]
SIZE = 12
PARTS = [(pack, n) for pack in PACKS for n in range(0, len(cases_of(pack)), SIZE)]


@pytest.mark.parametrize(("pack", "n"), PARTS, ids=[f"{Path(pack).name}-{n}" for pack, n in PARTS])
def test_cases_hold(pack, n):
    values = entered_values(SAMPLE, pack_of(pack))
    for case in cases_of(pack)[n : n + SIZE]:
        assert [str(m) for m in run_case(source_of(pack), case, values)] == []
