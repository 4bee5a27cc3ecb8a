"""What is measured in a process of the site: each function is one task, takes plain values and returns plain values."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.core.signals import request_started
from django.db import connection, reset_queries
from django.test import Client

from tests.benchmarks.service import county
from tests.site.entering import enter
from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.models import Identity
from tuodi.apps.settlement import history
from tuodi.apps.settlement.impact import histories
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.apps.settlement.nightly import check_books
from tuodi.apps.settlement.retro import refold_people
from tuodi.base import clock
from tuodi.base.models import User


def fill(count: int) -> float:
    """Make the books and return how long it took."""
    began = time.perf_counter()
    county.fill(count)
    return time.perf_counter() - began


def pages(asked: dict[str, list[str]], rounds: int) -> dict[str, list[Any]]:
    """Ask each address as each user; return the median of the seconds, and the number of queries."""
    found: dict[str, list[Any]] = {}
    for username, addresses in asked.items():
        client = Client()
        enter(client, User.objects.get(username=username))
        for template in addresses:
            address, counted = template.format(day=date.today() - timedelta(days=30)), []
            with connection.execute_wrapper(_counting(counted)):
                answer = client.get(address)
            assert answer.status_code == 200, (username, address, answer.status_code)
            found[f"{username} {template}"] = [
                median(_seconds(lambda asking=client, at=address: asking.get(at)) for _ in range(rounds)), len(counted),
            ]  # fmt: skip
    return found


def _counting(counted: list[str]) -> Callable[..., Any]:
    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        counted.append(sql)
        return execute(sql, params, many, context)

    return wrapper


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def counters(count: int, before: int) -> dict[str, str]:
    """Make people in hospital and the hospital's key."""
    return county.counters(count, before=before)


def captured(first: dict[str, Any], request: dict[str, Any], setl_id: str) -> dict[str, Any]:
    """Send a settle call without the network, after a first one; return its statements with their values, and the keys it was given."""
    _settled(first)
    request_started.disconnect(reset_queries)
    connection.force_debug_cursor, at = True, len(connection.queries_log)
    _settled(request)
    made = Bill.objects.get(setl_id=setl_id)
    refold = Refold.objects.get(cause_id=setl_id)
    # Calls are counted in blocks of twenty: the one call that draws a block is no measure of the others.
    said = [query["sql"] for query in list(connection.queries_log)[at:-2] if "base_callcount" not in query["sql"]]
    return {"statements": said, "bill": str(made.pk), "refold": str(refold.pk)}


def _settled(request: dict[str, Any]) -> None:
    answer = Client().post(
        request["path"], request["body"], content_type="application/json", headers=request["headers"]
    )
    assert answer.json()["infcode"] == 0, answer.json()["err_msg"]


def books(area_code: str, prefix: str) -> dict[str, Any]:
    """Return the settlements kept whose id begins so, and how many people's entries are not what their histories earn."""
    kept = list(Bill.objects.filter(setl_id__startswith=prefix).values_list("setl_id", flat=True))
    found = check_books(area_code=area_code)
    return {"kept": kept, "wrong": len(found.differences), "people": found.people, "bills": found.bills}


def retroactive(settlements: int, rounds: int) -> dict[str, Any]:
    """Give somebody an identity that reaches back, as a confirmed certificate is told to the settlements; the median of people."""
    cast = county.assemble()
    times, entries, counted = [], 0, []
    for turn in range(rounds):
        person = county.somebody(cast, f"R{turn}", settlements)
        Identity.objects.create(
            person=person, identity="dibao", first=date(2023, 1, 1), issuer="民政局", recorded_at=clock.now()
        )
        counted.clear()
        with connection.execute_wrapper(_counting(counted)):
            times.append(
                _seconds(lambda who=person: refold_people({"psn_nos": [who.psn_no], "cause_id": "identity:1"}))
            )
        entries = Entry.objects.filter(bill__psn_no=person.psn_no, refold__cause="identity").count()
        assert entries >= settlements, entries
    return {"seconds": median(times), "entries": entries, "statements": len(counted)}


def night(people: int, rounds: int) -> dict[str, Any]:
    """Check everybody's books, and fold the same histories from values in memory."""
    county.somewhere(people)
    some = [(held.settlements, held.records, held.person.insured_area) for held in histories("610900")]
    plans = plans_of("610902")

    def fold_alone() -> None:
        for settlements, records, area in some:
            history.compute(settlements, records, plans, area=area)

    looked, folded = [], []
    for _ in range(rounds):
        looked.append(_seconds(lambda: check_books(area_code="610900")))
        folded.append(_seconds(fold_alone))
    bills = sum(len(settlements) for settlements, _, _ in some)
    return {"people": len(some), "bills": bills, "seconds": median(looked), "fold": median(folded)}
