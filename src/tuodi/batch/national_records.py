"""Settlement records of the national interface, read as they really arrive.

Clients and provinces differ: numbers or strings, ``""`` and null, ``cashPayamt`` or ``psn_cash_pay``, ``setlinfo`` as an
object or as a JSON text, a whole envelope or a bare pair. All of it ends in one shape, :class:`Record`: amounts in fen
under one name each, everything else as text. An amount that is not there is not in ``amounts``: unknown is not zero.

Numbers never pass through binary fractions: the JSON reader hands them over as the characters that stood in the file.
What is *not* here: any arithmetic (``national_checks``) and any exchange row (``national_rows``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tuodi.core.errors import Fault, declare, fault
from tuodi.core.money import fen_from_yuan, yuan

#: What the JSON reader complains of, and what people read.
PROBLEMS = {
    "property name": "键要用英文双引号括起来，或者文件没有写完", "Expecting value": "这里缺一个值", "Expecting ','": "少了逗号，或括号没有配对",
    "Expecting ':'": "键后面少了冒号", "Unterminated string": "引号没有配对", "Invalid control": "文字里有换行等控制符", "Extra data": "结尾之后还有内容",
}  # fmt: skip

E_JSON = declare("E-NATIONAL-JSON", "不是规范的 JSON：{why}", "请核对文件是否完整、是否为接口返回的原文")
E_SHAPE = declare(
    "E-NATIONAL-SHAPE",
    "{record}里没有结算信息 setlinfo",
    "请提供 2207、2304、5203 等交易的返回内容，或只含 setlinfo 的对象",
)
E_FAILED = declare("E-NATIONAL-FAILED", "{record}是一次失败的交易（infcode {infcode}：{why}）", "请只转换成功的结算")
E_AMOUNT = declare(
    "E-NATIONAL-AMOUNT",
    "{record}的金额不能精确到分，或不小于 10 亿元",
    "请写成最多两位小数的元，例如 3982.02，不用科学计数法",
)
E_SPELLINGS = declare(
    "E-NATIONAL-SPELLINGS", "{record}对同一金额给出两个不同的值：{first} 与 {second}", "请核对后保留一个"
)

#: one name for each thing, and how else clients write it; names are compared in lower case.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "psn_cash_pay": ("cash_payamt", "cashpayamt", "psncash_pay"),
    "medfee_sumamt": ("med_fee_sumamt",),
    "preselfpay_amt": ("prese_ifpay_amt",),
    "insu_admdvs": ("insu_admvs", "insuplc_admdvs", "insuplc_admvs"),
    "mdtrtarea_admvs": ("mdtrtarea_admdvs",),
    "certno": ("cert_no",),
    "exp_content": ("expcontent",),
    "diag_code": ("dscg_maindiag_code",),
}
CANONICAL = {spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings}
#: every money field of the settlement block; ``pool_prop_selfpay`` is a ratio and stays text.
AMOUNTS = frozenset((
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "inscp_amt",
    "act_pay_dedc", "dedc_std", "crt_dedc", "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "hifdm_pay",
    "maf_pay", "oth_pay", "othfund_pay", "fund_pay_sumamt", "psn_part_amt", "psn_pay", "acct_pay", "acct_mulaid_pay",
    "psn_cash_pay", "hosp_part_amt", "ownpay_hosp_part", "balc",
))  # fmt: skip
DETAIL_AMOUNTS = frozenset(("inscp_scp_amt", "crt_payb_lmt_amt", "fund_payamt"))
#: keys under which other transactions carry their content: such an item is passed over, not a fault.
OTHER_CONTENT = ("data", "result", "stmtinfo", "fileinfo", "feedetail")
AMOUNT_PATTERN = re.compile(r"(-?[0-9]{1,9})(?:\.([0-9]{1,2})0*)?")
SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Detail:
    """One row of ``setldetail``."""

    amounts: Mapping[str, int]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One settlement as the national interface tells it: known amounts in fen, other fields as text.

    ``detail`` is None when no ``setldetail`` came. ``faults`` are amounts that could not be read.
    """

    key: str
    amounts: Mapping[str, int]
    texts: Mapping[str, str] = field(default_factory=dict)
    detail: tuple[Detail, ...] | None = None
    infno: str = ""
    line: int = 0
    faults: tuple[Fault, ...] = ()

    def amount(self, name: str) -> int | None:
        """Return the amount in fen, or None when the record does not say."""
        return self.amounts.get(name)

    def text(self, name: str) -> str:
        """Return the text, empty when the record does not say."""
        return self.texts.get(name, "")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held: settlements, what else was in it, and what could not be read at all."""

    records: tuple[Record, ...]
    passed_over: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def fen_from_wire(value: object) -> int | None:
    """Return an amount of the wire in fen, None for null or empty; ``ValueError`` if it is not exact to the fen.

    >>> fen_from_wire("3982.0"), fen_from_wire("-25.1"), fen_from_wire("1.500"), fen_from_wire("")
    (398200, -2510, 150, None)
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(repr(value))
    text = value.strip()
    if not text:
        return None
    match = AMOUNT_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    whole, cents = match.groups()
    return fen_from_yuan(f"{whole}.{cents}" if cents else whole)


