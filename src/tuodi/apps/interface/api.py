"""The plain JSON interface, ``/api/v1/``: parse, call one action or query, render. Nothing here decides anything.

Nothing personal stands in an address: people are looked for by what is posted. The document is served at
``/api/v1/openapi.json`` and kept in ``docs/reference/openapi.json``.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import Annotated, Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Path, Query
from ninja.parser import Parser

from tuodi.apps.institutions import permissions as institutions
from tuodi.apps.institutions.queries import institution_in_detail
from tuodi.apps.institutions.signing import admit
from tuodi.apps.interface import bills, faults, shapes
from tuodi.apps.policies import permissions as policies
from tuodi.apps.policies.models import Installation
from tuodi.apps.policies.queries import InForce, approved_values, areas_above, entered_values, plans_of
from tuodi.apps.registry import queries as registry
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import counter, listing
from tuodi.apps.settlement.actions import E_NO_BILL, CancelSettlement, Settle, presettle
from tuodi.apps.settlement.envelope import E_JSON, E_LARGE, examine, reference, refuse_constant
from tuodi.apps.settlement.folding import E_NO_POLICY
from tuodi.apps.settlement.gateway import Call, Reply, once
from tuodi.apps.settlement.queries import standing_of_person
from tuodi.base import access, clock
from tuodi.core.engine.simulate import estimate
from tuodi.core.engine.words import explain
from tuodi.core.errors import InputErrors, fault
from tuodi.core.identities import IDENTITIES
from tuodi.core.policy.describe import describe
from tuodi.core.policy.describe_text import to_data

PREFIX = "api/v1/"
#: Bytes of a request: a bill has hundreds.
MAX_BYTES = 64 * 1024
WRONG: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500), shapes.Errors)
#: The numbers under which the gateway keeps a settlement and a cancellation, so that 2601 may undo them too.
SETTLED_AS, CANCELLED_AS = {True: "2207", False: "2304"}, {True: "2208", False: "2305"}


class StrictParser(Parser):
    """Reads a body: no NaN, no deep nesting, no characters that cannot be kept."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            data = json.loads(request.body.decode("utf-8-sig"), parse_constant=refuse_constant)
        except RecursionError:
            raise InputErrors([fault(E_JSON, why="嵌套太深")]) from None
        except (ValueError, OSError) as error:
            raise InputErrors([fault(E_JSON, why=str(error)[:80])]) from None
        examine(data)
        return data


api = NinjaAPI(
    title="托底 JSON 接口", version="1", openapi_url=None, docs_url=None, auth=admit, parser=StrictParser(),
    description="给不走国家接口的医院和业务系统：与国家接口、窗口页面同一套业务、同一套密钥和签名。金额都是整数，单位分。",
)  # fmt: skip
for kind, handler in faults.HANDLERS.items():
    api.add_exception_handler(kind, handler)


@api.post("people/find", response={200: shapes.Person, **WRONG}, summary="按证件号码或人员编号查人", tags=["人员"])
def find_person(request: HttpRequest, asked: shapes.Find) -> dict[str, Any]:
    """查询会留下记录。身份证号码只显示末四位。"""
    person = counter.find_person(_actor(request), asked.number, by="api")
    return {
        "psn_no": person.psn_no, "name": person.name, "gend": person.gend or "9", "birth": person.birth,
        "certno_masked": registry.masked_certno(person), "insured_area": person.insured_area, "insutype": person.insutype,
        "died_on": person.died_on,
    }  # fmt: skip


