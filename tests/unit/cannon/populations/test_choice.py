"""Which populations a survey model has: found, named, or read from a file; regions with too few stars are merged."""

import re

import numpy as np
import pytest

from bayescannon.cannon.populations.choice import (
    LOGG_BORDER,
    PopulationError,
    check_choice,
    choose_regions,
    logg_border,
    merge_small,
    read_regions,
)
from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.numerics.errors import InputError, MissingFileError

NAMES = ("teff", "logg")


def field(n=300, seed=0):
    rng = np.random.default_rng(seed)
    giants = np.column_stack([rng.normal(4800, 200, n), rng.normal(2.4, 0.5, n)])
    dwarfs = np.column_stack([rng.normal(5800, 400, n), rng.normal(4.4, 0.15, n)])
    hot = np.column_stack([rng.normal(8500, 400, 60), rng.normal(4.1, 0.2, 60)])
    return np.concatenate([giants, dwarfs, hot])


def test_auto_has_giants_dwarfs_and_hot_stars_and_the_border_lies_between_two_sequences():
    labels = field()
    regions = choose_regions("auto", labels, NAMES)
    assert regions.names == ("giant", "dwarf", "hot")
    assert [region.in_router for region in regions.regions] == [True, True, False]
    assert 3.5 <= logg_border(*labels.T) <= 4.05
    assert logg_border(*labels[:300].T) == LOGG_BORDER, "one sequence has no border"
    assert logg_border(*labels[:5].T) == LOGG_BORDER
    shares = regions.shares(np.array([[4800, 2.4], [5800, 4.4], [8500, 4.1]]), NAMES)
    np.testing.assert_allclose(shares, np.eye(3), atol=0.02)


def test_giants_leave_all_other_stars_to_one_region():
    regions = choose_regions("giants", field(), NAMES)
    assert regions.names == ("giant", "other")
    np.testing.assert_allclose(regions.shares(np.array([[8500, 2.0]]), NAMES), [[0, 1]], atol=0.02)


def test_populations_in_other_labels_need_those_labels():
    with pytest.raises(PopulationError, match="teff is not among the labels logg"):
        check_choice("auto", ("logg",))
    with pytest.raises(InputError, match=r"bounded in fe_h, and fe_h is not among the labels teff, logg"):
        check_choice(LabelRegions((LabelRegion("poor", ({"fe_h": (-5, -1)},)),), {"fe_h": 0.2}), NAMES)


def test_a_file_names_regions_and_their_overlap(tmp_path):
    path = tmp_path / "populations.toml"
    path.write_text("[cool]\nteff = [-inf, 5000]\n[warm]\nteff = [5000, inf]\nrouter = false\n[overlap]\nteff = 100\n")
    regions = read_regions(path)
    assert regions.names == ("cool", "warm")
    assert regions.overlap["teff"] == 100
    assert not regions.regions[1].in_router
    check_choice(path, NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[cool", "is not a TOML file"),
        ("", r"must have a table for each population, as \[giant\] .*; got none"),
        ("cool = 3", "population 'cool' must be a table of label = .*; got 3"),
        ("[cool]\nteff = 5000", r"teff of population 'cool' must be \[low, high\]; got 5000"),
        ("[cool]\nteff = [5000, 4000]", "needs low < high of teff; got 5000.0 and 4000.0"),
        ("[cool]\nrouter = 1", "router of population 'cool' must be true or false; got 1"),
        ("[none]\nteff = [4000, 5000]", "none of none, coverage, novelty, joint, binary"),
        ("[Cool]\nteff = [0, 5000]\n[cool]\nteff = [5000, 6000]", "populations need different names"),
        ("[poor]\nfe_h = [-5, -1]", "bounded in fe_h, so that they need its overlap"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_name(tmp_path, text, message):
    path = tmp_path / "populations.toml"
    path.write_text(text)
    with pytest.raises(PopulationError, match=message) as refused:
        read_regions(path)
    assert str(path) in str(refused.value)


def test_no_file():
    with pytest.raises(MissingFileError, match="auto, giants or the path of a TOML file; there is no file giant"):
        check_choice("giant", NAMES)


def test_a_region_with_too_few_stars_is_merged_and_said():
    labels = field()[:605]
    regions, notes = merge_small(choose_regions("auto", labels, NAMES), labels, NAMES, np.arange(len(labels)))
    assert regions.names == ("giant", "dwarf_hot")
    assert len(notes) == 1
    assert re.fullmatch(
        r"population hot has \d+ reference stars and a model of it needs 12: merged with dwarf", notes[0]
    )
    assert regions.regions[1].in_router, "dwarfs still train the router"
