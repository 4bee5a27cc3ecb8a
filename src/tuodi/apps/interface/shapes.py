"""What is asked and answered, as the OpenAPI document says it. Amounts are whole fen; names are those of the national
interface with their unit (``docs/reference/exchange.md``)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from tuodi.apps.settlement.envelope import MAX_FEN, YEARS
from tuodi.core.engine.compile import AMOUNT_NAMES
from tuodi.core.identities import IDENTITIES
from tuodi.core.settlements import CAUSES, DISEASE_CLASSES, HOSPITAL_TIERS, REFERRALS

DAY, INSTANT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)


def _dated(form: re.Pattern[str], says: str) -> Any:
    """Only text, and only of sensible years: numbers are not days."""

    def check(value: Any) -> Any:
        if not isinstance(value, str | date) or (isinstance(value, str) and not form.match(value)):
            raise ValueError(says)
        if isinstance(value, str) and int(value[:4]) not in YEARS:
            raise ValueError(f"年份应在 {YEARS.start} 至 {YEARS.stop - 1} 之间")
        return value

    return BeforeValidator(check)


Day = Annotated[date, _dated(DAY, "日期写成 2026-03-01")]
Instant = Annotated[AwareDatetime, _dated(INSTANT, "时间写成 2026-03-01T10:00:00+08:00")]
RequestId = Annotated[
    str,
    Field(
        pattern="^[0-9A-Za-z-]{8,30}$",
        description="调用方自编的请求编号，本机构内不重复（与国家接口的 msgid 共用）；同一编号再发得到原来的答复",
    ),
]
Number = Annotated[str, Field(pattern="^[0-9A-Za-z_-]{1,30}$")]
#: No code may hold control characters; which codes exist is checked behind.
Code = Annotated[str, Field(pattern="^[0-9A-Za-z._+-]{0,20}$")]
Fen = Annotated[int, Field(strict=True, ge=0, le=MAX_FEN - 1)]
Flag = Annotated[bool, Field(strict=True)]
DiseaseClass = Literal["", *DISEASE_CLASSES]  # type: ignore[valid-type]
Referral = Literal["", *REFERRALS]  # type: ignore[valid-type]
Cause = Literal[tuple(CAUSES)]  # type: ignore[valid-type]
IdentityCode = Literal[tuple(IDENTITIES)]  # type: ignore[valid-type]
State = Literal["", "settled", "cancelled", "refused", "changed"]
Order = Literal["setl_time", "-setl_time", "medfee", "-medfee", "paid", "-paid"]
Level = Literal["", *HOSPITAL_TIERS]  # type: ignore[valid-type]


def _fen(name: str, says: str = "", **more: Any) -> Any:
    return Field(description=f"{says or AMOUNT_NAMES[name]}（分）", **more)


class Asked(BaseModel):
    """What comes in: nothing that is not in the document."""

    model_config = ConfigDict(extra="forbid")


class Find(Asked):
    number: Annotated[str, Field(pattern="^[0-9A-Za-z_-]{1,30}$", description="居民身份证号码或人员编号")]


class OnDay(Asked):
    psn_no: Number = Field(description="人员编号")
    on: Day | None = Field(None, description="哪一天；不填为今天")


class Amounts(Asked):
    medfee_sumamt_fen: Fen = _fen("medfee_sumamt")
    inscp_scp_amt_fen: Fen = _fen("inscp_scp_amt", default=0)
    preselfpay_amt_fen: Fen = _fen("preselfpay_amt", default=0)
    fulamt_ownpay_amt_fen: Fen = _fen("fulamt_ownpay_amt", default=0)
    overlmt_selfpay_fen: Fen = _fen("overlmt_selfpay", default=0)
    hifp_pay_fen: Fen = _fen("hifp_pay", default=0)
    cvlserv_pay_fen: Fen = _fen("cvlserv_pay", default=0)
    hifes_pay_fen: Fen = _fen("hifes_pay", default=0)
    hifmi_pay_fen: Fen = _fen("hifmi_pay", default=0)
    hifob_pay_fen: Fen = _fen("hifob_pay", default=0)
    oth_pay_fen: Fen = _fen("oth_pay", default=0)
    supp_pay_fen: Fen = _fen("supp_pay", default=0)
    relief_amt_fen: Fen = _fen("relief_amt", default=0)
    maf_pay_fen: Fen = _fen("", "上游已付的医疗救助", default=0)
    later_aid_amt_fen: Fen = _fen("", "此后的其他援助", default=0)
    hosp_part_amt_fen: Fen = _fen("", "医院减免", default=0)
    acct_pay_fen: Fen = _fen("", "个人账户支付", default=0)


class Care(Amounts):
    """What a bill is besides its amounts."""

    med_type: Annotated[str, Field(pattern="^[0-9]{2,6}$")] = Field(description="医疗类别，如 21 普通住院、11 普通门诊")
    diag_code: Code = Field("", description="主要诊断编码")
    disease_class: DiseaseClass = Field("", description="疾病类别；不填按诊断编码判断")
    refer_stas: Referral = Field("", description="转诊备案；不填按备案记录判断")
    cause: Cause = Field("", description="致病原因")
    out_prov: Flag = Field(False, description="是否省外就医")


class BillIn(Care):
    psn_no: Number = Field(description="人员编号，由 people/find 取得")
    mdtrt_id: Annotated[str, Field(pattern="^[0-9A-Za-z_-]{0,30}$")] = Field(
        "", description="就诊ID；办过 2401 入院登记的填"
    )
    chrg_bchno: Annotated[str, Field(pattern="^[0-9A-Za-z_-]{0,30}$")] = Field(
        "", description="收费批次；同一次门诊就诊分几次收费的填；没有就诊ID、同一天另一次就诊金额也相同的，各填各的"
    )
    is_midway: Flag = Field(False, description="住院中途结算：同一次住院以后还要再结")
    setl_id: Annotated[str, Field(pattern="^[0-9A-Za-z_-]{0,30}$")] = Field(
        "", description="医保结算ID；不填由本系统编号"
    )
    begndate: Day = Field(description="入院（就诊）日期")
    enddate: Day = Field(description="出院日期；门诊与就诊日期相同")
    setl_time: Instant = Field(description="医保结算时间")
    insutype: Code = Field("", max_length=6, description="险种")
    clr_type: Code = Field("", max_length=6, description="清算类别；不填按医疗类别")


class Presettle(Asked):
    bill: BillIn


class Settle(Asked):
    request_id: RequestId
    bill: BillIn


class Cancel(Asked):
    request_id: RequestId


class IdentityIn(Asked):
    identity: IdentityCode = Field(description="身份")
    first: Day | None = Field(None, description="何时起；不填为结算日前一年")
    last: Day | None = Field(None, description="何时止；不填为仍有效")


class Estimate(Asked):
    area: Annotated[str, Field(pattern="^[0-9]{6}$")] | None = Field(None, description="参保地区划；不填为本机构所在地")
    settled_on: Day = Field(description="结算日期")
    admitted_on: Day | None = Field(None, description="入院日期")
    birth: Day | None = Field(None, description="出生日期；只有少数政策需要")
    hosp_lv: Level = Field("", description="医院等级")
    identities: list[IdentityIn] = Field(default=[], max_length=10)
    bill: Care


class Error(BaseModel):
    code: str = Field(description="错误代码，见 docs/reference/errors.md")
    message: str = Field(description="错在哪里、怎么办，可以直接显示给窗口人员")
    field: str = Field(description="有关的项，如 bill.enddate；与整个请求有关时为空")


class Errors(BaseModel):
    """所有错误一次报全。"""

    errors: list[Error]


class Standing(BaseModel):
    """当日的救助类别和依据。"""

    category: str
    category_name: str
    identity: str
    identity_name: str
    pack: str
    clause: str


class Person(BaseModel):
    psn_no: str
    name: str
    gend: str
    birth: date | None
    certno_masked: str = Field(description="只显示末四位")
    insured_area: str
    insutype: str
    died_on: date | None


class IdentityRow(BaseModel):
    identity: str
    identity_name: str
    local_code: str = Field(description="当地医保平台的身份代码")
    first: date
    last: date | None
    issuer: str


class Identities(BaseModel):
    psn_no: str
    on: date
    standing: Standing | None = Field(description="当日没有救助类别时为 null")
    identities: list[IdentityRow] = Field(description="当日有效的身份认定")


class Layer(BaseModel):
    layer: str
    name: str
    base_fen: int
    deductible_fen: int
    counted_fen: int
    cut_fen: int
    pay_fen: int
    due_on: date
    clauses: list[str]
    readings: list[str]


class Refusal(BaseModel):
    """依法不予救助：不是错误，附条款。"""

    refusal: str
    says: str
    clause: str


class Granted(BaseModel):
    assistance_fen: int = Field(description="医疗救助应付合计")
    counter_fen: int = Field(description="其中窗口现在支付的；医院按这个数记账，其余由经办机构另行支付")
    why_elsewhere: str = Field(description="为什么有一部分不由窗口支付；全部由窗口支付时为空")
    left_fen: int = Field(description="各方支付和救助之后个人还要承担的，含个人账户支付")
    category: str
    identity: str
    identity_name: str
    refusal: Refusal | None
    layers: list[Layer]


class Settled(Granted):
    setl_id: str


class Cancelled(BaseModel):
    setl_id: str = Field(description="被撤销的结算")
    cancellation_id: str = Field(description="撤销记录的编号")
    change_fen: int = Field(description="该参保人全部结算的救助合计因此变动多少")


class ListedSettlement(BaseModel):
    setl_id: str
    psn_no: str
    fixmedins_code: str
    med_type: str
    setl_time: AwareDatetime
    medfee_sumamt_fen: int
    assistance_fen: int = Field(description="至今应付合计；撤销的为 0")
    state: Literal["settled", "cancelled", "refused", "changed"]


class SettlementList(BaseModel):
    page: int
    pages: int
    count: int
    live_count: int = Field(description="未撤销的笔数")
    medfee_sumamt_fen: int = Field(description="未撤销的医疗费合计")
    assistance_fen: int = Field(description="救助合计")
    settlements: list[ListedSettlement]


class Change(BaseModel):
    at: AwareDatetime
    cause: str
    layer: str
    pay_fen: int = Field(description="负数为追回")
    total_fen: int


class SettlementDetail(ListedSettlement):
    amounts_fen: dict[str, int]
    changes: list[Change]
    patient_text: str = Field(description="给患者的说明；已撤销的为空")
    auditor_text: str = Field(description="逐步计算；已撤销的为空")
    trace: dict[str, Any] | None = Field(description="逐步计算的数据；已撤销的为 null")


class AgreementRow(BaseModel):
    kind: str
    number: str
    first: date
    last: date | None


class InstitutionOut(BaseModel):
    code: str
    name: str
    kind: str
    level: str
    area_code: str
    is_designated: bool
    is_assistance_designated: bool
    suspension: str = Field(description="暂停结算的原因；可以结算时为空")
    agreements: list[AgreementRow]


class Delegated(BaseModel):
    """由其他文件规定的数。示例值不是政策规定。"""

    param: str
    value: str
    source: str
    first: date | None
    is_sample: bool


class Policy(BaseModel):
    area: str
    on: date
    pack: str
    name: str
    first: date
    until: date | None = Field(description="下一份政策包从哪天起；没有为 null")
    digest: str
    readings: dict[str, str]
    delegated: list[Delegated]
    sections: list[dict[str, Any]] = Field(description="政策逐条写成的句子和表格，附条款")


class Share(BaseModel):
    kind: str
    id: str
    name: str
    amount_fen: int
    clauses: list[str]
    readings: list[str]


class Estimated(BaseModel):
    total_fen: int
    left_fen: int
    shares: list[Share]
    granted: Granted
    patient_text: str
    uses_samples: bool = Field(description="用了示例值：结果不是政策规定")
