# ruff: noqa: F811  (fixtures of another module)
"""Messages that come late, twice, in the wrong order, or with another message's signature."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError

from tests.apps.test_gateway import admit, bill, cast, hospital, poster  # noqa: F401
from tuodi.apps.institutions import nonces
from tuodi.apps.institutions.models import UsedNonce
from tuodi.apps.settlement import gateway
from tuodi.apps.settlement.models import Bill, Encounter, Entry, Exchange
from tuodi.base import clock

pytestmark = pytest.mark.django_db
SINGLE = "/fsi/api/rsfComIfsService/callService"


def asked(mdtrt_id, yuan="1000", **upstream):
    return {"data": bill(yuan, mdtrt_id=mdtrt_id), "upstream": {"setl_time": "2023-03-09 10:30:00", **upstream}}


def undo(msgid, infno="2304"):
    return {"data": {"psn_no": "P0001", "omsgid": msgid, "oinfno": infno}}


def code(answer):
    assert answer["infcode"] == -1, answer
    return answer["err_msg"]


def test_G16_a_message_that_was_reversed_before_it_came_is_not_taken(hospital):
    stay, msgid = admit(hospital), hospital.msgid()
    for _ in range(2):
        assert "E-REVERSE-NOTHING" in code(hospital.send("2601", undo(msgid)))
    assert "E-MSG-REVERSED" in code(hospital.send("2304", asked(stay), msgid=msgid))
    assert not Bill.objects.exists()
    assert hospital.call("2304", asked(stay))["setlinfo"]["maf_pay"] == "700.00"


def test_G16_a_late_copy_of_a_reversed_settlement_is_not_told_that_it_is_settled(hospital):
    stay, msgid = admit(hospital), hospital.msgid()
    hospital.call("2304", asked(stay), msgid=msgid)
    hospital.call("2601", undo(msgid))
    assert "E-MSG-REVERSED" in code(hospital.send("2304", asked(stay), msgid=msgid))
    assert sum(Entry.objects.values_list("pay", flat=True)) == 0


def test_what_2601_cannot_undo_it_does_not_claim_to_have_undone(hospital):
    stay, msgid = admit(hospital), hospital.msgid()
    leaving = {"dscginfo": {"mdtrt_id": stay, "endtime": "2023-03-09 09:00:00"}}
    hospital.call("2402", leaving, msgid=msgid)
    assert "E-SETTLE-CODE" in code(hospital.send("2601", undo(msgid, "2402")))
    assert Encounter.objects.get().discharged is not None


def test_2601_with_another_number_undoes_nothing(hospital):
    stay, msgid = admit(hospital), hospital.msgid()
    hospital.call("2304", asked(stay), msgid=msgid)
    assert "E-REVERSE-NOTHING" in code(hospital.send("2601", undo(msgid, "2207")))
    assert Exchange.objects.get(msgid=msgid).state == "done"
    assert sum(Entry.objects.values_list("pay", flat=True)) == 70_000


def test_nothing_is_settled_on_a_cancelled_stay_and_no_settled_stay_is_cancelled(hospital):
    stay = admit(hospital)
    setl_id = hospital.call("2304", asked(stay))["setlinfo"]["setl_id"]
    assert "E-STAY-SETTLED" in code(hospital.send("2404", {"data": {"mdtrt_id": stay, "psn_no": "P0001"}}))
    hospital.call("2305", {"data": {"mdtrt_id": stay, "setl_id": setl_id, "psn_no": "P0001"}})
    hospital.call("2404", {"data": {"mdtrt_id": stay, "psn_no": "P0001"}})
    assert "E-ENCOUNTER-UNKNOWN" in code(hospital.send("2304", asked(stay)))
    assert "E-ENCOUNTER-UNKNOWN" in code(hospital.send("2207", asked(stay)))


def test_signed_headers_are_good_for_one_message(hospital):
    headers = hospital.headers()
    mine, other = (
        json.dumps(hospital.envelope("1101", {"data": {"psn_no": psn_no}}, msgid=hospital.msgid())).encode()
        for psn_no in ("P0001", "P0002")
    )
    first = json.loads(hospital.post(SINGLE, mine, headers))
    assert first["infcode"] == 0
    assert json.loads(hospital.post(SINGLE, mine, headers))["output"] == first["output"]
    assert "E-SIGN-NONCE" in code(json.loads(hospital.post(SINGLE, other, headers)))
    with clock.set_to(clock.now() + nonces.KEPT + timedelta(seconds=1)):
        assert nonces.forget_old() == 1
    assert not UsedNonce.objects.exists()


@pytest.mark.parametrize(
    "change", [{"x-tif-timestamp": "9" * 5000}, {"x-tif-timestamp": "²"}, {"x-tif-nonce": "n" * 65}]
)
def test_strange_headers_are_refused(hospital, change):
    body = json.dumps(hospital.envelope("1101", {"data": {"psn_no": "P0001"}})).encode()
    assert "E-SIGN-" in code(json.loads(hospital.post(SINGLE, body, {**hospital.headers(), **change})))


def test_a_settlement_of_tomorrow_is_refused(hospital):
    stay = admit(hospital)
    for late in (timedelta(hours=1), timedelta(days=366)):
        at = clock.local(clock.now() + late).strftime("%Y-%m-%d %H:%M:%S")
        for infno in ("2303", "2304"):
            assert "E-SETTLE-FUTURE" in code(hospital.send(infno, asked(stay, setl_time=at, begndate=at, enddate=at)))
    assert not Bill.objects.exists()


@pytest.mark.parametrize("setl_id", ["x" * 31, {"a": 1}, ["b"]])
def test_a_strange_settlement_id_is_refused_or_not_taken(hospital, setl_id):
    answer = hospital.send("2304", asked(admit(hospital), setl_id=setl_id))
    if isinstance(setl_id, str):
        assert "setl_id" in code(answer)
    else:
        assert Bill.objects.get().setl_id == answer["output"]["setlinfo"]["setl_id"] != str(setl_id)


def test_ids_of_two_institutions_never_meet():
    def of(institution, msgid):
        read = gateway.Envelope("2207", msgid, institution, "1", "610902", {}, {}, "")
        return gateway.own_id("T", gateway.Call(read, None))

    serial = "61090200001202401020900000001"
    ids = {of(code, prefix + serial) for code in ("H61090200001", "P61090200001") for prefix in "HP"}
    assert len(ids) == 4
    assert all(len(one) == 30 for one in ids)
    assert of("H61090200001", f"H{serial}") == f"T{serial}"


@pytest.mark.parametrize("broken", ["tuodi.apps.settlement.history.lock", "tuodi.apps.institutions.signing.token_of"])
def test_a_database_that_is_away_is_told_in_the_envelope(hospital, monkeypatch, broken, caplog):
    stay = admit(hospital)

    def away(*_, **__):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(broken, away)
    answer = hospital.send("2304", asked(stay))
    assert "E-SYSTEM-AWAY" in code(answer)
    assert "原样重发" in answer["err_msg"]
    told = [record for record in caplog.records if record.name == "tuodi.apps.settlement.shelter"]
    assert [record.exc_info for record in told] == [None], "a line for each message, not a page"


def test_one_that_fails_keeps_no_other_waiting(hospital, monkeypatch):
    from tuodi.base import outbox
    from tuodi.base.models import Announcement

    told = []

    def hear(data):
        if data["n"] == 1:
            raise ValueError("下游停机")
        told.append(data["n"])

    monkeypatch.setattr(outbox, "SUBSCRIBERS", {"test:fact": [hear]})
    Announcement.objects.all().update(delivered_at=clock.now())
    for n in (1, 2, 3):
        outbox.announce("test:fact", n=n)
    for _ in range(2):
        with pytest.raises(ValueError, match="下游停机"):
            outbox.deliver()
    assert told == [2, 3]
    assert Announcement.objects.filter(delivered_at__isnull=True).count() == 1
