"""Catalogues as parquet, in row groups; the schema holds units, descriptions and provenance as astropy writes them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table
from astropy.table.meta import get_yaml_from_table

from bayescannon.io.catalogue_rows import CatalogueRows

# how every parquet file of a catalogue is written
WRITING = {"compression": "zstd", "compression_level": 1, "write_page_checksum": True}


def write_parquet(rows: CatalogueRows, path: Path) -> None:
    """Write parquet; its schema holds units, descriptions and provenance in the form of an ECSV header."""
    schema = parquet_schema(rows.template)
    with pq.ParquetWriter(path, schema, **WRITING) as writer:
        for piece in rows.pieces():
            writer.write_table(arrow_table(piece, schema), row_group_size=len(piece))


def parquet_schema(template: Table) -> pa.Schema:
    """Return the schema of a table, with what astropy needs to read it as it was."""
    metadata = {"table_meta_yaml": "\n".join(get_yaml_from_table(template))}
    for name, column in template.columns.items():
        if column.dtype.kind == "U":
            metadata[f"table::len::{name}"] = str(column.dtype.itemsize // 4)
    kinds = [(name, pa.from_numpy_dtype(column.dtype.type)) for name, column in template.columns.items()]
    return pa.schema(kinds, metadata=metadata)


def arrow_table(piece: Table, schema: pa.Schema) -> pa.Table:
    """Return a piece of a catalogue as Arrow holds it."""
    arrays = [pa.array(np.asarray(piece[name]), type=schema.field(name).type) for name in piece.colnames]
    return pa.Table.from_arrays(arrays, schema=schema)


def read_parquet(path: Path) -> Table:
    """Read parquet; a page that does not agree with its checksum is an error."""
    # astropy does not look at the checksums
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            file.read_row_group(group)
    return Table.read(path, format="parquet")
