from dataclasses import replace

import numpy as np
import pytest
import toy
from expect import expect_between
from repeated_stars import two_spectra_each

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train, training_stars
from bayescannon.data.spectra import Spectra
from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.models.noise_priors import GlobalNoise
from bayescannon.uncertainty.bootstrap import BootstrapError, bootstrap_labels, draw_multiplicities, retrain


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(120)


@pytest.fixture(scope="module")
def model(reference):
    return train(reference)


@pytest.fixture(scope="module")
def stars():
    return toy.toy_spectra(toy.toy_labels(12, seed=9), seed=9)


def test_stars_are_drawn_with_replacement():
    draws = draw_multiplicities(500, 40, seed=3)
    assert (draws.sum(axis=1) == 500).all()
    expect_between((draws == 0).mean(), 0.355, 0.38, what="stars left out of a bootstrap")
    np.testing.assert_array_equal(draws[:5], draw_multiplicities(500, 5, seed=3))
    assert (draws[:5] != draw_multiplicities(500, 5, seed=4)).any()


def test_a_bootstrap_is_a_training_on_the_stars_drawn(model, reference, stars):
    """By the slow way: spectra copied under new names, trained cold, labelled as any star is."""
    draws = bootstrap_labels(model, reference, stars, n_bootstrap=2, seed=5)
    for b, multiplicity in enumerate(draw_multiplicities(len(reference), 2, seed=5)):
        rows = np.repeat(np.arange(len(reference)), multiplicity)
        spectra = reference.spectra
        names = np.array([f"copy-{n}" for n in range(len(rows))])
        copies = Spectra(spectra.wavelength, spectra.flux[rows], spectra.ivar[rows], names)
        slow = train(replace(reference, spectra=copies, labels=reference.labels[rows], errors=reference.errors[rows]))
        expected = label_spectra(slow, stars)["labels"].to_numpy()
        np.testing.assert_allclose((draws["labels"][b] - expected) / model.scaler.scale, 0, atol=1e-5)
    assert (draws["n_failed"] == 0).all()
    assert draws.attrs["model_hash"] == model.hash


def test_populations_and_kappa_are_learned_anew():
    reference = toy.toy_reference(120, n_pixel=60)
    model = train(reference, options=TrainingOptions(PooledCoefficients(), noise=GlobalNoise()))
    (count,) = draw_multiplicities(120, 1, seed=1)
    other = retrain(model, reference, count)
    assert (other.scaler.pivot == model.scaler.pivot).all()
    assert np.abs(np.log(other.noise_scale / model.noise_scale)).max() > 1e-3
    assert (other.populations.coefficients.tau != model.populations.coefficients.tau).all()


def test_more_stars_in_the_set_and_another_order_change_nothing(model, reference, stars):
    order = np.random.default_rng(0).permutation(len(reference))
    sets = [reference.select(order), toy.toy_reference(30, label_seed=7, seed=7)]
    arrays = [np.concatenate([getattr(part.spectra, name) for part in sets]) for name in ("flux", "ivar", "id")]
    both = replace(
        reference,
        spectra=Spectra(reference.spectra.wavelength, *arrays),
        labels=np.concatenate([part.labels for part in sets]),
        errors=np.concatenate([part.errors for part in sets]),
        star=None,
        source=None,
    )
    assert training_stars(model, both).spectra.id.tolist() == model.reference_id.tolist()
    one, two = (bootstrap_labels(model, given, stars, n_bootstrap=2) for given in (reference, both))
    np.testing.assert_array_equal(one["labels"], two["labels"])


def test_duplicated_reference_stars_count_as_two(stars):
    """The same spectrum under two names is two stars, drawn apart: the spread is that of twice as many stars."""
    reference = toy.toy_reference(80)
    twice = replace(
        reference,
        spectra=Spectra(
            reference.spectra.wavelength,
            np.tile(reference.spectra.flux, (2, 1)),
            np.tile(reference.spectra.ivar, (2, 1)),
            np.array([f"{name}-{k}" for k in (1, 2) for name in reference.spectra.id]),
        ),
        labels=np.tile(reference.labels, (2, 1)),
        errors=np.tile(reference.errors, (2, 1)),
        star=None,
        source=None,
    )
    one, two = (
        bootstrap_labels(train(given), given, stars, n_bootstrap=60)["labels"].std("bootstrap")
        for given in (reference, twice)
    )
    expect_between(float((two / one).median()), 0.62, 0.75, what="spread with every star twice / once")


def test_two_spectra_of_a_star_are_drawn_together(stars):
    """Every star's spectrum twice is the same training set, drawn star by star: the same labels of every bootstrap."""
    reference = toy.toy_reference(80)
    twice = two_spectra_each(reference)
    one, two = (bootstrap_labels(train(given), given, stars, n_bootstrap=4)["labels"] for given in (reference, twice))
    np.testing.assert_allclose(one, two, rtol=1e-5)


def test_a_star_that_bootstraps_cannot_label_is_missing_and_counted(model, reference, stars):
    ivar = stars.ivar.copy()
    ivar[4] = 0
    draws = bootstrap_labels(model, reference, replace(stars, ivar=ivar), n_bootstrap=3)
    assert draws["n_failed"].to_numpy().tolist() == [0] * 4 + [3] + [0] * 7
    assert np.isnan(draws["labels"][:, 4]).all()
    assert np.isfinite(draws["labels"][:, 5:]).all()


def test_wrong_calls_are_refused(model, reference, stars):
    with pytest.raises(BootstrapError, match="at least 2, to have a spread; got 1"):
        bootstrap_labels(model, reference, stars, n_bootstrap=1)


def test_label_errors_are_bootstrapped_with_their_hidden_components():
    reference, _ = toy.noisy_reference(300, hidden=0.01)
    options = TrainingOptions(label_errors="table", n_hidden=2)
    model = train(reference, options=options)
    spectra = toy.toy_spectra(toy.toy_labels(6, seed=8), seed=8)
    whole = retrain(model, reference, np.ones(len(reference), dtype=np.int64))
    # the same stars give the same model, whatever the signs of its components
    np.testing.assert_allclose(whole.theta, model.theta, atol=2e-3 * np.abs(model.theta).max())
    assert whole.loadings.shape == model.loadings.shape
    draws = bootstrap_labels(model, reference, spectra, n_bootstrap=3)
    spread = draws["labels"].std("bootstrap").to_numpy()
    assert (spread > 0).all()
    assert (spread < 0.5 * model.scaler.scale).all()