@api.post(
    "people/identities", response={200: shapes.Identities, **WRONG}, summary="某一天的身份和救助类别", tags=["人员"]
)
def identities(request: HttpRequest, asked: shapes.OnDay) -> dict[str, Any]:
    """救助类别按参保地当日施行的政策包判断；没有救助类别时 standing 为 null。"""
    person, day = counter.find_person(_actor(request), asked.psn_no, by="api"), asked.on or clock.today()
    held = standing_of_person(person, day)
    rows = registry.identities_in_local_codes(person)
    return {
        "psn_no": person.psn_no, "on": day,
        "standing": {
            "category": held.category, "category_name": held.category_name, "identity": held.identity,
            "identity_name": held.identity_name, "pack": held.pack, "clause": held.clause,
        } if held else None,
        "identities": [
            {
                "identity": row.identity, "identity_name": IDENTITIES.get(row.identity, ""), "local_code": code, "first": row.first,
                "last": row.last, "issuer": row.issuer,
            }
            for row, code, _ in rows if row.first <= day and (row.last is None or day <= row.last)
        ],
    }  # fmt: skip


@api.post(
    "settlements/presettle", response={200: shapes.Granted, **WRONG}, summary="预结算：什么也不留下", tags=["结算"]
)
def presettle_bill(request: HttpRequest, asked: shapes.Presettle) -> dict[str, Any]:
    """算出这张单据现在结算可得的救助；不保存任何东西。"""
    call = bills.call_for(_actor(request), "2303", reference("")[:30], {})
    bill = bills.bill_in(call, asked.bill)
    bill.setl_id = counter.UNSETTLED
    result = presettle(call.actor, bill)
    return bills.granted(counter.worked(bill, result, Person.objects.get(psn_no=bill.psn_no)))


@api.post("settlements", response={200: shapes.Settled, **WRONG}, summary="结算", tags=["结算"])
def settle(request: HttpRequest, asked: shapes.Settle) -> dict[str, Any]:
    """同一 request_id 再发得到原来的答复；内容不同是错误（409）。没有收到答复时原样重发即可。"""
    infno = SETTLED_AS[bills.is_outpatient(asked.bill.med_type)]

    def work(call: Call) -> Reply:
        done = Settle(actor=call.actor, bill=bills.bill_in(call, asked.bill)).run()
        worked = counter.worked(done.bill, done.result, Person.objects.get(psn_no=done.bill.psn_no))
        return Reply({"setl_id": done.bill.setl_id, **bills.granted(worked)}, subject=done.bill.setl_id)

    return _once(request, infno, asked.request_id, asked.model_dump(mode="json"), work)


@api.get("settlements", response={200: shapes.SettlementList, **WRONG}, summary="结算清单", tags=["结算"])
def settlements(
    request: HttpRequest,
    first: Annotated[shapes.Day | None, Query(description="结算日期自")] = None,
    last: Annotated[shapes.Day | None, Query(description="结算日期至")] = None,
    state: Annotated[shapes.State, Query(description="不填为全部")] = "",
    order: shapes.Order = "-setl_time",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500, description="一页几笔")] = 25,
) -> dict[str, Any]:
    """本机构的结算，撤销的也在内；合计只算没有撤销的。对账用：按日取回，逐笔比 setl_id、金额和 state。"""
    rows = listing.settlements_for(_actor(request))
    rows = listing.narrowed(rows, first=first, last=last, state=state, setl_id="", psn_no="")
    pages, said = Paginator(listing.ordered(rows, order), size), listing.totals(rows)
    shown = pages.page(page).object_list if page <= pages.num_pages else []
    return {
        "page": page, "pages": pages.num_pages, "count": pages.count, "live_count": said["count"], "medfee_sumamt_fen": said["medfee"],
        "assistance_fen": said["paid"], "settlements": [bills.listed(row, listing.state_of(row)) for row in shown],
    }  # fmt: skip


SettlementId = Annotated[str, Path(pattern="^[0-9A-Za-z_-]{1,30}$", description="结算ID")]


