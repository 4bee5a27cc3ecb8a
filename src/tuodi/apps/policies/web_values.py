"""Delegated values at the door: entered with their source, decided by another, withdrawn; and how far a measuring is. Doors only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from tuodi.apps.policies import overview, permissions, queries
from tuodi.apps.policies.actions import (
    ApproveValue,
    ApproveWithdrawal,
    AskForMeasuring,
    ProposeValue,
    RefuseValue,
    RefuseWithdrawal,
    WithdrawValue,
)
from tuodi.apps.policies.actions.values import E_SOURCE, E_VALUE_FORM
from tuodi.apps.policies.forms import ReasonForm, ValueForm
from tuodi.apps.policies.models import DelegatedValue, Installation, Measurement
from tuodi.apps.policies.queries import Proposal
from tuodi.base import access, clock
from tuodi.base.doors import bars, said, say_beside
from tuodi.core.errors import InputErrors

#: Seconds without a sign of the background work after which the page says so.
SILENT = 60


@login_required
def enter(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter a value for a parameter of an installation's pack."""
    row = access.get(request.user, Installation, pk, permissions.PROPOSE_VALUE)
    param = request.GET.get("param", "")
    declared = queries.pack_of(row).delegated.get(param)
    if declared is None:
        raise Http404("政策包里没有这项授权参数")
    form = ValueForm(request.POST or None, declared=declared)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        qualifier = data.pop("qualifier")
        name = f"{param}@{qualifier}" if qualifier else param
        try:
            made = ProposeValue(actor=request.user, area_code=row.area_code, param=name, **data).run()
        except InputErrors as error:
            say_beside(form, error, {E_VALUE_FORM: "value", E_SOURCE: "source"})
        else:
            messages.success(request, "已提交，等待另一位审核岗批准后才会采用。")
            return redirect("policy-value", pk=made.pk)
    shown = {"row": row, "param": param, "declared": declared, "form": form, "wrong": form.non_field_errors()}
    return render(request, "policies/value_form.html", shown)


def _proposal(row: DelegatedValue) -> Proposal:
    """Return what waits with a value: its withdrawal if that was asked for, else the value itself."""
    return Proposal(withdrawn=row) if row.withdrawal_at and not row.withdrawn_at else Proposal(value=row)


def _one(request: HttpRequest, pk: int, verb: str = permissions.VIEW) -> dict[str, Any]:
    """Return a value and what its pages show of it."""
    row, user = access.get(request.user, DelegatedValue, pk, verb), request.user
    held = overview.installation_for(row)
    pack = queries.pack_of(held) if held else None
    own = row.area_code.startswith(access.area_prefix(str(getattr(user, "area_code", ""))))
    proposal = _proposal(row)
    is_withdrawal = proposal.withdrawn is not None
    waits = queries.proposal_waits(row, is_withdrawal=is_withdrawal)
    asked_by = row.withdrawal_by_id if is_withdrawal else row.proposed_by_id
    may_withdraw = not (row.refused_at or row.withdrawn_at or row.withdrawal_at)
    return {
        "row": row, "line": overview.value_line(row), "codes": permissions.knows_codes(user), "installation": held, "pack": pack,
        "waits": waits, "is_withdrawal": is_withdrawal,
        "impact": overview.impact_of(row, pack), "proposal": proposal, "measuring": queries.measurement_under_way(proposal),
        "may_measure": waits and own and access.may(user, permissions.MEASURE),
        "may_decide": waits and own and access.may(user, permissions.APPROVE_VALUE),
        "may_withdraw": may_withdraw and own and access.may(user, permissions.WITHDRAW_VALUE), "is_own_proposal": asked_by == user.pk,
    }  # fmt: skip


@login_required
def value(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a value: what it says, where it comes from, who entered and approved it, what it changes."""
    return render(request, "policies/value.html", _one(request, pk))


@login_required
@require_POST
def measure(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a value, or its withdrawal, measured."""
    row = access.get(request.user, DelegatedValue, pk, permissions.MEASURE)
    try:
        made = AskForMeasuring(actor=request.user, proposal=_proposal(row)).run()
    except InputErrors as error:
        messages.error(request, "；".join(said(error)))
        return redirect("policy-value", pk=pk)
    return redirect("measurement", pk=made.pk)


@login_required
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a value or its withdrawal, or send it back with a reason, as another person than who asked."""
    shown = _one(request, pk, permissions.APPROVE_VALUE)
    row, user, is_withdrawal = shown["row"], request.user, shown["is_withdrawal"]
    form, wrong = ReasonForm(request.POST if request.POST.get("decision") == "refuse" else None), []
    try:
        if request.POST.get("decision") == "approve":
            (ApproveWithdrawal if is_withdrawal else ApproveValue)(actor=user, value=row).run()
            messages.success(request, "已批准撤回，不再采用。" if is_withdrawal else "已批准，开始采用。")
            return redirect("policy-value", pk=pk)
        if form.is_bound and form.is_valid():
            refusal = RefuseWithdrawal if is_withdrawal else RefuseValue
            refusal(actor=user, value=row, reason=form.cleaned_data["reason"]).run()
            messages.success(request, "已退回，理由已记录。")
            return redirect("policy-value", pk=pk)
    except InputErrors as error:
        wrong = said(error)
    approval = (ApproveWithdrawal if is_withdrawal else ApproveValue)(actor=user, value=row)
    shown |= {"form": form, "wrong": wrong, "bars": bars(approval) if shown["may_decide"] else []}
    return render(request, "policies/value_decide.html", shown)


@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a value that waits, or ask that one in use be withdrawn."""
    shown = _one(request, pk, permissions.WITHDRAW_VALUE)
    row, form, wrong = shown["row"], ReasonForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        try:
            WithdrawValue(actor=request.user, value=row, reason=form.cleaned_data["reason"]).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            messages.success(request, "已提请撤回，等待另一位审核岗批准。" if row.approved_at else "已撤回。")
            return redirect("policy-value", pk=pk)
    return render(request, "policies/value_withdraw.html", {**shown, "form": form, "wrong": wrong})


@login_required
def measurement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a measuring is; the page asks again by itself and leads on when it is done: who decides, to the decision."""
    row = access.get(request.user, Measurement, pk, permissions.MEASURE)
    name, verb = ("policy", permissions.APPROVE) if row.installation_id else ("policy-value", permissions.APPROVE_VALUE)
    decides = "-decide" if access.may(request.user, verb) else ""
    target = reverse(f"{name}{decides}", kwargs={"pk": row.installation_id or row.value_id})
    if row.finished_at and not row.failure:
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Redirect": f"{target}#impact"})
        return redirect(f"{target}#impact")
    seen = row.worked_at or row.asked_at
    shown = {
        "row": row, "target": target, "is_silent": (clock.now() - seen).total_seconds() > SILENT,
        "percent": min(99, row.done * 100 // row.people) if row.people else 0,
    }  # fmt: skip
    return render(request, "policies/measurement.html", shown)


urlpatterns = [
    path("policies/<int:pk>/values/", enter, name="policy-value-enter"),
    path("policies/values/<int:pk>/", value, name="policy-value"),
    path("policies/values/<int:pk>/measure/", measure, name="policy-value-measure"),
    path("policies/values/<int:pk>/decide/", decide, name="policy-value-decide"),
    path("policies/values/<int:pk>/withdraw/", withdraw, name="policy-value-withdraw"),
    path("policies/measurements/<int:pk>/", measurement, name="measurement"),
]
