"""Figures draw for any number of labels, say their units, hold their data, and leave nothing behind."""

import ast
from pathlib import Path

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import bayescannon.figures
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS, labels_from_names
from bayescannon.figures import (
    plot_coefficients,
    plot_coverage,
    plot_distances,
    plot_kiel,
    plot_kiel_distance,
    plot_one_to_one,
    plot_one_to_one_panels,
    plot_pit,
    plot_scatter_by_snr,
    plot_spectrum,
    save_figure,
)
from bayescannon.figures.coefficients import INTERSTELLAR_BANDS
from bayescannon.figures.style import colour_scale, span
from bayescannon.models.label_vector import n_terms

SUBSETS = [("fe_h",), ("teff", "logg", "fe_h"), PAPER_LABELS]
SOURCES = sorted(Path(bayescannon.figures.__path__[0]).glob("*.py"))
WAVELENGTH = 10 ** (np.log10(3905) + 1e-3 * np.arange(363))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def require_drawable(figure: Figure, tmp_path: Path) -> None:
    """Draw for good: layout and text are only made then, and warn only then."""
    save_figure(figure, tmp_path / "figure.png", dpi=30)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert not _pylab_helpers.Gcf.figs


def require_unit_texts(axes: list[Axes], units: list[str]) -> None:
    for ax, unit in zip(axes, units, strict=True):
        assert ax.get_xlabel()
        assert f"{unit}]" in ax.get_ylabel()


def limits_hold(limits: tuple[float, float], values: np.ndarray) -> bool:
    values = values[np.isfinite(values)]
    return min(limits) <= values.min() and values.max() <= max(limits)


def make_labels(rng: np.random.Generator, n_star: int, n_label: int) -> tuple[np.ndarray, np.ndarray]:
    reference = rng.normal(2.0, 1.0, size=(n_star, n_label))
    inferred = reference + rng.normal(0, 0.1, size=reference.shape)
    inferred[::7] = np.nan
    return reference, inferred


@pytest.mark.parametrize("names", SUBSETS)
@pytest.mark.parametrize("with_snr", [False, True])
def test_one_to_one_panels(rng: np.random.Generator, tmp_path: Path, names: tuple[str, ...], with_snr: bool) -> None:
    labels = labels_from_names(names)
    reference, inferred = make_labels(rng, 300, len(names))
    snr = np.where(rng.random(300) < 0.1, np.nan, rng.uniform(5, 200, 300)) if with_snr else None
    bias = np.arange(1, len(names) + 1) * 1.25
    figure = plot_one_to_one_panels(
        reference, inferred, labels, bias=bias, scatter=10 * bias, snr=snr, reference_name="Survey A"
    )
    *panels, colour_bar = figure.axes
    assert len(panels) == len(names)
    assert colour_bar.get_ylabel() == ("S/N in the g band" if with_snr else "stars per cell")
    require_unit_texts(panels, [label.unit for label in labels])
    for k, (ax, label) in enumerate(zip(panels, labels, strict=True)):
        assert ax.get_xlabel() == f"Survey A {label.axis_text()}"
        assert ax.get_xlim() == ax.get_ylim()
        shown = np.isfinite(inferred[:, k])
        assert limits_hold(ax.get_xlim(), reference[shown, k])
        assert limits_hold(ax.get_ylim(), inferred[:, k])
        (text,) = [text.get_text() for text in ax.texts]
        assert f"bias {bias[k]:.{label.digits}f} {label.unit}\n" in text
        assert f"scatter {10 * bias[k]:.{label.digits}f} {label.unit}\n" in text
        assert f"{shown.sum()} stars" in text
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
        values = np.asarray(ax.collections[0].get_array())
        assert len(values) == shown.sum() if with_snr else values.sum() == shown.sum()
    assert len({(ax.collections[0].norm.vmin, ax.collections[0].norm.vmax) for ax in panels}) == 1
    require_drawable(figure, tmp_path)


def test_one_to_one_draws_into_the_axes_given(rng: np.random.Generator, tmp_path: Path) -> None:
    reference, inferred = make_labels(rng, 50, 1)
    label = KNOWN_LABELS["logg"]
    figure = Figure()
    ax = figure.add_subplot()
    got = plot_one_to_one(reference[:, 0], inferred[:, 0], ax, label=label, bias=0.1, scatter=0.2)
    assert got is ax
    alone = plot_one_to_one(reference[:, 0], inferred[:, 0], label=label, bias=0.1, scatter=0.2, snr=np.full(50, 30.0))
    assert alone.figure is not figure
    assert alone.get_ylabel() == f"inferred {label.axis_text()}"
    require_drawable(figure, tmp_path)
    require_drawable(alone.figure, tmp_path)


