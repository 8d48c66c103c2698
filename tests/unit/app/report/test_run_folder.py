"""The folder of a run: outputs by what recorded them, what is missing, and folders that are of no run."""

import pytest

from bayescannon.app.report.run_folder import RunFolder
from bayescannon.app.run_journal import RunJournal
from bayescannon.numerics.errors import InputError, MissingFileError


def test_a_whole_run_has_nothing_to_say(whole):
    found = RunFolder.open(whole)
    assert found.notes == ()
    assert list(found.outputs) == ["prepare", "train", "validate", "label", "figures"]
    assert found.config is not None
    assert list(found.config.train.label_names) == ["teff", "logg", "fe_h"]
    assert [step for step, *_ in found.finished()] == list(found.outputs)


def test_a_run_that_was_killed_says_where_it_ended(run):
    for name in ("catalogue.fits", "validation.json"):
        (run / name).unlink()
    journal = RunJournal(run / "run.json")
    (run / "run.json").unlink()
    again = RunJournal(run / "run.json")
    for step in ("prepare", "train"):
        again.finish(step, {}, [run / name for name in journal.made[step]])
    assert RunFolder.open(run).notes[0] == "the run ended before these steps were finished: validate, label, figures"


def test_a_file_of_another_run_is_told(run):
    (run / "validation.json").write_text("[]")
    assert RunFolder.open(run).notes == (
        "validation.json is not what the step validate left: it was changed, or is of another run",
    )


def test_outputs_have_the_names_that_are_recorded_and_are_in_the_folder(run):
    text = (run / "run.json").read_text()
    (run / "catalogue.fits").rename(run / "mine.fits")
    (run / "run.json").write_text(text.replace("catalogue.fits", "mine.fits"))
    assert RunFolder.open(run).outputs["label"] == run / "mine.fits"
    (run / "run.json").write_text(text.replace("catalogue.fits", "../run.toml"))
    assert "label" not in RunFolder.open(run).outputs


def test_outputs_of_single_commands_are_found_by_their_usual_names(run):
    (run / "run.json").unlink()
    (run / "catalogue.fits").rename(run / "catalogue.vot")
    (run.parent / "run.toml").unlink()
    found = RunFolder.open(run)
    assert found.outputs["label"] == run / "catalogue.vot"
    assert len(found.notes) == 2
    assert "which steps were finished is unknown" in found.notes[0]
    assert "there is no configuration" in found.notes[1]


def test_a_configuration_of_another_folder_is_not_the_runs(run):
    path = run.parent / "run.toml"
    path.write_text(path.read_text().replace('"results"', '"elsewhere"'))
    assert RunFolder.open(run).config is None
    path.write_text("not TOML [")
    assert RunFolder.open(run).config is None


def test_folders_of_no_run_are_refused_with_a_sentence(run, tmp_path):
    with pytest.raises(MissingFileError, match="there is no folder"):
        RunFolder.open(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"run\.toml is a file; expected the folder that `bayescannon run` wrote"):
        RunFolder.open(run.parent / "run.toml")
    with pytest.raises(InputError, match=r"did you mean .*/results\?"):
        RunFolder.open(run.parent)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="it is empty"):
        RunFolder.open(empty)
    (empty / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"it has thesis\.tex\. Expected store\.zarr, model\.nc"):
        RunFolder.open(empty)
