"""Labelling a store: what the verbs on spectra give, from one compression and one search for each block."""

import numpy as np
import pytest
import toy

from bayescannon.app.stores import label_store
from bayescannon.cannon import labelling, likelihood
from bayescannon.cannon.label_priors import build_label_prior
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import assess_coverage, attach_coverage
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.training import train
from bayescannon.io.store import load_spectra
from bayescannon.io.store_writer import save_spectra


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    reference = toy.toy_reference(200)
    model = train(reference)
    model = attach_coverage(model, toy.fit_coverage(model, reference, folds=3))
    spectra = toy.toy_spectra(toy.toy_labels(50, seed=5), seed=5)
    path = tmp_path_factory.mktemp("stores") / "store.zarr"
    save_spectra(spectra, path)
    return model, load_spectra(path), path


@pytest.mark.parametrize("prior", ["flat", "gaussian"])
def test_a_store_is_labelled_as_its_spectra_are(made, prior):
    model, spectra, path = made
    given = {"prior": build_label_prior(prior, model), "n_starts": 5, "seed": 3}
    stored = label_store(model, path, n_draws=200, **given)
    estimates = label_spectra(model, spectra, **given)
    posterior = sample_posterior(model, spectra, n_draws=200, **given)
    assessment = assess_coverage(model, spectra, estimates)
    for expected in (estimates.drop_vars("flags"), posterior, assessment):
        for name, values in expected.data_vars.items():
            np.testing.assert_array_equal(stored[name], values, err_msg=name)
    assert stored["score_name"].to_numpy().tolist() == ["range", "mahalanobis", "novelty"]
    every = label_store(model, path, scores="all", **given)
    assert every.sizes["score_name"] == 7
    np.testing.assert_array_equal(every["flags"], stored["flags"])


def test_pixels_are_compressed_once_and_starts_minimised_once(made, monkeypatch):
    model, _, path = made
    calls = {"compress_pixels": 0, "find_modes": 0}

    def count(module, name):
        function = getattr(module, name)

        def counted(*args, **options):
            calls[name] += 1
            return function(*args, **options)

        monkeypatch.setattr(module, name, counted)

    count(likelihood, "compress_pixels")
    count(labelling, "find_modes")
    label_store(model, path, n_draws=200)
    assert calls == {"compress_pixels": 1, "find_modes": 1}
