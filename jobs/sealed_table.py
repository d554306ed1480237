"""Parquet files that say whether their rows are as they were written.

The footer holds a SHA-256 over the rows and one over the footer's own texts, so that who reads only the footer is safe
too. Columns count by their values, however Parquet stores them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.seal import Damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["check_texts", "pack_table", "unpack_table"]

_ROWS, _TEXTS = "sonicgrid.rows_sha256", "sonicgrid.texts_sha256"
_BATCH = 16384
"""Rows that are looked at together; 100,000 at once would take some ten MB more."""


def pack_table(table: pa.Table, texts: Mapping[str, str], compression: str) -> bytes:
    """Return the file.

    Args:
        table: its rows.
        texts: metadata for the footer.
        compression: as Parquet names it.

    """
    whole = {**texts, _ROWS: _rows_sha256(table)}
    sink = pa.BufferOutputStream()
    sealed = table.replace_schema_metadata({**whole, _TEXTS: _texts_sha256(whole)})
    pq.write_table(sealed, sink, compression=compression)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack_table(path: Path, schema: pa.Schema | None = None) -> tuple[pa.Table, dict[str, str]]:
    """Return rows and texts of a file.

    Raises:
        OSError, pa.ArrowException: it cannot be read.
        Damaged: it is not as it was written.

    """
    table = pq.read_table(path, schema=schema)
    texts = check_texts(pq.read_schema(path))
    if _ROWS in texts and texts[_ROWS] != _rows_sha256(table):
        raise Damaged
    return table.replace_schema_metadata(None), texts


def check_texts(schema: pa.Schema) -> dict[str, str]:
    """Return the texts of a footer.

    Raises:
        Damaged: they are not as they were written.

    """
    try:
        texts = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    except UnicodeDecodeError as error:
        raise Damaged from error
    seal = texts.pop(_TEXTS, None)
    ours = {name: text for name, text in texts.items() if name.startswith("sonicgrid.")}
    if (seal is not None or _ROWS in texts) and seal != _texts_sha256(ours):
        raise Damaged
    return ours


def _texts_sha256(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode()).hexdigest()


def _rows_sha256(table: pa.Table) -> str:
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(f"\0{name}\0".encode())
        for batch in table.select([name]).to_batches(max_chunksize=_BATCH):
            column = batch.column(0)
            if pa.types.is_dictionary(column.type):
                column = column.cast(column.type.value_type)
            if pa.types.is_string(column.type):
                digest.update("\0".join(column.to_pylist()).encode() + b"\0")
            else:
                digest.update(column.to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest()
