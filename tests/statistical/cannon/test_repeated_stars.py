"""Stars with several spectra: held-out scatter, calibrated errors and p-values are those of new stars."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between
from repeated_stars import NAMES, repeated_survey

from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import assess_coverage
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.training import train


@pytest.mark.long
def test_the_scatter_of_sixty_stars_with_five_spectra_is_that_of_new_stars():
    """By stars the held-out scatter is that of new stars, but for an eighth fewer stars; by spectra it is far less."""
    ratios, leaking, within, alarms = [], [], [], []
    for seed in range(6):
        reference, _ = repeated_survey(np.full(60, 5), seed)
        new, _ = repeated_survey(np.ones(600, dtype=int), 100 + seed)
        model = qualify(train(reference), reference)
        found = label_spectra(model, new.spectra)
        labels = found["labels"].to_numpy()
        scatter = (labels - new.labels).std(axis=0)
        ratios.append((model.held_out.estimates["labels"].to_numpy() - reference.labels).std(axis=0) / scatter)
        within.append((np.abs(labels - new.labels) < found["calibrated_error"].to_numpy()).mean(axis=0))
        coverage = assess_coverage(model, new.spectra, found)
        alarms.append([(coverage[name] <= 0.1).mean() for name in ("p_coverage", "p_novelty")])
        if seed < 2:
            apart = hold_out(replace(reference, star=reference.spectra.id)).estimates
            leaking.append((apart["labels"].to_numpy() - reference.labels).std(axis=0) / scatter)
    for k, name in enumerate(NAMES):
        ratio = np.array(ratios)[:, k]
        error = ratio.std(ddof=1) / np.sqrt(len(ratio))
        print(f"{name}: {ratio.mean():.3f} +- {error:.3f}")
        expect_between(np.mean(leaking, axis=0)[k], 0.3, 0.85, what=f"{name}: scatter by spectra / of new stars")
        expect_between(ratio.mean(), 1 - 3 * error, 1.15 + 3 * error, what=f"{name}: scatter by stars / of new stars")
        expect_between(np.mean(within, axis=0)[k], 0.62, 0.74, what=f"{name}: new stars within the calibrated error")
    for name, share in zip(("p_coverage", "p_novelty"), np.mean(alarms, axis=0), strict=True):
        # of 60 stars a rate is known to 0.06, of six sets to 0.023
        expect_between(share, 0.03, 0.17, what=f"new stars with {name} of at most 0.1")
