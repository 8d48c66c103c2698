"""From a table of labels to a model, by a configuration and by the command line."""

import re

import pytest
import toy
from survey_tables import allstar_dr17

from bayescannon.app.cli import main
from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.app.training import read_sources, train_from_config
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.labels import KNOWN_LABELS, Label
from bayescannon.io.store_writer import save_spectra

N_STAR = 90


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """A store, and a table without ids whose Teff is in kK, with a label of one's own."""
    folder = tmp_path_factory.mktemp("training")
    labels = toy.toy_labels(N_STAR)
    spectra = toy.toy_spectra(labels)
    spectra.columns["obsid"] = [f"{n + 7000}" for n in range(N_STAR)]
    save_spectra(spectra, folder / "store.zarr")
    rows = [f"{n + 7000};{teff / 1000:.6f};{logg:.5f};{c_n:.5f}" for n, (teff, logg, c_n) in enumerate(labels)]
    rows[5] = "7005;-9.999;2.5;0.1"
    (folder / "t.csv").write_text("obsid;Teff;logg;c_n\n" + "\n".join(rows) + "\n")
    return folder


def test_the_paper_s_cuts_are_those_of_a_table_of_apogee(tmp_path):
    allstar_dr17().write(tmp_path / "a.fits")
    for format in ("auto", "allstar", "allstar-dr17"):
        labels = LabelsConfig(table=str(tmp_path / "a.fits"), format=format)
        (source,) = read_sources(labels, TrainConfig(label_names=["logg"]))
        assert [cut.name for cut in source.cuts] == [
            "teff < 3500 or teff > 6000 K",
            "alpha_m < -0.1 dex",
            "quality flag set",
        ]
        assert list(source.labels.labels) == ["logg", "teff", "alpha_m"]
    (tmp_path / "t.csv").write_text("id,logg,teff\na,2.5,4800\n")
    labels = LabelsConfig(table=str(tmp_path / "t.csv"))
    assert read_sources(labels, TrainConfig(label_names=["logg"]))[0].cuts == []


def test_a_label_of_ones_own_units_and_a_pair_of_columns(survey, tmp_path, capsys):
    train = [
        "train",
        survey / "store.zarr",
        "--labels",
        survey / "t.csv",
        "--label-names",
        "teff,logg,c_n",
        "--folds",
        "0",
    ]
    more = [
        "--define",
        "c_n:dex:carbon to nitrogen",
        "--units",
        "teff=kK",
        "--match",
        "obsid",
        "--missing",
        "logg=-5,logg=-6",
    ]
    out = ["--out", tmp_path / "m.nc"]
    for some, words in (
        ([], "unknown label name 'c_n'.*--define c_n:UNIT"),
        (more[:2], "outside 200 to 300000 K.*--units teff="),
        (more[:4], "--match obsid"),
    ):
        assert main([str(arg) for arg in [*train, *out, *some]]) == 1
        message = " ".join(capsys.readouterr().err.split())
        assert re.search(words, message), message
    assert main([str(arg) for arg in [*train, *out, *more]]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "labels: t.csv is read as a table with columns named after labels: teff from Teff, logg from logg" in said
    assert "labels: teff: -9.999 in 1 of 90 rows (Teff) stands for a missing value" in said
    assert "labels: teff: converted from kK to K" in said
    assert "no labels under this obsid in t.csv" in said
    # the model's file defines the label, and knows how the table was read
    del KNOWN_LABELS["c_n"]
    model = TrainedModel.load(tmp_path / "m.nc")
    assert model.labels[2] == Label("c_n", unit="dex", description="carbon to nitrogen")
    assert model.label_table.units == {"teff": "kK"}
    assert model.label_table.missing == {"logg": [-5, -6]}
    validate = ["validate", tmp_path / "m.nc", survey / "store.zarr", "--labels", survey / "t.csv", "--folds", "0"]
    assert main([str(arg) for arg in validate]) == 0
    assert "c_n [dex]" in capsys.readouterr().out


def test_notes_come_before_the_training(survey):
    labels = LabelsConfig(
        table=str(survey / "t.csv"), match="obsid=obsid", units={"teff": "kK"}, define={"c_n": {"unit": "dex"}}
    )
    said = []
    model, reference = train_from_config(
        survey / "store.zarr", labels, TrainConfig(label_names=["teff", "c_n"]), say=said.extend
    )
    assert said[1].startswith("t.csv is read as a table")
    assert model.label_table.match == "obsid=obsid"
    assert reference.notes == tuple(said)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--match", "=x"], "match must be 'id', 'sky', the name of a column, or a pair"),
        (["--labels-extension", "9"], "has no table '9'"),
        (["--columns", "teff=T"], "no such column"),
    ],
)
def test_wrong_choices_end_in_a_line(survey, tmp_path, capsys, option, words):
    train = [
        "train",
        survey / "store.zarr",
        "--labels",
        survey / "t.csv",
        "--label-names",
        "logg",
        "--out",
        tmp_path / "m.nc",
    ]
    assert main([str(arg) for arg in [*train, *option]]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--define", "c_n"], "expected NAME:UNIT"),
        (["--missing", "fe_h=x"], "expected NAME=VALUE"),
        (["--units", "kK"], "expected NAME="),
    ],
)
def test_options_of_another_form(survey, capsys, option, words):
    with pytest.raises(SystemExit):
        main(["train", str(survey / "store.zarr"), "--labels", "t", "--out", "m.nc", *option])
    assert words in capsys.readouterr().err
