"""The catalogue: label estimates as a table with units, descriptions and provenance, and its files."""

import os
import tempfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import ArrayLike, NDArray

from bayescannon.catalogue_formats import FORMATS, display_format, plain_columns
from bayescannon.catalogue_provenance import REQUIRED, CatalogueError, build_provenance
from bayescannon.flags import FLAG_BAD, FLAG_WARN, FitStatus
from bayescannon.labels import Label, labels_from_names

__all__ = ["CatalogueError", "build_catalogue", "check_catalogue_path", "read_catalogue", "write_catalogue"]

_VARIABLES = (
    "labels", "formal_covariance", "reduced_chi2", "live_pixels", "agreeing_starts", "status", "flags",
    "ra", "dec", "snr",
)  # fmt: skip

COVERAGE_COLUMNS = {
    "p_coverage": "share of held-out reference stars with labels as far out of the range",
    "p_novelty": "share of held-out reference stars with a spectrum as novel",
    "p_joint": "both in one: twice the smaller, at most 1",
    "label_distance": "label distance (Ho et al. 2017, eq. 7) to ten reference stars",
}


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
        :func:`bayescannon.catalogue_provenance.build_provenance`). ``QTable(table)`` makes quantities of it.

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
    for column in _columns(estimates, labels):
        table.add_column(column)
    return table


def _columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """Yield the columns of the catalogue in order."""
    values = estimates["labels"].transpose("star", "stellar_label").to_numpy()
    covariance = estimates["formal_covariance"].transpose("star", "stellar_label", "stellar_label_2").to_numpy()
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    # a variance that is not positive is no measurement
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    status = estimates["status"].to_numpy()

    yield _column("id", estimates["star"].to_numpy().astype(np.str_), None, "name of the spectrum's file")
    yield _column("ra", estimates["ra"], "deg", "right ascension (ICRS)")
    yield _column("dec", estimates["dec"], "deg", "declination (ICRS)")
    yield _column("snr_g", estimates["snr"], "", "signal-to-noise ratio in the g band")
    for k, label in enumerate(labels):
        yield _column(label.name, values[:, k], label.unit, label.description)
    what = "formal error of {}, from the noise of the pixels alone; not the whole error"
    if "calibrated_error" in estimates:
        chosen = estimates["calibrated_error"].transpose("star", "stellar_label").to_numpy()
        text = "calibrated error of {}: half of its central 68.3 % interval"
    else:
        chosen, text = error, f"not calibrated: {what}"
    for k, label in enumerate(labels):
        yield _column(f"e_{label.name}", chosen[:, k], label.unit, text.format(label.name))
    for k, label in enumerate(labels):
        yield _column(f"e_formal_{label.name}", error[:, k], label.unit, what.format(label.name))
    for i, j in combinations(range(len(labels)), 2):
        yield _column(
            f"rho_{labels[i].name}_{labels[j].name}",
            covariance[:, i, j] / (error[:, i] * error[:, j]),
            "",
            f"correlation of the formal errors of {labels[i].name} and {labels[j].name}",
        )
    yield _column("rchi2", estimates["reduced_chi2"], "", "chi2 per live pixel less the number of labels")
    yield _column("live_pixels", estimates["live_pixels"], "", "number of pixels with positive inverse variance")
    yield _column("agreeing_starts", estimates["agreeing_starts"], "", "number of starts that reached the optimum")
    yield _column("status", status, "", "how the fit ended (see fit_status in the provenance)")
    yield _column("status_text", _status_names(status), None, "name of the status")
    yield from _coverage_columns(estimates)
    yield from _flag_columns(estimates["flags"].to_numpy())


def _coverage_columns(estimates: xr.Dataset) -> Iterator[Column]:
    """Yield the columns of an assessment of coverage, if the estimates hold one."""
    if "p_coverage" not in estimates:
        return
    for name, score in zip(estimates["score_name"].to_numpy(), estimates["score"].to_numpy().T, strict=True):
        yield _column(f"cov_{name}", score, "", f"coverage score {name}; large is far from the reference set")
    for name, text in COVERAGE_COLUMNS.items():
        yield _column(name, estimates[name], "", text)


def add_coverage(table: Table, assessment: xr.Dataset) -> Table:
    """Return a catalogue with the columns and flags of an assessment of its stars, replacing older ones."""
    table = table.copy()
    new = [*_coverage_columns(assessment), *_flag_columns(assessment["flags"].to_numpy())]
    table.remove_columns([column.name for column in new if column.name in table.colnames])
    for column in new:
        table.add_column(column)
    return table


def _flag_columns(flags: NDArray[np.integer]) -> Iterator[Column]:
    """Yield the flags, and what they mean for use."""
    yield _column("flags", flags, "", "sum of result flags (see result_flags in the provenance)")
    for name, mask, text in (("flag_bad", FLAG_BAD, "do not use"), ("flag_warn", FLAG_WARN, "use with care")):
        yield _column(name, ((flags & int(mask)) != 0).astype(int), "", f"1: {text}; flags and {int(mask)} is not 0")


def _status_names(status: NDArray[np.integer]) -> NDArray[np.str_]:
    """Return the name of each star's status."""
    known = {int(member): member.name for member in FitStatus}
    values, index = np.unique(status, return_inverse=True)
    unknown = [int(value) for value in values if int(value) not in known]
    if unknown:
        raise CatalogueError(f"status {unknown[0]} is no FitStatus; known are {known}")
    return np.array([known[int(value)] for value in values], dtype=np.str_)[index]


def _column(name: str, values: ArrayLike | xr.DataArray, unit: str | None, description: str) -> Column:
    """Make one column; text has no unit, and the unit of a pure number is dimensionless."""
    data = np.asarray(values)
    if data.dtype.kind == "f":
        data = data.astype(np.float64)
    elif data.dtype.kind in "iu":
        data = data.astype(np.int32)
    return Column(data, name, unit=unit, description=description, format=display_format(name, data.dtype))


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
        raise FileNotFoundError(f"there is no catalogue {path}; check the name")
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
