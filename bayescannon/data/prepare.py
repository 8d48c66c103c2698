"""The preparation of spectra: mask, shift to rest, resample, normalise (Ho et al. 2017, section 2.1)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.air import to_vacuum
from bayescannon.data.continuum import normalise
from bayescannon.data.grid import gaps, scale_fault
from bayescannon.data.grid_choice import choose_grid, lamost_grid
from bayescannon.data.noise_check import NoiseFinding, find_spikes, measure_noise
from bayescannon.data.parts import a_kind
from bayescannon.data.preset import PAPER, SKY_HALF_WIDTH, Preset, choose_preset, provenance
from bayescannon.data.spectra import (
    IDENTITY_COLUMNS,
    LARGEST_IVAR,
    STAR_COLUMNS,
    RawSpectrum,
    Spectra,
    SpectrumError,
    describe_grid,
)
from bayescannon.data.white_resampling import resample_white, step_fault
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.truth import truth
from bayescannon.numerics.typing import FloatArray

# a spectrum that covers a smaller fraction of the grid's pixels is not prepared
MIN_COVERAGE = 0.5
# a pixel is bad if its flux or inverse variance is above this, or its inverse variance below 1 / this, so that sums of
# products stay finite
LARGEST = 1e60
# largest absolute flux that is stored in float32
LARGEST_STORED = 1e30
# medians of the flux of spectra that are normalised already: also of cool stars, whose lines take much of it
NORMALISED = (0.4, 1.6)


def mask_bad(
    wavelength: FloatArray, flux: FloatArray, ivar: FloatArray, mask: NDArray[Any], preset: Preset = PAPER
) -> tuple[FloatArray, FloatArray]:
    """
    Set the inverse variance of bad pixels to zero, before resampling.

    A pixel is bad if its flux or ivar is not finite or above 1e60, its ivar is not positive (or below 1e-60) or
    above 100 times that of its surroundings (:func:`bayescannon.data.noise_check.find_spikes`), a bit of
    ``preset.mask_bits`` is set, or its wavelength is near a sky line or in the arm join of `preset`.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
        Wavelength in Angstrom as observed, because sky lines are masked where they are observed.
    flux, ivar : arrays of shape (pixel,)
        Flux and inverse variance from the survey.
    mask : integer array of shape (pixel,)
        Mask bits from the survey.
    preset : Preset
        The masks to apply.

    Returns
    -------
    flux, ivar : float64 arrays of shape (pixel,)
        New arrays; both are 0 in bad pixels.
    """
    wavelength, flux, ivar, mask = (np.asarray(one) for one in (wavelength, flux, ivar, mask))
    good = (np.abs(flux) < LARGEST) & (ivar > 1 / LARGEST) & (ivar < LARGEST)
    good &= ~find_spikes(ivar, good)
    good &= (mask & np.uint32(preset.mask_bits)) == 0
    for line in preset.sky_lines:
        good &= np.abs(wavelength - line) > SKY_HALF_WIDTH
    if preset.arm_join is not None:
        low, high = preset.arm_join
        good &= (wavelength < low) | (wavelength > high)
    return np.where(good, flux, 0.0), np.where(good, ivar, 0.0)


def to_rest(wavelength: FloatArray, redshift: float, convention: str = "exact") -> FloatArray:
    """
    Shift observed wavelengths, shape (pixel,), to the rest frame.

    ``"exact"`` is lambda / (1 + z); ``"released"`` is lambda - z lambda, as in the paper's released code.
    """
    if convention == "exact":
        return np.asarray(wavelength) / (1 + redshift)
    if convention == "released":
        return (observed := np.asarray(wavelength)) - redshift * observed
    raise InputError(f"convention must be 'exact' or 'released'; got {convention!r}")


def resample(
    wavelength: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    grid: FloatArray,
    variance: str = "interpolate",
) -> tuple[FloatArray, FloatArray]:
    """
    Interpolate a spectrum linearly onto a grid.

    With weights (1 - t, t) on the two neighbours, the flux is (1 - t) f0 + t f1. The inverse variance is
    (1 - t) ivar0 + t ivar1 for ``"interpolate"`` (the paper), or 1 / ((1 - t)^2 / ivar0 + t^2 / ivar1) for
    ``"propagate"``, the inverse of the variance that the interpolated flux has.

    Parameters
    ----------
    wavelength : array of shape (input pixel,)
        Ascending.
    flux, ivar : arrays of shape (input pixel,)
        A dead pixel has ivar 0; its flux is not used.
    grid : array of shape (pixel,)
        In the unit and frame of `wavelength`.
    variance : {"interpolate", "propagate"}
        Formula of the inverse variance, see above.

    Returns
    -------
    flux, ivar : float64 arrays of shape (pixel,)
        Both are 0 in a pixel that is outside `wavelength`, in a gap of it (see :func:`bayescannon.data.grid.gaps`), or
        has a dead neighbour of nonzero weight.
    """
    if variance not in ("interpolate", "propagate"):
        raise InputError(f"variance must be 'interpolate' or 'propagate'; got {variance!r}")
    wavelength, flux, ivar, grid = (np.asarray(one) for one in (wavelength, flux, ivar, grid))
    right = np.clip(np.searchsorted(wavelength, grid, side="right"), 1, len(wavelength) - 1)
    left = right - 1
    t = (grid - wavelength[left]) / (wavelength[right] - wavelength[left])
    live_in = ivar > 0
    flux = np.where(live_in, flux, 0.0)
    live = (t >= 0) & (t <= 1) & (live_in[left] | (t == 1)) & (live_in[right] | (t == 0))
    gap = gaps(wavelength)
    if gap.any():
        live &= ~gap[left] | (t == 0) | (t == 1)
    flux_out = (1 - t) * flux[left] + t * flux[right]
    if variance == "interpolate":
        ivar_out = (1 - t) * ivar[left] + t * ivar[right]
    else:
        sigma2 = 1 / np.where(live_in, ivar, 1.0)
        ivar_out = 1 / ((1 - t) ** 2 * sigma2[left] + t**2 * sigma2[right])
    return np.where(live, flux_out, 0.0), np.where(live, ivar_out, 0.0)


def prepare_block(
    raws: Sequence[RawSpectrum], preset: Preset, grid: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.float32], list[str]]:
    """
    Prepare spectra, and give a reason for each that cannot be prepared.

    Wavelengths in air are converted to vacuum.

    Returns
    -------
    flux, ivar : float32 arrays of shape (star, pixel)
        Normalised, see :func:`normalise`; with the preset "none" as they came.
    reasons : list of str
        Empty for a prepared spectrum, else ``kind: detail``.
    """
    raw_flux, raw_ivar = np.zeros((2, len(raws), len(grid)))
    flux: FloatArray
    ivar: FloatArray
    reasons = [""] * len(raws)
    for i, raw in enumerate(raws):
        fault = scale_fault(raw.wavelength)
        if fault:
            reasons[i] = f"wavelength scale: {fault}"
            continue
        if not raw.redshift > -1:
            reasons[i] = f"no redshift: {_redshift_fault(raw.redshift)}"
            continue
        observed = to_vacuum(raw.wavelength) if raw.air else raw.wavelength
        rest = to_rest(observed, raw.redshift, preset.rest)
        covered = _reached(rest, grid)
        if covered < MIN_COVERAGE * len(grid):
            missing = f"; the file lacks {raw.meta['missing']}" if raw.meta.get("missing") else ""
            reasons[i] = (
                f"off the grid: at rest it spans {rest[0]:.1f} to {rest[-1]:.1f} A and reaches {covered} pixels "
                f"of the grid {describe_grid(grid)}{missing}. Another grid is chosen with --grid, in Python grid="
            ) + (f"; {_redshift_fault(raw.redshift)}" if raw.redshift >= 1 else "")
            continue
        if raw.redshift >= 1:
            reasons[i] = f"no redshift: {_redshift_fault(raw.redshift)}"
            continue
        masked = mask_bad(observed, raw.flux, raw.ivar, raw.mask, preset)
        if preset.resampling == "white":
            fault = step_fault(rest, grid)
            if fault:
                reasons[i] = f"grid step: {fault}"
                continue
            raw_flux[i], raw_ivar[i] = resample_white(rest, *masked, grid)
        else:
            raw_flux[i], raw_ivar[i] = resample(rest, *masked, grid, preset.variance)
        if preset.width is None:
            reasons[i] = _continuum_fault(raw_flux[i], raw_ivar[i])
    if preset.width is None:
        flux, ivar = np.where(raw_ivar > 0, raw_flux, 1.0), raw_ivar
    else:
        flux, ivar = normalise(raw_flux, raw_ivar, grid, preset.width)
    # a pixel is dead if float32 cannot hold its flux, or cannot resolve a flux of 1 to its error
    live = (ivar > 0) & (np.abs(flux) < LARGEST_STORED) & (ivar < LARGEST_IVAR)
    flux32, ivar32 = np.where(live, flux, 1.0).astype(np.float32), np.where(live, ivar, 0.0).astype(np.float32)
    for star in np.flatnonzero(~(ivar32 > 0).any(axis=1)):
        reasons[star] = reasons[star] or "no good pixel: all of the grid is masked or has no positive mean"
    return flux32, ivar32, reasons


def _reached(wavelength: FloatArray, grid: FloatArray) -> int:
    """Count the pixels of a grid that lie between the first and last wavelength, and in no gap between."""
    inside = (grid >= wavelength[0]) & (grid <= wavelength[-1])
    gap = gaps(wavelength)
    if gap.any():
        left = np.clip(np.searchsorted(wavelength, grid, side="right") - 1, 0, len(gap) - 1)
        inside &= ~gap[left] | (grid == wavelength[left]) | (grid == wavelength[left + 1])
    return int(np.count_nonzero(inside))


def _continuum_fault(flux: FloatArray, ivar: FloatArray) -> str:
    """Say why a spectrum on the grid cannot be normalised already; empty if it can."""
    live = ivar > 0
    if not live.any():
        return ""
    median, (low, high) = float(np.median(flux[live])), NORMALISED
    if low < median < high:
        return ""
    return (
        f"not normalised: the preset none takes spectra with a continuum of 1, and expects a median flux between {low} "
        f"and {high}; got {median:.4g}. Choose another preset"
    )


def star_columns(raws: Sequence[RawSpectrum]) -> dict[str, NDArray[Any]]:
    """Collect the values that belong to a star and not to a pixel, as arrays of shape (star,)."""
    columns: dict[str, NDArray[Any]] = {
        name: np.array([getattr(raw, name) for raw in raws], dtype=np.float64) for name in STAR_COLUMNS
    }
    for name in IDENTITY_COLUMNS:
        columns[name] = np.array([raw.meta.get(name, "") for raw in raws], dtype=np.str_)
    return columns


def _redshift_fault(redshift: float) -> str:
    """Say why a redshift cannot be used."""
    if np.isnan(redshift):
        return (
            "none is given, so the rest frame is unknown; give redshift=0 for a spectrum at rest (--redshift 0), or a "
            "table (--redshift TABLE)"
        )
    return (
        f"z = v/c of a star must be between -1 and 1; got {redshift:g}. Divide a velocity in km/s by 299792.458, or "
        "give it with its unit"
    )


def prepare_spectra(
    raws: Iterable[RawSpectrum],
    preset: Preset | str = PAPER,
    grid: FloatArray | str | None = None,
    *,
    leave_out: bool = False,
) -> Spectra:
    """
    Mask spectra in memory, shift them to rest, resample and normalise them (Ho et al. 2017, section 2.1).

    Parameters
    ----------
    raws : iterable of RawSpectrum
        With unique ids. Wavelengths in air (``air=True``) are converted to vacuum.
    preset : Preset or {"paper", "released", "masked", "none"}
        ``PAPER``, ``RELEASED``, ``MASKED``, ``NONE`` or a changed copy, or the name of one of them; "none" is for
        spectra that are normalised already.
    grid : array of shape (pixel,) or str, optional
        Rest wavelengths, ascending, in Angstrom or with their unit; or a text, see
        :func:`~bayescannon.data.grid_choice.parse_grid`; by default that of LAMOST's low-resolution spectra.
    leave_out : bool
        Leave out spectra that cannot be prepared, and list them with their reasons in ``attrs["left_out"]``, instead
        of raising an error.

    Returns
    -------
    spectra : Spectra
        In float32, as the store keeps them. ``attrs["n_air"]`` counts those that were converted from air.

    Raises
    ------
    SpectrumError
        A spectrum cannot be prepared (with `leave_out`: none of them can); the message names it and says why.
    InputError, InputTypeError
        No spectra are given, or an argument is not a list of RawSpectrum, a preset or a grid.

    Warns
    -----
    BayesCannonWarning
        The inverse variances cannot be those of the flux, see :mod:`bayescannon.data.noise_check`.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.data.prepare import prepare_spectra
    >>> from bayescannon.data.spectra import RawSpectrum
    >>> wavelength = np.arange(4990.0, 5110.0)
    >>> counts = 1000 + wavelength - 5000
    >>> raws = [RawSpectrum(name, wavelength, counts, np.ones(120), redshift=0.0) for name in ("star-1", "star-2")]
    >>> spectra = prepare_spectra(raws, grid=np.arange(5000.0, 5100.0))
    >>> spectra
    <Spectra of 2 stars on a grid of 100 pixels from 5000.00 to 5099.00 A, 100.0 % live; columns ...; preset paper>
    >>> np.abs(spectra.flux - 1).max() < 0.03
    np.True_
    """
    leave_out = truth(leave_out, "leave_out")
    raws = _raw_spectra(raws)
    preset = choose_preset(preset)
    chosen = choose_grid(grid, lamost_grid())
    flux, ivar, reasons = prepare_block(raws, preset, chosen)
    bad = [f"{raw.id}: {reason}" for raw, reason in zip(raws, reasons, strict=True) if reason]
    if bad and (not leave_out or len(bad) == len(raws)):
        kinds = Counter(reason.partition(":")[0] for reason in reasons if reason)
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        if len(bad) == len(raws):
            raise SpectrumError(f"none of the {len(raws)} spectra can be prepared ({counts}). The first is {bad[0]}")
        raise SpectrumError(
            f"{len(bad)} of {len(raws)} spectra cannot be prepared ({counts}); use leave_out=True, or leave them out. "
            f"The first is {bad[0]}"
        )
    good = [i for i, reason in enumerate(reasons) if not reason]
    NoiseFinding(tuple(measure_noise(raws[i].flux, raws[i].ivar) for i in good)).warn("the spectra to prepare")
    ids = np.array([raws[i].id for i in good], dtype=np.str_)
    columns = star_columns([raws[i] for i in good])
    releases = ", ".join(sorted(set(columns["release"].tolist()) - {""}))
    attrs: dict[str, Any] = provenance(preset) | {"data_release": releases}
    n_air = sum(raws[i].air is True for i in good)
    if n_air:
        attrs["n_air"] = n_air
    return Spectra(chosen, flux[good], ivar[good], ids, columns, attrs | ({"left_out": bad} if bad else {}))


def _raw_spectra(raws: Any) -> list[RawSpectrum]:
    """Return a list of RawSpectrum; raise an error that says what came instead."""
    if isinstance(raws, RawSpectrum):
        raise InputTypeError("prepare_spectra takes a list of RawSpectrum, for one star [raw]; got one RawSpectrum")
    if isinstance(raws, Spectra):
        raise InputTypeError("prepare_spectra takes a list of RawSpectrum; got Spectra, which are prepared already")
    if isinstance(raws, str) or hasattr(raws, "__fspath__"):
        raise InputTypeError(
            f"prepare_spectra takes a list of RawSpectrum; got the path {raws}. Use prepare_files to prepare files, or "
            "bayescannon.io.lamost.read_lamost to read one"
        )
    if type(raws).__module__.startswith("specutils") or not hasattr(raws, "__iter__"):
        others, raws = [raws], []
    else:
        raws = list(raws)
        others = [one for one in raws if not isinstance(one, RawSpectrum)]
    if others:
        hint = ""
        if type(others[0]).__module__.startswith("specutils"):
            hint = "; bayescannon.io.specutils.from_specutils makes RawSpectrum of them"
        raise InputTypeError(f"prepare_spectra takes a list of RawSpectrum; got {a_kind(others[0])}{hint}")
    if not raws:
        raise InputError("prepare_spectra needs at least one RawSpectrum; got none")
    result: list[RawSpectrum] = raws
    return result
