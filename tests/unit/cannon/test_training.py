import dataclasses

import numpy as np
import pytest
import toy

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.trained_model import ModelFileError, TrainedModel
from bayescannon.cannon.training import train, train_clipped
from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import LabelError
from bayescannon.io.outputs import OutputExistsError


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(200)


@pytest.fixture(scope="module")
def model(reference):
    return train(reference)


def test_the_model_predicts_the_spectra(reference, model):
    predicted = model.predict(reference.labels)
    live = reference.spectra.ivar > 0
    residual = (reference.spectra.flux - predicted)[live]
    assert predicted.shape == reference.spectra.flux.shape
    assert residual.std() == pytest.approx(np.hypot(0.01, 0.004), rel=0.05)
    assert np.median(model.scatter) == pytest.approx(0.004, abs=0.001)


def test_a_saved_model_comes_back_whole(model, tmp_path):
    path = tmp_path / "model.nc"
    model.save(path)
    back = TrainedModel.load(path)
    assert back.hash == model.hash
    assert back.label_names == model.label_names
    for item in dataclasses.fields(model.fit):
        np.testing.assert_array_equal(getattr(back.fit, item.name), getattr(model.fit, item.name))
    np.testing.assert_array_equal(back.reference_labels, model.reference_labels)
    assert back.reference_id.tolist() == model.reference_id.tolist()
    assert dict(back.attrs) == dict(model.attrs)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        model.save(path)
    model.save(path, overwrite=True)
    assert [item.name for item in tmp_path.iterdir()] == ["model.nc"]


def test_files_that_are_no_models_are_refused(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="bayescannon train"):
        TrainedModel.load(tmp_path / "none.nc")
    text = tmp_path / "text.nc"
    text.write_text("not netCDF")
    with pytest.raises(ModelFileError, match="not a netCDF file"):
        TrainedModel.load(text)
    other = tmp_path / "other.nc"
    model.to_xarray()[["theta"]].drop_attrs().to_netcdf(other, engine="h5netcdf")
    with pytest.raises(ModelFileError, match="not a bayescannon model"):
        TrainedModel.load(other)
    changed = tmp_path / "changed.nc"
    dataset = model.to_xarray()
    dataset["theta"] = dataset["theta"] * 2
    dataset.to_netcdf(changed, engine="h5netcdf")
    with pytest.raises(ModelFileError, match="changed after it was saved"):
        TrainedModel.load(changed)
    with pytest.raises(FileNotFoundError, match="make it first"):
        model.save(tmp_path / "nowhere" / "model.nc")


def test_too_few_stars_and_a_constant_label_are_refused(reference):
    with pytest.raises(ReferenceSetError, match=r"19 reference stars are too few for the 10 terms of 3 labels"):
        train(reference.select(np.arange(19)))
    train(reference.select(np.arange(20)))
    labels = reference.labels.copy()
    labels[:, 2] = -0.5
    with pytest.raises(LabelError, match="'fe_h' is constant"):
        train(dataclasses.replace(reference, labels=labels))


def test_clipping_drops_the_mislabelled_stars_and_counts_them(reference):
    labels = reference.labels.copy()
    wrong = np.arange(5)
    labels[wrong] = labels[wrong + 100] + np.array([900.0, 1.5, 0.6])
    model, kept = train_clipped(dataclasses.replace(reference, labels=labels))
    dropped = set(reference.spectra.id) - set(kept.spectra.id)
    assert set(reference.spectra.id[wrong]) <= dropped
    assert len(dropped) <= 8
    assert sum(row.removed for row in kept.tally) == len(dropped)
    assert all("clip round" in row.step for row in kept.tally)
    assert model.reference_id.tolist() == kept.spectra.id.tolist()


def test_no_rounds_never_clip_and_one_round_clips_once(reference):
    labels = reference.labels.copy()
    labels[:5, 0] += 3000
    spoilt = dataclasses.replace(reference, labels=labels)
    _, untouched = train_clipped(spoilt, max_rounds=0)
    assert len(untouched) == len(reference)
    _, once = train_clipped(spoilt, max_rounds=1)
    assert len(once.tally) == 1
    with pytest.raises(ValueError, match="n_sigma > 0 and rounds >= 0"):
        train_clipped(spoilt, max_rounds=-1)


