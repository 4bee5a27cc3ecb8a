"""Rules of layers that few policies write, each worked by hand: what mutation testing found nobody had written down."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from sound_pack import source
from test_boundaries import BILL, dibao

from tuodi.core.engine.fold import Application, fold, trace
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.reference import evaluate
from tuodi.core.errors import MissingValues, PackErrors
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack

LAYER = {
    "id": "first", "name": "住院救助", "clause": "JX-4", "covers": {"care": ["inpatient"], "category": ["dibao", "edge"]},
    "base": {"measure": "in_policy", "clause": "JX-4.9"}, "fund": "assistance",
}  # fmt: skip


def layer(*figures, **more):
    """Return a layer; figures without a clause have that of the first rule."""
    return {**LAYER, "figures": [{"clause": "JX-4.1", **row} for row in figures], **more}


def plan(*layers, **more):
    """Return the plan of a pack with these layers alone."""
    return make_plan(load_pack(source({"delegated": None, "readings": None, "layers": list(layers), **more})))


def bill(number, yuan, **more):
    """Return a bill of the year's month of this number, all of it in policy scope."""
    fen = round(yuan * 100)
    more = {"medfee_sumamt": fen, "inscp_scp_amt": fen} | more
    day = more.pop("day", date(2023, number, 1))
    at = datetime(day.year, day.month, day.day)
    return replace(BILL, setl_id=str(number), begndate=day, enddate=day, setl_time=at, **more)


def paid(made, *bills, held=None, layer=None):
    """Return what is paid for bills, by both evaluators; of one layer if it is named."""
    answers = []
    for reference in (False, True):
        results = fold(made, list(bills), held or [dibao("2022-01-01")], reference=reference)
        answers.append([sum(one.pay for one in r.layers if layer in (None, one.layer)) for r in results])
    assert answers[0] == answers[1]
    return answers[0]


def after(made, **given):
    """Return every step's value where all else is 0; ``__`` stands for a dot."""
    known = dict.fromkeys([*made.program.facts, *(slot.name for slot in made.program.slots)], 0)
    known |= {f"p.{i}.{name}": 0 for i, names in made.program.figures.items() for name in names}
    given = {name.replace("__", "."): value for name, value in given.items()}
    assert set(given) <= set(known), set(given) - set(known)
    return evaluate(made.program, known | given)


def step(made, name):
    [found] = [one for one in made.program.steps if one.name == name]
    return found


YEARS = layer(
    {"when": {"category": ["dibao"]}, "deductible": "600 元", "deductibles_of_year": "1000 元", "rate": "100%"},
    {"when": {"category": ["edge"]}, "rate": "100%"},
    deductible={"per": "stay"},
)


def test_deductibles_of_stays_end_with_the_year_s_and_begin_again_with_the_next():
    """Three stays of 1,000: 600, 400 and nothing are deducted; a small first stay uses up what it has, 100; then 600 and 300."""
    made = plan(YEARS)
    stays = [bill(n, 1000) for n in (1, 2, 3)]
    assert paid(made, *stays, bill(4, 1000, day=date(2024, 1, 1))) == [40_000, 60_000, 100_000, 40_000]
    assert paid(made, bill(1, 100), *[bill(n, 1000) for n in (2, 3, 4)]) == [0, 40_000, 70_000, 100_000]
    told = step(made, "first.deducted_year_after")
    assert (told.label, told.layer, told.clauses) == ("全年累计起付线", "first", ("JX-4",))
    [bucket] = [one for one in made.program.buckets if one.name == "first.deductible.year"]
    assert (bucket.period, bucket.unit, bucket.layers) == ("year", "person", ("first",))


