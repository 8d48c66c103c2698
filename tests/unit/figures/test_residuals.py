"""Residual grids (figures 1 and 6): a row per label, a column per source and range of S/N."""

import numpy as np
import pytest
from drawing import require_drawable
from stars_to_draw import draw_labels

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_residuals
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg", "fe_h")
LABELS = [KNOWN_LABELS[name] for name in NAMES]


@pytest.fixture
def stars():
    return draw_labels()


def _given(stars, seed=1):
    reference = np.column_stack([stars[name] for name in NAMES])
    noise = np.random.default_rng(seed).normal(size=reference.shape)
    return reference, {
        "LAMOST - APOGEE": [50, 0, 0] + noise * [90, 0.2, 0.1],
        "Cannon - APOGEE": noise * [60, 0.1, 0.08],
    }


def test_panels_are_of_sources_ranges_and_labels(stars, tmp_path):
    reference, residuals = _given(stars)
    figure = plot_residuals(reference, residuals, LABELS, snr=stars["snr"], edges=(0, 30, 60, np.inf))
    assert len(figure.axes) == 3 * 2 * 3
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles[0] == "LAMOST - APOGEE\nS/N 0 to 30"
    assert titles[-1] == "Cannon - APOGEE\nS/N > 60"
    # every star is in one range
    counts = [len(ax.collections[0].get_offsets()) for ax in figure.axes[:6]]
    assert sum(counts[:3]) == sum(counts[3:]) == len(reference)
    assert all("[K]" in ax.get_xlabel() for ax in figure.axes[:6])
    require_drawable(figure, tmp_path)


def test_numbers_are_those_of_the_residuals(stars):
    reference, residuals = _given(stars)
    figure = plot_residuals(reference, residuals, LABELS)
    text = figure.axes[0].texts[0].get_text()
    off = residuals["LAMOST - APOGEE"][:, 0]
    bias, error = (float(part) for part in text.splitlines()[0].removeprefix("bias ").removesuffix(" K").split(" ± "))
    assert bias == pytest.approx(off.mean(), abs=0.06)
    assert error == pytest.approx(off.std() / np.sqrt(len(off)), rel=0.05)
    low, high = figure.axes[0].get_ylim()
    assert low == -high


def test_empty_ranges_and_missing_labels_are_drawn(stars, tmp_path):
    reference, residuals = _given(stars)
    residuals["LAMOST - APOGEE"][:, 2] = np.nan
    figure = plot_residuals(reference, residuals, LABELS, snr=stars["snr"], edges=(0, 30, 1e5, 1e6))
    assert "no stars" in [text.get_text() for ax in figure.axes for text in ax.texts]
    require_drawable(figure, tmp_path)


def test_wrong_calls_say_what_is_wrong(stars):
    reference, residuals = _given(stars)
    with pytest.raises(InputError, match="at least one source"):
        plot_residuals(reference, {}, LABELS)
    with pytest.raises(InputError, match="ranges of S/N need snr"):
        plot_residuals(reference, residuals, LABELS, edges=(0, 30))
    with pytest.raises(InputError, match="one value per label"):
        plot_residuals(reference[:, :2], residuals, LABELS)