@api.get(
    "settlements/{setl_id}",
    response={200: shapes.SettlementDetail, **WRONG},
    summary="一笔结算和它的计算",
    tags=["结算"],
)
def settlement(request: HttpRequest, setl_id: SettlementId) -> dict[str, Any]:
    """单据各项金额、后来的每次变动、给患者的说明和逐步计算。"""
    row: Any = listing.settlements_for(_actor(request)).filter(setl_id=setl_id).first()
    if row is None:
        raise InputErrors([fault(E_NO_BILL, setl_id=setl_id)])
    worked = counter.worked_settlement(row)
    names = {layer.id: layer.name for layer in worked.plan.layers} if worked else {}
    changes = [
        {
            "at": change.entry.at.astimezone(clock.ZONE), "cause": change.cause, "layer": change.layer, "pay_fen": change.entry.pay,
            "total_fen": change.entry.total,
        }
        for change in listing.changes_of(row, names)
    ]  # fmt: skip
    said = worked.explanation if worked else None
    return {
        **bills.listed(row, listing.state_of(row)), "amounts_fen": bills.amounts_of(row), "changes": changes,
        "patient_text": said.patient if said else "", "auditor_text": said.auditor if said else "", "trace": said.data if said else None,
    }  # fmt: skip


@api.post("settlements/{setl_id}/cancel", response={200: shapes.Cancelled, **WRONG}, summary="撤销结算", tags=["结算"])
def cancel(request: HttpRequest, asked: shapes.Cancel, setl_id: SettlementId) -> dict[str, Any]:
    """撤销之后该参保人其余结算按没有这一笔重算，change_fen 是合计的变动。"""

    def work(call: Call) -> Reply:
        number = bills.number_for(call.actor.institution_code, asked.request_id)
        done = CancelSettlement(actor=call.actor, setl_id=setl_id, new_id=number, msgid=asked.request_id).run()
        change = done.refold.own.change_fen if done.refold.own else 0
        return Reply({"setl_id": setl_id, "cancellation_id": number, "change_fen": change}, subject=setl_id)

    return _once(request, CANCELLED_AS[False], asked.request_id, [setl_id], work)


@api.get("institution", response={200: shapes.InstitutionOut, **WRONG}, summary="本机构的登记", tags=["机构和政策"])
def own_institution(request: HttpRequest) -> dict[str, Any]:
    """等级、协议、今天能不能联网结算。"""
    actor, today = _actor(request), clock.today()
    held = institution_in_detail(actor, actor.institution_code, institutions.VIEW, on=today)
    row = held.institution
    return {
        "code": row.code, "name": row.name, "kind": row.kind_name, "level": row.level, "area_code": row.area_code,
        "is_designated": held.standing.designated, "is_assistance_designated": held.standing.assistance, "suspension": held.standing.suspension,
        "agreements": [
            {"kind": one.kind, "number": one.number, "first": one.first, "last": one.last} for one in held.agreements if one.ended_at is None
        ],
    }  # fmt: skip


Area = Annotated[str | None, Query(pattern="^[0-9]{6}$", description="参保地区划；不填为本机构所在地")]


@api.get("policy", response={200: shapes.Policy, **WRONG}, summary="施行中的政策", tags=["机构和政策"])
def policy(request: HttpRequest, on: shapes.Day | None = None, area: Area = None) -> dict[str, Any]:
    """政策包写成的句子和数值，附条款；授权参数凡是示例值都标 is_sample。"""
    actor, day = _actor(request), on or clock.today()
    held = _in_force(actor, area or actor.area_code, day)
    row, pack = held.installation, held.plan.pack
    values = approved_values(row.area_code)
    return {
        "area": row.area_code, "on": day, "pack": pack.pack, "name": pack.name, "first": held.first, "until": held.until, "digest": row.digest,
        "readings": {name: reading.default for name, reading in pack.readings.items()},
        "delegated": [
            {"param": one.param, "value": one.value, "source": one.source, "first": one.first, "is_sample": one.is_sample} for one in values
        ],
        "sections": to_data(describe(pack, entered_values(row.area_code)))["sections"],
    }  # fmt: skip


