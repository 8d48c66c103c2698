"""Reading a trained model's file, whichever version wrote it."""

from pathlib import Path
from typing import Any

import xarray as xr

from bayescannon.cannon.flat_layout import flat_model_fields
from bayescannon.cannon.model_layout import KIND, SCHEMA_VERSION, SURVEY_KIND, ModelFileError, model_fields
from bayescannon.io.netcdf import NetcdfError, read_tree, require_unchanged
from bayescannon.numerics.errors import InputError, MissingFileError

# what to do where one model is wanted and a survey model, of several, is given
ONE_MODEL = (
    "it holds a model of each population, and one is needed here. Take one of them by name, as "
    "bayescannon.load_model(path).distinct['router'], or on the command line with --population"
)


def read_model_fields(path: Path) -> tuple[dict[str, Any], str]:
    """
    Read the arguments of a TrainedModel, and the hash that it was saved with.

    Parameters
    ----------
    path : Path

    Returns
    -------
    fields : dict
    saved_hash : str
        To be compared with that of the model that is made of them.

    Raises
    ------
    MissingFileError
        There is no such file.
    ModelFileError
        The file cannot be read, is not a trained model, is of a later version, or was changed after it was saved.
    """
    if not path.exists():
        raise MissingFileError(f"no model file {path}; `bayescannon train` makes one")
    try:
        tree = read_tree(path)
        if tree.attrs.get("kind") == SURVEY_KIND:
            raise ModelFileError(f"{path} is a survey model: {ONE_MODEL}")
        if tree.attrs.get("kind") != KIND:
            raise ModelFileError(f"{path} is not a bayescannon model; expected one from `bayescannon train`")
        # files of 0.2.0 say no version
        schema = schema_of(tree, path, otherwise=1)
        if schema > SCHEMA_VERSION:
            raise ModelFileError(
                f"{path} has schema version {schema}, and this version of bayescannon reads up to {SCHEMA_VERSION}; "
                "update bayescannon, or train the model anew with this version"
            )
        if schema > 1:
            require_unchanged(tree, path)
    except NetcdfError as error:
        raise ModelFileError(f"{error}; expected a model from `bayescannon train`") from error
    try:
        fields = model_fields(tree) if schema > 1 else flat_model_fields(tree.to_dataset())
    except InputError as error:
        raise ModelFileError(f"{path} cannot be read as a model: {error}") from error
    except Exception as error:  # of a file that was made up, and of one of 0.2.0 that was changed
        raise ModelFileError(
            f"{path} cannot be read as a model ({type(error).__name__}: {error}); train anew"
        ) from error
    return fields, str(tree.attrs.get("hash"))


def schema_of(tree: xr.DataTree, path: Path, *, otherwise: int) -> int:
    """
    Return the schema version of a model's file.

    Raises
    ------
    ModelFileError
        It is no whole number.
    """
    given = tree.attrs.get("schema_version", otherwise)
    try:
        return int(given)
    except (TypeError, ValueError, OverflowError):
        raise ModelFileError(f"{path} has schema version {given!r}, which is no whole number; train anew") from None