def test_a_deductible_of_the_first_claim_only_is_used_up_by_it_however_small():
    """Deductible 600: a first stay of 200 leaves nothing, and the next one has none; the category between has none to give back."""
    rows = [
        {"when": {"category": [one]}, "rate": "100%", "deductible": amount}
        for one, amount in (("dibao", "600 元"), ("edge", "0 元"))
    ]
    made = plan(layer(*rows, deductible={"first_claim_only": True}))
    assert paid(made, bill(1, 200), bill(2, 1000)) == [0, 100_000]
    held = [
        IdentityRecord("甲", identity, date(2023, a, 1), date(2023, b, 28))
        for identity, a, b in (("dibao", 1, 1), ("dibao_edge", 2, 2), ("dibao", 3, 12))
    ]
    used = fold(made, [bill(1, 200), bill(2, 1000), bill(3, 1000)], held)
    assert [trace(made, one)["first.deductible_used_after"] for one in used] == [60_000, 60_000, 60_000]


def test_I_27_shares_are_rounded_on_their_sum_and_where_each_claim_is_rounded_alone_each():
    """Half of 1.01 is 0.505: 0.51 and then 0.50, together 1.01; each alone 0.51."""
    factor = {"state": "edge_declined", "share": "1/2", "clause": "JX-8"}
    made = {r: plan(layer({"rate": "100%"}, factor=factor), rounding=r) for r in ("running_total", "each_claim")}
    bills = [bill(1, 1.01), bill(2, 1.01)]
    for rounding, expected in (("running_total", [51, 50]), ("each_claim", [51, 51])):
        program = made[rounding].program
        known = dict.fromkeys([*program.facts, *(slot.name for slot in program.slots)], 0)
        got = []
        for one in bills:
            known |= {
                "inscp_scp_amt": one.inscp_scp_amt,
                "category": 1,
                "a.first": 1,
                "c.first": 1,
                "share.first": 5_000,
            }
            values = evaluate(program, known | {"p.first.rate0": 10_000})
            got.append(values["first.pay"])
            known |= {slot: values[name] for slot, name in program.writes.items()}
        assert got == expected


def test_I_21_what_is_rounded_alone_is_told_with_its_layer_clause_and_reading():
    told = step(plan(layer({"rate": "50%"}), rounding="each_claim"), "first.growth_alone")
    assert (told.label, told.layer, told.clauses) == ("本次单独四舍五入到分", "first", ("JX-4",))
    assert (told.unit, told.readings) == ("fen*bp", ("I-21",))


CUT = layer(
    {"rate": "100%"}, id="second", base={"measure": "cut", "cut_of": "first", "clause": "JX-7.9"}, clause="JX-7"
)
CAPPED = layer({"rate": "100%", "caps": {"yearly": "500 元"}}, caps={"yearly": {"per": "year"}})


def test_what_was_cut_before_is_neither_taken_back_nor_added_by_a_bill_that_a_layer_does_not_look_at():
    """The first layer has cut 100 of 600 before: of a bill that only the second looks at nothing is its base, nor the other way."""
    made = plan(CAPPED, CUT)
    before = {"first.exact": 600_000_000, "first.paid": 50_000, "first.last_category": 1, "cap.yearly": 50_000}
    values = after(made, category=1, a__second=1, inscp_scp_amt=5_000, **before)
    assert values["second.base"] == 0
    looks = {"a__first": 1, "c__first": 1, "p__first.rate0": 10_000, "p__first.cap.yearly": 50_000}
    assert after(made, category=1, inscp_scp_amt=5_000, **looks, **before)["second.base"] == 0
    assert after(made, category=1, a__second=1, inscp_scp_amt=5_000, **looks, **before)["second.base"] == 5_000
    assert step(made, "second.base").clauses == ("JX-7.9",)
    assert step(made, "first.cap.yearly").clauses == ("JX-4",)


def test_an_entitlement_below_what_was_paid_has_nothing_cut_before():
    values = after(plan(CAPPED, CUT), first__exact=400_000_000, first__paid=50_000)
    assert values["first.cut_before"] == 0


