"""
Priors of a star's labels, for :func:`bayescannon.models.star_labels.label_model`: each states itself in PyMC.

Parameters are in the labels' units, so that a prior goes with every model that has its labels; the models are in
scaled labels. `density` is the same prior as the exact solvers take it, tied to the statement by tests. A prior may
be of some of a model's labels only: the others stay flat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import LabelError, LabelScaler, labels_from_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.typing import FloatArray

# of a box that has no wall in a label, in scaled labels: far beyond every star
_FAR_WALL = 1e4


class LabelPrior(Protocol):
    """What is believed of a star's labels before its spectrum is seen."""

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return the prior for the exact solvers, in scaled labels."""

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:
        """Return the symbolic ln p of scaled labels (..., K), of shape (...), up to a constant."""

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:
        """Return the scaled labels, dims (stellar_label,), as a random variable of the model on the stack."""

    def describe(self) -> str:
        """Say in a phrase what it is, for headers."""


@dataclass(frozen=True)
class FlatLabels:
    """No preference for any label, as in the paper."""

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return a constant."""
        return LabelDensity.flat(len(scaler.names))

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:  # noqa: ARG002 - every prior has a scaler
        """Return 0."""
        return labels[..., 0] * 0.0

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:  # noqa: ARG002
        """Return labels ~ Flat."""
        import pymc as pm

        return pm.Flat(name, dims="stellar_label")

    def describe(self) -> str:
        """Return "flat"."""
        return "flat"


