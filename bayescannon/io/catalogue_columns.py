"""The columns of a catalogue, made from label estimates, with units, descriptions and UCDs."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import xarray as xr
from astropy.table import Column
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.flags import FLAG_BAD, FLAG_WARN, FitStatus, PosteriorStatus
from bayescannon.data.labels import Label
from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_style import column_style, stored_dtype
from bayescannon.numerics.typing import FloatArray

COVERAGE_COLUMNS = {
    "p_coverage": "p-value of the labels' distance from those of held-out reference stars, by range and whitened",
    "p_novelty": "p-value of the spectrum's novelty against held-out reference stars",
    "p_joint": "p-value of both: twice the smaller of p_coverage and p_novelty, at most 1; below 1 / (reference "
    "stars + 1) extrapolated",
    "label_distance": "label distance (Ho et al. 2017, eq. 7) to ten reference stars",
}
# variables of an assessment of odd spectra: unit and description
ODD_COLUMNS = {
    "p_binary": ("", "probability that the light is of two stars of the main sequence"),
    "log_evidence_ratio": ("", "ln of the evidence of an unresolved pair over that of a single star"),
    "log_evidence_double_lined": ("", "ln of the evidence of a pair with two velocities over that of a single star"),
    "mass_ratio": ("", "mass of the second star over that of the first one, if the star is a pair"),
    "light_share": ("", "share of the second star in the light, if the star is a pair"),
    "velocity_difference": ("km/s", "velocity of the second star less that of the first one, if the lines are double"),
    "redshift_velocity": ("km/s", "velocity left in the spectrum, from a scan over a few reference spectra"),
}
_IDENTITY_TEXTS = {
    "obsid": "the survey's number of the spectrum",
    "designation": "the survey's name of the star",
    "class": "class by the survey's pipeline",
    "subclass": "subclass (spectral type) by the survey's pipeline",
    "release": "data release of the spectrum",
    "object_name": "name of the star in the survey's input catalogue",
    "object_catalogue": "the survey's input catalogue",
    "gaia_id": "Gaia source_id",
    "twomass_id": "2MASS designation",
    "survey_id": "name of the star in the survey of the reference labels",
}
_NUISANCES = {
    "rv_residual": ("km/s", "velocity left in the prepared spectrum; positive: lines at longer wavelengths"),
    "line_spread": ("km2/s2", "variance of the lines in excess of the training's; negative: narrower lines"),
}


def estimate_columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """
    Yield the columns of the catalogue in order.

    The labels with their errors come first and the flags last, as those are the columns that a printed table shows.
    """
    values = estimates["labels"].transpose("star", "stellar_label").to_numpy()
    covariance = estimates["formal_covariance"].transpose("star", "stellar_label", "stellar_label_2").to_numpy()
    formal, calibrated = formal_errors(covariance), calibrated_errors(estimates)

    is_flat = estimates.attrs.get("prior", "flat") == "flat"
    # what the formal covariance is the inverse curvature of
    curvature = "(J^T W J)^-1" if is_flat else "the inverse curvature of likelihood and prior at the maximum"
    noise = "the noise of the pixels alone" if is_flat else "the noise of the pixels and the prior"
    yield _column("id", estimates["star"].to_numpy().astype(np.str_), None, "name of the spectrum's file")
    corrected = "offsets" in estimates.attrs
    for k, label in enumerate(labels):
        text = label.description + (f", less offset_{label.name}" if corrected else "")
        yield _column(label.name, values[:, k], label.unit, text)
        if calibrated is not None:
            text = f"calibrated error of {label.name}: half of its central 68.3 % interval"
            text += "" if is_flat else ", calibrated on labels under a flat prior"
            yield _column(f"e_{label.name}", calibrated[:, k], label.unit, text)
    yield from _population_columns(estimates)
    yield _column("snr_g", estimates["snr"], "", "signal-to-noise ratio in the g band")
    yield _column("rchi2", estimates["reduced_chi2"], "", "chi2 / (live pixels - number of labels)")
    yield _column("ra", estimates["ra"], "deg", "right ascension (ICRS)")
    yield _column("dec", estimates["dec"], "deg", "declination (ICRS)")
    yield from _identity_columns(estimates)
    yield from _nuisance_columns(estimates)
    if "noise_scale" in estimates:
        text = "scale of the reported errors of the flux, from the star's residuals"
        yield _column("noise_scale", estimates["noise_scale"], "", text)
    yield _column("live_pixels", estimates["live_pixels"], "", "number of pixels with positive inverse variance")
    if "outlying_pixels" in estimates:
        yield _column(
            "outlying_pixels",
            estimates["outlying_pixels"],
            "",
            "number of outliers: pixels with less than half a weight",
        )
    yield _column("agreeing_starts", estimates["agreeing_starts"], "", "number of starts that reached the optimum")
    for k, label in enumerate(labels):
        text = f"formal error of {label.name}, from {curvature}: {noise}, not the total error"
        yield _column(f"e_formal_{label.name}", formal[:, k], label.unit, text)
    yield from _offset_columns(estimates, labels)
    for i, j in combinations(range(len(labels)), 2):
        yield _column(
            f"rho_{labels[i].name}_{labels[j].name}",
            covariance[:, i, j] / (formal[:, i] * formal[:, j]),
            "",
            f"correlation of {labels[i].name} and {labels[j].name} in the formal covariance, {curvature}",
        )
    yield from posterior_columns(estimates, labels)
    status = estimates["status"].to_numpy()
    yield _column("status", status, "", "how the fit ended (see fit_status in the provenance)")
    yield _column("status_text", _status_names(status), None, "name of the status")
    yield from coverage_columns(estimates)
    yield from odd_columns(estimates, labels)
    yield from flag_columns(estimates["flags"].to_numpy())


def formal_errors(covariance: FloatArray) -> NDArray[np.float64]:
    """Return the formal errors (N, K) of covariances (N, K, K); a variance that is not positive gives NaN."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def calibrated_errors(estimates: xr.Dataset) -> NDArray[np.float64] | None:
    """Return the calibrated errors (N, K); None if the model was not calibrated."""
    if "calibrated_error" not in estimates:
        return None
    errors: NDArray[np.float64] = estimates["calibrated_error"].transpose("star", "stellar_label").to_numpy()
    return errors


