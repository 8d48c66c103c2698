import numpy as np
import pytest

from bayescannon.app.run_journal import RunJournal, digest, file_digest
from bayescannon.data.spectra import Spectra
from bayescannon.io.store_writer import save_spectra


@pytest.fixture
def outputs(tmp_path):
    (tmp_path / "model.nc").write_text("model")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "kiel.png").write_text("picture")
    flux = np.ones((2, 4), dtype=np.float32)
    spectra = Spectra(np.linspace(5000.0, 5003.0, 4), flux, flux, np.array(["a", "b"]))
    store = save_spectra(spectra, tmp_path / "store.zarr")
    return [tmp_path / "model.nc", tmp_path / "figures", store]


def test_a_step_is_finished_with_its_inputs_and_unchanged_outputs_alone(tmp_path, outputs):
    RunJournal(tmp_path / "run.json").finish("train", {"seed": 1}, outputs)
    journal = RunJournal(tmp_path / "run.json")
    assert journal.is_finished("train", {"seed": 1}, outputs)
    assert not journal.is_finished("train", {"seed": 2}, outputs)
    assert not journal.is_finished("label", {"seed": 1}, outputs)
    assert not journal.is_finished("train", {"seed": 1}, outputs[:1])
    assert journal.is_recorded("train", outputs)
    assert not journal.is_recorded("label", outputs)


@pytest.mark.parametrize("changed", ["model.nc", "figures/kiel.png", "figures/new.png"])
def test_a_changed_output_is_not_finished(tmp_path, outputs, changed):
    journal = RunJournal(tmp_path / "run.json")
    journal.finish("train", {}, outputs)
    (tmp_path / changed).write_text("other")
    assert not journal.is_finished("train", {}, outputs)


def test_another_store_under_the_name_is_not_finished(tmp_path, outputs):
    journal = RunJournal(tmp_path / "run.json")
    journal.finish("prepare", {}, outputs)
    flux = np.full((2, 4), 2, dtype=np.float32)
    other = Spectra(np.linspace(5000.0, 5003.0, 4), flux, flux, np.array(["a", "b"]))
    save_spectra(other, outputs[2], overwrite=True)
    assert not journal.is_finished("prepare", {}, outputs)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other", "steps": {"train": {}}}'])
def test_a_damaged_journal_has_no_steps(tmp_path, outputs, text):
    (tmp_path / "run.json").write_text(text)
    assert not RunJournal(tmp_path / "run.json").is_finished("train", {}, outputs)


def test_digests_are_of_contents(tmp_path):
    (tmp_path / "a").write_text("labels")
    (tmp_path / "b").write_text("labels")
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")
    assert digest({"a": 1, "b": tmp_path}) == digest({"b": tmp_path, "a": 1})
