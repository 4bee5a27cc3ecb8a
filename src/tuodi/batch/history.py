"""One person's history from exchange files, for an explanation: read whole, checked whole, only the person kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tuodi.batch.checks import Chunk
from tuodi.batch.columns import APPLICATIONS, IDENTITIES, INSTITUTIONS, SETTLEMENTS
from tuodi.batch.ids import IdGuard
from tuodi.batch.institutions_join import joined
from tuodi.batch.objects import applications_of, identities_of, settlements_of
from tuodi.batch.pipeline import by_layer
from tuodi.batch.reading import open_table, read_all
from tuodi.core.engine.fold import Application
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import Fault, InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

E_NO_SETTLEMENT = declare("E-EXPLAIN-UNKNOWN", "结算文件里没有结算号“{setl_id}”", "请核对结算号")
E_CANCELLED = declare("E-EXPLAIN-CANCELLED", "结算“{setl_id}”已经撤销，不计入核算", "如有重新结算，请用新的结算号查询")


@dataclass(frozen=True)
class PersonHistory:
    """The live settlements of a person (or household), with identities and applications."""

    settlements: list[Settlement]
    identities: list[IdentityRecord]
    applications: list[Application]


def history_of(
    setl_id: str, *, settlements: Path, identities: Path, applications: Path | None, institutions: Path | None,
    by_household: bool, plan: Plan,
) -> PersonHistory:  # fmt: skip
    """Return the history that a settlement stands in; ``InputErrors`` with every fault of the files."""
    chunks, faults = _chunks(settlements)
    frame = pl.concat([chunk.frame for chunk in chunks])
    if faults:
        raise InputErrors(faults)
    found = frame.filter((pl.col("setl_id") == setl_id) & ~pl.col("refd_setl_flag"))
    if not len(found):
        raise InputErrors([fault(E_NO_SETTLEMENT, file=str(settlements), setl_id=setl_id)])
    cancels = frame.filter("refd_setl_flag")["setl_id"]
    if setl_id in set(cancels):
        raise InputErrors([fault(E_CANCELLED, file=str(settlements), setl_id=setl_id)])
    own = frame.filter(~pl.col("refd_setl_flag") & ~pl.col("setl_id").is_in(cancels.implode()))
    person, household = found["psn_no"][0], found["household"][0]
    own = own.filter(pl.col("household") == household) if by_household and household else own.filter(pl.col("psn_no") == person)
    if institutions is not None:
        own = joined(own, read_all(institutions, INSTITUTIONS)[0])
    people = own["psn_no"].unique().implode()
    held = read_all(identities, IDENTITIES)[0].filter(pl.col("psn_no").is_in(people))
    asked = by_layer(plan, read_all(applications, APPLICATIONS)[0]).filter(pl.col("psn_no").is_in(people)) if applications else None
    return PersonHistory(settlements_of(own), identities_of(held), applications_of(asked))


def _chunks(path: Path) -> tuple[list[Chunk], list[Fault]]:
    """Return a settlements file's chunks and all its faults."""
    faults: list[Fault] = []
    chunks: list[Chunk] = []
    with IdGuard(str(path)) as guard:
        for chunk in open_table(path, SETTLEMENTS):
            guard.feed(chunk)
            chunks.append(chunk)
            faults += chunk.faults
        faults += guard.finish()
    return chunks, faults
