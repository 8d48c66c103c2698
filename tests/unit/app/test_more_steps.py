"""Steps on request: kinds of error, coverage and a comparison, where the configuration has their section."""

from bayescannon.app.cli import main
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.store import load_spectra


def test_sections_on_request_are_steps_and_until_ends_after_one(small, tmp_path, capsys):
    text = f"""
out = "results"
figures = false
[prepare]
spectra = {str(small.survey / "spectra")!r}
[labels]
table = {str(small.survey / "apogee.fits")!r}
[train]
label_names = ["teff", "logg", "fe_h"]
folds = 2
[validate]
folds = 0
[label]
model_spectra = "model.zarr"
model_stars = "4"
[engine]
workers = 1
[uncertainties]
kinds = ["formal", "bootstrap"]
stars = "10"
bootstrap = 2
[coverage]
pipeline_labels = {str(small.survey / "lasp.csv")!r}
pipeline_columns = {{ id = "file" }}
[compare]
table = {str(small.survey / "truth.csv")!r}
columns_b = {{ fe_h = "m_h" }}
""".replace("'", '"')
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    assert main(["run", str(tmp_path / "run.toml"), "--until", "labels"]) == 1
    error = capsys.readouterr().err
    assert "--until must be one of the steps prepare, train, validate, label, uncertainties, coverage, compare" in error
    assert main(["run", str(tmp_path / "run.toml"), "--until", "prepare"]) == 0
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"store.zarr", "run.json"}
    capsys.readouterr()
    assert main(["run", str(tmp_path / "run.toml")]) == 0
    said = capsys.readouterr().out
    assert "prepare: finished before" in said
    assert "evaluated 2 kinds of error of 10 stars" in said
    results = tmp_path / "results"
    assert (results / "compare" / "comparison.json").exists()
    assert len(load_spectra(results / "model.zarr")) == 4
    assert "label_distance" in read_catalogue(results / "coverage.fits").colnames
    assert main(["run", str(tmp_path / "run.toml")]) == 0
    assert capsys.readouterr().out.count("finished before, with the same inputs") == 7
