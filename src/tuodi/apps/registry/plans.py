"""What a roster would change: its rows held against what is believed, before anything is written.

A plan is made twice, for the preview and again under lock when it is confirmed; its digest says whether both are the same. Of a
roster's people everybody has to be found, by number, in the area of whoever imports: a row that is not certain is a conflict,
listed and left alone, never applied by guess.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeVar

from django.db.models import Q, QuerySet

from tuodi.apps.registry.insured import places_of
from tuodi.apps.registry.models import Household, Identity, Membership, Person
from tuodi.apps.registry.queries import index_of
from tuodi.apps.registry.reading import Roster
from tuodi.base import access
from tuodi.core.dates import FOREVER, day_before
from tuodi.core.errors import Fault, declare, fault
from tuodi.core.identities import IDENTITIES

E_NOT_FOUND = declare(
    "E-REG-ROW-NOT-FOUND",
    "查不到这个人",
    "请核对号码；不在本辖区参保、户籍或居住的，由所在地登记；未登记的先导入人员名册",
)
E_TWO_PEOPLE = declare(
    "E-REG-ROW-TWO-PEOPLE", "身份证号属于人员 {by_number}，人员编号是 {by_psn}", "请核对是哪一个人，或先合并重复记录"
)
E_NUMBER_DIFFERS = declare(
    "E-REG-ROW-NUMBER-DIFFERS", "身份证号与人员 {psn_no} 登记的不同", "请核对证件；登记有误的先更正人员信息"
)
E_NAME = declare("E-REG-ROW-NAME", "姓名与登记的人员 {psn_no} 不同", "请核对是不是同一个人；登记有误的先更正人员信息")
E_ROW_OVERLAP = declare(
    "E-REG-ROW-OVERLAP",
    "人员 {psn_no} 的{identity} {given} 与 {held} 重叠",
    "请改成前后相接的两段，或先终止、更正原认定",
)
E_REPEATED = declare("E-REG-ROW-REPEATED", "与第 {first} 行是同一人的同一身份、同一起始日期", "请只留一行")
E_ENDED_BEFORE = declare(
    "E-REG-ROW-ENDED",
    "人员 {psn_no} 的{identity}已于 {last} 终止，名册没有终止日期列，仍列入",
    "请核对是否重新认定；是的请以新的起始日期登记",
)
E_ABSENT_NAMESAKE = declare(
    "E-REG-ABSENT-NAMESAKE",
    "人员 {psn_no} 不在名册中，但名册第 {row} 行有同名而查不到号码的人",
    "请先更正那一行，再导入",
)
E_COVERS = declare(
    "E-REG-ROW-COVERS", "{identity}不在这份全量名册所含的身份中", "请核对身份，或在导入时把它列入所含身份"
)
E_HOUSEHOLD = declare(
    "E-REG-ROW-HOUSEHOLD", "人员 {psn_no} 登记在户 {held}，名册写 {given}", "请用分户、迁户办理，名册不改户"
)
E_AREA = declare("E-REG-ROW-AREA", "人员 {psn_no} 或其参保地 {area} 不在您的辖区", "请由参保地导入")
E_NUMBER = declare("E-REG-ROW-NUMBER", "身份证号已登记在人员 {held} 名下", "请核对；确是同一个人的，登记后办理合并")

#: How many keys one statement asks for.
CHUNK = 5000
T = TypeVar("T")

#: Roster column -> field of a certification.
COLUMNS = {
    "begin": "first", "end": "last", "certified_on": "certified_on", "applied_on": "applied_on", "issuer": "issuer",
    "document_number": "document_number",
}  # fmt: skip
PERSON_COLUMNS = ("name", "gend", "birth", "insured_area", "registered_area", "residence_area", "insutype")


class Known(NamedTuple):
    """A person as a plan needs them; ``root`` is the key of the record that answers."""

    root: int
    psn_no: str
    name: str
    has_number: bool = False


class Held(NamedTuple):
    """A believed certification."""

    pk: int
    person: int
    identity: str
    first: date
    last: date | None
    certified_on: date | None
    applied_on: date | None
    issuer: str
    document_number: str
    run: int | None


HELD = (
    "pk",
    "person_id",
    "identity",
    "first",
    "last",
    "certified_on",
    "applied_on",
    "issuer",
    "document_number",
    "run_id",
)


@dataclass(frozen=True)
class Difference:
    """One line of a preview. ``kind``: new, changed, ended, registered, updated, joined."""

    kind: str
    psn_no: str
    name: str
    identity: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    line: int = 0
    held_id: int | None = None
    person_id: int | None = None

    @property
    def fields(self) -> list[str]:
        """What differs."""
        return [name for name, value in self.after.items() if self.before is None or self.before.get(name) != value]


@dataclass
class Plan:
    """What a roster would do, and what it leaves alone."""

    differences: list[Difference] = field(default_factory=list)
    conflicts: list[Fault] = field(default_factory=list)
    not_found: list[Fault] = field(default_factory=list)
    unchanged: int = 0
    absences_kept: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, for the run's row."""
        kinds = Counter(one.kind for one in self.differences)
        return {
            **kinds,
            "unchanged": self.unchanged,
            "conflicts": len(self.conflicts),
            "not_found": len(self.not_found),
        }

    @property
    def psn_nos(self) -> list[str]:
        """Whose identities change."""
        return sorted({one.psn_no for one in self.differences if one.kind in ("new", "changed", "ended")})

    def of_kind(self, *kinds: str) -> list[Difference]:
        return [one for one in self.differences if one.kind in kinds]

    @property
    def digest(self) -> str:
        """A digest of the changes: the same if confirming would do what was previewed."""
        told = [f"{d.kind}|{d.psn_no}|{d.identity}|{d.held_id}|{sorted(d.after.items())}" for d in self.differences]
        return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield items some at a time, so that one statement asks for a bounded number."""
    listed = list(items)
    for at in range(0, len(listed), CHUNK):
        yield listed[at : at + CHUNK]


@dataclass
class People:
    """Those of a roster who were found: by the keyed index of the identity number, and by person number."""

    by_index: dict[bytes, Known] = field(default_factory=dict)
    by_psn: dict[str, Known] = field(default_factory=dict)
    index: dict[str, bytes] = field(default_factory=dict)
    root_of: dict[int, Known] = field(default_factory=dict)


def find_people(actor: Any, roster: Roster) -> People:
    """Return the visible people of a roster, a bounded number of statements for each chunk of numbers."""
    frame = roster.frame
    people = People(index=index_of(n for n in frame["certno"].unique() if n))
    seen = access.visible(actor, Person)
    fields = ("pk", "psn_no", "name", "certno_index", "merged_into_id")
    rows: dict[int, tuple[Any, ...]] = {}
    asked = [Q(certno_index__in=some) for some in chunks(people.index.values())]
    asked += [Q(psn_no__in=some) for some in chunks(n for n in frame["psn_no"].unique() if n)]
    for condition in asked:
        rows.update((row[0], row) for row in seen.filter(condition).values_list(*fields))
    missing = {row[4] for row in rows.values() if row[4]} - set(rows)
    for some in chunks(missing):
        rows.update((row[0], row) for row in seen.filter(pk__in=some).values_list(*fields))
    for row in rows.values():
        kept = rows.get(row[4]) if row[4] else row
        if kept is None:
            continue
        known = Known(kept[0], kept[1], kept[2], bool(kept[3]))
        people.by_psn[row[1]] = people.root_of[row[0]] = people.root_of[kept[0]] = known
        if row[3] and (bytes(row[3]) not in people.by_index or row[4] is None):
            people.by_index[bytes(row[3])] = known
    return people


def _who(row: dict[str, Any], people: People) -> Known | Fault:
    """Return whose a row is, or why that is not certain."""
    by_number = people.by_index.get(people.index[row["certno"]]) if row["certno"] else None
    by_psn = people.by_psn.get(row["psn_no"]) if row["psn_no"] else None
    if by_number and by_psn and by_number.root != by_psn.root:
        return fault(E_TWO_PEOPLE, line=row["row"], by_number=by_number.psn_no, by_psn=by_psn.psn_no)
    if row["psn_no"] and row["certno"] and by_number and not by_psn:
        return fault(E_NOT_FOUND, line=row["row"], column="人员编号", value=row["psn_no"])
    found = by_number or by_psn
    if by_psn and row["certno"] and not by_number and by_psn.has_number:
        return fault(E_NUMBER_DIFFERS, line=row["row"], column="身份证号", psn_no=by_psn.psn_no)
    if found is None:
        return fault(
            E_NOT_FOUND, line=row["row"], column="身份证号" if row["certno"] else "人员编号", value=row["psn_no"]
        )
    if row["name"] and row["name"] != found.name:
        return fault(E_NAME, line=row["row"], column="姓名", psn_no=found.psn_no)
    return found


def people_of_list(actor: Any, roster: Roster) -> tuple[list[str], list[Fault]]:
    """Return the person numbers of a list of people, and the rows that are nobody's."""
    people = find_people(actor, roster)
    who = [_who(row, people) for row in roster.frame.iter_rows(named=True)]
    return sorted({one.psn_no for one in who if isinstance(one, Known)}), [one for one in who if isinstance(one, Fault)]


