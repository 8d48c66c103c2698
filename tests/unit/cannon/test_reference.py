import dataclasses

import numpy as np
import pytest
import toy

from bayescannon.cannon.cuts import CUT_SETS, flag_cut, range_cut
from bayescannon.cannon.matching import Matching, apply_cuts, build_reference, match_by_id, match_by_sky
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.data.labels import LabelError
from bayescannon.data.tally import tally_text

NAMES = ("teff", "alpha_m")


@pytest.fixture
def labels():
    return toy.toy_labels(60, NAMES)


@pytest.fixture
def spectra(labels):
    return toy.toy_spectra(labels, NAMES, n_pixel=30)


def test_the_papers_cuts_remove_what_they_say_and_count_it(spectra, labels):
    labels = labels.copy()
    labels[:, 0], labels[:, 1] = labels[:, 0].clip(3600, 5900), labels[:, 1].clip(0.0, 0.3)
    labels[0, 0], labels[1, 0], labels[2, 1], labels[3, 0] = 3499, 6001, -0.11, np.nan
    labels[4, 1], labels[5, 0] = -0.1, 6000
    flags = np.zeros(60, dtype=np.uint64)
    flags[6] = 1 << 33
    table = toy.toy_table(spectra, labels, NAMES, flags=flags)
    reference = build_reference(spectra, table, NAMES, cuts="paper")
    assert [(row.removed, row.remaining) for row in reference.tally] == [
        (0, 60), (0, 60), (1, 59), (2, 57), (1, 56), (1, 55),
    ]  # fmt: skip
    assert set(spectra.id[[0, 1, 2, 3, 6]]).isdisjoint(reference.spectra.id)
    assert {spectra.id[4], spectra.id[5]} <= set(reference.spectra.id)
    assert all("Ho et al. 2017" in row.source for row in reference.tally[3:])
    row_of = {name: k for k, name in enumerate(spectra.id)}
    np.testing.assert_array_equal(reference.labels, labels[[row_of[name] for name in reference.spectra.id]])


def test_ids_match_whatever_the_order_and_the_best_row_of_a_star_counts(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES).select(np.arange(60)[::-1])
    twice = table.select(np.r_[np.arange(60), 10])
    twice.snr[60] = 999
    selection = match_by_id(spectra.id, twice)
    assert len(selection) == 60
    assert selection.row[49] == 60
    assert "(1 rows with worse S/N of repeated ids left out)" in selection.tally[1].step
    assert (twice.id[selection.row] == spectra.id[selection.star]).all()


def test_positions_match_within_the_radius_and_the_best_spectrum_of_a_star_counts(spectra, labels):
    ra, dec, snr = (spectra.columns[name].copy() for name in ("ra", "dec", "snr"))
    table = toy.toy_table(spectra, labels, NAMES)
    ra[3], dec[3], snr[3] = ra[4], dec[4] + 1 / 3600, 99.0
    dec[5] += 4 / 3600
    ra[6] = np.nan
    selection = match_by_sky(ra, dec, snr, table, radius=3.0)
    assert set(range(60)) - set(selection.star.tolist()) == {4, 5, 6}
    assert selection.row[selection.star == 3] == 4
    assert "better S/N" in selection.tally[-1].step


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
    with pytest.raises(ValueError, match="'id' or 'sky'"):
        Matching("name")
    with pytest.raises(ValueError, match="radius must be positive"):
        Matching("sky", 0)


def test_cuts_name_themselves():
    assert range_cut("teff", 3500, 6000).name == "teff < 3500 or teff > 6000 K"
    assert range_cut("alpha_m", -0.1).name == "alpha_m < -0.1 dex"
    with pytest.raises(ValueError, match="at least one end"):
        range_cut("teff")
    assert flag_cut(0b1000).name == "quality flag has a bit of 0x8"
    assert [cut.needs for cut in CUT_SETS["released"]] == [("teff",), ("logg",), ()]


def test_the_released_cuts_look_at_their_bits_only(spectra, labels):
    flags = np.zeros(60, dtype=np.uint64)
    flags[:5] = [1 << 3, 1 << 4, 1 << 7, 1 << 23, 1 << 10]
    values = {"teff": np.full(60, 4500.0), "logg": np.full(60, 2.0)}
    table = dataclasses.replace(toy.toy_table(spectra, labels, NAMES), labels=values, flags=flags)
    selection = apply_cuts(match_by_id(spectra.id, table), table, ["teff"], cuts=CUT_SETS["released"])
    assert set(range(60)) - set(selection.star.tolist()) == {0, 1, 2, 3}
    assert "4 removed" in tally_text(selection.tally)
