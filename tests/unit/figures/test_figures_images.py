"""
Every figure against an image of it, so that no change of a figure goes unseen.

``pytest tests/unit/figures/test_figures_images.py --mpl-generate-path tests/unit/figures/baseline`` renews the
images; look at them before they are committed.
"""

import numpy as np
import pytest
import xarray as xr
from astropy.table import Table
from matplotlib.figure import Figure
from stars_to_draw import draw_labels
from toy import toy_reference

import bayescannon as bc
from bayescannon import figures
from bayescannon.cannon.hidden_result import ComponentPeak, HiddenAtlas, HiddenComponent, Resemblance
from bayescannon.cannon.predictive_check import PixelCheck
from bayescannon.data.labels import KNOWN_LABELS

NAMES = ("teff", "logg", "fe_h")
LABELS = [KNOWN_LABELS[name] for name in NAMES]
STARS = draw_labels()
MATRIX = np.column_stack([STARS[name] for name in NAMES])
WAVELENGTH = np.linspace(4800.0, 6700.0, 300)
NOMINAL = np.linspace(0.05, 0.95, 19)


def _noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def _curve(k):
    return 0.02 * np.sin(WAVELENGTH / (40 + 7 * k)) + 0.002 * _noise(300, seed=k)


def _off():
    return _noise(len(MATRIX), 3) * [60, 0.13, 0.08]


def _draws():
    values = {
        "teff": (("chain", "draw", "star"), 4800 + np.array([0, 300, 600]) + 50 * _noise(1, 400, 3)),
        "logg": (("chain", "draw", "star"), 2 + 0.1 * _noise(1, 400, 3, seed=1)),
    }
    return {"formal": xr.Dataset(values, {"star": ["one", "two", "three"]})}


def _atlas():
    peaks = (ComponentPeak(5176.0, 0.02, ("Mg b",)), ComponentPeak(6564.0, 0.01, ("H alpha",)))
    components = tuple(
        HiddenComponent(n + 1, 0.5, 0.1, 0.2, (), peaks, (Resemblance("velocity", -0.8),)) for n in range(2)
    )
    return HiddenAtlas(WAVELENGTH, np.column_stack([_curve(0), _curve(1)]), components)


def _check():
    observed = _noise(4, 300)
    return PixelCheck(
        WAVELENGTH, ("mean", "std", "min", "max"), observed, observed - 2, observed + 2,
        np.random.default_rng(1).uniform(0.005, 1, (4, 300)),
    )  # fmt: skip


def _catalogue():
    columns = {name: MATRIX[:3, k] for k, name in enumerate(NAMES)}
    errors = {f"e_{name}": np.abs(_off()[:3, k]) for k, name in enumerate(NAMES)}
    more = {"id": ["spec-1", "spec-2", "spec-3"], "snr_g": STARS["snr"][:3], "rchi2": STARS["rchi2"][:3]}
    return Table({**columns, **errors, **more})


def _model():
    return bc.train(toy_reference(80))


def _validation():
    reference = toy_reference(120)
    return bc.validate(bc.train(reference), reference, folds=0)


def _selection():
    limit = np.linspace(0.02, 0.98, 40)
    return figures.plot_selection(limit, 1 - limit**4, {"dwarf": (1 - limit) ** 2}, population="giant", purity=limit)


