"""
Label carbon, nitrogen and masses of giants, as Ho et al. (2017b, ApJ 841, 40) did, on a mock survey of known truth.

Usage: python run.py [--out DIR] [--stars N] [--test M] [--seed S]

Three steps: seven labels instead of five ([C/M] and [N/M] of the reference stars come from the table of Survey A);
masses from the inferred labels by the formula of Martig et al. (2016, MNRAS 456, 3655), with their errors; and the mass
as a label of its own, as Ness et al. (2016, ApJ 823, 114) did, for reference stars whose masses are known to ten per
cent.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from astropy.table import Table
from rich.console import Console
from rich.table import Table as TextTable

import bayescannon as bc
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.validation import robust_scatter

LABELS = ("teff", "logg", "fe_h", "alpha_m", "a_k", "c_m", "n_m")
TRUE_NAMES = ("teff", "logg", "m_h", "alpha_m", "a_k", "c_m", "n_m")
# labels of the formula, in the order of its terms
FORMULA_LABELS = ("fe_h", "c_m", "n_m", "teff", "logg")
# abundances of the Sun that [(C+N)/M] refers to: log10 of the number of atoms per 10^12 of hydrogen
SOLAR_CARBON, SOLAR_NITROGEN = 8.39, 7.78
# Martig et al. 2016, appendix: the mass is the sum of COEFFICIENTS[i, j] x_i x_j over j >= i, for
# x = (1, [M/H], [C/M], [N/M], [(C+N)/M], Teff / 4000 K, log g)
COEFFICIENTS = np.array([
    (95.87, -10.40, 41.36, 15.05, -67.61, -144.18, -9.42),
    (0.0, -0.73, -5.32, -0.93, 7.05, 5.12, 1.52),
    (0.0, 0.0, -46.78, -30.52, 133.58, -73.77, 16.04),
    (0.0, 0.0, 0.0, -1.61, 38.94, -15.29, 1.35),
    (0.0, 0.0, 0.0, 0.0, -88.99, 101.75, -18.65),
    (0.0, 0.0, 0.0, 0.0, 0.0, 27.77, 28.80),
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -4.10),
])  # fmt: skip
SNR_MIN = 50.0
# relative error of the masses of the reference stars, as asteroseismology gives them
MASS_ERROR = 0.1
N_DRAWS = 400


def formula_mass(labels):
    """Return the mass in solar masses (Martig et al. 2016), shape (...,), of FORMULA_LABELS, shape (..., 5)."""
    m_h, c_m, n_m, teff, logg = np.moveaxis(np.asarray(labels), -1, 0)
    sun = 10**SOLAR_CARBON + 10**SOLAR_NITROGEN
    both = np.log10((10 ** (c_m + SOLAR_CARBON) + 10 ** (n_m + SOLAR_NITROGEN)) / sun)
    x = np.stack([np.ones_like(m_h), m_h, c_m, n_m, both, teff / 4000, logg], axis=-1)
    return np.einsum("...i,ij,...j->...", x, COEFFICIENTS, x)


def mass_errors(estimates, rng):
    """Return the spread of the formula's mass over draws of the labels: calibrated errors, formal correlations."""
    names = [str(name) for name in estimates["stellar_label"].to_numpy()]
    columns = [names.index(name) for name in FORMULA_LABELS]
    formal = formal_errors(estimates)
    correlation = estimates["formal_covariance"].to_numpy() / (formal[:, :, None] * formal[:, None, :])
    correlation = correlation[:, columns][:, :, columns]
    error = estimates["calibrated_error"].to_numpy()[:, columns]
    normal = rng.standard_normal((len(error), N_DRAWS, len(columns)))
    drawn = np.einsum("nij,ndj->ndi", np.linalg.cholesky(correlation), normal) * error[:, None]
    masses = formula_mass(estimates["labels"].to_numpy()[:, None, columns] + drawn)
    return np.array([robust_scatter(of_star) for of_star in masses])


