"""Distinct values of columns as small codes, without sorting: whole numbers by a hash table, texts by Polars' categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import polars as pl

Array = np.ndarray[Any, Any]

#: Combined codes are made small again before they could pass this.
ROOM = 2**62
#: Values within such a span are looked up, not hashed.
CLOSE = 1 << 16


@numba.njit(cache=True, nogil=True)
def _hashed(values: Array) -> tuple[Array, Array]:
    """Return codes in order of appearance and where each value occurs first; open addressing, at most half full."""
    size = 1024
    keys, places = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    codes, first = np.empty(len(values), np.uint32), np.empty(512, np.int64)
    count = 0
    for i in range(len(values)):
        value = values[i]
        at = _slot(value, size)
        while places[at] >= 0 and keys[at] != value:
            at = (at + 1) & (size - 1)
        if places[at] < 0:
            if count == len(first):
                keys, places, first = _grown(keys, places, first)
                size = len(keys)
                at = _slot(value, size)
                while places[at] >= 0:
                    at = (at + 1) & (size - 1)
            keys[at], places[at], first[count] = value, count, i
            count += 1
        codes[i] = places[at]
    return codes, first[:count].copy()


@numba.njit(cache=True, nogil=True)
def _slot(value: int, size: int) -> int:
    """Return where a value is looked for first."""
    mixed = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(size - 1))


@numba.njit(cache=True, nogil=True)
def _grown(keys: Array, places: Array, first: Array) -> tuple[Array, Array, Array]:
    """Return the table with twice the room."""
    size = 2 * len(keys)
    new_keys, new_places = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    for old in range(len(keys)):
        if places[old] >= 0:
            at = _slot(keys[old], size)
            while new_places[at] >= 0:
                at = (at + 1) & (size - 1)
            new_keys[at], new_places[at] = keys[old], places[old]
    new_first = np.empty(2 * len(first), np.int64)
    new_first[: len(first)] = first
    return new_keys, new_places, new_first


@numba.njit(cache=True, nogil=True)
def _looked_up(values: Array, low: int, span: int) -> tuple[Array, Array]:
    """Return the same for values that lie close together, by a table of all that there could be."""
    places = np.full(span, -1, np.int32)
    codes, first = np.empty(len(values), np.uint32), np.empty(min(span, len(values)), np.int64)
    count = 0
    for i in range(len(values)):
        at = np.uint64(values[i] - low)
        if places[at] < 0:
            places[at], first[count] = count, i
            count += 1
        codes[i] = places[at]
    return codes, first[:count].copy()


def distinct(values: Array) -> tuple[Array, Array]:
    """Return a code for each whole number, in order of appearance, and where each distinct one occurs first.

    >>> distinct(np.array([7, 3, 7, 9]))
    (array([0, 1, 0, 2], dtype=uint32), array([0, 1, 3]))
    """
    if not len(values):
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    low, high = int(values.min()), int(values.max())
    if high - low < max(CLOSE, len(values)):
        return _looked_up(values, low, high - low + 1)
    return _hashed(np.ascontiguousarray(values, np.int64))


def combined(parts: Sequence[Array]) -> tuple[Array, Array]:
    """Return the same for rows of several columns of small codes, none negative.

    >>> combined([np.array([0, 0, 1]), np.array([1, 1, 1])])
    (array([0, 0, 1], dtype=uint32), array([0, 2]))
    """
    size = len(parts[0])
    code, bound = np.zeros(size, np.int64), 1
    for part in parts:
        count = int(part.max(initial=0)) + 1
        if count == 1:
            continue
        if bound * count > ROOM:
            small, first = distinct(code)
            code, bound = small.astype(np.int64), len(first)
        code = code * count + part
        bound *= count
    return distinct(code)


def factorised(column: pl.Series) -> tuple[Array, list[Any]]:
    """Return codes and distinct values of a column of texts, truths or days, in order of appearance; empty cells are a value."""
    if column.dtype == pl.String:
        if len(column) and column.eq_missing(column[0]).all():
            return np.zeros(len(column), np.uint32), [column[0]]
        # Categories of its own: the texts are forgotten with the column.
        number = column.cast(pl.Categorical(pl.Categories.random())).to_physical()
    elif column.dtype == pl.Boolean:
        number = column.cast(pl.UInt8)
    else:
        number = column.to_physical()
    codes, first = distinct(number.cast(pl.Int64).fill_null(-1).to_numpy())
    return codes, column.gather(first).to_list()
