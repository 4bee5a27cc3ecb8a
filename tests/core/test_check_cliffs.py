"""Cliffs that the check of a pack finds: one more fen of burden or income, and somebody is worse off; with the number each time."""

import pytest
from sound_pack import BASE, SECOND, STANDARD, codes, found, layer, source

from tuodi.core.engine.plan import make_plan
from tuodi.core.policy.check import open_warnings
from tuodi.core.policy.check_cliffs import probes
from tuodi.core.policy.load import load_pack

ROW = {"clause": "JX-4.3", "rate": "50%"}
WINDOW = {"clause": "JX-6", "name": "认定前 6 个月", "identities": ["dibao"], "months": 6}


def test_a_fall_is_a_warning_with_its_number():
    bands = [{"rate": "50%"}, {"from": "1 万元", "rate": "40%"}]
    changes = {"layers.0.bands": "whole", "layers.0.figures.1.rate": None, "layers.0.figures.1.bands": bands}
    (loss,) = open_warnings(found(changes))
    assert loss.code == "W-CLIFF-LOSS"
    assert loss.worked == (
        "负担 12,999.99 元 → 救助 5,000.00 元，自付 7,999.99 元；再多 0.01 元 → 救助 4,000.00 元，自付 9,000.00 元"
    )


def test_a_jump_is_a_note_with_its_number():
    changes = {
        "layers.0.figures.0": {
            "clause": "JX-4.1",
            "when": {"category": ["dibao"]},
            "bring_down": {"trigger": "5 万元", "target": "49500 元"},
        }
    }
    found_all = found({**changes, "delegated": None})
    jump = next(f for f in found_all if f.code == "N-CLIFF-GAIN")
    assert jump.level == "note"
    assert jump.worked == (
        "负担 50,000.00 元 → 救助 0.00 元，自付 50,000.00 元；再多 0.01 元 → 救助 500.01 元，自付 49,500.00 元"
    )


def test_a_fall_that_another_layer_makes_good_for_some_is_found_for_the_others():
    bands = [{"rate": "50%"}, {"from": "1 万元", "rate": "40%"}]
    topped = layer(
        covers={"category": ["dibao", "edge"], "disease": ["major"]}, figures=[{"clause": "JX-7", "top_up_to": "90%"}]
    )
    classes = [{"id": "major", "name": "大病", "clause": "JX-8", "list": "big"}]
    falls = [
        finding
        for finding in found(
            {
                **topped, "layers.0.bands": "whole", "layers.0.figures.1.rate": None, "layers.0.figures.1.bands": bands,
                "diseases": {"clause": "JX-8", "classes": classes},
            },
            diseases="list,disease,icd10,under_age,note\nbig,肺癌,C34,,\n",
        )
        if finding.code == "W-CLIFF-LOSS"
    ]  # fmt: skip
    assert ["救助 5,000.00 元" in fall.worked for fall in falls] == [True]


def test_a_fall_between_thresholds_is_found_on_the_coarse_grid():
    lumps = [{"from": "1000 元", "amount": "900 元"}, {"from": "2000 元", "amount": "100 元"}]
    worked = [
        f.worked
        for f in found(
            {
                "layers.0.figures.0": {"clause": "JX-4.1", "when": {"category": ["dibao"]}, "lumps": lumps},
                "delegated": None,
            }
        )
        if f.code == "W-CLIFF-LOSS"
    ]
    assert worked[0].startswith("负担 1,999.99 元 → 救助 900.00 元")


def test_a_category_that_earns_more_than_the_one_before_it():
    (order,) = open_warnings(found({"layers.0.figures.0.rate": "40%"}))
    assert order.code == "W-CATEGORY-ORDER"
    assert order.worked == "负担 50,000.00 元 → 低保对象救助 20,000.00 元，低保边缘家庭成员救助 28,200.00 元"


