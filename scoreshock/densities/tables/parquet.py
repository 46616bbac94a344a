"""Tables in Parquet files, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoreshock.checks import shortened
from scoreshock.densities.tables.arrays import refuse_large, unpacked_limit
from scoreshock.densities.tables.columns import collect
from scoreshock.densities.tables.rows import CHUNK
from scoreshock.densities.tables.table import Choice, Table, choose_columns


def read_parquet(path: Path, choice: Choice) -> Table:
    """The table of a Parquet file; an index that pandas stored in it is no column."""
    source = f"file {path}"
    choice.refuse(source, "delimiter", "decimal")
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ValueError(
            f"{source} needs PyArrow to be read; allowed: pip install pyarrow, or save it as CSV or npz"
        ) from None
    try:
        file = parquet.ParquetFile(path)
    except (ArrowException, OSError, ValueError) as error:
        raise ValueError(f"{source} cannot be read: {shortened(error)}") from error
    with file:
        stored = (file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
        names = [name for name in file.schema_arrow.names if name not in stored]
        try:
            refuse_large(8 * file.metadata.num_rows * len(names), unpacked_limit(path))
        except ValueError as error:
            raise ValueError(f"{source} cannot be read: {error}") from None
        columns = choose_columns(source, names, choice)
        used = [names[j] for j in sorted({*columns.features, *([] if columns.label is None else [columns.label])})]
        return collect(source, names, columns, _pieces(source, file, names, used, ArrowException), choice)


def _pieces(source: str, file: Any, names: list[str], used: list[str], broken: type[Exception]) -> Iterator[Any]:
    """Consecutive rows as frames with the columns ``names``, of which only the used ones are read."""
    try:
        for batch in file.iter_batches(max(1, CHUNK // len(names)), columns=used):
            yield batch.to_pandas(ignore_metadata=True).reindex(columns=names)
    except (broken, OSError, ValueError) as error:
        raise ValueError(f"{source} cannot be read: {shortened(error)}") from error
