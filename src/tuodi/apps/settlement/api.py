"""The HTTP door of the national interface: the single entry and the per-service paths; signature checked, then one call."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tuodi.apps.institutions.signing import NotAdmitted, admit
from tuodi.apps.settlement import envelope, filings, gateway, lookups, people, settling, statements, stays
from tuodi.apps.settlement.shelter import sheltered
from tuodi.base.audit import record
from tuodi.core.errors import declare, fault

assert all((filings, lookups, people, settling, statements, stays)), "importing a module registers its transactions"

E_METHOD = declare("E-MSG-METHOD", "接口只接受 POST 请求", "请用 POST 发送 JSON 报文")
E_CONTENT = declare(
    "E-MSG-CONTENT", "报文的 Content-Type “{given}”不是 JSON", "请用 Content-Type: application/json; charset=UTF-8"
)

E_SERVICE = declare(
    "E-MSG-SERVICE", "没有服务路径 {path}", "请核对路径，或改用统一入口 /fsi/api/rsfComIfsService/callService"
)

#: Bytes of an oversized request that are read only to be dropped, and how many at a time.
READ_AWAY, CHUNK = 32 * 1024 * 1024, 64 * 1024
#: What older systems say of a JSON text, or nothing at all.
CONTENT_TYPES = ("application/json", "text/json", "text/plain", "")
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
@sheltered
def call_service(request: HttpRequest, service: str = "") -> HttpResponse:
    """Answer one exchange. Whatever is wrong is told in the envelope, protocol errors too, with HTTP 200 as clients expect;
    only what never was an exchange (method, kind of content, size, too many calls) has a status of its own."""
    refmsgid = envelope.reference("")
    if request.method != "POST":
        return _said(405, E_METHOD, refmsgid, headers={"Allow": "POST"})
    if request.content_type not in CONTENT_TYPES:
        return _said(415, E_CONTENT, refmsgid, given=request.content_type[:60])
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if size > envelope.MAX_BYTES:
        _take_rest(request, size)
        return _said(413, envelope.E_LARGE, refmsgid, size=size, limit=envelope.MAX_BYTES)
    try:
        actor = admit(request)
        body = request.body
    except NotAdmitted as refused:
        status, headers = (429, {"Retry-After": "60"}) if refused.is_too_often else (200, {})
        return _answer(envelope.refusal(*map(str, refused.faults), refmsgid=refmsgid), status, headers)
    infno = SERVICE_PATHS.get(service.rstrip("/"), "")
    if service and not infno:
        return _said(200, E_SERVICE, refmsgid, path=service[:60])
    done = gateway.process(body, actor=actor, path_infno=infno)
    if str(done["infcode"]) != "0":
        record(actor=actor, verb="exchange:refused", subject="exchange", subject_id=done["inf_refmsgid"])
    return _answer(done)


def _take_rest(request: HttpRequest, size: int) -> None:
    """Read what is not wanted: a sender that is cut off while it still sends never sees the answer that says why."""
    if size <= READ_AWAY:
        while request.read(CHUNK):
            pass


def _said(
    status: int, code: str, refmsgid: str, *, headers: dict[str, str] | None = None, **fields: object
) -> HttpResponse:
    return _answer(envelope.refusal(str(fault(code, **fields)), refmsgid=refmsgid), status, headers)


def _answer(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return JsonResponse(content, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})


urlpatterns = [
    path("fsi/api/rsfComIfsService/callService", call_service, name="national-single"),
    *(path(f"fsi/api/{service}", call_service, {"service": service}) for service in SERVICE_PATHS),
    path("fsi/api/<path:service>", call_service, name="national-other"),
]