def plan_identities(
    actor: Any, roster: Roster, *, issuer: str, as_of: date, covers: Sequence[str], is_full: bool, area_code: str,
    progress: Callable[[int, int], None] | None = None, absent: Sequence[str] | None = None,
) -> Plan:  # fmt: skip
    """Return what a roster of identities changes; of a full one who is absent from it is ended the day before ``as_of``.

    Of some rows of a roster nobody can say who is absent: then ``absent`` names them.
    """
    plan, people = Plan(), find_people(actor, roster)
    wanted: dict[tuple[int, str], list[tuple[dict[str, Any], Known]]] = defaultdict(list)
    nameless = {}
    for row in roster.frame.iter_rows(named=True):
        who = _who(row, people)
        if isinstance(who, Fault):
            (plan.not_found if who.code == E_NOT_FOUND else plan.conflicts).append(who)
            if row["name"]:
                nameless.setdefault(row["name"], row["row"])
        elif is_full and row["identity"] not in covers:
            plan.conflicts.append(fault(E_COVERS, line=row["row"], column="身份", identity=IDENTITIES[row["identity"]]))
            nameless.setdefault(who.name, row["row"])
        else:
            wanted[(who.root, row["identity"])].append((row, who))
    held = _held({root for root, _ in wanted}, people)
    total = len(wanted)
    for done, (key, rows) in enumerate(wanted.items()):
        _plan_pair(plan, key[1], rows, held.get(key, []), roster=roster, issuer=issuer, as_of=as_of)
        if progress and done % CHUNK == 0:
            progress(done, total)
    if is_full:
        plan.absences_kept = bool(roster.faults)
        if not roster.faults:
            held_by = access.visible(actor, Identity).filter(_is_one_of(absent))
            _plan_absent(plan, wanted, nameless, seen=held_by, covers=covers, area_code=area_code, as_of=as_of)
    _plan_households(plan, actor, [pair for rows in wanted.values() for pair in rows], as_of=as_of, area_code=area_code)
    return plan


