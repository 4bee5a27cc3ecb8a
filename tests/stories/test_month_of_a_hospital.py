"""A month of a synthetic hospital over the national interface: every fen equals what a batch makes of the same files.

The client knows the interface only (``tests/apps/his.py``). It admits, pre-settles, settles, repeats messages, cancels and settles
again, with bills sent out of order, December stays and identities that change; then it reconciles. What the service has entered is
compared with :func:`tuodi.batch.pipeline.adjudicate` over the exchange files of the same people, identities and bills. Half of them
are the hospital's largest, so that deductibles are passed and caps come near.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from datetime import date

import polars as pl
import pytest
from django.db.models import Sum
from django.test import Client

from tests.apps.his import Hospital
from tests.apps.test_gateway import poster
from tuodi.apps.institutions.keys import IssueKey
from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry.models import Identity
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.base import clock
from tuodi.batch.packs import pack_of, shelf
from tuodi.batch.pipeline import Job, adjudicate
from tuodi.batch.synth import county
from tuodi.batch.synth_tables import KINDS
from tuodi.site import demo

pytestmark = pytest.mark.django_db
MOST = 60
UPSTREAM = (
    "hifp_pay",
    "cvlserv_pay",
    "hifes_pay",
    "hifmi_pay",
    "hifob_pay",
    "oth_pay",
    "supp_pay",
    "relief_amt",
    "maf_pay",
)
SPLIT = ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")


def fen(yuan):
    return int(yuan.replace(".", ""))


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return path


class Month:
    """A hospital's system at work: what it sent is what it remembers."""

    def __init__(self, his):
        self.his, self.answers = his, []

    def take(self, row):
        """Admit if it is a stay, pre-settle, settle, and send the settlement once more as after a lost answer."""
        stay = row["med_type"].startswith("2") or row["med_type"] == "52"
        mdtrt_id = ""
        if stay:
            mdtrt = {
                "psn_no": row["psn_no"], "insutype": "390", "begntime": f"{row['begndate']} 08:00:00", "med_type": row["med_type"],
                "ipt_no": row["setl_id"], "dscg_maindiag_code": row["diag_code"],
            }  # fmt: skip
            mdtrt_id = self.his.call("2401", {"mdtrtinfo": mdtrt, "diseinfo": []})["result"]["mdtrt_id"]
        else:
            visit = {
                "psn_no": row["psn_no"], "insutype": "390", "begntime": f"{row['begndate']} 08:00:00", "mdtrt_cert_type": "02",
                "mdtrt_cert_no": row["psn_no"], "ipt_otp_no": row["setl_id"], "atddr_no": "D1", "dr_name": "医生", "dept_code": "A01",
                "dept_name": "内科", "caty": "A01",
            }  # fmt: skip
            mdtrt_id = self.his.call("2201", {"data": visit})["data"]["mdtrt_id"]
        data = {name: row[name] for name in SPLIT} | {
            "psn_no": row["psn_no"], "mdtrt_cert_type": "02", "mdtrt_cert_no": row["psn_no"], "psn_setlway": "01", "mdtrt_id": mdtrt_id,
            "acct_used_flag": "0", "insutype": "390", "med_type": row["med_type"], "chrg_bchno": row["setl_id"],
        }  # fmt: skip
        upstream = {name: row[name] for name in UPSTREAM} | {
            name: row[name]
            for name in (
                "setl_id",
                "setl_time",
                "begndate",
                "enddate",
                "diag_code",
                "disease_class",
                "refer_stas",
                "out_prov",
                "cause",
            )
        }
        nodes = {"data": data, "upstream": upstream}
        before, settle = ("2303", "2304") if stay else ("2206", "2207")
        shown = self.his.call(before, nodes)["setlinfo"]
        msgid = self.his.msgid()
        answer = self.his.call(settle, nodes, msgid=msgid)["setlinfo"]
        assert shown["maf_pay"] == answer["maf_pay"], row["setl_id"]
        assert self.his.call(settle, nodes, msgid=msgid)["setlinfo"] == answer
        self.answers.append(answer)
        return mdtrt_id, "2305" if stay else "2208"

    def reconcile(self, first, last, area):
        """Return what is said of the month's totals, by kind of clearing; a cancellation counts on its own day, which is later."""
        said = {}
        for clr_type in {answer["clr_type"] for answer in self.answers}:
            own = [answer for answer in self.answers if answer["clr_type"] == clr_type]
            total = {
                name: sum(fen(str(answer[name])) for answer in own) for name in ("medfee_sumamt", "fund_pay_sumamt")
            }
            asked = {name: f"{value // 100}.{value % 100:02d}" for name, value in total.items()} | {
                "stmt_begndate": str(first), "stmt_enddate": str(last), "insutype": "390", "clr_type": clr_type, "setl_optins": area,
                "acct_pay": "0", "fixmedins_setl_cnt": len(own),
            }  # fmt: skip
            said[clr_type] = self.his.call("3201", {"data": asked})["stmtinfo"]["stmt_rslt"]
        return said

    def cancel(self, row, mdtrt_id, infno):
        self.his.call(infno, {"data": {"setl_id": row["setl_id"], "mdtrt_id": mdtrt_id, "psn_no": row["psn_no"]}})


