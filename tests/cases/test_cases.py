"""Every worked case beside every pack, to the fen, by the scalar function and by the reference."""

from functools import cache
from pathlib import Path

import pytest

from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.batch.registers import clauses
from tuodi.core.policy.case_values import Case
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


def test_every_clause_of_the_register_has_a_case():
    cited = {clause for _, case in CASES for clause in case.clauses}
    assert [row.id for row in clauses() if row.id not in cited] == []


@pytest.mark.parametrize(
    ("expect", "found"),
    [
        ({"terms.capitation": {"amount": "151 元"}}, "amount=150.00 元"),
        ({"services[visits].content": ["问诊", "会诊"]}, "问诊 · 会诊 · 转诊"),
        ({"duties[TH-4.1]": [{"lead": ["区长"]}]}, "区政府分管负责人"),
        ({"services[nothing]": {"content": ["无"]}}, "算得 -"),
        ({"delegated[th.notice_days]": {"unit": "yuan"}}, "unit=days"),
    ],
)
def test_a_case_of_what_is_stated_fails_where_the_pack_says_otherwise(expect, found):
    source, values = texts_and_values("320902-tinghu")
    data = {"name": "检验", "kind": "stated", "clauses": ["TH-4.1"], "worked": "故意写错", "expect": expect}
    [mismatch] = run_case(source, Case(data, "cases.yaml", 1), values, plans=PLANS)
    assert found in str(mismatch)