def _held(roots: set[int], people: People) -> dict[tuple[int, str], list[Held]]:
    """Return what is believed of these people, those merged into them included, by person and identity."""
    owner = {root: root for root in roots}
    for some in chunks(roots):
        owner.update(Person.objects.filter(merged_into__in=some).values_list("pk", "merged_into_id"))
    found: dict[tuple[int, str], list[Held]] = defaultdict(list)
    for some in chunks(owner):
        for row in (
            Identity.objects.filter(person__in=some, withdrawn_at__isnull=True)
            .order_by("first", "pk")
            .values_list(*HELD)
        ):
            held = Held(*row)
            found[(owner[held.person], held.identity)].append(held)
    return found


def _facts(held: Held) -> dict[str, Any]:
    return {name: getattr(held, name) for name in COLUMNS.values()}


def _plan_pair(
    plan: Plan,
    identity: str,
    rows: list[tuple[dict[str, Any], Known]],
    held: list[Held],
    *,
    roster: Roster,
    issuer: str,
    as_of: date,
) -> None:
    """Hold the rows of one person and identity against what is believed of them."""
    by_first = {one.first: one for one in held}
    seen: dict[date, int] = {}
    made: list[Difference] = []
    title = IDENTITIES[identity]
    for row, who in sorted(rows, key=lambda pair: (pair[0]["begin"], pair[0]["row"])):
        line, first = row["row"], row["begin"]
        if first in seen:
            plan.conflicts.append(fault(E_REPEATED, line=line, first=seen[first]))
            continue
        seen[first] = line
        before = by_first.get(first)
        if before is None:
            given = {field: row[column] for column, field in COLUMNS.items()} | {"issuer": row["issuer"] or issuer}
            made.append(Difference("new", who.psn_no, who.name, identity, None, given, line, person_id=who.root))
            continue
        facts = _facts(before)
        given = facts | {
            COLUMNS[column]: row[column]
            for column in COLUMNS
            if column in roster.present and (row[column] or column == "end")
        }
        if "end" not in roster.present and before.last is not None and before.last < as_of:
            plan.conflicts.append(fault(E_ENDED_BEFORE, line=line, psn_no=who.psn_no, identity=title, last=before.last))
        elif given == facts:
            plan.unchanged += 1
        else:
            made.append(
                Difference("changed", who.psn_no, who.name, identity, facts, given, line, before.pk, before.person)
            )
    _keep_disjoint(plan, made, held)


