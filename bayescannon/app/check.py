"""`bayescannon check`: whether a store, a model, a catalogue or another file of this package is whole."""

from pathlib import Path

from bayescannon.cannon.model_layout import KIND, SURVEY_KIND
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.reference_file import FORMAT, load_reference
from bayescannon.io.catalogue_digest import check_catalogue
from bayescannon.io.catalogue_formats import FORMATS
from bayescannon.io.netcdf import read_tree
from bayescannon.io.netcdf_check import check_tree
from bayescannon.io.paths import as_path
from bayescannon.io.store_check import check_store
from bayescannon.numerics.errors import BayesCannonError, InputError, MissingFileError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_STORE = ("zarr.json", ".zgroup", ".zarray")


def find_damage(path: str | Path) -> list[str]:
    """
    Return what is damaged or missing in a store, a model, a catalogue, a reference set or a budget.

    What it is, is told by its contents. Of a store every file is read and compared with the manifest, of a netCDF file
    every variable with its digest, of a catalogue every column.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    findings : list of str
        A sentence each, which names the file, the part of it, or the variable; empty if all is whole.

    Raises
    ------
    MissingFileError
        There is nothing at `path`.
    InputError
        It is nothing that this package writes.

    Examples
    --------
    >>> import tempfile
    >>> import bayescannon as bc
    >>> spectra = bc.Spectra([5000, 5001], [[1.0, 0.9]], [[1e4, 1e4]], ["star-1"])
    >>> reference = bc.ReferenceSet(spectra, {"teff": [4800]})
    >>> path = bc.save_reference(reference, f"{tempfile.mkdtemp()}/reference.nc")
    >>> bc.find_damage(path)
    []
    >>> _ = path.write_bytes(path.read_bytes()[:-1000])
    >>> bc.find_damage(path)[0][:24]
    'is damaged, or not netCD'
    """
    place = as_path(path, "what is checked")
    if not place.exists():
        raise MissingFileError(f"there is nothing at {place}; check the name")
    try:
        if place.is_dir():
            return _check_folder(place)
        if not place.is_file():
            raise InputError(f"{place} is a device, a pipe or a socket; expected a store, a model or a catalogue")
        with place.open("rb") as file:
            head = file.read(len(_HDF5))
    except PermissionError as error:
        raise InputError(f"{place} cannot be read: {error.strerror}") from error
    if head == _HDF5:
        return _check_netcdf(place)
    if place.suffix in FORMATS:
        return check_catalogue(place)
    if place.suffix == ".nc":
        return ["is not a netCDF file: it does not begin as one"]
    raise InputError(
        f"{place} is no store, model or catalogue of bayescannon: catalogues end in {', '.join(FORMATS)}, models are "
        "netCDF files, and stores folders of zarr"
    )


def _check_folder(place: Path) -> list[str]:
    """Check a store, or a catalogue in a folder of parts."""
    if any((place / name).exists() for name in _STORE) or place.suffix == ".zarr":
        return check_store(place)
    if any(place.rglob("*.parquet")):
        return check_catalogue(place)
    raise InputError(f"{place} is a folder without a store or a catalogue; give what is in it")


def _check_netcdf(place: Path) -> list[str]:
    """Check a model, a reference set or a budget; a model is also made of its arrays, as it is for labelling."""
    findings = check_tree(place)
    if findings:
        return findings
    attrs = read_tree(place).attrs
    try:
        if attrs.get("kind") in (KIND, SURVEY_KIND):
            load_any_model(place)
        elif attrs.get("format") == FORMAT:
            load_reference(place)
    except BayesCannonError as error:
        return [str(error).removeprefix(f"{place} ")]
    return []
