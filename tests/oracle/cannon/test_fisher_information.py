"""Information on labels against derivatives of predictions, and against the formal covariance of labelled stars."""

from dataclasses import replace

import numpy as np
import pytest
from toy import NAMES, noisy_reference, toy_labels, toy_reference, toy_spectra

import bayescannon as bc
from bayescannon.cannon.fisher_information import SNR_GRID, label_information, typical_ivar
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.data.labels import LabelError
from bayescannon.data.spectral_features import named_feature
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.errors import BayesCannonWarning, InputError, InputTypeError


@pytest.fixture(scope="module")
def model():
    return bc.train(toy_reference(150), noise="fixed", kappa=0.8)


@pytest.fixture(scope="module")
def hidden(model):
    rng = np.random.default_rng(3)
    loadings = 0.03 * rng.normal(size=(len(model.wavelength), 2))
    return replace(model, loadings=loadings)


@pytest.fixture(scope="module")
def spectra():
    return toy_spectra(toy_labels(4, seed=9), seed=9, n_pixel=120)


def with_spread(model):
    return replace(model, options=replace(model.options, nuisances=Nuisances(velocity="20km/s", continuum=0.01)))


def test_known_is_the_square_of_the_derivative_of_predict(model):
    at = np.array([4700.0, 2.2, -0.2])
    found = label_information(model, at, snr=40)
    step = 1e-4 * model.scaler.scale
    weight = 1 / (model.scatter**2 + (0.8 / 40) ** 2)
    for k in range(3):
        move = step * (np.arange(3) == k)
        slope = (model.predict(at + move) - model.predict(at - move)) / (2 * step[k])
        np.testing.assert_allclose(found.known[:, k], weight * slope**2, rtol=1e-6, atol=1e-12 * found.known.max())


@pytest.mark.parametrize("kind", ["plain", "hidden", "nuisances", "hidden and nuisances"])
def test_the_error_is_the_formal_error_of_a_star_with_these_labels(model, hidden, spectra, kind):
    """Labelling finds the labels first; at them, with the star's own noise, both are the same."""
    chosen = hidden if "hidden" in kind else model
    chosen = with_spread(chosen) if "nuisances" in kind else chosen
    estimates = label_spectra(chosen, spectra)
    formal = formal_errors(estimates)
    for n in range(len(spectra)):
        at = estimates["labels"].to_numpy()[n]
        found = label_information(chosen, at, ivar=spectra.ivar[n], snr=spectra.columns["snr"][n])
        # with nuisances, labelling linearises at the star's own ones
        np.testing.assert_allclose(found.error, formal[n], rtol=0.03 if "nuisances" in kind else 1e-7)
        total = found.marginal.sum(axis=0) + found.prior
        np.testing.assert_allclose(1 / np.sqrt(total), found.error, rtol=1e-12)
        assert (found.error >= found.error_known).all()
        assert (found.known[spectra.ivar[n] == 0] == 0).all()


def test_errors_against_snr(hidden):
    found = label_information(hidden, snr=50)
    row = SNR_GRID.index(50)
    np.testing.assert_allclose(found.expected.formal[row], found.error, rtol=1e-9)
    assert (np.diff(found.expected.formal, axis=0) < 0).all()
    assert (found.expected.hidden_known <= found.expected.formal * (1 + 1e-12)).all()
    assert (found.expected.hidden_known[row] < 0.995 * found.error).any()
    plain = label_information(replace(hidden, loadings=None), snr=50)
    np.testing.assert_allclose(plain.expected.formal, found.expected.hidden_known, rtol=1e-12)
    np.testing.assert_allclose(plain.expected.formal, plain.expected.hidden_known, rtol=1e-12)
    assert (plain.prior == 0).all()
    assert plain.expected.calibrated is None


def test_a_calibrated_model_gives_its_errors():
    reference = toy_reference(120)
    model = bc.qualify(bc.train(reference), reference, folds=3)
    assert model.calibration is not None
    found = label_information(model)
    calibrated = found.expected.calibrated
    assert calibrated is not None
    predicted = model.calibration.predict(
        np.zeros((1, 3)), found.error[None] / model.scaler.scale, np.array([50.0])
    ).interval()
    np.testing.assert_allclose(calibrated[SNR_GRID.index(50)], predicted[0] * model.scaler.scale, rtol=1e-9)
    assert (calibrated >= found.expected.formal * (1 - 1e-12)).all()


