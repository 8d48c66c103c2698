"""Real giants, dwarfs and A stars of LAMOST DR10, held out in outer folds on which nothing was chosen."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import bayescannon as bc
from bayescannon.cannon.populations.labelling import mixed_estimates, route_stars
from bayescannon.cannon.populations.novelty import assess_survey, with_none
from bayescannon.cannon.populations.qualification import qualify_survey
from bayescannon.cannon.populations.selection import selection_limit
from bayescannon.cannon.populations.training import train_survey
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train_clipped
from bayescannon.data.label_distance import PAPER_CUT, label_distance
from bayescannon.data.spectra import Spectra

NAMES = ("teff", "logg", "fe_h")
POOLED = {"coefficients": "pooled", "noise": "global"}
FOLDERS = (("lamost/dr10", "lamost/lasp_dr10.csv"), ("lamost_field/dr10", "lamost_field/lasp.csv"))


def load(data: Path) -> ReferenceSet:
    """Return all real stars that have labels of LASP, in one reference set."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (spectra, table) in enumerate(FOLDERS):
            store = f"{folder}/{number}.zarr"
            bc.prepare_files(data / spectra, store)
            labels = bc.read_labels(data / table, label_names=NAMES, columns={"id": "file", "snr": "snrg"})
            parts.append(bc.build_reference(store, labels, NAMES, cuts="none"))
    spectra = [part.spectra for part in parts]
    joined = Spectra(
        spectra[0].wavelength,
        np.concatenate([one.flux for one in spectra]),
        np.concatenate([one.ivar for one in spectra]),
        np.concatenate([one.id for one in spectra]),
        {name: np.concatenate([one.columns[name] for one in spectra]) for name in ("ra", "dec", "redshift", "snr")},
        spectra[0].attrs,
    )
    return ReferenceSet(joined, np.concatenate([part.labels for part in parts]), None, NAMES)


