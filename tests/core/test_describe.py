"""A pack in words: every clause and reading is said, for every pack; tables line up; the reference page and schema are up to date."""

import json
import re
import typing
from pathlib import Path

import msgspec
import pytest
from sound_pack import pack
from tests.generate_pack_reference import FILES

from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.core.policy import model
from tuodi.core.policy.cases import run_case
from tuodi.core.policy.check import check, errors_of, open_warnings
from tuodi.core.policy.check_look import parts
from tuodi.core.policy.describe import describe
from tuodi.core.policy.describe_fields import STRUCTURES, label_of, value_words
from tuodi.core.policy.describe_parts import Table, sentence, table
from tuodi.core.policy.describe_text import to_data, to_markdown, to_text, width_of, wrapped
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack, read_source
from tuodi.core.policy.template import new_pack

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "tests" / "data" / "delegated-sample.yaml"
FOLDERS = [*shelf(), *sorted(str(path.parent) for path in (ROOT / "tests" / "packs").glob("*/policy.yaml"))]
EXAMPLE = "999999-example"


def described(changes=None, values=()):
    return describe(pack(changes), list(values))


def said(changes=None, values=()):
    return to_markdown(described(changes, values))


@pytest.mark.parametrize("folder", FOLDERS, ids=[Path(f).name for f in FOLDERS])
def test_every_clause_and_reading_of_a_pack_is_said(folder):
    its = pack_of(folder)
    text = to_markdown(describe(its, entered_values(SAMPLE, its)))
    for _, part in parts(its):
        clause = getattr(part, "clause", "")
        for name in [*(clause if isinstance(clause, list) else [clause]), *getattr(part, "readings", [])]:
            assert re.search(rf"{re.escape(name or '')}(?![0-9.]*[0-9])", text), name
    for name in [
        *(layer.name for layer in its.layers),
        *(c.name for c in its.categories),
        *(p.name for p in its.procedures),
    ]:
        assert name in text


@pytest.mark.parametrize("folder", FOLDERS[:6])
def test_the_text_fits_its_width_and_its_tables_line_up(folder):
    lines = to_text(describe(pack_of(folder)), width=100).splitlines()
    assert max(map(width_of, lines)) <= 100
    assert "".join(lines).count("■") >= 5


def test_plain_data_is_json_and_holds_the_same_sentences():
    data = json.loads(json.dumps(to_data(described())))
    assert data["pack"] == "sound"
    layers = next(s for s in data["sections"] if s["id"] == "layer.inpatient")
    assert layers["blocks"][0]["clauses"] == ["JX-4"]
    assert layers["blocks"][-2]["headers"] == ["适用于", "起付线", "付多少", "年度限额", "条款"]
    assert layers["blocks"][-2]["rows"][1] == ["低保边缘家庭成员", "3,000 元", "60%", "30,000 元", "JX-4.2"]


def figure_of(figure, values=()):
    row = {"clause": "JX-4.2", "when": {"category": ["edge"]}, "deductible": figure, "rate": "60%"}
    blocks = next(
        s for s in described({"layers.0.figures.1": row}, values).sections if s.id == "layer.inpatient"
    ).blocks
    return next(b for b in blocks if isinstance(b, Table)).rows[1][1]


STANDARD = {"delegated": "jx.standard"}
VALUES = [EnteredValue("jx.standard", "600.00", "县民政局文件")]
SAMPLES = [EnteredValue("jx.standard", "600.00", "示例值")]


