"""National settlement record -> exchange row, and back, without losing a fen.

Into the exchange format:

- ``hifdm_pay`` and ``othfund_pay`` have no column of their own and go into ``oth_pay`` (``othfund_pay`` only if the
  record's books do not already balance without it: some platforms list a part of ``oth_pay`` there again);
- the hospital's share (``hosp_part_amt``, else ``ownpay_hosp_part``) is nobody's burden: it goes into ``relief_amt``, and
  ``x_hosp_part_amt`` says how much of that it is;
- ``maf_pay`` stays ``maf_pay``: assistance paid upstream;
- ``dise_codg`` is a catalogue number of chronic diseases (M-numbers that are not the M chapter of ICD-10), so it never
  becomes a ``diag_code``;
- a fund field that is missing is zero only if ``fund_pay_sumamt`` leaves nothing for it; else it is a fault;
- ``insutype``, ``mdtrt_id`` and ``acct_pay`` are carried in ``x_`` columns, for the way back;
- a cancel response (negative amounts) becomes a cancelling row with the amounts turned positive.

Out of it: ``setlinfo`` and ``setldetail`` in which I1 to I5 hold. ``maf_pay`` and its single row 610101 are upstream
assistance plus ours, in one sum, because hospital systems keep the last such row they see. ``supp_pay`` and
``relief_amt`` are not fund payments and I3 has no place for them: ``psn_part_amt`` and ``psn_cash_pay`` are before them, and
``exp_content`` carries both with ``cash_due``, what is really left to collect. ``exp_content`` also keeps, under the key
``tuodi``, every exchange column that the national block lacks, so that the way back is exact.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tuodi.batch.columns import SETTLEMENTS
from tuodi.batch.national_checks import FUNDS, SPLIT, funds_without_others, hospital_share, personal_total
from tuodi.batch.national_records import AMOUNTS, CANONICAL, E_AMOUNT, Detail, Record, fen_from_wire
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.money import yuan
from tuodi.core.settlements import AMOUNT_FIELDS, INSURER_FIELDS, SPLIT_FIELDS

E_LACKS = declare("E-NATIONAL-LACKS", "{record}没有 {name}", "请补上，或用默认值给出")
E_NO_AMOUNT = declare(
    "E-NATIONAL-NO-AMOUNT", "{record}没有 {name}，未给出的金额不能当作零{hint}", "请向经办机构核对后补上"
)
E_SPLIT = declare(
    "E-NATIONAL-SPLIT",
    "{record}的总额 {total} 不等于四项之和 {parts}",
    "请核对全自费、超限价、先行自付、政策范围内四项",
)
E_SIGNS = declare("E-NATIONAL-SIGNS", "{record}的金额有正有负", "撤销返回应全部为负，正常结算应全部为正，请核对")
E_TIME = declare(
    "E-NATIONAL-TIME", "{record}的 {name} 不是规范的时间", "日期写作 2024-01-31，时间写作 2024-01-31 09:30:00"
)
E_ORDER = declare("E-NATIONAL-DATES", "{record}的出院日期 {enddate} 早于入院日期 {begndate}", "请核对两个日期")
E_REFERRAL = declare(
    "E-NATIONAL-REFERRAL",
    "{record}是异地就医，接口没有说明是否转诊备案",
    "请用默认值 refer_stas 给出 filed 或 unfiled",
)
E_TOO_MUCH = declare(
    "E-NATIONAL-OVERPAID", "{record}的各项支付合计 {paid} 超过医疗费总额 {total}", "请核对各项支付和救助金额"
)
E_NEGATIVE = declare(
    "E-NATIONAL-NEGATIVE", "{record}的 {name} 是负数", "交换文件的金额不为负；撤销用 refd_setl_flag 1 表示"
)
E_LONG = declare("E-NATIONAL-LONG", "{record}的 {name} 超过 4000 字", "请删去过长的附加列")
E_KEPT = declare("E-NATIONAL-KEPT", "{record}的 exp_content 里本系统写入的内容已被改动", "请使用未改动的记录")

IDS = ("setl_id", "psn_no", "fixmedins_code")
REQUIRED_TEXTS = (*IDS, "med_type", "begndate", "enddate", "setl_time", "diag_code")
#: exchange columns that the national block has no field for; kept in ``exp_content``.
KEPT_TEXTS = ("diag_code", "disease_class", "refer_stas", "out_prov", "cause", "household", "standard_area")
KEPT_AMOUNTS = ("supp_pay", "relief_amt", "later_aid_amt")
SHARED_TEXTS = ("brdy", "hosp_lv", "certno")
#: national facts without a column of their own that the way back needs.
CARRIED_TEXTS = ("insutype", "mdtrt_id")
#: ``x_`` columns that say something of the record itself, so an older value in ``exp_content`` never overrides them.
FACTS = frozenset(("x_hosp_part_amt", "x_acct_pay", *(f"x_{name}" for name in CARRIED_TEXTS)))
TEXTS = tuple(dict.fromkeys((*REQUIRED_TEXTS, *KEPT_TEXTS, *SHARED_TEXTS)))
COLUMNS = SETTLEMENTS.names
CANCELS = ("2208", "2305", "2103")
ELSEWHERE, OUT_OF_PROVINCE = ("3", "4"), "4"
TEXT_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """An exchange row, or what keeps the record from becoming one; ``notes`` say what was decided on the way."""

    row: dict[str, str]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def is_cancelling(record: Record) -> bool:
    """Say whether the record takes back another: a cancel transaction, or a negative total."""
    total = record.amount("medfee_sumamt") or 0
    return total < 0 or record.infno in CANCELS or (total == 0 and record.text("refd_setl_flag") == "1")


def to_exchange_row(
    record: Record,
    *,
    defaults: Mapping[str, str] | None = None,
    original: Record | None = None,
    generate_ids: bool = False,
    file: str = "",
) -> ExchangeRow:
    """Return the exchange row of a record, amounts as yuan text, with a fault for everything that lacks.

    ``defaults`` fill texts that the record does not give (named in ``x_default``); ``original`` is the settlement that a
    cancelling record takes back; ``generate_ids`` invents missing ids for demonstrations (named in ``x_generated``).
    """
    making = _Making(record, f"结算记录 {record.key} ", file, list(record.faults), [])
    sign = -1 if is_cancelling(record) else 1
    kept = _kept(making)
    row = dict.fromkeys(COLUMNS, "")
    _fill_texts(row, making, kept=kept, defaults=defaults or {}, original=original, generate_ids=generate_ids)
    _fill_amounts(row, making, kept=kept, sign=sign)
    row["refd_setl_flag"] = "1" if sign < 0 else "0"
    row |= {f"x_{name}": record.text(name) for name in CARRIED_TEXTS if record.text(name)}
    if account := sign * (record.amount("acct_pay") or 0):
        row["x_acct_pay"] = yuan(account)
    row |= {name: text for name, text in kept.items() if name.startswith("x_") and name not in FACTS and text}
    row.setdefault("x_national_key", record.key)
    return ExchangeRow(row, tuple(making.faults), tuple(making.notes))


@dataclass(frozen=True, slots=True)
class _Making:
    """A row in the making: where it comes from and what has been found wrong so far."""

    record: Record
    name: str
    file: str
    faults: list[Fault]
    notes: list[str]

    def wrong(self, code: str, *, column: str = "", value: str = "", **fields: object) -> None:
        place = {"file": self.file, "line": self.record.line, "column": column, "value": value}
        self.faults.append(fault(code, **place, record=self.name, **fields))

    def lacks(self, name: str, hint: str) -> None:
        """Tell that an amount is not given, unless it is and has been told to be unreadable."""
        unreadable = {one.column.lower() for one in self.faults if one.code == E_AMOUNT}
        if name not in {CANONICAL.get(column, column) for column in unreadable}:
            self.wrong(E_NO_AMOUNT, column=name, name=name, hint=hint)


def _kept(making: _Making) -> dict[str, str]:
    """Return what this system wrote into ``exp_content`` earlier; other systems' contents are left alone."""
    try:
        content = json.loads(making.record.text("exp_content") or "{}", parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return {}
    kept = content.get("tuodi", {}) if isinstance(content, dict) else {}
    if isinstance(kept, dict) and all(isinstance(value, str) for value in kept.values()):
        return kept
    making.wrong(E_KEPT, column="exp_content")
    return {}


def _fill_texts(
    row: dict[str, str],
    making: _Making,
    *,
    kept: Mapping[str, str],
    defaults: Mapping[str, str],
    original: Record | None,
    generate_ids: bool,
) -> None:
    sources = [making.record, original] if original else [making.record]
    by_default, generated = [], []
    for name in TEXTS:
        given = [kept.get(name, "")] if name in KEPT_TEXTS else []
        given += [source.text(name) for source in sources]
        row[name] = next((text for text in given if text), "")
        if not row[name] and name in defaults:
            row[name] = defaults[name]
            by_default.append(name)
        elif not row[name] and name in IDS and generate_ids:
            row[name] = _generated(name, making.record.key)
            generated.append(name)
    if original is not None:
        row["setl_id"] = original.text("setl_id") or row["setl_id"]
    elif init := making.record.text("init_setl_id"):
        row["setl_id"] = init
    row["x_default"], row["x_generated"] = ";".join(by_default), ";".join(generated)
    for name in REQUIRED_TEXTS:
        if not row[name]:
            making.wrong(E_LACKS, column=name, name=name)
    row["hosp_lv"] = row["hosp_lv"].zfill(2) if row["hosp_lv"] else ""
    _fill_place(row, making)
    _fill_times(row, making)


def _generated(name: str, key: str) -> str:
    prefix = {"setl_id": "DEMO-S-", "psn_no": "DEMO-P-", "fixmedins_code": "DEMO-H-"}[name]
    return prefix + "".join(c if c.isascii() and c.isalnum() else "-" for c in key)


def _fill_place(row: dict[str, str], making: _Making) -> None:
    """Local care unless ``pay_loc`` says elsewhere; whether that was filed is never guessed."""
    pay_loc = making.record.text("pay_loc")
    if not row["refer_stas"]:
        if pay_loc in ELSEWHERE:
            making.wrong(E_REFERRAL, column="pay_loc", value=pay_loc)
        row["refer_stas"] = "local"
    row["out_prov"] = row["out_prov"] or ("1" if pay_loc == OUT_OF_PROVINCE else "0")


def _fill_times(row: dict[str, str], making: _Making) -> None:
    for name, wanted in (("begndate", date), ("enddate", date), ("brdy", date), ("setl_time", datetime)):
        if not row[name]:
            continue
        text = _time_text(row[name], wanted)
        if text is None:
            making.wrong(E_TIME, column=name, value=row[name], name=name)
        else:
            row[name] = text
    if row["begndate"] and row["enddate"] and row["begndate"] > row["enddate"]:
        making.wrong(E_ORDER, column="enddate", begndate=row["begndate"], enddate=row["enddate"])


def _time_text(text: str, wanted: type) -> str | None:
    """Return a day or an instant as exchange files write it, None if the text is neither."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None or len(text) < (19 if wanted is datetime else 10):
        return None
    return found.strftime("%Y-%m-%d %H:%M:%S") if wanted is datetime else found.date().isoformat()


def _fill_amounts(row: dict[str, str], making: _Making, *, kept: Mapping[str, str], sign: int) -> None:
    record = making.record
    known = {name: sign * fen for name, fen in record.amounts.items()}
    own = _kept_amounts(making, kept)
    share = sign * (hospital_share(record) or 0)
    fen = {name: known.get(name) for name in AMOUNT_FIELDS}
    _require_split(making, fen)
    _require_funds(making, fen)
    fen["oth_pay"] = (fen["oth_pay"] or 0) + known.get("hifdm_pay", 0) + sign * _others(making)
    fen["maf_pay"] = (fen["maf_pay"] or 0) - own["assistance"]
    for name in KEPT_AMOUNTS:
        fen[name] = own[name]
    fen["relief_amt"] += share
    if share:
        row["x_hosp_part_amt"] = yuan(share)
    if any(value is not None and value < 0 for value in fen.values()) or share < 0:
        making.wrong(E_SIGNS)
    row |= {name: yuan(value or 0) for name, value in fen.items()}


def _kept_amounts(making: _Making, kept: Mapping[str, str]) -> dict[str, int]:
    amounts = {}
    for name in (*KEPT_AMOUNTS, "assistance"):
        try:
            amounts[name] = fen_from_wire(kept.get(name)) or 0
        except ValueError:
            amounts[name] = 0
            making.wrong(E_KEPT, column="exp_content", value=kept[name])
    return amounts


def _require_split(making: _Making, fen: Mapping[str, int | None]) -> None:
    lacking = [name for name in SPLIT_FIELDS if fen[name] is None]
    parts = sum(fen[name] or 0 for name in SPLIT)
    total = fen["medfee_sumamt"]
    if not lacking and total != parts:
        making.wrong(E_SPLIT, column="medfee_sumamt", total=yuan(total), parts=yuan(parts))
    for name in lacking:
        hint = f"（按 I1 推算应为 {yuan(total - parts)}）" if len(lacking) == 1 and total is not None else ""
        making.lacks(name, hint)


def _require_funds(making: _Making, fen: Mapping[str, int | None]) -> None:
    lacking = [name for name in FUNDS if fen[name] is None]
    total = making.record.amount("fund_pay_sumamt")
    if lacking and (total is None or total != funds_without_others(making.record)):
        for name in lacking:
            making.lacks(name, hint="")


def _others(making: _Making) -> int:
    """Return ``othfund_pay`` as far as it is money beyond the other funds."""
    record = making.record
    others = record.amount("othfund_pay") or 0
    total, personal = record.amount("fund_pay_sumamt"), personal_total(record)[0]
    if not others or total is None or personal is None:
        return others
    books = total + personal + (hospital_share(record) or 0)
    if total == funds_without_others(record) and books == record.amount("medfee_sumamt"):
        making.notes.append(f"{making.name}：othfund_pay {yuan(others)} 已含在其他基金里，没有再计入 oth_pay")
        return 0
    return others


def from_exchange_row(
    row: Mapping[str, str],
    *,
    assistance_fen: int = 0,
    setl_proc_info: str = "",
    known: Mapping[str, str] | None = None,
    file: str = "",
    line: int = 0,
) -> Record:
    """Return the national record of an exchange row to which ``assistance_fen`` of ours is added; I1 to I5 hold in it.

    ``known`` gives national fields that exchange rows lack (``insutype``, ``psn_name``, ``mdtrt_id``, ``acct_pay`` …);
    ``setl_proc_info`` explains our payment in the row 610101. A faulty row raises ``InputErrors`` with all its faults.
    """
    assert assistance_fen >= 0
    known = known or {}
    key = row.get("setl_id", "") or f"第 {line} 行"
    making = _Making(Record(key, {}, line=line), f"结算 {key} ", file, [], [])
    fen = _row_amounts(making, row, known)
    texts = _row_texts(making, row, known)
    amounts = _block(making, fen, assistance_fen)
    texts["exp_content"] = _content(row, fen, amounts=amounts, assistance_fen=assistance_fen)
    for name, text in (("exp_content", texts["exp_content"]), ("setl_proc_info", setl_proc_info)):
        if len(text) > TEXT_LIMIT:
            making.wrong(E_LONG, column=name, name=name)
    if making.faults:
        raise InputErrors(making.faults)
    detail = _details(amounts, insutype=texts["insutype"], setl_proc_info=setl_proc_info)
    if row.get("refd_setl_flag") == "1":
        amounts = {name: -value for name, value in amounts.items()}
        detail = [Detail({name: -value for name, value in row.amounts.items()}, row.texts) for row in detail]
    return Record(key, amounts, texts, tuple(detail), line=line)


def _row_amounts(making: _Making, row: Mapping[str, str], known: Mapping[str, str]) -> dict[str, int]:
    fen = {}
    cells = {name: row.get(name) for name in (*AMOUNT_FIELDS, "x_hosp_part_amt", "x_acct_pay")}
    cells["acct_pay"] = known.get("acct_pay")
    for name, text in cells.items():
        try:
            fen[name] = fen_from_wire(text) or 0
        except ValueError:
            fen[name] = 0
            making.wrong(E_AMOUNT, column=name, value=text or "")
        if fen[name] < 0:
            making.wrong(E_NEGATIVE, column=name, value=text or "", name=name)
        if name in SPLIT_FIELDS and not (text or "").strip():
            making.wrong(E_NO_AMOUNT, column=name, name=name, hint="")
    parts = sum(fen[name] for name in SPLIT)
    if not making.faults and parts != fen["medfee_sumamt"]:
        making.wrong(E_SPLIT, column="medfee_sumamt", total=yuan(fen["medfee_sumamt"]), parts=yuan(parts))
    return fen


def _row_texts(making: _Making, row: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of ``setlinfo``; a required one that nobody knows is empty, as clients send it."""
    texts = {name: row.get(name, "") or known.get(name, "") for name in (*REQUIRED_TEXTS, *SHARED_TEXTS)}
    del texts["diag_code"]
    for name in REQUIRED_TEXTS:
        if not row.get(name):
            making.wrong(E_LACKS, column=name, name=name)
    _fill_times(texts, making)
    for name in ("psn_name", "psn_cert_type", "psn_type", "medins_setl_id", "clr_optins", "clr_way"):
        texts[name] = known.get(name, "")
    for name in CARRIED_TEXTS:
        texts[name] = known.get(name) or row.get(f"x_{name}", "")
    texts["cvlserv_flag"] = known.get("cvlserv_flag", "0")
    texts["clr_type"] = known.get("clr_type", "") or _clearing_type(texts["med_type"])
    texts["pool_prop_selfpay"] = "0"
    texts |= {name: text for name, text in known.items() if name not in texts and name not in AMOUNTS}
    texts["refd_setl_flag"] = "1" if row.get("refd_setl_flag") == "1" else "0"
    if row.get("out_prov") == "1":
        texts["pay_loc"] = OUT_OF_PROVINCE
    return texts


def _clearing_type(med_type: str) -> str:
    if med_type.startswith("41"):
        return "41"
    return "21" if med_type.startswith(("2", "52")) else "11"


def _block(making: _Making, fen: Mapping[str, int], assistance_fen: int) -> dict[str, int]:
    """Return the money block: I1 was checked, I2 to I4 hold by how the rest is computed."""
    amounts = {name: fen[name] for name in (*SPLIT_FIELDS, *INSURER_FIELDS)}
    amounts["maf_pay"] = fen["maf_pay"] + assistance_fen
    amounts["fund_pay_sumamt"] = sum(amounts[name] for name in FUNDS)
    amounts["hosp_part_amt"] = min(fen["x_hosp_part_amt"], fen["relief_amt"])
    paid = amounts["fund_pay_sumamt"] + amounts["hosp_part_amt"] + fen["acct_pay"]
    if paid > fen["medfee_sumamt"]:
        making.wrong(E_TOO_MUCH, column="medfee_sumamt", paid=yuan(paid), total=yuan(fen["medfee_sumamt"]))
    amounts["psn_part_amt"] = fen["medfee_sumamt"] - amounts["fund_pay_sumamt"] - amounts["hosp_part_amt"]
    # What the account paid earlier shrinks when assistance leaves less to pay; what the caller states must fit.
    amounts["acct_pay"] = fen["acct_pay"] or max(0, min(fen["x_acct_pay"], amounts["psn_part_amt"]))
    amounts["psn_cash_pay"] = amounts["psn_part_amt"] - amounts["acct_pay"]
    return amounts | {"acct_mulaid_pay": 0, "balc": 0}


def _content(row: Mapping[str, str], fen: Mapping[str, int], *, amounts: Mapping[str, int], assistance_fen: int) -> str:
    kept = {name: row[name] for name in KEPT_TEXTS if row.get(name)}
    kept |= {name: yuan(fen[name]) for name in KEPT_AMOUNTS}
    kept["relief_amt"] = yuan(fen["relief_amt"] - amounts["hosp_part_amt"])
    kept["assistance"] = yuan(assistance_fen)
    others = fen["supp_pay"] + fen["relief_amt"] - amounts["hosp_part_amt"]
    kept["cash_due"] = yuan(max(0, amounts["psn_cash_pay"] - others))
    kept |= {name: text for name, text in row.items() if name.startswith("x_") and text}
    return json.dumps({"tuodi": kept}, ensure_ascii=False, separators=(",", ":"))


#: (amount field, fund_pay_type, name); the pool fund's code follows the kind of insurance.
FUND_ROWS = (
    ("hifp_pay", "", "基本医疗保险统筹基金"), ("cvlserv_pay", "320100", "公务员医疗补助"),
    ("hifes_pay", "370100", "企业补充医疗保险"), ("hifmi_pay", "390201", "居民大病保险"),
    ("hifob_pay", "330101", "职工大额医疗费用补助"), ("oth_pay", "999997", "其他基金"),
    ("maf_pay", "610101", "医疗救助基金"), ("acct_pay", "310201", "个人账户"), ("hosp_part_amt", "999996", "医院负担"),
)  # fmt: skip


def _details(amounts: Mapping[str, int], *, insutype: str, setl_proc_info: str) -> list[Detail]:
    """Return one row for each payer that paid; assistance has a single row, also when only its reason is to be told."""
    rows = []
    for name, code, label in FUND_ROWS:
        said = setl_proc_info if name == "maf_pay" else ""
        if not amounts[name] and not said:
            continue
        code = code or ("310101" if insutype.startswith("31") else "390101")
        texts = {"fund_pay_type": code, "fund_pay_type_name": label, "setl_proc_info": said}
        rows.append(Detail({"inscp_scp_amt": amounts["inscp_scp_amt"], "fund_payamt": amounts[name]}, texts))
    return rows
