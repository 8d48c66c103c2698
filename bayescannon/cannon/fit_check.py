"""Whether labels of a run can mean anything: its spectra's noise, and how well the model fits them."""

import warnings

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import HIGH_REDUCED_CHI2
from bayescannon.data.flags import FitStatus
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.numerics.errors import BayesCannonWarning

# a median over fewer stars, or over spectra with fewer live pixels, may be that of special stars
_LEAST_STARS = 10
_LEAST_PIXELS = 100


def misfit(estimates: xr.Dataset) -> str:
    """
    Say how badly most stars are fitted; empty if half of them have a reduced chi2 below the limit of HIGH_CHI2.

    A small reduced chi2 is no fault: spectra without noise have one.
    """
    fitted = estimates["status"].to_numpy() == FitStatus.CONVERGED
    if not fitted.any():
        return ""
    chi2, pixels = (estimates[name].to_numpy()[fitted] for name in ("reduced_chi2", "live_pixels"))
    return misfit_of(len(chi2), float(np.median(chi2)), float(np.median(pixels)))


def misfit_of(n_fitted: int, median_chi2: float, median_pixels: float) -> str:
    """Say the same of stars with labels by their number, and their medians of reduced chi2 and of live pixels."""
    if n_fitted < _LEAST_STARS or median_pixels < _LEAST_PIXELS or not median_chi2 > HIGH_REDUCED_CHI2:
        return ""
    return (
        f"the median reduced chi2 of {n_fitted} stars is {median_chi2:.3g}: the model does not describe these spectra. "
        "The errors are given too small (ivar = 1 / sigma**2), or they are of another survey, preparation or kind of "
        "star"
    )


def warn_of_fit(n_fitted: int, median_chi2: float, median_pixels: float, *, stacklevel: int = 2) -> None:
    """Warn if stars are badly fitted; parameters are those of :func:`misfit_of`."""
    found = misfit_of(n_fitted, median_chi2, median_pixels)
    if found:
        warnings.warn(found, BayesCannonWarning, stacklevel=stacklevel + 1)


def warn_of_run(estimates: xr.Dataset, noise: NoiseFinding) -> None:
    """
    Warn of what makes the labels of a run useless.

    Parameters
    ----------
    estimates : xarray.Dataset
        Labels of the run's stars.
    noise : NoiseFinding
        Of some of their spectra.
    """
    noise.warn("the spectra to label", stacklevel=3)
    found = misfit(estimates)
    if found:
        warnings.warn(found, BayesCannonWarning, stacklevel=3)
