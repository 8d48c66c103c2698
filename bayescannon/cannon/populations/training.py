"""Train a survey model: the router on all populations that it covers, and a model of each population around it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bayescannon.cannon.choices import CLIP_SIGMA, SEED
from bayescannon.cannon.chosen_options import choose_options
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.population_choices import survey_defaults
from bayescannon.cannon.populations.choice import AUTO, choose_regions, merge_small
from bayescannon.cannon.populations.local_training import train_local
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train_clipped
from bayescannon.models.label_regions import LabelRegions
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import BoolArray


def train_survey(
    reference: ReferenceSet | str | Path,
    *,
    populations: str | Path | LabelRegions = AUTO,
    n_sigma: float = CLIP_SIGMA,
    max_rounds: int | None = None,
    options: TrainingOptions | None = None,
    seed: int = SEED,
    workers: int | None = None,
    **choices: Any,
) -> tuple[SurveyModel, ReferenceSet]:
    """
    Train a router on all populations and a local model of each.

    A star counts in every population whose region, enlarged by the overlap, it lies in.

    Parameters
    ----------
    reference : ReferenceSet, or path of its file
        Stars of all populations.
    populations : {"auto", "giants"}, path of a TOML file, or LabelRegions
        See :func:`bayescannon.cannon.populations.choice.choose_regions`. With "giants" all other stars are labelled by
        the router.
    n_sigma, max_rounds, options, seed, workers, **choices
        As in :func:`bayescannon.cannon.training.train_clipped`; pooled coefficients and a global kappa if neither
        `options` nor a recipe nor coefficients are given, as a router of flat ones tells populations apart less well.

    Returns
    -------
    survey : SurveyModel
        A population whose stars are too few for a model is merged with its neighbour; ``notes`` say so.
    kept : ReferenceSet
        The spectra that a model was trained on; the others are its ``clipped``.

    Raises
    ------
    PopulationError
        The populations cannot be had as asked.
    ReferenceSetError
        Too few stars to train the router on.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(120, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model, kept = bc.train_survey(reference)
    >>> model.names, len(model.notes)
    (('giant_dwarf_hot',), 3)
    >>> bc.label_spectra(model, spectra)["population"].to_numpy()[:1]
    array(['giant_dwarf_hot'], dtype='<U15')
    """
    if options is None:
        choices = {**survey_defaults(choices), **choices}
    reference, options = as_reference(reference), choose_options(options, choices)
    regions = choose_regions(populations, reference.labels, reference.label_names)
    every = regions
    regions, notes = merge_small(regions, reference.labels, reference.label_names, reference.star_number)
    clip: dict[str, Any] = {"n_sigma": n_sigma, "max_rounds": max_rounds, "seed": seed, "workers": workers}
    inside = regions.training_stars(reference.labels, reference.label_names)
    covered = inside[:, [region.in_router for region in regions.regions]].any(axis=1)
    if not covered.any():
        raise ReferenceSetError(
            "no reference star is in a population that trains the router; give one of the populations router = true"
        )
    if not covered.all():
        outside = ", ".join(region.name for region in regions.regions if not region.in_router)
        notes += (
            f"the router is trained on {int(covered.sum())} of {len(reference)} reference spectra; {outside} would "
            "bend its quadratic",
        )
    core = (every.shares(reference.labels, reference.label_names) > 0.5).any(axis=0)
    populated = [name for name, found in zip(every.names, core, strict=True) if found]
    if len(populated) < 2:
        notes += (
            f"all reference stars are of one population, {populated[0] if populated else 'none'}: the router has seen "
            "no other, and membership says little of stars that are unlike these",
        )
    router, kept = train_clipped(reference.select(covered), options=options, **clip)
    usable = np.isin(reference.spectra.id, kept.spectra.id) | ~covered
    settled, trained = router.settled_options, np.isin(reference.spectra.id, kept.spectra.id)
    models: list[TrainedModel | None] = []
    for region, column in zip(regions.regions, inside.T, strict=True):
        if len(regions) == 1 or region.name == "other":
            models.append(None)
            continue
        stars = reference.select(column & usable)
        if region.in_router:
            model: TrainedModel = train_local(router, stars, settled, workers=workers)
        else:
            model, stars = train_clipped(stars, options=settled, **clip)
        trained |= np.isin(reference.spectra.id, stars.spectra.id)
        models.append(model)
    survey = SurveyModel(router, regions, _with_common_pixels(router, models), notes=notes)
    step = f"clip of the populations: a label off by more than {n_sigma:g} scatters"
    left = reference.drop(~trained, step) if not trained.all() else reference
    return survey, replace(left, clipped=reference.select(~trained) if not trained.all() else None)


def population_stars(survey: SurveyModel, reference: ReferenceSet) -> dict[str, ReferenceSet]:
    """
    Return the stars that each model was trained on, by the model's name, in its order.

    Raises
    ------
    ReferenceSetError
        One of them is not in the set.
    """
    found = {}
    for name, model in survey.distinct.items():
        rows = rows_of(reference.spectra.id, model.reference_id)
        if (rows < 0).any():
            raise ReferenceSetError(
                f"the reference set lacks {str(model.reference_id[rows.argmin()])!r}, which the model of {name} was "
                "trained on; give the set that the survey model was trained on"
            )
        found[name] = reference.select(rows)
    return found


def _with_common_pixels(router: TrainedModel, models: list[TrainedModel | None]) -> tuple[TrainedModel | None, ...]:
    """Return local models whose pixels are dead where the router's are: evidence is of the same pixels."""
    live: BoolArray = np.isfinite(router.scatter)
    return tuple(
        model if model is None else replace(
            model, fit=replace(model.fit, scatter=np.where(live, model.scatter, np.inf))
        )
        for model in models
    )  # fmt: skip
