"""Digests of inputs: equal for equal inputs, and other ones for others."""

from dataclasses import replace

import numpy as np
import toy
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.app.run_identity import choice_identity, model_identity, reference_identity, table_identity
from bayescannon.models.label_priors import FlatLabels
from bayescannon.models.nuisances import Nuisances


def test_a_model_is_known_by_all_that_it_holds(tmp_path):
    reference = toy.toy_reference(80, ("teff", "logg"), n_pixel=40)
    model = bc.qualify(bc.train(reference), reference, folds=2)
    bc.save_model(model, tmp_path / "model.nc")
    assert model_identity(bc.load_model(tmp_path / "model.nc")) == model_identity(model)
    # the hash of a model does not have its coverage
    bare = replace(model, coverage=None)
    assert bare.hash == model.hash
    assert model_identity(bare) != model_identity(model)
    survey = toy_survey().model
    assert model_identity(survey) != model_identity(survey.router)


def test_tables_and_reference_sets():
    table = bc.LabelTable(["a", "b"], labels={"teff": [4800, 5000]})
    assert table_identity(table) == table_identity(bc.LabelTable(["a", "b"], labels={"teff": [4800, 5000]}))
    assert table_identity(bc.LabelTable(["a", "b"], labels={"teff": [4800, 5001]})) != table_identity(table)
    assert table_identity(None) == reference_identity(None) == ""
    reference = toy.toy_reference(30, ("teff",))
    moved = replace(reference, labels=reference.labels + 1)
    assert reference_identity(reference) == reference_identity(reference.select(np.arange(30)))
    assert reference_identity(moved) != reference_identity(reference)


def test_choices():
    assert [choice_identity(one) for one in (None, "gaussian", 3)] == ["None", "'gaussian'", "3"]
    assert choice_identity(FlatLabels()) == choice_identity(FlatLabels())
    assert choice_identity(Nuisances("5km/s")) != choice_identity(Nuisances("6km/s"))
