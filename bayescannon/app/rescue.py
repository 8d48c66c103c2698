"""Save the result of a long run in another place if its own cannot be written, so that it is not lost."""

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.outputs import OutputWriteError

# the format that holds any text, if that of a catalogue does not
_ANY_TEXT = ".ecsv"


def write_result(write: Callable[[Path], None], path: Path) -> None:
    """
    Write a result; if that fails, write it beside its place, in the working, the temporary or the home folder.

    Parameters
    ----------
    write : callable
        Writes to a path that does not exist.
    path : Path
        Where the result should be.

    Raises
    ------
    OutputWriteError
        It could not be written there; the message says why, and where the result is.
    """
    try:
        write(path)
    except (OSError, CatalogueError) as error:
        endings = (path.suffix, _ANY_TEXT) if isinstance(error, CatalogueError) else (path.suffix,)
        for folder in (path.parent, Path(), Path(tempfile.gettempdir()), Path("~").expanduser()):
            for ending in endings:
                # short, as the length of the name may be the fault
                other = folder.absolute() / f"{path.stem[:40]}-{secrets.token_hex(4)}{ending}"
                try:
                    write(other)
                except (OSError, CatalogueError):
                    continue
                raise OutputWriteError(f"{error}. The result is not lost: it is saved in {other}") from error
        raise
