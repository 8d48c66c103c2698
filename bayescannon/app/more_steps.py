"""Steps of a run on request: kinds of error, coverage, the comparison with another catalogue, the page of the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from bayescannon import __version__
from bayescannon.app.catalogue_comparison import compare_catalogues, print_comparison, write_comparison
from bayescannon.app.catalogue_run import label_catalogue
from bayescannon.app.config import RunConfig, tables_of
from bayescannon.app.engines import choose_engine
from bayescannon.app.report.page import report_html
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.app.result import RunResult
from bayescannon.app.run_journal import file_digest
from bayescannon.app.star_verbs import budget_choices, read_own_labels, write_errors, write_models
from bayescannon.app.stores import star_choice
from bayescannon.app.summary import coverage_summary
from bayescannon.app.terminal import progress_bar, say
from bayescannon.cannon.choices import NuisanceChoices
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.star_choices import ModelSpectraChoices
from bayescannon.io.outputs import replacing
from bayescannon.io.store import is_store, store_id
from bayescannon.io.store_rows import n_stars
from bayescannon.numerics.executors import Executor


class MoreSteps:
    """
    Steps that are done where the configuration has their section.

    Parameters
    ----------
    config : RunConfig
    result : RunResult
        Of the steps before.
    console : rich.console.Console
        Where they report.
    """

    def __init__(self, config: RunConfig, result: RunResult, console: Console) -> None:
        self.config, self.result, self.console = config, result, console
        self.paths = result.outputs

    def of_models(self) -> dict[str, Any]:
        """Return what decides the model spectra."""
        label = self.config.label
        names = ("prior", "starts", "seed", *(item.name for item in fields(NuisanceChoices)))
        chosen = {name: getattr(label, name) for name in names} | {"stars": contents_of(label.model_stars)}
        return self._of_model() | {"choices": chosen}

    def write_models(self) -> None:
        """Write the best-fit model spectra of the stars."""
        write_models(
            self.console, self.result.model, self.paths["store"], self.paths["model_spectra"], self.config.label,
            self.config.engine, overwrite=True,
        )  # fmt: skip

    def of_errors(self) -> dict[str, Any]:
        """Return what decides the kinds of error."""
        chosen = asdict(self.config.uncertainties) if self.config.uncertainties else {}
        return self._of_labelled() | {"uncertainties": chosen | {"stars": contents_of(chosen.get("stars"))}}

    def evaluate(self) -> None:
        """Evaluate kinds of error of the stars."""
        chosen, label, model = self.config.uncertainties, self.config.label, self.result.model
        assert chosen is not None
        star_id = tables_of(self.config.labels)[0].star_id
        write_errors(
            self.console, model, self.paths["store"], self.paths["uncertainties"], self.config.engine, overwrite=True,
            choices=budget_choices(chosen, label.prior, star_id, label.seed), stars=star_choice(chosen.stars),
            reference=self.result.reference, nuisances=choose_nuisances(label, model.options.nuisances),
        )  # fmt: skip

    def of_coverage(self) -> dict[str, Any]:
        """Return what decides the coverage."""
        chosen = asdict(self.config.coverage) if self.config.coverage else {}
        own = contents_of(chosen.get("pipeline_labels"))
        return self._of_labelled() | {"coverage": chosen | {"pipeline_labels": own}}

    def assess(self) -> None:
        """Write a catalogue with all scores of stars unlike the training set."""
        chosen, label, model = self.config.coverage, self.config.label, self.result.model
        assert chosen is not None
        own = read_own_labels(chosen, model.label_names)
        store, out = self.paths["store"], self.paths["coverage"]
        with engine_of(self.config, store) as engine, progress_bar(self.console, "coverage") as progress:
            made = label_catalogue(
                model, store, out, engine=engine, block=self.config.engine.block, seed=label.seed,
                n_starts=label.starts, overwrite=True, progress=progress, pipeline_labels=own,
                false_alarms=chosen.false_alarms, scores="all",
            )  # fmt: skip
        say(self.console, f"{coverage_summary(made.facts)}: {out}")

    def of_comparison(self) -> dict[str, Any]:
        """Return what decides the comparison."""
        chosen = self.config.compare
        assert chosen is not None
        return {
            "version": __version__, "choices": asdict(chosen) | {"table": contents_of(chosen.table)},
            "catalogue": contents_of(str(self.paths["catalogue"])),
        }  # fmt: skip

    def compare(self) -> None:
        """Compare the catalogue with another table."""
        chosen = self.config.compare
        assert chosen is not None
        with progress_bar(self.console, "compare") as progress:
            found = compare_catalogues(self.paths["catalogue"], chosen.table, choices=chosen, progress=progress)
        print_comparison(self.console, found)
        write_comparison(found, self.paths["compare"], overwrite=True)
        say(self.console, f"{found.counts()}: {self.paths['compare']}")

    def of_report(self) -> dict[str, Any]:
        """Return what decides the page: all that the steps before it left."""
        left = {name: left_in(path) for name, path in self.paths.items() if name != "report"}
        return {"version": __version__, "left": left, "choices": labelling(self.config)}

    def write_report(self) -> None:
        """Write the page of the run."""
        path = self.paths["report"]
        text = report_html(RunFolder.open(path.parent, self.config))
        with replacing(path, overwrite=True) as partial:
            partial.write_text(text, encoding="utf-8")
        say(self.console, f"wrote a page of the run, to be opened in a browser: {path}")

    def _of_labelled(self) -> dict[str, Any]:
        return self._of_model() | {"label": labelling(self.config)}

    def _of_model(self) -> dict[str, Any]:
        paths = self.paths
        return {"version": __version__, "store": store_id(paths["store"]), "model": file_digest(paths["model"])}


def left_in(path: Path) -> Any:
    """Return what tells an output from others: the id of a store, or digests of a file, or of a folder's files."""
    if path.is_file():
        return file_digest(path)
    if is_store(path):
        return store_id(path)
    return {one.name: file_digest(one) for one in sorted(path.glob("*")) if one.is_file()}


def labelling(config: RunConfig) -> dict[str, Any]:
    """Return the choices that decide the labels: not those of what is written beside the catalogue."""
    left_out = {item.name for item in fields(ModelSpectraChoices)}
    return {name: value for name, value in asdict(config.label).items() if name not in left_out}


@contextmanager
def engine_of(config: RunConfig, store: Path) -> Iterator[Executor]:
    """Give what does the blocks of a store's stars, and end it."""
    engine = choose_engine(config.engine, -(-n_stars(store) // config.engine.block))
    try:
        yield engine
    finally:
        engine.close()


def contents_of(given: Any) -> Any:
    """Return the digest of a file that a configuration names, wherever it lies; what is no file as it is."""
    return file_digest(given) if isinstance(given, str) and given and Path(given).is_file() else given
