"""Training of a survey model: who trains what, what is merged, and what is assumed unless it is given."""

import numpy as np
import pytest
from toy_survey import NAMES, REGIONS, toy_survey

from bayescannon.cannon.populations.local_training import keeps_to_router
from bayescannon.cannon.populations.trained_stars import survey_stars
from bayescannon.cannon.populations.training import population_stars, train_survey
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.models.coefficient_priors import FlatCoefficients, PooledCoefficients
from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.models.noise_priors import GlobalNoise


def test_a_star_near_the_border_trains_both_models():
    toy = toy_survey()
    inside = REGIONS.training_stars(toy.reference.labels, NAMES)
    assert inside.any(axis=1).all()
    for column, name in zip(inside.T, toy.model.names, strict=True):
        assert set(toy.model.distinct[name].reference_id) == set(toy.reference.spectra.id[column])
    assert sum(len(toy.model.distinct[name].reference_id) for name in toy.model.names) > len(toy.reference)
    stars = population_stars(toy.model, toy.reference)
    assert [len(one) for one in stars.values()] == [len(one.reference_id) for one in toy.model.distinct.values()]
    with pytest.raises(ReferenceSetError, match="which the model of router was trained on"):
        population_stars(toy.model, toy.reference.select(np.arange(20)))
    every = survey_stars(toy.model)
    assert set(every.reference_id) == set(toy.reference.spectra.id)
    assert len(every.reference_labels) == len(every.reference_id)


def test_coefficients_are_pooled_unless_something_is_given():
    toy = toy_survey()
    assert isinstance(toy.model.options.coefficients, PooledCoefficients)
    assert isinstance(toy.model.options.noise, GlobalNoise)
    paper, _ = train_survey(toy.reference, populations=REGIONS, recipe="paper")
    assert isinstance(paper.options.coefficients, FlatCoefficients)
    assert not keeps_to_router(paper.options)


def test_what_was_decided_is_noted():
    toy = toy_survey()
    few = LabelRegions((*REGIONS.regions, LabelRegion("far", ({"teff": (9000, np.inf)},))), {"logg": 0.3, "teff": 100})
    merged, _ = train_survey(toy.reference, populations=few, max_rounds=0)
    assert len(merged.names) == 2
    assert "population far has 0 reference stars and a model of it needs 12" in merged.notes[0]
    wide = LabelRegions(
        (LabelRegion("all", ({"logg": (-np.inf, 9)},)), LabelRegion("far", ({"logg": (9, 10)},))), {"logg": 0.3}
    )
    one, _ = train_survey(toy.reference, populations=wide, max_rounds=0)
    assert any("all reference stars are of one population, all" in note for note in one.notes)
    assert one.models == (None,)
    apart = LabelRegions((REGIONS.regions[0], LabelRegion("upper", REGIONS.regions[1].boxes, False)), {"logg": 0.3})
    outside, _ = train_survey(toy.reference, populations=apart, max_rounds=0)
    assert any("upper would bend its quadratic" in note for note in outside.notes)
    nobody = LabelRegions(tuple(LabelRegion(one.name, one.boxes, False) for one in REGIONS.regions), {"logg": 0.3})
    with pytest.raises(ReferenceSetError, match="no reference star is in a population that trains the router"):
        train_survey(toy.reference, populations=nobody)
