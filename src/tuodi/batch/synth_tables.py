"""The figures behind a synthetic county, as tables: no law, only what makes invented people believable.

Means and rates of bills follow the yearly bulletins (residents: mean inpatient bill 13,942 / 6,626 / 3,623 yuan by tier,
9.4 days, chronic outpatient 0.31 visits a head a year); how things spread around them, and how common each identity is,
is our choice. Nothing here is used to compute a benefit.
"""

from __future__ import annotations

from typing import NamedTuple

TIERS = ("tertiary", "secondary", "primary")
TIER_NAMES = {"tertiary": "三级", "secondary": "二级", "primary": "一级及以下"}
#: per tier: mean bill of residents in yuan, share of stays, the same for major diseases, mean days, days deductible in yuan.
MEAN_BILL = (13_942, 6_626, 3_623)
STAY_SHARE = (0.27, 0.44, 0.29)
MAJOR_STAY_SHARE = (0.55, 0.37, 0.08)
MEAN_DAYS = (12.1, 11.2, 9.6)
BASIC_DEDUCTIBLE = (1_000, 500, 150)
#: basic insurance, per cent above the deductible, residents and employees, by tier.
RESIDENT_RATE = (65, 78, 87)
EMPLOYEE_RATE = (86, 89, 92)
#: published share of in-policy cost that funds pay for residents in 2023, for comparison.
PUBLISHED_FUND_SHARE = (63.2, 72.4, 80.8)
#: catastrophic insurance: deductible of the year in yuan and per cent, residents / poor residents / employees.
CATASTROPHIC = ((11_000, 65), (5_500, 70), (12_000, 80))

#: age from which a group begins, and per group: stays a year, chronic patients, deaths a year.
AGE_GROUPS = (0, 15, 45, 60, 75, 85)
STAYS_A_YEAR = (0.120, 0.095, 0.180, 0.340, 0.470, 0.490)
CHRONIC_SHARE = (0.003, 0.009, 0.052, 0.115, 0.135, 0.12)
DEATHS_A_YEAR = (0.0005, 0.001, 0.004, 0.014, 0.05, 0.13)
HOUSEHOLD_SIZES = ((1, 25), (2, 30), (3, 21), (4, 13), (5, 7), (6, 3), (7, 1))


class Disease(NamedTuple):
    """ICD-10 code, weights among stays of children / adults / elders, cost in per cent of the mean, whether it is major."""

    code: str
    child: int
    adult: int
    elder: int
    cost: int = 100
    is_major: bool = False


INPATIENT = (
    Disease("J18.900", 260, 45, 75, 80), Disease("J20.900", 190, 30, 45, 60), Disease("A09.900", 90, 20, 15, 50),
    Disease("J06.900", 110, 15, 10, 50), Disease("K35.800", 20, 30, 6, 110), Disease("I10.x00", 0, 40, 65, 70),
    Disease("E11.900", 0, 45, 60, 80), Disease("I25.100", 0, 25, 95, 110), Disease("M51.200", 0, 60, 40, 90),
    Disease("K29.500", 2, 30, 25, 60), Disease("K80.200", 0, 30, 25, 120), Disease("N20.000", 0, 25, 12, 100),
    Disease("H25.900", 0, 3, 45, 80, True), Disease("G45.900", 0, 15, 40, 80), Disease("I67.200", 0, 12, 35, 80),
    Disease("N39.000", 8, 20, 18, 60), Disease("J44.100", 0, 6, 70, 90, True), Disease("I63.900", 0, 15, 80, 150, True),
    Disease("I61.900", 0, 5, 9, 280, True), Disease("I21.900", 0, 5, 10, 320, True), Disease("C34.900", 0, 8, 20, 200, True),
    Disease("C16.900", 0, 5, 12, 210, True), Disease("C15.900", 0, 2, 7, 210, True), Disease("C18.900", 0, 5, 9, 220, True),
    Disease("C20.x00", 0, 4, 7, 220, True), Disease("C22.000", 0, 5, 7, 220, True), Disease("C50.900", 0, 10, 5, 180, True),
    Disease("C53.900", 0, 5, 3, 180, True), Disease("C67.900", 0, 1, 4, 160, True), Disease("C56.x00", 0, 2, 2, 190, True),
    Disease("C91.000", 5, 2, 1, 350, True), Disease("C92.100", 0, 2, 1, 250, True), Disease("C83.300", 1, 2, 2, 260, True),
    Disease("N18.500", 0, 14, 14, 160, True), Disease("F20.900", 0, 16, 6, 160, True), Disease("F31.900", 0, 5, 1, 130, True),
    Disease("A15.000", 1, 5, 5, 130, True), Disease("I05.900", 0, 2, 4, 240, True), Disease("J60.x00", 0, 2, 5, 110, True),
    Disease("Q21.100", 6, 1, 0, 320, True), Disease("Q35.900", 3, 0, 0, 180, True), Disease("Q54.900", 2, 0, 0, 150, True),
    Disease("D66.x00", 1, 1, 0, 260, True), Disease("D56.100", 1, 1, 0, 150, True), Disease("E10.900", 2, 3, 1, 90),
    Disease("E05.900", 1, 5, 2, 70), Disease("B20.x00", 0, 2, 1, 140, True), Disease("G40.900", 8, 6, 4, 80),
    Disease("S72.000", 2, 5, 16, 240), Disease("S82.200", 8, 16, 8, 180), Disease("S06.000", 10, 14, 10, 110),
    Disease("S52.500", 8, 8, 8, 110), Disease("T60.000", 1, 4, 3, 120), Disease("G12.100", 1, 1, 0, 600),
    Disease("E75.200", 1, 1, 0, 500), Disease("D59.500", 0, 1, 1, 400),
)  # fmt: skip
BIRTH = Disease("O80.000", 0, 1, 0, 80)
#: what stands in the place of a diagnosis that the other sex cannot have.
INSTEAD_FOR_MEN = {"C53.900": "C34.900", "C56.x00": "C16.900", "C50.900": "C34.900", "N76.000": "J06.900"}
INSTEAD_FOR_WOMEN = {"Q54.900": "Q21.100"}
PSYCHIATRIC_PREFIX, INJURY_PREFIXES = "F", ("S", "T")
#: certified class of a diagnosis: code, class, share of its stays that are certified.
CERTIFIED = (
    ("A15.000", "major", 0.25), ("G12.100", "rare_with_scheme", 0.9), ("E75.200", "rare_with_scheme", 0.8),
    ("D59.500", "rare_without_scheme", 0.8), ("C34.900", "major", 0.03),
)  # fmt: skip


