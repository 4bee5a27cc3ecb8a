"""A whole bill from its total: what insurers, others and every layer of assistance pay, and what is left.

With a plan made for simulation the pack's insurance layers run first. A payer whose amount is a fact keeps it: its simulated
layers do not run for that settlement. The shares and what is left always add up to the total. What is *not* here: pictures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Literal

from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.engine.decide import LayerChoice
from tuodi.core.engine.fold import Application, Event, EventResult, events_of, run
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.model import Layer
from tuodi.core.settlements import INSURER_FIELDS, OTHER_PAYER_FIELDS, SPLIT_FIELDS, Settlement

E_NEGATIVE = declare("E-BILL-NEGATIVE", "“{name}”是负数（{amount}）", "请填写 0 或正数")
E_PARTS = declare(
    "E-BILL-PARTS", "全自费、超限价和先行自付合计 {parts}，超过总费用 {total}", "请核对结算单上的分项金额"
)
E_OVERPAID = declare("E-BILL-OVERPAID", "各方已支付合计 {paid}，超过总费用 {total}", "请核对各项支付金额")
E_PAYER = declare("E-BILL-PAYER", "没有名为“{payer}”的支付项", "可用的支付项：{known}")
E_DAYS = declare("E-BILL-DAYS", "入院日 {admitted} 晚于结算日 {settled}", "请核对两个日期")

PAYER_FIELDS = (*INSURER_FIELDS, *OTHER_PAYER_FIELDS)
ALL_PAYERS = frozenset(PAYER_FIELDS)
#: The order in which a waterfall falls, before and after the pack's own layers.
BEFORE_ASSISTANCE = (*INSURER_FIELDS, "supp_pay", "relief_amt", "maf_pay")
AFTER_ASSISTANCE = ("later_aid_amt",)

ShareKind = Literal["insurance", "relief", "upstream", "assistance", "later_aid"]
KINDS_OF_FIELDS: dict[str, ShareKind] = {
    "relief_amt": "relief",
    "maf_pay": "upstream",
    "later_aid_amt": "later_aid",
}


@dataclass(frozen=True, slots=True)
class TypedBill:
    """A bill as somebody types it in, in fen. What is not split off is within policy scope.

    ``payments_fen`` are amounts known as facts, by payer (``hifp_pay`` …, ``relief_amt``, ``maf_pay``); 0 is a fact too.
    Identity records must bear the same ``psn_no``.
    """

    settled_on: date
    total_fen: int
    full_self_pay_fen: int = 0
    over_limit_fen: int = 0
    class_b_first_fen: int = 0
    payments_fen: Mapping[str, int] = field(default_factory=dict)
    admitted_on: date | None = None
    med_type: str = "21"
    diag_code: str = ""
    disease_class: str = ""
    hosp_lv: str = ""
    refer_stas: str = "local"
    out_prov: bool = False
    cause: str = ""
    birth: date | None = None
    psn_no: str = "本人"

    def settlement(self, setl_id: str = "估算") -> Settlement:
        """Return the bill as a settlement; ``InputErrors`` with everything that does not fit."""
        faults = list(self._faults())
        if faults:
            raise InputErrors(faults)
        split = (self.full_self_pay_fen, self.over_limit_fen, self.class_b_first_fen)
        amounts: dict[str, Any] = dict(
            zip(SPLIT_FIELDS, (self.total_fen, *split, self.total_fen - sum(split)), strict=True)
        )
        return Settlement(
            setl_id=setl_id,
            psn_no=self.psn_no,
            fixmedins_code="",
            med_type=self.med_type,
            begndate=self.admitted_on or self.settled_on,
            enddate=self.settled_on,
            setl_time=datetime.combine(self.settled_on, time(12)),
            diag_code=self.diag_code,
            disease_class=self.disease_class,
            hosp_lv=self.hosp_lv,
            refer_stas=self.refer_stas,
            out_prov=self.out_prov,
            cause=self.cause,
            birth=self.birth,
            **{**amounts, **self.payments_fen},
        )

    def _faults(self) -> list[Fault]:
        split = {
            "medfee_sumamt": self.total_fen,
            "fulamt_ownpay_amt": self.full_self_pay_fen,
            "overlmt_selfpay": self.over_limit_fen,
            "preselfpay_amt": self.class_b_first_fen,
        }
        out = [
            fault(E_NEGATIVE, name=AMOUNT_NAMES.get(name, name), amount=yuan_for_people(fen))
            for name, fen in [*split.items(), *self.payments_fen.items()]
            if fen < 0
        ]
        known = "、".join(PAYER_FIELDS)
        out += [fault(E_PAYER, payer=name, known=known) for name in self.payments_fen if name not in ALL_PAYERS]
        parts = sum(split.values()) - self.total_fen
        total = yuan_for_people(self.total_fen)
        if parts > self.total_fen:
            out.append(fault(E_PARTS, parts=yuan_for_people(parts), total=total))
        paid = sum(self.payments_fen.values())
        if paid > self.total_fen:
            out.append(fault(E_OVERPAID, paid=yuan_for_people(paid), total=total))
        if self.admitted_on is not None and self.admitted_on > self.settled_on:
            out.append(fault(E_DAYS, admitted=self.admitted_on, settled=self.settled_on))
        return out


@dataclass(frozen=True, slots=True)
class Share:
    """What one payer or layer pays, in fen; ``id`` is the payer's field or the layer's id."""

    kind: ShareKind
    id: str
    name: str
    amount_fen: int
    is_simulated: bool = False
    due_on: date | None = None
    clauses: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A bill from its total to what is left, in fen: ``total`` is the sum of the shares and ``left``.

    ``parts_fen`` splits the total (full self-pay, over limit, class-B first share, in policy). ``left_fen`` is below 0 only when a cap
    that steps up pays with this bill what it cut off earlier ones (I-12). ``result`` explains every layer, or refuses.
    """

    total_fen: int
    parts_fen: Mapping[str, int]
    shares: tuple[Share, ...]
    left_fen: int
    result: EventResult

    def amount_fen(self, share_id: str) -> int:
        """Return what a payer or layer pays; 0 if it does not."""
        return sum(share.amount_fen for share in self.shares if share.id == share_id)


