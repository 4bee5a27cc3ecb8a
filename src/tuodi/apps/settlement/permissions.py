"""Who may settle, cancel, reconcile; whose settlements a user sees."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.models import (
    Bill,
    BooksCheck,
    BooksDifference,
    Encounter,
    Entry,
    Exchange,
    Filing,
    Notice,
    Refold,
)
from tuodi.base.access import allow, area_prefix, in_area, scope

VIEW = allow("settlement:view", "hospital", "county_clerk", "county_approver", "finance", "auditor", "system")
PRESETTLE = allow("settlement:presettle", "hospital", "county_clerk")
SETTLE = allow("settlement:settle", "hospital", "county_clerk")
CANCEL = allow("settlement:cancel", "hospital", "county_clerk")
REVERSE = allow("settlement:reverse", "hospital")
ADMIT = allow("encounter:admit", "hospital")
VIEW_NOTICES = allow("notice:view", "village_clerk", "town_clerk", "county_clerk", "county_approver", "auditor")
ANSWER_NOTICE = allow("notice:answer", "village_clerk", "town_clerk", "county_clerk")
FILE = allow("filing:make", "hospital", "county_clerk")
REFOLD = allow("settlement:refold", "county_approver", "registry_clerk", "policy_approver", "system")
CHECK_BOOKS = allow("books:check", "system")
VIEW_BOOKS = allow("books:view", "county_approver", "auditor", "system")
RECONCILE = allow("settlement:reconcile", "hospital", "county_clerk", "finance", "system")


def _bills(user: object) -> Q:
    """A hospital sees what it settled itself; an office what was settled for its people."""
    if getattr(user, "role", "") == "hospital":
        return Q(fixmedins_code=str(getattr(user, "institution_code", "")) or "-")
    prefix = area_prefix(str(getattr(user, "area_code", "")))
    # Asked row by row: a list of everybody in the area, which some databases would make first, grows with the county.
    return Q(Exists(Person.objects.filter(psn_no=OuterRef("psn_no"), insured_area__startswith=prefix)))


def _through_bill(user: object) -> Q:
    return Q(bill__in=Bill.objects.filter(_bills(user)).values("pk"))


scope(Bill, _bills)
scope(BooksCheck, lambda user: Q() if getattr(user, "role", "") != "hospital" else Q(pk__in=[]))
scope(BooksDifference, lambda user: in_area(user, "area_code"))
scope(Encounter, _bills)
scope(Entry, _through_bill)
scope(Notice, lambda user: in_area(user, "area_code") if getattr(user, "role", "") != "hospital" else Q(pk__in=[]))
scope(Filing, lambda user: _bills(user) if getattr(user, "role", "") != "hospital" else Q(pk__in=[]))
scope(Refold, lambda user: _bills(user) if getattr(user, "role", "") != "hospital" else Q(pk__in=[]))
scope(
    Exchange,
    lambda user: (
        Q(fixmedins_code=str(getattr(user, "institution_code", "")) or "-")
        if getattr(user, "role", "") == "hospital"
        else Q(fixmedins_code__in=Bill.objects.filter(_bills(user)).values("fixmedins_code"))
    ),
)
