"""What is believed and chosen in training: priors, noise, censored pixels; as one object that can be written down."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.censored_pixels import allowed_terms, check_censored
from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.choices import (
    AUTO,
    COEFFICIENTS,
    EXACT_SCATTER,
    GRID_SCATTER,
    LEARN,
    N_HIDDEN,
    NOISES,
    OUTLIERS,
    SCATTERS,
    NuisanceChoices,
    TrainingChoices,
)
from bayescannon.data.convert import number
from bayescannon.data.labels import labels_from_names
from bayescannon.models.coefficient_priors import (
    CoefficientPrior,
    FlatCoefficients,
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
    PriorError,
)
from bayescannon.models.noise_priors import (
    FixedNoise,
    FlatScatter,
    GlobalNoise,
    HalfNormalScatter,
    NoisePrior,
    PixelNoise,
    PooledScatter,
    ScatterPrior,
    StarNoise,
)
from bayescannon.models.nuisances import Nuisances
from bayescannon.models.outliers import MixtureOutliers, NoOutliers, OutlierPrior
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.label_population import ReferenceErrorError

# the classes of the names on the command line and in configurations
_COEFFICIENTS: dict[str, type[Any]] = dict(
    zip(
        COEFFICIENTS,
        (FlatCoefficients, NormalCoefficients, PooledCoefficients, LaplaceCoefficients, SmoothCoefficients),
        strict=True,
    )
)
_SCATTERS: dict[str, type[Any]] = dict(zip(SCATTERS, (FlatScatter, HalfNormalScatter, PooledScatter), strict=True))
_NOISES: dict[str, type[Any]] = dict(zip(NOISES, (FixedNoise, GlobalNoise, PixelNoise, StarNoise), strict=True))
_OUTLIERS: dict[str, type[Any]] = dict(zip(OUTLIERS, (NoOutliers, MixtureOutliers), strict=True))
# fields that are prior objects, and the classes of their names
_KINDS = {"coefficients": _COEFFICIENTS, "scatter": _SCATTERS, "noise": _NOISES, "outliers": _OUTLIERS}
PRIORS = tuple(_KINDS)
# where the errors of reference labels come from, if not given as numbers
ERROR_SOURCES = ("table", LEARN, AUTO)


@dataclass(frozen=True)
class TrainingOptions:
    """
    Choices of a training; the defaults are the paper's.

    Attributes
    ----------
    coefficients, scatter, noise : prior objects, or their names
        A name, as on the command line, stands for the prior with its defaults. See
        :mod:`bayescannon.models.coefficient_priors`.
    outliers : NoOutliers or MixtureOutliers, or their names
        Whether pixels can be outliers, in training and in labelling: see :mod:`bayescannon.models.outliers`.
    paper_grid : bool
        Find the scatters by the paper's grid and parabola, for comparison; needs the flat priors.
    marginal : bool
        Integrate the coefficients out of the likelihood of the scatters (REML).
    censored : mapping of label name to sequence of (low, high)
        Wavelength ranges [Angstrom] whose pixels may not depend on the label.
    label_errors : "table", "learn", "auto", mapping of label name to float, or None
        Standard errors of the reference labels: those of the label table, or constants in the labels' units, beside
        which the table's count for the labels that are not named. 0 is an exact label. "learn" takes the table's, or
        part of the labels' scatter where it has none, and fits a factor for each label; "auto" does so if held-out
        stars gain by it. None takes all labels as exact, as the paper does.
    n_hidden : int, "auto" or None
        Hidden components of the spectra: see :mod:`bayescannon.pixels.latent_label_fit`. "auto" takes as many as
        held-out stars gain from (:mod:`bayescannon.pixels.component_choice`); None is 12 where labels have errors, and
        none where they are exact.
    nuisances : Nuisances
        Errors of each star's velocity, line spread and continuum, in training and in labelling; none unless given.

    Examples
    --------
    >>> from bayescannon.models.coefficient_priors import PooledCoefficients
    >>> options = TrainingOptions(coefficients=PooledCoefficients(), censored={"teff": [(5885.0, 5900.0)]})
    >>> options.describe()
    'theta pooled, s flat, kappa fixed, censored'
    >>> TrainingOptions.from_json(options.to_json()) == options
    True
    """

    coefficients: CoefficientPrior = field(default_factory=FlatCoefficients)
    scatter: ScatterPrior = field(default_factory=FlatScatter)
    noise: NoisePrior = field(default_factory=FixedNoise)
    outliers: OutlierPrior = field(default_factory=NoOutliers)
    paper_grid: bool = False
    marginal: bool = False
    censored: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    label_errors: str | Mapping[str, float] | None = None
    n_hidden: int | str | None = None
    nuisances: Nuisances = field(default_factory=Nuisances)

    def __post_init__(self) -> None:
        for name, known in _KINDS.items():
            given = getattr(self, name)
            if isinstance(given, str) and given in known:
                object.__setattr__(self, name, known[given]())
            elif type(given).__module__ == "builtins":
                raise ChoiceError(f"{name} must be one of {', '.join(known)}, or a prior; got {given!r}")
        priors = (self.coefficients, self.scatter, self.noise, self.outliers)
        plain = priors == (FlatCoefficients(), FlatScatter(), FixedNoise(), NoOutliers()) and not (
            self.marginal or self.censored
        )
        if not isinstance(self.nuisances, Nuisances):
            raise InputTypeError(f"nuisances must be Nuisances(...); got {self.nuisances!r}")
        if self.paper_grid and not (plain and not self.has_latent and not self.nuisances):
            raise InputError(
                "the paper's grid of scatters goes with flat priors, kappa = 1, exact labels, no hidden components, "
                "outliers or nuisances and nothing censored"
            )
        for name in ("paper_grid", "marginal"):
            if not isinstance(getattr(self, name), bool):
                raise ChoiceError(f"{name} must be True or False; got {getattr(self, name)!r}")
        if self.label_errors is not None:
            self._check_label_errors(self.label_errors)
        self._check_hidden()
        check_censored(self.censored)

    def _check_label_errors(self, label_errors: str | Mapping[str, float]) -> None:
        """Raise if the errors make no sense, or do not go with the priors."""
        if isinstance(label_errors, str):
            if label_errors not in ERROR_SOURCES:
                raise ReferenceErrorError(
                    f"label errors must be {', '.join(map(repr, ERROR_SOURCES))} or an error for each label, as "
                    f"teff=90; got {label_errors!r}"
                )
        else:
            if not isinstance(label_errors, Mapping) or not label_errors:
                raise ReferenceErrorError(
                    f"label errors must be {', '.join(map(repr, ERROR_SOURCES))}, None or a mapping of label to error, "
                    f"as {{'teff': 90}}; got {label_errors!r}"
                )
            found = {}
            for label, error in zip(labels_from_names(list(label_errors)), label_errors.values(), strict=True):
                found[label.name] = number(error, f"the error of {label.name}", unit=label.unit)
                if not 0 <= found[label.name] < np.inf:
                    raise ReferenceErrorError(
                        f"the error of {label.name} must be finite and not negative; got {error!r}"
                    )
            object.__setattr__(self, "label_errors", found)

    def _check_hidden(self) -> None:
        """Raise if hidden components are no number, or do not go with the priors."""
        number: Any = self.n_hidden
        is_count = isinstance(number, int | np.integer) and not isinstance(number, bool) and number >= 0
        if not (is_count or number is None or (isinstance(number, str) and number == AUTO)):
            raise ReferenceErrorError(f"n_hidden must be 'auto' or a whole number of at least 0; got {number!r}")
        if not self.has_latent:
            return
        what = "label errors" if self.label_errors is not None else "hidden components"
        if isinstance(self.coefficients, LaplaceCoefficients | SmoothCoefficients):
            kind = type(self.coefficients).__name__
            raise PriorError(
                f"{kind} have no exact solver together with {what}; take flat, normal or pooled coefficients, or "
                f"leave the {what} out"
            )
        if self.marginal:
            raise PriorError(
                f"scatters with the coefficients integrated out (marginal) have no exact solver together with {what}, "
                "whose objective needs the coefficients' maximum; leave one of the two out"
            )

    @property
    def components(self) -> int | None:
        """Number of hidden components; None where held-out stars decide."""
        if self.n_hidden is None:
            return 0 if self.label_errors is None else N_HIDDEN
        return None if isinstance(self.n_hidden, str) else self.n_hidden

    @property
    def has_latent(self) -> bool:
        """Whether stars may have hidden components or latent labels."""
        return self.label_errors is not None or self.components != 0

    @property
    def is_open(self) -> bool:
        """Whether held-out stars decide on hidden components or latent labels."""
        return self.label_errors == AUTO or self.components is None

    @classmethod
    def from_names(cls, **choices: Any) -> "TrainingOptions":
        """
        Make the options from the names of the command line and of configurations.

        Parameters
        ----------
        choices
            Fields of :class:`bayescannon.cannon.choices.TrainingChoices`.

        Raises
        ------
        ChoiceError, InputError
            An unknown name, or choices that do not go together.
        """
        known = [item.name for item in fields(TrainingChoices)]
        for name in choices:
            if name not in known:
                raise ChoiceError(f"{name!r} is no choice of the training; the choices are {', '.join(known)}")
        return cls.from_choices(TrainingChoices(**choices))

    @classmethod
    def from_choices(cls, choices: TrainingChoices) -> "TrainingOptions":
        """
        Make the options from choices by name.

        Raises
        ------
        ChoiceError, InputError
            Choices that do not go together.
        """
        is_grid = choices.scatter == GRID_SCATTER
        scatter = "flat" if choices.scatter in (GRID_SCATTER, EXACT_SCATTER) else choices.scatter
        if choices.coefficients is None or choices.noise is None:
            raise AssertionError("the recipe fills what is not given")
        shape: dict[str, Any] = {} if choices.coefficients == "flat" else {"terms": choices.terms}
        if choices.coefficient_scale is not None:
            if choices.coefficients in ("flat", "pooled"):
                raise ChoiceError(f"{choices.coefficients} coefficients have no scale to set; leave it out")
            shape["scale"] = choices.coefficient_scale
        if choices.scatter_scale is not None and scatter != "half-normal":
            raise ChoiceError(f"{scatter} scatter has no scale to set; leave it out")
        if choices.kappa != 1.0 and choices.noise != "fixed":
            raise ChoiceError(f"{choices.noise} noise learns kappa; leave it out, or take fixed noise")
        errors = choices.label_errors
        return cls(
            coefficients=_COEFFICIENTS[choices.coefficients](**shape),
            scatter=_SCATTERS[scatter](**({} if choices.scatter_scale is None else {"scale": choices.scatter_scale})),
            noise=_NOISES[choices.noise](**({"kappa": choices.kappa} if choices.noise == "fixed" else {})),
            outliers=_OUTLIERS[choices.outliers](),
            paper_grid=is_grid,
            marginal=choices.marginal,
            censored={name: [(low, high) for low, high in ranges] for name, ranges in choices.censored.items()},
            label_errors=dict(errors) if isinstance(errors, Mapping) else errors,
            n_hidden=choices.hidden,
            nuisances=choose_nuisances(choices, Nuisances()),
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
        return allowed_terms(self.censored, wavelength, label_names)

    def describe(self) -> str:
        """Name the priors in a short phrase, for headers."""
        names = {kind: name for known in _KINDS.values() for name, kind in known.items()}
        scatter = "grid" if self.paper_grid else names[type(self.scatter)]
        phrase = f"theta {names[type(self.coefficients)]}, s {scatter}, kappa {names[type(self.noise)]}"
        if self.outliers != NoOutliers():
            phrase += f", outliers {names[type(self.outliers)]}"
        phrase += ", REML" * self.marginal + ", censored" * bool(self.censored)
        if self.label_errors is not None:
            phrase += f", label errors {self.label_errors if isinstance(self.label_errors, str) else 'given'}"
        if self.has_latent:
            phrase += f", {AUTO if self.components is None else self.components} hidden"
        if self.nuisances:
            phrase += f", {self.nuisances.describe()}"
        return phrase

    def to_dict(self) -> dict[str, Any]:
        """Write the options down as plain values: numbers, texts, lists and dicts."""
        priors = {name: getattr(self, name) for name in PRIORS}
        return {
            **{name: {"prior": type(prior).__name__, **_plain(asdict(prior))} for name, prior in priors.items()},
            "paper_grid": self.paper_grid,
            "marginal": self.marginal,
            "censored": {name: [list(pair) for pair in ranges] for name, ranges in self.censored.items()},
            "label_errors": dict(self.label_errors) if isinstance(self.label_errors, Mapping) else self.label_errors,
            "hidden": self.n_hidden,
            "nuisances": asdict(self.nuisances),
        }

    def to_json(self) -> str:
        """Write :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingOptions":
        """
        Read what :meth:`to_dict` wrote; choices that an older version did not know are the defaults.

        Raises
        ------
        InputError
            A choice or a prior that this version does not know.
        """
        known = [item.name for item in fields(cls)]
        unknown = sorted(set(values) - {*known, "hidden"})
        if unknown:
            raise InputError(
                f"the training options hold {unknown[0]!r}, and this version knows {', '.join(known)}; "
                "read them with the version that wrote them, or a later one"
            )
        read: dict[str, Any] = dict(values)
        # versions before 0.5 wrote n_hidden, which counted with label errors only
        before = read.pop("n_hidden", None) if values.get("label_errors") is not None else None
        read.pop("n_hidden", None)
        read["n_hidden"] = read.pop("hidden", before)
        kinds = {kind.__name__: kind for prior in _KINDS.values() for kind in prior.values()}
        for name in (name for name in PRIORS if name in values):
            prior = dict(values[name])
            kind = prior.pop("prior")
            if kind not in kinds:
                raise InputError(f"the {name} prior {kind!r} is not one of {', '.join(kinds)}")
            read[name] = kinds[kind](**prior)
        read["censored"] = {name: [tuple(pair) for pair in ranges] for name, ranges in values["censored"].items()}
        read["nuisances"] = Nuisances(**values.get("nuisances", {}))
        return cls(**read)

    @classmethod
    def from_json(cls, text: str) -> "TrainingOptions":
        """Read what :meth:`to_json` wrote; see :meth:`from_dict`."""
        return cls.from_dict(json.loads(text))


def choose_nuisances(choices: NuisanceChoices, default: Nuisances | None = None) -> Nuisances:
    """
    Return the nuisances of choices by name; where a choice is not made, that of `default`, or none.

    Raises
    ------
    ChoiceError
        An order of the continuum's polynomials without a prior of their coefficients.
    InputError
        A prior that is no width.
    """
    found: dict[str, Any] = {
        "velocity": choices.velocity_prior,
        "line_spread": choices.line_spread_prior,
        "continuum": choices.continuum_prior,
        "continuum_order": choices.continuum_order,
    }
    chosen = replace(default or Nuisances(), **{name: value for name, value in found.items() if value is not None})
    alone = choices.continuum_order is not None and choices.continuum_prior is None
    # without a default, that of a model may follow
    if alone and default is not None and not chosen.continuum:
        raise ChoiceError(
            f"continuum_order={choices.continuum_order} has no effect without a continuum prior; give both "
            "(--continuum-prior 0.01, continuum_prior = 0.01)"
        )
    return chosen


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: np.asarray(value).tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()
    }
