"""What of a catalogue depends on all of its stars."""

import numpy as np
from astropy.table import Table
from catalogues import make_calibrated, make_estimates, with_posterior

from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.catalogue_finish import empty_columns, error_prefix, posterior_widths


def test_only_columns_that_a_catalogue_may_lack_are_empty():
    table = Table({"obsid": ["", ""], "class": ["", "STAR"], "teff": [np.nan] * 2, "p_odd_sky": [np.nan] * 2})
    assert empty_columns(table) == ["obsid", "p_odd_sky"]
    assert empty_columns(table[:0]) == ["obsid", "class", "p_odd_sky"]


def test_widths_are_over_the_errors_that_there_are():
    for estimates, width, prefix in ((make_calibrated(), 1 / 3, "e_"), (make_estimates(), 1.0, "e_formal_")):
        table = build_catalogue(with_posterior(estimates))
        assert error_prefix(table.colnames) == prefix
        found = posterior_widths(table.colnames, lambda name: np.asarray(table[name]))  # noqa: B023
        np.testing.assert_allclose(list(found.values()), width, rtol=1e-3)
        assert list(found) == ["teff", "logg", "fe_h", "alpha_m", "a_k"]
    assert posterior_widths(build_catalogue(make_estimates()).colnames, lambda _: np.zeros(1)) == {}
