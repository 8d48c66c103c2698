"""Copies of reference spectra with fewer pixels: the errors of damaged spectra are fitted to them."""

from dataclasses import replace

import numpy as np

from bayescannon.data.continuum import running_mean
from bayescannon.data.lost_pixels import REACH, continuum_width, sums_near
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.typing import BoolArray, FloatArray

# least and largest share of the grid's pixels, of one window and of all pixels that are left
_WINDOW = (0.025, 0.8)
_LEFT = (0.01, 0.8)
# least and largest share of the pixels of each of two to four windows
_SMALL_WINDOW = (0.012, 0.2)
# least and largest number of pixels of a block, the latter as a share of all
_BLOCK = (4, 0.06)


def damaged_copies(spectra: Spectra, *, seed: int | np.random.SeedSequence) -> Spectra:
    """
    Take pixels from spectra, as gaps, windows and lost arms of real spectra do.

    Each star gets one of four kinds of damage, of a size drawn log-uniformly: one window is left, a few windows are,
    some blocks of pixels of the grid are, or single pixels. The continuum is then that of the pixels that are left: the
    running mean (Ho et al. 2017, eq. 1-2) is divided out again as :func:`renormalise` describes.

    Parameters
    ----------
    spectra : Spectra
        N stars, prepared.
    seed : int or SeedSequence
        Decides the damage.

    Returns
    -------
    copies : Spectra
        Of the same stars, with the same ids.

    Examples
    --------
    >>> import bayescannon as bc
    >>> spectra = bc.prepare_spectra(list(bc.simulate_survey(40, 0, seed=1).spectra()))
    >>> copies = damaged_copies(spectra, seed=0)
    >>> live, left = (spectra.ivar > 0).mean(axis=1), (copies.ivar > 0).mean(axis=1)
    >>> bool((left < live).all()), bool(left.min() < 0.1), bool(left.max() > 0.5)
    (True, True, True)
    """
    rng = np.random.default_rng(seed)
    left = np.array([_left(len(spectra.wavelength), rng) for _ in range(len(spectra))]).reshape(spectra.flux.shape)
    return renormalise(spectra, left)


def renormalise(spectra: Spectra, left: BoolArray) -> Spectra:
    """
    Return spectra with only some of their pixels, on the continuum of these.

    A prepared spectrum is divided by its running mean, which removes the slope of its flux; near a gap the slope moves
    the mean of what is left. The square root of the smoothed inverse variances stands for the slope: it is that of the
    flux where the noise is even. Spectra whose attributes name no running mean keep their continuum.

    Parameters
    ----------
    spectra : Spectra
        N stars.
    left : bool array of shape (star, pixel)
        The pixels that are left.
    """
    flux, ivar = spectra.flux.astype(np.float64), spectra.ivar.astype(np.float64)
    width = continuum_width(spectra.attrs)
    kept = np.where(left, ivar, 0.0)
    if width is None:
        return replace(spectra, flux=np.where(kept > 0, flux, 1.0), ivar=kept)
    slope = np.sqrt(_smooth(ivar, spectra.wavelength, width))
    flux_there, weight = flux * slope, ivar / slope**2
    before = running_mean(flux_there, weight, spectra.wavelength, width)
    after = running_mean(flux_there, np.where(left, weight, 0.0), spectra.wavelength, width)
    live = np.isfinite(before) & np.isfinite(after)
    ratio = np.divide(after, before, out=np.ones_like(flux), where=live)
    return replace(spectra, flux=np.where(live, flux / ratio, 1.0), ivar=np.where(live, kept * ratio**2, 0.0))


def gap_reach(spectra: Spectra) -> float:
    """Return the reach [Angstrom] of the measures of gaps: the width of the running mean, the paper's if unknown."""
    return continuum_width(spectra.attrs) or REACH


def _smooth(ivar: FloatArray, wavelength: FloatArray, width: float) -> FloatArray:
    """Return the mean inverse variance of the live pixels within `width` of each pixel; 1 where none is."""
    total, n_live = (sums_near(values, wavelength, width) for values in (ivar, (ivar > 0).astype(np.float64)))
    # differences of running sums have rounding errors
    least = 1e-12 * ivar.max(initial=0.0)
    return np.where(n_live > 0, np.maximum(total, least) / np.maximum(n_live, 1), 1.0)


def _left(n_pixel: int, rng: np.random.Generator) -> BoolArray:
    """Draw which pixels of one spectrum are left."""

    def share(low_high: tuple[float, float]) -> float:
        return float(np.exp(rng.uniform(*np.log(low_high))))

    place = np.arange(n_pixel) / n_pixel
    kind = rng.integers(4)
    if kind == 0:
        width = share(_WINDOW)
        start = rng.uniform(-width / 2, 1 - width / 2)
        window: BoolArray = (place >= start) & (place <= start + width)
        return window
    if kind == 1:
        width = share(_SMALL_WINDOW)
        starts = rng.uniform(0, 1 - width, size=rng.integers(2, 5))
        near = place[:, None] - starts
        found: BoolArray = ((near >= 0) & (near <= width)).any(axis=1)
        return found
    size = 1
    if kind == 2:
        size = int(share((min(_BLOCK[0], n_pixel), max(_BLOCK[1] * n_pixel, _BLOCK[0]))))
    block = np.arange(n_pixel) // size
    blocks: BoolArray = rng.random(block[-1] + 1) < share(_LEFT)
    return blocks[block]
