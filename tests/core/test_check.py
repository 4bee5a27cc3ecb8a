"""Checks of a pack: each finding on a small pack that is sound but for one change."""

from datetime import date

import msgspec
import pytest
from sound_pack import source

from tuodi.core.errors import PackErrors
from tuodi.core.policy import model
from tuodi.core.policy.check import check, errors_of, open_warnings
from tuodi.core.policy.check_figures import UNITS
from tuodi.core.policy.check_ids import NOT_HERE, REFERS
from tuodi.core.policy.check_shape import exact_share
from tuodi.core.policy.figures import EnteredValue

STANDARD = [EnteredValue("jx.standard", "600.00", "县民政局文件")]
ROW = {"clause": "JX-4.3", "rate": "50%"}
WINDOW = {"clause": "JX-6", "name": "认定前 6 个月", "identities": ["dibao"], "months": 6}
BASE = {"measure": "in_policy", "clause": "JX-7"}
SECOND = {
    "id": "second", "name": "二次救助", "clause": "JX-7", "covers": {"category": ["dibao"]}, "base": BASE, "fund": "assistance",
    "figures": [{"clause": "JX-7.1", "rate": "30%"}],
}  # fmt: skip


def layer(**more):
    return {"layers.+": {**SECOND, **more}}


def found(changes=None, values=STANDARD, **more):
    return check(source(changes, **more), values)


def codes(changes=None, values=STANDARD, **more):
    return [finding.code for finding in found(changes, values, **more)]