@pytest.mark.parametrize(
    ("figure", "values", "words"),
    [
        ("1.5 万元", (), "15,000 元"),
        (STANDARD, VALUES, "600 元"),
        (STANDARD, SAMPLES, "600 元（示例）"),
        (STANDARD, [EnteredValue("jx.standard", "六百", "文件")], "六百"),
        (STANDARD, (), "〔未录入〕"),
        ({**STANDARD, "at_least": "500 元"}, VALUES, "不低于 500 元，现为 600 元"),
        ({**STANDARD, "at_least": "500 元"}, (), "不低于 500 元"),
        ({"times": 12, "of": STANDARD}, VALUES, "月低保标准的 12 倍（现为 7,200 元）"),
        ({"times": 12, "of": STANDARD}, SAMPLES, "月低保标准的 12 倍（现为 7,200 元，示例）"),
        ({"times": 12, "of": STANDARD}, (), "月低保标准的 12 倍〔未录入〕"),
        ({"share": "10%", "of": "3 万元"}, (), "30,000 元的 10%（现为 3,000 元）"),
        ({"plus": "1 元", "of": "3000 元"}, (), "3,000 元加 1 元（现为 3,001 元）"),
        (
            [{"first": "2022-01-01", "value": "1 元"}, {"first": "2023-01-01", "value": "2 元"}],
            (),
            "2022-01-01 起 1 元；2023-01-01 起 2 元",
        ),
    ],
)
def test_figures_in_words(figure, values, words):
    assert figure_of(figure, values) == words


def test_values_of_several_days_are_all_said():
    from datetime import date

    values = [
        EnteredValue("jx.standard", "600.00", "文件", date(2022, 1, 1)),
        EnteredValue("jx.standard", "650.00", "文件", date(2023, 1, 1)),
    ]
    assert figure_of(STANDARD, values) == "2022-01-01 起 600 元；2023-01-01 起 650 元"


WHEN = {
    "category": ["edge"], "identity": ["dibao"], "not_identity": ["orphan", "low_income"], "care": ["inpatient", "other"],
    "med_type": ["21"], "disease": ["general"], "diagnosis": "C34;C50", "not_diagnosis": {"delegated": "jx.list"}, "hospital": ["tertiary"],
    "age": {"from": 60}, "referral": ["unfiled"], "out_of_province": True, "cause": ["fight"], "registered": ["elsewhere"],
    "designated": False, "assistance_institution": True, "window": "six", "any_of": [{"age": {"to": 18}}, {"care": ["inpatient"]}],
}  # fmt: skip


def test_every_condition_is_said():
    changes = {
        "windows": {"six": {"clause": "JX-6", "name": "认定前 6 个月", "identities": ["dibao"], "months": 6, "except_last_months": 1,
                            "accompanied_by": ["illness_poverty"], "renewals": True, "before": "applied_on"}},
        "delegated|jx.list": {"clause": "JX-6", "asks": "门诊慢性病清单", "left_to": "市医保局", "unit": "diagnoses", "optional": True},
        "refusals": [{"id": "x", "clause": "JX-8", "says": "不付", "when": WHEN}],
    }  # fmt: skip
    text = said(changes)
    for words in (
        "低保边缘家庭成员，低保对象，非孤儿、非低收入救助对象，住院、其他门诊，普通住院（21），一般疾病，诊断在清单内（C34、C50）",
        "诊断不在清单内（〔未录入〕），三级医院，满 60 周岁，未按规定转诊备案，省外就医，非定点机构，医疗救助定点机构，打架斗殴，户籍在外地",
        "在追溯窗口“认定前 6 个月”内结算，未满 18 周岁；或住院",
        "追溯窗口“认定前 6 个月”：低保对象新申请的，须同日另有因病致贫（重病）患者的认定，追溯申请日以前 6 个月、不含最后 1 个月内结算的费用",
        "〔未录入〕（可不录入）",
    ):
        assert words in text, words


