"""
Reproduce Ho et al. (2017) from spectra to catalogue: every figure, table 1, and every number beside the paper's.

Usage: python run.py [--config FILE] [--out DIR] [--overwrite]
A run that was interrupted goes on where it was. Everything is written below DIR: survey/ (the mock survey), run/
(store, model, validation, catalogue of all stars), budget.nc, figures/, catalogue.fits (reference and test stars),
numbers.md, numbers.csv, and README.md, which shows all of it.
"""

import argparse
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr
from config import StudyConfig, read_study
from page import write_page
from pictures import draw_figures
from published_numbers import write_numbers
from results import Results, hold_out_once
from rich.console import Console
from stars import Stars

from bayescannon.app.budget_run import write_budget
from bayescannon.app.console import make_console
from bayescannon.app.result import RunResult
from bayescannon.app.run import run_pipeline
from bayescannon.app.run_journal import RunJournal, file_digest
from bayescannon.app.terminal import print_statistics, progress_bar, say
from bayescannon.io.catalogue import write_catalogue
from bayescannon.mock.survey import write_survey
from bayescannon.numerics.errors import BayesCannonError
from bayescannon.uncertainty.budget import BudgetChoices

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# what the paper computes of each star's errors, and the errors that held-out stars confirm
KINDS = ("formal", "bootstrap", "calibrated")


def simulate(config: StudyConfig, journal: RunJournal, console: Console, *, overwrite: bool) -> None:
    """Write the mock survey, unless an earlier run of the study wrote it."""
    if config.mock is None:
        return
    inputs, tables = asdict(config.mock), [config.survey / "truth.csv", config.survey / "apogee.fits", config.pipeline]
    if journal.is_finished("mock", inputs, tables):
        say(console, f"mock: finished before, with the same inputs: {config.survey}")
        return
    # a survey without its truth, which is written last, is the beginning of one
    unfinished = not tables[0].exists()
    with progress_bar(console, "mock survey") as progress:
        write_survey(
            config.survey, config.mock.n_reference, config.mock.n_test, seed=config.mock.seed, populations="paper",
            overwrite=overwrite or unfinished, progress=progress,
        )  # fmt: skip
    journal.finish("mock", inputs, tables)
    say(
        console,
        f"wrote {config.mock.n_reference} stars in common and {config.mock.n_test} field stars: {config.survey}",
    )


def budget_of(config: StudyConfig, run: RunResult, stars: Stars, journal: RunJournal, console: Console) -> xr.Dataset:
    """Evaluate the errors of some test stars: formal, of the bootstrap, calibrated."""
    out, chosen, seed = config.out / "budget.nc", config.choices, config.run.label.seed
    test = np.flatnonzero(stars.is_test & np.isfinite(stars.labels).all(axis=1))
    some = np.sort(np.random.default_rng(seed).permutation(test)[: chosen.budget_stars])
    ids = [str(name) for name in stars.catalogue["id"][some]]
    inputs = {"model": file_digest(run.outputs["model"]), "stars": ids, "bootstrap": chosen.bootstrap, "kinds": KINDS}
    if journal.is_finished("budget", inputs, [out]):
        say(console, f"budget: finished before, with the same inputs: {out}")
    else:
        with progress_bar(console, "uncertainties") as progress:
            write_budget(
                run.model, run.outputs["store"], out, stars=ids, reference=run.reference, overwrite=True,
                choices=BudgetChoices(kinds=KINDS, n_bootstrap=chosen.bootstrap, seed=seed), progress=progress,
            )  # fmt: skip
        journal.finish("budget", inputs, [out])
        say(console, f"errors of {len(ids)} test stars, with {chosen.bootstrap} bootstrapped models: {out}")
    return xr.open_dataset(out, engine="h5netcdf").load()


def run_study(config: StudyConfig, console: Console, *, overwrite: bool = False) -> Results:
    """Do the whole study, and write its folder."""
    begun = time.monotonic()
    config.out.mkdir(parents=True, exist_ok=True)
    journal = RunJournal(config.out / "study.json")
    simulate(config, journal, console, overwrite=overwrite)
    run = run_pipeline(config.run, overwrite=overwrite, console=console)
    stars = Stars.of(
        run.catalogue, run.reference, config.pipeline, config.pipeline_columns, cut=config.choices.label_distance
    )
    say(console, f"test set: {stars.is_test.sum()} of {(~stars.is_reference).sum()} stars that are no reference stars "
        f"have a label distance below {config.choices.label_distance:g}")  # fmt: skip
    write_catalogue(run.catalogue[stars.in_catalogue], config.out / "catalogue.fits", overwrite=True)
    budget = budget_of(config, run, stars, journal, console)
    with console.status("80/20") if console.is_terminal else nullcontext():
        split = hold_out_once(
            run.model, run.reference, share=config.choices.held_out, snr_min=config.run.validate.snr_min,
            seed=config.run.label.seed,
        )  # fmt: skip
    print_statistics(console, split)
    results = Results(run, stars, tuple(split), budget, config.choices.label_distance, config.mock is None)
    write_numbers(results, config.out / "numbers")
    figures = draw_figures(results, config.out / "figures")
    write_page(results, config.out, figures)
    say(console, f"{len(figures)} figures and tables in {time.monotonic() - begun:.0f} s: {config.out / 'README.md'}")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=HERE / "paper.toml", metavar="FILE")
    parser.add_argument("--out", type=Path, default=ROOT / "paper", metavar="DIR", help="folder to write to")
    parser.add_argument("--overwrite", action="store_true", help="replace what other choices made there")
    options = parser.parse_args()
    try:
        run_study(read_study(options.config, options.out), make_console(), overwrite=options.overwrite)
    except BayesCannonError as error:
        parser.exit(1, f"run.py: {error}\n")


if __name__ == "__main__":
    main()
