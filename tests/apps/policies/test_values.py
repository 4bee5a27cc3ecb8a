"""Delegated values: entered by one, approved by another, samples marked until replaced."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404

from tests.apps.cast import assemble
from tuodi.apps.policies.actions import (
    ApproveValue,
    ApproveWithdrawal,
    ProposeValue,
    RefuseValue,
    WithdrawValue,
)
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import Proposal, entered_values, params_of, samples_in_force
from tuodi.apps.settlement.impact import measure
from tuodi.base import clock
from tuodi.base.models import AuditEvent
from tuodi.core.errors import InputErrors

pytestmark = pytest.mark.django_db
PARAM = "ak.catastrophic.deductible"


@pytest.fixture
def cast():
    return assemble()


def propose(cast, **how):
    fields = {
        "actor": cast.officer,
        "area_code": "610900",
        "param": PARAM,
        "value": "10000.00",
        "source": "安医保发〔2023〕9号",
        **how,
    }
    return ProposeValue(**fields).run()


def approved(cast, **how):
    made = propose(cast, **how)
    measure(cast.officer, Proposal(value=made))
    return ApproveValue(actor=cast.approver, value=made).run()


def param(name=PARAM):
    return next(p for p in params_of(Installation.objects.first()) if p.param == name)


def test_a_sample_is_marked_until_a_value_replaces_it(cast):
    sample = approved(cast, is_sample=True, source="")
    assert sample.source == "示例值"
    assert param().has_sample
    assert [v.pk for v in samples_in_force("610902")] == [sample.pk]
    assert entered_values("610900")[0].is_sample
    approved(cast, value="12000.00")
    assert not param().has_sample
    assert not list(samples_in_force("610902"))
    assert [v.value for v in entered_values("610900")] == ["10000.00", "12000.00"]


def test_a_source_beginning_with_sample_is_one_and_the_database_agrees(cast):
    made = propose(cast, source="示例值")
    assert made.is_sample
    with pytest.raises(IntegrityError), transaction.atomic():
        DelegatedValue.objects.create(
            area_code="610900",
            param=PARAM,
            value="1",
            source="示例",
            is_sample=False,
            proposed_by=cast.officer,
            proposed_at=clock.now(),
        )


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"param": "ak.nothing"}, "E-POLICY-PARAM"), ({"source": " "}, "E-POLICY-SOURCE"), ({"value": "一万"}, "E-POLICY-VALUE"),
        ({"param": "ak.tilt.rate", "value": "0.5"}, "E-POLICY-VALUE"), ({"param": "ak.transition_end", "value": "2025"}, "E-POLICY-VALUE"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(cast, how, code):
    with pytest.raises(InputErrors, match=code):
        propose(cast, **how)
    assert not DelegatedValue.objects.exists()


def test_a_qualified_value_counts_for_its_county(cast):
    approved(cast, param="ak.dibao_standard_month@610902.urban", value="660.00", first=date(2023, 1, 4))
    assert param("ak.dibao_standard_month").values[0].param.endswith("@610902.urban")


def test_a_value_needs_another_person_and_its_measured_impact(cast):
    made = propose(cast)
    assert not entered_values("610900")
    with pytest.raises(InputErrors, match="E-POLICY-IMPACT"):
        ApproveValue(actor=cast.approver, value=made).run()
    measure(cast.officer, Proposal(value=made))
    cast.officer.role = "policy_approver"
    cast.officer.save()
    with pytest.raises(InputErrors, match="E-POLICY-SAME-PERSON"):
        ApproveValue(actor=cast.officer, value=made).run()
    with pytest.raises(IntegrityError), transaction.atomic():
        DelegatedValue.objects.filter(pk=made.pk).update(approved_by=cast.officer, approved_at=clock.now())
    ApproveValue(actor=cast.approver, value=made).run()
    row = AuditEvent.objects.get(verb="policy_value:approve")
    assert (row.area_code, row.data["param"], row.data["is_sample"]) == ("610900", PARAM, False)


def test_refusing_needs_a_reason_and_settles_the_matter(cast):
    made = propose(cast)
    with pytest.raises(InputErrors, match="E-POLICY-REASON"):
        RefuseValue(actor=cast.approver, value=made, reason="").run()
    RefuseValue(actor=cast.approver, value=made, reason="文号不对").run()
    with pytest.raises(InputErrors, match="E-POLICY-DECIDED"):
        ApproveValue(actor=cast.approver, value=made).run()


def test_withdrawing_a_value_in_force_takes_two_people(cast):
    made = approved(cast)
    WithdrawValue(actor=cast.officer, value=made, reason="新文件取代").run()
    assert entered_values("610900")
    measure(cast.approver, Proposal(withdrawn=made))
    ApproveWithdrawal(actor=cast.approver, value=made).run()
    assert not entered_values("610900")
    waiting = propose(cast)
    WithdrawValue(actor=cast.officer, value=waiting, reason="录错").run()
    with pytest.raises(InputErrors, match="已撤回"):
        ApproveValue(actor=cast.approver, value=waiting).run()


def test_the_wrong_role_and_the_wrong_area(cast):
    with pytest.raises(PermissionDenied):
        propose(cast, actor=cast.chen)
    with pytest.raises(Http404):
        propose(cast, area_code="320900")
    made = propose(cast)
    for user in (cast.officer, cast.chen, cast.auditor):
        with pytest.raises(PermissionDenied):
            ApproveValue(actor=user, value=made).run()
    cast.approver.area_code = "320900"
    cast.approver.save()
    with pytest.raises(Http404):
        ApproveValue(actor=cast.approver, value=made).run()


@pytest.mark.parametrize(
    ("unit", "value", "is_good"),
    [
        ("percent", "100%", True), ("percent", "180%", False), ("percent", "0.6", False),
        ("diagnoses", "C34;N18.5; I10.x00", True), ("diagnoses", "C34；N18.5", False), ("diagnoses", "C34;", False),
        ("diagnoses", "肺癌", False), ("yuan", "-1", False), ("text", "见文件", True), ("text", "", False),
    ],
)  # fmt: skip
def test_a_value_is_written_as_its_unit_wants_it(unit, value, is_good):
    """A list with an empty code would match every diagnosis, one with a Chinese semicolon none."""
    from tuodi.apps.policies.actions.values import is_readable

    assert is_readable(unit, value) == is_good
