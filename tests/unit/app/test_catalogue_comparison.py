"""The verb compare: our catalogue against truth, pipeline and itself; its files; and what it refuses."""

import csv
import json

import pytest

import bayescannon as bc
from bayescannon.app.cli import main


@pytest.fixture(scope="module")
def catalogue(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "catalogue.fits"
    assert main(["label", str(small.model), str(small.store), "--out", str(path)]) == 0
    return path


def test_against_the_truth(small, catalogue, tmp_path, capsys):
    truth = small.survey / "truth.csv"
    command = ["compare", str(catalogue), str(truth), "--columns-b", "fe_h=m_h", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "all: A - B" in said
    assert "truth.csv (B) has no errors of" in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"comparison.json", "labels.csv", "outliers.csv", "one_to_one.png", "residuals.png", "kiel.png"}
    facts = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    with (tmp_path / "out" / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(facts["rows"])
    # the numbers are those of python
    found = bc.compare_catalogues(catalogue, truth, columns_b={"fe_h": "m_h"})
    assert float(rows[0]["bias"]) == found.rows[0].bias
    # a second time into the same folder
    assert main(command) == 1
    assert "exists" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_against_the_pipeline_and_itself(small, catalogue, capsys):
    assert main(["compare", str(catalogue), str(small.survey / "lasp.csv"), "--match", "sky"]) == 0
    assert main(["compare", str(catalogue), str(catalogue), "--label-names", "teff"]) == 0
    said = capsys.readouterr().out
    assert "Flags of matched stars" in said
    row = bc.compare_catalogues(catalogue, catalogue).row("all", "teff")
    assert (row.bias, row.scatter) == (0, 0)
    assert row.slope == pytest.approx(1)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--match", "gaia_id"], "gaia_id"),
        (["--label-names", "c_m"], "no column for label 'c_m'"),
        (["--columns-b", "teff=snrg,logg=nothing"], "nothing"),
        (["--units-b", "teff=mag"], "teff"),
        (["--snr-edges", "50,10"], "snr_edges must be"),
        (["--radius", "-1"], "radius must be positive"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(small, catalogue, more, said, capsys):
    assert main(["compare", str(catalogue), str(small.survey / "lasp.csv"), *more]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
