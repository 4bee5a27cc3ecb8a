"""The audit trail as the auditor reads it. Doors only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.trail import permissions, queries, words
from tuodi.apps.trail.actions import VerifyTrail
from tuodi.base import access, clock
from tuodi.base.doors import day_of

PAGE = 50
LAST_PAGE = 100_000


def _asked(request: HttpRequest) -> queries.Asked:
    given = {
        key: request.GET.get(key, "").strip()[:60]
        for key in ("first", "last", "verb", "subject", "subject_id", "actor")
    }
    return queries.Asked(**{**given, "first": day_of(given["first"]), "last": day_of(given["last"])})  # type: ignore[arg-type]


def _line(row: Any) -> tuple[Any, str, str, str]:
    """Return a row with its words: what was done, to what, and the values that belong to it."""
    return row, words.said(row.verb), words.SUBJECTS.get(row.subject, row.subject), words.details(row.data)


@login_required
def trail(request: HttpRequest) -> HttpResponse:
    """List what was done in the auditor's area, and how the chain stands."""
    asked = _asked(request)
    rows = queries.events_for(request.user, asked)
    given = request.GET.get("page", "1")
    number = min(max(int(given), 1), LAST_PAGE) if given.isascii() and given.isdigit() and len(given) < 9 else 1
    found = list(rows[(number - 1) * PAGE : number * PAGE + 1])
    shown = {
        "asked": asked, "lines": [_line(row) for row in found[:PAGE]], "number": number, "before": number - 1,
        "after": number + 1 if len(found) > PAGE else None, "chain": queries.chain(), "verbs": words.VERBS,
        "subjects": words.SUBJECTS,
    }  # fmt: skip
    return render(request, "trail/list.html", shown)


@login_required
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give the listed rows as CSV."""
    lines = queries.export(request.user, queries.events_for(request.user, _asked(request)))
    name = f"audit-{clock.today():%Y%m%d}.csv"
    return StreamingHttpResponse(
        lines, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@login_required
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Walk the chain now."""
    access.demand(request.user, permissions.VERIFY)
    verdict = VerifyTrail(actor=request.user).run()
    if verdict.holds:
        messages.success(request, f"审计链完好：{verdict.sealed} 条已封存的记录逐条验证无误。")
    else:
        messages.error(
            request,
            f"审计链被破坏：{verdict.why}（记录号 {verdict.broken_at}）。请立即通知系统管理员保全数据库，并按规定报告。",
        )
    return redirect("trail")


urlpatterns = [
    path("trail/", trail, name="trail"),
    path("trail/export.csv", export, name="trail-export"),
    path("trail/verify/", verify, name="trail-verify"),
]
