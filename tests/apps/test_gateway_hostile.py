"""Whatever is sent to the national interface, the answer is in its envelope, nothing breaks and a refusal leaves nothing behind.

The suite tries the same examples each time; ``TUODI_EXAMPLES=5000`` tries more, and others.
"""

import copy
import json
import os

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.cast import assemble
from tests.apps.his import Hospital
from tests.apps.test_gateway import CERTNO, bill, poster
from tuodi.apps.institutions.keys import IssueKey
from tuodi.apps.settlement.api import SERVICE_PATHS
from tuodi.apps.settlement.gateway import HANDLERS
from tuodi.apps.settlement.models import Bill, Encounter, Entry, Exchange, Filing, Notice, Refold, StatementFile

CALL = "/fsi/api/rsfComIfsService/callService"
KEPT = (Bill, Encounter, Entry, Exchange, Filing, Notice, Refold, StatementFile)
DAY, TIME = "2023-03-01", "2023-03-01 08:00:00"
STAY = {
    "psn_no": "P0001",
    "insutype": "390",
    "begntime": TIME,
    "med_type": "21",
    "ipt_no": "Z1",
    "dscg_maindiag_code": "J18.9",
}
FILED = {
    "psn_no": "P0001", "diag_code": "J18.9", "reflin_medins_no": "H61090200001", "refl_date": DAY, "begndate": DAY, "enddate": "2023-12-31",
    "opsp_dise_code": "M01600", "opsp_dise_name": "透析", "trt_dcla_detl_sn": "F1", "refl_rea": "转诊", "mdtrtarea_admdvs": "610902",
}  # fmt: skip
SUMS = {
    "setl_optins": "610902", "insutype": "390", "clr_type": "21", "stmt_begndate": DAY, "stmt_enddate": DAY, "medfee_sumamt": "0",
    "fund_pay_sumamt": "0", "acct_pay": "0", "fixmedins_setl_cnt": "0", "file_qury_no": "1",
}  # fmt: skip


def _each(numbers: tuple[str, ...], nodes: dict) -> dict[str, dict]:
    return {number: copy.deepcopy(nodes) for number in numbers}


#: infno -> what a right message has; every transaction of the interface has one, so that changes of it reach far inside.
SEEDS = {
    "1101": {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO, "psn_no": "P0001"}},
    "2001": {"data": {"psn_no": "P0001", "begntime": DAY}},
    "2201": {"data": STAY}, "2202": {"data": {"mdtrt_id": "M1", "psn_no": "P0001"}},
    "2401": {"mdtrtinfo": STAY, "diseinfo": []}, "2404": {"data": {"mdtrt_id": "M1"}}, "2405": {"data": {"mdtrt_id": "M1"}},
    "2402": {"dscginfo": {"mdtrt_id": "M1", "endtime": TIME, "dise_codg": "J18.9"}},
    **_each(("2206", "2206A", "2207", "2207A", "2303", "2304"), {
        "data": bill("300.00", mdtrt_id="M1", begndate=DAY, enddate=DAY, med_type="11", diag_code="J18.9", acct_pay="0", setl_time=TIME),
        "upstream": {"hifp_pay": "100.00", "setl_time": TIME, "setl_id": "", "refer_stas": "local", "cause": "", "hosp_part_amt": "1"},
    }),
    **_each(("2208", "2305"), {"data": {"setl_id": "S1", "psn_no": "P0001", "mdtrt_id": "M1"}}),
    **_each(("2501", "2503", "2502", "2504"), {"refmedin": FILED, "data": FILED}),
    "2601": {"data": {"psn_no": "P0001", "omsgid": "H61090200001202401020900000001", "oinfno": "2304"}},
    "3201": {"data": SUMS}, "3202": {"data": SUMS},
    "5201": {"data": {"psn_no": "P0001", "begntime": DAY, "endtime": DAY, "mdtrt_id": "M1"}},
    "5203": {"data": {"setl_id": "S1"}}, "5206": {"data": {"psn_no": "P0001", "cum_ym": "202312"}},
    "9001": {"signIn": {"opter_no": "1", "mac": "0", "ip": "0"}}, "9002": {"signOut": {"sign_no": "1"}},
    "9101": {"fsUploadIn": {"in": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "filename": "a.zip", "fixmedins_code": "H61090200001"}},
    "9102": {"fsDownloadIn": {"file_qury_no": "1", "filename": "plc", "fixmedins_code": "plc"}},
}  # fmt: skip

