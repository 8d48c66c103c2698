"""Libraries that only some functions need, and that may be missing."""

from importlib.util import find_spec

from bayescannon.numerics.errors import MissingLibraryError


def require_library(name: str, extra: str) -> None:
    """
    Raise an error that says how to install a library, if it is missing.

    Parameters
    ----------
    name : str
        Of the library, as it is imported.
    extra : str
        The extra of bayescannon that installs it.

    Raises
    ------
    MissingLibraryError
        It is not installed.

    Examples
    --------
    >>> from bayescannon.io.libraries import require_library
    >>> require_library("no_such_library", "specutils")
    Traceback (most recent call last):
    bayescannon.numerics.errors.MissingLibraryError: this needs no_such_library: pip install 'bayescannon[specutils]'
    """
    if find_spec(name) is None:
        raise MissingLibraryError(f"this needs {name}: pip install 'bayescannon[{extra}]'")
