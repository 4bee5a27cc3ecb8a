"""Registering, deaths, merging, revealing: it works, the wrong job may not, another area sees nothing, it is audited."""

from datetime import date, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.apps.cast import assemble
from tuodi.apps.registry.actions.deaths import RecordDeath
from tuodi.apps.registry.actions.households import JoinHousehold
from tuodi.apps.registry.actions.people import (
    MergePeople,
    RegisterPerson,
    RevealNumber,
    UnmergePeople,
)
from tuodi.apps.registry.models import Identity, Membership, Person
from tuodi.apps.registry.queries import index_of, numbers_of, people_matching, person_by_certno
from tuodi.apps.registry.timeline import open_file
from tuodi.base import clock, secrets
from tuodi.base.models import Announcement, AuditEvent
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return assemble()


NUMBER = "110105194912310023"


def number(stem="11010519491231", sequence="002"):
    """Return a citizen number with its check digit."""
    body = stem + sequence
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    return body + check


@pytest.fixture(autouse=True)
def today():
    with clock.set_to(clock.instant(datetime(2024, 6, 1, 9))):
        yield


def register(cast, psn_no="P0100", name="尉迟恭", certno="", **fields):
    return RegisterPerson(
        actor=cast.registrar, psn_no=psn_no, name=name, insured_area="610902", certno=certno, **fields
    ).run()


def test_a_registered_person_is_found_by_number_name_and_initials_and_the_number_is_sealed(cast):
    certno = number()
    made = register(cast, certno=certno)
    assert person_by_certno(f" {certno.lower()} ") == made
    assert made.birth == date(1949, 12, 31)
    for text in (certno, "P0100", "尉迟", "尉", "yc", "YCG", "wcg"):
        assert people_matching(cast.chen, text) == [made], text
    assert people_matching(cast.chen, "cg") == []
    assert certno.encode() not in bytes(Person.objects.get(pk=made.pk).certno_sealed)
    row = AuditEvent.objects.get()
    assert (row.verb, row.subject_id, row.data) == ("person:register", "P0100", {})


def test_the_fast_index_is_the_slow_one():
    numbers = [number(sequence=f"{n:03d}") for n in range(5)]
    assert index_of(numbers) == {n: secrets.search_index(n) for n in numbers}


def test_somebody_registered_twice_or_with_a_wrong_number_is_refused(cast):
    register(cast, certno=number())
    with pytest.raises(InputErrors, match="E-REG-PERSON-EXISTS"):
        register(cast)
    with pytest.raises(InputErrors, match="E-REG-NUMBER-HELD") as told:
        register(cast, psn_no="P0101", certno=number())
    assert number() not in str(told.value)
    with pytest.raises(InputErrors, match="E-REG-NUMBER-FORM"):
        register(cast, psn_no="P0102", certno="110105194912310020")


def test_only_the_registry_registers_and_only_in_its_area(cast):
    with pytest.raises(PermissionDenied):
        RegisterPerson(actor=cast.auditor, psn_no="P9", name="甲", insured_area="610902").run()
    with pytest.raises(PermissionDenied):
        RegisterPerson(actor=cast.registrar, psn_no="P9", name="甲", insured_area="320902").run()
    assert not Person.objects.filter(psn_no="P9").exists()


def test_another_area_sees_nobody(cast):
    assert people_matching(cast.outsider, "wnn") == []
    assert people_matching(cast.outsider, "P0001") == []
    with pytest.raises(Http404):
        open_file(cast.outsider, "P0001")
    assert people_matching(cast.zhao, "wnn") == []


def test_opening_a_file_is_audited_and_shows_the_number_masked(cast):
    register(cast, certno=number())
    seen = open_file(cast.auditor, "P0100")
    assert seen.certno == "*" * 14 + number()[-4:]
    assert AuditEvent.objects.filter(verb="person:viewed", subject_id="P0100", actor=cast.auditor).count() == 1
    with pytest.raises(PermissionDenied):
        open_file(cast.officer, "P0100")


def test_a_number_is_revealed_for_a_reason_and_audited(cast):
    register(cast, certno=number())
    assert RevealNumber(actor=cast.chen, psn_no="P0100", reason="payment").run() == number()
    row = AuditEvent.objects.get(verb="person:reveal")
    assert row.data == {"reason": "payment", "shown": True}
    with pytest.raises(InputErrors, match="E-REG-REASON"):
        RevealNumber(actor=cast.chen, psn_no="P0100", reason="好奇").run()
    with pytest.raises(PermissionDenied):
        RevealNumber(actor=cast.auditor, psn_no="P0100", reason="payment").run()
    with pytest.raises(Http404):
        RevealNumber(actor=cast.outsider, psn_no="P0100", reason="payment").run()


def test_a_death_ends_memberships_and_identities_only_where_the_office_says_so(cast):
    for psn_no in ("P0001", "P0002"):
        JoinHousehold(
            actor=cast.chen, psn_no=psn_no, number=f"F{psn_no}", new_area="610902", first=date(2023, 1, 1)
        ).run()
    assert RecordDeath(actor=cast.chen, psn_no="P0001", day=date(2024, 5, 1), ends_identities=True).run() == {
        "memberships": 1,
        "identities": 1,
    }
    RecordDeath(actor=cast.chen, psn_no="P0002", day=date(2024, 5, 1), ends_identities=False).run()
    believed = Identity.objects.filter(withdrawn_at__isnull=True)
    assert [row.last for row in believed.order_by("person")] == [date(2024, 5, 1), None]
    assert {row.last for row in Membership.objects.filter(withdrawn_at__isnull=True)} == {date(2024, 5, 1)}
    with pytest.raises(InputErrors, match="E-REG-DEAD"):
        RecordDeath(actor=cast.chen, psn_no="P0001", day=date(2024, 5, 2), ends_identities=True).run()
    with pytest.raises(InputErrors, match="E-REG-DEATH-DAY"):
        RecordDeath(actor=cast.chen, psn_no=register(cast).psn_no, day=date(2024, 6, 2), ends_identities=True).run()


def test_merged_records_answer_as_one_and_part_again(cast):
    old = register(cast, psn_no="P0100", name="王奶奶")
    MergePeople(actor=cast.registrar, psn_no="P0100", into="P0001").run()
    old.refresh_from_db()
    assert old.merged_into == cast.wang
    assert numbers_of("P0100") == numbers_of("P0001") == ["P0001", "P0100"]
    assert people_matching(cast.chen, "wnn") == [cast.wang]
    assert Announcement.objects.filter(fact="identity:changed").get().data["psn_nos"] == ["P0001", "P0100"]
    with pytest.raises(InputErrors, match="E-REG-MERGED"):
        MergePeople(actor=cast.registrar, psn_no="P0100", into="P0002").run()
    with pytest.raises(InputErrors, match="E-REG-MERGE-CHAIN"):
        MergePeople(actor=cast.registrar, psn_no="P0001", into="P0002").run()
    UnmergePeople(actor=cast.registrar, psn_no="P0100").run()
    assert set(people_matching(cast.chen, "wnn")) == {cast.wang, old}
    with pytest.raises(InputErrors, match="E-REG-NOT-MERGED"):
        UnmergePeople(actor=cast.registrar, psn_no="P0100").run()
    with pytest.raises(InputErrors, match="E-REG-SAME-PERSON"):
        MergePeople(actor=cast.registrar, psn_no="P0001", into="P0001").run()
    with pytest.raises(PermissionDenied):
        MergePeople(actor=cast.chen, psn_no="P0100", into="P0001").run()
    assert AuditEvent.objects.filter(verb__in=["person:merge", "person:unmerge"]).count() == 2
