"""Every address asked with what no browser sends: an answer each time, never an error of ours, on either database."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from tests.site import test_matrix as matrix
from tests.site.entering import enter
from tuodi.apps.settlement.counter import ticket_for

cast, people, settled, things = matrix.cast, matrix.people, matrix.settled, matrix.things
pytestmark = pytest.mark.django_db
NASTY = ("\x00", "²", "9" * 40, "' OR 1=1 --%_\\", "9999-12-31", "0001-01-01")
NAMES = (
    "page", "first", "last", "state", "id", "order", "who", "text", "kind", "day", "institution", "role", "verb", "q", "param", "code",
    "show", "subject", "subject_id", "actor", "area", "pack", "old", "new", "on", "with", "next", "number", "psn_no", "name",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(matrix.TABLE))
def test_no_address_breaks(name, client, cast, people, settled, things):
    row = matrix.TABLE[name]
    role = sorted(row.may - {"system"})[0]
    user = people[role]
    cache.clear()
    enter(client, user)
    client.raise_request_exception = False
    known = {
        "pk": settled.pk, "person": cast.wang.pk, "account": cast.zhou.pk, "what": "unlock", "day": "2023-03-01",
        "ticket": ticket_for(user, cast.wang), "code": "0-0-0000000000", **things,
    }  # fmt: skip
    named = {key if key in ("ticket", "code", "what", "day") else "pk": known[key] for key in row.arguments}
    wrong = []
    for nasty in NASTY:
        for method in ("get", "post"):
            answer = getattr(client, method)(reverse(name, kwargs=named), dict.fromkeys(NAMES, nasty))
            if answer.status_code >= 500 or "Set-Cookie: x" in str(answer.headers):
                wrong.append((method, nasty[:20], answer.status_code))
            if answer.streaming:
                b"".join(answer.streaming_content)
    for key in named:
        for nasty in (
            ("9" * 30, "\x00", "²", "a" * 300)
            if key in ("ticket", "code", "day")
            else (10**30, 2**63)
            if key != "what"
            else ("other", "a" * 300)
        ):
            answer = client.get(reverse(name, kwargs={**named, key: nasty}))
            if answer.status_code >= 500:
                wrong.append(("path", str(nasty)[:20], answer.status_code))
    assert not wrong
