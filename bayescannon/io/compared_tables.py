"""A catalogue of this package, or any table of labels, as one side of a comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table

from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.io.catalogue import build_catalogue, read_catalogue
from bayescannon.io.catalogue_provenance import CatalogueError, NoCatalogueError
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.io.tables import read_table

# bytes at either end of a file that hold its provenance
_PROVENANCE = 1 << 18
# columns of a catalogue of this package by which stars can be matched
_NAMES = ("obsid", "designation", "gaia_id", "twomass_id", "survey_id")


def read_compared(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    label_names: Sequence[str] | None = None,
    keys: Sequence[str] = (),
) -> LabelTable:
    """
    Read one side of a comparison.

    Parameters
    ----------
    source : path, Table, xarray.Dataset, LabelTable, or what else read_labels takes
        A catalogue of this package, in a file, a folder of parts or memory; estimates of label_spectra; or a table of
        labels.
    columns, units
        Of a table of labels, as in :func:`bayescannon.io.tables.read_labels`; a catalogue needs none, and given columns
        make it be read as a table.
    label_names : sequence of str, optional
        Labels that must be there.
    keys : sequence of str
        Further columns with names of stars that a table of labels must have.

    Returns
    -------
    table : LabelTable
        Of a catalogue: labels of converged fits, calibrated errors (else formal ones), result flags and S/N.

    Raises
    ------
    BayesCannonError
        As :func:`bayescannon.io.catalogue.read_catalogue` and :func:`bayescannon.io.tables.read_labels`.
    """
    if isinstance(source, LabelTable):
        return source
    if isinstance(source, xr.Dataset):
        return catalogue_labels(build_catalogue(source), "the estimates")
    if isinstance(source, Table) and {"id", "status", "flags"} <= set(source.colnames):
        return catalogue_labels(source, "the catalogue")
    if not columns and isinstance(source, str | Path):
        try:
            return catalogue_labels(read_catalogue(source), Path(source).name)
        except NoCatalogueError:
            pass
        except CatalogueError:
            # a table of another survey, or a catalogue of this package that is damaged
            if _names_this_package(Path(source)):
                raise
    options = TableOptions("auto", columns or {}, units or {}, {}, None)
    return read_table(source, options, label_names, optional=list(KNOWN_LABELS), keys=keys)


def catalogue_labels(catalogue: Table, source: str) -> LabelTable:
    """
    Return a catalogue of this package as a table of labels.

    Parameters
    ----------
    catalogue : astropy.table.Table
    source : str
        Its name, for messages.
    """
    names = [name for name in KNOWN_LABELS if name in catalogue.colnames]
    fitted = np.asarray(catalogue["status"]) == FitStatus.CONVERGED
    labels = {name: np.where(fitted, _numbers(catalogue, name), np.nan) for name in names}
    errors = {}
    for name in names:
        column = next((one for one in (f"e_{name}", f"e_formal_{name}") if one in catalogue.colnames), None)
        if column is not None:
            error = _numbers(catalogue, column)
            errors[name] = np.where(error > 0, error, np.nan)
    unknown = np.full(len(catalogue), np.nan)
    ra, dec, snr = (_numbers(catalogue, name) if name in catalogue.colnames else unknown
                    for name in ("ra", "dec", "snr_g"))  # fmt: skip
    return LabelTable(
        np.asarray(catalogue["id"]).astype(np.str_), ra=ra, dec=dec, labels=labels, errors=errors,
        flags=np.asarray(catalogue["flags"]).astype(np.uint64), flag_type=ResultFlag, snr=snr, source=source,
        keys={name: np.asarray(catalogue[name]).astype(np.str_) for name in _NAMES if name in catalogue.colnames},
    )  # fmt: skip


def _names_this_package(path: Path) -> bool:
    """Tell whether the beginning or the end of a file, where provenance is, names this package."""
    if not path.is_file():
        return path.is_dir()
    with path.open("rb") as file:
        begin = file.read(_PROVENANCE)
        file.seek(max(0, path.stat().st_size - _PROVENANCE))
        return b"bayescannon" in begin.lower() or b"bayescannon" in file.read().lower()


def _numbers(catalogue: Table, name: str) -> Any:
    return np.ma.filled(np.ma.asarray(catalogue[name], dtype=np.float64), np.nan)
