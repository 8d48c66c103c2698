"""p-values of stars like the reference are uniform; stars unlike it are caught."""

import numpy as np
import pytest
import toy
from coverage_survey import model_with_coverage, stars
from expect import expect_between, expect_fraction

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import (
    CoverageError,
    assess_coverage,
    attach_coverage,
    coverage_of_catalogue,
    with_coverage,
)
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.data.flags import ResultFlag
from bayescannon.data.prepare import prepare_spectra
from bayescannon.data.spectra import Spectra
from bayescannon.io.catalogue import add_coverage, build_catalogue, read_catalogue, write_catalogue
from bayescannon.io.lamost import read_lamost
from bayescannon.io.tables import read_labels
from bayescannon.numerics.rows import rows_of
from bayescannon.reliability.label_scores import DECIDING_SCORES, LABEL_SCORES, SCORES

# they take a minute in all, and are run with the long tests
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def trained():
    return model_with_coverage()


@pytest.fixture(scope="module")
def assessed(trained):
    labels, spectra = stars(1000, 11)
    estimates = label_spectra(trained[0], spectra)
    return labels, spectra, estimates, assess_coverage(trained[0], spectra, estimates, scores="all")


def test_p_values_of_stars_like_the_reference_are_uniform(assessed):
    assessment = assessed[3]
    for name in SCORES:
        p_value = assessment["p_value"].sel(score_name=name).to_numpy()
        # models of the folds know fewer stars, so that the reference's chi2 is a little larger than a new star's
        expect_between(p_value.mean(), 0.46, 0.58 if name == "chi2" else 0.54, what=f"mean p of {name}")
        for level in (0.05, 0.2):
            expect_fraction(p_value <= level, len(p_value), 0.4 * level, 1.8 * level, what=f"{name} p <= {level}")


def test_flags_are_rare_among_stars_like_the_reference(assessed):
    flags = assessed[3]["flags"].to_numpy()
    for flag in (ResultFlag.NOVEL_SPECTRUM, ResultFlag.OUTSIDE_COVERAGE):
        expect_fraction((flags & flag) != 0, len(flags), 0.0, 0.03, what=flag.name)
    p_joint = assessed[3]["p_joint"].to_numpy()
    expect_fraction(p_joint <= 0.02, len(p_joint), 0.002, 0.04, what="p_joint <= 0.02")


def test_stars_outside_the_coverage_are_caught(trained):
    model = trained[0]
    _, spectra = stars(100, 12, shift=np.array([0.0, 3.0, 0.0]))
    assessment = assess_coverage(model, spectra, label_spectra(model, spectra), scores="all")
    caught = (assessment["flags"].to_numpy() & ResultFlag.OUTSIDE_COVERAGE) != 0
    expect_fraction(caught, 100, 0.99, what="shifted by 5 sigma of log g")
    for name in LABEL_SCORES:
        expect_fraction(assessment["p_value"].sel(score_name=name) <= 0.01, 100, 0.95, what=name)
    assert (assessment["label_distance"] > 2.5).all()


def test_novel_spectra_are_caught_by_what_the_model_can_not_say(trained):
    model = trained[0]
    _, spectra = stars(100, 13)
    flux = spectra.flux.copy()
    flux[:, 100:160] -= 0.01  # a shallow broad feature, one sigma of a pixel deep
    strange = Spectra(spectra.wavelength, flux, spectra.ivar, spectra.id, spectra.columns)
    assessment = assess_coverage(model, strange, label_spectra(model, strange), scores="all")
    novel = (assessment["flags"].to_numpy() & ResultFlag.NOVEL_SPECTRUM) != 0
    expect_fraction(novel, 100, 0.9, what="NOVEL_SPECTRUM of a broad feature")
    chi2 = assessment["p_value"].sel(score_name="chi2").to_numpy()
    expect_fraction(chi2 <= 0.01, 100, 0.0, novel.mean() - 0.05, what="what chi2 alone sees")


def test_blocks_of_stars_give_what_all_give_at_once(trained, assessed):
    _, spectra, estimates, whole = assessed
    part = slice(200, 230)
    block = assess_coverage(trained[0], spectra.select(part), estimates.isel(star=part), scores="all", workers=1)
    np.testing.assert_allclose(block["score"], whole["score"][part], rtol=1e-9)
    np.testing.assert_array_equal(block["flags"], whole["flags"][part])


