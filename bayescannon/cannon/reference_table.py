"""The table of reference labels, read with what labels and cuts need; the cuts follow from what the table is."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayescannon.cannon.cuts import CUT_SETS, Cut, choose_cuts
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import labels_from_names
from bayescannon.io.inputs import as_labels
from bayescannon.io.label_tables.table_options import TableOptions


def labels_and_cuts(
    given: Any,
    options: TableOptions,
    label_names: Sequence[str],
    *,
    cuts: str | Cut | Sequence[Cut] | None = None,
    keep: Mapping[str, Sequence[float | None]] | None = None,
    keys: Sequence[str] = (),
) -> tuple[LabelTable, list[Cut]]:
    """
    Read reference labels, and choose the cuts: the paper's for a table of APOGEE and none for others, unless given.

    Parameters
    ----------
    given : LabelTable, path or table in memory
    options : TableOptions
    label_names : sequence of str
        Labels to train.
    cuts : {"paper", "released", "none"}, Cut, sequence of Cut, or None
    keep : mapping of label name to (low, high), optional
    keys : sequence of str
        Columns with names of stars that the table must have.

    Returns
    -------
    table : LabelTable
        With the labels that are trained, and those that the cuts look at.
    cuts : list of Cut

    Raises
    ------
    LabelError, TableError
        The table lacks a label or cannot be read.
    InputError, InputTypeError
        The cuts are none.
    """
    labels_from_names(label_names)
    # whether the paper's cuts apply is known when the table is read
    undecided = CUT_SETS["paper"] if cuts is None else ()
    certain = choose_cuts(cuts, {} if keep is None else keep, is_apogee=False)
    needed = None
    if not isinstance(given, LabelTable):
        needed = list(dict.fromkeys([*label_names, *(name for cut in certain for name in cut.needs)]))
    table = as_labels(
        given,
        options=options,
        label_names=needed,
        optional=[name for cut in undecided for name in cut.needs],
        keys=keys,
    )
    return table, choose_cuts(cuts, {} if keep is None else keep, is_apogee=table.is_apogee)
