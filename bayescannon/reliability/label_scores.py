r"""
Coverage: how far inferred labels are outside the labels that a model was trained on.

There are five scores of scaled labels; a larger score is farther outside. p-values compare them with the scores of
held-out reference stars: each star labelled by a model that was not trained on it, and scored against the labels of the
other stars. Their tail is smooth (:mod:`bayescannon.numerics.tail_distribution`): few reference stars have p-values
below 1 / (M + 1) too, and one or two of them with absurd scores do not set the limit. A training star whose labels are
outliers is not among the M (:func:`coverage_stars`): it would widen the box that the others make.

``range``
    signed margin outside the box of the training labels: the largest of l - max and min - l over the labels;
``hull``
    signed margin outside their convex hull, by support functions, see :mod:`bayescannon.numerics.hull`;
``mahalanobis``
    distance from their mean in units of their covariance (whitened labels);
``nearest``
    root mean square distance to the five nearest training stars;
``density``
    minus the log of a Gaussian kernel density of the training labels.

Two further scores, ``chi2`` and ``novelty``, use the spectrum: see :mod:`bayescannon.reliability.spectrum_scores`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.data.labels import LabelError, LabelScaler
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.hull import fixed_directions, hull_margin
from bayescannon.numerics.neighbours import mean_distance
from bayescannon.numerics.robust_scatter import few_outliers, whitening
from bayescannon.numerics.tail_distribution import TailDistribution
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.tiles import star_product
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.spectrum_scores import NoveltyReference

LABEL_SCORES = ("range", "hull", "mahalanobis", "nearest", "density")
SPECTRUM_SCORES = ("chi2", "novelty")
SCORES = (*LABEL_SCORES, *SPECTRUM_SCORES)
# the scores that decide OUTSIDE_COVERAGE and NOVEL_SPECTRUM. A giant's range finds dwarfs that no whitened distance
# finds; where a few training stars are far from the others, the box is wide and the whitened distance finds more. Two
# thirds of the false alarms are the range's: of 172 real giants, held out, 1.2 % are outside then at a nominal 1 %, of
# 374 real dwarfs with log g > 4.1 47 % and of A stars 99.8 %; with equal shares 39 % of the dwarfs
COVERAGE_SCORES, NOVELTY_SCORE = ("range", "mahalanobis"), "novelty"
_SHARES = np.array([2 / 3, 1 / 3])
DECIDING_SCORES = (*COVERAGE_SCORES, NOVELTY_SCORE)
MIN_REFERENCE = 10
_NEIGHBOURS = 5
_BLOCK = 512


@dataclass(frozen=True, eq=False, repr=False)
class CoverageReference:
    """
    The reference stars with which coverage and novelty are assessed.

    Attributes
    ----------
    scaler : LabelScaler
        Scaler of the model.
    labels : float array of shape (M, K)
        Scaled labels of the training stars, but for a few whose labels are outliers.
    scores : float array of shape (M, score)
        `SCORES` of the held-out estimates of the same stars, each against the others; NaN without an estimate.
    novelty : NoveltyReference or None
        None if only labels are known.
    model_hash : str
        Hash of the model.
    """

    scaler: LabelScaler
    labels: FloatArray
    scores: FloatArray
    novelty: NoveltyReference | None = None
    model_hash: str = ""

    def __post_init__(self) -> None:
        n_star, n_label = len(self.labels), len(self.scaler.names)
        if self.labels.shape != (n_star, n_label) or self.scores.shape != (n_star, len(SCORES)):
            raise InputError(
                f"labels and scores must have shapes (M, {n_label}) and (M, {len(SCORES)}); got {self.labels.shape} "
                f"and {self.scores.shape}"
            )
        if not np.isfinite(self.labels).all():
            raise LabelError("labels of the reference stars must be finite; leave out stars with missing labels")
        if n_star < MIN_REFERENCE:
            raise InputError(f"coverage needs at least {MIN_REFERENCE} reference stars; got {n_star}")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        spectra = "labels only" if self.novelty is None else "labels and spectra"
        return f"<CoverageReference of {len(self)} stars, {spectra}: {', '.join(self.scaler.names)}>"

    def tail(self, name: str) -> TailDistribution | None:
        """Return the distribution of one of `SCORES` among the reference stars; None where no star has the score."""
        if name not in self._tails:
            self._tails[name] = _tail(self.scores[:, SCORES.index(name)])
        return self._tails[name]

    @cached_property
    def _tails(self) -> dict[str, TailDistribution | None]:
        """Those that were asked for: fitting all takes a while."""
        return {}

    @cached_property
    def coverage_tail(self) -> TailDistribution | None:
        """The distribution of what the two scores of coverage make together; see :meth:`coverage_p_value`."""
        columns = [SCORES.index(name) for name in COVERAGE_SCORES]
        return _tail(self._together(self.scores[:, columns]))

    @property
    def smallest_p_value(self) -> float:
        """The smallest p-value of ranks, 1 / (M + 1); smaller ones are extrapolated."""
        return 1 / (len(self) + 1)

    def describe_p_values(self) -> str:
        """Say in a phrase what p-values compare with, and below what they are extrapolated."""
        tails = [self.coverage_tail, self.tail(NOVELTY_SCORE)]
        return (
            f"p-values against {len(self)} held-out reference stars, below {self.smallest_p_value:.2g} extrapolated by "
            f"a generalised Pareto tail, none below {min(tail.smallest for tail in tails if tail is not None):.2g}"
            if any(tails)
            else f"p-values against none of {len(self)} reference stars, as none has scores"
        )

    def p_values(self, scores: FloatArray, names: Sequence[str] = SCORES) -> NDArray[np.float64]:
        """Return the p-value of every score of shape (N, score), with its name in `names`; NaN without a reference."""
        return np.column_stack([_p_value(self.tail(name), scores[:, n]) for n, name in enumerate(names)])

    def coverage_p_value(self, scores: FloatArray) -> NDArray[np.float64]:
        """
        Return the p-value of the range and the whitened distance together, shape (N,).

        The smaller of the two p-values, each over its share of the false alarms, is compared with that of the
        reference stars, so that the rate is kept however the two depend on each other.

        Parameters
        ----------
        scores : float array of shape (N, 2)
            `COVERAGE_SCORES`.
        """
        return _p_value(self.coverage_tail, self._together(scores))

    def _together(self, scores: FloatArray) -> NDArray[np.float64]:
        """Return minus the log of the smaller p-value over its share."""
        result: NDArray[np.float64] = -np.log((self.p_values(scores, COVERAGE_SCORES) / _SHARES).min(axis=1))
        return result

    def to_xarray(self) -> xr.Dataset:
        """Return the reference as a Dataset with dims coverage_star, coverage_label, score and block."""
        variables: dict[str, Any] = {
            "coverage_labels": (("coverage_star", "coverage_label"), self.labels),
            "coverage_scores": (("coverage_star", "score"), self.scores),
            "coverage_pivot": ("coverage_label", self.scaler.pivot),
            "coverage_scale": ("coverage_label", self.scaler.scale),
        }
        if self.novelty is not None:
            variables |= {
                "novelty_intrinsic": ("block", self.novelty.intrinsic),
                "novelty_trend": (("spectrum_score", "power"), self.novelty.trend),
                "novelty_log_snr_range": ("end", self.novelty.log_snr_range),
                "novelty_block": self.novelty.block,
            }
        return xr.Dataset(
            variables,
            coords={"coverage_label": list(self.scaler.names), "score": list(SCORES)},
            attrs={"coverage_model_hash": self.model_hash},
        )

    @classmethod
    def from_xarray(cls, dataset: xr.Dataset) -> "CoverageReference":
        """
        Undo :meth:`to_xarray`; the Dataset may have further variables.

        Raises
        ------
        InputError
            The Dataset does not hold a coverage reference with the scores of this version.
        """
        if "coverage_labels" not in dataset or [str(x) for x in dataset["score"].to_numpy()] != list(SCORES):
            raise InputError(
                f"a coverage reference must have the scores {', '.join(SCORES)}; the dataset does not. Assess the "
                "coverage of the model again"
            )
        values = {str(name): array.to_numpy() for name, array in dataset.data_vars.items()}
        names = tuple(str(name) for name in dataset["coverage_label"].to_numpy())
        novelty = None
        if "novelty_trend" in values:
            novelty = NoveltyReference(
                values["novelty_intrinsic"],
                values["novelty_trend"],
                values["novelty_log_snr_range"],
                int(values["novelty_block"]),
            )
        return cls(
            LabelScaler(names, values["coverage_pivot"], values["coverage_scale"]),
            values["coverage_labels"],
            values["coverage_scores"],
            novelty,
            str(dataset.attrs.get("coverage_model_hash", "")),
        )


def _tail(scores: FloatArray) -> TailDistribution | None:
    """Return the distribution of reference scores, if there are any."""
    return TailDistribution.fit(scores) if np.isfinite(scores).any() else None


def _p_value(tail: TailDistribution | None, scores: FloatArray) -> NDArray[np.float64]:
    """Return p-values of scores (N,); NaN without a reference."""
    return np.full(len(scores), np.nan) if tail is None else tail.p_value(scores)


def coverage_stars(labels: FloatArray) -> BoolArray:
    """
    Tell which training stars make the coverage, shape (M,): all but a few whose labels are outliers.

    Parameters
    ----------
    labels : float array of shape (M, K)
        Scaled labels of the training stars.
    """
    every = np.ones(len(labels), dtype=bool)
    kept: BoolArray = ~few_outliers(labels) if len(labels) >= MIN_REFERENCE else every
    return kept if kept.sum() >= MIN_REFERENCE else every


def label_scores(
    points: FloatArray,
    reference: FloatArray,
    names: Sequence[str] = LABEL_SCORES,
    *,
    leave_one_out: bool = False,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """
    Score inferred labels against the training labels; the scores are those of the module's docstring.

    Parameters
    ----------
    points : float array of shape (N, K)
        Scaled labels; a star with a value that is not finite has NaN for all scores.
    reference : float array of shape (M, K)
        Scaled labels of the training stars.
    names : sequence of str
        Names of the scores to compute, from `LABEL_SCORES`.
    leave_one_out : bool
        Point n belongs to reference star n, and is compared with the other stars.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    scores : float array of shape (N, score)
        In the order of `names`.

    Raises
    ------
    InputError
        Fewer than ten reference stars, or an unknown score.
    """
    if len(reference) < MIN_REFERENCE:
        raise InputError(f"coverage needs at least {MIN_REFERENCE} reference stars; got {len(reference)}")
    scores = np.empty((len(points), len(names)))
    for k, name in enumerate(names):
        scores[:, k] = _label_score(name, points, reference, leave_one_out=leave_one_out, workers=workers)
    return scores


def _label_score(
    name: str, points: FloatArray, reference: FloatArray, *, leave_one_out: bool, workers: int | None
) -> NDArray[np.float64]:
    """Return one score, shape (N,)."""
    n_label = reference.shape[1]
    match name:
        case "range" | "hull":
            axes = np.concatenate([np.eye(n_label), -np.eye(n_label)])
            directions = axes if name == "range" else fixed_directions(n_label)
            return hull_margin(points, reference, directions, leave_one_out=leave_one_out, workers=workers)
        case "mahalanobis":
            return _mahalanobis(points, reference, leave_one_out=leave_one_out)
        case "nearest":
            return np.sqrt(
                mean_distance(points, reference, neighbours=_NEIGHBOURS, leave_one_out=leave_one_out, workers=workers)
            )
        case "density":
            return -_log_density(points, reference, leave_one_out=leave_one_out, workers=workers)
    raise InputError(f"the scores of labels must be among {', '.join(LABEL_SCORES)}; got {name!r}")


def whitener(reference: FloatArray) -> NDArray[np.float64]:
    """Return W, shape (K, K), with W^T C W = 1 for the covariance C of points (M, K)."""
    return whitening(np.atleast_2d(np.cov(reference, rowvar=False)))


def _mahalanobis(points: FloatArray, reference: FloatArray, *, leave_one_out: bool) -> NDArray[np.float64]:
    """Return the Mahalanobis distance of each point from the mean of the reference."""
    if not leave_one_out:
        whitened = star_product(points - reference.mean(axis=0), whitener(reference))
        return np.linalg.norm(whitened, axis=1).astype(np.float64)
    if len(reference) > _BLOCK:  # leaving out one of many stars has no effect
        return _mahalanobis(points, reference, leave_one_out=False)
    every = np.arange(len(reference))
    return np.array([_mahalanobis(points[[n]], reference[every != n], leave_one_out=False)[0] for n in every])


def _log_density(
    points: FloatArray, reference: FloatArray, *, leave_one_out: bool, workers: int | None
) -> NDArray[np.float64]:
    """
    Return the log density of whitened points by Gaussian kernels of width M^(-1 / (K + 4)).

    The width is that of Scott 1992, Multivariate Density Estimation (Wiley).
    """
    n_reference, n_label = reference.shape
    root = whitener(reference) / n_reference ** (-1 / (n_label + 4))
    there, here = reference @ root, star_product(points, root)
    norm = 0.5 * (there**2).sum(axis=1)
    density = np.empty(len(points))

    def one(block: slice) -> None:
        part = here[block]
        kernel = star_product(part, there.T) - norm
        if leave_one_out:
            own = np.arange(len(part))
            kernel[own, block.start + own] = -np.inf
        largest = kernel.max(axis=1)
        kernel -= largest[:, None]
        np.exp(kernel, out=kernel)
        density[block] = largest - 0.5 * (part**2).sum(axis=1) + np.log(kernel.sum(axis=1))

    map_blocks(one, len(points), _BLOCK, workers)
    result: NDArray[np.float64] = density - np.log(n_reference - leave_one_out)
    return result
