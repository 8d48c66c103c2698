"""The file of a reference set: its spectra, labels, errors and tally, in netCDF."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.label_definitions import definitions_of, restore_labels
from bayescannon.data.labels import labels_from_names
from bayescannon.data.parts import UNKNOWN, a_kind, require_kind
from bayescannon.data.spectra import Spectra
from bayescannon.data.tally import TallyRow
from bayescannon.io.netcdf import NetcdfError, read_tree, require_unchanged, write_tree
from bayescannon.io.paths import as_path, no_file
from bayescannon.numerics.errors import InputError, InputTypeError, MissingFileError

FORMAT = "bayescannon reference set 1"
_PAIR = ("star", "stellar_label")
# which spectra are of the same star; files of version 0.3 and older lack it
_STAR_NAME = "reference_star_name"
# the survey of the labels; files of version 0.5 and older lack it
_SOURCE = "label_source"


class ReferenceFileError(InputError):
    """A file that holds no reference set."""


def save_reference(reference: ReferenceSet, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write a reference set to a netCDF file, so that :func:`load_reference` returns the same numbers.

    Parameters
    ----------
    reference : ReferenceSet
    path : path
        By custom ``*.nc``.
    overwrite : bool
        Replace a file that exists.

    Returns
    -------
    path : Path

    Raises
    ------
    OSError
        As :func:`bayescannon.io.outputs.check_output_file`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from bayescannon.cannon.reference import ReferenceSet
    >>> from bayescannon.cannon.reference_file import load_reference, save_reference
    >>> from bayescannon.data.spectra import Spectra
    >>> spectra = Spectra([5000, 5001], [[1.0, 0.9], [1.0, 0.8]], [[1e4, 1e4], [1e4, 1e4]], ["star-1", "star-2"])
    >>> reference = ReferenceSet(spectra, {"teff": [4800, 5100]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_reference(save_reference(reference, pathlib.Path(folder) / "reference.nc"))
    <ReferenceSet of 2 stars, labels teff (errors of none) on a grid of 2 pixels from 5000.00 to 5001.00 A>
    """
    require_kind(reference, ReferenceSet, "save_reference(reference, path)")
    path = as_path(path, "the reference set to write")
    spectra = reference.spectra.to_xarray()
    attrs = {
        "format": FORMAT,
        "spectra": json.dumps(dict(reference.spectra.attrs)),
        "tally": json.dumps([asdict(row) for row in reference.tally]),
        "notes": json.dumps(reference.notes),
        "label_definitions": json.dumps(definitions_of(labels_from_names(reference.label_names))),
    }
    dataset = spectra.assign(reference_labels=(_PAIR, reference.labels), reference_errors=(_PAIR, reference.errors))
    dataset = dataset.assign({_STAR_NAME: ("star", reference.star), _SOURCE: ("star", reference.source)})
    dataset = dataset.assign_coords(stellar_label=list(reference.label_names)).drop_attrs(deep=False)
    write_tree(xr.DataTree(dataset.assign_attrs(attrs)), path, overwrite=overwrite)
    return path


def load_reference(path: str | Path) -> ReferenceSet:
    """
    Read a reference set that :func:`save_reference` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    reference : ReferenceSet

    Raises
    ------
    MissingFileError
        There is no such file.
    ReferenceFileError
        Something else is in the file.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> import tempfile
    >>> path = bc.save_reference(reference, f"{tempfile.mkdtemp()}/reference.nc")
    >>> bc.load_reference(path).label_names
    ('teff', 'logg')
    """
    path = as_path(path, "a reference set")
    if not path.is_file():
        raise MissingFileError(f"{no_file(path)}; expected a reference set, see save_reference")
    try:
        tree = read_tree(path)
        dataset = tree.to_dataset()
        if dataset.attrs.get("format") == FORMAT:
            require_unchanged(tree, path)
    except NetcdfError as error:
        raise ReferenceFileError(f"{error}; expected a reference set, see save_reference") from error
    if dataset.attrs.get("format") != FORMAT:
        raise ReferenceFileError(f"{path} holds no reference set ({FORMAT}); write one with save_reference")
    try:
        return _reference(dataset, path)
    except InputError as error:
        raise ReferenceFileError(f"{path} cannot be read as a reference set: {error}") from error
    except Exception as error:  # of a file that was made up
        raise ReferenceFileError(
            f"{path} cannot be read as a reference set ({type(error).__name__}: {error}); write it anew"
        ) from error


def _reference(dataset: xr.Dataset, path: Path) -> ReferenceSet:
    """Make the reference set of the variables and attributes of its file."""
    attrs: dict[str, Any] = dict(dataset.attrs)
    # files of 0.3.0 have neither definitions nor notes
    restore_labels(json.loads(attrs.get("label_definitions", "{}")), path.name)
    labels, errors = (dataset[name].to_numpy() for name in ("reference_labels", "reference_errors"))
    names = tuple(str(name) for name in np.asarray(dataset["stellar_label"]).tolist())
    star = dataset[_STAR_NAME].to_numpy() if _STAR_NAME in dataset else UNKNOWN
    source = dataset[_SOURCE].to_numpy() if _SOURCE in dataset else UNKNOWN
    pixels = dataset.drop_dims("stellar_label").drop_vars([_STAR_NAME, _SOURCE], errors="ignore")
    pixels = pixels.drop_attrs(deep=False)
    spectra = Spectra.from_xarray(pixels.assign_attrs(json.loads(attrs["spectra"])))
    tally = tuple(TallyRow(**row) for row in json.loads(attrs["tally"]))
    notes = tuple(json.loads(attrs.get("notes", "[]")))
    return ReferenceSet(spectra, labels, errors, names, tally, star=star, notes=notes, source=source)


def as_reference(given: ReferenceSet | str | Path) -> ReferenceSet:
    """
    Return a reference set, given as itself or as the path of its file.

    Raises
    ------
    InputTypeError
        It is neither.
    MissingFileError, ReferenceFileError
        As :func:`load_reference`.
    """
    anything: Any = given
    if isinstance(anything, ReferenceSet):
        return anything
    if isinstance(anything, str | os.PathLike):
        return load_reference(Path(anything))
    raise InputTypeError(
        f"a reference set must be a ReferenceSet, from build_reference, or the path of its file; got {a_kind(anything)}"
    )
