"""Totals of a household in the service: the arithmetic of an invented county, moves, and that the batch gives the same (decision 19).

Of a household's inpatient bills of a year 1,000 yuan are its own, beyond them 80 % (dibao) or 50 % (edge) is paid, 5,000 yuan at most.
"""

import random
import re
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest

from tests.apps import books
from tests.apps.books import booked, one_fen_more
from tests.apps.cast import assemble, bill
from tests.batch.test_batch_agrees import TESTS
from tests.site.entering import enter
from tuodi.apps.policies.actions import ApproveInstallation, ProposeInstallation
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import Proposal, forget_plans
from tuodi.apps.registry.actions.deaths import CorrectDeath, RecordDeath
from tuodi.apps.registry.actions.households import JoinHousehold, LeaveHousehold, SplitHousehold
from tuodi.apps.registry.actions.identities import CertifyIdentity, CorrectIdentity, EndIdentity
from tuodi.apps.registry.actions.insuring import MoveInsurance
from tuodi.apps.registry.actions.memberships import CorrectMembership, MoveMember
from tuodi.apps.registry.actions.people import MergePeople, UnmergePeople
from tuodi.apps.registry.models import Identity, Membership, Person
from tuodi.apps.registry.queries import household_on
from tuodi.apps.settlement.actions import CancelSettlement, RestoreSettlement, Settle, presettle
from tuodi.apps.settlement.counter import worked_settlement
from tuodi.apps.settlement.impact import measure
from tuodi.apps.settlement.models import Bill, Entry, Refold
from tuodi.apps.settlement.nightly import check_books
from tuodi.apps.settlement.retro import (
    impact_of_certifying,
    impact_of_death,
    impact_of_ending,
    impact_of_merging,
    impact_of_parting,
)
from tuodi.apps.settlement.weighing import impact_of_household, lines_of
from tuodi.base import clock, outbox
from tuodi.base.models import AuditEvent
from tuodi.core.errors import InputErrors
from tuodi.site.exporting import CUT, export

pytestmark = pytest.mark.django_db
TEXT = (TESTS / "packs" / "household-county" / "policy.yaml").read_text("utf-8")
NOW = clock.instant(datetime(2025, 6, 1, 9))


def in_force(cast, *, text=TEXT, pack="household-county", first=date(2023, 1, 1), is_by_household=True, number=1):
    """Put a text in force for the city as if it had been approved."""
    at = cast.wang.recorded_at + timedelta(minutes=number)
    Installation.objects.create(
        area_code="610900", pack=pack, digest=str(number) * 64, texts={"policy.yaml": text}, first=first, proposed_by=cast.officer,
        proposed_at=at, approved_by=cast.approver, approved_at=at, is_by_household=is_by_household,
    )  # fmt: skip
    forget_plans()


@pytest.fixture
def county():
    """王奶奶 (dibao) and 李叔 (edge) live in F1, 陈嫂 (dibao) in F9; all of it since 2023."""
    made = assemble(first=date(2020, 1, 1))
    in_force(made)
    chen = Person.objects.create(
        psn_no="P0003", name="陈嫂", initials=" cs ", insured_area="610902", registered_area="610902", recorded_at=made.wang.recorded_at
    )  # fmt: skip
    Identity.objects.create(
        person=chen, identity="dibao", first=date(2023, 1, 1), issuer="民政局", recorded_at=made.wang.recorded_at
    )
    with clock.set_to(NOW):
        for psn_no, number, new in (("P0001", "F1", "610902"), ("P0002", "F1", ""), ("P0003", "F9", "610902")):
            JoinHousehold(
                actor=made.registrar, psn_no=psn_no, number=number, new_area=new, first=date(2023, 1, 1)
            ).run()
        delivered()
        yield made


def delivered():
    while outbox.deliver():
        pass


def settle(cast, setl_id, day, yuan, person="P0001", **more):
    return Settle(actor=cast.zhao, bill=bill(setl_id, day, yuan, person=person, **more)).run().result.pay


def yuan(**paid):
    return {setl_id: amount * 100 for setl_id, amount in paid.items() if amount}


def adjudicated(folder, area="610900"):
    """Return what ``tuodi adjudicate`` pays for each bill of what ``tuodi export`` writes."""
    told = export(area, folder)
    assert told.notes == []
    return books.adjudicated(told, folder)


