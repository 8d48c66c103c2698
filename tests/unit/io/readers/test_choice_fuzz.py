"""Damaged files of spectra: each is read or refused with a reason, in bounded time and memory, and none is an error."""

import gzip
import os
import warnings

import numpy as np
import pytest
from fuzzing import DEAR_CASES, asks_for_memory, bounded, cards, damage, damages, in_a_child, run, with_cards
from hypothesis import strategies as st
from lamost_files import lamost_bytes
from survey_files import ap_star, aspcap_star, mwm_star, primary, vectors, write

from bayescannon.data.prepare import lamost_grid
from bayescannon.data.preset import PAPER
from bayescannon.io.prepare_chunk import FilePart, Work, prepare_chunk
from bayescannon.io.readers.choice import choose_reader, file_head
from bayescannon.io.readers.registry import find_reader, known_readers
from bayescannon.io.source_files import SourceFiles

ARMS = (np.linspace(4950, 5350, 400), np.linspace(6300, 6800, 400))


def _arrays(path, kind):
    arrays = {
        "wavelength": np.linspace(5000, 5100, 60), "flux": np.ones((3, 60)), "ivar": np.full((3, 60), 1e4),
        "id": np.array(["a", "b", "c"]), "redshift": np.zeros(3),
    }  # fmt: skip
    if kind == "npz":
        np.savez_compressed(path, **arrays)
    elif kind == "h5":
        import h5py

        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values.astype(object) if name == "id" else values
            file["wavelength"].attrs["unit"] = "Angstrom"
            file.attrs["medium"] = "vacuum"
    else:
        import pyarrow as pa
        import pyarrow.parquet

        # a row for each star
        rows = {name: list(values) for name, values in arrays.items() if name != "wavelength"}
        rows["wavelength"] = [arrays["wavelength"]] * 3
        pa.parquet.write_table(pa.table(rows), path)


FILES = {
    "lamost-lrs": ("image.fits", lambda path: path.write_bytes(lamost_bytes())),
    "lamost-lrs table": ("table.fits", lambda path: path.write_bytes(lamost_bytes("table"))),
    "lamost-lrs gz": ("image.fits.gz", lambda path: path.write_bytes(gzip.compress(lamost_bytes(), 1))),
    "lamost-mrs": (
        "mrs.fits",
        lambda path: write(path, primary(), vectors(ARMS[0], "COADD_B"), vectors(ARMS[1], "COADD_R", variable=True)),
    ),
    "apogee apStar": ("apStar.fits", ap_star),
    "apogee aspcapStar": ("aspcapStar.fits", aspcap_star),
    "apogee mwmStar": ("mwmStar.fits", mwm_star),
    "arrays npz": ("a.npz", lambda path: _arrays(path, "npz")),
    "arrays parquet": ("a.parquet", lambda path: _arrays(path, "parquet")),
}


def _read(path, reader):
    """Read and prepare a file as a run does; return the spectra, and the reasons of what is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        choose_reader("auto", SourceFiles(path.parent, (path.name,)))
        work = Work(path.parent, find_reader(reader), PAPER, lamost_grid()[:400], redshift=0.0)
        chunk = prepare_chunk([FilePart(path.name)], work)
    assert len(chunk.spectra) or chunk.refused
    assert np.isfinite(chunk.spectra.flux).all()
    assert (chunk.spectra.ivar >= 0).all()
    reasons = [reason for _, reason in chunk.refused]
    assert not any(asks_for_memory(reason) for reason in reasons), reasons
    return chunk


@pytest.mark.parametrize("n", DEAR_CASES)
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_of_spectra(tmp_path, kind, n):
    name, make = FILES[kind]
    path = tmp_path / name
    make(path)
    data, reader = path.read_bytes(), kind.partition(" ")[0]
    whole = _read(path, reader)
    assert reader in known_readers()
    headers = name.endswith(".fits")

    def check(bytewise, in_headers, first):
        damaged = damage(with_cards(data, in_headers) if headers and first else data, bytewise)
        if headers and first and not bytewise:
            damaged = with_cards(data, in_headers)
        path.write_bytes(damaged)
        with bounded():
            chunk = _read(path, reader)
            file_head(path)
        if name.endswith((".gz", ".npz")) and len(chunk.spectra):
            # both have checksums: what is read is what was written
            np.testing.assert_array_equal(chunk.spectra.flux, whole.spectra.flux[: len(chunk.spectra)])

    run(check, st.one_of(st.just([]), damages()) if headers else damages(), cards(), st.booleans(), n=n)


@pytest.mark.parametrize("n", DEAR_CASES)
def test_a_damaged_hdf5_file_of_spectra(tmp_path, n):
    """HDF5 hangs or crashes on some damaged files, so that each is read in a process of its own."""
    path = tmp_path / "a.h5"
    _arrays(path, "h5")
    data = path.read_bytes()

    def check(bytewise):
        path.write_bytes(damage(data, bytewise))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            answer = in_a_child(lambda: bool(len(_read(path, "arrays").spectra)))
        assert answer in ("read", "refused"), answer

    run(check, damages(), n=n)


@pytest.mark.parametrize("n", [10, pytest.param(2000, marks=pytest.mark.soak)])
@pytest.mark.real_data
def test_damaged_real_files(survey_data, tmp_path, n):
    files = sorted(one for one in (survey_data / "lamost").rglob("*.fits*") if one.is_file())

    def check(which, bytewise, in_headers):
        source = files[which % len(files)]
        data = source.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        path = tmp_path / source.name.removesuffix(".gz")
        path.write_bytes(damage(with_cards(data, in_headers), bytewise))
        with bounded():
            _read(path, "lamost-lrs")
        os.unlink(path)  # noqa: PTH108

    run(check, st.integers(0, 10**6), st.one_of(st.just([]), damages()), cards(), n=n)
