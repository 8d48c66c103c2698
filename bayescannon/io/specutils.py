"""The border to specutils: a loader for LAMOST files, and prepared spectra as its objects."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import InverseVariance

from bayescannon.data.spectra import Spectra
from bayescannon.io.lamost import is_lamost, parse_lamost

LOADER = "LAMOST LRS"
# enough of a file to hold the header keys that identify it
HEAD = 30_000


def register_specutils() -> None:
    """
    Register the loader ``"LAMOST LRS"`` with specutils.

    After it, ``specutils.Spectrum.read(path)`` knows LAMOST low-resolution files of every layout. The spectrum
    is as observed: flux in the survey's relative unit, a mask where a bit of the AND mask is set or the inverse
    variance is not positive, the header's redshift as ``redshift``, and id, position and S/N in ``meta``.
    Registering twice does no harm.

    Raises
    ------
    ImportError
        specutils is not installed.
    """
    _require_specutils()
    from specutils import Spectrum
    from specutils.io.registers import data_loader

    @data_loader(LOADER, identifier=_identify, dtype=Spectrum, extensions=["fits"], priority=20, force=True)
    def lamost_loader(file_obj: Any, **_: Any) -> Spectrum:
        """Load one spectrum, see :func:`bayescannon.io.lamost.read_lamost`."""
        data = _read(file_obj, None)
        raw = parse_lamost(data, str(getattr(file_obj, "name", file_obj)))
        bad = (raw.mask != 0) | ~np.isfinite(raw.flux) | ~(np.isfinite(raw.ivar) & (raw.ivar > 0))
        return Spectrum(
            flux=raw.flux * u.dimensionless_unscaled,
            spectral_axis=raw.wavelength * u.AA,
            uncertainty=InverseVariance(raw.ivar),
            mask=bad,
            redshift=raw.redshift,
            meta={"id": raw.id, "ra": raw.ra, "dec": raw.dec, "snr": raw.snr, **raw.meta},
        )


def to_specutils(spectra: Spectra, star: int) -> Any:
    """
    Return one prepared spectrum as a ``specutils.Spectrum``.

    Parameters
    ----------
    spectra : Spectra
        Normalised, at rest.
    star : int
        Its number in `spectra`.

    Returns
    -------
    spectrum : specutils.Spectrum
        Normalised flux without unit on the vacuum rest wavelength; dead pixels are masked.

    Raises
    ------
    ImportError
        specutils is not installed.
    """
    _require_specutils()
    from specutils import Spectrum

    return Spectrum(
        flux=spectra.flux[star] * u.dimensionless_unscaled,
        spectral_axis=spectra.wavelength * u.AA,
        uncertainty=InverseVariance(spectra.ivar[star]),
        mask=spectra.ivar[star] == 0,
        meta={"id": str(spectra.id[star])} | {name: values[star].item() for name, values in spectra.columns.items()},
    )


def _require_specutils() -> None:
    """Raise a plain `ImportError` where specutils is missing."""
    if find_spec("specutils") is None:
        raise ImportError("this needs specutils: pip install 'bayescannon[specutils]'")


def _identify(origin: str, path: Any = None, file_obj: Any = None, *_: Any, **__: Any) -> bool:
    """Tell by content whether a file is a LAMOST spectrum, as astropy's registry asks it."""
    return origin == "read" and is_lamost(_read(path if file_obj is None else file_obj, HEAD))


def _read(source: Any, size: int | None) -> bytes:
    """Read the first bytes, or all, of a path or of an open binary file, which is rewound."""
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return file.read(size)
    source.seek(0)
    data = source.read(size)
    source.seek(0)
    return data
