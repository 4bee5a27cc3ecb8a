"""The trail as the auditor sees it: of the own area, found by what is asked for, with the state of the chain."""

import re
from datetime import date
from pathlib import Path

import pytest

import tuodi
from tests.apps.cast import assemble, bill
from tests.base.test_audit import without_triggers
from tests.site.entering import enter
from tuodi.apps.reconciliation.models import MENDS, SIDES
from tuodi.apps.registry.actions.people import REVEAL_REASONS
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.counter import REASONS as CANCEL_REASONS
from tuodi.apps.trail import words
from tuodi.apps.trail.actions import VerifyTrail
from tuodi.apps.trail.queries import Asked, chain, events_for
from tuodi.base import access, audit
from tuodi.base.models import AuditEvent, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    made = assemble()
    for number, day in (("A", date(2023, 3, 1)), ("B", date(2023, 4, 1))):
        Settle(actor=made.zhao, bill=bill(number, day, 1000)).run()
    audit.record(actor=made.outsider, verb="account:logged_in", subject="account", subject_id=made.outsider.pk)
    return made


def test_only_the_own_area_is_seen(cast):
    assert {row.subject_id for row in events_for(cast.auditor, Asked())} == {"A", "B"}
    far = User.objects.create(username="far", name="外地审计", role="auditor", area_code="320900", password="!")
    assert [row.actor for row in events_for(far, Asked())] == [cast.outsider]
    nowhere = User.objects.create(username="none", name="无辖区", role="auditor", area_code="", password="!")
    assert not events_for(nowhere, Asked()).exists()


def test_rows_are_found_by_verb_subject_actor_and_day(cast):
    today = AuditEvent.objects.first().at.date()
    for asked, found in (
        (Asked(verb="settlement:settle"), 2), (Asked(subject="settlement", subject_id="A"), 1), (Asked(actor="zhao"), 2), (Asked(actor="赵医生"), 2),
        (Asked(actor="chen"), 0), (Asked(first=date(2100, 1, 1)), 0), (Asked(last=date(2000, 1, 1)), 0), (Asked(first=date(2000, 1, 1), last=date(2100, 1, 1)), 2),
    ):  # fmt: skip
        assert events_for(cast.auditor, asked).count() == found, (asked, today)


def test_the_verdict_of_a_walk_is_kept_and_shown(cast, client):
    assert chain().holds is None
    audit.seal()
    assert VerifyTrail(actor=cast.auditor).run().holds
    assert (chain().holds, chain().sealed, chain().unsealed) == (True, 3, 1)
    without_triggers("UPDATE base_auditevent SET subject_id = '99' WHERE sequence = 2")
    enter(client, cast.auditor)
    page = client.post("/trail/verify/", follow=True).content.decode()
    assert "审计链被破坏" in page
    assert "被破坏（记录号" in page
    assert chain().holds is False


def test_the_export_says_what_it_took_and_no_formula_runs(cast, client):
    audit.record(actor=cast.chen, verb="settlement:settle", subject="settlement", subject_id="=1+1")
    enter(client, cast.auditor)
    sent = b"".join(client.get("/trail/export.csv?subject=settlement").streaming_content).decode("utf-8-sig")
    lines = sent.splitlines()
    assert len(lines) == 4
    assert "办理结算" in lines[1]
    assert "'=1+1" in lines[1]
    assert AuditEvent.objects.get(verb="audit:export").data == {"rows": 3}


def test_pages_of_the_list(cast, client):
    for n in range(60):
        audit.record(actor=cast.chen, verb="settlement:settle", subject="settlement", subject_id=f"N{n}")
    enter(client, cast.auditor)
    first, second = (client.get(f"/trail/?subject=settlement&page={n}").content.decode() for n in (1, 2))
    assert "N59" in first
    assert "较早的" in first
    assert "N0<" in second
    assert "较早的" not in second
    for odd in ("0", "-1", "x", "9" * 30, "٣"):
        assert client.get("/trail/", {"page": odd}).status_code == 200


def test_every_verb_reads_as_chinese():
    written = {
        verb or other
        for path in Path(tuodi.__path__[0]).rglob("*.py")
        for verb, other in re.findall(r'verb="([a-z_]+:[a-z_]+)"|, "(account:[a-z_]+)"', path.read_text("utf-8"))
    }
    recorded = set(access.VERBS) | written
    assert sorted(recorded - set(words.VERBS)) == []


def test_values_of_closed_lists_read_as_on_their_own_pages():
    assert words.VALUES["reason"] == {**CANCEL_REASONS, **REVEAL_REASONS}
    assert words.VALUES["mend"] == dict(MENDS)
    assert words.VALUES["side"] == dict(SIDES)
    assert words.details({"by": "counter", "step": "preview"}) == "途径 结算窗口，步骤 比对"
    assert words.details({"reason": "医院书面确认"}) == "理由 医院书面确认", "what somebody wrote stays"
