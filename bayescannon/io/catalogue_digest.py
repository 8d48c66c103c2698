"""Catalogues read with a look at their checksums: what was damaged, or changed after it was written."""

import os
from pathlib import Path

from astropy.table import Table

from bayescannon.io.catalogue_fits import fits_faults
from bayescannon.io.catalogue_folder import folder_faults, is_folder_of_parts, read_folder
from bayescannon.io.catalogue_formats import FORMATS, ending_of, plain_columns
from bayescannon.io.catalogue_hash import catalogue_hash
from bayescannon.io.catalogue_provenance import DIGEST, REQUIRED, CatalogueError, NoCatalogueError
from bayescannon.io.paths import as_path, no_file
from bayescannon.numerics.errors import BayesCannonError, MissingFileError


def read_signed(path: Path) -> tuple[Table, list[str]]:
    """
    Read a catalogue, and say what of it does not agree with its checksums.

    Parameters
    ----------
    path : Path
        A file, or a folder of parts.

    Returns
    -------
    table : astropy.table.Table
        In plain form (:func:`bayescannon.io.catalogue_formats.plain_columns`), without its digest.
    faults : list of str
        Empty if nothing was changed, or if there are no checksums, as in files of version 0.6 and older.

    Raises
    ------
    CatalogueError
        It cannot be read, or is no catalogue of this package.
    MissingFileError
        There is none.
    """
    if is_folder_of_parts(path):
        faults = folder_faults(path)
        table = read_folder(path)
    else:
        table, faults = _read_file(path)
    require_catalogue(table, str(path))
    digest = table.meta.pop(DIGEST, None)
    table = plain_columns(table)
    try:
        agrees = digest is None or digest == catalogue_hash(table, [table])
    except (KeyError, TypeError, AttributeError) as error:  # the provenance has another form
        raise _not_readable(path, f"{type(error).__name__}: {error}") from error
    if not agrees:
        faults.append("its columns or its provenance do not agree with its digest")
    return table, faults


def _read_file(path: Path) -> tuple[Table, list[str]]:
    file_format = FORMATS[ending_of(path)]
    file_format.require_packages()
    if not path.is_file():
        raise MissingFileError(f"{no_file(path)}; check the name of the catalogue")
    faults: list[str] = []
    try:
        if path.suffix == ".fits":
            faults = fits_faults(path)
        return file_format.read(path), faults
    except PermissionError:
        raise
    except Exception as error:  # each reader raises its own kinds of exception on a file of another format
        raise _not_readable(path, "; ".join(faults) or f"{type(error).__name__}: {error}") from error


def _not_readable(path: Path, why: str) -> CatalogueError:
    return CatalogueError(
        f"{path} cannot be read as a catalogue ({why}); give a file written by write_catalogue or 'bayescannon label'"
    )


def require_catalogue(table: Table, name: str) -> None:
    """Raise an error unless `table` has the columns and the provenance of a catalogue."""
    lacking = [column for column in ("id", "status", "flags") if column not in table.colnames]
    lacking += [key for key in (*REQUIRED, "fit_status", "result_flags") if key not in table.meta]
    if lacking:
        raise NoCatalogueError(
            f"{name} is not a catalogue of bayescannon: it lacks {lacking[0]!r}; make one with build_catalogue"
        )


def check_catalogue(path: str | os.PathLike[str]) -> list[str]:
    """
    Say what is wrong with a catalogue: damaged, changed after it was written, or none at all.

    Parameters
    ----------
    path : path-like
        A file, or a folder of parts.

    Returns
    -------
    findings : list of str
        One for each fault; empty if the catalogue is as it was written, or has no checksums.

    Examples
    --------
    >>> check_catalogue("no-such-catalogue.fits")
    ['there is no file no-such-catalogue.fits; check the name of the catalogue']
    """
    path = as_path(path, "a catalogue")
    try:
        return read_signed(path)[1]
    except BayesCannonError as error:
        return [str(error)]