@pytest.mark.parametrize("snr", [None, [], [np.nan], [40.0]])
def test_one_to_one_of_hardly_any_star(tmp_path: Path, snr: list[float] | None) -> None:
    n_star = 1 if snr is None else len(snr)
    values = np.full(n_star, np.nan if snr is None else 4800.0)
    ax = plot_one_to_one(values, values, label=KNOWN_LABELS["teff"], bias=np.nan, scatter=np.nan, snr=snr)
    assert f"{0 if snr is None else n_star} stars" in ax.texts[0].get_text()
    require_drawable(ax.figure, tmp_path)


@pytest.mark.parametrize("names", SUBSETS)
def test_coefficients(rng: np.random.Generator, tmp_path: Path, names: tuple[str, ...]) -> None:
    labels = labels_from_names(names)
    theta = rng.normal(0, 0.02, size=(len(WAVELENGTH), n_terms(len(names))))
    scatter = rng.uniform(0.002, 0.01, len(WAVELENGTH))
    dead = slice(200, 220)
    scatter[dead], theta[dead] = np.inf, 0
    scale = rng.uniform(0.1, 2.0, len(names))
    figure = plot_coefficients(WAVELENGTH, theta, scatter, labels, scale=scale)
    assert len(figure.axes) == len(names) + 1
    for k, label in enumerate(labels):
        ax = figure.axes[k]
        curve = np.asarray(ax.lines[1].get_ydata())
        want = theta[:, 1 + k] / scale[k] * label.published.plot_scale
        want[dead] = np.nan
        np.testing.assert_allclose(curve, want, rtol=1e-12)
        assert limits_hold(ax.get_ylim(), curve)
        assert ax.get_ylabel() == f"{label.symbol}\n[flux / {label.published.plot_scale:g} {label.unit}]"
        band_names = [text.get_text() for text in ax.texts if text.get_text().isdigit()]
        assert band_names == ([f"{band:.0f}" for band in INTERSTELLAR_BANDS] if label.name == "a_k" else [])
    bottom = figure.axes[-1]
    assert np.isnan(bottom.lines[0].get_ydata()[dead]).all()
    assert bottom.get_ylabel() == "scatter\n[flux]"
    assert "wavelength [" in bottom.get_xlabel()
    assert limits_hold(bottom.get_xlim(), WAVELENGTH)
    assert limits_hold(bottom.get_ylim(), scatter)
    assert "Mg b" in [text.get_text() for text in figure.axes[0].texts]
    require_drawable(figure, tmp_path)


def test_coefficients_mark_only_what_the_grid_covers(rng: np.random.Generator, tmp_path: Path) -> None:
    wavelength = np.linspace(6000, 6400, 50)
    theta = rng.normal(size=(50, 3))
    labels = labels_from_names(["a_k"])
    figure = plot_coefficients(wavelength, theta, np.full(50, 0.01), labels, scale=[0.1])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["6203", "6283", "interstellar bands"]
    require_drawable(figure, tmp_path)
    figure = plot_coefficients(wavelength[:10], theta[:10], np.full(10, np.inf), labels, scale=[0.1])
    assert not figure.axes[0].texts
    require_drawable(figure, tmp_path)


def test_coefficients_refuse_shapes_that_do_not_go_together() -> None:
    labels = labels_from_names(("teff", "logg"))
    with pytest.raises(ValueError, match=r"theta must have shape \(pixel, term\) = \(5, 6\)"):
        plot_coefficients(np.arange(5.0), np.zeros((5, 3)), np.ones(5), labels, scale=[1, 1])
    with pytest.raises(ValueError, match=r"scale must have one value per label for the 2 labels \(teff, logg\)"):
        plot_coefficients(np.arange(5.0), np.zeros((5, 6)), np.ones(5), labels, scale=[1])
    with pytest.raises(ValueError, match="at least one label"):
        plot_coefficients(np.arange(5.0), np.zeros((5, 1)), np.ones(5), (), scale=[])
    with pytest.raises(ValueError, match="bias must have one value"):
        plot_one_to_one_panels(np.zeros((3, 2)), np.zeros((3, 2)), labels, bias=0.0, scatter=[1, 1])


