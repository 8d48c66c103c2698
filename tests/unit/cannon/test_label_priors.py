import numpy as np
import pytest
import toy

from bayescannon.cannon.label_priors import (
    LABEL_PRIORS,
    box_prior,
    build_label_prior,
    coverage_prior,
    mixture_prior,
    prior_deviation,
)
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.flags import FitStatus, PosteriorStatus, ResultFlag
from bayescannon.data.label_distance import PAPER_SCALES
from bayescannon.data.labels import LabelError
from bayescannon.models.label_priors import MixtureLabels


def reference(n_star=300, error=0.0, **options):
    """A toy reference set whose labels have errors of this many scales."""
    plain = toy.toy_reference(n_star, **options)
    width = np.array([toy.WIDTH[name] for name in plain.label_names])
    errors = np.full_like(plain.labels, error) * width
    noise = np.random.default_rng(9).normal(size=errors.shape) * errors
    return ReferenceSet(plain.spectra, plain.labels + noise, errors, plain.label_names)


@pytest.fixture(scope="module")
def model():
    return train(reference())


@pytest.fixture(scope="module")
def stars():
    labels = toy.toy_labels(60, seed=5)
    return labels, toy.toy_spectra(labels, seed=5, sigma=0.05)


def test_the_box_is_the_range_with_a_margin(model):
    prior = box_prior(model, margin=0.2)
    low, high = model.reference_labels.min(axis=0), model.reference_labels.max(axis=0)
    np.testing.assert_allclose(prior.upper - prior.lower, 1.4 * (high - low))
    np.testing.assert_allclose(prior.upper + prior.lower, high + low)
    with pytest.raises(ValueError, match="margin must be above"):
        box_prior(model, margin=-0.6)


def test_the_gaussian_has_the_errors_of_the_labels_taken_out():
    noisy = train(reference(2000, error=0.8))
    prior = build_label_prior("gaussian", noisy)
    true = toy.toy_labels(2000)
    np.testing.assert_allclose(prior_deviation(prior, noisy.label_names), true.std(axis=0), rtol=0.06)
    # which is much less than the spread of the labels as reported
    assert (noisy.reference_labels.std(axis=0) > 1.2 * true.std(axis=0)).all()


def test_reference_errors_are_kept_in_the_file(tmp_path):
    noisy = train(reference(error=0.3))
    noisy.save(tmp_path / "model.nc")
    loaded = type(noisy).load(tmp_path / "model.nc")
    np.testing.assert_array_equal(loaded.reference_errors, noisy.reference_errors)
    assert loaded.hash == noisy.hash


def test_coverage_counts_neighbours_as_the_label_distance_does(model):
    prior = coverage_prior(model)
    assert set(prior.names) == set(PAPER_SCALES) & set(model.label_names)
    width = np.array([PAPER_SCALES[name] for name in prior.names])
    columns = [model.label_names.index(name) for name in prior.names]
    near = model.reference_labels[::10]
    apart = (near[:, None, columns] - model.reference_labels[None, :, columns]) / width
    number = np.exp(-0.5 * (apart**2).sum(axis=2)).sum(axis=1)
    density = prior.density(model.scaler).log_density(model.scaler.to_scaled(near))
    expected = -np.log1p(prior.cut / number)
    # merged neighbours are an approximation
    np.testing.assert_allclose(density, expected, atol=0.35)
    assert np.corrcoef(density, expected)[0, 1] > 0.98


def test_coverage_is_flat_inside_and_falls_off_outside():
    model = train(reference(1500))
    density = coverage_prior(model).density(model.scaler)
    centre = np.zeros((1, 3))
    far = np.array([[0.0, 6.0, 0.0], [0.0, 0.0, -7.0], [9.0, 0.0, 0.0]])
    assert density.log_density(centre)[0] > -0.2
    assert (density.log_density(far) < -3).all()
    # far away it goes on falling, so that a posterior is pulled back
    assert (density.log_density(1.5 * far) < density.log_density(far) - 5).all()


def test_wrong_widths_are_refused(model):
    with pytest.raises(LabelError, match=r"labels that count in the distance must be among .* got 'a_k'"):
        coverage_prior(model, widths={"a_k": 0.1})
    with pytest.raises(LabelError, match="scale of teff in the distance must be positive"):
        coverage_prior(model, widths={"teff": 0.0})
    with pytest.raises(ValueError, match="cut in label distance"):
        coverage_prior(model, cut=-1)
    with pytest.raises(ValueError, match="prior must be one of flat, box"):
        build_label_prior("jeffreys", model)


@pytest.mark.parametrize("name", LABEL_PRIORS)
@pytest.mark.parametrize("n_star", [30, 300])
def test_every_prior_goes_from_reference_set_to_labels(name, n_star):
    names = ("teff", "logg", "fe_h") if n_star > 30 else ("teff", "logg")
    model = train(toy.toy_reference(n_star, names))
    labels = toy.toy_labels(20, names, seed=6)
    spectra = toy.toy_spectra(labels, names, seed=6)
    prior = build_label_prior(name, model)
    estimates = label_spectra(model, spectra, prior=prior)
    assert (estimates["status"] == FitStatus.CONVERGED).all()
    assert estimates.attrs["prior"] == prior.describe()
    # good spectra speak for themselves
    flat = label_spectra(model, spectra)
    off = (estimates["labels"] - flat["labels"]).to_numpy() / np.sqrt(
        np.diagonal(flat["formal_covariance"], axis1=1, axis2=2)
    )
    assert np.median(np.abs(off)) < 0.2
    posterior = sample_posterior(model, spectra, prior=prior)
    assert (posterior["posterior_status"] <= PosteriorStatus.ADAPTED).all()


def test_one_label_is_enough():
    model = train(toy.toy_reference(60, ("teff",)))
    spectra = toy.toy_spectra(toy.toy_labels(5, ("teff",), seed=1), ("teff",), seed=1)
    for name in LABEL_PRIORS:
        assert np.isfinite(label_spectra(model, spectra, prior=build_label_prior(name, model))["labels"]).all()


def test_a_tight_prior_is_flagged_where_it_dominates(model, stars):
    _, spectra = stars
    tight = MixtureLabels.gaussian(model.label_names, model.scaler.pivot, np.diag((0.02 * model.scaler.scale) ** 2))
    wide = MixtureLabels.gaussian(model.label_names, model.scaler.pivot, np.diag((50 * model.scaler.scale) ** 2))
    dominated, free = (
        label_spectra(model, spectra, prior=prior)["flags"].to_numpy() & int(ResultFlag.PRIOR_DOMINATED)
        for prior in (tight, wide)
    )
    assert (dominated > 0).all()
    assert (free == 0).all()


def test_mixture_of_few_stars_is_a_gaussian():
    model = train(toy.toy_reference(30, ("teff", "logg")))
    assert len(mixture_prior(model).weight) <= 3
