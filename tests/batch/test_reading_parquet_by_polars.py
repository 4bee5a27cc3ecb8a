"""Parquet through Polars where that is as safe, else through Arrow: the same rows either way."""

import polars as pl
import pyarrow as pa
import pytest
from exchange_samples import settlements
from pyarrow import parquet
from test_reading_parquet import typed

from tuodi.batch.columns import SETTLEMENTS
from tuodi.batch.parquet_source import ParquetSource, has_checksums
from tuodi.core.errors import InputErrors


def source_of(tmp_path, table, **options):
    path = tmp_path / "settlements.parquet"
    parquet.write_table(table, path, **options)
    return ParquetSource(path, SETTLEMENTS, chunk_rows=10)


def rows_of(batches):
    """Return the rows of batches and the lines they stand on."""
    found = list(batches)
    return pl.concat([batch.frame for batch in found]), pl.concat([batch.lines for batch in found]).to_list()


@pytest.mark.parametrize("group", [1, 3, 7, 20])
def test_polars_and_arrow_give_the_same_rows(tmp_path, group):
    source = source_of(tmp_path, typed(settlements(*[{"setl_id": f"s{i}"} for i in range(50)])), row_group_size=group)
    assert source._stretches
    frame, lines = rows_of(source.batches())
    other, others = rows_of(source._by_arrow(1))
    assert frame.equals(other)
    assert lines == others == list(range(1, 51))


@pytest.mark.parametrize("wanted", [1, 4, 10, 11, 50])
def test_arrow_goes_on_from_any_row(tmp_path, wanted):
    source = source_of(tmp_path, typed(settlements(*[{"setl_id": f"s{i}"} for i in range(50)])), row_group_size=7)
    frame, lines = rows_of(source._by_arrow(wanted))
    assert lines == list(range(wanted, 51))
    assert frame["setl_id"].to_list() == [f"s{i}" for i in range(wanted - 1, 50)]


@pytest.mark.parametrize("options", [{"write_page_checksum": True}, {"row_group_size": 21}])
def test_checksums_and_large_row_groups_are_for_arrow(tmp_path, options):
    source = source_of(tmp_path, typed(settlements(*[{"setl_id": f"s{i}"} for i in range(50)])), **options)
    assert source._stretches == []
    assert rows_of(source.batches())[1] == list(range(1, 51))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("dictionary", [True, False])
def test_checksums_are_seen_in_the_first_page(tmp_path, version, has, dictionary):
    path = tmp_path / "plain.parquet"
    table = pa.table({"a": list(range(300)), "b": ["x"] * 300})
    parquet.write_table(
        table, path, write_page_checksum=has, data_page_version=version, use_dictionary=dictionary, row_group_size=100
    )
    assert has_checksums(path, parquet.read_metadata(path)) is has


def test_what_polars_refuses_arrow_explains(tmp_path):
    table = typed(settlements(*[{"setl_id": f"s{i}"} for i in range(30)]))
    at = table.schema.get_field_index("diag_code")
    spoilt = pa.array([b"\xff\xfe"] * 30, pa.binary()).view(pa.string())
    source = source_of(tmp_path, table.set_column(at, "diag_code", spoilt), row_group_size=7)
    assert source._stretches
    with pytest.raises(InputErrors) as caught:
        list(source.batches())
    assert [fault.code for fault in caught.value.faults] == ["E-PARQUET-BROKEN"]
