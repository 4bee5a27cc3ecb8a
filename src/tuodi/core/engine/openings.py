"""What a year's burden opens: applications for aid at discretion, and early warnings.

Both are lines on a running yearly total of what insurance (and, as the pack says, assistance) left to a person or a
household. The total is counted over the events of the fold; a line is reached by the first event that meets its conditions and
at which the total has come to its threshold. No amount is decided here: somebody else does, at discretion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from tuodi.core.engine.compile import STANDARD_LESS
from tuodi.core.engine.conditions import IDENTITY_BITS, holds
from tuodi.core.engine.decide import NO_CATEGORY, NOT_COVERED
from tuodi.core.engine.fold import Application, Event, EventResult, events_of, run
from tuodi.core.engine.plan import Plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import Missing
from tuodi.core.policy.local_values import LocalResolver, sample_mark
from tuodi.core.policy.model import Line, Opening, Tally, WarningLine
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

LineOutcome = Literal["reached", "not_reached", "not_in_group", "not_yet_known"]
MEASURES = {
    "in_policy": "政策范围内个人负担",
    "in_catalogue": "目录内个人负担",
    "total": "个人支付的全部费用",
}


@dataclass(frozen=True, slots=True)
class LineResult:
    """Where a person (or household) stands in a year against the lines of one rule; amounts in fen.

    ``threshold_fen`` is that of the line reached, else the lowest that could be; None if there is none. ``short_fen`` is what is
    lacking to it. ``reached_on`` is the settlement day of the event that reached it.
    """

    rule: str
    whose: str
    year: int
    outcome: LineOutcome
    total_fen: int
    clause: str
    threshold_fen: int | None = None
    reached_on: date | None = None
    setl_id: str = ""
    is_focus: bool = False
    settlements: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    says: str = ""

    @property
    def short_fen(self) -> int:
        """What is lacking to the threshold; 0 when reached or when there is no threshold."""
        if self.threshold_fen is None or self.outcome == "reached":
            return 0
        return max(0, self.threshold_fen - self.total_fen)


def openings(
    plan: Plan,
    settlements: Sequence[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
    *,
    year: int,
) -> list[LineResult]:
    """Return how every person (or household) with events in a year stands to every opening of the pack.

    QD-2.4.1, QD-2.5.3 with I-18, I-38, I-50, I-51. What assistance pays is computed by folding the events given. Raises
    ``MissingValues`` as the fold does.
    """
    computed = _computed(plan, settlements, identities, applications)
    return [result for rule in plan.pack.openings for result in lines_reached(plan, rule, computed, year=year)]


def warnings(
    plan: Plan,
    settlements: Sequence[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
    *,
    year: int,
) -> list[LineResult]:
    """Return how every person (or household) with events in a year stands to every warning line of the pack (AK-4.3.1)."""
    computed = _computed(plan, settlements, identities, applications)
    return [result for rule in plan.pack.warnings for result in lines_reached(plan, rule, computed, year=year)]


def lines_reached(
    plan: Plan, rule: Opening | WarningLine, computed: Sequence[tuple[Event, EventResult]], *, year: int
) -> list[LineResult]:
    """Return one result for each person or household with events in the year, in order of their first event."""
    groups: dict[str, list[tuple[Event, EventResult]]] = {}
    for event, result in computed:
        if event.day.year == year:
            s = event.settlement
            whose = (s.household or s.psn_no) if rule.of == "household" else s.psn_no
            groups.setdefault(whose, []).append((event, result))
    return [_group(plan, rule, whose, own, year) for whose, own in groups.items()]


def burden_left(plan: Plan, tally: Tally, result: EventResult) -> int:
    """Return what one event leaves in fen under a tally; below 0 when assistance pays for earlier events (I-12)."""
    s = result.settlement
    paid = {layer.layer: layer.pay for layer in result.layers}
    insurers = {
        layer.id: layer.pays for layer in plan.layers if layer.pays in AMOUNT_FIELDS and layer.pays != "maf_pay"
    }
    less = STANDARD_LESS if tally.less is None else tuple(tally.less)
    payers: int = sum(getattr(s, name) for name in less)
    payers += sum(pay for layer, pay in paid.items() if insurers.get(layer) in less)
    if tally.measure == "total":
        left = max(0, s.medfee_sumamt - payers)
    else:
        left = max(0, s.inscp_scp_amt - payers) + (s.preselfpay_amt if tally.measure == "in_catalogue" else 0)
    if tally.upstream:
        left = max(0, left - s.maf_pay)
    after = [layer for layer in paid if layer not in insurers and (tally.after is None or layer in tally.after)]
    return left - sum(paid[layer] for layer in after)


def _computed(
    plan: Plan,
    settlements: Sequence[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application],
) -> list[tuple[Event, EventResult]]:
    events = events_of(plan, settlements, identities, applications)
    return list(zip(events, run(plan, events), strict=True))


def _group(
    plan: Plan, rule: Opening | WarningLine, whose: str, own: list[tuple[Event, EventResult]], year: int
) -> LineResult:
    """Run a group's year along the lines of a rule."""
    readings = dict.fromkeys([*rule.readings, *rule.tally.readings])
    standing = LineResult(rule.id, whose, year, "not_in_group", 0, rule.clause, readings=tuple(readings))
    reached: LineResult | None = None
    for event, result in own:
        if not _counts(plan, rule, event):
            continue
        standing = replace(
            standing,
            total_fen=standing.total_fen + burden_left(plan, rule.tally, result),
            settlements=(*standing.settlements, event.settlement.setl_id),
            is_focus=standing.is_focus or _focus(rule, event),
        )
        for line in rule.lines:
            if reached is None and holds(plan, line.when, event.profile, event.decision.category):
                standing = _against(plan, line, event, standing)
                reached = standing if standing.outcome == "reached" else None
    if reached is not None:
        standing = replace(
            reached,
            total_fen=standing.total_fen,
            settlements=standing.settlements,
            is_focus=standing.is_focus,
        )
    return replace(standing, says=_says(rule, standing))


