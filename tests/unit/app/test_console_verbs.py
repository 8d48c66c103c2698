"""Hostile names in files, tables, stores and configurations: no verb prints an escape code, or leaves its folder."""

import numpy as np
import pytest
import toy
from astropy.table import Table

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.data.display import visible
from bayescannon.data.spectra import Spectra

CODES = "\x1b]0;owned\x07\x1b[2J\x9b1m\u202e"
# names of stars that are paths, or that end lines and files
NAMES = ("../../x", "/etc/x", "..", ".", "a/b", "new\nline", "n" * 300, f"code{CODES}", "C:\\x", "~/x", "-rf", "$(x)")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store, a table and a model whose names are hostile, in the folder in/side of an empty one."""
    folder = tmp_path_factory.mktemp("hostile")
    inside = folder / "in" / "side"
    inside.mkdir(parents=True)
    reference = toy.toy_reference(60, n_pixel=24)
    names = np.array([*NAMES, *(f"star {k}" for k in range(len(NAMES), 60))])
    known = reference.spectra
    attrs = dict(known.attrs) | {"data_release": f"DR{CODES}"}
    spectra = Spectra(known.wavelength, known.flux, known.ivar, names, dict(known.columns), attrs)
    bc.save_spectra(spectra, inside / "store.zarr")
    columns = {"id": names.tolist()} | {n: reference.labels[:, k].tolist() for k, n in enumerate(reference.label_names)}
    Table(columns | {f"more{CODES}": names.tolist()}).write(inside / "labels.ecsv", format="ascii.ecsv")
    return inside


def _run(capsys, *args):
    """Run a command in the place; return its status. Nothing that it prints is obeyed by a terminal."""
    status = 2
    try:
        status = main([str(arg) for arg in args])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert visible(text) == text
        assert "Traceback" not in text
    return status, said.out + said.err


@pytest.mark.long
def test_names_of_stars_go_through_and_nothing_leaves_the_folder(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    labels = ["--labels", "labels.ecsv", "--label-names", ",".join(toy.toy_reference(30, n_pixel=5).label_names)]
    commands = (
        ["train", "store.zarr", *labels, "--out", "model.nc", "--folds", 2],
        ["label", "model.nc", "store.zarr", "--out", "catalogue.ecsv"],
        ["uncertainties", "model.nc", "store.zarr", "--kinds", "formal", "--out", "budget.nc"],
        ["coverage", "model.nc", "store.zarr", "--out", "coverage.parquet"],
        ["validate", "model.nc", "store.zarr", *labels[:2], "--folds", 2, "--json", "v.json"],
        ["information", "model.nc", "--out", "i.nc"],
        ["check", "model.nc", "store.zarr", "catalogue.ecsv", "coverage.parquet"],
    )
    for command in commands:
        status, said = _run(capsys, *command)
        assert status == 0, said
    there = {path.relative_to(place.parent.parent).as_posix() for path in place.parent.parent.glob("**/*")}
    outputs = ("model.nc", "catalogue.ecsv", "budget.nc", "coverage.parquet", "v.json", "i.nc", "labels.ecsv")
    beside = {name for name in there if not name.startswith("in/side/store.zarr")}
    assert beside == {"in", "in/side", *(f"in/side/{name}" for name in outputs)}
    catalogue = bc.read_catalogue("catalogue.ecsv")
    # controls are escapes from the table and the store on, so that names still match
    assert {visible(name, keep="") for name in NAMES} <= set(catalogue["id"].tolist())
    assert bc.load_model("model.nc").n_stars == 60
    for missing in ("uncertainties", "label"):
        # a name that is not there is said
        _run(capsys, missing, f"none{CODES}.nc", f"store{CODES}.zarr", "--out", f"o{CODES}.nc")
    # escapes are ASCII, which FITS can hold
    assert _run(capsys, "label", "model.nc", "store.zarr", "--out", "c.fits")[0] == 0


def test_names_of_files_of_tables_and_of_keys(place, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"spec{CODES}\nall is well.fits").write_text("no spectrum")
    status, said = _run(capsys, "prepare", ".", "--out", "s.zarr", "--refused", f"r{CODES}.csv")
    assert status == 1
    assert "all is well" in said
    assert not any(line.startswith("all is well") for line in said.splitlines())
    (tmp_path / "t.csv").write_text(f"id{CODES},teff{CODES}\na,4800\n")
    for text in (f'out = "o"\n"k{visible(CODES)}" = 1\n', f'out = "{CODES}"\n', "out = 1\n"):
        (tmp_path / "run.toml").write_text(text.replace("\\x", "\\u00"), encoding="utf-8")
        assert _run(capsys, "run", "run.toml")[0] == 1
        assert _run(capsys, "compare-models", "run.toml")[0] == 1
    store = place / "store.zarr"
    for table in ("t.csv", f"none{CODES}.csv"):
        assert _run(capsys, "train", store, "--labels", table, "--out", "m.nc")[0] == 1
        assert _run(capsys, "check-input", store, "--labels", table)[0] == 1
    assert _run(capsys, "check", f"none{CODES}", "t.csv")[0] == 1
    assert _run(capsys, "mock", f"m{CODES}", "--n-reference=1", "--n-test=0")[0] == 0
    assert _run(capsys, "demo", "--out", "t.csv")[0] == 1