def test_a_cap_that_does_not_revive_is_told_and_keeps_fractions_until_something_is_cut():
    capped = layer({"rate": "100%", "caps": {"yearly": "500 元"}}, caps={"yearly": {"per": "year", "revives": False}})
    made = plan(capped)
    told = step(made, "first.exact_kept")
    assert (told.label, told.layer, told.clauses, told.unit) == ("限额截去部分不再补付", "first", ("JX-4",), "fen*bp")
    looks = {"a__first": 1, "inscp_scp_amt": 1, "p__first.cap.yearly": 50_000}
    assert after(made, **looks, **{"p__first.rate0": 3_333})["first.exact_kept"] == 3_333
    cut = after(made, **looks | {"inscp_scp_amt": 60_000}, **{"p__first.rate0": 10_000})
    assert (cut["first.cut"], cut["first.exact_kept"]) == (10_000, 500_000_000)
    short = after(made, **looks | {"inscp_scp_amt": 50_001}, **{"p__first.rate0": 10_000})
    assert (short["first.cut"], short["first.exact_kept"]) == (1, 500_000_000)


def test_a_target_rate_of_the_burden_in_the_catalogue_is_of_all_that_is_in_the_catalogue():
    """In scope 1,000 and own first share 200, insurance 500: 80% of 1,200 are 960, of which 460 are missing."""
    top_up = layer({"top_up_to": "80%"}, base={"measure": "in_catalogue", "clause": "JX-4"})
    one = bill(1, 1000, preselfpay_amt=20_000, medfee_sumamt=120_000, hifp_pay=50_000)
    assert paid(plan(top_up), one) == [46_000]


def test_who_was_paid_more_elsewhere_than_the_burden_has_none():
    made = plan(layer({"rate": "100%"}, base={"measure": "in_policy", "clause": "JX-4", "upstream": True}))
    assert paid(made, bill(1, 100, maf_pay=20_000), bill(2, 100, maf_pay=4_000)) == [0, 6_000]


def test_I_13_a_bill_without_a_category_changes_none():
    made = plan(layer({"rate": "100%"}))
    values = after(made, category=0, c__first=1, a__first=1, **{"first.last_category": 1})
    assert (values["first.changed"], values["first.category_after"]) == (0, 1)
    changed = after(made, category=2, c__first=1, a__first=1, **{"first.last_category": 1})
    assert (changed["first.changed"], changed["first.category_after"]) == (1, 2)


def test_bands_on_the_burden_with_the_deductible_inside():
    """Deductible 600, from 0 on 50%, from 1,000 on 100%. Stays of 800 and 700: (800 − 600) × 50%; then 200 × 50% + 500."""
    bands = [{"rate": "50%"}, {"from": "1000 元", "rate": "100%"}]
    made = plan(layer({"deductible": "600 元", "bands": bands}, position="before_deductible"))
    assert paid(made, bill(1, 800), bill(2, 700)) == [10_000, 60_000]


def test_a_bill_whose_burden_earlier_layers_more_than_paid_takes_nothing_back():
    """The first layer pays half of the whole bill of 500, 250 of 100 in scope; the second has nothing to count and loses nothing."""
    whole = layer({"rate": "50%"}, base={"measure": "total", "clause": "JX-4"})
    bands = [{"rate": "50%"}, {"from": "1000 元", "rate": "100%"}]
    then = layer({"deductible": "0 元", "bands": bands}, id="second", position="before_deductible")
    made = plan(whole, then)
    bills = [bill(1, 200), bill(2, 100, fulamt_ownpay_amt=40_000, medfee_sumamt=50_000), bill(3, 400)]
    results = fold(made, bills, [dibao("2022-01-01")])
    exact = [trace(made, one)["second.exact_after"] for one in results]
    assert exact[1] == exact[0]


@pytest.mark.parametrize("bands", ["marginal", "whole"])
def test_a_rate_and_lump_sums_in_one_layer(bands):
    """Half of 100, and from 80 on 10 more, once."""
    both = layer({"rate": "50%", "lumps": [{"from": "80 元", "amount": "10 元"}]}, bands=bands)
    assert paid(plan(both), bill(1, 100), bill(2, 100)) == [6_000, 5_000]


def test_a_layer_without_any_rate_pays_nothing():
    assert paid(plan(layer({"caps": {"yearly": "1 万元"}}, caps={"yearly": {"per": "year"}})), bill(1, 100)) == [0]


def test_a_layer_without_rules_pays_nothing():
    made = plan(layer(caps={"yearly": {"per": "year"}}))
    assert [result.layers for result in fold(made, [bill(1, 100)], [dibao("2022-01-01")])] == [()]
    assert made.program.figures["first"] == ("cap.yearly",)


