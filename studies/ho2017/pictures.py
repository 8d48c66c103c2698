"""Every figure of the paper, and table 1, of the stars of this run."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from results import Results

from bayescannon.figures import plot_catalogue_rows, plot_coefficients, plot_validation, save_figure


def draw_figures(results: Results, folder: Path, *, survey: str) -> dict[str, tuple[Path, str]]:
    """Draw all; return the path and a description of each, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, said, draw in PICTURES:
        path = folder / f"{name.lower().replace(' ', '_')}.png"
        save_figure(draw(results), path)
        drawn[name] = (path, said)
    return drawn


def figure_4(results: Results) -> Figure:
    model = results.model
    return plot_coefficients(model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale)


def figure_5(results: Results) -> Figure:
    return plot_validation(results.run.validation, snr_min=results.run.config.validate.snr_min)


def table_1(results: Results) -> Figure:
    rows = results.stars.catalogue[results.table_1]
    return plot_catalogue_rows(rows, results.model.labels, errors="e_formal_").figure


PICTURES: list[tuple[str, str, Callable[[Results], Figure]]] = [
    ("Figure 04", "Leading coefficients and scatter.", figure_4),
    ("Figure 05", "Labels by the Cannon against APOGEE's.", figure_5),
    ("Table 1", "Four test stars with formal errors.", table_1),
]
