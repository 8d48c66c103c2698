"""Whether a disk has room for a store, before the work."""

import shutil
from pathlib import Path

from bayescannon.io.size_limits import size_text
from bayescannon.numerics.errors import InputError

# of the bytes of the pixels, what is stored at least: 0.70 to 0.76 were measured on real and simulated spectra
LEAST_STORED = 0.6


class DiskRoomError(InputError):
    """A disk that has not enough room for an output."""


def require_room(path: Path, n_star: int, n_pixel: int) -> None:
    """
    Raise an error if the disk has no room for a store.

    Parameters
    ----------
    path : Path
        The store; its folder exists.
    n_star, n_pixel : int
        What it is to hold.

    Raises
    ------
    DiskRoomError

    Examples
    --------
    >>> require_room(Path("store.zarr").absolute(), 10**13, 3626)
    Traceback (most recent call last):
    bayescannon.io.disk_room.DiskRoomError: 10,000,000,000,000 spectra of 3626 pixels need about ... of disk, and ...
    """
    needed = int(LEAST_STORED * 8 * n_star * n_pixel)
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return
    if needed > free:
        raise DiskRoomError(
            f"{n_star:,} spectra of {n_pixel} pixels need about {size_text(needed)} of disk, and {path.parent} has "
            f"{size_text(free)} free; make room, or choose another place"
        )
