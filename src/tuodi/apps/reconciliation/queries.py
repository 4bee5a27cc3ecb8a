"""What is asked about reconciliation: our side of a day, the newest runs, what still differs, what was done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from tuodi.apps.institutions.models import Institution
from tuodi.apps.reconciliation.comparing import AMOUNTS, SIDES, Line
from tuodi.apps.reconciliation.models import KINDS, MENDS, Finding, Mend, Report, Run
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.queries import counter_grants, day_bounds, statement_rows
from tuodi.base import access
from tuodi.core.settlements import INSURER_FIELDS, MED_TYPES

KIND_NAMES, MEND_NAMES = dict(KINDS), dict(MENDS)
#: kind of difference -> mends that may be tried, the usual first.
MENDS_OF = {
    "missing_here": ("ask", "record", "accept"),
    "missing_there": ("ask", "cancel", "accept"),
    "different": ("ask", "cancel", "accept"),
}
MONEY = frozenset({"cancel", "record"})
MEND_SAYS = {
    "ask": "不动账；新文件到后重新对账", "cancel": "这笔救助作废，经另一位县级审批岗复核后办理",
    "record": "按医保文件的费用补算救助，经另一位县级审批岗复核后办理", "accept": "不动账；以后金额不变就不再列出",
}  # fmt: skip


def ours(code: str, day: date) -> list[Line]:
    """Return what we settled for an institution on a day: at the counter, later differences apart; cancellations negative.

    A settlement that reconciliation found nowhere else and cancelled stands on no side: neither it nor its cancellation counts.
    """
    rows = list(statement_rows(code, first=day, last=day))
    sources = {bill.pk: bill.cancels if bill.is_cancellation else bill for bill in rows}
    undone = Mend.objects.filter(kind="cancel", state="done", finding__run__fixmedins_code=code)
    mended = set(undone.values_list("finding__setl_id", flat=True))
    bills = [bill for bill in rows if sources[bill.pk].setl_id not in mended]
    granted = counter_grants(sources.values())
    lines = []
    for bill in bills:
        source, sign = sources[bill.pk], -1 if bill.is_cancellation else 1
        maf = source.maf_pay + granted.get(source.pk, 0)
        fund = sum(getattr(source, name) for name in INSURER_FIELDS) + maf
        lines.append(
            Line(
                bill.setl_id, bill.psn_no, bill.mdtrt_id, medfee=sign * source.medfee_sumamt, fund=sign * fund, maf=sign * maf,
                acct=sign * source.acct_pay, refunded=bill.is_cancellation, cancels=source.setl_id if bill.is_cancellation else "",
            )
        )  # fmt: skip
    return lines


def institutions_of(user: Any) -> QuerySet[Institution]:
    """Return the institutions whose reconciliation a user sees."""
    rows = access.visible(user, Institution).order_by("code")
    return rows.filter(code=user.institution_code or "-") if user.role == "hospital" else rows


def report_of(code: str, day: date, side: str) -> Report | None:
    """Return the newest report of a side."""
    return Report.objects.filter(fixmedins_code=code, day=day, side=side).order_by("-pk").first()


def lines_of(report: Report | None) -> list[Line] | None:
    """Return a report's lines; None where there is no report."""
    return None if report is None else [Line(**line) for line in report.lines]


def newest_runs(user: Any) -> QuerySet[Run]:
    """Return the newest run of every institution and day that a user sees."""
    newest = Run.objects.values("fixmedins_code", "day").annotate(newest=Max("pk")).order_by().values("newest")
    return access.visible(user, Run).filter(pk__in=newest)


def differences(user: Any, *, kind: str = "", day: date | None = None) -> QuerySet[Finding]:
    """Return what still differs: not matched in the newest run, nor accepted just as it is."""
    accepted = Mend.objects.filter(
        kind="accept", state="done", finding__signature=OuterRef("signature"), finding__setl_id=OuterRef("setl_id"),
        finding__run__fixmedins_code=OuterRef("run__fixmedins_code"), finding__run__day=OuterRef("run__day"),
    )  # fmt: skip
    rows = access.visible(user, Finding).filter(~Exists(accepted), run__in=newest_runs(user)).exclude(kind="matched")
    if kind in KIND_NAMES:
        rows = rows.filter(kind=kind)
    if day is not None:
        rows = rows.filter(run__day=day)
    return rows.select_related("run").order_by("-run__day", "run__fixmedins_code", "pk")


def waiting(user: Any) -> QuerySet[Mend]:
    """Return the mends that wait for a second person."""
    rows = access.visible(user, Mend).filter(state="waiting")
    return rows.select_related("finding__run", "proposed_by").order_by("proposed_at")


