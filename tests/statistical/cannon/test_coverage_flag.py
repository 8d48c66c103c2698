"""One function decides which labels are outside the coverage, and the others agree with it."""

from dataclasses import replace

import numpy as np
import pytest
from coverage_survey import model_with_coverage, stars

from bayescannon.cannon.coverage_flag import outside_coverage
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import assess_coverage, attach_coverage
from bayescannon.data.flags import ResultFlag


@pytest.fixture(scope="module")
def trained():
    return model_with_coverage()


def test_one_function_decides_what_is_outside(trained):
    model = trained[0]
    _, spectra = stars(400, 15)
    bare = label_spectra(attach_coverage(model, None), spectra)
    labels = bare["labels"].to_numpy()
    p_value, beyond = outside_coverage(attach_coverage(model, None), labels)
    assert np.isnan(p_value).all()
    low, high = model.reference_labels.min(axis=0), model.reference_labels.max(axis=0)
    np.testing.assert_array_equal(beyond, ((labels < low) | (labels > high)).any(axis=1))
    for estimates, false_alarms in ((label_spectra(model, spectra), 0.01), (bare, 0.2)):
        p_value, outside = outside_coverage(model, labels, false_alarms=false_alarms)
        assessment = assess_coverage(model, spectra, estimates, false_alarms=false_alarms)
        np.testing.assert_array_equal(assessment["p_coverage"], p_value)
        for flags in (assessment["flags"], *([estimates["flags"]] if false_alarms == 0.01 else [])):
            np.testing.assert_array_equal((flags.to_numpy() & int(ResultFlag.OUTSIDE_COVERAGE)) != 0, outside)
        # a range hits more stars like the reference than a rate of false alarms
        assert (outside <= beyond).all() or false_alarms > 0.01
    other = replace(model.coverage, model_hash="another")
    np.testing.assert_array_equal(outside_coverage(model, labels, other)[1], beyond)
