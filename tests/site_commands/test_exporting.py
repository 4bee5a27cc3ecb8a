"""A county whose policy changed, and people who moved: what is exported is adjudicated to the fen that the books hold."""

from datetime import date, timedelta
from hashlib import sha256

import pytest

from tests.apps.books import adjudicated, booked
from tests.apps.cast import assemble, bill
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import forget_plans
from tuodi.apps.registry.actions.insuring import MoveInsurance
from tuodi.apps.registry.actions.people import MergePeople
from tuodi.apps.registry.models import Identity
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.nightly import check_books, refold_area
from tuodi.base import clock, outbox
from tuodi.base.models import User
from tuodi.site.exporting import export

pytestmark = pytest.mark.django_db

#: Day and yuan of each bill of 王奶奶; the year's cap and the deductible run over the versions.
BILLS = (
    (date(2023, 2, 1), 8000), (date(2023, 5, 1), 30000), (date(2023, 8, 1), 12000), (date(2023, 11, 1), 9000),
    (date(2024, 1, 1), 5000), (date(2024, 1, 2), 45000), (date(2022, 12, 1), 3000),
)  # fmt: skip


def put_in_force(area, first, *, number, pack="610900-ankang", readings=None, **changed):
    """Put another text in force for an area from a day; ``changed`` are words of the first one and what stands for them."""
    held = Installation.objects.earliest("pk")
    text = held.texts["policy.yaml"].replace("pack: 610900-ankang", f"pack: {pack}")
    for before, after in changed.values():
        assert before in text, before
        text = text.replace(before, after)
    Installation.objects.create(
        area_code=area, pack=pack, digest=sha256(text.encode()).hexdigest(), texts={**held.texts, "policy.yaml": text},
        readings=readings or {}, first=first, proposed_by=held.proposed_by, proposed_at=held.proposed_at, approved_by=held.approved_by,
        approved_at=held.approved_at + timedelta(days=number),
    )  # fmt: skip
    forget_plans()
    refold_area({"area_code": area, "cause_id": "installation:1"})


LESS = (
    "when: {category: [dibao], care: [inpatient]}, rate: 70%",
    "when: {category: [dibao], care: [inpatient]}, rate: 55%",
)
ELSEWHERE = (
    "when: {category: [dibao], care: [inpatient]}, rate: 70%",
    "when: {category: [dibao], care: [inpatient]}, rate: 50%",
)


@pytest.fixture
def county():
    made = assemble()
    User.objects.filter(pk=made.registrar.pk).update(area_code="610000")
    made.registrar.refresh_from_db()
    for person in ("P0001", "P0002"):
        for number, (day, yuan) in enumerate(BILLS):
            Settle(actor=made.zhao, bill=bill(f"{person}-{number}", day, yuan, person=person)).run()
    return made


def test_AK_3_4_1_versions_of_one_document_are_written_each_from_its_day_and_give_the_same_fen(
    county, tmp_path, capsys
):
    put_in_force("610900", date(2023, 6, 1), number=1, rate=LESS)
    put_in_force("610900", date(2023, 10, 1), number=2, readings={"I-12": "from_then_on"})
    told = export("610902", tmp_path / "out")
    assert told.notes == []
    assert "--policies" in told.command
    held = booked()
    assert adjudicated(told, tmp_path / "out") == held
    assert held["P0001-2"] == 660_000
    said = capsys.readouterr().out
    assert [line[:13] for line in said.splitlines()[:3]] == ["2023-01-04 起：", "2023-06-01 起：", "2023-10-01 起："]


def test_AK_6_3_another_document_begins_with_nothing_there_as_here(county, tmp_path):
    put_in_force("610900", date(2023, 6, 1), number=1, pack="610900-ankang-2", rate=LESS)
    told = export("610902", tmp_path / "out")
    assert adjudicated(told, tmp_path / "out") == booked()


def test_AK_6_3_who_moved_is_exported_with_the_bills_that_each_area_answers_for(county, tmp_path):
    put_in_force("611000", date(2023, 1, 4), number=1, pack="611000-hanyin", rate=ELSEWHERE)
    put_in_force("610900", date(2023, 6, 1), number=2, rate=LESS)
    MoveInsurance(actor=county.registrar, psn_no="P0001", area_code="611002", first=date(2023, 7, 1)).run()
    outbox.deliver()
    assert not check_books(area_code="610000").differences
    here, there = (export(area, tmp_path / area) for area in ("610902", "611002"))
    assert (here.bills, there.bills) == (7 + 3, 4)
    found = adjudicated(here, tmp_path / "610902") | adjudicated(there, tmp_path / "611002")
    assert found == booked()
    assert found["P0001-2"] == 600_000


@pytest.mark.parametrize(("pack", "identity"), [("610900-ankang", "dibao"), ("610900-ankang", "illness_poverty")])
def test_AK_6_3_merged_records_that_hold_one_identity_on_the_same_days_are_exported_and_give_the_same_fen(
    pack, identity, tmp_path
):
    made = assemble(pack)
    User.objects.filter(pk=made.registrar.pk).update(area_code="610000")
    made.registrar.refresh_from_db()
    days = (
        ("P0001", date(2023, 3, 1), date(2023, 9, 30), date(2023, 3, 1)), ("P0002", date(2023, 6, 1), None, date(2023, 6, 10)),
        ("P0002", date(2023, 3, 1), date(2023, 4, 30), date(2023, 3, 1)),
    )  # fmt: skip
    Identity.objects.all().update(withdrawn_at=clock.now())
    for psn_no, first, last, certified in days:
        Identity.objects.create(
            person=made.wang if psn_no == "P0001" else made.li, identity=identity, first=first, last=last, certified_on=certified,
            issuer="民政局", recorded_at=clock.now(),
        )  # fmt: skip
    for number, (day, yuan) in enumerate(BILLS):
        Settle(actor=made.zhao, bill=bill(f"S{number}", day, yuan, person=("P0001", "P0002")[number % 2])).run()
    MergePeople(actor=made.registrar, psn_no="P0002", into="P0001").run()
    outbox.deliver()
    told = export("610902", tmp_path / "out")
    assert told.notes == []
    assert (told.people, told.identities) == (1, 3)
    assert adjudicated(told, tmp_path / "out") == booked() != {}
