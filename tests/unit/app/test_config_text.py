"""A configuration written as TOML is read back as it was, with every key, and says what every other key is for."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from run_configs import EVERYTHING, SMALLEST

from bayescannon.app.config import (
    CompareConfig,
    CoverageConfig,
    EngineConfig,
    LabelsConfig,
    PrepareConfig,
    RunConfig,
    TrainConfig,
    UncertaintiesConfig,
    read_config,
)
from bayescannon.app.config_text import config_text


def _again(config, folder):
    text = config_text(config, folder)
    (folder / "again.toml").write_text(text, encoding="utf-8")
    return read_config(folder / "again.toml"), text


@pytest.mark.parametrize("text", [SMALLEST, EVERYTHING], ids=["smallest", "everything"])
def test_what_is_written_is_read_back(text, tmp_path):
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    config = read_config(tmp_path / "run.toml")
    again, written = _again(config, tmp_path)
    assert again == config
    assert str(tmp_path) not in written, "paths are relative"


def test_sections_on_request_are_comments_and_can_be_written(tmp_path):
    (tmp_path / "run.toml").write_text(SMALLEST, encoding="utf-8")
    config = read_config(tmp_path / "run.toml")
    _, text = _again(config, tmp_path)
    for section in ("uncertainties", "coverage", "compare"):
        assert f"# [{section}]" in text
    whole = replace(
        config,
        uncertainties=UncertaintiesConfig(kinds=["formal"], stars="20", bootstrap=3),
        coverage=CoverageConfig(pipeline_labels=str(tmp_path / "lasp.csv"), pipeline_columns={"id": "file"}),
        compare=CompareConfig(table=str(tmp_path / "truth.csv"), columns_b={"fe_h": "m_h"}, snr_edges=[0.0, 30.0]),
        engine=EngineConfig(workers=2, block=256),
    )
    again, text = _again(whole, tmp_path)
    assert again == whole
    assert 'columns_b = { "fe_h" = "m_h" }' in text


@pytest.mark.parametrize("line", ['recipe = "recommended"', 'populations = "auto"'])
def test_a_recipe_that_is_chosen_in_the_text_is_the_one_that_holds(line, tmp_path):
    name, _, value = line.partition(" = ")
    (tmp_path / "run.toml").write_text(SMALLEST, encoding="utf-8")
    _, text = _again(read_config(tmp_path / "run.toml"), tmp_path)
    changed = "\n".join(line if one.startswith(f"# {name} = ") else one for one in text.splitlines())
    assert changed.count(line) == 1
    (tmp_path / "changed.toml").write_text(changed, encoding="utf-8")
    assert read_config(tmp_path / "changed.toml").train == TrainConfig(**{name: value.strip('"')})


def test_several_tables_and_odd_names(tmp_path):
    config = RunConfig(
        out=str(tmp_path / 'a "b" \\ é'),
        prepare=PrepareConfig(spectra="/elsewhere/spectra", grid="4000:7000:0.5"),
        labels=(
            LabelsConfig(table=str(tmp_path / "one.fits"), missing={"fe_h": [0.0, -1.5]}),
            LabelsConfig(table=str(tmp_path / "two.csv"), define={"ba_fe": {"unit": "dex", "lowest": -4.0}}),
        ),
        train=TrainConfig(label_names=["teff", "ba_fe"], keep={"teff": [4000.0, float("inf")]}),
    )
    again, _ = _again(config, tmp_path)
    assert again == config


def test_every_key_is_explained(tmp_path):
    (tmp_path / "run.toml").write_text(SMALLEST, encoding="utf-8")
    text = config_text(
        read_config(tmp_path / "run.toml"), tmp_path, reasons={"labels.match": "no name agrees"}, head=["mine"]
    )
    assert text.startswith("# mine\n")
    assert "# here: no name agrees" in text
    lines = text.splitlines()
    for item in fields(TrainConfig):
        place = next(k for k, line in enumerate(lines) if line.removeprefix("# ").startswith(f"{item.name} = "))
        assert lines[place - 1].startswith("# "), item.name


def test_a_path_that_is_not_below_stays_absolute(tmp_path):
    config = RunConfig(
        out=str(tmp_path / "x"),
        prepare=PrepareConfig(spectra=str(Path("/data/s"))),
        labels=LabelsConfig(table="/t.csv"),
    )
    assert 'spectra = "/data/s"' in config_text(config, tmp_path)
