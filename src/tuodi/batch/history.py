"""One person's history out of exchange files, for explaining one settlement: theirs, or that of their circle where totals are households'.

Small files in good order are read by :mod:`.light`; anything else by :mod:`.reading`, whose faults then hold: a file with a bad row
is refused with all its faults. Neither path loads what the batch compiles with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.batch.columns import APPLICATIONS, IDENTITIES, INSTITUTIONS, SETTLEMENTS, Schema
from tuodi.batch.light import Row, light_rows
from tuodi.core.engine.fold import Application
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

if TYPE_CHECKING:
    import polars as pl

E_NO_SETTLEMENT = declare("E-EXPLAIN-UNKNOWN", "结算文件里没有结算号“{setl_id}”", "请核对结算号")
E_CANCELLED = declare("E-EXPLAIN-CANCELLED", "结算“{setl_id}”已经撤销，不计入核算", "如有重新结算，请用新的结算号查询")
E_NOT_LISTED = declare(
    "E-EXPLAIN-INSTITUTION",
    "机构文件里没有定点医药机构“{code}”（结算 {setl_id}）",
    "请补充机构文件，或核对结算文件里的机构编码",
)
E_LAYER = declare("E-EXPLAIN-LAYER", "政策包没有可申请的救助层“{layer}”", "可申请的救助层：{known}")

Keep = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class History:
    """What a settlement is folded with: live settlements, identities and applications of the person (or the circle)."""

    setl_id: str
    settlements: list[Settlement]
    identities: list[IdentityRecord]
    applications: list[Application]


def history_of(
    plans: Sequence[Plan],
    setl_id: str,
    *,
    settlements: Path,
    identities: Path,
    applications: Path | None = None,
    institutions: Path | None = None,
) -> History:
    """Return the history that a settlement belongs to under plans one after the other; ``InputErrors`` with every fault of the files."""
    faults: list[Fault] = []
    rows: list[Row] = []
    try:
        rows = _settlement_rows(settlements, setl_id, by_household=any(plan.is_by_household for plan in plans))
    except InputErrors as errors:  # the other files are looked at all the same, so that everything is told at once
        faults += errors.faults
    people = {row["psn_no"] for row in rows}
    listed = _institutions(institutions, faults) if institutions is not None else None
    held = _small(identities, IDENTITIES, lambda row: row["psn_no"] in people, faults)
    asked = _small(applications, APPLICATIONS, lambda row: True, faults) if applications is not None else []
    made = [_settlement(row, listed, faults, file=str(settlements)) for row in rows]
    applied = _applications(plans, asked, file=str(applications), faults=faults)
    if faults:
        raise InputErrors(faults)
    records = [
        IdentityRecord(
            r["psn_no"], r["identity"], r["begin"], r["end"], r["certified_on"], r["applied_on"], r["issuer"]
        )
        for r in held
    ]
    return History(setl_id, made, records, [application for application in applied if application.psn_no in people])


def _settlement_rows(path: Path, setl_id: str, *, by_household: bool) -> list[Row]:
    """Return the live rows of everybody whose bills may bear on the settlement's."""
    rows = light_rows(path, SETTLEMENTS)
    if rows is None:
        rows = _rows_of_reader(path, setl_id, by_household=by_household)
    own = next((row for row in rows if _is_it(row, setl_id)), None)
    if own is None:
        raise InputErrors([fault(E_NO_SETTLEMENT, file=str(path), setl_id=setl_id)])
    gone = {row["setl_id"] for row in rows if row["refd_setl_flag"]}
    if setl_id in gone:
        raise InputErrors([fault(E_CANCELLED, file=str(path), setl_id=setl_id)])
    circle = Circle(own, by_household=by_household)
    while circle.take(rows):
        pass
    return [row for row in rows if row["setl_id"] not in gone and circle.holds(row)]


def _is_it(row: Row, setl_id: str) -> bool:
    return row["setl_id"] == setl_id and not row["refd_setl_flag"]


class Circle:
    """Whose rows are wanted for a settlement: the person; where totals are households', everybody whom households join to the person.

    Somebody who moved brings the totals of one household into the next, and so do those who live there: who shares a household
    with somebody of the circle is in it. A cancelling row may name no household; it is its person's.
    """

    def __init__(self, own: Row, *, by_household: bool) -> None:
        self.people, self.homes = {own["psn_no"]}, set[str]()
        self.by_household = by_household

    def holds(self, row: Row) -> bool:
        """Say whether a row is of the circle as far as it is known."""
        return row["psn_no"] in self.people or row["household"] in self.homes

    def take(self, rows: Iterable[Row]) -> bool:
        """Take in whom the rows of the circle lead to; say whether it grew."""
        before = len(self.people), len(self.homes)
        if self.by_household:
            for row in filter(self.holds, rows):
                self.people.add(row["psn_no"])
                self.homes |= {row["household"]} - {""}
        return (len(self.people), len(self.homes)) != before


