import json

import astropy.units as u
import numpy as np
import pytest
import toy

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.options import COEFFICIENTS, NOISES, SCATTERS, TrainingOptions
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.models.coefficient_priors import HorseshoeCoefficients, NormalCoefficients, PooledCoefficients
from bayescannon.models.noise_priors import GlobalNoise, PooledScatter
from bayescannon.models.nuisances import Nuisances
from bayescannon.models.outliers import MixtureOutliers
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.pixels.spectral_fit import PriorError


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(80, n_pixel=60)


@pytest.mark.parametrize("coefficients", COEFFICIENTS)
def test_every_coefficient_prior_trains_labels_and_comes_back_from_a_file(reference, tmp_path, coefficients):
    options = TrainingOptions.from_names(coefficients=coefficients, noise="global")
    model = train(reference, options=options)
    assert model.populations.converged
    model.save(tmp_path / "model.nc")
    back = TrainedModel.load(tmp_path / "model.nc")
    assert back.hash == model.hash
    assert back.options == options
    assert back.populations.learned == model.populations.learned
    estimates = label_spectra(back, reference.spectra)
    assert (estimates["status"] == 0).all()
    assert float(estimates["reduced_chi2"].median()) == pytest.approx(1, abs=0.15)
    assert estimates.attrs["priors"] == f"theta {coefficients}, s flat, kappa global"
    assert float(estimates.attrs["kappa"]) == pytest.approx(back.noise_scale[0], abs=1e-4)


@pytest.mark.parametrize("scatter", SCATTERS)
@pytest.mark.parametrize("noise", NOISES)
def test_every_scatter_and_noise_prior_goes_together(reference, scatter, noise):
    model = train(reference, options=TrainingOptions.from_names(scatter=scatter, noise=noise))
    assert np.isfinite(model.theta).all()
    assert (model.noise_scale > 0).all()
    assert not np.isnan(model.scatter).any()


def test_options_can_be_written_down_with_arrays():
    options = TrainingOptions(
        coefficients=NormalCoefficients(scale=[0.1, 0.2, 0.3], mean=0.01),
        scatter=PooledScatter(centre=-4.0),
        noise=GlobalNoise(),
        censored={"teff": [(5000.0, 5100.0)]},
    )
    assert TrainingOptions.from_json(options.to_json()) == options
    json.loads(options.to_json())


def test_options_of_a_later_version_are_refused_in_words():
    written = TrainingOptions().to_dict()
    with pytest.raises(InputError, match="options hold 'window', and this version knows coefficients"):
        TrainingOptions.from_dict({**written, "window": 3})
    with pytest.raises(InputError, match="the noise prior 'StripeNoise' is not one of"):
        TrainingOptions.from_dict({**written, "noise": {"prior": "StripeNoise"}})


def test_a_pixel_that_may_not_depend_on_a_label_does_not(reference):
    options = TrainingOptions.from_names(censored={"logg": [[5100, 5200]]}, coefficients="pooled")
    model = train(reference, options=options)
    inside = (model.wavelength >= 5100) & (model.wavelength <= 5200)
    other = reference.labels + np.array([0, 1.0, 0])
    assert 0 < inside.sum() < len(inside)
    change = model.predict(other) - model.predict(reference.labels)
    np.testing.assert_allclose(change[:, inside], 0, atol=1e-14)
    assert np.abs(change[:, ~inside]).max() > 1e-3
    with pytest.raises(ValueError, match="'a_k' is censored but not trained"):
        train(reference, options=TrainingOptions.from_names(censored={"a_k": [[5100, 5200]]}))


def test_the_papers_grid_goes_alone(reference):
    model = train(reference, options=TrainingOptions.from_names(scatter="grid"))
    assert model.options.describe() == "theta flat, s grid, kappa fixed"
    assert (model.scatter > 0).all()
    with pytest.raises(ValueError, match="grid of scatters goes with flat priors"):
        TrainingOptions.from_names(scatter="grid", noise="global")


def test_a_prior_without_an_exact_solver_says_what_to_do(reference):
    with pytest.raises(PriorError, match=r"got HorseshoeCoefficients. Sample it with"):
        train(reference, options=TrainingOptions(coefficients=HorseshoeCoefficients()))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"coefficients": "ridge"}, "coefficients must be one of flat, normal, pooled, laplace, smooth; got 'ridge'"),
        ({"noise": "none"}, "noise must be one of"),
        ({"coefficients": "normal", "terms": "linear"}, "terms must be one of quadratic, all"),
        ({"coefficient_scale": 0.1}, "flat coefficients have no scale"),
        ({"censored": {"mass_of_sun": [[1, 2]]}}, "unknown label name"),
        ({"censored": {"teff": [[2, 1]]}}, "must be"),
    ],
)
def test_names_that_make_no_sense_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TrainingOptions.from_names(**given)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"marginal": "no"}, "marginal must be true or false; got 'no'"),
        ({"censored": {"logg": (5000, 5100)}}, "censored must be a table of lists of lists of numbers"),
        ({"censored": [5000, 5100]}, "censored must be a table of lists"),
        ({"label_errors": 90}, "label_errors must be a text or a table of numbers; got 90"),
        ({"label_errors": "table", "hidden": 2.5}, "hidden must be a whole number or a text; got 2.5"),
        ({"kappa": "a"}, "kappa must be a number; got 'a'"),
        ({"coefficients": "normal", "coefficient_scale": "a"}, "coefficient_scale must be a number"),
    ],
)
def test_choices_of_another_type_are_refused_by_name(choices, words):
    with pytest.raises(ChoiceError, match=words):
        train(toy.toy_reference(40), **choices)


