"""Named cuts: what they remove, what they need, and what they are called."""

import dataclasses

import numpy as np
import pytest
import toy

from bayescannon.cannon.cuts import CUT_SETS, Cut, flag_cut, range_cut
from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.selection import match_by_id
from bayescannon.cannon.star_matching import apply_cuts
from bayescannon.data.tally import tally_text
from bayescannon.numerics.errors import InputTypeError

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


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (lambda table: table.snr, "got float64 of shape"),
        (lambda table: np.ones(3, dtype=bool), r"got booleans of shape \(3,\)"),
        (lambda table: None, "got "),
        (lambda table: True, r"got booleans of shape \(\)"),
        (lambda table: {}, "got a dict"),
    ],
)
def test_a_cut_that_returns_something_else_is_named(spectra, labels, keep, words):
    table = toy.toy_table(spectra, labels, NAMES)
    with pytest.raises(InputTypeError, match=f"^cut 'mine' must return .*{words}"):
        Cut("mine", keep).kept(table)


def test_a_masked_row_is_removed(spectra, labels):
    table = toy.toy_table(spectra, labels, NAMES)
    masked = np.ma.array(np.ones(60, dtype=bool), mask=np.arange(60) < 10)
    assert Cut("mine", lambda _: masked).kept(table).sum() == 50


def test_cuts_are_shown_in_one_line():
    assert repr(range_cut("teff", 3500, 6000, source="Ho")) == "<Cut teff < 3500 or teff > 6000 K (Ho)>"
    assert repr(Cut("bright", lambda table: table.snr > 9, ("teff",))) == "<Cut bright, needs teff>"
