import dataclasses

import numpy as np
import pytest
import toy
from same import assert_same

from bayescannon.cannon.labelling import estimate_labels
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train, train_clipped
from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import LabelError
from bayescannon.io.outputs import OutputExistsError
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(200)


def test_spectra_that_are_not_normalised_are_refused(reference):
    spectra = reference.spectra
    counts = dataclasses.replace(spectra, flux=spectra.flux * 800, ivar=spectra.ivar / 800**2)
    with pytest.raises(InputError, match="flux must be normalised, with a continuum of 1; got a median of"):
        train(dataclasses.replace(reference, spectra=counts))


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
    assert_same(back, model)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        model.save(path)
    model.save(path, overwrite=True)
    assert [item.name for item in tmp_path.iterdir()] == ["model.nc"]


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
    with pytest.raises(ValueError, match="max_rounds must be at least 0"):
        train_clipped(spoilt, max_rounds=-1)


@pytest.mark.parametrize("names", [("teff",), ("logg", "fe_h"), ("teff", "logg", "fe_h", "alpha_m", "a_k")])
def test_any_number_of_labels(names):
    reference = toy.toy_reference(120, names)
    model = train(reference)
    assert model.theta.shape == (120, 1 + len(names) + len(names) * (len(names) + 1) // 2)
    assert [label.name for label in model.labels] == list(names)


def test_stars_whose_fit_fails_are_dropped_too(reference, monkeypatch):
    import bayescannon.cannon.training as training

    def failing(likelihood, search, **options):
        estimates = estimate_labels(likelihood, search, **options)
        estimates["status"][likelihood.spectra.id == reference.spectra.id[3]] = FitStatus.NOT_CONVERGED
        return estimates

    monkeypatch.setattr(training, "estimate_labels", failing)
    _, kept = train_clipped(reference)
    assert reference.spectra.id[3] not in kept.spectra.id
    every = ("star", [1] * 200)
    monkeypatch.setattr(training, "estimate_labels", lambda *args, **more: failing(*args, **more).assign(status=every))
    with pytest.raises(ReferenceSetError, match="none of the 200 reference stars could be labelled"):
        train_clipped(reference)


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


def test_labels_that_depend_on_each_other_are_named():
    reference = toy.toy_reference(100)
    labels = reference.labels.copy()
    labels[:, 2] = labels[:, 0] / 10_000
    with pytest.raises(LabelError, match="the labels teff, logg, fe_h of the 100 reference stars must be independent"):
        train(dataclasses.replace(reference, labels=labels))
