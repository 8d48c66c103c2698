"""Survey B's own labels of the stars of a store, matched by name once, in pieces that do not depend on the blocks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.app.label_parts import StoreBlock
from bayescannon.cannon.name_matching import match_names
from bayescannon.cannon.novelty import CoverageError, as_pipeline_labels
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_distance import PAPER_SCALES
from bayescannon.data.label_table import LabelTable
from bayescannon.io.store_rows import text_column

# stars whose names are compared at a time
_PIECE = 1 << 17


@dataclass(frozen=True)
class PipelineRows:
    """
    The rows of a table that belong to the stars of a store.

    Attributes
    ----------
    table : LabelTable
    names : tuple of str
        Labels that the label distance takes.
    store : str or Path
    rows : int32 array of shape (star,)
        -1 for a star that is not in the table.
    """

    table: LabelTable
    names: tuple[str, ...]
    store: str | Path
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, given: LabelTable | str | Path, model: TrainedModel, store: str | Path, n_stars: int) -> "PipelineRows":
        """
        Match the names of a store with those of a table.

        Raises
        ------
        CoverageError
            None of the stars is in it.
        LabelError, TableError
            The table lacks one of the labels, or cannot be read.
        """
        table: LabelTable | None = None
        rows = np.full(n_stars, -1, dtype=np.int32)
        missing: CoverageError | None = None
        for start, stars in _names_of(store, n_stars):
            try:
                # it warns of how the names are compared once, with the first stars that it finds
                found = as_pipeline_labels(given if table is None else table, model, stars)
            except CoverageError as error:
                missing = missing or error
                continue
            table = found
            matched = match_names(stars, table.id.tolist(), np.arange(len(table)), of=table.source or "the table")
            rows[start : start + len(stars)] = matched.rows
        if table is None:
            raise missing or CoverageError("the store has no stars")
        return cls(table, tuple(name for name in PAPER_SCALES if name in model.label_names), store, rows)

    def added_to(self, block: StoreBlock) -> StoreBlock:
        """Return a block with the labels of its stars; NaN where the table has none."""
        rows = self.rows[block.start : block.stop]
        values = np.where(rows[:, None] >= 0, self.table.matrix(list(self.names))[rows], np.nan)
        own = LabelTable(
            id=text_column(self.store, "star", slice(block.start, block.stop)),
            labels=dict(zip(self.names, values.T, strict=True)),
            source=self.table.source,
        )
        return replace(block, pipeline_labels=own)


def _names_of(store: str | Path, n_stars: int) -> Iterator[tuple[int, list[str]]]:
    for start in range(0, n_stars, _PIECE):
        yield start, text_column(store, "star", slice(start, min(start + _PIECE, n_stars))).tolist()