def test_life_and_people_in_words():
    changes = {
        "in_force": {"clause": "JX-1", "first": {"delegated": "jx.day"}, "years": 2, "judged_by": "discharge",
                     "earlier_in_first_year": "counts", "reach_back_before_first": True},
        "delegated|jx.day": {"clause": "JX-1", "asks": "发布日期", "left_to": "县政府网站", "unit": "day"},
        "example": True, "interpreter": "县医保局", "rounding": "each_claim", "category_rule": "best_of_year",
        "uncovered_settlements": "counted", "stay_ends": "settlement",
        "identity_rules": [
            {"clause": "JX-6", "identities": ["dibao"], "certified_months": 12, "certified_until": "month_end", "reach_back_months": 6,
             "lasts_until": "year_end", "per_record": "first_settlement"},
            {"clause": "JX-6", "identities": ["all"], "months_after_end": 24, "per_record": "rest_of_year"},
        ],
    }  # fmt: skip
    text = said(changes, [EnteredValue("jx.day", "2022-03-01", "公报")])
    for words in (
        "这是编造的示例，不是任何地方的政策。", "自 发布日期 2022-03-01 起施行 2 年，以出院日判断。", "由县医保局解释。",
        "施行首年在施行日以前的费用计入累计，但不救助。", "追溯窗口可以早于施行日。", "每次结算单独四舍五入到分。",
        "；全年按当年取得过的最高类别。", "没有身份期间的结算计入累计，但不救助。", "从入院日到结算日任何一天",
        "低保对象：每次认定有效 12 个月，到期月月底止，自申请日追溯 6 个月，身份终止当年仍享受，次年起停止，每次认定只用于第一次结算。",
        "其余各类身份：身份终止后待遇再保留 24 个月，认定后本自然年度内都有效。",
    ):  # fmt: skip
        assert words in text, words


def test_a_first_day_after_another_document():
    day = {"delegated|jx.day": {"clause": "JX-1", "asks": "发布日期", "left_to": "县政府网站", "unit": "day"},
           "in_force.first": {"plus": "30 天", "of": {"delegated": "jx.day"}},
           "identity_rules": [{"clause": "JX-6", "identities": ["dibao"], "certified_months": 12}]}  # fmt: skip
    text = said(day, [EnteredValue("jx.day", "2022-03-01", "公报")])
    assert "自 发布日期加 30 天（现为 2022-03-31） 起施行，长期有效" in text
    assert "低保对象：每次认定有效 12 个月。" in text


def test_an_open_last_day_and_a_given_one():
    last = {"delegated|jx.day": {"clause": "JX-1", "asks": "停止日", "left_to": "县政府", "unit": "day", "optional": True},
            "in_force.last": {"delegated": "jx.day"}}  # fmt: skip
    assert "自 2022-01-01 起施行，长期有效（录入停止日为止）" in said(last)
    assert "至 2024-12-31 止" in said(last, [EnteredValue("jx.day", "2024-12-31", "通知")])


def test_layers_in_words():
    changes = {
        "layers.0.base": {"measure": "in_policy", "clause": "JX-4", "less": ["hifp_pay"], "upstream": True,
                          "penalties": [{"clause": "JX-4.9", "when": {"referral": ["unfiled"]}, "share": "20%"}]},
        "layers.0.deductible": {"per": "stay", "first_claim_only": True, "waived_if_unreached": True},
        "layers.0.factor": {"state": "declined_basic_service", "share": "1/2", "clause": "JX-8", "of": "rate"},
        "layers.0.bands": "whole", "layers.0.position": "before_deductible", "layers.0.of": "household",
        "layers.0.caps.yearly": {"steps_on": "counted", "revives": False, "counts": ["rest"]},
        "layers.0.figures": [
            {"clause": "JX-4.1", "when": {"category": ["dibao"]}, "first": "2022-01-01", "last": "2022-12-31", "deductible": "600 元",
             "deductibles_of_year": "2300 元", "bands": [{"rate": "50%"}, {"from": "2 万元", "rate": "60%", "limit": "3 万元", "less": ["relief_amt"]}],
             "caps": {"yearly": "2 万元"}, "cap_steps": {"yearly": [{"from": "10 万元", "amount": "4 万元"}]}, "due": "december"},
            {"clause": "JX-4.2", "lumps": [{"from": "1 万元", "amount": "1000 元"}]},
        ],
        "layers.+": {"id": "cut", "name": "超限额救助", "clause": "JX-7", "covers": {"category": ["dibao"]}, "fund": "assistance",
                     "base": {"measure": "cut", "cut_of": "inpatient", "clause": "JX-7"}, "figures": [{"clause": "JX-7", "bands": [{"rate": "50%"}]}]},
    }  # fmt: skip
    second = {"id": "rest", "name": "剩余救助", "clause": "JX-8", "fund": "assistance", "caps": {"yearly": {}, "own": {"per": "once"}},
              "base": {"measure": "in_catalogue", "clause": "JX-8", "after": ["inpatient"]},
              "figures": [{"clause": "JX-8", "bring_down": {"trigger": "5 万元", "target": "49900 元"}, "caps": {"yearly": "1 元"}},
                          {"clause": "JX-8", "bring_down": {"trigger": "1 万元", "target": "1 万元"}}, {"clause": "JX-8", "top_up_to": "90%"}]}  # fmt: skip
    its = pack(changes)
    its = msgspec.structs.replace(its, layers=[*its.layers, msgspec.convert(second, model.Layer)])
    text = to_markdown(describe(its))
    for words in (
        "政策范围内费用，只减去基本医保统筹支付，再减去上游医疗救助已付。", "未按规定转诊备案的，基数先扣减 20%。",
        "起付线按每次住院扣除，扣满为止，只从其中第一笔费用扣，未扣满也不再扣；到期仍未扣满的，最后一次结算时不再扣。",
        "全年各次起付线合计另有封顶", "全家合并按自然年度累计。", "放弃依从基础健康服务的，比例按 1/2 计（结算日在此期间）",
        "分段：达到哪一段，全部金额按哪一段的比例；段的位置从零量起，起付线含在内；起点含本数。", "2022-01-01 起 至 2022-12-31",
        "0 元 至 20,000 元 50%；20,000 元以上 60%（本段最多 30,000 元）（本段先减去减免及其他帮扶）",
        "20,000 元；累计满 100,000 元：40,000 元", "当年年底支付", "满 10,000 元给付 1,000 元", "住院救助中被限额截去的部分", "全部 50%",
        "剩余救助的支付也计入；按起付线以上累计金额升档；升档前被截去的部分不补付", "与剩余救助共用", "终身限额（own）按终身计算",
        "（不足零按零），加乙类先行自付，再减去住院救助已付", "超过 50,000 元的，付到只剩 49,900 元", "超过 10,000 元的部分全付", "补足到总报销比例 90%",
        "所有人、所有就医",
    ):  # fmt: skip
        assert words in text, words


