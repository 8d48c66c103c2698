"""Training on reference labels with errors, from the options to the file."""

import dataclasses
import json

import numpy as np
import pytest
import toy
from same import assert_same

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSetError, take_errors
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train, train_clipped
from bayescannon.cannon.validation import validate
from bayescannon.data.labels import LabelError
from bayescannon.models.coefficient_priors import PriorError
from bayescannon.pixels.label_population import ReferenceErrorError
from bayescannon.pixels.latent_label_fit import LabelErrorStatus

OPTIONS = TrainingOptions(label_errors="table", n_hidden=3)


POOLED = TrainingOptions.from_names(
    coefficients="pooled", scatter="pooled", noise="global", label_errors="table", hidden=2
)


@pytest.fixture(scope="module")
def reference():
    return toy.noisy_reference(200, error=0.3, hidden=0.01, n_pixel=60)[0]


@pytest.fixture(scope="module")
def model(reference):
    return train(reference, options=OPTIONS)


def test_a_model_with_label_errors_comes_back_whole_from_a_file(reference, model, tmp_path):
    model.save(tmp_path / "model.nc")
    back = TrainedModel.load(tmp_path / "model.nc")
    assert back.hash == model.hash
    assert back.hash != dataclasses.replace(model, loadings=None).hash
    np.testing.assert_array_equal(back.loadings, model.loadings)
    assert back.loadings.shape == (60, 3)
    assert back.options == OPTIONS
    assert back.latent_labels.status in set(LabelErrorStatus)
    assert back.latent_labels.n_failed == 0
    assert_same(back, model)
    first, again = (label_spectra(one, reference.spectra)["labels"].to_numpy() for one in (model, back))
    np.testing.assert_array_equal(first, again)


def test_arviz_gets_the_hidden_components(model):
    tree = model.to_datatree(draws=3)
    assert tree["map"]["loadings"].dims == ("pixel", "component")
    assert set(tree["populations"].data_vars) == set()
    assert tree["posterior"]["theta"].sizes["draw"] == 3


@pytest.mark.parametrize("options", [POOLED, dataclasses.replace(POOLED, label_errors=None)])
def test_prior_and_trace_are_stored(reference, options, tmp_path):
    train(reference, options=options).save(tmp_path / "model.nc")
    back = TrainedModel.load(tmp_path / "model.nc")
    assert len(back.populations.trace) >= 2
    assert back.options == options
    assert {"coefficients", "scatter"} <= set(back.populations.learned)
    assert (back.noise_scale == back.noise_scale[0]).all()
    assert back.noise_scale[0] != 1
    estimates = label_spectra(back, reference.spectra)
    assert (estimates["status"] == 0).all()


@pytest.mark.parametrize(
    "given",
    [
        {"coefficients": "normal", "scatter": "half-normal"},
        {"noise": "pixel"},
        {"coefficients": "pooled", "censored": {"logg": [(5100, 5200)]}},
        {"hidden": 0},
    ],
)
def test_priors_noise_and_censoring_go_with_label_errors(reference, given, tmp_path):
    model = train(reference, options=TrainingOptions.from_names(label_errors="table", **{"hidden": 2, **given}))
    assert np.isfinite(model.theta).all()
    if "censored" in given:
        inside = (model.wavelength >= 5100) & (model.wavelength <= 5200)
        assert (model.theta[inside, 2] == 0).all()
        assert (model.theta[~inside, 2] != 0).all()
    model.save(tmp_path / "model.nc")
    assert TrainedModel.load(tmp_path / "model.nc").hash == model.hash
    assert (model.loadings is None) == (given.get("hidden") == 0)


def test_constants_are_errors_in_the_labels_units(reference, model):
    teff, logg, fe_h = reference.errors[0]
    unknown = dataclasses.replace(reference, errors=np.full_like(reference.errors, np.nan))
    given = {"teff": teff, "logg": logg, "fe_h": fe_h}
    same = train(unknown, options=TrainingOptions(label_errors=given, n_hidden=3))
    assert same.hash == model.hash
    mixed = train(reference, options=TrainingOptions(label_errors={"logg": logg}, n_hidden=3))
    assert mixed.hash == model.hash, "labels that are not named keep the table's errors"
    other = train(reference, options=TrainingOptions(label_errors={"logg": 1.5 * logg}, n_hidden=3))
    assert other.hash != model.hash


def test_exact_labels_give_the_flat_fit(reference):
    exact = dict.fromkeys(toy.NAMES, 0.0)
    model = train(toy.toy_reference(200, n_pixel=60), options=TrainingOptions(label_errors=exact, n_hidden=0))
    flat = train(toy.toy_reference(200, n_pixel=60))
    # the calibration takes out the noise of the coefficients, so that these are not the same ones
    np.testing.assert_allclose(model.scatter, flat.scatter, rtol=0.02)
    np.testing.assert_allclose(model.predict(reference.labels), flat.predict(reference.labels), atol=0.003)


def test_stars_without_an_error_are_dropped_and_counted(reference):
    errors = reference.errors.copy()
    errors[:4, 1], errors[9, 2] = np.nan, np.inf
    part = dataclasses.replace(reference, errors=errors)
    trained = train(part, options=OPTIONS)
    assert len(trained.reference_id) == 195
    (row,) = trained.tally
    assert (row.removed, row.remaining) == (5, 195)
    assert row.step == "no error of logg or fe_h in the label table"
    clipped, kept = train_clipped(part, options=OPTIONS, max_rounds=0)
    assert clipped.hash == trained.hash
    assert kept.spectra.id.tolist() == trained.reference_id.tolist()
    assert take_errors(kept, "table").tally == kept.tally
    assert len(train(part).reference_id) == 200, "without label errors no star is lost"


