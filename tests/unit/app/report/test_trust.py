"""Five lines say whether a run can be trusted, each with its number and a verdict that goes by it."""

from dataclasses import replace

import numpy as np
import pytest

import bayescannon as bc
from bayescannon.app.report.run_contents import RunContents, read_comparison
from bayescannon.app.report.trust import GOOD, LOOK, POOR, UNKNOWN, conclusion, trust_lines

ERRORS, HELD_OUT, USABLE, INSIDE, FITTED = range(5)


def changed(contents, **columns):
    """The run with columns of the catalogue changed."""
    table = contents.catalogue.copy()
    for name, values in columns.items():
        table[name] = values
    return replace(contents, catalogue=table)


def test_a_good_run_is_good(contents):
    lines = trust_lines(contents)
    assert len(lines) == 5
    assert [lines[n].verdict for n in (ERRORS, HELD_OUT, FITTED)] == [GOOD] * 3
    assert "of 150 held-out spectra" in lines[ERRORS].answer
    assert "T_eff" in lines[HELD_OUT].answer
    assert f"is {contents.facts.median_chi2:.2f}" in lines[FITTED].answer
    outside = int((np.asarray(contents.catalogue["flags"]) & 16 != 0).sum())
    assert lines[INSIDE].answer.startswith(f"{outside} of 600 stars")


def test_nothing_is_known_of_an_empty_run(contents):
    empty = RunContents(contents.folder)
    assert [line.verdict for line in trust_lines(empty)] == [UNKNOWN] * 5
    assert conclusion(trust_lines(empty)) == "0 of 5 answers are good, 5 not known."


def test_a_catalogue_without_stars_is_said_to_have_none(contents):
    lines = trust_lines(replace(contents, catalogue=contents.catalogue[:0]))
    assert {lines[n].answer for n in (USABLE, INSIDE, FITTED)} == {"The catalogue has no stars."}
    assert {lines[n].verdict for n in (USABLE, INSIDE, FITTED)} == {UNKNOWN}


@pytest.mark.parametrize(("number", "verdict"), [(30, GOOD), (200, LOOK), (500, POOR)])
def test_flags_decide(contents, number, verdict):
    flags = np.where(np.arange(600) < number, 16, 0)
    lines = trust_lines(changed(contents, flags=flags))
    assert [lines[USABLE].verdict, lines[INSIDE].verdict] == [verdict] * 2
    assert f"{number} of 600 stars ({number / 6:.1f} %) are flag_bad: OUTSIDE_COVERAGE {number}" in lines[USABLE].answer


@pytest.mark.parametrize(("number", "verdict"), [(30, GOOD), (200, LOOK), (600, POOR)])
def test_stars_without_labels_are_not_of_use(contents, number, verdict):
    teff = np.where(np.arange(600) < number, np.nan, 4800.0)
    line = trust_lines(changed(contents, teff=teff, flags=np.zeros(600, dtype=np.int64)))[USABLE]
    assert line.answer == f"0 of 600 stars (0.0 %) are flag_bad; {number} have no labels."
    assert line.verdict == verdict
    # a star that is flagged too counts once
    both = trust_lines(changed(contents, teff=teff, flags=np.where(np.isnan(teff), 16, 0)))[USABLE]
    assert both.verdict == verdict


def test_without_scores_of_coverage_the_range_alone_is_not_enough(contents):
    run = changed(contents, flags=np.zeros(600, dtype=np.int64))
    del run.catalogue.meta["coverage"]
    line = trust_lines(run)[INSIDE]
    assert line.verdict == LOOK
    assert "only its range" in line.answer


@pytest.mark.parametrize(("factor", "verdict"), [(0.3, GOOD), (4, LOOK), (40, POOR)])
def test_chi2_decides(contents, factor, verdict):
    chi2 = np.asarray(contents.catalogue["rchi2"])
    assert trust_lines(changed(contents, rchi2=factor * chi2 / np.median(chi2)))[FITTED].verdict == verdict


def test_stars_without_fits_are_counted(contents):
    status = np.where(np.arange(600) < 7, 2, 0)
    assert "; 7 stars could not be fitted." in trust_lines(changed(contents, status=status))[FITTED].answer
    assert trust_lines(changed(contents, status=np.full(600, 2)))[FITTED].verdict == POOR


@pytest.mark.parametrize(("bias", "verdict"), [(0.05, GOOD), (0.3, LOOK), (0.9, POOR)])
def test_bias_decides_where_it_is_certain(contents, bias, verdict):
    rows = tuple(replace(row, bias=bias * row.scatter, bias_error=0.01 * row.scatter) for row in contents.validation)
    assert trust_lines(replace(contents, validation=rows))[HELD_OUT].verdict == verdict
    rows = tuple(replace(row, bias_error=row.scatter) for row in rows)
    assert trust_lines(replace(contents, validation=rows))[HELD_OUT].verdict == GOOD


def test_statistics_of_the_training_stars_are_not_held_out(contents):
    rows = tuple(row for row in contents.validation if row.method != "k-fold")
    line = trust_lines(replace(contents, validation=rows))[HELD_OUT]
    assert line.verdict == LOOK
    assert line.answer.startswith("Not held out")


def test_formal_errors_are_said_to_be_too_small(contents):
    model = replace(contents.model, calibration=None)
    line = trust_lines(replace(contents, model=model))[ERRORS]
    assert line.verdict == LOOK
    assert "formal only" in line.answer


def test_another_catalogue_is_a_check_of_the_errors(contents, tmp_path):
    catalogue = contents.folder.outputs["label"]
    found = bc.compare_catalogues(catalogue, catalogue, progress=False)
    (tmp_path / "comparison.json").write_text(found.to_json())
    run = replace(contents, comparison=read_comparison(tmp_path))
    assert "compared and not flagged, 100.0 % are within the error" in trust_lines(run)[ERRORS].answer


def test_errors_that_are_too_small_are_not_good(contents):
    calibration = replace(contents.model.calibration, floor=contents.model.calibration.floor - 3)
    model = replace(contents.model, calibration=calibration)
    line = trust_lines(replace(contents, model=model))[ERRORS]
    assert line.verdict == POOR
