"""What a worked case says when the engine disagrees."""

import pytest

from tuodi.core.policy.case_values import Case, Fen, Unreadable, compared, facts_of_case

CASE = {
    "name": "案例",
    "clauses": ["TH-3.3.3"],
    "expect": {"institution": "300 元", "people": {"甲": "opened"}, "says": "多少元"},
}


def mismatches(found):
    return [str(mismatch) for mismatch in compared(Case(CASE, "cases.yaml", 7), found)]


def test_a_mismatch_names_case_clause_and_both_values():
    found = {"institution": Fen(20_000), "people": {"乙": "opened"}, "says": "多少元"}
    assert mismatches(found) == [
        "[TH-3.3.3] 案例：institution 应为 300.00 元，算得 200.00 元",
        "[TH-3.3.3] 案例：people 应为 甲=opened，算得 甲=（没有）",
    ]


def test_only_what_is_written_is_compared():
    assert (
        mismatches({"institution": Fen(30_000), "people": {"甲": "opened", "乙": "x"}, "says": "多少元", "more": 1})
        == []
    )


def test_a_fact_or_an_expectation_that_the_kind_does_not_know_is_told():
    with pytest.raises(Unreadable, match="expect里没有名为"):
        mismatches({})
    with pytest.raises(Unreadable, match="facts里没有名为“typo”"):
        facts_of_case(Case({"facts": {"typo": 1}}, "cases.yaml", 7), {"year"})