def test_a_sound_pack_has_nothing_to_say():
    assert [str(f) for f in found()] == []


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"layers.0.fund": "nobody"}, "E-CHECK-NAME", "资金“nobody”"),
        ({"layers.0.covers.category": ["dibao", "edge", "third"]}, "E-CHECK-NAME", "类别“third”"),
        ({"categories.0.identities": ["dibao", "duke"]}, "E-CHECK-NAME", "身份“duke”"),
        ({"layers.0.covers.disease": ["plague"]}, "E-CHECK-NAME", "病种类别“plague”"),
        ({"layers.0.covers.window": "ever"}, "E-CHECK-NAME", "追溯窗口“ever”"),
        ({"layers.0.figures.1.deductible": {"delegated": "jx.what"}}, "E-CHECK-NAME", "授权参数“jx.what”"),
        ({"layers.0.base.less": ["my_pay"]}, "E-CHECK-NAME", "支付方“my_pay”"),
        ({"layers.0.readings": ["I-01", "I-77"]}, "E-CHECK-NAME", "释义“I-77”"),
        ({"layers.0.figures.1.caps": {"other": "1 万元"}}, "E-CHECK-NAME", "限额“other”"),
        ({"refusals": [{"id": "x", "clause": "JX-8", "says": "不付", "when": {"cause": ["bored"]}}]}, "E-CHECK-NAME", "致伤原因“bored”"),
        ({"procedures": [{"id": "p", "name": "办理", "clause": "JX-8", "steps": [
            {"id": "s", "clause": "JX-8", "does": "审核", "by": "县局", "term": "soon"}]}]}, "E-CHECK-NAME", "期限“soon”"),
        ({"diseases": {"clause": "JX-8", "classes": [{"id": "major", "name": "大病", "clause": "JX-8", "list": "none"}]}},
         "E-CHECK-NAME", "病种清单“none”"),
        ({"layers.0.base.after": ["inpatient"]}, "E-CHECK-LATER-LAYER", "“inpatient”"),
        ({"layers.0.period": "window:ever"}, "E-CHECK-PERIOD", "没有追溯窗口“ever”"),
        ({"layers.0.period": "application"}, "E-CHECK-PERIOD", "依申请"),
        ({"funds.+": {"id": "assistance", "name": "再来", "clause": "JX-9"}}, "E-CHECK-TWICE", "assistance"),
        ({"categories.0.identities": ["dibao", "dibao"]}, "E-CHECK-TWICE", "dibao"),
        ({"layers.0.figures.0.rate": "120%"}, "E-CHECK-OVER-100", "120%"),
        ({"layers.0.figures.0.rate": "3000 元"}, "E-CHECK-FIGURE", "不是比例"),
        ({"layers.0.figures.1.deductible": "70%"}, "E-CHECK-FIGURE", "不是金额"),
        ({"layers.0.figures.1.deductible": {"share": "long", "of": "3000 元"}}, "E-CHECK-FIGURE", "“long”不是比例"),
        ({"layers.0.figures.1.deductible": {"share": "10%"}}, "E-CHECK-FIGURE-FORM", "不完整"),
        ({"layers.0.figures.1.deductible": {"delegated": "jx.standard", "plus": "1 元"}}, "E-CHECK-FIGURE-FORM", "不完整"),
        ({"layers.0.figures.1.rate": {"delegated": "jx.standard"}}, "E-CHECK-UNIT", "需要比例"),
        ({"layers.0.figures.1.deductible": [{"first": "2023-01-01", "value": "1 元"}, {"first": "2022-01-01", "value": "2 元"}]},
         "E-CHECK-DATED", "先后"),
        ({"layers.0.figures.1.rate": None}, "E-CHECK-PAYS-NOTHING", "没有写怎么付"),
        ({"layers.0.figures.1.bands": [{"rate": "50%"}]}, "E-CHECK-IGNORED", "“rate”"),
        ({"layers.0.figures.0.deductibles_of_year": "2000 元"}, "E-CHECK-IGNORED", "deductibles_of_year"),
        ({"layers.0.figures.0.top_up_to": "90%"}, "E-CHECK-IGNORED", "top_up_to"),
        ({"layers.0.base.cut_of": "inpatient"}, "E-CHECK-IGNORED", "measure 不是 cut"),
        (layer(base={"measure": "cut", "clause": "JX-7"}), "E-CHECK-IGNORED", "没有写 cut_of"),
        (layer(base={"measure": "cut", "cut_of": "inpatient", "upstream": True, "clause": "JX-7"}), "E-CHECK-IGNORED", "不再减别的"),
        (layer(deductible={"per": "stay"}), "E-CHECK-IGNORED", "起付线金额"),
        ({"layers.0.figures.0.when.age": {"from": 18, "to": 18}}, "E-CHECK-IGNORED", "没有人在这个年龄段"),
        ({"layers.0.factor": {"state": "declined_basic_service", "share": "1/3", "clause": "JX-8"}}, "E-CHECK-SHARE", "1/3"),
        (layer(period="stay", caps={"yearly": {"per": "stay"}}, of="household",
               figures=[{"clause": "JX-7", "rate": "1%", "caps": {"yearly": "1 元"}}]), "E-CHECK-CAP-PERIOD", "期间 per"),
        (layer(of="household", caps={"yearly": {}}, figures=[{"clause": "JX-7", "rate": "1%", "caps": {"yearly": "1 元"}}]),
         "E-CHECK-TOGETHER", "单位 of"),
        ({"readings.I-01.default": "never"}, "E-READING-UNKNOWN", "never"),
        ({"readings|I-01|choices|stay|set": {"layers[outpatient].period": "stay"}}, "E-CHECK-READING", "不存在"),
        ({"readings|I-01|choices|stay|set": {"layers[inpatient].fund": "nobody"}}, "E-CHECK-READING", "资金“nobody”"),
        ({"layers.0.figures.1.when.category": ["dibao"]}, "E-CHECK-HOLE", "低保边缘家庭成员"),
        ({"layers.0.figures.1.when": {}}, "E-CHECK-OVERLAP", "第 1、2 行"),
        ({"layers.0.covers.category": None, "layers.0.covers.identity": ["dibao", "low_income"]}, "E-CHECK-HOLE", "低收入"),
        ({"windows": {"six": WINDOW}, "layers.0.period": "window:six"}, "E-CHECK-OUTSIDE-WINDOW", "不在追溯窗口内"),
        ({"in_force.last": "2021-01-01"}, "E-CHECK-LIFE", "末日早于首日"),
        ({"layers.0.figures.0.bands": [{"rate": "1%"}, {"from": "9 元", "rate": "2%"}, {"from": "5 元", "rate": "3%"}],
          "layers.0.figures.0.rate": None}, "E-PACK-RANGE", "from2"),
        ({"layers.0.figures.0.bring_down": {"trigger": "1 元", "target": "2 元"}, "layers.0.figures.0.rate": None}, "E-PACK-RANGE", "trigger"),
        ({"layers.0.figures.0.rate": {"plus": "40%", "of": "70%"}}, "E-PACK-RANGE", "rate0"),
    ],
)  # fmt: skip
def test_error(changes, code, says):
    findings = errors_of(found(changes))
    assert code in [f.code for f in findings], [str(f) for f in findings]
    assert any(says in str(f) for f in findings), [str(f) for f in findings]


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"windows": {"six": WINDOW}}, "W-UNUSED", "追溯窗口“six”"),
        ({"layers.0.caps.spare": {}}, "W-UNUSED", "spare"),
        ({"layers.0.clause": "ZZ-4"}, "W-CLAUSE-PREFIX", "ZZ-4"),
        ({"care.inpatient": ["21", "37"]}, "W-MED-TYPE", "37"),
        ({"categories.1.identities": ["dibao"]}, "W-DEAD-CATEGORY", "低保边缘家庭成员"),
        ({"categories.1.identities": ["dibao", "dibao_edge"]}, "W-IDENTITY-AGAIN", "已属于前面的类别“低保对象”"),
        ({"identity_rules": [{"clause": "JX-6", "identities": ["all"]}, {"clause": "JX-6", "identities": ["dibao"]}]},
         "W-DEAD-IDENTITY-RULE", "dibao"),
        ({"identity_rules": [{"clause": "JX-6", "identities": ["dibao"]}, {"clause": "JX-6", "identities": ["dibao"]}]},
         "W-DEAD-IDENTITY-RULE", "dibao"),
        ({"layers.0.readings": [], "readings|I-01|choices|stay|set": {}}, "W-READING-UNUSED", "I-01"),
        ({"readings|I-01|choices|stay|set": {}}, "W-READING-SAME", "stay"),
        ({"layers.0.figures.1.deductible": [{"first": "2023-01-01", "value": "1 元"}]}, "W-DATED-LATE", "2023-01-01"),
        ({"layers.0.bands": "whole"}, "W-NO-EFFECT", "bands: whole"),
        ({"layers.0.position": "before_deductible"}, "W-NO-EFFECT", "before_deductible"),
        ({"layers.0.caps.yearly.steps_on": "counted"}, "W-NO-EFFECT", "steps_on"),
        (layer(of="household"), "W-MIXED-UNITS", "家庭"),
        (layer(period="stay", caps={"yearly": {}}, figures=[{"clause": "JX-7", "rate": "1%", "caps": {"yearly": "1 元"}}]),
         "W-CAP-PERIODS", "期间 period"),
        ({"insurance": [SECOND]}, "W-INSURANCE-PAYS", "二次救助"),
        ({"layers.0.figures.+": {**ROW, "when": {"category": ["edge"], "care": ["other"]}}}, "W-DEAD-ROW", "第 3 行"),
        ({"layers.0.figures.+": {**ROW, "when": {"category": ["edge"]}, "last": "2021-12-31"}}, "W-DEAD-ROW", "第 3 行"),
        (layer(covers={}), "W-COVERS-EVERYONE", "二次救助"),
        ({"categories.+": {"id": "third", "name": "第三类", "clause": "JX-3", "identities": ["low_income"]}},
         "W-CATEGORY-EARNS-NOTHING", "第三类"),
        ({"refusals": [{"id": "x", "clause": "JX-8", "says": "不付", "when": {"care": ["inpatient"]}}]}, "W-REFUSAL-HIDES", "不付"),
        ({"refusals": [{"id": "x", "clause": "JX-8", "says": "不付", "when": {"age": {"from": 300}}}]}, "W-DEAD-REFUSAL", "不付"),
        ({"accepted": [{"warning": "W-UNUSED", "reason": "以后用", "by": "县局"}]}, "W-ACCEPTED-STALE", "W-UNUSED"),
    ],
)  # fmt: skip
def test_warning(changes, code, says):
    findings = open_warnings(found(changes))
    assert code in [f.code for f in findings], [str(f) for f in found(changes)]
    assert any(says in str(f) for f in findings), [str(f) for f in findings]


