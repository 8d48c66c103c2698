"""Labels of stars from their spectra: seven starts on the exact quartic and what they lead to, best optimum, errors."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon import __version__
from bayescannon.cannon.choices import FALSE_ALARMS, HIGH_REDUCED_CHI2, N_STARTS, SEED
from bayescannon.cannon.chosen_options import recipe_name
from bayescannon.cannon.coverage_flag import outside_coverage
from bayescannon.cannon.fit_check import warn_of_run
from bayescannon.cannon.information import GAP_MEASURES, information_left, too_little, with_prior
from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.offsets import CORRECTED, ERROR, OFFSET, check_offsets, subtract_offsets
from bayescannon.cannon.star_nuisances import star_nuisances, with_nuisances
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.data.spectra import IDENTITY_COLUMNS, STAR_COLUMNS, Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.created import creation_time
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.spread import spread_rows
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.numerics.whole_numbers import whole_number
from bayescannon.reliability.damage_errors import InformationLeft
from bayescannon.stars.modes import find_modes
from bayescannon.stars.optimum import LabelOptimum, best_optimum, find_labels, prior_dominates
from bayescannon.stars.quartic import Optima

LOW_SNR = 10.0
# share of the live pixels: more are no accidents but a spectrum that the model does not describe
MANY_OUTLIERS = 0.05


def draw_starts(model: TrainedModel, n_starts: int, *, seed: int) -> FloatArray:
    """
    Draw the labels of reference stars to start from, spread over the reference set.

    The released code draws seven at random, once for all stars. These are the same for all stars too, and the search
    goes on from where they lead (:func:`bayescannon.stars.modes.find_modes`).

    Returns
    -------
    starts : float array of shape (n_starts, K)
        Scaled labels; the first n of a longer draw with the same seed are the same.

    Raises
    ------
    ValueError
        `n_starts` is not between 1 and the number of reference stars.
    """
    n_starts, seed = whole_number(n_starts, "n_starts", least=1), whole_number(seed, "seed")
    if n_starts > model.n_stars:
        raise InputError(f"starts must be from 1 to the {model.n_stars} reference stars; got {n_starts}")
    labels = model.reference_labels[model.star_rows]
    # in deviations of the stars, not of the spectra: several spectra of a star change nothing
    deviation = labels.std(axis=0)
    rows = spread_rows(labels / np.where(deviation > 0, deviation, 1.0), n_starts, np.random.default_rng(seed))
    return model.scaler.to_scaled(labels[rows])


def label_spectra(
    model: TrainedModel | str | Path,
    spectra: Spectra | str | Path,
    *,
    prior: LabelPrior | str | None = None,
    nuisances: Nuisances | None = None,
    correct_offsets: bool = False,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Find the labels of stars by least squares (Ho et al. 2017, section 4), exactly, from several starts.

    With a prior, the labels are those of the maximum of the posterior, and the formal covariance has its curvature.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    spectra : Spectra, or path of a store
        N stars on the model's grid. A store is loaded whole; :func:`bayescannon.app.stores.label_store` labels one
        block by block.
    prior : prior object or its name on the command line, optional
        See :mod:`bayescannon.models.label_priors`; a name stands for the prior built from the model's reference set
        (:func:`bayescannon.cannon.label_priors.build_label_prior`). Flat, as in the paper, unless given.
    nuisances : Nuisances, optional
        Errors of the stars' velocities, line spreads and continua, integrated out of the likelihood
        (:mod:`bayescannon.models.nuisances`); those of the model's training unless given.
    correct_offsets : bool
        Subtract the expected offsets from the labels: see :func:`bayescannon.cannon.offsets.subtract_offsets`.
    n_starts : int
        Reference stars whose labels are tried as starts; the paper takes seven. The search goes on from where they
        lead, to where another minimum may lie (:func:`bayescannon.stars.modes.find_modes`).
    seed : int
        Decides which; the same seed gives the same labels.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    estimates : xarray.Dataset
        Dims star, stellar_label, stellar_label_2. ``labels`` and ``formal_covariance`` (J^T W J)^-1 in the labels'
        units (NaN where there is no fit), ``chi2``, ``reduced_chi2`` (live pixels - K degrees of freedom),
        ``live_pixels``, ``agreeing_starts``, ``status`` (:class:`~bayescannon.data.flags.FitStatus`), ``flags``
        (:class:`~bayescannon.data.flags.ResultFlag`; OUTSIDE_COVERAGE as
        :func:`~bayescannon.cannon.coverage_flag.outside_coverage` decides), and ra, dec, redshift, snr and the star's
        names (:data:`~bayescannon.data.spectra.IDENTITY_COLUMNS`) as the survey gave them. ``typical_error`` is the
        formal error that the star's pixels give at the labels of the reference stars, on average, and ``dead_share``
        and ``one_sided`` measure its gaps (:func:`~bayescannon.data.lost_pixels.gap_measures`). A calibrated model adds
        ``calibrated_error``: the true label is that near with a probability of 68.3 %; it is never below the formal
        error; and ``expected_offset``, the mean of (inferred - true) of stars with such labels and S/N, with
        ``corrected_error``, the calibrated error around (label - expected offset). Nuisances add ``rv_residual``
        [km/s], positive where lines are at longer wavelengths than in the training, and ``line_spread`` [km^2/s^2], by
        which the variance of the lines exceeds that of the training, with ``rv_residual_error`` and
        ``line_spread_error``; their part is not in chi2. A model whose stars have noise scales of their
        own adds ``noise_scale``, by which the reported errors were multiplied.
        A model trained with outliers adds ``outlying_pixels``, how many pixels have lost more than half of their
        weight, and its chi2 has the weights that are left.

    Raises
    ------
    GridError
        The spectra are on another grid.
    LabelError
        The prior is of a label that the model does not have.
    InputError
        Corrected labels are asked of a model without calibration.

    Warns
    -----
    BayesCannonWarning
        The spectra were prepared otherwise than those of the training; the model was qualified with other nuisances;
        the inverse variances cannot be those of the flux; or the model does not describe most of the spectra.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> estimates = bc.label_spectra(bc.train(reference), spectra, prior="gaussian")
    >>> estimates["labels"].sel(stellar_label="teff").shape
    (100,)
    >>> estimates.attrs["prior"]
    'Gaussian of teff, logg'
    """
    model, spectra = with_nuisances(as_model(model), nuisances), as_spectra(spectra)
    check_offsets(model, wanted=correct_offsets)
    prior = as_label_prior(prior, model, seed=seed)
    likelihood = StarLikelihood.of(model, spectra, prior=prior, workers=workers)
    search = search_optima(likelihood, prior=prior, n_starts=n_starts, seed=seed, workers=workers)
    estimates = estimate_labels(likelihood, search, workers=workers)
    warn_of_run(estimates, NoiseFinding.of(spectra.flux, spectra.ivar))
    return subtract_offsets(estimates) if correct_offsets else estimates


