"""People as offices see them: found by number, name or pinyin initials, and a person's file. Doors only.

What is searched for is sent, never written into an address; a file is opened by its row's id and leaves an audit row.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.registry import permissions, queries, timeline
from tuodi.apps.registry.actions.people import REVEAL_REASONS, RevealNumber
from tuodi.apps.registry.models import Person
from tuodi.base import access, clock
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IDENTITIES

KINDS = {
    "identity": "身份", "membership": "户籍", "change": "变更", "insured": "参保", "merge": "合并", "stay": "就诊", "settlement": "结算", "payment": "救助",
}  # fmt: skip


def _office(request: HttpRequest) -> None:
    """Raise unless the user works in an office: a hospital finds people at its counter only, by number."""
    access.demand(request.user, permissions.VIEW)
    if getattr(request.user, "institution_code", "") or getattr(request.user, "role", "") == "hospital":
        raise PermissionDenied("定点医药机构请在结算窗口凭证件查找就诊人")


@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Search people of the area; nothing is listed before something is asked for."""
    _office(request)
    text = request.POST.get("text", "").strip()[:50]
    given = request.POST.get("offset", "0")
    offset = int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0
    found = queries.people_matching(request.user, text, offset=offset, limit=queries.PAGE) if text else []
    held = queries.identities_now(request.user, found)
    lines = [(person, queries.masked_certno(person), held[person.pk]) for person in found]
    waiting = (
        queries.death_corrections_waiting(request.user) if access.may(request.user, permissions.DECIDE_DEATH) else []
    )
    shown = {
        "waiting": waiting, "text": text, "is_empty": request.method == "POST" and not text, "may_register": access.may(request.user, permissions.REGISTER), "may_move": access.may(request.user, permissions.MOVE), "lines": lines, "offset": offset, "before": max(0, offset - queries.PAGE),
        "after": offset + queries.PAGE if len(found) == queries.PAGE else None,
    }  # fmt: skip
    return render(request, "registry/people.html", shown)


@login_required
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a person's file."""
    row = access.get(request.user, Person, pk, permissions.VIEW)
    return _file(request, row)


@login_required
@require_POST
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the identity number in full, once, for a reason of the list."""
    row, wrong, number = access.get(request.user, Person, pk, permissions.REVEAL), [], ""
    try:
        number = RevealNumber(actor=request.user, psn_no=row.psn_no, reason=request.POST.get("reason", "")).run()
    except InputErrors as error:
        wrong = [fault.message for fault in error.faults]
    return _file(request, row, number=number, wrong=wrong)


def _file(request: HttpRequest, row: Person, *, number: str = "", wrong: list[str] | None = None) -> HttpResponse:
    whole = request.GET.get("all") == "1"
    file = timeline.open_file(request.user, row.psn_no, with_withdrawn=whole)
    members = queries.members_on(request.user, queries.household_on(row.psn_no, clock.today()), clock.today())
    shown = {
        "file": file, "person": file.person, "number": number, "wrong": wrong or [], "whole": whole, "now": queries.identities_now(request.user, [row])[row.pk],
        "moments": [(moment, KINDS.get(moment.kind, moment.kind)) for moment in reversed(file.moments)],
        "certified": [(row, IDENTITIES.get(row.identity, row.identity)) for row in queries.identities_of(file.person.merged_into or file.person)],
        "may_certify": access.may(request.user, permissions.CERTIFY), "may_end": access.may(request.user, permissions.END),
        "may_correct": access.may(request.user, permissions.CORRECT), "may_change": access.may(request.user, permissions.CHANGE),
        "may_record_death": access.may(request.user, permissions.RECORD_DEATH) and not file.person.died_on,
        "may_correct_death": access.may(request.user, permissions.CORRECT_DEATH) and file.person.died_on, "may_decide_death": access.may(request.user, permissions.DECIDE_DEATH),
        "corrections": queries.death_corrections_waiting(request.user, file.person) if file.person.died_on else [],
        "may_move": access.may(request.user, permissions.MOVE), "members": members,
        "places": queries.insured_places_of(file.person.merged_into or file.person),
        "memberships": queries.memberships_of(request.user, file.person.merged_into or file.person),
        "may_view_rosters": access.may(request.user, permissions.VIEW_ROSTER), "may_part": access.may(request.user, permissions.UNMERGE),
        "reasons": REVEAL_REASONS if access.may(request.user, permissions.REVEAL) and file.certno else {},
    }  # fmt: skip
    return render(request, "registry/person.html", shown)


urlpatterns = [
    path("people/", people, name="people"),
    path("people/<int:pk>/", person, name="person"),
    path("people/<int:pk>/reveal/", reveal, name="person-reveal"),
]
