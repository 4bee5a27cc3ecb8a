"""The gauntlet through the service (peers, G1 to G18): the same stories, told by a hospital's system over the interface.

What the engine pays in :mod:`tests.gauntlet.test_gauntlet` a counter must be told, and what arrives late, is cancelled or sent
twice must end in the same entries. Every bill here is a real message; what is asked afterwards is what 5203 says of it now.
G8 (two counters at once) needs processes of their own: :mod:`tests.faults.test_smoke`, sixteen of them on one family.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from django.db.models import Sum
from django.test import Client
from tests.apps.cast import assemble
from tests.apps.his import Hospital
from tests.apps.interface.conftest import connected
from tests.apps.test_gateway import poster

from tuodi.apps.institutions.keys import IssueKey
from tuodi.apps.policies.actions.installations import digest_of, shelf_texts
from tuodi.apps.policies.models import Installation
from tuodi.apps.registry.actions.households import JoinHousehold, SplitHousehold
from tuodi.apps.registry.actions.identities import CertifyIdentity, CorrectIdentity, EndIdentity
from tuodi.apps.registry.models import Identity
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.apps.settlement.nightly import check_books
from tuodi.base import clock, limits, outbox

pytestmark = pytest.mark.django_db
PACKS, FIRST = Path(__file__).parent / "packs", date(2010, 1, 1)


class County:
    """The cast under a small pack of this folder or one of the shelf, and a hospital's system."""

    def __init__(self, pack: str, **readings: str) -> None:
        limits.HELD.left.clear()
        path = PACKS / f"{pack}.yaml"
        texts = {"policy.yaml": path.read_text("utf-8")} if path.exists() else shelf_texts(pack)
        self.cast = assemble(first=FIRST)
        self.install(pack, texts, approved=2, **readings)
        token = IssueKey(actor=self.cast.admin, institution=self.cast.hospital, name="his-1", user=self.cast.zhao).run()
        self.his = Hospital(poster(Client()), code=self.cast.hospital.code, paasid="his-1", token=token)

    def install(self, pack, texts, *, approved, first=FIRST, **readings):
        """Put a pack in force; of two for the same day the one approved later stands."""
        chosen = {name.replace("_", "-"): choice for name, choice in readings.items()}
        at = clock.instant(datetime(2024, 1, 2, 9, approved))
        Installation.objects.create(
            area_code="610900", pack=pack, digest=digest_of(texts, chosen), texts=texts, readings=chosen, first=first,
            proposed_by=self.cast.officer, proposed_at=at, approved_by=self.cast.approver, approved_at=at,
            is_by_household="of: household" in texts["policy.yaml"],
        )  # fmt: skip

    def visit(self, settled, yuan, *, person="P0001", care="21", admitted="", discharged="", **upstream):
        """Return the nodes of a bill: the visit is registered as it would be, a stay is admitted and discharged."""
        at = settled if " " in settled else f"{settled} 10:00:00"
        first = admitted or at[:10]
        stay = care == "21"
        given = {
            "psn_no": person, "insutype": "390", "begntime": f"{first} 08:00:00", "med_type": care, "ipt_no": "Z1",
            "dscg_maindiag_code": "J18.9", "mdtrt_cert_type": "02", "mdtrt_cert_no": "x",
        }  # fmt: skip
        if stay:
            mdtrt_id = self.his.call("2401", {"mdtrtinfo": given, "diseinfo": []})["result"]["mdtrt_id"]
            left = {"mdtrt_id": mdtrt_id, "psn_no": person, "endtime": f"{discharged or at[:10]} 09:00:00"}
            self.his.call("2402", {"dscginfo": left, "diseinfo": []})
        else:
            mdtrt_id = self.his.call("2201", {"data": given})["data"]["mdtrt_id"]
        data = {
            "psn_no": person, "mdtrt_id": mdtrt_id, "mdtrt_cert_type": "02", "mdtrt_cert_no": "x", "insutype": "390",
            "med_type": care, "medfee_sumamt": str(yuan), "inscp_scp_amt": str(yuan), "acct_used_flag": "0",
        }  # fmt: skip
        return {"data": data, "upstream": {"setl_time": at, "diag_code": "J18.9", **upstream}}

    def settle(self, settled, yuan, **more):
        """Settle a bill after asking what it would get; the answer's ``setlinfo``, which says what was asked for."""
        nodes = self.visit(settled, yuan, **more)
        ask, do = ("2303", "2304") if nodes["data"]["med_type"] == "21" else ("2206", "2207")
        said = self.his.call(ask, nodes)["setlinfo"]["maf_pay"]
        answer = self.his.call(do, nodes)
        assert answer["setlinfo"]["maf_pay"] == said
        self.detail = next((row for row in answer["setldetail"] if row["fund_pay_type"] == "610101"), None)
        return answer["setlinfo"]

    def pays(self, *bills, **more):
        """Settle bills ``(day, yuan)`` one after another and return what each was told at the counter."""
        return [self.settle(day, yuan, **more)["maf_pay"] for day, yuan in bills]

    def cancel(self, info):
        return self.his.call("2305", {"data": {key: info[key] for key in ("mdtrt_id", "setl_id", "psn_no")}})[
            "setlinfo"
        ]

    def now(self, *infos):
        """Return what 5203 says that each settlement has been paid in all."""
        asked = [{key: info[key] for key in ("mdtrt_id", "setl_id", "psn_no")} for info in infos]
        return [self.his.call("5203", {"data": one})["setlinfo"]["maf_pay"] for one in asked]