@dataclass(frozen=True)
class Search:
    """
    The minima that were found for N stars, under a prior.

    Attributes
    ----------
    prior : prior object
    density : LabelDensity
        The prior as the solvers take it.
    starts : float array of shape (start, K)
        Scaled labels, from :func:`draw_starts`.
    optima : Optima
    seed : int
        That decided the starts.
    """

    prior: LabelPrior
    density: LabelDensity
    starts: FloatArray
    optima: Optima
    seed: int


def search_optima(
    likelihood: StarLikelihood,
    *,
    prior: LabelPrior | str | None = None,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
) -> Search:
    """
    Find the minima of each star from several starts, for labels and for posteriors.

    Parameters and exceptions are those of :func:`label_spectra`.
    """
    model = likelihood.model
    prior = as_label_prior(prior, model, seed=seed)
    density = prior.density(model.scaler)
    starts = draw_starts(model, n_starts, seed=seed)
    optima = find_modes(likelihood.quartic, starts, density=density, workers=workers)
    return Search(prior, density, starts, optima, seed)


def estimate_labels(
    likelihood: StarLikelihood, search: Search, *, false_alarms: float = FALSE_ALARMS, workers: int | None = None
) -> xr.Dataset:
    """Take the best optima of stars, with errors and flags: what :func:`label_spectra` returns."""
    found = best_optimum(likelihood.quartic, search.optima, density=search.density, workers=workers)
    if likelihood.settled is not None:
        moving = found.converged & ~likelihood.settled.settled
        found = replace(found, status=np.where(moving, FitStatus.NOT_CONVERGED, found.status).astype(np.int16))
    outliers = likelihood.model.populations.outliers
    if outliers is not None:
        # the weights are of pixels that are known to be outliers or not; that this is not known costs information
        found = replace(found, covariance=found.covariance / outliers.information)
    dominated = np.zeros(len(likelihood), dtype=bool)
    if not search.density.is_flat:
        dominated = prior_dominates(found, find_labels(likelihood.quartic, search.starts, workers=workers))
    return _assemble(likelihood, search, found, dominated, false_alarms=false_alarms, workers=workers)


