"""The catalogue: a table of label estimates with units, descriptions and provenance, and its files."""

import os
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from astropy.table import Table

from bayescannon.data.labels import labels_from_names
from bayescannon.data.parts import require_kind
from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.io.catalogue_columns import coverage_columns, estimate_columns, flag_columns
from bayescannon.io.catalogue_digest import read_signed, require_catalogue
from bayescannon.io.catalogue_finish import empty_columns, finish_catalogue, posterior_widths
from bayescannon.io.catalogue_formats import FORMATS, ending_of, plain_columns
from bayescannon.io.catalogue_provenance import FORMAL_ONLY, CatalogueError
from bayescannon.io.catalogue_rows import PIECE, CatalogueRows
from bayescannon.io.catalogue_text import require_text
from bayescannon.io.outputs import check_output_file, replacing
from bayescannon.io.paths import as_path
from bayescannon.io.store_rows import n_stars, text_column, whole_path
from bayescannon.numerics.errors import BayesCannonWarning
from bayescannon.numerics.truth import truth

__all__ = ["CatalogueError", "build_catalogue", "check_catalogue_path", "read_catalogue", "write_catalogue"]

_VARIABLES = (
    "labels", "formal_covariance", "reduced_chi2", "live_pixels", "agreeing_starts", "status", "flags",
    "ra", "dec", "snr",
)  # fmt: skip


def build_catalogue(estimates: xr.Dataset) -> Table:
    r"""
    Build the catalogue of label estimates: one row per star, in the order of the estimates.

    The columns, in order:

    * ``id``; each label, followed by ``e_<label>``, its calibrated error, within which the true label lies with a
      probability of 68.3 %. A model that was not calibrated gives no ``e_`` columns;
    * ``population``, the most probable one, and ``p_<population>`` of each, of a survey model; ``p_none`` if coverage
      was assessed;
    * ``snr_g``, ``rchi2``, ``ra``, ``dec``, ``redshift``, and the survey's names of the star and its spectrum
      (:data:`bayescannon.data.spectra.IDENTITY_COLUMNS`), blank where unknown; a column without any name is left out;
    * ``rv_residual`` [km/s] and ``line_spread`` [km^2/s^2] with their errors ``e_``, if they were not taken as exact:
      the velocity left in the prepared spectrum, positive where lines are at longer wavelengths than in the training,
      and the variance of the lines in excess of the training's;
    * ``noise_scale``, by which the reported errors of the flux were multiplied, if every star has its own;
    * ``live_pixels``, ``outlying_pixels`` if pixels can be outliers, ``agreeing_starts``;
    * ``e_formal_<label>``, the formal error: the square root of the diagonal of the formal covariance
      :math:`C = (J^T W J)^{-1}`; and ``rho_<x>_<y>``, the correlation :math:`C_{xy} / \sqrt{C_{xx} C_{yy}}`;
    * ``<label>_p<percent>``, quantiles of the posterior, and ``k_hat``, ``ess``, ``n_modes``, ``posterior_status``, if
      posteriors were sampled. Like the formal errors they follow from the model's likelihood and are not calibrated;
    * ``status``, ``status_text``; scores and p-values of coverage if it was assessed; ``flags``, ``flag_bad`` and
      ``flag_warn``.

    Missing values are NaN. Positions are in double precision, other numbers in single precision.

    Parameters
    ----------
    estimates : xarray.Dataset
        Label estimates with dims star, stellar_label and stellar_label_2, see
        :func:`bayescannon.cannon.labelling.label_spectra`.

    Returns
    -------
    table : astropy.table.Table
        Every column has a description and a UCD, every number a unit; ``meta`` holds the provenance (see
        :func:`bayescannon.io.catalogue_provenance.build_provenance`). ``QTable(table)`` turns columns into quantities.

    Raises
    ------
    InputTypeError
        Something else than estimates.
    CatalogueError
        A variable, a dim or an attribute of the estimates is missing, or a status is unknown.
    LabelError
        A label is unknown.

    Examples
    --------
    Estimates of two stars, such as :func:`bayescannon.cannon.labelling.label_spectra` returns:

    >>> estimates = xr.Dataset(
    ...     {
    ...         "labels": (("star", "stellar_label"), [[4801.26, 2.513], [5102.04, 3.102]]),
    ...         "calibrated_error": (("star", "stellar_label"), [[61.3, 0.12], [80.9, 0.2]]),
    ...         "formal_covariance": (("star", "stellar_label", "stellar_label_2"), [[[81, 0.09], [0.09, 4e-4]]] * 2),
    ...         "reduced_chi2": ("star", [0.98, 1.03]),
    ...         "live_pixels": ("star", [3626, 3600]),
    ...         "agreeing_starts": ("star", [7, 7]),
    ...         "status": ("star", [0, 0]),
    ...         "flags": ("star", [0, 32]),
    ...         "ra": ("star", [10.1, 10.2]),
    ...         "dec": ("star", [41.0, 41.1]),
    ...         "snr": ("star", [85.0, 9.0]),
    ...     },
    ...     coords={"star": ["spec-1", "spec-2"], "stellar_label": ["teff", "logg"]},
    ...     attrs={
    ...         "version": "1", "model_hash": "0a1b", "seed": 0, "n_starts": 7, "data_release": "LAMOST DR2",
    ...         "reference": "900 reference stars", "errors": "calibrated on 900 reference stars",
    ...     },
    ... )
    >>> catalogue = build_catalogue(estimates)
    >>> catalogue["id", "teff", "e_teff", "logg", "e_logg", "flags"].pprint()
      id    teff  e_teff  logg  e_logg flags
             K      K     dex    dex
    ------ ------ ------ ------ ------ -----
    spec-1 4801.3   61.3 2.5130 0.1200     0
    spec-2 5102.0   80.9 3.1020 0.2000    32
    >>> catalogue[catalogue["flag_warn"] == 0]["id"].tolist()
    ['spec-1']
    """
    require_kind(estimates, xr.Dataset, "build_catalogue(estimates)")
    missing = [name for name in ("star", "stellar_label", *_VARIABLES) if name not in estimates.variables]
    if missing:
        raise CatalogueError(
            f"the label estimates need the variable {missing[0]!r}; they have "
            f"{', '.join(map(str, estimates.variables)) or 'none'}"
        )
    lacking = [dim for dim in ("star", "stellar_label") if dim not in estimates.dims]
    if lacking:
        raise CatalogueError(
            f"the label estimates need the dim {lacking[0]}; they have {', '.join(map(str, estimates.dims)) or 'none'}"
            f". Choose one with a list, {lacking[0]}=[0], which keeps the dim"
        )
    labels = labels_from_names([str(name) for name in estimates["stellar_label"].to_numpy()])
    table = Table(list(estimate_columns(estimates, labels)))
    widths = posterior_widths(table.colnames, lambda name: np.asarray(table[name]))
    return finish_catalogue(table, estimates.attrs, empty=empty_columns(table), widths=widths)


