import json
from dataclasses import replace

import numpy as np
import pytest
import toy

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.training import train, train_near
from bayescannon.cannon.validation import compare, robust_scatter, validate


@pytest.fixture(scope="module")
def reference():
    snr = np.where(np.arange(160) % 2, 80.0, 20.0)
    return toy.toy_reference(160, snr=snr)


def test_numbers_are_those_of_numpy(reference):
    model = train(reference)
    validation = validate(model, reference, folds=0)
    off = label_spectra(model, reference.spectra)["labels"].to_numpy() - reference.labels
    row = validation.row("leave-none-out", "snr > 50", "logg")
    bright = reference.spectra.columns["snr"] > 50
    assert row.n_stars == 80
    assert row.bias == pytest.approx(off[bright, 1].mean())
    assert row.scatter == pytest.approx(off[bright, 1].std())
    assert row.slope == pytest.approx(
        np.polyfit(reference.labels[bright, 1], (off + reference.labels)[bright, 1], 1)[0]
    )
    assert robust_scatter(np.random.default_rng(0).normal(size=100_000)) == pytest.approx(1, rel=0.01)
    assert np.isnan(robust_scatter(np.array([])))


def test_both_methods_and_selections_are_reported_and_become_json(reference):
    done = []
    validation = validate(train(reference), reference, folds=4, progress=lambda k, n: done.append((k, n)))
    assert len(validation.rows) == 2 * 2 * 3
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert repr(validation) == "<Validation of 160 stars, labels teff, logg, fe_h; by leave-none-out and k-fold>"
    assert "snr &gt; 50" in validation._repr_html_()
    rows = json.loads(validation.to_json())
    assert {row["method"] for row in rows} == {"leave-none-out", "k-fold"}
    assert {row["selection"] for row in rows} == {"all", "snr > 50"}
    with pytest.raises(ValueError, match="there are no statistics of"):
        validation.row("k-fold", "all", "a_k")


def test_an_empty_selection_is_nan_and_null_in_json(reference):
    validation = validate(train(reference), reference, folds=0, snr_min=1e6)
    assert np.isnan(validation.row("leave-none-out", "snr > 1e+06", "teff").bias)
    assert json.loads(validation.to_json())[-1]["bias"] is None


def test_failed_stars_are_counted_apart(reference):
    estimates = label_spectra(train(reference), reference.spectra)
    estimates["status"][:3] = 1
    row = compare(estimates, reference.labels, method="x", snr_min=50)[0]
    assert (row.n_stars, row.n_failed) == (157, 3)


def test_labels_are_compared_by_name_whatever_their_order(reference):
    model = train(reference)
    other = replace(
        reference, labels=reference.labels[:, ::-1], errors=reference.errors[:, ::-1], label_names=toy.NAMES[::-1]
    )
    assert validate(model, other, folds=0).to_json() == validate(model, reference, folds=0).to_json()
    with pytest.raises(ReferenceSetError, match=r"must have the labels teff, logg, fe_h; got teff, logg"):
        validate(model, reference.with_labels(["teff", "logg"]), folds=0)


def test_held_out_labels_of_the_model_are_used_and_others_are_made_anew(reference, monkeypatch):
    model = qualify(train(reference), reference, folds=4)
    expected = validate(replace(model, held_out=None), reference, folds=4)
    trained = []
    watched = "bayescannon.cannon.fold_models.train_near"
    monkeypatch.setattr(watched, lambda *a, **k: trained.append(1) or train_near(*a, **k))
    assert validate(model, reference, folds=4).to_json() == expected.to_json()
    assert not trained
    shuffled = reference.select(np.random.default_rng(0).permutation(len(reference)))
    rows = validate(model, shuffled, folds=4).rows
    for found, wanted in zip(rows, expected.rows, strict=True):
        assert found.scatter == pytest.approx(wanted.scatter)
    assert not trained
    validate(model, reference, folds=5)
    assert len(trained) == 5


def test_the_error_of_the_bias_counts_stars_not_spectra(reference):
    estimates = label_spectra(train(reference), reference.spectra)
    labels = np.repeat(reference.labels[:40], 4, axis=0)
    rng = np.random.default_rng(2)
    # the spectra of a star share their offset
    shift = np.repeat(rng.normal(size=(40, 3)), 4, axis=0)
    estimates["labels"][:] = labels + shift
    row, alone = (
        compare(estimates, labels, method="x", snr_min=50, star=star)[0] for star in (np.repeat(np.arange(40), 4), None)
    )
    assert (row.n_stars, row.n_spectra, alone.n_stars) == (40, 160, 160)
    assert row.bias_error == pytest.approx(shift[::4, 0].std() / np.sqrt(40))
    assert alone.bias_error == pytest.approx(shift[:, 0].std() / np.sqrt(160))
    bright = compare(estimates, labels, method="x", snr_min=50, star=np.repeat(np.arange(40), 4))[3]
    assert (bright.n_stars, bright.n_spectra) == (40, 80)
