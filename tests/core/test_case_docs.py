"""The examples of ``docs/reference/cases.md`` run against the packs whose clauses they cite."""

import re
from pathlib import Path

import pytest

from tuodi.batch.packs import entered_values, pack_of, source_of
from tuodi.core.policy.case_values import SETTLEMENT_KEYS
from tuodi.core.policy.cases import CASE_KEYS, EXPECT_KEYS, KINDS, Case, run_case
from tuodi.core.policy.parse import parse_yaml

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "tests" / "data" / "delegated-sample.yaml"
PACKS = {
    "TH": "320902-tinghu",
    "AK": "610900-ankang",
    "DT": "330305-dongtou",
    "QD": "320681-qidong",
    "WH": "371072-weihai-edz",
}
TEXT = (ROOT / "docs" / "reference" / "cases.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(- name.*?)```", TEXT, re.DOTALL)
EXAMPLES = [item for block in BLOCKS for item in parse_yaml(f"cases:\n{block}", file="cases.md").data["cases"]]


@pytest.mark.parametrize("example", EXAMPLES, ids=[item["name"] for item in EXAMPLES])
def test_example(example):
    pack = PACKS[example["clauses"][0].split("-")[0]]
    values = entered_values(SAMPLE, pack_of(pack))
    case = Case(example, "docs/reference/cases.md", 0)
    assert [str(m) for m in run_case(source_of(pack), case, values)] == []


def test_every_kind_has_an_example():
    assert {item.get("kind", "history") for item in EXAMPLES} == set(KINDS) - {"warning"}


def test_every_key_of_a_case_is_on_the_page():
    keys = SETTLEMENT_KEYS | (CASE_KEYS - {"gauntlet"}) | EXPECT_KEYS
    assert [key for key in sorted(keys) if f"`{key}`" not in TEXT] == []
