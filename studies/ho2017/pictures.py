"""Every figure of the paper, and table 1, of the stars of this run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from results import Results
from stars import PIPELINE_NAMES

from bayescannon.cannon.choices import HIGH_REDUCED_CHI2
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.continuum import running_mean
from bayescannon.data.label_distance import pair_distance
from bayescannon.data.labels import KNOWN_LABELS, Label
from bayescannon.data.prepare import mask_bad, resample, to_rest
from bayescannon.data.preset import PAPER
from bayescannon.figures import (
    plot_alpha_fe,
    plot_catalogue_rows,
    plot_chi2_histogram,
    plot_coefficients,
    plot_continuum,
    plot_corner,
    plot_distances,
    plot_kiel,
    plot_kiel_distance,
    plot_residual_map,
    plot_residuals,
    plot_scatter_by_snr,
    plot_sky,
    plot_snr_histogram,
    plot_validation,
    save_figure,
)
from bayescannon.io.lamost import read_lamost
from bayescannon.io.source_files import find_files
from bayescannon.numerics.typing import FloatArray

# S/N of the star of figure 2, of the stars of figures 11 and 12, edges of figure 6, stars of the residual map
BRIGHT, GOOD_SNR, GRID_EDGES, MAP_STARS = 100.0, 30.0, (0.0, 30.0, 60.0, np.inf), 2000
# bins of S/N, as in figure 7
SNR_EDGES = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 100.0, 150.0, 300.0])
# stars that a bin needs
LEAST_IN_BIN = 10


def draw_figures(results: Results, folder: Path) -> dict[str, tuple[Path, str]]:
    """Draw all; return the path and a description of each, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, said, draw in PICTURES:
        if name == "Figure 11" and "alpha_m" not in results.model.label_names:
            continue
        path = folder / f"{name.lower().replace(' ', '_')}.png"
        figure = draw(results)
        save_figure(figure if isinstance(figure, Figure) else figure.figure, path)
        drawn[name] = (path, said)
    return drawn


def figure_1(results: Results) -> Figure:
    reference, _, pipeline = _beside_reference(results)
    return plot_residuals(reference, {"LAMOST - APOGEE": pipeline - reference}, _pipeline_labels(results),
                          reference_name="APOGEE")  # fmt: skip


def figure_2(results: Results) -> Axes:
    stars = results.stars
    # a bright reference star of usual labels
    bright = np.flatnonzero(stars.is_reference & (stars.column("snr_g") > BRIGHT))
    scaled = results.model.scaler.to_scaled(stars.labels[bright])
    star = str(stars.catalogue["id"][bright[np.nanargmin((scaled**2).sum(axis=1))]])
    files = find_files(results.run.config.prepare.spectra, (".fits", ".fits.gz"))
    raw = read_lamost(files.root / next(name for name in files.names if Path(name).name.startswith(star)))
    flux, ivar = mask_bad(raw.wavelength, raw.flux, raw.ivar, raw.mask)
    grid = results.model.wavelength
    flux, ivar = resample(to_rest(raw.wavelength, raw.redshift), flux, ivar, grid)
    mean = running_mean(flux[None], ivar[None], grid, PAPER.width)[0]
    return plot_continuum(grid, np.where(ivar > 0, flux, np.nan), mean)[0]


def figure_3(results: Results) -> Axes:
    reference = results.reference
    teff, logg, fe_h = (reference.labels[:, reference.label_names.index(name)] for name in PIPELINE_NAMES)
    behind = (results.stars.pipeline[:, 0], results.stars.pipeline[:, 1])
    return plot_kiel(teff, logg, fe_h, colour_label=KNOWN_LABELS["fe_h"], behind=behind,
                     behind_name=f"{len(behind[0]):,} stars, LAMOST's labels")  # fmt: skip


def figure_4(results: Results) -> Figure:
    model = results.model
    return plot_coefficients(model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale)


def figure_5(results: Results) -> Figure:
    validation, snr_min = results.run.validation, results.run.config.validate.snr_min
    return plot_validation(validation, method="leave-none-out", snr_min=snr_min, reference_name="APOGEE")


def figure_6(results: Results) -> Figure:
    reference, cannon, pipeline = _beside_reference(results)
    snr = results.stars.column("snr_g")[results.stars.reference_rows(results.reference)]
    sources = {"LAMOST - APOGEE": pipeline - reference, "Cannon - APOGEE": cannon - reference}
    return plot_residuals(reference, sources, _pipeline_labels(results), snr=snr, edges=GRID_EDGES,
                          reference_name="APOGEE")  # fmt: skip


def figure_7(results: Results) -> Figure:
    off, formal, snr = held_out_residuals(results)
    bins = np.digitize(snr, SNR_EDGES) - 1
    usable = [k for k in range(len(SNR_EDGES) - 1) if np.count_nonzero(bins == k) >= LEAST_IN_BIN]
    scatter = np.array([[robust_scatter(one) for one in off[bins == k].T] for k in usable])
    expected = np.array([np.median(formal[bins == k], axis=0) for k in usable])
    centres = np.array([np.median(snr[bins == k]) for k in usable])
    return plot_scatter_by_snr(centres, scatter, results.model.labels, formal=expected)


