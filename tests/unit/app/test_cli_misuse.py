"""What a new user does wrong: nothing is lost, and one message says what to do."""

import csv
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from astropy.table import Table
from small_survey import LABELS, N_REFERENCE, N_TEST, run_refused

from bayescannon.app.cli import main
from bayescannon.data.prepare import lamost_grid
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.preparation import prepare_files
from bayescannon.io.store import load_spectra


@pytest.fixture
def refused(capsys):
    """Run a command that must fail with status 1; return its message."""
    return partial(run_refused, capsys)


def test_outputs_that_exist_stay_as_they_are(small, tmp_path, refused):
    catalogue = tmp_path / "catalogue.fits"
    statistics, refusals = tmp_path / "statistics.json", tmp_path / "refused.csv"
    for path in (catalogue, statistics, refusals):
        path.write_text("mine")
    spectra = small.survey / "spectra"
    calls = (
        (small.survey, ["mock", small.survey, "--n-test=1"]),
        (small.store, ["prepare", spectra, "--out", small.store]),
        (refusals, ["prepare", spectra, "--out", tmp_path / "s.zarr", "--refused", refusals]),
        (small.model, ["train", small.store, *small.allstar, *LABELS, "--out", small.model]),
        (catalogue, ["label", small.model, small.store, "--out", catalogue]),
        (statistics, ["validate", small.model, small.store, *small.allstar, "--json", statistics]),
    )
    for path, call in calls:
        files = [path, *path.rglob("*")]
        before = [file.stat().st_mtime_ns for file in files]
        message = refused(*call)
        assert message.startswith(f"{path} exists")
        assert "--overwrite" in message
        assert "\n" not in message
        assert [file.stat().st_mtime_ns for file in files] == before
    assert sorted(tmp_path.iterdir()) == sorted([catalogue, statistics, refusals])


def test_outputs_that_cannot_be_written_are_found_before_the_work(small, tmp_path, refused, monkeypatch):
    def work(*_, **__):
        pytest.fail("work was done whose result cannot be written")

    for verb in (
        "io.preparation.prepare_files",
        "app.training.train_from_config",
        "app.stores.label_store",
        "cannon.validation.validate",
    ):
        monkeypatch.setattr(f"bayescannon.{verb}", work)
    calls = (
        ["prepare", small.survey / "spectra", "--out", tmp_path / "s.zarr", "--refused", tmp_path / "no" / "r.csv"],
        ["train", small.store, *small.allstar, *LABELS, "--out", tmp_path / "no" / "m.nc"],
        ["label", small.model, small.store, "--out", tmp_path / "no" / "c.fits"],
        ["validate", small.model, small.store, *small.allstar, "--json", tmp_path / "no" / "v.json"],
    )
    for call in calls:
        assert f"the folder {tmp_path / 'no'}" in refused(*call)
    assert "is a folder. Give the name of a file" in refused(
        "train", small.store, *small.allstar, *LABELS, "--out", tmp_path, "--overwrite"
    )
    assert "ending of a catalogue must be one of .fits" in refused(
        "label", small.model, small.store, "--out", tmp_path / "c.txt"
    )
    assert list(tmp_path.iterdir()) == []


def test_overwrite_replaces(small, tmp_path):
    out = tmp_path / "catalogue.ecsv"
    out.write_text("mine")
    assert main(["label", str(small.model), str(small.store), "--out", str(out), "--overwrite"]) == 0
    assert len(read_catalogue(out)) == N_REFERENCE + N_TEST


def test_spectra_that_are_not_there(tmp_path, refused):
    out = tmp_path / "store.zarr"
    assert "does not exist; expected a folder of spectra" in refused("prepare", tmp_path / "no", "--out", out)
    (tmp_path / "empty").mkdir()
    assert "expected files ending in .fits" in refused("prepare", tmp_path / "empty", "--out", out)
    assert not out.exists()


def test_a_broken_file_is_a_row_and_not_the_end(small, tmp_path, capsys):
    good = sorted((small.survey / "spectra").iterdir())[:3]
    (tmp_path / "broken.fits").write_bytes(good[0].read_bytes()[:4000])
    (tmp_path / "text.fits").write_text("no spectrum")
    listed, out, table = tmp_path / "list.txt", tmp_path / "store.zarr", tmp_path / "refused.csv"
    listed.write_text("\n".join(["# mine", *map(str, good), "broken.fits", "", "text.fits", "gone.fits"]))
    assert main(["prepare", str(listed), "--out", str(out), "--refused", str(table)]) == 0
    said = capsys.readouterr().out
    counts = "1 damaged FITS, 1 no such file, 1 not FITS"
    assert said.splitlines()[-1] == f"prepared 3 of 6 spectra, 3 refused ({counts}): {out}"
    assert "3 files refused" in said
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["broken.fits", "gone.fits", "text.fits"]
    for row, kind in zip(rows, ("damaged FITS: ", "no such file: ", "not FITS: "), strict=True):
        assert row["reason"].startswith(kind)
        assert row["file"] in said
        assert kind in said
    assert load_spectra(out).id.tolist() == [path.stem for path in good]