def test_priors_are_given_by_name_or_as_objects():
    reference = toy.toy_reference(60)
    by_name = train(reference, coefficients="pooled", noise="global")
    by_object = train(reference, coefficients=PooledCoefficients(), noise=GlobalNoise())
    options = TrainingOptions(coefficients="pooled", noise="global")
    assert by_name.options == by_object.options == options
    assert by_name.hash == by_object.hash == train(reference, options=options).hash
    with pytest.raises(ChoiceError, match="coefficients and options were both given"):
        train(reference, options=options, coefficients="flat")
    with pytest.raises(InputTypeError, match="options must be TrainingOptions; got 'pooled'"):
        train(reference, options="pooled")


def test_label_errors_are_in_the_labels_units():
    options = TrainingOptions(label_errors={"teff": 0.09 * u.kK, "logg": 0.1})
    assert options.label_errors == pytest.approx({"teff": 90.0, "logg": 0.1})
    with pytest.raises(InputError, match="the error of teff"):
        TrainingOptions(label_errors={"teff": 90 * u.m})


def test_nuisances_are_written_down_and_read():
    options = TrainingOptions(nuisances=Nuisances("5km/s", "40km/s", 0.01, 2))
    assert TrainingOptions.from_json(options.to_json()) == options
    assert options.describe().endswith("velocity 5 km/s, line spread 40 km/s, continuum 0.01 to order 2")
    # an older version knew none
    older = {name: value for name, value in options.to_dict().items() if name != "nuisances"}
    assert TrainingOptions.from_dict(older) == TrainingOptions()
    with pytest.raises(InputTypeError, match=r"nuisances must be Nuisances\(...\); got '5km/s'"):
        TrainingOptions(nuisances="5km/s")
    with pytest.raises(InputError, match=r"grid of scatters goes with .* no hidden components, outliers or nuisances"):
        TrainingOptions(paper_grid=True, nuisances=Nuisances(velocity=5))


def test_outliers_by_name_and_by_numbers():
    options = TrainingOptions.from_names(outliers="mixture", noise="global")
    assert options.outliers == MixtureOutliers()
    assert options.describe() == "theta flat, s flat, kappa global, outliers mixture"
    given = TrainingOptions(outliers=MixtureOutliers(scale=20.0))
    assert TrainingOptions.from_json(given.to_json()) == given
    old = {name: value for name, value in TrainingOptions().to_dict().items() if name != "outliers"}
    assert TrainingOptions.from_dict(old) == TrainingOptions()
    with pytest.raises(InputError, match="no hidden components, outliers"):
        TrainingOptions.from_names(scatter="grid", outliers="mixture")
    with pytest.raises(ChoiceError, match="outliers must be one of none, mixture"):
        TrainingOptions(outliers="student")


@pytest.mark.parametrize("wrong", [2.5, True, "4", -1, float("nan"), [1], "AUTO"])
def test_a_number_of_hidden_components_is_whole_or_auto(wrong):
    with pytest.raises(InputError, match=r"n_hidden must be 'auto' or a whole number of at least 0; got"):
        TrainingOptions(n_hidden=wrong)
    with pytest.raises(InputError, match="hidden must be"):
        TrainingOptions.from_names(hidden=wrong)
    assert TrainingOptions(n_hidden=np.int64(2)).components == 2


@pytest.mark.parametrize("name", ["coefficients", "scatter", "noise", "outliers"])
@pytest.mark.parametrize("wrong", [True, None, 0.1, {}, "Mixture"])
def test_a_prior_is_a_name_or_an_object(name, wrong):
    with pytest.raises(ChoiceError, match=f"{name} must be one of .*, or a prior; got"):
        TrainingOptions(**{name: wrong})


@pytest.mark.parametrize("wrong", [{}, 50, True, [("teff", 5)]])
def test_label_errors_are_a_source_or_a_mapping(wrong):
    with pytest.raises(InputError, match="'table', 'learn', 'auto', None or a mapping of label to error"):
        TrainingOptions(label_errors=wrong)