def _population_columns(estimates: xr.Dataset) -> Iterator[Column]:
    """Yield the most probable population and the probability of each, if the labels are of a survey model."""
    if "membership" not in estimates:
        return
    has_none = "p_none" in estimates
    text = "most probable population of the star" + ("; p_none aside" if has_none else "")
    yield _column("population", estimates["population"].to_numpy().astype(np.str_), None, text)
    membership = estimates["membership"].transpose("star", "population_name").to_numpy()
    every = "with p_none they sum to 1" if has_none else "they sum to 1"
    for name, values in zip(estimates["population_name"].to_numpy(), membership.T, strict=True):
        yield _column(f"p_{name}", values, "", f"probability that the star is of population {name}; {every}")
    if has_none:
        text = "largest probability that the star is of none of the populations, from p_joint"
        yield _column("p_none", estimates["p_none"], "", text)


def _identity_columns(estimates: xr.Dataset) -> Iterator[Column]:
    """Yield the redshift and the names of the star."""
    if "redshift" in estimates:
        yield _column("redshift", estimates["redshift"], "", "redshift by which the spectrum was shifted to rest")
    for name in IDENTITY_COLUMNS:
        if name in estimates:
            yield _column(name, estimates[name].to_numpy().astype(np.str_), None, _IDENTITY_TEXTS[name])


def _nuisance_columns(estimates: xr.Dataset) -> Iterator[Column]:
    """Yield the velocity and the line spread that the labels were inferred with, if they were not taken as exact."""
    for name, (unit, text) in _NUISANCES.items():
        if name in estimates:
            yield _column(name, estimates[name], unit, text)
            yield _column(
                f"e_{name}", estimates[f"{name}_error"], unit, f"standard deviation of {name}, from the noise"
            )


def _offset_columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """Yield the expected offsets, if the model was calibrated."""
    if "expected_offset" not in estimates:
        return
    offsets = estimates["expected_offset"].transpose("star", "stellar_label").to_numpy()
    what = "subtracted" if "offsets" in estimates.attrs else "not subtracted; e_ is of the label as inferred"
    for k, label in enumerate(labels):
        text = f"mean of (inferred - true {label.name}) of held-out stars with such labels and S/N; {what}"
        yield _column(f"offset_{label.name}", offsets[:, k], label.unit, text)


