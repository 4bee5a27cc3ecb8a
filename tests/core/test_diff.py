"""Differences between packs, readings and days, in words."""

from datetime import date

from sound_pack import pack, source

from tuodi.batch.packs import pack_of, shelf
from tuodi.core.policy.diff import diff, on_day, values_on
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack


def changes(after, before=None, values=()):
    return [str(change) for change in diff(pack(before), pack(after), list(values))]


def test_no_difference():
    assert changes({}) == []


def test_a_figure_of_one_row():
    assert changes({"layers.0.figures.1.rate": "65%"}) == [
        "救助层 › “住院救助” › 数额 › “低保边缘家庭成员” › 比例：60% → 65%〔JX-4.2〕"
    ]


def test_a_figure_added_and_taken_away():
    assert changes({"layers.0.figures.0.deductible": "500 元", "layers.0.figures.1.deductible": None}) == [
        "救助层 › “住院救助” › 数额 › “低保对象” › 起付线：（无） → 500 元〔JX-4.1〕",
        "救助层 › “住院救助” › 数额 › “低保边缘家庭成员” › 起付线：3,000 元 → （无）〔JX-4.2〕",
    ]


def test_rows_layers_and_identities_added_removed_and_moved():
    second = {"id": "second", "name": "二次救助", "clause": "JX-7", "base": {"measure": "in_policy", "clause": "JX-7"}, "fund": "assistance",
              "figures": [{"clause": "JX-7", "rate": "30%"}]}  # fmt: skip
    added = changes({"layers.+": second, "categories.0.identities": ["dibao", "low_income"]})
    assert added[0] == "类别 › “低保对象” › 身份：低保对象 → 低保对象、低收入救助对象〔JX-3〕"
    assert added[1].startswith(
        "增加救助层 › “二次救助”：基数 口径 政策范围内费用，减去上游救助 否，数额 适用于 不限，比例 30%"
    )
    assert added[1].endswith("〔JX-7〕")
    removed = changes({}, before={"layers.+": second})
    assert removed[0].startswith("删去救助层 › “二次救助”")
    both = pack({})
    turned = load_pack(source({"categories": [
        {"id": "edge", "name": "低保边缘家庭成员", "clause": "JX-3", "identities": ["dibao_edge"]},
        {"id": "dibao", "name": "低保对象", "clause": "JX-3", "identities": ["dibao"]},
    ]}))  # fmt: skip
    assert [str(change) for change in diff(both, turned)] == [
        "次序改变类别：低保对象、低保边缘家庭成员 → 低保边缘家庭成员、低保对象"
    ]


def test_rows_with_equal_conditions_are_told_apart():
    row = {"clause": "JX-4.2", "when": {"category": ["edge"]}, "rate": "50%"}
    first, last = {**row, "last": "2022-12-31"}, {**row, "first": "2023-01-01"}
    both = {"layers.0.figures": [first, last]}
    assert changes({"layers.0.figures": [first, {**last, "rate": "55%"}]}, before=both) == [
        "救助层 › “住院救助” › 数额 › “低保边缘家庭成员′” › 比例：50% → 55%〔JX-4.2〕"
    ]


def test_conditions_and_names_are_said_as_people_call_them():
    assert changes(
        {"layers.0.covers.care": ["inpatient", "other"], "layers.0.base.less": ["hifp_pay"], "layers.0.period": "stay"}
    ) == [
        "救助层 › “住院救助” › 基数 › 减去谁付的：（默认） → 基本医保统筹支付〔JX-4〕",
        "救助层 › “住院救助” › 适用范围：低保对象、低保边缘家庭成员，住院 → 低保对象、低保边缘家庭成员，住院、其他门诊〔JX-4〕",
        "救助层 › “住院救助” › 累计期间：自然年度 → 每次住院〔JX-4〕",
    ]


def test_a_reading_switched_shows_what_it_changes():
    assert [str(c) for c in diff(load_pack(source()), load_pack(source(), readings={"I-01": "stay"}))] == [
        "释义 I-01：按年累计（year） → 按次（stay）〔JX-4〕",
        "救助层 › “住院救助” › 起付线怎么扣 › 期间：自然年度 → 每次住院〔JX-4〕",
    ]


