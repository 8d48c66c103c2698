"""Catalogues in parts: a folder of parquet files with equally many rows, and a manifest that has their sizes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_rows import PIECE, CatalogueRows
from bayescannon.io.checksum import file_crc32c
from bayescannon.io.output_lock import locked
from bayescannon.io.outputs import (
    OutputFolderError,
    put_in_place,
    real_path,
    refuse_existing,
    remove,
    require_writable,
    saying_why,
    settle,
    temporary_name,
)
from bayescannon.numerics.errors import MissingFileError

# names that begin so are left out by those who read the folder as one data set
MANIFEST = "_manifest.json"
FORMAT = "bayescannon catalogue in parts 1"
# rows of a part: whole row groups
PART_ROWS = 32 * PIECE


def is_folder_of_parts(path: Path) -> bool:
    """Tell whether a path is the folder of a catalogue in parts."""
    return (path / MANIFEST).is_file()


def check_folder_path(path: Path, *, overwrite: bool) -> None:
    """
    Raise an error unless the folder of a catalogue can be written at `path`.

    Raises
    ------
    OutputExistsError
        It exists and `overwrite` is not set.
    OutputFolderError
        It is a file, or a folder of something else, which is not replaced.
    MissingFileError, OutputPermissionError
        Its folder does not exist, or is not writable.
    """
    if path.is_file():
        raise OutputFolderError(f"a catalogue in parts is a folder; {path} is a file. Give the name of a folder")
    refuse_existing(path, overwrite=overwrite)
    if path.is_dir() and not is_folder_of_parts(path) and any(path.iterdir()):
        raise OutputFolderError(f"{path} is a folder of something else, which is not replaced; choose another name")
    folder = real_path(path).parent
    if not folder.is_dir():
        raise MissingFileError(f"the folder {folder} does not exist; make it first")
    require_writable(folder)


@contextmanager
def replacing_folder(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Provide a folder under a temporary name, which is renamed to `path` at the end of the block."""
    check_folder_path(path, overwrite=overwrite)
    target = real_path(path)
    with locked(target):
        settle(target)
        partial = temporary_name(target)
        try:
            with saying_why(path):
                partial.mkdir()
                yield partial
                put_in_place(partial, target)
        finally:
            remove(partial)


def write_folder(rows: CatalogueRows, folder: Path) -> None:
    """Write the parts of a catalogue, and their manifest, into a folder that is empty."""
    import pyarrow.parquet as pq

    from bayescannon.io.catalogue_parquet import WRITING, arrow_table, parquet_schema

    schema = parquet_schema(rows.template)
    pieces = rows.pieces()
    parts: list[dict[str, Any]] = []
    while True:
        some = islice(pieces, PART_ROWS // PIECE)
        first = next(some, None)
        if first is None and parts:
            break
        place = folder / f"part-{len(parts):06d}.parquet"
        n_rows = 0
        with pq.ParquetWriter(place, schema, **WRITING) as writer:
            for piece in (first, *some) if first is not None else ():
                writer.write_table(arrow_table(piece, schema), row_group_size=len(piece))
                n_rows += len(piece)
        parts.append({"name": place.name, "rows": n_rows, "size": place.stat().st_size, "crc32c": file_crc32c(place)})
        if first is None:
            break
    described = {"format": FORMAT, "rows": rows.n_rows, "parts": parts}
    (folder / MANIFEST).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def folder_faults(path: Path) -> list[str]:
    """Return the parts of a catalogue that are missing, are not what was written, or do not belong to it."""
    described = _manifest(path)
    found = []
    for part in described["parts"]:
        place = path / part["name"]
        if not place.is_file():
            found.append(f"{part['name']} is missing")
        elif place.stat().st_size != part["size"]:
            found.append(f"{part['name']} has {place.stat().st_size} bytes instead of {part['size']}")
        elif file_crc32c(place) != part["crc32c"]:
            found.append(f"the contents of {part['name']} were changed")
    known = {part["name"] for part in described["parts"]}
    there = sorted(one.relative_to(path).as_posix() for one in path.rglob("*.parquet"))
    return found + [f"{name} is not of the catalogue" for name in there if name not in known]


def read_folder(path: Path) -> Table:
    """Read a catalogue in parts into memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    places = [path / part["name"] for part in _manifest(path)["parts"]]
    try:
        whole = pa.concat_tables([pq.read_table(place, partitioning=None) for place in places])
        template = Table.read(places[0], format="parquet", schema_only=True)
        # of a layout by position, the index
        template.remove_columns([name for name in template.colnames if name.startswith("_")])
        values = {name: _values(whole.column(name)) for name in template.colnames}
    except Exception as error:  # pyarrow raises many kinds of exception on damaged files
        said = "; ".join(folder_faults(path)) or f"{type(error).__name__}: {error}"
        raise CatalogueError(
            f"{path} cannot be read as a catalogue in parts ({said}); label the stars again"
        ) from error
    wide = template.copy()
    for name, column in values.items():
        if column.dtype.kind == "U":
            wide[name] = wide[name].astype(column.dtype)
    return CatalogueRows(wide, whole.num_rows, lambda: iter([values])).filled(values)


def _values(column: Any) -> Any:
    """Return a column of Arrow as numpy holds it."""
    if str(column.type) in ("string", "large_string"):
        return np.array(column.to_pylist(), dtype=np.str_)
    return column.to_numpy()


def _manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of a catalogue in parts."""
    try:
        described = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        parts = [str(part["name"]) for part in described["parts"] if int(part["rows"]) + int(part["size"]) >= 0]
        if described["format"] != FORMAT or any(map(_is_elsewhere, parts)) or not parts:
            raise ValueError(f"the format is {described['format']!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogueError(
            f"{path / MANIFEST} is no manifest of a catalogue in parts ({error}); label the stars again"
        ) from error
    return dict(described)


def _is_elsewhere(name: str) -> bool:
    """Tell whether the name of a part is not of a file in the folder."""
    parts = Path(name).parts
    return Path(name).is_absolute() or ".." in parts or "\\" in name or name.startswith(".")
