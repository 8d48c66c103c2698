"""The steps of a run, in order: what each makes of which inputs, and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bayescannon import __version__
from bayescannon.app.catalogue_run import label_catalogue
from bayescannon.app.config import RunConfig, tables_of
from bayescannon.app.more_steps import MoreSteps, contents_of, engine_of, labelling
from bayescannon.app.pictures import write_figures
from bayescannon.app.result import RunResult
from bayescannon.app.run_journal import file_digest
from bayescannon.app.step_names import (
    COMPARE,
    COVERAGE,
    FIGURES,
    LABEL,
    MODEL_SPECTRA,
    PREPARE,
    REPORT,
    TRAIN,
    UNCERTAINTIES,
    VALIDATE,
)
from bayescannon.app.summary import summary
from bayescannon.app.terminal import print_prepared, print_statistics, progress_bar, say
from bayescannon.app.train_verb import Training
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.populations.either_model import validate
from bayescannon.data.preset import choose_preset
from bayescannon.io.catalogue import check_catalogue_names
from bayescannon.io.outputs import replacing
from bayescannon.io.preparation import digest_of_source, prepare_files
from bayescannon.io.store import store_id


@dataclass(frozen=True)
class Step:
    """
    A step of a run.

    Attributes
    ----------
    name : str
    output : Path
        The file or folder that it makes.
    inputs : callable
        Returns what decides the output, which JSON can hold; the outputs of the steps before it exist.
    make : callable
        Makes the output, replacing what exists.
    """

    name: str
    output: Path
    inputs: Callable[[], Mapping[str, Any]]
    make: Callable[[], None]


class RunSteps:
    """
    The steps of a run with one configuration.

    Parameters
    ----------
    config : RunConfig
    result : RunResult
        Gets what the steps make.
    console : rich.console.Console
        Where they report.
    """

    def __init__(self, config: RunConfig, result: RunResult, console: Console) -> None:
        self.config, self.result, self.console = config, result, console
        self.paths = result.outputs

    def in_order(self) -> list[Step]:
        """Return the steps."""
        paths = self.paths
        steps = [
            Step(PREPARE, paths["store"], self._of_prepare, self._prepare),
            Step(TRAIN, paths["model"], self._of_train, self._train),
            Step(VALIDATE, paths["validation"], self._of_validate, self._validate),
            Step(LABEL, paths["catalogue"], self._of_label, self._label),
        ]
        more = MoreSteps(self.config, self.result, self.console)
        if self.config.label.model_spectra is not None:
            steps.append(Step(MODEL_SPECTRA, paths["model_spectra"], more.of_models, more.write_models))
        if self.config.uncertainties is not None:
            steps.append(Step(UNCERTAINTIES, paths["uncertainties"], more.of_errors, more.evaluate))
        if self.config.coverage is not None:
            steps.append(Step(COVERAGE, paths["coverage"], more.of_coverage, more.assess))
        if self.config.compare is not None:
            steps.append(Step(COMPARE, paths["compare"], more.of_comparison, more.compare))
        if self.config.figures:
            steps.append(Step(FIGURES, paths["figures"], self._of_figures, self._draw))
        if self.config.report:
            steps.append(Step(REPORT, paths["report"], more.of_report, more.write_report))
        return steps

    def _of_prepare(self) -> dict[str, Any]:
        chosen = asdict(self.config.prepare)
        files = digest_of_source(chosen.pop("spectra"), chosen["reader"])
        del chosen["workers"]
        contents = {name: contents_of(chosen.pop(name)) for name in ("grid", "redshift")}
        return {"version": __version__, "choices": chosen, "files": files, **contents}

    def _prepare(self) -> None:
        chosen = self.config.prepare
        with progress_bar(self.console, "prepare") as progress:
            report = prepare_files(
                chosen.spectra,
                self.paths["store"],
                preset=choose_preset(chosen.preset, chosen.variance, chosen.resampling),
                grid=chosen.grid,
                reader=chosen.reader,
                air=chosen.air,
                redshift=chosen.redshift,
                workers=chosen.workers,
                overwrite=True,
                progress=progress,
            )
        print_prepared(self.console, report)
        check_catalogue_names(self.paths["catalogue"], self.paths["store"])

    def _of_train(self) -> dict[str, Any]:
        chosen, label = asdict(self.config.train), self.config.label
        return {
            "version": __version__, "store": store_id(self.paths["store"]), "seed": label.seed, "starts": label.starts,
            "choices": chosen | {"populations": contents_of(chosen["populations"])},
            "tables": [asdict(one) | {"table": contents_of(one.table)} for one in tables_of(self.config.labels)],
        }  # fmt: skip

    def _train(self) -> None:
        config, label = self.config, self.config.label
        training = Training(self.paths["store"], config.labels, config.train, label.seed, label.starts)
        model, reference = training.write(self.console, self.paths["model"], config.engine, overwrite=True)
        self.result.made.update(model=model, reference=reference)

    def _of_validate(self) -> dict[str, Any]:
        chosen, label = asdict(self.config.validate), self.config.label
        model = file_digest(self.paths["model"])
        return {"model": model, "choices": chosen, "seed": label.seed, "starts": label.starts}

    def _validate(self) -> None:
        chosen, label = self.config.validate, self.config.label
        with progress_bar(self.console, "validate") as progress:
            validation = validate(
                self.result.model, self.result.reference, folds=chosen.folds, snr_min=chosen.snr_min,
                n_starts=label.starts, seed=label.seed, progress=progress,
            )  # fmt: skip
        print_statistics(self.console, validation.rows)
        with replacing(self.paths["validation"], overwrite=True) as partial:
            partial.write_text(validation.to_json() + "\n", encoding="utf-8")
        self.result.made["validation"] = validation

    def _of_label(self) -> dict[str, Any]:
        return {
            "version": __version__, "store": store_id(self.paths["store"]),
            "model": file_digest(self.paths["model"]), "choices": labelling(self.config),
        }  # fmt: skip

    def _label(self) -> None:
        chosen, model = self.config.label, self.result.model
        with engine_of(self.config, self.paths["store"]) as engine, progress_bar(self.console, "label") as progress:
            made = label_catalogue(
                model, self.paths["store"], self.paths["catalogue"], engine=engine, block=self.config.engine.block,
                only=chosen.only, prior=chosen.prior,
                nuisances=choose_nuisances(chosen, model.options.nuisances), n_starts=chosen.starts, seed=chosen.seed,
                n_draws=chosen.draws if chosen.posterior else 0, correct_offsets=chosen.correct_offsets,
                odd=chosen.odd, false_alarms=chosen.false_alarms, overwrite=True, progress=progress,
            )  # fmt: skip
        text = "; ".join(part for part in (summary(made.facts, n_starts=chosen.starts), made.selection) if part)
        self.result.made["summary"] = text

    def _of_figures(self) -> dict[str, Any]:
        names = ("model", "validation", "catalogue")
        return {name: file_digest(self.paths[name]) for name in names} | {"snr_min": self.config.validate.snr_min}

    def _draw(self) -> None:
        figures = write_figures(self.result, self.paths["figures"], snr_min=self.config.validate.snr_min)
        say(self.console, f"drew {', '.join(figures)}: {self.paths['figures']}")
