"""Validation of a survey model: of all stars and of each population, with held-out stars that are known."""

import pytest
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.cannon.populations import validation


def test_statistics_are_of_all_stars_and_of_each_population(monkeypatch):
    toy = toy_survey()
    monkeypatch.setattr(validation, "qualify_survey", lambda *_, **__: pytest.fail("held-out stars are known"))
    found = bc.validate(toy.model, toy.reference, folds=2)
    assert list(found.estimates) == ["leave-none-out", "k-fold"]
    counts = [found.row("k-fold", name, "logg").n_stars for name in ("all", "lower", "upper", "upper, snr > 50")]
    assert counts[0] == toy.reference.n_stars == counts[1] + counts[2]
    assert counts[3] == counts[2], "every toy star has S/N 60"
    assert found.row("k-fold", "all", "logg").scatter > found.row("leave-none-out", "all", "logg").scatter
    assert list(validation.validate_survey(toy.model, toy.reference, folds=0).estimates) == ["leave-none-out"]


@pytest.mark.long
def test_other_folds_hold_the_stars_out_anew():
    toy = toy_survey()
    found = bc.validate(toy.model, toy.reference, folds=3)
    assert found.row("k-fold", "all", "logg").n_stars == toy.reference.n_stars