@api.post("estimate", response={200: shapes.Estimated, **WRONG}, summary="估算一张单据", tags=["机构和政策"])
def estimate_bill(request: HttpRequest, asked: shapes.Estimate) -> dict[str, Any]:
    """不涉及任何登记的人：按填入的身份和单据算，不看此前的结算，什么也不留下。"""
    actor, bill = _actor(request), bills.typed(asked)
    plan = _in_force(actor, asked.area or actor.area_code, asked.settled_on).plan
    records = bills.records_of(asked, bill.psn_no)
    found = estimate(plan, bill.settlement(), records, known=set(bill.payments_fen))
    said = explain(plan, found.result, records=records)
    shares = [
        {"kind": one.kind, "id": one.id, "name": one.name, "amount_fen": one.amount_fen, "clauses": list(one.clauses), "readings": list(one.readings)}
        for one in found.shares
    ]  # fmt: skip
    return {
        "total_fen": found.total_fen, "left_fen": found.left_fen, "shares": shares, "granted": bills.granted_under(plan, found.result),
        "patient_text": said.patient, "uses_samples": any(entry.is_sample for entry in said.case.entered()),
    }  # fmt: skip


def _actor(request: HttpRequest) -> Any:
    """Return the account as which the request acts, as :func:`admit` found it."""
    return request.auth  # type: ignore[attr-defined]


def _once(request: HttpRequest, infno: str, request_id: str, asked: Any, work: Any) -> dict[str, Any]:
    call = bills.call_for(_actor(request), infno, request_id, asked)
    return once(call, work, refmsgid=reference(call.actor.area_code))


def _in_force(actor: Any, area: str, day: Any) -> InForce:
    """Return what is in force in an area on a day, if the actor may see it."""
    access.demand(actor, policies.VIEW)
    is_seen = access.visible(actor, Installation).filter(area_code__in=areas_above(area)).exists()
    held = [one for one in plans_of(area) if one.answers(day)] if is_seen else []
    if not held:
        raise InputErrors([fault(E_NO_POLICY, area=area, day=day)])
    return held[-1]


def document() -> dict[str, Any]:
    """Return the OpenAPI document: the operations, and the four headers that each must be signed with."""
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=f"/{PREFIX}"), default=str))
    headers = {
        "paasid": "密钥名称",
        "timestamp": "Unix 时间戳（秒）",
        "nonce": "一次性随机串",
        "signature": "SHA-256(timestamp+token+nonce+timestamp) 的小写十六进制",
    }
    made["components"]["securitySchemes"] = {
        name: {"type": "apiKey", "in": "header", "name": f"x-tif-{name}", "description": says}
        for name, says in headers.items()
    }
    made["security"] = [{name: [] for name in headers}]
    return made


def openapi(request: HttpRequest) -> HttpResponse:
    """Serve the document, to anybody: nothing in it is secret."""
    if request.method not in ("GET", "HEAD"):
        return faults.answer([fault(faults.E_METHOD, method=request.method, allowed="GET")], headers={"Allow": "GET"})
    return JsonResponse(document(), json_dumps_params={"ensure_ascii": False})


def guarded(view: Any) -> Any:
    """Refuse what is no request of this interface before anything is read, in the shape of every other error."""

    @csrf_exempt
    @wraps(view)
    def ask(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        if size > MAX_BYTES:
            return faults.answer([fault(E_LARGE, size=size, limit=MAX_BYTES)])
        if request.method == "POST" and request.content_type != "application/json":
            return faults.answer([fault(faults.E_CONTENT, given=request.content_type[:60])])
        answer: HttpResponse = view(request, *args, **named)
        if answer.status_code == 405:
            allowed = answer["Allow"]
            return faults.answer(
                [fault(faults.E_METHOD, method=request.method, allowed=allowed)], headers={"Allow": allowed}
            )
        return answer

    return ask


urlpatterns = [
    path(f"{PREFIX}openapi.json", openapi, name="api-openapi"),
    *(
        path(f"{PREFIX}{one.pattern}", guarded(one.callback), name=f"api-{one.name}")
        for one in api.urls[0] if one.name not in ("api-root",)
    ),
    re_path(f"^{PREFIX}", csrf_exempt(faults.not_here), name="api-nothing"),
]  # fmt: skip
