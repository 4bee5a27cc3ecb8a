"""Messages repeated and out of order, under a clock that moves, and broken ones.

Every run serves a county of its own, does the harm, looks at the books in a process that served nothing, and returns figures.
"""

from __future__ import annotations

import json
import socket
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.apps.his import Hospital
from tests.faults.books import books_of
from tests.faults.served import Served, served_county

SINGLE = "/fsi/api/rsfComIfsService/callService"
TIME = {"setl_time": "2023-03-09 10:30:00"}


def bill(yuan: int, **more: str) -> dict[str, Any]:
    data = {
        "psn_no": "P0001",
        "mdtrt_id": "X1",
        "medfee_sumamt": f"{yuan}.00",
        "inscp_scp_amt": f"{yuan}.00",
        "insutype": "390",
    }
    return {"data": {**data, "med_type": "14", **more}, "upstream": {**TIME, "diag_code": "J18.9"}}


@contextmanager
def serving(database: str) -> Iterator[tuple[Served, Hospital]]:
    """Serve a county; give it and its first hospital."""
    served, tokens = served_county(database)
    try:
        code, token = next(iter(tokens.items()))
        served.start()
        yield served, Hospital(served.post, code=code, paasid=code, token=token)
    finally:
        served.close()


def repeated(database: str, *, messages: int = 30, copies: int = 10) -> dict[str, Any]:
    """Each message ten times at once, from threads of their own: one settlement, one answer."""
    with serving(database) as (served, hospital), ThreadPoolExecutor(copies) as pool:
        for number in range(messages):
            msgid, asked = hospital.msgid(), bill(100 + number)
            answers = list(pool.map(lambda _, m=msgid, a=asked: hospital.call("2207", a, msgid=m), range(copies)))
            assert all(answer == answers[0] for answer in answers), "a copy got another answer"
        found = books_of(served)
        assert len(found["bills"]) == messages, found["bills"]
        return {
            "messages": messages,
            "copies of each, at once": copies,
            "settlements, each once": len(found["bills"]),
            "rows equal to the batch": found["compared"],
        }


def out_of_order(database: str) -> dict[str, Any]:
    """Cancel before settle, discharge before admission, 2601 before what it reverses, a late copy after its reversal."""
    with serving(database) as (served, hospital):
        first, second = hospital.msgid(), hospital.msgid()
        undo = {"data": {"psn_no": "P0001", "omsgid": first, "oinfno": "2207"}}
        again = {"data": {"psn_no": "P0001", "omsgid": second, "oinfno": "2207"}}
        stay = {"mdtrt_id": "M1", "psn_no": "P0001"}
        said = [
            expect(hospital, "2208", {"data": {"setl_id": "T1", **stay}}, "E-BILL-UNKNOWN"),
            expect(hospital, "2402", {"dscginfo": {**stay, "endtime": "2023-03-09 09:00:00"}}, "E-STAY-UNKNOWN"),
            expect(hospital, "2304", bill(100, mdtrt_id="M1"), "E-ENCOUNTER-UNKNOWN"),
            expect(hospital, "2601", undo, "E-REVERSE-NOTHING"),
            expect(hospital, "2207", bill(100), "E-MSG-REVERSED", msgid=first),
        ]
        hospital.call("2207", bill(200), msgid=second)
        hospital.call("2601", again)
        hospital.call("2601", again)
        said.append(expect(hospital, "2207", bill(200), "E-MSG-REVERSED", msgid=second))
        kept = hospital.call("2207", bill(300))["setlinfo"]["setl_id"]
        found = books_of(served)
        assert found["live"] == [kept], found["live"]
        return {"refused with a sentence": len(said), "live bills": len(found["live"])}


def expect(hospital: Hospital, infno: str, nodes: dict[str, Any], code: str, **how: Any) -> str:
    """Send what must be refused with a code and a Chinese sentence; return the sentence."""
    answer = hospital.send(infno, nodes, **how)
    said: str = answer["err_msg"]
    assert answer["infcode"] == -1, answer
    assert code in said, said
    assert any("一" <= letter <= "鿿" for letter in said), said
    return said


def clock_moved(database: str) -> dict[str, Any]:
    """The server's clock goes back an hour, then on a year, then back, between settlements and seals."""
    with serving(database) as (served, hospital):
        served.stop()
        found = json.loads(
            served.manage(MOVED % (hospital.code, hospital.token, json.dumps(bill(1000)))).splitlines()[-1]
        )
        books = books_of(served)
        assert len(books["bills"]) == len(set(found["settled"])) == 5, found
        assert found["stale"] == 4, found
        assert found["same"], "a repeated message got another answer after the clock moved"
        return {
            "moves": 4,
            "bills": len(books["bills"]),
            "signatures of the other time refused": found["stale"],
            "audit rows sealed": books["sealed"],
        }


