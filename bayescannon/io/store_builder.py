"""The files of a store, made from blocks of stars: a shard as soon as it is full, the root metadata last."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.display import visible
from bayescannon.data.spectra import Spectra, require_same_grid
from bayescannon.io.store_chunks import Encoded, encode_column, encode_shard
from bayescannon.io.store_layout import (
    COLUMN_CHUNK,
    PIXEL,
    PIXEL_ARRAYS,
    REFUSAL,
    ROOT,
    STAR,
    STAR_SHARD,
    ArrayLayout,
    dtype_name,
)
from bayescannon.io.store_manifest import root_document
from bayescannon.numerics.errors import InputError

Write = Callable[[str, bytes], None]
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Shard:
    """
    A shard that was written.

    Attributes
    ----------
    number : int
    files : mapping of "flux" and "ivar" to (size, checksums of the chunks)
    columns : mapping of str to array of shape (star,)
        Ids, under "star", and columns of its stars.
    """

    number: int
    files: Mapping[str, tuple[int, tuple[int, ...]]]
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns[STAR])


@dataclass
class _Files:
    """Sizes of the files of an array, and checksums of the chunks in them."""

    sizes: list[int] = field(default_factory=list)
    checksums: list[int] = field(default_factory=list)

    def add(self, size: int, checksums: Sequence[int]) -> None:
        self.sizes.append(size)
        self.checksums += checksums


class StoreBuilder:
    """
    Make the files of a store, with at most one shard of pixels and one file of columns in memory.

    Parameters
    ----------
    write : callable
        Takes the name of a file, relative to the store, and its bytes.
    wavelength : float64 array of shape (pixel,)
    shown : str
        The store, for messages.
    further : sequence of str
        Names of arrays with a value for every star and pixel that are given beside the spectra.

    Attributes
    ----------
    n_star : int
        Stars that were given.
    """

    def __init__(self, write: Write, wavelength: NDArray[np.float64], shown: str, further: Sequence[str] = ()) -> None:
        self._write = write
        self._further = tuple(further)
        self.wavelength = np.asarray(wavelength, dtype=np.float64)
        self._shown = shown
        self.n_star = 0
        self._n_written = 0
        self._pending: list[_Block] = []
        self._types: dict[str, str] | None = None
        self._files: dict[str, _Files] = {}
        self._columns: list[Columns] = []

    def append(self, spectra: Spectra, further: Mapping[str, NDArray[Any]] | None = None) -> list[Shard]:
        """
        Add stars with new ids, and return the shards that were filled, and written.

        `further` are the arrays of shape (star, pixel) that the store has beside those of the spectra.

        Raises
        ------
        InputError
            The block does not have the columns of the first, or other types of numbers.
        bayescannon.data.spectra.GridError
            The block is on another grid than the store.
        """
        if len(spectra) == 0:
            return []
        require_same_grid(spectra.wavelength, self.wavelength, got_from="a block of spectra", want_from=self._shown)
        # a column may have been added as a list
        spectra = replace(spectra, columns={name: np.asarray(values) for name, values in spectra.columns.items()})
        self._require_types({STAR: spectra.id, **spectra.columns})
        self.n_star += len(spectra)
        self._pending.append(_Block(spectra, {name: (further or {})[name] for name in self._further}))
        shards: list[Shard] = []
        if sum(len(block.spectra) for block in self._pending) >= STAR_SHARD:
            merged = _Block.join(self._pending)
            n_star = len(merged.spectra)
            whole = n_star // STAR_SHARD * STAR_SHARD
            shards = [
                self._put_shard(merged.select(slice(start, start + STAR_SHARD)))
                for start in range(0, whole, STAR_SHARD)
            ]
            self._pending = [merged.select(slice(whole, None))] if whole < n_star else []
        return shards

    def adopt(self, shard: Shard) -> None:
        """Take a full shard, whose files are there already, for the next one."""
        self._require_types(shard.columns)
        self.n_star += len(shard)
        self._note(shard)

    def finish(self, attrs: Mapping[str, Any] | None = None, refused: Sequence[tuple[str, str]] = ()) -> None:
        """
        Write the remaining stars, the refused files, and the metadata, those of the root last.

        Raises
        ------
        InputError
            No star was given.
        InputTypeError
            An attribute that JSON cannot hold.
        """
        if self._pending:
            self._put_shard(_Block.join(self._pending))
            self._pending = []
        if self.n_star == 0:
            raise InputError("a store needs at least one star; got none")
        self._put_columns(every=True)
        layouts = [self._layout(name) for name in (*self._pixel_arrays, *(self._types or {}))]
        layouts.append(self._put_whole("wavelength", self.wavelength, PIXEL))
        for i, name in enumerate(("refused_file", "refused_reason")):
            layouts.append(self._put_whole(name, np.array([row[i] for row in refused], dtype=np.str_), REFUSAL))
        described = [(one, self._files[one.name].sizes, self._files[one.name].checksums) for one in layouts]
        root = root_document(described, attrs or {}, len(refused))
        for layout in layouts:
            self._write(f"{layout.name}/{ROOT}", json.dumps(layout.document()).encode())
        self._write(ROOT, root)

    @property
    def _pixel_arrays(self) -> tuple[str, ...]:
        return (*PIXEL_ARRAYS, *self._further)

    def _require_types(self, columns: Columns) -> None:
        types = {name: dtype_name(values.dtype) for name, values in columns.items()}
        if self._types is None:
            taken = {"flux", "ivar", "wavelength", "refused_file", "refused_reason", ROOT, *self._further} & set(types)
            odd = [name for name in types if not name or "/" in name or name.startswith((".", "__")) or name in taken]
            if odd or any(visible(name, keep="") != name for name in types):
                raise InputError(f"{odd or sorted(types)} cannot be names of columns in a store; rename them")
            self._types = types
        if set(types) != set(self._types):
            raise InputError(
                f"every block must have the columns {sorted(set(self._types) - {STAR})}; got "
                f"{sorted(set(types) - {STAR})}"
            )
        if types != self._types:
            name = next(name for name in types if types[name] != self._types[name])
            raise InputError(f"column {name} of every block must be of {self._types[name]}; got {types[name]}")

    def _layout(self, name: str) -> ArrayLayout:
        if name in self._pixel_arrays:
            return ArrayLayout(name, (self.n_star, len(self.wavelength)), "float32", STAR)
        return ArrayLayout(name, (self.n_star,), (self._types or {})[name], STAR)

    def _put_shard(self, stars: "_Block") -> Shard:
        """Write the pixels of the next shard; its columns wait until a file of them is full."""
        number, block = self._n_written, stars.spectra
        files = {}
        pixels = {"flux": block.flux, "ivar": block.ivar, **stars.further}
        for name, values in pixels.items():
            encoded = encode_shard(values.astype(np.float32, copy=False))
            self._write(self._layout(name).file(number), encoded.data)
            files[name] = len(encoded.data), encoded.checksums
        columns = {name: clean_text(values) for name, values in {STAR: block.id, **block.columns}.items()}
        shard = Shard(number, files, columns)
        self._note(shard)
        return shard

    def _note(self, shard: Shard) -> None:
        for name, (size, checksums) in shard.files.items():
            self._files.setdefault(name, _Files()).add(size, checksums)
        self._n_written += 1
        self._columns.append(shard.columns)
        self._put_columns(every=False)

    def _put_columns(self, *, every: bool) -> None:
        """Write files of columns that are full, with `every` the last one too."""
        if not self._columns:
            return
        ready = sum(len(one[STAR]) for one in self._columns)
        whole = ready if every else ready // COLUMN_CHUNK * COLUMN_CHUNK
        if not whole:
            return
        for name in self._types or {}:
            self._put_values(self._layout(name), np.concatenate([one[name] for one in self._columns]))
        self._columns = []

    def _put_values(self, layout: ArrayLayout, values: NDArray[Any]) -> None:
        """Write the next files of an array with a value per row; the last is filled up."""
        files = self._files.setdefault(layout.name, _Files())
        per_file = layout.rows_per_file
        for start in range(0, len(values), per_file):
            part = values[start : start + per_file]
            if len(part) < per_file:
                part = np.concatenate([part, np.zeros(per_file - len(part), dtype=part.dtype)])
            self._put(layout.file(len(files.sizes)), encode_column(part), files)

    def _put_whole(self, name: str, values: NDArray[Any], dim: str) -> ArrayLayout:
        layout = ArrayLayout(name, values.shape, dtype_name(values.dtype), dim)
        if dim == PIXEL:
            self._put(layout.file(0), encode_column(values), self._files.setdefault(name, _Files()))
        else:
            self._put_values(layout, clean_text(values))
        return layout

    def _put(self, name: str, encoded: Encoded, files: _Files) -> None:
        self._write(name, encoded.data)
        files.add(len(encoded.data), encoded.checksums)


@dataclass(frozen=True)
class _Block:
    """Spectra, and the further arrays of their stars and pixels."""

    spectra: Spectra
    further: Mapping[str, NDArray[Any]]

    def select(self, rows: slice) -> "_Block":
        return _Block(self.spectra.select(rows), {name: values[rows] for name, values in self.further.items()})

    @classmethod
    def join(cls, blocks: "Sequence[_Block]") -> "_Block":
        further = {name: np.concatenate([block.further[name] for block in blocks]) for name in blocks[0].further}
        return cls(concatenate([block.spectra for block in blocks]), further)


def concatenate(blocks: Sequence[Spectra]) -> Spectra:
    """Concatenate blocks of stars with the same grid and columns."""
    first = blocks[0]
    if len(blocks) == 1:
        return first
    return Spectra(
        first.wavelength,
        np.concatenate([block.flux for block in blocks]),
        np.concatenate([block.ivar for block in blocks]),
        np.concatenate([block.id for block in blocks]),
        {name: np.concatenate([block.columns[name] for block in blocks]) for name in first.columns},
        first.attrs,
    )


def clean_text(values: NDArray[Any]) -> NDArray[Any]:
    """Return text that terminals and files can hold; other arrays unchanged."""
    if values.dtype.kind not in "UT":
        return values
    return np.array([visible(text, keep="") for text in values.tolist()], dtype=np.str_)
