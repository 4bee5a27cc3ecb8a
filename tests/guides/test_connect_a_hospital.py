"""The guide for hospitals shows what the program really says: its conversation is held here, word for word.

``TUODI_WRITE_GUIDE=1 pytest tests/guides`` writes the answers into the guide again.
"""

import hashlib
import json
import os
import re
import secrets as random
import shutil
import subprocess
import uuid
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from tests.apps.cast import assemble
from tests.apps.interface.client import System
from tuodi.apps.institutions.keys import IssueKey
from tuodi.base import clock, limits, secrets

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "connect-a-hospital.md"
EXAMPLE = re.compile(r"<!-- 例: (.+?) -->\n```json\n(.*?)```", re.DOTALL)
NOW = clock.instant(datetime(2023, 3, 9, 11, 0))
CERTNO = "610902194901011228"
CARE = {
    "psn_no": "P0001", "med_type": "21", "begndate": "2023-03-01", "enddate": "2023-03-09", "setl_time": "2023-03-09T10:30:00+08:00",
    "diag_code": "J18.9", "medfee_sumamt_fen": 3000000, "fulamt_ownpay_amt_fen": 100000, "inscp_scp_amt_fen": 2900000,
    "hifp_pay_fen": 1800000, "hifmi_pay_fen": 200000,
}  # fmt: skip
STAY = {
    "psn_no": "P0001", "insutype": "390", "begntime": "2023-03-01 08:00:00", "med_type": "21", "ipt_no": "Z1", "dscg_maindiag_code": "J18.9",
}  # fmt: skip


class AtThatTime(System):
    """Signs by the clock of the guide."""

    def headers(self):
        stamp, nonce = str(int(clock.now().timestamp())), uuid.uuid4().hex
        return {
            "x-tif-paasid": self.paasid, "x-tif-timestamp": stamp, "x-tif-nonce": nonce,
            "x-tif-signature": hashlib.sha256(f"{stamp}{self.token}{nonce}{stamp}".encode()).hexdigest(),
        }  # fmt: skip

    def msgid(self):
        self.number += 1
        return f"{self.code}20230309110000{self.number:04d}"

    def national(self, infno, nodes, *, msgid=None):
        body = json.dumps(self.envelope(infno, nodes, msgid=msgid))
        path = "/fsi/api/rsfComIfsService/callService"
        return self.client.post(path, body, content_type="application/json", headers=self.headers()).json()

    def ok(self, infno, nodes, **how):
        answer = self.national(infno, nodes, **how)
        assert answer["infcode"] == 0, answer
        return answer["output"]


@pytest.fixture
def hospital(db, monkeypatch):
    limits.HELD.left.clear()
    monkeypatch.setattr(random, "randbelow", lambda bound: 128334095)
    with clock.set_to(NOW):
        cast = assemble()
        wang = cast.wang
        wang.certno_index, wang.certno_tail = secrets.search_index(CERTNO), CERTNO[-4:]
        wang.certno_sealed = secrets.encrypt(CERTNO, bound_to=f"registry.person:{wang.psn_no}")
        wang.birth, wang.gend, wang.insutype = datetime(1949, 1, 1).date(), "2", "390"
        wang.save()
        token = IssueKey(actor=cast.admin, institution=cast.hospital, name="hb-his-1", user=cast.zhao).run()
        yield AtThatTime(Client(), code=cast.hospital.code, paasid="hb-his-1", token=token)