class Chronic(NamedTuple):
    """A long-term outpatient disease: code, med_type, share of patients, visits a year, mean bill in yuan, fund per cent."""

    code: str
    med_type: str
    share: int
    visits: int
    bill: int
    rate: int


CHRONIC = (
    Chronic("I10.x00", "140104", 380, 6, 110, 60), Chronic("E11.900", "140104", 230, 7, 170, 60),
    Chronic("I25.100", "140104", 130, 6, 190, 60), Chronic("J44.900", "140104", 70, 6, 180, 60),
    Chronic("I69.300", "140104", 60, 6, 170, 60), Chronic("F20.900", "14", 40, 7, 210, 80),
    Chronic("B18.100", "140104", 35, 6, 260, 60), Chronic("M06.900", "140104", 25, 6, 280, 60),
    Chronic("C50.900", "140201", 10, 9, 900, 70), Chronic("C34.900", "140201", 10, 10, 1300, 70),
    Chronic("N18.500", "140201", 6, 30, 1100, 85), Chronic("D66.x00", "140201", 1, 12, 2400, 75),
    Chronic("Z94.000", "140201", 3, 12, 1500, 75),
)  # fmt: skip
ORDINARY = (
    "J06.900",
    "K29.500",
    "M54.500",
    "L30.900",
    "R51.x00",
    "J02.900",
    "K04.000",
    "N76.000",
    "H10.900",
    "I10.x00",
    "Z00.000",
)
ORDINARY_A_YEAR, ORDINARY_BILL, ORDINARY_RATE, ORDINARY_CAP = 1.6, 105, 50, 40
PHARMACY_A_YEAR, PHARMACY_BILL = 0.45, 70
MED_TYPES = ("21", "2101", "22", "24", "25", "28", "52", "14", "140104", "140201", "11", "13", "41")

REFERRALS = ("local", "filed", "unfiled")
CAUSES = ("", "traffic", "traffic_no_liability", "fight", "self_harm", "drunk")
INJURY_CAUSES = (0.74, 0.11, 0.05, 0.04, 0.03, 0.03)
CLASSES = ("", "major", "rare_with_scheme", "rare_without_scheme")


class Kind(NamedTuple):
    """How an identity is spread: per ten thousand people, whole households or persons, youngest, oldest, who certifies."""

    per_myriad: int
    is_household: bool
    youngest: int
    oldest: int
    issuer: str


CIVIL, RURAL, INSURANCE = "民政部门", "乡村振兴部门", "医疗保障部门"
KINDS: dict[str, Kind] = {
    "extreme_poverty": Kind(55, False, 55, 200, CIVIL),
    "orphan": Kind(14, False, 0, 17, CIVIL),
    "de_facto_orphan": Kind(20, False, 0, 17, CIVIL),
    "supported_disabled_child": Kind(5, False, 0, 17, CIVIL),
    "dibao": Kind(310, True, 0, 200, CIVIL),
    "dibao_edge": Kind(90, True, 0, 200, CIVIL),
    "relapse_monitored": Kind(60, True, 0, 200, RURAL),
    "returned_to_poverty": Kind(12, True, 0, 200, RURAL),
    "former_registered_poor": Kind(320, True, 0, 200, RURAL),
    "expenditure_hardship": Kind(25, False, 0, 200, INSURANCE),
    "illness_poverty": Kind(25, False, 0, 200, CIVIL),
    "entitled_veteran": Kind(60, False, 60, 200, "退役军人事务部门"),
    "severe_disability_allowance": Kind(90, False, 3, 200, "残疾人联合会"),
    "downsized_1960s": Kind(40, False, 78, 200, CIVIL),
    "union_hardship_worker": Kind(15, False, 22, 60, "总工会"),
    "child_hardship": Kind(120, False, 0, 17, CIVIL),
    "child_severe": Kind(30, False, 0, 17, CIVIL),
    "disability_certificate": Kind(270, False, 3, 200, "残疾人联合会"),
    "low_income": Kind(160, True, 0, 200, CIVIL),
    "registered_low_income": Kind(250, True, 0, 200, RURAL),
    "committee_approved": Kind(4, False, 0, 200, "管理委员会"),
    "psychiatric_violent": Kind(3, False, 16, 80, INSURANCE),
    "declined_basic_service": Kind(20, False, 18, 200, "卫生健康部门"),
}
#: certified because of a person's bills, so drawn after them.
BY_BILLS = ("illness_poverty", "expenditure_hardship")
HEAVY_BURDEN = 20_000

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = (
    "建国",
    "秀英",
    "桂兰",
    "志强",
    "玉梅",
    "海燕",
    "小军",
    "春生",
    "丽华",
    "文博",
    "子涵",
    "永福",
    "凤霞",
    "德明",
    "婷婷",
    "阿宝",
)