@pytest.fixture
def spring(county):
    """600 yuan all within the deductible; (2000 - 400) x 50 %; 80 % of 6000, cut to what 5000 leave; nothing is left."""
    paid = [
        settle(county, "A", date(2024, 2, 1), 600),
        settle(county, "B", date(2024, 3, 1), 2000, "P0002"),
        settle(county, "C", date(2024, 4, 1), 6000),
        settle(county, "D", date(2024, 5, 1), 1000, "P0002"),
    ]
    assert paid == [0, 80_000, 420_000, 0]
    return county


def test_a_household_shares_its_deductible_and_its_cap(spring, tmp_path):
    assert booked() == yuan(B=800, C=4200) == adjudicated(tmp_path / "out")
    assert not check_books().differences


def test_another_household_and_another_year_have_their_own(spring):
    assert settle(spring, "E", date(2024, 6, 1), 2000, "P0003") == 80_000
    assert settle(spring, "F", date(2025, 1, 5), 1500, "P0002") == 25_000


def test_a_persons_own_cap_stays_their_own(county):
    paid = [
        settle(county, f"O{n}", date(2024, 2, 1 + n), 400, person, med_type="14")
        for n, person in enumerate(("P0001", "P0002", "P0001", "P0002"))
    ]
    assert paid == [20_000, 20_000, 10_000, 10_000]


def test_what_a_counter_is_told_before_is_what_it_pays(county):
    settle(county, "A", date(2024, 2, 1), 5000)
    asked = bill("~", date(2024, 3, 1), 4000, person="P0002")
    assert presettle(county.zhao, asked).pay == 180_000
    assert settle(county, "B", date(2024, 3, 1), 4000, "P0002") == 180_000
    assert worked_settlement(Bill.objects.get(setl_id="B")).pay == 180_000


def test_a_late_bill_of_one_member_takes_from_the_others_and_each_entry_is_of_its_owner(spring):
    assert settle(spring, "Z", date(2024, 1, 2), 3000, "P0002") == 100_000
    # The deductible is used up by Z: A 600 x 80 %, B 2000 x 50 %, C what 5000 leave after 1000 + 480 + 1000.
    assert booked() == yuan(Z=1000, A=480, B=1000, C=2520)
    own, other = Refold.objects.filter(cause="settle", cause_id="Z").order_by("psn_no")[::-1]
    assert [(row.psn_no, row.change_fen) for row in (own, other)] == [("P0002", 120_000), ("P0001", -120_000)]
    for row in (own, other):
        assert {entry.bill.psn_no for entry in row.entries.select_related("bill")} == {row.psn_no}
    told = AuditEvent.objects.filter(subject_id="Z").latest("pk").data
    assert (told["change_fen"], told["others"], told["others_fen"]) == (120_000, 1, -120_000)


@pytest.mark.parametrize("reversal", [False, True])
def test_a_cancellation_gives_the_others_what_it_had_taken(spring, reversal, tmp_path):
    CancelSettlement(actor=spring.zhao, setl_id="B", new_id="B-", reversal=reversal).run()
    # The deductible takes 400 of C: 5600 x 80 % = 4480; of the cap 520 are left, D 1000 x 50 %.
    assert booked() == yuan(C=4480, D=500) == adjudicated(tmp_path / "out")
    if not reversal:
        RestoreSettlement(actor=spring.zhao, setl_id="B").run()
        assert booked() == yuan(B=800, C=4200)
    assert not check_books().differences


# --- who belongs to whom, when -----------------------------------------------------------------------------------------


MOVES = {
    "B and D count in F9": (lambda c: MoveMember(actor=c.registrar, psn_no="P0002", number="F9", first=date(2024, 2, 15)), yuan(B=500, C=4480, D=500)),
    "D counts in F9": (lambda c: MoveMember(actor=c.registrar, psn_no="P0002", number="F9", first=date(2024, 4, 15)), yuan(B=800, C=4200)),
    "D counts in a new household": (lambda c: SplitHousehold(actor=c.registrar, number="F1", new_number="F2", psn_nos=["P0002"], head="P0002", first=date(2024, 5, 1)), yuan(B=800, C=4200)),
    "D counts alone": (lambda c: LeaveHousehold(actor=c.registrar, psn_no="P0002", number="F1", last=date(2024, 4, 30)), yuan(B=800, C=4200)),
    "李叔 was never in F1": (lambda c: CorrectMembership(actor=c.registrar, membership_id=Membership.objects.get(person=c.li).pk, facts=None), yuan(B=500, C=4480, D=500)),
    "李叔 was in F1 since March 2": (lambda c: CorrectMembership(actor=c.registrar, membership_id=Membership.objects.get(person=c.li).pk, facts={"first": date(2024, 3, 2)}), yuan(B=500, C=4480, D=500)),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVES)
