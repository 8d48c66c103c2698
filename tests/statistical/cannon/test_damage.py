"""Errors of mock stars cover the true labels when pixels are taken from the raw spectra, before their preparation."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import xarray as xr
from expect import expect_between, expect_fraction

import bayescannon as bc
from bayescannon.cannon.labelling import formal_errors
from bayescannon.data.flags import FLAG_BAD, FitStatus, ResultFlag

# they take a minute in all, and are run with the long tests
pytestmark = pytest.mark.long

NAMES = ["teff", "logg", "fe_h", "alpha_m", "a_k"]
TRUE = ["teff", "logg", "m_h", "alpha_m", "a_k"]
N_TEST = 200


def window(width):
    """One window of this many Angstrom."""

    def live(wavelength, rng):
        start = rng.uniform(3905, 9000 - width)
        return (wavelength >= start) & (wavelength < start + width)

    return live


KINDS = {
    "200 A": window(200),
    "500 A": window(500),
    "1000 A": window(1000),
    "three windows": lambda w, rng: np.any([window(150)(w, rng) for _ in range(3)], axis=0),
    "no red arm": lambda w, rng: w < 5800,
    "no blue arm": lambda w, rng: w > 6000,
    "every second 100 A": lambda w, rng: (w + rng.uniform(0, 200)) // 100 % 2 == 0,
    "30 % of the pixels": lambda w, rng: rng.random(len(w)) < 0.3,
}


@dataclass
class Labelled:
    """Estimates of damaged stars, and how far they are from the true labels."""

    estimates: xr.Dataset
    off: np.ndarray

    @property
    def error(self):
        return self.estimates["calibrated_error"].to_numpy()

    @property
    def converged(self):
        return self.estimates["status"].to_numpy() == FitStatus.CONVERGED

    def flagged(self, flag):
        return (self.estimates["flags"].to_numpy() & int(flag)) != 0


@dataclass
class Survey:
    """A qualified model and other stars."""

    model: object
    raws: list
    truth: object

    def labelled(self, live=None, model=None):
        """Label the stars with only these pixels."""
        rng = np.random.default_rng(3)
        raws = self.raws
        if live is not None:
            raws = [replace(raw, ivar=np.where(live(raw.wavelength, rng), raw.ivar, 0.0)) for raw in raws]
        estimates = bc.label_spectra(model or self.model, bc.prepare_spectra(raws, leave_out=True))
        row_of = {str(name): row for row, name in enumerate(self.truth["id"])}
        rows = [row_of[name] for name in estimates["star"].to_numpy().tolist()]
        true = np.column_stack([np.asarray(self.truth[name], dtype=float)[rows] for name in TRUE])
        return Labelled(estimates, np.abs(estimates["labels"].to_numpy() - true))


@pytest.fixture(scope="module", params=["all", pytest.param("S/N above 40", marks=pytest.mark.long)])
def survey(request):
    """A model of 400 stars of all S/N, or of the bright ones of 700."""
    bright = request.param != "all"
    mock = bc.simulate_survey(700 if bright else 400, 0, seed=71)
    spectra = bc.prepare_spectra(list(mock.spectra()))
    if bright:
        spectra = spectra.select(spectra.columns["snr"] > 40)
    model, kept = bc.train_clipped(bc.build_reference(spectra, mock.apogee, NAMES, format="allstar-dr12"))
    others = bc.simulate_survey(0, N_TEST, seed=72)
    return Survey(bc.qualify(model, kept, folds=4), list(others.spectra()), others.truth)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_cover_whatever_pixels_are_left(survey, kind):
    found = survey.labelled(KINDS[kind])
    good = found.converged
    assert np.isfinite(found.error[good]).all()
    assert (found.error >= formal_errors(found.estimates) * (1 - 1e-12))[good].all()
    inside = found.off < found.error
    expect_fraction(inside[good], inside[good].size, 0.62, 0.85, what=f"{kind}: all labels")
    usable = good & ~found.flagged(FLAG_BAD)
    expect_fraction(
        inside[usable], inside[usable].size, 0.60, 0.85, what=f"{kind}: all labels of stars not flagged bad"
    )
    for k, name in enumerate(NAMES):
        # of 200 stars a fraction is known to 3 %; errors of complete stars are known to 8 %, of A_K to 12 %, whose
        # reference labels have errors as large as the scatter
        expect_fraction(inside[good, k], good.sum(), 0.52, 0.96, what=f"{kind}: {name}")
    expect_fraction((found.off < 2 * found.error)[good], inside[good].size, 0.88, what=f"{kind}: in two errors")


def test_without_the_loss_they_do_not(survey):
    """The thresholds can fail: errors of complete stars, as they were given to damaged ones."""
    model = survey.model
    blind = replace(model, calibration=replace(model.calibration, damage=None))
    found = survey.labelled(KINDS["200 A"], blind)
    scale = model.scaler.scale
    scaled = model.scaler.to_scaled(found.estimates["labels"].to_numpy())
    snr = found.estimates["snr"].to_numpy()
    before = blind.calibration.of_complete(scaled, formal_errors(found.estimates) / scale, snr).interval() * scale
    good = found.converged
    expect_fraction((found.off < before)[good], found.off[good].size, 0, 0.56, what="200 A, errors of complete stars")
    expect_between(
        np.median(found.error[good] / formal_errors(found.estimates)[good]), 1, 1.6, what="error over formal"
    )


def test_complete_stars_keep_their_errors(survey):
    model = survey.model
    blind = replace(model, calibration=replace(model.calibration, damage=None))
    found, before = survey.labelled(), survey.labelled(model=blind)
    np.testing.assert_array_equal(found.estimates["labels"], before.estimates["labels"])
    ratio = (found.error / before.error)[before.estimates["snr"].to_numpy() > np.exp(model.calibration.snr_range[0])]
    expect_fraction(np.abs(ratio - 1) < 0.025, ratio.size, 0.95, what="errors of complete stars within 2.5 %")
    expect_between(np.median(ratio), 0.999, 1.001, what="median ratio of errors")
    assert not found.flagged(ResultFlag.LITTLE_INFORMATION).any()


def test_stars_of_hardly_any_pixels_are_bad(survey):
    found = survey.labelled(window(25))
    expect_fraction(found.flagged(FLAG_BAD), len(found.off), 0.95, what="25 A: flagged bad")
    expect_fraction(
        found.flagged(ResultFlag.LITTLE_INFORMATION), len(found.off), 0.9, what="25 A: too little information"
    )
    assert np.isfinite(found.error[found.converged]).all()