def posterior_columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """Yield the columns of the posterior, if the estimates hold one."""
    if "posterior_quantile" not in estimates:
        return
    quantiles = estimates["posterior_quantile"].transpose("star", "quantile", "stellar_label")
    is_flat = estimates.attrs.get("prior", "flat") == "flat"
    for k, label in enumerate(labels):
        source = "the model's likelihood" + ("" if is_flat else " and the prior")
        what = f"quantile of the posterior of {label.name} from {source} (pixel noise, not calibrated)"
        for probability in quantiles["quantile"].to_numpy():
            yield _column(
                quantile_name(label.name, probability),
                quantiles.sel(quantile=probability)[:, k],
                label.unit,
                f"{100 * probability:.1f} % {what}",
            )
    yield _column("k_hat", estimates["k_hat"], "", "Pareto shape of the importance weights; reliable below 0.7")
    yield _column("ess", estimates["ess"], "", "effective number of posterior draws")
    yield _column("n_modes", estimates["n_modes"], "", "number of modes found in the posterior")
    meaning = ", ".join(f"{int(member)} {member.name}" for member in PosteriorStatus)
    yield _column("posterior_status", estimates["posterior_status"], "", f"how it was sampled: {meaning}")


def quantile_name(label: str, probability: float) -> str:
    """
    Return the name of the column of a quantile.

    Examples
    --------
    >>> quantile_name("teff", 0.025), quantile_name("teff", 0.5)
    ('teff_p2_5', 'teff_p50')
    """
    percent = f"{100 * probability:.1f}"
    return f"{label}_p{percent.replace('.', '_').removesuffix('_0')}"


def coverage_columns(estimates: xr.Dataset) -> Iterator[Column]:
    """Yield the columns of an assessment of coverage, if the estimates hold one."""
    if "p_coverage" not in estimates:
        return
    for name, score in zip(estimates["score_name"].to_numpy(), estimates["score"].to_numpy().T, strict=True):
        yield _column(f"cov_{name}", score, "", f"coverage score {name}; large is far from the reference set")
    for name, text in COVERAGE_COLUMNS.items():
        yield _column(name, estimates[name], "", text)


def odd_columns(estimates: xr.Dataset, labels: tuple[Label, ...]) -> Iterator[Column]:
    """Yield the columns of an assessment of odd spectra, if the estimates hold one."""
    if "p_odd" not in estimates:
        return
    for name, p_value in zip(estimates["odd_class"].to_numpy(), estimates["p_odd"].to_numpy().T, strict=True):
        text = f"p-value of the score of {str(name).replace('_', ' ')} against held-out reference stars"
        yield _column(f"p_odd_{name}", p_value, "", text)
    for name, (unit, text) in ODD_COLUMNS.items():
        for column, variable, what in ((name, name, text), (f"e_{name}", f"{name}_error", f"error of {name}")):
            if variable in estimates:
                yield _column(column, estimates[variable], unit, what)
    for star, which in (("primary", "first"), ("companion", "second")):
        variable = f"{star}_labels"
        if variable not in estimates:
            continue
        values = estimates[variable].transpose("star", "stellar_label").to_numpy()
        for k, label in enumerate(labels):
            text = f"{label.name} of the {which} star, if the star is a pair"
            yield _column(f"{star}_{label.name}", values[:, k], label.unit, text)


def flag_columns(flags: NDArray[np.integer]) -> Iterator[Column]:
    """Yield the flags, and two columns that sum them up: do not use, use with care."""
    yield _column("flags", flags, "", "sum of result flags (see result_flags in the provenance)")
    for name, mask, text in (("flag_bad", FLAG_BAD, "do not use"), ("flag_warn", FLAG_WARN, "use with care")):
        yield _column(name, ((flags & int(mask)) != 0).astype(int), "", f"1: {text}; flags and {int(mask)} is not 0")


def _status_names(status: NDArray[np.integer]) -> NDArray[np.str_]:
    """Return the name of each star's status."""
    known = {int(member): member.name for member in FitStatus}
    values, index = np.unique(status, return_inverse=True)
    unknown = [int(value) for value in values if int(value) not in known]
    if unknown:
        raise CatalogueError(f"status must be one of {known}; got {unknown[0]}")
    return np.array([known[int(value)] for value in values], dtype=np.str_)[index]


def _column(name: str, values: ArrayLike | xr.DataArray, unit: str | None, description: str) -> Column:
    """Make one column; the unit of text is None, that of a pure number is dimensionless."""
    style = column_style(name)
    if style is None:
        raise CatalogueError(f"column {name!r} has no style; add it to bayescannon.io.catalogue_style")
    data = np.asarray(values)
    with np.errstate(over="ignore"):  # a chi2 above the range of float32 becomes infinite
        data = data.astype(stored_dtype(name, data.dtype))
    return Column(data, name, unit=unit, description=description, format=style.format, meta={"ucd": style.ucd})
