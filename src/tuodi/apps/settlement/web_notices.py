"""Admissions that somebody is to be told of, and what was done about each. Doors only."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.settlement import notices, permissions
from tuodi.apps.settlement.models import Notice
from tuodi.base import access
from tuodi.base.doors import page_of, said
from tuodi.core.errors import InputErrors


@login_required
def listed(request: HttpRequest) -> HttpResponse:
    """List admissions in one's area: those that wait for an answer, unless others are asked for."""
    access.demand(request.user, permissions.VIEW_NOTICES)
    state = request.GET.get("state", "open")
    page = page_of(request, notices.notices_for(request.user, state=state))
    shown = {
        "page": page, "state": state, "states": notices.STATES, "longest": notices.LONGEST,
        "rows": [(row, notices.state_of(row), notices.STATES[notices.state_of(row)]) for row in page],
        "may_answer": access.may(request.user, permissions.ANSWER_NOTICE),
    }  # fmt: skip
    return render(request, "settlement/notices.html", shown)


@login_required
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a notice with what was done."""
    row = access.get(request.user, Notice, pk, permissions.ANSWER_NOTICE)
    try:
        notices.AnswerNotice(actor=request.user, notice_id=row.pk, response=request.POST.get("response", "")).run()
    except InputErrors as error:
        for sentence in said(error):
            messages.error(request, sentence)
    else:
        messages.success(request, "已确认，办理情况已记录。")
    return redirect("notices")


urlpatterns = [
    path("notices/", listed, name="notices"),
    path("notices/<int:pk>/answer/", answer, name="notice-answer"),
]