def test_a_move_folds_again_those_connected_before_and_after(spring, name, tmp_path):
    move, expected = MOVES[name]
    move(spring).run()
    assert booked() == yuan(B=800, C=4200)
    delivered()
    assert booked() == expected == adjudicated(tmp_path / "out")
    assert not check_books().differences


@pytest.mark.parametrize("name", MOVES)
def test_what_a_move_will_change_is_known_before_and_looking_leaves_nothing(spring, name):
    move, expected = MOVES[name]
    before, rows, told = booked(), Membership.objects.count(), AuditEvent.objects.count()
    found = impact_of_household(move(spring), ["P0002"])
    foreseen = dict(before)
    for change in found.changes:
        foreseen[change.setl_id] = foreseen.get(change.setl_id, 0) + change.fen
    assert {setl_id: fen for setl_id, fen in foreseen.items() if fen} == expected
    delivered()
    assert (booked(), Membership.objects.count(), AuditEvent.objects.count()) == (before, rows, told)


def test_the_page_of_a_move_shows_whose_money_it_moves_and_writes_only_what_was_seen(spring, client):
    enter(client, spring.registrar)
    at, given = f"/people/{spring.li.pk}/move/", {"number": "F9", "first": "2024-02-15"}
    page = client.post(at, given).content.decode()
    assert '<span class="mono">C</span><div class="soft">王奶奶（P0001）</div>' in page
    assert "<strong>+280.00</strong>" in page, "4,480 instead of 4,200"
    assert household_on("P0002", date(2024, 3, 1)) == "F1"
    seen = re.search(r'name="seen" value="(\w+)"', page)[1]
    other = client.post(at, {**given, "first": "2024-02-20", "seen": seen}).content.decode()
    assert "还没有写入" in other, "what was seen was of another day"
    assert "迁户已登记" in client.post(at, {**given, "seen": seen}, follow=True).content.decode()
    assert household_on("P0002", date(2024, 3, 1)) == "F9"


def test_who_comes_with_bills_of_the_year_brings_them_along(spring, tmp_path):
    settle(spring, "E", date(2024, 6, 1), 2000, "P0003")
    held = Membership.objects.get(person__psn_no="P0003")
    CorrectMembership(actor=spring.registrar, membership_id=held.pk, facts={"last": date(2024, 5, 1)}).run()
    JoinHousehold(actor=spring.registrar, psn_no="P0003", number="F1", first=date(2024, 5, 2)).run()
    delivered()
    assert booked() == yuan(B=800, C=4200) == adjudicated(tmp_path / "out")


def test_through_whom_households_are_connected_all_of_them_are_folded(spring, tmp_path):
    """李叔's bill of June counts in F9, so that F1 and F9 are one circle; what he brings along are his own totals only."""
    settle(spring, "E", date(2024, 6, 1), 2000, "P0003")
    MoveMember(actor=spring.registrar, psn_no="P0002", number="F9", first=date(2024, 5, 15)).run()
    delivered()
    assert settle(spring, "G", date(2024, 7, 1), 9000, "P0002") == 420_000
    CancelSettlement(actor=spring.zhao, setl_id="E", new_id="E-").run()
    assert booked() == yuan(B=800, C=4200, G=4000) == adjudicated(tmp_path / "out")


