"""A worked case as written, and the values that its shorthands mean.

``burden`` alone is a bill wholly within policy scope that nobody has paid anything of; a person without a name is 甲.
``docs/reference/cases.md`` describes every kind of case. What is *not* here: running one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from tuodi.core.engine.fold import Application
from tuodi.core.engine.plan import Plan
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import parse_amount
from tuodi.core.settlements import CAUSES, HOSPITAL_TIERS, INSURER_FIELDS, MED_TYPES, REFERRALS, Settlement

SPLIT_KEYS = {
    "inscp": "inscp_scp_amt",
    "preself": "preselfpay_amt",
    "fulamt": "fulamt_ownpay_amt",
    "overlmt": "overlmt_selfpay",
}
PAYER_KEYS = {
    **{name.removesuffix("_pay"): name for name in INSURER_FIELDS},
    "supp": "supp_pay", "relief": "relief_amt", "maf": "maf_pay", "later_aid": "later_aid_amt",
}  # fmt: skip
SETTLEMENT_KEYS = {
    "id", "person", "settled", "admitted", "discharged", "care", "diagnosis", "other_diagnoses", "burden", "disease", "referral",
    "out_of_province", "cause", "hosp_lv", "birth", "household", "area", "institution", "assistance_institution", "designated",
    *SPLIT_KEYS, *PAYER_KEYS,
}  # fmt: skip


class Unreadable(ValueError):
    """A case that is not written as cases are; says in Chinese what is wrong with it."""


def keys_of(item: object, known: Collection[str] | None, where: str) -> Mapping[str, Any]:
    """Return a mapping of a case that has only known keys (None: any)."""
    if not isinstance(item, Mapping):
        raise Unreadable(f"{where}应是键值表，如 {{键: 值}}")
    for key in item:
        if known is not None and key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"是不是“{near[0]}”" if near else f"可用的：{'、'.join(sorted(known))}"
            raise Unreadable(f"{where}里没有名为“{key}”的键，{hint}")
    return item


def items_of(value: object, where: str) -> list[Any]:
    """Return a list of a case; what is not written is an empty one."""
    if value is not None and not isinstance(value, list):
        raise Unreadable(f"{where}应是列表，如 [{shown(value)}]")
    return value or []


def needed(item: Mapping[str, Any], key: str, where: str) -> Any:
    """Return what a key says that may not be left out."""
    if item.get(key) in (None, "", {}, []):
        raise Unreadable(f"{where}缺少“{key}”")
    return item[key]


@dataclass(frozen=True)
class Case:
    """One worked case, as written, with where it stands."""

    data: Mapping[str, Any]
    file: str
    line: int

    @property
    def name(self) -> str:
        return str(self.data.get("name") or "（没有名字）") if isinstance(self.data, Mapping) else "（没有名字）"

    @property
    def clauses(self) -> list[str]:
        written = self.data.get("clauses") if isinstance(self.data, Mapping) else None
        return [str(clause) for clause in written] if isinstance(written, list) else []

    @property
    def readings(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in keys_of(self.data.get("readings") or {}, None, "readings").items()}


@dataclass(frozen=True)
class Mismatch:
    """What a case expects and what the engine says."""

    case: Case
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        clauses = "、".join(self.case.clauses)
        return f"[{clauses}] {self.case.name}：{self.what} 应为 {self.expected}，算得 {self.found}"


Runner = Callable[[Plan, Case], list[Mismatch]]
KINDS: dict[str, Runner] = {}


def history_of(case: Case) -> tuple[list[Settlement], list[IdentityRecord], list[Application]]:
    """Return the values that a case's shorthands mean."""
    listed = {key: items_of(case.data.get(key), key) for key in ("settlements", "identities", "applications")}
    bills = [settlement_of(item, number) for number, item in enumerate(listed["settlements"], start=1)]
    records = [identity_of(item) for item in listed["identities"]]
    return bills, records, [_application(item) for item in listed["applications"]]


def _application(item: Mapping[str, Any]) -> Application:
    where = "applications 的一项"
    keys_of(item, {"person", "layer", "on"}, where)
    return Application(
        str(item.get("person", "甲")), str(needed(item, "layer", where)), day_of(needed(item, "on", where))
    )


def day_of(value: object) -> date:
    """Return a day of a case."""
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise Unreadable(f"“{value}”不是日期，写成 2024-03-01") from None


def amount_of(value: object) -> int:
    """Return an amount of a case in fen."""
    try:
        return parse_amount(str(value))
    except ValueError:
        raise Unreadable(f"“{value}”不是金额，写成 3000 元或 1.5 万元") from None


def identity_of(item: Mapping[str, Any]) -> IdentityRecord:
    """Return an identity of a case: ``identity first last certified applied person``."""

    where = "identities 的一项"
    keys_of(item, {"identity", "first", "last", "certified", "applied", "person"}, where)
    code = str(needed(item, "identity", where))
    if code not in IDENTITIES:
        raise Unreadable(f"没有身份代码“{code}”，代码表见 docs/reference/pack.md")
    first, last = day_of(needed(item, "first", where)), optional_day(item, "last")
    if last is not None and last < first:
        raise Unreadable(f"{where}的终止日 {last} 在起始日 {first} 之前")
    return IdentityRecord(
        psn_no=str(item.get("person", "甲")), identity=code, first=first,
        last=last, certified_on=optional_day(item, "certified"), applied_on=optional_day(item, "applied"),
    )  # fmt: skip


