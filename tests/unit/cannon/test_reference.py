import dataclasses

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
import toy

from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.selection import match_by_id
from bayescannon.cannon.star_matching import Matching, match_by_sky
from bayescannon.data.labels import LabelError
from bayescannon.numerics.errors import BayesCannonError

NAMES = ("teff", "alpha_m")


@pytest.fixture
def labels():
    return toy.toy_labels(60, NAMES)


@pytest.fixture
def spectra(labels):
    return toy.toy_spectra(labels, NAMES, n_pixel=30)


def test_ids_match_whatever_the_order_and_the_best_row_of_a_star_counts(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES).select(np.arange(60)[::-1])
    twice = table.select(np.r_[np.arange(60), 10])
    twice.snr[60] = 999
    selection = match_by_id(spectra.id, twice)
    assert len(selection) == 60
    assert selection.row[49] == 60
    assert "(1 rows of repeated ids left out: the best usable row of each counts)" in selection.tally[1].step
    assert (twice.id[selection.row] == spectra.id[selection.star]).all()


def test_positions_match_within_the_radius_and_all_spectra_of_a_row_are_kept(spectra, labels):
    ra, dec = (spectra.columns[name].copy() for name in ("ra", "dec"))
    table = toy.toy_table(spectra, labels, NAMES)
    ra[3], dec[3] = ra[4], dec[4] + 1 / 3600
    dec[5] += 4 / 3600
    ra[6] = np.nan
    selection = match_by_sky(ra, dec, table, radius=3.0)
    assert set(range(60)) - set(selection.star.tolist()) == {5, 6}
    assert selection.row[selection.star == 3] == selection.row[selection.star == 4] == 4


def test_nothing_in_common_is_an_error_with_the_tally(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES, id=np.array([f"x{n}" for n in range(60)]))
    with pytest.raises(ReferenceSetError, match=r"no reference star is left(.|\n)*60 removed"):
        build_reference(spectra, table, NAMES)


def test_a_label_or_cut_that_the_table_cannot_serve_is_refused(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES)
    with pytest.raises(LabelError, match=r"'logg' is not in toy table.*--columns logg=COLUMN"):
        build_reference(spectra, table, ("teff", "logg"))
    with pytest.raises(LabelError, match="'fe_h' is not in"):
        build_reference(spectra, table, NAMES, cuts=[range_cut("fe_h", -1)])
    with pytest.raises(ValueError, match="cuts must be one of paper, released, none"):
        build_reference(spectra, table, NAMES, cuts="papers")
    with pytest.raises(ValueError, match="'id', 'sky', the name of a column, or a pair"):
        Matching("name=")
    with pytest.raises(ValueError, match="radius must be positive"):
        Matching("sky", 0)


def test_the_order_of_the_attributes_is_kept_and_errors_may_be_left_out(spectra, labels):
    errors = np.ones_like(labels)
    old = ReferenceSet(spectra, labels, errors, NAMES)
    new = ReferenceSet(spectra, labels, label_names=NAMES)
    np.testing.assert_array_equal(old.labels, labels)
    assert old.errors is errors
    assert old.label_names == new.label_names == NAMES
    assert np.isnan(new.errors).all()
    assert new.errors.shape == labels.shape
    assert ReferenceSet(spectra, labels[:, 0], None, ["teff"]).labels.shape == (60, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s, x: ReferenceSet(x, s, None, NAMES), "spectra and labels are swapped"),
        (
            lambda _, x: ReferenceSet("store.zarr", x, None, NAMES),
            "spectra must be Spectra; got a str. build_reference",
        ),
        (lambda s, x: ReferenceSet(s, x, NAMES), "the third argument is errors.*label_names="),
        (lambda s, x: ReferenceSet(s, x), r"need their names: label_names="),
        (lambda s, x: ReferenceSet(s, x.T, None, NAMES), r"\(star, label\) = \(60, 2\).*transposed: labels.T"),
        (lambda s, x: ReferenceSet(s, x[:10], None, NAMES), r"\(60, 2\); got labels of \(10, 2\)"),
        (lambda s, x: ReferenceSet(s, x, x[:10], NAMES), r"\(60, 2\); got errors of \(10, 2\)"),
        (lambda s, x: ReferenceSet(s, x, None, ("teff", "vrad")), "unknown label name 'vrad'; known labels are teff"),
        (lambda s, x: ReferenceSet(s, x, None, "teff"), "a sequence of names"),
        (lambda s, x: ReferenceSet(s, x * u.K, None, NAMES), "alpha_m is in K, which does not convert to dex"),
        (
            lambda s, x: ReferenceSet(s, np.where(x < 0.1, np.nan, x), None, NAMES),
            r"alpha_m of spec-0-00.. is nan; leave out",
        ),
        (lambda s, x: ReferenceSet(s, toy.toy_table(s, x, NAMES)), "build_reference matches a LabelTable"),
        (lambda s, x: ReferenceSet(s, pd.DataFrame(x, columns=NAMES), None, ("teff", "logg")), "no column 'logg'"),
        (lambda s, x: ReferenceSet(s, {"teff": x[:3, 0]}), r"teff must have one value per star \(60\); got \(3,\)"),
        (lambda s, _: ReferenceSet(s, "labels.csv"), "got the path labels.csv; use build_reference"),
        (lambda s, x: build_reference(toy.toy_table(s, x, NAMES), s, NAMES), "spectra and labels are swapped"),
        (lambda s, _: build_reference(s, s, NAMES), "spectra and labels are swapped"),
        (lambda s, x: build_reference(s, x, NAMES), "got a numpy ndarray"),
        (lambda s, x: build_reference(x, toy.toy_table(s, x, NAMES), NAMES), "spectra must be Spectra.*got a numpy"),
        (lambda s, x: build_reference(s, toy.toy_table(s, x, NAMES), "teff"), "a sequence of names"),
        (lambda s, x: build_reference(s, toy.toy_table(s, x, NAMES), NAMES, cuts=[("teff", 1, 2)]), "keep="),
        (
            lambda s, x: build_reference(s, toy.toy_table(s, x, NAMES), NAMES, keep={"teff": 4000}),
            r"\(low, high\) of teff",
        ),
        (lambda s, x: build_reference(s, toy.toy_table(s, x, NAMES), NAMES, match="name"), "'id' or 'sky'"),
        (lambda s, x: build_reference(s, toy.toy_table(s, x, NAMES), NAMES, match="sky", radius=-1), "positive"),
        (lambda s, x: build_reference(s, toy.toy_table(s, x, NAMES), NAMES, format="allstar-dr12"), "got a LabelTable"),
    ],
)
def test_wrong_calls_say_what_came(spectra, labels, call, words):
    with pytest.raises(BayesCannonError, match=words):
        call(spectra, labels)