def _keep_disjoint(plan: Plan, made: list[Difference], held: list[Held]) -> None:
    """Take the changes that leave no two certifications sharing a day; the others are conflicts."""
    taken = [one for one in made if one.kind == "changed"]
    replaced = {one.held_id for one in taken}
    spans = [(one.first, one.last or FOREVER) for one in held if one.pk not in replaced]
    for one in sorted(made, key=lambda d: (d.kind != "changed", d.line)):
        first, last = one.after["first"], one.after["last"] or FOREVER
        clash = next((span for span in spans if span[0] <= last and first <= span[1]), None)
        if clash is None:
            spans.append((first, last))
            plan.differences.append(one)
            continue
        other = f"{clash[0]} 至 {'长期' if clash[1] == FOREVER else clash[1]}"
        words = {"psn_no": one.psn_no, "identity": IDENTITIES[one.identity], "held": other}
        plan.conflicts.append(
            fault(E_ROW_OVERLAP, line=one.line, given=f"{first} 至 {one.after['last'] or '长期'}", **words)
        )
        if one.before is not None:
            spans.append((one.before["first"], one.before["last"] or FOREVER))


def _is_one_of(psn_nos: Sequence[str] | None) -> Q:
    return Q() if psn_nos is None else Q(person__psn_no__in=psn_nos) | Q(person__merged_into__psn_no__in=psn_nos)


def _plan_absent(
    plan: Plan,
    wanted: dict[tuple[int, str], Any],
    nameless: dict[str, int],
    *,
    seen: QuerySet[Identity],
    covers: Sequence[str],
    area_code: str,
    as_of: date,
) -> None:
    """End the certifications that a full roster covers and does not list."""
    seen = seen.filter(
        Q(last__isnull=True) | Q(last__gte=as_of), identity__in=list(covers), withdrawn_at__isnull=True, first__lt=as_of,
        person__insured_area__startswith=access.area_prefix(area_code),
    )  # fmt: skip
    whose = ("person__merged_into_id", "person__psn_no", "person__name", "person__merged_into__psn_no")
    for row in seen.order_by("pk").values_list(*HELD, *whose).iterator(CHUNK):
        held, (into, psn_no, name, kept) = Held(*row[: len(HELD)]), row[len(HELD) :]
        if (into or held.person, held.identity) in wanted:
            continue
        number = kept or psn_no
        if name in nameless:
            plan.conflicts.append(fault(E_ABSENT_NAMESAKE, line=nameless[name], row=nameless[name], psn_no=number))
            continue
        facts = _facts(held)
        ended = facts | {"last": day_before(as_of)}
        plan.differences.append(Difference("ended", number, name, held.identity, facts, ended, 0, held.pk, held.person))


def _plan_households(
    plan: Plan, actor: Any, rows: list[tuple[dict[str, Any], Known]], *, as_of: date, area_code: str
) -> None:
    """Let those join the household that a roster names who belong to none."""
    named = {who.root: (row, who) for row, who in rows if row["household"]}
    held: dict[int, str] = {}
    for some in chunks(named):
        believed = Membership.objects.filter(
            Q(last__isnull=True) | Q(last__gte=as_of), person__in=some, withdrawn_at__isnull=True
        )
        held.update(believed.values_list("person_id", "household__number"))
    elsewhere = set()
    for some in chunks({row["household"] for row, _ in named.values()}):
        other = Household.objects.filter(number__in=some).exclude(
            area_code__startswith=access.area_prefix(actor.area_code)
        )
        elsewhere.update(other.values_list("number", flat=True))
    for root, (row, who) in named.items():
        given = row["household"]
        if held.get(root, given) != given or given in elsewhere:
            told = held.get(root, "他处的户")
            plan.conflicts.append(
                fault(E_HOUSEHOLD, line=row["row"], column="户编号", psn_no=who.psn_no, held=told, given=given)
            )
        elif root not in held:
            after = {"household": given, "first": as_of, "area_code": area_code}
            plan.differences.append(
                Difference("joined", who.psn_no, who.name, "", None, after, row["row"], person_id=root)
            )


