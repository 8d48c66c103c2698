"""The verbs on files: what `bayescannon train`, `label` and `validate` do, for command line and scripts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.app.block_labels import BlockChoices, block_labeller
from bayescannon.cannon.choices import FALSE_ALARMS, N_STARTS, SEED
from bayescannon.cannon.fit_check import warn_of_run
from bayescannon.cannon.novelty import as_pipeline_labels
from bayescannon.cannon.offsets import check_offsets, subtract_offsets
from bayescannon.cannon.populations.either_model import sample_posterior
from bayescannon.cannon.populations.odd_stars import require_odd
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.label_table import LabelTable
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.data.star_groups import RADIUS, star_groups
from bayescannon.io.size_limits import TEXT_LIST, read_limited
from bayescannon.io.store import iterate_spectra, load_spectra, open_store, rows_in_store
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.errors import InputError
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
    progress: Progress = None,
) -> xr.Dataset:
    """
    Label every star of a store, block by block; only the labels are kept in memory.

    Parameters and result are those of :func:`bayescannon.cannon.labelling.label_spectra`; if the model holds a coverage
    reference, those of :func:`bayescannon.cannon.novelty.assess_coverage` too, with `scores`, `pipeline_labels` and
    `false_alarms`. With `n_draws` above 0 the posterior of every star is sampled, and its summary added: see
    :func:`bayescannon.cannon.posterior.sample_posterior`. Stars that need NUTS get it together, in the end. Of a survey
    model they are those of :func:`bayescannon.cannon.populations.labelling.label_survey` and
    :func:`bayescannon.cannon.populations.novelty.assess_survey`. With `odd` those of
    :func:`bayescannon.cannon.odd_spectra.odd_spectra` are added, each star's by the model of its most probable
    population, and the flag ODD_SPECTRUM.

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
    model = as_any_model(model)
    every = [model] if isinstance(model, TrainedModel) else model.distinct.values()
    for one in every:
        check_offsets(one, wanted=correct_offsets)
    if odd:
        require_odd(model, nuisances)
    with open_store(store) as opened:
        stars = opened["star"].to_numpy().tolist()
    router = model if isinstance(model, TrainedModel) else model.router
    own = None if pipeline_labels is None else as_pipeline_labels(pipeline_labels, router, stars)
    choices = BlockChoices(n_draws, n_starts, seed, scores, own, false_alarms, odd, workers)
    label_block = block_labeller(model, choices, prior=prior, nuisances=nuisances)
    parts: list[xr.Dataset] = []
    noise: NoiseFinding | None = None
    done = 0
    with reporting(progress, "label") as report:
        for spectra in iterate_spectra(store):
            # the first block stands for all
            noise = noise or NoiseFinding.of(spectra.flux, spectra.ivar)
            parts.append(label_block(spectra))
            done += len(spectra)
            report(done, len(stars))
    # the blocks were made moments apart; the first one's time stands for all
    whole = xr.concat(parts, dim="star", combine_attrs="override", data_vars="minimal")
    warn_of_run(whole, noise or NoiseFinding())
    if n_draws:
        poor = np.flatnonzero(whole["posterior_status"].to_numpy() == PosteriorStatus.UNRELIABLE)
        if len(poor):
            again = sample_posterior(
                model, load_spectra(store, whole["star"].to_numpy()[poor].tolist()), prior=prior, nuisances=nuisances,
                n_draws=n_draws, n_starts=n_starts, seed=seed, workers=workers,
            )  # fmt: skip
            for name in again.data_vars:
                whole[name][{"star": poor}] = again[name]
    return subtract_offsets(whole) if correct_offsets else whole


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
    with open_store(store) as opened:
        names = opened["star"].to_numpy().astype(np.str_)
        columns = {str(name): one.to_numpy() for name, one in opened.data_vars.items() if one.dims == ("star",)}
    if isinstance(stars, int):
        if not 1 <= stars <= len(names):
            raise InputError(
                f"the number of stars must be from 1 to the {len(names)} of {store}; got {stars}. A name that is a "
                f"number is given as a list, ['{stars}'], or on the command line with a comma, --stars {stars},"
            )
        chosen = np.sort(np.random.default_rng(seed).permutation(len(names))[:stars])
        wanted: list[str] | None = names[chosen].tolist()
    else:
        wanted = None if stars is None else names[rows_in_store(names, stars, store)].tolist()
    loaded = wanted
    if wanted is not None and kinds is not None and "repeat" in kinds:
        # the same stars' other spectra are needed too
        group = star_groups(columns, len(names), star_id=star_id, radius=options.get("radius", RADIUS)).number
        loaded = names[np.isin(group, group[np.isin(names, wanted)])].tolist()
        loaded = [*wanted, *(name for name in loaded if name not in set(wanted))]
    spectra = load_spectra(store, loaded)
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