@pytest.fixture(autouse=True)
def books_that_hold(db):
    """After every story the night's check must find each history worth what its entries say."""
    yield
    while outbox.deliver():
        pass
    assert check_books().differences == ()


def test_G01_a_yearly_cap_is_used_up_bill_by_bill_and_to_the_last_yuan():
    county = County("ceiling")
    days = ("2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01", "2025-01-02")
    assert county.pays(*((day, 300) for day in days)) == ["300.00", "300.00", "300.00", "100.00", "300.00"]


def test_G02_a_deductible_is_carried_over_bills():
    bills = (("2024-02-01", 300), ("2024-03-01", 300), ("2024-04-01", 300))
    assert County("deductible").pays(*bills) == ["0.00", "100.00", "300.00"]


@pytest.mark.parametrize("amount", ["10.99", "0.01", "0.99", "999.99"])
def test_G03_cents_are_paid(amount):
    assert County("ceiling").pays(("2024-02-01", amount)) == [amount]


def test_G04_inpatient_and_outpatient_have_caps_of_their_own():
    county = County("two-kinds")
    said = [
        county.settle("2024-02-01", 300, care="14")["maf_pay"], county.settle("2024-03-01", 300)["maf_pay"],
        county.settle("2024-04-01", 300, care="14")["maf_pay"], county.settle("2024-05-01", 800)["maf_pay"],
    ]  # fmt: skip
    assert said == ["300.00", "300.00", "200.00", "700.00"]


def test_G05_the_cap_of_a_class_holds_across_bills():
    county = County("class-cap")
    assert county.pays(("2024-02-01", 800), ("2024-03-01", 800), disease_class="major") == ["800.00", "200.00"]
    assert county.pays(("2024-03-20", 500), disease_class="general") == ["500.00"]


def test_G06_a_bill_of_March_that_arrives_after_the_bill_of_May_comes_first():
    county = County("ceiling")
    may, march = county.settle("2024-05-10", 800), county.settle("2024-03-10", 800)
    assert (may["maf_pay"], march["maf_pay"]) == ("800.00", "800.00")
    assert county.now(march, may) == ["800.00", "200.00"]
    assert list(Entry.objects.filter(bill__setl_id=may["setl_id"]).order_by("pk").values_list("pay", flat=True)) == [
        80_000,
        -60_000,
    ]


