"""Training with hidden components and latent labels: fixed, fitted or left to held-out stars, and the recipes."""

import dataclasses

import numpy as np
import pytest
import toy

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.choices import RECIPES, TrainingChoices
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train, train_clipped
from bayescannon.pixels.label_population import ReferenceErrorError
from bayescannon.uncertainty.bootstrap import retrain


@pytest.fixture(scope="module")
def reference():
    return toy.noisy_reference(200, error=0.3, hidden=0.01, n_pixel=60)[0]


@pytest.fixture(scope="module")
def recommended(reference):
    return train(reference, recipe="recommended")


def test_hidden_components_go_with_exact_labels(reference, tmp_path):
    model = train(reference, hidden=2)
    assert model.loadings.shape == (60, 2)
    assert model.latent_labels is None
    assert model.options.describe() == "theta flat, s flat, kappa fixed, 2 hidden"
    flat = train(reference)
    assert np.median(model.scatter) < np.median(flat.scatter)
    model.save(tmp_path / "model.nc")
    assert TrainedModel.load(tmp_path / "model.nc").hash == model.hash
    assert (label_spectra(model, reference.spectra)["status"] == 0).all()


def test_held_out_stars_decide_and_the_file_says_so(recommended, tmp_path):
    choice = recommended.component_choice
    assert choice.latent
    assert recommended.loadings.shape[1] == choice.n_hidden >= 1
    settled = recommended.settled_options
    assert (settled.n_hidden, settled.label_errors) == (choice.n_hidden, "learn")
    assert not settled.is_open
    recommended.save(tmp_path / "model.nc")
    back = TrainedModel.load(tmp_path / "model.nc")
    assert back.options == recommended.options
    assert back.hash == recommended.hash
    assert back.component_choice.n_hidden == choice.n_hidden
    np.testing.assert_array_equal(back.component_choice.density, choice.density)


def test_folds_and_clip_rounds_do_not_ask_again(reference, recommended, monkeypatch):
    from bayescannon.cannon import latent_training

    def fail(*_, **__):
        raise AssertionError("held-out stars were asked again")

    asked = []
    original = latent_training.choose_components
    monkeypatch.setattr(latent_training, "choose_components", lambda *a, **k: (asked.append(1), original(*a, **k))[1])
    labels = reference.labels.copy()
    labels[:3] += np.array([1500.0, 3.0, 1.5])
    model, kept = train_clipped(dataclasses.replace(reference, labels=labels), recipe="recommended")
    assert len(kept) < 200
    assert len(asked) == 1
    assert model.options == TrainingOptions.from_names(recipe="recommended")
    assert model.component_choice is not None
    monkeypatch.setattr(latent_training, "choose_components", fail)
    qualify(recommended, reference, folds=2)


def test_errors_are_fitted_where_the_table_has_none(reference):
    unknown = dataclasses.replace(reference, errors=np.full_like(reference.errors, np.nan))
    learned = train(unknown, label_errors="learn", hidden=2)
    assert len(learned.reference_id) == 200, "no star needs an error"
    given = train(reference, label_errors="learn", hidden=2)
    sizes = [np.median(model.reference_errors, axis=0) for model in (learned, given)]
    np.testing.assert_allclose(sizes[0], sizes[1], rtol=0.1)
    np.testing.assert_allclose(sizes[0], np.median(reference.errors, axis=0), rtol=0.35)
    wrong = dataclasses.replace(reference, errors=2 * reference.errors)
    again = train(wrong, label_errors="learn", hidden=2)
    np.testing.assert_allclose(again.latent_labels.error_scale, given.latent_labels.error_scale / 2, rtol=0.3)


def test_recipes_are_sets_of_choices():
    assert TrainingOptions.from_names(recipe="paper") == TrainingOptions() == TrainingOptions.from_names()
    best = TrainingOptions.from_names(recipe="recommended")
    assert best.describe() == "theta pooled, s flat, kappa global, label errors auto, auto hidden"
    assert best == TrainingOptions.from_names(coefficients="pooled", noise="global", label_errors="auto", hidden="auto")
    assert TrainingOptions.from_json(best.to_json()) == best
    exact = TrainingOptions.from_names(recipe="recommended", label_errors="none", coefficients="flat", hidden=0)
    assert exact == TrainingOptions.from_names(noise="global", hidden=0)
    assert set(RECIPES) == {"paper", "recommended"}
    with pytest.raises(ChoiceError, match="recipe must be one of paper, recommended; got 'best'"):
        TrainingChoices(recipe="best")
    with pytest.raises(ChoiceError, match="global noise learns kappa"):
        TrainingOptions.from_names(recipe="recommended", kappa=0.7)


@pytest.mark.parametrize("hidden", [0, 2])
def test_hits_do_not_change_hidden_components_and_latent_labels(reference, hidden):
    spectra = reference.spectra
    hit = (np.random.default_rng(1).random(spectra.flux.shape) < 0.004) & (spectra.ivar > 0)
    flux = np.where(hit, spectra.flux + 0.4, spectra.flux)
    dirty = dataclasses.replace(reference, spectra=dataclasses.replace(spectra, flux=flux))
    choices = {"label_errors": "table", "hidden": hidden}
    clean = train(reference, **choices)
    error = np.sqrt(np.diagonal(clean.fit.covariance, axis1=1, axis2=2))
    off, without = (
        np.abs(train(dirty, outliers=outliers, **choices).theta - clean.theta) / error
        for outliers in ("mixture", "none")
    )
    assert np.sqrt((off**2).mean()) < 0.5
    assert np.sqrt((without**2).mean()) > 2 * np.sqrt((off**2).mean())


def test_what_held_out_stars_decided_is_said(recommended, reference):
    n_hidden = recommended.component_choice.n_hidden
    assert f"{n_hidden} hidden component" in recommended.describe()
    assert recommended.describe().endswith("latent labels")
    assert f"kappa {np.median(recommended.noise_scale):.2f}" in recommended.describe()
    attrs = label_spectra(recommended, reference.spectra.select(np.arange(2))).attrs
    assert attrs["recipe"] == "recommended"
    taken = recommended.component_choice.describe().partition(";")[0]
    assert (
        attrs["priors"]
        == f"theta pooled, s flat, kappa global, label errors learn, {n_hidden} hidden; held-out stars: {taken}"
    )
    assert taken in repr(recommended)


@pytest.mark.parametrize("errors", [np.nan, 0.0, 100.0])
def test_labels_that_go_together_may_have_errors_of_any_size_where_they_are_fitted(reference, errors):
    """The recommended recipe trains where the table has no errors, or absurd ones."""
    rng = np.random.default_rng(2)
    few = reference.select(np.arange(60))
    teff = few.labels[:, 0]
    logg = 2.5 + (teff - 4800) / 250 * 0.6 + 0.05 * rng.normal(size=60)
    labels = np.column_stack([teff, logg, few.labels[:, 2]])
    absurd = dataclasses.replace(few, labels=labels, errors=errors * np.ones_like(labels) * [90.0, 0.2, 0.1])
    model = train(absurd, recipe="recommended")
    assert model.component_choice is not None
    assert (label_spectra(model, few.spectra)["status"] == 0).all()
    learned = train(absurd, label_errors="learn", hidden=0)
    assert retrain(learned, absurd, np.bincount(rng.integers(0, 60, size=60), minlength=60)).latent_labels is not None
    with pytest.raises(ReferenceErrorError, match="label number 0 is teff, 1 is logg"):
        train(
            dataclasses.replace(absurd, errors=np.ones_like(labels) * [90.0, 5.0, 0.1]), label_errors="table", hidden=0
        )