def plan_people(
    actor: Any, roster: Roster, *, as_of: date, area_code: str, progress: Callable[[int, int], None] | None = None
) -> Plan:
    """Return what a roster of people changes: who is new, whose particulars differ; nobody is removed by absence."""
    plan, prefix = Plan(), access.area_prefix(actor.area_code)
    index = index_of(n for n in roster.frame["certno"].unique() if n)
    held: dict[str, tuple[Person, bool]] = {}
    seen = access.visible(actor, Person)
    for some in chunks(roster.frame["psn_no"].to_list()):
        mine = set(seen.filter(psn_no__in=some).values_list("pk", flat=True))
        held.update(
            (p.psn_no, (p, p.pk in mine or p.withdrawn_at is not None)) for p in Person.objects.filter(psn_no__in=some)
        )
    holders: dict[bytes, str] = {}
    for some in chunks(index.values()):
        rows = Person.objects.filter(certno_index__in=some, withdrawn_at__isnull=True, merged_into__isnull=True)
        holders.update((bytes(at), psn_no) for at, psn_no in rows.values_list("certno_index", "psn_no"))
    numbered: dict[str, int] = {}
    joining: list[tuple[dict[str, Any], Known]] = []
    for row in roster.frame.iter_rows(named=True):
        psn_no, line = row["psn_no"], row["row"]
        area = row["insured_area"] or area_code
        person, mine = held.get(psn_no, (None, True))
        key = index.get(row["certno"])
        if psn_no in numbered:
            plan.conflicts.append(fault(E_REPEATED, line=line, first=numbered[psn_no]))
        elif not mine or not area.startswith(prefix):
            plan.conflicts.append(fault(E_AREA, line=line, psn_no=psn_no, area=area))
        elif (
            key and holders.get(key, psn_no) != psn_no and (person is None or bytes(person.certno_index or b"") != key)
        ):
            plan.conflicts.append(fault(E_NUMBER, line=line, column="身份证号", held=holders[key]))
        else:
            _plan_person(plan, row, person, area=area, key=key, as_of=as_of)
            if key:
                holders[key] = psn_no
            if row["household"] and person is not None and person.withdrawn_at is None:
                joining.append((row, Known(person.pk, psn_no, person.name)))
        numbered.setdefault(psn_no, line)
        if progress and len(numbered) % CHUNK == 0:
            progress(len(numbered), roster.frame.height)
    _plan_households(plan, actor, joining, as_of=as_of, area_code=area_code)
    return plan


def _plan_person(
    plan: Plan, row: dict[str, Any], person: Person | None, *, area: str, key: bytes | None, as_of: date
) -> None:
    given: dict[str, Any] = {name: row[name] for name in PERSON_COLUMNS if row[name]}
    if row["certno"]:
        given["certno"] = row["certno"]
        born = row["certno"][6:14]
        given.setdefault("birth", date(int(born[:4]), int(born[4:6]), int(born[6:])))
    if person is None or person.withdrawn_at is not None:
        pk = person.pk if person else None
        after = given | {"insured_area": area}
        if row["household"]:
            after["household"] = row["household"]
        plan.differences.append(
            Difference("registered", row["psn_no"], row["name"], "", None, after, row["row"], person_id=pk)
        )
        return
    if as_of <= places_of(person)[-1][0]:
        given.pop("insured_area", None)  # A later move is known than the roster can say.
    before = {name: getattr(person, name) for name in given if name != "certno"}
    changed = {name: value for name, value in given.items() if name != "certno" and before[name] != value}
    if key and bytes(person.certno_index or b"") != key:
        changed["certno"] = given["certno"]
    if not changed:
        plan.unchanged += 1
        return
    was = {name: before.get(name) for name in changed}
    plan.differences.append(
        Difference("updated", person.psn_no, person.name, "", was, changed, row["row"], person_id=person.pk)
    )