def _against(plan: Plan, line: Line, event: Event, standing: LineResult) -> LineResult:
    """Return where the running total stands to one line that concerns the event."""
    total = max(0, standing.total_fen)
    try:
        resolver = LocalResolver(plan.entered, event.day)
        threshold = resolver.amount(line.threshold) if line.threshold is not None else None
    except Missing as lacking:
        missing = tuple(dict.fromkeys([*standing.missing, *lacking.params]))
        return replace(standing, outcome="not_yet_known", missing=missing)
    standing = replace(standing, sources=tuple(dict.fromkeys([*standing.sources, *resolver.sources()])))
    holding = total > 0
    if threshold is not None:
        holding = total > threshold if line.compare == "above" else total >= threshold
    if holding:
        return replace(
            standing,
            outcome="reached",
            clause=line.clause,
            threshold_fen=threshold,
            reached_on=event.settlement.setl_time.date(),
            setl_id=event.settlement.setl_id,
            missing=(),
        )
    known = [fen for fen in (standing.threshold_fen, threshold) if fen is not None]
    outcome: LineOutcome = "not_yet_known" if standing.missing else "not_reached"
    return replace(standing, outcome=outcome, threshold_fen=min(known, default=None))


def _counts(plan: Plan, rule: Opening | WarningLine, event: Event) -> bool:
    """Say whether an event adds to the total: in force, of the kind asked for, and covered unless all count (I-38).

    An event that no layer takes is covered all the same if a line names the person.
    """
    if event.profile.day not in plan.life or not holds(plan, rule.tally.covers, event.profile, event.decision.category):
        return False
    if rule.tally.counts == "all" or not event.decision.refusal:
        return True
    lines = (holds(plan, line.when, event.profile, event.decision.category) for line in rule.lines)
    return event.decision.refusal in (NO_CATEGORY, NOT_COVERED) and any(lines)


def _focus(rule: Opening | WarningLine, event: Event) -> bool:
    named: Iterable[str] = rule.focus if isinstance(rule, WarningLine) else ()
    return any(event.profile.identities & IDENTITY_BITS[identity] for identity in named)


def _says(rule: Opening | WarningLine, standing: LineResult) -> str:
    """Return the sentence of a result, with who decides and what to bring."""
    counted = f"{standing.year} 年{MEASURES[rule.tally.measure]}累计 {yuan_for_people(standing.total_fen)}"
    threshold = f" {yuan_for_people(standing.threshold_fen)}" if standing.threshold_fen is not None else ""
    threshold += sample_mark(standing.sources)
    if standing.outcome == "not_in_group":
        return f"{rule.name}：没有适用的身份或没有计入的费用。"
    if standing.outcome == "not_yet_known":
        return f"{rule.name}：{counted}，尚不能确定，缺少 {'、'.join(standing.missing)}。"
    if standing.outcome == "not_reached":
        lacking = f"，还差 {yuan_for_people(standing.short_fen)}" if standing.short_fen else ""
        return f"{rule.name}：{counted}，未达到{threshold}{lacking}。"
    parts = [f"{counted}，{standing.reached_on} 达到{threshold}" if threshold else counted]
    for label, items in _next_steps(rule).items():
        parts += [f"{label}{'、'.join(items)}"] if items else []
    return f"{rule.name}：{'；'.join(parts)}。"


def _next_steps(rule: Opening | WarningLine) -> Mapping[str, list[str]]:
    if isinstance(rule, WarningLine):
        return {"推送至": rule.route}
    return {"可以申请，材料：": rule.materials, "审核：": rule.checks, "视情救助：": rule.decided_by}