def test_I_54_what_comes_off_a_band_is_remembered():
    """From 1,000 on 100%, less reliefs: 400 of relief with the first bill of 900 come off what lies above when the second is 900."""
    bands = [{"rate": "0%"}, {"from": "1000 元", "rate": "100%", "less": ["relief_amt"]}]
    base = {"measure": "in_policy", "clause": "JX-4", "less": []}
    made = plan(layer({"bands": bands}, base=base))
    assert paid(made, bill(1, 900, relief_amt=40_000), bill(2, 900)) == [0, 40_000]


def test_a_cap_that_counts_what_another_layer_pays_leaves_less_and_does_not_bind_it():
    """500 a year for the second layer, what the first pays counted: 300 of the first leave 200; the first alone goes on."""
    counting = layer(
        {"rate": "50%", "caps": {"yearly": "500 元"}}, id="third",
        caps={"yearly": {"per": "year", "counts": ["first"]}}, base={"measure": "in_policy", "clause": "JX-4", "after": []},
    )  # fmt: skip
    other = layer({"rate": "10%"}, id="second", base={"measure": "in_policy", "clause": "JX-4", "after": []})
    made = plan(layer({"rate": "30%"}), other, counting)
    assert paid(made, bill(1, 1000), layer="third") == [20_000]
    assert paid(made, bill(1, 1000), bill(2, 1000), layer="first") == [30_000, 30_000]
    assert paid(made, bill(1, 1000), bill(2, 1000), layer="third") == [20_000, 0]


ALL = [
    layer({"rate": "50%"}),
    layer({"rate": "50%", "deductible": "5 元"}, base={"measure": "total", "clause": "JX-4"}, deductible={"first_claim_only": True}),
    layer({"bands": [{"rate": "10%"}, {"from": "3 元", "rate": "20%", "less": ["relief_amt"]}]}),
    layer({"bands": [{"rate": "10%"}], "deductible": "1 元"}, position="before_deductible"),
    layer({"top_up_to": "80%"}),
    layer({"rate": "50%", "caps": {"yearly": "9 元"}}, caps={"yearly": {"per": "year", "revives": False}}),
    YEARS,
]  # fmt: skip


@pytest.mark.parametrize("own", ALL)
@pytest.mark.parametrize("before", [0, 70])
def test_a_bill_that_a_layer_does_not_look_at_moves_none_of_its_totals(own, before):
    made = plan(own)
    slots = {slot.name: before for slot in made.program.slots} | {"first.exact": before * 10_000 + min(before, 3)}
    amounts = {name: 1_000 for name in made.program.facts if name.endswith(("amt", "pay"))}
    values = after(made, **amounts, **slots)
    assert {slot: values[name] for slot, name in made.program.writes.items()} == slots
    told = made.program.outputs["first"]
    assert {values[told[name]] for name in ("base", "deductible", "counted", "entitled", "cut", "pay")} == {0}


def test_two_caps_that_count_the_same_layer_both_count_it_and_so_does_what_is_written_after_them():
    """The first layer pays 300; a cap of 500 that counts it leaves the third layer 200, whatever caps stand before it."""
    bare = {"measure": "in_policy", "clause": "JX-4", "after": []}
    shared = {"shared": {"per": "year", "counts": ["first"]}}
    second = layer({"rate": "10%", "caps": {"shared": "5000 元"}}, id="second", base=bare, caps=shared)
    both = {**shared, "own": {"per": "year", "counts": ["first"]}}
    third = layer({"rate": "50%", "caps": {"shared": "5000 元", "own": "500 元"}}, id="third", base=bare, caps=both)
    assert paid(plan(layer({"rate": "30%"}), second, third), bill(1, 1000), layer="third") == [20_000]


