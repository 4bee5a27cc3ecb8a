"""The worked cases of every pack, those of the tests too, with no plan made before the mutant is: for mutation testing only."""

from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.core.policy.cases import run_case

TESTS = Path(__file__).parent.parent
SAMPLE = TESTS / "data" / "delegated-sample.yaml"
PACKS = [*shelf(), *sorted(str(path.parent) for path in (TESTS / "packs").glob("*/policy.yaml"))]
SOURCES = {pack: (source_of(pack), entered_values(SAMPLE, pack_of(pack))) for pack in PACKS}
CASES = [(pack, case) for pack in PACKS for case in cases_of(pack)]
PLANS = {}


@pytest.mark.parametrize(("pack", "case"), CASES, ids=[f"{Path(p).name}:{c.line}" for p, c in CASES])
def test_case_holds(pack, case):
    source, values = SOURCES[pack]
    assert [str(m) for m in run_case(source, case, values, plans=PLANS)] == []
