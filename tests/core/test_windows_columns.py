"""Identity windows over columns against the core's, record by record and settlement by settlement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
import pytest
from evaluators import frame_of, identity_frame
from hypothesis import given
from hypothesis import strategies as st
from strategies import bill, drawn, pick, plan_of

from tuodi.batch import windows as columns
from tuodi.batch.events import decide, roster
from tuodi.core import dates
from tuodi.core.engine.events import events_of
from tuodi.core.engine.plan import make_plan
from tuodi.core.engine.windows import Judged, identity_windows, reach_backs
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.model import Pack

HELD = ("dibao", "dibao_edge", "low_income", "illness_poverty")
PEOPLE = ("甲", "乙")
#: Ends of months, leap days, ends of years, and the first and last day in force.
MARKS = (
    date(2022, 1, 1), date(2022, 1, 31), date(2022, 2, 28), date(2022, 8, 31), date(2022, 12, 31), date(2023, 1, 30),
    date(2023, 3, 31), date(2023, 6, 1), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 8, 30), date(2024, 12, 31),
)  # fmt: skip
DAYS = st.builds(lambda mark, n: mark + timedelta(days=n), pick(MARKS), pick((0, 0, -1, 1, -29, 30, 181, -365)))


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    """Draw a pack with any rules of identities: lasting, certified, reaching back, opening windows."""
    windows = {
        name: {
            "clause": "ZZ-7", "name": name, "identities": draw(st.lists(pick(HELD), min_size=1, max_size=3, unique=True)),
            "months": draw(pick((1, 6, 12))), "before": draw(pick(("certified_on", "applied_on"))),
            "except_last_months": draw(pick((0, 0, 6))), "renewals": draw(st.booleans()),
            "accompanied_by": draw(pick(((), (), ("low_income",), ("dibao", "dibao_edge")))),
        }
        for name in ("w1", "w2")
    }  # fmt: skip
    rules = []
    for _ in range(draw(pick((0, 1, 2, 2)))):
        rule = {
            "clause": "ZZ-7", "identities": draw(pick((("all",), ("dibao",), ("dibao_edge", "illness_poverty")))),
            "lasts_until": draw(pick(("end", "month_end", "year_end"))), "months_after_end": draw(pick((0, 0, 1, 24))),
            "certified_months": draw(pick((0, 0, 12))), "certified_until": draw(pick(("day", "month_end"))),
            "reach_back_months": draw(pick((0, 0, 6, 12))), "per_record": draw(pick(("window", "window", "first_settlement", "rest_of_year"))),
        }  # fmt: skip
        if draw(st.booleans()):
            rule["window"] = draw(pick(("w1", "w2")))
        rules.append(rule)
    more = {"windows": windows, "identity_rules": rules}
    if draw(st.booleans()):
        more["in_force"] = {"clause": "ZZ-1", "first": "2022-06-15", "last": "2024-03-31"}
    if draw(st.booleans()):
        more["stay_ends"] = "settlement"
    if draw(st.booleans()):
        more["category_rule"] = "best_of_year"
    layers = [
        {"id": "l0", "figures": [{"clause": "ZZ-4.1", "rate": "50%"}]},
        {"id": "l1", "figures": [{"clause": "ZZ-4.1", "rate": "10%"}], "covers": {"window": "w1"}},
    ]
    return drawn(layers, **msgspec.to_builtins(more))


@st.composite
def records(draw: st.DrawFn, who: str) -> IdentityRecord:
    first = draw(DAYS)
    last = draw(st.one_of(st.none(), DAYS))
    return IdentityRecord(
        who,
        draw(pick(HELD)),
        first,
        None if last is None else max(first, last),
        draw(st.one_of(st.none(), DAYS)),
        draw(st.one_of(st.none(), DAYS)),
    )


@st.composite
def bills(draw: st.DrawFn, number: int):
    settled, length = draw(DAYS), draw(pick((0, 0, 3, 40)))
    care = draw(pick(("21", "14")))
    ended = settled - timedelta(days=draw(pick((0, 0, 15))))
    begun = ended - timedelta(days=length) if care == "21" else ended
    when = datetime(settled.year, settled.month, settled.day, draw(pick((9, 10))))
    return bill(str(number), when, 10_000, psn_no=draw(pick(PEOPLE)), med_type=care, begndate=begun, enddate=ended)


def day(number: int) -> date | None:
    return None if number == columns.NONE else columns.EPOCH + timedelta(days=int(number))


def windows_of(plan, held):
    """Return the columns' windows of records of one person: for each its own window, and what it opens of each kind."""
    people = (
        frame_of([bill("1", datetime(2023, 1, 1), psn_no="甲")]).select("psn_no").with_columns(person=np.array([0]))
    )
    table = roster(identity_frame(held), people)
    rules, windows = columns.rule_table(plan.pack)
    own = columns.record_windows(
        table.start, table.identity, table.first, table.last, table.certified, table.applied, rules, windows,
        columns.day_number(plan.first), columns.day_number(plan.last),
    )  # fmt: skip
    return table, rules, own


@given(packs(), st.lists(records("甲"), min_size=1, max_size=4))
def test_every_record_has_the_window_that_the_core_gives_it(pack, held):
    plan = plan_of(pack)
    held = [replace(record, issuer=str(n)) for n, record in enumerate(held)]
    _, _, (first, last, mode, open_first, open_before, open_day) = windows_of(plan, held)
    core = identity_windows(plan.pack, held, life=plan.life)
    opened = reach_backs(plan.pack, held, life=plan.life)
    for n, record in enumerate(held):
        own = [(w.first, w.last, w.judged) for w in core if w.record is record and w.judged != Judged.SETTLED]
        assert own == ([(day(first[n]), day(last[n]), mode[n])] if first[n] <= last[n] else [])
        for k, name in enumerate(plan.pack.windows):
            expected = [(w.first, w.before) for w in opened[name] if w.record is record]
            assert expected == (
                [(day(open_first[n, k]), day(open_before[n, k]))] if open_first[n, k] != columns.NONE else []
            )
            assert open_day[n, k] == columns.NONE or day(open_day[n, k]) in (record.certified_on, record.applied_on)


