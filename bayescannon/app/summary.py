"""What the verbs did, in a phrase: the last line of a run, which also says if its result is of no use."""

from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.cannon.fit_check import misfit
from bayescannon.cannon.populations.selection import SelectionLimit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FLAG_BAD, FitStatus, PosteriorStatus, ResultFlag
from bayescannon.data.label_distance import select_by_distance
from bayescannon.data.preset import release_mismatch
from bayescannon.io.prepare_report import PrepareReport
from bayescannon.numerics.typing import BoolArray

# with a larger share of bad rows the reason is looked for
_MANY = 0.5


def summary(estimates: xr.Dataset, *, n_starts: int) -> str:
    """Say in a phrase how labelling went, how many rows are bad, and why if most are."""
    good = estimates["status"].to_numpy() == FitStatus.CONVERGED
    text = f"labelled {good.sum()} of {len(good)} stars{_bad_rows(estimates['flags'].to_numpy())}"
    if good.any():
        share = estimates["agreeing_starts"].to_numpy()[good].mean() / n_starts
        median = np.median(estimates["reduced_chi2"].to_numpy()[good])
        text += f", {100 * share:.1f} % of the starts reach the best optimum, median reduced chi2 {median:.2f}"
    if "nuisances" in estimates.attrs:
        large = int(((estimates["flags"].to_numpy() & int(ResultFlag.LARGE_NUISANCE)) != 0).sum())
        text += f"; with nuisances ({estimates.attrs['nuisances']}), {large} {ResultFlag.LARGE_NUISANCE.name}"
    if "outlying_pixels" in estimates:
        outlying = estimates["outlying_pixels"].to_numpy()
        many = int(((estimates["flags"].to_numpy() & int(ResultFlag.MANY_OUTLIERS)) != 0).sum())
        text += f"; {outlying.sum()} pixels are outliers and lost their weight, {many} {ResultFlag.MANY_OUTLIERS.name}"
    if "posterior_status" in estimates:
        counts = np.bincount(estimates["posterior_status"].to_numpy(), minlength=len(PosteriorStatus))
        text += "; posteriors " + ", ".join(
            f"{count} {member.name}" for member, count in zip(PosteriorStatus, counts, strict=True) if count
        )
    if "membership" in estimates:
        text += f"; {population_counts(estimates)}"
    warning = uselessness(estimates)
    return f"{text}; {warning}" if warning else text


def population_counts(estimates: xr.Dataset) -> str:
    """Say in a phrase how many stars are most probably of each population, between populations, and of none."""
    best = estimates["population"].to_numpy()
    names = [str(name) for name in estimates["population_name"].to_numpy()]
    between = int(((estimates["flags"].to_numpy() & int(ResultFlag.BETWEEN_POPULATIONS)) != 0).sum())
    text = ", ".join(f"{int((best == name).sum())} {name}" for name in names)
    text += f", {between} {ResultFlag.BETWEEN_POPULATIONS.name}"
    if "p_none" in estimates:
        text += f", {int((estimates['p_none'].to_numpy() > 0.5).sum())} with p_none above 0.5"
    return text


def uselessness(estimates: xr.Dataset) -> str:
    """Say why most labels of a run should not be used; empty if at most half of the rows are bad."""
    flags = estimates["flags"].to_numpy()
    if not len(flags) or ((flags & int(FLAG_BAD)) != 0).mean() <= _MANY:
        return ""
    attrs = estimates.attrs
    reasons = [release_mismatch(attrs.get("model_release", ""), attrs.get("data_release", "")), misfit(estimates)]
    known = "; ".join(reason for reason in reasons if reason)
    return f"most of these labels are of no use: {known or 'the model does not fit these stars'}"


def coverage_summary(catalogue: Table) -> str:
    """Say in a phrase how many stars of an assessed catalogue are flagged, and how many pass the paper's cut."""
    flags = np.asarray(catalogue["flags"])
    text = f"assessed {len(flags)} stars{_bad_rows(flags)}"
    for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM):
        text += f", {((flags & int(flag)) != 0).sum()} {flag.name}"
    distance = np.asarray(catalogue["label_distance"])
    if np.isfinite(distance).any():
        *unknown, cut = select_by_distance(distance)[1]
        text += f"; {cut.step} keeps {cut.remaining}"
        text += "".join(f", {row.removed} have {row.step}" for row in unknown)
    if "coverage" in catalogue.meta:
        text += f"; {catalogue.meta['coverage']}"
    return text


def selection_summary(estimates: xr.Dataset, kept: BoolArray, limit: SelectionLimit) -> str:
    """Say in a phrase how many stars a selection by membership keeps, and what its limit is known to do."""
    unknown = int(np.isnan(estimates["membership"].to_numpy()).any(axis=1).sum())
    lost = f", {unknown} of the others have no membership" if unknown else ""
    return f"keeps {int(kept.sum())} of {len(kept)} stars{lost}: {limit.describe()}"


def training_summary(model: TrainedModel | SurveyModel) -> str:
    """Say in a phrase what was trained, and that the errors of its labels are not calibrated if they are not."""
    if isinstance(model, SurveyModel):
        missing = "" if model.is_calibrated else "; not all errors of its labels are calibrated: that needs --folds 8"
        return f"{model.describe()}{missing}"
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


def _bad_rows(flags: NDArray[np.integer[Any]]) -> str:
    """Say how many rows are bad, and by which flags; empty if none is."""
    n_bad = int(((flags & int(FLAG_BAD)) != 0).sum())
    if not n_bad:
        return ""
    counts = {flag.name: int(((flags & int(flag)) != 0).sum()) for flag in ResultFlag if flag & FLAG_BAD}
    by_flag = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda one: -one[1]) if count)
    return f", {n_bad} of them flag_bad ({by_flag})"