def national_conversation(hospital):
    envelope = hospital.envelope("1101", {"data": {"psn_no": "P0001"}}, msgid="H61090200001202303091100000001")
    told = {"envelope": envelope | {"inf_time": "2023-03-09 11:00:00"}}
    asked = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO}}
    told["1101"] = {"input": asked, "output": hospital.ok("1101", asked)}
    asked = {"mdtrtinfo": STAY}
    told["2401"] = {"input": asked, "output": hospital.ok("2401", asked)}
    mdtrt_id = told["2401"]["output"]["result"]["mdtrt_id"]
    bill = {
        "psn_no": "P0001", "mdtrt_id": mdtrt_id, "insutype": "390", "medfee_sumamt": "30000.00", "fulamt_ownpay_amt": "1000.00",
        "overlmt_selfpay": "0.00", "preselfpay_amt": "0.00", "inscp_scp_amt": "29000.00", "enddate": "2023-03-09",
    }  # fmt: skip
    upstream = {"hifp_pay": "18000.00", "hifmi_pay": "2000.00", "setl_time": "2023-03-09 10:30:00"}
    told["2304"] = {"data": bill, "upstream": upstream}
    tried = hospital.ok("2303", told["2304"])
    msgid = hospital.msgid()
    told["2304 答"] = hospital.ok("2304", told["2304"], msgid=msgid)
    assert tried["setlinfo"]["maf_pay"] == told["2304 答"]["setlinfo"]["maf_pay"]
    assert hospital.ok("2304", told["2304"], msgid=msgid) == told["2304 答"], "the same message has the same answer"
    setl_id = told["2304 答"]["setlinfo"]["setl_id"]
    wrong = {**told["2304"], "data": {**bill, "inscp_scp_amt": "28000.00"}}
    told["出错 国家"] = hospital.national("2304", wrong)
    assert "E-MSG-REPEATED" in hospital.national("2304", wrong, msgid=msgid)["err_msg"]
    asked = {"data": {"psn_no": "P0001", "mdtrt_id": mdtrt_id, "setl_id": setl_id}}
    told["2305"] = {"input": asked, "output": hospital.ok("2305", asked)}
    lost = hospital.msgid()
    hospital.ok("2304", told["2304"], msgid=lost)
    asked = {"data": {"psn_no": "P0001", "omsgid": lost, "oinfno": "2304"}}
    told["2601"] = {"input": asked, "output": hospital.ok("2601", asked)}
    totals = {
        "setl_optins": "610902", "insutype": "390", "clr_type": "21", "stmt_begndate": "2023-03-09", "stmt_enddate": "2023-03-09",
        "medfee_sumamt": "0.00", "fund_pay_sumamt": "0.00", "acct_pay": "0.00", "fixmedins_setl_cnt": "2",
    }  # fmt: skip
    told["3201"] = {"input": {"data": totals}, "output": hospital.ok("3201", {"data": totals})}
    assert told["3201"]["output"]["stmtinfo"]["stmt_rslt"] == "0"
    return told


def plain_conversation(hospital):
    def said(status, content):
        assert status == 200, content
        return content

    told = {"institution": said(*hospital.get("institution"))}
    for name, path, asked in (
        ("查人", "people/find", {"number": CERTNO}), ("身份", "people/identities", {"psn_no": "P0001", "on": "2023-03-09"}),
    ):  # fmt: skip
        told[name] = {f"POST /api/v1/{path}": asked, "200": said(*hospital.post(path, asked))}
    told["预结算"] = {"bill": CARE}
    told["预结算 答"] = said(*hospital.post("settlements/presettle", told["预结算"]))
    told["结算"] = {"request_id": "20230309-000017", "bill": CARE}
    done = said(*hospital.post("settlements", told["结算"]))
    assert done == {"setl_id": done["setl_id"], **told["预结算 答"]}
    assert said(*hospital.post("settlements", told["结算"])) == done
    told["结算 答"] = {
        "setl_id": done["setl_id"],
        "assistance_fen": done["assistance_fen"],
        "left_fen": done["left_fen"],
        "…": "同上",
    }
    shown = said(*hospital.get(f"settlements/{done['setl_id']}"))
    told["查一笔"] = {**shown, **dict.fromkeys(("patient_text", "auditor_text", "trace"), "（略）")}
    asked = {"request_id": "20230309-000018"}
    cancelled = said(*hospital.post(f"settlements/{done['setl_id']}/cancel", asked))
    told["撤销"] = {f"POST /api/v1/settlements/{done['setl_id']}/cancel": asked, "200": cancelled}
    said(*hospital.post("settlements", {"request_id": "20230309-000019", "bill": CARE}))
    told["对账"] = said(*hospital.get("settlements?first=2023-03-09&last=2023-03-09&size=500"))
    care = {name: value for name, value in CARE.items() if name not in ("psn_no", "begndate", "enddate", "setl_time")}
    asked = {"settled_on": "2023-03-09", "identities": [{"identity": "dibao"}], "bill": care}
    estimated = said(*hospital.post("estimate", asked))
    told["估算"] = {
        "POST /api/v1/estimate": asked,
        "200": {**estimated, "granted": "（同预结算的答复）", "patient_text": "（略）"},
    }
    status, wrong = hospital.post(
        "settlements", {"request_id": "20230309-000020", "bill": {**CARE, "enddate": "2023-2-30", "med_typ": "21"}}
    )
    told["出错"] = {str(status): wrong}
    return told