@pytest.mark.parametrize("names", [("teff",), ("logg", "fe_h"), ("teff", "logg", "fe_h", "alpha_m", "a_k")])
def test_any_number_of_labels(names):
    reference = toy.toy_reference(120, names)
    model = train(reference)
    assert model.theta.shape == (120, 1 + len(names) + len(names) * (len(names) + 1) // 2)
    assert [label.name for label in model.labels] == list(names)


def test_stars_whose_fit_fails_are_dropped_too(reference, monkeypatch):
    import bayescannon.cannon.training as training

    def failing(model, spectra, **options):
        estimates = label_spectra(model, spectra, **options)
        estimates["status"][spectra.id == reference.spectra.id[3]] = FitStatus.NOT_CONVERGED
        return estimates

    monkeypatch.setattr(training, "label_spectra", failing)
    _, kept = train_clipped(reference)
    assert reference.spectra.id[3] not in kept.spectra.id
    monkeypatch.setattr(
        training, "label_spectra", lambda *args, **options: failing(*args, **options).assign(status=("star", [1] * 200))
    )
    with pytest.raises(ReferenceSetError, match="none of the 200 reference stars could be labelled"):
        train_clipped(reference)


def test_arviz_takes_the_posterior_of_the_coefficients(model):
    import arviz as az

    tree = model.to_datatree(pixels=np.array([3, 50, 80]), draws=4000, seed=1)
    assert set(tree.children) == {"posterior", "map", "hyperparameters", "constant_data"}
    summary = az.summary(tree, kind="stats", round_to="none")
    assert len(summary) == 3 * model.theta.shape[1]
    drawn = tree["posterior"]["theta"].to_numpy()[0]
    np.testing.assert_allclose(summary["mean"].to_numpy().astype(float), drawn.mean(axis=0).ravel())
    error = np.sqrt(np.diagonal(model.fit.covariance[[3, 50, 80]], axis1=1, axis2=2))
    np.testing.assert_allclose(drawn.std(axis=0) / error, 1, atol=0.08)
    np.testing.assert_allclose((drawn.mean(axis=0) - model.theta[[3, 50, 80]]) / error, 0, atol=0.08)
    assert model.to_datatree(draws=2)["posterior"].sizes["pixel"] == 2
    dead = dataclasses.replace(model, fit=dataclasses.replace(model.fit, scatter=np.full(120, np.inf)))
    with pytest.raises(ValueError, match="dead pixel has no posterior"):
        dead.to_datatree(pixels=np.array([1]))


def test_a_model_without_a_pixel_is_refused_and_one_with_few_says_so(reference):
    spectra = reference.spectra
    ivar = spectra.ivar.copy()
    ivar[:, 20:] = 0
    part = dataclasses.replace(reference, spectra=dataclasses.replace(spectra, ivar=ivar))
    assert train(part).describe() == "trained 3 labels on 200 stars in 20 pixels (100 dead or singular)"
    dark = dataclasses.replace(reference, spectra=dataclasses.replace(spectra, ivar=0 * ivar))
    with pytest.raises(ReferenceSetError, match="none of the 120 pixels has enough live reference stars"):
        train(dark)


def test_spectra_prepared_otherwise_are_noticed(reference):
    attrs = {"preset": "paper", "preset_settings": '{"rest": "exact"}', "data_release": "LAMOST DR2"}
    model = train(dataclasses.replace(reference, spectra=dataclasses.replace(reference.spectra, attrs=attrs)))
    assert model.preparation_mismatch(attrs) == ""
    assert model.preparation_mismatch({}) == ""
    assert "prepared with masked" in model.preparation_mismatch({"preset_settings": "masked"})
    both = model.preparation_mismatch({"preset_settings": "masked", "data_release": "LAMOST DR7"})
    assert "prepared with masked" in both
    assert "; the spectra are of LAMOST DR7, the model was trained on spectra of LAMOST DR2" in both
