"""Train from a store and tables of labels and write the model, with finished folds kept until it is written."""

import argparse
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from bayescannon import __version__
from bayescannon.app.config import Labels, TrainConfig
from bayescannon.app.console import make_console
from bayescannon.app.rescue import write_result
from bayescannon.app.run_identity import model_identity
from bayescannon.app.summary import training_summary
from bayescannon.app.survey_terminal import print_qualified, print_trained
from bayescannon.app.terminal import print_notes, print_tally, progress_bar, say
from bayescannon.app.training import qualify_from_config, train_from_config
from bayescannon.cannon.choices import N_STARTS
from bayescannon.cannon.engine_choices import EngineChoices
from bayescannon.cannon.fold_work import FoldWork
from bayescannon.cannon.populations.either_model import save_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.output_lock import locked
from bayescannon.io.store import store_id
from bayescannon.io.work_folder import WorkFolder
from bayescannon.numerics.executors import as_executor


@dataclass(frozen=True)
class Training:
    """
    A training from a store, by the verb ``train`` or in a run.

    Attributes
    ----------
    store : Path
    labels : LabelsConfig or sequence of LabelsConfig
    config : TrainConfig
    seed : int
    n_starts : int
        Of the labels of held-out stars.
    """

    store: Path
    labels: Labels
    config: TrainConfig
    seed: int
    n_starts: int = N_STARTS

    def write(
        self, console: Console, out: Path, engine: EngineChoices, *, overwrite: bool
    ) -> tuple[TrainedModel | SurveyModel, ReferenceSet]:
        """
        Train, qualify by held-out stars, write the model, and return it with its reference set.

        A run that was killed while it held stars out trains again and takes up the folds that were finished.
        """
        config = self.config
        with ExitStack() as stack:
            stack.enter_context(locked(out))
            executor = None
            if engine.workers is not None or engine.dask is not None:
                executor = as_executor(engine.dask or "processes", engine.workers)
                stack.callback(executor.close)
            with progress_bar(console, "train") as progress:
                model, reference = train_from_config(
                    self.store, self.labels, config, seed=self.seed, say=partial(print_notes, console),
                    progress=progress,
                )  # fmt: skip
            print_tally(console, reference.tally)
            print_trained(console, model)
            fingerprint = {
                "verb": "train", "version": __version__, "model": model_identity(model), "store": store_id(self.store),
                "folds": config.folds, "seed": self.seed, "starts": self.n_starts,
            }  # fmt: skip
            work = stack.enter_context(WorkFolder(out, fingerprint))
            if config.folds:
                with progress_bar(console, "hold out") as progress:
                    model = qualify_from_config(
                        model, reference, config, n_starts=self.n_starts, seed=self.seed, progress=progress,
                        work=FoldWork(executor, work.parts),
                    )  # fmt: skip
                print_qualified(console, model)
            # the whole model, with its calibration, appears at once
            write_result(lambda path: save_model(model, path, overwrite=overwrite), out)
            work.finish()
        say(console, f"{training_summary(model)}: {out}")
        return model, reference


def train_and_write(options: argparse.Namespace, labels: Labels) -> None:
    """Train and write the model as the command line says."""
    training = Training(options.store, labels, TrainConfig.of(options), options.seed)
    training.write(make_console(), options.out, EngineChoices.of(options), overwrite=options.overwrite)