def test_G07_a_cancellation_frees_the_cap_and_issues_the_differences():
    county = County("ceiling")
    first, second, third = (county.settle(f"2024-0{month}-01", 600) for month in (2, 3, 4))
    assert [info["maf_pay"] for info in (first, second, third)] == ["600.00", "400.00", "0.00"]
    assert county.cancel(first)["maf_pay"] == "-600.00"
    assert county.now(second, third) == ["600.00", "400.00"]


def test_G09_two_layers_on_one_bill_keep_accounts_of_their_own():
    county = County("two-layers")
    assert county.pays(("2024-02-01", 1000)) == ["300.00"]
    layers = {one["layer"]: one["pay"] for one in json.loads(county.detail["setl_proc_info"])["layers"]}
    assert sorted(layers.values()) == ["100.00", "200.00"]
    assert county.pays(("2024-03-01", 1000)) == ["100.00"]


@pytest.mark.parametrize(("birth", "due"), [(date(2010, 3, 15), "400.00"), (date(1960, 1, 1), "100.00")])
def test_G10_a_child_is_not_limited_by_the_cap_of_adults(birth, due):
    county = County("by-age")
    county.cast.wang.birth = birth
    county.cast.wang.save()
    assert county.pays(("2024-02-01", 400), ("2024-03-01", 400)) == ["400.00", due]


def test_G10_nobody_is_a_child_or_an_adult_for_want_of_a_birth_date():
    county = County("by-age")
    assert county.pays(("2024-02-01", 800)) == ["0.00"]
    assert Entry.objects.get().refusal == "not_yet_known"


def test_G11_TH_3_2_8_an_identity_granted_back_issues_what_the_earlier_bills_should_have_had():
    county = County("ceiling")
    first, second = (county.settle(f"2024-0{month}-01", 600, person="P0002") for month in (3, 8))
    assert (first["maf_pay"], second["maf_pay"]) == ("0.00", "0.00")
    CertifyIdentity(
        actor=county.cast.zhou, psn_no="P0002", identity="dibao", first=date(2024, 2, 1), issuer="民政局",
        certified_on=date(2024, 9, 1),
    ).run()  # fmt: skip
    outbox.deliver()
    assert county.now(first, second) == ["600.00", "400.00"]


def test_G11_an_identity_taken_back_claims_back():
    county = County("ceiling")
    first, second = (county.settle(f"2024-0{month}-01", 600) for month in (2, 6))
    held = Identity.objects.get(person=county.cast.wang)
    EndIdentity(actor=county.cast.zhou, identity_id=held.pk, last=date(2024, 3, 31)).run()
    outbox.deliver()
    assert county.now(first, second) == ["600.00", "0.00"]
    held = Identity.objects.get(person=county.cast.wang, withdrawn_at__isnull=True)
    CorrectIdentity(actor=county.cast.zhou, identity_id=held.pk, facts={"last": None}).run()
    outbox.deliver()
    assert county.now(first, second) == ["600.00", "400.00"]


def test_G12_insurance_settled_again_upstream_is_a_cancellation_and_a_new_bill():
    county = County("ceiling")
    first = county.settle("2024-02-01", 2000, hifp_pay="1100.00")
    later = county.settle("2024-03-01", 600)
    assert (first["maf_pay"], later["maf_pay"]) == ("900.00", "100.00")
    county.cancel(first)
    again = county.settle("2024-02-01 11:00:00", 2000, hifp_pay="1500.00")
    assert county.now(first, again, later) == ["0.00", "500.00", "500.00"]


def family(county):
    """Make a household of both people of the cast, both of them dibao; return who works on it."""
    CertifyIdentity(
        actor=county.cast.zhou, psn_no="P0002", identity="dibao", first=date(2024, 1, 1), issuer="民政局"
    ).run()
    clerk = {"actor": county.cast.registrar, "number": "一"}
    JoinHousehold(**clerk, psn_no="P0001", first=date(2024, 1, 1), is_head=True, new_area="610902").run()
    JoinHousehold(**clerk, psn_no="P0002", first=date(2024, 1, 1)).run()
    return clerk


