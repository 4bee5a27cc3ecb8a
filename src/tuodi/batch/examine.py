"""Everything that is wrong with the files of a job, told at once.

A command stops at the first thing it cannot go on without: a file of the wrong form, a policy that cannot be read as asked. Before it
says so it looks here through all of its files, so that whoever corrects them corrects them once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tuodi.batch.checks import Chunk
from tuodi.batch.columns import APPLICATIONS, IDENTITIES, INSTITUTIONS, SETTLEMENTS, Schema
from tuodi.batch.ids import IdGuard
from tuodi.batch.institutions_join import joined
from tuodi.batch.reading import listed, open_table, read_all
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import Fault, InputErrors, declare, fault

E_INSTITUTION = declare(
    "E-INST-UNKNOWN", "机构文件里没有定点医药机构“{code}”（涉及 {count} 笔结算，第一笔在第 {first} 行）",
    "请补充机构文件，或核对结算文件里的机构编码",
)  # fmt: skip
E_LAYER = declare("E-APPLICATION-LAYER", "政策包没有可申请的救助层“{layer}”", "可申请的救助层：{known}")


@dataclass(frozen=True)
class Files:
    """The exchange files of a history."""

    settlements: Path
    identities: Path
    applications: Path | None = None
    institutions: Path | None = None

    def small(self) -> list[tuple[Path | None, Schema]]:
        """Return the files that fit in memory, with what they must look like."""
        return [
            (self.identities, IDENTITIES),
            (self.applications, APPLICATIONS),
            (self.institutions, INSTITUTIONS),
        ]


class UnknownInstitutions:
    """Institutions that settlements name and the institutions file lacks: how many settlements, and the first of them."""

    def __init__(self, institutions: pl.DataFrame | None) -> None:
        self._institutions = institutions
        self._seen: dict[str, tuple[int, int]] = {}

    def known_rows(self, chunk: Chunk) -> pl.DataFrame:
        """Return a chunk's good rows with what the institutions file says, unknown institutions noted and left out."""
        if self._institutions is None:
            return chunk.frame
        frame = joined(chunk.frame, self._institutions)
        lost = frame.filter(pl.col("designated").is_null() & ~pl.col("refd_setl_flag"))
        counted = lost.group_by("fixmedins_code").agg(pl.len().alias("n"), pl.col("row").min())
        for code, count, first in counted.iter_rows():
            held = self._seen.get(code)
            self._seen[code] = (count + (held[0] if held else 0), min(first, held[1]) if held else first)
        return frame.filter(pl.col("designated").is_not_null() | pl.col("refd_setl_flag"))

    def faults(self, file: str) -> list[Fault]:
        """Return one fault for each, in the order of their first settlements."""
        return [
            fault(E_INSTITUTION, file=file, line=first, column="fixmedins_code", code=code, count=count, first=first)
            for code, (count, first) in sorted(self._seen.items(), key=lambda item: item[1][1])
        ]


def faults_of(files: Files, plan: Plan | None = None) -> list[Fault]:
    """Return the faults of all files; without a plan, what only a plan can tell (the layers applied for) is left out."""
    found: list[Fault] = []
    tables: list[pl.DataFrame | None] = []
    for path, schema in files.small():
        table = None
        if path is not None:
            try:
                table, faults, _ = read_all(path, schema, keep_going=True)
                found += faults
            except InputErrors as errors:
                found += errors.faults
        tables.append(table)
    _, applications, institutions = tables
    if plan is not None and applications is not None:
        found += unknown_layers(plan, by_layer(plan, applications), str(files.applications))
    return found + _of_settlements(files.settlements, institutions)


def _of_settlements(path: Path, institutions: pl.DataFrame | None) -> list[Fault]:
    """Return the faults of a settlements file, row by row and of its ids over the whole file."""
    try:
        reader = open_table(path, SETTLEMENTS)
    except InputErrors as errors:
        return list(errors.faults)
    found: list[Fault] = []
    unknown = UnknownInstitutions(institutions)
    with IdGuard(str(path)) as guard:
        for chunk in reader:
            guard.feed(chunk)
            found += chunk.faults
            unknown.known_rows(chunk)
        found += guard.finish()
    found += unknown.faults(str(path))
    beyond = reader.fault_count + guard.fault_count
    return listed(found, count=max(beyond, len(found)), file=str(path))


def by_layer(plan: Plan, applications: pl.DataFrame) -> pl.DataFrame:
    """Return applications that name a layer by its clause with the layer's id."""
    names = {layer.clause: layer.id for layer in plan.layers if layer.due == "application"}
    return applications.with_columns(pl.col("layer").replace(names))


def unknown_layers(plan: Plan, applications: pl.DataFrame, file: str) -> list[Fault]:
    """Return a fault for each layer that is applied for and that nobody can apply for."""
    known = [layer.id for layer in plan.layers if layer.due == "application"]
    asked: Iterable[str] = applications["layer"].unique().sort()
    return [
        fault(E_LAYER, file=file, layer=layer, known="、".join(known) or "（无）")
        for layer in asked
        if layer not in known
    ]
