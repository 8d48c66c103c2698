"""What the verbs did, in a phrase: the last line of a run, which also says if its result is of no use."""

import xarray as xr
from astropy.table import Table

from bayescannon.app.run_facts import (
    AGREEING,
    BAD,
    CONVERGED,
    CUT,
    KEPT,
    NONE,
    OUTLYING,
    POPULATION,
    STARS,
    UNKNOWN,
    WITH_DISTANCE,
    WITHOUT,
    RunFacts,
)
from bayescannon.cannon.fit_check import misfit_of
from bayescannon.cannon.populations.selection import SelectionLimit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FLAG_BAD, ResultFlag
from bayescannon.data.preset import release_mismatch
from bayescannon.io.prepare_report import PrepareReport
from bayescannon.reliability.error_fit import MIN_STARS

# with a larger share of bad rows the reason is looked for
_MANY = 0.5


def summary(run: RunFacts | xr.Dataset, *, n_starts: int) -> str:
    """Say in a phrase how labelling went, how many rows are bad, and why if most are."""
    facts = _facts(run)
    good = facts[CONVERGED]
    text = f"labelled {good} of {facts[STARS]} stars{_bad_rows(facts)}"
    if good:
        share = facts[AGREEING] / good / n_starts
        text += (
            f", {100 * share:.1f} % of the starts reach the best optimum, median reduced chi2 {facts.median_chi2:.2f}"
        )
    if "nuisances" in facts.attributes:
        flag = ResultFlag.LARGE_NUISANCE
        text += f"; with nuisances ({facts.attributes['nuisances']}), {facts.flagged(flag)} {flag.name}"
    if "outlying_pixels" in facts.names:
        flag = ResultFlag.MANY_OUTLIERS
        text += f"; {facts[OUTLYING]} pixels are outliers and lost their weight, {facts.flagged(flag)} {flag.name}"
    if "posterior_status" in facts.names:
        text += "; posteriors " + ", ".join(f"{count} {name}" for name, count in facts.posteriors().items() if count)
    if "membership" in facts.names:
        text += f"; {population_counts(facts)}"
    warning = uselessness(facts)
    return f"{text}; {warning}" if warning else text


def population_counts(run: RunFacts | xr.Dataset) -> str:
    """Say in a phrase how many stars are most probably of each population, between populations, and of none."""
    facts = _facts(run)
    flag = ResultFlag.BETWEEN_POPULATIONS
    text = ", ".join(f"{count} {name}" for name, count in facts.counted(POPULATION).items())
    text += f", {facts.flagged(flag)} {flag.name}"
    if "p_none" in facts.names:
        text += f", {facts[NONE]} with p_none above 0.5"
    return text


def uselessness(run: RunFacts | xr.Dataset) -> str:
    """Say why most labels of a run should not be used; empty if at most half of the rows are bad."""
    facts = _facts(run)
    if not facts[STARS] or facts[BAD] / facts[STARS] <= _MANY:
        return ""
    attrs = facts.attributes
    mismatch = release_mismatch(attrs.get("model_release", ""), attrs.get("data_release", ""))
    reasons = [mismatch, misfit_of(facts[CONVERGED], facts.median_chi2, facts.median_pixels)]
    known = "; ".join(reason for reason in reasons if reason)
    return f"most of these labels are of no use: {known or 'the model does not fit these stars'}"


def coverage_summary(run: RunFacts | Table) -> str:
    """Say in a phrase how many stars of an assessed catalogue are flagged, and how many pass the paper's cut."""
    facts = run if isinstance(run, RunFacts) else RunFacts.of_catalogue(run)
    text = f"assessed {facts[STARS]} stars{_bad_rows(facts)}"
    for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM):
        text += f", {facts.flagged(flag)} {flag.name}"
    if facts[WITH_DISTANCE]:
        text += "; " + ", ".join(f"{step} keeps {count}" for step, count in facts.counted(CUT).items())
        text += "".join(f", {count} have {reason}" for reason, count in facts.counted(WITHOUT).items())
    if "coverage" in facts.attributes:
        text += f"; {facts.attributes['coverage']}"
    return text


def selection_summary(facts: RunFacts, limit: SelectionLimit) -> str:
    """Say in a phrase how many stars a selection by membership keeps, and what its limit is known to do."""
    lost = f", {facts[UNKNOWN]} of the others have no membership" if facts[UNKNOWN] else ""
    return f"keeps {facts[KEPT]} of {facts[STARS]} stars{lost}: {limit.describe()}"


def training_summary(model: TrainedModel | SurveyModel) -> str:
    """Say in a phrase what was trained, and that the errors of its labels are not calibrated if they are not."""
    if isinstance(model, SurveyModel):
        bare = ", ".join(name for name, one in model.distinct.items() if one.calibration is None)
        needs = f"that needs --folds 8, and {MIN_STARS} stars of each"
        return f"{model.describe()}{f'; errors of labels by {bare} are not calibrated: {needs}' if bare else ''}"
    if model.calibration is not None:
        return model.describe()
    return f"{model.describe()}; errors of its labels are {model.describe_errors()}: calibrated ones need --folds 8"


def preparation_summary(report: PrepareReport) -> str:
    """Say in a phrase how many spectra were prepared, and how many files were refused."""
    text = f"prepared {report.n_stars} of {report.n_found or report.n_files} spectra"
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.tally().items())
    if report.refused:
        text += f", {len(report.refused)} refused ({kinds})"
    lost = report.noise.lost_pixels()
    return f"{text}; {lost}" if lost else text


def _facts(run: RunFacts | xr.Dataset) -> RunFacts:
    """Return what is counted of the stars of a run."""
    return run if isinstance(run, RunFacts) else RunFacts.of(run)


def _bad_rows(facts: RunFacts) -> str:
    """Say how many rows are bad, and by which flags; empty if none is."""
    if not facts[BAD]:
        return ""
    counts = {flag.name: facts.flagged(flag) for flag in ResultFlag if flag & FLAG_BAD}
    by_flag = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda one: -one[1]) if count)
    return f", {facts[BAD]} of them flag_bad ({by_flag})"
