"""Mock stars with true labels: outside the coverage, at low S/N, and between the sequences of [alpha/M]."""

import numpy as np
import xarray as xr
from rich.console import Console
from rich.markup import escape

import bayescannon as bc
from bayescannon.cannon.novelty import assess_coverage
from bayescannon.cannon.prior_comparison import compare_priors
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import ResultFlag
from bayescannon.data.label_distance import PAPER_CUT
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.rows import rows_of

NAMES = ["teff", "logg", "fe_h", "alpha_m", "a_k"]
TRUE_NAMES = ["teff", "logg", "m_h", "alpha_m", "a_k"]
PRIORS = ("flat", "box", "gaussian", "mixture", "coverage")
# stars left out of training: label, limit, sign of the side that is left out, width of the edge on the other side
LEFT_OUT = {
    "[Fe/H] < -1": ("fe_h", -1.0, -1, 0.2),
    "log g < 1.8": ("logg", 1.8, -1, 0.3),
    "[alpha/M] > 0.15": ("alpha_m", 0.15, 1, 0.05),
}
LOW_SNR, HIGH_SNR = (8.0, 20.0), (50.0, np.inf)
# ranges of [alpha/M] for stars in METALLICITY: sequence of low alpha, gap, sequence of high alpha
WINDOWS = ((0.03, 0.09), (0.11, 0.15), (0.17, 0.23))
# edges of cells; each window consists of whole cells
CELLS = 0.01 + 0.02 * np.arange(13)
METALLICITY = (-0.7, 0.0)


class MockStars:
    """A mock survey: its clean reference set, its test stars and their true labels."""

    def __init__(self, n_reference: int, n_test: int, *, seed: int = 11) -> None:
        survey = bc.simulate_survey(n_reference, n_test, seed=seed)
        spectra = bc.prepare_spectra(list(survey.spectra()))
        table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=NAMES)
        _, self.reference = bc.train_clipped(bc.build_reference(spectra, table, NAMES))
        self.test = spectra.select(~np.asarray(survey.truth["is_reference"], dtype=bool))
        self.true = np.column_stack([np.asarray(survey.truth[name]) for name in TRUE_NAMES])
        self.true = self.true[rows_of(survey.truth["id"], self.test.id)]
        self.snr = self.test.columns["snr"]


def qualified(reference: ReferenceSet, folds: int) -> TrainedModel:
    return qualify(train(reference), reference, folds=folds)


def summarise(
    comparison: xr.Dataset, model: TrainedModel, spectra: Spectra, true: np.ndarray, chosen: np.ndarray
) -> list[dict]:
    """Return errors, widths and flags of the chosen stars with each prior."""
    calibrated = bc.label_spectra(model, spectra)["calibrated_error"].to_numpy()[chosen]
    stars = spectra.select(chosen)
    rows = []
    for prior in PRIORS:
        part = comparison.sel(prior=prior).isel(star=chosen)
        off, width = part["mean"].to_numpy() - true[chosen], part["width"].to_numpy()
        estimates = part[["labels"]]
        assessed = assess_coverage(model, stars, estimates)
        flags = assessed["flags"].to_numpy()
        rows.append(
            {
                "prior": prior,
                "stars": int(chosen.sum()),
                "rms": np.sqrt(np.nanmean(off**2, axis=0)).tolist(),
                "bias": np.nanmean(off, axis=0).tolist(),
                "width": np.nanmedian(width, axis=0).tolist(),
                "pull": [robust_scatter(column) for column in (off / width).T],
                "inside 68 %": np.nanmean(np.abs(off) < width, axis=0).tolist(),
                "inside 95 %": np.nanmean(np.abs(off) < 1.96 * width, axis=0).tolist(),
                "inside calibrated 68 %": np.nanmean(np.abs(off) < calibrated, axis=0).tolist(),
                "shift": (np.nanmean(_shift(comparison, prior, "mean", chosen) / calibrated, axis=0)).tolist(),
                "shift of the maximum": (
                    np.nanmean(_shift(comparison, prior, "labels", chosen) / calibrated, axis=0)
                ).tolist(),
                "prior dominated": float(part["prior_dominated"].mean()),
                "outside coverage": float(((flags & ResultFlag.OUTSIDE_COVERAGE) != 0).mean()),
                "novel": float(((flags & ResultFlag.NOVEL_SPECTRUM) != 0).mean()),
                "distance": float((assessed["label_distance"] >= PAPER_CUT).mean()),
            }
        )
    return rows


