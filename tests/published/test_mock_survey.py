"""
The mock survey is like real spectra: the table of :mod:`bayescannon.mock.survey`, held against both.

The real numbers are those of the 172 giants (log g <= 3.8, Teff <= 5800 K) among 244 public LAMOST DR10 spectra with
the labels of LAMOST's pipeline, computed by ``survey_statistics`` on 2026-11-26; the mock's are drawn with as many
stars.
"""

import numpy as np
import pytest
from survey_statistics import survey_statistics

from bayescannon import (
    build_reference,
    prepare_files,
    prepare_spectra,
    read_labels,
    simulate_survey,
    train_clipped,
    validate,
)
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS

NAMES = ("teff", "logg", "fe_h")
GIANTS = {"teff": [3500.0, 5800.0], "logg": [-1.0, 3.8]}
COLUMNS = {"id": "file", "snr": "snrg"}
N_STAR = 172
SEEDS = (1, 2)

# statistic: of real giants, and the largest relative deviation of the mock's mean over the seeds
REAL = {
    "snr": ((22.3, 56.7, 151.5), 0.2),
    "kappa": (0.730, 0.1),
    "scatter": (0.00590, 0.2),
    "sigma_over_scatter": (1.48, 0.2),
    "sigma_over_scatter_fixed": (2.50, 0.2),
    "weight_share": (0.620, 0.1),
    "weight_share_fixed": (0.477, 0.15),
    "reduced_chi2": (0.687, 0.1),
    # one real spectrum of poor quality holds a fifth of the tail
    "tail": (0.0028, 0.35),
    "kurtosis": (2.91, 0.25),
    "lags": ((0.486, 0.204, 0.142), 0.25),
    # the first component alone is the least certain
    "component_share": ((0.040, 0.107, 0.258, 0.469), (0.45, 0.25, 0.15, 0.15)),
    # of 169 stars each scatter is known to about 10 %
    "label_scatter": ((69.1, 0.187, 0.080), 0.25),
    "label_scatter_bright": ((61.2, 0.157, 0.065), 0.3),
    "label_std": ((111.5, 0.298, 0.142), 0.4),
    "pull_width": ((5.02, 5.41, 5.04), 0.25),
}


@pytest.fixture(scope="module")
def mock_statistics():
    def statistics(seed):
        survey = simulate_survey(N_STAR, 0, seed=seed, release="dr10")
        spectra = prepare_spectra(list(survey.spectra()))
        return survey_statistics(build_reference(spectra, survey.lasp, NAMES, columns=COLUMNS))

    return [statistics(seed) for seed in SEEDS]


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_the_mock_is_like_real_giants(mock_statistics, name):
    real, tolerance = (np.asarray(value) for value in REAL[name])
    mock = np.mean([getattr(statistics, name) for statistics in mock_statistics], axis=0)
    print(f"{name}: real {real}, mock {mock}, ratio {mock / real}")
    assert (np.abs(mock / real - 1) <= tolerance).all(), f"{name}: mock {mock}, real {real}"


@pytest.mark.long
def test_the_clip_takes_few_stars(mock_statistics):
    # of the real giants 1.7 % with labels from the same spectra; APOGEE's labels: the test below
    assert 0 <= np.mean([statistics.clip_share for statistics in mock_statistics]) <= 0.05


@pytest.mark.long
@pytest.mark.real_data
def test_the_table_holds_the_numbers_of_real_giants(survey_data, tmp_path):
    prepare_files(survey_data / "lamost" / "dr10", tmp_path / "store.zarr", workers=1)
    table = read_labels(survey_data / "lamost" / "lasp_dr10.csv", label_names=NAMES, columns=COLUMNS)
    reference = build_reference(tmp_path / "store.zarr", table, NAMES, keep=GIANTS)
    assert len(reference) == N_STAR
    statistics = survey_statistics(reference)
    assert statistics.n_star == 169
    for name, (real, _) in REAL.items():
        np.testing.assert_allclose(getattr(statistics, name), real, rtol=0.03, err_msg=name)


@pytest.mark.long
def test_labels_of_survey_a_scatter_as_in_the_paper():
    # Ho et al. 2017, figure 5: S/N > 50; the clip takes 9 % of the paper's 11,057 stars, less of the 1,500 here
    survey = simulate_survey(1500, 0, seed=1)
    spectra = prepare_spectra(list(survey.spectra()))
    reference = build_reference(spectra, survey.apogee, format="allstar-dr12")
    model, kept = train_clipped(reference, workers=1)
    assert 0.025 <= 1 - len(kept) / len(reference) <= 0.09
    validation = validate(model, kept, folds=5, workers=1)
    for name in PAPER_LABELS:
        ratio = validation.row("k-fold", "snr > 50", name).scatter / KNOWN_LABELS[name].published.scatter
        print(f"{name}: {ratio:.2f} of the paper's scatter")
        assert 0.75 <= ratio <= 1.25, name
