"""A validation drawn: the stars and numbers of its statistics, one panel per label."""

import pytest
from toy import toy_reference

import bayescannon as bc
from bayescannon.figures import plot_validation, save_figure


@pytest.fixture(scope="module")
def validation():
    reference = toy_reference(120)
    return bc.validate(bc.train(reference), reference, folds=4)


@pytest.mark.parametrize(("snr_min", "method"), [(None, "k-fold"), (50.0, "leave-none-out")])
def test_panels_show_the_statistics(validation, snr_min, method, tmp_path):
    figure = plot_validation(validation, method=method, snr_min=snr_min)
    panels = [ax for ax in figure.axes if ax.get_ylabel()][:3]
    assert len(panels) == 3
    selection = "all" if snr_min is None else "snr > 50"
    row = validation.row(method, selection, "teff")
    text = " ".join(item.get_text() for item in panels[0].texts)
    assert f"{row.scatter:.1f}" in text
    assert method in panels[0].get_ylabel()
    save_figure(figure, tmp_path / "validation.png")
    assert (tmp_path / "validation.png").stat().st_size > 10_000


def test_statistics_that_there_are_not_are_named(validation):
    with pytest.raises(bc.BayesCannonError, match=r"no statistics of 'teff' by 'k-fold' over 'snr > 80'.*snr > 50"):
        plot_validation(validation, snr_min=80.0)
