"""Money: yuan text to fen and back, rounding half up, dividing without loss (I-21, style C1 to C3)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import pick

from tuodi.core.money import (
    basis_points,
    fen_from_yuan,
    half_up,
    percent,
    portion,
    split,
    yuan,
    yuan_for_people,
)

fens = st.integers(-(10**15) + 1, 10**15 - 1) | pick((0, 1, -1, 99, 100, 101, -99, 99_999, 100_000))


@given(fens)
def test_yuan_text_comes_back_as_the_same_fen(fen):
    assert fen_from_yuan(yuan(fen)) == fen
    assert fen_from_yuan(yuan_for_people(fen).removesuffix(" 元").replace(",", "")) == fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0", 0), ("0.1", 10), ("0.01", 1), ("12.", None), ("12.345", None), ("1,000", None), ("", None), ("-", None), ("1e3", None), ("٣", None),
     ("-3.2", -320), ("9999999999999.99", 999_999_999_999_999), ("10000000000000", None), (" 1", None), ("+1", None), (".5", None)],
)  # fmt: skip
def test_only_plain_yuan_with_at_most_two_decimals_is_an_amount(text, fen):
    if fen is None:
        with pytest.raises(ValueError, match=r".*"):
            fen_from_yuan(text)
    else:
        assert fen_from_yuan(text) == fen


@given(st.integers(0, 10**15), st.integers(1, 10**6))
def test_half_up_is_the_nearest_whole_a_half_going_up(numerator, denominator):
    rounded = half_up(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert Fraction(-1, 2) < rounded - exact <= Fraction(1, 2)
    assert portion(numerator, 1, denominator) == rounded


@given(st.integers(0, 10**12), st.integers(0, 10**4), st.integers(1, 10**4))
def test_a_portion_is_rounded_once(amount, numerator, denominator):
    assert portion(amount, numerator, denominator) == half_up(amount * numerator, denominator)


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 10), (1, 0), (1, -1)])
def test_nothing_negative_is_rounded_and_nothing_divided_by_nothing(numerator, denominator):
    with pytest.raises(AssertionError):
        half_up(numerator, denominator)


@given(st.integers(0, 99_99_99))
def test_basis_points_come_back_from_per_cent_text(points):
    assert basis_points(percent(points)) == points


@pytest.mark.parametrize(
    ("text", "points"), [("70%", 7000), ("12.5 %", 1250), ("0.01%", 1), ("100%", 10_000), ("7.05%", 705), ("0%", 0)]
)
def test_per_cent_text_is_basis_points(text, points):
    assert basis_points(text) == points


@pytest.mark.parametrize("text", ["70", "0.7", "-5%", "1.234%", "12345%", "% 5", "1/2", ""])
def test_what_is_no_per_cent_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        basis_points(text)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any))
def test_what_is_divided_adds_up_and_nobody_is_off_by_a_fen(amount, weights):
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert all(
        abs(part - Fraction(amount * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )


def test_the_largest_remainder_gets_the_odd_fen_and_of_equal_ones_the_first():
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(100, [1, 2, 3]) == [17, 33, 50]
    assert split(5, [1, 1]) == [3, 2]
    assert split(0, [0, 1]) == [0, 0]


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_nothing_is_divided_among_nobody(amount, weights):
    with pytest.raises(AssertionError):
        split(amount, weights)


@pytest.mark.parametrize(("fen", "text"), [(-1, "-0.01"), (-150, "-1.50"), (0, "0.00"), (-100, "-1.00")])
def test_what_is_owed_back_is_written_with_its_sign_before_the_amount(fen, text):
    assert yuan(fen) == text


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [(1, [1, 2], [0, 1]), (100, [1, 1, 1], [34, 33, 33]), (10, [3, 4, 3, 5], [2, 3, 2, 3]), (5, [0, 1], [0, 5])],
)
def test_the_fen_left_over_go_to_the_largest_remainders_and_of_equal_ones_to_the_first(amount, weights, parts):
    assert split(amount, weights) == parts
