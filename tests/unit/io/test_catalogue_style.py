"""Every column has one style: its number type, its decimals and its UCD."""

import numpy as np
import pytest
from astropy.io.votable.ucd import parse_ucd

from bayescannon.data.flags import ResultFlag
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.io.catalogue_style import column_style, stored_dtype


@pytest.mark.parametrize("label", KNOWN_LABELS)
@pytest.mark.parametrize("pattern", ["{}", "e_{}", "e_formal_{}", "{}_p2_5", "{}_p50", "rho_{}_logg"])
def test_columns_of_every_label_have_a_style_with_a_valid_ucd(label, pattern):
    style = column_style(pattern.format(label))
    parse_ucd(style.ucd, check_controlled_vocabulary=True, has_colon=True)
    assert style.dtype == "f4"


@pytest.mark.parametrize("name", [*IDENTITY_COLUMNS, "id", "ra", "dec", "flags", "k_hat", "p_joint", "cov_range"])
def test_other_columns_have_a_valid_ucd(name):
    parse_ucd(column_style(name).ucd, check_controlled_vocabulary=True, has_colon=True)


@pytest.mark.parametrize("name", ["parallax", "e_parallax", "teff_p", "parallax_p50", "e_formal_", ""])
def test_other_names_have_none(name):
    assert column_style(name) is None


def test_single_precision_holds_labels_to_one_in_a_million():
    values = np.random.default_rng(1).uniform(3000, 7000, 1000)
    assert np.abs(values.astype(stored_dtype("teff", values.dtype)) / values - 1).max() < 1e-6


@pytest.mark.parametrize(
    ("dtype", "want"),
    [
        (">f8", "f8"), ("f2", "f8"), (">f4", "f4"), ("i1", "i2"), ("u2", "i4"), ("u4", "i8"), ("u8", "i8"),
        ("S3", "U"), ("O", "U"),
    ],
)  # fmt: skip
def test_a_foreign_column_keeps_its_values(dtype, want):
    assert stored_dtype("parallax", np.dtype(dtype)) == np.dtype(want)


def test_flags_can_be_taken_out_of_their_column():
    flags = np.array([17, 255]).astype(stored_dtype("flags", np.dtype(int)))
    assert (flags & ~int(ResultFlag.OUTSIDE_COVERAGE)).tolist() == [1, 239]
    assert int(max(ResultFlag)) <= np.iinfo(flags.dtype).max