@pytest.fixture(params=[pack for pack in shelf() if not pack_of(pack).example])
def place(request):
    pack = pack_of(request.param)
    made = demo.Place(pack, demo._accounts(pack.area, "-"), "-")
    demo._install(made)
    return made


def month_of(place, folder):
    """Register a county and return its hospital with the most bills and those bills; two weeks on both sides of a new year."""
    year = max(place.plan.first.year, 2022) + 1
    first, last = date(year - 1, 12, 16), date(year, 1, 14)
    named = {code for category in place.pack.categories for code in category.identities}
    kinds = [code for code in KINDS if code in named]
    county(out_dir=folder, people=30_000, seed=5, identities=kinds, first=first, last=last, area=place.pack.area)
    institutions = pl.read_csv(folder / "institutions.csv", infer_schema_length=0).to_dicts()
    designated = {
        row["fixmedins_code"]
        for row in institutions
        if row["insurance_designated"] == "1" and not row["suspended_from"] and row["admdvs"] == place.pack.area
    }
    bills = [
        row
        for row in rows_of(folder / "settlements.csv")
        if row["fixmedins_code"] in designated and row["refd_setl_flag"] != "1"
    ]
    holders = {row["psn_no"] for row in rows_of(folder / "identities.csv")}
    bills = [row for row in bills if row["psn_no"] in holders]
    weight = Counter()
    for row in bills:
        weight[row["fixmedins_code"]] += fen(row["inscp_scp_amt"])
    code = weight.most_common(1)[0][0]
    bills = [row for row in bills if row["fixmedins_code"] == code]
    bills.sort(key=lambda row: -fen(row["inscp_scp_amt"]))
    bills = bills[: MOST // 2] + bills[MOST // 2 :: max(1, len(bills) // MOST)][: MOST // 2]
    people = {row["psn_no"] for row in bills}
    demo._institutions(place, [row for row in institutions if row["fixmedins_code"] == code], first=first)
    born = {row["psn_no"]: row for row in rows_of(folder / "people.csv")}
    registered = [born[psn_no] | {"birth": date.fromisoformat(born[psn_no]["birth"])} for psn_no in sorted(people)]
    held = [
        row
        | {
            name: date.fromisoformat(row[name]) if row[name] else None
            for name in ("begin", "end", "certified_on", "applied_on")
        }
        for row in rows_of(folder / "identities.csv")
        if row["psn_no"] in people
    ]
    demo._people(place, registered, held)
    for row in bills:
        row["psn_no"] = demo._number(place, row["psn_no"])
        row["hosp_lv"] = ""
    return code, bills, first, last


def by_batch(place, folder, bills, code):
    """Return what a batch makes of the same files, in fen by settlement and layer."""
    held = [
        {
            "psn_no": row.person.psn_no, "identity": row.identity, "begin": row.first, "end": row.last or "",
            "certified_on": row.certified_on or "", "applied_on": row.applied_on or "", "issuer": row.issuer,
        }
        for row in Identity.objects.select_related("person").order_by("pk")
    ]  # fmt: skip
    listed = [row for row in rows_of(folder / "institutions.csv") if row["fixmedins_code"] == code]
    level = Institution.objects.get(code=code).level
    job = Job(
        plan=place.plan,
        settlements=write(folder / "s.csv", [row | {"hosp_lv": level} for row in bills]),
        identities=write(folder / "i.csv", held),
        institutions=write(folder / "h.csv", listed),
        out=folder / "e.csv",
    )
    adjudicate(job)
    found = Counter()
    for row in rows_of(folder / "e.csv"):
        if row["layer"]:
            found[(row["setl_id"], row["layer"])] += fen(row["pay"])
    return {key: paid for key, paid in found.items() if paid}


def test_every_fen_of_a_month_equals_the_batch_AK_5_1_1_WH_5_2_1(place, tmp_path):
    code, bills, first, last = month_of(place, tmp_path)
    assert len(bills) > 15
    hospital = Institution.objects.get(code=code)
    token = IssueKey(
        actor=place.users["administrator"], institution=hospital, name="his-1", user=place.users["hospital"]
    ).run()
    month = Month(Hospital(poster(Client()), code=code, paasid="his-1", token=token, insured_area=place.pack.area))
    chance = random.Random(7)
    for row in chance.sample(bills, len(bills)):
        visit = month.take(row)
        if chance.random() < 0.2:
            month.cancel(row, *visit)
            row["setl_id"] += "R"
            month.take(row)
    assert set(month.reconcile(first, last, place.pack.area).values()) == {"0"}
    earned = by_batch(place, tmp_path, bills, code)
    live = Entry.objects.filter(bill__cancelled_by__isnull=True, bill__is_cancellation=False)
    entered = {
        (setl_id, layer): fen
        for setl_id, layer, fen in live.values_list("bill__setl_id", "layer").annotate(Sum("pay"))
        if fen
    }
    assert entered == earned
    assert earned, "nobody was granted anything: the month proves nothing"
    gone = Entry.objects.filter(bill__cancelled_by__isnull=False).values("bill").annotate(fen=Sum("pay"))
    assert all(row["fen"] == 0 for row in gone)
    settled = Bill.objects.filter(is_cancellation=False, cancelled_by__isnull=True)
    assert settled.count() == len(bills)
    assert all(clock.local(bill.setl_time).date() <= date.today() for bill in settled)