@given(packs(), st.lists(records("甲") | records("乙"), max_size=5), st.data())
def test_every_settlement_has_the_identities_windows_and_decision_that_the_core_gives_it(pack, held, data):
    plan = plan_of(pack)
    settlements = [data.draw(bills(n)) for n in range(data.draw(pick((1, 3, 5))))]
    core = {event.settlement.setl_id: event for event in events_of(plan, settlements, held)}
    found = decide(plan, frame_of(settlements).sort("psn_no", "setl_time", "setl_id"), identity_frame(held))
    for i, setl_id in enumerate(found.frame["setl_id"].to_list()):
        event, decision = core[setl_id], found.decisions[found.decision[i]]
        assert decision == event.decision
        for name in plan.pack.windows:
            assert day(found.window_days[name][i]) == event.keys.get(f"window:{name}")
        known = event.window.record.certified_on if event.window else None
        assert day(found.certified[i]) == known
        assert day(found.judged[i]) == event.day


@given(packs(), st.lists(records("甲"), min_size=1, max_size=4), st.data())
def test_every_settlement_has_the_mask_of_identities_that_the_core_gives_it(pack, held, data):
    plan = plan_of(msgspec.structs.replace(pack, category_rule="each_settlement"))
    settlements = sorted(
        (replace(data.draw(bills(n)), psn_no="甲") for n in range(4)), key=lambda s: (s.setl_time, s.setl_id)
    )
    table, rules, own = windows_of(plan, held)
    number = columns.day_number
    last = [
        s.begndate
        if s.med_type == "14"
        else max(s.enddate, s.setl_time.date())
        if plan.pack.stay_ends == "settlement"
        else s.enddate
        for s in settlements
    ]
    masks, _ = columns.event_identities(
        np.zeros(4, np.int64), np.array([number(s.begndate) for s in settlements]), np.array([number(d) for d in last]),
        np.array([number(s.setl_time.date()) for s in settlements]), np.array([s.setl_time.year for s in settlements]),
        table.start, table.identity, rules, *own,
    )  # fmt: skip
    assert masks.tolist() == [event.profile.identities for event in events_of(plan, settlements, held)]


any_day = st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.builds(
    lambda year, month: dates.month_end(date(year, month, 1)), st.integers(1, 9999), st.integers(1, 12)
)


@given(any_day, st.integers(-30, 30) | st.integers(-130_000, 130_000))
def test_months_are_added_as_in_the_core(on, months):
    assert day(columns.add_months(columns.day_number(on), months)) == dates.add_months(on, months)


@given(any_day)
def test_days_are_taken_apart_and_put_together_as_in_the_core(on):
    number = columns.day_number(on)
    assert columns.civil(number) == (on.year, on.month, on.day)
    assert columns.day_of(on.year, on.month, on.day) == number
    assert day(columns.month_end(number)) == dates.month_end(on)
    assert columns.month_length(on.year, on.month) == dates.month_end(on).day


@pytest.mark.parametrize(
    ("on", "months", "expected"),
    [
        (date(2024, 8, 31), -6, date(2024, 2, 29)), (date(2023, 8, 31), -6, date(2023, 2, 28)), (date(2023, 12, 31), 2, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)), (date(2024, 2, 29), -12, date(2023, 2, 28)), (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 1, 31), -1, date(2023, 12, 31)), (date(2022, 12, 31), 0, date(2022, 12, 31)),
    ],
)  # fmt: skip
def test_a_day_that_its_month_lacks_becomes_the_last_of_the_month(on, months, expected):
    assert dates.add_months(on, months) == expected
    assert day(columns.add_months(columns.day_number(on), months)) == expected


def test_every_day_on_which_a_decision_may_change_begins_a_stretch_of_its_own():
    """First and last day in force, the first year's January, and a row's first and last day, entered or written."""
    asked = {"clause": "ZZ-4", "asks": "起算日", "left_to": "文件", "unit": "day"}
    row = {"clause": "ZZ-4.1", "rate": "50%"}
    pack = drawn(
        [
            {"id": "l0", "figures": [{**row, "last": "2023-05-31"}]},
            {"id": "l1", "figures": [{**row, "first": {"delegated": "zz.from"}}]},
        ],
        delegated={"zz.from": asked},
        in_force={"clause": "ZZ-1", "first": "2022-06-15", "last": "2024-03-31", "earlier_in_first_year": "counts"},
    )
    plan = make_plan(pack, [EnteredValue("zz.from", "2023-03-10", "文件")])
    begins = (date(2022, 1, 1), date(2022, 6, 15), date(2023, 3, 10), date(2023, 6, 1), date(2024, 4, 1))
    days = [begin + timedelta(days=n) for begin in begins for n in (-1, 0)]
    some = [bill(f"{n:02d}", datetime(day.year, day.month, day.day), 10_000) for n, day in enumerate(days)]
    held = [IdentityRecord("甲", "dibao", date(2020, 1, 1))]
    core = {event.settlement.setl_id: event.decision for event in events_of(plan, some, held)}
    found = decide(plan, frame_of(some).sort("psn_no", "setl_time", "setl_id"), identity_frame(held))
    assert {s: found.decisions[found.decision[i]] for i, s in enumerate(found.frame["setl_id"].to_list())} == core
    assert all(core[f"{n:02d}"] != core[f"{n + 1:02d}"] for n in range(0, 10, 2))
