"""A mock field survey with truth: detection, labels of every population, seams, odd stars and time."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from real_stars import POOLED, robust

import bayescannon as bc
from bayescannon.cannon.populations.labelling import mixed_estimates, route_stars
from bayescannon.cannon.populations.novelty import assess_survey, with_none
from bayescannon.cannon.populations.odd_stars import attach_odd, survey_odd_spectra
from bayescannon.cannon.populations.qualification import qualify_survey
from bayescannon.cannon.populations.selection import selection_limit
from bayescannon.cannon.populations.training import train_survey
from bayescannon.cannon.training import train_clipped
from bayescannon.numerics.rows import rows_of

NAMES = ("teff", "logg", "fe_h")
ODD = {"binary": 150, "double-lined": 60, "emission": 60, "carbon": 40, "wrong-redshift": 60, "sky": 40}
TRUE_NAMES = ("teff", "logg", "m_h")


def simulate(n_reference: int, n_test: int, seed: int) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Return the reference set, the test spectra, and the truth of the test stars."""
    survey = bc.simulate_survey(n_reference, n_test, seed=seed, populations="field", odd=ODD)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    reference = bc.build_reference(spectra, survey.apogee, NAMES, format="allstar-dr12", cuts="none")
    ids = np.asarray(survey.truth["id"]).astype(str)
    is_reference = np.asarray(survey.truth["is_reference"]).astype(bool)
    test = spectra.select(rows_of(spectra.id, ids[~is_reference]))
    truth = {name: np.asarray(survey.truth[name])[~is_reference] for name in survey.truth.colnames}
    return reference, test, truth


def run(out: Path, *, n_reference: int, n_test: int, seed: int) -> dict[str, Any]:
    """Train, label and compare with the truth."""
    reference, test, truth = simulate(n_reference, n_test, seed)
    begun = time.perf_counter()
    survey, kept = train_survey(reference, **POOLED)
    trained = time.perf_counter() - begun
    survey = qualify_survey(survey, kept, folds=5)
    qualified = time.perf_counter() - begun - trained
    survey = attach_odd(survey, kept, folds=4)
    limit = selection_limit(survey, "giant", false_alarms=0.01)
    begun = time.process_time()
    routed = route_stars(survey, test, workers=1)
    found = mixed_estimates(routed, workers=1)
    by_survey = time.process_time() - begun
    found = with_none(found, assess_survey(routed, found))
    giants, _ = train_clipped(kept.select(survey.regions.shares(kept.labels, NAMES)[:, 0] > 0.5), **POOLED)
    begun = time.process_time()
    alone = bc.label_spectra(giants, test, workers=1)
    by_one = time.process_time() - begun
    population, odd = truth["population"].astype(str), truth["odd"].astype(str)
    true = np.column_stack([truth[name] for name in TRUE_NAMES])
    p_giant, ordinary = found["membership"].to_numpy()[:, 0], odd == "none"
    far = true[:, 1] > 4.1
    kinds = {"giant": population == "giant", "dwarf": population == "dwarf",
             "dwarf, log g > 4.1": (population == "dwarf") & far, "hot": population == "hot"}  # fmt: skip
    result: dict[str, Any] = {
        "stars": {name: int((mine & ordinary).sum()) for name, mine in kinds.items()},
        "populations": repr(survey),
        "limit": limit.describe(),
        "outside of the limit": {
            name: round(float((p_giant < limit.value)[mine & ordinary].mean()), 4) for name, mine in kinds.items()
        },
        "right population": {
            name: round(float((found["population"].to_numpy() == name)[mine & ordinary].mean()), 4)
            for name, mine in kinds.items() if name in survey.names
        },
        "evidence power": survey.evidence_power,
        "cpu, survey model / giants' model": round(by_survey / by_one, 2),
        "seconds of training and qualification": [round(trained, 1), round(qualified, 1)],
        "labels": {},
    }  # fmt: skip
    calibration = []
    for name, mine in kinds.items():
        use = mine & ordinary
        off = found["labels"].to_numpy()[use] - true[use]
        result["labels"][name] = {
            "robust": robust(off), "std": np.round(off.std(axis=0), 4).tolist(),
            "within the calibrated error": np.round(
                (np.abs(off) <= found["calibrated_error"].to_numpy()[use]).mean(axis=0), 3).tolist(),
        }  # fmt: skip
        if name == "giant":
            own = alone["labels"].to_numpy()[use] - true[use]
            result["labels"]["giant, giants' own model"] = {
                "robust": robust(own), "std": np.round(own.std(axis=0), 4).tolist()}  # fmt: skip
    for low, high in ((0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.98)):
        mine = ordinary & (p_giant > low) & (p_giant <= high)
        calibration.append([low, high, int(mine.sum()), round(float(p_giant[mine].mean()), 3),
                            round(float(kinds["giant"][mine].mean()), 3)])  # fmt: skip
    result["membership: range, stars, mean probability, share of giants"] = calibration
    result["p_none > 0.5"] = {
        name: round(float((found["p_none"].to_numpy() > 0.5)[odd == name].mean()), 3) for name in ["none", *ODD]
    }
    result["odd"] = odd_detection(survey_odd_spectra(routed), odd)
    (out / f"mock_{seed}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    np.savez(out / f"mock_{seed}.npz", membership=found["membership"].to_numpy(), labels=found["labels"].to_numpy(),
             true=true, population=population, odd=odd, p_none=found["p_none"].to_numpy())  # fmt: skip
    return result


def odd_detection(assessed: Any, odd: np.ndarray) -> dict[str, str]:
    """Return how many stars of every class each score finds at 1 % of false alarms."""
    rates: dict[str, str] = {}
    for kind in assessed["odd_class"].to_numpy():
        p = assessed["p_odd"].sel(odd_class=kind).to_numpy()
        known = np.isfinite(p)
        for which in ("none", *ODD):
            mine = known & (odd == which)
            if mine.sum() >= 5:
                rates[f"{which} by {kind}"] = f"{int((p[mine] < 0.01).sum())} of {int(mine.sum())}"
    return rates
