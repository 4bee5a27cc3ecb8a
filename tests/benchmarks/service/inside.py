"""What is measured in a process of the site: each function is one task, takes plain values and returns plain values."""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from statistics import median
from typing import Any

import polars as pl
import xlsxwriter
from django.core.signals import request_started
from django.db import connection, reset_queries, transaction
from django.test import Client
from python_calamine import CalamineWorkbook

from tests.benchmarks.service import county
from tests.benchmarks.timing import ratio, side_by_side
from tests.site.entering import enter
from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.actions.rosters import AskToUndo, ConfirmRoster, KeepPreview, UploadRoster
from tuodi.apps.registry.comparing import preview_of
from tuodi.apps.registry.models import Identity
from tuodi.apps.registry.reading import read_roster
from tuodi.apps.settlement import importing
from tuodi.apps.settlement.folding import compute
from tuodi.apps.settlement.histories import histories
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.apps.settlement.nightly import check_books
from tuodi.apps.settlement.retro import refold_people
from tuodi.base import clock
from tuodi.base.action import Action
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
    plans = plans_of("610902")
    some = [held.part(lambda area: plans) for held in histories("610900")]

    def fold_alone() -> None:
        for part in some:
            compute([part])

    looked, folded = [], []
    for _ in range(rounds):
        looked.append(_seconds(lambda: check_books(area_code="610900")))
        folded.append(_seconds(fold_alone))
    bills = sum(len(part.settlements) for part in some)
    return {"people": len(some), "bills": bills, "seconds": median(looked), "fold": median(folded)}


def search(
    people: int, typed: dict[str, dict[str, str]], who: list[str], lists: dict[str, list[str]], rounds: int
) -> dict[str, list[Any]]:
    """Make people and look for them as each user; return the median of the seconds, the number of queries and of people shown."""
    cast = county.assemble()
    began = time.perf_counter()
    with transaction.atomic():
        one = county.named_people(cast, people)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: dict[str, list[Any]] = {"made": [time.perf_counter() - began]}
    for username in who:
        client = Client()
        enter(client, User.objects.get(username=username))
        for what, given in typed.items():
            asked = {key: value.format(**one) for key, value in given.items()}
            found[f"{username} {what}"] = _asked(lambda at=asked, by=client: by.post("/people/", at), rounds)
    for username, addresses in lists.items():
        client = Client()
        enter(client, User.objects.get(username=username))
        for address in addresses:
            found[f"{username} {address}"] = _asked(lambda at=address, by=client: by.get(at), rounds)
    return found


def _asked(ask: Callable[[], Any], rounds: int) -> list[Any]:
    counted: list[str] = []
    with connection.execute_wrapper(_counting(counted)):
        answer = ask()
    assert answer.status_code == 200, answer.status_code
    hits = answer.content.decode().count('data-label="姓名"')
    return [median(_seconds(ask) for _ in range(rounds)), len(counted), hits]


def roster(rows: int, rounds: int) -> dict[str, Any]:
    """Take a roster of identities in, step by step; every hundredth person has settlements, every thousandth row is wrong."""
    cast = county.assemble()
    with transaction.atomic():
        county.people(cast, rows, county="0")
        county.settlements(cast, rows // 100 * county.BILLS_EACH, among=max(rows // 100, 1))
    content, book = roster_csv(rows), roster_book(rows)
    found: dict[str, Any] = {}
    contests = {
        "CSV": (lambda: pl.read_csv(content, infer_schema=False), content),
        "xlsx": (lambda: CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python(), book),
    }
    for form, (alone, file) in contests.items():
        read = read_roster(file, kind="identities")
        mine, beside = side_by_side(lambda held=file: read_roster(held, kind="identities"), alone, rounds=rounds)
        found[form] = [mine.median, beside.median, ratio(mine, beside), read.bad.height]
        assert read.bad.height == -(-rows // 1000), read.bad.height
    given = {"issuer": "民政局", "area_code": "610902", "filename": "r.csv", "kind": "identities"}
    run = UploadRoster(actor=cast.registrar, content=content, **given).run()
    found["compared"] = _seconds(lambda: preview_of(run))
    preview, counted = preview_of(run), list[str]()
    with connection.execute_wrapper(_counting(counted)):
        found["weighed"] = _seconds(lambda: importing.impact_of_plan(preview.plan, as_of=run.as_of))
    found["statements"], found["with_bills"] = len(counted), Bill.objects.values("psn_no").distinct().count()
    weighed = importing.impact_of_plan(preview.plan, as_of=run.as_of)
    impacts, sums = [importing.line_of(one) for one in weighed], importing.sums_of(weighed)
    began = time.perf_counter()
    keeping = KeepPreview(actor=cast.registrar, preview=preview, impacts=impacts, sums=sums)
    with _held() as held:
        keeping.run()
    found["kept"], found["kept at most"] = time.perf_counter() - began, max(held)
    found["page"] = _page(cast, run.pk, rounds)
    for step, ask, work in (
        ("applied", ConfirmRoster, importing.apply_confirmed), ("undone", AskToUndo, importing.undo_asked),
    ):  # fmt: skip
        ask(actor=cast.registrar, run_id=run.pk).run()
        with _held() as held:
            found[step] = _seconds(partial(work, {"run": run.pk}))
        found[f"{step} in parts"], found[f"{step} at most"] = len(held), max(held)
        run.refresh_from_db()
        assert run.state == step, (run.state, run.failure)
    return found


@contextmanager
def _held() -> Iterator[list[float]]:
    """Gather how long each action's transaction took: nobody else is there, so none of it is waiting."""
    held: list[float] = []
    run = Action.run

    def timed(self: Action) -> Any:
        done: list[Any] = []
        held.append(_seconds(lambda: done.append(run(self))))
        return done[0]

    Action.run = timed  # type: ignore[method-assign]
    try:
        yield held
    finally:
        Action.run = run  # type: ignore[method-assign]


def _page(cast: Any, run_id: int, rounds: int) -> float:
    """Return what a page takes; as where it is served, no roster lies in memory that the search for garbage goes through."""
    client = Client()
    enter(client, cast.registrar)
    gc.collect()
    gc.freeze()
    taken = median(_seconds(lambda: client.get(f"/rosters/{run_id}/?page=40")) for _ in range(max(rounds, 2)))
    gc.unfreeze()
    return taken


HEAD = ["人员编号", "姓名", "身份证号", "身份", "起始日期", "终止日期", "认定日期", "认定部门", "证号"]


def _cells(number: int) -> list[str]:
    identity, first = ("低保", "2023-01-01") if number % 2 else ("特困", "2022/1/1")
    ends = "2021-01-01" if number % 1000 == 0 else ""
    return [f"N{county.FIRST + number}", "王奶奶", "", identity, first, ends, "2022-01-01", "民政局", f"D{number}"]


def roster_csv(rows: int) -> bytes:
    """Return a roster as departments send it: half of it new, half changed."""
    return "\n".join(map(",".join, (HEAD, *map(_cells, range(rows))))).encode()


def roster_book(rows: int) -> bytes:
    """Return the same as a workbook."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "constant_memory": False})
    sheet = made.add_worksheet()
    for at, cells in enumerate((HEAD, *map(_cells, range(rows)))):
        sheet.write_row(at, 0, cells)
    made.close()
    return out.getvalue()
