"""Every verb finds an output that cannot be written before it reads anything: one sentence, status 1, no change."""

import os
import re

import pytest

from bayescannon.app.cli import main
from bayescannon.app.cli_verbs import VERBS
from bayescannon.app.verb_files import WRITTEN

# a call of each verb whose inputs do not exist, up to the option that names the output
CALLS = {
    "demo": ["demo", "--n-reference=2", "--n-test=2", "--out"],
    "mock": ["mock", "--n-reference=2", "--n-test=2"],
    "check-input": ["check-input", "in", "--json"],
    "init": ["init", "--spectra", "in", "--labels", "in", "--out"],
    "fetch": ["fetch", "ho2017", "--mirror", "http://127.0.0.1:9", "--dry-run", "--out"],
    "fetch --failed": ["fetch", "ho2017", "--mirror", "http://127.0.0.1:9", "--failed"],
    "prepare": ["prepare", "in", "--out"],
    "prepare --refused": ["prepare", "in", "--out", "s.zarr", "--refused"],
    "train": ["train", "in", "--labels", "in", "--out"],
    "label": ["label", "in", "in", "--out"],
    "label --model-spectra": ["label", "in", "in", "--out", "c.fits", "--model-spectra"],
    "uncertainties": ["uncertainties", "in", "in", "--out"],
    "coverage": ["coverage", "in", "in", "--out"],
    "validate": ["validate", "in", "in", "--labels", "in", "--json"],
    "compare": ["compare", "in", "in", "--out"],
    "information": ["information", "in", "--out"],
    "information --figures": ["information", "in", "--figures"],
    "compare-models": ["compare-models", "in", "--json"],
    "check": ["check", "in", "--json"],
    "report": ["report", "in", "--out"],
    "run": ["run"],
}
CALLS |= {f"{verb} --log-file": [*CALLS[verb], "new.fits", "--log-file"] for verb in ("label", "prepare", "mock")}
FOLDERS = ("demo", "mock", "fetch", "prepare", "label --model-spectra", "compare", "information --figures", "run")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.fits").write_text("mine")
    (tmp_path / "folder.fits").mkdir()
    (tmp_path / "folder.fits" / "kept").write_text("mine")
    (tmp_path / "loop.fits").symlink_to("loop.fits")
    (tmp_path / "broken.fits").symlink_to("nowhere/x.fits")
    os.mkfifo(tmp_path / "pipe.fits")
    return tmp_path


def _command(verb, name):
    """Return the command, and for `run` write the configuration that names the output."""
    if verb != "run":
        return [*CALLS[verb], name]
    text = f'out = {name!r}\n[prepare]\nspectra = "in"\n[labels]\ntable = "in"\n'.replace("'", '"')
    with open("run.toml", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    return ["run", "run.toml"]


def _state(folder):
    return sorted(
        (str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")
    )  # fmt: skip


def test_every_verb_is_in_the_table():
    assert set(WRITTEN) == set(VERBS)
    assert {call.partition(" ")[0] for call in CALLS} >= set(VERBS)


NAMES = {
    "n" * 300 + ".fits": "is too long",
    "~/x.fits": "begins with '~'",
    "loop.fits": "is a link in a loop",
    "broken.fits": "does not exist; make it first",
    "pipe.fits": "is a device, a pipe or a socket|is not a folder",
    "file.fits/x.fits": "file.fits is a file, and the folder of",
    "file.fits": "exists; choose another|is not a folder|file.fits is a file",
    "..": "is the name of no",
    "/": "is the name of no",
}


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_bad_output_is_found_first(place, capsys, monkeypatch, verb, name):

    if name in ("..", "/") and verb in ("demo", "mock", "fetch", "compare", "information --figures", "run"):
        # files are added to these folders; they are refused, if at all, for what is in them
        return
    command = _command(verb, name)
    before = _state(place)
    if verb in ("demo", "mock"):
        monkeypatch.setattr("bayescannon.mock.survey.simulate_survey", None)
    if name == "file.fits" and ("--log-file" in verb or verb == "fetch --failed"):
        # a log goes on, and the table of the last call is replaced
        return
    assert main(command) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert re.search(NAMES[name], said.err), said.err
    assert said.err.startswith("bayescannon: ")
    assert said.err.count("\n") == 1
    assert _state(place) == before


@pytest.mark.parametrize("verb", [verb for verb in CALLS if verb not in FOLDERS])
def test_a_folder_is_no_file(place, capsys, verb):
    before = _state(place)
    assert main([*_command(verb, "folder.fits"), "--overwrite"]) == 1
    assert "folder.fits is a folder. Give the name of a file" in capsys.readouterr().err
    assert _state(place) == before


@pytest.mark.parametrize("verb", [verb for verb in CALLS if verb.split()[0] not in ("demo", "mock", "fetch", "run")])
def test_an_output_that_is_an_input_is_refused(place, capsys, verb):
    os.link("file.fits", "in")
    before = _state(place)
    for name in ("in", "file.fits"):
        assert main([*_command(verb, name), "--overwrite"]) == 1
        said = capsys.readouterr().err
        assert "is also read, as in; choose another name" in said or "is not a folder" in said
    assert _state(place) == before


def test_a_table_in_the_store_that_is_read(place, capsys):
    (place / "s.zarr").mkdir()
    (place / "s.zarr" / "zarr.json").write_text("{}")
    for command in (["train", "s.zarr", "--labels=t", "--out"], ["label", "m", "s.zarr", "--out"]):
        assert main([*command, "s.zarr/x.fits"]) == 1
        assert "s.zarr/x.fits lies in the store s.zarr, which is read" in capsys.readouterr().err
    assert main(["prepare", "s.zarr", "--out", "s.zarr", "--overwrite"]) == 1
    assert "is also read" in capsys.readouterr().err


def test_a_run_does_not_write_over_its_inputs(place, capsys):
    (place / "out").mkdir()
    (place / "out" / "model.nc").write_text("mine")
    text = 'out = "out"\n[prepare]\nspectra = "in"\n[labels]\ntable = "out/model.nc"\n'
    (place / "run.toml").write_text(text)
    assert main(["run", "run.toml", "--overwrite"]) == 1
    assert "is also read" in capsys.readouterr().err
    (place / "run.toml").write_text(
        text.replace('table = "out/model.nc"', 'table = "in"') + '[label]\ncatalogue="a\\u0000.fits"\n'
    )
    assert main(["run", "run.toml", "--overwrite"]) == 1
    assert "has a sign of number 0" in capsys.readouterr().err
