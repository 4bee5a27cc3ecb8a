"""The plain JSON interface: the same business as the national one, in whole fen, with one shape of errors."""

import json
import re

import pytest

from tests.apps.interface.client import bill, codes
from tests.apps.test_gateway import CERTNO
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.settlement.models import Bill, Entry, Exchange
from tuodi.base import clock
from tuodi.base.models import AuditEvent

PAID = {"hifp_pay_fen": 1800000, "hifmi_pay_fen": 200000}


def settled(system, number="20230309-0001", **more):
    status, said = system.post("settlements", {"request_id": number, "bill": bill(30000, **PAID, **more)})
    assert status == 200, said
    return said


def test_a_person_is_found_by_number_and_only_the_tail_of_it_is_told(system):
    status, said = system.post("people/find", {"number": CERTNO})
    assert (status, said["psn_no"], said["certno_masked"]) == (200, "P0001", "*" * 14 + "002X")
    assert system.post("people/find", {"number": "P0001"})[1]["psn_no"] == "P0001"
    assert AuditEvent.objects.filter(verb="person:looked_up", data__by="api").count() == 2
    status, said = system.post("people/find", {"number": "110105194912310038"})
    assert (status, codes(said)) == (404, {("E-PERSON-NOT-FOUND", "number")})


def test_identities_of_a_day_with_the_category_that_they_give(system):
    said = system.post("people/identities", {"psn_no": "P0001", "on": "2023-03-01"})[1]
    assert (said["standing"]["identity"], said["standing"]["pack"]) == ("dibao", "610900-ankang")
    assert [row["identity"] for row in said["identities"]] == ["dibao"]
    said = system.post("people/identities", {"psn_no": "P0001", "on": "2022-12-31"})[1]
    assert (said["standing"], said["identities"]) == (None, [])


def test_a_bill_tried_settled_looked_up_listed_and_cancelled(system):
    status, tried = system.post("settlements/presettle", {"bill": bill(30000, **PAID)})
    assert (status, tried["assistance_fen"], tried["left_fen"]) == (200, 700000, 300000)
    assert not Bill.objects.exists()
    assert not Exchange.objects.exists()
    done = settled(system)
    assert {key: done[key] for key in tried} == tried
    assert tried["layers"][0]["clauses"]
    status, shown = system.get(f"settlements/{done['setl_id']}")
    assert (status, shown["state"], shown["assistance_fen"], shown["setl_time"]) == (
        200,
        "settled",
        700000,
        "2023-03-09T10:30:00+08:00",
    )
    assert (shown["amounts_fen"]["hifp_pay_fen"], shown["changes"][0]["pay_fen"]) == (1800000, 700000)
    assert "7,000.00 元" in shown["patient_text"]
    assert shown["trace"]["steps"]
    listed = system.get("settlements?first=2023-03-09&last=2023-03-09&state=settled")[1]
    assert (listed["count"], listed["assistance_fen"], listed["settlements"][0]["setl_id"]) == (
        1,
        700000,
        done["setl_id"],
    )
    status, gone = system.post(f"settlements/{done['setl_id']}/cancel", {"request_id": "20230309-0002"})
    assert (status, gone["change_fen"]) == (200, -700000)
    again = system.post(f"settlements/{done['setl_id']}/cancel", {"request_id": "20230309-0002"})
    assert again == (200, gone)
    status, said = system.post(f"settlements/{done['setl_id']}/cancel", {"request_id": "20230309-0003"})
    assert (status, codes(said)) == (409, {("E-BILL-CANCELLED", "")})
    assert sum(Entry.objects.values_list("pay", flat=True)) == 0
    shown = system.get(f"settlements/{done['setl_id']}")[1]
    assert (shown["state"], shown["trace"], shown["patient_text"]) == ("cancelled", None, "")
    listed = system.get("settlements")[1]
    assert (listed["count"], listed["live_count"], listed["settlements"][0]["state"]) == (1, 0, "cancelled")


def test_a_lawful_no_is_a_result_with_its_clause(system):
    said = settled(
        system, psn_no="P0001", begndate="2022-11-01", enddate="2022-11-03", setl_time="2022-11-03T10:00:00+08:00"
    )
    assert said["assistance_fen"] == 0
    assert said["refusal"]["clause"]
    listed = system.get("settlements?state=refused")[1]
    assert listed["settlements"][0]["setl_id"] == said["setl_id"]


def test_the_same_request_has_the_same_answer_and_other_content_is_an_error(system, other):
    first = settled(system)
    assert settled(system) == first
    assert Bill.objects.count() == 1
    status, said = system.post("settlements", {"request_id": "20230309-0001", "bill": bill(30001)})
    assert (status, codes(said)) == (409, {("E-MSG-REPEATED", "request_id")})
    assert settled(other)["setl_id"] != first["setl_id"]


def test_2601_of_the_national_interface_undoes_what_was_settled_here(system, cast):
    done = settled(system, number="H61090200001202303090001")
    body = json.dumps(
        system.envelope("2601", {"data": {"psn_no": "P0001", "omsgid": "H61090200001202303090001", "oinfno": "2304"}})
    )
    answer = system.client.post(
        "/fsi/api/rsfComIfsService/callService", body, content_type="application/json", headers=system.headers()
    ).json()
    assert str(answer["infcode"]) == "0", answer
    assert Bill.objects.get(setl_id=done["setl_id"]).is_reversed