WORDS = st.sampled_from(
    ["", " ", "0", "-1", "1e9", "0.001", "9" * 40, "٣٠٠", "１２", "\x00", "\ud800", "x" * 400, "0000-00-00", "0001-01-01", "9999-12-31",
     "2023-02-30", "2023-03-01T00:00:00+14:00", "P0001", "S1", "M1", "'; --", "%s", "{}", "null", "21", "2023-W01-1", "NaN", "🜚"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=40)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CALM = settings(
    max_examples=int(os.environ.get("TUODI_EXAMPLES", "250")),
    deadline=None,
    derandomize="TUODI_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def hospital(db):
    cast = assemble()
    token = IssueKey(actor=cast.admin, institution=cast.hospital, name="his-1", user=cast.zhao).run()
    made = Hospital(poster(Client()), code=cast.hospital.code, paasid="his-1", token=token)
    stay = made.call("2401", SEEDS["2401"])["result"]["mdtrt_id"]
    made.call("2304", {"data": bill("900.00", mdtrt_id=stay), "upstream": {"setl_id": "S1", "setl_time": TIME}})
    made.seeds = json.loads(json.dumps(SEEDS).replace('"M1"', json.dumps(stay)))
    return made


def rows() -> list[int]:
    return [model.objects.count() for model in KEPT]


def sent(hospital: Hospital, body: bytes, path: str = CALL) -> dict:
    """Send it; hold the answer to what every answer must be, and the rows to what a refusal must leave."""
    before = rows()
    answer = json.loads(hospital.post(path, body, hospital.headers()))
    assert {"infcode", "inf_refmsgid", "respond_time", "err_msg", "output"} <= set(answer)
    assert answer["infcode"] in (0, -1)
    assert "内部错误" not in answer["err_msg"], body
    assert len(answer["err_msg"]) <= 200
    assert bool(answer["err_msg"]) == (answer["infcode"] == -1)
    if answer["infcode"] == -1:
        assert rows() == before
    return answer


def places(document: dict) -> list[tuple]:
    """Return the path of every value of a document."""
    found, waiting = [], [((), document)]
    while waiting:
        path, held = waiting.pop()
        if isinstance(held, dict):
            waiting += [((*path, key), value) for key, value in held.items()]
        if path:
            found.append(path)
    return sorted(found)


def test_every_transaction_has_a_message_to_be_changed():
    assert set(SEEDS) == set(HANDLERS)


@CALM
@given(data=st.data())
def test_a_message_with_anything_anywhere_is_answered(hospital, data):
    infno = data.draw(st.sampled_from(sorted(SEEDS)))
    message = copy.deepcopy(hospital.envelope(infno, hospital.seeds[infno]))
    inside = [path for path in places(message) if len(path) > 2] * 3
    inside += [path for path in places(message) if path[0] == "input" and len(path) < 3] + [
        ("msgid",),
        ("fixmedins_code",),
        ("opter",),
    ]
    for path in data.draw(st.lists(st.sampled_from(inside), max_size=3)):
        holder = message
        for key in path[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder[path[-1]] = data.draw(VALUES)
    path = data.draw(st.sampled_from([CALL, *(f"/fsi/api/{one}" for one in SERVICE_PATHS)]))
    sent(hospital, json.dumps(message).encode(), path)


@CALM
@given(data=st.data())
def test_a_message_cut_short_or_with_changed_bytes_is_refused_or_answered(hospital, data):
    infno = data.draw(st.sampled_from(sorted(SEEDS)))
    body = json.dumps(hospital.envelope(infno, hospital.seeds[infno]), ensure_ascii=False).encode()
    end = data.draw(st.integers(0, len(body) - 1))
    assert sent(hospital, body[:end])["infcode"] == -1
    at = data.draw(st.integers(0, len(body) - 1))
    sent(hospital, body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 4)) :])


@CALM
@given(document=VALUES | st.binary(max_size=60))
def test_any_document_at_all_is_refused(hospital, document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert sent(hospital, body)["infcode"] == -1
