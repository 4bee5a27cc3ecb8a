"""Slices of a part: every settlement that stands once, in folding order, no person cut in two."""

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch.parts import NOTHING_CANCELLED, slices, standing

ROWS = st.lists(st.tuples(st.sampled_from("甲乙丙丁"), st.integers(0, 3), st.booleans(), st.booleans()), max_size=30)


def frame_of(rows):
    """Return settlements of these people at these hours; those that are cancelled are followed by what cancels them."""
    made = []
    for n, (person, hour, is_cancelled, _) in enumerate(rows):
        row = {"psn_no": person, "setl_id": f"{n:03d}", "setl_time": datetime(2024, 1, 1) + timedelta(hours=hour)}
        made.append(row | {"refd_setl_flag": False})
        if is_cancelled:
            made.append(row | {"refd_setl_flag": True, "setl_time": datetime(2024, 1, 2)})
    types = {"psn_no": pl.String, "setl_id": pl.String, "setl_time": pl.Datetime("us"), "refd_setl_flag": pl.Boolean}
    return pl.DataFrame(made, schema=types).with_row_index("row", offset=2).with_columns(pl.col("row").cast(pl.Int64))


@settings(deadline=None)
@given(ROWS, st.integers(1, 5), st.booleans())
def test_slices_hold_what_stands_in_folding_order(rows, size, is_sorted):
    frame = frame_of(sorted(rows) if is_sorted else rows)
    late = [
        line for line, (*_, is_late) in zip(frame.filter(~frame["refd_setl_flag"])["row"], rows, strict=True) if is_late
    ]
    places, cancelled = standing(frame, late=pl.Series(late, dtype=pl.Int64), cancels=NOTHING_CANCELLED)
    stands = frame.filter(~pl.col("row").is_in(late) & ~pl.col("refd_setl_flag"))
    gone = frame.filter("refd_setl_flag")["setl_id"].to_list()
    assert cancelled == stands.filter(pl.col("setl_id").is_in(gone)).height
    cut = list(slices(frame, places, by="psn_no", rows=size))
    expected = stands.filter(~pl.col("setl_id").is_in(gone)).sort("psn_no", "setl_time", "setl_id")
    assert pl.concat([frame.clear(), *cut]).equals(expected)
    people = [set(one["psn_no"]) for one in cut]
    assert sum(map(len, people)) == len(set().union(*people))


def test_what_another_part_cancels_does_not_stand():
    frame = frame_of([("甲", 1, False, False), ("甲", 2, False, False)])
    places, cancelled = standing(
        frame,
        late=pl.Series([], dtype=pl.Int64),
        cancels=pl.DataFrame({"setl_id": ["001", "000"], "psn_no": ["甲", "乙"]}),
    )
    assert (places.to_list(), cancelled) == ([0], 1)
