"""Worked cases as officers may write them: every slip is told in Chinese with the line of its case, none is our crash."""

import pytest
from sound_pack import source

from tuodi.core.errors import InputErrors
from tuodi.core.policy.cases import Case, run_case
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.parse import parse_yaml

GOOD = {
    "name": "低保住院", "clauses": ["JX-4.1"], "worked": "1000 × 70% = 700",
    "identities": [{"identity": "dibao", "first": "2021-01-01"}],
    "settlements": [{"settled": "2022-03-01", "burden": "1000 元"}],
    "expect": {"pays": ["700 元"]},
}  # fmt: skip
VALUES = [EnteredValue("jx.standard", "600.00", "文件")]


def ran(data):
    return run_case(source(), Case(data, "x/cases.yaml", 7), VALUES)


def test_a_case_written_well_is_run():
    assert [str(mismatch) for mismatch in ran({**GOOD, "expect": {"pays": ["0 元"]}})] != []


def test_a_case_that_a_refusal_explains_says_so():
    early = {
        **GOOD,
        "settlements": [{"settled": "2021-03-01", "burden": "1000 元"}],
        "expect": {"pays": ["700 元"], "layers": {"inpatient": ["700 元"]}},
    }
    paid, of_layer = [str(mismatch) for mismatch in ran(early)]
    assert "pays（各次救助） 应为 700.00 元，算得 0.00 元；第 1 笔不予救助：" in paid
    assert paid.endswith("（JX-1）")
    assert "layers 的 inpatient 应为 700.00 元，算得 0.00 元" in of_layer


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("expct: {pays: [1 元]}", "“expct”的键，是不是“expect”"),
        ("expect: {}", "缺少“expect”"),
        ("worked: ''", "缺少“worked”"),
        ("name: null", "缺少“name”"),
        ("kind: guess", "没有“guess”这一种案例"),
        ("expect: {payz: [1 元]}", "是不是“pays”"),
        ("expect: {pays: 700 元}", "pays应是列表"),
        ("expect: {pays: [7 千]}", "“7 千”不是金额"),
        ("expect: [1 元]", "expect应是键值表"),
        ("identities: [{identity: duke, first: 2021-01-01}]", "没有身份代码“duke”"),
        ("identities: [{identity: dibao}]", "identities 的一项缺少“first”"),
        ("identities: [{identity: dibao, first: 2021-13-01}]", "“2021-13-01”不是日期"),
        ("identities: [{identity: dibao, first: 2022-01-01, last: 2021-01-01}]", "在起始日 2022-01-01 之前"),
        ("identities: {identity: dibao}", "identities应是列表"),
        ("settlements: [{burden: 1 元}]", "settlements 的第 1 项缺少“settled”"),
        ("settlements: [{settled: 2022-03-01, burdn: 1 元}]", "是不是“burden”"),
        ("settlements: [{settled: 2022-03-32}]", "不是日期或时刻"),
        ("settlements: [{settled: 2022-03-01, burden: -1 元}]", "“-1 元”不是金额"),
        ("settlements: [{settled: 2022-03-01, admitted: 2022-04-01}]", "在出院日 2022-03-01 之后"),
        ("settlements: [{settled: 2022-03-01, care: chronic}]", "settlements 的第 1 项的 care“chronic”不是医疗类别代码"),
        ("settlements: [{settled: 2022-03-01, referral: 转诊}]", "referral“转诊”没有这个代码，可用的：local、filed、unfiled"),
        ("settlements: [{settled: 2022-03-01, hosp_lv: 三级}]", "hosp_lv“三级”没有这个代码"),
        ("settlements: [{settled: 2022-03-01, cause: 车祸}]", "cause“车祸”没有这个代码"),
        ("settlements: [一千元]", "settlements 的第 1 项应是键值表"),
        ("cancelled: [9]", "cancelled 里的“9”"),
        ("applications: [{on: 2022-03-01}]", "缺少“layer”"),
        ("delegated: {jx.other: 1 元}", "“jx.other”在政策包里没有声明"),
        ("readings: [I-01]", "readings应是键值表"),
        ("{kind: warning, facts: {warning: none, year: 2022}}", "“none”在政策包里没有"),
        ("{kind: premium, facts: {year: 2022}}", "没有“collection”"),
        ("{kind: premium, facts: {yaer: 2022}}", "是不是“year”"),
        ("{kind: clearing, facts: {year: 今年}}", "写法不是它该有的样子"),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_case(change, says):
    with pytest.raises(InputErrors) as caught:
        ran({**GOOD, **parse_yaml(change, file="x").data})
    (wrong,) = caught.value.faults
    assert (wrong.file, wrong.line) == ("x/cases.yaml", 7)
    assert says in str(wrong)


@pytest.mark.parametrize("item", ["一句话", ["一", "二"], None])
def test_what_is_no_case_at_all_is_told(item):
    with pytest.raises(InputErrors) as caught:
        ran(item)
    assert "案例应是键值表" in str(caught.value)
