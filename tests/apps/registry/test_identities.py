"""Certifying, ending, correcting: a row is withdrawn and another added; overlaps are refused, by the action and the database."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.http import Http404

from tests.apps.cast import assemble
from tuodi.apps.registry.actions.identities import CertifyIdentity, CorrectIdentity, EndIdentity
from tuodi.apps.registry.models import Identity
from tuodi.base import clock
from tuodi.base.models import Announcement, AuditEvent
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return assemble()


def certify(actor, **changed):
    fields = {
        "psn_no": "P0001",
        "identity": "extreme_poverty",
        "first": date(2024, 1, 1),
        "issuer": "民政局",
        **changed,
    }
    return CertifyIdentity(actor=actor, **fields).run()


def believed(psn_no="P0001"):
    rows = Identity.objects.filter(person__psn_no=psn_no, withdrawn_at__isnull=True).order_by("first", "identity")
    return [(row.identity, row.first, row.last) for row in rows]


def test_a_certification_is_kept_audited_and_announced(cast):
    made = certify(cast.zhou, certified_on=date(2024, 1, 5), document_number="民〔2024〕1 号")
    assert (made.issuer, made.certified_on) == ("民政局", date(2024, 1, 5))
    row = AuditEvent.objects.get()
    assert (row.verb, row.subject_id, row.data["identity"]) == ("identity:certify", "P0001", "extreme_poverty")
    assert Announcement.objects.get().data == {"psn_nos": ["P0001"], "cause_id": f"identity:{made.pk}"}


def test_the_wrong_job_may_not_and_another_area_sees_nobody(cast):
    with pytest.raises(PermissionDenied):
        certify(cast.chen)
    cast.zhou.area_code = "320902"
    with pytest.raises(Http404):
        certify(cast.zhou)
    row = Identity.objects.get(person=cast.wang)
    for action in (
        EndIdentity(actor=cast.zhou, identity_id=row.pk, last=date(2024, 1, 1)),
        CorrectIdentity(actor=cast.zhou, identity_id=row.pk, facts=None),
    ):
        with pytest.raises(Http404):
            action.run()
    assert believed() == [("dibao", date(2023, 1, 1), None)]


def test_an_overlap_of_one_identity_is_refused_in_chinese(cast):
    with pytest.raises(
        InputErrors, match=r"E-REG-OVERLAP.*低保对象已有 2023-01-01 至 长期 的认定，与 2024-01-01 至 长期 重叠"
    ):
        certify(cast.zhou, identity="dibao")
    assert certify(cast.zhou, identity="dibao", first=date(2022, 1, 1), last=date(2022, 12, 31)).pk
    with pytest.raises(InputErrors, match="E-REG-PERIOD"):
        certify(cast.zhou, last=date(2023, 12, 31))
    with pytest.raises(InputErrors, match="E-REG-IDENTITY"):
        certify(cast.zhou, identity="rich")


def test_the_database_refuses_an_overlap_a_change_and_a_deletion(cast):
    row = Identity.objects.get(person=cast.wang)
    for wrong in (
        lambda: Identity.objects.create(
            person=cast.wang, identity="dibao", first=date(2024, 1, 1), issuer="x", recorded_at=clock.now()
        ),
        lambda: Identity.objects.filter(pk=row.pk).update(last=date(2024, 1, 1)),
        lambda: row.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            wrong()


def test_ending_keeps_the_row_it_replaces(cast):
    row = Identity.objects.get(person=cast.wang)
    ended = EndIdentity(actor=cast.registrar, identity_id=row.pk, last=date(2024, 3, 31)).run()
    row.refresh_from_db()
    assert (ended.replaces, row.last, row.withdrawn_at is not None) == (row, None, True)
    assert believed() == [("dibao", date(2023, 1, 1), date(2024, 3, 31))]
    with pytest.raises(InputErrors, match="E-REG-WITHDRAWN"):
        EndIdentity(actor=cast.registrar, identity_id=row.pk, last=date(2024, 3, 31)).run()
    with pytest.raises(InputErrors, match="E-REG-NO-CHANGE"):
        EndIdentity(actor=cast.registrar, identity_id=ended.pk, last=date(2024, 3, 31)).run()
    with pytest.raises(InputErrors, match="E-REG-ENDED"):
        EndIdentity(actor=cast.registrar, identity_id=ended.pk, last=date(2022, 3, 31)).run()


def test_a_correction_withdraws_and_adds_or_only_withdraws(cast):
    row = Identity.objects.get(person=cast.wang)
    made = CorrectIdentity(
        actor=cast.registrar, identity_id=row.pk, facts={"first": date(2022, 7, 1), "issuer": "区民政局"}
    ).run()
    assert believed() == [("dibao", date(2022, 7, 1), None)]
    assert AuditEvent.objects.get().data["changed"] == ["first", "issuer"]
    with pytest.raises(InputErrors, match="E-REG-NO-CHANGE"):
        CorrectIdentity(actor=cast.registrar, identity_id=made.pk, facts={"first": date(2022, 7, 1)}).run()
    assert CorrectIdentity(actor=cast.registrar, identity_id=made.pk, facts=None).run() is None
    assert believed() == []
    assert Identity.objects.filter(person=cast.wang).count() == 2
