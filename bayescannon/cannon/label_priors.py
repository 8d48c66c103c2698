"""
Label priors built from a reference set: what is known of a star's labels because such stars were trained on.

A reference star counts once, with the labels of its first spectrum, however many spectra it has.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2

from bayescannon.cannon.choices import LABEL_PRIORS, SEED
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_distance import PAPER_CUT, PAPER_NEIGHBOURS, distance_scales
from bayescannon.data.parts import a_kind
from bayescannon.models.label_priors import BoxLabels, CoverageLabels, FlatLabels, LabelPrior, MixtureLabels
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.extreme_deconvolution import Mixture, choose_mixture, fit_mixture
from bayescannon.numerics.typing import FloatArray

# components that stand for the reference stars of a coverage prior
_N_CENTRES = 128
_CANDIDATES = (1, 2, 3, 4, 6, 8, 12)


def build_label_prior(name: str, model: TrainedModel | str | Path, *, seed: int = SEED) -> LabelPrior:
    """
    Build a prior from a model's reference set by its name on the command line.

    Parameters
    ----------
    name : {"flat", "box", "gaussian", "mixture", "coverage"}
    model : TrainedModel
    seed : int
        Of the mixture's and the coverage's clusters.

    Returns
    -------
    prior : LabelPrior
        FlatLabels, BoxLabels, MixtureLabels or CoverageLabels, in the labels' units.

    Raises
    ------
    ValueError
        An unknown name.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> bc.build_label_prior("box", bc.train(reference)).describe()
    'box teff ... to ..., logg ... to ...'
    """
    model = as_model(model)
    if name == "flat":
        return FlatLabels()
    if name == "box":
        return box_prior(model)
    if name == "gaussian":
        return mixture_prior(model, n_components=1)
    if name == "mixture":
        return mixture_prior(model, seed=seed)
    if name == "coverage":
        return coverage_prior(model, seed=seed)
    raise InputError(f"the prior must be one of {', '.join(LABEL_PRIORS)}; got {name!r}")


def as_label_prior(prior: LabelPrior | str | None, model: TrainedModel, *, seed: int = SEED) -> LabelPrior:
    """
    Return a prior of the labels from its object, its name on the command line, or None, which is flat.

    Raises
    ------
    InputError
        An unknown name.
    InputTypeError
        Neither a prior nor a name.
    """
    if prior is None or isinstance(prior, str):
        return build_label_prior(prior or "flat", model, seed=seed)
    if isinstance(prior, type) or not hasattr(prior, "density"):
        got = f"the class {prior.__name__}, make an object of it" if isinstance(prior, type) else a_kind(prior)
        raise InputTypeError(
            f"the prior must be one of {', '.join(LABEL_PRIORS)}, or a prior object such as FlatLabels(); got {got}"
        )
    return prior


def box_prior(model: TrainedModel, *, margin: float = 0.1) -> BoxLabels:
    """
    Return the range of the reference labels, wider by `margin` of itself at each end.

    Raises
    ------
    ValueError
        `margin` leaves no box.
    """
    if not margin > -0.5:
        raise InputError(f"margin must be above -0.5 of the range, or the box is empty; got {margin}")
    low, high = model.reference_labels.min(axis=0), model.reference_labels.max(axis=0)
    return BoxLabels(model.label_names, low - margin * (high - low), high + margin * (high - low))


def mixture_prior(model: TrainedModel, *, n_components: int | None = None, seed: int = SEED) -> MixtureLabels:
    """
    Fit a mixture of Gaussians to the true labels of the reference set: their errors are deconvolved.

    Parameters
    ----------
    model : TrainedModel
        Errors that its reference labels lack count as 0.
    n_components : int, optional
        Chosen by held-out likelihood unless given; 1 is a Gaussian.
    seed : int

    Raises
    ------
    ValueError
        Too few reference stars for so many components.
    """
    scaled, variance = _scaled_reference(model)
    if n_components is None:
        mixture = choose_mixture(scaled, variance, _CANDIDATES, seed=seed)
    else:
        mixture = fit_mixture(scaled, variance, n_components, seed=seed)
    return _in_units(mixture, model)


def coverage_prior(
    model: TrainedModel, *, widths: Mapping[str, float] | None = None, cut: float = PAPER_CUT, seed: int = SEED
) -> CoverageLabels:
    """
    Return a prior that is flat where the reference set is dense and falls off with label distance.

    Each reference star counts exp(-D / 2) with the label distance D (Ho et al. 2017, eq. 7) to it, and where ten stars
    at the paper's cut would be, the density has fallen to half. Neighbouring stars are merged into at most 128
    Gaussians with their moments.

    Parameters
    ----------
    model : TrainedModel
    widths : mapping of label name to float, optional
        K_l of the distance, in the labels' units; the paper's, of those labels that the model has, unless given.
    cut : float
        In label distance.
    seed : int
        Of the merging.

    Raises
    ------
    LabelError
        See :func:`bayescannon.data.label_distance.distance_scales`.
    ValueError
        The cut is not positive.
    """
    columns, width = distance_scales(model.label_names, widths)
    if not cut > 0:
        raise InputError(f"the cut in label distance must be positive; got {cut}")
    names = tuple(model.label_names[column] for column in columns)
    units = model.reference_labels[model.star_rows][:, columns] / width
    n_centre = min(_N_CENTRES, len(units))
    _, member = kmeans2(units, n_centre, minit="++", rng=np.random.default_rng(seed), missing="warn")
    counts, means, covariances = [], [], []
    for m in np.unique(member):
        own = units[member == m]
        mean = own.mean(axis=0)
        covariance = np.eye(len(names)) + (own - mean).T @ (own - mean) / len(own)
        # a kernel of unit height, widened by the stars' spread, is lower by the square root of its determinant
        counts.append(len(own) / np.sqrt(np.linalg.det(covariance)))
        means.append(mean * width)
        covariances.append(covariance * np.outer(width, width))
    return CoverageLabels(
        names, np.array(counts), np.array(means), np.array(covariances), PAPER_NEIGHBOURS * np.exp(-0.5 * cut)
    )


def prior_deviation(prior: LabelPrior, label_names: Sequence[str]) -> FloatArray:
    """Return the standard deviation of each label under a prior, shape (K,), in its unit; inf where it is improper."""
    deviation = np.full(len(label_names), np.inf)
    if isinstance(prior, BoxLabels):
        own = (prior.upper - prior.lower) / np.sqrt(12)
    elif isinstance(prior, MixtureLabels):
        centre = prior.weight @ prior.mean
        second = np.diagonal(prior.covariance, axis1=1, axis2=2) + (prior.mean - centre) ** 2
        own = np.sqrt(prior.weight @ second)
    else:
        return deviation
    for name, value in zip(prior.names, own, strict=True):
        deviation[list(label_names).index(name)] = value
    return deviation


def _scaled_reference(model: TrainedModel) -> tuple[FloatArray, FloatArray]:
    """Return scaled labels of the N reference stars and the variances of their errors, both (N, K)."""
    labels = model.reference_labels[model.star_rows]
    errors = np.zeros_like(labels) if model.reference_errors is None else model.reference_errors[model.star_rows]
    return model.scaler.to_scaled(labels), np.nan_to_num(errors / model.scaler.scale) ** 2


def _in_units(mixture: Mixture, model: TrainedModel) -> MixtureLabels:
    scaler = model.scaler
    return MixtureLabels(
        model.label_names, mixture.weight, scaler.from_scaled(mixture.mean),
        scaler.covariance_from_scaled(mixture.covariance),
    )  # fmt: skip