def kinds_of(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return which stars are of which kind, by their own labels."""
    teff, logg, _ = labels.T
    giant, hot = (logg < 3.8) & (teff < 5800), teff >= 7000
    return {"giant": giant, "dwarf": ~giant & ~hot, "dwarf, log g > 4.1": ~giant & ~hot & (logg > 4.1), "A star": hot}


def deal(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal the stars of each kind evenly into outer folds."""
    rng, fold, kinds = np.random.default_rng(seed), np.empty(len(labels), dtype=int), kinds_of(labels)
    for name in ("giant", "dwarf", "A star"):
        rows = rng.permutation(np.flatnonzero(kinds[name]))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def one_fold(stars: ReferenceSet, fold: np.ndarray, k: int, *, inner: int) -> dict[str, np.ndarray]:
    """Train on all folds but one, with limits from inner folds; label the stars of the one."""
    inside, held = stars.select(fold != k), stars.select(fold == k)
    begun = time.perf_counter()
    survey, kept = train_survey(inside, **POOLED)
    survey = qualify_survey(survey, kept, folds=inner)
    minutes = (time.perf_counter() - begun) / 60
    limit = selection_limit(survey, survey.names[0], false_alarms=0.01)
    routed = route_stars(survey, held.spectra)
    found = mixed_estimates(routed)
    found = with_none(found, assess_survey(routed, found))
    router = routed.router.estimates
    giants, _ = train_clipped(inside.select(kinds_of(inside.labels)["giant"]), **POOLED)
    alone = bc.label_spectra(giants, held.spectra)
    return {
        "id": held.spectra.id,
        "labels": found["labels"].to_numpy(),
        "error": found["calibrated_error"].to_numpy(),
        "membership": found["membership"].to_numpy(),
        "p_none": found["p_none"].to_numpy(),
        "flags": found["flags"].to_numpy(),
        "router": router["labels"].to_numpy(),
        "router_error": router["calibrated_error"].to_numpy(),
        "giants": alone["labels"].to_numpy(),
        "reported": held.labels,
        "snr": held.spectra.columns["snr"],
        "distance": label_distance(found["labels"].to_numpy(), giants.reference_labels, NAMES),
        "limit": np.full(len(held), limit.value),
        "limit_low": np.full(len(held), limit.low),
        "limit_high": np.full(len(held), limit.high),
        "fold": np.full(len(held), k),
        "minutes": np.full(len(held), minutes),
        "power": np.full(len(held), survey.evidence_power),
        "border": np.full(len(held), survey.regions.regions[0].boxes[0]["logg"][1]),
    }


def robust(off: np.ndarray) -> list[float]:
    """Return half of the central 68.3 % of each column."""
    low, high = np.quantile(off, [0.1587, 0.8413], axis=0)
    return [round(float(x), 4) for x in (high - low) / 2]


def summarise(rows: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return detection, labels and calibration of all folds together."""
    kinds = kinds_of(rows["reported"])
    p_giant = rows["membership"][:, 0]
    gates = {
        "membership, limit of 1 % from inner folds": ~(p_giant >= rows["limit"]),
        "membership below 0.5": ~(p_giant >= 0.5),
        "router: log g > 4.0 or Teff > 6000": (rows["router"][:, 1] > 4.0) | (rows["router"][:, 0] > 6000),
        "router: (log g - 3.8) > 1 error": (rows["router"][:, 1] - 3.8 > rows["router_error"][:, 1])
        | (rows["router"][:, 0] > 6000),
        f"label distance > {PAPER_CUT:g} (eq. 7, inferred labels)": rows["distance"] > PAPER_CUT,
    }
    detection = {
        name: {kind: f"{int(gate[mine].sum())} of {int(mine.sum())}" for kind, mine in kinds.items()}
        for name, gate in gates.items()
    }
    labels: dict[str, Any] = {}
    for kind, mine in kinds.items():
        for name in ("labels", "router", "giants"):
            if name == "giants" and kind != "giant":
                continue
            off = (rows[name] - rows["reported"])[mine]
            off = off[np.isfinite(off).all(axis=1)]
            labels[f"{kind}: {name}"] = {
                "robust": robust(off), "std": np.round(off.std(axis=0), 4).tolist(),
                "median": np.round(np.median(off, axis=0), 4).tolist(), "n": len(off),
            }  # fmt: skip
        within = np.abs(rows["labels"] - rows["reported"])[mine] <= rows["error"][mine]
        labels[f"{kind}: within the calibrated error"] = np.round(within.mean(axis=0), 3).tolist()
    disagree = (rows["distance"] > PAPER_CUT) != (p_giant < rows["limit"])
    return {
        "detection": detection,
        "labels": labels,
        "label distance and membership disagree": {kind: int((disagree & mine).sum()) for kind, mine in kinds.items()},
        "p_none above 0.5": {kind: int((rows["p_none"] > 0.5)[mine].sum()) for kind, mine in kinds.items()},
        "limit": {str(int(k)): round(float(rows["limit"][rows["fold"] == k][0]), 4) for k in np.unique(rows["fold"])},
        "evidence power": sorted({float(x) for x in rows["power"]}),
        "border in log g": sorted({float(x) for x in rows["border"]}),
    }


def run(data: Path, out: Path, *, folds: int, inner: int, seed: int, only: int | None = None) -> dict[str, Any]:
    """Run the outer folds, each saved when it is done, and summarise those that there are."""
    stars = load(data)
    fold = deal(stars.labels, folds, seed)
    for k in range(folds) if only is None else [only]:
        path = out / f"real_{seed}_{k}.npz"
        if not path.exists():
            np.savez(path, **one_fold(stars, fold, k, inner=inner))
            print(f"outer fold {k} of {folds}: {path}", flush=True)
    parts = [dict(np.load(path)) for path in sorted(out.glob(f"real_{seed}_?.npz"))]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    summary = summarise(rows)
    (out / f"real_{seed}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary
