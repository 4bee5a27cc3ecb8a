"""What the institutions file says of each settlement: level, designated on the day, assistance list."""

from __future__ import annotations

import polars as pl


def joined(frame: pl.DataFrame, institutions: pl.DataFrame) -> pl.DataFrame:
    """Return settlements with ``hosp_lv`` filled, ``designated`` and ``assistance_designated``; null where unknown."""
    known = institutions.select(
        "fixmedins_code",
        pl.col("hosp_lv").alias("own_lv"),
        "insurance_designated",
        "assistance_designated",
        "suspended_from",
        "suspended_to",
    )
    settled = pl.col("setl_time").dt.date()
    suspended = (pl.col("suspended_from") <= settled) & (
        pl.col("suspended_to").is_null() | (settled <= pl.col("suspended_to"))
    )
    return frame.join(known, on="fixmedins_code", how="left", maintain_order="left").with_columns(
        hosp_lv=pl.when(pl.col("hosp_lv") == "").then(pl.col("own_lv")).otherwise(pl.col("hosp_lv")).fill_null(""),
        designated=pl.col("insurance_designated") & ~suspended.fill_null(False),
    ).drop("own_lv", "insurance_designated", "suspended_from", "suspended_to")  # fmt: skip