class _OfSomeLabels:
    """Where the labels of a prior stand among those of a model."""

    names: tuple[str, ...]

    def _check(self, **shapes: tuple[FloatArray, tuple[int, ...]]) -> None:
        labels_from_names(self.names)
        for what, (values, shape) in shapes.items():
            if values.shape != shape or not np.isfinite(values).all():
                raise InputError(f"{what} of a prior of {', '.join(self.names)} must be finite with shape {shape}; "
                                 f"got {values.shape}")  # fmt: skip

    def _index(self, scaler: LabelScaler) -> NDArray[np.intp]:
        for name in self.names:
            if name not in scaler.names:
                raise LabelError(
                    f"the prior is of the label {name!r}, which the model does not have; it has "
                    f"{', '.join(scaler.names)}. Make the prior from this model's labels"
                )
        return np.array([scaler.names.index(name) for name in self.names], dtype=np.intp)

    def _scaled(self, scaler: LabelScaler, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Scale means (M, k) and covariances (M, k, k) of the prior's own labels."""
        index = self._index(scaler)
        scale = scaler.scale[index]
        return (mean - scaler.pivot[index]) / scale, covariance / np.outer(scale, scale)

    def _embedded(self, scaler: LabelScaler, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return scaled means (M, K) and precisions (M, K, K) with zeros for labels that the prior is not of."""
        index = self._index(scaler)
        own_mean, own_covariance = self._scaled(scaler, mean, covariance)
        n_label = len(scaler.names)
        means, precisions = np.zeros((len(mean), n_label)), np.zeros((len(mean), n_label, n_label))
        means[:, index] = own_mean
        precisions[:, index[:, None], index] = np.linalg.inv(own_covariance)
        return means, precisions

    def _declare_flat(self, name: str, scaler: LabelScaler) -> Any:
        """Return labels ~ Flat with the prior as a potential: for a prior that is no distribution of all labels."""
        import pymc as pm

        labels = pm.Flat(name, dims="stellar_label", initval=np.zeros(len(scaler.names)))
        pm.Potential(f"{name}_prior", self.log_density(labels, scaler))  # type: ignore[attr-defined]
        return labels


@dataclass(frozen=True, eq=False)
class BoxLabels(_OfSomeLabels):
    """
    Labels ~ Uniform(lower, upper).

    Attributes
    ----------
    names : tuple of k str
    lower, upper : float arrays of shape (k,)
        In the labels' units.
    """

    names: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray

    def __post_init__(self) -> None:
        shape = (len(self.names),)
        self._check(lower=(self.lower, shape), upper=(self.upper, shape))
        if not (self.lower < self.upper).all():
            raise InputError(f"a box needs lower < upper for each label; got {self.lower} and {self.upper}")

    def _walls(self, scaler: LabelScaler) -> tuple[FloatArray, FloatArray]:
        index = self._index(scaler)
        lower, upper = np.full(len(scaler.names), -np.inf), np.full(len(scaler.names), np.inf)
        lower[index] = (self.lower - scaler.pivot[index]) / scaler.scale[index]
        upper[index] = (self.upper - scaler.pivot[index]) / scaler.scale[index]
        return lower, upper

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return the walls, scaled."""
        return LabelDensity.box(*self._walls(scaler))

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:
        """Return the sum of Uniform logp over the labels."""
        import pymc as pm

        index = self._index(scaler)
        lower, upper = self._walls(scaler)
        return pm.logp(pm.Uniform.dist(lower[index], upper[index]), labels[..., index]).sum(-1)

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:
        """Return labels ~ Uniform, with far walls where there are none."""
        return self.declare_within(name, scaler, dims=("stellar_label",))

    def declare_within(self, name: str, scaler: LabelScaler, *, dims: tuple[str, ...]) -> Any:
        """Return labels ~ Uniform of several stars: `dims` ends with stellar_label."""
        import pymc as pm

        lower, upper = self._walls(scaler)
        return pm.Uniform(name, np.maximum(lower, -_FAR_WALL), np.minimum(upper, _FAR_WALL), dims=dims)

    def describe(self) -> str:
        """Name the labels and their walls."""
        walls = zip(self.names, self.lower, self.upper, strict=True)
        return "box " + ", ".join(f"{name} {low:.4g} to {high:.4g}" for name, low, high in walls)


@dataclass(frozen=True, eq=False)
class MixtureLabels(_OfSomeLabels):
    """
    Labels ~ sum_m weight_m Normal(mean_m, covariance_m); with M = 1 a Gaussian.

    Attributes
    ----------
    names : tuple of k str
    weight : float array of shape (M,)
        Positive, of sum 1.
    mean : float array of shape (M, k)
    covariance : float array of shape (M, k, k)
        In the labels' units.
    """

    names: tuple[str, ...]
    weight: FloatArray
    mean: FloatArray
    covariance: FloatArray

    def __post_init__(self) -> None:
        n, k = len(self.weight), len(self.names)
        self._check(weight=(self.weight, (n,)), mean=(self.mean, (n, k)), covariance=(self.covariance, (n, k, k)))
        if n == 0 or not (self.weight > 0).all() or not np.isclose(self.weight.sum(), 1):
            raise InputError(f"the weights of a mixture must be positive and of sum 1; got {self.weight}")
        if not (np.linalg.eigvalsh(self.covariance) > 0).all():
            raise InputError("the covariances of a mixture must be positive definite")

    @classmethod
    def gaussian(cls, names: Sequence[str], mean: FloatArray, covariance: FloatArray) -> "MixtureLabels":
        """Return the prior labels ~ Normal(mean, covariance), shapes (k,) and (k, k)."""
        return cls(tuple(names), np.ones(1), np.asarray(mean)[None], np.asarray(covariance)[None])

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return the components, normalised."""
        means, precisions = self._embedded(scaler, self.mean, self.covariance)
        _, own = self._scaled(scaler, self.mean, self.covariance)
        log_weight = np.log(self.weight) - 0.5 * np.linalg.slogdet(2 * np.pi * own)[1]
        return LabelDensity.components(log_weight, means, precisions)

    def _distribution(self, scaler: LabelScaler) -> Any:
        import pymc as pm

        mean, covariance = self._scaled(scaler, self.mean, self.covariance)
        root = np.linalg.cholesky(covariance)
        if len(mean) == 1:
            return pm.MvNormal.dist(mean[0], chol=root[0])
        parts = [pm.MvNormal.dist(mean[m], chol=root[m]) for m in range(len(mean))]
        return pm.Mixture.dist(w=self.weight, comp_dists=parts)

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:
        """Return logp of the mixture."""
        import pymc as pm

        return pm.logp(self._distribution(scaler), labels[..., self._index(scaler)])

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:
        """Return labels ~ the mixture."""
        import pymc as pm

        if self.names != scaler.names:
            return self._declare_flat(name, scaler)
        return pm.modelcontext(None).register_rv(self._distribution(scaler), name, dims=("stellar_label",))

    def describe(self) -> str:
        """Name the labels and the number of components."""
        kind = "Gaussian" if len(self.weight) == 1 else f"mixture of {len(self.weight)} Gaussians"
        return f"{kind} of {', '.join(self.names)}"


@dataclass(frozen=True, eq=False)
class CoverageLabels(_OfSomeLabels):
    r"""
    Flat where the reference set is dense, falling off with the distance from it.

    p(l) is proportional to n / (n + cut), where n(l) = sum_m count_m exp(-(l - mean_m)^T covariance_m^-1 (l - mean_m)
    / 2) counts the reference stars near l: the paper's cut in label distance (Ho et al. 2017, eq. 7) made smooth.

    Attributes
    ----------
    names : tuple of k str
    count : float array of shape (M,)
        Stars at the peak of each component.
    mean : float array of shape (M, k)
    covariance : float array of shape (M, k, k)
        In the labels' units.
    cut : float
        n at which the density is half of its plateau.
    """

    names: tuple[str, ...]
    count: FloatArray
    mean: FloatArray
    covariance: FloatArray
    cut: float

    def __post_init__(self) -> None:
        n, k = len(self.count), len(self.names)
        self._check(count=(self.count, (n,)), mean=(self.mean, (n, k)), covariance=(self.covariance, (n, k, k)))
        if n == 0 or not (self.count > 0).all() or not self.cut > 0:
            raise InputError(f"counts and cut must be positive; got {self.count} and {self.cut}")

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return the saturating density."""
        means, precisions = self._embedded(scaler, self.mean, self.covariance)
        return LabelDensity.components(np.log(self.count), means, precisions, log_cut=float(np.log(self.cut)))

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:
        """Return -ln(1 + cut / n)."""
        import pytensor.tensor as pt

        mean, covariance = self._scaled(scaler, self.mean, self.covariance)
        # |R (l - mean)|^2 with R^T R the precision
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        offset = labels[..., None, self._index(scaler)] - mean
        white = (root * offset[..., None, :]).sum(-1)
        log_count = pt.logsumexp(np.log(self.count) - 0.5 * (white**2).sum(-1), axis=-1)
        return -pt.softplus(np.log(self.cut) - log_count)

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:
        """Return labels ~ Flat with the prior as a potential."""
        return self._declare_flat(name, scaler)

    def describe(self) -> str:
        """Name the labels."""
        return f"coverage of {', '.join(self.names)}"
