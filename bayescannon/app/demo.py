"""The demonstration: a mock survey written to disk as survey files, and the real pipeline run on those files."""

from pathlib import Path

import numpy as np
from astropy.table import Table
from rich.console import Console

from bayescannon.app.config import LabelConfig, LabelsConfig, PrepareConfig, RunConfig, ValidateConfig
from bayescannon.app.config_text import absolute_paths, config_text
from bayescannon.app.console import make_console
from bayescannon.app.result import RunResult
from bayescannon.app.run import run_pipeline
from bayescannon.app.summary import uselessness
from bayescannon.app.terminal import print_beside_paper, print_statistics, progress_bar, say
from bayescannon.cannon.choices import SNR_MIN
from bayescannon.cannon.validation import compare
from bayescannon.data.labels import PAPER_LABELS
from bayescannon.io.output_check import Output, check_outputs
from bayescannon.io.outputs import replacing
from bayescannon.mock.catalogues import TRUTH_COLUMNS
from bayescannon.mock.survey import write_survey
from bayescannon.numerics.rows import rows_of

_HEAD = ("What `bayescannon demo` ran on its mock survey; `bayescannon run` with this file runs it again.",)


def run_demo(
    out: str | Path,
    *,
    n_reference: int = 1200,
    n_test: int = 3000,
    seed: int = 1,
    overwrite: bool = False,
    console: Console | None = None,
) -> RunResult:
    """
    Write a mock survey to OUT/survey, run the pipeline on it into OUT/results, and print how well it did.

    Parameters
    ----------
    out : path
        Folder; made if need be.
    n_reference, n_test : int
        Stars with and without trusted labels.
    seed : int
    overwrite : bool
        Replace an earlier demonstration.
    console : rich.console.Console, optional

    Returns
    -------
    result : RunResult

    Raises
    ------
    OutputExistsError
        `out` holds an earlier demonstration and `overwrite` is False.
    """
    console = console or make_console()
    survey, results = Path(out) / "survey", Path(out) / "results"
    wanted = [Output(path, "--out", is_folder=True) for path in (survey, results)]
    check_outputs([Output(Path(out), "--out", is_added_to=True), *wanted], overwrite=overwrite)
    with progress_bar(console, "mock survey") as progress:
        write_survey(survey, n_reference, n_test, seed=seed, overwrite=overwrite, progress=progress)
    say(console, f"wrote {n_reference} reference and {n_test} test stars as survey files: {survey}")
    config = RunConfig(
        out=str(results),
        prepare=PrepareConfig(spectra=str(survey / "spectra")),
        labels=LabelsConfig(table=str(survey / "apogee.fits"), format="allstar-dr12"),
        label=LabelConfig(seed=seed),
        validate=ValidateConfig(),
    )
    written = Path(out) / "run.toml"
    with replacing(written, overwrite=True) as partial:
        partial.write_text(config_text(absolute_paths(config), written.parent, head=_HEAD), encoding="utf-8")
    result = run_pipeline(config, overwrite=overwrite, console=console)

    truth = Table.read(survey / "truth.csv", format="ascii.csv")
    truth = truth[np.asarray(truth["is_reference"]).astype(str) == "False"]
    rows = rows_of(truth["id"], result.estimates["star"].to_numpy())
    estimates, rows = result.estimates.isel(star=rows >= 0), rows[rows >= 0]
    true_labels = np.column_stack([np.asarray(truth[TRUTH_COLUMNS.get(name, name)])[rows] for name in PAPER_LABELS])
    print_statistics(console, compare(estimates, true_labels, method="test stars, truth", snr_min=SNR_MIN))
    names = result.model.label_names
    print_beside_paper(console, [result.validation.row("k-fold", f"snr > {SNR_MIN:g}", name) for name in names])
    useless = uselessness(result.estimates)
    if useless:
        say(console, useless)
    say(console, f"all of it on one page, to be opened in a browser: {result.outputs['report']}")
    return result
