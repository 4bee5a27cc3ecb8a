"""Conditions: what is known about an event, and whether what a pack asks of it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.figures import delegated_in
from tuodi.core.policy.model import When
from tuodi.core.settlements import HOSPITAL_TIERS

if TYPE_CHECKING:
    from tuodi.core.engine.plan import Plan

IDENTITY_BITS = {code: 1 << i for i, code in enumerate(IDENTITIES)}


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known about an event, apart from its amounts and the person's history; hashable, few distinct ones.

    ``identities`` is a bit mask of the identities that count; ``windows`` names the reach-back windows it lies in; ``age`` -1
    is unknown; ``diseases_by_age`` are the disease classes from an age on, where the age is not known and they depend on it
    (diseases of childhood); ``declined`` says whether the state of a factor holds.
    """

    day: date
    identities: int
    med_type: str
    diseases: tuple[str, ...]
    referral: str
    out_of_province: bool
    cause: str
    tier: str = ""
    age: int = -1
    windows: tuple[str, ...] = ()
    elsewhere: bool = False
    designated: bool | None = None
    assistance_institution: bool | None = None
    declined: bool = False
    diagnosis: str = ""
    diseases_by_age: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def at_age(self, age: int) -> Profile:
        """Return what would be known if the person were so old."""
        classes = [found for first, found in self.diseases_by_age if first <= age]
        return replace(self, age=age, diseases=classes[-1] if classes else self.diseases, diseases_by_age=())


def conditions_in(part: object) -> Iterator[When]:
    """Yield every condition anywhere inside a part of a pack (or a list of parts), the alternatives inside conditions too."""
    if isinstance(part, When):
        yield part
    if isinstance(part, msgspec.Struct):
        yield from conditions_in([getattr(part, name) for name in part.__struct_fields__])
    elif isinstance(part, dict):
        yield from conditions_in(list(part.values()))
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from conditions_in(inner)


def asked_for(plan: Plan) -> set[str]:
    """Return the conditions that the plan's layers and refusals name somewhere; other facts cannot change a decision."""
    return {
        name
        for when in conditions_in([*plan.layers, *plan.pack.refusals])
        for name in when.__struct_fields__
        if getattr(when, name) is not msgspec.UNSET
    }


def windows_named(when: When) -> list[str]:
    """Return the reach-back windows that conditions name."""
    own = [] if when.window is msgspec.UNSET else [when.window]
    others = [] if when.any_of is msgspec.UNSET else when.any_of
    return own + [name for other in others for name in windows_named(other)]


def whoever(when: When) -> When:
    """Return the conditions without those on the person."""
    unset = msgspec.UNSET
    others = unset if when.any_of is unset else [whoever(other) for other in when.any_of]
    if others is not unset and When() in others:
        others = unset
    return msgspec.structs.replace(when, category=unset, identity=unset, not_identity=unset, any_of=others)


def holds(plan: Plan, when: When, profile: Profile, category: int) -> bool:
    """Say whether every given condition holds; an unknown fact meets no condition that asks for it."""
    unset = msgspec.UNSET
    if when.category is not unset and (not category or plan.pack.categories[category - 1].id not in when.category):
        return False
    if when.identity is not unset and not any(profile.identities & IDENTITY_BITS[i] for i in when.identity):
        return False
    if when.not_identity is not unset and any(profile.identities & IDENTITY_BITS[i] for i in when.not_identity):
        return False
    if when.care is not unset and plan.care_of(profile.med_type) not in when.care:
        return False
    if when.med_type is not unset and not any(profile.med_type.startswith(code) for code in when.med_type):
        return False
    if when.disease is not unset and profile.diseases[0] not in when.disease:
        return False
    if when.diagnosis is not unset and not _diagnosed(plan, when.diagnosis, profile):
        return False
    if when.not_diagnosis is not unset and _diagnosed(plan, when.not_diagnosis, profile):
        return False
    if when.hospital is not unset and profile.tier not in when.hospital:
        return False
    if when.age is not unset and not (profile.age >= 0 and when.age.from_ <= profile.age < when.age.to):
        return False
    return _holds_more(plan, when, profile, category)


def _holds_more(plan: Plan, when: When, profile: Profile, category: int) -> bool:
    unset = msgspec.UNSET
    if when.referral is not unset and profile.referral not in when.referral:
        return False
    if when.out_of_province is not unset and profile.out_of_province != when.out_of_province:
        return False
    if when.cause is not unset and profile.cause not in when.cause:
        return False
    if when.registered is not unset and ("elsewhere" if profile.elsewhere else "here") not in when.registered:
        return False
    if when.designated is not unset and profile.designated != when.designated:
        return False
    if when.assistance_institution is not unset and profile.assistance_institution != when.assistance_institution:
        return False
    if when.any_of is not unset and not any(holds(plan, other, profile, category) for other in when.any_of):
        return False
    return when.window is unset or when.window in profile.windows


def _diagnosed(plan: Plan, spec: object, profile: Profile) -> bool:
    """Say whether the main diagnosis is on a list; a delegated list that nobody has entered restricts nothing (decision 0006)."""
    if isinstance(spec, str):
        text: str | None = spec
    else:
        params = list(delegated_in(spec))
        entry = plan.entered.entry(params[0], profile.day) if params else None
        text = entry.value if entry else None
    return text is None or any(profile.diagnosis.startswith(code.strip()) for code in text.split(";"))


def tier_of(hosp_lv: str) -> str:
    """Return the tier of a national hospital level; empty when not known."""
    return HOSPITAL_TIERS.get(hosp_lv.zfill(2), "") if hosp_lv else ""
