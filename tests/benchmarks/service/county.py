"""A city's books in a database of its own: people, settlements, entries, audit rows, made by the database itself.

Rows are copies of one settlement that the service made, told apart by their numbers; nothing is measured that the service could
not have written. Both databases are asked in the same SQL.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Model

from tests.apps.cast import Cast, assemble, bill
from tuodi.apps.institutions.keys import IssueKey
from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry import words
from tuodi.apps.registry.models import Identity, Person, SearchWord
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.models import Bill, Encounter, Entry, Refold
from tuodi.base import clock, secrets
from tuodi.base.models import AuditEvent, User

#: Keys of what is made in bulk begin here, so that nothing made one by one meets them.
FIRST = 10_000_000
COUNTIES = 10
DAYS = 3 * 365
#: One settlement in so many is refused, and one in so many was changed afterwards.
REFUSED, CHANGED = 50, 20
BILLS_EACH = 5


def copies(model: type[Model], key: int, count: int, **columns: str) -> None:
    """Insert that many copies of a row; ``columns`` are what differs, as SQL over the number ``i``."""
    table, fields = model._meta.db_table, [field.column for field in model._meta.concrete_fields]
    differing = {"id": f"{FIRST} + i", **columns}
    chosen = ", ".join(differing.get(name, f"one.{name}") for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) "
            f"INSERT INTO {table} ({', '.join(fields)}) SELECT {chosen} FROM n, (SELECT * FROM {table} WHERE id = {key}) AS one"
        )


def later(column: str, minutes: str) -> str:
    """Return the SQL of an instant some minutes later."""
    if connection.vendor == "postgresql":
        return f"one.{column} + ({minutes}) * interval '1 minute'"
    return f"datetime(one.{column}, '+' || ({minutes}) || ' minutes')"


def people(cast: Cast, count: int, *, county: str) -> None:
    """Make people with an identity; ``county`` is the SQL of how many counties after the first one is insured."""
    held = Identity.objects.get(person=cast.wang)
    area = f"CAST(610902 + {county} AS varchar(12))"
    copies(Person, cast.wang.pk, count, psn_no=f"'N' || ({FIRST} + i)", insured_area=area)
    copies(Identity, held.pk, count, person_id=f"{FIRST} + i")


#: Characters of invented names with the first letter of how each is read; none is read in two ways.
SURNAMES = dict(
    zip(
        "王李张刘陈杨黄赵周吴徐孙马胡郭林高罗郑梁宋唐许邓冯韩曹彭潘袁董余苏吕魏蒋田杜丁沈",
        "wlzlcyhzzwxsmhglglzlstxdfhcppydyslwjtdds",
        strict=True,
    )
)
GIVEN = dict(zip("伟芳娜敏静丽强磊军洋艳勇娟涛明超霞平刚桂英文华玉", "wfnmjlqljyyyjtmcxpggywhy", strict=True))


def named_people(cast: Cast, count: int) -> dict[str, str]:
    """Make people with names, numbers and the words they are found by, in ten counties; return one of them as people type them."""
    base, letters = cast.wang, (SURNAMES, GIVEN, GIVEN)
    steps = (1, len(SURNAMES), len(SURNAMES) * len(GIVEN))

    def spelled(kind: str) -> str:
        parts = ["".join(chosen) if kind == "name" else "".join(chosen.values()) for chosen in letters]
        return " || ".join(
            f"substr('{part}', CAST(1 + (i / {step}) % {len(part)} AS integer), 1)"
            for part, step in zip(parts, steps, strict=True)
        )

    index = (
        "decode(md5(CAST(i AS text)), 'hex')"
        if connection.vendor == "postgresql"
        else "CAST(printf('%016d', i) AS blob)"
    )
    area = f"CAST(610902 + i % {COUNTIES} AS varchar(12))"
    name, initials = spelled("name"), spelled("initials")
    copies(
        Person, base.pk, count, psn_no=f"'N' || ({FIRST} + i)", name=name, initials=f"' ' || {initials} || ' '", insured_area=area,
        registered_area=area, certno_index=index, birth="one.birth",
    )  # fmt: skip
    words.index([base], fresh=True)
    word = SearchWord.objects.filter(person=base)[0]
    copies(SearchWord, word.pk, count, word=name, area_code=area, person_id=f"{FIRST} + i")
    copies(SearchWord, word.pk, count, id=f"{2 * FIRST} + i", word=initials, area_code=area, person_id=f"{FIRST} + i")
    certno = "610902195001010019"
    one = Person.objects.get(pk=FIRST + count // 2 // COUNTIES * COUNTIES)
    Person.objects.filter(pk=one.pk).update(certno_index=secrets.search_index(certno))
    return {"certno": certno, "name": one.name, "surname": one.name[0], "initials": one.initials.strip()}


def settlements(cast: Cast, count: int, *, among: int) -> None:
    """Make settlements of the last three years in the order of nothing, with what each was granted and who did it."""
    first = date.today() - timedelta(days=DAYS)
    at = clock.instant(datetime(first.year, first.month, first.day, 8))
    made = Settle(actor=cast.zhao, bill=bill("B0", date(2024, 1, 5), 3_000, setl_time=at)).run()
    entry, event = Entry.objects.filter(refold=made.refold.own)[0], AuditEvent.objects.filter(subject_id="B0")[0]
    setl_id, when = f"'B' || ({FIRST} + i)", f"i * 7919 % {DAYS * 1440}"
    copies(
        Bill, made.bill.pk, count, setl_id=setl_id, psn_no=f"'N' || ({FIRST} + i % {among})", setl_time=later("setl_time", when),
        fixmedins_code="CASE WHEN i % 100 = 0 THEN one.fixmedins_code ELSE 'H61090' || (210000 + i % 199) END",
        medfee_sumamt="one.medfee_sumamt + i % 1000", inscp_scp_amt="one.inscp_scp_amt + i % 1000", msgid="'m'",
    )  # fmt: skip
    copies(Refold, made.refold.own.pk, count, psn_no=f"'N' || ({FIRST} + i % {among})", cause_id=setl_id)
    own = {"bill_id": f"{FIRST} + i", "refold_id": f"{FIRST} + i", "result": "'{}'"}
    copies(Entry, entry.pk, count, **own, refusal=f"CASE WHEN i % {REFUSED} = 0 THEN 'no_identity' ELSE '' END")
    few = count // CHANGED
    moved = {"id": f"{FIRST + count} + i", "cause_id": "'identity:1'"}
    copies(Refold, made.refold.own.pk, few, **moved, cause="'identity'")
    copies(
        Entry, entry.pk, few, id=f"{FIRST + count} + i", bill_id=f"{FIRST} + i * {CHANGED} + 1", refold_id=f"{FIRST + count} + i",
        pay="100", result="'{}'",
    )  # fmt: skip
    seal = "'\\x00'" if connection.vendor == "postgresql" else "x'00'"
    copies(AuditEvent, event.pk, count, subject_id=setl_id, at=later("at", when), sequence="i + 1", seal=seal)


def fill(count: int) -> Cast:
    """Make all of it, in one transaction, and let the database count what it has."""
    among = max(count // BILLS_EACH, 1)
    with transaction.atomic():
        cast = assemble()
        people(cast, among, county=f"i % {COUNTIES}")
        settlements(cast, count, among=among)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return cast


def counters(count: int, *, before: int) -> dict[str, str]:
    """Make people in hospital in two counties, each with some settlements before; return the hospital's key.

    The counties are for two contestants, so that the books of the one can be checked after the other has written too.
    """
    cast = assemble()
    people(cast, count, county=f"i / {count // 2}")
    encounter = Encounter.objects.create(
        mdtrt_id="M0", psn_no="P0001", fixmedins_code=cast.hospital.code, med_type="21", admitted=clock.instant(datetime(2024, 1, 2, 9)),
        diag_code="J18.9", recorded_at=clock.instant(datetime(2024, 1, 2, 9)),
    )  # fmt: skip
    number = f"({FIRST} + i)"
    copies(Encounter, encounter.pk, count, mdtrt_id=f"'M' || {number}", psn_no=f"'N' || {number}")
    token = IssueKey(actor=cast.admin, institution=cast.hospital, name="his-1", user=cast.zhao).run()
    for turn in range(before):
        for person in range(count):
            given = bill(f"E{turn}-{person}", date(2023, 2 + turn, 3), 1_000, person=f"N{FIRST + person}", msgid="m")
            Settle(actor=cast.zhao, bill=given).run()
    _number_from({Bill: 2 * FIRST, Refold: 3 * FIRST})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"code": cast.hospital.code, "paasid": "his-1", "token": token}


def _number_from(starts: dict[type[Model], int]) -> None:
    """Let the next rows have keys that no other number in a statement can be mistaken for."""
    with connection.cursor() as cursor:
        for model, start in starts.items():
            table = model._meta.db_table
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {start}")
            else:
                cursor.execute(f"UPDATE sqlite_sequence SET seq = {start} WHERE name = '{table}'")


def somebody(cast: Cast, psn_no: str, count: int) -> Person:
    """Return a person without an identity who has so many settlements of one year, refused all of them."""
    person = Person.objects.create(
        psn_no=psn_no,
        name="某人",
        initials=" mr ",
        insured_area="610902",
        registered_area="610902",
        recorded_at=clock.now(),
    )
    for number in range(count):
        day = date(2023, 1, 5) + timedelta(days=9 * number)
        Settle(actor=cast.zhao, bill=bill(f"{psn_no}-{number}", day, 500 + number, person=psn_no)).run()
    return person


def somewhere(count: int) -> None:
    """Make people who have an identity and some settlements each, with the entries that their histories earn."""
    cast = Cast(
        {user.username: user for user in User.objects.all()},
        *Person.objects.order_by("pk")[:2],
        *Institution.objects.order_by("pk")[:2],
    )
    people(cast, count, county="i % 2")
    for number in range(count):
        for turn in range(BILLS_EACH):
            day = date(2023, 2 + turn, 1 + number % 28)
            Settle(
                actor=cast.zhao, bill=bill(f"E{turn}-{number}", day, 800 + number, person=f"N{FIRST + number}")
            ).run()
