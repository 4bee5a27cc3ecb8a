"""Worked cases beside a pack: read, run, compared to the fen.

A case is written from the text, with its arithmetic in words (style D6). Shorthands keep it short: ``burden`` alone is a bill
wholly within policy scope that nobody has paid anything of. Kinds of case other than a history of bills are registered in
``KINDS`` by the module that computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tuodi.core.engine.fold import Application, EventResult, fold, live
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import EnteredValue, parse_amount
from tuodi.core.policy.load import PackSource, load_pack
from tuodi.core.settlements import INSURER_FIELDS, Settlement

SPLIT_KEYS = {"inscp": "inscp_scp_amt", "preself": "preselfpay_amt", "fulamt": "fulamt_ownpay_amt", "overlmt": "overlmt_selfpay"}
PAYER_KEYS = {
    **{name.removesuffix("_pay"): name for name in INSURER_FIELDS},
    "supp": "supp_pay", "relief": "relief_amt", "maf": "maf_pay", "later_aid": "later_aid_amt",
}  # fmt: skip
SETTLEMENT_KEYS = {
    "id", "person", "settled", "admitted", "discharged", "care", "diagnosis", "burden", "disease", "referral",
    "out_of_province", "cause", "hosp_lv", "birth", "household", "area", "institution", "assistance_institution",
    *SPLIT_KEYS, *PAYER_KEYS,
}  # fmt: skip
CASE_KEYS = {
    "name", "clauses", "readings", "worked", "kind", "simulate", "delegated", "identities", "settlements", "applications",
    "cancelled", "facts", "expect", "gauntlet",
}  # fmt: skip
EXPECT_KEYS = {"pays", "total", "layers", "refusals", "clauses", "categories", "due", "deductibles", "cut", "identities"}


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


def run_case(source: PackSource, case: Case, values: list[EnteredValue]) -> list[Mismatch]:
    """Return every mismatch of one case; none means that it holds."""
    unknown = set(case.data) - CASE_KEYS
    assert not unknown, f"{case.file}:{case.line}: unknown keys {sorted(unknown)}"
    assert case.data.get("worked"), f"{case.file}:{case.line}: the arithmetic (worked) is missing"
    assert case.data.get("expect"), f"{case.file}:{case.line}: nothing is expected"
    own = [EnteredValue(str(p), str(v), "案例") for p, v in (case.data.get("delegated") or {}).items()]
    named = {value.param for value in own}
    entered = [value for value in values if value.param not in named] + [v for v in own if v.value != "None"]
    plan = make_plan(load_pack(source, readings=case.readings), entered, simulate=bool(case.data.get("simulate")))
    return KINDS[str(case.data.get("kind", "history"))](plan, case)


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
        diag_code=str(item.get("diagnosis", "J18.9")), medfee_sumamt=sum(split.values()), **split, **payers,
        disease_class=str(item.get("disease", "")), refer_stas=str(item.get("referral", "local")),
        out_prov=bool(item.get("out_of_province", False)), cause=str(item.get("cause", "")),
        hosp_lv=str(item.get("hosp_lv", "")), birth=day_of(item["birth"]) if item.get("birth") else None,
        household=str(item.get("household", "")), standard_area=str(item.get("area", "")),
        assistance_designated=item.get("assistance_institution"),
    )  # fmt: skip


def _history(plan: Plan, case: Case) -> list[Mismatch]:
    bills, records, asked = history_of(case)
    kept = live(bills, [str(setl_id) for setl_id in case.data.get("cancelled") or []])
    results = {r.settlement.setl_id: r for r in fold(plan, kept, records, asked)}
    checked = {r.settlement.setl_id: r for r in fold(plan, kept, records, asked, reference=True)}
    out = [
        Mismatch(case, f"{key} 参照求值", yuan_for_people(checked[key].pay), yuan_for_people(results[key].pay))
        for key in results
        if results[key].layers != checked[key].layers
    ]
    ordered = [results.get(bill.setl_id) for bill in bills]
    return out + _compare(case, ordered)


def _compare(case: Case, ordered: list[EventResult | None]) -> list[Mismatch]:
    expect: Mapping[str, Any] = case.data["expect"]
    unknown = set(expect) - EXPECT_KEYS
    assert not unknown, unknown
    pairs: list[tuple[str, list[str], list[str]]] = []
    if "pays" in expect:
        pairs.append(("各次救助", _amounts(expect["pays"]), [yuan_for_people(r.pay if r else 0) for r in ordered]))
    if "total" in expect:
        whole = sum(r.pay for r in ordered if r)
        pairs.append(("合计", _amounts([expect["total"]]), [yuan_for_people(whole)]))
    for key, attribute in (("layers", "pay"), ("deductibles", "deductible"), ("cut", "cut")):
        for layer, amounts in (expect.get(key) or {}).items():
            found = [yuan_for_people(_of_layer(r, str(layer), attribute)) for r in ordered]
            pairs.append((f"{layer} {attribute}", _amounts(amounts), found))
    for key, attribute in (("refusals", "refusal"), ("clauses", "clause")):
        if key in expect:
            found = [str(getattr(r.decision, attribute) or "-") if r else "-" for r in ordered]
            pairs.append((key, [str(x or "-") for x in expect[key]], found))
    for key, attribute in (("categories", "category"), ("identities", "identity")):
        if key in expect:
            pairs.append((key, [str(x or "-") for x in expect[key]], [str(getattr(r, attribute) or "-") if r else "-" for r in ordered]))
    if "due" in expect:
        found = [str(min((x.due_on for x in r.layers if x.pay), default="-")) if r else "-" for r in ordered]
        pairs.append(("due", [str(x or "-") for x in expect["due"]], found))
    return [Mismatch(case, what, " · ".join(want), " · ".join(got)) for what, want, got in pairs if want != got]


def _amounts(values: list[Any]) -> list[str]:
    return [yuan_for_people(parse_amount(str(value))) for value in values]


def _of_layer(result: EventResult | None, layer: str, attribute: str) -> int:
    return sum(int(getattr(x, attribute)) for x in result.layers if x.layer == layer) if result else 0


KINDS["history"] = _history
