"""Rows of a catalogue as a table (table 1)."""

import numpy as np
import pytest
from astropy.table import Table
from drawing import require_drawable

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import catalogue_cells, plot_catalogue_rows
from bayescannon.numerics.errors import InputError

LABELS = [KNOWN_LABELS[name] for name in ("teff", "logg")]


@pytest.fixture
def catalogue():
    return Table(
        {
            "id": ["spec-1", "spec-2"], "teff": [4801.26, np.nan], "e_teff": [48.2, np.nan], "logg": [2.514, 1.0],
            "e_logg": [0.081, 0.2], "snr_g": [55.2, np.nan], "rchi2": [0.617, 0.57],
        }
    )  # fmt: skip


def test_cells_have_honest_digits(catalogue):
    head, first, second = catalogue_cells(catalogue, LABELS)
    assert head[0] == "star"
    assert "[K]" in head[1]
    assert first == ["spec-1", "4801 ± 48", "2.514 ± 0.081", "55", "0.62"]
    assert second == ["spec-2", "-", "1.00 ± 0.20", "-", "0.57"]


def test_the_table_is_drawn(catalogue, tmp_path):
    ax = plot_catalogue_rows(catalogue, LABELS)
    assert len(ax.tables[0].get_celld()) == 3 * 5
    require_drawable(ax.figure, tmp_path)
    require_drawable(plot_catalogue_rows(catalogue[:0], LABELS).figure, tmp_path)


def test_a_missing_column_is_named(catalogue):
    with pytest.raises(InputError, match="lacks the columns e_formal_teff, e_formal_logg"):
        plot_catalogue_rows(catalogue, LABELS, errors="e_formal_")
