"""From rows of a read frame to the core's values, for paths that take one person at a time."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tuodi.core.engine.fold import Application
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement


def settlements_of(frame: pl.DataFrame) -> list[Settlement]:
    """Return the settlements of a frame (no cancelling rows in it)."""
    return [
        Settlement(
            setl_id=row["setl_id"], psn_no=row["psn_no"], fixmedins_code=row["fixmedins_code"], med_type=row["med_type"],
            begndate=row["begndate"], enddate=row["enddate"], setl_time=row["setl_time"], diag_code=row["diag_code"],
            **{name: row[name] for name in AMOUNT_FIELDS}, disease_class=row["disease_class"],
            refer_stas=row["refer_stas"], out_prov=row["out_prov"], cause=row["cause"], hosp_lv=row["hosp_lv"],
            birth=row["brdy"], household=row["household"], standard_area=row["standard_area"],
            designated=row.get("designated"), assistance_designated=row.get("assistance_designated"),
            diag_others=row.get("diag_others") or "",
        )
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip


def identities_of(frame: pl.DataFrame) -> list[IdentityRecord]:
    """Return the identity records of a frame."""
    return [
        IdentityRecord(
            row["psn_no"],
            row["identity"],
            row["begin"],
            row["end"],
            row["certified_on"],
            row["applied_on"],
            row["issuer"],
        )
        for row in frame.iter_rows(named=True)
    ]


def applications_of(frame: pl.DataFrame | None) -> list[Application]:
    """Return the applications of a frame."""
    rows: Iterable[dict[str, object]] = frame.iter_rows(named=True) if frame is not None else ()
    return [Application(row["psn_no"], row["layer"], row["applied_on"]) for row in rows]  # type: ignore[arg-type]
