"""What the headers of npy and npz files declare, checked before numpy allocates it; objects are refused."""

import zipfile
from typing import IO, Any

import numpy as np

from bayescannon.io.size_limits import SizeLimitError, require_held, size_text


def npy_header(stream: IO[bytes], size: int, what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """
    Read the header of an npy file.

    Parameters
    ----------
    stream : binary stream
        At its beginning; afterwards at the first byte of the array.
    size : int
        Bytes of the file, or of the unpacked member of an archive.
    what : str
        Names it, for the message.

    Returns
    -------
    shape, fortran, dtype
        As :func:`numpy.lib.format.read_array_header_1_0` does.
    place : int
        Where the array begins.

    Raises
    ------
    SizeLimitError
        The array is larger than the file, or of Python objects, which are pickles.
    ValueError
        It is no npy file.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise SizeLimitError(f"objects: {what} holds Python objects, which are not loaded; save plain arrays")
    place = stream.tell()
    declared = int(dtype.itemsize)
    for length in shape:
        declared *= int(length)
    if not 0 <= declared <= size - place:
        raise SizeLimitError(
            f"too large: {what} declares {size_text(declared)}, and has {size_text(size - place)}; it is cut or "
            "damaged. Get it again"
        )
    return shape, fortran, dtype, place


def require_npz_sizes(archive: zipfile.ZipFile, what: str) -> None:
    """
    Raise an error if members of a zip archive declare to unpack to more than compression can make.

    Raises
    ------
    SizeLimitError
        One of them does.

    Examples
    --------
    >>> import io
    >>> stream = io.BytesIO()
    >>> np.savez_compressed(stream, flux=np.zeros(1000))
    >>> require_npz_sizes(zipfile.ZipFile(stream), "a.npz")
    """
    for member in archive.infolist():
        require_held(member.file_size, member.compress_size, f"{member.filename} in {what}")
