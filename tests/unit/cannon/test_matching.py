import astropy.units as u
import numpy as np
import pytest
from toy import NAMES, toy_labels, toy_spectra, toy_table

from bayescannon.app.stores import budget_of_store, label_store
from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.matching import build_reference, reference_of_model
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.star_matching import Matching
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import validate
from bayescannon.data.flags import ResultFlag
from bayescannon.data.labels import LabelError
from bayescannon.data.spectra import GridError, Spectra
from bayescannon.io.apogee_flags import AspcapFlagDR12
from bayescannon.io.store import StoreError, load_spectra
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import BayesCannonError, InputError

N_STAR = 90


@pytest.fixture(scope="module")
def labels():
    return toy_labels(N_STAR)


@pytest.fixture(scope="module")
def spectra(labels):
    return toy_spectra(labels, snr=np.linspace(10, 100, N_STAR))


@pytest.fixture(scope="module")
def table(spectra, labels):
    return toy_table(spectra, labels)


@pytest.fixture(scope="module")
def store(spectra, tmp_path_factory):
    return save_spectra(spectra, tmp_path_factory.mktemp("pipeline") / "toy.zarr")


@pytest.fixture(scope="module")
def model(store, table):
    return train(build_reference(store, table, NAMES, cuts="none"))


def test_a_store_and_spectra_in_memory_give_the_same_reference_set(store, spectra, table):
    cuts = [range_cut("teff", 4500, 5200)]
    here = build_reference(spectra, table, NAMES, cuts=cuts)
    there = build_reference(store, table, NAMES, cuts=cuts)
    assert 20 < len(here) < N_STAR
    assert here.tally == there.tally
    assert here.spectra.id.tolist() == there.spectra.id.tolist()
    np.testing.assert_array_equal(here.labels, there.labels)
    # the store keeps float32
    np.testing.assert_allclose(here.spectra.flux, there.spectra.flux, rtol=1e-6)


def test_spectra_and_labels_stay_together_in_any_order(spectra, table, labels):
    order = np.random.default_rng(3).permutation(N_STAR)
    reference = build_reference(spectra, table.select(order), NAMES, cuts="none")
    assert reference.spectra.id.tolist() == spectra.id.tolist()
    np.testing.assert_array_equal(reference.labels, labels)


def test_matching_by_position_in_a_store(store, spectra, table, labels):
    # half an arcsec away, under other names, and twelve stars nowhere near
    far = np.arange(N_STAR) < 12
    dec = table.dec + np.where(far, 1.0, 0.5 / 3600)
    moved = toy_table(spectra, labels, id=np.full(N_STAR, ""), dec=dec)
    reference = build_reference(store, moved, NAMES, cuts="none", match=Matching("sky", radius=1.0))
    assert reference.spectra.id.tolist() == spectra.id[12:].tolist()
    np.testing.assert_array_equal(reference.labels, labels[12:])
    with pytest.raises(ReferenceSetError, match=r"no labels within 0\.1 arcsec"):
        build_reference(store, moved, NAMES, cuts="none", match=Matching("sky", radius=0.1))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"by": "=name"}, "match must be 'id', 'sky', .*; got '=name'"), ({"radius": 0.0}, "radius must be positive")],
)
def test_a_wrong_way_to_match(options, message):
    with pytest.raises(ValueError, match=message):
        Matching(**options)


def test_cuts_are_the_papers_for_apogee_and_none_for_other_tables(spectra, labels):
    steps = {}
    for flag_type in (AspcapFlagDR12, None):
        flags = np.zeros(N_STAR, dtype=np.uint64)
        flags[:5] = 1
        four = np.column_stack([labels, np.where(np.arange(N_STAR) < 10, -0.2, 0.1)])
        table = toy_table(spectra, four, (*NAMES, "alpha_m"), flags=flags, flag_type=flag_type)
        steps[flag_type] = [(row.step, row.removed) for row in build_reference(spectra, table, NAMES).tally[3:]]
    assert steps[None] == []
    assert [removed for _, removed in steps[AspcapFlagDR12]] == [0, 10, 0], "the flagged ones are among the ten"


def test_wrong_cuts_and_labels(store, table):
    with pytest.raises(ValueError, match="cuts must be one of paper, released, none; got 'mine'"):
        build_reference(store, table, NAMES, cuts="mine")
    with pytest.raises(LabelError, match="label 'alpha_m' is not in toy table"):
        build_reference(store, table, NAMES, cuts="paper")
    with pytest.raises(LabelError, match="label 'a_k' is not in toy table, which has teff, logg, fe_h"):
        build_reference(store, table, ["teff", "a_k"], cuts="none")


def test_no_star_left_comes_with_the_tally(store, table):
    with pytest.raises(ReferenceSetError, match=r"(?s)no reference star is left.*90 removed +0 remain +teff < 9000 K"):
        build_reference(store, table, NAMES, cuts=[range_cut("teff", 9000)])


