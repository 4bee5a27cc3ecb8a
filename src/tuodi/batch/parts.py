"""A part of the settlements cut into slices that are computed by themselves: rows that stand, whole units, in folding order.

Nothing is copied before its slice is due, so that memory and the processor's caches hold one slice's columns at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

#: Rows of a slice, about: what one thread computes at a time.
SLICE_ROWS = 1 << 17
_KEY = ["setl_id", "psn_no"]
NOTHING_CANCELLED = pl.DataFrame(schema=dict.fromkeys(_KEY, pl.String()))


def standing(part: pl.DataFrame, *, late: pl.Series, cancels: pl.DataFrame) -> tuple[pl.Series, int]:
    """Return the places of a part's settlements that stand, and how many were cancelled.

    ``late`` are lines that only the whole file showed to be wrong; ``cancels`` are cancelling rows beyond the part's own.
    Whether a cancelling row names the same person the reader has checked.
    """
    stands = ~part["refd_setl_flag"]
    own = part["refd_setl_flag"]
    if len(late):
        is_good = ~part["row"].is_in(late.implode())
        stands, own = stands & is_good, own & is_good
    cancelling = pl.concat([part.select(_KEY).filter(own), cancels.select(_KEY)])
    if not len(cancelling):
        return stands.arg_true(), 0
    suspects = (stands & part["setl_id"].is_in(cancelling["setl_id"].implode())).arg_true()
    gone = part.select(_KEY)[suspects].with_columns(at=suspects).join(cancelling, on=_KEY, how="semi")["at"]
    return stands.scatter(gone, False).arg_true(), len(gone)


def slices(part: pl.DataFrame, places: pl.Series, *, by: str, rows: int = SLICE_ROWS) -> Iterator[pl.DataFrame]:
    """Yield the rows at some places in folding order, cut between two persons (or households)."""
    order = [by, "setl_time", "setl_id"]
    if not _is_ordered(*(part[name] for name in order)):
        places = places.gather(part.select(order)[places].select(pl.arg_sort_by(order)).to_series())
    unit = part[by]
    first = 0
    while first < len(places):
        last = min(first + rows, len(places))
        while last < len(places) and unit[places[last]] == unit[places[last - 1]]:
            last += 1
        yield part[places[first:last]]
        first = last


def _is_ordered(unit: pl.Series, time: pl.Series, number: pl.Series) -> bool:
    """Say whether rows are in folding order as they stand."""
    later = (time > time.shift(1)) | ((time == time.shift(1)) & (number >= number.shift(1)))
    return bool(((unit > unit.shift(1)) | ((unit == unit.shift(1)) & later))[1:].all())
