"""What the command line shows of a survey model's training."""

from dataclasses import replace
from io import StringIO

from rich.console import Console
from toy_survey import toy_survey

from bayescannon.app.survey_terminal import print_qualified, print_trained


def shown(print_it, model):
    console = Console(file=StringIO(), width=140)
    print_it(console, model)
    return console.file.getvalue()


def test_populations_with_counts_and_notes():
    model = toy_survey().model
    text = shown(print_trained, replace(model, notes=("said of populations",), models=(None, model.models[1])))
    for expected in ("training: theta pooled", "logg < 2.5", "by the router", "populations: said of populations"):
        assert expected in text
    assert str(model.models[1].n_stars) in text


def test_held_out_stars_and_limits():
    model = toy_survey().model
    text = shown(print_qualified, model)
    assert text.count("errors: calibrated on") == 3
    assert "Held-out stars: reported and found" in text
    assert "--only upper: p_upper >= " in text
    members = model.held_out.members.sum(axis=0)
    assert f"keeps lower {members[0]} of {members[0]}" in text
    bare = shown(print_qualified, replace(model, held_out=None))
    assert "--only" not in bare


def test_a_model_of_one_population_is_shown_as_it_was():
    router = toy_survey().model.router
    assert shown(print_trained, router) == ""
    assert shown(print_qualified, router).startswith("errors: calibrated on")
