"""What the verbs did, in a phrase."""

import numpy as np
import xarray as xr
from astropy.table import Table

from bayescannon.data.flags import FitStatus, PosteriorStatus, ResultFlag
from bayescannon.data.label_distance import select_by_distance


def summary(estimates: xr.Dataset, *, n_starts: int) -> str:
    """Say in a phrase how labelling went."""
    good = estimates["status"].to_numpy() == FitStatus.CONVERGED
    text = f"labelled {good.sum()} of {len(good)} stars"
    if good.any():
        share = estimates["agreeing_starts"].to_numpy()[good].mean() / n_starts
        median = np.median(estimates["reduced_chi2"].to_numpy()[good])
        text += f", {100 * share:.1f} % of the starts reach the best optimum, median reduced chi2 {median:.2f}"
    if "posterior_status" in estimates:
        counts = np.bincount(estimates["posterior_status"].to_numpy(), minlength=len(PosteriorStatus))
        text += "; posteriors " + ", ".join(
            f"{count} {member.name}" for member, count in zip(PosteriorStatus, counts, strict=True) if count
        )
    return text


def coverage_summary(catalogue: Table) -> str:
    """Say in a phrase how many stars of an assessed catalogue are flagged, and how many pass the paper's cut."""
    flags = np.asarray(catalogue["flags"])
    text = f"assessed {len(flags)} stars"
    for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM):
        text += f", {((flags & int(flag)) != 0).sum()} {flag.name}"
    distance = np.asarray(catalogue["label_distance"])
    if np.isfinite(distance).any():
        *unknown, cut = select_by_distance(distance)[1]
        text += f"; {cut.step} keeps {cut.remaining}"
        text += "".join(f", {row.removed} have {row.step}" for row in unknown)
    return text
