"""(d) Real stars labelled with a model of real giants: the fraction that each score finds, and false alarms."""

from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console
from scipy.stats import binomtest

import bayescannon as bc
from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.label_priors import build_label_prior
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.novelty import assess_coverage, coverage_from_estimates
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.star_residuals import star_residuals
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.data.flags import ResultFlag
from bayescannon.data.label_distance import PAPER_CUT, label_distance, pair_distance
from bayescannon.data.spectra import Spectra
from bayescannon.io.lamost import read_lamost
from bayescannon.numerics.p_values import empirical_p_value, is_unusual
from bayescannon.numerics.rows import rows_of
from bayescannon.reliability.label_scores import COVERAGE_SCORES, NOVELTY_SCORE, SCORES
from bayescannon.reliability.spectrum_scores import Residuals

NAMES = ["teff", "logg", "fe_h"]
PRIORS = ("gaussian", "mixture", "coverage")
RATES = (0.01, 0.03, 0.05)
SCORE = {"chi2": "chi2", "novelty": NOVELTY_SCORE}
COMBINED = ("chi2", "p_coverage", "novelty", "distance, inferred", "shift, coverage")


class RealStars:
    """Giants for training, and all stars with the labels of LAMOST's pipeline."""

    def __init__(self, data: Path) -> None:
        files = sorted((data / "lamost" / "dr10").glob("*.fits.gz"))
        self.spectra = bc.prepare_spectra([read_lamost(path) for path in files])
        columns = {"id": "file", "snr": "snrg"}
        table = bc.read_labels(data / "lamost" / "lasp_dr10.csv", label_names=NAMES, columns=columns)
        cuts = [range_cut("teff", 3500, 5800), range_cut("logg", -1, 3.8)]
        _, self.reference = bc.train_clipped(bc.build_reference(self.spectra, table, NAMES, cuts=cuts))
        self.pipeline = table.matrix(NAMES)[rows_of(table.id, self.spectra.id)]
        teff, logg, _ = self.pipeline.T
        warm = (teff >= 5000) & (teff < 7000)
        self.kinds = {
            "F/G dwarfs, log g > 4.1": warm & (logg > 4.1),
            "F/G dwarfs, log g > 3.8": warm & (logg >= 3.8),
            "A stars": (teff >= 7000) & (logg >= 3),
        }


def label_all(
    model: TrainedModel, spectra: Spectra, pipeline: np.ndarray
) -> dict[str, np.ndarray | xr.Dataset | Residuals]:
    """Return estimates and residuals with the flat prior, distances, and shifts by the other priors."""
    flat = bc.label_spectra(model, spectra)
    labels = flat["labels"].to_numpy()
    scores = {
        "distance, inferred": label_distance(labels, model.reference_labels, NAMES),
        "distance, pipeline": label_distance(pipeline, model.reference_labels, NAMES),
    }
    for name in PRIORS:
        under = bc.label_spectra(model, spectra, prior=build_label_prior(name, model))
        moved = np.abs(under["labels"].to_numpy() - labels) / formal_errors(flat)
        scores[f"shift, {name}"] = moved.max(axis=1)
        scores[f"PRIOR_DOMINATED, {name}"] = (under["flags"].to_numpy() & int(ResultFlag.PRIOR_DOMINATED)) != 0
    residuals = star_residuals(StarLikelihood.of(model, spectra), model.scaler.to_scaled(labels))
    return {"flat": flat, "residuals": residuals, **scores}


