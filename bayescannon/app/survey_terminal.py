"""What the command line shows of a survey model: its populations, and how held-out stars are told apart."""

import numpy as np
from rich.console import Console
from rich.markup import escape

from bayescannon.app.terminal import new_table, print_calibration, print_choice, say
from bayescannon.cannon.populations.held_out_membership import HeldOutMembership
from bayescannon.cannon.populations.selection import selection_limit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.errors import InputError


def print_trained(console: Console, model: TrainedModel | SurveyModel) -> None:
    """Say what held-out stars decided at the training, and which populations a survey model has."""
    if isinstance(model, TrainedModel):
        print_choice(console, model)
        return
    say(console, f"training: {model.router.describe_priors()}")
    print_choice(console, model.router)
    table = new_table("Populations", "population")
    table.add_column("labels", overflow="fold")
    table.add_column("reference stars", justify="right")
    for name, region, local in zip(model.names, model.regions.regions, model.models, strict=True):
        stars = "by the router" if local is None else str(local.n_stars)
        table.add_row(escape(name), escape(region.describe()), stars)
    table.add_row("router", "all that train it", str(model.router.n_stars))
    console.print(table)
    for note in model.notes:
        say(console, f"populations: {note}")


def print_qualified(console: Console, model: TrainedModel | SurveyModel) -> None:
    """Say what errors were calibrated on; of a survey model, how held-out stars' populations are told."""
    if isinstance(model, TrainedModel):
        print_calibration(console, model)
        return
    for name, one in model.distinct.items():
        say(console, f"{name}:")
        print_calibration(console, one)
    if model.held_out is None:
        return
    print_membership(console, model.held_out)
    for name in model.names if len(model.names) > 1 else ():
        try:
            limit = selection_limit(model, name)
        except InputError as error:
            say(console, f"--only {name}: {error}")
        else:
            say(console, f"--only {name}: {limit.describe()}")


def print_membership(console: Console, held_out: HeldOutMembership) -> None:
    """Print how many held-out stars of each population, by their reported labels, are found to be of which."""
    names = held_out.names
    members, membership = held_out.members, held_out.membership
    known = np.isfinite(membership).all(axis=1)
    found = np.where(known, np.where(known[:, None], membership, 0.0).argmax(axis=1), -1)
    table = new_table("Held-out stars: reported and found", "reported", *names)
    table.add_column("right", justify="right")
    table.add_column("no labels", justify="right")
    for m, name in enumerate(names):
        mine = members[:, m]
        counts = [int((mine & (found == k)).sum()) for k in range(len(names))]
        share = f"{100 * counts[m] / mine.sum():.1f} %" if mine.any() else "-"
        table.add_row(escape(name), *map(str, counts), share, str(int((mine & ~known).sum())))
    console.print(table)
