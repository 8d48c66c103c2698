"""The readers that are known, by name."""

import warnings
from importlib import import_module
from importlib.metadata import entry_points

from bayescannon.io.readers.reader import Reader
from bayescannon.numerics.errors import BayesCannonWarning, InputError, InputTypeError

# entry points of other packages: each is a Reader
GROUP = "bayescannon.readers"
# modules of this package that have a READER
_SHIPPED = ("lamost_lrs", "lamost_mrs", "apogee", "arrays", "specutils")
_registered: dict[str, Reader] = {}
_installed: dict[str, Reader] = {}
_looked_for_installed = False


def register_reader(reader: Reader, *, overwrite: bool = False) -> Reader:
    """
    Make a reader known by its name, to ``prepare_files(reader=)`` and, where the call is run, to ``auto``.

    Packages register theirs with an entry point of the group ``bayescannon.readers``, which the command line finds too.

    Parameters
    ----------
    reader : Reader
    overwrite : bool
        Replace a reader of that name.

    Returns
    -------
    reader : Reader
        The same.

    Raises
    ------
    InputError
        Another reader has the name.
    InputTypeError
        `reader` is no Reader.

    Examples
    --------
    >>> import bayescannon as bc
    >>> def read_nothing(path):
    ...     return []
    >>> reader = bc.register_reader(bc.Reader("my-survey", read_nothing), overwrite=True)
    >>> reader.name
    'my-survey'
    """
    if not isinstance(reader, Reader):
        raise InputTypeError(f"register_reader takes a Reader; got {type(reader).__name__}")
    known = shipped_readers() | _registered
    if reader.name in known and known[reader.name] != reader and not overwrite:
        raise InputError(f"a reader named {reader.name} is known; choose another name, or set overwrite=True")
    _registered[reader.name] = reader
    return reader


def shipped_readers() -> dict[str, Reader]:
    """Return the readers of this package by name."""
    modules = (import_module(f"bayescannon.io.readers.{name}") for name in _SHIPPED)
    readers: list[Reader] = [module.READER for module in modules]
    return {reader.name: reader for reader in readers}


def known_readers() -> dict[str, Reader]:
    """Return the readers of this package and those that were registered in this process, by name."""
    return shipped_readers() | _registered


def find_reader(name: str | Reader) -> Reader:
    """
    Return a reader by its name, also one of another package; a Reader is returned as it is.

    Raises
    ------
    InputError
        There is no reader of the name; the message names those that there are.

    Examples
    --------
    >>> find_reader("lamost-lrs").name
    'lamost-lrs'
    """
    if isinstance(name, Reader):
        return name
    if not isinstance(name, str):
        raise InputTypeError(f"reader must be a name or a Reader; got {type(name).__name__}")
    known = known_readers()
    base, _, option = name.partition(":")
    if name in known:
        return known[name]
    if base == "specutils" and option:
        from bayescannon.io.readers.specutils import reader_of_format

        return reader_of_format(option)
    installed = _installed_readers()
    if name in installed:
        return installed[name]
    everything = {"auto": "by the content of the files"} | {
        one.name: one.description for one in (known | installed).values()
    }
    listed = "; ".join(f"{name} ({text})" if text else name for name, text in everything.items())
    raise InputError(f"there is no reader {name!r}; the readers are {listed}")


def _installed_readers() -> dict[str, Reader]:
    """Load the readers of other packages, once; one that is broken is left out with a warning."""
    global _looked_for_installed
    if not _looked_for_installed:
        _looked_for_installed = True
        for point in entry_points(group=GROUP):
            try:
                reader = point.load()
                if not isinstance(reader, Reader):
                    raise InputTypeError(f"it is no Reader but {type(reader).__name__}")
            except Exception as error:  # whatever another package does on import
                warnings.warn(
                    f"the reader {point.name} of another package ({point.value}) cannot be used: {error}",
                    BayesCannonWarning,
                    stacklevel=3,
                )
                continue
            _installed[reader.name] = reader
    return _installed