def deal(n_star: int, folds: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(n_star) % folds


def held_out(reference: ReferenceSet, folds: int, seed: int) -> dict[str, np.ndarray | xr.Dataset | Residuals]:
    """Return `label_all` of every reference star by a model from which it was held out."""
    fold = deal(len(reference), folds, seed)
    parts = [
        label_all(
            train(reference.select(fold != k)), reference.spectra.select(fold == k), reference.labels[fold == k]
        )
        for k in range(folds)
    ]  # fmt: skip
    back = np.argsort(np.concatenate([np.flatnonzero(fold == k) for k in range(folds)]))
    joined = {
        name: np.concatenate([part[name] for part in parts])[back]
        for name in parts[0]
        if name not in ("flat", "residuals")
    }
    flat = xr.concat([part["flat"] for part in parts], dim="star", combine_attrs="drop_conflicts").isel(star=back)
    return {"flat": flat, "residuals": Residuals.join([part["residuals"] for part in parts]).select(back), **joined}


def p_values(
    model: TrainedModel, reference: ReferenceSet, inner: dict, spectra: Spectra, found: dict
) -> dict[str, np.ndarray]:
    """Return p-values of stars for every score, relative to the held-out stars of the training set."""
    coverage = coverage_from_estimates(model, reference.labels, inner["flat"], inner["residuals"])
    assessed = assess_coverage(model, spectra, found["flat"], coverage, scores="all")
    p = {
        "chi2": assessed["p_value"].sel(score_name="chi2").to_numpy(),
        "p_coverage": assessed["p_coverage"].to_numpy(),
        "novelty": assessed["p_novelty"].to_numpy(),
    }
    own = {name: coverage.p_values(coverage.scores)[:, SCORES.index(score)] for name, score in SCORE.items()}
    own["p_coverage"] = coverage.coverage_p_value(coverage.scores[:, [SCORES.index(name) for name in COVERAGE_SCORES]])
    for name in inner:
        if name.startswith(("distance", "shift")):
            p[name] = empirical_p_value(found[name], inner[name])
            own[name] = empirical_p_value(inner[name], inner[name])
    joint, own_joint = (-sum(np.log(values[name]) for name in COMBINED) for values in (p, own))
    p["all combined (Fisher)"] = empirical_p_value(joint, own_joint)
    return p


def study_real(console: Console, stars: RealStars, *, outer: int, folds: int, deals: int) -> list[dict]:
    """Evaluate scores in nested folds: limits from inner held-out giants, false alarms from outer ones."""
    counts: dict[tuple[str, str, float], list[int]] = {}

    def count(score: str, rate: float, kind: str, hit: np.ndarray) -> None:
        entry = counts.setdefault((score, kind, rate), [0, 0])
        entry[0] += int(hit.sum())
        entry[1] += len(hit)

    others = np.zeros(len(stars.spectra), dtype=bool)
    for members in stars.kinds.values():
        others |= members
    for seed in range(deals):
        fold = deal(len(stars.reference), outer, 100 + seed)
        for k in range(outer):
            reference = stars.reference.select(fold != k)
            model = train(reference)
            inner = held_out(reference, folds, seed)
            groups = {"giants": (stars.reference.spectra.select(fold == k), {"giants, held out": slice(None)})}
            kinds = {kind: members[others] for kind, members in stars.kinds.items()}
            groups["others"] = (stars.spectra.select(others), kinds)
            pipeline = {"giants": stars.reference.labels[fold == k], "others": stars.pipeline[others]}
            for group, (spectra, kinds) in groups.items():
                found = label_all(model, spectra, pipeline[group])
                p = p_values(model, reference, inner, spectra, found)
                fixed = {f"PRIOR_DOMINATED, {name}": found[f"PRIOR_DOMINATED, {name}"] for name in PRIORS}
                fixed["distance, inferred > 2.5"] = found["distance, inferred"] >= PAPER_CUT
                fixed["distance, pipeline > 2.5"] = found["distance, pipeline"] >= PAPER_CUT
                smallest = 1 / (1 + len(reference))
                for kind, members in kinds.items():
                    for rate in RATES:
                        hit = [is_unusual(p[name], rate, smallest) for name in ("p_coverage", "novelty")]
                        count("coverage or novelty, each", rate, kind, (hit[0] | hit[1])[members])
                    for name, values in p.items():
                        for rate in RATES:
                            count(name, rate, kind, is_unusual(values, rate, smallest)[members])
                    for name, hit in fixed.items():
                        count(name, np.nan, kind, hit[members])
            console.print(f"deal {seed + 1}, fold {k + 1} of {outer}")
    results = []
    for (score, kind, rate), (hits, trials) in counts.items():
        n_star = trials // (deals if kind.startswith("giants") else deals * outer)
        share = hits / trials
        # a star that is labelled with several models counts once, so the interval is for the number of stars
        interval = binomtest(round(share * n_star), n_star).proportion_ci(method="wilson")
        results.append(
            {"score": score, "kind": kind, "rate": rate, "stars": n_star, "share": share, "low": interval.low,
             "high": interval.high}
        )  # fmt: skip
    return results


def study_shift(stars: RealStars, *, folds: int) -> list[dict]:
    """Return the mean shift by each prior of held-out giants with S/N > 50, in formal errors."""
    fold = deal(len(stars.reference), folds, 0)
    moved: dict[str, list[np.ndarray]] = {name: [] for name in PRIORS}
    for k in range(folds):
        model = train(stars.reference.select(fold != k))
        spectra = stars.reference.spectra.select((fold == k) & (stars.reference.spectra.columns["snr"] > 50))
        flat = bc.label_spectra(model, spectra)
        for name in PRIORS:
            under = bc.label_spectra(model, spectra, prior=build_label_prior(name, model))
            moved[name].append(((under["labels"] - flat["labels"]).to_numpy()) / formal_errors(flat))
    return [
        {"prior": name, "stars": len(np.concatenate(parts)), "mean": np.concatenate(parts).mean(axis=0).tolist(),
         "rms": np.sqrt((np.concatenate(parts) ** 2).mean(axis=0)).tolist()}
        for name, parts in moved.items()
    ]  # fmt: skip


def distances(stars: RealStars, *, folds: int = 8) -> dict[str, np.ndarray | dict[str, np.ndarray]]:
    """Return the contents of figures 9 and 10 of the paper: distances of labels, and the kind of each star."""
    fold = deal(len(stars.reference), folds, 0)
    inferred = bc.label_spectra(train(stars.reference), stars.spectra)["labels"].to_numpy()
    rows = rows_of(stars.spectra.id, stars.reference.spectra.id)
    for k in range(folds):
        model = train(stars.reference.select(fold != k))
        inferred[rows[fold == k]] = bc.label_spectra(model, stars.reference.spectra.select(fold == k))["labels"]
    giants = np.zeros(len(stars.spectra), dtype=bool)
    giants[rows] = True
    dwarfs = stars.kinds["F/G dwarfs, log g > 3.8"]
    return {
        "from reference": label_distance(stars.pipeline, stars.reference.labels, NAMES),
        "from pipeline": pair_distance(inferred, stars.pipeline, NAMES),
        "kinds": {"giants, held out": giants, "F/G dwarfs": dwarfs, "A stars": stars.kinds["A stars"]},
    }
