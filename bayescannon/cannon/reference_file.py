"""The file of a reference set: its spectra, labels, errors and tally, in netCDF."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.spectra import Spectra
from bayescannon.data.tally import TallyRow
from bayescannon.io.outputs import replacing
from bayescannon.numerics.errors import InputError, MissingFileError

FORMAT = "bayescannon reference set 1"
_PAIR = ("star", "stellar_label")


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
    path = Path(path)
    spectra = reference.spectra.to_xarray()
    attrs = {
        "format": FORMAT,
        "spectra": json.dumps(dict(reference.spectra.attrs)),
        "tally": json.dumps([asdict(row) for row in reference.tally]),
    }
    dataset = spectra.assign(reference_labels=(_PAIR, reference.labels), reference_errors=(_PAIR, reference.errors))
    dataset = dataset.assign_coords(stellar_label=list(reference.label_names)).drop_attrs(deep=False)
    with replacing(path, overwrite=overwrite) as partial:
        dataset.assign_attrs(attrs).to_netcdf(partial, engine="h5netcdf")
    return path


def load_reference(path: str | Path) -> ReferenceSet:
    """
    Read a reference set that :func:`save_reference` wrote.

    Raises
    ------
    MissingFileError
        There is no such file.
    ReferenceFileError
        Something else is in the file.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"there is no file {path}; expected a reference set, see save_reference")
    try:
        dataset = xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise ReferenceFileError(f"{path} cannot be read as netCDF: {error}") from error
    if dataset.attrs.get("format") != FORMAT:
        raise ReferenceFileError(f"{path} holds no reference set ({FORMAT}); write one with save_reference")
    attrs: dict[str, Any] = dict(dataset.attrs)
    labels, errors = (dataset[name].to_numpy() for name in ("reference_labels", "reference_errors"))
    names = tuple(str(name) for name in np.asarray(dataset["stellar_label"]).tolist())
    pixels = dataset.drop_dims("stellar_label").drop_attrs(deep=False)
    spectra = Spectra.from_xarray(pixels.assign_attrs(json.loads(attrs["spectra"])))
    tally = tuple(TallyRow(**row) for row in json.loads(attrs["tally"]))
    return ReferenceSet(spectra, labels, errors, names, tally)
