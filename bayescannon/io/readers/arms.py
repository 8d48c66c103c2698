"""Arms of a spectrograph as one spectrum."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayescannon.data.raw_spectrum import RawSpectrum


def join_arms(arms: Sequence[RawSpectrum]) -> RawSpectrum:
    """
    Join spectra of one star in several arms; where two arms overlap, each ends at the middle of the overlap.

    Parameters
    ----------
    arms : sequence of RawSpectrum
        In any order; name, position and the rest are those of the first.

    Returns
    -------
    raw : RawSpectrum
        With a gap where the arms have one.

    Examples
    --------
    >>> blue = RawSpectrum("a", [5000, 5001, 5002, 5003], [1, 1, 1, 1], [1, 1, 1, 1])
    >>> red = RawSpectrum("a", [5001.5, 5002.5, 5003.5], [2, 2, 2], [1, 1, 1])
    >>> join_arms([red, blue]).wavelength.tolist()
    [5000.0, 5001.0, 5002.0, 5002.5, 5003.5]
    """
    ordered = sorted(arms, key=lambda raw: float(raw.wavelength[0]))
    kept = [np.ones(len(raw), dtype=np.bool_) for raw in ordered]
    for k in range(len(ordered) - 1):
        left, right = ordered[k].wavelength, ordered[k + 1].wavelength
        if left[-1] >= right[0]:
            middle = (left[-1] + right[0]) / 2
            kept[k] &= left < middle
            kept[k + 1] &= right >= middle
    parts: dict[str, Any] = {
        name: np.concatenate([getattr(raw, name)[keep] for raw, keep in zip(ordered, kept, strict=True)])
        for name in ("wavelength", "flux", "ivar", "mask")
    }
    return replace(arms[0], **parts)
