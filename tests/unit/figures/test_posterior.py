"""Forests and ridges of labels: a panel per label with its unit, a row per star, and what they refuse."""

import numpy as np
import pytest
import xarray as xr

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_label_forest, plot_label_ridge, save_figure
from bayescannon.numerics.errors import InputError

STARS = ["one", "two", "three"]
STEPS = np.array([0, 300, 600])
LABELS = [KNOWN_LABELS["teff"], KNOWN_LABELS["logg"]]
GROUPS = ("formal", "bootstrap", "posterior")


@pytest.fixture
def draws():
    rng = np.random.default_rng(0)

    def group(width):
        return xr.Dataset(
            {
                "teff": (("chain", "draw", "star"), 4800 + STEPS + 50 * width * rng.normal(size=(1, 400, 3))),
                "logg": (("chain", "draw", "star"), 2 + 0.1 * width * rng.normal(size=(1, 400, 3))),
            },
            coords={"star": STARS},
        )

    return {name: group(width) for name, width in zip(GROUPS, (1, 0.5, 1.1), strict=True)}


@pytest.mark.parametrize("plot", [plot_label_forest, plot_label_ridge])
@pytest.mark.parametrize("relative", [False, True])
def test_every_label_has_a_panel_of_its_own_with_its_unit(draws, tmp_path, plot, relative):
    if relative:
        draws = {name: group - group.mean("draw") for name, group in draws.items()}
    figure = plot(draws, LABELS, relative=relative)
    assert len(figure.axes) == 2
    for ax, label in zip(figure.axes, LABELS, strict=True):
        assert ax.get_xlabel() == (f"{label.symbol} $-$ inferred [{label.unit}]" if relative else label.axis_text())
        values = draws["formal"][label.name].to_numpy()
        low, high = ax.get_xlim()
        assert low < np.quantile(values, 0.03)
        assert high > np.quantile(values, 0.97)
        assert high - low < 3 * np.ptp(values)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == STARS
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(GROUPS)
    save_figure(figure, tmp_path / "figure.png", dpi=100)


def test_a_forest_shows_median_and_intervals(draws):
    ax = plot_label_forest(draws, LABELS[0]).axes[0]
    assert [line.get_xdata().shape for line in ax.lines] == [(3,)] * 3
    for line, group in zip(ax.lines, draws.values(), strict=True):
        np.testing.assert_allclose(line.get_xdata(), np.median(group["teff"][0], axis=0))
    thin, thick = (ax.collections[k].get_segments()[1][:, 0] for k in (0, 1))
    star = draws["formal"]["teff"][0, :, 1].to_numpy()
    np.testing.assert_allclose(thin, np.quantile(star, [0.025, 0.975]))
    np.testing.assert_allclose(thick, np.quantile(star, [0.158655, 0.841345]))


def test_densities_of_a_ridge_keep_their_areas(draws):
    ax = plot_label_ridge(draws, LABELS[0]).axes[0]
    areas = [
        np.trapezoid(-line.get_ydata() + row, line.get_xdata())
        for line, row in zip(ax.lines, [0, 1, 2] * 3, strict=True)
    ]
    np.testing.assert_allclose(areas, areas[0], rtol=0.05)
    assert min(line.get_ydata().min() for line in ax.lines) > -1


def test_what_does_not_go_together_is_refused(draws):
    with pytest.raises(InputError, match="must have the label a_k; they have"):
        plot_label_forest(draws, KNOWN_LABELS["a_k"])
    with pytest.raises(InputError, match="one to 4 groups of draws; got 0"):
        plot_label_ridge({}, LABELS)
    with pytest.raises(InputError, match="at least one label"):
        plot_label_forest(draws, [])
    few = {**draws, "bootstrap": draws["bootstrap"].isel(star=[0, 2])}
    with pytest.raises(InputError, match="same stars; formal has 3 stars, bootstrap has 2"):
        plot_label_forest(few, LABELS)


def test_groups_may_differ_in_their_number_of_draws(draws):
    few = {**draws, "bootstrap": draws["bootstrap"].isel(draw=slice(20))}
    assert len(plot_label_forest(few, LABELS).axes) == 2
