"""A toy survey of two populations, on either side of a surface gravity, and its survey model."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from toy import toy_labels, toy_reference, toy_spectra

from bayescannon.cannon.populations.qualification import qualify_survey
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.populations.training import train_survey
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_regions import LabelRegion, LabelRegions

NAMES = ("teff", "logg")
BORDER = 2.5
REGIONS = LabelRegions(
    (LabelRegion("lower", ({"logg": (-np.inf, BORDER)},)), LabelRegion("upper", ({"logg": (BORDER, np.inf)},))),
    {"logg": 0.3},
)
TOML = f"""
[lower]
logg = [-inf, {BORDER}]
[upper]
logg = [{BORDER}, inf]
[overlap]
logg = 0.3
"""


@dataclass(frozen=True)
class ToySurvey:
    """A survey model that was qualified, what it was trained on, and stars to label."""

    model: SurveyModel
    reference: ReferenceSet
    spectra: Spectra
    labels: np.ndarray


@cache
def toy_survey(n_star=120, n_new=40, folds=2, seed=0):
    """
    Train and qualify a survey model; the same object for the same arguments.

    Its stars have the noise of a survey in few pixels, so that some of them are between the populations.
    """
    reference = toy_reference(n_star, NAMES, label_seed=seed, seed=seed, sigma=0.03, n_pixel=60)
    model, kept = train_survey(reference, populations=REGIONS)
    model = qualify_survey(model, kept, folds=folds)
    labels = toy_labels(n_new, NAMES, seed=seed + 7)
    # one star at the border, and one that is far from all
    labels[0, 1] = BORDER
    spectra = toy_spectra(labels, NAMES, seed=seed + 7, sigma=0.03, n_pixel=60)
    return ToySurvey(model, kept, spectra, labels)
