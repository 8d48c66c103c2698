"""Names of spectra and of rows: as they are, and as they are meant."""

import numpy as np
import pytest
from toy import toy_reference

from bayescannon.cannon.name_matching import best_pair, first_names, match_names
from bayescannon.cannon.novelty import as_pipeline_labels, pipeline_labels_of
from bayescannon.cannon.training import train
from bayescannon.data.label_table import LabelTable
from bayescannon.numerics.errors import BayesCannonWarning

STARS = ["spec-55859-A1_sp01-001", "spec-55859-A1_sp01-002", "spec-55859-a1_sp02-003"]


def rows(stars, names):
    found = match_names(stars, names, np.arange(len(names)))
    return found.rows.tolist(), found.how


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (str, ""),
        (lambda name: f"dr5/20111024/{name}.fits.gz", ""),
        (lambda name: f"C:\\spectra\\{name}.fits", ""),
        (lambda name: f"http://dr5.lamost.org/v3/sas/fits/{name}.fits.gz?token=", "without the query of an address"),
        (lambda name: f"https://x.org/{name}.fits?download=1#top", "without the query of an address"),
        (str.upper, "without regard to case"),
        (lambda name: f"DR5/{name}.FITS".upper(), "without regard to case"),
    ],
)
def test_names_are_found_as_they_are_meant(change, how):
    names = [change(name) for name in STARS[::-1]]
    assert rows(STARS, names) == ([2, 1, 0], how)


@pytest.mark.parametrize(
    ("stars", "names"),
    [
        (["2M06561343+2737243"], ["2MASS J06561343+2737243"]),
        (["J06561343+2737243"], ["06561343+2737243"]),
        (["Gaia DR3 4611686018427387905"], ["4611686018427387905"]),
        (["000123"], ["123"]),
        (["TIC 123"], ["123"]),
    ],
)
def test_designations_without_the_prefix_of_their_catalogue(stars, names):
    assert rows(stars, names) == ([0], "without catalogue prefixes and leading zeros")


def test_one_exact_name_means_that_names_are_exact():
    assert rows(["a", "B"], ["b", "a"]) == ([1, -1], "")


def test_names_that_would_agree_in_another_form_are_counted():
    found = match_names(["1", "a", "b", "c"], ["1", "A", "B", "D"], np.arange(4))
    assert found.rows.tolist() == [0, -1, -1, -1]
    assert found.more == "2 more agree without regard to case"


def test_numbers_of_another_gaia_release_are_other_stars():
    assert rows(["Gaia DR2 123"], ["Gaia DR3 123"])[0] == [-1]
    assert rows(["Gaia DR3 123", "Gaia DR2 5"], ["GAIA EDR3 123", "Gaia DR3 5"])[0] == [0, -1]
    assert rows(["Gaia DR2 123"], ["123"])[0] == [0]


def test_names_that_case_alone_tells_apart_are_not_compared_without_it():
    assert rows(["star-a", "STAR-A"], ["Star-A"])[0] == [-1, -1]
    assert rows(["star-a"], ["Star-A", "STAR-A"])[0] == [-1]


def test_what_stands_for_no_name_is_none():
    assert rows(["0", "-1", "", "nan"], ["0", "-1", "", "nan"])[0] == [-1] * 4


def test_the_best_row_of_a_name_is_the_last_of_the_order():
    found = match_names(["a"], ["a", "b", "a"], np.array([2, 1, 0]))
    assert found.rows.tolist() == [0]


def test_the_pair_of_columns_that_agrees():
    stars = {"id": ["s1", "s2", "s3"], "obsid": ["11", "12", "13"], "release": ["dr5"] * 3}
    names = {"APOGEE_ID": ["x", "y", "z"], "OBSID": ["13", "12", "0"], "release": ["dr5"] * 3}
    assert best_pair(stars, names) == (2, "obsid", "OBSID")
    assert best_pair(stars, {"APOGEE_ID": ["x"]}) == (0, "", "")
    assert first_names(["s1"], ["", "x"], "t.csv") == "ids of the spectra: s1\nids of t.csv: x"
    shown = first_names(["7"], ["8"], "t.csv", ("gaia_id", "source_id"))
    assert shown == "gaia_id of the spectra: 7\nsource_id of t.csv: 8"


def test_pipeline_labels_under_other_names_are_taken_and_said():
    table = LabelTable.from_arrays(["A.FITS", "B.FITS"], teff=[4800, 4900], logg=[2, 3], fe_h=[0, 0.1])
    model = train(toy_reference(60))
    with pytest.warns(BayesCannonWarning, match="ids of the pipeline labels are compared .* without regard to case"):
        as_pipeline_labels(table, model, ["a", "b"])
    np.testing.assert_array_equal(pipeline_labels_of(["b", "c"], table, ["teff"]), [[4900], [np.nan]])