def read_records(text: str, *, file: str = "") -> Reading:
    """Return every settlement in a JSON text: one document, a list, ``{"records": [...]}`` or JSON lines."""
    records: list[Record] = []
    passed_over: list[str] = []
    faults: list[Fault] = []
    for line, value in _values(text, file=file, faults=faults):
        items = _items(value)
        for item in items:
            ordinal = len(records) + len(passed_over) + 1
            found = record_from(item, ordinal=ordinal, file=file, line=line if items == [value] else 0)
            if isinstance(found, Record):
                records.append(found)
            elif isinstance(found, Fault):
                faults.append(found)
            else:
                passed_over.append(found)
    return Reading(tuple(records), tuple(passed_over), tuple(faults))


def record_from(item: object, *, ordinal: int = 1, file: str = "", line: int = 0) -> Record | Fault | str:
    """Return the settlement in one item; a fault if there is none; the item's name if it is another transaction.

    Numbers must have been read as text (``decode``).
    """
    name = _name_of(item, ordinal)
    if not isinstance(item, dict):
        return fault(E_SHAPE, file=file, line=line, record=name)
    infcode = _as_text(item.get("infcode"))
    if infcode not in ("", "0"):
        return fault(E_FAILED, file=file, line=line, record=name, infcode=infcode, why=_as_text(item.get("err_msg")))
    body = item
    if "output" in item:
        body = _opened(item["output"])
        if not isinstance(body, dict):
            return fault(E_SHAPE, file=file, line=line, record=name)
    info = _opened(body.get("setlinfo"))
    if isinstance(info, list) and len(info) == 1:
        info = info[0]
    if info is None and any(key in body for key in ("medfee_sumamt", "setl_id")):
        info = {k: v for k, v in body.items() if k != "setldetail"}
    if not isinstance(info, dict):
        if any(key in body for key in OTHER_CONTENT):
            return name
        return fault(E_SHAPE, file=file, line=line, record=name)
    return _record(info, body=body, item=item, ordinal=ordinal, place=(file, line))


def _record(info: dict, *, body: dict, item: dict, ordinal: int, place: tuple[str, int]) -> Record:
    key = _as_text(item.get("key")) or _as_text(info.get("setl_id")) or f"第 {ordinal} 条"
    faults: list[Fault] = []
    amounts, texts = _fields(info, AMOUNTS, owner=f"结算记录 {key} ", place=place, faults=faults)
    rows = _opened(body.get("setldetail"))
    if isinstance(rows, dict):
        rows = [rows]
    detail = None
    if isinstance(rows, list):
        owner = f"结算记录 {key} 的 setldetail "
        detail = tuple(
            Detail(*_fields(row, DETAIL_AMOUNTS, owner=owner, place=place, faults=faults))
            for row in rows
            if isinstance(row, dict)
        )
    infno = _as_text(item.get("infno")) or _as_text(item.get("transaction"))
    return Record(key, amounts, texts, detail, infno=infno, line=place[1], faults=tuple(faults))


def _fields(
    fields: dict, money: frozenset[str], *, owner: str, place: tuple[str, int], faults: list[Fault]
) -> tuple[dict[str, int], dict[str, str]]:
    """Return amounts and texts under their one name; null and empty are left out."""
    amounts: dict[str, int] = {}
    texts: dict[str, str] = {}
    file, line = place
    for written, value in fields.items():
        lower = written.lower()
        name = CANONICAL.get(lower, lower)
        if name not in money:
            text = _as_text(value)
            if text and (name not in texts or lower == name):
                texts[name] = text
            continue
        try:
            fen = fen_from_wire(value)
        except ValueError as why:
            faults.append(fault(E_AMOUNT, file=file, line=line, column=written, value=str(why), record=owner))
            continue
        if fen is None:
            continue
        if amounts.setdefault(name, fen) != fen:
            both = {"first": yuan(amounts[name]), "second": yuan(fen)}
            faults.append(fault(E_SPELLINGS, file=file, line=line, column=written, record=owner, **both))
    return amounts, texts


def decode(text: str) -> object:
    """Return a JSON text with every number as the characters that stood there; ``ValueError`` if it is not JSON."""
    value, end = DECODER.raw_decode(text, SPACE.match(text).end())
    if SPACE.match(text, end).end() != len(text):
        raise ValueError(text[end : end + 20])
    return value


DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def _values(text: str, *, file: str, faults: list[Fault]) -> Iterator[tuple[int, object]]:
    """Yield every top-level JSON value with its line; a broken line of JSON lines costs that line only."""
    position = SPACE.match(text).end()
    line = 1 + text.count("\n", 0, position)
    by_lines = file.endswith((".jsonl", ".ndjson"))
    if position == len(text):
        faults.append(fault(E_JSON, file=file, why="文件是空的"))
    while position < len(text):
        try:
            value, end = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            said = getattr(error, "msg", "嵌套太深")
            why = next((says for part, says in PROBLEMS.items() if part in said), said)
            at = line + text.count("\n", position, getattr(error, "pos", position))
            faults.append(fault(E_JSON, file=file, line=at, why=why))
            end = text.find("\n", position)
            if not by_lines or end < 0:
                return
        else:
            yield line, value
        following = SPACE.match(text, end).end()
        line += text.count("\n", position, following)
        position = following


def _items(value: object) -> list[object]:
    if isinstance(value, dict) and isinstance(value.get("records"), list):
        value = value["records"]
    return value if isinstance(value, list) else [value]


def _opened(value: object) -> object:
    """Return the value behind a serialised JSON text; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return decode(value)
    except (ValueError, RecursionError):
        return value or None


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _name_of(item: object, ordinal: int) -> str:
    key = _as_text(item.get("key")) if isinstance(item, dict) else ""
    return f"第 {ordinal} 条（{key}）" if key else f"第 {ordinal} 条"
