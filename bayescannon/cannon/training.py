"""Training: a reference set in, a trained model out, with the paper's 4-sigma clip of wrong labels."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import CLIP_SIGMA, N_STARTS, SEED
from bayescannon.cannon.chosen_options import choose_options
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.latent_training import LatentTraining, require_latent_memory, train_latent
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.provenance import Provenance
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError, needs_errors, take_errors
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.reference_fit import fit_reference
from bayescannon.cannon.start import can_hold, has_learned, held_fit, needs_memory, start_of
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import LabelError, LabelScaler
from bayescannon.data.noise_check import NoiseFinding, rows_to_measure
from bayescannon.data.spectra import Spectra, require_normalised, require_same_grid
from bayescannon.data.tally import tally_text
from bayescannon.io.mapped_spectra import require_in_memory
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.tile_size import STAR_TILE
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.numerics.whole_numbers import whole_number
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.nuisance_fit import without_nuisances
from bayescannon.pixels.solver import Solver

# Far more rounds than any clip needed; every round is a row of the tally
_MAX_CLIP_ROUNDS = 20
# spectra that are labelled at once: whole tiles, so that labels do not depend on it
_LABELLED = 64 * STAR_TILE
_CLIP_SOURCE = "Ho et al. 2017, section 3"


def train(
    reference: ReferenceSet | str | Path,
    *,
    options: TrainingOptions | None = None,
    workers: int | None = None,
    **choices: Any,
) -> TrainedModel:
    """
    Fit the spectral model (equations 3 to 6 of Ho et al. 2017) to a reference set: its maximum a posteriori.

    Each spectrum counts by its inverse variances, so that a star with several spectra counts several times, as in the
    paper: the coefficients stay unbiased, and what noise is averaged is. Everything that says how well the model does
    counts stars: folds, bootstraps, jackknife, calibration and coverage. The errors of the coefficients themselves
    (`covariance`) take spectra as independent.

    Parameters
    ----------
    reference : ReferenceSet, or path of its file
    options : TrainingOptions, optional
        Priors, noise, censored pixels, label errors and nuisances; the paper's unless given. With label errors the
        populations and the noise scale are those learned from the reported labels, and the model has hidden components.
    workers : int or None
        Threads; None takes every core.
    **choices
        Instead of `options`, choices by their names on the command line, as ``coefficients="pooled"``,
        ``noise="global"``: fields of :class:`bayescannon.cannon.choices.TrainingChoices`.

    Returns
    -------
    model : TrainedModel

    Raises
    ------
    ReferenceSetError
        Fewer stars than twice the number of terms and hidden components, or no pixel that can be fitted.
    LabelError
        A label is constant over the stars.
    ReferenceErrorError
        Label errors are asked for that the reference set lacks, or they are as large as the spread of the labels.
    PriorError
        A prior without an exact solver.
    InputError
        The flux is not normalised.

    Warns
    -----
    BayesCannonWarning
        The inverse variances cannot be those of the flux, see :mod:`bayescannon.data.noise_check`.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model = bc.train(reference, coefficients="pooled", noise="global")
    >>> model.options.describe()
    'theta pooled, s flat, kappa global'
    >>> model.predict([4800.0, 2.5]).shape
    (3626,)
    """
    reference, options = as_reference(reference), choose_options(options, choices)
    _look_at_noise(reference.spectra)
    return _train(reference, options, workers=workers)


def train_near(model: TrainedModel, reference: ReferenceSet, *, workers: int | None = None) -> TrainedModel:
    """
    Train on other stars of the same kind, from a model's scatters, noise scale, populations and loadings on.

    Parameters
    ----------
    model : TrainedModel
        Trained on nearly the same stars. What held-out stars decided for it is kept. Where it has hidden components or
        latent labels, its noise scale and populations are kept too.
    reference : ReferenceSet
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    model : TrainedModel
    """
    return _train(reference, model.settled_options, near=model, workers=workers)


def _train(
    reference: ReferenceSet, options: TrainingOptions, *, near: TrainedModel | None = None, workers: int | None
) -> TrainedModel:
    """Train without a look at the noise, as :func:`train_clipped` does again and again."""
    if needs_errors(options.label_errors):
        reference = take_errors(reference, options.label_errors)
    reference.require_enough(n_hidden=options.components or 0)
    for what in needs_memory(options):
        require_in_memory(reference.spectra, what)
    if options.has_latent:
        n_star, n_pixel = reference.spectra.flux.shape
        require_latent_memory(n_star, n_pixel, options, n_terms(len(reference.label_names)))
    require_normalised(reference.spectra.select(rows_to_measure(len(reference))))
    scaler = LabelScaler.fit(reference.labels, reference.label_names)
    spectra = reference.spectra
    vectors = label_vector(scaler.to_scaled(reference.labels))
    fit = partial(
        fit_reference,
        vectors,
        spectra.flux,
        spectra.ivar,
        options,
        wavelength=spectra.wavelength,
        label_names=scaler.names,
    )
    exact = Solver(workers=workers)
    if near is None or not has_learned(options):
        # nothing that is learned by rounds: the start would change the last digits and nothing else
        result = fit(solver=replace(exact, rough=options.has_latent))
    elif options.has_latent and can_hold(options):
        result = held_fit(near, scaler)
    else:
        result = fit(start=start_of(near), solver=exact)
    _require_live(result.fit, reference)
    trained = LatentTraining(result.fit, None, None, None)
    if options.has_latent:
        clean = without_nuisances(
            result, scaler.to_scaled(reference.labels), spectra.flux, spectra.ivar, wavelength=spectra.wavelength,
            nuisances=options.nuisances, workers=workers,
        )  # fmt: skip
        flux, ivar = clean
        variance = (reference.errors / scaler.scale) ** 2
        stars = ReportedStars(scaler.to_scaled(reference.labels), variance, flux, result.star_ivar(ivar))
        trained = (
            train_latent(
                stars, scaler, result, options, reference.star_number,
                loadings=None if near is None else near.loadings, workers=workers,
            )
            or trained
        )  # fmt: skip
        if trained.loadings is None and trained.learned is None:
            result = fit(start=result, solver=exact)
            trained = replace(trained, pixels=result.fit)
        _require_live(trained.pixels, reference)
    return TrainedModel(
        spectra.wavelength,
        scaler,
        trained.pixels,
        spectra.id,
        reference.labels,
        kappa=result.kappa,
        loadings=trained.loadings,
        reference_errors=reference.errors if trained.errors is None else trained.errors,
        options=options,
        populations=result.populations,
        latent_labels=trained.learned,
        component_choice=trained.choice,
        tally=reference.tally,
        star=reference.star,
        label_source=reference.source,
        provenance=Provenance.of_spectra(spectra.attrs),
    )


def _require_live(fit: PixelFit, reference: ReferenceSet) -> None:
    if not fit.live.any():
        scaled = LabelScaler.fit(reference.labels, reference.label_names).to_scaled(reference.labels)
        vectors = label_vector(scaled)
        if np.linalg.matrix_rank(vectors) < vectors.shape[1]:
            raise LabelError(
                f"the labels {', '.join(reference.label_names)} of the {len(reference)} reference stars must be "
                "independent of each other; their label vectors are not, so that no pixel can be fitted. Leave one "
                "label out, and look for labels that are the same for most stars"
            )
        raise ReferenceSetError(
            f"none of the {len(fit.scatter)} pixels has enough live reference stars to be fitted; look at the "
            "inverse variances of the spectra\n" + tally_text(reference.tally)
        )


def training_stars(model: TrainedModel, reference: ReferenceSet) -> ReferenceSet:
    """
    Return the stars that a model was trained on, in its order, out of a reference set that may hold more.

    Raises
    ------
    ReferenceSetError
        A star of the model is not in the set, or its labels are not those of the training.
    GridError
        The spectra are on another grid than the model.
    """
    require_same_grid(reference.spectra.wavelength, model.wavelength, got_from="the spectra", want_from="the model")
    rows = rows_of(reference.spectra.id, model.reference_id)
    same_names = reference.label_names == model.label_names
    if (rows < 0).any() or not same_names:
        missing = str(model.reference_id[rows.argmin()])
        reason = f"it lacks {missing!r}" if same_names else f"its labels are {', '.join(reference.label_names)}"
        raise ReferenceSetError(
            f"the reference set is not that of the model, which was trained on {', '.join(model.label_names)} of "
            f"{len(model.reference_id)} stars: {reason}; give the set that the model was trained on"
        )
    stars = reference if np.array_equal(rows, np.arange(len(reference))) else reference.select(rows)
    if not np.allclose(stars.labels, model.reference_labels, rtol=1e-6, atol=1e-6 * model.scaler.scale):
        raise ReferenceSetError(
            "the labels of the reference set are not those that the model was trained on; give the set that it was "
            "trained on, or train anew"
        )
    return stars


def train_clipped(
    reference: ReferenceSet | str | Path,
    *,
    n_sigma: float = CLIP_SIGMA,
    max_rounds: int | None = None,
    options: TrainingOptions | None = None,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
    **choices: Any,
) -> tuple[TrainedModel, ReferenceSet]:
    """
    Train, label the reference stars, drop those with a label off by more than `n_sigma` scatters; repeat.

    A star whose fit fails is dropped too. Of a star with several spectra those that are off are dropped, which are bad
    spectra, and all of them if at least half are off, because then its labels are. Ho et al. (2017) do one round; here
    the rounds go on until no star is dropped, or for `max_rounds`.

    Parameters
    ----------
    reference : ReferenceSet, or path of its file
    n_sigma : float
        In units of the standard deviation of (inferred - reference) of each label.
    max_rounds : int or None
        0 never clips; None goes on until the set is stable.
    options : TrainingOptions, optional
        As in :func:`train`.
    seed : int
        Decides the starts, as in :func:`bayescannon.cannon.labelling.label_spectra`.
    workers : int or None
        As in :func:`train`.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (trainings done, most trainings),
        and fewer rounds than the most end the work.
    **choices
        As in :func:`train`.

    Returns
    -------
    model : TrainedModel
    kept : ReferenceSet
        The spectra that the model was trained on, with the rounds in the tally, and the errors that it was trained
        with; the others are its ``clipped``.

    Raises
    ------
    ReferenceSetError
        No reference star can be labelled with the model trained on them.
    BayesCannonError
        As :func:`train`.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model, kept = bc.train_clipped(reference, n_sigma=3)
    >>> kept.tally[-1].step
    'clip round ...: a label off by more than 3 scatters'
    >>> len(kept) + len(kept.clipped) == len(reference)
    True
    """
    limit = _MAX_CLIP_ROUNDS if max_rounds is None else whole_number(max_rounds, "max_rounds")
    n_sigma = real_number(n_sigma, "n_sigma", above=0)
    # the paper clips once; more rounds or another limit are not its own
    source = _CLIP_SOURCE if (n_sigma, max_rounds) == (CLIP_SIGMA, 1) else ""
    options = choose_options(options, choices)
    every = reference = as_reference(reference)
    if needs_errors(options.label_errors):
        reference = take_errors(reference, options.label_errors)
    _look_at_noise(reference.spectra)
    with reporting(progress, "train") as report:
        model = _train(reference, options, workers=workers)
        report(1, limit + 1)
        # held-out stars decide once, and later rounds follow
        settled, choice = model.settled_options, model.component_choice
        for clip_round in range(1, limit + 1):
            labels, fitted = _own_labels(model, reference, seed=seed, workers=workers)
            if not fitted.any():
                raise ReferenceSetError(
                    f"none of the {len(reference)} reference stars could be labelled with the model trained on them; "
                    "look at the spectra, and train with max_rounds=0 to see the model\n" + tally_text(reference.tally)
                )
            off = labels - reference.labels
            spread = off[fitted].std(axis=0)
            dropped = _with_their_stars(~fitted | ~(np.abs(off) <= n_sigma * spread).all(axis=1), reference.star_number)
            if not dropped.any():
                break
            step = f"clip round {clip_round}: a label off by more than {n_sigma:g} scatters"
            reference = reference.drop(dropped, step, source)
            after = _train(reference, settled, near=model, workers=workers)
            model = replace(after, options=options, component_choice=choice)
            report(clip_round + 1, limit + 1)
    left = ~np.isin(every.spectra.id, reference.spectra.id)
    return model, replace(reference, clipped=every.select(left) if left.any() else None)


def _look_at_noise(spectra: Spectra) -> None:
    """Warn where the inverse variances cannot be those of the flux."""
    some = spectra.select(rows_to_measure(len(spectra)))
    NoiseFinding.of(some.flux, some.ivar).warn("the reference spectra", stacklevel=3)


def _own_labels(
    model: TrainedModel, reference: ReferenceSet, *, seed: int, workers: int | None
) -> tuple[FloatArray, BoolArray]:
    """Label the reference stars, in blocks; return the labels (N, K) and whether each fit converged."""
    n_starts = min(N_STARTS, reference.n_stars)
    labels, fitted = np.empty(reference.labels.shape), np.empty(len(reference), dtype=bool)
    for first in range(0, len(reference), _LABELLED):
        part = slice(first, first + _LABELLED)
        spectra = reference.spectra if len(reference) <= _LABELLED else reference.spectra.select(part)
        likelihood = StarLikelihood.of(model, spectra, workers=workers)
        search = search_optima(likelihood, n_starts=n_starts, seed=seed, workers=workers)
        estimates = estimate_labels(likelihood, search, workers=workers)
        labels[part] = estimates["labels"].to_numpy()
        fitted[part] = estimates["status"].to_numpy() == FitStatus.CONVERGED
    return labels, fitted


def _with_their_stars(dropped: BoolArray, number: NDArray[np.int64]) -> BoolArray:
    """Drop all spectra of a star of which at least half are dropped."""
    share = np.bincount(number, dropped) / np.maximum(np.bincount(number), 1)
    result: BoolArray = dropped | (share >= 0.5)[number]
    return result
