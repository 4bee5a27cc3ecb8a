"""The national interface's envelope: read tolerantly, answered exactly.

Numbers may arrive as strings, amounts never become binary floats, both spellings of the area fields are taken, an empty
string is "not given". An answer carries ``infcode`` 0, or -1 with a Chinese sentence of at most 200 characters.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tuodi.base import clock
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import fen_from_yuan

E_JSON = declare("E-MSG-JSON", "报文不是规范的 JSON：{why}", "请检查报文是否完整、是否为 UTF-8 编码")
E_DEEP = declare("E-MSG-DEEP", "报文嵌套超过 {limit} 层", "请按接口规范组织报文")
E_LARGE = declare("E-MSG-LARGE", "报文大小 {size} 字节，超过上限 {limit} 字节", "请分批上传")
E_OBJECT = declare("E-MSG-OBJECT", "{name} 应为 JSON 对象", "请按接口规范组织报文")
E_LACKS = declare("E-MSG-LACKS", "缺少必填项 {name}（{title}）", "请补充后重新发送")
E_LENGTH = declare("E-MSG-LENGTH", "{name} 长度 {size} 超过上限 {limit}", "请核对该项")
E_MSGID = declare(
    "E-MSG-ID", "msgid “{given}”不是 30 位（机构编号 12 位 + 时间 14 位 + 顺序号 4 位）", "请按规则重新生成"
)
E_AMOUNT = declare("E-MSG-AMOUNT", "{name} “{given}”不是金额", "金额以元为单位，最多两位小数，不得为负")
E_SIGNED = declare(
    "E-MSG-SIGNED-AMOUNT", "{name} “{given}”不是金额", "金额以元为单位，最多两位小数，退费多于收费时为负"
)
E_COUNT = declare("E-MSG-COUNT", "{name} “{given}”不是笔数", "笔数写成不带小数的数字，没有的写 0")
E_DAY = declare("E-MSG-DAY", "{name} “{given}”不是日期", "日期写成 yyyy-MM-dd，时间写成 yyyy-MM-dd HH:mm:ss")
E_TEXT = declare("E-MSG-TEXT", "报文里有不能保存的字符（控制字符 NUL 或不成对的代理字符）", "请检查文字的编码")
E_INFNO = declare("E-MSG-INFNO", "没有编号为 {infno} 的交易", "请核对交易编号；可用的见接口说明")

MAX_BYTES, MAX_DEPTH, ERROR_TEXT = 4 * 1024 * 1024, 12, 200
#: An amount of ten thousand million yuan or more is a mistake; so is a day outside these years.
MAX_FEN, YEARS = 10**12, range(1900, 2101)
UNKEEPABLE = re.compile("[\\x00\\ud800-\\udfff]")
ENVELOPE = (
    ("infno", "交易编号", 6),
    ("msgid", "发送方报文ID", 30),
    ("fixmedins_code", "定点医药机构编号", 30),
    ("opter", "经办人", 30),
)
#: A provincial front sends an institution under another name, and no operator.
ALSO = {"fixmedins_code": ("medins_code",)}


@dataclass(frozen=True)
class Envelope:
    """A request: who asks for what, and the nodes of its input."""

    infno: str
    msgid: str
    fixmedins_code: str
    opter: str
    insured_area: str
    signature: Mapping[str, str]
    input: Mapping[str, Any]
    digest: str

    def node(self, name: str) -> Mapping[str, Any]:
        """Return a node of the input as an object; empty if absent."""
        held = self.input.get(name)
        if held is None:
            return {}
        if not isinstance(held, Mapping):
            raise InputErrors([fault(E_OBJECT, name=name)])
        return held


class Fields:
    """Reads the fields of a node; collects every fault, to be raised together by :meth:`done`."""

    def __init__(self, node: Mapping[str, Any], *others: Mapping[str, Any]) -> None:
        self.nodes = (node, *others)
        self.faults: list[Fault] = []

    def raw(self, *names: str) -> str:
        """Return the first spelling that is given, as text."""
        for node in self.nodes:
            for name in names:
                value = node.get(name)
                if value is not None and not isinstance(value, (dict, list)) and str(value).strip():
                    return str(value).strip()
        return ""

    def text(self, *names: str, title: str = "", limit: int = 200) -> str:
        """Return a text; with a title it is required."""
        value = self.raw(*names)
        if not value and title:
            self.faults.append(fault(E_LACKS, name=names[0], title=title))
        if len(value) > limit:
            self.faults.append(fault(E_LENGTH, name=names[0], size=len(value), limit=limit))
        return value

    def fen(self, *names: str, title: str = "", signed: bool = False) -> int:
        """Return an amount in fen; absent is 0 unless it has a title. Only a ``signed`` one may be negative."""
        value = self.text(*names, title=title)
        if not value:
            return 0
        whole, point, part = value.partition(".")
        plain = f"{whole}{point}{part[:2]}" if point and not part[2:].strip("0") else value
        try:
            fen = fen_from_yuan(plain.rstrip("."))
        except ValueError:
            fen = MAX_FEN
        if abs(fen) >= MAX_FEN or (fen < 0 and not signed):
            code = E_SIGNED if signed else E_AMOUNT
            self.faults.append(fault(code, name=names[0], given=value[:30]))
            return 0
        return fen

    def count(self, *names: str, title: str = "") -> int:
        """Return a number of rows; absent is 0 unless it has a title."""
        value = self.text(*names, title=title, limit=10)
        whole = value.removesuffix(".0")
        if value and not (whole.isascii() and whole.isdigit()):
            self.faults.append(fault(E_COUNT, name=names[0], given=value[:30]))
            return 0
        return int(whole or 0)

    def instant(self, *names: str, title: str = "") -> datetime | None:
        """Return Beijing wall time of an instant or a day."""
        value = self.text(*names, title=title)
        if not value:
            return None
        try:
            found = datetime.fromisoformat(value.replace("/", "-")).replace(tzinfo=None)
        except ValueError:
            found = None
        if found is None or found.year not in YEARS:
            self.faults.append(fault(E_DAY, name=names[0], given=value[:30]))
            return None
        return found

    def day(self, *names: str, title: str = "") -> date | None:
        """Return a day."""
        found = self.instant(*names, title=title)
        return found.date() if found else None

    def done(self) -> None:
        """Raise every fault found so far."""
        if self.faults:
            raise InputErrors(self.faults)


def read(body: bytes) -> Envelope:
    """Return the envelope of a request; ``InputErrors`` with all that is wrong with it."""
    if len(body) > MAX_BYTES:
        raise InputErrors([fault(E_LARGE, size=len(body), limit=MAX_BYTES)])
    data = _decode(body)
    head = Fields(data)
    fronted = not head.raw("fixmedins_code") and head.raw("medins_code")
    values = {
        name: head.text(name, *ALSO.get(name, ()), title="" if name == "opter" and fronted else title, limit=limit)
        for name, title, limit in ENVELOPE
    }
    if values["msgid"] and len(values["msgid"]) != 30:
        head.faults.append(fault(E_MSGID, given=values["msgid"][:40]))
    held = data.get("input")
    if isinstance(held, str):
        held = _decode(held.encode())
    if not isinstance(held, Mapping):
        head.faults.append(fault(E_OBJECT, name="input"))
    head.done()
    assert isinstance(held, Mapping)
    content = json.dumps([values["infno"], held], sort_keys=True, ensure_ascii=False)
    return Envelope(
        infno=values["infno"], msgid=values["msgid"], fixmedins_code=values["fixmedins_code"], opter=values["opter"],
        insured_area=head.raw("insuplc_admdvs", "insuplc_admvs"), signature={"sign_no": head.raw("sign_no")}, input=held,
        digest=hashlib.sha256(content.encode()).hexdigest(),
    )  # fmt: skip


def _decode(body: bytes) -> dict[str, Any]:
    """Return a JSON object with every number kept as text."""
    try:
        text = body.decode("utf-8-sig")
        data = json.loads(text, parse_float=str, parse_int=str, parse_constant=refuse_constant)
    except UnicodeDecodeError:
        raise InputErrors([fault(E_JSON, why="不是 UTF-8 编码")]) from None
    except RecursionError:
        raise InputErrors([fault(E_DEEP, limit=MAX_DEPTH)]) from None
    except ValueError as error:
        raise InputErrors([fault(E_JSON, why=str(error)[:80])]) from None
    if not isinstance(data, dict):
        raise InputErrors([fault(E_OBJECT, name="报文")])
    examine(data)
    return data


def refuse_constant(text: str) -> str:
    """Refuse ``NaN`` and ``Infinity``, which Python reads in JSON and JSON does not have."""
    raise ValueError(f"{text} 不是数")


def examine(document: Any) -> None:
    """Refuse a document that is nested too deep or has text that cannot be kept; walked without recursion."""
    waiting = [(document, 1)]
    while waiting:
        held, level = waiting.pop()
        if level > MAX_DEPTH:
            raise InputErrors([fault(E_DEEP, limit=MAX_DEPTH)])
        if isinstance(held, str) and UNKEEPABLE.search(held):
            raise InputErrors([fault(E_TEXT)])
        if isinstance(held, dict):
            waiting += [(item, level + 1) for pair in held.items() for item in pair]
        elif isinstance(held, list):
            waiting += [(item, level + 1) for item in held]


def answer(output: Mapping[str, Any], *, refmsgid: str) -> dict[str, Any]:
    """Return a successful answer."""
    return _answer(0, "", output, refmsgid)


def refusal(*messages: str, refmsgid: str) -> dict[str, Any]:
    """Return a failed answer: the sentence is cut to what the interface allows, all of them stand in ``output.errors``."""
    whole = "；".join(messages)
    if len(whole) > ERROR_TEXT:
        whole = f"共 {len(messages)} 处错误：{whole}" if len(messages) > 1 else whole
        whole = whole[: ERROR_TEXT - 1] + "…"
    return _answer(-1, whole, {"errors": list(messages)}, refmsgid)


def _answer(code: int, message: str, output: Mapping[str, Any], refmsgid: str) -> dict[str, Any]:
    stamp = clock.local(clock.now()).strftime("%Y%m%d%H%M%S%f")[:17]
    return {
        "infcode": code, "inf_refmsgid": refmsgid, "refmsg_time": stamp, "respond_time": stamp, "enctype": "", "signtype": "",
        "cainfo": "", "err_msg": message, "warn_msg": "", "output": dict(output),
    }  # fmt: skip


def reference(area: str) -> str:
    """Return a receiver's message id: area, instant, ten digits."""
    import secrets

    stamp = clock.local(clock.now()).strftime("%Y%m%d%H%M%S")
    return f"{(area or '000000')[:6]:0<6}{stamp}{secrets.randbelow(10**10):010d}"