def _shift(comparison: xr.Dataset, prior: str, what: str, chosen: np.ndarray) -> np.ndarray:
    both = comparison[what].isel(star=chosen)
    return (both.sel(prior=prior) - both.sel(prior="flat")).to_numpy()


def study_coverage(console: Console, stars: MockStars, *, folds: int, n_stars: int) -> list[dict]:
    """Train without a corner of the label space; label stars inside, at the edge and outside: (a)."""
    results = []
    for left_out, (name, limit, side, edge) in LEFT_OUT.items():
        column = NAMES.index(name)
        reference = stars.reference.select(side * (stars.reference.labels[:, column] - limit) <= 0)
        model = qualified(reference, folds)
        beyond = side * (stars.true[:, column] - limit)
        zones = {"outside": beyond > 0, "edge": (beyond <= 0) & (beyond > -edge), "inside": beyond <= -edge}
        chosen = np.sort(np.concatenate([np.flatnonzero(zone)[:n_stars] for zone in zones.values()]))
        spectra, true = stars.test.select(chosen), stars.true[chosen]
        comparison = compare_priors(model, spectra, n_draws=400, n_starts=3)
        for zone, members in zones.items():
            for row in summarise(comparison, model, spectra, true, members[chosen]):
                results.append({"without": left_out, "label": name, "zone": zone, "reference": len(reference), **row})
        console.print(f"without {escape(left_out)}: {len(reference)} reference stars, {len(chosen)} test stars")
    return results


def study_snr(
    console: Console, stars: MockStars, *, folds: int, n_stars: int
) -> tuple[list[dict], list[dict], dict[str, dict[str, np.ndarray]]]:
    """Evaluate errors and intervals at low and high S/N, (b), and the valley between sequences of [alpha/M], (c)."""
    model = qualified(stars.reference, folds)
    errors, valleys, shown = [], [], {}
    for name, (low, high) in {"low": LOW_SNR, "high": HIGH_SNR}.items():
        members = np.flatnonzero((stars.snr >= low) & (stars.snr < high))[:n_stars]
        spectra, true = stars.test.select(members), stars.true[members]
        comparison = compare_priors(model, spectra, n_draws=400, n_starts=3)
        every = np.ones(len(members), dtype=bool)
        errors += [{"snr": name, **row} for row in summarise(comparison, model, spectra, true, every)]
        alpha, metallicity = true[:, NAMES.index("alpha_m")], true[:, NAMES.index("fe_h")]
        fixed = (metallicity > METALLICITY[0]) & (metallicity < METALLICITY[1])
        inferred = {
            prior: comparison["mean"].sel(prior=prior, stellar_label="alpha_m").to_numpy()[fixed] for prior in PRIORS
        }
        shown[name] = {"truth": alpha[fixed], **inferred}
        even = even_weights(alpha[fixed])
        in_gap = (alpha[fixed] >= WINDOWS[1][0]) & (alpha[fixed] < WINDOWS[1][1])
        for prior, values in shown[name].items():
            valleys.append(
                {"snr": name, "prior": prior, "stars": int(fixed.sum()), "in the gap": int(in_gap.sum()),
                 "high alpha": float(np.mean(values >= WINDOWS[1][1])),
                 "valley": valley(values, np.ones_like(even)), "valley, uniform": valley(values, even)}
            )  # fmt: skip
        console.print(f"{name} S/N: {len(members)} stars, {fixed.sum()} at fixed [Fe/H]")
    return errors, valleys, shown


def even_weights(alpha: np.ndarray) -> np.ndarray:
    """Return weights that make the true [alpha/M] uniform over the windows: a population without two sequences."""
    cell = np.digitize(alpha, CELLS)
    inside = (cell > 0) & (cell < len(CELLS))
    count = np.bincount(cell, minlength=len(CELLS) + 1)
    return np.where(inside, 1 / count[cell], 0.0)


def valley(alpha: np.ndarray, weight: np.ndarray) -> float:
    """Return the density in the gap divided by the mean density of the two sequences; below 1 if there are two."""
    low, gap, high = (
        weight[(alpha >= left) & (alpha < right)].sum() / (right - left) for left, right in WINDOWS
    )  # fmt: skip
    return float(2 * gap / (low + high))
