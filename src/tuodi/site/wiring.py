"""Who is told what: lower apps announce facts, higher ones subscribe here; nobody imports upwards (style A8)."""

from __future__ import annotations

from tuodi.apps.reconciliation import daily
from tuodi.apps.registry import queries as registry
from tuodi.apps.registry import timeline
from tuodi.apps.settlement import measuring, moments, nightly, retro
from tuodi.base.outbox import SUBSCRIBERS, Subscriber, subscribe

#: fact -> who is told of it, in this order.
WIRES: dict[str, tuple[Subscriber, ...]] = {
    "identity:changed": (retro.refold_people,),
    "policy:approved": (nightly.refold_area,),
    "policy:measuring_asked": (measuring.measure_some,),
    "policy:measuring_goes_on": (measuring.measure_some,),
    "settlement:refold_area": (nightly.refold_area,),
    "statement:compared": (daily.keep_statement,),
}


def wire() -> None:
    """Subscribe everybody, once."""
    for fact, subscribers in WIRES.items():
        for subscriber in subscribers:
            if subscriber not in SUBSCRIBERS.get(fact, []):
                subscribe(fact, subscriber)
    if moments.moments_of not in timeline.PROVIDERS:
        timeline.PROVIDERS.append(moments.moments_of)
    if moments.settled not in registry.DEPENDENTS:
        registry.DEPENDENTS.append(moments.settled)
