"""The columns of a catalogue: what is in the label estimates, with units and descriptions."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import xarray as xr
from astropy.table import Column
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.flags import FLAG_BAD, FLAG_WARN, FitStatus, PosteriorStatus
from bayescannon.data.labels import Label
from bayescannon.io.catalogue_formats import display_format
from bayescannon.io.catalogue_provenance import CatalogueError

COVERAGE_COLUMNS = {
    "p_coverage": "share of held-out reference stars with labels as far out of the range",
    "p_novelty": "share of held-out reference stars with a spectrum as novel",
    "p_joint": "both in one: twice the smaller, at most 1",
    "label_distance": "label distance (Ho et al. 2017, eq. 7) to ten reference stars",
}


def estimate_columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """Yield the columns of the catalogue in order."""
    values = estimates["labels"].transpose("star", "stellar_label").to_numpy()
    covariance = estimates["formal_covariance"].transpose("star", "stellar_label", "stellar_label_2").to_numpy()
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    # a variance that is not positive is no measurement
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    status = estimates["status"].to_numpy()

    yield _column("id", estimates["star"].to_numpy().astype(np.str_), None, "name of the spectrum's file")
    yield _column("ra", estimates["ra"], "deg", "right ascension (ICRS)")
    yield _column("dec", estimates["dec"], "deg", "declination (ICRS)")
    yield _column("snr_g", estimates["snr"], "", "signal-to-noise ratio in the g band")
    for k, label in enumerate(labels):
        yield _column(label.name, values[:, k], label.unit, label.description)
    what = "formal error of {}, from the noise of the pixels alone; not the whole error"
    if "calibrated_error" in estimates:
        chosen = estimates["calibrated_error"].transpose("star", "stellar_label").to_numpy()
        text = "calibrated error of {}: half of its central 68.3 % interval"
    else:
        chosen, text = error, f"not calibrated: {what}"
    for k, label in enumerate(labels):
        yield _column(f"e_{label.name}", chosen[:, k], label.unit, text.format(label.name))
    for k, label in enumerate(labels):
        yield _column(f"e_formal_{label.name}", error[:, k], label.unit, what.format(label.name))
    for i, j in combinations(range(len(labels)), 2):
        yield _column(
            f"rho_{labels[i].name}_{labels[j].name}",
            covariance[:, i, j] / (error[:, i] * error[:, j]),
            "",
            f"correlation of the formal errors of {labels[i].name} and {labels[j].name}",
        )
    yield _column("rchi2", estimates["reduced_chi2"], "", "chi2 per live pixel less the number of labels")
    yield _column("live_pixels", estimates["live_pixels"], "", "number of pixels with positive inverse variance")
    yield _column("agreeing_starts", estimates["agreeing_starts"], "", "number of starts that reached the optimum")
    yield _column("status", status, "", "how the fit ended (see fit_status in the provenance)")
    yield _column("status_text", _status_names(status), None, "name of the status")
    yield from _posterior_columns(estimates, labels)
    yield from coverage_columns(estimates)
    yield from flag_columns(estimates["flags"].to_numpy())


def _posterior_columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """Yield the columns of the posterior, if the estimates hold one."""
    if "posterior_quantile" not in estimates:
        return
    quantiles = estimates["posterior_quantile"].transpose("star", "quantile", "stellar_label")
    for k, label in enumerate(labels):
        for probability in quantiles["quantile"].to_numpy():
            percent = f"{100 * probability:.1f}"
            yield _column(
                f"{label.name}_p{percent.replace('.', '_').removesuffix('_0')}",
                quantiles.sel(quantile=probability)[:, k],
                label.unit,
                f"{percent} % quantile of the posterior of {label.name}",
            )
    yield _column("k_hat", estimates["k_hat"], "", "Pareto shape of the importance weights; below 0.7 they are good")
    yield _column("ess", estimates["ess"], "", "effective number of posterior draws")
    yield _column("n_modes", estimates["n_modes"], "", "modes of the posterior that were found")
    meaning = ", ".join(f"{int(member)} {member.name}" for member in PosteriorStatus)
    yield _column("posterior_status", estimates["posterior_status"], "", f"how it was sampled: {meaning}")


def coverage_columns(estimates: xr.Dataset) -> Iterator[Column]:
    """Yield the columns of an assessment of coverage, if the estimates hold one."""
    if "p_coverage" not in estimates:
        return
    for name, score in zip(estimates["score_name"].to_numpy(), estimates["score"].to_numpy().T, strict=True):
        yield _column(f"cov_{name}", score, "", f"coverage score {name}; large is far from the reference set")
    for name, text in COVERAGE_COLUMNS.items():
        yield _column(name, estimates[name], "", text)


def flag_columns(flags: NDArray[np.integer]) -> Iterator[Column]:
    """Yield the flags, and what they mean for use."""
    yield _column("flags", flags, "", "sum of result flags (see result_flags in the provenance)")
    for name, mask, text in (("flag_bad", FLAG_BAD, "do not use"), ("flag_warn", FLAG_WARN, "use with care")):
        yield _column(name, ((flags & int(mask)) != 0).astype(int), "", f"1: {text}; flags and {int(mask)} is not 0")


def _status_names(status: NDArray[np.integer]) -> NDArray[np.str_]:
    """Return the name of each star's status."""
    known = {int(member): member.name for member in FitStatus}
    values, index = np.unique(status, return_inverse=True)
    unknown = [int(value) for value in values if int(value) not in known]
    if unknown:
        raise CatalogueError(f"status {unknown[0]} is no FitStatus; known are {known}")
    return np.array([known[int(value)] for value in values], dtype=np.str_)[index]


def _column(name: str, values: ArrayLike | xr.DataArray, unit: str | None, description: str) -> Column:
    """Make one column; text has no unit, and the unit of a pure number is dimensionless."""
    data = np.asarray(values)
    if data.dtype.kind == "f":
        data = data.astype(np.float64)
    elif data.dtype.kind in "iu":
        data = data.astype(np.int32)
    return Column(data, name, unit=unit, description=description, format=display_format(name, data.dtype))
