"""
The dwarfs of a mock field sample are like real ones: the table of :mod:`bayescannon.mock.field`, held against both.

The real numbers are those of 400 dwarfs (5000 to 7000 K, log g >= 3.8) among public LAMOST DR10 spectra with the labels
of LAMOST's pipeline, computed by ``survey_statistics`` on 2026-11-27.
"""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from survey_statistics import survey_statistics

from bayescannon import build_reference, prepare_files, prepare_spectra, read_labels, simulate_survey
from bayescannon.data.continuum import normalise
from bayescannon.io.store import load_spectra
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.interstellar import draw_sightlines, transmission
from bayescannon.mock.optics import VEIL_MEAN

NAMES = ("teff", "logg", "fe_h")
DWARFS = {"teff": [5000.0, 7000.0], "logg": [3.8, 6.0]}
COLUMNS = {"id": "file", "snr": "snrg"}
N_DWARF, N_SIMULATED = 400, 620
SEEDS = (1, 2)

# statistic: of real dwarfs, and the largest relative deviation of the mock's mean over the seeds
REAL = {
    "snr": ((17.3, 35.2, 102.9), 0.3),
    "kappa": (0.728, 0.1),
    "scatter": (0.00471, 0.25),
    "sigma_over_scatter": (3.28, 0.35),
    "weight_share": (0.405, 0.2),
    "reduced_chi2": (0.588, 0.2),
    "tail": (0.00265, 0.3),
    "kurtosis": (3.45, 0.25),
    "lags": ((0.418, 0.120, 0.083), 0.3),
    "component_share": ((0.0218, 0.0561, 0.139, 0.286), 0.35),
    "label_scatter": ((62.0, 0.108, 0.080), 0.35),
    "label_scatter_bright": ((51.9, 0.0814, 0.0447), 0.4),
    "label_std": ((74.3, 0.117, 0.111), 0.4),
    "pull_width": ((3.31, 4.70, 2.94), 0.25),
}


@pytest.fixture(scope="module")
def mock_statistics():
    def statistics(seed):
        survey = simulate_survey(0, N_SIMULATED, seed=seed, release="dr10", populations="field")
        spectra = prepare_spectra(list(survey.spectra()))
        lasp = survey.lasp
        dwarf = (lasp["teff"] >= 5000) & (lasp["teff"] < 7000) & (lasp["logg"] >= 3.8)
        return survey_statistics(
            build_reference(spectra, lasp[np.flatnonzero(dwarf)[:N_DWARF]], NAMES, columns=COLUMNS)
        )

    return [statistics(seed) for seed in SEEDS]


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_mock_dwarfs_are_like_real_ones(mock_statistics, name):
    real, tolerance = (np.asarray(value) for value in REAL[name])
    mock = np.mean([getattr(statistics, name) for statistics in mock_statistics], axis=0)
    print(f"{name}: real {real}, mock {mock}, ratio {mock / real}")
    assert (np.abs(mock / real - 1) <= tolerance).all(), f"{name}: mock {mock}, real {real}"


@pytest.mark.long
@pytest.mark.real_data
def test_the_table_holds_the_numbers_of_real_dwarfs(survey_data, tmp_path):
    prepare_files(survey_data / "lamost_field" / "dr10", tmp_path / "store.zarr", workers=1)
    table = read_labels(survey_data / "lamost_field" / "lasp.csv", label_names=NAMES, columns=COLUMNS)
    reference = build_reference(tmp_path / "store.zarr", table, NAMES, keep=DWARFS)
    assert len(reference) == N_DWARF
    statistics = survey_statistics(reference)
    for name, (real, _) in REAL.items():
        np.testing.assert_allclose(getattr(statistics, name), real, rtol=0.03, err_msg=name)


@pytest.mark.long
@pytest.mark.real_data
def test_mean_spectra_are_like_those_of_real_dwarfs_and_a_stars(survey_data, tmp_path):
    prepare_files(survey_data / "lamost_field" / "dr10", tmp_path / "store.zarr", workers=1)
    spectra = load_spectra(tmp_path / "store.zarr")
    lasp = Table.read(survey_data / "lamost_field" / "lasp.csv")
    row = {Path(name).name.removesuffix(".fits.gz"): k for k, name in enumerate(lasp["file"])}
    lasp = lasp[[row[name] for name in spectra.id]]
    teff, logg, fe_h = (np.asarray(lasp[name], dtype=float) for name in NAMES)
    seen = (spectra.wavelength > 4000) & (spectra.wavelength < 6800)
    for low, high, least in ((5000, 5500, 0.92), (5500, 6500, 0.92), (6500, 7000, 0.92), (8000, 9500, 0.95)):
        rows = (teff >= low) & (teff < high) & (logg >= 3.8)
        real = np.nanmean(np.where(spectra.ivar[rows] > 0, spectra.flux[rows], np.nan), axis=0)
        emulator = Emulator.load("dwarf" if high <= 7000 else "hot")
        labels = [[*(np.median(label[rows]) for label in (teff, logg, fe_h)), 0.1, 0.0, 0.0]]
        light = (emulator.flux(labels) + VEIL_MEAN) / (1 + VEIL_MEAN)
        light *= transmission(emulator.wavelength, draw_sightlines(np.array([0.08]), np.random.default_rng(1)))
        light = np.interp(spectra.wavelength, emulator.wavelength, light[0])[None]
        mock, _ = normalise(light, np.median(spectra.ivar[rows], axis=0)[None], spectra.wavelength)
        correlation = np.corrcoef(real[seen], mock[0, seen])[0, 1]
        depth = mock[0, seen].std() / real[seen].std()
        print(f"{low} to {high} K: {rows.sum()} stars, correlation {correlation:.3f}, ratio of depths {depth:.2f}")
        assert correlation > least
        assert 0.8 < depth < 1.25