MOVED = """
import hashlib, json, uuid
from datetime import timedelta
from django.test import Client
from tests.apps.his import Hospital
from tuodi.base import audit, clock
code, token, asked = %r, %r, json.loads(%r)
client, real = Client(), clock.now()
class Moved(Hospital):
    ahead = 0
    def headers(self):
        stamp, nonce = str(int((real + timedelta(seconds=self.ahead)).timestamp())), str(uuid.uuid4())
        sign = hashlib.sha256(f"{stamp}{self.token}{nonce}{stamp}".encode()).hexdigest()
        return {"x-tif-paasid": self.paasid, "x-tif-timestamp": stamp, "x-tif-nonce": nonce, "x-tif-signature": sign}
def post(path, body, headers):
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return client.post(path, body, content_type="application/json", **named).content
hospital = Moved(post, code=code, paasid=code, token=token)
settled, stale, first, kept, once, same = [], 0, None, None, None, True
for moved in (0, -3600, 0, 366 * 86400, 0):
    with clock.set_to(real + timedelta(seconds=moved)):
        if first is not None:
            hospital.ahead = before
            stale += "E-SIGN-TIME" in hospital.send("1101", {"data": {"psn_no": "P0001"}})["err_msg"]
        hospital.ahead = before = moved
        msgid = hospital.msgid()
        sent = {**asked, "data": {**asked["data"], "chrg_bchno": str(len(settled))}}
        answer = hospital.call("2207", sent, msgid=msgid)
        settled.append(answer["setlinfo"]["setl_id"])
        first, kept, once = first or msgid, kept or answer, once or sent
        same = same and hospital.call("2207", once, msgid=first) == kept
        audit.seal()
print(json.dumps({"settled": settled, "stale": stale, "same": same}))
"""


def broken_requests(database: str) -> dict[str, Any]:
    """Truncated, oversized, deep, wrongly typed and wrongly signed requests: each is told what is wrong, nothing changes."""
    with serving(database) as (served, hospital):
        good = json.dumps(hospital.envelope("2207", bill(100)), ensure_ascii=False)
        bodies = {
            "truncated": good[: len(good) // 2], "empty": "", "deep": "[" * 100_000, "deep objects": '{"a":' * 50 + "1" + "}" * 50,
            "oversized": " " * (6 * 1024 * 1024), "array": "[]", "text": '"2207"', "NUL": good.replace("J18.9", "J18\\u0000"),
            "half a character": good.replace("J18.9", "\\ud800"), "NaN": good.replace('"100.00"', "NaN"), "numbers as lists": good.replace('"100.00"', "[1]"),
            "huge amount": good.replace("100.00", "9" * 40), "negative": good.replace("100.00", "-100.00"), "input as number": good.replace('"input": {', '"input": 5, "x": {'),
            "day that is none": good.replace("2023-03-09", "2023-02-30"), "year 9999": good.replace("2023-03-09", "9999-03-09"),
        }  # fmt: skip
        for name, body in bodies.items():
            refused(served, hospital, body.encode(), hospital.headers(), name)
        for change in (
            {"x-tif-signature": "0" * 64},
            {"x-tif-paasid": "nobody"},
            {"x-tif-timestamp": "1"},
            {"x-tif-nonce": ""},
            {"x-tif-timestamp": "9" * 500},
        ):
            refused(served, hospital, good.encode(), hospital.headers() | change, str(change))
        torn(served, hospital, good.encode())
        found = books_of(served)
        assert not found["bills"], "a broken request settled something"
        return {"broken requests": len(bodies) + 6, "refused in Chinese": len(bodies) + 5, "torn off": 1, "bills": 0}


def refused(served: Served, hospital: Hospital, body: bytes, headers: dict[str, str], name: str) -> None:
    try:
        answer = json.loads(served.post(SINGLE, body, headers))
    except urllib.error.HTTPError as error:
        assert error.code < 500, (name, error.code)  # noqa: PT017
        answer = json.loads(error.read())
    assert answer["infcode"] == -1, (name, answer)
    assert "[E-" in answer["err_msg"], (name, answer["err_msg"])


def torn(served: Served, hospital: Hospital, body: bytes) -> None:
    """Send half of what was announced and hang up; the county goes on."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as line:
        head = [
            f"POST {SINGLE} HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
        ]
        head += [f"{name}: {value}" for name, value in hospital.headers().items()]
        line.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body[: len(body) // 2])
        time.sleep(0.2)
    hospital.call("1101", {"data": {"psn_no": "P0001"}})
