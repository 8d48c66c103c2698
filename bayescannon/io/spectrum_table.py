"""A spectrum in a binary table of a FITS file: one row of vectors, or one row per pixel."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.grid import scale_fault
from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.data.units import UnitError, to_unit
from bayescannon.numerics.typing import FloatArray

_TYPES = {
    "L": "u1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "A": "S1",
    "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8",
}  # fmt: skip
# the mask of all exposures, else of any, else of one
MASKS = ("ANDMASK", "ORMASK", "PIXMASK")
_FORM = re.compile(r"(\d*)([LXBIJKEDACMPQ])(.*)$")


class SpectrumTable:
    """
    The columns of a table, from the bytes of its file: astropy's table classes take most of the time of reading one.

    Numbers of all types are read, logical values, bits, and columns of variable length.

    Parameters
    ----------
    data : bytes
        The whole file, not compressed.
    hdu : astropy.io.fits.BinTableHDU
    """

    def __init__(self, data: bytes, hdu: Any) -> None:
        self.header = hdu.header
        self.name = str(self.header.get("EXTNAME", "")).strip()
        self.n_row = int(self.header["NAXIS2"])
        count = int(self.header["TFIELDS"])
        self.columns = [str(self.header.get(f"TTYPE{n}")).strip().upper() for n in range(1, count + 1)]
        self._data, self._hdu = data, hdu

    def has(self, *names: str) -> bool:
        """Tell whether the table has all these columns, given in capitals."""
        return set(names) <= set(self.columns)

    def has_spectrum(self) -> bool:
        """Tell whether the table has flux, inverse variance and wavelength, or its logarithm."""
        return self.has("FLUX", "IVAR") and (self.has("WAVELENGTH") or self.has("LOGLAM"))

    def spectrum(self) -> tuple[list[FloatArray], str]:
        """
        Return flux, ivar, wavelength [Angstrom] and mask, each of shape (pixel,), and the name of the mask's column.

        The mask is the first of ANDMASK, ORMASK and PIXMASK that the table has; 0 without any.

        Raises
        ------
        SpectrumError
            As :meth:`vectors`, or the columns have different lengths.
        """
        mask = next((name for name in MASKS if self.has(name)), "")
        wavelength = "WAVELENGTH" if self.has("WAVELENGTH") else "LOGLAM"
        names = ["FLUX", "IVAR", wavelength, *([mask] if mask else [])]
        found = self.vectors(names)
        lengths = {name: len(found[name]) for name in names}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise SpectrumError(f"damaged FITS: the columns of the table have different lengths: {listed}")
        rows: list[FloatArray] = [found[name].astype(np.float64) for name in names]
        if wavelength == "LOGLAM":
            rows[2] = 10 ** rows[2]
        else:
            rows[2] = self._in_angstrom(rows[2])
        return [*rows, *([] if mask else [np.zeros(len(rows[0]))])], mask

    def _in_angstrom(self, wavelength: FloatArray) -> FloatArray:
        """Return wavelengths that cannot be in Angstrom by the unit of their column, if that is one of length."""
        unit = self.header.get(f"TUNIT{self.columns.index('WAVELENGTH') + 1}")
        if unit and scale_fault(wavelength):
            with suppress(UnitError):
                return to_unit(wavelength, unit, "Angstrom", "WAVELENGTH")
        return wavelength

    def vectors(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """
        Return columns as vectors, shape (pixel,): the cell of the only row, or the column of a row per pixel.

        Raises
        ------
        SpectrumError
            A format that is no number, several rows of vectors, or data that end early.
        """
        formats = [self._format(n) for n in range(1, len(self.columns) + 1)]
        row = np.dtype([(f"f{n}", dtype, (size,)) for n, (dtype, size, _, _) in enumerate(formats)])
        if row.itemsize != self.header["NAXIS1"]:
            raise SpectrumError(f"damaged FITS: the columns of {self.name or 'the table'} do not fill its rows")
        start = self._hdu.fileinfo()["datLoc"]
        table = np.frombuffer(self._data, row, count=self.n_row, offset=start)
        found = {}
        for name in names:
            n = self.columns.index(name)
            found[name] = self._values(name, n + 1, table[f"f{n}"], formats[n], start)
        return found

    def _format(self, n: int) -> tuple[str, int, str, int]:
        """Return type, count, letter and repeat of a column's cell in the row."""
        form = _FORM.match(str(self.header.get(f"TFORM{n}")).strip())
        if form is None:
            raise SpectrumError(
                f"unknown layout: column {self.columns[n - 1]} has the format {self.header.get(f'TFORM{n}')!r}"
            )
        repeat, letter = int(form[1] or 1), form[2]
        size = -(-repeat // 8) if letter == "X" else 2 * repeat if letter in "PQ" else repeat
        inner = form[3][:1] if letter in "PQ" else ""
        return _TYPES[letter], size, letter + inner, repeat

    def _values(
        self, name: str, n: int, cells: NDArray[Any], form: tuple[str, int, str, int], start: int
    ) -> NDArray[Any]:
        """Return the vector of a column, scaled."""
        letter, repeat = form[2], form[3]
        if letter[0] in "PQ":
            if len(cells) != 1:
                raise SpectrumError(f"unknown layout: column {name} has {len(cells)} rows of variable length")
            count, place = (int(value) for value in cells[0])
            heap = start + int(self.header.get("THEAP", self.header["NAXIS1"] * self.n_row))
            letter = letter[1:]
            # bits of a variable length are packed as those of a fixed one
            size = -(-count // 8) if letter == "X" else count
            cells = np.frombuffer(self._data, _TYPES.get(letter, "S1"), count=size, offset=heap + place)[None]
            repeat = count
        if letter in "ACM":
            raise SpectrumError(f"unknown layout: column {name} has the format {self.header[f'TFORM{n}']!r}")
        if letter == "L":
            # T is true; F, and 0 for a value that is not known, are not
            known: NDArray[Any] = np.equal(cells, ord("T")).reshape(-1)
            return known
        if letter == "X":
            cells = np.unpackbits(cells, axis=1)[:, :repeat]
        values = cells.reshape(-1) if self.n_row == 1 or cells.shape[1] == 1 else cells
        if values.ndim == 2:
            raise SpectrumError(f"unknown layout: the table {self.name} has {self.n_row} rows of vectors; expected one")
        result: NDArray[Any] = values * float(self.header.get(f"TSCAL{n}", 1)) + float(self.header.get(f"TZERO{n}", 0))
        if f"TNULL{n}" in self.header and values.dtype.kind in "iu":
            result[values == self.header[f"TNULL{n}"]] = np.nan
        return result
