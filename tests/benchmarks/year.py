"""A person's year as values, without any database: for benchmarks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from tuodi.batch.packs import entered_values, pack_of
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

SAMPLE = Path(__file__).parents[1] / "data" / "delegated-sample.yaml"


def year_of(count: int, pack: str = "610900-ankang") -> tuple[Plan, list[Settlement], list[IdentityRecord]]:
    """Return a plan, so many settlements of one year and the identity that they meet."""
    loaded = pack_of(pack)
    plan = make_plan(loaded, entered_values(SAMPLE, loaded))
    bills = []
    for n in range(count):
        day = date(2024, 1, 2) + timedelta(days=n * 9)
        bills.append(
            Settlement(
                setl_id=f"S{n:03}", psn_no="甲", fixmedins_code="H61090200001", med_type="21" if n % 3 else "14", begndate=day, enddate=day,
                setl_time=datetime(day.year, day.month, day.day, 10), diag_code="J18.9", medfee_sumamt=500_000 + n, fulamt_ownpay_amt=0,
                overlmt_selfpay=0, preselfpay_amt=0, inscp_scp_amt=500_000 + n, hifp_pay=200_000,
            )
        )  # fmt: skip
    return plan, bills, [IdentityRecord("甲", "dibao", date(2023, 1, 1), None, date(2023, 1, 1), None, "民政部门")]
