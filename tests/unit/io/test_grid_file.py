import h5py
import numpy as np
import pytest
from astropy.io import fits
from stored_spectra import some_spectra

import bayescannon as bc
from bayescannon.io.grid_file import as_grid
from bayescannon.numerics.errors import InputError, MissingFileError

GRID = np.linspace(5000.0, 5100, 50)
DEFAULT = np.array([1.0])


def write_table(path, **columns):
    fits.BinTableHDU.from_columns([fits.Column(name, "D", array=values) for name, values in columns.items()]).writeto(
        path
    )


def write_model(path):
    """A file of groups with a wavelength in one of them, as a model's is."""
    with h5py.File(path, "w") as file:
        file["pixels/wavelength"] = GRID
        file["pixels/scatter"] = np.ones(50)


WRITERS = {
    "a.npy": lambda path: np.save(path, GRID),
    "column.npy": lambda path: np.save(path, GRID[:, None]),
    "a.npz": lambda path: np.savez(path, anything=GRID),
    "named.npz": lambda path: np.savez(path, wave=GRID, flux=GRID),
    "a.txt": lambda path: np.savetxt(path, GRID, header="a comment"),
    "a.csv": lambda path: path.write_text("wavelength,flux\n" + "".join(f"{one},1\n" for one in GRID)),
    "a.nc": write_model,
    "a.fits": lambda path: fits.PrimaryHDU(GRID).writeto(path),
    "table.fits": lambda path: write_table(path, x=GRID),
    "named.fits": lambda path: write_table(path, flux=GRID, WAVELENGTH=GRID),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_grid_of_a_file(tmp_path, name):
    WRITERS[name](tmp_path / name)
    for given in (tmp_path / name, str(tmp_path / name)):
        np.testing.assert_allclose(as_grid(given, DEFAULT), GRID, rtol=1e-15)


def test_the_grid_of_a_store(tmp_path):
    spectra = some_spectra()
    store = bc.save_spectra(spectra, tmp_path / "s.zarr")
    np.testing.assert_array_equal(as_grid(store, DEFAULT), spectra.wavelength)


def test_texts_arrays_and_the_default():
    assert as_grid(None, DEFAULT) is DEFAULT
    assert as_grid(GRID, DEFAULT) is GRID
    assert as_grid("5000:5001:0.5", DEFAULT).tolist() == [5000, 5000.5, 5001]


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        (
            "two.npz",
            lambda path: np.savez(path, a=GRID, b=GRID),
            "has a, b; expected one column",
        ),
        ("two.txt", lambda path: np.savetxt(path, np.ones((3, 2))), "has column 1, column 2; expected one column"),
        ("image.npy", lambda path: np.save(path, np.ones((3, 3))), r"array of shape \(3, 3\)"),
        ("down.npy", lambda path: np.save(path, GRID[::-1]), "down.npy cannot be used: grid must be ascending"),
        ("nm.npy", lambda path: np.save(path, GRID / 10), "cannot be used: grid must be in Angstrom"),
        ("empty.txt", lambda path: path.write_text("# nothing\n"), "no text file with one column"),
        ("broken.npz", lambda path: path.write_bytes(b"PK\x03\x04 text"), "has no grid that can be read"),
        ("objects.npy", lambda path: np.save(path, np.array([{}], dtype=object)), "has no grid that can be read"),
        ("none.nc", lambda path: h5py.File(path, "w").close(), "has 0 arrays named wavelength"),
    ],
)
def test_files_without_one_grid(tmp_path, name, write, words):
    write(tmp_path / name)
    with pytest.raises(InputError, match=words):
        as_grid(tmp_path / name, DEFAULT)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match=r"no file .*; a grid is start:stop:step\[:log\]"):
        as_grid(tmp_path / "nothing.txt", DEFAULT)
    with pytest.raises(InputError, match="must be start:stop:step"):
        as_grid("5000:5100", DEFAULT)
