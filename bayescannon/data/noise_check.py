"""
Whether inverse variances can be those of the flux: compared with its pixel-to-pixel noise.

Differences between neighbouring pixels bound the noise from both sides. The wide difference 2 f_i - f_{i-2} - f_{i+2}
(DER_SNR: Stoehr et al. 2008, ASP Conf. Ser. 394, 505) holds the noise and the lines: an upper bound. The sixth
difference of consecutive pixels suppresses everything that a spectrograph resolves, and part of noise that resampling
has smoothed: a lower bound. On 600 LAMOST spectra of DR1 to DR10 the bounds, in units of the reported errors, are 0.6
to 21 (median 1.0 to 1.5) and 0.5 to 4.8 (median 0.5 to 0.8); the limits below are far outside.
"""

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from math import comb

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import BayesCannonWarning
from bayescannon.numerics.typing import BoolArray, FloatArray

# the sharp and the wide difference of seven consecutive pixels
_DIFFERENCES = np.array([[(-1.0) ** k * comb(6, k) for k in range(7)], [0.0, -1.0, 0.0, 2.0, 0.0, -1.0, 0.0]])
_SPAN = np.arange(7)[:, None]
# from the median of absolute values of a Gaussian to its standard deviation
_MAD = 1.4826
# a spectrum with fewer differences of live pixels is not judged
_LEAST = 100
# errors that are this many times too large (the upper bound is below 1 / it) cannot be, if the signal-to-noise ratio
# per pixel that they claim is below _FAINT; without noise, or smoothed, a spectrum may well have small differences
_TOO_LARGE = 5.0
_FAINT = 3.0
# below this a spectrum has neither noise nor lines, as made-up ones, and says nothing
_NO_NOISE = 1e-6
# errors that are this many times too small (the lower bound is above it) cannot be, if wide and sharp differences
# agree to _WHITE: then they are noise; those of lines differ by about 9
_TOO_SMALL = 30.0
_WHITE = 4.0
# ivar is taken for another quantity if that fits: bounds on both sides of these, from errors that are wrong otherwise
_FITS = (0.4, 3.0)
_DOUBTFUL = 10.0
# or if it makes the bounds of at least this many stars agree twice as well
_SEVERAL = 10
# an inverse variance above this multiple of the median of _BLOCK live pixels around is a spike; LAMOST reaches 22
SPIKE = 100.0
_BLOCK = 100
# stars whose noise is looked at where a sample is enough
_SAMPLE = 64
# differences at this many places, spread over a spectrum, are enough: their width is then known to about 6 per cent
_ENOUGH = 400

# what may be given for inverse variances, and what to do
_READINGS = (
    ("standard deviations", "give ivar = 1 / sigma**2"),
    ("variances", "give ivar = 1 / variance"),
    ("inverses of standard deviations", "give ivar = 1 / sigma**2, the square of what was given"),
)
_UNKNOWN = ((np.nan, np.nan),) * (1 + len(_READINGS))


@dataclass(frozen=True)
class StarNoise:
    """
    What the pixels of one spectrum say about its inverse variances.

    Attributes
    ----------
    signal : float
        Median of flux over error: the signal-to-noise ratio per pixel that ivar claims.
    bounds : tuple of (lower, upper)
        Bounds of the pixel-to-pixel noise, in units of the error: of ivar as given, then of each other quantity that
        may have been given instead. NaN where there are too few pixels.
    not_finite, negative, spikes : int
        Pixels with such inverse variances; see :func:`find_spikes`.
    """

    signal: float
    bounds: tuple[tuple[float, float], ...]
    not_finite: int = 0
    negative: int = 0
    spikes: int = 0


@dataclass(frozen=True)
class UnkeptNoise:
    """
    Sums over stars whose noise is not kept one by one, in a run of many.

    Attributes
    ----------
    not_finite, negative, spikes : int
        Pixels, as in :class:`StarNoise`.
    spiky : int
        Stars that have spikes.
    """

    not_finite: int = 0
    negative: int = 0
    spikes: int = 0
    spiky: int = 0

    def plus(self, star: StarNoise) -> "UnkeptNoise":
        """Return the sums with one more star."""
        if not (star.not_finite or star.negative or star.spikes):
            return self
        return UnkeptNoise(
            self.not_finite + star.not_finite, self.negative + star.negative, self.spikes + star.spikes,
            self.spiky + (star.spikes > 0),
        )  # fmt: skip


