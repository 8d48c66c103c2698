"""One table of labels out of several."""

from pathlib import Path

import numpy as np
import pytest
from toy import NAMES, toy_labels, toy_spectra, toy_table

from bayescannon.cannon.cuts import flag_cut
from bayescannon.cannon.label_source import LabelSource, SourceStars, with_call
from bayescannon.cannon.star_matching import Matching
from bayescannon.numerics.errors import InputError

LABELS = toy_labels(30)
SPECTRA = toy_spectra(LABELS)
TABLE = toy_table(SPECTRA, LABELS, errors={"teff": np.full(30, 40.0)})


def test_its_name_is_the_given_one_or_that_of_the_file():
    assert LabelSource("folder/lasp_dr10.csv.gz").survey == "lasp_dr10"
    assert LabelSource(Path("a.fits"), "APOGEE").survey == "APOGEE"
    assert LabelSource(TABLE).survey == "toy table"
    assert LabelSource({"id": ["a"]}).survey == ""
    assert repr(LabelSource(TABLE, match="sky", errors={"logg": 0.1})) == (
        "<LabelSource toy table, matched by sky, errors of logg 0.1>"
    )


def test_errors_are_scaled_and_replaced():
    source = LabelSource(TABLE, error_scale=1.5, errors={"logg": 0.11})
    found = SourceStars.find(source, SPECTRA, NAMES)
    assert np.unique(found.errors[:, 0]).tolist() == [60.0]
    assert np.unique(found.errors[:, 1]).tolist() == [0.11]
    assert np.isnan(found.errors[:, 2]).all()
    with pytest.raises(InputError, match="label 'alpha_m' of toy table is given an error but not trained; trained are"):
        SourceStars.find(LabelSource(TABLE, errors={"alpha_m": 0.1}), SPECTRA, NAMES)


def test_stars_in_common_may_be_outside_the_ranges_but_not_flagged():
    flags = np.zeros(30, dtype=np.uint64)
    flags[:4] = 1
    source = LabelSource(toy_table(SPECTRA, LABELS, flags=flags), cuts=flag_cut(), keep={"teff": (4800, None)})
    found = SourceStars.find(source, SPECTRA, NAMES)
    assert found.matched.star.tolist() == list(range(4, 30))
    assert found.selection.star.tolist() == [n for n in range(4, 30) if LABELS[n, 0] >= 4800]


def test_a_source_that_was_read_is_the_same(tmp_path):
    path = tmp_path / "lasp.csv"
    rows = [f"{name},{teff / 1000:.4f}" for name, teff in zip(SPECTRA.id, LABELS[:, 0], strict=True)]
    path.write_text("id,teff\n" + "\n".join(rows) + "\n")
    source = LabelSource(path, units={"teff": "kK"}, keep={"teff": (4500, 5000)}, match=Matching("id"))
    read = source.read(["teff"])
    assert read.survey == "lasp"
    once, again = (SourceStars.find(one, SPECTRA, ["teff"]) for one in (source, read))
    np.testing.assert_array_equal(once.selection.star, again.selection.star)
    assert once.selection.tally == again.selection.tally
    assert 0 < len(once.selection) < 30


def test_cuts_of_a_call_are_of_the_first_and_ranges_of_an_only_one():
    one, other = LabelSource(TABLE, "a"), LabelSource(TABLE, "b", keep={"logg": (1, 4)})
    first, second = with_call([one, other], "released", {"teff": (4000, 5000)})
    assert (first.cuts, first.keep, second.cuts) == ("released", {}, None)
    (only,) = with_call([other], None, {"teff": (4000, 5000)})
    assert only.keep == {"logg": (1, 4), "teff": (4000, 5000)}
    with pytest.raises(InputError, match="a range of logg is given twice"):
        with_call([other], None, {"logg": (2, 3)})
