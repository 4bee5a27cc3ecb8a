"""The amounts of one person or household together stay in the range that was proven: at the limit computed, a fen above refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from tests.batch.test_batch_agrees import MIXED
from tests.batch.test_explain_agrees import TEXT

from tuodi.core.engine.fold import fold
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.prove import AMOUNT, RUNNING
from tuodi.core.engine.versions import Period, fold_periods
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.load import load_pack, read_source
from tuodi.core.settlements import SPLIT_FIELDS, Settlement

ALONE = make_plan(load_pack(read_source(TEXT.replace("    of: household\n", ""), file="person.yaml")))
SHARED = make_plan(load_pack(read_source(TEXT + MIXED, file="mixed.yaml")))


def history(fen, *, people="P", household=""):
    """Return bills of at most the largest amount that come to so much, and a certification for everybody."""
    bills, day = [], datetime(2023, 1, 1, 10)
    while fen:
        amount = min(fen, AMOUNT - 1)
        fen -= amount
        day += timedelta(days=1)
        psn_no = people[len(bills) % len(people)]
        amounts = dict.fromkeys(SPLIT_FIELDS, 0) | {"medfee_sumamt": amount, "inscp_scp_amt": amount}
        bills.append(
            Settlement(
                f"S{len(bills):04}",
                psn_no,
                "H",
                "21",
                day.date(),
                day.date(),
                day,
                "J18.9",
                **amounts,
                household=household,
            )
        )
    return bills, [IdentityRecord(p, "dibao", date(2022, 1, 1), None, None, None) for p in people]


def test_at_the_limit_the_two_evaluators_agree_and_a_fen_more_is_refused_with_person_and_sum():
    bills, records = history(RUNNING)
    assert fold(ALONE, bills, records) == fold(ALONE, bills, records, reference=True)
    bills, records = history(RUNNING + 1)
    with pytest.raises(InputErrors, match=r"E-TOTAL-RANGE.*人员 P.*100,000,000,000\.01 元.*100,000,000,000\.00 元"):
        fold(ALONE, bills, records)
    with pytest.raises(InputErrors, match="E-TOTAL-RANGE"):
        fold_periods([Period(ALONE, date(2022, 1, 1), None)], bills, records)


def test_a_household_is_one_sum_where_its_totals_are_kept_and_people_apart_where_not():
    bills, records = history(RUNNING + 1, people="PQ", household="F1")
    assert len(fold(ALONE, bills, records)) == len(bills)
    with pytest.raises(InputErrors, match=r"E-TOTAL-RANGE.*户 F1"):
        fold(SHARED, bills, records)
    apart = [replace(one, household="F2") if one.psn_no == "Q" else one for one in bills]
    assert len(fold(SHARED, apart, records)) == len(bills)