def print_table(console, title, headings, rows):
    """Print a table of text cells."""
    table = TextTable(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def fit(spectra, labels, names):
    """Return a qualified model of these labels: pooled coefficients, and the scale of the noise from the spectra."""
    reference = bc.build_reference(spectra, labels, names, format="allstar-dr12")
    options = bc.TrainingOptions.from_names(coefficients="pooled", noise="global")
    model, kept = bc.train_clipped(reference, options=options)
    return bc.qualify(model, kept), kept


def run(out, n_reference, n_test, seed, console):
    """Run the three steps; return their numbers."""
    survey = bc.simulate_survey(n_reference, n_test, seed=seed)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    test = ~np.asarray(survey.truth["is_reference"])
    truth = {name: np.asarray(survey.truth[name])[test] for name in (*TRUE_NAMES, "mass")}
    bright = np.asarray(spectra.columns["snr"])[test] > SNR_MIN
    rng = np.random.default_rng(seed)
    numbers = {}

    model, _ = fit(spectra, survey.apogee, LABELS)
    estimates = bc.label_spectra(model, spectra.select(test))
    inferred, error = estimates["labels"].to_numpy(), estimates["calibrated_error"].to_numpy()
    rows = []
    for k, (name, true_name) in enumerate(zip(LABELS, TRUE_NAMES, strict=True)):
        off = (inferred[:, k] - truth[true_name])[bright]
        within = float(np.mean(np.abs(off) < error[bright, k]))
        numbers[name] = {"bias": float(off.mean()), "scatter": robust_scatter(off), "within_error": within}
        rows.append((name, f"{off.mean():.3f}", f"{robust_scatter(off):.3f}", f"{100 * within:.0f} %"))
    print_table(
        console, f"Seven labels, {bright.sum()} test stars of S/N > {SNR_MIN:g} against the truth",
        ("label", "bias", "robust scatter", "within e"), rows,
    )  # fmt: skip

    columns = [LABELS.index(name) for name in FORMULA_LABELS]
    true_labels = np.stack([truth[TRUE_NAMES[k]] for k in columns], axis=1)
    off = formula_mass(inferred[:, columns]) - formula_mass(true_labels)
    pull = off / mass_errors(estimates, rng)
    numbers["formula"] = {"scatter": robust_scatter(off[bright]), "pull": robust_scatter(pull[bright])}

    known = survey.truth["mass"] * (1 + MASS_ERROR * rng.standard_normal(len(survey.truth)))
    masses = Table(survey.apogee)
    masses["mass"] = np.asarray(known)[~test]
    masses["e_mass"] = MASS_ERROR * masses["mass"]
    reference = bc.build_reference(
        spectra, bc.read_labels(masses, format="allstar-dr12", label_names=(*LABELS[:5], "mass")), (*LABELS[:5], "mass")
    )
    options = bc.TrainingOptions.from_names(coefficients="pooled", noise="global")
    mass_model, kept = bc.train_clipped(reference, options=options)
    mass_estimates = bc.label_spectra(bc.qualify(mass_model, kept), spectra.select(test))
    found = mass_estimates["labels"].sel(stellar_label="mass").to_numpy()
    e_mass = mass_estimates["calibrated_error"].sel(stellar_label="mass").to_numpy()
    off = (found - truth["mass"])[bright]
    numbers["mass"] = {
        "scatter": robust_scatter(off),
        "spread of the true masses": robust_scatter(truth["mass"][bright]),
        "correlation": float(np.corrcoef(found[bright], truth["mass"][bright])[0, 1]),
        "within_error": float(np.mean(np.abs(off) < e_mass[bright])),
    }
    print_table(
        console, "Masses in solar masses, the same stars", ("mass", "robust scatter", "and"),
        [
            ("formula of inferred - of true labels", f"{numbers['formula']['scatter']:.3f}",
             f"width of the pulls {numbers['formula']['pull']:.2f}"),
            ("label of its own - truth", f"{numbers['mass']['scatter']:.3f}",
             f"spread of the truth {numbers['mass']['spread of the true masses']:.3f}, correlation "
             f"{numbers['mass']['correlation']:.2f}, within e {100 * numbers['mass']['within_error']:.0f} %"),
        ],
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    (out / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    bc.write_catalogue(bc.build_catalogue(estimates), out / "catalogue.ecsv", overwrite=True)
    return numbers


def main():
    """Run the study as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--stars", type=int, default=1000, help="reference stars")
    parser.add_argument("--test", type=int, default=600, help="test stars")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    run(options.out, options.stars, options.test, options.seed, Console())


if __name__ == "__main__":
    main()
