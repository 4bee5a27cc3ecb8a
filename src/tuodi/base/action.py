"""Every write is an action: permission, lock, decide, write, audit, announce, in one transaction, in that order (style E1).

An action that leaves no audit row raises; there is no way to run one without an actor. Scheduled runs act as a system user.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from django.db import transaction

from tuodi.base import access
from tuodi.base.audit import record
from tuodi.core.errors import InputErrors, fault

_TOGETHER: ContextVar[bool] = ContextVar("together", default=False)


@contextmanager
def together() -> Iterator[None]:
    """Run actions that stand or fall as one: if one of them fails, all that was done inside is undone."""
    with transaction.atomic():
        before = _TOGETHER.set(True)
        try:
            yield
        finally:
            _TOGETHER.reset(before)


def refuse(code: str, /, **fields: object) -> InputErrors:
    """Return an error of one fault, ready to be raised."""
    return InputErrors([fault(code, **fields)])


class Action:
    """One verb. Subclasses set ``verb`` and fill in :meth:`lock`, :meth:`decide`, :meth:`write`; they say what to audit."""

    verb: ClassVar[str]

    def __init__(self, *, actor: Any) -> None:
        self.actor = actor

    def run(self) -> Any:
        """Do it, whole or not at all, and return what :meth:`write` returns."""
        access.demand(self.actor, self.verb)
        with transaction.atomic(savepoint=not _TOGETHER.get()):
            self.check()
            self.lock()
            self.decide()
            done = self.write()
            row = record(actor=self.actor, verb=self.verb, **self.audited(done))
            assert row.pk is not None, f"{self.verb} left no audit row"
            self.announce(done)
        return done

    def rehearse(self) -> None:
        """Raise whatever would stop it now, so that nobody is asked to confirm what would be refused; nothing is written."""
        access.demand(self.actor, self.verb)
        with transaction.atomic():
            self.check()
            self.lock()
            self.decide()

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Do it, let the block look at what is there then, and take it back: nothing stays, no audit row, nothing is told."""
        access.demand(self.actor, self.verb)
        with transaction.atomic():
            self.check()
            self.lock()
            self.decide()
            self.write()
            yield
            transaction.set_rollback(True)

    def check(self) -> None:
        """Raise unless the actor may do it to these rows (area, institution, own earlier step)."""

    def lock(self) -> None:
        """Take the locks, in the written order."""

    def decide(self) -> None:
        """Compute, without writing."""

    def write(self) -> Any:
        """Write rows; the only place that does."""
        raise AssertionError(f"{type(self).__name__} writes nothing")

    def audited(self, done: Any) -> dict[str, Any]:
        """Return ``subject`` (noun), ``subject_id``, ``area_code`` and non-personal ``data`` of the audit row."""
        raise AssertionError(f"{type(self).__name__} does not say what to audit")

    def announce(self, done: Any) -> None:
        """Tell whoever subscribed in ``site`` (``outbox.announce``)."""