def test_rows_may_follow_each_other_in_time():
    changes = {
        "layers.0.figures.1.last": "2022-12-31",
        "layers.0.figures.+": {**ROW, "when": {"category": ["edge"]}, "first": "2023-01-01"},
    }
    assert codes(changes) == []


def test_rows_with_a_day_between_them_leave_a_hole_on_that_day():
    changes = {
        "layers.0.figures.1.last": "2022-12-30",
        "layers.0.figures.+": {**ROW, "when": {"category": ["edge"]}, "first": "2023-01-01"},
    }
    (hole,) = errors_of(found(changes))
    assert hole.code == "E-CHECK-HOLE"
    assert "2022-12-31 起" in str(hole)


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


def test_an_officer_accepts_a_warning_of_one_layer():
    accepted = [{"warning": "W-CATEGORY-ORDER:低保边缘家庭成员", "reason": "文件如此", "by": "县医保局"}]
    (order,) = [
        f for f in found({"layers.0.figures.0.rate": "40%", "accepted": accepted}) if f.level == "warning"
    ]
    assert order.accepted is not None
    assert order.accepted.by == "县医保局"
    assert "已由县医保局接受" in str(order)


def test_errors_cannot_be_accepted():
    accepted = [{"warning": "E-CHECK-NAME", "reason": "没事", "by": "县医保局"}]
    assert errors_of(found({"layers.0.fund": "nobody", "accepted": accepted}))[0].accepted is None


