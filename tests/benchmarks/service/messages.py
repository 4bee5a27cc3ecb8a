"""Settle calls as bytes, made before the clock starts, and a client that only sends and reads: it must not cost what it measures."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

from tests.apps.his import Hospital

PATH = "/fsi/api/rsfComIfsService/callService"
LINES = 20


def asked(psn_no: str, mdtrt_id: str, setl_id: str, *, turn: int) -> dict[str, object]:
    """Return the input of a 2304 with a bill of twenty lines: a stay settled midway, each turn another amount, is settled again."""
    cents = f"{turn % 100:02d}"
    line = {
        "medins_list_codg": "XY0001", "med_list_codg": "XJ01CAA040", "det_item_fee_sumamt": "1234.56", "cnt": "2", "pric": "617.28",
        "fulamt_ownpay_amt": "0", "overlmt_amt": "0", "preselfpay_amt": "12.34", "inscp_scp_amt": "1222.22", "chrgitm_lv": "02",
    }  # fmt: skip
    return {
        "data": {
            "psn_no": psn_no, "mdtrt_id": mdtrt_id, "medfee_sumamt": f"30000.{cents}", "inscp_scp_amt": f"28000.{cents}", "preselfpay_amt": "2000.00",
            "insutype": "390", "psn_setlway": "01", "acct_used_flag": "0", "mid_setl_flag": "1",
        },
        "upstream": {"setl_id": setl_id, "hifp_pay": "15000.00", "hifmi_pay": "2000.00", "setl_time": "2024-01-09 10:30:00"},
        "feedetail": [{**line, "feedetl_sn": str(number)} for number in range(LINES)],
    }  # fmt: skip


@dataclass(frozen=True)
class Sender:
    """A hospital's system: its key, and the people whose bills it sends, in turns."""

    code: str
    paasid: str
    token: str
    people: range

    def call(self, number: int) -> dict[str, Any]:
        """Return one call; the number is in its ids."""
        person = self.people[number % len(self.people)]
        hospital = Hospital(None, code=self.code, paasid=self.paasid, token=self.token)
        nodes = asked(f"N{person}", f"M{person}", f"S{number}", turn=number // len(self.people))
        body = json.dumps(hospital.envelope("2304", nodes, msgid=f"{self.code}{number}"), ensure_ascii=False)
        return {"path": PATH, "body": body, "headers": hospital.headers()}

    def request(self, number: int) -> bytes:
        """Return the same as bytes for a connection."""
        made = self.call(number)
        body = made["body"].encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in made["headers"].items())
        start = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Type: application/json\r\n"
        return f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> bytes:
        """Return the body of the answer."""
        self.socket.sendall(request)
        held = b""
        while b"\r\n\r\n" not in held:
            held += self._more()
        head, _, body = held.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < size:
            body += self._more()
        return body

    def _more(self) -> bytes:
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError("the server hung up")
        return part


def is_settled(body: bytes) -> bool:
    """Say whether an answer is a settlement; anything else stops the benchmark."""
    answer = json.loads(body)
    assert answer["infcode"] == 0, answer["err_msg"]
    return True
