"""Parquet: a document a row, read by row group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.reading.fields import shape_record
from tasks.reading.limits import SourceError, make_seekable
from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class ParquetReader:
    """Reads the mapped columns of `.parquet`; a broken row group costs its own rows only."""

    name: str = "parquet"
    suffixes: tuple[str, ...] = (".parquet", ".pq")
    holds_many: bool = True

    def read_records(self, stream: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
        """Yield a record a row; raises `SourceError` when there is no footer, or no column for a text."""
        with make_seekable(stream, reading.limits, reading.temp_dir) as file:
            if not file.read(1):
                return
            file.seek(0)
            yield from _read_groups(file, reading)


def _read_groups(file: BinaryIO, reading: Reading) -> Iterator[Record | BadRecord]:
    try:
        parquet = pq.ParquetFile(file, pre_buffer=False)
    except pa.ArrowException as error:
        raise SourceError("unreadable", f"not Parquet, or cut off: {_first_line(error)}") from error
    names = parquet.schema_arrow.names
    columns = reading.fields.find_columns(names)
    if not columns.keys() & {"text", "html"}:
        raise SourceError("no_text", f"none of the columns {', '.join(names)[:500]} is known for a text")
    wanted = sorted({name if name in names else name.split(".")[0] for name in columns.values()})
    number = 0
    for group in range(parquet.num_row_groups):
        end = number + parquet.metadata.row_group(group).num_rows
        try:
            for batch in parquet.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=wanted, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield shape_record(row, columns, number, f"row {number:,}")
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            detail = f"row group {group}: rows {number + 1:,} to {end:,} cannot be read: {_first_line(error)}"
            yield BadRecord(f"row-group-{group}", "damaged", detail)
        number = end


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