def test_the_reference_set_of_a_model_is_found_again(store, spectra, table):
    chosen = build_reference(store, table, NAMES, cuts=[range_cut("teff", 4500, 5200)])
    model = train(chosen)
    found = reference_of_model(model, store, table)
    assert found.spectra.id.tolist() == chosen.spectra.id.tolist()
    np.testing.assert_array_equal(found.labels, chosen.labels)
    assert found.tally[-1].step == "not in the model's reference set"
    assert found.tally[-1].removed == N_STAR - len(chosen)
    others = table.select(~np.isin(spectra.id, chosen.spectra.id))
    with pytest.raises(ReferenceSetError, match="none of the model's reference stars is in both"):
        reference_of_model(model, store, others)


@pytest.mark.parametrize("workers", [1, 2])
def test_labels_do_not_depend_on_the_blocks_of_the_store(model, tmp_path, workers):
    # more than one block
    labels = toy_labels(1500, seed=8)
    spectra = toy_spectra(labels, seed=9)
    store = save_spectra(spectra, tmp_path / "many.zarr")
    seen = []
    estimates = label_store(
        model, store, seed=4, workers=workers, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1024, 1500), (1500, 1500)]
    whole = label_spectra(model, spectra, seed=4)
    assert estimates["star"].to_numpy().tolist() == spectra.id.tolist()
    # but for float32 in the store
    errors = np.sqrt(np.diagonal(whole["formal_covariance"].to_numpy(), axis1=1, axis2=2))
    off = estimates["labels"].to_numpy() - whole["labels"].to_numpy()
    assert np.abs(off / errors).max() < 1e-3
    assert estimates.attrs["seed"] == 4
    assert estimates.attrs["model_hash"] == model.hash


def test_labels_are_the_same_again(model, store):
    first, second = (label_store(model, store, seed=2) for _ in range(2))
    for name in first.data_vars:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_store_that_is_none_or_on_another_grid(model, labels, tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        label_store(model, tmp_path / "no.zarr")
    other = save_spectra(toy_spectra(labels, n_pixel=60), tmp_path / "other.zarr")
    with pytest.raises(GridError, match=r"of 120 pixels .* of 60 pixels"):
        label_store(model, other)


def test_the_reference_set_keeps_the_names_of_the_label_table(spectra, table):
    order = np.random.default_rng(4).permutation(N_STAR)
    reference = build_reference(spectra, table.select(order), NAMES, cuts="none")
    assert reference.spectra.columns["survey_id"].tolist() == table.survey_id.tolist()


def test_spectra_without_columns_are_matched_trained_labelled_and_stored(spectra, table, tmp_path):
    plain = Spectra(spectra.wavelength, spectra.flux, spectra.ivar, spectra.id)
    reference = build_reference(plain, table, NAMES)
    assert len(reference) == N_STAR
    model = train(reference)
    statistics = validate(model, reference, folds=4)
    assert statistics.row("k-fold", "all", "teff").n_stars == N_STAR
    assert statistics.row("k-fold", "snr > 50", "teff").n_stars == 0
    path = save_spectra(plain, tmp_path / "plain.zarr")
    assert set(load_spectra(path).columns) == set()
    estimates = label_store(model, path)
    assert np.isnan(estimates["snr"]).all()
    assert not (estimates["flags"].to_numpy() & ResultFlag.LOW_SNR).any()
    assert budget_of_store(model, path, kinds=["formal"]).sizes["star"] == N_STAR
    with pytest.raises(
        InputError, match=r"repeats cannot be recognised, and each of \d+ spectra .* there is no position, survey_id"
    ):
        budget_of_store(model, path, kinds=["repeat"])
    with pytest.raises(ReferenceSetError, match="the spectra have no positions"):
        build_reference(path, table, NAMES, match="sky")


def test_one_cut_and_ranges_with_units():
    spectra = toy_spectra(toy_labels(N_STAR))
    table = toy_table(spectra, toy_labels(N_STAR))
    middle = float(np.median(table.labels["teff"]))
    want = build_reference(spectra, table, NAMES, cuts=[range_cut("teff", middle)]).spectra.id.tolist()
    for choice in (
        {"cuts": range_cut("teff", middle)},
        {"keep": {"teff": (middle * u.K, None)}},
        {"keep": {"teff": (middle / 1000 * u.kK, None)}},
    ):
        assert build_reference(spectra, table, NAMES, **choice).spectra.id.tolist() == want


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"cuts": 3}, "a name or a list of Cut; got an int"),
        ({"keep": [("teff", 1, 2)]}, r"keep maps labels to \(low, high\).* got a list"),
        ({"keep": {"teff": ("low", "high")}}, "the bound of teff holds text; expected numbers"),
        ({"keep": {"teff": (1 * u.m, None)}}, "the bound of teff is in m, which does not convert to K"),
    ],
)
def test_cuts_and_ranges_that_are_none_are_refused(choice, words):
    spectra = toy_spectra(toy_labels(N_STAR))
    with pytest.raises(BayesCannonError, match=words):
        build_reference(spectra, toy_table(spectra, toy_labels(N_STAR)), NAMES, **choice)
