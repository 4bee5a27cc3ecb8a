"""Reconciliation pages: a day's institutions, one of them in three columns, the worklist, a mend and its confirmation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.institutions.models import Institution
from tuodi.apps.reconciliation import permissions, queries, reading
from tuodi.apps.reconciliation.actions import DecideMend, KeepReport, MendDifference, Reconcile, bill_to_record
from tuodi.apps.reconciliation.daily import reconcile_day
from tuodi.apps.reconciliation.models import KINDS, SIDES, Finding, Mend, Report, Run
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.retro import Impact
from tuodi.apps.settlement.weighing import impact_of_cancelling, impact_of_settling, lines_of, mark_of
from tuodi.base import access, clock
from tuodi.base.doors import csv_download, day_of, page_of, said
from tuodi.base.system import system_user
from tuodi.core.engine.decide import Decision
from tuodi.core.errors import InputErrors, fault
from tuodi.core.money import yuan

HEAD = (
    "对账日", "机构编码", "结算ID", "人员编号", "结果", "说明", *(
        f"{side}{name}" for side in ("我方", "医药机构", "医保机构") for name in ("总额", "基金", "救助", "账户")
    ), "处理",
)  # fmt: skip
SHORT, ALWAYS = {"medfee": "总额", "fund": "基金", "maf": "救助", "acct": "账户"}, ("medfee", "fund")
ALL_SIDES = ("ours", "hospital", "insurer")
#: Findings whose mends are asked for at once.
AT_ONCE = 500


class UploadForm(forms.Form):
    """One side's file of the day."""

    side = forms.ChoiceField(label="哪一方的文件", choices=SIDES)
    file = forms.FileField(
        label="对账文件",
        help_text="CSV 或 xlsx，第一行写列名：结算号、人员编号、医疗费总额，以及基金支付总额等，也可以用国家接口的字段名；医药机构也可以上传 3202 的文本或 ZIP",
    )

    def __init__(self, *args: Any, is_hospital: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_hospital:
            self.fields["side"] = forms.ChoiceField(label="哪一方的文件", choices=SIDES[:1])


class MendForm(forms.Form):
    """Which mend, and why."""

    kind = forms.ChoiceField(label="处理办法", widget=forms.RadioSelect)
    reason = forms.CharField(label="理由", max_length=400, widget=forms.Textarea({"rows": 3}))

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"] = forms.ChoiceField(label="处理办法", choices=choices, widget=forms.RadioSelect)


class RefuseForm(forms.Form):
    """Why a mend is sent back."""

    refusal = forms.CharField(label="退回理由", max_length=400, required=False, help_text="退回时写明，通过的不用填")


def _day(text: str) -> date:
    found = day_of(text)
    if found is None:
        raise Http404("没有这一天")
    return found


def _institution(request: HttpRequest, pk: int, verb: str) -> Institution:
    found = queries.institutions_of(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这家机构，或不在您的范围内")
    access.demand(request.user, verb)
    return found


def _rows(findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """Yield findings as they are shown; what was done about them is asked for some at a time."""
    rest = iter(findings)
    while some := list(islice(rest, AT_ONCE)):
        mends = queries.newest_mends(one for one in some if one.kind != "matched")
        gone = queries.taken_back(one for one in some if one.kind == "missing_here")
        for one in some:
            sides = {side: _side(one, side) for side in ALL_SIDES}
            sides["ours"]["is_taken_back"] = one.setl_id in gone
            facts = queries.facts_of(one)
            yield {"finding": one, "says": queries.says(one), "facts": facts, "mend": mends.get(one.pk), **sides}


def _side(finding: Finding, side: str) -> dict[str, Any]:
    """Return what a side says of a settlement: amounts and whether ours differs; or that it said nothing at all."""
    line = finding.sides.get(side)
    wrong = {one["what"] for one in finding.wrong if one["side"] == side}
    told = (
        [(name, line[key], key in wrong) for key, name in SHORT.items() if key in ALWAYS or line[key]] if line else []
    )
    return {"line": line or {}, "amounts": told, "is_silent": side not in finding.sides}


def _counted(run: Run) -> list[tuple[str, int]]:
    return [(name, run.counts.get(kind, 0)) for kind, name in KINDS]


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show the institutions of a day: yesterday unless asked."""
    access.demand(request.user, permissions.VIEW)
    day = day_of(request.GET.get("day", "")) or clock.today() - timedelta(days=1)
    shown = {
        "day": day, "before": day - timedelta(days=1), "after": day + timedelta(days=1) if day < clock.today() else None,
        "rows": queries.overview(request.user, day), "open": queries.differences(request.user).count(),
        "waiting": queries.waiting(request.user).count(), "may_run": access.may(request.user, permissions.RUN),
    }  # fmt: skip
    return render(request, "reconciliation/overview.html", shown)


@login_required
@require_POST
def run_day(request: HttpRequest) -> HttpResponse:
    """Compare every institution of a day."""
    access.demand(request.user, permissions.RUN)
    day = _day(request.POST.get("day", ""))
    try:
        done = reconcile_day(day, actor=request.user)
    except InputErrors as error:
        messages.warning(request, "；".join(said(error)))
    else:
        messages.success(request, f"{day} 已对账 {len(done)} 家机构。")
    return redirect(f"{request.path.removesuffix('run/')}?day={day}")


def _day_page(
    request: HttpRequest, place: Institution, day: date, *, form: UploadForm, wrong: list[str]
) -> HttpResponse:  # fmt: skip
    runs = list(access.visible(request.user, Run).filter(fixmedins_code=place.code, day=day).order_by("-pk"))
    found = Finding.objects.none()
    if runs:
        found = access.visible(request.user, Finding).filter(run=runs[0]).select_related("run").order_by("pk")
    matched = page_of(request, found.filter(kind="matched"))
    reports = list(access.visible(request.user, Report).filter(fixmedins_code=place.code, day=day).order_by("-pk"))
    shown = {
        "place": place, "day": day, "runs": [(run, _counted(run)) for run in runs], "run": runs[0] if runs else None,
        "counts": _counted(runs[0]) if runs else [],
        "reports": reports, "is_behind": bool(reports) and (not runs or reports[0].at > runs[0].at), "is_tonight": day >= clock.today() - timedelta(days=1),
        "rows": list(_rows(found.exclude(kind="matched"))), "matched": list(_rows(matched)), "page": matched, "form": form, "wrong": wrong,
        "may_report": access.may(request.user, permissions.REPORT), "may_run": access.may(request.user, permissions.RUN),
        "may_mend": access.may(request.user, permissions.MEND),
    }  # fmt: skip
    return render(request, "reconciliation/day.html", shown)


@login_required
def day(request: HttpRequest, pk: int, day: str) -> HttpResponse:
    """Show one institution's day in three columns."""
    place = _institution(request, pk, permissions.VIEW)
    form = UploadForm(is_hospital=request.user.role == "hospital")  # type: ignore[union-attr]
    return _day_page(request, place, _day(day), form=form, wrong=[])


@login_required
@require_POST
def upload(request: HttpRequest, pk: int, day: str) -> HttpResponse:
    """Keep a side's file; a file with any bad row is refused whole, with all of them."""
    place, on = _institution(request, pk, permissions.REPORT), _day(day)
    form, wrong = UploadForm(request.POST, request.FILES, is_hospital=request.user.role == "hospital"), []  # type: ignore[union-attr]
    if form.is_valid():
        file, side = form.cleaned_data["file"], form.cleaned_data["side"]
        try:
            KeepReport(
                actor=request.user, code=place.code, day=on, side=side, filename=file.name,
                lines=_lines(file, place.code, on, side=side),
            ).run()  # fmt: skip
            if access.may(request.user, permissions.RUN):
                Reconcile(actor=request.user, code=place.code, day=on).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            is_compared = access.may(request.user, permissions.RUN)
            messages.success(
                request, f"已收到 {file.name}，已重新对账。" if is_compared else f"已收到 {file.name}，还没有对账。"
            )
            return redirect("reconciliation-day", pk=pk, day=day)
    return _day_page(request, place, on, form=form, wrong=wrong)


def _lines(file: Any, code: str, on: date, *, side: str) -> list[Any]:
    if file.size > reading.MAX_BYTES:
        raise InputErrors([fault(reading.E_SIZE, limit=reading.MAX_BYTES // 1024 // 1024)])
    content = file.read()
    if side == "hospital" and not file.name.lower().endswith((".csv", ".xlsx")):
        return reading.read_statement(content)
    return reading.read(content, code=code, day=on)


@login_required
@require_POST
def run(request: HttpRequest, pk: int, day: str) -> HttpResponse:
    """Compare one institution's day again."""
    place = _institution(request, pk, permissions.RUN)
    try:
        Reconcile(actor=request.user, code=place.code, day=_day(day)).run()
    except InputErrors as error:
        messages.warning(request, "；".join(said(error)))
    else:
        messages.success(request, "已重新对账。")
    return redirect("reconciliation-day", pk=pk, day=day)


@login_required
def worklist(request: HttpRequest) -> HttpResponse:
    """List what still differs, and what waits for a second person."""
    access.demand(request.user, permissions.VIEW)
    kind, on = request.GET.get("kind", ""), day_of(request.GET.get("day", ""))
    page = page_of(request, queries.differences(request.user, kind=kind, day=on))
    shown = {
        "page": page, "rows": list(_rows(page)), "kind": kind, "day": on, "kinds": KINDS[1:], "waiting": queries.waiting(request.user),
        "may_mend": access.may(request.user, permissions.MEND), "may_approve": access.may(request.user, permissions.APPROVE),
    }  # fmt: skip
    return render(request, "reconciliation/worklist.html", shown)


@login_required
def export(request: HttpRequest) -> HttpResponse:
    """Give the differences as CSV; of one institution and day, everything that was compared."""
    access.demand(request.user, permissions.VIEW)
    on, pk = day_of(request.GET.get("day", "")), request.GET.get("institution", "")
    if pk.isdigit() and on:
        place = _institution(request, int(pk), permissions.VIEW)
        newest = queries.newest_runs(request.user).filter(fixmedins_code=place.code, day=on)
        found = access.visible(request.user, Finding).filter(run__in=newest).select_related("run").order_by("pk")
    else:
        found = queries.differences(request.user, kind=request.GET.get("kind", ""), day=on)
    return csv_download("reconciliation", HEAD, map(_cells, _rows(found)))


def _cells(row: dict[str, Any]) -> list[object]:
    one, mend = row["finding"], row["mend"]
    told = [row[side]["line"] for side in ALL_SIDES]
    psn_no = next((line["psn_no"] for line in told if line), "")
    amounts = ["" if line.get(name) is None else yuan(line[name]) for line in told for name in SHORT]
    did = f"{mend.get_kind_display()}（{mend.get_state_display()}）" if mend else ""
    return [
        one.run.day,
        one.run.fixmedins_code,
        one.setl_id,
        psn_no,
        one.get_kind_display(),
        row["says"],
        *amounts,
        did,
    ]


@login_required
def mend(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose what is done about a difference, with a reason."""
    finding = access.get(request.user, Finding, pk, permissions.MEND)
    choices = queries.choices_for(finding, request.user)
    form, wrong = MendForm(request.POST or None, choices=choices), []
    if request.method == "POST" and form.is_valid():
        try:
            made = MendDifference(actor=request.user, finding=finding, **form.cleaned_data).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            told = "已提交，等待县级审批岗复核。" if made.state == "waiting" else "处理已登记。"
            messages.success(request, told)
            return redirect("reconciliation-work")
    shown = {"row": next(_rows([finding])), "form": form, "wrong": wrong, "mends": queries.mends_of(finding)}
    return render(request, "reconciliation/mend.html", shown)


@login_required
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm or send back a mend that moves money."""
    held = access.get(request.user, Mend, pk, permissions.APPROVE)
    form, wrong, found, decision = RefuseForm(request.POST or None), [], None, None
    try:
        found, decision = _moved(request.user, held)
    except InputErrors as error:
        wrong = said(error)
    mark = mark_of({"mend": pk}, found) if found else ""
    has_changed = False
    if request.method == "POST" and form.is_valid():
        refusal = form.cleaned_data["refusal"] if request.POST.get("decision") == "refuse" else None
        has_changed = refusal is None and found is not None and request.POST.get("seen") != mark
        if not has_changed:
            try:
                _decided(request.user, held, refusal)
            except InputErrors as error:
                wrong = said(error)
            else:
                messages.success(request, "已退回。" if refusal is not None else "已复核并办理，这一天已重新对账。")
                return redirect("reconciliation-work")
    shown = {
        "mend": held, "row": next(_rows([held.finding])), "form": form, "wrong": wrong, "found": found, "mark": mark,
        "lines": lines_of(found, request.user) if found else [], "verdict": decision, "has_changed": has_changed,
    }  # fmt: skip
    return render(request, "reconciliation/decide.html", shown)


def _moved(user: Any, mend: Mend) -> tuple[Impact | None, Decision | None]:
    """Return what confirming a waiting mend would move now, and what is decided of a settlement that it records."""
    if mend.state != "waiting":
        return None, None
    if mend.kind == "record":
        return impact_of_settling(user, bill_to_record(mend))
    bill = Bill.objects.filter(setl_id=mend.finding.setl_id, is_cancellation=False).first()
    return (impact_of_cancelling(bill) if bill else None), None


def _decided(user: Any, mend: Mend, refusal: str | None) -> None:
    DecideMend(actor=user, mend=mend, refusal=refusal).run()
    if refusal is None:
        of = mend.finding.run
        Reconcile(actor=system_user(), code=of.fixmedins_code, day=of.day).run()


urlpatterns = [
    path("reconciliation/", overview, name="reconciliation"),
    path("reconciliation/run/", run_day, name="reconciliation-run-day"),
    path("reconciliation/work/", worklist, name="reconciliation-work"),
    path("reconciliation/export.csv", export, name="reconciliation-export"),
    path("reconciliation/findings/<int:pk>/", mend, name="reconciliation-mend"),
    path("reconciliation/mends/<int:pk>/", decide, name="reconciliation-decide"),
    path("reconciliation/<int:pk>/<str:day>/", day, name="reconciliation-day"),
    path("reconciliation/<int:pk>/<str:day>/upload/", upload, name="reconciliation-upload"),
    path("reconciliation/<int:pk>/<str:day>/run/", run, name="reconciliation-run"),
]