def find_spikes(ivar: FloatArray, live: BoolArray) -> BoolArray:
    """
    Mark the live pixels of one spectrum whose inverse variance is above 100 times the median around.

    Such a pixel would decide the running mean of the continuum, and the labels, alone.

    Parameters
    ----------
    ivar : float array of shape (pixel,)
    live : bool array of shape (pixel,)

    Returns
    -------
    spikes : bool array of shape (pixel,)

    Examples
    --------
    >>> ivar = np.full(300, 4.0)
    >>> ivar[7] = 1e4
    >>> np.flatnonzero(find_spikes(ivar, ivar > 0))
    array([7])
    """
    spikes = np.zeros(len(ivar), dtype=bool)
    rows = np.flatnonzero(live)
    if len(rows) < _BLOCK // 5:
        return spikes
    values = ivar[rows]
    whole = len(values) // _BLOCK * _BLOCK
    # quick for almost every spectrum: no value is above that multiple of the least one of its block
    blocks = [values[:whole].reshape(-1, _BLOCK), values[None, -_BLOCK:]]
    if not any((block.max(axis=1, initial=0) > SPIKE * block.min(axis=1, initial=np.inf)).any() for block in blocks):
        return spikes
    if whole == 0:
        around: FloatArray = np.full(len(values), np.median(values))
    else:
        medians = np.median(values[:whole].reshape(-1, _BLOCK), axis=1)
        around = np.full(len(values), np.median(values[-_BLOCK:]))
        around[:whole] = np.repeat(medians, _BLOCK)
    spikes[rows] = values > SPIKE * around
    return spikes


