"""What a trained model says of itself, and what it gives to ArviZ."""

import dataclasses

import pytest
import toy

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(200)


@pytest.fixture(scope="module")
def model(reference):
    return train(reference)


def test_a_model_is_printed_in_three_lines(model, reference):
    lines = repr(model).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) < 120
    assert lines[0] == f"<TrainedModel {model.hash} of teff [K], logg [dex], fe_h [dex]"
    assert lines[1] == " 200 reference stars; pixels: 120 live of 120, 5000.0 to 5400.0 Angstrom"
    assert lines[2] == " theta flat, s flat, kappa fixed; errors formal; coverage none>"
    with_coverage = dataclasses.replace(model, coverage=toy.fit_coverage(model, reference, folds=2))
    assert "coverage of 200 stars" in repr(with_coverage)
    assert len(repr(model.populations)) < 100


def test_a_notebook_gets_a_table_with_escaped_text(model, monkeypatch):
    html = model._repr_html_()
    assert html.count("<tr>") == 7
    assert f">{model.hash}<" in html
    monkeypatch.setattr(TrainingOptions, "describe", lambda _: "<script>")
    assert "<script>" not in model._repr_html_()
    assert "&lt;script&gt;" in model._repr_html_()
