"""The waterfall: well-formed, accessible, without scripts or outside resources, and true to the bill."""

from __future__ import annotations

import re
from datetime import date, datetime
from xml.etree import ElementTree

import pytest
from tests.core.test_words import CASES, worded

from tuodi.batch.packs import pack_of
from tuodi.core.engine.fold import fold
from tuodi.core.engine.picture import BOTTOM, HEIGHT, TOP, WIDTH, bars_of, label_lines, picture, tick_step
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.words_bill import bill_of
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.settlements import Settlement

SVG = "{http://www.w3.org/2000/svg}"


def bill(**amounts) -> Settlement:
    split = {"inscp_scp_amt": 4000_00, "preselfpay_amt": 500_00, "fulamt_ownpay_amt": 500_00, "overlmt_selfpay": 0}
    split |= {name: value for name, value in amounts.items() if name in split}
    payers = {name: value for name, value in amounts.items() if name not in split}
    return Settlement(
        setl_id="S<1>&", psn_no="甲", fixmedins_code="H1", med_type="21", begndate=date(2024, 3, 1), enddate=date(2024, 3, 9),
        setl_time=datetime(2024, 3, 9, 10), diag_code="J18.9", medfee_sumamt=sum(split.values()), **split, **payers,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return make_plan(pack_of("999999-example"))


def drawn(plan, settlement, identity="extreme_poverty"):
    records = [IdentityRecord("甲", identity, date(2020, 1, 1))]
    (result,) = fold(plan, [settlement], records)
    return result, picture(plan, result)


def test_it_is_one_accessible_document_without_scripts_or_outside_resources(plan):
    result, svg = drawn(plan, bill(hifp_pay=2000_00))
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert [root.find(f"{SVG}{name}").get("id") for name in ("title", "desc")] == root.get("aria-labelledby").split()
    said = root.find(f"{SVG}desc").text
    assert yuan_for_people(result.settlement.medfee_sumamt) in said
    assert yuan_for_people(result.pay) in said
    assert not re.search(r"<script|<image|href|url\((?!#)|@import|foreignObject", svg)
    assert "S&lt;1&gt;&amp;" in svg


@pytest.mark.parametrize(("folder", "case"), CASES[::9], ids=[f"{c.file}:{c.line}" for _, c in CASES[::9]])
def test_every_bar_ends_where_the_next_begins_and_stays_on_the_paper(folder, case):
    for plan, _, result in worded(folder, case):
        told = bill_of(plan, result)
        bars = bars_of(told)
        assert bars[0].top == told.total
        level = told.total
        for bar, payment in zip(bars[1:-1], told.payments, strict=True):
            assert bar.top == max(level, 0)
            level -= payment.amount
        assert bars[-1].top == max(told.left, 0)
        for rect in ElementTree.fromstring(picture(plan, result)).iter(f"{SVG}rect"):
            if rect.get("x") is None:
                continue
            x, y, wide, tall = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= WIDTH
            assert 0 <= y <= y + tall <= HEIGHT


@pytest.mark.parametrize(("source", "is_marked"), [("示例值", True), ("浙医保发〔2022〕1号", False)])
def test_a_sample_value_is_named_as_one_in_the_picture_too(source, is_marked):
    values = [
        EnteredValue("dt.provincial.rate.dibao", "80%", source, None),
        EnteredValue("dt.provincial.cap", "80000.00", source, None),
    ]
    result, svg = drawn(make_plan(pack_of("330305-dongtou"), values), bill(), identity="dibao")
    assert result.pay == 3200_00
    assert svg.count("用了示例值，只供参考") == (2 if is_marked else 0)


def test_heights_are_in_proportion(plan):
    _, svg = drawn(plan, bill(inscp_scp_amt=5000_00, preselfpay_amt=0, fulamt_ownpay_amt=0, hifp_pay=2500_00))
    heights = [
        float(rect.get("height"))
        for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect")
        if rect.get("stroke-width") in ("0.8", "1.4")
    ]
    whole = (BOTTOM - TOP) / 10
    assert heights[:2] == [whole, whole / 2]


def test_a_refusal_is_said_with_its_clause(plan):
    result, svg = drawn(plan, bill(), identity="declined_basic_service")
    assert result.decision.refusal
    assert result.decision.clause in svg


def test_an_empty_bill_can_be_drawn(plan):
    ElementTree.fromstring(drawn(plan, bill(inscp_scp_amt=0, preselfpay_amt=0, fulamt_ownpay_amt=0))[1])


def test_labels_fit_their_slot():
    size, lines = label_lines("特困人员救助供养经费支持", 640)
    assert all(len(line) * size * 10 <= 640 for line in lines)
    assert "".join(lines) == "特困人员救助供养经费支持"
    assert label_lines("一二三四五六七八九十" * 4, 640)[1][-1].endswith("…")


@pytest.mark.parametrize("total", [1, 7, 99, 12_345, 500_000, 999_999, 10_000_001, 28_630_050, 10**12])
def test_ticks_are_few_and_round(total):
    assert total // tick_step(total) <= 9
    assert str(tick_step(total)).strip("0") in ("1", "2", "5")
