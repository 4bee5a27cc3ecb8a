"""The exchange files as data: which columns each has, what a column holds, which codes it may say.

A schema is read by :mod:`tuodi.batch.reading`; nothing here opens a file. Amounts are yuan in the file and fen once
read; ``default`` is what an empty or absent optional cell says. Columns prefixed ``x_`` belong to whoever wrote the
file and are never read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tuodi.batch import faults
from tuodi.core.identities import IDENTITIES as IDENTITY_NAMES
from tuodi.core.settlements import CAUSES, DISEASE_CLASSES, HOSPITAL_TIERS, MED_TYPES, REFERRALS

Kind = Literal["id", "code", "amount", "day", "instant", "flag", "text", "citizen_id"]

#: Columns of the writer's own, passed over when read and kept when bad rows are written.
OWN_PREFIX = "x_"
#: The column in which a file of bad rows says what is wrong.
ERROR_COLUMN = "x_error"

#: A national code of two digits, or a local one of four or six that begins with it.
MED_TYPE_PATTERN = f"(?:{'|'.join(sorted(MED_TYPES))})(?:[0-9]{{2}}|[0-9]{{4}})?"
#: ICD-10 as the insurance writes it, with Chinese extensions (C34.900x001) and dagger-asterisk pairs (A17.001+G01*).
DIAGNOSIS_PATTERN = r"[A-Z][0-9]{2}(?:\.[0-9A-Za-z.]+)?(?:[x+*].*)?"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``codes`` or ``pattern`` (a regular expression) say what a code may be, ``code_fault`` what to
    answer otherwise; ``width`` pads a code with zeros on the left; ``signed`` amounts may be negative."""

    name: str
    title: str
    kind: Kind
    required: bool = False
    codes: tuple[str, ...] = ()
    pattern: str = ""
    code_fault: str = faults.VALUE_CODE
    default: str = ""
    width: int = 0
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """One kind of file. ``is_open`` files may have more columns than are listed.

    Where ``cancel_flag`` names a flag, a row that sets it cancels another row: of its columns only ``cancel_needs``
    must be there, and its amounts are not looked at.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    is_open: bool = False
    cancel_flag: str = ""
    cancel_needs: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the columns that a file must have."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """Return the column of that name; ``KeyError`` if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _identifier(name: str, title: str, *, required: bool = False) -> Column:
    return Column(name, title, "id", required)


def _amounts(titles: dict[str, str], *, required: bool = False, signed: bool = False) -> Iterable[Column]:
    return (Column(name, title, "amount", required, signed=signed) for name, title in titles.items())


def _day(name: str, title: str, *, required: bool = False) -> Column:
    return Column(name, title, "day", required)


def _flag(name: str, title: str, *, default: str = "0") -> Column:
    return Column(name, title, "flag", default=default)


def _text(name: str, title: str) -> Column:
    return Column(name, title, "text")


def _code(name: str, title: str, *, codes: Iterable[str], required: bool = False, default: str = "") -> Column:
    return Column(name, title, "code", required, codes=tuple(code for code in codes if code), default=default)


#: 01 to 11; a zero in front may be missing where a spreadsheet took it for a number.
_HOSPITAL_LEVEL = Column(
    "hosp_lv",
    "医院等级",
    "code",
    codes=tuple(HOSPITAL_TIERS) + tuple(code[1:] for code in HOSPITAL_TIERS if code.startswith("0")),
    width=2,
)
_CITIZEN_ID = Column("certno", "公民身份号码", "citizen_id")

