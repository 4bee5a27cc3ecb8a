"""A death recorded wrongly: exactly what it ended is given back, by two people where certifications change."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404

from tests.apps.cast import assemble, bill
from tuodi.apps.registry.actions.deaths import CorrectDeath, DecideDeathCorrection, RecordDeath
from tuodi.apps.registry.actions.households import JoinHousehold
from tuodi.apps.registry.actions.identities import CertifyIdentity, CorrectIdentity
from tuodi.apps.registry.models import DeathCorrection, Identity, Membership
from tuodi.apps.registry.queries import households_of
from tuodi.apps.registry.timeline import timeline
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.models import Entry
from tuodi.apps.settlement.retro import impact_of_correcting_death
from tuodi.base.models import AuditEvent
from tuodi.core.errors import InputErrors
from tuodi.site import commands

pytestmark = pytest.mark.django_db
DIED = date(2023, 2, 1)


@pytest.fixture
def cast():
    made = assemble()
    JoinHousehold(
        actor=made.chen, psn_no="P0001", number="F1", new_area="610902", first=date(2023, 1, 1), is_head=True
    ).run()
    return made


def died(cast, *, ends=True, day=DIED):
    RecordDeath(actor=cast.registrar, psn_no="P0001", day=day, ends_identities=ends).run()


def correct(cast, day=None, *, reason="派出所误报"):
    return CorrectDeath(actor=cast.registrar, psn_no="P0001", day=day, reason=reason).run()


def decide(cast, row, refusal=None):
    return DecideDeathCorrection(actor=cast.zhou, correction_id=row.pk, refusal=refusal).run()


def believed(cast):
    rows = Identity.objects.filter(person=cast.wang, withdrawn_at__isnull=True)
    return [(row.identity, row.first, row.last) for row in rows.order_by("first", "pk")]


def test_somebody_alive_has_everything_again_after_a_second_person_agreed(cast):
    Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 30000)).run()
    died(cast)
    commands.deliver()
    assert sum(Entry.objects.values_list("pay", flat=True)) == 0
    row = correct(cast)
    assert row.state == "waiting"
    cast.wang.refresh_from_db()
    assert cast.wang.died_on == DIED
    with pytest.raises(InputErrors, match="E-REG-DEATH-WAITING"):
        correct(cast)
    assert impact_of_correcting_death(cast.zhou, psn_no="P0001", day=None).gain_fen == 2_100_000
    decide(cast, row)
    commands.deliver()
    cast.wang.refresh_from_db()
    assert cast.wang.died_on is None
    assert believed(cast) == [("dibao", date(2023, 1, 1), None)]
    assert households_of("P0001") == [(date(2023, 1, 1), None, "F1")]
    assert sum(Entry.objects.values_list("pay", flat=True)) == 2_100_000, "folded anew"
    assert Identity.objects.filter(person=cast.wang).count() == 3, "nothing is overwritten"
    assert Membership.objects.filter(person=cast.wang).count() == 3
    assert AuditEvent.objects.filter(verb="person:decide_death").count() == 1
    texts = [one.text for one in timeline(cast.registrar, cast.wang, with_withdrawn=True)]
    assert {"登记死亡", "更正死亡登记"} <= set(texts)
    with pytest.raises(InputErrors, match="E-REG-DEATH-DECIDED"):
        decide(cast, row)
    with pytest.raises(InputErrors, match="E-REG-NOT-DEAD"):
        correct(cast)


def test_another_day_ends_on_it_what_the_wrong_day_ended(cast):
    died(cast)
    decide(cast, correct(cast, date(2023, 6, 30)))
    assert believed(cast) == [("dibao", date(2023, 1, 1), date(2023, 6, 30))]
    assert households_of("P0001") == [(date(2023, 1, 1), date(2023, 6, 30), "F1")]
    decide(cast, correct(cast, date(2022, 12, 1)))
    assert believed(cast) == []
    assert households_of("P0001") == []
    decide(cast, correct(cast))
    assert believed(cast) == [("dibao", date(2023, 1, 1), None)], (
        "after two corrections, too, it is as before the death"
    )


def test_where_no_certification_changes_one_person_is_enough(cast):
    died(cast, ends=False)
    row = correct(cast, date(2023, 6, 30))
    assert (row.state, row.decided_by) == ("done", None)
    assert believed(cast) == [("dibao", date(2023, 1, 1), None)]
    assert households_of("P0001") == [(date(2023, 1, 1), date(2023, 6, 30), "F1")]


def test_what_somebody_changed_since_is_left_alone_and_what_meets_is_refused(cast):
    died(cast)
    ended = Identity.objects.get(person=cast.wang, withdrawn_at__isnull=True)
    CorrectIdentity(actor=cast.registrar, identity_id=ended.pk, facts={"last": date(2023, 1, 15)}).run()
    decide_nothing = correct(cast)
    assert decide_nothing.state == "done", "the certification is somebody else's decision now"
    assert believed(cast) == [("dibao", date(2023, 1, 1), date(2023, 1, 15))]
    died(cast, day=date(2023, 1, 10))
    CertifyIdentity(
        actor=cast.registrar, psn_no="P0001", identity="dibao", first=date(2023, 1, 12), issuer="民政局"
    ).run()
    with pytest.raises(InputErrors, match="E-REG-OVERLAP"):
        correct(cast)


def test_a_refused_correction_changes_nothing(cast):
    died(cast)
    row = correct(cast)
    with pytest.raises(InputErrors, match="E-REG-WHY"):
        decide(cast, row, refusal=" ")
    decide(cast, row, refusal="请附证明")
    cast.wang.refresh_from_db()
    assert cast.wang.died_on == DIED
    assert correct(cast).state == "waiting"


def test_two_people_in_the_action_and_in_the_database(cast):
    died(cast)
    row = correct(cast)
    with pytest.raises(PermissionDenied):
        DecideDeathCorrection(actor=cast.registrar, correction_id=row.pk).run()
    with pytest.raises(Http404):
        CorrectDeath(actor=cast.outsider, psn_no="P0001", day=None, reason="x").run()
    for change in ({"decided_by": cast.registrar}, {"state": "done"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DeathCorrection.objects.filter(pk=row.pk).update(**change)
    DeathCorrection.objects.filter(pk=row.pk).update(proposed_by=cast.users["zhou"])
    with pytest.raises(InputErrors, match="E-REG-DEATH-PAIR"):
        decide(cast, row)


@pytest.mark.parametrize(
    ("day", "reason", "code"),
    [
        (DIED, "误", "E-REG-NO-CHANGE"),
        (date(2999, 1, 1), "误", "E-REG-DEATH-DAY"),
        (None, " ", "E-REG-WHY"),
    ],
)
def test_what_cannot_be_is_refused(cast, day, reason, code):
    died(cast)
    with pytest.raises(InputErrors, match=code):
        correct(cast, day, reason=reason)
