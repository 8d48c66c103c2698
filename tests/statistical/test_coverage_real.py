"""What a model of real giants says of real dwarfs and A stars; every number is held out."""

import numpy as np
import pytest
import toy
from expect import expect_fraction

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import assess_coverage
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.flags import ResultFlag
from bayescannon.data.prepare import prepare_spectra
from bayescannon.io.lamost import read_lamost
from bayescannon.io.tables import read_labels
from bayescannon.numerics.rows import rows_of

NAMES = ("teff", "logg", "fe_h")


@pytest.fixture(scope="module")
def assessed(survey_data):
    files = sorted((survey_data / "lamost" / "dr10").glob("*.fits.gz"))
    spectra = prepare_spectra([read_lamost(path) for path in files])
    table = read_labels(
        survey_data / "lamost" / "lasp_dr10.csv", label_names=NAMES, columns={"id": "file", "snr": "snrg"}
    )
    lasp = table.matrix(NAMES)[rows_of(table.id, spectra.id)]
    giants = np.flatnonzero((lasp[:, 0] < 5800) & (lasp[:, 1] < 3.8))
    others = np.flatnonzero((lasp[:, 0] >= 5800) | (lasp[:, 1] >= 3.8))
    reference = ReferenceSet(spectra.select(giants), lasp[giants], np.full((len(giants), 3), np.nan), NAMES)
    fold = np.random.default_rng(0).permutation(len(giants)) % 2
    held, strange = [], []
    for k in range(2):
        training = reference.select(fold != k)
        model = train(training)
        coverage = toy.fit_coverage(model, training, folds=4)
        for stars, out in ((reference.spectra.select(fold == k), held), (spectra.select(others), strange)):
            out.append(assess_coverage(model, stars, label_spectra(model, stars), coverage))
    return held, strange, lasp[others]


def flagged(parts, flags):
    return np.concatenate([(part["flags"].to_numpy() & int(flags)) != 0 for part in parts])


@pytest.mark.real_data
@pytest.mark.slow
def test_real_stars_that_are_no_giants(assessed):
    held, strange, lasp = assessed
    a_star = np.tile(lasp[:, 0] >= 7000, 2)
    dwarf = np.tile((lasp[:, 0] < 7000) & (lasp[:, 1] > 4.1), 2)
    both = ResultFlag.OUTSIDE_COVERAGE | ResultFlag.NOVEL_SPECTRUM
    # half of the giants train, so that the smallest p-value is 1 / 87: two flags, each for 1 in 87
    alarms, caught = flagged(held, both), flagged(strange, both)
    expect_fraction(alarms, len(alarms), 0.0, 0.08, what="giants, held out: flagged")
    expect_fraction(caught[a_star], a_star.sum(), 0.99, what="A stars: flagged")
    expect_fraction(caught[dwarf], dwarf.sum(), 0.35, what="dwarfs with log g > 4.1: flagged")
    # a residual alone does not tell a dwarf: the giants' model can say it
    novel = flagged(strange, ResultFlag.NOVEL_SPECTRUM)
    expect_fraction(novel[a_star], a_star.sum(), 0.6, what="A stars: novel")
    expect_fraction(novel[dwarf], dwarf.sum(), 0.0, 0.3, what="dwarfs: novel")