def figure_8(results: Results) -> Axes:
    stars, reference = results.stars, results.reference
    behind = [reference.labels[:, reference.label_names.index(name)] for name in ("teff", "logg")]
    chosen = stars.is_test
    return plot_kiel(
        stars["teff"][chosen], stars["logg"][chosen], stars["fe_h"][chosen], colour_label=KNOWN_LABELS["fe_h"],
        behind=(behind[0], behind[1]), behind_name="reference set, APOGEE's labels",
        flagged=np.asarray(stars.catalogue["flag_bad"])[chosen] != 0,
    )  # fmt: skip


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


def figure_11(results: Results) -> Axes:
    chosen = _good(results)
    return plot_alpha_fe(results.stars["fe_h"][chosen], results.stars["alpha_m"][chosen])


def figure_12(results: Results) -> Axes:
    chosen, stars, labels = _good(results), results.stars, results.model.labels
    shown = next((label for label in labels if label.name == "alpha_m"), labels[-1])
    return plot_sky(
        stars.column("ra")[chosen], stars.column("dec")[chosen], values=stars[shown.name][chosen],
        value_label=shown,
    )  # fmt: skip


def table_1(results: Results) -> Axes:
    rows = results.stars.catalogue[results.table_1]
    return plot_catalogue_rows(rows, results.model.labels, errors="e_formal_")


def corner(results: Results) -> Figure:
    return plot_corner(held_out_residuals(results)[0], results.model.labels, name="held-out: Cannon - APOGEE")


def snr_histogram(results: Results) -> Axes:
    chosen = results.stars.in_catalogue
    return plot_snr_histogram(results.stars.column("snr_g")[chosen], marked=results.run.config.validate.snr_min)


def chi2_histogram(results: Results) -> Axes:
    return plot_chi2_histogram(results.stars.column("rchi2")[results.stars.in_catalogue], limit=HIGH_REDUCED_CHI2)


def residual_map(results: Results) -> Axes:
    reference, model = results.reference, results.model
    some = np.random.default_rng(0).permutation(len(reference))[:MAP_STARS]
    flux, ivar = (np.asarray(array[some], dtype=float) for array in (reference.spectra.flux, reference.spectra.ivar))
    labels = results.stars.labels[results.stars.reference_rows(reference)][some]
    residuals = np.where(ivar > 0, flux - model.predict(labels), np.nan)
    return plot_residual_map(model.wavelength, residuals, labels[:, 1], label=model.labels[1])


def _good(results: Results) -> NDArray[np.bool_]:
    """Stars of the catalogue with S/N above 30 and no bad flag."""
    stars = results.stars
    unflagged = np.asarray(stars.catalogue["flag_bad"]) == 0
    return stars.in_catalogue & (stars.column("snr_g") > GOOD_SNR) & unflagged


def _pipeline_labels(results: Results) -> list[Label]:
    return [results.model.labels[results.model.label_names.index(name)] for name in PIPELINE_NAMES]


def _beside_reference(results: Results) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Teff, log g and [Fe/H] of the reference stars: APOGEE's, held-out ones of the Cannon, and LAMOST's."""
    reference, stars = results.reference, results.stars
    places = [reference.label_names.index(name) for name in PIPELINE_NAMES]
    held: Any = results.model.held_out
    cannon = held.estimates["labels"].to_numpy()[:, places]
    return reference.labels[:, places], cannon, stars.pipeline[stars.reference_rows(reference)]


def held_out_residuals(results: Results) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (inferred - reference), formal errors and S/N of held-out stars whose fit converged."""
    held: Any = results.model.held_out
    estimates = held.estimates
    off = estimates["labels"].to_numpy() - results.reference.labels
    good = np.isfinite(off).all(axis=1)
    return off[good], formal_errors(estimates)[good], estimates["snr"].to_numpy()[good]


PICTURES: list[tuple[str, str, Callable[[Results], Figure | Axes]]] = [
    ("Figure 01", "LAMOST's own labels against APOGEE's, of the reference stars.", figure_1),
    ("Figure 02", "A spectrum, and the broad running mean that it is divided by.", figure_2),
    ("Figure 03", "The reference set, and behind it the whole survey.", figure_3),
    ("Figure 04", "Leading coefficients and scatter of every pixel.", figure_4),
    ("Figure 05", "Labels by the Cannon against APOGEE's (leave-none-out).", figure_5),
    ("Figure 06", "Residuals of LAMOST's own labels, and of the Cannon's for held-out stars, by S/N.", figure_6),
    ("Figure 07", "Scatter of held-out stars against S/N.", figure_7),
    ("Figure 08", "The test set's labels by the Cannon, and behind them the reference set.", figure_8),
    ("Figure 09", "Label distances: of LAMOST's labels to the reference set, and to the Cannon's labels.", figure_9),
    ("Figure 10", "LAMOST's labels with their distance to the reference set.", figure_10),
    ("Figure 11", "[alpha/M] against [Fe/H] of the catalogue, S/N > 30, without bad flags.", figure_11),
    ("Figure 12", "The same stars on the sky.", figure_12),
    ("Table 1", "Four test stars, with formal errors.", table_1),
    ("Corner", "Differences of held-out labels against each other.", corner),
    ("S N", "S/N of the catalogue's stars.", snr_histogram),
    ("Reduced chi2", "Reduced chi2 of the catalogue's stars.", chi2_histogram),
    ("Residual map", "What the model leaves of 2,000 reference stars, in the order of log g.", residual_map),
]
