"""Steps on request: model spectra, kinds of error, coverage and a comparison, where the configuration asks for them."""

from dataclasses import replace

import pytest

from bayescannon.app.cli import main
from bayescannon.app.config import read_config
from bayescannon.app.run import run_pipeline
from bayescannon.io.catalogue import read_catalogue
from bayescannon.numerics.errors import InputError


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
[label]
model_spectra = "models.zarr"
model_stars = "5"
[validate]
folds = 0
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
    steps = "prepare, train, validate, label, model-spectra, uncertainties, coverage, compare, report"
    assert f"--until must be one of the steps {steps}; got 'labels'" in error
    assert main(["run", str(tmp_path / "run.toml"), "--until", "prepare"]) == 0
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"store.zarr", "run.json"}
    capsys.readouterr()
    assert main(["run", str(tmp_path / "run.toml")]) == 0
    said = capsys.readouterr().out
    assert "prepare: finished before" in said
    assert "evaluated 2 kinds of error of 10 stars" in said
    results = tmp_path / "results"
    assert (results / "compare" / "comparison.json").exists()
    page = (results / "report.html").read_text()
    for said in ("Comparison with another catalogue", "A against B", "Median error of each kind", "coverage: assessed"):
        assert said in page
    assert "Missing or damaged" not in page
    assert "label_distance" in read_catalogue(results / "coverage.fits").colnames
    assert main(["run", str(tmp_path / "run.toml")]) == 0
    assert capsys.readouterr().out.count("finished before, with the same inputs") == 9
    # spectra of other stars leave the labels as they are; and all of it can be had from Python
    (tmp_path / "run.toml").write_text(text.replace('model_stars = "5"', 'model_stars = "6"'), encoding="utf-8")
    assert main(["run", str(tmp_path / "run.toml"), "--overwrite"]) == 0
    assert capsys.readouterr().out.count("finished before, with the same inputs") == 7
    result = run_pipeline(read_config(tmp_path / "run.toml"))
    assert result.model_spectra.sizes["star"] == 6
    assert result.uncertainties.sizes["star"] == 10
    assert len(result.coverage) == len(result.catalogue)
    bare = replace(result, outputs={})
    with pytest.raises(InputError, match="the run has no model spectra: its configuration does not ask for them"):
        _ = bare.model_spectra