def test_another_hospital_sees_and_cancels_nothing_of_this_one(system, other):
    done = settled(system)
    assert other.get(f"settlements/{done['setl_id']}")[0] == 404
    status, said = other.post(f"settlements/{done['setl_id']}/cancel", {"request_id": "20230309-0009"})
    assert (status, codes(said)) == (404, {("E-BILL-UNKNOWN", "setl_id")})
    assert other.get("settlements")[1]["count"] == 0
    assert not Bill.objects.get(setl_id=done["setl_id"]).cancelled_by_id


def test_every_fault_is_told_at_once_with_its_field(system):
    wrong = bill(
        1,
        psn_no="",
        med_type="x",
        begndate="2023-02-30",
        medfee_sumamt_fen=-1,
        inscp_scp_amt_fen="100",
        cause="bad",
        more=1,
    )
    del wrong["setl_time"]
    status, said = system.post("settlements", {"request_id": "short", "bill": wrong})
    assert status == 422
    assert {field for _, field in codes(said)} == {
        "request_id", "bill.psn_no", "bill.med_type", "bill.begndate", "bill.medfee_sumamt_fen", "bill.inscp_scp_amt_fen", "bill.cause",
        "bill.more", "bill.setl_time",
    }  # fmt: skip
    assert not any("^" in error["message"] for error in said["errors"]), "a pattern is said in words"
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in error["message"]) for error in said["errors"])
    status, said = system.post("settlements", {"request_id": "20230309-0001", "bill": bill(10, inscp_scp_amt_fen=900)})
    assert (status, codes(said)) == (422, {("E-SETTLE-SPLIT", "bill.medfee_sumamt_fen")})
    status, said = system.post("settlements", {"request_id": "20230309-0001", "bill": bill(10, psn_no="P9")})
    assert (status, codes(said)) == (422, {("E-PERSON-UNKNOWN", "bill.psn_no")})
    assert not Bill.objects.exists()


def test_the_institutions_own_record(system, cast):
    said = system.get("institution")[1]
    assert (said["code"], said["is_designated"], said["is_assistance_designated"], said["suspension"]) == (
        cast.hospital.code,
        True,
        True,
        "",
    )
    assert {row["kind"] for row in said["agreements"]} == {"insurance", "assistance"}
    assert system.token not in str(said)


def test_the_policy_in_force_in_sentences_with_samples_marked(system, cast):
    DelegatedValue.objects.create(
        area_code="610900", param="reimbursement_rate", value="1", source="示例（演示用）", is_sample=True, proposed_by=cast.officer,
        proposed_at=clock.now(), approved_by=cast.approver, approved_at=clock.now(),
    )  # fmt: skip
    status, said = system.get("policy?on=2023-03-01")
    assert (status, said["pack"], said["first"], said["area"]) == (200, "610900-ankang", "2023-01-04", "610900")
    assert [row["is_sample"] for row in said["delegated"]] == [True]
    texts = [block for section in said["sections"] for block in section["blocks"]]
    assert any(block.get("clauses") for block in texts)
    status, said = system.get("policy?on=2022-12-31")
    assert (status, codes(said)) == (422, {("E-NO-POLICY", "area")})
    Installation.objects.create(
        area_code="320902", pack="x", digest="0", texts={}, first="2023-01-01", proposed_by=cast.officer, proposed_at=clock.now(),
        approved_by=cast.approver, approved_at=clock.now(),
    )  # fmt: skip
    status, said = system.get("policy?area=320902&on=2023-03-01")
    assert (status, codes(said)) == (422, {("E-NO-POLICY", "area")})


def test_an_estimate_touches_nobody_and_keeps_nothing(system):
    care = {"med_type": "21", "diag_code": "J18.9", "medfee_sumamt_fen": 3000000, "inscp_scp_amt_fen": 3000000, **PAID}
    asked = {"settled_on": "2023-03-09", "bill": care, "identities": [{"identity": "dibao", "first": "2023-01-01"}]}
    status, said = system.post("estimate", asked)
    assert (status, said["granted"]["assistance_fen"], said["left_fen"]) == (200, 700000, 300000)
    assert sum(share["amount_fen"] for share in said["shares"]) + said["left_fen"] == said["total_fen"]
    assert system.post("estimate", {**asked, "identities": []})[1]["granted"]["assistance_fen"] == 0
    status, wrong = system.post("estimate", {**asked, "bill": {**care, "inscp_scp_amt_fen": 1}})
    assert (status, codes(wrong)) == (422, {("E-SETTLE-SPLIT", "bill.medfee_sumamt_fen")})
    assert not Bill.objects.exists()


@pytest.mark.parametrize("query", ["page=0", "size=501", "page=x", "first=2023-02-30", "state=gone", "order=psn_no"])
def test_a_list_asked_for_wrongly_says_what_is_wrong(system, query):
    status, said = system.get(f"settlements?{query}")
    assert (status, {field for _, field in codes(said)}) == (422, {query.split("=")[0]})


def test_a_page_behind_the_last_is_empty(system):
    settled(system)
    said = system.get("settlements?page=9&size=1")[1]
    assert (said["count"], said["pages"], said["settlements"]) == (1, 1, [])


def test_every_pattern_of_the_document_is_said_in_words():
    from tuodi.apps.interface.api import document
    from tuodi.apps.interface.faults import FORMS

    assert set(re.findall(r'"pattern": "([^"]+)"', json.dumps(document()))) == set(FORMS)
