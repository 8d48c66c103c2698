"""The primary image of a FITS file that is written in the plainest way, from its bytes: astropy takes much longer."""

from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from bayescannon.io.fits_header import header_length, header_values

_BLOCK = 2880
_TYPES: dict[int, np.dtype[Any]] = {-32: np.dtype(">f4"), -64: np.dtype(">f8")}
_KEYS = ("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BSCALE", "BZERO", "BLANK", "GROUPS")


class LateHeader:
    """The primary header of a file, parsed by astropy only when a value is asked for."""

    def __init__(self, data: bytes, length: int) -> None:
        self._data, self._length = data, length
        self._header: Any = None

    def get(self, key: str) -> Any:
        """Return a value, None if there is no such key."""
        if self._header is None:
            self._header = fits.Header.fromstring(self._data[: self._length])
        return self._header.get(key)


def plain_image(data: bytes) -> tuple[NDArray[Any], LateHeader] | None:
    """
    Return the primary image of two axes, in big-endian order, and its header.

    Parameters
    ----------
    data : bytes
        The file, not compressed.

    Returns
    -------
    found : (array of shape (row, column), header) or None
        None if the image is of whole numbers, scaled, of other axes, cut or none: for astropy to read, or to say what
        is wrong with it.

    Examples
    --------
    >>> image = np.arange(6.0).reshape(2, 3)
    >>> import io
    >>> file = io.BytesIO()
    >>> fits.PrimaryHDU(image).writeto(file)
    >>> plain_image(file.getvalue())[0].tolist()
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    length = header_length(data)
    if not length:
        return None
    header = LateHeader(data, length)
    values = header_values(data, header, _KEYS)
    dtype, shape = _TYPES.get(values["BITPIX"]), (values["NAXIS2"], values["NAXIS1"])
    odd = any(values[key] is not None for key in ("NAXIS3", "BSCALE", "BZERO", "BLANK", "GROUPS"))
    if odd or dtype is None or values["SIMPLE"] is not True or values["NAXIS"] != 2:
        return None
    if not all(type(size) is int and size > 0 for size in shape):
        return None
    n_value = shape[0] * shape[1]
    if length + -(-n_value * dtype.itemsize // _BLOCK) * _BLOCK > len(data):
        return None
    return np.frombuffer(data, dtype, count=n_value, offset=length).reshape(shape), header
