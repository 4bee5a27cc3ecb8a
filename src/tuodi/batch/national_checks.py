"""The arithmetic identities that settlement amounts of the national interface should satisfy.

I1 to I4 bind; I5 and I6 are observed in most places and broken in some, so they are notes. A missing amount is unknown:
the identity cannot be tested and the answer says which field lacks. Three fields are the exception, because platforms
leave them out when there is nothing to say: ``hifdm_pay``, the hospital's share and ``acct_pay``; the answer lists
them under ``taken_as_zero``. The personal total and the hospital's share go by several names; the answer says which.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuodi.batch.national_records import Record
from tuodi.core.money import yuan

HOLDS, FAILS, CANNOT = "holds", "fails", "cannot-be-tested"
SPLIT = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
#: the funds of I2; ``hifdm_pay`` is newer and optional, ``othfund_pay`` is counted only where the sum needs it.
FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")
SENTENCES = {
    "I1": "医疗费总额 = 全自费 + 超限价 + 先行自付 + 政策范围内",
    "I2": "基金支付总额 = 各项基金支付之和",
    "I3": "医疗费总额 = 基金支付总额 + 个人负担 + 医院负担",
    "I4": "个人负担 = 个人账户 + 个人现金",
    "I5": "基金明细之和 = 基金支付总额 + 个人账户 + 医院负担",
    "I6": "实际支付起付线不超过政策范围内金额",
}


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """One identity of one record: what the two sides are in fen and which fields they came from.

    ``variant`` names the field that was used where several could have been: the personal total, or ``othfund_pay``.
    """

    identity: str
    status: str
    left_fen: int | None = None
    right_fen: int | None = None
    missing: tuple[str, ...] = ()
    taken_as_zero: tuple[str, ...] = ()
    variant: str = ""

    @property
    def is_binding(self) -> bool:
        """Say whether a failure is a fault of the record (I1 to I4) or only worth a note."""
        return self.identity in ("I1", "I2", "I3", "I4")

    @property
    def difference_fen(self) -> int | None:
        """Return left less right, None when a side is unknown."""
        if self.left_fen is None or self.right_fen is None:
            return None
        return self.left_fen - self.right_fen

    def __str__(self) -> str:
        sentence = f"{self.identity} {SENTENCES[self.identity]}"
        if self.status == CANNOT:
            return f"{sentence}：无法核对，缺 {'、'.join(self.missing)}"
        sides = f"{yuan(self.left_fen)} 与 {yuan(self.right_fen)}"
        assumed = f"；未给出而按零计：{'、'.join(self.taken_as_zero)}" if self.taken_as_zero else ""
        used = f"；用到 {self.variant}" if self.variant else ""
        if self.status == HOLDS:
            return f"{sentence}：成立（{sides}{used}{assumed}）"
        return f"{sentence}：不成立，{sides}，相差 {yuan(self.difference_fen)}{used}{assumed}"


def check_identities(record: Record) -> list[IdentityCheck]:
    """Return I1 to I6 of a record, in that order."""
    return [
        _split(record),
        _funds(record),
        _total(record),
        _person(record),
        _details(record),
        _deductible(record),
    ]


def personal_total(record: Record) -> tuple[int | None, str]:
    """Return the person's total in fen and the field it came from; ``psn_part_amt``, else ``psn_pay``, else the sum."""
    for name in ("psn_part_amt", "psn_pay"):
        if (fen := record.amount(name)) is not None:
            return fen, name
    if (cash := record.amount("psn_cash_pay")) is not None:
        return (record.amount("acct_pay") or 0) + cash, "acct_pay+psn_cash_pay"
    return None, ""


def hospital_share(record: Record) -> int | None:
    """Return what the hospital bears, under either of its names; None when the record does not say."""
    share = record.amount("hosp_part_amt")
    return record.amount("ownpay_hosp_part") if share is None else share


def funds_without_others(record: Record) -> int:
    """Return the sum of the known funds of I2 with ``hifdm_pay`` and without ``othfund_pay``."""
    return sum(record.amount(name) or 0 for name in (*FUNDS, "hifdm_pay"))


def _judged(identity: str, left: int, right: int, **more: object) -> IdentityCheck:
    return IdentityCheck(identity, HOLDS if left == right else FAILS, left, right, **more)


def _missing(record: Record, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if record.amount(name) is None)


def _split(record: Record) -> IdentityCheck:
    missing = _missing(record, ("medfee_sumamt", *SPLIT))
    if missing:
        return IdentityCheck("I1", CANNOT, missing=missing)
    return _judged("I1", record.amounts["medfee_sumamt"], sum(record.amounts[name] for name in SPLIT))


def _funds(record: Record) -> IdentityCheck:
    missing = _missing(record, ("fund_pay_sumamt", *FUNDS))
    if missing:
        return IdentityCheck("I2", CANNOT, missing=missing)
    total, known = record.amounts["fund_pay_sumamt"], funds_without_others(record)
    zero = _missing(record, ("hifdm_pay",))
    others = record.amount("othfund_pay") or 0
    if others and total != known:
        return _judged("I2", total, known + others, taken_as_zero=zero, variant="othfund_pay")
    return _judged("I2", total, known, taken_as_zero=zero)


def _total(record: Record) -> IdentityCheck:
    personal, variant = personal_total(record)
    missing = _missing(record, ("medfee_sumamt", "fund_pay_sumamt"))
    if personal is None:
        missing += ("psn_part_amt",)
    if missing:
        return IdentityCheck("I3", CANNOT, missing=missing)
    share = hospital_share(record)
    zero = ("hosp_part_amt",) if share is None else ()
    if variant == "acct_pay+psn_cash_pay":
        zero += _missing(record, ("acct_pay",))
    right = record.amounts["fund_pay_sumamt"] + personal + (share or 0)
    return _judged("I3", record.amounts["medfee_sumamt"], right, taken_as_zero=zero, variant=variant)


def _person(record: Record) -> IdentityCheck:
    personal, variant = personal_total(record)
    missing = _missing(record, ("psn_cash_pay",))
    if variant not in ("psn_part_amt", "psn_pay"):
        missing = ("psn_part_amt", *missing)
    if missing:
        return IdentityCheck("I4", CANNOT, missing=missing)
    right = (record.amount("acct_pay") or 0) + record.amounts["psn_cash_pay"]
    return _judged("I4", personal, right, taken_as_zero=_missing(record, ("acct_pay",)), variant=variant)


def _details(record: Record) -> IdentityCheck:
    missing = _missing(record, ("fund_pay_sumamt",))
    if record.detail is None:
        missing += ("setldetail",)
    if missing:
        return IdentityCheck("I5", CANNOT, missing=missing)
    listed = sum(row.amounts.get("fund_payamt", 0) for row in record.detail)
    share = hospital_share(record)
    zero = tuple(
        f"setldetail[{i}].fund_payamt" for i, row in enumerate(record.detail) if "fund_payamt" not in row.amounts
    )
    zero += _missing(record, ("acct_pay",)) + (("hosp_part_amt",) if share is None else ())
    right = record.amounts["fund_pay_sumamt"] + (record.amount("acct_pay") or 0) + (share or 0)
    return _judged("I5", listed, right, taken_as_zero=zero)


def _deductible(record: Record) -> IdentityCheck:
    missing = _missing(record, ("act_pay_dedc", "inscp_scp_amt"))
    if missing:
        return IdentityCheck("I6", CANNOT, missing=missing)
    left, right = record.amounts["act_pay_dedc"], record.amounts["inscp_scp_amt"]
    return IdentityCheck("I6", HOLDS if abs(left) <= abs(right) else FAILS, left, right)
