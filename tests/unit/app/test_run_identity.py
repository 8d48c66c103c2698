from dataclasses import replace

import numpy as np

from bayescannon.app.run_identity import choice_identity, model_identity, table_identity
from bayescannon.cannon.training import train
from bayescannon.data.label_table import LabelTable
from tests.helpers import toy


def test_a_model_is_told_from_one_that_differs_in_a_number():
    model = train(toy.toy_reference(60, ("teff",)))
    assert model_identity(model) == model_identity(replace(model))
    other = replace(model, reference_labels=model.reference_labels + 1e-9)
    assert model_identity(other) != model_identity(model)


def test_tables_and_choices_are_told_by_what_they_hold():
    table = LabelTable(id=np.array(["a", "b"]), labels={"teff": np.array([4000.0, 5000.0])})
    same = LabelTable(id=np.array(["a", "b"]), labels={"teff": np.array([4000.0, 5000.0])})
    other = LabelTable(id=np.array(["a", "b"]), labels={"teff": np.array([4000.0, 5001.0])})
    assert table_identity(table) == table_identity(same) != table_identity(other)
    assert table_identity(None) == ""
    assert choice_identity(None) == "None"
    assert choice_identity("coverage") != choice_identity("flat")
