"""Records that may be one person are found as they are written, whatever writes them."""

from datetime import date

import pytest

from tests.apps.cast import assemble
from tuodi.apps.registry.duplicates import complete_alike, duplicates
from tuodi.apps.registry.models import Alike, Person
from tuodi.base import clock

pytestmark = pytest.mark.django_db
BORN = date(1949, 12, 31)


@pytest.fixture
def cast():
    return assemble()


def record(psn_no, name="尉迟恭", birth=BORN, number=None):
    return Person.objects.create(
        psn_no=psn_no, name=name, initials=" ", birth=birth, certno_index=number, insured_area="610902", recorded_at=clock.now()
    )  # fmt: skip


def found(cast):
    return [(group.why, [person.psn_no for person in group.people]) for group in duplicates(cast.chen)]


def test_duplicates_are_found_by_number_and_by_name_and_birth(cast):
    record("P0100", number=b"1" * 16)
    record("P0101", name="尉迟公", number=b"1" * 16)
    record("P0102")
    assert found(cast) == [("number", ["P0100", "P0101"]), ("name_birth", ["P0100", "P0102"])]
    assert duplicates(cast.outsider) == []


def test_many_written_at_once_are_compared_with_each_other_too(cast):
    rows = [record("P0100")] + [
        Person(psn_no=f"P020{n}", name="程咬金", initials=" ", birth=BORN, insured_area="610902", recorded_at=clock.now())
        for n in range(3)
    ]  # fmt: skip
    Person.objects.bulk_create(rows[1:])
    assert found(cast) == [("name_birth", ["P0200", "P0201", "P0202"])]


def test_a_correction_makes_two_records_alike_and_another_parts_them(cast):
    one, other = record("P0100"), record("P0101", name="尉迟公")
    assert found(cast) == []
    other.name = "尉迟恭"
    other.save()
    assert found(cast) == [("name_birth", ["P0100", "P0101"])]
    Person.objects.filter(pk=one.pk).update(birth=date(1950, 1, 1))
    assert found(cast) == []


@pytest.mark.parametrize("unknown", [{"birth": None}, {"name": "尉迟敬德"}])
def test_nobody_is_alike_for_want_of_a_birth_or_number(cast, unknown):
    record("P0100", **unknown)
    record("P0101", **unknown | {"birth": None})
    assert found(cast) == []
    assert not Alike.objects.exists()


def test_the_night_notes_what_two_records_written_at_once_could_not(cast):
    record("P0100", number=b"1" * 16)
    record("P0101", number=b"1" * 16)
    Alike.objects.all().delete()  # as if each had been written before the other could be seen
    assert found(cast) == []
    complete_alike()
    complete_alike()
    assert found(cast) == [("number", ["P0100", "P0101"])]
    assert Alike.objects.count() == 2