def test_a_label_without_any_error_is_refused_with_what_to_do(reference):
    errors = reference.errors.copy()
    errors[:, 2] = np.nan
    part = dataclasses.replace(reference, errors=errors)
    with pytest.raises(
        ReferenceErrorError, match=r"none of the 200 reference stars has .* fe_h .*--label-errors fe_h="
    ):
        train(part, options=OPTIONS)
    train(part, options=TrainingOptions(label_errors={"fe_h": 0.05}, n_hidden=0))
    with pytest.raises(ReferenceErrorError, match="'a_k' is given an error but not trained; trained are teff, logg"):
        train(part, options=TrainingOptions(label_errors={"a_k": 0.02}))
    errors[3, 0] = -50
    with pytest.raises(ReferenceErrorError, match="must not be negative; that of teff of spec-0-0003 is -50"):
        train(part, options=OPTIONS)


def test_errors_as_large_as_the_spread_name_the_label(reference):
    options = TrainingOptions(label_errors={"teff": 400.0})
    with pytest.raises(
        ReferenceErrorError, match=r"smaller than the spread.*label number 0 .*\(label number 0 is teff, 1 is"
    ):
        train(reference, options=options)


def test_hidden_components_need_stars(reference):
    few = reference.select(np.arange(40))
    with pytest.raises(ReferenceSetError, match=r"40 .* 10 terms of 3 labels and 12 hidden .* at least 44 .*--hidden"):
        train(few, options=TrainingOptions(label_errors="table"))
    train(few, options=TrainingOptions(label_errors="table", n_hidden=2))
    none = reference.select(np.arange(0))
    with pytest.raises(ReferenceSetError, match="0 reference stars are too few"):
        train(none, options=OPTIONS)


def test_clipping_works_with_label_errors(reference):
    labels = reference.labels.copy()
    labels[:5] += np.array([1200.0, 2.5, 1.0])
    spoilt = dataclasses.replace(reference, labels=labels)
    model, kept = train_clipped(spoilt, options=OPTIONS)
    assert not set(spoilt.spectra.id[:5]) & set(kept.spectra.id)
    assert len(kept) >= 190
    assert model.loadings is not None


def test_folds_have_label_errors_too(reference, model, monkeypatch):
    from bayescannon.cannon import fold_models

    seen = []
    original = fold_models.train_near

    def watched(start, subset, *, workers):
        fold = original(start, subset, workers=workers)
        seen.append(fold.options)
        assert fold.latent_labels is not None
        return fold

    monkeypatch.setattr(fold_models, "train_near", watched)
    found = validate(model, reference, folds=2)
    assert seen == [OPTIONS, OPTIONS]
    assert found.row("k-fold", "all", "teff").n_failed == 0


def test_options_can_be_written_down_and_old_ones_read():
    for label_errors in ("table", {"teff": 90.0, "a_k": 0.0}):
        options = TrainingOptions(label_errors=label_errors, n_hidden=4)
        assert TrainingOptions.from_json(options.to_json()) == options
    old = json.loads(TrainingOptions().to_json())
    del old["label_errors"], old["hidden"]
    assert TrainingOptions.from_json(json.dumps(old)) == TrainingOptions()
    # versions before 0.5 wrote the default number with exact labels too, where it did not count
    assert TrainingOptions.from_json(json.dumps({**old, "n_hidden": 12})) == TrainingOptions()
    table = TrainingOptions.from_json(json.dumps({**old, "label_errors": "table", "n_hidden": 3}))
    assert table == TrainingOptions(label_errors="table", n_hidden=3)
    assert TrainingOptions.from_names(label_errors={"teff": 90}).describe().endswith("label errors given, 12 hidden")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"label_errors": "tabel"},
            ReferenceErrorError,
            "'auto' or an error for each label, as teff=90; got 'tabel'",
        ),
        ({"label_errors": {"tef": 90}}, LabelError, "unknown label name 'tef'"),
        ({"label_errors": {}}, ReferenceErrorError, "or a mapping of label to error, as .*; got {}"),
        ({"label_errors": {"teff": -1}}, ReferenceErrorError, "error of teff must be finite and not negative; got -1"),
        ({"label_errors": {"teff": np.nan}}, ReferenceErrorError, "finite and not negative; got nan"),
        ({"label_errors": {"teff": np.inf}}, ReferenceErrorError, "finite and not negative; got inf"),
        (
            {"label_errors": "table", "hidden": -1},
            ValueError,
            "hidden must be auto, or a number that is at least 0; got -1",
        ),
        ({"hidden": "many"}, ValueError, "hidden must be auto, or a number that is at least 0; got 'many'"),
        (
            {"hidden": 4, "coefficients": "laplace"},
            PriorError,
            "LaplaceCoefficients have no exact .* hidden components",
        ),
        ({"label_errors": "table", "coefficients": "laplace"}, PriorError, "LaplaceCoefficients have no exact .* take"),
        ({"label_errors": "table", "coefficients": "smooth"}, PriorError, "SmoothCoefficients have no exact .* take"),
        ({"label_errors": "table", "marginal": True}, PriorError, "leave one of the two out"),
        ({"label_errors": "table", "scatter": "grid"}, ValueError, "goes with flat priors, kappa = 1, exact labels"),
    ],
)
def test_choices_that_make_no_sense_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        TrainingOptions.from_names(**given)
