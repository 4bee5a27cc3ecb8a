"""What is wrong, in one shape: every fault at once, each with its code, a Chinese sentence and the field it is about."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja.errors import HttpError, ValidationError

from tuodi.apps.institutions.signing import NotAdmitted
from tuodi.apps.settlement.actions import E_CANCELLED, E_NO_BILL, E_SETTLED
from tuodi.apps.settlement.envelope import E_DEEP, E_JSON, E_LARGE, E_TEXT, MAX_FEN, reference
from tuodi.apps.settlement.folding import E_NO_POLICY
from tuodi.apps.settlement.gateway import E_OTHER
from tuodi.apps.settlement.history import E_PERSON
from tuodi.apps.settlement.people import E_NOBODY
from tuodi.apps.settlement.settling import E_DATES, E_ENCOUNTER, E_OVERPAID, E_SPLIT
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import yuan_for_people
from tuodi.core.settlements import AMOUNT_FIELDS

E_LACKS = declare("E-API-LACKS", "缺少必填项 {field}", "请补充后重新发送")
E_UNKNOWN = declare("E-API-UNKNOWN", "没有名为 {field} 的项", "请对照接口文档核对拼写；多余的项请去掉")
E_KIND = declare("E-API-KIND", "{field} 应为{kind}", "请按接口文档的类型填写；金额以分为单位，写成整数")
E_RANGE = declare("E-API-RANGE", "{field} 超出允许的范围：{bound}", "请核对该项")
E_FORM = declare("E-API-FORM", "{field} 的写法不对：{form}", "请按接口文档的格式填写")
E_CHOICE = declare("E-API-CHOICE", "{field} 不是可用的代码", "可用：{known}")
E_DENIED = declare("E-API-DENIED", "该密钥的岗位不能办理这项业务", "请向经办机构核对密钥对应的账号")
E_NOT_HERE = declare("E-API-NOT-FOUND", "没有这条记录或这个地址，或不属于本机构", "请核对编号和接口地址")
E_METHOD = declare("E-API-METHOD", "这个地址不接受 {method} 请求", "请用 {allowed}")
E_CONTENT = declare("E-API-CONTENT", "请求的 Content-Type “{given}”不是 JSON", "请用 Content-Type: application/json")
E_OURS = declare(
    "E-API-INTERNAL",
    "系统内部错误，这次请求可能没有办成",
    "请稍后用同一个 request_id 原样重发（不会重复办理），或凭 {reference} 联系经办机构",
)

logger = logging.getLogger(__name__)

#: What is not simply wrong content (422).
STATUS = {
    E_NO_BILL: 404, E_NOBODY: 404, E_NOT_HERE: 404, E_OTHER: 409, E_SETTLED: 409, E_CANCELLED: 409, E_JSON: 400, E_DEEP: 400, E_TEXT: 400,
    E_LARGE: 413, E_CONTENT: 415, E_METHOD: 405, E_DENIED: 403,
}  # fmt: skip
#: The field that a fault is about, where its own values do not say so.
FIELDS = {
    E_SPLIT: "bill.medfee_sumamt_fen", E_OVERPAID: "bill.medfee_sumamt_fen", E_DATES: "bill.enddate", E_ENCOUNTER: "bill.mdtrt_id",
    E_PERSON: "bill.psn_no", E_NOBODY: "number", E_NO_BILL: "setl_id", E_SETTLED: "bill.setl_id", E_OTHER: "request_id", E_NO_POLICY: "area",
}  # fmt: skip
KINDS = {
    "int": "整数", "string": "文字", "bool": "true 或 false", "list": "列表", "model": "对象", "dict": "对象", "date": "日期，如 2026-03-01",
    "datetime": "带时区的时间，如 2026-03-01T10:00:00+08:00",
}  # fmt: skip


def answer(
    faults: Iterable[Fault], *, status: int = 0, fields: Iterable[str] = (), headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return the faults; the status is that of the gravest, or as given."""
    faults, named = list(faults), list(fields)
    status = status or min(STATUS.get(one.code, 422) for one in faults)
    errors = [
        {"code": one.code, "message": one.message, "field": named[n] if named else field_of(one)}
        for n, one in enumerate(faults)
    ]
    return JsonResponse({"errors": errors}, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})