def test_three_scores_decide_and_the_others_are_computed_on_request(trained, assessed):
    _, spectra, estimates, every = assessed
    some = assess_coverage(trained[0], spectra, estimates)
    assert some["score_name"].to_numpy().tolist() == list(DECIDING_SCORES)
    for name in ("score", "p_value"):
        np.testing.assert_array_equal(some[name], every[name].sel(score_name=list(DECIDING_SCORES)))
    for name in ("p_coverage", "p_novelty", "p_joint", "label_distance", "flags"):
        np.testing.assert_array_equal(some[name], every[name])


def test_a_flag_once_earned_stays(trained, assessed):
    _, spectra, estimates, whole = assessed
    both = int(ResultFlag.NOVEL_SPECTRUM | ResultFlag.OUTSIDE_COVERAGE)
    marked = estimates.assign(flags=estimates["flags"] | both)
    for given in (None, spectra):
        assert ((assess_coverage(trained[0], given, marked)["flags"] & both) == both).all()
    again = assess_coverage(trained[0], spectra, with_coverage(estimates, whole), false_alarms=1e-3)
    np.testing.assert_array_equal(again["flags"], whole["flags"])


def test_a_star_without_labels_has_no_scores_and_no_flags_of_coverage(trained):
    _, spectra = stars(5, 14)
    ivar = spectra.ivar.copy()
    ivar[2] = 0
    dead = Spectra(spectra.wavelength, spectra.flux, ivar, spectra.id, spectra.columns)
    assessment = assess_coverage(trained[0], dead, label_spectra(trained[0], dead))
    assert np.isnan(assessment["score"][2]).all()
    assert np.isnan(assessment["p_joint"][2])
    flags = int(assessment["flags"][2])
    assert flags & ResultFlag.NOT_CONVERGED
    assert not flags & (ResultFlag.OUTSIDE_COVERAGE | ResultFlag.NOVEL_SPECTRUM)
    assert np.isfinite(assessment["score"][[0, 1, 3, 4]]).all()


def test_pipeline_labels_decide_the_distance_and_missing_ones_give_nan(trained, assessed):
    labels, spectra, estimates, without = assessed
    own = toy.toy_table(spectra, labels + np.array([0.0, 3.0, 0.0])).select(np.arange(1, 1000))
    own.labels["fe_h"][0] = np.nan
    assessment = assess_coverage(trained[0], spectra, estimates, scores="all", pipeline_labels=own)
    distance = assessment["label_distance"].to_numpy()
    assert np.isnan(distance[:2]).all()
    assert (distance[2:] > 2.5).all()
    assert (without["label_distance"].to_numpy() < 2.5).mean() > 0.5
    np.testing.assert_array_equal(assessment["p_value"], without["p_value"])


def test_model_and_catalogue_keep_the_coverage(trained, assessed, tmp_path):
    model, (_, _, estimates, assessment) = trained[0], assessed
    model.save(tmp_path / "model.nc")
    again = TrainedModel.load(tmp_path / "model.nc")
    assert again.hash == model.hash
    np.testing.assert_array_equal(again.coverage.scores, model.coverage.scores)
    table = build_catalogue(with_coverage(estimates, assessment).isel(star=slice(0, 50)))
    for ending in ("fits", "ecsv", "parquet", "vot", "mrt"):
        write_catalogue(table, tmp_path / f"catalogue.{ending}")
        back = read_catalogue(tmp_path / f"catalogue.{ending}")
        np.testing.assert_array_equal(back["flag_bad"], table["flag_bad"])
        np.testing.assert_allclose(back["p_coverage"], table["p_coverage"], atol=1e-4)
        np.testing.assert_allclose(back["cov_hull"], table["cov_hull"], atol=1e-4)
        assert back.meta["coverage"] == table.meta["coverage"]
    plain = build_catalogue(estimates.isel(star=slice(0, 50)))
    by_labels = coverage_of_catalogue(again, plain, scores="all")
    # the labels of a catalogue are in single precision
    np.testing.assert_allclose(by_labels["p_coverage"], table["p_coverage"], rtol=1e-4)
    assert np.isnan(by_labels["p_novelty"]).all()
    np.testing.assert_array_equal(by_labels["p_joint"], by_labels["p_coverage"])
    assert by_labels.meta["coverage"].startswith("p-values against 400 held-out reference stars, below 0.0025 extrap")
    assert add_coverage(by_labels, assessment.isel(star=slice(0, 50))).colnames == by_labels.colnames