def test_identities_of_one_member_change_what_others_get_and_the_preview_says_whose(spring, tmp_path):
    told = {"psn_no": "P0002", "identity": "dibao", "first": date(2024, 1, 1), "issuer": "民政局"}
    found = impact_of_certifying(spring.zhou, **told)
    # B 1600 x 80 % = 1280, so that C gets what 5000 leave: 3720.
    assert [(one.psn_no, one.setl_id, one.fen) for one in found.changes] == [
        ("P0002", "B", 48_000),
        ("P0001", "C", -48_000),
    ]
    assert (found.bills, found.gain_fen, found.loss_fen) == (2, 48_000, 48_000)
    assert [one.whose for one in lines_of(found, spring.zhou)] == ["", "王奶奶（P0001）"]
    assert [one.whose for one in lines_of(found, spring.outsider)] == ["", "同户，不在您的辖区"]
    CertifyIdentity(actor=spring.zhou, **told).run()
    delivered()
    assert booked() == yuan(B=1280, C=3720) == adjudicated(tmp_path / "out")
    row = Identity.objects.get(person__psn_no="P0001")
    found = impact_of_ending(spring.zhou, identity_id=row.pk, last=date(2024, 3, 15))
    assert {(one.psn_no, one.setl_id): one.fen for one in found.changes} == {
        ("P0001", "C"): -372_000,
        ("P0002", "D"): 80_000,
    }
    EndIdentity(actor=spring.zhou, identity_id=row.pk, last=date(2024, 3, 15)).run()
    delivered()
    assert booked() == yuan(B=1280, D=800)


def test_who_has_died_counts_in_the_household_of_the_day_of_death(spring, tmp_path):
    death = {"psn_no": "P0002", "day": date(2024, 4, 20), "ends_identities": False}
    assert impact_of_death(spring.registrar, **death).changes == ()
    RecordDeath(actor=spring.registrar, **death).run()
    delivered()
    assert booked() == yuan(B=800, C=4200) == adjudicated(tmp_path / "out")
    CorrectDeath(actor=spring.registrar, psn_no="P0002", day=None, reason="认错了人").run()
    delivered()
    assert booked() == yuan(B=800, C=4200)


def test_a_death_before_the_household_leaves_nothing_in_it(county, tmp_path):
    held = Membership.objects.get(person=county.li)
    CorrectMembership(actor=county.registrar, membership_id=held.pk, facts={"first": date(2024, 2, 15)}).run()
    settle(county, "A", date(2024, 2, 1), 600)
    settle(county, "B", date(2024, 3, 1), 2000, "P0002")
    assert booked() == yuan(B=800)
    death = {"psn_no": "P0002", "day": date(2024, 2, 1), "ends_identities": False}
    found = impact_of_death(county.registrar, **death)
    assert [(one.psn_no, one.setl_id, one.fen) for one in found.changes] == [("P0002", "B", -30_000)]
    RecordDeath(actor=county.registrar, **death).run()
    delivered()
    assert booked() == yuan(B=500) == adjudicated(tmp_path / "out")


def test_a_duplicate_that_is_merged_brings_its_bills_into_the_household_and_takes_them_out_again(spring, tmp_path):
    """陈嫂's record becomes 李叔's: the membership that began first decides, of two on one day the one recorded first."""
    settle(spring, "E", date(2024, 6, 1), 2000, "P0003")
    before, merging = booked(), {"psn_no": "P0003", "into": "P0002"}
    assert before == yuan(B=800, C=4200, E=800)
    expected = yuan(B=1280, C=3720)
    found = impact_of_merging(spring.registrar, **merging)
    assert {(one.psn_no, one.setl_id): one.fen for one in found.changes} == {
        ("P0002", "B"): 48_000, ("P0002", "E"): -80_000, ("P0001", "C"): -48_000
    }  # fmt: skip
    MergePeople(actor=spring.registrar, **merging).run()
    delivered()
    assert booked() == expected == adjudicated(tmp_path / "out")
    found = impact_of_parting(spring.registrar, psn_no="P0003")
    assert {one.setl_id: one.fen for one in found.changes} == {"B": -48_000, "E": 80_000, "C": 48_000}
    UnmergePeople(actor=spring.registrar, psn_no="P0003").run()
    delivered()
    assert booked() == before
    assert not check_books().differences


# --- policies, the night ------------------------------------------------------------------------------------------------