@pytest.mark.parametrize(("compare", "times", "says"), [
    ("at_most", "1.5", "人均收入等于标准的 1.5 倍（标准 600.00 元），负担 50,000.00 元 → 救助 28,200.00 元"),
    ("below", "1", "人均收入比标准（标准 600.00 元）少 0.01 元"),
])  # fmt: skip
def test_one_more_fen_of_income_loses_everything(compare, times, says):
    criterion = {"id": "income", "name": "收入", "clause": "JX-3", "kind": "income_per_head", "limit": {"delegated": "jx.standard"},
                 "limit_per": "month", "times": times, "compare": compare}  # fmt: skip
    test = {
        "id": "edge",
        "name": "低保边缘认定",
        "clause": "JX-3",
        "identity": "dibao_edge",
        "decided_by": ["民政局"],
        "criteria": [criterion],
    }
    (income,) = open_warnings(found({"means_tests": [test]}))
    assert income.code == "W-CLIFF-INCOME"
    assert says in income.worked


def test_a_means_test_without_income_or_benefit_has_no_cliff():
    yes = {"id": "property", "name": "财产", "clause": "JX-3", "kind": "yes_no"}
    tests = [
        {"id": "a", "name": "甲", "clause": "JX-3", "identity": "dibao_edge", "decided_by": ["民政局"], "criteria": [yes]},
        {"id": "b", "name": "乙", "clause": "JX-3", "identity": "low_income", "decided_by": ["民政局"],
         "criteria": [{**yes, "kind": "income_per_head", "limit": "1 元"}]},
    ]  # fmt: skip
    assert codes({"means_tests": tests}) == []


def test_insurance_is_searched_for_falls_too():
    serious = {**SECOND, "id": "serious", "name": "大病保险", "covers": {}, "pays": "hifmi_pay", "bands": "whole",
               "base": {**BASE, "less": ["hifp_pay"]},
               "figures": [{"clause": "JX-7", "bands": [{"rate": "50%"}, {"from": "1 万元", "rate": "40%"}]}]}  # fmt: skip
    whole = {
        "layers.0.bands": "whole",
        "layers.0.figures.1.rate": None,
        "layers.0.figures.1.bands": serious["figures"][0]["bands"],
    }
    falls = [f for f in found({"insurance": [serious], **whole}) if f.code == "W-CLIFF-LOSS"]
    assert [f.layer for f in falls] == ["inpatient", "serious"]
    assert "（没有身份的人）" in str(falls[1])


def test_falls_are_found_without_knowing_the_threshold():
    bands = [{"rate": "50%"}, {"from": "12345 元", "rate": "10%"}]
    plan = make_plan(
        load_pack(
            source({"layers.0.bands": "whole", "layers.0.figures.1.rate": None, "layers.0.figures.1.bands": bands})
        ),
        STANDARD,
    )
    (probe,) = [p for p in probes(plan) if p.kind.category == 2]
    assert [jump.burden for jump in probe.jumps([])] == [1_534_499]
    assert [jump.layer for jump in probe.jumps()] == ["inpatient"]


def test_gains_are_found_without_knowing_the_threshold():
    down = {"clause": "JX-4.2", "when": {"category": ["edge"]}, "bring_down": {"trigger": "5 万元", "target": "1 万元"}}
    plan = make_plan(load_pack(source({"layers.0.figures.1": down})), STANDARD)
    (probe,) = [p for p in probes(plan) if p.kind.category == 2]
    assert [jump.burden for jump in probe.jumps([])] == [5_000_000]


def test_thresholds_beyond_any_burden_and_shares_make_no_jump():
    bands = [{"rate": "50%"}, {"from": "5000 万元", "rate": "40%"}]
    factor = {"state": "declined_basic_service", "share": "1/2", "clause": "JX-8"}
    assert codes({"layers.0.figures.1.rate": None, "layers.0.figures.1.bands": bands, "layers.0.factor": factor}) == []


def test_a_pack_without_layers_has_no_cliffs():
    assert codes({"layers": [], "readings": {}, "delegated": {}}) == []
