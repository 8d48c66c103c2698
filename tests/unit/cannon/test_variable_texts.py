"""Every variable of a model's file has a long name and units, and no text is of a variable that is not there."""

import astropy.units as u
import pytest
import toy
from old_model import OLD

from bayescannon.cannon import variable_texts as texts
from bayescannon.cannon.model_file import load_model
from bayescannon.cannon.model_layout import model_groups
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.training import train

GROUPS = {
    "/": texts.ROOT,
    "model": texts.MODEL,
    "populations": texts.POPULATIONS,
    "latent_labels": texts.LATENT_LABELS,
    "component_choice": texts.COMPONENT_CHOICE,
    "reference": texts.REFERENCE,
    "calibration": texts.CALIBRATION,
    "coverage": texts.COVERAGE,
}


@pytest.fixture(scope="module")
def layouts():
    """The groups of a model with nearly everything, of one with smooth coefficients, and of a qualified one."""
    options = TrainingOptions.from_names(coefficients="smooth", scatter="pooled", noise="pixel")
    reference = toy.toy_reference(80, ("teff",))
    models = (
        load_model(OLD),
        train(toy.toy_reference(60, ("teff",), n_pixel=12), options=options),
        train(toy.noisy_reference(120, error=0.3, hidden=0.01, n_pixel=30)[0], label_errors="auto", hidden="auto"),
        train(toy.noisy_reference(120, error=0.3, hidden=0.01, n_pixel=30)[0], label_errors="table", hidden=1),
        train(toy.toy_reference(60, ("teff",), n_pixel=12), noise="star"),
        qualify(train(reference, outliers="mixture"), reference, folds=2),
    )
    return [model_groups(model) for model in models]


@pytest.mark.parametrize("group", GROUPS)
def test_texts_are_of_the_variables_of_files_and_of_all_of_them(layouts, group):
    there = {str(name) for layout in layouts if group in layout for name in layout[group].variables}
    assert there == set(GROUPS[group])


@pytest.mark.parametrize("group", GROUPS)
def test_texts_say_something_and_units_are_units(group):
    for name, (long_name, unit) in GROUPS[group].items():
        assert len(long_name) > 5, name
        assert long_name.isascii(), name
        words = (texts.LABEL_UNIT, "normalised flux", "normalised flux squared", "ln of normalised flux")
        if unit not in words and "flux" not in unit:
            u.Unit(unit)
