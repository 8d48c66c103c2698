"""What the scores of odd spectra need of a model."""

import numpy as np
from odd_survey import GRID, dwarf_reference, odd_stars
from toy import toy_reference

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.odd_scores import ODD_CLASSES, OddScorer
from bayescannon.cannon.training import train


def test_a_scorer_has_the_main_sequence_and_templates_of_its_model():
    scorer = OddScorer.of(train(dwarf_reference(80)))
    assert scorer.sequence is not None
    assert GRID[0] < scorer.sequence.wavelength < GRID[-1]
    assert scorer.templates.shape == (len(GRID), 2)
    assert scorer.bend.shape == scorer.model.theta.shape
    assert scorer.scan.velocity[len(scorer.scan.velocity) // 2] == 0.0


def test_a_model_of_giants_says_why_there_are_no_pairs():
    scorer = OddScorer.of(train(toy_reference(80)))
    assert scorer.sequence is None
    assert "of the 80 reference stars are dwarfs" in scorer.no_pairs


def test_scores_are_where_the_classes_say_and_nan_without_labels():
    scorer = OddScorer.of(train(dwarf_reference(80)))
    spectra, scaled = odd_stars("none", 3)
    scaled = scorer.model.scaler.to_scaled(scorer.model.scaler.from_scaled(scaled))
    scaled[1] = np.nan
    found = scorer.scores(StarLikelihood.of(scorer.model, spectra), scaled)
    assert found.score.shape == (3, len(ODD_CLASSES))
    assert np.isnan(found.score[1]).all()
    assert found.double is None
    assert found.pair is not None
