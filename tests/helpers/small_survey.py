"""A small mock survey taken through the command line up to a model of three labels, and commands that must fail."""

from dataclasses import dataclass
from pathlib import Path

from bayescannon.app.cli import main

N_REFERENCE, N_TEST = 150, 60
LABELS = ["--label-names", "teff,logg,fe_h"]


@dataclass(frozen=True)
class SmallSurvey:
    """Where the files are."""

    survey: Path
    store: Path
    model: Path

    @property
    def allstar(self):
        """Options that name the trusted labels."""
        return ["--labels", str(self.survey / "apogee.fits"), "--labels-format", "allstar-dr12"]


def make_small_survey(folder):
    """Write the survey and run prepare and train on it, by the command line."""
    small = SmallSurvey(folder / "survey", folder / "store.zarr", folder / "model.nc")
    commands = (
        ["mock", small.survey, "--n-reference", N_REFERENCE, "--n-test", N_TEST, "--seed", 3],
        ["prepare", small.survey / "spectra", "--out", small.store],
        ["train", small.store, *small.allstar, *LABELS, "--folds", 2, "--out", small.model],
    )
    for command in commands:
        assert main([str(arg) for arg in command]) == 0
    return small


def run_refused(capsys, *args):
    """Run a command that must fail with status 1; return its message."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == 1
    message = capsys.readouterr().err
    assert message.startswith("bayescannon: ")
    assert "Traceback" not in message
    return message.removeprefix("bayescannon: ").strip()
