"""A hospital's system, written from the interface description alone: it knows nothing of the server's code."""

from __future__ import annotations

import hashlib
import json
import time
import uuid


class Hospital:
    """Sends exchanges over HTTP through ``post(path, body, headers) -> bytes``."""

    def __init__(self, post, *, code, paasid, token, insured_area="610902"):
        self.post, self.code, self.paasid, self.token, self.area = post, code, paasid, token, insured_area
        self.number = 0

    def msgid(self):
        self.number += 1
        return f"{self.code}20240102090000{self.number:04d}"

    def envelope(self, infno, nodes, *, msgid=None):
        return {
            "infno": infno, "msgid": msgid or self.msgid(), "mdtrtarea_admvs": self.area, "insuplc_admdvs": self.area,
            "recer_sys_code": "HIS", "dev_no": "", "dev_safe_info": "", "cainfo": "", "signtype": "", "infver": "V1.0",
            "opter_type": "1", "opter": "0001", "opter_name": "收费员", "inf_time": "2024-01-02 09:00:00",
            "fixmedins_code": self.code, "fixmedins_name": "第一医院", "sign_no": "", "input": nodes,
        }  # fmt: skip

    def headers(self):
        stamp, nonce = str(int(time.time())), str(uuid.uuid4())
        text = f"{stamp}{self.token}{nonce}{stamp}"
        return {
            "x-tif-paasid": self.paasid, "x-tif-timestamp": stamp, "x-tif-nonce": nonce,
            "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
        }  # fmt: skip

    def send(self, infno, nodes, *, msgid=None, path="/fsi/api/rsfComIfsService/callService"):
        """Return the whole answer."""
        body = json.dumps(self.envelope(infno, nodes, msgid=msgid), ensure_ascii=False).encode()
        return json.loads(self.post(path, body, self.headers()))

    def call(self, infno, nodes, **how):
        """Return the output of an exchange that must succeed."""
        answer = self.send(infno, nodes, **how)
        assert str(answer["infcode"]) == "0", answer["err_msg"]
        return answer["output"]
