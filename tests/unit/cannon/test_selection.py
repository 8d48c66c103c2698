"""Which row of a star counts: the best usable one."""

import numpy as np
import pytest
import toy

from bayescannon.cannon.cuts import flag_cut
from bayescannon.cannon.matching import build_reference, reference_of_model
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.selection import match_by_id
from bayescannon.cannon.star_matching import Matching, match_by_sky
from bayescannon.cannon.training import train
from bayescannon.data.label_table import LabelTable
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg", "fe_h")
N_STAR = 40


@pytest.fixture(scope="module")
def spectra():
    spectra = toy.toy_spectra(toy.toy_labels(N_STAR), n_pixel=20)
    spectra.columns["obsid"] = np.arange(N_STAR) + 5000
    spectra.columns["twomass"] = np.array([f"2M{n:04d}+01" for n in range(N_STAR)])
    return spectra


@pytest.fixture
def table(spectra):
    """Every star twice: the first row is usable, the second has better S/N and a missing label or a flag."""
    labels = toy.toy_labels(N_STAR)
    once = toy.toy_table(spectra, labels)
    twice = once.select(np.r_[np.arange(N_STAR), np.arange(N_STAR)])
    twice.snr[N_STAR:] = 900
    twice.labels["teff"][N_STAR : N_STAR + 20] = np.nan
    twice.flags[N_STAR + 20 :] = 8
    return twice


@pytest.mark.parametrize("match", ["id", "sky"])
def test_the_best_usable_row_of_a_star_counts(spectra, table, match):
    reference = build_reference(spectra, table, NAMES, match=match)
    np.testing.assert_array_equal(reference.labels[:20], toy.toy_labels(N_STAR)[:20])
    assert len(reference) == N_STAR
    clean = build_reference(spectra, table, NAMES, cuts=flag_cut(), match=match)
    assert len(clean) == N_STAR
    assert clean.tally[3].removed == 0
    if match == "id":
        assert (
            "(40 rows of repeated ids left out: the best usable row of each counts, for 40 a usable one instead of "
            in (clean.tally[1].step)
        )
    else:
        assert "no labels within 3 arcsec in toy table" in clean.tally[1].step


def test_of_usable_rows_the_best_signal_and_of_equals_the_first():
    table = LabelTable.from_arrays(
        ["a", "a", "a", "b", "b"], teff=[4000.0, 4100, 4200, 4300, 4400], snr=[10.0, 30, 20, np.nan, np.nan]
    )
    assert match_by_id(["a", "b"], table).row.tolist() == [1, 3]
    usable = np.array([True, False, True, False, False])
    assert match_by_id(["a", "b"], table, usable=usable).row.tolist() == [2, 3]


def test_rows_of_one_star_in_the_sky_are_those_of_its_name_or_place():
    arcsec = 1 / 3600
    table = LabelTable.from_arrays(
        None,
        teff=[4000.0, 4100, 4200, 4300],
        survey_id=["A", "A", "B", ""],
        ra=[10.0, 10 + 0.9 * arcsec, 10 + 2 * arcsec, 10.0 + 0.2 * arcsec],
        dec=[0.0] * 4,
        snr=[50.0, 90, 99, 60],
    )
    here = (np.array([10.0]), np.array([0.0]))
    # B is another star, however good
    assert match_by_sky(*here, table, radius=3.0).row.tolist() == [1]
    usable = np.array([False, False, True, True])
    selection = match_by_sky(*here, table, radius=3.0, usable=usable)
    assert selection.row.tolist() == [3]
    assert "(1 stars by a better row than the nearest)" in selection.tally[1].step


@pytest.mark.parametrize("match", ["obsid", "obsid=OBSID", "twomass=survey_id", "twomass=APOGEE_ID"])
def test_any_pair_of_columns_matches(spectra, match):
    labels = toy.toy_labels(N_STAR)
    order = np.random.default_rng(2).permutation(N_STAR)
    table = {
        "obsid": 5000 + order, "OBSID": (5000 + order).astype(str), "APOGEE_ID": [f"2M{n:04d}+01" for n in order],
        **{name: labels[order, k] for k, name in enumerate(NAMES)},
    }  # fmt: skip
    if match == "obsid":
        table.pop("OBSID")
    reference = build_reference(spectra, table, NAMES, match=match)
    assert reference.spectra.id.tolist() == spectra.id.tolist()
    np.testing.assert_array_equal(reference.labels, labels)


def test_pairs_that_do_not_exist_are_named(spectra):
    table = {"id": spectra.id, "teff": toy.toy_labels(N_STAR)[:, 0]}
    with pytest.raises(
        InputError, match=r"name a column of the spectra .* got 'kic=id', and their columns .* id, obsid"
    ):
        build_reference(spectra, table, ("teff",), match="kic=id")
    with pytest.raises(InputError, match="LEFT=RIGHT; there is no column 'KIC': the table has the columns id, teff"):
        build_reference(spectra, table, ("teff",), match="obsid=KIC")
    with pytest.raises(InputError, match=r"'id', 'sky', the name of a column"):
        Matching("=id")


def test_when_nothing_matches_the_pair_that_would_is_named(spectra):
    labels = toy.toy_labels(N_STAR)[:, 0]
    table = {"spectrum": np.arange(N_STAR), "ObsID": 5000 + np.arange(N_STAR), "teff": labels}
    with pytest.raises(
        ReferenceSetError, match=r"obsid of the spectra and ObsID of the table agree for 40 of 40: --match"
    ):
        build_reference(spectra, table, ("teff",))
    table = {"id": np.arange(N_STAR), "ra": spectra.columns["ra"], "dec": spectra.columns["dec"], "teff": labels}
    with pytest.raises(ReferenceSetError, match=r"40 spectra are within 3 arcsec of a row: --match sky"):
        build_reference(spectra, table, ("teff",))
    table = {"id": spectra.id, "teff": labels}
    with pytest.raises(ReferenceSetError, match=r"no label of the table has a position(.|\n)*--match id"):
        build_reference(spectra, table, ("teff",), match="sky")


def test_a_model_finds_the_rows_again_that_it_was_trained_on(spectra, table, tmp_path):
    store = save_spectra(spectra, tmp_path / "store.zarr")
    # without the cut of the training the flagged rows would count: they have the better S/N
    table.labels["teff"][N_STAR:] = table.labels["teff"][:N_STAR] + 300
    reference = build_reference(store, table, NAMES, cuts=flag_cut())
    np.testing.assert_array_equal(reference.labels[20:], toy.toy_labels(N_STAR)[20:])
    again = reference_of_model(train(reference), store, table)
    np.testing.assert_array_equal(again.labels, reference.labels)