def test_nothing_but_broken_files_is_an_error_with_the_table(tmp_path, refused):
    for name in ("a.fits", "b.fits"):
        (tmp_path / name).write_text("no spectrum")
    table = tmp_path / "refused.csv"
    message = refused("prepare", tmp_path, "--out", tmp_path / "store.zarr", "--refused", table)
    assert "none of the 2 files could be prepared (2 not FITS); the first, a.fits: not FITS" in message
    assert len(table.read_text().splitlines()) == 3
    assert not list(tmp_path.glob("store*"))


def test_a_store_on_another_grid_is_refused_with_both_grids(small, tmp_path, refused):
    other = tmp_path / "other.zarr"
    prepare_files(sorted((small.survey / "spectra").iterdir())[:3], other, grid=lamost_grid()[1000:2000], workers=1)
    message = refused("label", small.model, other, "--out", tmp_path / "c.fits")
    assert "of 3626 pixels from 3905" in message
    assert "of 1000 pixels from 4917" in message
    assert "prepare the spectra on the model's grid" in message
    assert not (tmp_path / "c.fits").exists()


def test_stores_that_are_none(small, tmp_path, refused):
    label = ("label", small.model)
    out = ("--out", tmp_path / "c.fits")
    message = refused(*label, tmp_path / "no.zarr", *out)
    assert message.startswith("there is no store at")
    assert "make one with 'bayescannon prepare'" in message
    assert "is not a store of bayescannon" in refused(*label, small.model, *out)
    assert "is not a store of bayescannon" in refused("train", tmp_path, *small.allstar, "--out", tmp_path / "m.nc")
    # killed, so that nobody cleaned up
    shutil.copytree(small.store, tmp_path / ".killed.partial-1-ab.zarr")
    message = refused(*label, tmp_path / "killed.zarr", *out)
    assert "An interrupted run left .killed.partial-1-ab.zarr; the same command removes it" in message
    shutil.copytree(small.store, tmp_path / "half.zarr")
    (tmp_path / "half.zarr" / "zarr.json").unlink()
    assert "zarr.json is missing or damaged, or the preparation" in refused(*label, tmp_path / "half.zarr", *out)


def test_models_that_are_none(small, tmp_path, refused):
    out = ("--out", tmp_path / "c.fits")
    message = refused("label", tmp_path / "no.nc", small.store, *out)
    assert message.startswith("no model file")
    assert "`bayescannon train` makes one" in message
    assert "is not a netCDF file" in refused("label", small.survey / "truth.csv", small.store, *out)


def test_wrong_labels(small, tmp_path, refused):
    train, out = ("train", small.store), ("--out", tmp_path / "m.nc")
    message = refused(*train, *small.allstar, "--label-names=teff,feh", *out)
    assert message.startswith("unknown label name 'feh'; known labels are teff, logg, fe_h")
    assert "give at least one" in refused(*train, *small.allstar, "--label-names=,", *out)
    lasp = ("--labels", small.survey / "lasp.csv")
    message = refused(*train, *lasp, "--label-names=teff,alpha_m", *out)
    assert "no column for label 'alpha_m'" in message
    assert "name one with --columns alpha_m=COLUMN" in message
    assert "no such column; lasp.csv has the columns file, ra" in refused(*train, *lasp, "--columns=id=name", *out)
    assert "cannot set 'name'; it can set id" in refused(*train, *lasp, "--columns=name=file", *out)
    assert "there is no file" in refused(*train, "--labels", small.survey / "no.csv", *out)
    (tmp_path / "labels.fits").write_text("no table")
    assert "cannot be read as a table" in refused(*train, "--labels", tmp_path / "labels.fits", *out)
    assert not (tmp_path / "m.nc").exists()


def test_too_few_stars_come_with_the_tally(small, tmp_path, refused):
    train = ("train", small.store, *small.allstar, *LABELS, "--out", tmp_path / "m.nc")
    message = refused(*train, "--keep=teff=4700:4740")
    assert "reference stars are too few for the 10 terms of 3 labels; at least 20 are needed" in message
    assert f"{N_REFERENCE} remain  no labels under this id in apogee.fits" in message
    assert "teff < 4700 or teff > 4740 K" in message
    message = refused(*train, "--keep=teff=9000:")
    assert message.startswith("no reference star is left; check that spectra and labels belong together")
    assert "0 remain  teff < 9000 K" in message
    assert "with low < high; got [5000.0, 4000.0]" in refused(*train, "--keep=teff=5000:4000")
    assert "unknown label name 'tef'" in refused(*train, "--keep=tef=4000:5000")