def add_coverage(table: Table, assessment: xr.Dataset) -> Table:
    """Return a catalogue with the columns and flags of an assessment of its stars, which replace older ones."""
    table = table.copy()
    new = [*coverage_columns(assessment), *flag_columns(assessment["flags"].to_numpy())]
    table.remove_columns([column.name for column in new if column.name in table.colnames])
    for column in new:
        table.add_column(column)
    if "coverage" in assessment.attrs:
        table.meta["coverage"] = assessment.attrs["coverage"]
    return table


def check_catalogue_path(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """
    Check that a catalogue can be written to `path`; call it before the work that the catalogue needs.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    CatalogueError
        The ending belongs to no format, or a package that the format needs is not installed.
    OutputExistsError
        The file exists and `overwrite` is not set.
    BayesCannonError
        The folder does not exist or is not writable, or `path` is a folder; see
        :func:`bayescannon.io.outputs.check_output_file`.
    """
    path = as_path(path, "the catalogue to write")
    FORMATS[ending_of(path)].require_packages()
    check_output_file(path, overwrite=overwrite)
    return path


def check_catalogue_names(path: str | os.PathLike[str], store: str | Path) -> None:
    """
    Check that a catalogue can hold the names in a store; call it before the work that the catalogue needs.

    Raises
    ------
    CatalogueError
        The format of `path` is for ASCII alone, and a name in the store has other letters.
    StoreError
        There is no complete store.
    """
    ending = ending_of(as_path(path, "the catalogue to write"))
    place = whole_path(store)
    total = n_stars(place)
    for start in range(0, total, PIECE):
        for column in ("star", *IDENTITY_COLUMNS):
            texts = text_column(place, column, slice(start, min(start + PIECE, total))).tolist()
            require_text("id" if column == "star" else column, texts, ending)


def write_catalogue(catalogue: Table | xr.Dataset, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """
    Write a catalogue; the ending of `path` chooses the format: .fits, .ecsv, .parquet, .vot or .mrt.

    The file appears complete or not at all. All formats keep names, units, descriptions, missing values and
    provenance; .mrt rounds the numbers. FITS has no unit dex: a column in dex has no unit in the file, and its
    description ends with [dex].

    Parameters
    ----------
    catalogue : astropy.table.Table or xarray.Dataset
        A catalogue from :func:`build_catalogue`, or label estimates, from which it is built first.
    path : path-like
        File to write.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    CatalogueError
        See :func:`~bayescannon.io.catalogue.check_catalogue_path`; or the table has no provenance, or text that the
        format cannot hold.
    OutputExistsError
        The file exists and `overwrite` is not set.

    Examples
    --------
    >>> import tempfile
    >>> estimates = xr.Dataset(
    ...     {
    ...         "labels": (("star", "stellar_label"), [[4801.26]]),
    ...         "formal_covariance": (("star", "stellar_label", "stellar_label_2"), [[[81.0]]]),
    ...         **{name: ("star", [1]) for name in ("reduced_chi2", "live_pixels", "agreeing_starts")},
    ...         **{name: ("star", [0]) for name in ("status", "flags", "ra", "dec", "snr")},
    ...     },
    ...     coords={"star": ["spec-1"], "stellar_label": ["teff"]},
    ...     attrs={
    ...         "version": "1", "model_hash": "0a1b", "seed": 0, "n_starts": 7, "data_release": "LAMOST DR2",
    ...         "reference": "900 reference stars",
    ...     },
    ... )
    >>> path = Path(tempfile.mkdtemp()) / "catalogue.fits"
    >>> write_catalogue(estimates, path)
    >>> read_catalogue(path)["teff"].description
    'effective temperature'
    >>> write_catalogue(estimates, path)
    Traceback (most recent call last):
        ...
    bayescannon.io.outputs.OutputExistsError: ...catalogue.fits exists; choose another name, or replace it with ...
    """
    path = check_catalogue_path(path, overwrite=overwrite)
    table = build_catalogue(catalogue) if isinstance(catalogue, xr.Dataset) else catalogue
    require_kind(table, Table, "write_catalogue(catalogue, path)")
    require_catalogue(table, "the table to write")
    write_rows(CatalogueRows.of_table(plain_columns(table)), path, overwrite=overwrite)


def write_rows(rows: CatalogueRows, path: Path, *, overwrite: bool = False) -> None:
    """
    Write the rows of a catalogue that need not be in memory together; as :func:`write_catalogue` otherwise.

    The file has a digest of columns and provenance, or, in FITS, the checksums of the standard.
    """
    file_format = FORMATS[ending_of(path)]
    with replacing(path, overwrite=overwrite) as partial:
        file_format.write(file_format.signed(rows), partial)


def read_catalogue(path: str | os.PathLike[str], *, edited: bool = False) -> Table:
    """
    Read a catalogue that :func:`write_catalogue` wrote, with units, descriptions and provenance.

    If version 0.2 or older wrote the catalogue and its errors were not calibrated, the columns ``e_<label>`` are left
    out: they are copies of ``e_formal_<label>``.

    Parameters
    ----------
    path : path-like
        A file, or the folder of a catalogue that was written in parts.
    edited : bool
        Read it too if it was changed after it was written, with a warning.

    Returns
    -------
    table : astropy.table.Table
        Missing numbers are NaN; no column is masked.

    Raises
    ------
    CatalogueError
        The ending belongs to no format, a package that the format needs is not installed, or the file is not a
        catalogue of this package.
    MissingFileError
        The file does not exist.

    Examples
    --------
    A file that is not a catalogue is refused:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "other.ecsv"
    >>> Table({"id": ["spec-1"], "teff": [4801.3]}).write(path)
    >>> read_catalogue(path)
    Traceback (most recent call last):
        ...
    bayescannon.io.catalogue_provenance.NoCatalogueError: ...other.ecsv is not a catalogue of bayescannon: it lacks ...
    """
    path = as_path(path, "a catalogue")
    table, faults = read_signed(path)
    if faults:
        said = f"{path} was damaged, or changed after it was written: {'; '.join(faults)}"
        if not truth(edited, "edited"):
            raise CatalogueError(
                f"{said}. Make it again; or, if it was changed on purpose, read_catalogue(path, edited=True) reads it"
            )
        warnings.warn(said, BayesCannonWarning, stacklevel=2)
    return _without_doubled_errors(table)


def _without_doubled_errors(table: Table) -> Table:
    """Drop the columns ``e_<label>`` that hold formal errors, as versions up to 0.2 wrote them."""
    if not str(table.meta.get("errors", "formal")).startswith("formal"):
        return table
    doubled = [name.replace("e_formal_", "e_") for name in table.colnames if name.startswith("e_formal_")]
    table.remove_columns([name for name in doubled if name in table.colnames])
    table.meta["errors"] = FORMAL_ONLY
    return table