def test_G13_a_household_split_in_mid_year_takes_nothing_from_anybody_whose_totals_are_their_own():
    county = County("ceiling")
    clerk = family(county)
    bills = [county.settle("2024-02-01", 800), county.settle("2024-03-01", 800, person="P0002")]
    SplitHousehold(**clerk, new_number="二", psn_nos=["P0002"], head="P0002", first=date(2024, 5, 1)).run()
    outbox.deliver()
    bills += [county.settle("2024-06-01", 900, person="P0002"), county.settle("2024-07-01", 400)]
    assert county.now(*bills) == ["800.00", "800.00", "200.00", "200.00"]


def test_G13_a_document_that_counts_by_household_counts_there_too_and_a_split_leaves_the_totals():
    """全家每年 1000 元：800 元之后还剩 200 元；5 月分户以后，分出的人另有自己的 1000 元。"""
    county = County("household")
    clerk = family(county)
    bills = [county.settle("2024-02-01", 800), county.settle("2024-03-01", 800, person="P0002")]
    assert county.now(*bills) == ["800.00", "200.00"]
    SplitHousehold(**clerk, new_number="二", psn_nos=["P0002"], head="P0002", first=date(2024, 5, 1)).run()
    outbox.deliver()
    bills += [county.settle("2024-06-01", 900, person="P0002"), county.settle("2024-07-01", 400)]
    assert county.now(*bills) == ["800.00", "200.00", "900.00", "0.00"]
    county.cancel(bills[0])
    assert county.now(*bills[1:]) == ["800.00", "900.00", "200.00"]


@pytest.mark.parametrize(
    ("reading", "due"), [("settlement", "800.00"), ("discharge", "800.00"), ("admission", "600.00")]
)
def test_G14_a_rule_changed_during_a_stay_is_judged_by_the_day_of_the_reading(reading, due):
    county = County("raised-rate", I_11=reading)
    assert county.settle("2024-07-06", 1000, admitted="2024-06-20", discharged="2024-07-05")["maf_pay"] == due


RAISED = "figures:\n      - {clause: GA-4.1, rate: 80%, caps: {year: 1500 元}}"


def test_G14_a_document_put_in_force_again_in_mid_year_goes_on_with_the_totals_of_the_year():
    """限额 1000 元，7 月起同一文件提到 1500 元、比例降到 80%：已用的 800 元照样占限额。"""
    county = County("ceiling")
    first = county.settle("2024-02-01", 800)
    text = (PACKS / "ceiling.yaml").read_text("utf-8")
    changed = text[: text.index("figures:")] + RAISED
    county.install("ceiling", {"policy.yaml": changed}, approved=5, first=date(2024, 7, 1))
    during = county.settle("2024-07-03", 500, admitted="2024-06-20", discharged="2024-07-02")
    last = county.settle("2024-08-01", 900)
    late = county.settle("2024-06-30 23:59:59", 100)
    assert [info["maf_pay"] for info in (first, during, last, late)] == ["800.00", "400.00", "300.00", "100.00"]
    assert county.now(first, late, during, last) == ["800.00", "100.00", "400.00", "200.00"]
    dated = text[: text.index("figures:")] + (
        "figures:\n      - clause: GA-4.1\n        rate: [{first: 2023-01-01, value: 100%}, {first: 2024-07-01, value: 80%}]\n"
        "        caps: {year: [{first: 2023-01-01, value: 1000 元}, {first: 2024-07-01, value: 1500 元}]}\n"
    )
    county.install("ceiling", {"policy.yaml": dated}, approved=6)
    county.install("ceiling", {"policy.yaml": dated}, approved=7, first=date(2024, 7, 1))
    outbox.announce("policy:approved", area_code="610900", cause_id="1")
    outbox.deliver()
    assert county.now(first, late, during, last) == ["800.00", "100.00", "400.00", "200.00"]