def test_readings_added_removed_and_rewritten():
    other = {"clause": ["JX-5"], "question": "限额按谁算", "default": "one", "choices": {"one": {"means": "个人"}}}
    assert changes({"readings|I-02": other}) == ["增加释义 I-02：限额按谁算〔JX-5〕"]
    assert changes({}, before={"readings|I-02": other}) == ["删去释义 I-02：限额按谁算〔JX-5〕"]
    assert changes({"readings|I-01|choices|stay|means": "每次"}) == [
        "释义 I-01：起付线按年还是按次：year（按年累计）；stay（按次） → 起付线按年还是按次：year（按年累计）；stay（每次）〔JX-4〕"
    ]


def test_a_closed_list_a_flag_and_a_whole_part():
    factor = {"state": "declined_basic_service", "share": "1/2", "clause": "JX-8"}
    assert changes({"year_of": "discharge", "layers.0.base.upstream": True, "layers.0.factor": factor}) == [
        "年度归属：结算日 → 出院日",
        "救助层 › “住院救助” › 基数 › 减去上游救助：否 → 是〔JX-4〕",
        "救助层 › “住院救助” › 按份额付：（无） → 状态 放弃依从基础健康服务，份额 1/2，打折的是 应付金额，以哪天判断 结算日〔JX-4〕",
    ]


def test_caps_are_matched_by_their_ids():
    assert changes(
        {"layers.0.figures.1.caps": {"yearly": "3 万元", "other": "1 万元"}, "layers.0.caps.other": {"per": "once"}}
    ) == [
        "增加救助层 › “住院救助” › 数额 › “低保边缘家庭成员” › 限额 › “other”：10,000 元〔JX-4.2〕",
        "增加救助层 › “住院救助” › 限额怎么算 › “other”：期间 终身，升档依据 累计个人负担，升档时补付 是〔JX-4〕",
    ]


def test_entered_values_of_two_days():
    values = [
        EnteredValue("jx.standard", "600.00", "文件", date(2022, 1, 1)),
        EnteredValue("jx.standard", "650.00", "文件", date(2023, 1, 1)),
    ]
    times = {"layers.0.figures.1.deductible": {"times": 12, "of": {"delegated": "jx.standard"}}}
    before, after = pack({}), pack(times)
    said = [
        str(c) for c in diff(before, after, values_on(values, date(2022, 6, 1)), values_on(values, date(2023, 6, 1)))
    ]
    assert said == [
        "救助层 › “住院救助” › 数额 › “低保边缘家庭成员” › 起付线：3,000 元 → 月低保标准的 12 倍（现为 7,800 元）〔JX-4.2〕"
    ]


def test_two_days_of_one_pack():
    its = pack({
        "layers.0.figures.0.rate": [{"first": "2022-01-01", "value": "70%"}, {"first": "2023-01-01", "value": "75%"}],
        "layers.0.figures.1.last": "2022-12-31",
        "layers.0.figures.+": {"clause": "JX-4.3", "when": {"category": ["edge"], "care": ["inpatient"]}, "first": "2023-01-01", "rate": "65%"},
    })  # fmt: skip
    said = [str(c) for c in diff(on_day(its, [], date(2022, 6, 1)), on_day(its, [], date(2023, 6, 1)))]
    assert said[0] == "救助层 › “住院救助” › 数额 › “低保对象” › 比例：70% → 75%〔JX-4.1〕"
    assert said[1].startswith("删去救助层 › “住院救助” › 数额 › “低保边缘家庭成员”")
    assert said[2].startswith("增加救助层 › “住院救助” › 数额 › “低保边缘家庭成员，住院”")


def test_every_reading_of_every_pack_makes_a_difference_or_says_that_it_makes_none():
    from tuodi.batch.packs import source_of

    for name in shelf():
        its = pack_of(name)
        texts = source_of(name)
        for reading, known in its.readings.items():
            for choice in known.choices:
                found = diff(its, load_pack(texts, readings={reading: choice}))
                assert bool(found) == (choice != known.default)
                assert all(change.where for change in found)
