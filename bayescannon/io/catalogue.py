"""The catalogue: label estimates as a table with units, descriptions and provenance, and its files."""

import os
import tempfile
from pathlib import Path

import xarray as xr
from astropy.table import Table

from bayescannon.data.labels import labels_from_names
from bayescannon.io.catalogue_columns import coverage_columns, estimate_columns, flag_columns
from bayescannon.io.catalogue_formats import FORMATS, plain_columns
from bayescannon.io.catalogue_provenance import REQUIRED, CatalogueError, build_provenance
from bayescannon.numerics.errors import MissingFileError

__all__ = ["CatalogueError", "build_catalogue", "check_catalogue_path", "read_catalogue", "write_catalogue"]

_VARIABLES = (
    "labels", "formal_covariance", "reduced_chi2", "live_pixels", "agreeing_starts", "status", "flags",
    "ra", "dec", "snr",
)  # fmt: skip


def build_catalogue(estimates: xr.Dataset) -> Table:
    r"""
    Make the catalogue of label estimates: one row a star, in the order of the estimates.

    The columns are ``id``, ``ra``, ``dec``, ``snr_g``; each label; ``e_<label>``, its calibrated error, within
    which the true label lies with a probability of 68.3 % (the formal error, if the model was not calibrated);
    ``e_formal_<label>``, its formal error, the square root of the diagonal of the formal covariance C;
    ``rho_<x>_<y>``, the correlation :math:`C_{xy} / \sqrt{C_{xx} C_{yy}}` of each pair of labels; ``rchi2``,
    ``live_pixels``, ``agreeing_starts``, ``status``, ``status_text``, scores and p-values of coverage if it was
    assessed, ``flags``, ``flag_bad`` and ``flag_warn``. What could not be measured is NaN.

    Parameters
    ----------
    estimates : xarray.Dataset
        Label estimates with dims star, stellar_label and stellar_label_2.

    Returns
    -------
    table : astropy.table.Table
        Every column has a description, every number a unit; ``meta`` holds the provenance (see
        :func:`bayescannon.io.catalogue_provenance.build_provenance`). ``QTable(table)`` makes quantities of it.

    Raises
    ------
    CatalogueError
        A variable or an attribute of the estimates is missing, or a status is unknown.
    LabelError
        A label is not a known one.
    """
    missing = [name for name in ("star", "stellar_label", *_VARIABLES) if name not in estimates.variables]
    if missing:
        raise CatalogueError(
            f"the label estimates need the variable {missing[0]!r}; they have "
            f"{', '.join(map(str, estimates.variables)) or 'none'}"
        )
    labels = labels_from_names([str(name) for name in estimates["stellar_label"].to_numpy()])
    table = Table(meta=build_provenance(estimates.attrs))
    for column in estimate_columns(estimates, labels):
        table.add_column(column)
    return table


def add_coverage(table: Table, assessment: xr.Dataset) -> Table:
    """Return a catalogue with the columns and flags of an assessment of its stars, replacing older ones."""
    table = table.copy()
    new = [*coverage_columns(assessment), *flag_columns(assessment["flags"].to_numpy())]
    table.remove_columns([column.name for column in new if column.name in table.colnames])
    for column in new:
        table.add_column(column)
    return table


def check_catalogue_path(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """
    Check that a catalogue can be written to `path`, before the work that leads to it is done.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    CatalogueError
        The ending names no format, the folder does not exist, the file exists and `overwrite` is not set,
        or a package that the format needs is not installed.
    """
    path = Path(path)
    FORMATS[_ending(path)].require_packages()
    if not path.parent.is_dir():
        raise CatalogueError(f"the folder {path.parent} of the catalogue does not exist; make it first")
    if path.is_dir():
        raise CatalogueError(f"{path} is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise CatalogueError(
            f"{path} exists; choose another name, or replace it with overwrite=True (--overwrite on the command line)"
        )
    return path


def write_catalogue(table: Table, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """
    Write a catalogue; the ending of `path` chooses the format: .fits, .ecsv, .parquet, .vot or .mrt.

    The file appears whole or not at all. All formats keep names, units, descriptions, missing values and
    provenance; .mrt is a table to print and rounds the numbers.

    Parameters
    ----------
    table : astropy.table.Table
        As :func:`build_catalogue` made it.
    path : path-like
        File to write.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    CatalogueError
        See :func:`check_catalogue_path`; also a table without provenance, or text that the format cannot
        hold.
    """
    path = check_catalogue_path(path, overwrite=overwrite)
    _require_catalogue(table, "the table to write")
    # a sibling folder, so that the last step is a rename on one file system and the usual permissions hold
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        FORMATS[_ending(path)].write(plain_columns(table), part)
        part.replace(path)


def read_catalogue(path: str | os.PathLike[str]) -> Table:
    """
    Read a catalogue that :func:`write_catalogue` wrote, with units, descriptions and provenance.

    Returns
    -------
    table : astropy.table.Table
        Missing numbers are NaN; no column is masked.

    Raises
    ------
    CatalogueError
        The ending names no format, a package that the format needs is not installed, or the file holds no
        catalogue of this package.
    FileNotFoundError
        There is no such file.
    """
    path = Path(path)
    file_format = FORMATS[_ending(path)]
    file_format.require_packages()
    if not path.is_file():
        raise MissingFileError(f"there is no catalogue {path}; check the name")
    table = file_format.read(path)
    _require_catalogue(table, str(path))
    return plain_columns(table)


def _ending(path: Path) -> str:
    """Return the ending that names the format."""
    if path.suffix not in FORMATS:
        raise CatalogueError(
            f"the ending of a catalogue must be one of {', '.join(FORMATS)}; got {path.suffix or 'none'!r} "
            f"in {path.name!r}"
        )
    return path.suffix


def _require_catalogue(table: Table, name: str) -> None:
    """Raise unless `table` has the columns and the provenance of a catalogue."""
    lacking = [column for column in ("id", "status", "flags") if column not in table.colnames]
    lacking += [key for key in (*REQUIRED, "fit_status", "result_flags") if key not in table.meta]
    if lacking:
        raise CatalogueError(
            f"{name} is no catalogue of bayescannon: it has no {lacking[0]!r}; make one with build_catalogue"
        )
