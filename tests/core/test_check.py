"""Checks of a pack: each finding on a small pack that is sound but for one change."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from sound_pack import SECOND, STANDARD, codes, found, layer, source

from tuodi.batch.packs import entered_values, pack_of, shelf, source_of
from tuodi.core.errors import PackErrors
from tuodi.core.policy import model
from tuodi.core.policy.check import check, errors_of, open_warnings
from tuodi.core.policy.check_figures import UNITS
from tuodi.core.policy.check_ids import NOT_HERE, REFERS
from tuodi.core.policy.check_shape import exact_share
from tuodi.core.policy.figures import EnteredValue

ROW = {"clause": "JX-4.3", "rate": "50%"}
WINDOW = {"clause": "JX-6", "name": "认定前 6 个月", "identities": ["dibao"], "months": 6}


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
        (layer(figures=[]), "E-CHECK-NO-ROWS", "没有一行数额"),
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
        ({"readings|I-01|choices|stay|set": {"layers[inpatient].deductible.per": "year"}}, "W-READING-SAME", "stay"),
        ({"windows": {"six": WINDOW}, "identity_rules": [{"clause": "JX-6", "identities": ["dibao_edge"], "window": "six"}]},
         "W-DEAD-WINDOW", "认定前 6 个月"),
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


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"in_force.first": "2024-13-01"}, "in_force › first"),
        ({"in_force.last": "2024-02-30"}, "in_force › last"),
        ({"document.issued": "2024-00-01"}, "document › issued"),
    ],
)
def test_a_day_that_no_calendar_has_is_told_as_one(changes, where):
    with pytest.raises(PackErrors) as caught:
        source(changes)
    (wrong,) = caught.value.faults
    assert wrong.code == "E-PACK-SHAPE"
    assert f"“{where}”写法不对：不是 yyyy-mm-dd 日期" in str(wrong)


@pytest.mark.parametrize(
    ("caps", "period", "is_told"),
    [
        ({"per": "claim"}, "year", True),
        ({"per": "stay"}, "once", True),
        ({"per": "claim", "revives": False}, "year", False),
        ({"per": "claim"}, "claim", False),
        ({"per": "year"}, "year", False),
    ],
)
def test_a_cap_of_one_claim_whose_cut_comes_back_later_is_told(caps, period, is_told):
    figures = [{"clause": "JX-7", "rate": "30%", "caps": {"each": "1000 元"}}]
    told = [f for f in found(layer(caps={"each": caps}, period=period, figures=figures)) if f.code == "W-CAP-CARRIES"]
    assert bool(told) == is_told


def test_figures_that_come_out_of_order_are_told_with_file_and_line():
    (wrong,) = errors_of(
        found({"layers.0.figures.0.bring_down": {"trigger": "1 元", "target": "2 元"}, "layers.0.figures.0.rate": None})
    )
    assert wrong.fault.file
    assert wrong.fault.line > 1


def test_an_officer_accepts_a_warning_of_one_layer():
    accepted = [{"warning": "W-CATEGORY-ORDER:低保边缘家庭成员", "reason": "文件如此", "by": "县医保局"}]
    (order,) = [f for f in found({"layers.0.figures.0.rate": "40%", "accepted": accepted}) if f.level == "warning"]
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


def test_a_row_of_figures_cannot_wait_for_an_application_of_its_own():
    with pytest.raises(PackErrors, match=r"figures.*due"):
        found({"layers.0.figures.0.due": "application"})


def test_half_of_something_is_exact():
    assert exact_share("50%")
    assert exact_share("1/2")


@pytest.mark.parametrize("share", ["x", "1/x", "1/0", "50", "50%/2"])
def test_shares_that_are_none(share):
    assert not exact_share(share)


EVERYTHING = {
    "care": ["inpatient", "other"], "med_type": ["21", "41"], "disease": ["major", "general"], "diagnosis": {"delegated": "jx.list"},
    "not_diagnosis": "Z33;Z34", "hospital": ["primary", "tertiary"], "age": {"from": 18, "to": 60}, "referral": ["local", "filed"],
    "out_of_province": False, "registered": ["here"], "designated": True, "assistance_institution": True, "window": "six",
    "not_identity": ["orphan"], "any_of": [{"identity": ["dibao"]}, {"category": ["edge"]}],
}  # fmt: skip
LIST = {"clause": "JX-6", "asks": "慢性病清单", "left_to": "市医保局", "unit": "diagnoses", "optional": True}
DISEASES = {"clause": "JX-6", "classes": [{"id": "major", "name": "大病", "clause": "JX-6", "list": "own"}]}
WIDE = {
    "windows": {"six": WINDOW, "year": {**WINDOW, "name": "认定前 12 个月", "months": 12}},
    "delegated|jx.list": LIST,
    "diseases": DISEASES,
}
OWN = "list,disease,icd10,under_age,note\nown,肺癌,C34,,\n"


def test_every_condition_is_told_apart():
    says = layer(
        covers=EVERYTHING, caps={"w": {"per": "window:six"}, "y": {"per": "window_year:year"}}, period="window:six"
    )
    listed = [*STANDARD, EnteredValue("jx.list", "I10;E11", "市医保局文件")]
    findings = check(source({**WIDE, **says}, diseases=OWN), listed)
    hidden = {"N-GRID", "N-NEEDS-FACT", "W-UNUSED", "E-CHECK-OUTSIDE-WINDOW", "W-CATEGORY-EARNS-NOTHING", "W-DEAD-ROW"}
    assert {f.code for f in findings} - hidden == set(), [str(f) for f in findings]
    assert {"N-GRID", "N-NEEDS-FACT"} <= {f.code for f in findings}


def test_a_hole_is_said_in_few_words():
    row = {**ROW, "when": {"care": ["inpatient"], "hospital": ["primary", "secondary"]}}
    (hole,) = errors_of(found(layer(covers={"category": ["dibao"]}, figures=[row])))[:1]
    assert "覆盖“低保对象 × 三级医院”" in str(hole)


def test_rows_bound_by_days_that_nobody_has_entered_leave_the_pack_without_an_answer():
    day = {"delegated|jx.end": {"clause": "JX-1", "asks": "止日", "left_to": "文件", "unit": "day", "optional": True}}
    assert [
        f.code for f in found({**day, "layers.0.figures.1.last": {"delegated": "jx.end"}}) if f.level != "note"
    ] == ["E-DELEGATED-MISSING", "E-CHECK-LIFE"]


def test_a_refusal_by_a_list_that_nobody_has_entered_is_not_judged():
    refusal = [{"id": "x", "clause": "JX-8", "says": "不在清单", "when": {"not_diagnosis": {"delegated": "jx.list"}}}]
    assert codes({"delegated|jx.list": LIST, "refusals": refusal}) == ["N-VALUE-OPTIONAL"]


def test_dated_figures_from_the_first_day_on():
    assert (
        codes(
            {
                "layers.0.figures.1.deductible": [
                    {"first": "2022-01-01", "value": "3000 元"},
                    {"first": "2023-01-01", "value": "2000 元"},
                ]
            }
        )
        == []
    )


def test_a_hole_or_overlap_over_several_stretches_of_time_is_said_once():
    edge = {"clause": "JX-4.2", "when": {"category": ["edge"]}, "rate": "60%"}
    rows = [
        {**edge, "last": "2022-12-31"},
        {**edge, "first": "2023-01-01"},
        {**edge, "last": "2023-12-31"},
        {**edge, "when": {"category": ["dibao"], "hospital": ["primary"]}, "first": "2022-07-01"},
    ]
    findings = errors_of(found({"layers.0.figures": rows, "readings": {}, "layers.0.readings": []}))
    assert sorted(f.code for f in findings) == ["E-CHECK-HOLE", "E-CHECK-HOLE", "E-CHECK-OVERLAP", "E-CHECK-OVERLAP"]
    assert [
        sum(said in str(f) for f in findings)
        for said in ("“低保对象 × 住院”", "“低保对象 × 住院 × 二级医院或三级医院”")
    ] == [1, 1]


def test_values_that_begin_too_late_leave_days_without_an_answer():
    late = [EnteredValue("jx.standard", "600.00", "文件", date(2023, 1, 1))]
    life = [f for f in found(values=late) if f.code == "E-CHECK-LIFE"]
    assert "2022-01-01 不能作答" in str(life[0])


@pytest.mark.parametrize("name", shelf())
def test_every_pack_on_the_shelf_is_sound(name):
    values = entered_values(Path(__file__).parent.parent / "data" / "delegated-sample.yaml", pack_of(name))
    assert [str(finding) for finding in errors_of(check(source_of(name), values))] == []


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
            figure = "Figure" in kinds and "FigureRow" not in kinds and part not in (model.Figure, model.DatedFigure)
            assert not figure or (part, known.encode_name) in UNITS, (part.__name__, known.encode_name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("big,肺癌,C34,,\n", "第 1 行写法不对：第一行应是列名"),
        ("list;disease;icd10;under_age;note\nbig;肺癌;C34;;\n", "第一行应是列名"),
        ("list,disease,icd10,under_age,note\nbig,肺癌,C34,,,多\n", "列数不对"),
        ("list,disease,icd10,under_age,note\nbig,肺癌,,,\n", "列数不对或清单、编码为空"),
        ("list,disease,icd10,under_age,note\nbig,肺癌,肺癌,,\n", "“肺癌”不是 ICD-10 编码"),
        ("list,disease,icd10,under_age,note\nbig,肺癌,C34；C35,,\n", "“C34；C35”不是 ICD-10 编码"),
        ("list,disease,icd10,under_age,note\nbig,肺癌,C34;,,\n", "“”不是 ICD-10 编码"),
        ("list,disease,icd10,under_age,note\n\nbig,肺癌,c34,,\n", "第 3 行写法不对：“c34”不是 ICD-10 编码"),
        ("list,disease,icd10,under_age,note\nbig,白血病,C91,十八,\n", "年龄“十八”不是整数"),
    ],
)
def test_a_list_of_diseases_written_wrongly_is_told_and_not_silently_matched_with_all_or_none(text, says):
    with pytest.raises(PackErrors) as caught:
        source(diseases=text)
    (wrong,) = caught.value.faults
    assert wrong.file == "sound/diseases.csv"
    assert says in str(wrong)


@pytest.mark.parametrize(
    ("codes", "is_told"), [("C34;I10.x00", False), ("C34；C35", True), ("C34;", True), ("肺癌", True)]
)
def test_diagnoses_in_a_condition_are_prefixes(codes, is_told):
    refusal = [{"id": "ill", "clause": "JX-8", "says": "不付", "when": {"diagnosis": codes}}]
    told = [f for f in errors_of(found({"refusals": refusal})) if f.code == "E-CHECK-FIGURE"]
    assert bool(told) == is_told