def test_a_cap_of_one_step_on_what_was_counted():
    """At most 100, from 1,000 counted on 300: half of 800 and of 600 more; 100 and then 200."""
    steps = {"caps": {"yearly": "100 元"}, "cap_steps": {"yearly": [{"from": "1000 元", "amount": "300 元"}]}}
    made = plan(layer({"rate": "50%", **steps}, caps={"yearly": {"per": "year", "steps_on": "counted"}}))
    assert paid(made, bill(1, 800), bill(2, 600)) == [10_000, 20_000]


def test_I_40_totals_of_an_application_begin_again_with_the_next_one():
    """A deductible of 600 and half of it as a share for each application: 400 of 1,000 in each year."""
    factor = {"state": "edge_declined", "share": "50%", "clause": "JX-8"}
    row = {"deductible": "600 元", "rate": "100%"}
    made = plan(layer(row, period="application", due="application", deductible={"per": "application"}, factor=factor))
    bills = [bill(n, 500, day=date(year, n, 1)) for n, year in ((1, 2023), (2, 2023), (3, 2024), (4, 2024))]
    asked = [Application("甲", "first", date(year, 12, 1)) for year in (2023, 2024)]
    for reference in (False, True):
        results = fold(made, bills, [dibao("2022-01-01")], asked, reference=reference)
        assert [result.pay for result in results] == [0, 40_000, 0, 40_000]


@pytest.mark.parametrize("where", ["rule", "layer"])
def test_I_02_the_last_bill_that_a_layer_looks_at_waives_whatever_comes_after_it(where):
    """Deductible 600, a stay of 200; an outpatient bill that the layer does not cover, or no rule of it answers, is not its last."""
    row, covers = {"deductible": "600 元", "rate": "100%"}, {"category": ["dibao"]}
    if where == "rule":
        row["when"] = {"med_type": ["21"]}
    else:
        covers["med_type"] = ["21"]
    other = layer({"rate": "10%"}, id="second", covers={"category": ["dibao"]})
    made = plan(layer(row, covers=covers, deductible={"waived_if_unreached": True}), other)
    assert paid(made, bill(1, 200), layer="first") == [20_000]
    assert paid(made, bill(1, 200), bill(2, 300, med_type="11"), layer="first") == [20_000, 0]


DELEGATED = {"jx.from": {"clause": "JX-6", "asks": "起始日", "left_to": "市级文件", "unit": "day"}}


def test_a_rule_whose_first_or_last_day_nobody_has_entered_is_told_with_clause_question_place_and_day():
    for bound in ("first", "last"):
        made = plan(layer({"rate": "50%", bound: {"delegated": "jx.from"}}), delegated=DELEGATED)
        with pytest.raises(MissingValues) as raised:
            paid(made, bill(3, 100))
        [fault] = raised.value.faults
        assert fault.message.startswith(
            "规则“JX-4.1”（JX-4.1）需要授权参数 jx.from（起始日），2023-03-01 当日没有录入值。请从市级文件查得数值"
        )


def test_stretches_of_unchanged_figures_begin_where_anything_in_the_policy_changes():
    """The year of the first day (I-30), the first day, entered days, first days of rules and figures, the days after last ones."""
    dated = [{"first": "2022-01-01", "value": "50%"}, {"first": "2023-05-01", "value": "60%"}]
    rows = [
        {"rate": "10%", "last": {"delegated": "jx.none"}},
        {"bands": [{"rate": dated}], "first": {"delegated": "jx.from"}, "last": "2023-09-30"},
        {"rate": "10%", "first": {"delegated": "jx.none"}, "last": "2023-11-30"},
    ]
    asked = {**DELEGATED, "jx.none": {**DELEGATED["jx.from"], "optional": True}}
    life = {"clause": "JX-1", "first": "2022-03-15", "last": "2024-12-31"}
    text = source({"delegated": asked, "readings": None, "in_force": life, "layers": [layer(*rows)]})
    made = make_plan(load_pack(text), [EnteredValue("jx.from", "2023-02-01", "市级文件", date(2022, 6, 1))])
    days = (
        "2022-01-01",
        "2022-03-15",
        "2022-06-01",
        "2023-02-01",
        "2023-05-01",
        "2023-10-01",
        "2023-12-01",
        "2025-01-01",
    )
    assert made.boundaries == [date.fromisoformat(day) for day in days]
    assert made.tables[0][0] == (0,) * len(made.program.figures["first"])


