"""Who may do what with people and identities, and which of them a user sees."""

from __future__ import annotations

from django.db.models import Q

from tuodi.apps.registry.models import (
    DeathCorrection,
    Household,
    HouseholdPlace,
    Identity,
    IdentityCode,
    ImportRun,
    InsuredPlace,
    Membership,
    Merge,
    NotTheSame,
    Person,
    PersonChange,
    RosterFile,
    SearchWord,
)  # fmt: skip
from tuodi.base.access import allow, area_prefix, in_area, scope

VIEW = allow(
    "person:view",
    "registry_clerk",
    "county_clerk",
    "county_approver",
    "town_clerk",
    "village_clerk",
    "auditor",
    "hospital",
    "system",
)
REVEAL = allow("person:reveal", "registry_clerk", "county_clerk", "county_approver")
REGISTER = allow("person:register", "registry_clerk")
CHANGE = allow("person:change", "registry_clerk")
RECORD_DEATH = allow("person:record_death", "registry_clerk", "county_clerk")
CORRECT_DEATH = allow("person:correct_death", "registry_clerk", "county_clerk")
DECIDE_DEATH = allow("person:decide_death", "county_approver")
TELL_APART = allow("person:tell_apart", "registry_clerk")
MERGE = allow("person:merge", "registry_clerk")
UNMERGE = allow("person:unmerge", "registry_clerk")
IMPORT = allow("roster:import", "registry_clerk")
UNDO = allow("roster:undo", "registry_clerk")
VIEW_ROSTER = allow("roster:view", "registry_clerk", "county_approver", "auditor")
CERTIFY = allow("identity:certify", "registry_clerk", "county_approver")
END = allow("identity:end", "registry_clerk", "county_approver")
CORRECT = allow("identity:correct", "registry_clerk", "county_approver")
MOVE = allow("household:change", "registry_clerk", "county_clerk")
MAP_CODES = allow("identity_code:set", "administrator")

_AREAS = ("insured_area", "registered_area", "residence_area")


def _hospital(user: object) -> bool:
    """A hospital counter finds people only through its own queries."""
    return getattr(user, "role", "") == "hospital"


def _prefix(user: object) -> str:
    return area_prefix(str(getattr(user, "area_code", "")))


def _seen_where(user: object, path: str = "") -> Q:
    """A person is seen where insured, registered or living; a withdrawn record is seen by nobody."""
    if _hospital(user):
        return Q(pk__in=[])
    prefix, rule = _prefix(user), Q()
    for area in _AREAS if prefix else ():
        rule |= Q(**{f"{path}{area}__startswith": prefix})
    return rule & Q(**{f"{path}withdrawn_at__isnull": True})


def _in_area_not_hospital(user: object, field: str = "area_code") -> Q:
    return Q(pk__in=[]) if _hospital(user) else in_area(user, field)


def _region_or_above(user: object) -> Q:
    """What codes mean is seen in their region and in those that they hold for."""
    code = str(getattr(user, "area_code", ""))
    return in_area(user, "region") | Q(region__in=[code[:6], f"{code[:4]}00", f"{code[:2]}0000"])


def _was_ever_here(user: object) -> Q:
    """Where a household was is seen wherever it was ever, so that a move out of sight can be put right."""
    return _in_area_not_hospital(user) | Q(
        household__in=HouseholdPlace.objects.filter(_in_area_not_hospital(user)).values("household")
    )


scope(Person, _seen_where)
scope(PersonChange, lambda user: _seen_where(user, "person__"))
scope(Identity, lambda user: _seen_where(user, "person__"))
scope(InsuredPlace, lambda user: _seen_where(user, "person__"))
scope(Membership, lambda user: _seen_where(user, "person__"))
scope(Merge, lambda user: _seen_where(user, "into__"))
scope(NotTheSame, lambda user: _seen_where(user, "one__") & _seen_where(user, "other__"))
scope(DeathCorrection, lambda user: _seen_where(user, "person__"))
scope(SearchWord, _in_area_not_hospital)
scope(Household, _in_area_not_hospital)
scope(HouseholdPlace, _was_ever_here)
scope(ImportRun, _in_area_not_hospital)
scope(RosterFile, lambda user: _in_area_not_hospital(user, "run__area_code"))
scope(IdentityCode, _region_or_above)