@pytest.mark.parametrize(("says", "due"), [("", "0.00"), ("  earlier_in_first_year: counts", "100.00")])
def test_G14_I_30_another_document_begins_with_nothing_unless_its_text_counts_the_year(says, due):
    """起付线 500 元：二月的 300 元在新文件里不计；文件写明计入的，八月的 300 元里有 100 元超过起付线。"""
    county = County("deductible")
    text = (PACKS / "deductible.yaml").read_text("utf-8").replace("pack: deductible", "pack: deductible-two")
    (line,) = [line for line in text.splitlines() if line.startswith("in_force:")]
    clause = line.split("clause: ")[1].split(",")[0]
    other = text.replace(line, f"in_force:\n  clause: {clause}\n  first: 2024-07-01\n{says}")
    county.install("deductible-two", {"policy.yaml": other}, approved=5, first=date(2024, 7, 1))
    assert county.pays(("2024-02-01", 300), ("2024-08-01", 300)) == ["0.00", due]


def test_G15_the_same_message_sent_twice_settles_once_in_both_interfaces():
    county = County("ceiling")
    nodes, msgid = county.visit("2024-02-01", 600), county.his.msgid()
    assert county.his.call("2304", nodes, msgid=msgid) == county.his.call("2304", nodes, msgid=msgid)
    system = connected(county.cast, county.cast.hospital, county.cast.zhao, "json-1")
    bill = {
        "psn_no": "P0001", "med_type": "21", "begndate": "2024-03-01", "enddate": "2024-03-01", "diag_code": "J18.9",
        "setl_time": "2024-03-01T10:00:00+08:00", "medfee_sumamt_fen": 60_000, "inscp_scp_amt_fen": 60_000,
    }  # fmt: skip
    asked = {"request_id": "20240301-1", "bill": bill}
    assert system.post("settlements", asked) == system.post("settlements", asked)
    assert (Bill.objects.count(), Entry.objects.aggregate(fen=Sum("pay"))["fen"]) == (2, 100_000)


def test_G16_a_confirmation_lost_after_the_hospital_wrote_is_asked_again_or_undone():
    county = County("ceiling")
    nodes, msgid = county.visit("2024-02-01", 600), county.his.msgid()
    lost = county.his.call("2304", nodes, msgid=msgid)["setlinfo"]
    assert county.his.call("2304", nodes, msgid=msgid)["setlinfo"]["setl_id"] == lost["setl_id"]
    county.his.call("2601", {"data": {"psn_no": "P0001", "omsgid": msgid, "oinfno": "2304"}})
    assert county.now(lost) == ["0.00"]
    again = county.his.call("2304", nodes)["setlinfo"]
    later = county.settle("2024-03-01", 600)
    assert county.now(lost, again, later) == ["0.00", "600.00", "400.00"]


def test_G17_WH_2_3_1_a_donation_lowers_the_burden_and_its_refund_restores_it():
    county = County("371072-weihai-edz")
    county.cast.wang.registered_area = "371072"
    county.cast.wang.save()
    bare, later = county.settle("2024-02-01", 10_000), county.settle("2024-05-01", 1000)
    assert (bare["maf_pay"], later["maf_pay"]) == ("7000.00", "700.00")
    county.cancel(bare)
    donated = county.settle("2024-02-01", 10_000, relief_amt="4000.00")
    assert county.now(bare, donated, later) == ["0.00", "4200.00", "700.00"]
    county.cancel(donated)
    refunded = county.settle("2024-02-01", 10_000)
    assert county.now(donated, refunded, later) == ["0.00", "7000.00", "700.00"]


@pytest.mark.parametrize(("reading", "due"), [("settlement", "14000.00"), ("discharge", "0.00"), ("admission", "0.00")])
def test_G18_a_December_stay_settled_in_January_counts_in_the_year_of_the_reading(reading, due):
    county = County("610900-ankang", I_11=reading)
    october = county.settle("2023-10-10", 60_000)
    december = county.settle("2024-01-03", 20_000, admitted="2023-12-20", discharged="2023-12-31")
    assert (october["maf_pay"], december["maf_pay"]) == ("40000.00", due)
    january = county.settle("2024-01-20", 60_000)
    assert january["maf_pay"] == ("26000.00" if reading == "settlement" else "40000.00")