def _rows_of_reader(path: Path, setl_id: str, *, by_household: bool) -> list[Row]:
    """Return the rows of the settlement's circle by the full reader, the whole file checked.

    One pass, and then round again until every chunk was looked at since the circle last grew: for one person that is what came before
    the settlement.
    """

    from tuodi.batch.ids import IdGuard
    from tuodi.batch.reading import listed, open_table

    reader = open_table(path, SETTLEMENTS)
    faults: list[Fault] = []
    circle: Circle | None = None
    kept: dict[int, Row] = {}
    chunks = since = 0
    with IdGuard(str(path)) as guard:
        for chunk in reader:
            guard.feed(chunk)
            faults += chunk.faults
            chunks, since = chunks + 1, since + 1
            own = None if circle else next(chunk.frame.filter(_it(setl_id)).iter_rows(named=True), None)
            circle = circle or (Circle(own, by_household=by_household) if own else None)
            if circle is not None and (_take(circle, chunk.frame, kept) or own):
                since = 1
        faults += guard.finish()
    if faults:
        raise InputErrors(listed(faults, count=reader.fault_count + guard.fault_count, file=str(path)))
    while circle is not None and since < chunks:
        for chunk in reader:
            since = 1 if _take(circle, chunk.frame, kept) else since + 1
            if since >= chunks:
                break
    return [kept[line] for line in sorted(kept)]


def _it(setl_id: str) -> pl.Expr:
    import polars as pl

    return (pl.col("setl_id") == setl_id) & ~pl.col("refd_setl_flag")


def _take(circle: Circle, frame: pl.DataFrame, kept: dict[int, Row]) -> bool:
    """Keep the rows of a chunk that are the circle's, by their lines; say whether it grew by them."""
    import polars as pl

    has_grown = False
    while True:
        wanted = pl.col("psn_no").is_in(list(circle.people)) | pl.col("household").is_in(list(circle.homes))
        rows = frame.filter(wanted).rows(named=True)
        kept |= {row["row"]: row for row in rows}
        if not circle.take(rows):
            return has_grown
        has_grown = True


def _small(path: Path, schema: Schema, keep: Keep, faults: list[Fault]) -> list[Row]:
    """Return the rows of a file that fits in memory which are kept."""
    rows = light_rows(path, schema)
    if rows is not None:
        return [row for row in rows if keep(row)]
    from tuodi.batch.reading import read_all

    try:
        frame, _, _ = read_all(path, schema)
    except InputErrors as errors:
        faults += errors.faults
        return []
    return [row for row in frame.iter_rows(named=True) if keep(row)]


def _institutions(path: Path, faults: list[Fault]) -> dict[str, Row]:
    return {row["fixmedins_code"]: row for row in _small(path, INSTITUTIONS, lambda row: True, faults)}


def _applications(plans: Sequence[Plan], rows: list[Row], *, file: str, faults: list[Fault]) -> list[Application]:
    """Return applications, a layer named by its id or its clause."""
    layers = [layer for plan in plans for layer in plan.layers if layer.due == "application"]
    ids = {layer.clause: layer.id for layer in layers} | {layer.id: layer.id for layer in layers}
    listed = "、".join(dict.fromkeys(layer.id for layer in layers)) or "（无）"
    for layer in sorted({row["layer"] for row in rows} - set(ids)):
        faults.append(fault(E_LAYER, file=file, layer=layer, known=listed))
    return [Application(row["psn_no"], ids.get(row["layer"], row["layer"]), row["applied_on"]) for row in rows]


def _settlement(row: Row, listed: Mapping[str, Row] | None, faults: list[Fault], *, file: str) -> Settlement:
    """Return a settlement with what the institutions file says of its institution."""
    own = None
    if listed is not None:
        code = row["fixmedins_code"]
        own = listed.get(code)
        if own is None:
            where = {"file": file, "line": row["row"], "column": "fixmedins_code"}
            faults.append(fault(E_NOT_LISTED, **where, code=code, setl_id=row["setl_id"]))
    amounts = {name: row[name] for name in AMOUNT_FIELDS}
    return Settlement(
        setl_id=row["setl_id"], psn_no=row["psn_no"], fixmedins_code=row["fixmedins_code"], med_type=row["med_type"],
        begndate=row["begndate"], enddate=row["enddate"], setl_time=row["setl_time"], diag_code=row["diag_code"], **amounts,
        disease_class=row["disease_class"], refer_stas=row["refer_stas"], out_prov=row["out_prov"], cause=row["cause"],
        hosp_lv=row["hosp_lv"] or (own["hosp_lv"] if own else ""), birth=row["brdy"], household=row["household"],
        standard_area=row["standard_area"], designated=_is_designated(row, own) if own else None,
        assistance_designated=own["assistance_designated"] if own else None, diag_others=row.get("diag_others") or "",
    )  # fmt: skip


def _is_designated(row: Row, own: Row) -> bool:
    settled, first, last = row["setl_time"].date(), own["suspended_from"], own["suspended_to"]
    suspended = first is not None and first <= settled and (last is None or settled <= last)
    return bool(own["insurance_designated"]) and not suspended


def person_of(records: Iterable[IdentityRecord], psn_no: str) -> Sequence[IdentityRecord]:
    """Return the identity records of one person."""
    return [record for record in records if record.psn_no == psn_no]