def written(value):
    """Return a value as the guide shows it: short lists and objects on one line."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    short = re.compile(r"([\[{])\n\s+([^\[\]{}]{0,160}?)\n\s+([\]}])")
    return short.sub(lambda m: m[1] + re.sub(r"\n\s+", " ", m[2]) + m[3], text) + "\n"


@pytest.mark.parametrize("conversation", [national_conversation, plain_conversation])
def test_the_guide_shows_what_is_really_said(hospital, conversation):
    told = {name: written(value) for name, value in conversation(hospital).items()}
    guide = GUIDE.read_text("utf-8")
    if os.environ.get("TUODI_WRITE_GUIDE"):
        guide = EXAMPLE.sub(lambda m: f"<!-- 例: {m[1]} -->\n```json\n{told.get(m[1], m[2])}```", guide)
        GUIDE.write_text(guide, "utf-8")
    shown = dict(EXAMPLE.findall(guide))
    assert {name: shown.get(name) for name in told} == told


def test_every_example_of_the_guide_is_held(hospital):
    shown = {name for name, _ in EXAMPLE.findall(GUIDE.read_text("utf-8"))}
    assert shown == set(national_conversation(hospital)) | set(plain_conversation(hospital))


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def test_the_python_of_the_guide_signs_as_the_server_expects():
    names: dict = {}
    exec(blocks("python")[0], names)
    headers = names["signed"]("hb-his-1", "t" * 64)
    text = headers["x-tif-timestamp"] + "t" * 64 + headers["x-tif-nonce"] + headers["x-tif-timestamp"]
    assert headers["x-tif-signature"] == hashlib.sha256(text.encode()).hexdigest()
    assert headers["Content-Type"] == "application/json"


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not here")
def test_the_shell_of_the_guide_signs_as_the_server_expects():
    script = "curl() { printf '%s\\n' \"$@\"; }\n" + blocks("sh")[0]
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env={**os.environ, "TOKEN": "t" * 64}, check=True
    )
    sent = dict(line.split(": ", 1) for line in done.stdout.splitlines() if line.startswith("x-tif-"))
    text = sent["x-tif-timestamp"] + "t" * 64 + sent["x-tif-nonce"] + sent["x-tif-timestamp"]
    assert sent["x-tif-signature"] == hashlib.sha256(text.encode()).hexdigest()


def test_every_error_that_the_guide_names_exists():
    from tests.reference import load_everything
    from tuodi.core.errors import CATALOGUE

    load_everything()
    named = re.findall(r"`(E-[A-Z-]+)(…?)`", GUIDE.read_text("utf-8"))
    assert len(named) > 15
    for code, more in named:
        assert any(one.startswith(code) for one in CATALOGUE) if more else code in CATALOGUE, code
