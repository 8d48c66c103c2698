"""
Catalogues by position on the sky: the folder layout HATS, which LSDB reads and crosses with other catalogues.

Rows lie in files of HEALPix pixels, coarse where stars are few, sorted by the finest pixel within each. They are sorted
in runs first, so that a survey need not be in memory.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column
from numpy.typing import NDArray

from bayescannon.io.catalogue_folder import FORMAT, MANIFEST
from bayescannon.io.catalogue_parquet import WRITING, arrow_table, parquet_schema
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.io.checksum import file_crc32c
from bayescannon.io.outputs import remove
from bayescannon.numerics.healpix import FINEST, nested_pixels

INDEX = "_healpix_29"
# rows of a file at most, unless a pixel of the finest order that is used has more
MOST_ROWS = 500_000
_LAST_ORDER = 10
# pieces of a run, and rows of its groups
_RUN_PIECES, _GROUP = 8, 8192


def write_hats(rows: CatalogueRows, folder: Path) -> None:
    """
    Write a catalogue in the layout HATS into a folder that is empty.

    Raises
    ------
    CatalogueError
        A star has no position.
    """
    template = rows.template.copy()
    what = f"HEALPix pixel of the position, nested, of order {FINEST}"
    template.add_column(Column(np.zeros(0, dtype=np.int64), INDEX, description=what), index=0)
    schema = parquet_schema(template)
    runs = folder / "_runs"
    runs.mkdir()
    try:
        indices = [np.asarray(index) for index in _write_runs(rows, runs, schema)]
        parts: list[dict[str, Any]] = []
        found: list[tuple[int, int, int]] = []
        for order, pixel in _partitions(indices):
            low, high = (edge << (2 * (FINEST - order)) for edge in (pixel, pixel + 1))
            table = _between(runs, indices, low, high)
            place = folder / "dataset" / f"Norder={order}" / f"Dir={pixel // 10000 * 10000}" / f"Npix={pixel}.parquet"
            place.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.cast(schema), place, row_group_size=32768, **WRITING)
            found.append((order, pixel, table.num_rows))
            name = place.relative_to(folder).as_posix()
            parts.append(
                {"name": name, "rows": table.num_rows, "size": place.stat().st_size, "crc32c": file_crc32c(place)}
            )
    finally:
        remove(runs)
    pq.write_metadata(schema, folder / "dataset" / "_common_metadata")
    lines = ["Norder,Npix", *(f"{order},{pixel}" for order, pixel, _ in found)]
    (folder / "partition_info.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    (folder / "hats.properties").write_text(_properties(rows, found), encoding="ascii")
    described = {"format": FORMAT, "rows": rows.n_rows, "parts": parts}
    (folder / MANIFEST).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def _write_runs(rows: CatalogueRows, runs: Path, schema: pa.Schema) -> Iterator[NDArray[np.int64]]:
    """Write runs of rows that are sorted by position; yield their indices."""
    pieces = rows.pieces()
    number = 0
    while some := list(islice(pieces, _RUN_PIECES)):
        tables = []
        for piece in some:
            ra, dec = (np.asarray(piece[name], dtype=np.float64) for name in ("ra", "dec"))
            known = np.isfinite(ra) & np.isfinite(dec)
            if not known.all():
                raise CatalogueError(
                    f"the layout hats is by position, and {piece['id'][~known][0]} has none; choose another layout"
                )
            table = arrow_table(piece, schema.remove(0))
            tables.append(table.add_column(0, schema.field(INDEX), pa.array(nested_pixels(ra, dec))))
        whole = pa.concat_tables(tables)
        # a stable order, which does not depend on how the rows came
        order = np.argsort(whole.column(INDEX).to_numpy(), kind="stable")
        whole = whole.take(order)
        pq.write_table(whole, runs / f"{number:06d}.parquet", row_group_size=_GROUP, compression="lz4")
        number += 1
        yield whole.column(INDEX).to_numpy()


def _partitions(indices: list[NDArray[np.int64]]) -> Iterator[tuple[int, int]]:
    """Yield order and number of the pixels that are files, in the order of the sky: coarse where stars are few."""
    shift = 2 * (FINEST - _LAST_ORDER)
    fine, counts = np.unique(np.concatenate([index >> shift for index in indices] or [np.zeros(0, np.int64)]),
                             return_counts=True)  # fmt: skip

    def split(order: int, pixel: int) -> Iterator[tuple[int, int]]:
        step = 2 * (_LAST_ORDER - order)
        low, high = np.searchsorted(fine, [pixel << step, (pixel + 1) << step])
        count = int(counts[low:high].sum())
        if count and (count <= MOST_ROWS or order == _LAST_ORDER):
            yield order, pixel
        elif count:
            for child in range(4 * pixel, 4 * pixel + 4):
                yield from split(order + 1, child)

    for face in range(12):
        yield from split(0, face)


def _between(runs: Path, indices: list[NDArray[np.int64]], low: int, high: int) -> pa.Table:
    """Return the rows of all runs whose index is from `low` up to, without, `high`, sorted."""
    tables = []
    for number, index in enumerate(indices):
        start, stop = np.searchsorted(index, (low, high)).tolist()
        if start == stop:
            continue
        with pq.ParquetFile(runs / f"{number:06d}.parquet") as file:
            groups = list(range(start // _GROUP, (stop - 1) // _GROUP + 1))
            tables.append(file.read_row_groups(groups).slice(start - groups[0] * _GROUP, stop - start))
    whole = pa.concat_tables(tables)
    return whole.take(np.argsort(whole.column(INDEX).to_numpy(), kind="stable"))


def _properties(rows: CatalogueRows, found: list[tuple[int, int, int]]) -> str:
    """Return what readers of HATS need to know of the catalogue."""
    covered = sum(4.0**-order / 12 for order, _, _ in found)
    values = {
        "obs_collection": "bayescannon",
        "dataproduct_type": "object",
        "hats_nrows": rows.n_rows,
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": INDEX,
        "hats_col_healpix_order": FINEST,
        "hats_npix_suffix": ".parquet",
        "hats_max_rows": MOST_ROWS,
        "hats_order": max((order for order, _, _ in found), default=0),
        "moc_sky_fraction": f"{covered:.6f}",
        "hats_version": "v1.0",
        "hats_builder": f"bayescannon {rows.template.meta['version']}",
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
