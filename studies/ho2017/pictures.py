"""Every figure of the paper, and table 1, of the stars of this run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from results import Results

from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.label_distance import pair_distance
from bayescannon.figures import (
    plot_catalogue_rows,
    plot_coefficients,
    plot_distances,
    plot_kiel_distance,
    plot_scatter_by_snr,
    plot_validation,
    save_figure,
)
from bayescannon.numerics.typing import FloatArray
from stars import PIPELINE_NAMES

# bins of S/N, as in figure 7
SNR_EDGES = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 100.0, 150.0, 300.0])
# stars that a bin needs
LEAST_IN_BIN = 10


def draw_figures(results: Results, folder: Path) -> dict[str, tuple[Path, str]]:
    """Draw all; return the path and a description of each, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, said, draw in PICTURES:
        path = folder / f"{name.lower().replace(' ', '_')}.png"
        figure = draw(results)
        save_figure(figure if isinstance(figure, Figure) else figure.figure, path)
        drawn[name] = (path, said)
    return drawn


def figure_4(results: Results) -> Figure:
    model = results.model
    return plot_coefficients(model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale)


def figure_5(results: Results) -> Figure:
    return plot_validation(results.run.validation, snr_min=results.run.config.validate.snr_min)


def figure_7(results: Results) -> Figure:
    off, formal, snr = held_out_residuals(results)
    bins = np.digitize(snr, SNR_EDGES) - 1
    usable = [k for k in range(len(SNR_EDGES) - 1) if np.count_nonzero(bins == k) >= LEAST_IN_BIN]
    scatter = np.array([[robust_scatter(one) for one in off[bins == k].T] for k in usable])
    expected = np.array([np.median(formal[bins == k], axis=0) for k in usable])
    centres = np.array([np.median(snr[bins == k]) for k in usable])
    return plot_scatter_by_snr(centres, scatter, results.model.labels, formal=expected)


def figure_9(results: Results) -> Axes:
    stars = results.stars
    chosen = ~stars.is_reference & np.isfinite(stars.labels).all(axis=1)
    inferred = np.column_stack([stars[name] for name in PIPELINE_NAMES])
    apart = pair_distance(inferred, stars.pipeline, PIPELINE_NAMES)
    return plot_distances(stars.distance[chosen], apart[chosen], cut=results.cut)


def figure_10(results: Results) -> Axes:
    stars, reference = results.stars, results.reference
    teff, logg = (reference.labels[:, reference.label_names.index(name)] for name in ("teff", "logg"))
    chosen = ~stars.is_reference
    return plot_kiel_distance(
        stars.pipeline[chosen, 0], stars.pipeline[chosen, 1], stars.distance[chosen], cut=results.cut,
        reference_teff=teff, reference_logg=logg,
    )  # fmt: skip


def table_1(results: Results) -> Axes:
    rows = results.stars.catalogue[results.table_1]
    return plot_catalogue_rows(rows, results.model.labels, errors="e_formal_")


def held_out_residuals(results: Results) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (inferred - reference), formal errors and S/N of held-out stars whose fit converged."""
    held: Any = results.model.held_out
    estimates = held.estimates
    off = estimates["labels"].to_numpy() - results.reference.labels
    good = np.isfinite(off).all(axis=1)
    return off[good], formal_errors(estimates)[good], estimates["snr"].to_numpy()[good]


PICTURES: list[tuple[str, str, Callable[[Results], Figure | Axes]]] = [
    ("Figure 04", "Leading coefficients and scatter of every pixel.", figure_4),
    ("Figure 05", "Labels by the Cannon against APOGEE's, of held-out stars.", figure_5),
    ("Figure 07", "Scatter of held-out stars against S/N.", figure_7),
    ("Figure 09", "Label distances: of LAMOST's labels to the reference set, and to the Cannon's labels.", figure_9),
    ("Figure 10", "LAMOST's labels with their distance to the reference set.", figure_10),
    ("Table 1", "Four test stars, with formal errors.", table_1),
]
