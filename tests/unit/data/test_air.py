import numpy as np
import pytest

from bayescannon.data.air import to_air, to_vacuum

# air and vacuum wavelengths of SDSS's table of emission lines (classic.sdss.org/dr7/algorithms/linestable.html)
LINES = [(3727.092, 3726.032), (3934.777, 3933.663), (4341.68, 4340.464), (4862.68, 4861.325), (5008.240, 5006.843),
         (5176.7, 5175.3), (6549.86, 6548.05), (6564.61, 6562.801), (8500.36, 8498.02)]  # fmt: skip


@pytest.mark.parametrize(("vacuum", "air"), LINES)
def test_published_lines(vacuum, air):
    # the table is rounded to 0.1 A at worst
    assert to_air(np.array([vacuum]))[0] == pytest.approx(air, abs=0.05)
    assert to_vacuum(np.array([air]))[0] == pytest.approx(vacuum, abs=0.05)


def test_one_is_the_inverse_of_the_other():
    air = np.concatenate([np.linspace(2000.0, 9000, 500), np.linspace(15000.0, 17000, 500)])
    np.testing.assert_allclose(to_air(to_vacuum(air)), air, rtol=0, atol=1e-9)


def test_the_far_ultraviolet_is_in_vacuum_by_convention():
    assert to_vacuum(np.array([1215.67, 1999.0])).tolist() == [1215.67, 1999.0]
    assert to_air(np.array([1215.67, 1999.0])).tolist() == [1215.67, 1999.0]


def test_it_agrees_with_specutils():
    """Other formulas, and other ways to invert one."""
    utils = pytest.importorskip("specutils.utils.wcs_utils")
    import astropy.units as u

    air = np.linspace(3700.0, 17000.0, 50)
    for method in ("Ciddor1996", "Morton2000", "Edlen1953"):
        want = utils.air_to_vac(air * u.AA, scheme="iteration", method=method).to_value(u.AA)
        np.testing.assert_allclose(to_vacuum(air), want, rtol=3e-8)
