"""
Trained models on disk: self-describing netCDF files, see :mod:`bayescannon.cannon.model_layout`.

``xarray.open_datatree(path, engine="h5netcdf")`` shows one; a changed number or attribute is refused when it is
read. Neither writing nor reading needs a lock of the file system.
"""

import os
from pathlib import Path
from typing import Any

from bayescannon.cannon.model_reader import ONE_MODEL
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.parts import a_kind, require_kind
from bayescannon.io.paths import as_path
from bayescannon.numerics.errors import InputTypeError


def save_model(model: TrainedModel, path: str | Path, *, overwrite: bool = False) -> None:
    """
    Write a trained model as netCDF.

    Parameters
    ----------
    model : TrainedModel
    path : str or Path
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False.
    OSError
        Nothing can be written there.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import xarray as xr
    >>> from bayescannon.cannon.reference import ReferenceSet
    >>> from bayescannon.cannon.training import train
    >>> from bayescannon.data.spectra import Spectra
    >>> labels = np.random.default_rng(0).normal([4800.0, 2.5], [250.0, 0.6], size=(60, 2))
    >>> flux = 1 + (labels - [4800, 2.5]) / [5000, 12] @ np.random.default_rng(1).random((2, 30))
    >>> names = np.array([f"star {n}" for n in range(60)])
    >>> spectra = Spectra(np.linspace(5000, 5100, 30), flux, np.full(flux.shape, 1e4), names, {})
    >>> model = train(ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg")))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.nc")
    ...     with xr.open_datatree(f"{folder}/model.nc", engine="h5netcdf") as tree:
    ...         sorted(tree.children)
    ['calibration', 'model', 'options', 'populations', 'reference']
    """
    require_kind(model, TrainedModel, "save_model(model, path)")
    model.save(as_path(path, "the model to write"), overwrite=overwrite)


def load_model(path: str | Path) -> TrainedModel:
    """
    Read a trained model that :func:`save_model`, or version 0.2.0, wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : TrainedModel

    Raises
    ------
    MissingFileError
        There is no such file.
    ModelFileError
        The file cannot be read, is not a trained model, is of a later version, or was changed after it was saved.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from bayescannon.cannon.reference import ReferenceSet
    >>> from bayescannon.cannon.training import train
    >>> from bayescannon.data.spectra import Spectra
    >>> labels = np.random.default_rng(0).normal([4800.0, 2.5], [250.0, 0.6], size=(60, 2))
    >>> flux = 1 + (labels - [4800, 2.5]) / [5000, 12] @ np.random.default_rng(1).random((2, 30))
    >>> names = np.array([f"star {n}" for n in range(60)])
    >>> spectra = Spectra(np.linspace(5000, 5100, 30), flux, np.full(flux.shape, 1e4), names, {})
    >>> model = train(ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg")))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.nc")
    ...     load_model(f"{folder}/model.nc").hash == model.hash
    True
    """
    return TrainedModel.load(as_path(path, "a trained model"))


def as_model(model: TrainedModel | str | Path) -> TrainedModel:
    """
    Return a trained model, given as itself or as the path of its file.

    Parameters
    ----------
    model : TrainedModel, str or Path

    Raises
    ------
    InputTypeError
        It is neither.
    MissingFileError, ModelFileError
        As :func:`load_model`.
    """
    given: Any = model
    if isinstance(given, TrainedModel):
        return given
    if isinstance(given, str | os.PathLike):
        return load_model(Path(given))
    # the room of survey models is above this one
    if isinstance(getattr(given, "distinct", None), dict):
        raise InputTypeError(f"this is a survey model: {ONE_MODEL}")
    raise InputTypeError(f"a model must be a TrainedModel or the path of its file; got {a_kind(given)}")
