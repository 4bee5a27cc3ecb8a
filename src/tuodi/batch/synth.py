"""A believable synthetic county in exchange files: for demonstrations, tests and benchmarks, never for statistics.

People live in households, hold identities that overlap, are renewed, lost, granted back, gained or lost in the middle of a
stay; poorer people fall ill more often; bills follow the published means with a heavy tail; some are late, cancelled,
settled again. People are made in blocks that know nothing of each other, so memory does not grow with the county and the
same seed gives the same bytes. ``synth_people``, ``synth_bills`` and ``synth_places`` draw; this module puts together.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from tuodi.batch import synth_bills, synth_people, synth_places
from tuodi.batch import synth_tables as tables
from tuodi.batch.synth_bills import STAY, Bills
from tuodi.batch.synth_files import (
    Appender,
    Rows,
    application_table,
    identity_table,
    people_table,
    settlement_table,
)
from tuodi.batch.synth_people import People, Records, Window
from tuodi.batch.synth_places import Institutions
from tuodi.batch.synth_summary import Summary, summary
from tuodi.core.errors import InputErrors, declare, fault

__all__ = ["Summary", "county", "summary"]

E_SYNTH = declare("E-SYNTH-OPTIONS", "不能按{name}“{given}”生成合成县", "{remedy}")

#: people made at a time; part of what the seed means, so changing it changes every county.
BLOCK = 20_000
EPOCH = date(1970, 1, 1)
OPENING, CLOSING = 8 * 3600, 17 * 3600 + 1800
FORMATS = ("csv", "parquet")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    out_dir: Path
    people: int
    seed: int
    identities: tuple[str, ...]
    first: date
    last: date
    format: str
    in_fen: bool
    layers: tuple[str, ...]
    area: str


def county(
    *,
    out_dir: Path | str,
    people: int,
    seed: int,
    identities: Sequence[str],
    first: date,
    last: date,
    format: str = "csv",
    in_fen: bool = False,
    layers: Sequence[str] = (),
    area: str = "999901",
    progress: Callable[[int], object] | None = None,
) -> Summary:
    """Write a county of that many people into ``out_dir`` and return its figures.

    Discharges and settlements lie from ``first`` to ``last``, both included. ``in_fen`` (Parquet only) writes amounts as int64 columns
    with the suffix ``_fen``. ``layers`` are the ids for which applications are made. ``progress`` is told how many people were
    finished since the last call, as ``tqdm.update`` wants it. The same arguments give the same bytes.
    """
    asked = (Path(out_dir), people, seed, tuple(identities), first, last, format, in_fen, tuple(layers), area)
    wish = Wish(*asked)
    _require_sense(wish)
    wish.out_dir.mkdir(parents=True, exist_ok=True)
    window = Window((first - EPOCH).days, (last - EPOCH).days)
    places = synth_places.institutions(people=people, area=area, window=window)
    figures = Summary(years_percent=round(window.days * 100 / 365.2425))
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(Appender(wish.out_dir / f"{name}.{kind}"))
            for name, kind in (
                ("settlements", format),
                ("identities", format),
                ("people", "csv"),
                ("applications", "csv"),
            )
        }
        households = 0
        for block, number in enumerate(range(0, people, BLOCK)):
            count = min(BLOCK, people - number)
            households += _block(wish, window, places, files, figures, numbers=(block, number, count, households))
            if progress is not None:
                progress(count)
    figures.rows["institutions"] = _write_institutions(wish.out_dir / "institutions.csv", places)
    (wish.out_dir / "README.txt").write_text(_readme(wish, figures), encoding="utf-8", newline="\n")
    return figures


def _require_sense(wish: Wish) -> None:
    faults = []

    def wrong(name: str, value: object, remedy: str) -> None:
        faults.append(fault(E_SYNTH, name=name, given=value, remedy=remedy))

    if not 1 <= wish.people <= 999_999_999:
        wrong("人数", wish.people, "请给出 1 到 999999999 之间的整数")
    if wish.seed < 0:
        wrong("种子", wish.seed, "请给出不为负的整数")
    for code in wish.identities:
        if code not in tables.KINDS:
            wrong("身份", code, f"可用的身份：{'、'.join(tables.KINDS)}")
    if len(set(wish.identities)) != len(wish.identities):
        wrong("身份", "、".join(wish.identities), "每种身份只写一次")
    if wish.last < wish.first or wish.first.year < 1980:
        wrong("时间", f"{wish.first} 至 {wish.last}", "起始日应不早于 1980 年，且不晚于截止日")
    if wish.format not in FORMATS or (wish.in_fen and wish.format != "parquet"):
        wrong("格式", wish.format, "格式为 csv 或 parquet；以分为单位的列只能用 parquet")
    if not (len(wish.area) == 6 and wish.area.isascii() and wish.area.isdigit()):
        wrong("区划", wish.area, "请给出六位数字")
    if faults:
        raise InputErrors(faults)


def _block(
    wish: Wish, window: Window, places: Institutions, files: dict[str, Appender], figures: Summary, *, numbers: tuple[int, int, int, int]
) -> int:  # fmt: skip
    """Make and write one block of people; return how many households it has."""
    block, number, count, households = numbers
    rng = np.random.default_rng(np.random.SeedSequence(wish.seed, spawn_key=(block,)))
    people = synth_people.people(rng, count=count, number=number + 1, household=households + 1, window=window)
    held = synth_people.identities(rng, people, codes=wish.identities, window=window, at_least_one=block == 0)
    is_holder = np.zeros(count, bool)
    is_holder[held.person] = True
    bills = synth_bills.bills(rng, people, is_holder=is_holder, window=window, institutions=places)
    records, gained, lost = _with_bills(rng, held, bills=bills, people=people, codes=wish.identities, window=window)
    figures.situations.update({"住院中获得身份": gained, "住院中失去身份": lost})
    rows = _with_cancellations(rng, bills, window=window, figures=figures)
    files["settlements"].append(settlement_table(rows, people, places, block=block, in_fen=wish.in_fen))
    files["identities"].append(identity_table(records, people, wish.identities))
    files["people"].append(people_table(people))
    person, layer, day = _applications(rng, bills, layers=len(wish.layers), people=people, window=window)
    files["applications"].append(application_table(people, person=person, layer=layer, day=day, layers=wish.layers))
    figures.rows["settlements"] += len(rows.bills)
    figures.rows["applications"] += len(person)
    figures.add_people(people, records, wish.identities)
    figures.add_bills(bills, people)
    return int(people.household[-1] - people.household[0] + 1)


def _with_bills(
    rng: np.random.Generator,
    held: Records,
    *,
    bills: Bills,
    people: People,
    codes: Sequence[str],
    window: Window,
) -> tuple[Records, int, int]:
    """Return the identity records after illness has had its say, and how many were gained and lost during a stay."""
    person, settled = _heavy(bills)
    caused = synth_people.by_bills(rng, codes=codes, person=person, settled=settled, window=window)
    records = synth_people.until_death(synth_people.join([held, caused]), people)
    stays = bills.pick(bills.kind == STAY)
    records, is_gained, is_lost = synth_people.meet_stays(
        rng, records, person=stays.person, begin=stays.begin, end=stays.end, window=window
    )
    ordered = records.pick(np.lexsort((records.begin, records.code, records.person)))
    return ordered, int(is_gained.sum()), int(is_lost.sum())


def _heavy(bills: Bills) -> tuple[np.ndarray, np.ndarray]:
    """Return the people whose bills leave them a heavy burden, and the day their dearest bill was settled."""
    left = bills.amounts["inscp_scp_amt"] + bills.amounts["preselfpay_amt"]
    for name in ("hifp_pay", "hifmi_pay", "hifob_pay", "cvlserv_pay", "hifes_pay", "oth_pay", "supp_pay"):
        left = left - bills.amounts[name]
    burden = np.bincount(bills.person, weights=left, minlength=1).astype(np.int64)
    person = np.flatnonzero(burden >= tables.HEAVY_BURDEN * 100)
    order = np.lexsort((left, bills.person))
    dearest = order[np.searchsorted(bills.person[order], person, side="right") - 1]
    return person, bills.settled[dearest]


def _with_cancellations(rng: np.random.Generator, bills: Bills, *, window: Window, figures: Summary) -> Rows:
    """Return the bills with some cancelled within three weeks, and most of those settled again that day.

    A bill settled again has a new id and a tenth of its fully self-paid part moved to the first share.
    """
    n = len(bills)
    second = rng.integers(OPENING, CLOSING, n)
    day = bills.settled + rng.integers(0, 21, n)
    is_cancelled = (rng.random(n) < np.where(bills.kind == STAY, 0.015, 0.004)) & (day <= window.last)
    cancelled = np.flatnonzero(is_cancelled)
    again = cancelled[rng.random(len(cancelled)) < 0.65]
    cancels, repeats = bills.pick(cancelled), bills.pick(again)
    cancels.settled, repeats.settled = day[cancelled], day[again]
    moved = repeats.amounts["fulamt_ownpay_amt"] // 10
    repeats.amounts["fulamt_ownpay_amt"] = repeats.amounts["fulamt_ownpay_amt"] - moved
    repeats.amounts["preselfpay_amt"] = repeats.amounts["preselfpay_amt"] + moved
    every = synth_bills.join([bills, cancels, repeats])
    sequence = np.concatenate((np.arange(n), cancelled, n + np.arange(len(again))))
    seconds = np.concatenate((second, second[cancelled] + 1200, second[again] + 2400))
    is_cancelling = np.zeros(len(every), bool)
    is_cancelling[n : n + len(cancelled)] = True
    figures.situations["撤销"] += len(cancelled)
    figures.situations["撤销后重新结算"] += len(again)
    order = np.lexsort((seconds, every.settled, every.person))
    return Rows(every.pick(order), sequence[order] + 1, seconds[order], is_cancelling[order])


def _applications(
    rng: np.random.Generator, bills: Bills, *, layers: int, people: People, window: Window
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return who applied for which layer when: one in five of those with a heavy burden, after their dearest bill."""
    nothing = np.zeros(0, np.int64)
    parts = [(nothing, nothing, nothing)]
    person, settled = _heavy(bills)
    for layer in range(layers):
        chosen = rng.random(len(person)) < 0.2
        day = settled[chosen] + rng.integers(5, 60, int(chosen.sum()))
        in_time = (day <= window.last) & (day <= people.died[person[chosen]])
        parts.append((person[chosen][in_time], np.full(int(in_time.sum()), layer), day[in_time]))
    who, layer, day = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.lexsort((layer, day, who))
    return who[order], layer[order], day[order]