def test_kiel(rng: np.random.Generator, tmp_path: Path) -> None:
    teff, logg, fe_h = rng.normal(4800, 300, 80), rng.normal(2.5, 0.6, 80), rng.normal(-0.3, 0.3, 80)
    teff[3], logg[4], fe_h[5:9] = np.nan, np.nan, np.nan
    ax = plot_kiel(teff, logg, fe_h, colour_label=KNOWN_LABELS["fe_h"])
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    shown = np.isfinite(teff) & np.isfinite(logg)
    assert limits_hold(ax.get_xlim(), teff[shown])
    assert limits_hold(ax.get_ylim(), logg[shown])
    assert ax.get_xlabel().endswith("[K]")
    assert ax.get_ylabel().endswith("[dex]")
    assert [len(points.get_offsets()) for points in ax.collections] == [4, 74]
    assert ax.figure.axes[-1].get_ylabel() == "[Fe/H] [dex]"
    require_drawable(ax.figure, tmp_path)
    bare = plot_kiel(teff, logg, np.full(80, np.nan), ax.figure.add_subplot(), colour_label="nothing known")
    assert bare.figure is ax.figure
    require_drawable(bare.figure, tmp_path)


def test_spectrum(rng: np.random.Generator, tmp_path: Path) -> None:
    model = 1 - 0.5 * np.exp(-0.5 * ((WAVELENGTH - 5890) / 15) ** 2)
    ivar = rng.uniform(900, 2500, len(WAVELENGTH))
    flux = model + rng.normal(size=len(WAVELENGTH)) / np.sqrt(ivar)
    ivar[100:110], flux[100:110] = 0, 50.0
    upper, lower = plot_spectrum(WAVELENGTH, flux, ivar, model)
    data = np.asarray(upper.lines[0].get_ydata())
    assert np.isnan(data[100:110]).all()
    assert np.isfinite(data[:100]).all()
    assert upper.get_ylim()[1] < 3
    assert limits_hold(upper.get_ylim(), np.concatenate([data, model]))
    assert limits_hold(lower.get_ylim(), data - model)
    assert upper.get_ylabel() == "normalised flux"
    assert lower.get_ylabel().endswith("[flux]")
    assert "wavelength [" in lower.get_xlabel()
    assert [text.get_text() for text in upper.get_legend().get_texts()] == [r"$\pm 1\sigma$", "data", "model"]
    require_drawable(upper.figure, tmp_path)
    pair = tuple(Figure().subplots(2, 1))
    assert plot_spectrum(WAVELENGTH, flux, np.zeros_like(ivar), model, pair) == pair
    require_drawable(pair[0].figure, tmp_path)
    with pytest.raises(ValueError, match="one value per pixel"):
        plot_spectrum(WAVELENGTH, flux, ivar, model[:-1])


@pytest.mark.parametrize("names", SUBSETS)
def test_scatter_by_snr(tmp_path: Path, names: tuple[str, ...]) -> None:
    labels = labels_from_names(names)
    snr = np.array([12.0, 30.0, 60.0, 150.0])
    scatter = np.outer(20 / snr, np.arange(1, len(names) + 1))
    scatter[0, 0] = np.nan  # an empty bin
    figure = plot_scatter_by_snr(snr, scatter, labels, formal=scatter / 2)
    assert len(figure.axes) == len(names)
    require_unit_texts(figure.axes, [label.unit for label in labels])
    for k, ax in enumerate(figure.axes):
        assert limits_hold(ax.get_xlim(), snr)
        assert limits_hold(ax.get_ylim(), scatter[:, k])
        assert len(ax.lines) == 2
        assert len(ax.collections) == 1  # the paper's scatter
    require_drawable(figure, tmp_path)
    plain = plot_scatter_by_snr(snr, scatter[:, :1], labels_from_names(["c_m"]))
    assert len(plain.axes[0].lines) == 1
    assert not plain.axes[0].collections


def test_span_and_colour_scale() -> None:
    assert span([1.0, 3.0], [np.nan, np.inf], margin=0.1) == pytest.approx((0.8, 3.2))
    assert span([np.nan]) == (0.0, 1.0)
    assert span([2.0]) == (1.5, 2.5)
    norm = colour_scale(np.array([np.nan, -5.0, 10.0, 100.0]), log=True)
    assert 10 <= norm.vmin < norm.vmax <= 100
    assert colour_scale(np.array([3.0])).vmax == 3.5


