"""The figures of a run: one-to-one panels (figure 5 of Ho et al. 2017), coefficients (figure 4), Kiel diagrams."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.table import Table
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayescannon.app.result import RunResult
from bayescannon.cannon.choices import HIGH_REDUCED_CHI2
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.populations.selection import selection_curve, selection_limit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import FitStatus
from bayescannon.data.label_distance import PAPER_CUT, PAPER_NEIGHBOURS, PAPER_SCALES, label_distance
from bayescannon.figures import (
    plot_alpha_fe,
    plot_chi2_histogram,
    plot_coefficients,
    plot_corner,
    plot_distance_membership,
    plot_kiel,
    plot_kiel_membership,
    plot_scatter_by_snr,
    plot_selection,
    plot_sky,
    plot_snr_histogram,
    plot_validation,
    save_figure,
)
from bayescannon.figures.sky import PROJECTION
from bayescannon.figures.style import new_figure
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# bins of S/N at most, and stars that one needs
_SNR_BINS, _LEAST_IN_BIN = 8, 20
# vector graphics are kept up to this size [bytes]; figures that are larger by their nature
_LARGEST_VECTOR = 400_000
_TOO_MANY_LINES = "coefficients"


def write_figures(result: RunResult, folder: Path, *, snr_min: float) -> dict[str, Path]:
    """
    Draw what a run found, one file for each figure.

    One-to-one panels (figure 5 of the paper), the coefficients (figure 4), the Kiel diagram beside that of the
    reference set, S/N and chi2, [alpha/M] against [Fe/H] (figure 11) and the sky (figure 12); of held-out stars the
    differences against each other, and their scatter against S/N (figure 7).

    Of a survey model, the coefficients are the router's and each population's, and membership and the selection of each
    population are drawn too.

    Each is a picture, and vector graphics too where these are small; the page of the run takes them then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, figure in _drawn(result, snr_min):
        paths[name] = folder / f"{name}.png"
        save_figure(figure, paths[name])
        vector = folder / f"{name}.svg"
        # lines through every pixel of every label take long, and more room than a picture of them
        if name.startswith(_TOO_MANY_LINES):
            vector.unlink(missing_ok=True)
            continue
        # laid out already
        figure.set_layout_engine("none")
        save_figure(figure, vector)
        if vector.stat().st_size > _LARGEST_VECTOR:
            vector.unlink()
    return paths


def _drawn(result: RunResult, snr_min: float) -> Iterator[tuple[str, Figure]]:
    model = result.model
    yield "one_to_one", plot_validation(result.validation, snr_min=snr_min)
    models = {"": model} if isinstance(model, TrainedModel) else {f"_{name}": m for name, m in model.distinct.items()}
    for ending, one in models.items():
        drawn = plot_coefficients(one.wavelength, one.theta, one.scatter, one.labels, scale=one.scaler.scale)
        yield f"coefficients{ending}", drawn
    catalogue = result.catalogue
    yield from _of_catalogue(result, catalogue, snr_min)
    yield from _of_held_out(result)
    fitted = catalogue[np.asarray(catalogue["status"]) == FitStatus.CONVERGED]
    values = {name: np.asarray(fitted[name], dtype=np.float64) for name in model.label_names}
    has_kiel = {"teff", "logg"} <= set(model.label_names)
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


def _of_catalogue(result: RunResult, catalogue: Table, snr_min: float) -> Iterator[tuple[str, Figure]]:
    """Draw what all stars of the catalogue are like: S/N, chi2, places in the Kiel diagram and on the sky, alpha."""
    model = result.model
    fitted = np.asarray(catalogue["status"]) == FitStatus.CONVERGED
    values = {name: np.where(fitted, np.asarray(catalogue[name], dtype=np.float64), np.nan)
              for name in model.label_names}  # fmt: skip
    bad = np.asarray(catalogue["flag_bad"]) != 0
    snr, chi2 = (np.asarray(catalogue[name], dtype=np.float64) for name in ("snr_g", "rchi2"))
    figure = new_figure(10.0, 3.8)
    left, right = figure.subplots(1, 2)
    plot_snr_histogram(snr, left, marked=snr_min)
    plot_chi2_histogram(chi2, right, limit=HIGH_REDUCED_CHI2)
    yield "snr_and_chi2", figure
    if {"teff", "logg"} <= set(model.label_names):
        third = next((label for label in model.labels if label.name not in ("teff", "logg")), model.labels[0])
        figure = new_figure(11.5, 5.0)
        stars, reference = figure.subplots(1, 2, sharex=True, sharey=True)
        labels = result.reference.labels[:, [result.reference.label_names.index(name) for name in model.label_names]]
        own: dict[str, FloatArray] = {name: labels[:, k] for k, name in enumerate(model.label_names)}
        plot_kiel(
            values["teff"], values["logg"], values[third.name], stars, colour_label=third, flagged=bad,
            behind=(own["teff"], own["logg"]), behind_name="reference set",
        )  # fmt: skip
        plot_kiel(own["teff"], own["logg"], own[third.name], reference, colour_label=third)
        stars.set_title(f"catalogue, {len(catalogue):,} stars", fontsize="medium")
        reference.set_title(f"reference set, {len(labels):,} spectra", fontsize="medium")
        yield "kiel", figure
    good = fitted & ~bad
    if {"fe_h", "alpha_m"} <= set(model.label_names) and good.any():
        figure = new_figure(6.0, 4.6)
        plot_alpha_fe(values["fe_h"][good], values["alpha_m"][good], figure.add_subplot())
        yield "alpha_fe", figure
    if {"ra", "dec"} <= set(catalogue.colnames):
        ra, dec = (np.asarray(catalogue[name], dtype=np.float64) for name in ("ra", "dec"))
        if np.isfinite(ra + dec).any():
            last = model.labels[-1]
            figure = new_figure(8.5, 4.8)
            plot_sky(ra, dec, figure.add_subplot(projection=PROJECTION), values=values[last.name], value_label=last)
            yield "sky", figure


def _of_held_out(result: RunResult) -> Iterator[tuple[str, Figure]]:
    """Draw how the labels of held-out stars differ from their reference labels."""
    estimates = result.validation.estimates.get("k-fold")
    if estimates is None:
        return
    labels, off = result.model.labels, estimates["labels"].to_numpy() - result.validation.reference_labels
    known = np.isfinite(off).all(axis=1)
    off, snr = off[known], estimates["snr"].to_numpy()[known]
    formal = formal_errors(estimates)[known]
    if len(labels) > 1 and len(off):
        yield "corner", plot_corner(off, labels, name="held-out: inferred - reference")
    # as many stars in every bin
    n_bins = min(_SNR_BINS, int(np.isfinite(snr).sum()) // _LEAST_IN_BIN)
    if n_bins >= 2:
        order: NDArray[np.intp] = np.argsort(np.where(np.isfinite(snr), snr, np.inf), kind="stable")
        bins = np.array_split(order, n_bins)
        scatter = np.array([[robust_scatter(one) for one in off[bin_].T] for bin_ in bins])
        expected = np.array([np.median(formal[bin_], axis=0) for bin_ in bins])
        centres = np.array([np.nanmedian(snr[bin_]) for bin_ in bins])
        yield "scatter_by_snr", plot_scatter_by_snr(centres, scatter, labels, formal=expected)


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
