"""Announcements: lower apps tell facts, higher ones subscribe in ``site``; nobody imports upwards (style A8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from tuodi.base import clock
from tuodi.base.models import Announcement

Subscriber = Callable[[dict[str, Any]], None]
SUBSCRIBERS: dict[str, list[Subscriber]] = {}
#: Facts whose subscribers work for long and take transactions of their own: told outside of one, by a thread of their own.
LONG: set[str] = set()


def announce(fact: str, **data: Any) -> None:
    """Add a fact in the running transaction; ids only, nothing personal. One that nobody subscribed to is not kept."""
    if not SUBSCRIBERS.get(fact):
        return
    Announcement.objects.create(at=clock.now(), fact=fact, data=data)


def subscribe(fact: str, subscriber: Subscriber, *, is_long: bool = False) -> None:
    """Have every such fact told; a subscriber may be told twice (a long one also at the same time) and must not mind."""
    SUBSCRIBERS.setdefault(fact, []).append(subscriber)
    if is_long:
        LONG.add(fact)


def deliver(limit: int = 1000, *, long: bool | None = None) -> int:
    """Tell the facts that have not been told, oldest first: all, or those that take long, or the others.

    One that fails keeps no other waiting: it is tried again at the next delivery, and its error is raised after the rest.
    """
    told, wrong = 0, None
    waiting = Announcement.objects.filter(delivered_at__isnull=True).order_by("pk")
    if long is not None:
        waiting = waiting.filter(fact__in=LONG) if long else waiting.exclude(fact__in=LONG)
    for key, fact in list(waiting.values_list("pk", "fact")[:limit]):
        try:
            told += _tell_long(key) if fact in LONG else _tell(key)
        except Exception as error:
            wrong = wrong or error
    if wrong is not None:
        raise wrong
    return told


def _tell(key: int) -> bool:
    with transaction.atomic():
        fact = Announcement.objects.select_for_update().filter(pk=key, delivered_at__isnull=True).first()
        if fact is None:
            return False
        for subscriber in SUBSCRIBERS.get(fact.fact, []):
            subscriber(fact.data)
        Announcement.objects.filter(pk=key).update(delivered_at=clock.now())
        return True


def _tell_long(key: int) -> bool:
    """Tell a fact outside of a transaction: a delivery that is stopped tells it again, from the beginning."""
    fact = Announcement.objects.filter(pk=key, delivered_at__isnull=True).first()
    if fact is None:
        return False
    for subscriber in SUBSCRIBERS.get(fact.fact, []):
        subscriber(fact.data)
    return bool(Announcement.objects.filter(pk=key, delivered_at__isnull=True).update(delivered_at=clock.now()))
