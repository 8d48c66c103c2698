"""What is believed and chosen in training: priors, noise, censored pixels; as one object that can be written down."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.label_vector import FloatArray, n_terms, term_pairs
from bayescannon.labels import labels_from_names
from bayescannon.models.priors import (
    CoefficientPrior,
    FixedNoise,
    FlatCoefficients,
    FlatScatter,
    GlobalNoise,
    HalfNormalScatter,
    NoisePrior,
    NormalCoefficients,
    PixelNoise,
    PooledCoefficients,
    PooledScatter,
    ScatterPrior,
)
from bayescannon.models.smooth import SmoothCoefficients
from bayescannon.models.sparse import LaplaceCoefficients

# names on the command line and in configurations
COEFFICIENTS: dict[str, type[Any]] = {
    "flat": FlatCoefficients,
    "normal": NormalCoefficients,
    "pooled": PooledCoefficients,
    "laplace": LaplaceCoefficients,
    "smooth": SmoothCoefficients,
}
SCATTERS: dict[str, type[Any]] = {"flat": FlatScatter, "half-normal": HalfNormalScatter, "pooled": PooledScatter}
NOISES: dict[str, type[Any]] = {"fixed": FixedNoise, "global": GlobalNoise, "pixel": PixelNoise}


@dataclass(frozen=True)
class TrainingOptions:
    """
    Choices of a training; the defaults are the paper's.

    Attributes
    ----------
    coefficients, scatter, noise : prior objects
        See :mod:`bayescannon.models.priors`.
    paper_grid : bool
        Find the scatters by the paper's grid and parabola, for comparison; needs the flat priors.
    marginal : bool
        Integrate the coefficients out of the likelihood of the scatters (REML).
    censored : mapping of label name to sequence of (low, high)
        Wavelength ranges [Angstrom] whose pixels may not depend on the label.
    """

    coefficients: CoefficientPrior = field(default_factory=FlatCoefficients)
    scatter: ScatterPrior = field(default_factory=FlatScatter)
    noise: NoisePrior = field(default_factory=FixedNoise)
    paper_grid: bool = False
    marginal: bool = False
    censored: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        priors = (self.coefficients, self.scatter, self.noise)
        plain = priors == (FlatCoefficients(), FlatScatter(), FixedNoise()) and not (self.marginal or self.censored)
        if self.paper_grid and not plain:
            raise ValueError("the paper's grid of scatters goes with flat priors, kappa = 1 and nothing censored")
        for name, ranges in self.censored.items():
            labels_from_names([name])
            for bounds in ranges:
                if len(bounds) != 2 or not bounds[0] < bounds[1]:
                    raise ValueError(f"a censored range of {name} must be (low, high) in Angstrom; got {bounds}")

    @classmethod
    def from_names(
        cls,
        *,
        coefficients: str = "flat",
        coefficient_scale: float | None = None,
        terms: str = "quadratic",
        scatter: str = "flat",
        scatter_scale: float | None = None,
        noise: str = "fixed",
        kappa: float = 1.0,
        marginal: bool = False,
        censored: Mapping[str, Sequence[Any]] | None = None,
    ) -> "TrainingOptions":
        """
        Make the options from the names of the command line and of configurations.

        Raises
        ------
        ValueError
            An unknown name, or a scale for a prior that has none.
        """
        grid = scatter == "grid"
        scatter = "flat" if scatter in ("grid", "exact") else scatter
        for what, name, known in (
            ("coefficients", coefficients, COEFFICIENTS),
            ("scatter", scatter, SCATTERS),
            ("noise", noise, NOISES),
        ):
            if name not in known:
                raise ValueError(f"{what} must be one of {', '.join(known)}; got {name!r}")
        shape: dict[str, Any] = {} if coefficients == "flat" else {"terms": terms}
        if coefficient_scale is not None:
            if coefficients in ("flat", "pooled"):
                raise ValueError(f"{coefficients} coefficients have no scale to set; leave it out")
            shape["scale"] = coefficient_scale
        if scatter_scale is not None and scatter != "half-normal":
            raise ValueError(f"{scatter} scatter has no scale to set; leave it out")
        if kappa != 1.0 and noise != "fixed":
            raise ValueError(f"{noise} noise learns kappa; leave it out, or take fixed noise")
        return cls(
            coefficients=COEFFICIENTS[coefficients](**shape),
            scatter=SCATTERS[scatter](**({} if scatter_scale is None else {"scale": scatter_scale})),
            noise=NOISES[noise](**({"kappa": kappa} if noise == "fixed" else {})),
            paper_grid=grid,
            marginal=marginal,
            censored={name: [tuple(pair) for pair in ranges] for name, ranges in (censored or {}).items()},
        )

    def allowed(self, wavelength: FloatArray, label_names: Sequence[str]) -> NDArray[np.bool_] | None:
        """
        Tell which pixel may depend on which term; None if all may.

        Parameters
        ----------
        wavelength : float array of shape (P,)
            In Angstrom.
        label_names : sequence of K str

        Returns
        -------
        allowed : bool array of shape (P, T) or None
            A term is censored with each of its labels.

        Raises
        ------
        ValueError
            A censored label is not trained.
        """
        if not self.censored:
            return None
        names = list(label_names)
        forbidden = np.zeros((len(wavelength), len(names)), dtype=bool)
        for name, ranges in self.censored.items():
            if name not in names:
                raise ValueError(f"label {name!r} is censored but not trained; trained are {', '.join(names)}")
            for low, high in ranges:
                forbidden[:, names.index(name)] |= (wavelength >= low) & (wavelength <= high)
        i, j = term_pairs(len(names))
        allowed = np.ones((len(wavelength), n_terms(len(names))), dtype=bool)
        allowed[:, 1 : 1 + len(names)] = ~forbidden
        allowed[:, 1 + len(names) :] = ~(forbidden[:, i] | forbidden[:, j])
        return allowed

    def describe(self) -> str:
        """Name the priors in a short phrase, for headers."""
        names = {kind: name for known in (COEFFICIENTS, SCATTERS, NOISES) for name, kind in known.items()}
        scatter = "grid" if self.paper_grid else names[type(self.scatter)]
        phrase = f"theta {names[type(self.coefficients)]}, s {scatter}, kappa {names[type(self.noise)]}"
        return phrase + ", REML" * self.marginal + ", censored" * bool(self.censored)

    def to_json(self) -> str:
        """Write the options down, arrays as lists."""
        priors = {name: getattr(self, name) for name in ("coefficients", "scatter", "noise")}
        return json.dumps(
            {
                **{name: {"prior": type(prior).__name__, **_plain(asdict(prior))} for name, prior in priors.items()},
                "paper_grid": self.paper_grid,
                "marginal": self.marginal,
                "censored": {name: [list(pair) for pair in ranges] for name, ranges in self.censored.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "TrainingOptions":
        """Read what :meth:`to_json` wrote."""
        values = json.loads(text)
        kinds = {kind.__name__: kind for known in (COEFFICIENTS, SCATTERS, NOISES) for kind in known.values()}
        for name in ("coefficients", "scatter", "noise"):
            prior = dict(values[name])
            values[name] = kinds[prior.pop("prior")](**prior)
        values["censored"] = {name: [tuple(pair) for pair in ranges] for name, ranges in values["censored"].items()}
        return cls(**values)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: np.asarray(value).tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()
    }
