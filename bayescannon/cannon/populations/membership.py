r"""
Which population a star is of: probabilities from the router, and from the local models' evidence.

The survey's model of a spectrum is a mixture: with labels l from a flat prior, a star is of population m with
probability pi_m(l), and its spectrum is then from theta_m (:mod:`bayescannon.models.survey_mixture`). The probability
of m is

    P(m | f)  prop. to  Z_m = integral of pi_m(l) p(f | l, theta_R)^(rho - beta) p(f | l, theta_m)^beta dl,

where theta_R are the router's coefficients. With rho = beta = 1 it is the mixture's. Real spectra hold more than the
models do, so that the likelihoods are far too sharp, and by how much they differ is mostly how well each population's
model was trained: the router's likelihood is raised to the power rho of the star, which widens its labels' posterior
to the calibrated errors, and beta is learned from held-out stars (0: membership is what the router's labels say).

Both factors are exact quartics in the labels; the integral is by importance sampling, with the star's own router
posterior as proposal where beta is 0.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.labelling import error_power, formal_errors
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.models.label_regions import LabelRegions
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.pixels.label_moments import vector_map
from bayescannon.stars.importance import sample_labels, star_seeds
from bayescannon.stars.quartic import Quartic
from bayescannon.stars.widened import WidenedDraws, draw_widened

# draws of a star's labels for its evidence; a share is known to 0.03 or better
N_DRAWS = 400
# a star inside one region by this many errors in every label is not sampled
_CLEAR = 6.0
_CLEAR_SHARE = 1e-4
# populations below this probability take no part in a star's labels
LEAST_MEMBERSHIP = 0.01


def draw_labels(
    likelihood: StarLikelihood, estimates: xr.Dataset, rows: NDArray[np.intp], *, workers: int | None
) -> WidenedDraws:
    """
    Draw labels of some stars from their likelihoods, widened to the calibrated errors.

    Parameters
    ----------
    likelihood : StarLikelihood
        Of N stars.
    estimates : xarray.Dataset
        Of the same stars.
    rows : int array of shape (S,)
        The stars to draw.
    workers : int or None

    Returns
    -------
    draws : WidenedDraws
        Of S stars, in the model's scaled labels.
    """
    some, scaler = estimates.isel(star=rows), likelihood.model.scaler
    return draw_widened(
        likelihood.quartic.select(rows),
        scaler.to_scaled(some["labels"].transpose("star", "stellar_label").to_numpy()),
        some["formal_covariance"].to_numpy() / np.outer(scaler.scale, scaler.scale),
        error_power(some),
        workers=workers,
    )


def clearly_inside(regions: LabelRegions, model: TrainedModel, labels: FloatArray, error: FloatArray) -> BoolArray:
    """
    Return which stars are inside of one region, whatever their errors do to their labels.

    Parameters
    ----------
    regions : LabelRegions
    model : TrainedModel
        Whose labels they are.
    labels, error : float arrays of shape (N, K)

    Returns
    -------
    clear : bool array of shape (N,)
    """
    names = model.label_names
    here = regions.shares(labels, names)
    best = here.argmax(axis=1)
    worst = here.max(axis=1)
    bounding = [names.index(label) for label in regions.labels]
    # the corners of the box of the bounding labels: a region's share is monotone along each of its sides
    for corner in np.ndindex(*(2,) * len(bounding)):
        moved = labels.copy()
        for column, side in zip(bounding, corner, strict=True):
            moved[:, column] += _CLEAR * (2 * side - 1) * error[:, column]
        worst = np.minimum(worst, np.take_along_axis(regions.shares(moved, names), best[:, None], axis=1)[:, 0])
    clear: BoolArray = worst > 1 - _CLEAR_SHARE
    return clear


def router_membership(
    regions: LabelRegions, likelihood: StarLikelihood, estimates: xr.Dataset, *, workers: int | None
) -> NDArray[np.float64]:
    """
    Return the probability of each population that the router's labels give: membership with beta = 0.

    Parameters
    ----------
    regions : LabelRegions
    likelihood, estimates
        Of N stars under the router.
    workers : int or None

    Returns
    -------
    membership : float array of shape (N, M)
        NaN for a star without labels.
    """
    model = likelihood.model
    labels = estimates["labels"].transpose("star", "stellar_label").to_numpy()
    error = estimates["calibrated_error"].to_numpy() if "calibrated_error" in estimates else formal_errors(estimates)
    known = np.isfinite(labels).all(axis=1) & np.isfinite(error).all(axis=1)
    result = np.full((len(labels), len(regions)), np.nan)
    result[known] = regions.shares(labels[known], model.label_names)
    unclear = known.copy()
    unclear[known] = ~clearly_inside(regions, model, labels[known], error[known])
    rows = np.flatnonzero(unclear)
    if len(rows):
        draws = draw_labels(likelihood, estimates, rows, workers=workers)
        every = regions.shares(model.scaler.from_scaled(draws.scaled), model.label_names)
        shares = np.einsum("nd,ndm->nm", draws.weight, every)
        sampled = np.isfinite(shares).all(axis=1)
        result[rows[sampled]] = shares[sampled]
    return result


def evidence_membership(
    regions: LabelRegions,
    router: StarLikelihood,
    local: dict[int, StarLikelihood],
    power: FloatArray,
    beta: float,
    starts: FloatArray,
    *,
    seed: int,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """
    Return membership of stars by the integrals Z_m.

    Parameters
    ----------
    regions : LabelRegions
    router : StarLikelihood
        Of N stars.
    local : mapping of the number of a population to StarLikelihood
        Of the same stars under its model; a population that is missing has the router's likelihood.
    power : float array of shape (N,)
        rho.
    beta : float
        At most rho of each star is used.
    starts : float array of shape (start, K)
        Scaled labels of the router from which modes are searched.
    seed, workers
        As in sampling.

    Returns
    -------
    membership : float array of shape (N, M)
    """
    scaler, names = router.model.scaler, router.model.label_names
    used = np.minimum(beta, power)
    log_z = np.full((len(router), len(regions)), -np.inf)
    for m in range(len(regions)):
        own = local.get(m, router)
        other = own.model.scaler
        change = vector_map(np.diag(scaler.scale / other.scale), (scaler.pivot - other.pivot) / other.scale)
        target = combined(router.quartic.tempered(power - used), own.quartic.rescaled(change).tempered(used))
        found = sample_labels(
            target, starts, star_seeds(router.spectra.id, seed), n_draws=N_DRAWS, n_keep=N_DRAWS, workers=workers
        )
        shares = regions.shares(scaler.from_scaled(found.draws), names)[:, :, m].mean(axis=1)
        constant = used * (own.log_normalisation - router.log_normalisation)
        with np.errstate(divide="ignore"):
            log_z[:, m] = found.log_evidence + constant + np.log(shares)
    largest = log_z.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        odds = np.exp(log_z - largest)
        membership: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return membership


def combined(one: Quartic, other: Quartic) -> Quartic:
    """Return the product of the likelihoods of the same stars in the same scaled labels."""
    return Quartic(one.a + other.a, one.b + other.b, one.c + other.c, one.n_live)
