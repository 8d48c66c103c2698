"""
Priors of a star's labels, stated in PyMC for :func:`bayescannon.models.star_labels.label_model`.

Parameters are in the labels' units, so that a prior can be used with every model that has its labels; the models work
in scaled labels. `density` returns the same prior for the exact solvers, and tests require that the two agree. If a
prior covers only some of a model's labels, the others have a flat prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.convert import numbers
from bayescannon.data.labels import LabelError, LabelScaler, labels_from_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.real_numbers import positive_number
from bayescannon.numerics.typing import FloatArray

# bound of a label that a box does not bound, in scaled labels: far beyond every star
_FAR_WALL = 1e4


class LabelPrior(Protocol):
    """A prior of the labels of one star."""

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return the prior for the exact solvers, in scaled labels."""

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:
        """Return the symbolic ln p of scaled labels (..., K), of shape (...), up to a constant."""

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:
        """Return the scaled labels, dims (stellar_label,), as a random variable of the model on the stack."""

    def describe(self) -> str:
        """Return a phrase that describes the prior, for headers."""


@dataclass(frozen=True)
class FlatLabels:
    """
    A flat prior of every label, as in the paper.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.FlatLabels().describe()
    'flat'
    """

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return a constant."""
        return LabelDensity.flat(len(scaler.names))

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:  # noqa: ARG002 - the protocol has a scaler
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
    """Base of priors that cover some or all of a model's labels: finds them among the model's."""

    names: tuple[str, ...]

    def describe(self) -> str:
        """Return a phrase that describes the prior."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"

    def _convert(self, *names: str) -> None:
        """Set `names` and the attributes of these names to a tuple of str and arrays of float64."""
        object.__setattr__(self, "names", tuple(label.name for label in labels_from_names(self.names)))
        for name in names:
            values = numbers(getattr(self, name), f"{name} of a prior of {', '.join(self.names)}")[0]
            object.__setattr__(self, name, values.astype(np.float64, copy=False))

    def _check(self, **shapes: tuple[FloatArray, tuple[int, ...]]) -> None:
        for what, (values, shape) in shapes.items():
            if values.shape != shape or not np.isfinite(values).all():
                raise InputError(f"{what} of a prior of {', '.join(self.names)} must be finite with shape {shape}; "
                                 f"got {values.shape}")  # fmt: skip

    def _index(self, scaler: LabelScaler) -> NDArray[np.intp]:
        for name in self.names:
            if name not in scaler.names:
                raise LabelError(
                    f"the labels of a prior must be among those of the model, {', '.join(scaler.names)}; got {name!r}. "
                    "Make the prior from this model's labels"
                )
        return np.array([scaler.names.index(name) for name in self.names], dtype=np.intp)

    def _scaled(self, scaler: LabelScaler, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Scale means (M, k) and covariances (M, k, k) of the prior's labels."""
        index = self._index(scaler)
        scale = scaler.scale[index]
        return (mean - scaler.pivot[index]) / scale, covariance / np.outer(scale, scale)

    def _embedded(self, scaler: LabelScaler, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return scaled means (M, K) and precisions (M, K, K), zero for labels that the prior does not cover."""
        index = self._index(scaler)
        own_mean, own_covariance = self._scaled(scaler, mean, covariance)
        n_label = len(scaler.names)
        means, precisions = np.zeros((len(mean), n_label)), np.zeros((len(mean), n_label, n_label))
        means[:, index] = own_mean
        precisions[:, index[:, None], index] = np.linalg.inv(own_covariance)
        return means, precisions

    def _declare_flat(self, name: str, scaler: LabelScaler) -> Any:
        """Return labels ~ Flat with the prior as a potential, for a prior that is improper in some labels."""
        import pymc as pm

        labels = pm.Flat(name, dims="stellar_label")
        pm.Potential(f"{name}_prior", self.log_density(labels, scaler))  # type: ignore[attr-defined]
        return labels


@dataclass(frozen=True, eq=False, repr=False)
class BoxLabels(_OfSomeLabels):
    """
    Labels ~ Uniform(lower, upper).

    Attributes
    ----------
    names : tuple of k str
    lower, upper : float arrays of shape (k,)
        In the labels' units.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.BoxLabels(("teff", "logg"), [4000, 0.5], [5500, 3.8])
    <BoxLabels: box teff 4000 to 5500, logg 0.5 to 3.8>
    """

    names: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray

    def __post_init__(self) -> None:
        self._convert("lower", "upper")
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
        """Return the bounds in scaled labels."""
        return LabelDensity.box(*self._walls(scaler))

    def log_density(self, labels: Any, scaler: LabelScaler) -> Any:
        """Return the sum of Uniform logp over the labels."""
        import pymc as pm

        index = self._index(scaler)
        lower, upper = self._walls(scaler)
        return pm.logp(pm.Uniform.dist(lower[index], upper[index]), labels[..., index]).sum(-1)

    def declare_labels(self, name: str, scaler: LabelScaler) -> Any:
        """Return labels ~ Uniform, with distant bounds where the prior has none."""
        return self.declare_within(name, scaler, dims=("stellar_label",))

    def declare_within(self, name: str, scaler: LabelScaler, *, dims: tuple[str, ...]) -> Any:
        """Return labels ~ Uniform with `dims`, which end with stellar_label, for several stars."""
        import pymc as pm

        lower, upper = self._walls(scaler)
        return pm.Uniform(name, np.maximum(lower, -_FAR_WALL), np.minimum(upper, _FAR_WALL), dims=dims)

    def describe(self) -> str:
        """Name the labels and their bounds."""
        walls = zip(self.names, self.lower, self.upper, strict=True)
        return "box " + ", ".join(f"{name} {low:.4g} to {high:.4g}" for name, low, high in walls)


@dataclass(frozen=True, eq=False, repr=False)
class MixtureLabels(_OfSomeLabels):
    """
    Labels ~ sum_m weight_m Normal(mean_m, covariance_m); with M = 1 a Gaussian.

    Attributes
    ----------
    names : tuple of k str
    weight : float array of shape (M,)
        Positive, with sum 1.
    mean : float array of shape (M, k)
    covariance : float array of shape (M, k, k)
        In the labels' units.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.MixtureLabels(("teff",), weight=[0.7, 0.3], mean=[[4700], [5100]], covariance=[[[150**2]], [[200**2]]])
    <MixtureLabels: mixture of 2 Gaussians of teff>
    >>> bc.MixtureLabels.gaussian(("teff",), [4800], [[300**2]])
    <MixtureLabels: Gaussian of teff>
    """

    names: tuple[str, ...]
    weight: FloatArray
    mean: FloatArray
    covariance: FloatArray

    def __post_init__(self) -> None:
        self._convert("weight", "mean", "covariance")
        n, k = self.weight.size, len(self.names)
        self._check(weight=(self.weight, (n,)), mean=(self.mean, (n, k)), covariance=(self.covariance, (n, k, k)))
        if n == 0 or not (self.weight > 0).all() or not np.isclose(self.weight.sum(), 1):
            raise InputError(f"the weights of a mixture must be positive and sum to 1; got {self.weight}")
        smallest = np.linalg.eigvalsh(self.covariance).min()
        if not smallest > 0:
            raise InputError(
                f"the covariances of a mixture must be positive definite; got one with an eigenvalue of {smallest:g}"
            )

    @classmethod
    def gaussian(cls, names: Sequence[str], mean: FloatArray, covariance: FloatArray) -> "MixtureLabels":
        """Return the prior labels ~ Normal(mean, covariance), shapes (k,) and (k, k)."""
        one, several = numbers(mean, "mean")[0], numbers(covariance, "covariance")[0]
        return cls(tuple(names), np.ones(1), one[None], several[None])

    def density(self, scaler: LabelScaler) -> LabelDensity:
        """Return the normalised components."""
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


@dataclass(frozen=True, eq=False, repr=False)
class CoverageLabels(_OfSomeLabels):
    r"""
    A prior that is flat where the reference set is dense and falls off with distance from it.

    p(l) is proportional to n / (n + cut), where n(l) = sum_m count_m exp(-(l - mean_m)^T covariance_m^-1 (l - mean_m)
    / 2) is the number of reference stars near l: a smooth form of the paper's cut in label distance (Ho et al. 2017,
    eq. 7).

    Attributes
    ----------
    names : tuple of k str
    count : float array of shape (M,)
        Number of stars n at the peak of each component.
    mean : float array of shape (M, k)
    covariance : float array of shape (M, k, k)
        In the labels' units.
    cut : float
        n at which the density is half of its plateau.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.CoverageLabels(("teff",), count=[900], mean=[[4800]], covariance=[[[300**2]]], cut=5)
    <CoverageLabels: coverage of teff>
    """

    names: tuple[str, ...]
    count: FloatArray
    mean: FloatArray
    covariance: FloatArray
    cut: float

    def __post_init__(self) -> None:
        self._convert("count", "mean", "covariance")
        positive_number(self.cut, "cut")
        n, k = self.count.size, len(self.names)
        self._check(count=(self.count, (n,)), mean=(self.mean, (n, k)), covariance=(self.covariance, (n, k, k)))
        if n == 0 or not (self.count > 0).all():
            raise InputError(f"counts must be positive; got {self.count}")

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
