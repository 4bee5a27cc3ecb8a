"""Codes of distinct values: the same as sorting would give, in order of appearance."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch.distinct import combined, distinct, factorised

NUMBERS = st.lists(st.integers(-3, 3) | st.integers(-(2**62), 2**62))


def by_dictionary(values):
    places = {}
    return [places.setdefault(value, len(places)) for value in values], list(places)


@settings(deadline=None)
@given(NUMBERS)
def test_numbers_have_codes_in_order_of_appearance(values):
    codes, first = distinct(np.array(values, np.int64))
    expected, found = by_dictionary(values)
    assert codes.tolist() == expected
    assert [values[i] for i in first] == found


def test_a_table_of_distinct_numbers_grows():
    values = (np.arange(100_000) * 2**40 + 7) % (2**61 - 1)
    codes, first = distinct(np.concatenate((values, values[::-1])))
    assert first.tolist() == list(range(100_000))
    assert codes.tolist() == [*range(100_000), *reversed(range(100_000))]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**31), st.integers(0, 2**31), st.integers(0, 1)), min_size=1)
)
def test_rows_of_codes_have_codes_in_order_of_appearance(rows):
    codes, first = combined([np.array(column, np.int64) for column in zip(*rows, strict=True)])
    expected, found = by_dictionary(rows)
    assert codes.tolist() == expected
    assert [rows[i] for i in first] == found


@settings(deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "低保", "a long text that is kept elsewhere", None])))
def test_texts_have_codes_and_empty_cells_are_a_value(values):
    codes, found = factorised(pl.Series(values, dtype=pl.String))
    assert [found[code] for code in codes] == values
    assert len(set(found)) == len(found)


@settings(deadline=None)
@given(st.lists(st.sampled_from([True, False, None])))
def test_truths_have_codes(values):
    codes, found = factorised(pl.Series(values, dtype=pl.Boolean))
    assert [found[code] for code in codes] == values
