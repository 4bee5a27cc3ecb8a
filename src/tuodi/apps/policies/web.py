"""Policies as offices see them: what is in force, coming, waiting; a pack in words; proposed by one, decided by another. Doors only.

Values have their own doors (:mod:`.web_values`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import include, path
from django.views.decorators.http import require_POST

from tuodi.apps.policies import overview, permissions, queries
from tuodi.apps.policies.actions import (
    ApproveInstallation,
    AskForMeasuring,
    ProposeInstallation,
    RefuseInstallation,
    SwitchReading,
    shelf_texts,
)
from tuodi.apps.policies.forms import ChoosePackForm, ProposeForm, ReasonForm, as_sent
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import Proposal
from tuodi.base import access, clock
from tuodi.base.doors import bars, csv_download, page_of, said, sentence_of
from tuodi.batch.packs import shelf
from tuodi.core.errors import InputErrors
from tuodi.core.policy.check_look import Finding
from tuodi.core.policy.diff import KINDS

UPLOADED = "上传的文件"


def _seen(request: HttpRequest) -> tuple[list[overview.Listed], str]:
    access.demand(request.user, permissions.VIEW)
    state = request.GET.get("state", "")
    return overview.installations_seen(request.user, on=clock.today(), state=state), state


@login_required
def policies(request: HttpRequest) -> HttpResponse:
    """List what is in force, coming, awaiting, over and refused in one's area; first what waits for this user."""
    listed, state = _seen(request)
    user: Any = request.user
    shown = {
        "page": page_of(request, listed), "state": state, "states": overview.STATES,
        "waiting": overview.installations_waiting(user) if access.may(user, permissions.APPROVE) else [],
        "waiting_values": overview.values_waiting(user) if access.may(user, permissions.APPROVE_VALUE) else [],
        "may_propose": access.may(user, permissions.PROPOSE),
    }  # fmt: skip
    return render(request, "policies/list.html", shown)


@login_required
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give the list as CSV; the names that packs use stand in it for who works with them."""
    listed, _ = _seen(request)
    codes = permissions.knows_codes(request.user)
    head = ("区划", "名称", "状态", "启用日期", "至", "变更的口径", "提交人", "提交时间", "批准人", "批准时间", "摘要")
    lines = (
        (one.row.area_code, one.pack.name, one.state_name, one.row.first, one.last or "",
         overview.readings_said(one, codes=codes), one.row.proposed_by.name,
         f"{clock.local(one.row.proposed_at):%Y-%m-%d %H:%M}", one.row.approved_by.name if one.row.approved_by else "",
         f"{clock.local(one.row.approved_at):%Y-%m-%d %H:%M}" if one.row.approved_at else "", one.row.digest,
         *([one.row.pack] if codes else ()))
        for one in listed
    )  # fmt: skip
    head = (*head, "政策包") if codes else head
    return csv_download("policies", head, lines)


def _one(request: HttpRequest, pk: int, verb: str = permissions.VIEW) -> dict[str, Any]:
    """Return an installation and what each of its pages shows of it."""
    row, user = access.get(request.user, Installation, pk, verb), request.user
    own = row.area_code.startswith(access.area_prefix(str(getattr(user, "area_code", ""))))
    waits = queries.proposal_waits(row)
    return {
        "row": row, "listed": overview.standing_of(row, clock.today()), "pack": queries.pack_of(row), "waits": waits,
        "may_measure": waits and own and access.may(user, permissions.MEASURE),
        "may_decide": waits and own and access.may(user, permissions.APPROVE),
        "may_propose": own and access.may(user, permissions.PROPOSE),
        "may_enter": own and access.may(user, permissions.PROPOSE_VALUE),
        "is_own_proposal": row.proposed_by_id == user.pk, "measuring": queries.measurement_under_way(Proposal(installation=row)),
        "codes": permissions.knows_codes(user),
    }  # fmt: skip


@login_required
def policy(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an installation: what it is, its impact, its readings with their alternatives, its values with their states."""
    shown = _one(request, pk)
    params = overview.params_in_detail(shown["row"])
    shown |= {
        "impact": overview.impact_of(shown["row"], shown["pack"]), "readings": overview.readings_of(shown["pack"]),
        "params": params, "counts": overview.counted(params),
    }  # fmt: skip
    return render(request, "policies/detail.html", shown)


