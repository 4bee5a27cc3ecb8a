"""The gateway: one exchange in, one answer out, the same answer to the same message (style E9).

A handler reads its nodes and calls one action or query. Exchanges that change something are kept with the digest of what
was asked and the answer given, in the same transaction as the change: a repeated message gets the kept answer, the same id
with other content is an error, and a lost answer is asked again or undone by 2601.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404

from tuodi.apps.settlement import envelope
from tuodi.apps.settlement.envelope import E_INFNO, Envelope
from tuodi.apps.settlement.models import Exchange
from tuodi.base import clock
from tuodi.base.action import together
from tuodi.base.prepared import insert
from tuodi.core.errors import InputErrors, TuodiError, declare, fault

E_OTHER = declare(
    "E-MSG-REPEATED", "报文 {msgid} 已用于另一笔内容不同的交易", "请换一个新的 msgid；如要查询原交易结果请原样重发"
)
E_REVERSED = declare(
    "E-MSG-REVERSED", "报文 {msgid} 已被 2601 冲正，不再办理", "如仍要办理，请换一个新的 msgid 重新发送"
)
E_PATH = declare(
    "E-MSG-PATH", "报文的交易编号 {infno} 不是所访问路径的交易 {expected}", "请核对交易编号和服务路径；什么也没有办理"
)
E_FOREIGN = declare("E-MSG-INSTITUTION", "报文里的机构编号 {code} 与接入密钥所属机构不符", "请核对机构编号和密钥")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """A request with the account it acts as."""

    envelope: Envelope
    actor: Any


@dataclass(frozen=True)
class Reply:
    """What a handler gives back; ``subject`` is what 2601 would undo. A ``refused`` message is not kept, what was written is."""

    output: dict[str, Any]
    subject: str = ""
    refused: InputErrors | None = None


def own_id(letter: str, call: Call) -> str:
    """Return an id made from the message that asked for it, the same each time, and of no other institution's message.

    A hospital's message that begins with its code is recognised in the id; a pharmacy may have the same digits after another
    letter, and a message id that begins otherwise may be anybody's: code and message are digested together.
    """
    code, msgid = call.envelope.fixmedins_code, call.envelope.msgid
    if code[:1] == "H" and msgid.startswith(code):
        return f"{letter}{msgid[-29:]}"
    return f"{letter}{hashlib.sha256(f'{code}|{msgid}'.encode()).hexdigest()[:29]}"


Handler = Callable[[Call], Reply]
#: infno -> (handler, whether it changes anything).
HANDLERS: dict[str, tuple[Handler, bool]] = {}


def handles(*numbers: str, changes: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler for transactions of the interface."""

    def register(handler: Handler) -> Handler:
        for number in numbers:
            assert number not in HANDLERS, number
            HANDLERS[number] = (handler, changes)
        return handler

    return register


def process(body: bytes, *, actor: Any, path_infno: str = "") -> dict[str, Any]:
    """Return the answer to a request, nothing ever half done; what the database itself cannot do is raised (:mod:`.shelter`)."""
    refmsgid = envelope.reference(getattr(actor, "area_code", ""))
    try:
        read = envelope.read(body)
        if path_infno and read.infno[:4] != path_infno[:4]:
            raise InputErrors([fault(E_PATH, infno=read.infno, expected=path_infno)])
        return envelope.answer(_run(Call(read, actor), refmsgid), refmsgid=refmsgid)
    except InputErrors as error:
        return envelope.refusal(*(f"[{f.code}] {f.message}" for f in error.faults), refmsgid=refmsgid)
    except (PermissionDenied, Http404) as error:
        return envelope.refusal(str(error) or "没有权限", refmsgid=refmsgid)
    except TuodiError as error:
        return envelope.refusal(str(error), refmsgid=refmsgid)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("exchange %s failed", refmsgid)
        return envelope.refusal(
            f"系统内部错误，这笔报文的结果未知；请稍后用同一 msgid 原样重发，不会重复办理，或凭编号 {refmsgid} 联系经办机构",
            refmsgid=refmsgid,
        )


def _run(call: Call, refmsgid: str) -> dict[str, Any]:
    read = call.envelope
    own = getattr(call.actor, "institution_code", "")
    if own != read.fixmedins_code:
        raise InputErrors([fault(E_FOREIGN, code=read.fixmedins_code)])
    if read.infno not in HANDLERS:
        raise InputErrors([fault(E_INFNO, infno=read.infno)])
    handler, changes = HANDLERS[read.infno]
    return once(call, handler, refmsgid=refmsgid) if changes else handler(call).output


def once(call: Call, handler: Handler, *, refmsgid: str) -> dict[str, Any]:
    """Do what a message asks for and keep the answer with it; the same message again gets that answer."""
    read = call.envelope
    try:
        with together():
            reply = handler(call)
            if reply.refused is None:
                insert(Exchange(
                    fixmedins_code=read.fixmedins_code, msgid=read.msgid, infno=read.infno, digest=read.digest, at=clock.now(),
                    state="done", subject=reply.subject, refmsgid=refmsgid, answer=reply.output,
                ))  # fmt: skip
    except Exception:
        # A repeated message ends here: what it asks for is done already, or its id is kept already. It gets the kept answer.
        kept = _kept(read)
        if kept is None:
            raise
        return kept
    if reply.refused is not None:
        raise reply.refused
    return reply.output


def _kept(read: Envelope) -> dict[str, Any] | None:
    """Return the answer already given to this message, if any."""
    held = Exchange.objects.filter(fixmedins_code=read.fixmedins_code, msgid=read.msgid).first()
    if held is None:
        return None
    if held.state == "reversed":
        raise InputErrors([fault(E_REVERSED, msgid=read.msgid)])
    if held.digest != read.digest:
        raise InputErrors([fault(E_OTHER, msgid=read.msgid)])
    return held.answer
