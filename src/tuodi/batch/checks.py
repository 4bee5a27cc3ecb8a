"""Raw rows into good rows, faults, and bad rows as they were written.

All cells of a batch are judged by one pass of expressions. Only rows found bad are looked at one by one, to say why.
A row is good or bad as a whole. A row without any content is neither: spreadsheets leave such rows behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from tuodi.batch import values
from tuodi.batch.citizen import mask_within
from tuodi.batch.columns import ERROR_COLUMN, Column, Schema
from tuodi.batch.diagnosis import DAMAGE, shown, why_bad
from tuodi.batch.faults import MAX_FAULTS
from tuodi.batch.rows import CHECKS, RowCheck
from tuodi.batch.sources import Batch, BrokenRow, Source
from tuodi.core.errors import Fault, fault
from tuodi.core.money import yuan

_BAD = "bad:"
_WRONG = "wrong:"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file: the good ones normalised, the faults of the others, and those as text with what is wrong.

    ``bad_lines`` is the line of each row of ``bad``. ``faults`` may be fewer than there are, see :class:`Tally`.
    """

    frame: pl.DataFrame
    faults: list[Fault]
    bad: pl.DataFrame
    bad_lines: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))


class Tally:
    """Counts all faults of a file and lets only so many be kept."""

    def __init__(self, limit: int = MAX_FAULTS) -> None:
        self.count = 0
        self._limit = limit

    @property
    def room(self) -> int:
        """How many more may be kept."""
        return max(self._limit - self.count, 0)

    def kept(self, found: Iterable[Fault]) -> list[Fault]:
        """Count the faults and return those that may be kept."""
        found = list(found)
        kept = found[: self.room]
        self.count += len(found)
        return kept


def error_text(found: Iterable[Fault]) -> str:
    """Return what is wrong with a row, for the first cell of a file of bad rows."""
    return "；".join(f"{one.column}：{one.message[:-1]}" if one.column else one.message[:-1] for one in found)


def as_written(name: str, dtype: pl.DataType, column: Column | None) -> pl.Expr:
    """Return a raw column as the text that a CSV file would have."""
    cell = pl.col(name)
    if values.is_textual(dtype):
        return values.as_text(name)
    if isinstance(dtype, pl.Decimal):
        text = cell.cast(pl.String).str.replace(r"^(-?[0-9]+\.[0-9]{2})0+$", "${1}")
    elif column is not None and column.kind == "amount":
        text = cell.map_elements(yuan, return_dtype=pl.String)
    elif isinstance(dtype, pl.Datetime):
        is_day = (cell.dt.truncate("1d") == cell) & pl.lit(column is not None and column.kind == "day")
        form = pl.when(is_day).then(cell.dt.to_string("%Y-%m-%d"))
        text = form.otherwise(cell.dt.to_string("%Y-%m-%d %H:%M:%S"))
    elif dtype == pl.Boolean:
        text = cell.cast(pl.Int8).cast(pl.String)
    else:
        text = cell.cast(pl.String)
    return text.fill_null("").alias(name)


