"""The model that made the stars is found to predict them best, by spectra and by labels, and ties are ties."""

import json

import numpy as np
import pytest

from bayescannon.cannon.model_comparison import compare_models
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.errors import BayesCannonError

N_STAR, N_PIXEL = 160, 40


def stars(seed=1, kappa=1.0, quadratic=0.02):
    """Spectra of three labels, the third without an effect; the noise is kappa times the reported one."""
    rng = np.random.default_rng(seed)
    labels = rng.normal([4800.0, 2.5, -0.3], [250.0, 0.6, 0.3], size=(N_STAR, 3))
    scaled = (labels - [4800, 2.5, -0.3]) / [250, 0.6, 0.3]
    theta = 0.04 * rng.normal(size=(10, N_PIXEL))
    theta[4:] *= quadratic / 0.04
    theta[[3, 6, 8, 9]] = 0
    theta[0] = 1
    sigma = 0.02 * np.exp(0.7 * rng.normal(size=(N_STAR, 1))) * np.ones(N_PIXEL)
    flux = label_vector(scaled) @ theta + kappa * sigma * rng.normal(size=sigma.shape)
    ids = np.array([f"star {n}" for n in range(N_STAR)])
    spectra = Spectra(np.linspace(5000, 5100, N_PIXEL), flux, 1 / sigma**2, ids, {})
    return ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg", "fe_h"))


@pytest.fixture(scope="module")
def comparison():
    models = {
        "paper": {},
        "kappa": {"noise": "global"},
        "linear": {"coefficients": "normal", "coefficient_scale": 1e-6},
    }
    labels = dict.fromkeys(models, ("teff", "logg"))
    return compare_models(stars(kappa=0.5), models, label_sets=labels, folds=3, workers=1)


def test_the_true_noise_predicts_spectra_best_and_linear_terms_are_not_enough(comparison):
    table = comparison.table("spectra")
    print(comparison.to_text())
    assert list(table["model"]) == ["kappa", "paper", "linear"]
    assert (table["elpd_diff"][1:] < -4 * table["dse"][1:]).all()
    assert table["weight"][0] > 0.9
    assert table["weight"].sum() == pytest.approx(1, abs=1e-6)
    # ln p of a star's 40 fluxes, on average: what a Gaussian with the true errors has
    labels = comparison.table("labels")
    assert labels["model"][-1] == "linear"
    assert labels["elpd_diff"][-1] < -2 * labels["dse"][-1]


def test_statistics_json_and_arrays_hold_all_models(comparison):
    assert {row.method for row in comparison.rows} == {"paper", "kappa", "linear"}
    assert {row.label for row in comparison.rows} == {"teff", "logg"}
    written = json.loads(comparison.to_json())
    assert [row["model"] for row in written["spectra"]] == ["kappa", "paper", "linear"]
    assert written["stars"] == N_STAR
    assert written["values"] == N_STAR * N_PIXEL
    assert comparison.to_xarray()["labels"].shape == (3, N_STAR, 2)
    assert "predicted best by kappa" in repr(comparison)


def test_equal_models_are_a_tie_and_label_sets_are_compared_by_common_labels():
    found = compare_models(
        stars(), {"three": TrainingOptions(), "two": {}}, label_sets={"two": ("logg", "teff")}, folds=2, workers=1
    )
    assert found.label_names == ("teff", "logg")
    for of in ("spectra", "labels"):
        table = found.table(of)
        # a label without an effect costs the spectra only what its coefficients fit of the noise
        assert abs(table["elpd_diff"][1]) < (400 if of == "spectra" else 40)
    same = compare_models(stars(), {"a": {}, "b": {}}, folds=2, workers=1)
    assert (same.spectra[0] == same.spectra[1]).all()
    assert (same.labels[0] == same.labels[1]).all()


@pytest.mark.parametrize(
    ("models", "options", "words"),
    [
        ({}, {}, "with at least one"),
        ({"a": {}}, {"label_sets": {"b": ("teff",)}}, "got 'b'"),
        ({"a": {}, "b": {}}, {"label_sets": {"a": ("teff",), "b": ("logg",)}}, "none in common"),
        ({"a": {"noise": "sometimes"}}, {}, "noise must be one of"),
        ({"a": {}}, {"label_sets": {"a": ("m_h",)}}, "m_h"),
        ({"a": {}}, {"folds": 1}, "folds must be at least 2"),
    ],
)
def test_wrong_calls_are_refused(models, options, words):
    with pytest.raises(BayesCannonError, match=words):
        compare_models(stars(), models, workers=1, **options)