@pytest.mark.parametrize("names", [("teff",), toy.NAMES])
def test_thirty_reference_stars_are_enough_for_a_defined_answer(names):
    reference = toy.toy_reference(30, names)
    model = train(reference)
    coverage = toy.fit_coverage(model, reference, folds=3)
    labels = toy.toy_labels(20, names, seed=3)
    labels[0] += 20 * np.array([toy.WIDTH[name] for name in names])
    spectra = toy.toy_spectra(labels, names, seed=3)
    assessment = assess_coverage(model, spectra, label_spectra(model, spectra), coverage)
    assert 1 / 31_000 - 1e-12 <= float(assessment["p_value"].min()) < 1 / 31
    assert int(assessment["flags"][0]) & ResultFlag.OUTSIDE_COVERAGE
    assert np.isfinite(assessment["score"]).all()


def test_wrong_calls_are_refused(trained, assessed):
    model, reference = trained
    _, spectra, estimates, _ = assessed
    bare = attach_coverage(model, None)
    with pytest.raises(CoverageError, match="the model holds no coverage reference"):
        assess_coverage(bare, spectra, estimates)
    other = train(reference.select(np.arange(300)))
    with pytest.raises(CoverageError, match="belongs to model"):
        assess_coverage(other, spectra, estimates, model.coverage)
    with pytest.raises(CoverageError, match="same stars"):
        assess_coverage(model, spectra.select(slice(0, 5)), estimates)
    with pytest.raises(ValueError, match="scores must be 'deciding' or 'all'; got 'some'"):
        assess_coverage(model, spectra, estimates, scores="some")
    with pytest.raises(ValueError, match="above 0 and below 1"):
        assess_coverage(model, spectra, estimates, false_alarms=0)
    with pytest.raises(ValueError, match="folds must be at least 2"):
        toy.fit_coverage(model, reference, folds=1)
    table = build_catalogue(estimates.isel(star=slice(0, 3)))
    with pytest.raises(CoverageError, match="was made with model"):
        coverage_of_catalogue(attach_coverage(other, None), table)


NAMES = ("teff", "logg", "fe_h")


@pytest.fixture(scope="module")
def real_stars(survey_data):
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
        for some, out in ((reference.spectra.select(fold == k), held), (spectra.select(others), strange)):
            out.append(assess_coverage(model, some, label_spectra(model, some), coverage))
    return held, strange, lasp[others]


def flagged(parts, flags):
    return np.concatenate([(part["flags"].to_numpy() & int(flags)) != 0 for part in parts])


@pytest.mark.real_data
@pytest.mark.slow
def test_real_stars_that_are_no_giants(real_stars):
    held, strange, lasp = real_stars
    a_star = np.tile(lasp[:, 0] >= 7000, 2)
    dwarf = np.tile((lasp[:, 0] < 7000) & (lasp[:, 1] > 4.1), 2)
    both = ResultFlag.OUTSIDE_COVERAGE | ResultFlag.NOVEL_SPECTRUM
    # half of the giants train: two flags, each for 1 in 100
    alarms, caught = flagged(held, both), flagged(strange, both)
    expect_fraction(alarms, len(alarms), 0.0, 0.05, what="giants, held out: flagged")
    outside = flagged(held, ResultFlag.OUTSIDE_COVERAGE)
    expect_fraction(outside, len(outside), 0.0, 0.03, what="giants, held out: outside")
    for flags, kind in ((both, "flagged"), (ResultFlag.OUTSIDE_COVERAGE, "outside")):
        expect_fraction(flagged(strange, flags)[a_star], a_star.sum(), 0.95, what=f"A stars: {kind}")
    expect_fraction(caught[dwarf], dwarf.sum(), 0.25, what="dwarfs with log g > 4.1: flagged")
    # a residual alone does not tell a dwarf: the giants' model can say it
    novel = flagged(strange, ResultFlag.NOVEL_SPECTRUM)
    expect_fraction(novel[a_star], a_star.sum(), 0.6, what="A stars: novel")
    expect_fraction(novel[dwarf], dwarf.sum(), 0.0, 0.3, what="dwarfs: novel")
