"""An admission is told to whom the policy names, where the person lives, and what came of it is kept (QD-2.1, TH-3.1.3)."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse

from tests.apps.cast import assemble
from tests.apps.test_gateway import admit, hospital
from tests.site.entering import enter
from tuodi.apps.policies.models import DelegatedValue
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.settlement.models import Notice
from tuodi.apps.settlement.notices import AnswerNotice, notices_for, state_of
from tuodi.base import clock
from tuodi.base.models import AuditEvent, User
from tuodi.core.errors import InputErrors

__all__ = ["hospital"]
pytestmark = pytest.mark.django_db
VILLAGE, OTHER_VILLAGE = "610902100001", "610902100002"


@pytest.fixture
def pack():
    return "320681-qidong"


@pytest.fixture
def cast(pack):
    made = assemble(pack)
    Person.objects.filter(pk=made.wang.pk).update(residence_area=VILLAGE)
    Identity.objects.create(
        person=made.wang, identity="registered_low_income", first="2023-01-01", issuer="扶贫办", recorded_at="2024-01-02T00:00:00Z"
    )  # fmt: skip
    return made


def clerk(area, role="village_clerk"):
    return User.objects.create(username=f"{role}-{area}", password="!", name="村干部", role=role, area_code=area)


def test_QD_2_1_the_village_contact_is_told_of_an_admission_and_confirms(hospital):
    admit(hospital)
    own, other, town = clerk(VILLAGE), clerk(OTHER_VILLAGE), clerk("610902100000", "town_clerk")
    (notice,) = notices_for(own)
    assert (notice.name, notice.clause, state_of(notice)) == ("王奶奶", "QD-2.1", "open")
    assert [notices_for(user).count() for user in (other, town)] == [0, 1]
    with pytest.raises(Http404):
        AnswerNotice(actor=other, notice_id=notice.pk, response="已到院").run()
    for nothing in ("", "  ", "长" * 401):
        with pytest.raises(InputErrors, match="E-NOTICE-RESPONSE"):
            AnswerNotice(actor=own, notice_id=notice.pk, response=nothing).run()
    AnswerNotice(actor=own, notice_id=notice.pk, response="已电话联系，陪同办理").run()
    with pytest.raises(InputErrors, match="E-NOTICE-ANSWERED"):
        AnswerNotice(actor=town, notice_id=notice.pk, response="重复").run()
    (kept,) = notices_for(town, state="answered")
    assert kept.response == "已电话联系，陪同办理"
    assert not notices_for(own, state="open").exists()
    row = AuditEvent.objects.get(verb="notice:answer")
    assert "陪同" not in str(row.data)


@pytest.mark.parametrize("pack", ["320902-tinghu"])
def test_TH_3_1_3_the_service_team_is_told(hospital, cast):
    at = clock.now()
    DelegatedValue.objects.create(
        area_code="610900", param="th.publication_date", value="2022-01-01", source="演示", proposed_by=cast.officer,
        proposed_at=at, approved_by=cast.approver, approved_at=at,
    )  # fmt: skip
    admit(hospital)
    assert Notice.objects.get().told == "service_team"


def test_who_has_no_part_in_it_neither_sees_nor_answers(hospital, cast):
    admit(hospital)
    notice = Notice.objects.get()
    assert not notices_for(cast.zhao).exists()
    assert not notices_for(cast.outsider).exists()
    with pytest.raises(PermissionDenied):
        AnswerNotice(actor=cast.registrar, notice_id=notice.pk, response="已联系").run()


def test_a_cancelled_admission_waits_for_nobody(hospital, cast):
    mdtrt_id = admit(hospital)
    hospital.call("2404", {"data": {"mdtrt_id": mdtrt_id, "psn_no": "P0001"}})
    assert not notices_for(cast.chen, state="open").exists()
    assert notices_for(cast.chen, state="cancelled").count() == 1


def test_the_list_is_answered_on_its_page(hospital, client):
    admit(hospital)
    enter(client, clerk(VILLAGE))
    assert "王奶奶" in client.get(reverse("notices")).content.decode()
    address = reverse("notice-answer", args=[Notice.objects.get().pk])
    assert "没有写明办理情况" in client.post(address, {"response": " "}, follow=True).content.decode()
    assert "已确认" in client.post(address, {"response": "已到院看望"}, follow=True).content.decode()
    assert "已到院看望" in client.get(reverse("notices"), {"state": ""}).content.decode()
