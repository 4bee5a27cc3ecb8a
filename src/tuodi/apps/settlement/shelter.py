"""What a hospital is told when the county itself is in trouble: database gone, disk full, request torn off. Never a page of HTML.

Whether the message was done is not known at such a moment (a connection can be lost in the very commit), so the answer says
what settles it: the same message again, which is done once at most.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError

from tuodi.apps.settlement import envelope
from tuodi.core.errors import declare, fault

E_AWAY = declare(
    "E-SYSTEM-AWAY",
    "系统暂时不能办理（数据库没有应答或磁盘已满），这笔报文的结果未知",
    "请稍后用同一 msgid 原样重发，不会重复办理",
)
E_TORN = declare("E-MSG-TORN", "报文没有收全", "请检查网络后用同一 msgid 原样重发")

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]


def sheltered(view: View) -> View:
    """Have trouble of the county answered in the envelope."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **named: object) -> HttpResponse:
        try:
            return view(request, *args, **named)
        except (OperationalError, InterfaceError) as error:
            # A line for each message: where the connection broke says nothing, and a minute without database has thousands.
            logger.error("数据库没有应答或磁盘已满（%s），报文没有办理，已请对方重发", type(error).__name__)
            return _said(E_AWAY)
        except DatabaseError:
            logger.exception("数据库拒绝了报文要写的内容")
            return _said(E_AWAY)
        except UnreadablePostError:
            return _said(E_TORN)
        except RequestDataTooBig:
            return _said(envelope.E_LARGE, size=request.META.get("CONTENT_LENGTH", ""), limit=envelope.MAX_BYTES)

    return answer


def _said(code: str, **values: object) -> HttpResponse:
    wrong = fault(code, **values)
    said = envelope.refusal(f"[{wrong.code}] {wrong.message}", refmsgid=envelope.reference(""))
    return JsonResponse(said, json_dumps_params={"ensure_ascii": False})
