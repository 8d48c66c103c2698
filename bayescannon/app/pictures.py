"""The figures of a run: one-to-one panels (figure 5 of Ho et al. 2017), coefficients (figure 4), Kiel diagrams."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bayescannon.app.result import RunResult
from bayescannon.cannon.populations.selection import selection_curve, selection_limit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.label_distance import PAPER_CUT, PAPER_NEIGHBOURS, PAPER_SCALES, label_distance
from bayescannon.figures import (
    plot_coefficients,
    plot_distance_membership,
    plot_kiel,
    plot_kiel_membership,
    plot_selection,
    plot_validation,
    save_figure,
)
from bayescannon.figures.style import new_figure
from bayescannon.numerics.errors import InputError


def write_figures(result: RunResult, folder: Path, *, snr_min: float) -> dict[str, Path]:
    """
    Draw the one-to-one panels (as figure 5 of the paper), the coefficients (figure 4) and the Kiel diagram.

    Of a survey model, the coefficients are the router's and each population's, and membership and the selection of each
    population are drawn too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, figure in _drawn(result, snr_min):
        paths[name] = folder / f"{name}.png"
        save_figure(figure, paths[name])
    return paths


def _drawn(result: RunResult, snr_min: float) -> Iterator[tuple[str, Figure]]:
    model = result.model
    yield "one_to_one", plot_validation(result.validation, snr_min=snr_min)
    models = {"": model} if isinstance(model, TrainedModel) else {f"_{name}": m for name, m in model.distinct.items()}
    for ending, one in models.items():
        drawn = plot_coefficients(one.wavelength, one.theta, one.scatter, one.labels, scale=one.scaler.scale)
        yield f"coefficients{ending}", drawn
    catalogue = result.catalogue
    fitted = catalogue[np.asarray(catalogue["status"]) == FitStatus.CONVERGED]
    values = {name: np.asarray(fitted[name], dtype=np.float64) for name in model.label_names}
    has_kiel = {"teff", "logg"} <= set(model.label_names)
    if has_kiel:
        third = next((label for label in model.labels if label.name not in ("teff", "logg")), model.labels[0])
        figure = new_figure(6.0, 5.0)
        plot_kiel(values["teff"], values["logg"], values[third.name], figure.add_subplot(), colour_label=third)
        yield "kiel", figure
    if not isinstance(model, SurveyModel) or len(model.names) < 2:
        return
    for name in model.names:
        membership = np.asarray(fitted[f"p_{name}"], dtype=np.float64)
        if has_kiel:
            figure = new_figure(6.0, 5.0)
            plot_kiel_membership(values["teff"], values["logg"], membership, figure.add_subplot(), population=name)
            yield f"kiel_{name}", figure
        scales = [label for label in PAPER_SCALES if label in values]
        if scales:
            figure = new_figure(6.0, 4.0)
            reference = model.model_of(model.number_of(name)).reference_labels
            distance = label_distance(
                np.column_stack([values[label] for label in scales]),
                reference[:, [model.label_names.index(label) for label in scales]],
                scales,
                neighbours=min(PAPER_NEIGHBOURS, len(reference)),
            )
            plot_distance_membership(distance, membership, figure.add_subplot(), cut=PAPER_CUT, population=name)
            yield f"distance_{name}", figure
        selection = _selection(model, name)
        if selection is not None:
            yield f"selection_{name}", selection


def _selection(survey: SurveyModel, population: str) -> Figure | None:
    """Draw the selection of a population; None where held-out stars are too few, or there are none."""
    try:
        limit, curve = selection_limit(survey, population), selection_curve(survey, population)
    except InputError:
        return None
    figure = new_figure(6.0, 4.0)
    purity = curve.purity(curve.counts)
    ax = plot_selection(
        curve.limit, curve.completeness, curve.contamination, figure.add_subplot(), population=population,
        purity=purity, chosen=(limit.value, limit.low, limit.high),
    )  # fmt: skip
    ax.set_title("purity in the proportions of the reference set", fontsize="small")
    return figure