@login_required
def text(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an installation's policy in Chinese sentences, each with its clause."""
    shown = _one(request, pk)
    return render(
        request, "policies/text.html", {**shown, "said": overview.described(shown["row"], codes=shown["codes"])}
    )


@login_required
def cases(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the worked cases beside the pack say of it."""
    shown = _one(request, pk)
    return render(request, "policies/cases.html", {**shown, "result": overview.cases_held(shown["row"])})


@login_required
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an installation changes against what is in force, in words."""
    shown = _one(request, pk)
    other, changes = overview.differences(shown["row"], codes=shown["codes"])
    lines = [(KINDS[change.kind], change) for change in changes]
    other_name = queries.pack_of(other).name if other else ""
    return render(request, "policies/diff.html", {**shown, "other": other, "other_name": other_name, "changes": lines})


@login_required
@require_POST
def measure(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a proposal measured; leads to the page that shows how far it is."""
    row = access.get(request.user, Installation, pk, permissions.MEASURE)
    try:
        made = AskForMeasuring(actor=request.user, proposal=Proposal(installation=row)).run()
    except InputErrors as error:
        messages.error(request, "；".join(said(error)))
        return redirect("policy", pk=pk)
    return redirect("measurement", pk=made.pk)


@login_required
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a proposal or send it back with a reason, as another person than its proposer."""
    shown = _one(request, pk, permissions.APPROVE)
    row, user = shown["row"], request.user
    form, wrong = ReasonForm(request.POST if request.POST.get("decision") == "refuse" else None), []
    try:
        if request.POST.get("decision") == "approve":
            ApproveInstallation(actor=user, installation=row).run()
            messages.success(request, "已批准。受影响的结算将在后台重新计算，差额逐笔记账。")
            return redirect("policy", pk=pk)
        if form.is_bound and form.is_valid():
            RefuseInstallation(actor=user, installation=row, reason=form.cleaned_data["reason"]).run()
            messages.success(request, "已退回，理由已记录。")
            return redirect("policy", pk=pk)
    except InputErrors as error:
        wrong = said(error)
    shown |= {
        "form": form, "wrong": wrong, "impact": overview.impact_of(row, shown["pack"]),
        "bars": bars(ApproveInstallation(actor=user, installation=row)) if shown["may_decide"] else [],
    }  # fmt: skip
    return render(request, "policies/decide.html", shown)


# Proposing: first which pack, then how.


@login_required
def propose(request: HttpRequest) -> HttpResponse:
    """Choose a pack of the shelf or upload one; what is wrong with an uploaded one is shown all at once."""
    access.demand(request.user, permissions.PROPOSE)
    form, wrong = ChoosePackForm(request.POST or None, request.FILES or None), []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        texts = {"policy.yaml": data["policy"]} | ({"diseases.csv": data["diseases"]} if data["diseases"] else {})
        try:
            return _propose_page(
                request, data["pack"] or UPLOADED, shelf_texts(data["pack"]) if data["pack"] else texts
            )
        except InputErrors as error:
            wrong = said(error)
    return render(request, "policies/choose.html", {"form": form, "wrong": wrong})


def _propose_page(
    request: HttpRequest, pack: str, texts: dict[str, str], *, installation: Installation | None = None, form: ProposeForm | None = None,
    readings: dict[str, str] | None = None, reasons: dict[str, str] | None = None, wrong: list[str] | None = None,
) -> HttpResponse:  # fmt: skip
    """Show how a pack may be proposed: its readings, the warnings to be accepted, area, day; ``InputErrors`` if it has errors."""
    area = form.data.get("area_code", "") if form else str(getattr(request.user, "area_code", ""))
    area = installation.area_code if installation else area
    found = overview.examined(area, pack, texts, readings or {})
    if readings is None:
        held = installation.readings if installation else overview.readings_in_force(area, found.pack.pack)
        found = overview.examined(area, pack, texts, held)
    kept = {item["warning"]: item["reason"] for item in installation.accepted} if installation else {}
    reasons = {**kept, **(reasons or {})}
    initial = {"area_code": area if area.startswith(found.pack.area[:4]) else found.pack.area}
    shown = {
        "form": form or ProposeForm(initial=initial), "found": found, "pack": found.pack, "wrong": wrong or [],
        "warnings": [(key, told, reasons.get(key, "")) for key, told in _by_key(found.warnings).items()],
        "notes": [(finding, sentence_of(finding.fault)) for finding in found.notes],
        "shelf_pack": pack if pack in shelf() and installation is None else "", "texts": texts, "installation": installation,
    }  # fmt: skip
    return render(request, "policies/propose.html", shown)


def _by_key(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Return the sentences of warnings by the name under which each is accepted: its code and what it is about."""
    told: dict[str, list[str]] = {}
    for finding in findings:
        about = finding.layer or next((text for _, text in reversed(finding.fault.fields)), "")
        told.setdefault(f"{finding.code}:{about}" if about else finding.code, []).append(sentence_of(finding.fault))
    return told


@login_required
def submit(request: HttpRequest) -> HttpResponse:
    """Propose a pack with its readings; sent again with everything it was shown with if something does not fit."""
    access.demand(request.user, permissions.PROPOSE)
    if request.method != "POST":
        return redirect("policy-propose")
    sent = request.POST
    again = _installation_again(request, sent.get("installation", ""))
    pack = again.pack if again else sent.get("shelf_pack", "") or UPLOADED
    if pack != UPLOADED and again is None and pack not in shelf():
        raise Http404("架上没有这个政策包")
    own = {name: as_sent(sent.get(name, "")) for name in ("policy.yaml", "diseases.csv") if sent.get(name)}
    texts = again.texts if again else own if pack == UPLOADED else shelf_texts(pack)
    if "policy.yaml" not in texts:
        return redirect("policy-propose")
    readings = {key.removeprefix("reading-"): sent[key] for key in sent if key.startswith("reading-")}
    reasons = {key.removeprefix("accept-"): sent[key].strip() for key in sent if key.startswith("accept-")}
    form, wrong = ProposeForm({**sent.dict(), "area_code": again.area_code} if again else sent), []
    try:
        if form.is_valid():
            made = _propose(request, form.cleaned_data, pack, texts, readings, reasons, again)
            messages.success(request, "已提交，等待另一位审核岗办理。请先测算对本地结算的影响。")
            return redirect("policy", pk=made.pk)
    except InputErrors as error:
        wrong = said(error)
    try:
        return _propose_page(
            request, pack, texts, installation=again, form=form, readings=readings, reasons=reasons, wrong=wrong
        )
    except InputErrors as error:
        return render(request, "policies/choose.html", {"form": ChoosePackForm(), "wrong": said(error)})


def _installation_again(request: HttpRequest, key: str) -> Installation | None:
    """Return the installation whose readings are to be switched, if that is what is asked for."""
    if not key:
        return None
    if not (key.isascii() and key.isdigit() and len(key) < 16):
        raise Http404("没有这项政策")
    return access.get(request.user, Installation, int(key), permissions.PROPOSE)


def _propose(
    request: HttpRequest, data: dict[str, Any], pack: str, texts: dict[str, str], readings: dict[str, str], reasons: dict[str, str],
    again: Installation | None,
) -> Installation:  # fmt: skip
    told = {name: data[name] for name in ("first", "note", "interpreter", "interpreter_document")}
    if again is not None:
        action: ProposeInstallation = SwitchReading(actor=request.user, installation=again, readings=readings, **told)
    else:
        action = ProposeInstallation(
            actor=request.user, area_code=data["area_code"], pack=pack, texts=texts, readings=readings, accept=reasons, **told
        )  # fmt: skip
    return action.run()  # type: ignore[no-any-return]


@login_required
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose the same texts under other readings."""
    row = access.get(request.user, Installation, pk, permissions.PROPOSE)
    return _propose_page(request, row.pack, row.texts, installation=row)


urlpatterns = [
    path("policies/", policies, name="policies"),
    path("policies/export.csv", export, name="policies-export"),
    path("policies/propose/", propose, name="policy-propose"),
    path("policies/propose/submit/", submit, name="policy-submit"),
    path("policies/<int:pk>/", policy, name="policy"),
    path("policies/<int:pk>/text/", text, name="policy-text"),
    path("policies/<int:pk>/cases/", cases, name="policy-cases"),
    path("policies/<int:pk>/compare/", compare, name="policy-compare"),
    path("policies/<int:pk>/measure/", measure, name="policy-measure"),
    path("policies/<int:pk>/decide/", decide, name="policy-decide"),
    path("policies/<int:pk>/switch/", switch, name="policy-switch"),
    path("", include("tuodi.apps.policies.web_values")),
]
