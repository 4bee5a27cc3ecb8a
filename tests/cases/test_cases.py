"""Every worked case beside every pack, to the fen, by the scalar function and by the reference."""

from functools import cache
from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.core.policy.cases import run_case

SAMPLE = Path(__file__).parent.parent / "data" / "delegated-sample.yaml"
CASES = [(pack, case) for pack in shelf() for case in cases_of(pack)]
PLANS = {}


@cache
def texts_and_values(pack):
    return source_of(pack), entered_values(SAMPLE, pack_of(pack))


@pytest.mark.parametrize(("pack", "case"), CASES, ids=[f"{p}:{c.line}:{c.name}" for p, c in CASES])
def test_case(pack, case):
    source, values = texts_and_values(pack)
    assert [str(m) for m in run_case(source, case, values, plans=PLANS)] == []
