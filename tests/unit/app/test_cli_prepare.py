"""The command prepare on files of several surveys."""

import numpy as np
import pytest
from lamost_files import lamost_bytes, smooth_spectrum
from survey_files import BLUE, RED, primary, vectors, write

from bayescannon.app.cli import main
from bayescannon.data.air import to_air
from bayescannon.io.store import load_spectra


@pytest.fixture
def mixed(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(3):
        rows = smooth_spectrum(k)
        if k == 0:
            rows[2] = to_air(rows[2].astype(np.float64))
        (folder / f"spec-{k}.fits").write_bytes(lamost_bytes("table", rows, VACUUM=k > 0))
    write(
        folder / "med-1.fits", primary(), vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"), vectors(RED, "R-84000000")
    )
    return folder


def run(capsys, *words):
    status = main([str(word) for word in words])
    printed = capsys.readouterr()
    return status, " ".join((printed.out + printed.err).split())


def test_what_was_read_how_is_said(mixed, tmp_path, capsys):
    status, said = run(capsys, "prepare", mixed, "--out", tmp_path / "s.zarr")
    assert status == 0
    assert "prepared 3 of 4 spectra" in said
    assert "read by lamost-lrs: 4 spectra of 4 files" in said
    assert "1 of 3 spectra had air wavelengths, converted to vacuum" in said
    assert "1 files of other readers refused: 1 lamost-mrs" in said
    status, said = run(capsys, "prepare", mixed, "--out", tmp_path / "m.zarr", "--reader", "lamost-mrs")
    assert "read by lamost-mrs" in said
    assert "1 single exposures left out" in said


@pytest.mark.parametrize(
    ("flags", "n_air"), [(["--air"], 3), (["--air", "vacuum"], 0), (["--air", "auto"], 1), ([], 1)]
)
def test_air(mixed, tmp_path, capsys, flags, n_air):
    status, said = run(capsys, "prepare", mixed, "--out", tmp_path / "s.zarr", *flags)
    assert status == 0
    assert (f"{n_air} of 3 spectra had air" in said) == (n_air > 0)


def test_grid_and_redshift(tmp_path, capsys):
    wavelength = np.arange(5000.0, 5300)
    np.savez(tmp_path / "a.npz", wavelength=wavelength, flux=np.ones(300), sigma=np.full(300, 0.01))
    command = ["prepare", tmp_path / "a.npz", "--out", tmp_path / "s.zarr", "--preset", "none", "--overwrite"]
    status, said = run(capsys, *command, "--grid", "5010:5290:1")
    assert status == 1
    assert "no redshift" in said
    status, said = run(capsys, *command, "--grid", "5010:5290:1", "--redshift", "0")
    assert status == 0
    assert "1 files whose ivar is 1 / error^2 of the array sigma" in said
    assert len(load_spectra(tmp_path / "s.zarr").wavelength) == 281
    np.savetxt(tmp_path / "grid.txt", wavelength[20:-20])
    status, _ = run(capsys, *command, "--grid", tmp_path / "grid.txt", "--redshift", "0")
    assert status == 0
    assert len(load_spectra(tmp_path / "s.zarr").wavelength) == 260


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--reader", "x"], "there is no reader 'x'; the readers are auto"),
        (["--grid", "5:4:1"], "0 < start < stop"),
        (["--grid", "nothing.zarr"], "there is no file nothing.zarr with a grid"),
        (["--grid", "15000:17000:1"], "chosen with --grid"),
        (["--redshift", "7"], "redshift must be z = v/c"),
    ],
)
def test_wrong_options_are_refused_in_a_line(mixed, tmp_path, capsys, flags, words):
    status, said = run(capsys, "prepare", mixed, "--out", tmp_path / "s.zarr", *flags)
    assert status == 1
    assert words in said
    assert not (tmp_path / "s.zarr").exists()