def settlement_of(item: Mapping[str, Any], number: int) -> Settlement:
    """Return a settlement of a case."""
    where = f"settlements 的第 {number} 项"
    keys_of(item, SETTLEMENT_KEYS, where)
    settled = _instant(needed(item, "settled", where))
    split: dict[str, Any] = {field: amount_of(item.get(key, "0 元")) for key, field in SPLIT_KEYS.items()}
    split["inscp_scp_amt"] += amount_of(item.get("burden", "0 元"))
    payers: dict[str, Any] = {field: amount_of(item.get(key, "0 元")) for key, field in PAYER_KEYS.items()}
    discharged = day_of(item.get("discharged", settled.date()))
    admitted = day_of(item.get("admitted", discharged))
    if admitted > discharged:
        raise Unreadable(f"{where}的入院日 {admitted} 在出院日 {discharged} 之后")
    return Settlement(
        setl_id=str(item.get("id", number)), psn_no=str(item.get("person", "甲")),
        fixmedins_code=str(item.get("institution", "H32090200001")), med_type=care_of(item, where),
        begndate=admitted, enddate=discharged, setl_time=settled,
        diag_code=str(item.get("diagnosis", "J18.9")), diag_others=str(item.get("other_diagnoses", "")), medfee_sumamt=sum(split.values()), **split, **payers,
        disease_class=str(item.get("disease", "")), refer_stas=code_of(item, "referral", REFERRALS, where) or "local",
        out_prov=bool(item.get("out_of_province", False)), cause=code_of(item, "cause", CAUSES, where),
        hosp_lv=code_of(item, "hosp_lv", HOSPITAL_TIERS, where), birth=day_of(item["birth"]) if item.get("birth") else None,
        household=str(item.get("household", "")), standard_area=str(item.get("area", "")),
        assistance_designated=item.get("assistance_institution"), designated=item.get("designated"),
    )  # fmt: skip


def care_of(item: Mapping[str, Any], where: str) -> str:
    """Return the national code of a kind of care, or a longer local one that begins with it."""
    code = str(item.get("care", "21"))
    if code[:2] not in MED_TYPES:
        raise Unreadable(f'{where}的 care“{code}”不是医疗类别代码，写成 "21"（普通住院）、"14"（门诊慢特病）等')
    return code


def code_of(item: Mapping[str, Any], key: str, known: Collection[str], where: str) -> str:
    """Return a code of a case that must be one of a list; what is not written is empty."""
    code = str(item.get(key) or "")
    if code and code not in known:
        raise Unreadable(f"{where}的 {key}“{code}”没有这个代码，可用的：{'、'.join(filter(None, known))}")
    return code


def _instant(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise Unreadable(f"“{value}”不是日期或时刻，写成 2024-03-01 或 2024-03-01 10:00:00") from None


def facts_of_case(case: Case, known: set[str]) -> Mapping[str, Any]:
    """Return the facts of a case; one that its kind does not know is not written as cases are."""
    return keys_of(case.data.get("facts") or {}, known, "facts")


def compared(case: Case, found: Mapping[str, object]) -> list[Mismatch]:
    """Return every expectation that ``found`` does not meet; amounts are compared in fen, all else as text.

    Of a mapping (by person, criterion, institution) only the keys that are written are compared.
    """
    expect = keys_of(case.data["expect"], set(found), "expect")
    out = []
    for key, want in expect.items():
        got = found[key]
        if isinstance(want, Mapping) and isinstance(got, Mapping):
            got = {name: got.get(name, "（没有）") for name in want}
        if shown(want) != shown(got):
            out.append(Mismatch(case, key, shown(want), shown(got)))
    return out


def shown(value: object) -> str:
    """Return a value of a case as it is compared and printed.

    >>> shown("3000 元"), shown(Fen(300000)), shown(None), shown({"甲": "opened"}), shown(["a", True])
    ('3,000.00 元', '3,000.00 元', '-', '甲=opened', 'a · 是')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Fen):
        return yuan_for_people(value)
    if isinstance(value, Mapping):
        return "，".join(f"{key}={shown(value[key])}" for key in sorted(value, key=str))
    if isinstance(value, list | tuple):
        return " · ".join(shown(item) for item in value)
    text = str(value)
    try:
        return yuan_for_people(fen_of(text)) if text.endswith("元") else text
    except ValueError:
        return text


class Fen(int):
    """An amount found, so that it is compared with an amount expected."""


def fen_of(text: object) -> int:
    """Return the fen of an amount of a case; a leading minus is allowed.

    >>> fen_of("-1.5 万元"), fen_of("3 元")
    (-1500000, 300)
    """
    written = str(text)
    return -amount_of(written[1:]) if written.startswith("-") else amount_of(written)


def fen_or_none(value: int | None) -> Fen | None:
    """Return an amount found, or None when it is not known."""
    return None if value is None else Fen(value)


def optional_day(item: Mapping[str, Any], key: str) -> date | None:
    """Return a day of a mapping, or None."""
    return day_of(item[key]) if item.get(key) else None
