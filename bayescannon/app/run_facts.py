"""What is counted of the stars of a run, block by block, for its last line and its warnings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.data.flags import FLAG_BAD, FitStatus, PosteriorStatus, ResultFlag
from bayescannon.data.label_distance import select_by_distance
from bayescannon.numerics.typing import BoolArray, FloatArray

STARS, CONVERGED, AGREEING, BAD, OUTLYING, NONE = "stars", "converged", "agreeing", "bad", "outlying", "none"
KEPT, UNKNOWN = "kept", "unknown"
# beginnings of the names of counts: of a flag, of how a posterior was sampled, of a population; of stars that a cut in
# label distance keeps, and that have none, by the reason
FLAG, POSTERIOR, POPULATION, CUT, WITHOUT = "flag ", "posterior ", "population ", "cut ", "without "
WITH_DISTANCE = "with distance"


@dataclass(frozen=True)
class RunFacts:
    """
    Counts of the stars of a run.

    Attributes
    ----------
    counts : Counter of str
    attributes : mapping
        Of the label estimates.
    names : frozenset of str
        Variables of the estimates.
    median_chi2, median_pixels : float
        Of the stars with labels: reduced chi2 and live pixels; NaN if there are none.
    """

    counts: Counter[str]
    attributes: Mapping[str, Any]
    names: frozenset[str]
    median_chi2: float
    median_pixels: float

    @classmethod
    def of(cls, estimates: xr.Dataset, kept: BoolArray | None = None) -> "RunFacts":
        """Count the stars of estimates; `kept` are those that a selection keeps."""
        fitted = estimates["status"].to_numpy() == FitStatus.CONVERGED
        chi2, pixels = (estimates[name].to_numpy()[fitted] for name in ("reduced_chi2", "live_pixels"))
        return cls(
            count_stars(estimates, kept), estimates.attrs, frozenset(map(str, estimates.variables)),
            float(np.median(chi2)) if len(chi2) else np.nan, float(np.median(pixels)) if len(pixels) else np.nan,
        )  # fmt: skip

    @classmethod
    def of_catalogue(cls, table: Table) -> "RunFacts":
        """Count the flags and label distances of a catalogue, and of its stars with labels the medians."""
        flags = np.asarray(table["flags"])
        counts = count_flags(flags) + Counter({STARS: len(flags)})
        chi2 = pixels = np.zeros(0)
        if {"status", "rchi2", "live_pixels"} <= set(table.colnames):
            fitted = np.asarray(table["status"]) == FitStatus.CONVERGED
            counts[CONVERGED] = int(fitted.sum())
            chi2, pixels = (np.asarray(table[name], dtype=np.float64)[fitted] for name in ("rchi2", "live_pixels"))
        if "label_distance" in table.colnames:
            counts.update(count_distances(np.asarray(table["label_distance"])))
        return cls(
            counts, table.meta, frozenset(table.colnames),
            float(np.median(chi2)) if len(chi2) else np.nan, float(np.median(pixels)) if len(pixels) else np.nan,
        )  # fmt: skip

    def __getitem__(self, name: str) -> int:
        return self.counts[name]

    def flagged(self, flag: ResultFlag) -> int:
        """Return the number of stars with a flag."""
        return self.counts[f"{FLAG}{flag.name}"]

    def posteriors(self) -> dict[str, int]:
        """Return the numbers of stars by how their posteriors were sampled."""
        return {member.name: self.counts[f"{POSTERIOR}{member.name}"] for member in PosteriorStatus}

    def counted(self, start: str) -> dict[str, int]:
        """Return the counts whose names begin so, by the rest of their names."""
        return {key.removeprefix(start): count for key, count in self.counts.items() if key.startswith(start)}


def count_stars(estimates: xr.Dataset, kept: BoolArray | None = None) -> Counter[str]:
    """Count stars of a block by status, flags, posteriors, populations and label distance; counts of blocks add up."""
    counts: Counter[str] = Counter()
    status, flags = estimates["status"].to_numpy(), estimates["flags"].to_numpy()
    good = status == FitStatus.CONVERGED
    counts[STARS], counts[CONVERGED] = len(status), int(good.sum())
    counts[AGREEING] = int(estimates["agreeing_starts"].to_numpy()[good].sum())
    counts.update(count_flags(flags))
    if "outlying_pixels" in estimates:
        counts[OUTLYING] = int(estimates["outlying_pixels"].to_numpy().sum())
    if "posterior_status" in estimates:
        counts.update(count_posteriors(estimates))
    if "membership" in estimates:
        best = estimates["population"].to_numpy()
        for name in map(str, estimates["population_name"].to_numpy()):
            counts[f"{POPULATION}{name}"] = int((best == name).sum())
        counts[UNKNOWN] = int(np.isnan(estimates["membership"].to_numpy()).any(axis=1).sum())
    if "p_none" in estimates:
        counts[NONE] = int((estimates["p_none"].to_numpy() > 0.5).sum())
    if "label_distance" in estimates:
        counts.update(count_distances(estimates["label_distance"].to_numpy()))
    if kept is not None:
        counts[KEPT] = int(kept.sum())
    return counts


def count_flags(flags: NDArray[Any]) -> Counter[str]:
    """Count stars by their flags, and those that should not be used."""
    flags = flags.astype(np.int64)
    counts = Counter({f"{FLAG}{flag.name}": int(((flags & int(flag)) != 0).sum()) for flag in ResultFlag})
    counts[BAD] = int(((flags & int(FLAG_BAD)) != 0).sum())
    return counts


def count_posteriors(estimates: xr.Dataset) -> Counter[str]:
    """Count stars by how their posteriors were sampled."""
    found = np.bincount(estimates["posterior_status"].to_numpy(), minlength=len(PosteriorStatus))
    return Counter({f"{POSTERIOR}{member.name}": int(n) for member, n in zip(PosteriorStatus, found, strict=True)})


def count_distances(distance: FloatArray) -> Counter[str]:
    """Count the stars that the cut of the paper in label distance keeps, and those that have none."""
    *unknown, cut = select_by_distance(distance)[1]
    counts = Counter({f"{CUT}{cut.step}": cut.remaining, WITH_DISTANCE: int(np.isfinite(distance).sum())})
    counts.update({f"{WITHOUT}{row.step}": row.removed for row in unknown})
    return counts


def added(every: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Add the counts of blocks."""
    total: Counter[str] = Counter()
    for counts in every:
        total.update(counts)
    return total
