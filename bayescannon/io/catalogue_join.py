"""A catalogue joined from parts that were written star by star, block by block, in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.io.catalogue_finish import finish_catalogue, posterior_widths
from bayescannon.io.catalogue_part import part_columns, part_template, read_part
from bayescannon.io.catalogue_rows import Block, CatalogueRows

# column of a part that says which of its stars the catalogue keeps; all if there is none
KEPT = "_kept"
# column of a part of replacements: the places of its stars among all
ROW = "_row"


@dataclass(frozen=True)
class JoinedParts:
    """
    Parts in the order of the stars, and what replaces some of their values.

    Attributes
    ----------
    places : sequence of Path
        Of parts from :func:`bayescannon.io.catalogue_part.write_part`.
    notes : sequence of dict
        What that function returned for each.
    replacements : sequence of Path
        Parts with some of the columns of few stars, and :data:`ROW`, ascending.
    """

    places: Sequence[Path]
    notes: Sequence[Mapping[str, Any]]
    replacements: Sequence[Path] = field(default=())

    @property
    def n_stars(self) -> int:
        """Number of stars in the parts, those that the catalogue leaves out included."""
        return sum(int(note["rows"]) for note in self.notes)

    def values(self, name: str) -> NDArray[Any]:
        """Return a column of all stars that are kept."""
        return np.concatenate([block[name] for block in self._blocks((name,))])

    def all_values(self, name: str) -> NDArray[Any]:
        """Return a column of all stars, also of those that the catalogue leaves out."""
        return np.concatenate([block[name] for block in self._blocks((name,), everyone=True)])

    def rows(self, attributes: Mapping[str, Any]) -> CatalogueRows:
        """
        Return the catalogue, with what depends on all stars.

        Parameters
        ----------
        attributes : mapping
            Of the label estimates.
        """
        template = self.template
        kept = [name for name in template.colnames if name not in (KEPT, ROW)]
        sets = [set(note["empty"]) for note in self.notes if note["rows"]]
        empty = set.intersection(*sets) if sets else set()
        finished = finish_catalogue(
            template[kept], attributes, empty=empty, widths=posterior_widths(kept, self.values)
        )  # fmt: skip
        for name, column in finished.columns.items():
            if column.dtype.kind == "U":
                width = max((int(note["widths"].get(name, 1)) for note in self.notes), default=1)
                finished[name] = column.astype(f"U{width}")
        names = tuple(finished.colnames)
        n_rows = self.n_stars
        if KEPT in template.colnames:
            n_rows = sum(int(read_part(place, (KEPT,))[KEPT].sum()) for place in self.places)
        return CatalogueRows(finished, n_rows, lambda: self._blocks(names))

    @cached_property
    def _names(self) -> list[tuple[str, ...]]:
        """The columns of each part; those of most are the same object."""
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        return [known.setdefault(names, names) for names in map(tuple, map(part_columns, self.places))]

    @cached_property
    def template(self) -> Table:
        """The columns of all parts without rows: a part may lack some that others have."""
        template = part_template(self.places[0])
        seen = {self._names[0]}
        for place, names in zip(self.places, self._names, strict=True):
            if names in seen:
                continue
            seen.add(names)
            more = part_template(place)
            for before, name in zip([None, *names], names, strict=False):
                if name not in template.colnames:
                    after = 0 if before is None else template.colnames.index(before) + 1
                    template.add_column(more[name], index=after)
        return template

    def _blocks(self, names: Sequence[str], *, everyone: bool = False) -> Iterator[Block]:
        """Yield columns of the stars, part by part, with the values that replace others."""
        template = self.template
        replaced = self._replaced(names)
        first = 0
        for place, note, there in zip(self.places, self.notes, self._names, strict=True):
            hides = KEPT in there and not everyone
            found = read_part(place, [name for name in (*names, *((KEPT,) if hides else ())) if name in there])
            n_rows = int(note["rows"])
            block = {name: found[name] if name in found else _missing(template[name].dtype, n_rows) for name in names}
            if len(replaced[ROW]):
                low, high = np.searchsorted(replaced[ROW], (first, first + n_rows))
                for name in set(names) & set(replaced):
                    block[name] = block[name].copy()
                    block[name][replaced[ROW][low:high] - first] = replaced[name][low:high]
            yield {name: values[found[KEPT]] for name, values in block.items()} if hides else block
            first += n_rows

    def _replaced(self, names: Sequence[str]) -> Block:
        """Return the values that replace others, of all parts of them."""
        blocks = [
            read_part(place, [name for name in part_columns(place) if name == ROW or name in names])
            for place in self.replacements
        ]
        if not blocks:
            return {ROW: np.zeros(0, dtype=np.int64)}
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _missing(dtype: np.dtype[Any], n_rows: int) -> NDArray[Any]:
    """Return values for stars whose part lacks a column."""
    return np.full(n_rows, np.nan if dtype.kind == "f" else np.zeros(1, dtype=dtype)[0], dtype=dtype)
