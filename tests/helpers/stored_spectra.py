"""A few spectra with columns of every kind, and whether they come back as they went."""

import numpy as np

from bayescannon.data.spectra import Spectra

GRID = 10 ** (3.6 + 1e-3 * np.arange(60))


def some_spectra(n_star=5, first=0):
    rng = np.random.default_rng(first)
    number = np.arange(first, first + n_star)
    flux = rng.normal(1, 0.1, (n_star, len(GRID))).astype(np.float32)
    return Spectra(
        GRID,
        flux,
        (flux > 0.9).astype(np.float32),
        np.array([f"spec-{i:04d}" for i in number], dtype=np.str_),
        {
            "snr": number * 1.5,
            "class": np.array(["STAR", "é" * 70], dtype=np.str_)[number % 2],
            "empty": np.full(n_star, "", dtype=np.str_),
        },
        {"preset": "paper"},
    )


def assert_same(got, want):
    np.testing.assert_array_equal(got.wavelength, want.wavelength)
    for name in ("flux", "ivar", "id"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
    assert set(got.columns) == set(want.columns)
    for name, values in want.columns.items():
        np.testing.assert_array_equal(got.columns[name], values)
        assert got.columns[name].dtype.kind == values.dtype.kind


def store_bytes(path):
    """Every file of a store, by its name."""
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
