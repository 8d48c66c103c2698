"""Training on spectra in a scratch file: the same model and the same stars as in memory, to the byte."""

import numpy as np
import pytest

from bayescannon.cannon import held_out, training
from bayescannon.cannon.fold_models import fold_models
from bayescannon.cannon.held_out import deal_folds, hold_out
from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.training import train_clipped
from bayescannon.data.spectra import Spectra
from bayescannon.io import mapped_spectra
from bayescannon.io.mapped_spectra import MappedSpectra
from bayescannon.io.store_writer import save_spectra
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg")
CHOICES = {
    "flat": {},
    "pooled": {"coefficients": "pooled", "noise": "global"},
}


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """600 stars of 40 pixels in a store, and their labels, of which ten are wrong."""
    rng = np.random.default_rng(3)
    scaled = rng.normal(size=(600, 2)).clip(-2.5, 2.5)
    theta = np.eye(1, 6) + 0.03 * rng.normal(size=(40, 6))
    sigma = 0.02 * np.exp(rng.normal(0, 0.3, size=(600, 1))) * np.ones(40)
    flux = label_vector(scaled) @ theta.T + sigma * rng.normal(size=sigma.shape)
    ivar = np.where(rng.random(flux.shape) < 0.05, 0, sigma**-2.0)
    ids = [f"star-{n}" for n in range(600)]
    spectra = Spectra(
        5000.0 + np.arange(40), flux.astype(np.float32), ivar.astype(np.float32), ids, {"snr": np.full(600, 50.0)}
    )
    wrong = np.where(np.arange(600) < 10, 5.0, 0.0)
    labels = {"id": ids, "teff": 4800 + 250 * (scaled[:, 0] + wrong), "logg": 2.5 + 0.6 * scaled[:, 1]}
    return save_spectra(spectra, tmp_path_factory.mktemp("survey") / "store.zarr"), labels


@pytest.fixture
def references(survey, monkeypatch):
    """The reference set in memory and mapped; blocks of stars are small."""
    monkeypatch.setattr(mapped_spectra, "_READ", 100)
    monkeypatch.setattr(training, "_LABELLED", 256)
    monkeypatch.setattr(held_out, "_LABELLED", 256)
    memory, mapped = (build_reference(*survey, NAMES, memory=memory) for memory in (None, 1e-4))
    assert isinstance(mapped.spectra, MappedSpectra)
    return memory, mapped


@pytest.mark.parametrize("name", CHOICES)
def test_model_and_clipped_stars_are_those_in_memory(references, name):
    (one, kept), (other, also_kept) = (
        train_clipped(reference, max_rounds=1, **CHOICES[name]) for reference in references
    )
    assert isinstance(also_kept.spectra, MappedSpectra)
    assert kept.spectra.id.tolist() == also_kept.spectra.id.tolist()
    assert 550 < len(kept) <= 590
    assert kept.clipped.spectra.id.tolist() == also_kept.clipped.spectra.id.tolist()
    np.testing.assert_array_equal(also_kept.clipped.spectra.flux, kept.clipped.spectra.flux)
    for field in ("theta", "scatter"):
        np.testing.assert_array_equal(getattr(other, field), getattr(one, field))
    np.testing.assert_array_equal(other.fit.covariance, one.fit.covariance)
    assert other.hash == one.hash


def test_folds_and_held_out_labels_are_those_in_memory(references, monkeypatch):
    monkeypatch.setattr("bayescannon.cannon.fold_models.MANY_STARS", 100)
    models = [train_clipped(reference, max_rounds=0, **CHOICES["pooled"])[0] for reference in references]
    fold = deal_folds(references[0], folds=3, seed=0)
    found = [list(fold_models(model, reference, fold)) for model, reference in zip(models, references, strict=True)]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(other.theta, one.theta)
    labels = [
        hold_out(reference, folds=3, options=model, copies=False).labels
        for model, reference in zip(models, references, strict=True)
    ]
    np.testing.assert_array_equal(labels[1].estimates["labels"], labels[0].estimates["labels"])


def test_latent_labels_that_do_not_fit_are_refused_before_work(references, monkeypatch):
    monkeypatch.setattr("bayescannon.cannon.latent_training.available_memory", lambda: 10**5)
    with pytest.raises(InputError, match=r"hold 1\.2 MiB of memory for 600 reference spectra, and 97\.7 KiB is free"):
        train_clipped(references[0], hidden=2)


@pytest.mark.parametrize("choices", [{"hidden": 2}, {"noise": "star"}, {"velocity_prior": "5km/s"}])
def test_what_needs_all_spectra_in_memory_is_refused_before_work(references, choices):
    with pytest.raises(InputError, match=r"need the 600 reference spectra in memory, .*--memory"):
        train_clipped(references[1], **choices)
