"""``tuodi estimate``: a bill and an identity typed in, or asked for on a terminal; the answer with its explanation."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

from tuodi.cli import exits
from tuodi.cli.explain import show
from tuodi.cli.output import say
from tuodi.cli.plans import Chosen, chosen
from tuodi.cli.typed import PERSON, day_of, fen_of, known_code, optional_day, record_of
from tuodi.cli.usage import UsageError
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.simulate import TypedBill, estimate
from tuodi.core.engine.words import explain
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import CAUSES, DISEASE_CLASSES, HOSPITAL_TIERS, MED_TYPES

#: option -> payer's field
PAYERS = {
    "hifp": "hifp_pay", "cvlserv": "cvlserv_pay", "hifes": "hifes_pay", "hifmi": "hifmi_pay", "hifob": "hifob_pay", "oth": "oth_pay",
    "supp": "supp_pay", "relief": "relief_amt", "maf": "maf_pay",
}  # fmt: skip


def run(args: Any) -> int:
    """Estimate a bill."""
    if sys.stdin.isatty() and not (args.pack and args.total and args.identity):
        from tuodi.cli.ask import ask

        ask(args)
    lacking = [f"--{name}" for name in ("pack", "total") if not getattr(args, name)]
    if lacking:
        raise UsageError(f"缺少必需的参数：{'、'.join(lacking)}（在终端里运行会逐项提问）")
    policy = chosen(args)
    plan = policy.plan(simulate=bool(policy.pack.insurance))
    settled = settled_on(args, plan)
    records = records_of(args, settled)
    bill = bill_of(args, settled)
    earlier = earlier_of(args, settled)
    found = estimate(plan, bill.settlement(), records, known=set(bill.payments_fen), earlier=earlier)
    show(args, plan, found.result, explain(plan, found.result, records=records))
    if not args.json:
        _notes(args, policy, plan)
    return exits.DONE


def settled_on(args: Any, plan: Plan) -> date:
    """Return the day of settlement: as given, else today, else the policy's last day."""
    if args.settled:
        return day_of(args.settled, "结算日期")
    today = date.today()
    if today in plan.life:
        return today
    nearest = plan.last if today > plan.last else plan.first
    say(f"今天不在这份政策的施行期限内，按 {nearest} 结算估算；可用 --settled 指定日期。")
    return nearest


def records_of(args: Any, settled: date) -> list[IdentityRecord]:
    """Return the identities typed in."""
    certified, applied = optional_day(args.certified, "认定日期"), optional_day(args.applied, "申请日期")
    return [record_of(text, settled=settled, certified=certified, applied=applied) for text in args.identity]


def bill_of(args: Any, settled: date) -> TypedBill:
    """Return the bill typed in; codes must be known."""
    for name, text, known in (
        ("医疗类别", args.care[:2], MED_TYPES), ("疾病类别", args.disease_class, {"": "", **DISEASE_CLASSES}), ("外伤原因", args.cause, CAUSES),
        ("医院等级", args.hosp_lv.zfill(2) if args.hosp_lv else "", {"": "", **HOSPITAL_TIERS}),
    ):  # fmt: skip
        known_code(text, name, known)
    payments = {
        field: fen_of(text, f"--{name}") for name, field in PAYERS.items() if (text := getattr(args, name)) is not None
    }
    return TypedBill(
        settled_on=settled, total_fen=fen_of(args.total, "医疗费总额"), full_self_pay_fen=fen_of(args.full_self_pay, "全自费"),
        over_limit_fen=fen_of(args.over_limit, "超限价自费"), class_b_first_fen=fen_of(args.class_b, "乙类先行自付"),
        payments_fen=payments, admitted_on=optional_day(args.admitted, "入院日期"), med_type=args.care, diag_code=args.diagnosis,
        disease_class=args.disease_class, hosp_lv=args.hosp_lv, refer_stas=args.referral, out_prov=args.out_of_province,
        cause=args.cause, birth=optional_day(args.birth, "出生日期"), psn_no=PERSON,
    )  # fmt: skip


def earlier_of(args: Any, settled: date) -> list[Any]:
    """Return the earlier burden of the year as one settlement of the same kind on its first day."""
    fen = fen_of(args.earlier, "本年此前的负担")
    if not fen:
        return []
    before = TypedBill(
        settled_on=date(settled.year, 1, 1), total_fen=fen, med_type=args.care, diag_code=args.diagnosis,
        disease_class=args.disease_class, psn_no=PERSON,
    )  # fmt: skip
    return [before.settlement("earlier")]


def _notes(args: Any, policy: Chosen, plan: Plan) -> None:
    """Say what the estimate rests on."""
    if not args.identity:
        say("没有填身份（--identity），按没有救助身份计算。")
    if plan.simulate and args.hifp is None:
        simulated = "、".join(layer.name for layer in policy.pack.insurance)
        say(f"没有填的保险支付中，{simulated}按政策包模拟，其他按 0 计算。")
    elif not plan.simulate and args.hifp is None:
        say("没有填基本医保支付（--hifp），按 0 计算。")
