"""How spectra and rows of a table are brought together; the ways themselves are tested with reference sets."""

import numpy as np
import pytest
from toy import NAMES, toy_labels, toy_spectra, toy_table

from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.star_matching import Matching, apply_cuts, matching_advice, names_of_spectra, usable_rows

LABELS = toy_labels(20)
SPECTRA = toy_spectra(LABELS)


def test_rows_are_usable_with_all_labels_that_pass_the_cuts():
    labels = LABELS.copy()
    labels[3, 1] = np.nan
    table = toy_table(SPECTRA, labels)
    cut = range_cut("teff", 4700)
    usable = usable_rows(table, NAMES, [cut])
    np.testing.assert_array_equal(usable, np.isfinite(labels).all(axis=1) & (labels[:, 0] >= 4700))
    selection = apply_cuts(Matching().match(SPECTRA, table), table, NAMES, cuts=[cut])
    np.testing.assert_array_equal(selection.star, np.flatnonzero(usable))
    assert [row.step for row in selection.tally][2:] == ["one of teff, logg, fe_h is missing", "teff < 4700 K"]


@pytest.mark.parametrize(
    ("changes", "by", "advice"),
    [
        ({"id": np.char.add("x", SPECTRA.id)}, "id", "20 spectra are within 3 arcsec of a row: --match sky"),
        ({"ra": SPECTRA.columns["ra"] + 1}, "sky", "the spectra's ids are in the table: --match id"),
        ({"id": np.full(20, ""), "survey_id": SPECTRA.id}, "id", "id of the spectra and survey_id of toy table agree"),
    ],
)
def test_a_match_of_nothing_names_one_that_would_find_stars(changes, by, advice):
    table = toy_table(SPECTRA, LABELS, **changes)
    matching = Matching(by)
    assert len(matching.match(SPECTRA, table)) == 0
    assert advice in matching_advice(SPECTRA, table, matching)


def test_numbers_with_fractions_are_no_names():
    assert list(names_of_spectra(SPECTRA)) == ["id"]