def test_blocks_and_features_cover_what_is_lost(model):
    found = label_information(model, block=50.0)
    assert len(found.blocks) == 9
    assert (found.blocks[0].low, found.blocks[-1].high) == (5000.0, 5400.0)
    names = [feature.name for feature in found.features]
    assert {"Mg b", "MgH 5100", "Fe I 5270"} <= set(names)
    assert "Na D" not in names
    mg = found.features[names.index("Mg b")]
    keep = np.where(named_feature("Mg b").covers(model.wavelength), 0.0, 50.0**2)
    left = label_information(model, ivar=keep)
    assert mg.n_pixels == int((keep == 0).sum())
    np.testing.assert_allclose(mg.lost, 1 - (found.error / left.error) ** 2, rtol=1e-7)
    np.testing.assert_allclose(mg.share, found.marginal[keep == 0].sum(axis=0) * found.error**2, rtol=1e-9)
    assert "Mg b" not in [feature.name for feature in left.features]


def test_a_block_ends_at_a_gap_of_the_grid(model):
    wavelength = np.where(np.arange(120) < 60, model.wavelength, model.wavelength + 900.0)
    found = label_information(replace(model, wavelength=wavelength), block=1e5)
    assert [(block.low, block.high) for block in found.blocks] == [
        (wavelength[0], wavelength[59]),
        (wavelength[60], wavelength[119]),
    ]


def test_dead_pixels_of_the_model(hidden):
    scatter = hidden.scatter.copy()
    scatter[:60] = np.inf
    dead = replace(hidden, fit=replace(hidden.fit, scatter=scatter))
    found = label_information(dead)
    assert (found.known[:60] == 0).all()
    assert (found.marginal[:60] == 0).all()
    ivar = np.where(np.arange(120) < 60, 0.0, 2500.0)
    np.testing.assert_allclose(label_information(hidden, ivar=ivar).error, found.error, rtol=1e-9)


def test_the_labels_that_are_not_named_are_the_median(model):
    named = label_information(model, {"logg": 2.0})
    np.testing.assert_allclose(named.at, [model.scaler.pivot[0], 2.0, model.scaler.pivot[2]])
    np.testing.assert_allclose(label_information(model, named.at).error, named.error)
    np.testing.assert_array_equal(label_information(model).at, model.scaler.pivot)


def test_a_star_without_enough_pixels(model):
    ivar = np.zeros(120)
    ivar[:2] = 2500.0
    found = label_information(model, ivar=ivar)
    assert np.isinf(found.error).all()
    assert np.isfinite(found.error_known).all()
    assert found.strongest("teff") == ()


def test_typical_ivar_is_at_the_snr(spectra):
    doubled = replace(spectra, ivar=spectra.ivar * np.array([[1.0], [4.0], [1.0], [4.0]]))
    doubled.columns["snr"] = np.array([60.0, 120.0, 60.0, np.nan])
    typical = typical_ivar(doubled, 30.0)
    live = (doubled.ivar[:3] > 0).all(axis=0)
    np.testing.assert_allclose(typical[live], 1e4 / 4, rtol=1e-9)
    nothing = replace(spectra, columns={**spectra.columns, "snr": np.full(4, np.nan)})
    with pytest.raises(InputError, match="none of the 4 spectra has an S/N"):
        typical_ivar(nothing)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"at": {"tef": 1.0}}, LabelError, "the model has the labels teff, logg, fe_h; got a value of 'tef'"),
        ({"at": {"teff": "hot"}}, InputTypeError, "teff must be a number"),
        ({"at": [4800.0]}, LabelError, "a finite value for each of teff, logg, fe_h"),
        ({"at": [4800.0, np.nan, 0.0]}, LabelError, "a finite value"),
        ({"snr": 0.0}, InputError, "snr must be finite and above 0"),
        ({"block": -1.0}, InputError, "block must be finite and above 0"),
        ({"ivar": np.ones(7)}, InputError, "one value per pixel"),
        ({"ivar": np.full(120, -1.0)}, InputError, "not negative"),
        ({"ivar": np.full(120, np.nan)}, InputError, "finite"),
    ],
)
def test_what_cannot_be_used_is_refused(model, options, error, said):
    with pytest.raises(error, match=said):
        label_information(model, **options)


def test_labels_outside_the_reference_set_are_warned_of(model):
    with pytest.warns(BayesCannonWarning, match="teff=9000, .* outside the coverage"):
        label_information(model, {"teff": 9000.0})


def test_a_model_trained_with_hidden_components():
    reference, _ = noisy_reference(200, hidden=0.02)
    model = bc.train(reference, label_errors="table", hidden=2)
    found = label_information(model)
    assert (found.prior > 0).any()
    assert tuple(label.name for label in found.labels) == NAMES
    assert (found.expected.formal >= found.expected.hidden_known).all()
