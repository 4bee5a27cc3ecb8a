"""The counter and the list of settlements. Doors: check, call one query or action, show.

Addresses carry ids and signed tickets, never a name or number of a person; nor do titles.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.apps.institutions.models import Institution
from tuodi.apps.institutions.queries import standing as institution_standing
from tuodi.apps.policies.queries import layer_names
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import counter, listing, permissions
from tuodi.apps.settlement.actions import E_SETTLED
from tuodi.apps.settlement.admissions import stays_of
from tuodi.apps.settlement.counter_form import BillForm, CancelForm, FindForm
from tuodi.apps.settlement.models import Bill, BooksCheck, BooksDifference
from tuodi.apps.settlement.queries import standing_of_person
from tuodi.base import access, clock
from tuodi.base.doors import day_of, said
from tuodi.base.limits import page_limited
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IDENTITIES
from tuodi.core.settlements import CAUSES, DISEASE_CLASSES, MED_TYPES, REFERRALS

#: Statements that one address may verify in a minute: enough for a counter, too few to guess codes.
VERIFICATIONS = 60


@login_required
def find(request: HttpRequest) -> HttpResponse:
    """Find the person at the counter."""
    access.demand(request.user, permissions.PRESETTLE)
    form, wrong = FindForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        try:
            person = counter.find_person(request.user, form.cleaned_data["number"])
        except InputErrors as error:
            wrong = said(error)
        else:
            return redirect("counter-bill", ticket=counter.ticket_for(request.user, person))
    place = counter.institution_of(request.user)
    shown = {"form": form, "wrong": wrong, "place": place, "suspended_for": _suspended_for(place)}
    return render(request, "settlement/find.html", shown)


def _suspended_for(place: Institution | None) -> str:
    """Return why a counter may not settle today, so that nobody types a bill to be told so."""
    held = institution_standing(place.code, clock.today()) if place else None
    return held.suspension if held else ""


def _person(request: HttpRequest, ticket: str) -> Person:
    access.demand(request.user, permissions.PRESETTLE)
    person = counter.person_with(request.user, ticket)
    if person is None:
        raise Http404("请重新查找就诊人")
    return person


def _form(request: HttpRequest, person: Person, data: Any = None) -> BillForm:
    own = counter.institution_of(request.user)
    choices = [] if own else list(access.visible(request.user, Institution).order_by("code"))
    stays = stays_of(request.user, person) if own else []
    return BillForm(data, person=person, own=own, choices=choices, stays=stays, initial=BillForm.fresh(stays))


def _bill_page(
    request: HttpRequest,
    person: Person,
    ticket: str,
    form: BillForm,
    *,
    wrong: list[str],
    worked: counter.Worked | None,
) -> HttpResponse:
    day = clock.today()
    held = [
        (row, IDENTITIES.get(row.identity, row.identity), row.first <= day and (row.last is None or row.last >= day))
        for row in counter.identities_of(person)
    ]
    shown = {
        "person": person, "ticket": ticket, "form": form, "identities": held, "standing": standing_of_person(person, day),
        "wrong": wrong, "worked": worked, "place": form.own, "suspended_for": _suspended_for(form.own), "may_settle": form.own is not None,
        "stays": form.stays, "may_admit": form.own is not None and access.may(request.user, permissions.ADMIT),
    }  # fmt: skip
    return render(request, "settlement/bill.html", shown)


@login_required
def bill(request: HttpRequest, ticket: str) -> HttpResponse:
    """Show the person and an empty bill."""
    person = _person(request, ticket)
    return _bill_page(request, person, ticket, _form(request, person), wrong=[], worked=None)


@login_required
@require_POST
def try_bill(request: HttpRequest, ticket: str) -> HttpResponse:
    """Show what the bill would be granted, as a part of the page; nothing is kept."""
    person = _person(request, ticket)
    form, worked, wrong = _form(request, person, request.POST), None, []
    if form.is_valid():
        try:
            worked = counter.try_bill(request.user, form.to_bill(), person)
        except InputErrors as error:
            wrong = said(error)
    may_settle = form.own is not None and access.may(request.user, permissions.SETTLE)
    return render(
        request, "settlement/result.html", {"form": form, "worked": worked, "wrong": wrong, "may_settle": may_settle}
    )


@login_required
@require_POST
def settle(request: HttpRequest, ticket: str) -> HttpResponse:
    """Settle what was shown. Sent twice, it is settled once."""
    person = _person(request, ticket)
    form, wrong = _form(request, person, request.POST), []
    if form.own is None:
        raise PermissionDenied("结算由定点医药机构的窗口办理；经办岗可以在这里试算")
    access.demand(request.user, permissions.SETTLE)
    shown = request.POST.get("shown_fen", "")
    if form.is_valid() and shown.isascii() and shown.isdigit():
        made = form.to_bill()
        try:
            counter.SettleAsShown(actor=request.user, bill=made, shown_fen=int(shown)).run()
        except InputErrors as error:
            before = access.visible(request.user, Bill).filter(setl_id=made.setl_id).first()
            if before and any(fault.code == E_SETTLED for fault in error.faults):
                return redirect("settlement", pk=before.pk)
            wrong = said(error)
        else:
            messages.success(request, "结算已办理。")
            return redirect("settlement", pk=made.pk)
    return _bill_page(request, person, ticket, form, wrong=wrong, worked=None)


def _rows(request: HttpRequest) -> tuple[Any, dict[str, Any]]:
    """Return the rows that the address asks for, and how it is shown."""
    asked = request.GET
    who = asked.get("who", "")
    person = counter.person_with(request.user, who) if who else None
    if who and person is None:
        raise Http404("请重新查找")
    filters = {
        "first": day_of(asked.get("first", "")),
        "last": day_of(asked.get("last", "")),
        "state": asked.get("state", ""),
    }
    if not asked and not who:
        filters["first"] = clock.today() - timedelta(days=366)
    rows = listing.narrowed(
        listing.settlements_for(request.user),
        **filters,
        setl_id=asked.get("id", ""),
        psn_no=person.psn_no if person else "",
    )
    return rows, {
        **filters,
        "person": person,
        "setl_id": asked.get("id", ""),
        "order": asked.get("order", "-setl_time"),
    }


@login_required
def settlements(request: HttpRequest) -> HttpResponse:
    """List settlements."""
    rows, shown = _rows(request)
    page = listing.listed(rows, state=shown["state"], order=shown["order"], page=request.GET.get("page", "1"))
    lines = [(row, listing.state_of(row), MED_TYPES.get(row.med_type[:2], row.med_type)) for row in page.rows]
    return render(
        request, "settlement/list.html",
        {**shown, "page": page, "order": page.order, "before": page.number - 1, "after": page.number + 1, "lines": lines, "states": listing.STATES,
         "is_hospital": bool(counter.institution_of(request.user))},
    )  # fmt: skip


@login_required
@require_POST
def find_settlements(request: HttpRequest) -> HttpResponse:
    """Find settlements by id or by the number of a person; the number does not go into an address."""
    text = request.POST.get("text", "").strip()
    access.demand(request.user, permissions.VIEW)
    if not text:
        return redirect("settlements")
    found = listing.settlements_for(request.user).filter(setl_id=text).first()
    if found:
        return redirect("settlement", pk=found.pk)
    person = listing.person_of_settlements(request.user, text)
    if person is None:
        messages.warning(request, "没有找到：请核对结算 ID、人员编号或身份证号码；只能查到本机构或本辖区的结算。")
        return redirect("settlements")
    return redirect(f"{request.path.removesuffix('find/')}?who={counter.ticket_for(request.user, person)}")


@login_required
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give the listed settlements as CSV."""
    rows, shown = _rows(request)
    lines = listing.export(request.user, listing.ordered(rows, shown["order"]))
    name = f"settlements-{clock.today():%Y%m%d}.csv"
    return StreamingHttpResponse(
        lines, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _one(request: HttpRequest, pk: int, verb: str) -> dict[str, Any]:
    row = access.get(request.user, Bill, pk, verb)
    if row.is_cancellation:
        raise Http404("这是撤销记录，请查看被撤销的结算")
    bill = listing.settlements_for(request.user).get(pk=row.pk) if access.may(request.user, permissions.VIEW) else row
    worked = counter.worked_settlement(bill)
    codes = {
        "care": MED_TYPES.get(bill.med_type[:2], bill.med_type), "disease": DISEASE_CLASSES.get(bill.disease_class, ""),
        "referral": REFERRALS.get(bill.refer_stas, ""), "cause": CAUSES.get(bill.cause, "") if bill.cause else "",
    }  # fmt: skip
    return {"bill": bill, "worked": worked, "state": listing.state_of(bill), "states": listing.STATES, **codes}


def steps_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps that led to the result: those before any layer, and those of layers that looked at the settlement."""
    looked = {"", *(layer["layer"] for layer in data["layers"])}
    return [step for step in data["steps"] if step["layer"] in looked]


@login_required
def settlement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one settlement: result, steps with clauses, differences over time, who did what."""
    shown = _one(request, pk, permissions.VIEW)
    worked, user = shown["worked"], request.user
    names = {layer.id: layer.name for layer in worked.plan.layers} if worked else listing.layer_names_of(shown["bill"])
    data = worked.explanation.data if worked else None
    shown |= {
        "changes": listing.changes_of(shown["bill"], names), "trail": listing.trail_of(shown["bill"]),
        "data": data, "steps": steps_of(data) if data else [],
        "may_cancel": worked is not None and not shown["bill"].msgid and access.may(user, permissions.CANCEL),
        "reasons": counter.REASONS,
    }  # fmt: skip
    return render(request, "settlement/detail.html", shown)


@login_required
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a statement to be printed, with its code."""
    shown = _one(request, pk, permissions.VIEW)
    if shown["worked"] is None:
        raise Http404("结算已撤销，不再出具结算单")
    return render(
        request, "settlement/statement.html", {**shown, "code": listing.code_for(shown["bill"]), "now": clock.now()}
    )


@login_required
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a settlement made by hand, with a reason."""
    shown = _one(request, pk, permissions.CANCEL)
    form, wrong = CancelForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        try:
            counter.CancelByHand(actor=request.user, bill=shown["bill"], reason=form.cleaned_data["reason"]).run()
        except InputErrors as error:
            wrong = said(error)
        else:
            messages.success(request, "结算已撤销，由此引起的其他结算的变动已一并计算。")
            return redirect("settlement", pk=pk)
    return render(request, "settlement/cancel.html", {**shown, "form": form, "wrong": wrong})


@login_required
def books(request: HttpRequest) -> HttpResponse:
    """Show what the last checks of the books found, in the user's area."""
    access.demand(request.user, permissions.VIEW_BOOKS)
    page = Paginator(access.visible(request.user, BooksCheck).order_by("-pk"), listing.PAGE).get_page(
        request.GET.get("page")
    )
    seen = list(access.visible(request.user, BooksDifference).filter(check_run__in=list(page)).order_by("pk"))
    names = {area: layer_names(area) for area in {one.area_code for one in seen}}
    found: dict[int, list[tuple[BooksDifference, str]]] = {}
    for one in seen:
        found.setdefault(one.check_run_id, []).append((one, names[one.area_code].get(one.layer, one.layer)))
    return render(
        request, "settlement/books.html", {"page": page, "rows": [(one, found.get(one.pk, [])) for one in page]}
    )


@page_limited("verify", per_minute=VERIFICATIONS)
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Confirm a printed statement by its code, to anybody; nothing personal is said."""
    if "code" in request.GET and not code:
        asked = request.GET["code"].strip()[:60].replace("/", "")
        if asked:
            return redirect("verify-code", code=asked)
    shown = {"code": code, "is_empty": "code" in request.GET, "confirmed": listing.confirm(code) if code else None}
    return render(request, "settlement/verify.html", shown)


urlpatterns = [
    path("counter/", find, name="counter"),
    path("counter/<str:ticket>/", bill, name="counter-bill"),
    path("counter/<str:ticket>/try/", try_bill, name="counter-try"),
    path("counter/<str:ticket>/settle/", settle, name="counter-settle"),
    path("settlements/", settlements, name="settlements"),
    path("settlements/find/", find_settlements, name="settlements-find"),
    path("settlements/export.csv", export, name="settlements-export"),
    path("settlements/<int:pk>/", settlement, name="settlement"),
    path("settlements/<int:pk>/statement/", statement, name="settlement-statement"),
    path("settlements/<int:pk>/cancel/", cancel, name="settlement-cancel"),
    path("settlements/books/", books, name="books"),
    path("verify/", verify, name="verify"),
    path("verify/<str:code>/", verify, name="verify-code"),
]
