"""The verb ``train``: a model from a store and tables of labels, with finished folds kept until it is written."""

import argparse
from contextlib import ExitStack
from functools import partial

from bayescannon import __version__
from bayescannon.app.config import Labels, TrainConfig
from bayescannon.app.console import make_console
from bayescannon.app.rescue import write_result
from bayescannon.app.run_identity import model_identity
from bayescannon.app.summary import training_summary
from bayescannon.app.survey_terminal import print_qualified, print_trained
from bayescannon.app.terminal import print_notes, print_tally, progress_bar, say
from bayescannon.app.training import qualify_from_config, train_from_config
from bayescannon.cannon.engine_choices import EngineChoices
from bayescannon.cannon.fold_work import FoldWork
from bayescannon.cannon.populations.either_model import save_model
from bayescannon.io.output_lock import locked
from bayescannon.io.store import store_id
from bayescannon.io.work_folder import WorkFolder
from bayescannon.numerics.executors import as_executor


def train_and_write(options: argparse.Namespace, labels: Labels) -> None:
    """
    Train, qualify by held-out stars and write the model, as the command line says.

    A run that was killed while it held stars out trains again and takes up the folds that were finished.
    """
    config, engine = TrainConfig.of(options), EngineChoices.of(options)
    console = make_console()
    with ExitStack() as stack:
        stack.enter_context(locked(options.out))
        executor = None
        if engine.workers is not None or engine.dask is not None:
            executor = as_executor(engine.dask or "processes", engine.workers)
            stack.callback(executor.close)
        with progress_bar(console, "train") as progress:
            model, reference = train_from_config(
                options.store, labels, config, seed=options.seed, say=partial(print_notes, console), progress=progress
            )
        print_tally(console, reference.tally)
        print_trained(console, model)
        fingerprint = {
            "verb": "train", "version": __version__, "model": model_identity(model), "store": store_id(options.store),
            "folds": config.folds, "seed": options.seed,
        }  # fmt: skip
        work = stack.enter_context(WorkFolder(options.out, fingerprint))
        if config.folds:
            with progress_bar(console, "hold out") as progress:
                model = qualify_from_config(
                    model, reference, config, seed=options.seed, progress=progress,
                    work=FoldWork(executor, work.parts),
                )  # fmt: skip
            print_qualified(console, model)
        write_result(lambda path: save_model(model, path, overwrite=options.overwrite), options.out)
        work.finish()
    say(console, f"{training_summary(model)}: {options.out}")
