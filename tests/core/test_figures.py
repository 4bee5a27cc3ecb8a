"""Figures: amounts, rates and days resolved for one day against entered values (style D4, I-09)."""

from datetime import date

import pytest

from tuodi.core.policy.figures import Entered, EnteredValue, Missing, Resolver, delegated_in, parse_amount
from tuodi.core.policy.model import DatedFigure, Figure

LIMIT = Figure(delegated="limit")
VALUES = [
    EnteredValue("limit", "2000.00", "文件二", date(2024, 7, 1)),
    EnteredValue("limit", "1000.00", "示例值", date(2023, 1, 1)),
    EnteredValue("rate", "62.5%", "文件"),
    EnteredValue("end", "2025-12-31", "文件"),
]


def on(day, values=VALUES):
    return Resolver(Entered(values), day)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("3000 元", 300_000), ("3000元", 300_000), ("3,000.50 元", 300_050), ("1.5 万元", 1_500_000), ("5 万元", 5_000_000), ("0.01 元", 1),
     ("1.234567 万元", 1_234_567), ("660.00", 66_000), ("660", 66_000)],
)  # fmt: skip
def test_an_amount_is_read_with_its_unit(text, fen):
    assert parse_amount(text) == fen


@pytest.mark.parametrize("text", ["3000 块", "1.2345678 万元", "0.001 元", "-5 元", "元", "五万元", "70%", ""])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("day", "fen"),
    [
        (date(2023, 1, 1), 100_000),
        (date(2024, 6, 30), 100_000),
        (date(2024, 7, 1), 200_000),
        (date(2030, 1, 1), 200_000),
    ],
)
def test_the_entered_value_in_force_on_the_day_is_read(day, fen):
    resolver = on(day)
    assert resolver.amount(LIMIT) == fen
    assert resolver.used == {"limit"}


def test_before_its_first_day_and_without_an_entry_a_value_is_missing_and_never_nought():
    for resolver, param in ((on(date(2022, 12, 31)), "limit"), (on(date(2024, 1, 1), []), "limit")):
        with pytest.raises(Missing) as missing:
            resolver.amount(LIMIT)
        assert missing.value.params == (param,)
    assert Entered(VALUES).entry("limit", date(2022, 12, 31)) is None


def test_an_entry_without_a_day_holds_always_and_samples_say_so():
    entered = Entered(VALUES)
    assert entered.on("rate", date.min) == "62.5%"
    assert sorted(entered.days()) == [date(2023, 1, 1), date(2024, 7, 1)]
    assert [v.is_sample for v in VALUES] == [False, True, False, False]


@pytest.mark.parametrize(
    ("spec", "fen"),
    [
        (Figure(share="10%", of=LIMIT), 10_000), (Figure(share="33.33%", of="0.05 元"), 2), (Figure(share="50%", of="0.01 元"), 1),
        (Figure(times=60, of=LIMIT), 6_000_000), (Figure(plus="100 元", of=LIMIT), 110_000),
        (Figure(share="50%", of=Figure(times=3, of=LIMIT)), 150_000), ("3 元", 300),
        ([DatedFigure(first=date(2022, 1, 1), value="1 元"), DatedFigure(first=date(2024, 1, 1), value=LIMIT)], 100_000),
        ([DatedFigure(first=date(2025, 1, 1), value="9 元"), DatedFigure(first=date(2024, 2, 1), value="7 元")], 700),
    ],
)  # fmt: skip
def test_an_amount_may_be_a_share_a_multiple_or_more_of_another(spec, fen):
    assert on(date(2024, 1, 1)).amount(spec) == fen


@pytest.mark.parametrize(
    ("spec", "points"),
    [
        ("70%", 7000), (Figure(delegated="rate"), 6250), (Figure(plus="5%", of=Figure(delegated="rate")), 6750), (Figure(share="50%", of="33.33%"), 1667),
        ([DatedFigure(first=date(2022, 1, 1), value="60%"), DatedFigure(first=date(2024, 1, 1), value="75%")], 7500),
        ([DatedFigure(first=date(2022, 1, 1), value="60%"), DatedFigure(first=date(2024, 1, 2), value="75%")], 6000),
    ],
)  # fmt: skip
def test_a_rate_may_be_entered_raised_or_shared(spec, points):
    assert on(date(2024, 1, 1)).rate(spec) == points


@pytest.mark.parametrize(("entered", "points"), [(None, 7000), ("65%", 7000), ("70%", 7000), ("72%", 7200)])
def test_I_09_the_minimum_of_the_text_holds_unless_a_higher_value_is_entered(entered, points):
    values = [EnteredValue("rate", entered)] if entered else []
    assert on(date(2024, 1, 1), values).rate(Figure(delegated="rate", at_least="70%")) == points


@pytest.mark.parametrize(("entered", "fen"), [(None, 5_000_000), ("40000.00", 5_000_000), ("60000.00", 6_000_000)])
def test_I_09_the_minimum_of_an_amount(entered, fen):
    values = [EnteredValue("cap", entered)] if entered else []
    assert on(date(2024, 1, 1), values).amount(Figure(delegated="cap", at_least="5 万元")) == fen


def test_a_day_is_given_entered_or_so_many_days_after_another():
    resolver = on(date(2024, 1, 1))
    end = Figure(delegated="end")
    assert resolver.day_of(date(2024, 2, 1)) == date(2024, 2, 1)
    assert resolver.day_of(end) == date(2025, 12, 31)
    assert resolver.day_of(Figure(plus="1 天", of=end)) == date(2026, 1, 1)
    assert resolver.used == {"end"}


def test_every_delegated_value_that_a_figure_reads_is_named():
    spec = [
        DatedFigure(first=date(2022, 1, 1), value=Figure(share="5%", of=Figure(times=2, of=LIMIT))),
        DatedFigure(first=date(2024, 1, 1), value="1 元"),
    ]
    assert list(delegated_in(spec)) == ["limit"]
    assert list(delegated_in("1 元")) == []
    assert list(delegated_in(None)) == []
