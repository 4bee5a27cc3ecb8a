"""A worked case as written, and the values that its shorthands mean.

``burden`` alone is a bill wholly within policy scope that nobody has paid anything of; a person without a name is 甲.
``docs/reference/cases.md`` describes every kind of case. What is *not* here: running one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tuodi.core.engine.fold import Application
from tuodi.core.engine.plan import Plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import parse_amount
from tuodi.core.settlements import INSURER_FIELDS, Settlement

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


@dataclass(frozen=True)
class Case:
    """One worked case, as written, with where it stands."""

    data: Mapping[str, Any]
    file: str
    line: int

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def clauses(self) -> list[str]:
        return [str(clause) for clause in self.data.get("clauses", [])]

    @property
    def readings(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in (self.data.get("readings") or {}).items()}


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
    bills = [settlement_of(item, number) for number, item in enumerate(case.data.get("settlements") or [], start=1)]
    records = [identity_of(item) for item in case.data.get("identities") or []]
    asked = [
        Application(str(item.get("person", "甲")), str(item["layer"]), day_of(item["on"]))
        for item in case.data.get("applications") or []
    ]
    return bills, records, asked


def day_of(value: object) -> date:
    """Return a day of a case."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def identity_of(item: Mapping[str, Any]) -> IdentityRecord:
    """Return an identity of a case: ``identity first last certified applied person``."""

    def optional(key: str) -> date | None:
        return day_of(item[key]) if item.get(key) else None

    unknown = set(item) - {"identity", "first", "last", "certified", "applied", "person"}
    assert not unknown, unknown
    return IdentityRecord(
        psn_no=str(item.get("person", "甲")), identity=str(item["identity"]), first=day_of(item["first"]),
        last=optional("last"), certified_on=optional("certified"), applied_on=optional("applied"),
    )  # fmt: skip


def settlement_of(item: Mapping[str, Any], number: int) -> Settlement:
    """Return a settlement of a case."""
    unknown = set(item) - SETTLEMENT_KEYS
    assert not unknown, unknown
    settled = datetime.fromisoformat(str(item["settled"]))
    split: dict[str, Any] = {field: parse_amount(str(item.get(key, "0 元"))) for key, field in SPLIT_KEYS.items()}
    split["inscp_scp_amt"] += parse_amount(str(item.get("burden", "0 元")))
    payers: dict[str, Any] = {field: parse_amount(str(item.get(key, "0 元"))) for key, field in PAYER_KEYS.items()}
    discharged = day_of(item.get("discharged", settled.date()))
    return Settlement(
        setl_id=str(item.get("id", number)), psn_no=str(item.get("person", "甲")),
        fixmedins_code=str(item.get("institution", "H32090200001")), med_type=str(item.get("care", "21")),
        begndate=day_of(item.get("admitted", discharged)), enddate=discharged, setl_time=settled,
        diag_code=str(item.get("diagnosis", "J18.9")), diag_others=str(item.get("other_diagnoses", "")), medfee_sumamt=sum(split.values()), **split, **payers,
        disease_class=str(item.get("disease", "")), refer_stas=str(item.get("referral", "local")),
        out_prov=bool(item.get("out_of_province", False)), cause=str(item.get("cause", "")),
        hosp_lv=str(item.get("hosp_lv", "")), birth=day_of(item["birth"]) if item.get("birth") else None,
        household=str(item.get("household", "")), standard_area=str(item.get("area", "")),
        assistance_designated=item.get("assistance_institution"), designated=item.get("designated"),
    )  # fmt: skip


def facts_of_case(case: Case, known: set[str]) -> Mapping[str, Any]:
    """Return the facts of a case; a fact that its kind does not know is our mistake in writing it."""
    facts: Mapping[str, Any] = case.data.get("facts") or {}
    unknown = set(facts) - known
    assert not unknown, f"{case.file}:{case.line}: unknown facts {sorted(unknown)}"
    return facts


def compared(case: Case, found: Mapping[str, object]) -> list[Mismatch]:
    """Return every expectation that ``found`` does not meet; amounts are compared in fen, all else as text.

    Of a mapping (by person, criterion, institution) only the keys that are written are compared.
    """
    expect: Mapping[str, Any] = case.data["expect"]
    unknown = set(expect) - set(found)
    assert not unknown, f"{case.file}:{case.line}: unknown expectations {sorted(unknown)}"
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
    return -parse_amount(written[1:]) if written.startswith("-") else parse_amount(written)


def fen_or_none(value: int | None) -> Fen | None:
    """Return an amount found, or None when it is not known."""
    return None if value is None else Fen(value)


def optional_day(item: Mapping[str, Any], key: str) -> date | None:
    """Return a day of a mapping, or None."""
    return day_of(item[key]) if item.get(key) else None