def _assemble(
    likelihood: StarLikelihood,
    search: Search,
    found: LabelOptimum,
    dominated: BoolArray,
    *,
    false_alarms: float,
    workers: int | None,
) -> xr.Dataset:
    """Put the solution into the labels' units, flag it, and name its dims."""
    model, spectra = likelihood.model, likelihood.spectra
    labels = model.scaler.from_scaled(found.scaled)
    covariance = model.scaler.covariance_from_scaled(found.covariance)
    n_star, n_label = labels.shape
    n_starts = len(search.starts)
    degrees = found.live_pixels - n_label
    reduced = found.chi2 / np.where(degrees > 0, degrees, 1)
    columns = {name: spectra.columns.get(name, np.full(n_star, np.nan)) for name in STAR_COLUMNS}
    left = information_left(likelihood, workers=workers)
    conditions = {
        ResultFlag.HIGH_CHI2: reduced > HIGH_REDUCED_CHI2,
        ResultFlag.NOT_CONVERGED: ~found.converged,
        ResultFlag.FEW_PIXELS: found.live_pixels < len(model.wavelength) / 2,
        ResultFlag.MULTIMODAL: found.rivals | (found.agreeing_starts < n_starts / 2),
        ResultFlag.OUTSIDE_COVERAGE: outside_coverage(model, labels, false_alarms=false_alarms)[1],
        ResultFlag.LOW_SNR: columns["snr"] < LOW_SNR,
        ResultFlag.PRIOR_DOMINATED: dominated,
        ResultFlag.LITTLE_INFORMATION: too_little(model, left),
    }
    if likelihood.outlying is not None:
        conditions[ResultFlag.MANY_OUTLIERS] = likelihood.outlying > MANY_OUTLIERS * found.live_pixels
    nuisances = star_nuisances(likelihood, found)
    if nuisances is not None:
        conditions[ResultFlag.LARGE_NUISANCE] = nuisances.large
    flags = sum((np.where(mask, int(flag), 0) for flag, mask in conditions.items()), np.zeros(n_star, dtype=np.int32))
    pair = ("star", "stellar_label", "stellar_label_2")
    return xr.Dataset(
        {
            "labels": (("star", "stellar_label"), labels),
            "formal_covariance": (pair, covariance),
            **_calibrated(likelihood, search, found, left),
            "typical_error": (("star", "stellar_label"), left.typical * model.scaler.scale),
            **{name: ("star", values) for name, values in zip(GAP_MEASURES, left.gaps.T, strict=True)},
            "chi2": ("star", found.chi2),
            "reduced_chi2": ("star", reduced),
            "live_pixels": ("star", found.live_pixels),
            **({} if likelihood.outlying is None else {"outlying_pixels": ("star", likelihood.outlying)}),
            "agreeing_starts": ("star", found.agreeing_starts),
            "status": ("star", found.status),
            "flags": ("star", flags.astype(np.int32)),
            **({} if nuisances is None else nuisances.variables()),
            **({} if likelihood.kappa is None else {"noise_scale": ("star", likelihood.kappa)}),
            **{name: ("star", values) for name, values in columns.items()},
            **{name: ("star", spectra.columns[name]) for name in IDENTITY_COLUMNS if name in spectra.columns},
        },
        coords={
            "star": spectra.id,
            "stellar_label": list(model.label_names),
            "stellar_label_2": list(model.label_names),
        },
        attrs={
            "version": __version__,
            "model_hash": model.hash,
            "n_starts": n_starts,
            "seed": search.seed,
            "data_release": str(spectra.attrs.get("data_release", "")),
            "model_release": model.provenance.data_release,
            "preset": str(spectra.attrs.get("preset", "")),
            "reference": model.describe_reference(),
            "recipe": recipe_name(model.options),
            "priors": model.describe_priors(),
            "prior": search.prior.describe(),
            "errors": "formal" if model.calibration is None else model.calibration.describe(),
            **({} if nuisances is None else {"nuisances": nuisances.nuisances.describe()}),
            "kappa": f"{np.median(model.noise_scale):.4f}",
            **creation_time(),
        },
    )


def _calibrated(
    likelihood: StarLikelihood, search: Search, found: LabelOptimum, left: InformationLeft
) -> dict[str, tuple[tuple[str, str], FloatArray]]:
    """Return the calibrated errors and offsets as variables; nothing of a model without calibration."""
    model = likelihood.model
    if model.calibration is None:
        return {}
    if not search.density.is_flat:
        left = with_prior(left, likelihood, found.scaled, search.density)
    predicted = model.calibration.predict(found.scaled, found.formal, likelihood.snr, left)
    found_of = {OFFSET: predicted.location, ERROR: predicted.interval(), CORRECTED: predicted.corrected().interval()}
    return {name: (("star", "stellar_label"), values * model.scaler.scale) for name, values in found_of.items()}


def formal_errors(estimates: xr.Dataset) -> NDArray[np.float64]:
    """Return the formal errors, shape (star, K), in the labels' units: roots of the covariances' diagonals."""
    covariance = estimates["formal_covariance"].to_numpy()
    return np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))


def error_power(estimates: xr.Dataset) -> FloatArray:
    """
    Return the squared ratio of formal and calibrated errors, shape (N,), in the mean over labels and at most 1.

    As if the noise of the pixels were larger by as much as the errors of labels are; 1 for stars without calibrated
    errors. For pairs it is a lower bound, since calibrated errors hold those of the reference labels too.
    """
    if "calibrated_error" not in estimates:
        return np.ones(estimates.sizes["star"])
    formal, calibrated = formal_errors(estimates), estimates["calibrated_error"].to_numpy()
    known = np.isfinite(formal) & np.isfinite(calibrated)
    logs = np.log(np.where(known, formal / np.where(known, calibrated, 1.0), 1.0)).mean(axis=1)
    power: FloatArray = np.minimum(np.exp(2 * logs), 1.0)
    return power