def newest_mends(findings: Iterable[Finding]) -> dict[int, Mend]:
    """Return the last thing done about each of some findings, in whichever run it was seen, asked in one statement for all."""
    keys = {one.pk: (one.run.fixmedins_code, one.run.day, one.setl_id) for one in findings}
    codes, days, ids = (set(values) for values in zip(*keys.values(), strict=True)) if keys else ((), (), ())
    rows = Mend.objects.filter(
        finding__setl_id__in=ids, finding__run__fixmedins_code__in=codes, finding__run__day__in=days
    ).select_related("finding__run")
    last = {
        (row.finding.run.fixmedins_code, row.finding.run.day, row.finding.setl_id): row for row in rows.order_by("pk")
    }
    return {pk: last[key] for pk, key in keys.items() if key in last}


def facts_of(finding: Finding) -> list[tuple[str, str]]:
    """Return whose settlement it is and, where the insurer tells its bill, what for and when: what a second person looks at."""
    lines = [line for line in finding.sides.values() if line]
    bill = next((line["bill"] for line in lines if (line.get("bill") or {}).get("med_type")), {})
    told = [("人员编号", next((line["psn_no"] for line in lines if line.get("psn_no")), ""))]
    if bill:
        told += [
            ("医疗类别", MED_TYPES.get(bill["med_type"][:2], bill["med_type"])), ("就诊日期", f"{bill['begndate']} 至 {bill['enddate']}"),
            ("诊断编码", bill["diag_code"]),
        ]  # fmt: skip
    return [(name, text) for name, text in told if text]


def taken_back(findings: Iterable[Finding]) -> set[str]:
    """Return which of some settlements, missing here as they count nothing, were here and were cancelled or reversed."""
    ids = {(one.setl_id, one.run.fixmedins_code) for one in findings}
    rows = Bill.objects.filter(setl_id__in={setl_id for setl_id, _ in ids}).values_list("setl_id", "fixmedins_code")
    return {setl_id for setl_id, code in rows if (setl_id, code) in ids} if ids else set()


def mends_of(finding: Finding) -> list[Mend]:
    """Return everything done about a settlement of a day, in whichever run it was seen, the newest first."""
    rows = Mend.objects.filter(
        finding__setl_id=finding.setl_id, finding__run__fixmedins_code=finding.run.fixmedins_code,
        finding__run__day=finding.run.day,
    )  # fmt: skip
    return list(rows.select_related("proposed_by", "decided_by").order_by("-pk"))


def says(finding: Finding) -> str:
    """Return what is wrong, in a sentence."""
    if finding.kind == "matched":
        return "三方一致" if len(finding.sides) == 3 else "已报的各方一致"
    told = []
    if finding.kind == "missing_here":
        who = [name for side, name in SIDES.items() if finding.sides.get(side)]
        told.append(f"{'、'.join(who)}有，我方没有")
    for side, name in SIDES.items():
        what = [one["what"] for one in finding.wrong if one["side"] == side]
        if "missing" in what:
            told.append(f"{name}没有")
        elif what:
            told.append(f"与{name}的{'、'.join(AMOUNTS[one] for one in what)}不符")
    return "；".join(told)


def choices_for(finding: Finding, user: Any) -> list[tuple[str, str]]:
    """Return the mends that a user may try; money is proposed by the county's clerk, a bill needs the insurer's words."""
    insurer = finding.sides.get("insurer") or {}
    settles = user.role == "county_clerk"
    return [
        (kind, f"{MEND_NAMES[kind]}（{MEND_SAYS[kind]}）")
        for kind in MENDS_OF.get(finding.kind, ())
        if (kind not in MONEY or settles) and (kind != "record" or insurer.get("bill"))
    ]


@dataclass(frozen=True)
class DayOf:
    """An institution on a day, as the overview shows it."""

    institution: Institution
    settled: int
    run: Run | None
    has_hospital: bool
    has_insurer: bool
    open: int

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.run.counts) if self.run else {}

    @property
    def is_closed(self) -> bool:
        """Say whether somebody else's file was compared and nothing of it is left to do."""
        return self.run is not None and (self.has_hospital or self.has_insurer) and not self.open


def overview(user: Any, day: date) -> list[DayOf]:
    """Return the institutions that settled, reported or were compared on a day."""
    begin, end = day_bounds(day, day)
    seen = institutions_of(user)
    bills = Bill.objects.filter(
        fixmedins_code__in=seen.values("code"), setl_time__gte=begin, setl_time__lt=end, is_reversed=False
    )
    settled = Counter(bills.order_by("pk").values_list("fixmedins_code", flat=True))
    runs = {run.fixmedins_code: run for run in newest_runs(user).filter(day=day).order_by("pk")}
    reported = set(access.visible(user, Report).filter(day=day).order_by("pk").values_list("fixmedins_code", "side"))
    left = Counter(differences(user, day=day).order_by().values_list("run__fixmedins_code", flat=True))
    codes = {*settled, *runs, *(code for code, _ in reported)}
    return [
        DayOf(
            one,
            settled[one.code],
            runs.get(one.code),
            has_hospital=(one.code, "hospital") in reported,
            has_insurer=(one.code, "insurer") in reported,
            open=left[one.code],
        )
        for one in seen.filter(Q(code__in=codes))
    ]
