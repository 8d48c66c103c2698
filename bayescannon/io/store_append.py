"""A store that a new generation of it is made of: its full shards are taken as they are, and new stars follow."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayescannon.data.preset import Preset, provenance
from bayescannon.data.spectra import require_same_grid
from bayescannon.io.outputs import remove
from bayescannon.io.store import open_reader
from bayescannon.io.store_builder import Shard
from bayescannon.io.store_first_format import FirstFormatReader
from bayescannon.io.store_layout import PIXEL_ARRAYS, STAR, STAR_SHARD, StoreError
from bayescannon.io.work_folder import work_folder_name
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# attribute of a store that others were added to: the id that it had before
APPENDED_TO = "appended_to"


class OldStore:
    """
    The store that stars are added to.

    Parameters
    ----------
    path : Path
    preset : Preset
    grid : float64 array of shape (pixel,)
        Of the new stars, which must be those of the store.

    Raises
    ------
    StoreError
        There is no store, or one of format 1.
    InputError, GridError
        Its preset or grid is another.
    """

    def __init__(self, path: Path, preset: Preset, grid: FloatArray) -> None:
        reader = open_reader(path)
        if isinstance(reader, FirstFormatReader):
            raise StoreError(
                f"{path} was written by a version before 0.7, and nothing is added to such a store; write it anew, "
                "with bc.save_spectra(bc.load_spectra(path), path, overwrite=True)"
            )
        if reader.manifest.further:
            raise StoreError(f"{path} is a store of model spectra, to which nothing is added; write it anew")
        self.reader = reader
        self.path = path
        require_same_grid(grid, reader.wavelength, got_from="the spectra to add", want_from=str(path))
        new, old = provenance(preset), reader.attrs
        for name in ("preset", "preset_settings"):
            if new[name] != old.get(name):
                raise InputError(
                    f"spectra are added to a store with the preset that it was made with: {path} has "
                    f"{old.get('preset', 'none')} {old.get('preset_settings', '')}; got {new['preset']} "
                    f"{new['preset_settings']}"
                )

    @property
    def n_star(self) -> int:
        """Number of stars."""
        return self.reader.n_star

    @property
    def n_full(self) -> int:
        """Number of full shards."""
        return self.n_star // STAR_SHARD

    def fingerprint(self) -> str:
        """
        Return the id of the store, for the fingerprint of a run that adds to it.

        A run that was killed when it had put the new generation in place is recognised by the id of the old one.
        """
        found = self.reader.manifest.store_id
        try:
            described: Any = json.loads((work_folder_name(self.path.resolve()) / "work.json").read_text("utf-8"))
            left = described["fingerprint"]["append"]
        except (OSError, ValueError, KeyError, TypeError):
            return found
        return str(left) if left == self.reader.attrs.get(APPENDED_TO) else found

    def link(self, number: int, folder: Path) -> Shard:
        """Put a full shard into another folder, as a further name of its files where that is possible."""
        manifest = self.reader.manifest
        files = {}
        for name in PIXEL_ARRAYS:
            stored = manifest.arrays[name]
            file = stored.layout.file(number)
            _link(self.path / file, folder / file)
            if (folder / file).stat().st_size != stored.sizes[number]:
                raise StoreError(
                    f"{self.path}: the file {file} is damaged; 'bayescannon check {self.path}' lists all faults"
                )
            files[name] = int(stored.sizes[number]), tuple(stored.checksums_of(number))
        rows = slice(number * STAR_SHARD, (number + 1) * STAR_SHARD)
        return Shard(number, files, {name: self.reader.values(name, rows) for name in (STAR, *manifest.columns)})

    def refused(self) -> list[tuple[str, str]]:
        """Return the files that were refused before."""
        columns = (self.reader.values(name).tolist() for name in ("refused_file", "refused_reason"))
        return list(zip(*columns, strict=True))

    def attributes(self, new: Mapping[str, Any]) -> dict[str, Any]:
        """Return attributes of all stars, old and new."""
        old = self.reader.attrs
        merged = {**old, **new, APPENDED_TO: self.reader.manifest.store_id}
        for name in ("n_files", "n_air"):
            merged[name] = int(old.get(name, 0)) + int(new[name])
        for name in ("data_release", "reader"):
            several = {*str(old.get(name, "")).split(", "), *str(new[name]).split(", ")} - {""}
            merged[name] = ", ".join(sorted(several))
        return merged

    def require_same(self) -> None:
        """Raise StoreError if the store was changed meanwhile."""
        self.reader.require_same()


def _link(source: Path, target: Path) -> None:
    """Make `target` a further name of a file, or a copy of it; what an interrupted run left there is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    remove(target)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise StoreError(f"the file {source} is missing; restore it from a copy") from None
    except OSError:
        shutil.copyfile(source, target)
