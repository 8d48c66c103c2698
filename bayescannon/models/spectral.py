r"""
The spectral model: the distribution of the reference stars' spectra given their labels (Ho et al. 2017, eq. 3-6).

    f_np ~ Normal(theta_p . v(l_n), sqrt(s_p^2 + kappa^2 sigma_np^2))

or with outliers, see :mod:`bayescannon.models.outliers`. The paper has kappa = 1, and prints the noise of eq. 3 without
its square root; eq. 5 is this likelihood.
:func:`bayescannon.pixels.fit.fit_pixels` finds the exact maximum of its posterior.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from bayescannon.data.convert import numbers
from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.form import Form
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray


def spectral_model(
    vectors: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    terms: Sequence[str],
    priors: SpectralPriors | None = None,
    boundary: bool = False,
    centred: bool = True,
) -> pm.Model:
    """
    State the spectral model in PyMC, with dims star, pixel and term.

    Parameters
    ----------
    vectors : float array of shape (star, T)
        Label vectors of the reference stars.
    flux, ivar : float arrays of shape (star, pixel)
        Normalised flux and its inverse variance. A dead pixel (0) adds the same constant to every logp.
    terms : sequence of T str
        Names of the terms, see :func:`bayescannon.models.label_vector.term_names`.
    priors : SpectralPriors, optional
        By default those of the paper. A coefficient that is not allowed has no effect.
    boundary : bool
        Leave s untransformed, so that s = 0 is a point of the model: for optimisers with bounds and for tests. Samplers
        need the default.
    centred : bool
        False states populations of coefficients in coordinates with a unit Gaussian prior, for NUTS.

    Returns
    -------
    model : pm.Model
        Random variables ``theta`` (pixel, term), ``scatter`` (pixel) and the observed ``flux`` (star, pixel). Where to
        start a sampler says :func:`bayescannon.models.starting_point.starting_point`.

    Raises
    ------
    InputError
        Shapes that do not match, or values that are not finite or negative inverse variances.
    InputTypeError
        Arrays that hold no numbers, or `priors` of another kind.

    Examples
    --------
    >>> import numpy as np
    >>> import bayescannon as bc
    >>> vectors = np.array([[1.0, -1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    >>> flux = np.array([[0.9, 1.0], [0.8, 1.0], [0.7, 1.0]])
    >>> model = bc.spectral_model(vectors, flux, np.full(flux.shape, 1e4), terms=["1", "teff", "teff^2"])
    >>> [variable.name for variable in model.free_RVs]
    ['theta', 'scatter']
    """
    vectors, flux, ivar = _checked(vectors, flux, ivar, len(terms))
    if not isinstance(priors, SpectralPriors | None):
        raise InputTypeError(f"priors must be SpectralPriors(...); got {priors!r}")
    live = ivar > 0
    priors = priors or SpectralPriors()
    coords: dict[str, Any] = {
        "star": np.arange(len(flux)),
        "pixel": np.arange(flux.shape[1]),
        "term": list(terms),
    }
    with pm.Model(coords=coords) as model:
        v = pm.Data("label_vectors", np.asarray(vectors, dtype=np.float64), dims=("star", "term"))
        sigma_data = pm.Data("sigma", reported_sigma(ivar), dims=("star", "pixel"))
        observed = pm.Data("flux_observed", np.where(live, flux, 0.0).astype(np.float64), dims=("star", "pixel"))
        form = Form(proper=priors.proper, centred=centred, boundary=boundary)
        theta = priors.coefficients.declare_theta(form)
        s = priors.scatter.declare_scatter(form)
        kappa = priors.noise.declare_kappa(form)
        used = theta if priors.allowed is None else theta * priors.allowed
        priors.outliers.declare_flux(
            v @ used.T, flux_deviation(s, kappa, sigma_data), sigma_data < FLAT_SCALE, observed, boundary=boundary
        )
    return model


def _checked(vectors: Any, flux: Any, ivar: Any, n_term: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return label vectors, flux and inverse variances as arrays, with dead pixels where flux or ivar is masked."""
    vectors, _ = numbers(vectors, "vectors", masked=np.nan)
    flux, mask = numbers(flux, "flux", unit="")
    ivar, _ = numbers(ivar, "ivar", unit="", masked=0.0)
    if vectors.ndim != 2 or vectors.shape[1] != n_term:
        raise InputError(
            f"vectors must have shape (star, term) with {n_term} terms, as many as in terms; got {vectors.shape}"
        )
    if flux.ndim != 2 or flux.shape != ivar.shape or len(flux) != len(vectors):
        raise InputError(
            f"flux and ivar must have shape (star, pixel) with {len(vectors)} stars as in the label vectors; "
            f"got {flux.shape} and {ivar.shape}"
        )
    if mask is not None:
        ivar = np.where(mask, 0.0, ivar)
    if not (np.isfinite(ivar).all() and (ivar >= 0).all() and np.isfinite(flux[ivar > 0]).all()):
        raise InputError("ivar must be finite and not negative, and flux finite where ivar > 0; set ivar to 0 there")
    if not np.isfinite(vectors).all():
        raise InputError("label vectors must be finite; leave out reference stars with missing labels")
    return vectors, flux, ivar


def reported_sigma(ivar: FloatArray) -> NDArray[np.float64]:
    """Return the reported standard deviations, `FLAT_SCALE` in dead pixels, in the shape of `ivar`."""
    live = ivar > 0
    return np.where(live, 1 / np.sqrt(np.where(live, ivar, 1.0)), FLAT_SCALE).astype(np.float64)


def flux_deviation(s: Any, kappa: Any, sigma: Any) -> Any:
    """Return the standard deviation sqrt(s^2 + kappa^2 sigma^2) of each flux (star, pixel), symbolically."""
    # the constant that a dead pixel adds must not depend on kappa
    return pt.sqrt(s**2 + (pt.where(sigma < FLAT_SCALE, kappa, 1.0) * sigma) ** 2)