OPTIONAL = {"delegated|jx.standard|optional": True}
RATE = {
    "delegated": {"jx.rate": {"clause": "JX-4", "asks": "比例", "left_to": "文件", "unit": "percent"}},
    "layers.0.figures.0.rate": {"delegated": "jx.rate"}, "layers.0.figures.0.caps": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "values", "code"),
    [
        ({}, [], "N-VALUE-MISSING"),
        (OPTIONAL, [], "N-VALUE-OPTIONAL"),
        ({}, [EnteredValue("jx.standard", "600.00", "示例值")], "N-VALUE-SAMPLE"),
        ({}, [EnteredValue("jx.standard", "600.00", "文件", date(2023, 1, 1))], "W-VALUE-GAP"),
        ({}, [EnteredValue("jx.standard@999001.rural", "lots", "文件")], "E-CHECK-VALUE"),
        (RATE, [EnteredValue("jx.rate", "150%", "文件")], "E-CHECK-OVER-100"),
    ],
)
def test_values_missing_sample_late_wrong_and_over(changes, values, code):
    assert code in codes(changes, values=values)


def test_values_of_other_packs_are_no_business_of_this_one():
    assert codes(values=[*STANDARD, EnteredValue("zz.other", "lots", "文件")]) == []


def test_shape_faults_come_as_findings_too():
    with pytest.raises(PackErrors):
        found({"layers.0.colour": "red"})


@pytest.mark.parametrize("share", ["x", "1/x", "1/0", "50", "50%/2"])
def test_shares_that_are_none(share):
    assert not exact_share(share)


def parts_of_model():
    return [
        part
        for part in vars(model).values()
        if isinstance(part, type) and issubclass(part, model.Part) and part is not model.Part
    ]


def test_every_key_that_holds_names_is_known_to_the_check():
    """A key added to the model must be added to REFERS (or here, if its names are its own)."""
    own = {
        "id",
        "pack",
        "default",
        "choices",
        "caps",
        "cap_steps",
        "windows",
        "otherwise",
        "delegated",
        "readings",
    }
    for part in parts_of_model():
        for known in msgspec.structs.fields(part):
            if "a-z0-9" in str(known.type) or "I-[0-9]" in str(known.type):
                key = known.encode_name
                assert key in REFERS or key in own or (part, key) in NOT_HERE, (part.__name__, key)


def test_every_figure_of_the_model_has_a_unit():
    for part in parts_of_model():
        for known in msgspec.structs.fields(part):
            kinds = str(known.type)
            figure = (
                "Figure" in kinds
                and "FigureRow" not in kinds
                and part not in (model.Figure, model.DatedFigure)
            )
            assert not figure or (part, known.encode_name) in UNITS, (part.__name__, known.encode_name)