def test_a_label_that_is_constant(small, tmp_path, refused):
    table = Table.read(small.survey / "lasp.csv", format="ascii.csv")
    table["logg"] = 2.5
    path = tmp_path / "labels.csv"
    table.write(path, format="ascii.csv")
    message = refused("train", small.store, "--labels", path, *LABELS, "--out", tmp_path / "m.nc")
    assert "label 'logg' is constant over the 210 reference stars" in message


def test_label_errors_that_cannot_be_used(small, tmp_path, refused):
    table = Table.read(small.survey / "lasp.csv", format="ascii.csv")
    path = tmp_path / "labels.csv"
    table.remove_columns([name for name in table.colnames if name.startswith("e_")])
    table.write(path, format="ascii.csv")
    train = ("train", small.store, "--labels", path, *LABELS, "--out", tmp_path / "m.nc")
    message = refused(*train, "--label-errors=table")
    assert "none of the 210 reference stars has a positive error of teff, logg, fe_h in the label table" in message
    assert "--columns e_teff=COLUMN" in message
    assert "error of teff must be finite and not negative; got -90.0" in refused(*train, "--label-errors=teff=-90")
    assert "error of teff must be finite and not negative; got nan" in refused(*train, "--label-errors=teff=nan")
    assert "unknown label name 'tef'" in refused(*train, "--label-errors=tef=90")
    assert "'a_k' is given an error but not trained" in refused(*train, "--label-errors=a_k=0.02")
    laplace = refused(*train, "--label-errors=table", "--coefficients=laplace")
    assert "take flat, normal or pooled coefficients" in laplace
    assert "leave one of the two out" in refused(*train, "--label-errors=table", "--marginal")
    assert "together with hidden components" in refused(*train, "--hidden=4", "--marginal")
    given = "--label-errors=teff=90,logg=0.1,fe_h=0.05"
    assert "are too few for the 10 terms of 3 labels and 100 hidden" in refused(*train, given, "--hidden=100")
    assert not (tmp_path / "m.nc").exists()


def test_numbers_out_of_range(small, tmp_path, refused):
    label = ("label", small.model, small.store, "--out", tmp_path / "c.fits")
    assert "starts must be" in refused(*label, "--starts=0")
    assert "reference stars; got 1000" in refused(*label, "--starts=1000")
    validate = ("validate", small.model, small.store, *small.allstar)
    assert "folds must be at least 2" in refused(*validate, "--folds=1")
    train = ("train", small.store, *small.allstar, *LABELS, "--out", tmp_path / "m.nc")
    assert "clip_sigma must be positive" in refused(*train, "--clip-sigma=0")
    assert "radius must be positive and finite, in arcsec; got -1.0" in refused(*train, "--match=sky", "--radius=-1")
    prepare = ("prepare", small.survey / "spectra", "--out", tmp_path / "s.zarr")
    assert "workers must be at least 1; got 0" in refused(*prepare, "--workers=0")
    assert "nor both 0" in refused("mock", tmp_path / "mock", "--n-reference=0", "--n-test=0")
    assert list(tmp_path.iterdir()) == []


def test_validating_with_labels_of_other_stars(small, tmp_path, refused):
    table = Table.read(small.survey / "lasp.csv", format="ascii.csv")[N_REFERENCE:]
    path = tmp_path / "labels.csv"
    table.write(path, format="ascii.csv")
    message = refused("validate", small.model, small.store, "--labels", path, "--labels-format", "table")
    assert message.startswith("none of the model's reference stars is in both the store and the table")
    assert f"{N_TEST} remain  no labels under this id in labels.csv" in message


def test_traceback_shows_where(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file no\.csv"):
        main(["train", str(tmp_path), "--labels=no.csv", "--out", str(tmp_path / "m.nc"), "--traceback"])


def test_an_interrupt_ends_quietly(monkeypatch, capsys, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bayescannon.mock.survey.write_survey", interrupt)
    assert main(["mock", str(tmp_path / "mock")]) == 130
    assert capsys.readouterr().err.startswith("bayescannon: interrupted; what is finished is kept")


@pytest.mark.long
def test_an_interrupted_prepare_leaves_no_store(small, tmp_path, refused):
    folder = tmp_path / "spectra"
    folder.mkdir()
    for copy in range(8):
        for path in (small.survey / "spectra").iterdir():
            shutil.copyfile(path, folder / f"{copy}-{path.name}")
    out = tmp_path / "store.zarr"
    # a job in the background of a shell is born deaf to interrupts
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from bayescannon.app.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "prepare", str(folder), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        give_up = time.monotonic() + 60
        while not list(tmp_path.glob(".store.zarr.work/*/flux")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == ""
    assert error.startswith("bayescannon: interrupted; what is finished is kept")
    assert "Traceback" not in error
    # what was finished before the signal is kept, if anything was
    assert set(tmp_path.iterdir()) <= {tmp_path / ".store.zarr.work", folder}
    assert "there is no store" in refused("label", small.model, out, "--out", tmp_path / "c.fits")
    assert main([str(arg) for arg in command[3:]]) == 0
    assert sorted(tmp_path.iterdir()) == [folder, out]
