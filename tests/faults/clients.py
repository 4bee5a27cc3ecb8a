"""Hospital windows that settle, repeat, cancel and reverse, and remember every answer; an office that changes identities meanwhile."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from tests.apps.his import Hospital
from tests.faults.served import Served

#: Seconds for which a window goes on asking after the end for an answer that it lost.
PATIENCE = 180
#: What a hospital is told when it must ask again with the same message.
AGAIN = ("E-SYSTEM-AWAY", "系统内部错误")


@dataclass
class Ledger:
    """What a window knows: its settlements and whether they still count, and every message with its answer."""

    live: dict[str, bool] = field(default_factory=dict)
    answers: list[tuple[str, str, dict[str, Any], Any]] = field(default_factory=list)
    reversed: set[str] = field(default_factory=set)


class Client(threading.Thread):
    """One window of a hospital. Three of four serve 王奶奶, the others 李叔, of one household."""

    def __init__(self, served: Served, code: str, token: str, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.hospital = Hospital(served.post, code=code, paasid=code, token=token)
        self.code, self.number, self.stopping = code, number, stop
        self.psn_no = "P0002" if number % 4 == 3 else "P0001"
        self.random = random.Random(number)
        self.counter, self.ledger, self.counts = 0, Ledger(), Counter[str]()
        self.wrong = ""

    def msgid(self) -> str:
        self.counter += 1
        return f"{self.code}{20240101000000 + self.number:014d}{self.counter:04d}"

    def run(self) -> None:
        try:
            while not self.stopping.is_set() and self.counter < 9000:
                self.turn()
        except AssertionError as broken:
            self.wrong = f"window {self.number}: {broken}"

    def turn(self) -> None:
        """Settle once, and often repeat, cancel or reverse it."""
        msgid, infno, asked = self.settle()
        answer = self.ledger.answers[-1][3]
        setl_id, chance = answer["setlinfo"]["setl_id"], self.random.random()
        if chance < 0.25:
            assert self.insist(infno, asked, msgid) == answer, "a repeated message got another answer"
            self.counts["repeated"] += 1
        elif chance < 0.5:
            undone = self.msgid()
            data = {"setl_id": setl_id, "mdtrt_id": asked["data"]["mdtrt_id"], "psn_no": self.psn_no}
            self.ask("2208" if infno == "2207" else "2305", {"data": data}, undone)
            self.ledger.live[setl_id] = False
            self.counts["cancelled"] += 1
            if chance < 0.3:
                self.reverse(undone, "2208" if infno == "2207" else "2305")
                self.ledger.live[setl_id] = True
                self.counts["cancellations reversed"] += 1
        elif chance < 0.6:
            self.reverse(msgid, infno)
            self.ledger.live[setl_id] = False
            self.counts["settlements reversed"] += 1

    def settle(self) -> tuple[str, str, dict[str, Any]]:
        """Send an outpatient bill, or admit and settle the stay."""
        yuan = self.random.randint(1, 9000)
        day = f"2023-{self.random.randint(2, 12):02d}-{self.random.randint(1, 28):02d}"
        visit, infno, med_type = f"X{self.number}", "2207", "14"
        if self.random.random() < 0.25:
            infno, med_type, msgid = "2304", "21", self.msgid()
            stay = {
                "psn_no": self.psn_no, "insutype": "390", "begntime": f"{day} 08:00:00", "med_type": "21", "ipt_no": msgid[-20:],
                "dscg_maindiag_code": "J18.9",
            }  # fmt: skip
            visit = self.ask("2401", {"mdtrtinfo": stay, "diseinfo": []}, msgid)["result"]["mdtrt_id"]
            self.counts["admitted"] += 1
        charged = self.msgid()
        asked = {
            "data": {
                "psn_no": self.psn_no, "mdtrt_id": visit, "medfee_sumamt": f"{yuan}.00", "inscp_scp_amt": f"{yuan}.00", "insutype": "390",
                "med_type": med_type, "chrg_bchno": charged[-20:],
            },
            "upstream": {"setl_time": f"{day} 10:00:00", "diag_code": "J18.9"},
        }  # fmt: skip
        answer = self.ask(infno, asked, charged)
        self.ledger.live[answer["setlinfo"]["setl_id"]] = True
        self.counts["settled"] += 1
        return charged, infno, asked

    def reverse(self, msgid: str, infno: str) -> None:
        self.ask("2601", {"data": {"psn_no": self.psn_no, "omsgid": msgid, "oinfno": infno}}, self.msgid())
        self.ledger.reversed.add(msgid)

    def ask(self, infno: str, nodes: dict[str, Any], msgid: str) -> Any:
        """Return the answer to a message that changes something, and remember both."""
        answer = self.insist(infno, nodes, msgid)
        self.ledger.answers.append((infno, msgid, nodes, answer))
        return answer

    def insist(self, infno: str, nodes: dict[str, Any], msgid: str) -> Any:
        """Send until there is an answer, the same message each time, as a hospital must when an answer is lost."""
        end, times = 0.0, 0
        while True:
            if self.stopping.is_set():
                end = end or time.monotonic() + PATIENCE
                assert time.monotonic() < end, f"{msgid} was never answered"
            answer = self.once(infno, nodes, msgid)
            if answer is not None:
                self.counts["answered after asking again"] += times > 0
                return answer["output"]
            times += 1
            time.sleep(self.random.uniform(0.1, 0.4))

    def once(self, infno: str, nodes: dict[str, Any], msgid: str) -> dict[str, Any] | None:
        """Return the answer; None if it was lost or says to ask again. Anything else is wrong."""
        try:
            answer = self.hospital.send(infno, nodes, msgid=msgid)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{msgid}: HTTP {error.code} {error.read()[:200]!r}") from None
        except (OSError, HTTPException, json.JSONDecodeError):
            self.counts["answers lost"] += 1
            return None
        if str(answer["infcode"]) == "0":
            return answer
        assert any(said in answer["err_msg"] for said in AGAIN), f"{msgid}: {answer['err_msg']}"
        self.counts["told to ask again"] += 1
        return None

    def ask_all_again(self) -> int:
        """Send every message of the run once more: the kept answer each time, but for what was reversed."""
        for infno, msgid, nodes, answer in self.ledger.answers:
            again = self.hospital.send(infno, nodes, msgid=msgid)
            if msgid in self.ledger.reversed:
                assert "E-MSG-REVERSED" in again["err_msg"], again
            else:
                assert again["output"] == answer, f"{msgid} has another answer now"
        return len(self.ledger.answers)


OFFICE = """
import sys, time
from datetime import date
from tuodi.apps.registry.actions.identities import CertifyIdentity, CorrectIdentity
from tuodi.base.models import User
from django.db import OperationalError, InterfaceError, connection
registrar, made = User.objects.get(username="registrar"), None
print("begun", flush=True)
while not time.sleep(0.1):
    try:
        if made is None:
            made = CertifyIdentity(actor=registrar, psn_no="P0002", identity="dibao", first=date(2023, 3, 1), issuer="民政局").run()
        else:
            CorrectIdentity(actor=registrar, identity_id=made.pk, facts=None).run()
            made = None
    except OperationalError:
        connection.close()
        time.sleep(0.5)
"""