def test_a_rate_of_a_band_changes_on_its_day_for_bills_asked_for_together():
    dated = [{"first": "2022-01-01", "value": "50%"}, {"first": "2023-05-01", "value": "60%"}]
    made = plan(layer({"bands": [{"rate": dated}]}))
    assert paid(made, bill(4, 100), bill(5, 100)) == [5_000, 6_000]


def with_diseases(diagnoses="main", values=(), lists="", **known):
    """Return the plan of 90% for serious diseases and 50% for others."""
    rows = [
        {"when": {"disease": ["major"]}, "rate": "90%"}, {"when": {"disease": ["general"]}, "rate": "50%"},
    ]  # fmt: skip
    major = {"id": "major", "name": "重大疾病", "clause": "JX-8", **known}
    text = source(
        {
            "delegated": {"jx.list": {"clause": "JX-8", "asks": "病种目录", "left_to": "市级文件", "unit": "diagnoses"}},
            "readings": None, "layers": [layer(*rows)],
            "diseases": {"clause": "JX-8", "classes": [major], "diagnoses": diagnoses},
        },
        diseases=f"list,disease,icd10,under_age,note\n{lists}" if lists else "",
    )  # fmt: skip
    return make_plan(load_pack(text), [EnteredValue("jx.list", value, "市级文件") for value in values])


@pytest.mark.parametrize(
    ("values", "code", "rate"),
    [
        (["C16; E75"], "C16.9", 90),
        (["C16; E75"], "E75.2", 90),
        (["C16; E75"], "C34", 90),
        (["C16; E75"], "J18", 50),
        ([], "E75", 50),
    ],
)
def test_I_58_diseases_of_an_entered_list_come_to_those_of_the_policy_s_own(values, code, rate):
    made = with_diseases(values=values, lists="own,肺癌,C34,,\n", list="own", delegated="jx.list")
    assert paid(made, bill(1, 100, diag_code=code)) == [rate * 100]
    assert paid(made, bill(1, 100, diag_code=code, birth=date(1970, 1, 1))) == [rate * 100]


def test_any_diagnosis_of_a_bill_may_be_the_serious_one_where_the_policy_says_so():
    """Leukaemia below 18 among other diagnoses: of whoever has no date of birth nobody can say."""
    lists = "own,白血病,C91,18,\nown,肺癌,C34,,\n"
    for diagnoses, rate in (("any", 90), ("main", 50)):
        made = with_diseases(diagnoses, lists=lists, list="own")
        assert paid(made, bill(1, 100, diag_others="I10;C34.1")) == [rate * 100]
        assert paid(made, bill(1, 100, diag_others="I10;C91.0", birth=date(2010, 1, 1))) == [rate * 100]
    open_one = fold(
        with_diseases("any", lists=lists, list="own"), [bill(1, 100, diag_others="I10;C91.0")], [dibao("2022-01-01")]
    )
    assert [one.decision.refusal for one in open_one] == ["not_yet_known"]
    assert with_diseases(lists=lists, list="own").diseases_of(bill(1, 100, diag_code="C91.0")) == ("general",)
    assert with_diseases(lists=lists, list="own").diseases_by_age("general", "C91.0") == ()


def test_who_asks_without_a_diagnosis_is_of_no_class_whatever_letters_the_list_has():
    made = with_diseases("any", lists="own,外因,X,18,\n", list="own")
    assert (made.disease_classes("", "", 10), made.diseases_by_age("", "")) == (("general",), ())


def test_who_belongs_to_no_category_is_told_no_identity():
    assert plan(layer({"rate": "50%"})).category_of(0) == (0, "")


def test_what_cannot_be_proven_is_told_by_step_label_reason_and_range():
    many = [layer({"rate": "1%"}, id=f"l{i}") for i in range(200)]
    with pytest.raises(PackErrors) as raised:
        plan(*many)
    assert raised.value.faults[0].message.startswith(
        "步骤“l92.growth”（本次按比例计算）可能超出 64 位整数：-9292000000000000000 至 1000000000000000。"
    )