def test_insurance_layers_and_windows_of_periods_in_words():
    insurance = [{"id": "serious", "name": "大病保险", "clause": "JX-7", "fund": "assistance", "pays": "hifmi_pay", "period": "window:six",
                  "caps": {"a": {"per": "window_year:six"}}, "base": {"measure": "total", "clause": "JX-7", "less": []},
                  "figures": [{"clause": "JX-7", "rate": "60%"}]}]  # fmt: skip
    text = said(
        {
            "insurance": insurance,
            "layers": [],
            "readings": {},
            "windows": {"six": {"clause": "JX-6", "name": "六个月", "identities": ["dibao"], "months": 6}},
        }
    )
    assert "保险层（模拟用）" in text
    assert "记入居民大病保险支付" in text
    assert "本人按每一个追溯窗口（六个月）累计。" in text
    assert "限额按追溯窗口（六个月）认定日所在的自然年度计算" in text
    assert "基数：医疗费总额。" in text


MORE = {
    "premiums": [
        {"id": "a", "name": "甲", "clause": "JX-5", "insurance": "resident", "who": "jx.list", "amount": "full", "value": "400 元", "only_insured": True},
        {"id": "b", "name": "乙", "clause": "JX-5", "insurance": "supplementary", "identities": ["dibao"], "amount": "none", "only_paid": True},
    ],
    "delegated|jx.list": {"clause": "JX-5", "asks": "参保资助名单", "left_to": "省文件", "unit": "text"},
    "openings": [{"id": "charity", "name": "慈善补充", "clause": "JX-6", "of": "household", "fund": "assistance", "checks": ["村查验"],
                  "materials": ["出院小结"], "lines": [{"clause": "JX-6.1", "when": {"identity": ["dibao"]}, "threshold": "3 万元", "compare": "above"},
                                                       {"clause": "JX-6.2"}],
                  "tally": {"clause": "JX-6", "measure": "total", "less": ["hifp_pay"], "after": ["inpatient"], "counts": "all"}}],
    "warnings": [{"id": "fall", "name": "致贫预警", "clause": "JX-6", "focus": ["dibao_edge"], "of": "household",
                  "tally": {"clause": "JX-6", "measure": "in_catalogue"}, "lines": [{"clause": "JX-6.3", "threshold": "1 万元"}]}],
    "services": [{"id": "exam", "name": "体检", "clause": "JX-6", "times": 1, "per": "once", "first": "2022-01-01", "last": "2022-12-31",
                  "yearly_amount": "3500 元", "least_amount": "100 元", "fund": "assistance", "delegated": ["jx.list"],
                  "requires": [{"id": "i", "asks": "已参保"}], "unless": [{"id": "f", "asks": "当年已免费体检"}]}],
    "deposit_waivers": [{"id": "w", "name": "免押金", "clause": "JX-6", "says": "不收押金"}],
    "duties": [{"clause": "JX-6", "measure": "牵头落实", "lead": ["县局"]}],
    "terms": {
        "deadlines": [{"id": "d", "name": "审核", "clause": "JX-6", "days": {"times": 2, "of": {"delegated": "jx.days"}}, "kind": "calendar", "runs_from": "decision"},
                      {"id": "n", "name": "公示", "clause": "JX-6", "days": {"delegated": "jx.days"}, "kind": "working", "runs_from": "posting",
                       "pauses": True, "rest_day_end": "next_working_day"}],
        "clearing": {"clause": "JX-6", "month": 12, "day": 10, "covers": "calendar_year"},
        "capitation": {"clause": "JX-6", "amount": "150 元", "heads": "first_of_january", "effect": "pass_or_fail", "scale": "100"},
        "advance": {"clause": "JX-6", "institution_gets": "whole_assistance"},
        "admission_notices": [{"told": "service_team", "clause": "JX-6", "says": "有人入院"}],
        "cost_control": {"clause": "JX-6", "selfpay_share_at_most": "10%"},
    },
    "delegated|jx.days": {"clause": "JX-6", "asks": "公示天数", "left_to": "规程", "unit": "days"},
    "procedures": [{"id": "p", "name": "申请", "clause": "JX-6", "notes": ["可代办"],
                    "steps": [{"id": "s", "clause": "JX-6", "does": "公示", "by": "村", "term": "n", "materials": ["名单"]}]}],
    "funds.0": {"id": "assistance", "name": "医疗救助基金", "clause": "JX-9", "delegated": ["jx.list"], "notes": "市级统筹"},
    "means_tests": [{"id": "m", "name": "低收入认定", "clause": "JX-3", "identity": "low_income", "gives_to": "patient", "decided_by": ["民政局"],
                     "criteria": [{"id": "c", "name": "医疗费用", "clause": "JX-3", "kind": "medical_cost", "minus": "in_policy", "limit": "1 万元", "compare": "at_least",
                                   "standard": "residence", "requires": "jx.list"},
                                  {"id": "d", "name": "收入", "clause": "JX-3", "kind": "income_per_head", "limit_per": "month", "times": "1.5"}]}],
    "accepted": [{"warning": "W-UNUSED", "reason": "以后用", "by": "县局"}],
}  # fmt: skip


