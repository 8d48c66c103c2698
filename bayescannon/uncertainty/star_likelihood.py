"""The likelihood of stars' spectra at draws of their labels, as groups of an ArviZ tree."""

from typing import Any, Literal

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import SEED
from bayescannon.cannon.likelihood import scaled_ivar, star_quartic
from bayescannon.cannon.likelihood_groups import MOST_VALUES, likelihood_groups, require_few_values
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import pseudo_observations

LikelihoodKind = Literal["auto", "pixels", "modes"]
# stream of random numbers for the replications, different from those of the draws
_STREAM = 2


def choose_likelihood(kind: LikelihoodKind, model: TrainedModel, n_values: int) -> Literal["pixels", "modes"]:
    """
    Choose the observations: pixels, if they are independent and `n_values` is at most `MOST_VALUES`, else modes.

    Raises
    ------
    InputError
        An unknown kind, or pixels of a model with hidden components or nuisances.
    """
    if kind not in ("auto", "pixels", "modes"):
        raise InputError(f"the likelihood must be 'auto', 'pixels', 'modes' or None; got {kind!r}")
    correlated = model.loadings is not None or bool(model.options.nuisances)
    if kind == "pixels" and correlated:
        raise InputError(
            "likelihood 'pixels' needs independent pixels; hidden components and nuisances correlate them. Take 'modes'"
        )
    if kind != "auto":
        return kind
    return "modes" if correlated or n_values > MOST_VALUES else "pixels"


def star_likelihood(
    model: TrainedModel,
    spectra: Spectra,
    draws: FloatArray,
    *,
    kind: LikelihoodKind = "auto",
    seed: int = SEED,
    workers: int | None = None,
) -> tuple[str, dict[str, xr.Dataset]]:
    """
    Evaluate the likelihood of each observation of N stars at draws of their labels.

    Given its labels, the pixels of a star are independent: f_p ~ Normal(theta_p . v(l), sqrt(kappa^2 sigma^2 + s^2)).
    Leave-one-out cross-validation of pixels therefore tells how well a pixel is predicted by the others, and shows
    pixels that the model does not describe. The T modes y = R v(l) + N(0, 1) of
    :func:`bayescannon.stars.quartic.pseudo_observations` give the same likelihood of the labels with far fewer numbers.
    But a few modes hold most of the information on a label, so that leaving one out changes the posterior strongly
    (Pareto k above 0.7 is common), and residuals that no labels can describe are not in the modes.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    draws : float array of shape (draw, N, K)
        Posterior draws, in the labels' units; a star with a value that is not finite is left out.
    kind : {"auto", "pixels", "modes"}
        The observations; "auto" takes pixels unless pixels times draws exceed 10 million, or hidden components or
        nuisances correlate them.
    seed : int
        Seed of the replications.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    kind : str
        ``"pixels"`` or ``"modes"``.
    groups : dict of str to xarray.Dataset
        See :func:`bayescannon.cannon.likelihood_groups.likelihood_groups`: ``flux`` with the coordinates star, pixel
        and wavelength along observation, or ``y`` with star and mode. Pixels and modes without weight are left out.
        Empty if no star has draws.

    Raises
    ------
    InputError
        As :func:`choose_likelihood`, or there are too many values.
    GridError
        The spectra are on another grid.
    """
    good = np.flatnonzero(np.isfinite(draws).all(axis=(0, 2)))
    part, names = spectra.select(good), spectra.id[good]
    vectors = label_vector(model.scaler.to_scaled(draws[:, good]))
    noise = scaled_ivar(model, part)
    n_live = int(((noise > 0) & model.fit.live).sum())
    chosen = choose_likelihood(kind, model, n_live * len(draws))
    if len(good) == 0:
        return chosen, {}
    rng = np.random.default_rng([seed, _STREAM])
    coords: dict[str, Any]
    # modes are of the Gaussian likelihood in which outliers have lost their weight
    outliers = model.populations.outliers if chosen == "pixels" else None
    if chosen == "pixels":
        weight = pixel_weights(model.scatter, noise)
        star, pixel = np.nonzero(weight > 0)
        require_few_values(len(draws), len(star))
        expected = np.concatenate([vectors[:, n] @ model.theta[pixel[star == n]].T for n in range(len(good))], axis=1)
        coords = {"star": names[star], "pixel": pixel, "wavelength": model.wavelength[pixel]}
        observed, sigma = part.flux[star, pixel], 1 / np.sqrt(weight[star, pixel])
        name, attrs = "flux", {"long_name": "normalised flux", "units": "1"}
    else:
        root, y = pseudo_observations(star_quartic(model, part, workers=workers))
        star, mode = np.nonzero((root != 0).any(axis=2))
        require_few_values(len(draws), len(star))
        expected = np.einsum("nkt,dnt->dnk", root, vectors)[:, star, mode]
        coords = {"star": names[star], "mode": mode}
        observed, sigma = y[star, mode], np.ones(len(star))
        name, attrs = "y", {"long_name": "modes of the star's likelihood", "units": "1"}
    return chosen, likelihood_groups(
        name, observed, expected, sigma, coords=coords, attrs=attrs, rng=rng, outliers=outliers
    )
