"""What a synthetic county came out as, beside the published figures it is drawn after."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from tuodi.batch import synth_tables as tables
from tuodi.batch.synth_bills import CLINIC, LONG_TERM, PHARMACY, STAY, UNFILED, Bills
from tuodi.batch.synth_people import NEVER, UNKNOWN, People, Records
from tuodi.core.money import yuan, yuan_for_people

KINDS = {STAY: "住院", LONG_TERM: "门诊慢特病", CLINIC: "普通门诊、急诊", PHARMACY: "药店"}
PUBLISHED_DAYS, PUBLISHED_LONG_TERM, PUBLISHED_ORDINARY = "9.4", "0.31", "1.77"
PUBLISHED_CATASTROPHIC = ("1.2%", "7,924 元")
LAYERS_OF_FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay")


@dataclass(slots=True)
class Summary:
    """Counts and sums of a county; money in fen. ``situations`` counts the cases that rules must meet."""

    people: int = 0
    households: int = 0
    years_percent: int = 0
    residents: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    bills: Counter[int] = field(default_factory=Counter)
    fee_fen: Counter[int] = field(default_factory=Counter)
    resident_stays: Counter[int] = field(default_factory=Counter)
    resident_fee_fen: Counter[int] = field(default_factory=Counter)
    resident_policy_fen: Counter[int] = field(default_factory=Counter)
    resident_fund_fen: Counter[int] = field(default_factory=Counter)
    stay_days: int = 0
    catastrophic_people: int = 0
    catastrophic_fen: int = 0
    dearest_fen: int = 0
    identities: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)

    def per_head_percent(self, count: int) -> int:
        """Return how many a year per hundred heads, rounded."""
        return round(count * 10_000 / max(self.people * self.years_percent, 1))

    def add_people(self, people: People, records: Records, codes: tuple[str, ...]) -> None:
        """Count a block's people and identities."""
        self.people += len(people)
        self.households += len(np.unique(people.household))
        self.residents += int((~people.is_employee).sum())
        self.rows["people"] += len(people)
        self.rows["identities"] += len(records)
        holders = np.unique(np.stack((records.code, records.person)), axis=1)[0]
        for place, count in zip(*np.unique(holders, return_counts=True), strict=True):
            self.identities[codes[place]] += int(count)
        several = np.unique(np.stack((records.person, records.code)), axis=1)[0]
        self.situations["一人多重身份"] += int((np.unique(several, return_counts=True)[1] > 1).sum())
        back = (records.certified != UNKNOWN) & (records.certified > records.begin)
        self.situations["身份追认（认定日晚于起始日）"] += int(back.sum())
        self.situations["身份每年复核"] += int(records.is_yearly.sum())
        self.situations["死亡"] += int((people.died != NEVER).sum())

    def add_bills(self, bills: Bills, people: People) -> None:
        """Count a block's bills, cancellations apart."""
        is_stay, employee = bills.kind == STAY, people.is_employee[bills.person]
        fee, amounts = bills.fee, bills.amounts
        for kind in KINDS:
            here = bills.kind == kind
            self.bills[kind] += int(here.sum())
            self.fee_fen[kind] += int(fee[here].sum())
        funds = sum(amounts[name] for name in LAYERS_OF_FUNDS)
        for tier in range(3):
            here = is_stay & (bills.tier == tier) & ~employee
            self.resident_stays[tier] += int(here.sum())
            self.resident_fee_fen[tier] += int(fee[here].sum())
            self.resident_policy_fen[tier] += int(amounts["inscp_scp_amt"][here].sum())
            self.resident_fund_fen[tier] += int(funds[here].sum())
        self.stay_days += int((bills.end - bills.begin)[is_stay].sum())
        self.dearest_fen = max(self.dearest_fen, int(fee.max(initial=0)))
        helped = amounts["hifmi_pay"] > 0
        year = _year(bills.settled)
        keys = bills.person[helped] * 10_000 + year[helped]
        self.catastrophic_people += len(np.unique(keys))
        self.catastrophic_fen += int(amounts["hifmi_pay"].sum())
        self.situations.update(_situations(bills, people))

    def lines(self) -> list[str]:
        """Return the figures as people read them, each beside what was published."""
        years = f"{self.years_percent // 100}.{self.years_percent % 100:02d}"
        said = [f"人口 {self.people:,} 人，{self.households:,} 户，居民医保 {self.residents:,} 人；时间 {years} 年"]
        said += [f"文件行数：{'，'.join(f'{name} {count:,}' for name, count in self.rows.items())}"]
        for tier, name in enumerate(tables.TIERS):
            count = self.resident_stays[tier]
            mean = yuan_for_people(self.resident_fee_fen[tier] // max(count, 1))
            share = self.resident_fund_fen[tier] * 1000 // max(self.resident_policy_fen[tier], 1)
            said.append(
                f"居民住院 {tables.TIER_NAMES[name]}：{count:,} 次，次均 {mean}（公布 {tables.MEAN_BILL[tier]:,} 元），"
                f"目录内基金支付 {share // 10}.{share % 10}%（公布 {tables.PUBLISHED_FUND_SHARE[tier]}%）"
            )
        count = sum(self.resident_stays.values())
        mean = yuan_for_people(sum(self.resident_fee_fen.values()) // max(count, 1))
        said.append(f"居民住院合计：{count:,} 次，次均 {mean}（公布 8,023 元，2021；7,674 元，2023）")
        rate = self.per_head_percent(self.bills[STAY])
        days = self.stay_days * 10 // max(self.bills[STAY], 1)
        said.append(
            f"每百人每年住院 {rate} 次（公布 15.2 至 21.9），平均 {days // 10}.{days % 10} 天（公布 {PUBLISHED_DAYS}）"
        )
        for kind, published in (
            (LONG_TERM, PUBLISHED_LONG_TERM),
            (CLINIC, PUBLISHED_ORDINARY),
            (PHARMACY, "—"),
        ):
            count = self.bills[kind]
            mean = yuan_for_people(self.fee_fen[kind] // max(count, 1))
            per_head = self.per_head_percent(count)
            said.append(
                f"{KINDS[kind]}：{count:,} 次，次均 {mean}，每人每年 {per_head // 100}.{per_head % 100:02d} 次（公布 {published}）"
            )
        yearly = self.catastrophic_people * 100_000 // max(self.residents * self.years_percent // 100, 1)
        mean = yuan_for_people(self.catastrophic_fen // max(self.catastrophic_people, 1))
        said.append(
            f"大病保险：每年 {yearly // 1000}.{yearly % 1000 // 10:02d}% 的居民，人均 {mean}"
            f"（公布 {PUBLISHED_CATASTROPHIC[0]}，{PUBLISHED_CATASTROPHIC[1]}）；最贵的一张单据 {yuan(self.dearest_fen)} 元"
        )
        said.append("身份人数：" + "，".join(f"{code} {count:,}" for code, count in sorted(self.identities.items())))
        said.append("情形：" + "，".join(f"{name} {count:,}" for name, count in self.situations.items()))
        return said


def summary(figures: Summary) -> str:
    """Return the figures of a county as text, for a reader who compares them with the published ones."""
    return "\n".join(figures.lines())


def _year(day: np.ndarray) -> np.ndarray:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _situations(bills: Bills, people: People) -> dict[str, int]:
    is_stay, amounts = bills.kind == STAY, bills.amounts
    masks = {
        "跨年住院": is_stay & (_year(bills.begin) != _year(bills.end)),
        "迟到结算": bills.settled > bills.end,
        "跨年结算": _year(bills.settled) != _year(bills.end),
        "未备案的异地就医": bills.referral == UNFILED,
        "省外就医": bills.out_prov.astype(bool),
        "有外伤原因": bills.cause > 0,
        "经认定的病种类别": bills.disease_class > 0,
        "十万元以上的单据": bills.fee >= 10_000_000,
        "有补充保险": amounts["supp_pay"] > 0,
        "有减免": amounts["relief_amt"] > 0,
        "有上游救助": amounts["maf_pay"] > 0,
        "死于住院最后一天": is_stay & (people.died[bills.person] == bills.end),
    }
    return {name: int(mask.sum()) for name, mask in masks.items()}