def _write_institutions(path: Path, places: Institutions) -> int:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, synth_places.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(places.rows)
    return len(places.rows)


def _readme(wish: Wish, figures: Summary) -> str:
    money = "整数分（列名以 _fen 结尾）" if wish.in_fen else "元，两位小数"
    return f"""本目录的全部数据都是合成的：人、家庭、姓名、机构、身份、单据均为程序随机生成，不对应任何真实的人和机构。
只可用于演示、测试和性能比较，不可用于统计或决策。

参数：人数 {wish.people}，种子 {wish.seed}，时间 {wish.first} 至 {wish.last}，格式 {wish.format}，金额 {money}，区划 {wish.area}（虚构）
身份：{"、".join(wish.identities) or "无"}
申请的救助层：{"、".join(wish.layers) or "无"}
同样的参数生成同样的文件。

文件：
settlements.{wish.format}   结算，按人员编号和结算时间排列；refd_setl_flag 为 1 的行撤销同号的结算
identities.{wish.format}    身份；end 为空表示未终止
people.csv                 人员：sex 1 男 2 女，insutype 390 居民 310 职工，died_on 死亡日期；不含证件号码
applications.csv           依申请救助的申请
institutions.csv           医药机构：定点情况与暂停服务的起止日期

{summary(figures)}
"""
