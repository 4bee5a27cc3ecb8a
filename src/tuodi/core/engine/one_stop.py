"""What a counter pays at once, and what is granted but paid elsewhere: at year end, or on application.

A pack's service ``one_stop`` says who is settled at the counter and where (AK-5.1.1: classes 1 and 2; WH-5.2.1: key people at
assistance institutions); a layer's ``due`` says from which day it may be paid (WH-5.2.2, TH-3.2.5). A pack that names no such
service settles everybody.
"""

from __future__ import annotations

from datetime import date

from tuodi.core.engine.conditions import IDENTITY_BITS, Profile, holds, tier_of
from tuodi.core.engine.fold import EventResult, LayerResult
from tuodi.core.engine.plan import Plan
from tuodi.core.policy.model import Service

SERVICE = "one_stop"


def service_of(plan: Plan) -> Service | None:
    """Return the pack's one-stop service, if it names one."""
    return next((rule for rule in plan.pack.services if rule.id == SERVICE), None)


def is_one_stop(plan: Plan, result: EventResult) -> bool:
    """Say whether the pack settles such a person's care at such an institution's counter."""
    rule, s = service_of(plan), result.settlement
    if rule is None:
        return True
    identities = IDENTITY_BITS[result.identity] if result.identity else 0
    profile = Profile(
        day=s.setl_time.date(), identities=identities, med_type=s.med_type, diseases=("",), referral=s.refer_stas,
        out_of_province=s.out_prov, cause=s.cause, tier=tier_of(s.hosp_lv), designated=s.designated,
        assistance_institution=s.assistance_designated,
    )  # fmt: skip
    names = [category.id for category in plan.pack.categories]
    return holds(plan, rule.for_, profile, names.index(result.category) + 1 if result.category in names else 0)


def paid_at_counter(plan: Plan, result: EventResult, day: date) -> tuple[LayerResult, ...]:
    """Return the layers that a counter pays on a day."""
    if not is_one_stop(plan, result):
        return ()
    last = _last_day(result, day)
    return tuple(layer for layer in result.layers if layer.pays == "maf_pay" and layer.due_on <= last)


def _last_day(result: EventResult, day: date) -> date:
    """Return until when a layer must be due to be paid at the counter: by the settlement, or the certification if that came later.

    What is due at year end is not paid at the counter either when the bill itself comes after the year.
    """
    settled = result.settlement.setl_time.date()
    known = result.window.record.certified_on if result.window else None
    return min(day, max(settled, known or settled))


def why_elsewhere(plan: Plan, result: EventResult, day: date) -> str:
    """Say why something that is granted is not paid at the counter; empty if all of it is."""
    rule = service_of(plan)
    if rule is not None and result.pay and not is_one_stop(plan, result):
        return f"不在{rule.name}范围内（{rule.clause}），由经办机构另行支付"
    last = _last_day(result, day)
    later = sorted({layer.due_on for layer in result.layers if layer.pay and layer.due_on > last})
    return f"{'、'.join(map(str, later))} 起由经办机构支付" if later else ""
