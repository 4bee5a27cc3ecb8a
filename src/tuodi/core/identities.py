"""Identities: dated certifications that departments issue. What they are worth is a pack's business.

A record says who certified what from when to when, and when it was applied for and certified. The closed list of
identity codes is that of the exchange format; local platform codes are mapped to it in configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

IDENTITIES: dict[str, str] = {
    "extreme_poverty": "特困人员",
    "orphan": "孤儿",
    "de_facto_orphan": "事实无人抚养儿童",
    "supported_disabled_child": "政府供养的孤残儿童",
    "dibao": "低保对象",
    "dibao_edge": "低保边缘家庭成员",
    "relapse_monitored": "纳入监测的农村易返贫致贫人口",
    "returned_to_poverty": "返贫致贫人口",
    "former_registered_poor": "原建档立卡低收入人口",
    "expenditure_hardship": "支出型困难家庭成员",
    "illness_poverty": "因病致贫（重病）患者",
    "entitled_veteran": "重点优抚对象",
    "severe_disability_allowance": "发放生活补贴的重度残疾人",
    "downsized_1960s": "20 世纪 60 年代精减退职职工",
    "union_hardship_worker": "工会核定的特困职工",
    "child_hardship": "困境儿童（贫困家庭、其他需要帮助）",
    "child_severe": "困境儿童（监护缺失、无力监护、重残重病、流浪）",
    "disability_certificate": "持残疾人证人员",
    "low_income": "低收入救助对象",
    "registered_low_income": "建档立卡低收入人口",
    "committee_approved": "经批准的其他特殊困难人员",
    "psychiatric_violent": "有暴力倾向的精神障碍患者（非困难群体）",
    "declined_basic_service": "放弃依从基础健康服务",
}


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One certification. ``first`` and ``last`` are both included; ``last`` None is open."""

    psn_no: str
    identity: str
    first: date
    last: date | None = None
    certified_on: date | None = None
    applied_on: date | None = None
    issuer: str = ""

    def __post_init__(self) -> None:
        assert self.identity in IDENTITIES, self.identity
        assert self.last is None or self.first <= self.last
