"""Who is told what: lower apps announce facts, higher ones subscribe here; nobody imports upwards (style A8)."""

from __future__ import annotations

from tuodi.apps.reconciliation import daily
from tuodi.apps.registry import queries as registry
from tuodi.apps.registry import timeline
from tuodi.apps.settlement import importing, measuring, moments, nightly, retro, weighing
from tuodi.base.outbox import SUBSCRIBERS, Subscriber, subscribe

#: fact -> who is told of it, in this order.
WIRES: dict[str, tuple[Subscriber, ...]] = {
    "identity:changed": (retro.refold_people,),
    "person:changed": (retro.refold_changed,),
    "household:changed": (retro.refold_moved,),
    "person:died": (retro.refold_moved,),
    "policy:approved": (nightly.refold_area,),
    "policy:measuring_asked": (measuring.measure_some,),
    "policy:measuring_goes_on": (measuring.measure_some,),
    "settlement:refold_area": (nightly.refold_area,),
    "settlement:refold_asked": (nightly.refold_asked,),
    "statement:compared": (daily.keep_statement,),
}
#: The same for work that takes long and its own transactions.
LONG_WIRES: dict[str, Subscriber] = {
    "roster:uploaded": importing.read_uploaded,
    "roster:confirmed": importing.apply_confirmed,
    "roster:undo_asked": importing.undo_asked,
}


def wire() -> None:
    """Subscribe everybody, once."""
    for fact, subscribers in WIRES.items():
        for subscriber in subscribers:
            if subscriber not in SUBSCRIBERS.get(fact, []):
                subscribe(fact, subscriber)
    for fact, subscriber in LONG_WIRES.items():
        if subscriber not in SUBSCRIBERS.get(fact, []):
            subscribe(fact, subscriber, is_long=True)
    if moments.moments_of not in timeline.PROVIDERS:
        timeline.PROVIDERS.append(moments.moments_of)
    if moments.settled not in registry.DEPENDENTS:
        registry.DEPENDENTS.append(moments.settled)
    if weighing.weighed_household not in registry.WEIGHS:
        registry.WEIGHS.append(weighing.weighed_household)
