"""Verbs that take either model: each with the help of the verb on one, and arguments that have no meaning refused."""

from inspect import signature

import numpy as np
import pytest
from toy import toy_spectra
from toy_survey import NAMES, toy_survey

import bayescannon as bc
from bayescannon.cannon import labelling, model_file, novelty, posterior, qualification, validation
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.numerics.errors import InputError, InputTypeError

PAIRS = [
    (labelling, "label_spectra"), (posterior, "sample_posterior"), (novelty, "assess_coverage"),
    (qualification, "qualify"), (validation, "validate"), (model_file, "load_model"), (model_file, "save_model"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_signature_and_help_are_those_of_the_verb_on_one_model(module, name):
    one, verb = getattr(module, name), getattr(bc, name)
    assert signature(verb) == signature(one)
    assert verb.__name__ == name
    assert one.__doc__.strip().splitlines()[0] in verb.__doc__
    if name not in ("load_model", "save_model"):
        assert "may be a survey model too: see :func:`bayescannon.cannon.populations." in verb.__doc__


@pytest.mark.long
def test_a_model_of_one_population_goes_where_it_went():
    toy = toy_survey()
    few = toy.spectra.select(np.arange(5))
    expected = labelling.label_spectra(toy.model.router, few)
    np.testing.assert_array_equal(bc.label_spectra(toy.model.router, few)["labels"], expected["labels"])
    np.testing.assert_array_equal(bc.label_spectra(model=toy.model.router, spectra=few)["labels"], expected["labels"])
    with pytest.raises(InputTypeError, match="a model must be a TrainedModel or the path of its file; got"):
        bc.label_spectra(3, few)


@pytest.mark.long
def test_files_and_stores_of_either(tmp_path):
    toy = toy_survey()
    bc.save_model(toy.model, tmp_path / "survey.nc")
    assert isinstance(bc.load_model(tmp_path / "survey.nc"), SurveyModel)
    store = bc.save_spectra(toy_spectra(toy.labels[:5], NAMES, n_pixel=60), tmp_path / "store.zarr")
    found = bc.label_spectra(str(tmp_path / "survey.nc"), store, nuisances=bc.Nuisances())
    assert found.sizes["population_name"] == 2


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda toy: bc.assess_coverage(toy.model, None, None, coverage=toy.model.router.coverage), "coverage"),
        (lambda toy: bc.qualify(toy.model, toy.reference, clipped=toy.reference), "clipped"),
        (lambda toy: bc.validate(toy.model, toy.reference, held_out=1), "held_out"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(call, name):
    with pytest.raises(InputError, match=f"{name} cannot be given with a survey model: .*; leave it out"):
        call(toy_survey())