def test_figures_import_no_solver_and_no_global_state() -> None:
    imported = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module)
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    own = {name.split(".")[1] for name in imported if name.startswith("bayescannon.")}
    assert own <= {"figures", "data", "models", "numerics"}
    foreign = {name.split(".")[0] for name in imported} - {"bayescannon"}
    assert foreign <= {"arviz_stats", "collections", "math", "matplotlib", "numpy", "os", "typing"}
    assert not any(name.startswith("matplotlib.pyplot") for name in imported)
    assert "matplotlib.use" not in imported


def test_only_save_figure_writes_files() -> None:
    writers = {"savefig", "print_figure", "open", "write_text", "write_bytes", "tofile", "save", "savetxt"}
    calls = [
        (path.name, getattr(node.func, "attr", getattr(node.func, "id", "")))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    assert [call for call in calls if call[1] in writers] == [("style.py", "savefig")]
    assert ("one_to_one.py", "hexbin") in calls


def test_coverage(tmp_path: Path) -> None:
    nominal = np.linspace(0.05, 0.95, 19)
    lines = {"teff": nominal, "logg": nominal**1.5}
    ax = plot_coverage(nominal, lines)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == list(lines)
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(drawn["logg"], nominal**1.5)
    require_drawable(ax.figure, tmp_path)
    other = Figure().add_subplot()
    assert plot_coverage(nominal, lines, other) is other
    with pytest.raises(ValueError, match="at least one line"):
        plot_coverage(nominal, {})
    with pytest.raises(ValueError, match="logg must have one fraction per probability"):
        plot_coverage(nominal, {"logg": nominal[1:]})


def test_pit(tmp_path: Path) -> None:
    edges = np.linspace(0, 1, 11)
    counts = np.array([30, 12, 9, 8, 8, 7, 9, 10, 12, 28])
    ax = plot_pit(edges, counts, (6.0, 20.0))
    (stairs,) = [patch for patch in ax.patches if hasattr(patch, "get_data")]
    np.testing.assert_array_equal(stairs.get_data().values, counts)
    assert ax.get_ylim()[1] > 30
    require_drawable(ax.figure, tmp_path)
    with pytest.raises(ValueError, match="10 counts need 11 edges"):
        plot_pit(edges[1:], counts, (6.0, 20.0))


def test_distances(rng: np.random.Generator, tmp_path: Path) -> None:
    near, far = rng.uniform(0, 2, 30), rng.uniform(3, 90, 20)
    distance = np.concatenate([near, far, [np.nan]])
    moved = rng.uniform(0, 5, 51)
    kinds = {"giants": np.arange(51) < 30, "dwarfs": np.arange(51) >= 30}
    ax = plot_distances(distance, moved, cut=2.5, kinds=kinds)
    assert [len(points.get_offsets()) for points in ax.collections] == [30, 20]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["giants", "dwarfs", "cut 2.5"]
    (line,) = ax.lines
    assert set(line.get_xdata()) == {2.5}
    assert limits_hold(ax.get_xlim(), distance)
    require_drawable(ax.figure, tmp_path)
    other = Figure().add_subplot()
    assert plot_distances([0.0], [0.0], other, cut=2.5) is other
    require_drawable(other.figure, tmp_path)


def test_kiel_distance(rng: np.random.Generator, tmp_path: Path) -> None:
    teff, logg = rng.uniform(4000, 7000, 60), rng.uniform(0, 5, 60)
    distance = np.where(np.arange(60) < 40, 1.0, 30.0)
    distance[7] = np.nan
    ax = plot_kiel_distance(teff, logg, distance, cut=2.5, reference_teff=[3800.0, 4500.0], reference_logg=[1.0, 2.0])
    behind, points = ax.collections
    assert len(behind.get_offsets()) == 2
    np.testing.assert_array_equal(points.get_array(), np.delete(distance, 7))
    # the cut is the middle of the colours, and what is beyond has a rim
    assert points.norm(2.5) == 0.5
    np.testing.assert_array_equal(np.asarray(points.get_linewidths()) > 0, np.delete(distance, 7) >= 2.5)
    assert ax.xaxis_inverted()
    assert ax.yaxis_inverted()
    assert max(ax.get_xlim()) > 6000 > 3800 > min(ax.get_xlim())
    require_drawable(ax.figure, tmp_path)
    other = Figure().add_subplot()
    assert plot_kiel_distance([], [], [], other, cut=2.5) is other
    require_drawable(other.figure, tmp_path)