TWO = ("teff", "logg")
DISTANCE = np.exp(_noise(len(MATRIX), seed=5) + 0.5)
FIGURES = {
    "plot_alpha_fe": lambda: figures.plot_alpha_fe(STARS["fe_h"], STARS["alpha_m"]),
    "plot_catalogue_rows": lambda: figures.plot_catalogue_rows(_catalogue(), LABELS),
    "plot_chi2_histogram": lambda: figures.plot_chi2_histogram(STARS["rchi2"], limit=1.2),
    "plot_coefficients": lambda: figures.plot_coefficients(
        WAVELENGTH, np.column_stack([_curve(k) for k in range(10)]), np.abs(_curve(9)), LABELS, scale=[200, 0.5, 0.3]
    ),
    "plot_continuum": lambda: figures.plot_continuum(
        WAVELENGTH, (100 + WAVELENGTH / 50) * (1 + 5 * _curve(1)), 100 + WAVELENGTH / 50
    ),
    "plot_corner": lambda: figures.plot_corner(_off(), LABELS),
    "plot_coverage": lambda: figures.plot_coverage(NOMINAL, {"teff": NOMINAL, "logg": NOMINAL**1.5}),
    "plot_distance_membership": lambda: figures.plot_distance_membership(
        DISTANCE, np.clip(1.2 - DISTANCE / 4, 0, 1), cut=2.5, population="giant"
    ),
    "plot_distances": lambda: figures.plot_distances(DISTANCE, DISTANCE[::-1], cut=2.5),
    "plot_expected_errors": lambda: figures.plot_expected_errors(bc.label_information(_model())),
    "plot_hidden_components": lambda: figures.plot_hidden_components(_atlas()),
    "plot_information": lambda: figures.plot_information(bc.label_information(_model())),
    "plot_kiel": lambda: figures.plot_kiel(
        STARS["teff"], STARS["logg"], STARS["fe_h"], colour_label=KNOWN_LABELS["fe_h"],
        behind=(STARS["teff"] + 400, STARS["logg"] + 0.8), flagged=STARS["snr"] < 20,
    ),
    "plot_kiel_difference": lambda: figures.plot_kiel_difference(
        STARS["teff"], STARS["logg"], _off()[:, 0] + 80 * (STARS["logg"] - 2), label=LABELS[0]
    ),
    "plot_kiel_distance": lambda: figures.plot_kiel_distance(
        STARS["teff"], STARS["logg"], DISTANCE, cut=2.5, reference_teff=[4500.0, 4700.0], reference_logg=[2.0, 2.4]
    ),
    "plot_kiel_membership": lambda: figures.plot_kiel_membership(
        STARS["teff"], STARS["logg"], np.clip(DISTANCE / 8, 0, 1), population="giant"
    ),
    "plot_label_forest": lambda: figures.plot_label_forest(_draws(), [KNOWN_LABELS[name] for name in TWO]),
    "plot_label_ridge": lambda: figures.plot_label_ridge(_draws(), [KNOWN_LABELS[name] for name in TWO]),
    "plot_one_to_one": lambda: figures.plot_one_to_one(
        MATRIX[:, 0], MATRIX[:, 0] + _off()[:, 0], label=LABELS[0], bias=1.2, bias_error=3.0, scatter=60
    ),
    "plot_one_to_one_panels": lambda: figures.plot_one_to_one_panels(
        MATRIX, MATRIX + _off(), LABELS, bias=[1.2, 0, 0], bias_error=[3.0, 0.01, 0.01], scatter=[60, 0.13, 0.08],
        snr=STARS["snr"],
    ),
    "plot_pit": lambda: figures.plot_pit(np.linspace(0, 1, 11), 40 + np.arange(10), (30, 50)),
    "plot_pulls": lambda: figures.plot_pulls(1.3 * _noise(len(MATRIX), 3), LABELS),
    "plot_predictive_check": lambda: figures.plot_predictive_check(_check())[0],
    "plot_residual_map": lambda: figures.plot_residual_map(
        WAVELENGTH, 0.01 * _noise(len(MATRIX), 300) + np.outer(STARS["logg"] - 2, _curve(3)), STARS["logg"],
        label=LABELS[1], rows=60,
    ),
    "plot_residuals": lambda: figures.plot_residuals(
        MATRIX, {"LAMOST - APOGEE": np.add(_off(), [50, 0.1, 0.02]), "Cannon - APOGEE": _off()}, LABELS,
        snr=STARS["snr"], edges=(0, 50, np.inf),
    ),
    "plot_scatter_by_snr": lambda: figures.plot_scatter_by_snr(
        np.array([15.0, 30, 60, 120]), np.outer([2, 1.5, 1.1, 1], [60, 0.13, 0.08]), LABELS,
        formal=np.outer([1.5, 1, 0.5, 0.2], [60, 0.13, 0.08]),
    ),
    "plot_selection": _selection,
    "plot_sky": lambda: figures.plot_sky(STARS["ra"], STARS["dec"], values=STARS["fe_h"], value_label="[Fe/H]"),
    "plot_snr_histogram": lambda: figures.plot_snr_histogram(STARS["snr"], marked=50.0),
    "plot_spectrum": lambda: figures.plot_spectrum(
        WAVELENGTH, 1 + _curve(1) + 0.01 * _noise(300), np.full(300, 1e4), 1 + _curve(1)
    )[0],
    "plot_validation": lambda: figures.plot_validation(_validation()),
}  # fmt: skip


def test_every_figure_has_an_image():
    assert set(FIGURES) == {name for name in figures.__all__ if name.startswith("plot_")}


@pytest.mark.mpl_image_compare(baseline_dir="baseline", tolerance=12, style="default", savefig_kwargs={"dpi": 45})
@pytest.mark.parametrize("name", FIGURES)
def test_the_figure_is_as_before(name):
    drawn = FIGURES[name]()
    if isinstance(drawn, tuple):
        drawn = drawn[0]
    return drawn if isinstance(drawn, Figure) else drawn.figure