def test_a_policy_with_household_totals_is_measured_approved_and_folds_everybody_anew(tmp_path):
    cast = assemble(first=date(2020, 1, 1))
    in_force(cast, text=TEXT.replace("    of: household\n", ""), is_by_household=False)
    with clock.set_to(NOW):
        for psn_no, new in (("P0001", "610902"), ("P0002", "")):
            JoinHousehold(actor=cast.registrar, psn_no=psn_no, number="F1", new_area=new, first=date(2023, 1, 1)).run()
        settle(cast, "A", date(2024, 2, 1), 1600)
        settle(cast, "B", date(2024, 3, 1), 1600, "P0002")
        assert booked() == yuan(A=480, B=300)
        made = ProposeInstallation(
            actor=cast.officer, area_code="610900", pack="household-county", texts={"policy.yaml": TEXT},
            first=date(2023, 1, 1), accept={"W-MIXED-UNITS": "一县两种累计"},
        ).run()  # fmt: skip
        assert made.is_by_household
        found = measure(cast.approver, Proposal(installation=made))
        assert (found["people"], found["gain"], found["lose"]["fen"]) == (
            2,
            {"people": 1, "bills": 1, "fen": 50_000},
            0,
        )
        made.refresh_from_db()
        ApproveInstallation(actor=cast.approver, installation=made).run()
        delivered()
        assert booked() == yuan(A=480, B=800) == adjudicated(tmp_path / "out")


def test_two_versions_of_a_document_share_a_households_totals(spring, tmp_path):
    more = TEXT.replace("family: 5000 元", "family: 6000 元")
    in_force(spring, text=more, first=date(2024, 4, 15), number=2)
    check_books(repair=True)
    assert booked() == yuan(B=800, C=4200, D=500) == adjudicated(tmp_path / "out")


def test_the_night_finds_a_fen_that_differs_and_whose_it_is(spring):
    entry = Entry.objects.filter(bill__setl_id="C").latest("pk")
    one_fen_more(entry)
    (one,) = check_books().differences
    assert (one.psn_no, one.setl_id, one.entered_fen, one.earned_fen) == ("P0001", "C", 420_001, 420_000)
    assert check_books(repair=True).repaired == 1
    assert booked() == yuan(B=800, C=4200)


def test_who_is_insured_elsewhere_under_another_document_shares_nothing(spring):
    other = TEXT.replace("pack: household-county", "pack: elsewhere").replace('"610900"', '"611000"')
    held = Installation.objects.latest("pk")
    Installation.objects.create(
        area_code="611000", pack="elsewhere", digest="9" * 64, texts={"policy.yaml": other}, first=date(2023, 1, 1), approved_at=held.approved_at,
        proposed_by=held.proposed_by, proposed_at=held.proposed_at, approved_by=held.approved_by, is_by_household=True,
    )  # fmt: skip
    forget_plans()
    spring.registrar.area_code = "610000"
    spring.registrar.save()
    MoveInsurance(actor=spring.registrar, psn_no="P0002", area_code="611002", first=date(2024, 1, 1)).run()
    delivered()
    assert booked() == yuan(B=500, C=4480, D=500)
    assert not check_books().differences


def test_an_export_that_leaves_out_members_of_a_household_says_so(spring, tmp_path):
    Person.objects.filter(psn_no="P0002").update(insured_area="610921")
    assert export("610902", tmp_path / "county").notes == [CUT]
    assert export("610900", tmp_path / "city").notes == []


# --- any history --------------------------------------------------------------------------------------------------------

#: Where totals are a household's only, the batch runs its kernel; where they are of both kinds, its fold.
ONLY = TEXT[: TEXT.index("  - id: clinic")]
WAIVED = ONLY.replace("deductible: {per: year}", "deductible: {per: year, waived_if_unreached: true}")
DAYS = [date(2023, 10, 1) + timedelta(days=n) for n in range(0, 200, 7)]