def estimate(
    plan: Plan,
    bill: Settlement,
    identities: Sequence[IdentityRecord],
    *,
    known: Collection[str] = (),
    earlier: Sequence[Settlement] = (),
    earlier_known: Collection[str] = ALL_PAYERS,
    applications: Sequence[Application] = (),
) -> Waterfall:
    """Return the waterfall of a bill after the earlier settlements of the same people.

    ``known`` are the payers whose amounts on the bill are facts, ``earlier_known`` those of the earlier settlements: all, unless
    they are simulated too, and only then do they use up a simulated deductible of insurance. Raises ``MissingValues`` if a layer that applies reads a value that nobody has entered. With a plan that was not
    made for simulation every amount on the bill is a fact.
    """
    events = events_of(plan, [*earlier, bill], identities, applications)
    for event in events:
        facts = known if event.settlement is bill else earlier_known
        _keep_facts(plan, event, facts)
    results = run(plan, events)
    return waterfall(plan, next(result for result in results if result.settlement is bill))


def estimate_typed(
    plan: Plan, typed: TypedBill, identities: Sequence[IdentityRecord], *, earlier: Sequence[Settlement] = ()
) -> Waterfall:
    """Return the waterfall of a bill typed in; the payers that it gives are facts, ``InputErrors`` if it does not fit."""
    known = set(typed.payments_fen)
    return estimate(plan, typed.settlement(), identities, known=known, earlier=earlier)


def waterfall(plan: Plan, result: EventResult) -> Waterfall:
    """Return the shares of one computed settlement, payers first, then the pack's layers in their order."""
    s = result.settlement
    shares = [share for name in BEFORE_ASSISTANCE for share in _payer(plan, result, name)]
    for layer in plan.layers:
        if not _insures(layer):
            shares += [_layer_share(layer, result, "assistance")] if _ran(layer, result) else []
    shares += [share for name in AFTER_ASSISTANCE for share in _payer(plan, result, name)]
    return Waterfall(
        total_fen=s.medfee_sumamt,
        parts_fen={name: getattr(s, name) for name in SPLIT_FIELDS[1:]},
        shares=tuple(shares),
        left_fen=s.medfee_sumamt - sum(share.amount_fen for share in shares),
        result=result,
    )


def _keep_facts(plan: Plan, event: Event, known: Collection[str]) -> None:
    """Keep the layers that would simulate a known payer from looking at an event."""
    layers = tuple(
        LayerChoice(0, False) if _insures(layer) and layer.pays in known else choice
        for layer, choice in zip(plan.layers, event.decision.layers, strict=True)
    )
    event.decision = replace(event.decision, layers=layers)


def _insures(layer: Layer) -> bool:
    """Say whether a layer fills a payer's amount, so that later layers take it off as they would a fact."""
    return layer.pays in ALL_PAYERS and layer.pays != "maf_pay"


def _ran(layer: Layer, result: EventResult) -> bool:
    return any(found.layer == layer.id for found in result.layers)


def _payer(plan: Plan, result: EventResult, name: str) -> list[Share]:
    """Return a payer's fact, if there is one, and what its layers simulate."""
    kind = KINDS_OF_FIELDS.get(name, "insurance")
    fact = getattr(result.settlement, name)
    shares = [Share(kind, name, AMOUNT_NAMES[name], fact)] if fact else []
    for layer in plan.layers:
        if _insures(layer) and layer.pays == name and _ran(layer, result):
            simulated = _layer_share(layer, result, kind)
            shares.append(replace(simulated, id=name, is_simulated=True))
    return shares


def _layer_share(layer: Layer, result: EventResult, kind: ShareKind) -> Share:
    found = next(found for found in result.layers if found.layer == layer.id)
    return Share(
        kind,
        layer.id,
        layer.name,
        found.pay,
        due_on=found.due_on,
        clauses=found.clauses,
        readings=found.readings,
    )
