"""Choices of the page of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from bayescannon.cannon.choice_fields import Choices, choice

# stars whose spectra a page holds
N_SPECTRA = 200


@dataclass(frozen=True)
class ReportChoices(Choices):
    """What the page of a run holds beside what the run left."""

    n_spectra: int = choice(
        N_SPECTRA, "stars whose spectra the page holds, at most", least=0, metavar="N", flag="--spectra"
    )
    also: Sequence[str] = choice(
        list, "another model, whose spectra can be laid over the run's; may be given several times", metavar="MODEL.nc"
    )
