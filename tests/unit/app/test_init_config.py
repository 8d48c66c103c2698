"""The verb init: a configuration that runs as it is, with its reasons, for mock and for real files."""

import pytest

from bayescannon.app.cli import main
from bayescannon.app.config import LabelsConfig, PrepareConfig, read_config
from bayescannon.app.init_config import make_config


def _init(tmp_path, spectra, labels, *more):
    return main(
        ["init", "--spectra", str(spectra), "--labels", str(labels), "--out", str(tmp_path / "run.toml"), *more]
    )


def test_the_configuration_runs_as_it_is(small, tmp_path, capsys):
    assert _init(tmp_path, small.survey / "spectra", small.survey / "apogee.fits", "--label-names", "teff,logg") == 0
    text = (tmp_path / "run.toml").read_text(encoding="utf-8")
    assert "A sample of the input showed:" in text
    assert "# here: found: lamost-lrs" in text
    config = read_config(tmp_path / "run.toml")
    assert (config.train.label_names, config.labels.match) == (["teff", "logg"], "id")
    assert main(["run", str(tmp_path / "run.toml"), "--until", "train"]) == 0
    said = capsys.readouterr().out
    assert "ended after train, as --until says" in said
    assert (tmp_path / "results" / "model.nc").exists()
    assert not (tmp_path / "results" / "validation.json").exists()


def test_labels_of_the_table_and_positions_are_found(small, tmp_path):
    from astropy.table import Table

    table = Table.read(small.survey / "lasp.csv", format="ascii.csv")
    table["file"] = [f"other-{k}" for k in range(len(table))]
    table.write(tmp_path / "own.csv", format="ascii.csv")
    made = make_config(
        PrepareConfig(spectra=str(small.survey / "spectra")),
        LabelsConfig(table=str(tmp_path / "own.csv"), columns={"id": "file"}),
        out="results",
    )
    assert made.check.usable
    assert made.config.train.label_names == ["teff", "logg", "fe_h"]
    assert made.config.labels.match == "sky"
    assert "agree by position" in made.reasons["labels.match"]
    assert "the table has no alpha_m, a_k" in made.reasons["train.label_names"]


def test_nothing_is_written_for_what_cannot_be_used(small, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert _init(tmp_path, tmp_path / "empty", small.survey / "apogee.fits") == 1
    assert "was not written" in capsys.readouterr().out
    assert not (tmp_path / "run.toml").exists()
    (tmp_path / "run.toml").write_text("mine", encoding="utf-8")
    assert _init(tmp_path, small.survey / "spectra", small.survey / "apogee.fits") == 1
    assert "exists" in capsys.readouterr().err
    assert (tmp_path / "run.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.real_data
def test_real_files(survey_data, tmp_path):
    lamost = survey_data / "lamost"
    status = _init(
        tmp_path, lamost / "dr10", lamost / "lasp_dr10.csv", "--columns", "id=file,snr=snrg", "--sample", "20"
    )
    assert status == 0
    config = read_config(tmp_path / "run.toml")
    assert config.train.label_names == ["teff", "logg", "fe_h"]
    assert config.labels.columns == {"id": "file", "snr": "snrg"}
