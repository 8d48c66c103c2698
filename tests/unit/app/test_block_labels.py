"""A store by a survey model: what the verbs on spectra give, from one routing of each block."""

import numpy as np
import pytest
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.app import block_labels


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return bc.save_spectra(toy_survey().spectra, tmp_path_factory.mktemp("store") / "store.zarr")


def test_a_store_is_labelled_as_its_spectra_are(store, monkeypatch):
    toy = toy_survey()
    routed = []
    monkeypatch.setattr(
        block_labels, "route_stars", lambda *args, route=block_labels.route_stars, **more: routed.append(1)
        or route(*args, **more)
    )  # fmt: skip
    stored = bc.label_store(toy.model, store, prior="gaussian", n_draws=200)
    assert len(routed) == 1
    spectra = bc.load_spectra(store)
    estimates = bc.label_spectra(toy.model, spectra, prior="gaussian")
    posterior = bc.sample_posterior(toy.model, spectra, prior="gaussian", n_draws=200)
    for expected in (estimates.drop_vars(["flags", "membership"]), posterior):
        for name, values in expected.data_vars.items():
            np.testing.assert_array_equal(stored[name], values, err_msg=name)
    np.testing.assert_allclose(stored["membership"], estimates["membership"] * (1 - stored["p_none"]))


def test_without_coverage_there_is_no_p_none(store):
    from dataclasses import replace

    bare = toy_survey().model.with_models(lambda one: replace(one, coverage=None))
    found = bc.label_store(bare, store)
    assert "p_none" not in found
    np.testing.assert_allclose(found["membership"].sum("population_name"), 1)
