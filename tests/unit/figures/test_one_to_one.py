"""One-to-one panels: a panel per label, its unit, its numbers, and equal axes."""

from pathlib import Path

import numpy as np
import pytest
from drawing import SUBSETS, limits_hold, require_drawable, require_unit_texts
from matplotlib.figure import Figure

from bayescannon.data.labels import KNOWN_LABELS, labels_from_names
from bayescannon.figures import plot_one_to_one, plot_one_to_one_panels


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
        reference, inferred, labels, bias=bias, scatter=10 * bias, snr=snr, names=("Survey A", "inferred")
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


def test_one_to_one_panels_refuse_shapes_that_do_not_go_together() -> None:
    labels = labels_from_names(("teff", "logg"))
    with pytest.raises(ValueError, match="bias must have one value"):
        plot_one_to_one_panels(np.zeros((3, 2)), np.zeros((3, 2)), labels, bias=0.0, scatter=[1, 1])