class Year:
    """What happens to some families, drawn by a seed; whoever may not do it is passed over, as in life."""

    def __init__(self, cast, seed):
        self.cast, self.chance, self.n = cast, random.Random(seed), 0
        self.people = ["P0001", "P0002", "P0003"]

    def step(self):
        kinds = (self.bill, self.cancel, self.move, self.part, self.certify, self.die, self.merge)
        what = self.chance.choices(kinds, (10, 3, 3, 2, 2, 1, 1))[0]
        with suppress(InputErrors):
            what()

    def bill(self):
        self.n += 1
        how = {"med_type": self.chance.choice(("21", "21", "14"))}
        settle(self.cast, f"N{self.n}", self.day, self.chance.randrange(100, 4000), self.person, **how)

    @property
    def day(self):
        return self.chance.choice(DAYS)

    @property
    def person(self):
        return self.chance.choice(self.people)

    def cancel(self):
        live = Bill.objects.filter(is_cancellation=False, cancelled_by__isnull=True, is_reversed=False)
        if live:
            self.n += 1
            row = self.chance.choice(live)
            back = {"reversal": self.chance.random() < 0.3}
            CancelSettlement(actor=self.cast.zhao, setl_id=row.setl_id, new_id=f"X{self.n}", **back).run()

    def move(self):
        how = {"psn_no": self.person, "number": self.chance.choice(("F1", "F9")), "first": self.day}
        self.chance.choice((MoveMember, JoinHousehold))(actor=self.cast.registrar, **how).run()

    def part(self):
        psn_no, day = self.person, self.day
        number = household_on(psn_no, day)
        if number and self.chance.random() < 0.5:
            LeaveHousehold(actor=self.cast.registrar, psn_no=psn_no, number=number, last=day).run()
        elif number:
            self.n += 1
            new = {"new_number": f"F{100 + self.n}", "psn_nos": [psn_no], "head": psn_no}
            SplitHousehold(actor=self.cast.registrar, number=number, first=day, **new).run()

    def certify(self):
        rows = Identity.objects.filter(withdrawn_at__isnull=True)
        facts = {
            "identity": self.chance.choice(("dibao", "dibao_edge")),
            "last": self.chance.choice((None, *DAYS[10:])),
        }
        CorrectIdentity(actor=self.cast.zhou, identity_id=self.chance.choice(rows).pk, facts=facts).run()

    def die(self):
        dead = Person.objects.filter(died_on__isnull=False, merged_into__isnull=True).first()
        if dead:
            CorrectDeath(actor=self.cast.registrar, psn_no=dead.psn_no, day=None, reason="登记有误").run()
        else:
            RecordDeath(actor=self.cast.registrar, psn_no=self.person, day=self.day, ends_identities=False).run()

    def merge(self):
        merged = Person.objects.filter(merged_into__isnull=False).first()
        if merged:
            UnmergePeople(actor=self.cast.registrar, psn_no=merged.psn_no).run()
        else:
            one, other = self.chance.sample(self.people, 2)
            MergePeople(actor=self.cast.registrar, psn_no=one, into=other).run()

    def part_who_overlap(self):
        """A file may not say one identity of one person twice for a day, so who says so by two records is two people again."""
        merged = Person.objects.filter(merged_into__isnull=False).first()
        if merged:
            both = Identity.objects.filter(person__in=(merged, merged.merged_into), withdrawn_at__isnull=True)
            if len(set(both.values_list("identity"))) < len(both):
                UnmergePeople(actor=self.cast.registrar, psn_no=merged.psn_no).run()


@pytest.mark.parametrize("text", [TEXT, ONLY, WAIVED], ids=["both kinds", "households only", "waived where unreached"])
@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_books_are_what_the_batch_makes_of_the_export(county, tmp_path, text, seed):
    if text != TEXT:
        in_force(county, text=text, number=2)
    year = Year(county, seed)
    for part in range(3):
        for _ in range(12):
            year.step()
        year.part_who_overlap()
        delivered()
        assert booked() == adjudicated(tmp_path / str(part))
    assert not check_books().differences
    assert year.n > 10


def test_the_pages_say_whose_settlements_a_change_touches_too(spring, client):
    enter(client, spring.registrar)
    given = {"identity": "dibao", "issuer": "民政局", "first": "2024-01-01"}
    page = client.post(f"/people/{spring.li.pk}/certify/", given).content.decode()
    assert '<span class="mono">C</span><div class="soft">王奶奶（P0001）</div>' in page
    assert '<span class="mono">B</span></td>' in page
    settle(spring, "E", date(2024, 6, 1), 2000, "P0003")
    other = Person.objects.get(psn_no="P0003")
    page = client.get(f"/people/{other.pk}/merge/", {"into": spring.li.pk}).content.decode()
    assert '<span class="mono">C</span><div class="soft">王奶奶（P0001）</div>' in page
