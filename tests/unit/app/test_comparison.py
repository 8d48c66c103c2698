"""Models of configurations are compared from the command line, on the same stars or not at all."""

import json

import pytest

from bayescannon.app.cli import main
from bayescannon.app.comparison import compare_configs
from bayescannon.app.config import ConfigError
from bayescannon.mock.survey import write_survey


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A mock survey with its store."""
    folder = tmp_path_factory.mktemp("compared")
    write_survey(folder / "survey", 60, 0, seed=2)
    assert main(["prepare", str(folder / "survey" / "spectra"), "--out", str(folder / "out" / "store.zarr")]) == 0
    return folder


def write_config(folder, name, *, train="", labels="", out="out"):
    path = folder / f"{name}.toml"
    path.write_text(
        f'out = "{out}"\n[prepare]\nspectra = "survey/spectra"\n'
        f'[labels]\ntable = "survey/apogee.fits"\nformat = "allstar-dr12"\n{labels}\n'
        f'[train]\nlabel_names = ["teff", "logg"]\n{train}\n',
        encoding="utf-8",
    )
    return path


def test_the_command_prints_tables_and_writes_json(folder, capsys):
    paper = write_config(folder, "paper")
    kappa = write_config(folder, "kappa", train='noise = "global"')
    command = ["compare-models", str(paper), str(kappa), "--folds", "2", "--json", str(folder / "compared.json")]
    assert main(command) == 0
    said = capsys.readouterr().out
    print(said)
    assert "elpd of spectra given reported labels" in said
    assert "store.zarr; labels: teff, logg" in said.replace("\n", "")
    written = json.loads((folder / "compared.json").read_text())
    assert {row["model"] for row in written["spectra"]} == {"paper", "kappa"}
    assert {row["method"] for row in written["statistics"]} == {"paper", "kappa"}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"labels": 'match = "sky"'}, r"\[labels\] match must be the same in all .* 'id' in one and 'sky' in two"),
        ({"train": "clip_sigma = 2.5"}, r"\[train\] clip_sigma must be the same"),
    ],
)
def test_configurations_of_other_stars_are_refused(folder, second, words):
    paths = [write_config(folder, "one"), write_config(folder, "two", **second)]
    with pytest.raises(ConfigError, match=words):
        compare_configs(paths)


def test_names_and_stores_must_be_clear(folder, tmp_path):
    path = write_config(folder, "same")
    with pytest.raises(ConfigError, match="two are called same"):
        compare_configs([path, path])
    with pytest.raises(ConfigError, match="none of them has been run"):
        compare_configs([write_config(folder, "elsewhere", out=str(tmp_path))])
    with pytest.raises(
        ConfigError, match="models of one population are compared, and several has populations = 'auto'"
    ):
        compare_configs([write_config(folder, "several", train='populations = "auto"')])
    with pytest.raises(ConfigError, match="at least one configuration"):
        compare_configs([])