def measure_noise(flux: FloatArray, ivar: FloatArray) -> StarNoise:
    """
    Compare the inverse variances of one spectrum with its pixel-to-pixel noise.

    Parameters
    ----------
    flux, ivar : float arrays of shape (pixel,)
        In the same unit, normalised or not; pixels that are not finite or have no positive ivar are left out.

    Returns
    -------
    noise : StarNoise

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = measure_noise(1 + 0.02 * rng.standard_normal(2000), np.full(2000, 0.02**-2))
    >>> np.round(noise.bounds[0], 1)
    array([1., 1.])
    """
    flux, ivar = np.asarray(flux, dtype=np.float64), np.asarray(ivar, dtype=np.float64)
    finite = np.isfinite(ivar)
    live = finite & (ivar > 1e-100) & (ivar < 1e100) & np.isfinite(flux)
    spikes = find_spikes(ivar, live)
    live &= ~spikes
    counts = (int((~finite).sum()), int((ivar[finite] < 0).sum()), int(spikes.sum()))
    if live.sum() < _LEAST:
        return StarNoise(np.nan, _UNKNOWN, *counts)
    weight, known = np.where(live, ivar, 1.0), np.where(live, flux, 0.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        bounds = _in_errors(known, weight, live)
        some = np.flatnonzero(live)
        some = some[:: -(-len(some) // _ENOUGH)]
        signal = float(np.median(known[some] * np.sqrt(weight[some])))
    return StarNoise(signal, bounds, *counts)


def _in_errors(flux: FloatArray, weight: FloatArray, live: BoolArray) -> tuple[tuple[float, float], ...]:
    """Return the robust widths of both differences in units of their errors, for each meaning of the weights."""
    running = np.concatenate([[0], np.cumsum(live)])
    first = np.flatnonzero(running[len(_SPAN) :] - running[: -len(_SPAN)] == len(_SPAN))
    if len(first) < _LEAST // 2:
        return _UNKNOWN
    places = _SPAN + first[:: -(-len(first) // _ENOUGH)]
    weight = weight[places]
    inverse = 1 / weight
    # variances of the pixels: of inverse variances, and of the other readings in their order
    variances = np.stack([inverse, weight * weight, weight, inverse * inverse])
    ratios = np.abs(_DIFFERENCES @ flux[places]) / np.sqrt(_DIFFERENCES**2 @ variances)
    return tuple(map(tuple, (_MAD * np.median(ratios, axis=-1)).tolist()))


def rows_to_measure(n_star: int) -> NDArray[np.intp]:
    """Return the rows of at most 64 of `n_star` spectra, spread evenly over them."""
    return np.unique(np.linspace(0, n_star - 1, _SAMPLE).astype(np.intp)) if n_star else np.empty(0, dtype=np.intp)


@dataclass(frozen=True)
class NoiseFinding:
    """
    What the noise of the stars of a run says about their inverse variances.

    Attributes
    ----------
    stars : tuple of StarNoise
    normalised : bool
        The spectra go into a model, whose scatter takes up what errors that are too small lack; errors that are too
        large, or another quantity, are still faults.
    unkept : UnkeptNoise
        Of further stars, if `stars` are a sample.

    Examples
    --------
    Standard deviations that were given as inverse variances:

    >>> rng = np.random.default_rng(0)
    >>> sigma = rng.uniform(0.01, 0.03, (30, 1)) * np.ones(2000)
    >>> flux = 1 + sigma * rng.standard_normal(sigma.shape)
    >>> NoiseFinding.of(flux, 1 / sigma**2).sentences()
    []
    >>> print(*NoiseFinding.of(flux, sigma).sentences())
    ivar looks like standard deviations: ... give ivar = 1 / sigma**2. If ...
    """

    stars: tuple[StarNoise, ...] = ()
    normalised: bool = False
    unkept: UnkeptNoise = field(default_factory=UnkeptNoise)

    @classmethod
    def of(cls, flux: FloatArray, ivar: FloatArray) -> "NoiseFinding":
        """Measure at most 64 normalised spectra, spread evenly over arrays of shape (star, pixel)."""
        return cls(tuple(measure_noise(flux[row], ivar[row]) for row in rows_to_measure(len(flux))), normalised=True)

    @cached_property
    def _bounds(self) -> FloatArray:
        """Bounds of the stars that can be judged, shape (star, reading, 2)."""
        bounds = np.array([star.bounds for star in self.stars]).reshape(-1, 1 + len(_READINGS), 2)
        return bounds[np.isfinite(bounds).all(axis=(1, 2))]

    @cached_property
    def _wrong(self) -> BoolArray:
        """Whether the inverse variances of each star cannot be, shape (star,); False where that cannot be judged."""
        signal = np.array([star.signal for star in self.stars])
        lower, upper = np.array([star.bounds[0] for star in self.stars]).reshape(-1, 2).T
        too_large = (upper < 1 / _TOO_LARGE) & (upper > _NO_NOISE) & (signal < _FAINT)
        too_small = (lower > _TOO_SMALL) & (upper < _WHITE * lower)
        wrong: BoolArray = too_large if self.normalised else too_large | too_small
        return wrong

    def _reading(self) -> tuple[str, str] | None:
        """Return what was given instead of inverse variances, and what to do; None unless it fits far better."""
        if not len(self._bounds):
            return None
        lower, upper = np.median(self._bounds, axis=0).T
        spread = np.ptp(np.percentile(np.log(np.maximum(self._bounds[..., 0], 1e-30)), (16, 84), axis=0), axis=0)
        doubtful = self._wrong.mean() > 0.5 or _DOUBTFUL < lower[0] > upper[0] / _WHITE
        for number, (name, remedy) in enumerate(_READINGS, start=1):
            agrees = len(self._bounds) >= _SEVERAL and spread[number] < 0.5 * spread[0]
            if upper[number] > _FITS[0] and lower[number] < _FITS[1] and (doubtful or agrees):
                return name, remedy
        return None

    def sentences(self) -> list[str]:
        """Say what is wrong with the inverse variances, a sentence for each fault; empty if nothing is."""
        found = []
        reading = self._reading()
        n_wrong, n_spikes = int(self._wrong.sum()), self.unkept.spikes + sum(star.spikes for star in self.stars)
        if reading or n_wrong:
            chosen = np.array([star.bounds[0] for star in self.stars]) if reading else self._of_wrong()
            lower, upper = np.nanmedian(chosen, axis=0)
            compared = f"the pixel-to-pixel noise of the flux is {lower:.2g} to {upper:.2g} times 1 / sqrt(ivar)"
        if reading:
            name, remedy = reading
            found.append(
                f"ivar looks like {name}: {compared}, and fits {name}; {remedy}. If it is what it should be, look at "
                "its unit: the inverse square of the flux's"
            )
        elif n_wrong:
            found.append(
                f"the inverse variances of {n_wrong} of {len(self.stars)} spectra cannot be: {compared} (median of "
                "these). Give ivar = 1 / sigma**2, in the inverse square of the flux's unit"
            )
        if n_spikes and not reading:
            n_stars = self.unkept.spiky + sum(star.spikes > 0 for star in self.stars)
            found.append(
                f"{n_spikes} pixels of {n_stars} spectra have an inverse variance above {SPIKE:g} times the median "
                "around them"
            )
        return found

    def _of_wrong(self) -> FloatArray:
        return np.array([star.bounds[0] for star, wrong in zip(self.stars, self._wrong, strict=True) if wrong])

    def lost_pixels(self) -> str:
        """Count the pixels that are dead because of their inverse variance alone; empty if there are none."""
        counts = {
            "not finite": self.unkept.not_finite + sum(star.not_finite for star in self.stars),
            "negative": self.unkept.negative + sum(star.negative for star in self.stars),
            f"above {SPIKE:g} times the median around": self.unkept.spikes + sum(star.spikes for star in self.stars),
        }
        text = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"inverse variances that are not used: {text}" if text else ""

    def warn(self, what: str, *, stacklevel: int = 2) -> None:
        """Warn once of everything that is wrong with the inverse variances of `what`."""
        found = self.sentences()
        if found:
            warnings.warn(f"{what}: {'; '.join(found)}", BayesCannonWarning, stacklevel=stacklevel + 1)