def field_of(one: Fault) -> str:
    """Return the path of the field that a fault is about; empty if it is about the whole."""
    name = dict(one.fields).get("name", "")
    if name:
        return f"bill.{name}_fen" if name in (*AMOUNT_FIELDS, "acct_pay", "hosp_part_amt") else f"bill.{name}"
    return FIELDS.get(one.code, "")


def wrong_input(request: HttpRequest, error: InputErrors) -> HttpResponse:
    return answer(error.faults)


def not_admitted(request: HttpRequest, error: NotAdmitted) -> HttpResponse:
    if error.is_too_often:
        return answer(error.faults, status=429, headers={"Retry-After": "60"})
    return answer(error.faults, status=401, headers={"WWW-Authenticate": "X-TIF-Signature"})


def wrong_shape(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Say in Chinese what does not fit the document."""
    found = [_said(one) for one in error.errors]
    return answer((one for one, _ in found), fields=[field for _, field in found])


def _said(error: dict[str, Any]) -> tuple[Fault, str]:
    kind, bounds = str(error["type"]), error.get("ctx", {})
    path = error["loc"][2:] if error["loc"][0] == "body" else error["loc"][1:]
    field = ".".join(map(str, path))
    said = field or "整个请求"
    if kind == "missing":
        return fault(E_LACKS, field=said), field
    if kind == "extra_forbidden":
        return fault(E_UNKNOWN, field=said), field
    if kind == "literal_error":
        return fault(E_CHOICE, field=said, known=bounds["expected"].replace(" or ", "、").replace(", ", "、")), field
    if kind in BOUNDS:
        return fault(E_RANGE, field=said, bound=BOUNDS[kind](bounds)), field
    name = next((name for name in sorted(KINDS, key=len, reverse=True) if kind.startswith(name)), "")
    if name and "pattern" not in kind:
        return fault(E_KIND, field=said, kind=KINDS[name]), field
    return fault(E_FORM, field=said, form=_form(bounds)), field


#: How the patterns of the document are said to people.
FORMS = {
    "^[0-9A-Za-z-]{8,30}$": "应为 8 至 30 位字母、数字或连字符", "^[0-9A-Za-z_-]{1,30}$": "应为 1 至 30 位字母、数字、连字符或下划线",
    "^[0-9A-Za-z_-]{0,30}$": "应为至多 30 位字母、数字、连字符或下划线", "^[0-9A-Za-z._+-]{0,20}$": "应为至多 20 位字母、数字或 . _ + -",
    "^[0-9]{2,6}$": "应为 2 至 6 位数字", "^[0-9]{6}$": "应为 6 位数字",
}  # fmt: skip


def _form(held: dict[str, Any]) -> str:
    return FORMS[held["pattern"]] if "pattern" in held else str(held.get("error") or "不合规则")[:80]


def _amount(number: int) -> str:
    return f"{yuan_for_people(number)} 以内" if number >= MAX_FEN - 1 else f"不大于 {number}"


BOUNDS: dict[str, Any] = {
    "greater_than_equal": lambda held: f"不小于 {held['ge']}",
    "less_than_equal": lambda held: _amount(held["le"]),
    "less_than": lambda held: f"小于 {held['lt']}",
    "string_too_short": lambda held: f"至少 {held['min_length']} 个字符",
    "string_too_long": lambda held: f"至多 {held['max_length']} 个字符",
    "too_long": lambda held: f"至多 {held['max_length']} 项",
}


def denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return answer([fault(E_DENIED)])


def not_here(request: HttpRequest, error: Http404 | None = None) -> HttpResponse:
    return answer([fault(E_NOT_HERE)])


def ill_formed(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer a body that could not be read."""
    if isinstance(error.__cause__, InputErrors):
        return answer(error.__cause__.faults)
    return answer([fault(E_JSON, why=str(error)[:80])], status=error.status_code)


def ours(request: HttpRequest, error: Exception) -> HttpResponse:
    """Log what went wrong here, and say that nothing was done."""
    number = reference("")
    logger.error("call %s failed", number, exc_info=error)
    return answer([fault(E_OURS, reference=number)], status=500)


HANDLERS: dict[type[Exception], Any] = {
    InputErrors: wrong_input, NotAdmitted: not_admitted, ValidationError: wrong_shape, PermissionDenied: denied, Http404: not_here,
    HttpError: ill_formed, Exception: ours,
}  # fmt: skip
