"""Tables as texts: the same numbers on the terminal and in a page."""

from dataclasses import replace

import numpy as np
import pytest
import toy

import bayescannon as bc
from bayescannon.app.shown_tables import comparison_tables, format_value, statistics_tables, tally_table
from bayescannon.data.tally import TallyRow


@pytest.fixture(scope="module")
def validation():
    reference = toy.toy_reference(60, ("teff", "logg"))
    return bc.validate(bc.train(reference), reference, folds=2)


def test_statistics_are_a_table_for_each_method_and_selection(validation):
    tables = statistics_tables(validation.rows)
    assert len(tables) == len({(row.method, row.selection) for row in validation.rows})
    first, row = tables[0], validation.rows[0]
    assert first.title == f"{row.method}, {row.selection}: inferred - reference of 60 stars"
    assert first.rows[0][:3] == ("teff [K]", f"{row.bias:.1f}", f"{row.bias_error:.1f}")
    assert all(len(one) == len(first.head) for one in first.rows)
    calibrated = statistics_tables([replace(row, within_error=0.5)])[0]
    assert (calibrated.head[-1], calibrated.rows[0][-1]) == ("within e", "50.0 %")


def test_no_stars_and_failed_ones_are_said(validation):
    row = validation.rows[0]
    assert statistics_tables([replace(row, n_stars=0)])[0].rows == ()
    assert statistics_tables([replace(row, n_failed=3)])[0].title.endswith("3 failed")


def test_tally_and_values():
    table = tally_table([TallyRow("cut", 2, 8, "APOGEE")])
    assert table.rows == (("cut", "2", "8"),)
    assert (format_value("teff", 4801.26), format_value("teff", None)) == ("4801.3", "-")


def test_comparison_has_a_table_for_each_selection_with_stars():
    names = [f"s{n}" for n in range(20)]
    sides = [bc.LabelTable(names, labels={"teff": np.linspace(4000, 5000, 20) + off}) for off in (7, 0)]
    found = bc.compare_catalogues(*sides, progress=False)
    tables = comparison_tables(found.rows, found.flags)
    assert tables[0].title == "all: A - B"
    assert tables[0].rows[0][:3] == ("teff [K]", "20", "7.0")
    assert all(table.rows for table in tables)
