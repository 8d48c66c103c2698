"""The likelihood of stars' pixels and modes at draws of their labels."""

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import toy
from uncertain_stars import BAD, N_DRAWS, N_STAR, stacked

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train
from bayescannon.numerics.errors import InputError
from bayescannon.uncertainty.datatree import uncertainty_tree


def test_arviz_takes_the_likelihood_of_the_pixels(tree, model, spectra):
    """The pointwise log likelihood is that of SciPy, and loo and plot_ppc_dist run on the tree."""
    assert set(tree["observed_data"].data_vars) == {"flux"}
    there = tree["log_likelihood"]
    star = np.array([spectra.id.tolist().index(name) for name in there["star"].to_numpy()])
    pixel = there["pixel"].to_numpy()
    assert BAD not in star
    assert len(star) == int((np.delete(spectra.ivar, BAD, axis=0) > 0).sum())
    np.testing.assert_array_equal(there["wavelength"], model.wavelength[pixel])
    np.testing.assert_array_equal(tree["observed_data"]["flux"], spectra.flux[star, pixel])
    predicted = model.predict(stacked(tree["posterior"])[0, 7])[star, pixel]
    sigma = np.sqrt(1 / spectra.ivar[star, pixel] + model.scatter[pixel] ** 2)
    np.testing.assert_allclose(
        there["flux"][0, 7], scipy.stats.norm.logpdf(spectra.flux[star, pixel], predicted, sigma), rtol=1e-10
    )
    drawn = tree["posterior_predictive"]["flux"][0, 7].to_numpy()
    assert scipy.stats.kstest((drawn - predicted) / sigma, "norm").pvalue > 1e-3
    loo = az.loo(tree, var_name="flux", pointwise=True)
    assert loo.n_data_points == len(star)
    assert float(loo.pareto_k.max()) < 0.7
    # the model is right: each of the stars uses as many parameters as it has labels
    assert loo.p == pytest.approx(3 * (N_STAR - 1), rel=0.5)
    collection = az.plot_ppc_dist(tree, num_samples=5, backend="matplotlib")
    plt.close(collection.get_viz("figure"))


def test_arviz_takes_the_likelihood_of_the_modes(model, spectra):
    tree = uncertainty_tree(model, spectra.select(np.array([0, 3])), n_draws=N_DRAWS, seed=3, likelihood="modes")
    assert set(tree["observed_data"].data_vars) == {"y"}
    assert tree["log_likelihood"].sizes["observation"] == 20
    # the same likelihood of the labels as that of the pixels, but for a constant of each star
    pixels = uncertainty_tree(model, spectra.select(np.array([0, 3])), n_draws=N_DRAWS, seed=3, likelihood="pixels")
    for name in spectra.id[[0, 3]]:
        sums = [
            one[variable][0].to_numpy()[:, one["star"].to_numpy() == name].sum(axis=1)
            for one, variable in ((tree["log_likelihood"], "y"), (pixels["log_likelihood"], "flux"))
        ]
        # products of pixels are in single precision
        np.testing.assert_allclose(np.ptp(sums[0] - sums[1]), 0, atol=5e-4)


def test_hidden_components_leave_the_modes_only(spectra):
    reference, _ = toy.noisy_reference(120, error=0.2, hidden=0.01)
    hidden = train(reference, options=TrainingOptions(label_errors="table", n_hidden=1))
    few = spectra.select(np.array([0]))
    tree = uncertainty_tree(hidden, few, n_draws=N_DRAWS)
    assert tree.attrs["likelihood"] == "modes"
    with pytest.raises(InputError, match="hidden components and nuisances correlate them"):
        uncertainty_tree(hidden, few, n_draws=N_DRAWS, likelihood="pixels")


def test_many_pixels_and_draws_are_taken_as_modes(model, spectra, monkeypatch):
    monkeypatch.setattr("bayescannon.uncertainty.star_likelihood.MOST_VALUES", 1000)
    monkeypatch.setattr("bayescannon.cannon.likelihood_groups.MOST_VALUES", 1000)
    few = spectra.select(np.array([0]))
    with pytest.raises(InputError, match="has more than 1000 values, too many for ArviZ"):
        uncertainty_tree(model, few, n_draws=N_DRAWS, likelihood="pixels")
    with pytest.raises(InputError, match="take fewer stars, pixels or draws"):
        uncertainty_tree(model, few, n_draws=N_DRAWS)


def test_no_star_with_a_posterior_leaves_no_likelihood(model, spectra):
    tree = uncertainty_tree(model, spectra.select(np.array([BAD])), n_draws=N_DRAWS)
    assert "log_likelihood" not in tree.children
