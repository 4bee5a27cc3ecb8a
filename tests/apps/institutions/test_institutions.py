"""Institutions: registered, changed, designated, suspended, their keys revoked; and what that does to settling."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.apps.cast import assemble, bill
from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.actions import (
    ChangeInstitution,
    EndAgreement,
    LiftSuspension,
    MakeAgreement,
    RegisterInstitution,
    Suspend,
)
from tuodi.apps.institutions.keys import IssueKey, RevokeKey, token_of
from tuodi.apps.institutions.models import Agreement, ApiKey, Institution, Suspension
from tuodi.apps.institutions.queries import institution_in_detail, institutions, standing
from tuodi.apps.settlement.actions import Settle
from tuodi.base.models import AuditEvent
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db
DAY = date(2023, 6, 1)
NEW = {"code": "H61090200009", "name": "汉滨区第九医院（虚构）", "area_code": "610902", "level": "08"}


@pytest.fixture
def cast():
    return assemble()


@pytest.fixture
def made(cast):
    return RegisterInstitution(actor=cast.chen, **NEW).run()


def settle(cast, setl_id, day, **how):
    return Settle(actor=how.pop("actor", cast.zhao), bill=bill(setl_id, day, 1000, **how)).run().result


def test_registered_designated_and_found(cast, made):
    assert standing(made.code, DAY).designated is False
    MakeAgreement(
        actor=cast.chen,
        institution=made,
        kind="insurance",
        first=date(2023, 1, 1),
        last=date(2023, 12, 31),
        number="协〔2023〕9",
    ).run()
    MakeAgreement(actor=cast.chen, institution=made, kind="assistance", first=date(2023, 2, 1)).run()
    assert (standing(made.code, DAY).designated, standing(made.code, DAY).assistance) == (True, True)
    assert not standing(made.code, date(2024, 1, 1)).designated
    found = institution_in_detail(cast.chen, made.code, permissions.VIEW, on=DAY)
    assert [a.kind for a in found.agreements] == ["assistance", "insurance"]
    assert list(AuditEvent.objects.filter(subject_id=made.code).values_list("data__done", flat=True)) == [
        "registered",
        "agreement_made",
        "agreement_made",
    ]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"code": "610"}, "E-INST-CODE"),
        ({"name": " "}, "E-INST-NAME"),
        ({"level": "77"}, "E-INST-LEVEL"),
        ({"code": "H61090200001"}, "E-INST-EXISTS"),
    ],
)
def test_what_does_not_fit_is_refused(cast, how, code):
    with pytest.raises(InputErrors, match=code):
        RegisterInstitution(actor=cast.chen, **{**NEW, **how}).run()


def test_agreements_do_not_overlap_and_assistance_is_chosen_among_the_insured_WH_5_3(cast, made):
    with pytest.raises(InputErrors, match="E-INST-NOT-INSURED"):
        MakeAgreement(actor=cast.chen, institution=made, kind="assistance", first=DAY).run()
    MakeAgreement(
        actor=cast.chen, institution=made, kind="insurance", first=date(2023, 1, 1), last=date(2023, 12, 31)
    ).run()
    with pytest.raises(InputErrors, match="E-INST-AGREEMENT-HELD"):
        MakeAgreement(actor=cast.chen, institution=made, kind="insurance", first=date(2023, 12, 31)).run()
    MakeAgreement(actor=cast.chen, institution=made, kind="insurance", first=date(2024, 1, 1)).run()
    with pytest.raises(InputErrors, match="E-INST-DAYS"):
        MakeAgreement(actor=cast.chen, institution=made, kind="insurance", first=DAY, last=date(2023, 1, 1)).run()
    with pytest.raises(InputErrors, match="E-INST-KIND"):
        MakeAgreement(actor=cast.chen, institution=made, kind="other", first=DAY).run()


def test_an_ended_agreement_holds_until_its_last_day_and_the_counter_is_told_why(cast):
    row = cast.hospital.agreements.get(kind="insurance")
    EndAgreement(actor=cast.chen, agreement=row, last=date(2023, 5, 31), reason="考核不合格，解除协议").run()
    assert standing(cast.hospital.code, date(2023, 5, 31)).designated
    assert settle(cast, "A", date(2023, 5, 31)).pay == 70_000
    with pytest.raises(InputErrors, match="E-INSTITUTION-UNDESIGNATED"):
        settle(cast, "B", DAY)
    with pytest.raises(InputErrors, match="E-INST-ENDED"):
        EndAgreement(actor=cast.chen, agreement=row, last=DAY, reason="又一次").run()
    assert Agreement.objects.filter(institution=cast.hospital, kind="insurance").count() == 2


def test_AK_3_1_1_what_an_office_enters_of_an_undesignated_institution_is_refused_by_the_clause(cast, made):
    result = settle(cast, "A", DAY, actor=cast.chen, hospital=made.code)
    assert (result.pay, result.decision.clause) == (0, "AK-3.1.1")


def test_AK_6_3_suspended_with_the_reason_and_lifted_from_a_day(cast):
    row = Suspend(actor=cast.zhou, institution=cast.hospital, reason="串换项目", first=date(2023, 5, 1)).run()
    with pytest.raises(InputErrors, match="串换项目"):
        settle(cast, "A", DAY)
    with pytest.raises(InputErrors, match="E-INST-SUSPENDED-ALREADY"):
        Suspend(actor=cast.zhou, institution=cast.hospital, reason="又", first=DAY).run()
    LiftSuspension(actor=cast.zhou, suspension=row, first=DAY).run()
    assert settle(cast, "A", DAY).pay == 70_000
    with pytest.raises(InputErrors, match="串换项目"):
        settle(cast, "B", date(2023, 5, 31))
    with pytest.raises(InputErrors, match="E-INST-LIFTED"):
        LiftSuspension(actor=cast.zhou, suspension=row).run()
    assert list(AuditEvent.objects.filter(verb__startswith="institution:").values_list("verb", flat=True)) == [
        "institution:suspend",
        "institution:lift_suspension",
    ]
    assert Suspension.objects.count() == 2


def test_a_changed_level_keeps_its_history_and_contacts_stay_out_of_the_audit(cast):
    ChangeInstitution(actor=cast.chen, institution=cast.hospital, level="02", first=DAY, phone="13800000000").run()
    assert standing(cast.hospital.code, date(2023, 5, 31)).institution.level == "05"
    assert standing(cast.hospital.code, DAY).institution.level == "02"
    data = AuditEvent.objects.get(verb="institution:change").data
    assert (data["level_before"], data["level"]) == ("05", "02")
    assert "138" not in str(data)
    with pytest.raises(InputErrors, match="E-INST-NO-CHANGE"):
        ChangeInstitution(actor=cast.chen, institution=cast.hospital, level="02").run()


def test_a_revoked_key_counts_no_more(cast):
    IssueKey(actor=cast.admin, institution=cast.hospital, name="his-1", user=cast.zhao).run()
    key = ApiKey.objects.get()
    assert token_of("his-1", key.first)
    with pytest.raises(InputErrors, match="E-INST-REASON"):
        RevokeKey(actor=cast.admin, key=key, reason="").run()
    RevokeKey(actor=cast.admin, key=key, reason="更换系统").run()
    assert token_of("his-1", key.first) is None
    with pytest.raises(InputErrors, match="E-INST-KEY-REVOKED"):
        RevokeKey(actor=cast.admin, key=key, reason="再来").run()


def test_the_list_by_name_code_area_level_and_state(cast, made):
    Suspend(actor=cast.zhou, institution=cast.other_hospital, reason="查", first=date(2023, 1, 1)).run()

    def codes(user=None, **how):
        return [row.code[-1] for row in institutions(user or cast.chen, on=DAY, **how)]

    assert codes() == ["1", "2", "9"]
    assert codes(text="第九") == ["9"]
    assert codes(text="h61090200002") == ["2"]
    assert codes(tier="secondary") == ["1"]
    assert codes(state="suspended") == ["2"]
    assert codes(state="designated") == ["1"]
    assert codes(state="undesignated") == ["9"]
    assert codes(area_code="610900") == []
    assert codes(cast.outsider) == []
    assert codes(cast.zhao) == ["1"]


def test_the_wrong_role_and_the_wrong_area(cast):
    tries = (
        lambda user: RegisterInstitution(actor=user, **NEW), lambda user: ChangeInstitution(actor=user, institution=cast.hospital, name="x"),
        lambda user: MakeAgreement(actor=user, institution=cast.hospital, kind="insurance", first=DAY),
    )  # fmt: skip
    for make in tries:
        with pytest.raises(PermissionDenied):
            make(cast.auditor).run()
        with pytest.raises(Http404):
            make(cast.outsider).run()
    with pytest.raises(PermissionDenied):
        Suspend(actor=cast.chen, institution=cast.hospital, reason="查", first=DAY).run()
    assert Institution.objects.count() == 2
