"""A settlement: one hospital bill settled through insurance, as a value in whole fen.

Field names are those of the national interface. What a settlement is worth under a policy is not here; which
amounts belong to which burden is data in a pack (``base`` of a layer).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

#: How the bill splits, the first line being the sum of the other four (identity I1).
SPLIT_FIELDS = ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
#: What insurers paid.
INSURER_FIELDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay")
#: What others paid or took off.
OTHER_PAYER_FIELDS = ("supp_pay", "relief_amt", "maf_pay", "later_aid_amt")
AMOUNT_FIELDS = SPLIT_FIELDS + INSURER_FIELDS + OTHER_PAYER_FIELDS

#: National kinds of care (two digits); longer local codes begin with one of them.
MED_TYPES: dict[str, str] = {
    "11": "普通门诊", "12": "门诊挂号", "13": "急诊", "14": "门诊慢特病", "15": "特药", "16": "中医特色门诊",
    "19": "意外伤害门诊", "21": "普通住院", "22": "外伤住院", "23": "转外诊治住院", "24": "急诊转住院",
    "25": "异地住院", "26": "单病种住院", "27": "自主就医", "28": "日间手术", "41": "定点药店购药",
    "51": "生育门诊", "52": "生育住院", "53": "计划生育手术费", "61": "照护", "71": "社区门诊", "81": "意外伤害门诊",
    "99": "地方自定类别",
}  # fmt: skip


def is_inpatient(med_type: str) -> bool:
    """Say whether a kind of care is a stay: those of the twenties, births in hospital, and what regions number under them."""
    return med_type.startswith(("2", "52"))


DISEASE_CLASSES = {
    "general": "一般疾病、慢性病", "major": "重大疾病",
    "rare_with_scheme": "有规范救助政策的罕见病", "rare_without_scheme": "暂无规范救助政策的罕见病特殊病",
}  # fmt: skip
REFERRALS = {"local": "本地就医", "filed": "已转诊或备案", "unfiled": "未按规定转诊备案"}
CAUSES = {
    "": "无特殊原因", "self_harm": "自伤自残", "fight": "打架斗殴", "drunk": "酗酒闹事", "traffic": "交通肇事",
    "traffic_no_liability": "交通事故（认定书证明无承担赔偿责任方）",
}  # fmt: skip
#: hosp_lv of the national dictionary -> tier used in packs.
HOSPITAL_TIERS = {
    **dict.fromkeys(("01", "02", "03", "04"), "tertiary"),
    **dict.fromkeys(("05", "06", "07"), "secondary"),
    **dict.fromkeys(("08", "09", "10", "11"), "primary"),
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """One bill. Amounts in fen, none negative; ``medfee_sumamt`` is the sum of the four split amounts.

    Optional facts beyond the exchange format's minimum (``birth``, ``hosp_lv``, ``household`` …) are empty when not
    known; a rule that needs one says so instead of guessing.
    """

    setl_id: str
    psn_no: str
    fixmedins_code: str
    med_type: str
    begndate: date
    enddate: date
    setl_time: datetime
    diag_code: str
    medfee_sumamt: int
    fulamt_ownpay_amt: int
    overlmt_selfpay: int
    preselfpay_amt: int
    inscp_scp_amt: int
    hifp_pay: int = 0
    cvlserv_pay: int = 0
    hifes_pay: int = 0
    hifmi_pay: int = 0
    hifob_pay: int = 0
    oth_pay: int = 0
    supp_pay: int = 0
    relief_amt: int = 0
    maf_pay: int = 0
    later_aid_amt: int = 0
    disease_class: str = ""
    refer_stas: str = "local"
    out_prov: bool = False
    cause: str = ""
    hosp_lv: str = ""
    birth: date | None = None
    household: str = ""
    standard_area: str = ""
    assistance_designated: bool | None = None
    designated: bool | None = None
    diag_others: str = ""

    @property
    def home(self) -> object:
        """Whose a household's totals are; a person without one is a household alone, which no household's number can be."""
        return self.household or (self.psn_no,)

    def __post_init__(self) -> None:
        assert self.begndate <= self.enddate
        assert all(getattr(self, name) >= 0 for name in AMOUNT_FIELDS)
        split = self.fulamt_ownpay_amt + self.overlmt_selfpay + self.preselfpay_amt + self.inscp_scp_amt
        assert self.medfee_sumamt == split, (self.setl_id, self.medfee_sumamt, split)
