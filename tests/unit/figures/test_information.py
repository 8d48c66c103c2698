"""Figures of the information on labels: shares that add up, names, and labels that nothing determines."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing import limits_hold, require_drawable
from toy import toy_reference

import bayescannon as bc
from bayescannon.figures import plot_expected_errors, plot_information


@pytest.fixture(scope="module")
def model():
    return bc.train(toy_reference(80))


def test_information(model, tmp_path: Path) -> None:
    found = bc.label_information(model)
    figure = plot_information(found)
    assert len(figure.axes) == 3
    for k, ax in enumerate(figure.axes):
        assert ax.get_ylabel() == f"{found.labels[k].symbol}\n[% per block]"
        known, marginal, lost = (patch.get_data().values for patch in ax.patches)
        np.testing.assert_allclose([known.sum(), marginal.sum()], 100.0, rtol=1e-9)
        np.testing.assert_allclose(lost, [100 * block.lost[k] for block in found.blocks])
        assert limits_hold(ax.get_ylim(), np.concatenate([known, marginal, lost]))
        assert [text.get_text() for text in ax.texts]
    assert "wavelength [" in figure.axes[-1].get_xlabel()
    require_drawable(figure, tmp_path)


def test_expected_errors(model, tmp_path: Path) -> None:
    found = bc.label_information(model)
    figure = plot_expected_errors(found)
    assert [len(ax.lines) for ax in figure.axes] == [1, 1, 1]
    loadings = 0.02 * np.random.default_rng(0).normal(size=(120, 2))
    hidden = bc.label_information(replace(model, loadings=loadings))
    errors = replace(hidden.expected, calibrated=2 * hidden.expected.formal)
    figure = plot_expected_errors(replace(hidden, expected=errors))
    for k, ax in enumerate(figure.axes):
        assert [line.get_label() for line in ax.lines] == ["formal", "hidden components known", "calibrated"]
        assert limits_hold(ax.get_ylim(), errors.formal[:, k])
        assert ax.get_ylabel().startswith("error of ")
    require_drawable(figure, tmp_path)


def test_nothing_determined(model, tmp_path: Path) -> None:
    found = bc.label_information(model, ivar=np.zeros(120))
    require_drawable(plot_information(found), tmp_path)
    require_drawable(plot_expected_errors(found), tmp_path)
