"""The HTTP door of the national interface: the single entry and the per-service paths; signature checked, then one call."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tuodi.apps.institutions.keys import token_of
from tuodi.apps.settlement import envelope, filings, gateway, lookups, people, settling, statements, stays
from tuodi.base import clock, secrets
from tuodi.base.audit import record

assert all((filings, lookups, people, settling, statements, stays)), "importing a module registers its transactions"

#: Seconds by which a request's clock may be off.
CLOCK_TOLERANCE = 300
SERVICE_PATHS = {
    "fsiPsnInfoService/queryPsnInfo": "1101", "fsiPsnPriorityInfoService/queryPsnPriorityInfo": "2001",
    "outpatientDocInfoService/outpatientRregistration": "2201", "outpatientDocInfoService/outpatientRegistrationCancel": "2202",
    "outpatientSettleService/preSettletment": "2206", "outpatientSettleService/preSettletmentA": "2206A",
    "outpatientSettleService/saveSettletmentV2": "2207", "outpatientSettleService/saveSettletment": "2207A",
    "outpatientSettleService/saveSettletmentA": "2207A", "outpatientSettleService/cancleSettletment": "2208",
    "hospSettService/preSett": "2303", "hospSettService/settV2": "2304", "hospSettService/settCl": "2305",
    "hospitalRegisterService/hospitalRegisterSave": "2401", "dscgService/dischargeProcess": "2402",
    "hospitalRegisterService/hospitalRegisterCancel": "2404", "dscgService/dischargeUndo": "2405",
    "reverseService/revsMethod": "2601", "ybSettlementStmtService/stmtTotal": "3201", "ybSettlementStmtService/stmtDetail": "3202",
    "fsiIntegratedQueryService/querySetlInfo": "5203", "fsiIntegratedQueryService/queryFixmedinsPracPsnSum": "5206",
    "fileupload/upload": "9101", "fileupload/download": "9102",
}  # fmt: skip


@csrf_exempt
@require_POST
def call_service(request: HttpRequest, service: str = "") -> HttpResponse:
    """Answer one exchange; protocol errors too are answers in the envelope, with HTTP 200 as clients expect."""
    refmsgid = envelope.reference("")
    key = token_of(request.headers.get("x-tif-paasid", ""), clock.today())
    wrong = signature_fault(request, key.token if key else None)
    if wrong or key is None:
        return JsonResponse(envelope.refusal(wrong, refmsgid=refmsgid), json_dumps_params={"ensure_ascii": False})
    done = gateway.process(request.body, actor=key.user, path_infno=SERVICE_PATHS.get(service, ""))
    if str(done["infcode"]) != "0":
        record(actor=key.user, verb="exchange:refused", subject="exchange", subject_id=done["inf_refmsgid"])
    return JsonResponse(done, json_dumps_params={"ensure_ascii": False})


def signature_fault(request: HttpRequest, token: str | None) -> str:
    """Return what is wrong with the signature headers; empty if nothing is.

    ``x-tif-signature`` is the lower-hex SHA-256 of timestamp + token + nonce + timestamp, the timestamp in unix seconds.
    """
    stamp, nonce = request.headers.get("x-tif-timestamp", ""), request.headers.get("x-tif-nonce", "")
    given = request.headers.get("x-tif-signature", "")
    if token is None:
        return "[E-SIGN-KEY] 接入密钥不存在、未生效或已停用。请核对 x-tif-paasid。"
    if not stamp.isdigit() or abs(int(stamp) - int(clock.now().timestamp())) > CLOCK_TOLERANCE:
        return "[E-SIGN-TIME] x-tif-timestamp 与服务器时间相差超过 5 分钟。请校准时钟后重发。"
    expected = hashlib.sha256(f"{stamp}{token}{nonce}{stamp}".encode()).hexdigest()
    if not nonce or not secrets.same(expected.encode(), given.encode()):
        return "[E-SIGN-WRONG] 签名不符。请核对密钥和签名算法：SHA-256(timestamp + token + nonce + timestamp)。"
    return ""


urlpatterns = [
    path("fsi/api/rsfComIfsService/callService", call_service, name="national-single"),
    *(path(f"fsi/api/{service}", call_service, {"service": service}) for service in SERVICE_PATHS),
]