def test_everything_else_in_words():
    text = said(MORE, [EnteredValue("jx.days", "7", "示例规程")])
    for words in (
        "〔未录入〕（须已参加基本医保） | 个人缴费全额（标准 400 元）", "低保对象（须已缴费） | 不资助",
        "慈善补充：按全家自然年度全部个人负担，只减去基本医保统筹支付，再减去住院救助已付，没有身份期间的也计入；由经办单位酌情决定，不计算金额；查验：村查验；材料：出院小结；资金：医疗救助基金。",
        "低保对象：超过 30,000 元。", "所有人：有负担即可。", "致贫预警：按全家自然年度目录内个人负担；重点监测低保边缘家庭成员。", "所有人：达到 10,000 元。",
        "体检；每人终身 1 次；2022-01-01 至 2022-12-31；每人每年最高 3,500 元；每次不低于 100 元；条件：已参保；不提供的情形：当年已免费体检；资金：医疗救助基金；另定：参保资助名单。",
        "免押金：不收押金。", "公示：自张贴次日起 7（示例） 个工作日，等待补正材料的时间不算，末日是休息日的顺延到下一工作日。",
        "审核：自作出决定次日起 公示天数的 2 倍 日。", "资金每年 12 月 10 日结算，结算范围为整个自然年度。", "打包经费每人每年 150 元，按1 月 1 日在册人数，考核合格即拨付（满分 100）。",
        "救助全部归机构。", "有身份的人入院时通知服务团队：有人入院。", "自付费用比例不超过 10%。", "市级统筹；另定：参保资助名单",
        "由民政局认定患者本人为低收入救助对象。", "申请月之前 12 个月的政策范围内自付医疗费用达到标准（10,000 元）（按居住地标准）（标准另定：〔未录入〕）",
        "家庭收入人均不超过标准（每月 〔未录入〕）的 1.5 倍", "jx.days 用的是示例值", "| W-UNUSED | 以后用 | 县局 |",
    ):  # fmt: skip
        assert words in text, words