class Checker:
    """The checks of one file: built once from its columns, used on every batch."""

    def __init__(self, source: Source, schema: Schema, *, file: str) -> None:
        self._source, self._schema, self._file = source, schema, file
        self._present = {column.name: column for column in schema.columns if column.name in source.types}
        self._bad_names = [_BAD + name for name in self._present]
        expressions = [
            values.absent(column).alias(column.name) for column in schema.columns if column.name not in self._present
        ]
        for name, column in self._present.items():
            parsed = values.parsed(column, source.types[name])
            expressions += [parsed.value.alias(name), parsed.bad.alias(_BAD + name)]
        self._expressions = expressions
        self._texts = [
            as_written(name, dtype, self._present.get(name))
            for name, dtype in source.types.items()
            if name != ERROR_COLUMN
        ]

    def check(self, batch: Batch, tally: Tally) -> Chunk:
        """Return the batch judged."""
        cells = batch.frame.lazy().select(self._expressions).collect()
        if batch.is_damaged:
            cells = self._with_damage(cells, batch.frame)
        cells = self._forgiving(cells, batch.frame)
        cells = cells.with_columns(
            self._wrong(check).alias(_WRONG + check.code) for check in CHECKS.get(self._schema.name, ())
        )
        good = cells.select(self._schema.names).with_columns(batch.lines.alias("row"))
        flags = cells.select(pl.col("^bad:.*$"), pl.col("^wrong:.*$"))
        is_bad = flags.select(pl.any_horizontal(pl.all())).to_series()
        if not is_bad.any() and not batch.broken:
            return Chunk(good, [], self.no_bad_rows())
        at = is_bad.arg_true()
        texts = batch.frame[at].select(self._texts)
        has_content = texts.select(pl.any_horizontal(pl.all() != "")).to_series()
        at, texts = at.filter(has_content), texts.filter(has_content)
        lines = batch.lines[at]
        found = self._found(cells[at], flags[at], texts, lines.to_list())
        return self._chunk(good.filter(~is_bad), found, texts, lines, broken=batch.broken, tally=tally)

    def as_written(self, batch: Batch, mask: pl.Series) -> pl.DataFrame:
        """Return rows of a batch as text, with their ``row``."""
        return batch.frame.filter(mask).select(self._texts).with_columns(batch.lines.filter(mask).alias("row"))

    def no_bad_rows(self) -> pl.DataFrame:
        """Return bad rows, none of them."""
        return self._bad_frame([])

    def _with_damage(self, cells: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
        """Mark every cell as bad that has bytes nobody could read."""
        damage = raw.select(
            values.as_text(name).str.contains(DAMAGE, literal=True).alias(_BAD + name) for name in self._present
        )
        return cells.with_columns((cells[name] | damage[name]).alias(name) for name in self._bad_names)

    def _forgiving(self, cells: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
        """Take back what is bad about cancelling rows but need not be there: their amounts, and empty cells."""
        flag = self._schema.cancel_flag
        if flag not in self._present:
            return cells
        at = (cells[flag] & ~cells[_BAD + flag]).arg_true()
        if not len(at):
            return cells
        changed = []
        for name, column in self._present.items():
            if name == flag or name in self._schema.cancel_needs:
                continue
            if column.kind == "amount":
                changed.append(cells[name].scatter(at, 0))
            if not cells[_BAD + name].gather(at).any():
                continue
            forgiven = at
            if column.kind != "amount":
                written = raw[at].select(as_written(name, self._source.types[name], column)).to_series()
                forgiven = at.filter(written == "")
            changed.append(cells[_BAD + name].scatter(forgiven, False))
        return cells.with_columns(changed)

    def _wrong(self, check: RowCheck) -> pl.Expr:
        """Return where a row is wrong of those whose cells are good."""
        wrong = check.wrong.fill_null(False)
        for name in check.needs:
            if name in self._present:
                wrong = wrong & ~pl.col(_BAD + name)
        return wrong

    def _found(
        self, cells: pl.DataFrame, flags: pl.DataFrame, texts: pl.DataFrame, lines: list[int]
    ) -> list[list[Fault]]:
        """Return the faults of each bad row, in the order of the schema's columns."""
        found: list[list[Fault]] = [[] for _ in lines]
        for name, column in self._present.items():
            at = flags[_BAD + name].arg_true()
            for place, text in zip(at, texts[name].gather(at), strict=True):
                why = why_bad(column, text, encoding=self._source.encoding or "UTF-8")
                made = fault(
                    why.code,
                    file=self._file,
                    line=lines[place],
                    column=name,
                    value=shown(column, text),
                    **why.words,
                )
                found[place].append(made)
        for check in CHECKS.get(self._schema.name, ()):
            at = flags[_WRONG + check.code].arg_true()
            for place, row in zip(at, cells[at].select(check.needs).iter_rows(named=True), strict=True):
                found[place].append(self._row_fault(check, row, texts[check.column][place], lines[place]))
        return found

    def _row_fault(self, check: RowCheck, row: Mapping[str, object], text: str, line: int) -> Fault:
        words = check.words(row)
        return fault(check.code, file=self._file, line=line, column=check.column, value=text, **words)

    def _chunk(
        self,
        good: pl.DataFrame,
        found: list[list[Fault]],
        texts: pl.DataFrame,
        lines: pl.Series,
        *,
        broken: tuple[BrokenRow, ...],
        tally: Tally,
    ) -> Chunk:
        """Put bad and broken rows together, in the order of the file."""
        bad = texts.insert_column(0, pl.Series(ERROR_COLUMN, [error_text(row) for row in found], dtype=pl.String))
        if not broken:
            return Chunk(good, tally.kept(one for row in found for one in row), bad, lines)
        places = [*lines, *(row.line for row in broken)]
        found = [*found, *([row.fault] for row in broken)]
        order = sorted(range(len(places)), key=places.__getitem__)
        bad = pl.concat([bad, self._broken_frame(broken)])[order]
        kept = tally.kept(one for place in order for one in found[place])
        return Chunk(good, kept, bad, pl.Series([places[place] for place in order], dtype=pl.Int64))

    def _broken_frame(self, broken: tuple[BrokenRow, ...]) -> pl.DataFrame:
        """Return broken rows with the cells they have; what is left over is told in the error."""
        names = list(self._source.types)
        rows = []
        for row in broken:
            cells = dict(zip(names, [*row.cells, *[""] * len(names)], strict=False))
            rest = ",".join(row.cells[len(names) :])
            error = error_text([row.fault]) + (f"；多出的内容：{mask_within(rest)}" if rest else "")
            rows.append(cells | {ERROR_COLUMN: error})
        return self._bad_frame(rows)

    def _bad_frame(self, rows: list[dict[str, str]]) -> pl.DataFrame:
        columns = [ERROR_COLUMN, *(name for name in self._source.types if name != ERROR_COLUMN)]
        return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()))
