"""Several spectra of a star: all kept as one star or the best one, said in the tally, in memory and from files."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from repeated_stars import repeated_survey, two_spectra_each

from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.label_priors import build_label_prior
from bayescannon.cannon.labelling import draw_starts
from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.model_file import load_model, save_model
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.reference_file import load_reference, save_reference
from bayescannon.cannon.repeated_stars import choose_repeats
from bayescannon.cannon.training import train, train_clipped
from bayescannon.cannon.validation import validate
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import BayesCannonWarning

NAMES = ("teff", "logg")


def pairs(n_star=40, **columns):
    """Spectra of stars, two each: of star 0, 1, 2, ..., 0, 1, 2, ..., and their labels."""
    labels = np.tile(toy.toy_labels(n_star), (2, 1))
    spectra = toy.toy_spectra(labels, snr=np.concatenate([np.full(n_star, 60.0), np.linspace(40, 80, n_star)]))
    known = {name: np.tile(spectra.columns[name][:n_star], 2) for name in ("ra", "dec")}
    return replace(spectra, columns={**spectra.columns, **known, **columns}), labels


def partition(names):
    return np.unique(names, return_inverse=True)[1].tolist()


def test_all_spectra_of_a_star_are_kept_by_id_and_by_position_and_said(tmp_path):
    spectra, labels = pairs()
    by_id = build_reference(spectra, toy.toy_table(spectra, labels), NAMES)
    table = toy.toy_table(spectra, labels).select(np.arange(40))
    stored = save_spectra(spectra, tmp_path / "store.zarr")
    by_sky = [build_reference(given, table, NAMES, match="sky") for given in (spectra, stored)]
    for reference in (by_id, *by_sky):
        assert (len(reference), reference.n_stars) == (80, 40)
        assert partition(reference.star) == list(range(40)) * 2
        assert reference.tally[-1].step.startswith("40 stars in 80 spectra: the same ")
        assert reference.tally[-1].step.endswith("or within 3 arcsec")
        assert "<ReferenceSet of 40 stars in 80 spectra, labels" in repr(reference)


def test_the_best_spectrum_of_each_star_can_be_kept():
    spectra, labels = pairs()
    best = build_reference(spectra, toy.toy_table(spectra, labels), NAMES, repeats="best")
    assert (len(best), best.n_stars) == (40, 40)
    first = np.flatnonzero(spectra.columns["snr"][40:] <= 60)
    assert set(best.spectra.id) == {*spectra.id[first], *np.delete(spectra.id[40:], first)}
    row = best.tally[-1]
    assert (row.step, row.removed, row.remaining) == ("another spectrum of the star has better S/N", 40, 40)
    none = choose_repeats({}, spectra.id, np.arange(80) % 40, repeats="best")
    assert none.steps[-1][0].endswith("no S/N is known, and the first spectrum counts")
    assert none.star.tolist() == spectra.id[:40].tolist()
    with pytest.raises(ValueError, match="repeats must be one of keep, best; got 'first'"):
        build_reference(spectra, toy.toy_table(spectra, labels), NAMES, repeats="first")


def test_a_column_can_tell_stars_apart_or_every_spectrum_is_one(tmp_path):
    spectra, labels = pairs(mine=np.repeat(np.arange(20), 4))
    table = toy.toy_table(spectra, labels)
    for given in (spectra, save_spectra(spectra, tmp_path / "store.zarr")):
        reference = build_reference(given, table, NAMES, star_id="mine")
        assert partition(reference.star) == np.repeat(np.arange(20), 4).tolist()
        assert reference.tally[-1].step == "20 stars in 80 spectra: the same mine"
        assert build_reference(given, table, NAMES, star_id="id").n_stars == 80
        with pytest.raises(ValueError, match=r"column 'yours', which the spectra lack; they have .*mine.*--star-id"):
            build_reference(given, table, NAMES, star_id="yours")


def test_where_nothing_tells_stars_apart_it_is_said_once():
    spectra, labels = pairs()
    table = toy.toy_table(spectra, labels, survey_id=None)
    reference = build_reference(replace(spectra, columns={}), table, NAMES)
    assert reference.n_stars == 80
    assert [row.step for row in reference.tally if "cannot be recognised" in row.step] == [reference.tally[-1].step]


def test_one_star_with_a_large_share_is_warned_of_and_cannot_be_trained():
    spectra, labels = pairs(ra=np.full(80, 10.0), dec=np.full(80, 20.0))
    with pytest.warns(BayesCannonWarning, match=r"80 of 80 spectra count as one star .*--star-id"):
        reference = build_reference(spectra, toy.toy_table(spectra, labels), NAMES)
    with pytest.raises(ReferenceSetError, match="1 reference stars in 80 spectra are too few for the 6 terms"):
        train(reference)
    with pytest.warns(BayesCannonWarning, match="80 of 80 spectra"):
        ReferenceSet(spectra, labels, label_names=toy.NAMES)


def test_stars_can_be_given_and_stay_with_their_spectra(tmp_path):
    spectra, labels = pairs()
    given = ReferenceSet(spectra, labels, label_names=toy.NAMES, star=np.arange(80) // 4)
    assert (given.n_stars, given.select(slice(2, 10)).n_stars) == (20, 3)
    kept = given.drop(np.arange(80) % 4 == 0, "every fourth").with_labels(("logg", "teff"))
    assert partition(kept.star) == np.unique(given.star[np.arange(80) % 4 != 0], return_inverse=True)[1].tolist()
    again = load_reference(save_reference(given, tmp_path / "reference.nc"))
    np.testing.assert_array_equal(again.star, given.star)
    assert list(again.spectra.columns) == list(spectra.columns)
    with pytest.raises(ValueError, match=r"one name per spectrum \(80\)"):
        ReferenceSet(spectra, labels, label_names=toy.NAMES, star=[1, 2])


def test_all_spectra_of_a_star_are_in_one_fold():
    reference, _ = repeated_survey(np.full(40, 3), 1)
    found = hold_out(reference, folds=4).labels
    # the second spectrum of star 5 changes: no model that labels the first or the third has seen it
    flux = reference.spectra.flux.copy()
    flux[16] += np.random.default_rng(3).normal(0, 0.02, flux.shape[1])
    changed = hold_out(replace(reference, spectra=replace(reference.spectra, flux=flux)), folds=4).labels
    same = (found.estimates["labels"] == changed.estimates["labels"]).all("stellar_label").to_numpy()
    assert same[[15, 17]].all()
    assert not same[16]
    assert not same.all()
    assert 20 <= same.sum() < 60
    with pytest.raises(ValueError, match="folds must be from 2 to the 40 reference stars; got 41"):
        hold_out(reference, folds=41)


def test_held_out_labels_of_other_stars_are_not_taken():
    reference, _ = repeated_survey(np.full(40, 3), 1)
    found = hold_out(reference, folds=4).labels
    search = {"folds": 4, "n_starts": 7, "seed": 0}
    assert found.of(reference, **search) is not None
    assert found.of(replace(reference, star=np.repeat(np.arange(40), 3)), **search) is not None
    assert found.of(replace(reference, star=reference.spectra.id), **search) is None
    # as version 0.3 held them out, spectrum by spectrum
    assert replace(found, star=None).of(reference, **search) is None


def test_a_model_counts_stars_and_its_file_keeps_them(tmp_path):
    reference, _ = repeated_survey(np.full(60, 3), 2)
    model = qualify(train(reference), reference, folds=3)
    assert model.describe().startswith("trained 3 labels on 60 stars in 180 spectra in")
    assert "60 reference stars in 180 spectra" in repr(model)
    assert (model.calibration.n_stars, len(model.coverage)) == (60, 60)
    save_model(model, tmp_path / "model.nc")
    again = load_model(tmp_path / "model.nc")
    np.testing.assert_array_equal(again.star, model.star)
    np.testing.assert_array_equal(again.held_out.star, model.held_out.star)
    assert "star_name" not in again.held_out.estimates
    assert again.held_out.of(reference, folds=3, n_starts=7, seed=0) is not None
    found = validate(again, reference, folds=3)
    row = found.row("k-fold", "all", "teff")
    assert (row.n_stars, row.n_spectra) == (60, 180)
    assert "60 stars in 180 spectra" in repr(found)


def test_starts_and_priors_count_every_star_once():
    one = toy.toy_reference(60)
    models = [train(given) for given in (one, two_spectra_each(one))]
    starts = [model.scaler.from_scaled(draw_starts(model, 7, seed=3)) for model in models]
    np.testing.assert_allclose(*starts, rtol=1e-9)
    for name in ("box", "gaussian", "mixture", "coverage"):
        assert len({build_label_prior(name, model).describe() for model in models}) == 1
    with pytest.raises(ValueError, match="from 1 to the 60 reference stars; got 61"):
        draw_starts(models[1], 61, seed=0)


def test_the_clip_drops_a_bad_spectrum_alone_and_wrong_labels_with_all_spectra():
    labels = np.repeat(toy.toy_labels(60), 4, axis=0)
    spectra = toy.toy_spectra(labels)
    place = {name: np.repeat(spectra.columns[name][::4], 4) for name in ("ra", "dec")}
    flux = spectra.flux.copy()
    flux[9] = 1 + (flux[9] - 1) * 1.6
    wrong = labels.copy()
    wrong[20:24] += [900.0, 1.5, 0.8]
    bad = replace(spectra, flux=flux, columns={**spectra.columns, **place})
    _, kept = train_clipped(ReferenceSet(bad, wrong, label_names=toy.NAMES), n_sigma=4)
    gone = set(spectra.id) - set(kept.spectra.id)
    assert {*spectra.id[20:24], spectra.id[9]} <= gone
    assert len(gone) < 12
    assert {spectra.id[8], spectra.id[10], spectra.id[11]} <= set(kept.spectra.id)
    model = qualify(train(kept), kept, folds=3)
    assert "1 clipped spectra left out, whose stars the model was trained on" in model.calibration_note
