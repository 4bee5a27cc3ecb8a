"""Two families whose members settle, cancel and move at once, and the news of it delivered meanwhile, on a database of their own.

The document counts a deductible and a cap by household (tests/packs/household-county). Whatever the interleaving, nobody may meet an
error that is no lawful no (a deadlock, a broken constraint), and in the end the books are what the batch makes of the same files.
"""

from __future__ import annotations

import json
import random
import threading
import traceback
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.faults.served import Served

TEXT = Path(__file__).parents[1] / "packs" / "household-county" / "policy.yaml"
PEOPLE = {"P0001": "F1", "P0002": "F1", "P0003": "F1", "P0004": "F2", "P0005": "F2"}
IDENTITIES = ("dibao", "dibao_edge")


def families(database: str, *, threads: int = 6, times: int = 25) -> dict[str, int]:
    """Let threads work at once and return what they did; raises if a law is broken."""
    from tests.faults.books import books_of

    served = Served(database)
    try:
        served.manage("from tests.faults import families; families.prepare()")
        said = served.manage(f"from tests.faults import families; families.work({threads}, {times})")
        done: dict[str, Any] = json.loads(said.splitlines()[-1])
        assert not done["wrong"], done["wrong"][0]
        found = books_of(served)
        assert not [year for year, fen in done["households"].items() if fen > 500_000], done["households"]
        return {**done["counts"], "live bills": len(found["live"]), "compared": found["compared"]}
    finally:
        served.close()


def prepare() -> None:
    """Make the tables, the cast and the families; runs inside the site's environment."""
    from django.core.management import call_command

    from tests.apps.cast import assemble
    from tuodi.apps.policies.models import Installation
    from tuodi.apps.registry.actions.households import JoinHousehold
    from tuodi.apps.registry.models import Identity, Person
    from tuodi.base import outbox

    call_command("migrate", verbosity=0)
    cast = assemble(first=date(2020, 1, 1))
    at = cast.wang.recorded_at + timedelta(minutes=1)
    Installation.objects.create(
        area_code="610900", pack="household-county", digest="1" * 64, texts={"policy.yaml": TEXT.read_text("utf-8")}, first=date(2023, 1, 1),
        is_by_household=True, proposed_by=cast.officer, proposed_at=at, approved_by=cast.approver, approved_at=at,
    )  # fmt: skip
    for psn_no in [psn_no for psn_no in PEOPLE if not Person.objects.filter(psn_no=psn_no).exists()]:
        person = Person.objects.create(
            psn_no=psn_no, name="虚构", initials=" xg ", insured_area="610902", registered_area="610902", recorded_at=at
        )  # fmt: skip
        Identity.objects.create(
            person=person, identity="dibao", first=date(2023, 1, 1), issuer="民政局", recorded_at=at
        )
    made: set[str] = set()
    for psn_no, number in PEOPLE.items():
        new = "" if number in made else "610902"
        JoinHousehold(actor=cast.registrar, psn_no=psn_no, number=number, new_area=new, first=date(2023, 1, 1)).run()
        made.add(number)
    while outbox.deliver():
        pass


class Member(threading.Thread):
    """One after the other: bills of anybody of the families, mostly, and now and then what changes who belongs together."""

    def __init__(self, number: int, times: int) -> None:
        super().__init__()
        self.chance, self.number, self.times = random.Random(number), number, times
        self.mine: list[str] = []
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self) -> None:
        from django.db import connection

        from tuodi.core.errors import InputErrors

        for n in range(self.times):
            what = self.chance.choices((self.settle, self.cancel, self.move, self.certify), (60, 15, 15, 10))[0]
            try:
                what(n)
                self.counts[what.__name__] += 1
            except InputErrors:
                self.counts["refused"] += 1
            except Exception:
                self.wrong.append(traceback.format_exc())
        connection.close()

    def settle(self, n: int) -> None:
        from tests.apps.cast import bill
        from tuodi.apps.settlement.actions import Settle
        from tuodi.base.models import User

        setl_id, day = f"T{self.number}-{n}", date(2023, 6, 1) + timedelta(days=self.chance.randrange(400))
        what = self.chance.choice(("21", "21", "21", "14"))
        made = bill(
            setl_id, day, self.chance.randrange(50, 4000), person=self.chance.choice(list(PEOPLE)), med_type=what
        )
        Settle(actor=User.objects.get(username="zhao"), bill=made).run()
        self.mine.append(setl_id)

    def cancel(self, n: int) -> None:
        from tuodi.apps.settlement.actions import CancelSettlement
        from tuodi.base.models import User

        if self.mine:
            setl_id = self.mine.pop(self.chance.randrange(len(self.mine)))
            CancelSettlement(actor=User.objects.get(username="zhao"), setl_id=setl_id, new_id=f"{setl_id}-").run()

    def move(self, n: int) -> None:
        from tuodi.apps.registry.actions.memberships import MoveMember
        from tuodi.base.models import User

        day = date(2023, 6, 1) + timedelta(days=self.chance.randrange(400))
        psn_no, number = self.chance.choice(list(PEOPLE)), self.chance.choice(("F1", "F2"))
        MoveMember(actor=User.objects.get(username="registrar"), psn_no=psn_no, number=number, first=day).run()

    def certify(self, n: int) -> None:
        from tuodi.apps.registry.actions.identities import CorrectIdentity
        from tuodi.apps.registry.models import Identity
        from tuodi.base.models import User

        row = self.chance.choice(list(Identity.objects.filter(withdrawn_at__isnull=True)))
        facts = {"identity": self.chance.choice(IDENTITIES), "last": self.chance.choice((None, date(2024, 3, 31)))}
        CorrectIdentity(actor=User.objects.get(username="zhou"), identity_id=row.pk, facts=facts).run()


def work(threads: int, times: int) -> None:
    """Let the threads work and the news be delivered; print what came of it; runs inside the site's environment."""
    from django.db import connection

    from tuodi.base import outbox

    ended, wrong = threading.Event(), list[str]()

    def deliver() -> None:
        while not ended.wait(0.01):
            try:
                outbox.deliver()
            except Exception:
                wrong.append(traceback.format_exc())
        connection.close()

    members = [Member(number, times) for number in range(threads)]
    postman = threading.Thread(target=deliver)
    for one in (postman, *members):
        one.start()
    for one in members:
        one.join()
    ended.set()
    postman.join()
    while outbox.deliver():
        pass
    counts = sum((one.counts for one in members), Counter())
    wrong += [text for one in members for text in one.wrong]
    print(json.dumps({"counts": counts, "wrong": wrong, "households": _paid_by_household()}))


def _paid_by_household() -> Counter[str]:
    """Return what was paid for inpatient care in a household's year."""
    from tuodi.apps.registry.queries import household_on
    from tuodi.apps.settlement.models import Entry
    from tuodi.base import clock

    found: Counter[str] = Counter()
    for entry in Entry.objects.filter(layer="stay").select_related("bill"):
        day = clock.local(entry.bill.setl_time).date()
        found[f"{household_on(entry.bill.psn_no, day) or entry.bill.psn_no} {day.year}"] += entry.pay
    return found