def test_a_pack_without_anything_more_says_no_more():
    sections = [s.id for s in described({"readings": {}, "delegated": {}, "layers.0.readings": []}).sections]
    assert sections == ["life", "people", "counts", "layers", "layer.inpatient", "funds"]


def test_lines_are_broken_where_people_break_them():
    assert wrapped("他说“好”。", 4) == ["他说", "“好”。"]
    assert wrapped("ak.catastrophic.deductible", 10) == ["ak.catastr", "ophic.dedu", "ctible"]
    assert wrapped("", 10) == [""]
    assert wrapped("a（b）c （", 99) == ["a（b）c （"]
    assert table(("甲", "乙"), [("1", ""), ("2", "")]).headers == ("甲",)
    assert sentence("话", "A-1", None, "A-1").clauses == ("A-1",)


def parts_of_model():
    return [
        part
        for part in vars(model).values()
        if isinstance(part, type) and issubclass(part, model.Part) and part is not model.Part
    ]


def literals(kind):
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    return [value for inner in typing.get_args(kind) for value in literals(inner)]


def test_every_key_and_value_of_the_model_has_a_chinese_name():
    """A key added to the model must be named in describe_fields_rules.py or describe_fields_rest.py."""
    assert {part.__name__ for part in parts_of_model()} == set(STRUCTURES)
    for part in parts_of_model():
        fields = msgspec.structs.fields(part)
        assert [known.encode_name for known in fields] == list(STRUCTURES[part.__name__].fields), part.__name__
        for known in fields:
            assert literals(known.type) == list(STRUCTURES[part.__name__].fields[known.encode_name].values), (
                part,
                known.encode_name,
            )


def test_a_key_that_nobody_has_named_is_said_as_it_is():
    class Later(model.Part):
        pass

    assert (label_of(Later, "colour"), value_words(Later, "colour", "red")) == ("colour", "red")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_reference_page_and_the_schema_are_up_to_date(path):
    """Run ``python -m tests.generate_pack_reference`` after a change of the model."""
    assert path.read_text("utf-8") == FILES[path]()


def test_a_new_pack_passes_its_check_and_its_cases(tmp_path):
    texts = new_pack(pack="999998-new", name="新县医疗救助", area="999998", prefix="XX")
    for file, text in texts.items():
        (tmp_path / file).write_text(text, "utf-8")
    source = source_of(tmp_path)
    findings = check(source)
    assert errors_of(findings) == []
    assert open_warnings(findings) == []
    for case in cases_of(tmp_path):
        assert [str(m) for m in run_case(source, case, [])] == []
    assert load_pack(read_source(texts["policy.yaml"], file="x")).name == "新县医疗救助"


def test_the_example_has_nothing_open_and_its_values_are_samples():
    folder = ROOT / "src" / "tuodi" / "packs" / EXAMPLE
    values = entered_values(folder / "values.yaml", pack_of(EXAMPLE))
    findings = check(source_of(EXAMPLE), values)
    assert [str(f) for f in findings if f.level != "note" and f.accepted is None] == []
    assert {f.code for f in findings if f.level == "note"} == {"N-VALUE-SAMPLE"}
    assert pack_of(EXAMPLE).example
