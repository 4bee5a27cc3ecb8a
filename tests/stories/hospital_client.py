"""A hospital's information system, written from the specification of the national interface alone: nothing of the server is imported or known here.

Standard library only. It keeps a book of its own, as a hospital does: what it settled, what it cancelled, what an answer said.
Sections in brackets are those of the interface description; ``upstream`` is the one node that the description lacks, and the
guide for hospitals has: what the insurers paid.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

SINGLE = "/fsi/api/rsfComIfsService/callService"
#: Paths of their own [1.3]; the others are sent to the single entry.
PATHS = {
    "1101": "fsiPsnInfoService/queryPsnInfo", "2304": "hospSettService/settV2", "2401": "hospitalRegisterService/hospitalRegisterSave",
    "2601": "reverseService/revsMethod", "3201": "ybSettlementStmtService/stmtTotal",
}  # fmt: skip


class LostAnswer(Exception):
    """The connection broke after the request was sent: the hospital does not know what became of it."""


class Refused(Exception):
    """``infcode`` -1, with the sentence that the clerk sees."""


@dataclass
class Line:
    """One row of the hospital's own book."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    clr_type: str
    day: str
    total: Decimal
    fund: Decimal
    account: Decimal
    refund: bool = False


@dataclass
class HospitalSystem:
    """Speaks the interface over HTTP."""

    base: str
    code: str
    area: str
    key: str
    token: str
    name: str = "定点医院"
    number: int = 0
    sign_no: str = ""
    book: list[Line] = field(default_factory=list)

    def msgid(self) -> str:
        """Institution (12), time (14), serial (4) [1.1]."""
        self.number += 1
        return f"{self.code}{datetime.now():%Y%m%d%H%M%S}{self.number % 10_000:04d}"

    def call(self, infno: str, node: dict, *, msgid: str = "", lose: bool = False) -> dict:
        """Return the output of an exchange; ``Refused`` with the sentence if it fails."""
        body = json.dumps(
            {
                "infno": infno, "msgid": msgid or self.msgid(), "mdtrtarea_admvs": self.area, "insuplc_admdvs": self.area,
                "recer_sys_code": "HIS", "dev_no": "", "dev_safe_info": "", "cainfo": "", "signtype": "", "infver": "V1.0",
                "opter_type": "1", "opter": "0001", "opter_name": "收费员", "inf_time": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
                "fixmedins_code": self.code, "fixmedins_name": self.name, "sign_no": self.sign_no, "input": node,
            },
            ensure_ascii=False,
        ).encode()  # fmt: skip
        answer = json.loads(self._post(PATHS.get(infno), body, lose=lose))
        if str(answer["infcode"]) != "0":
            raise Refused(answer["err_msg"])
        output = answer["output"] or {}
        return json.loads(output) if isinstance(output, str) else output

    def signed(self) -> dict[str, str]:
        """Return the headers of one message [1.3]."""
        stamp, nonce = str(int(time.time())), str(uuid.uuid4())
        signature = hashlib.sha256(f"{stamp}{self.token}{nonce}{stamp}".encode()).hexdigest()
        return {
            "Content-Type": "application/json; charset=UTF-8", "x-tif-paasid": self.key, "x-tif-timestamp": stamp,
            "x-tif-nonce": nonce, "x-tif-signature": signature,
        }  # fmt: skip

    def _post(self, path: str | None, body: bytes, *, lose: bool) -> bytes:
        where = urlsplit(self.base)
        line = http.client.HTTPConnection(where.hostname, where.port, timeout=120)
        try:
            line.request("POST", f"/fsi/api/{path}" if path else SINGLE, body, self.signed())
            answer = line.getresponse()
            if lose:
                raise LostAnswer(body)
            return answer.read()
        finally:
            line.close()

    def sign_in(self) -> None:
        node = {"signIn": {"opter_no": "0001", "mac": "00-00-00-00-00-00", "ip": "10.0.0.9"}}
        self.sign_no = self.call("9001", node)["signinoutb"]["sign_no"]

    def sign_out(self) -> None:
        self.call("9002", {"signOut": {"sign_no": self.sign_no, "opter_no": "0001"}})

    def person(self, certno: str) -> dict:
        """Return ``baseinfo``, ``insuinfo`` and ``idetinfo`` of the holder of a card."""
        return self.call("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": certno, "certno": certno}})

    def admit(self, psn_no: str, *, at: str, kind: str, number: str, diagnosis: str) -> dict:
        """Return ``result`` of 2401."""
        stay = {
            "psn_no": psn_no, "insutype": "390", "begntime": at, "mdtrt_cert_type": "02", "mdtrt_cert_no": "", "med_type": kind,
            "ipt_no": number, "atddr_no": "D1", "chfpdr_name": "主治医师", "adm_diag_dscr": "入院诊断", "adm_dept_codg": "A01",
            "adm_dept_name": "内科", "adm_bed": "1", "dscg_maindiag_code": diagnosis, "dscg_maindiag_name": "主要诊断",
        }  # fmt: skip
        return self.call("2401", {"mdtrtinfo": stay, "diseinfo": []})["result"]

    def discharge(self, mdtrt_id: str, psn_no: str, *, at: str, diagnosis: str) -> None:
        left = {
            "mdtrt_id": mdtrt_id, "psn_no": psn_no, "insutype": "390", "endtime": at, "dise_codg": diagnosis,
            "dscg_dept_codg": "A01", "dscg_dept_name": "内科", "dscg_way": "1",
        }  # fmt: skip
        self.call("2402", {"dscginfo": left, "diseinfo": []})

    def undo_discharge(self, mdtrt_id: str, psn_no: str) -> None:
        self.call("2405", {"data": {"mdtrt_id": mdtrt_id, "psn_no": psn_no, "exp_content": ""}})

    def visit(self, psn_no: str, *, at: str, number: str) -> str:
        seen = {
            "psn_no": psn_no, "insutype": "390", "begntime": at, "mdtrt_cert_type": "02", "mdtrt_cert_no": "", "ipt_otp_no": number,
            "atddr_no": "D1", "dr_name": "医师", "dept_code": "A01", "dept_name": "内科", "caty": "A01",
        }  # fmt: skip
        return self.call("2201", {"data": seen})["data"]["mdtrt_id"]

    def settle(self, node: dict, *, inpatient: bool, msgid: str = "", lose: bool = False) -> dict:
        """Settle what was shown before; write it into the book; return ``setlinfo``."""
        infno = "2304" if inpatient else "2207"
        info = self.call(infno, node, msgid=msgid, lose=lose)["setlinfo"]
        self.book.append(self._line(info))
        return info

    def presettle(self, node: dict, *, inpatient: bool) -> dict:
        return self.call("2303" if inpatient else "2206", node)["setlinfo"]

    def cancel(self, info: dict, *, inpatient: bool) -> dict:
        """Cancel a settlement: a negative row of its own, in the book of its own day."""
        data = {key: info[key] for key in ("mdtrt_id", "setl_id", "psn_no")}
        negative = self.call("2305" if inpatient else "2208", {"data": data})["setlinfo"]
        line = self._line(negative)
        line.psn_no, line.mdtrt_id, line.clr_type, line.refund = (
            info["psn_no"],
            info["mdtrt_id"],
            info["clr_type"],
            True,
        )
        self.book.append(line)
        return negative

    def reverse(self, msgid: str, infno: str, psn_no: str) -> None:
        """Undo an exchange whose answer never came [2601]."""
        self.call("2601", {"data": {"psn_no": psn_no, "omsgid": msgid, "oinfno": infno}})

    def settlement(self, info: dict) -> dict:
        """Return what is known of a settlement now [5203]."""
        data = {key: info[key] for key in ("mdtrt_id", "setl_id", "psn_no")}
        return self.call("5203", {"data": data})["setlinfo"]

    def file_referral(self, psn_no: str, *, first: str, diagnosis: str) -> str:
        node = {
            "psn_no": psn_no, "insutype": "390", "diag_code": diagnosis, "diag_name": "诊断", "reflin_medins_no": self.code,
            "reflin_medins_name": self.name, "mdtrtarea_admdvs": self.area, "refl_type": "1", "refl_date": first,
            "refl_rea": "病情需要", "refl_opnn": "同意", "begndate": first, "enddate": "",
        }  # fmt: skip
        return self.call("2501", {"refmedin": node})["result"]["trt_dcla_detl_sn"]

    def file_chronic(self, psn_no: str, *, first: str) -> str:
        node = {
            "psn_no": psn_no, "insutype": "390", "opsp_dise_code": "M03900", "opsp_dise_name": "高血压", "insu_optins": self.area,
            "ide_fixmedins_no": self.code, "ide_fixmedins_name": self.name, "hosp_ide_date": first, "diag_dr_codg": "D1",
            "diag_dr_name": "医师", "begndate": first,
        }  # fmt: skip
        return self.call("2503", {"data": node})["result"]["trt_dcla_detl_sn"]

    def withdraw_filing(self, number: str, psn_no: str, *, chronic: bool) -> None:
        data = {"trt_dcla_detl_sn": number, "psn_no": psn_no, "memo": "撤销"}
        self.call("2504" if chronic else "2502", {"data": data})

    def reconcile_totals(self, first: str, last: str, clr_type: str, *, off: Decimal = Decimal(0)) -> str:
        """Return ``stmt_rslt`` of the book's totals of some days; ``off`` is an error made on purpose."""
        lines = self._lines(first, last, clr_type)
        data = {
            "insutype": "390", "clr_type": clr_type, "setl_optins": self.area, "stmt_begndate": first, "stmt_enddate": last,
            "medfee_sumamt": str(sum((x.total for x in lines), Decimal(0))), "acct_pay": str(sum((x.account for x in lines), Decimal(0))),
            "fund_pay_sumamt": str(sum((x.fund for x in lines), off)), "fixmedins_setl_cnt": len(lines),
        }  # fmt: skip
        return str(self.call("3201", {"data": data})["stmtinfo"]["stmt_rslt"])

    def reconcile_lines(
        self, first: str, last: str, clr_type: str, *, changed: dict[str, Decimal] | None = None
    ) -> dict[str, str]:
        """Return ``stmt_rslt`` by settlement: the book as a file up, the comparison as a file down [9101, 3202, 9102]."""
        lines = self._lines(first, last, clr_type)
        wrong = changed or {}
        rows = [
            (
                x.setl_id,
                x.mdtrt_id,
                x.psn_no,
                str(x.total),
                str(x.fund + wrong.get(x.setl_id, 0)),
                str(x.account),
                "1" if x.refund else "0",
            )
            for x in lines
        ]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("dz.txt", "\n".join("\t".join(row) for row in rows))
        up = {"in": list(packed.getvalue()), "filename": "dz.zip", "fixmedins_code": self.code}
        number = self.call("9101", {"fsUploadIn": up})["file_qury_no"]
        data = {
            "setl_optins": self.area, "file_qury_no": number, "stmt_begndate": first, "stmt_enddate": last, "clr_type": clr_type,
            "medfee_sumamt": str(sum((x.total for x in lines), Decimal(0))), "cash_payamt": "0",
            "fund_pay_sumamt": str(sum((x.fund for x in lines), Decimal(0))), "fixmedins_setl_cnt": len(lines),
        }  # fmt: skip
        made = self.call("3202", {"data": data})["fileinfo"]
        asked = {"file_qury_no": made["file_qury_no"], "filename": made["filename"], "fixmedins_code": self.code}
        out = self.call("9102", {"fsDownloadIn": asked})["out"]
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(out))) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        return {cells[2]: cells[4] for cells in (row.split("\t") for row in text.splitlines()) if len(cells) > 4}

    def _lines(self, first: str, last: str, clr_type: str) -> list[Line]:
        return [x for x in self.book if first <= x.day <= last and x.clr_type == clr_type]

    def _line(self, info: dict) -> Line:
        return Line(
            info["setl_id"], info["mdtrt_id"], info.get("psn_no") or "", info.get("clr_type") or "", str(info["setl_time"])[:10],
            _amount(info["medfee_sumamt"]), _amount(info["fund_pay_sumamt"]), _amount(info["acct_pay"]),
        )  # fmt: skip


def _amount(value: object) -> Decimal:
    """Return an amount from text, never through a binary float [5]."""
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))
