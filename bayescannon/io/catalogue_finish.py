"""What of a catalogue depends on all of its stars: columns that no star has a value of, and widths of posteriors."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.io.catalogue_columns import ODD_COLUMNS, quantile_name
from bayescannon.io.catalogue_provenance import FORMAL_ONLY, build_provenance
from bayescannon.numerics.intervals import CENTRAL_68

_OPTIONAL = {*IDENTITY_COLUMNS, *ODD_COLUMNS, *(f"e_{name}" for name in ODD_COLUMNS)}
_OPTIONAL_STARTS = ("p_odd_", "primary_", "companion_")


def empty_columns(table: Table) -> list[str]:
    """Return the columns that a catalogue may lack and of which no row has a value."""
    return [name for name, column in table.columns.items() if _is_optional(name) and not _has_value(column)]


def _is_optional(name: str) -> bool:
    return name in _OPTIONAL or name.startswith(_OPTIONAL_STARTS)


def _has_value(column: Column) -> bool:
    values = np.asarray(column)
    return bool((values != "").any() if values.dtype.kind == "U" else np.isfinite(values).any())


def posterior_widths(names: Sequence[str], values: Callable[[str], NDArray[Any]]) -> dict[str, float]:
    """
    Compare posteriors with errors, for each label: the median over stars of (q84.1 - q15.9) / (2 e).

    e is ``e_<label>``, or ``e_formal_<label>`` if the model was not calibrated. The result is empty without posteriors;
    a label without finite ratios is left out.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    values : callable
        Returns the values of a column, of all stars; columns are taken one label after the other.
    """
    low_end, high_end = (quantile_name("", probability) for probability in CENTRAL_68)
    error = error_prefix(names)
    found: dict[str, float] = {}
    for name in names:
        label = name.removesuffix(low_end)
        if label == name or f"{label}{high_end}" not in names or f"{error}{label}" not in names:
            continue
        ratio = np.subtract(values(f"{label}{high_end}"), values(name), dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio /= 2 * values(f"{error}{label}").astype(np.float64)
        if np.isfinite(ratio).any():
            found[label] = float(np.nanmedian(ratio))
    return found


def error_prefix(names: Iterable[str]) -> str:
    """Return how the names of the columns of errors begin: of calibrated ones, or of formal ones if there are none."""
    labels = [name.removeprefix("e_formal_") for name in names if name.startswith("e_formal_")]
    return "e_" if any(f"e_{label}" in names for label in labels) else "e_formal_"


def finish_catalogue(
    table: Table, attributes: Mapping[str, Any], *, empty: Collection[str], widths: Mapping[str, float]
) -> Table:
    """
    Return a table with what depends on all stars: without empty columns, and with provenance and widths.

    Parameters
    ----------
    table : astropy.table.Table
        Of columns as :func:`bayescannon.io.catalogue_columns.estimate_columns` gives them; rows are not needed.
    attributes : mapping
        Of the label estimates.
    empty : collection of str
        Columns without any value.
    widths : mapping of str to float
        From :func:`posterior_widths`.
    """
    attrs: dict[str, Any] = {str(key): value for key, value in attributes.items()}
    error = error_prefix(table.colnames)
    if error != "e_":
        attrs["errors"] = FORMAL_ONLY
    if widths:
        values = ", ".join(f"{name} {width:.2g}" for name, width in widths.items())
        attrs["posterior_width"] = f"half of the 15.9-84.1 % interval of posteriors over {error}, median: {values}"
    finished = Table([one for name, one in table.columns.items() if name not in empty], meta=build_provenance(attrs))
    for label, width in widths.items():
        for name, column in finished.columns.items():
            if name.startswith(f"{label}_p") and " % quantile of the posterior of " in column.description:
                column.description += f"; half of 15.9-84.1 % is {width:.2g} {error}{label} (median)"
    return finished
