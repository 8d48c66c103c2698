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
    chi2 = estimates["reduced_chi2"].to_numpy()[fitted]
    if len(chi2) < _LEAST_STARS or np.median(estimates["live_pixels"].to_numpy()[fitted]) < _LEAST_PIXELS:
        return ""
    median = np.median(chi2)
    if median <= HIGH_REDUCED_CHI2:
        return ""
    return (
        f"the median reduced chi2 of {len(chi2)} stars is {median:.3g}: the model does not describe these spectra. The "
        "errors are given too small (ivar = 1 / sigma**2), or they are of another survey, preparation or kind of star"
    )


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
