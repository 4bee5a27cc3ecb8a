"""Who may do what with people and identities, and which of them a user sees."""

from __future__ import annotations

from django.db.models import Q

from tuodi.apps.registry.models import Household, Identity, IdentityCode, ImportRun, Person
from tuodi.base.access import allow, area_prefix, in_area, scope

VIEW = allow(
    "person:view", "registry_clerk", "county_clerk", "county_approver", "town_clerk", "village_clerk", "auditor", "hospital", "system"
)
REVEAL = allow("person:reveal", "registry_clerk", "county_clerk", "county_approver")
IMPORT = allow("roster:import", "registry_clerk")
UNDO = allow("roster:undo", "registry_clerk")
CERTIFY = allow("identity:certify", "registry_clerk", "county_approver")
MERGE = allow("person:merge", "registry_clerk")
MOVE = allow("household:change", "registry_clerk", "county_clerk")
MAP_CODES = allow("identity_code:set", "administrator")


def _people(user: object) -> Q:
    """A person is seen where insured, registered or living; a hospital counter finds people only through its own queries."""
    if getattr(user, "role", "") == "hospital":
        return Q(pk__in=[])
    prefix = area_prefix(str(getattr(user, "area_code", "")))
    return (
        Q(insured_area__startswith=prefix) | Q(registered_area__startswith=prefix) | Q(residence_area__startswith=prefix)
    )


def _of_people(user: object) -> Q:
    return Q(person__in=Person.objects.filter(_people(user)).values("pk"))


scope(Person, _people)
scope(Identity, _of_people)
scope(Household, lambda user: in_area(user, "area_code"))
scope(ImportRun, lambda user: in_area(user, "area_code"))
scope(IdentityCode, lambda user: Q())
