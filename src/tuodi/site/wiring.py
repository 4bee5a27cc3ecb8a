"""Who is told what: lower apps announce facts, higher ones subscribe here; nobody imports upwards (style A8)."""

from __future__ import annotations

from tuodi.apps.settlement import nightly
from tuodi.base.outbox import SUBSCRIBERS, Subscriber, subscribe

#: fact -> who is told of it, in this order.
WIRES: dict[str, tuple[Subscriber, ...]] = {
    "policy:approved": (nightly.refold_area,),
    "settlement:refold_area": (nightly.refold_area,),
}


def wire() -> None:
    """Subscribe everybody, once."""
    for fact, subscribers in WIRES.items():
        for subscriber in subscribers:
            if subscriber not in SUBSCRIBERS.get(fact, []):
                subscribe(fact, subscriber)
