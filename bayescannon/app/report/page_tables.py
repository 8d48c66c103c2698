"""The tables of a page that the terminal does not have: steps, flags, statuses and where all of it comes from."""

from bayescannon.app.report.run_contents import RunContents
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.app.run_facts import STARS, RunFacts
from bayescannon.app.shown_tables import ShownTable
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.data.flags import FLAG_BAD, FitStatus, ResultFlag
from bayescannon.io.catalogue_provenance import EXPLANATIONS

# what is not known of a run
_NONE = "-"


def steps_table(folder: RunFolder) -> ShownTable:
    """Return what each finished step left, and what tells it from others."""
    # of a folder, the checksums of all of its files would fill the page
    rows = tuple(
        (step, name, said if (n_files := said.count("; ") + 1) == 1 else f"{n_files} files")
        for step, name, said in folder.finished()
    )
    if not rows:
        return ShownTable("No finished step is recorded.")
    return ShownTable("Finished steps", ("step", "left", "size and checksum, or id"), rows, texts=(0, 1, 2))


def flags_table(facts: RunFacts) -> ShownTable:
    """Return how many stars have each flag, and what it means."""
    rows = tuple(
        (
            flag.name or _NONE, f"{facts.flagged(flag):,}", _share(facts.flagged(flag), facts[STARS]),
            "flag_bad" if flag & FLAG_BAD else "flag_warn", flag.sentence,
        )
        for flag in ResultFlag
    )  # fmt: skip
    return ShownTable("Flags of the catalogue", ("flag", "stars", "share", "sets", "meaning"), rows, texts=(0, 3, 4))


def status_table(run: RunContents) -> ShownTable | None:
    """Return how the fits of the catalogue's stars ended; None without a catalogue that says so."""
    table = run.catalogue
    if table is None or "status" not in table.colnames:
        return None
    status = table["status"]
    rows = tuple(
        (member.name, f"{(count := int((status == member).sum())):,}", _share(count, len(table)), member.sentence)
        for member in FitStatus
    )
    return ShownTable("How the fits ended", ("status", "stars", "share", "meaning"), rows, texts=(0, 3))


def provenance_table(run: RunContents) -> ShownTable:
    """Return what catalogue, model and store say of themselves."""
    rows: list[tuple[str, str, str]] = []
    if run.catalogue is not None:
        meta = run.catalogue.meta
        rows += [("catalogue", said, str(meta[key])) for key, said in EXPLANATIONS.items() if key in meta]
    models = {"model": run.model} if not isinstance(run.model, SurveyModel) else dict(run.model.distinct)
    for name, model in models.items():
        if model is None:
            continue
        rows += [
            (name, "hash", model.hash), (name, "trained", model.describe()), (name, "priors", model.describe_priors()),
            (name, "errors of the labels", model.describe_errors()),
        ]  # fmt: skip
        rows += [(name, "calibration", model.calibration_note)] * bool(model.calibration_note)
        rows.append((name, "bayescannon version at the training", model.provenance.version or _NONE))
    if run.store is not None:
        rows += [("store", name, str(value)) for name, value in run.store.attributes.items()]
    if not rows:
        return ShownTable("Nothing of this run says where it comes from.")
    return ShownTable("Provenance", ("of", "what", "value"), tuple(rows), texts=(0, 1, 2))


def refused_table(run: RunContents) -> ShownTable | None:
    """Return how many files could not be used, by the reason; None if that is none, or not known."""
    if run.store is None or not run.store.refused:
        return None
    rows = tuple((reason, f"{count:,}") for reason, count in run.store.refused.items())
    return ShownTable("Files that could not be used", ("reason", "files"), rows)


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.2f} %" if total else _NONE
