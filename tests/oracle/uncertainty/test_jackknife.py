"""The jackknife's derivatives against refits with one star's weight changed, and its spread against bootstraps."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from hidden_survey import hidden_reference, hidden_spectra
from repeated_stars import two_spectra_each

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.likelihood import star_quartic
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference_fit import fit_reference
from bayescannon.cannon.training import train
from bayescannon.models.coefficient_priors import LaplaceCoefficients, NormalCoefficients
from bayescannon.models.label_vector import label_vector
from bayescannon.models.noise_priors import FixedNoise, HalfNormalScatter, PooledScatter
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.solver import Solver
from bayescannon.stars.quartic import minimise
from bayescannon.uncertainty.bootstrap import bootstrap_labels, retrain
from bayescannon.uncertainty.jackknife import JackknifeError, LabelDerivatives, jackknife_covariance

OPTIONS = {
    "flat": TrainingOptions(),
    "marginal": TrainingOptions(marginal=True),
    "normal, half-normal, kappa": TrainingOptions(NormalCoefficients(0.003), HalfNormalScatter(0.003), FixedNoise(0.7)),
    "log-normal": TrainingOptions(scatter=PooledScatter(-5.5, 0.5), marginal=True),
    "sparse": TrainingOptions(LaplaceCoefficients(0.002)),
    "censored": TrainingOptions(censored={"teff": [(5000.0, 5200.0)]}),
}


def reference_set(n_star=70, n_pixel=60):
    """Stars of different noise; a fifth of the pixels without scatter."""
    reference = toy.toy_reference(n_star, n_pixel=n_pixel, scatter=0.006)
    rng = np.random.default_rng(3)
    ivar = reference.spectra.ivar * np.exp(rng.normal(0, 0.7, size=(n_star, 1)))
    ivar[:, ::5] *= 0.2
    return replace(reference, spectra=replace(reference.spectra, ivar=ivar))


@pytest.mark.parametrize("name", OPTIONS)
def test_derivatives_are_those_of_refits(name):
    options, reference = OPTIONS[name], reference_set()
    model = train(reference, options=options)
    stars = toy.toy_spectra(toy.toy_labels(6, seed=9), n_pixel=60, seed=9)
    own = model.scaler.to_scaled(label_spectra(model, stars)["labels"].to_numpy())
    derivatives = LabelDerivatives(model, reference, stars, own, None).block(slice(0, len(stars)))
    derivatives = derivatives * model.scaler.scale[:, None]

    def labels(star, count):
        vectors = label_vector(model.scaler.to_scaled(reference.labels))
        multiplicity = np.ones(len(reference))
        multiplicity[star] = count
        fit = fit_reference(
            LabelMoments.known(vectors, multiplicity=multiplicity), reference.spectra.flux, reference.spectra.ivar,
            options, wavelength=model.wavelength, label_names=model.label_names, solver=Solver(tolerance=1e-12),
        )  # fmt: skip
        moved = replace(model, fit=fit.fit, kappa=fit.kappa)
        return model.scaler.from_scaled(minimise(star_quartic(moved, stars), own[:, None]).labels[:, 0])

    assert (model.scatter == 0).any() == ("log-normal" not in name)
    size = np.sqrt((derivatives.astype(float) ** 2).mean(axis=2))
    for star in (0, 7, 33):
        step = 1e-3
        slope = (labels(star, 1 + step) - labels(star, 1 - step)) / (2 * step)
        np.testing.assert_allclose((derivatives[:, :, star] - slope) / size, 0, atol=0.01)


def test_the_jackknife_is_the_limit_of_the_bootstrap():
    reference = toy.toy_reference(400, n_pixel=60, scatter=0.01, sigma=0.005)
    model = train(reference)
    stars = toy.toy_spectra(toy.toy_labels(60, seed=9), n_pixel=60, seed=9)
    estimates = label_spectra(model, stars)
    draws = bootstrap_labels(model, reference, stars, n_bootstrap=200, estimates=estimates)
    covariance = jackknife_covariance(model, reference, stars, estimates=estimates)
    ratio = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)) / draws["labels"].to_numpy().std(axis=0, ddof=1)
    np.testing.assert_allclose(np.median(ratio, axis=0), 1, atol=0.1)
    # 200 draws know a spread to 5 %
    assert np.quantile(np.abs(ratio - 1), 0.9) < 0.2


def test_models_without_a_derivative_are_sent_to_the_bootstrap():
    reference = reference_set()
    model = train(reference, options=TrainingOptions(SmoothCoefficients(scale=0.01)))
    with pytest.raises(JackknifeError, match=r"smooth along wavelength.*Use the bootstrap"):
        jackknife_covariance(model, reference, reference.spectra)


@pytest.mark.parametrize(
    ("error", "choices", "least", "most"),
    [(0.0, {"hidden": 2}, 0.97, 1.12), (0.3, {"hidden": 2, "label_errors": "table"}, 0.8, 1.05)],
    ids=["exact", "latent"],
)
def test_derivatives_with_hidden_components_are_nearly_those_of_refits(error, choices, least, most):
    """The moments of the other stars are held fixed, so that they are not quite; star by star they agree."""
    reference = hidden_reference(200, 10, error=error)
    model = train(reference, **choices)
    stars = hidden_spectra(toy.toy_labels(8, seed=9), 9, sigma=0.004)
    own = model.scaler.to_scaled(label_spectra(model, stars)["labels"].to_numpy())
    derivatives = LabelDerivatives(model, reference, stars, own, None).block(slice(0, len(stars)))
    derivatives = derivatives.astype(float) - derivatives.mean(axis=2, keepdims=True)

    def labels(star, count):
        multiplicity = np.ones(len(reference), dtype=np.int64)
        multiplicity[star] = count
        return minimise(star_quartic(retrain(model, reference, multiplicity), stars), own[:, None]).labels[:, 0]

    some = np.arange(0, 200, 10)
    slopes = np.stack([(labels(star, 2) - labels(star, 0)) / 2 for star in some], axis=2)
    for k in range(3):
        found, expected = derivatives[:, k, some], slopes[:, k]
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95
        assert least < (found * expected).sum() / (found**2).sum() < most


@pytest.mark.parametrize("name", ["flat", "normal, half-normal, kappa"])
def test_a_star_with_several_spectra_has_one_weight(name):
    """The derivative by a star's weight is that of refits in which the weights of all of its spectra change."""
    options, single = OPTIONS[name], reference_set()
    reference = replace(two_spectra_each(single), labels=np.tile(single.labels, (2, 1)))
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 0.01, reference.spectra.flux.shape) * (reference.spectra.ivar > 0)
    reference = replace(reference, spectra=replace(reference.spectra, flux=reference.spectra.flux + noise))
    model = train(reference, options=options)
    stars = toy.toy_spectra(toy.toy_labels(4, seed=9), n_pixel=60, seed=9)
    own = model.scaler.to_scaled(label_spectra(model, stars)["labels"].to_numpy())
    derivatives = LabelDerivatives(model, reference, stars, own, None).block(slice(0, len(stars)))
    assert derivatives.shape == (4, 3, 70)
    vectors = label_vector(model.scaler.to_scaled(reference.labels))

    def labels(star, count):
        weight = np.where(np.isin(np.arange(140), [star, 70 + star]), count, 1.0)
        fit = fit_reference(
            LabelMoments.known(vectors, multiplicity=weight), reference.spectra.flux, reference.spectra.ivar,
            options, wavelength=model.wavelength, label_names=model.label_names, solver=Solver(tolerance=1e-12),
        )  # fmt: skip
        return minimise(star_quartic(replace(model, fit=fit.fit, kappa=fit.kappa), stars), own[:, None]).labels[:, 0]

    size = np.sqrt((derivatives.astype(float) ** 2).mean(axis=2))
    for star in (0, 33):
        slope = (labels(star, 1.001) - labels(star, 0.999)) / 0.002
        np.testing.assert_allclose((derivatives[:, :, star] - slope) / size, 0, atol=0.01)


def test_the_same_spectra_twice_say_no_more():
    single = reference_set()
    stars = toy.toy_spectra(toy.toy_labels(4, seed=9), n_pixel=60, seed=9)
    one, two = (jackknife_covariance(train(given), given, stars) for given in (single, two_spectra_each(single)))
    np.testing.assert_allclose(one, two, rtol=2e-3, atol=1e-3 * np.abs(one).max() * 1e-3)
    apart = replace(two_spectra_each(single), star=np.arange(140))
    ratio = np.diagonal(jackknife_covariance(train(apart), apart, stars) / one, axis1=1, axis2=2)
    np.testing.assert_allclose(ratio, 0.5, rtol=2e-3)
