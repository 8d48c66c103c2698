import numpy as np
import pytest
import toy

from bayescannon.data.spectra import GridError, Spectra, require_same_grid


@pytest.fixture
def spectra():
    return toy.toy_spectra(toy.toy_labels(5), n_pixel=20)


def test_selection_and_xarray_keep_everything(spectra):
    chosen = spectra.select(np.array([3, 1]))
    assert chosen.id.tolist() == [spectra.id[3], spectra.id[1]]
    assert chosen.columns["ra"][0] == spectra.columns["ra"][3]
    back = Spectra.from_xarray(spectra.to_xarray())
    np.testing.assert_array_equal(back.flux, spectra.flux)
    assert back.id.tolist() == spectra.id.tolist()
    assert back.attrs == spectra.attrs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flux": np.ones((5, 19))}, r"flux must have shape \(star, pixel\) = \(5, 20\)"),
        ({"flux": np.full((5, 20), np.nan)}, "must be finite"),
        ({"ivar": -np.ones((5, 20))}, "must not be negative"),
        ({"wavelength": np.linspace(5400, 5000, 20)}, "ascending"),
        ({"id": np.array(["a", "b", "a", "c", "d"])}, "'a' occurs 2 times"),
        ({"columns": {"ra": np.zeros(4)}}, r"one value per star \(5\)"),
    ],
)
def test_a_rectangle_that_is_none_is_refused(spectra, change, message):
    values = {
        "wavelength": spectra.wavelength,
        "flux": spectra.flux,
        "ivar": spectra.ivar,
        "id": spectra.id,
        "columns": spectra.columns,
    }
    with pytest.raises(ValueError, match=message):
        Spectra(**{**values, **change})


def test_another_grid_is_refused_naming_both():
    with pytest.raises(GridError, match=r"3 pixels from 5000.00 to 5200.00 A, but y on the grid of 2 pixels"):
        require_same_grid(np.array([1.0, 2.0]), np.array([5000.0, 5100.0, 5200.0]), got_from="y", want_from="x")
    require_same_grid(np.array([5000.0]), np.array([5000.001]), got_from="y", want_from="x")
