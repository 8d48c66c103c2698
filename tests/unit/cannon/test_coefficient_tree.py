"""The coefficients of a model for ArviZ: draws, maximum, and the likelihood of the reference spectra."""

import dataclasses

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import toy

from bayescannon.cannon.model_file import load_model
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train
from bayescannon.numerics.errors import InputError

PIXELS = np.array([3, 50, 80])


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(200)


@pytest.fixture(scope="module")
def model(reference):
    return train(reference)


def test_arviz_takes_the_posterior_of_the_coefficients(model):
    tree = model.to_datatree(pixels=PIXELS, draws=4000, seed=1)
    assert set(tree.children) == {"posterior", "map", "populations", "constant_data"}
    np.testing.assert_array_equal(tree["posterior"]["wavelength"], model.wavelength[PIXELS])
    assert tree["posterior"]["wavelength"].attrs["units"] == "Angstrom"
    assert tree["posterior"]["theta"].attrs["units"] == "normalised flux"
    np.testing.assert_array_equal(tree["map"]["wavelength"], model.wavelength)
    summary = az.summary(tree, kind="stats", round_to="none")
    assert len(summary) == 3 * model.theta.shape[1]
    drawn = tree["posterior"]["theta"].to_numpy()[0]
    np.testing.assert_allclose(summary["mean"].to_numpy().astype(float), drawn.mean(axis=0).ravel())
    error = np.sqrt(np.diagonal(model.fit.covariance[PIXELS], axis1=1, axis2=2))
    np.testing.assert_allclose(drawn.std(axis=0) / error, 1, atol=0.08)
    np.testing.assert_allclose((drawn.mean(axis=0) - model.theta[PIXELS]) / error, 0, atol=0.08)
    assert model.to_datatree(draws=2)["posterior"].sizes["pixel"] == 2
    dead = dataclasses.replace(model, fit=dataclasses.replace(model.fit, scatter=np.full(120, np.inf)))
    with pytest.raises(InputError, match="dead pixel has no posterior"):
        dead.to_datatree(pixels=np.array([1]))


def test_labels_of_the_reference_stars_have_their_units(model):
    data = model.to_datatree(draws=2)["constant_data"]
    assert set(data.data_vars) == set(toy.NAMES)
    assert [data[name].attrs["units"] for name in toy.NAMES] == ["K", "dex", "dex"]
    np.testing.assert_array_equal(data["logg"], model.reference_labels[:, 1])
    assert data["logg"].attrs["pivot"] == model.scaler.pivot[1]


def test_arviz_takes_the_likelihood_of_the_reference_spectra(model, reference):
    tree = model.to_datatree(pixels=PIXELS, draws=4000, reference=reference)
    there = tree["log_likelihood"]
    star = np.array([reference.spectra.id.tolist().index(name) for name in there["star"].to_numpy()])
    pixel = there["pixel"].to_numpy()
    assert len(star) == int((reference.spectra.ivar[:, PIXELS] > 0).sum())
    theta = model.theta.copy()
    theta[PIXELS] = tree["posterior"]["theta"][0, 9]
    predicted = dataclasses.replace(model, fit=dataclasses.replace(model.fit, theta=theta)).predict(reference.labels)
    sigma = np.sqrt(1 / reference.spectra.ivar[star, pixel] + model.scatter[pixel] ** 2)
    np.testing.assert_allclose(
        there["flux"][0, 9],
        scipy.stats.norm.logpdf(reference.spectra.flux[star, pixel], predicted[star, pixel], sigma),
        rtol=1e-9,
    )
    loo = az.loo(tree, var_name="flux", pointwise=True)
    assert loo.n_data_points == len(star)
    # as many parameters as coefficients
    assert loo.p == pytest.approx(3 * model.theta.shape[1], rel=0.35)
    collection = az.plot_ppc_dist(tree, num_samples=5, backend="matplotlib")
    plt.close(collection.get_viz("figure"))


def test_a_likelihood_that_the_model_does_not_have_is_refused(model, reference):
    with pytest.raises(InputError, match="must be that of the model, in its order"):
        model.to_datatree(reference=reference.select(np.arange(199, -1, -1)))
    with pytest.raises(InputError, match="too many for ArviZ"):
        model.to_datatree(pixels=slice(None), draws=1000, reference=reference)
    noisy, _ = toy.noisy_reference(120, error=0.2)
    latent = train(noisy, options=TrainingOptions(label_errors="table", n_hidden=0))
    with pytest.raises(InputError, match="hidden components or latent labels"):
        latent.to_datatree(reference=noisy)


def test_learned_populations_go_to_arviz(tmp_path):
    model = train(toy.toy_reference(80, n_pixel=20), options=TrainingOptions.from_names(coefficients="pooled"))
    model.save(tmp_path / "model.nc")
    tree = load_model(tmp_path / "model.nc").to_datatree(draws=2)
    np.testing.assert_array_equal(tree["populations"]["tau"], model.populations.coefficients.tau)
    np.testing.assert_array_equal(tree["populations"]["activity"]["wavelength"], model.wavelength)
    assert repr(model.populations).startswith("<Populations learned: coefficients; ")