def test_a_table_without_ids_is_named(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES, id=None)
    with pytest.raises(ReferenceSetError, match=r"no label of toy table has an id(.|\n)*ids of toy table: none"):
        build_reference(spectra, table, NAMES)


def test_ids_that_do_not_match_are_shown_from_both_sides(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES, id=[f"obs-{n}" for n in range(60)])
    words = r"ids of the spectra: spec-0-0000, spec-0-0001, spec-0-0002 and 57 more\nids of toy table: obs-0, obs-1, "
    with pytest.raises(ReferenceSetError, match=words):
        build_reference(spectra, table, NAMES)


def test_folders_and_endings_of_ids_do_not_count_on_either_side(spectra, labels):
    named = dataclasses.replace(spectra, id=[f"dr2/{name}.fits.gz" for name in spectra.id])
    assert len(build_reference(named, toy.toy_table(spectra, labels, NAMES), NAMES)) == 60


@pytest.mark.parametrize(("side", "words"), [("spectra", "the spectra have no positions"), ("table", "has a position")])
def test_positions_that_are_not_there_are_said(spectra, labels, side, words):
    table = toy.toy_table(spectra, labels, NAMES, **({"ra": None} if side == "table" else {}))
    plain = dataclasses.replace(spectra, columns={}) if side == "spectra" else spectra
    with pytest.raises(ReferenceSetError, match=words):
        build_reference(plain, table, NAMES, match="sky")


def test_swapped_positions_are_refused(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES)
    swapped = dataclasses.replace(table, ra=table.dec, dec=table.ra)
    with pytest.raises(BayesCannonError, match=r"in toy table it reaches .* ra and dec are not swapped"):
        build_reference(spectra, swapped, NAMES, match="sky")


def test_labels_come_from_what_holds_them_and_the_match_from_a_word(spectra, labels, tmp_path):
    want = build_reference(spectra, toy.toy_table(spectra, labels, NAMES), NAMES)
    frame = pd.DataFrame({"star": spectra.id, "T": labels[:, 0], "alpha_m": labels[:, 1], "logg": np.arange(60.0) / 10})
    frame["ra"], frame["dec"] = spectra.columns["ra"], spectra.columns["dec"]
    frame.to_csv(tmp_path / "t.csv", index=False)
    columns = {"id": "star", "teff": "T"}
    for given in (frame, tmp_path / "t.csv", str(tmp_path / "t.csv")):
        for match in ("id", "sky", Matching("sky", radius=2 * u.arcsec)):
            got = build_reference(spectra, given, NAMES, columns=columns, match=match)
            np.testing.assert_array_equal(got.labels, want.labels)
            assert got.spectra.id.tolist() == want.spectra.id.tolist()
    # a label that only a cut looks at is read too
    kept = build_reference(spectra, frame, NAMES, columns=columns, keep={"logg": (1, None), "teff": [None, 9000]})
    assert len(kept) == 50
    assert [row.step for row in kept.tally[3:]] == ["logg < 1 dex", "teff > 9000 K"]


def test_repr_of_sets_and_selections_is_one_line(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES, errors={"teff": np.ones(60)})
    reference = build_reference(spectra, table, NAMES)
    assert repr(reference) == (
        "<ReferenceSet of 60 stars, labels teff, alpha_m (errors of teff) on a grid of 30 pixels from 5000.00 to "
        "5400.00 A>"
    )
    assert "60 remain" in reference._repr_html_()
    selection = match_by_id(spectra.id, table)
    assert repr(selection) == "<Selection of 60 stars after 2 steps>"
    assert "toy table" in selection._repr_html_()
