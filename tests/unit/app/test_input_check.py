"""Whether input can be used: what is right is said, and what cannot be used is a fault with its reason."""

import json
import shutil

import numpy as np
import pytest
from astropy.table import Table

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.mock.survey import write_survey

PAIR = TrainConfig(label_names=["teff", "logg"])


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return write_survey(tmp_path_factory.mktemp("check") / "survey", 50, 10, seed=3)


def of_topic(check, topic):
    return [finding for finding in check.findings if finding.topic == topic]


def faults(check):
    return [finding for finding in check.findings if finding.verdict == "fault"]


def test_what_is_right_is_said_and_counted(survey):
    check = bc.check_input(survey / "spectra", survey / "apogee.fits", sample=30)
    assert check.usable
    assert check.numbers["files"] == 60
    assert check.numbers["files_read"] == 30
    assert check.numbers["matched"] == 25
    assert of_topic(check, "reader")[0].text == "lamost-lrs"
    assert of_topic(check, "wavelengths")[0].text == "in vacuum"
    assert "allStar of DR12" in of_topic(check, "labels")[0].text
    assert "in the sample, about" in of_topic(check, "reference set")[0].text


def test_status_and_json_tell_the_answer(survey, tmp_path, capsys):
    good = ["check-input", str(survey / "spectra"), "--labels", str(survey / "apogee.fits"), "--sample", "0"]
    assert main([*good, "--json", str(tmp_path / "good.json")]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("this can be used")
    assert json.loads((tmp_path / "good.json").read_text())["numbers"]["matched"] == 50
    table = Table({"id": ["x-1", "x-2"], "teff": [4800.0, 5000.0], "logg": [2.0, 3.0]})
    table.write(tmp_path / "others.csv", format="ascii.csv")
    others = ["check-input", str(survey / "spectra"), "--labels", str(tmp_path / "others.csv"), "--sample", "5"]
    assert main([*others, "--label-names", "teff,logg", "--json", str(tmp_path / "bad.json")]) == 1
    assert "cannot be used as it is: 1 fault" in capsys.readouterr().out
    found = json.loads((tmp_path / "bad.json").read_text())
    assert found["usable"] is False
    assert [one["topic"] for one in found["findings"] if one["verdict"] == "fault"] == ["match"]


def test_files_that_cannot_be_read_are_counted(survey, tmp_path):
    for file in sorted((survey / "spectra").iterdir())[:4]:
        shutil.copy(file, tmp_path)
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  = nothing")
    check = bc.check_input(tmp_path)
    (files,) = of_topic(check, "files")
    assert files.verdict == "doubt"
    assert "4 spectra prepared from 5 files; 1 refused" in files.text
    assert check.usable


def test_a_folder_without_spectra_is_a_fault(tmp_path):
    check = bc.check_input(tmp_path)
    assert not check.usable
    assert "no spectra" in faults(check)[0].text


def test_standard_deviations_given_as_inverse_variances_are_a_fault(tmp_path):
    rng = np.random.default_rng(1)
    wavelength = np.arange(5000.0, 5400.0, 0.5)
    sigma = rng.uniform(0.01, 0.03, (30, 1)) * np.ones(len(wavelength))
    flux = 1 + sigma * rng.standard_normal(sigma.shape)
    np.savez(tmp_path / "own.npz", wavelength=wavelength, flux=flux, ivar=sigma, redshift=np.zeros(30))
    check = bc.check_input(tmp_path / "own.npz", preset="none", grid="5000:5399:0.5")
    assert not check.usable
    assert "standard deviations" in faults(check)[0].text
    assert not of_topic(check, "warning"), "said once"
    assert of_topic(check, "signal-to-noise")[0].verdict == "doubt"


def test_labels_without_their_unit_are_a_fault(survey, tmp_path):
    table = Table.read(survey / "apogee.fits")
    kilo = Table({"id": table["LAMOST_ID"], "teff": table["TEFF"] / 1000, "logg": table["LOGG"]})
    kilo.write(tmp_path / "kilo.csv", format="ascii.csv")
    spectra = survey / "spectra"
    check = bc.check_input(spectra, tmp_path / "kilo.csv", train=PAIR, sample=10)
    assert [finding.topic for finding in faults(check)] == ["labels"]
    declared = LabelsConfig(table=str(tmp_path / "kilo.csv"), units={"teff": "kK"}, missing={"teff": [-9.999]})
    assert "unit" in faults(check)[0].text
    assert bc.check_input(spectra, declared, train=PAIR, sample=30).usable


def test_a_store_is_checked_too(survey, tmp_path):
    store = bc.prepare_files(survey / "spectra", tmp_path / "store.zarr", workers=1).store
    check = bc.check_input(store, survey / "apogee.fits", sample=0)
    assert check.usable
    assert check.numbers["spectra"] == 60
    assert "preset paper" in of_topic(check, "files")[0].text


def test_spectra_and_labels_in_memory_are_checked(survey):
    spectra = bc.prepare_files(survey / "spectra", survey / "memory.zarr", workers=1).store
    loaded = bc.load_spectra(spectra)
    check = bc.check_input(loaded, Table.read(survey / "apogee.fits"), sample=30)
    assert check.usable
    assert (check.numbers["files"], check.numbers["spectra"], check.numbers["matched"]) == (60, 30, 25)
    assert of_topic(check, "files")[0].text == "60 spectra in memory, preset paper"
    assert of_topic(bc.check_input(loaded, 3), "labels")[0].verdict == "fault"


def test_choices_of_a_preparation_that_is_done_are_said_to_have_no_effect(survey, tmp_path):
    store = bc.prepare_files(survey / "spectra", tmp_path / "store.zarr", workers=1).store
    first, second = of_topic(bc.check_input(store, grid="5000:6000:1", redshift=0.0, preset="masked"), "files")
    assert first.verdict == "good"
    assert second.verdict == "doubt"
    assert second.text.startswith("--preset, --grid, --redshift has no effect on spectra that are prepared already")
    assert len(of_topic(bc.check_input(store, preset="paper"), "files")) == 1


def test_a_store_that_lost_an_array_is_a_fault(survey, tmp_path):
    store = bc.prepare_files(survey / "spectra", tmp_path / "store.zarr", workers=1).store
    shutil.rmtree(store / "ivar")
    (fault,) = faults(bc.check_input(store))
    assert "the file ivar/c.0.0, ivar of stars 0 to 59, is missing" in fault.text


def test_too_few_stars_are_a_fault(survey):
    check = bc.check_input(survey / "spectra", survey / "apogee.fits", train=TrainConfig(keep={"logg": [3.2, 4.0]}))
    assert [finding.topic for finding in faults(check)] == ["reference set"]


def test_a_wrong_sample_is_an_exception(survey):
    with pytest.raises(bc.BayesCannonError, match="sample must be"):
        bc.check_input(survey / "spectra", sample=-1)
