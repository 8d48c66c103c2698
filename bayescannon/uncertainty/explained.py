"""
Compare an error budget with the actual errors of labels, for stars whose true labels are known.

If errors were Gaussian with the standard deviations of a kind of error, the scatter of (inferred - true) and the
fraction of stars within intervals would be known. The actual scatter and fractions show how much of the error a kind
explains.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, ndtr, ndtri
from scipy.stats import binom

from bayescannon.cannon.validation import robust_scatter
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# probabilities of the intervals: within one standard deviation of a Gaussian, and 95 %
LEVELS = (0.6826894921370859, 0.95)
_HALVINGS = 60


def combine_kinds(budget: xr.Dataset, combined: Mapping[str, Sequence[str]]) -> xr.Dataset:
    """
    Add kinds of error that are sums in quadrature of other kinds.

    Parameters
    ----------
    budget : xarray.Dataset
        From :func:`bayescannon.uncertainty.budget.error_budget`.
    combined : mapping of str to sequence of str
        Names of new kinds, and the kinds that each sums. These should be independent sources of error.

    Returns
    -------
    budget : xarray.Dataset
        ``error`` and ``value`` of all kinds; the value of a sum is that of its first kind.

    Raises
    ------
    InputError
        A kind is not in the budget, a new name is in it already, or a sum has no parts.
    """
    known = [str(kind) for kind in budget["kind"].to_numpy()]
    parts = [budget[["error", "value"]].drop_vars("meaning", errors="ignore")]
    for name, kinds in combined.items():
        missing = [kind for kind in kinds if kind not in known]
        if missing or not kinds or name in known:
            what = f"{missing[0]!r} is not among them" if missing else f"{name!r} needs a new name and a part"
            raise InputError(f"the budget has the kinds {', '.join(known)}; {what}")
        some = budget[["error", "value"]].sel(kind=list(kinds)).drop_vars("meaning", errors="ignore")
        total = np.sqrt((some["error"] ** 2).sum("kind", skipna=False))
        parts.append(
            xr.Dataset({"error": total, "value": some["value"].isel(kind=0, drop=True)}).expand_dims(kind=[name])
        )
    return xr.concat(parts, dim="kind").transpose("star", "stellar_label", "kind")


def predicted_scatter(error: FloatArray) -> float:
    """
    Return h such that 68.3 % of Gaussian errors with these standard deviations, one per star, are within h of zero.

    It is the expectation of :func:`bayescannon.cannon.validation.robust_scatter` of such errors; NaN without stars.
    """
    if len(error) == 0:
        return float("nan")
    low, high = 0.0, float(np.max(error))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = np.mean(erf(middle / (np.sqrt(2) * error))) >= LEVELS[0]
        low, high = (low, middle) if enough else (middle, high)
    return high


def explain_errors(
    budget: xr.Dataset, truth: ArrayLike, *, groups: Mapping[str, NDArray[np.bool_]] | None = None
) -> xr.Dataset:
    """
    Compare kinds of error with the actual errors of labels.

    Parameters
    ----------
    budget : xarray.Dataset
        From :func:`bayescannon.uncertainty.budget.error_budget`, with N stars and K labels.
    truth : array of shape (N, K)
        True labels, or labels used as such, in the labels' units; NaN where unknown.
    groups : mapping of str to bool array of shape (N,), optional
        Selections of stars; by default one with all stars.

    Returns
    -------
    shares : xarray.Dataset
        Dims group, stellar_label and kind. ``scatter``: half of the central 68.3 % width of (value - truth);
        ``predicted``: the same for Gaussian errors of this kind; ``share`` = (predicted / scatter)^2, the fraction of
        the variance that the kind explains; ``bias``: the median of (value - truth); ``within_68`` and ``within_95``:
        the fractions of stars within Gaussian intervals; ``n_stars``: the number of stars with this kind of error and a
        true label. Compare kinds only if these numbers are similar.

    Raises
    ------
    InputError
        The shape of the truth or of a group does not match the budget.
    """
    off, error, usable = _deviations(budget, truth)
    n_star, n_label, n_kind = error.shape
    groups = {"all": np.ones(n_star, dtype=bool)} if groups is None else dict(groups)
    for name, mask in groups.items():
        if np.shape(mask) != (n_star,):
            raise InputError(f"group {name!r} must be a mask of the {n_star} stars; got shape {np.shape(mask)}")
    names = ("scatter", "predicted", "bias", "within_68", "within_95")
    values = {name: np.full((len(groups), n_label, n_kind), np.nan) for name in names}
    count = np.zeros((len(groups), n_label, n_kind), dtype=np.int64)
    for (g, mask), k, kind in product(enumerate(groups.values()), range(n_label), range(n_kind)):
        use = usable[:, k, kind] & mask
        count[g, k, kind] = use.sum()
        if not use.any():
            continue
        deviation, sigma = off[use, k, kind], error[use, k, kind]
        values["scatter"][g, k, kind] = robust_scatter(deviation)
        values["predicted"][g, k, kind] = predicted_scatter(sigma)
        values["bias"][g, k, kind] = np.median(deviation)
        for name, level in zip(names[3:], LEVELS, strict=True):
            values[name][g, k, kind] = np.mean(np.abs(deviation) <= _width(level) * sigma)
    values["share"] = (values["predicted"] / values["scatter"]) ** 2
    return xr.Dataset(
        {name: (("group", "stellar_label", "kind"), array) for name, array in {**values, "n_stars": count}.items()},
        coords={"group": list(groups), **{name: budget[name].to_numpy() for name in ("stellar_label", "kind")}},
    )


def interval_coverage(budget: xr.Dataset, truth: ArrayLike, probability: ArrayLike) -> xr.DataArray:
    """
    Return the fraction of the stars within Gaussian intervals, dims (stellar_label, kind, probability).

    Parameters
    ----------
    budget, truth
        As in :func:`explain_errors`.
    probability : array of shape (B,)
        Nominal probabilities of the intervals, between 0 and 1.
    """
    off, error, usable = _deviations(budget, truth)
    asked = np.asarray(probability, dtype=np.float64)
    held = np.full((*error.shape[1:], len(asked)), np.nan)
    for k, kind in np.ndindex(error.shape[1:]):
        use = usable[:, k, kind]
        pull = np.abs(off[use, k, kind] / error[use, k, kind])
        if len(pull):
            held[k, kind] = (pull[:, None] <= _width(asked)).mean(axis=0)
    coords = {name: budget[name].to_numpy() for name in ("stellar_label", "kind")} | {"probability": asked}
    return xr.DataArray(held, coords=coords, dims=("stellar_label", "kind", "probability"))


def pit_values(budget: xr.Dataset, truth: ArrayLike) -> xr.DataArray:
    """
    Return the probability of an error smaller than the actual one if errors are Gaussian: PIT values.

    They have dims (star, stellar_label, kind), are uniform if the errors have the distribution of the kind, and NaN
    where the kind or the truth is missing. For the parameters see :func:`explain_errors`.
    """
    off, error, usable = _deviations(budget, truth)
    pull = np.divide(off, error, out=np.full(error.shape, np.nan), where=usable)
    pit = xr.DataArray(ndtr(pull), dims=("star", "stellar_label", "kind"), name="pit")
    return pit.assign_coords({name: budget[name].to_numpy() for name in pit.dims})


def pit_histogram(pit: ArrayLike, *, n_bin: int = 20) -> tuple[FloatArray, FloatArray, tuple[float, float]]:
    """
    Bin PIT values for :func:`bayescannon.figures.plot_pit`.

    Parameters
    ----------
    pit : array
        Values from 0 to 1; NaN are left out.
    n_bin : int

    Returns
    -------
    edges : float array of shape (n_bin + 1,)
    counts : float array of shape (n_bin,)
    band : pair of float
        Central 95 % interval of the count in a bin if the values are uniform.
    """
    values = np.ravel(np.asarray(pit, dtype=np.float64))
    counts, edges = np.histogram(values[np.isfinite(values)], bins=n_bin, range=(0, 1))
    low, high = binom.interval(0.95, counts.sum(), 1 / n_bin)
    return edges, counts.astype(np.float64), (float(low), float(high))


def _width(probability: ArrayLike) -> NDArray[np.float64]:
    """Return the half width of the central interval of a standard Gaussian."""
    result: NDArray[np.float64] = ndtri((1 + np.asarray(probability)) / 2)
    return result


def _deviations(budget: xr.Dataset, truth: ArrayLike) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return value - truth and error, shape (star, label, kind), and where both are usable."""
    ordered = budget[["error", "value"]].transpose("star", "stellar_label", "kind")
    error, value = ordered["error"].to_numpy(), ordered["value"].to_numpy()
    true = np.asarray(truth, dtype=np.float64)
    if true.shape != error.shape[:2]:
        raise InputError(f"truth must have shape (star, label) = {error.shape[:2]}; got {true.shape}")
    off = value - true[:, :, None]
    return off, error, np.isfinite(off) & (error > 0)