SETTLEMENTS = Schema(
    "settlements",
    "结算文件",
    (
        _identifier("setl_id", "结算号", required=True),
        _identifier("psn_no", "人员编号", required=True),
        _identifier("fixmedins_code", "定点医药机构编码", required=True),
        Column(
            "med_type",
            "医疗类别",
            "code",
            required=True,
            pattern=MED_TYPE_PATTERN,
            code_fault=faults.VALUE_MED_TYPE,
        ),
        _day("begndate", "入院日期", required=True),
        _day("enddate", "出院日期", required=True),
        Column("setl_time", "结算时间", "instant", required=True),
        Column(
            "diag_code",
            "主要诊断编码",
            "code",
            required=True,
            pattern=DIAGNOSIS_PATTERN,
            code_fault=faults.VALUE_DIAGNOSIS,
        ),
        _code("disease_class", "疾病类别", codes=DISEASE_CLASSES),
        *_amounts(
            {
                "medfee_sumamt": "医疗费总额",
                "fulamt_ownpay_amt": "全自费金额",
                "overlmt_selfpay": "超限价自费费用",
                "preselfpay_amt": "先行自付金额",
                "inscp_scp_amt": "符合政策范围金额",
            },
            required=True,
        ),
        *_amounts(
            {
                "hifp_pay": "基本医疗保险统筹基金支出",
                "cvlserv_pay": "公务员医疗补助支出",
                "hifes_pay": "企业补充医疗保险支出",
                "hifmi_pay": "大病保险支出",
                "hifob_pay": "大额医疗费用补助支出",
                "oth_pay": "其他支出",
                "supp_pay": "商业补充保险支出",
                "relief_amt": "应扣减的减免金额",
                "maf_pay": "上游医疗救助支出",
                "later_aid_amt": "事后帮扶金额",
            }
        ),
        _code("refer_stas", "转诊备案情况", codes=REFERRALS, default="local"),
        _flag("out_prov", "省外就医标志"),
        _code("cause", "外伤原因", codes=CAUSES),
        _flag("refd_setl_flag", "冲销标志"),
        _day("brdy", "出生日期"),
        _HOSPITAL_LEVEL,
        _identifier("household", "家庭编号"),
        _text("standard_area", "户籍地区划"),
        _CITIZEN_ID,
    ),
    cancel_flag="refd_setl_flag",
    cancel_needs=("setl_id", "psn_no"),
)

IDENTITIES = Schema(
    "identities",
    "身份名册",
    (
        _identifier("psn_no", "人员编号", required=True),
        _code("identity", "身份", codes=IDENTITY_NAMES, required=True),
        _day("begin", "起始日期", required=True),
        _day("end", "终止日期"),
        _day("certified_on", "认定日期"),
        _day("applied_on", "申请日期"),
        _text("issuer", "认定部门"),
        _identifier("recorded_under", "登记时的人员编号"),
        _CITIZEN_ID,
    ),
)

#: Certifications that agree in these may not overlap. Those of two records that were merged may: each counts by its own days.
ONE_RECORD = ("psn_no", "identity", "recorded_under")

APPLICATIONS = Schema(
    "applications",
    "申请文件",
    (
        _identifier("psn_no", "人员编号", required=True),
        _identifier("layer", "救助层", required=True),
        _day("applied_on", "申请日期", required=True),
    ),
)

INSTITUTIONS = Schema(
    "institutions",
    "机构文件",
    (
        _identifier("fixmedins_code", "定点医药机构编码", required=True),
        _text("fixmedins_name", "机构名称"),
        _HOSPITAL_LEVEL,
        _identifier("admdvs", "行政区划代码"),
        _flag("insurance_designated", "医保定点标志", default="1"),
        _flag("assistance_designated", "医疗救助定点标志", default="1"),
        _day("suspended_from", "暂停服务起始日期"),
        _day("suspended_to", "暂停服务终止日期"),
    ),
)

ENTRIES = Schema(
    "entries",
    "结果文件",
    (
        _identifier("psn_no", "人员编号", required=True),
        _identifier("setl_id", "结算号"),
        Column("setl_time", "结算时间", "instant"),
        _identifier("layer", "救助层", required=True),
        _text("category", "救助类别"),
        _text("identity", "身份"),
        *_amounts(
            {
                "base": "基数",
                "deductible": "起付线",
                "counted": "计入金额",
                "entitled": "应救助金额",
                "cut": "核减金额",
            },
            signed=True,
        ),
        *_amounts({"pay": "救助金额"}, required=True, signed=True),
        _day("due_on", "应付日期"),
        _text("fund", "资金来源"),
        _text("clauses", "条款"),
        _text("readings", "解释口径"),
        _text("refusal", "不予救助的原因"),
    ),
    is_open=True,
)

SCHEMAS = {schema.name: schema for schema in (SETTLEMENTS, IDENTITIES, APPLICATIONS, INSTITUTIONS, ENTRIES)}
