"""The verbs on files: what `bayescannon train`, `label` and `validate` do, for command line and scripts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.app.label_plan import LabelOptions, plan_labels
from bayescannon.app.store_stars import choose_stars
from bayescannon.cannon.choices import FALSE_ALARMS, N_STARTS, SEED
from bayescannon.cannon.engine_choices import BLOCK
from bayescannon.cannon.fit_check import warn_of_run
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_table import LabelTable
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.data.star_groups import RADIUS
from bayescannon.io.size_limits import TEXT_LIST, read_limited
from bayescannon.io.store_rows import read_rows, whole_path
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.executors import Executor, executor_of
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.uncertainty.budget import error_budget


def label_store(
    model: TrainedModel | SurveyModel | str | Path,
    store: str | Path,
    *,
    prior: LabelPrior | str | None = None,
    nuisances: Nuisances | None = None,
    n_draws: int = 0,
    correct_offsets: bool = False,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
    scores: str = "deciding",
    pipeline_labels: LabelTable | str | Path | None = None,
    false_alarms: float = FALSE_ALARMS,
    odd: bool = False,
    engine: str | Executor | None = None,
    block: int = BLOCK,
    progress: Progress = None,
) -> xr.Dataset:
    """
    Label every star of a store, block by block; only the labels are kept in memory.

    For more stars than their labels fit into memory there is :func:`bayescannon.app.catalogue_run.label_catalogue`.

    Choices and result are those of :func:`bayescannon.cannon.labelling.label_spectra`; if the model holds a coverage
    reference, those of :func:`bayescannon.cannon.novelty.assess_coverage` too, with `scores`, `pipeline_labels` and
    `false_alarms`. With `n_draws` above 0 the posterior of every star is sampled, and its summary added: see
    :func:`bayescannon.cannon.posterior.sample_posterior`. Stars that need NUTS get it together, in the end. Of a survey
    model they are those of :func:`bayescannon.cannon.populations.labelling.label_survey` and
    :func:`bayescannon.cannon.populations.novelty.assess_survey`. With `odd` those of
    :func:`bayescannon.cannon.odd_spectra.odd_spectra` are added, each star's by the model of its most probable
    population, and the flag ODD_SPECTRUM.

    The result does not depend on engine, block and workers.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
    store : str or Path
    prior, nuisances
        As in `label_spectra`.
    n_draws : int
        Posterior draws per star; none unless given.
    correct_offsets, n_starts, seed
        As in `label_spectra`.
    workers : int or None
        Threads of a block in this process; in other processes one.
    scores, pipeline_labels, false_alarms
        As in `assess_coverage`.
    odd : bool
        Assess odd spectra too.
    engine : str, Executor or None
        Whose tasks the blocks are: see :func:`bayescannon.numerics.executors.as_executor`; this process unless given.
    block : int
        Stars of a task, a multiple of 128.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (stars done, stars).

    Returns
    -------
    estimates : xarray.Dataset
        Of every star of the store, in its order.

    Raises
    ------
    StoreError
        There is no complete store.
    GridError
        The store is on another grid than the model.
    InputError
        Corrected labels are asked of a model without calibration, or odd spectra of one without scores of held-out
        stars.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> store = bc.save_spectra(spectra, f"{folder}/store.zarr")
    >>> bc.save_model(bc.train(reference), f"{folder}/model.nc")
    >>> estimates = bc.label_store(f"{folder}/model.nc", store, n_draws=200)
    >>> estimates["posterior_quantile"].shape
    (100, 5, 2)
    """
    options: LabelOptions = {
        "prior": prior, "nuisances": nuisances, "n_draws": n_draws, "correct_offsets": correct_offsets,
        "n_starts": n_starts, "seed": seed, "workers": workers, "scores": scores, "pipeline_labels": pipeline_labels,
        "false_alarms": false_alarms, "odd": odd, "block": block,
    }  # fmt: skip
    plan = plan_labels(as_any_model(model), store, options)
    plan.noise.warn("the spectra to label", stacklevel=2)
    with executor_of(engine) as executor, reporting(progress, "label") as report:
        whole = plan.run(executor, report).in_memory()
    warn_of_run(whole, NoiseFinding())
    return whole


def budget_of_store(
    model: TrainedModel | SurveyModel,
    store: str | Path,
    *,
    kinds: Sequence[str] | None = None,
    stars: Sequence[str] | int | None = None,
    reference: ReferenceSet | None = None,
    star_id: str | None = None,
    seed: int = SEED,
    **options: Any,
) -> xr.Dataset:
    """
    Evaluate the error budget of stars of a store; only their spectra are loaded.

    Parameters
    ----------
    model : TrainedModel or SurveyModel
    store : path
    kinds, reference, star_id, options
        As in :func:`bayescannon.uncertainty.budget.error_budget`.
    stars : sequence of str, or int, optional
        Ids, or how many to draw at random; all unless given.
    seed : int
        Decides the stars that are drawn, and what `error_budget` draws.

    Returns
    -------
    budget : xarray.Dataset

    Raises
    ------
    StoreError
        There is no complete store, or an id is not in it.
    ValueError
        More stars are to be drawn than there are, or as `error_budget` does.
    """
    chosen = choose_stars(
        whole_path(store), stars, seed=seed, repeats=kinds is not None and "repeat" in kinds, star_id=star_id,
        radius=options.get("radius", RADIUS),
    )  # fmt: skip
    rows, inverse = np.unique(np.concatenate([chosen.rows, chosen.others]), return_inverse=True)
    spectra = read_rows(store, rows, of_store=chosen.identity).select(inverse)
    wanted = None if stars is None else np.arange(len(chosen.rows))
    return error_budget(
        model, spectra, kinds=kinds, stars=wanted, reference=reference, star_id=star_id, seed=seed, **options,
    )  # fmt: skip


def star_choice(text: str | None) -> int | list[str] | None:
    """Read a choice of stars: a number, names, or the name of a file with one name per line; None chooses all."""
    if text is None or text.isdigit():
        return None if text is None else int(text)
    if os.path.isfile(text):  # noqa: PTH113, as a Path raises an error on a long list of names
        try:
            lines = read_limited(Path(text), TEXT_LIST, "a list of stars").decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise InputError(f"{text} is no text with one name per line (--stars)") from None
        return [line.strip() for line in lines if line.strip()]
    return [name.strip() for name in text.split(",") if name.strip()]
