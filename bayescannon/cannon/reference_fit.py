"""The fit of the spectral model to plain arrays, as the options of a training say."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.options import TrainingOptions
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.draft_fit import draft_spectral
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.nuisance_fit import fit_by_turns
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.spectral_fit import SpectralFit, fit_spectral


def priors_of(options: TrainingOptions, wavelength: FloatArray, label_names: Sequence[str]) -> SpectralPriors:
    """Return the priors of the spectral model on P pixels, wavelength (P,) in Angstrom, as the options say."""
    allowed = options.allowed(wavelength, label_names)
    return SpectralPriors(options.coefficients, options.scatter, options.noise, allowed, outliers=options.outliers)


def fit_reference(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    options: TrainingOptions,
    *,
    wavelength: FloatArray,
    label_names: Sequence[str],
    start: SpectralFit | None = None,
    solver: Solver | None = None,
) -> SpectralFit:
    """
    Fit the spectral model to plain arrays, as the options say: what :func:`train` does without looking at the stars.

    Parameters
    ----------
    vectors : float array of shape (star, T), or LabelMoments
        Label vectors of the scaled labels; their moments where stars count several times.
    flux, ivar : float arrays of shape (star, pixel)
    options : TrainingOptions
    wavelength : float array of shape (pixel,)
        In Angstrom, for what is censored.
    label_names : sequence of K str
    start : SpectralFit, optional
        A fit nearby with the same options, see :func:`bayescannon.pixels.spectral_fit.fit_spectral`; the paper's grid
        needs none.
    solver : Solver, optional
        As in :func:`bayescannon.pixels.fit.fit_pixels`; the options say how the scatters are found.

    Returns
    -------
    result : SpectralFit

    Raises
    ------
    PriorError
        A prior without an exact solver.
    ValueError
        Shapes that do not go together.
    """
    solver = solver or Solver()
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    used = moments.counts != 0
    if not used.all():
        result = fit_reference(
            moments.select(used), flux[used], ivar[used], options, wavelength=wavelength, label_names=label_names,
            start=start, solver=solver,
        )  # fmt: skip
        return result if result.factors is None else replace(result, factors=_for_all(result.factors, used))
    if options.paper_grid:
        fit = fit_pixels(moments, flux, ivar, solver=replace(solver, scatter="grid"))
        return SpectralFit(fit, np.ones(flux.shape[1]), PixelPrior.flat(*fit.theta.shape))
    priors = priors_of(options, wavelength, label_names)
    n_label = len(label_names)

    def fitted(flux: FloatArray, ivar: FloatArray, start: SpectralFit | None) -> SpectralFit:
        if solver.rough and start is None:
            rough = draft_spectral(
                moments, flux, ivar, n_label=n_label, priors=priors, marginal=options.marginal, solver=solver
            )
            if rough is not None:
                return rough
        return fit_spectral(
            moments, flux, ivar, n_label=n_label, priors=priors, marginal=options.marginal, start=start, solver=solver
        )

    labels = moments.mean[:, 1 : 1 + n_label]
    return fit_by_turns(
        fitted, labels, flux, ivar, wavelength=wavelength, nuisances=options.nuisances, start=start,
        workers=solver.workers,
    )  # fmt: skip


def _for_all(factors: NDArray[np.float32], used: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the factors of all stars, 1 for those that were not used."""
    every = np.ones((len(used), factors.shape[1]), dtype=np.float32)
    every[used] = factors
    return every
