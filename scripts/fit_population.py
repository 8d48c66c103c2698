"""
Fit the giant-branch population of the mock survey to the stars common to LAMOST DR2 and APOGEE DR12.

Usage: ``python scripts/fit_population.py TABLE.csv [--components 8] [--seed 0]``

The table needs the columns teff, logg, m_h, alpha_m, aspcapflag and lamost_snr. A mixture of Gaussians in the
four labels is fitted by extreme deconvolution (Bovy, Hogg & Roweis 2011, AOAS 5, 1657), so that its covariances do not
contain the label errors, which the mock survey adds later. The script prints the table ``COMPONENTS`` of
``bayescannon/mock/population.py`` and the S/N of ``DR2`` in ``bayescannon/mock/releases.py``.
"""

import argparse
from pathlib import Path

import numpy as np
from astropy.table import Table

from bayescannon.mock.catalogues import APOGEE_ERRORS
from bayescannon.mock.population import HIGH, LOW, POPULATION_LABELS

N_ITERATIONS = 400
# smallest standard deviations a component may have, in the labels' units
FLOOR = np.array([15.0, 0.03, 0.02, 0.006])


def log_normal(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the log density of one Gaussian at x, shape (star, label); shape (star,)."""
    root = np.linalg.cholesky(covariance)
    z = np.linalg.solve(root, (x - mean).T)
    return -0.5 * (z**2).sum(axis=0) - np.log(np.diag(root)).sum() - 0.5 * x.shape[1] * np.log(2 * np.pi)


def extreme_deconvolution(
    x: np.ndarray, noise: np.ndarray, floor: np.ndarray, n_components: int, rng: np.random.Generator
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """
    Fit weights, means and noise-free covariances to stars x of shape (star, label), all with errors `noise`.

    Returns
    -------
    mean log likelihood, weights (component,), means (component, label), covariances (component, label, label)
    """
    weights = np.full(n_components, 1 / n_components)
    means = x[rng.choice(len(x), n_components, replace=False)]
    covariances = np.repeat(np.cov(x.T)[None] / 4, n_components, axis=0)
    log_likelihood = -np.inf
    for _ in range(N_ITERATIONS):
        total = covariances + noise
        terms = zip(weights, means, total, strict=True)
        log_joint = np.stack([np.log(w) + log_normal(x, m, t) for w, m, t in terms])
        peak = log_joint.max(axis=0)
        log_marginal = peak + np.log(np.exp(log_joint - peak).sum(axis=0))
        log_likelihood = log_marginal.mean()
        share = np.exp(log_joint - log_marginal)
        for j in range(n_components):
            gain = covariances[j] @ np.linalg.inv(total[j])
            noise_free = means[j] + (x - means[j]) @ gain.T
            posterior = covariances[j] - gain @ covariances[j]
            mass = share[j].sum()
            means[j] = share[j] @ noise_free / mass
            offset = noise_free - means[j]
            covariances[j] = (share[j] * offset.T) @ offset / mass + posterior
            covariances[j] += np.diag(np.clip(floor**2 - np.diag(covariances[j]), 0, None))
            weights[j] = mass / len(x)
    return log_likelihood, weights, means, covariances


def main() -> None:
    """Fit from several random starts and print the best mixture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("table", type=Path)
    parser.add_argument("--components", type=int, default=8)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    table = Table.read(arguments.table)
    labels = np.stack([np.asarray(table[name], dtype=np.float64) for name in POPULATION_LABELS], axis=1)
    keep = (np.asarray(table["aspcapflag"]) == 0) & np.all((labels > LOW) & (labels < HIGH), axis=1)
    labels = labels[keep]
    snr = np.asarray(table["lamost_snr"], dtype=np.float64)
    log_snr = np.log(snr[snr > 0])
    print(f"# {len(labels)} stars; S/N in g: median {np.exp(np.median(log_snr)):.1f}, ", end="")
    print(f"standard deviation of its logarithm {log_snr.std():.3f}")
    # labels in units of their standard deviations, so that starts suit every label
    scale = labels.std(axis=0)
    errors = np.array([APOGEE_ERRORS[name] for name in POPULATION_LABELS])
    noise = np.diag((errors / scale) ** 2)
    rng = np.random.default_rng(arguments.seed)
    fits = [
        extreme_deconvolution(labels / scale, noise, FLOOR / scale, arguments.components, rng)
        for _ in range(arguments.starts)
    ]
    log_likelihood, weights, means, covariances = max(fits, key=lambda fit: fit[0])
    print(f"# mean log likelihood per star {log_likelihood - np.log(scale).sum():.4f}")
    lower = np.tril_indices(len(scale), -1)
    for j in np.argsort(-weights):
        covariance = covariances[j] * np.outer(scale, scale)
        sigma = np.sqrt(np.diag(covariance))
        correlation = (covariance / np.outer(sigma, sigma))[lower]
        numbers = [f"{weights[j]:.4f}"]
        numbers += [f"{v:.{d}f}" for v, d in zip(means[j] * scale, (0, 3, 3, 3), strict=True)]
        numbers += [f"{v:.{d}f}" for v, d in zip(sigma, (0, 3, 3, 4), strict=True)]
        numbers += [f"{v:.3f}" for v in correlation]
        print(f"    ({', '.join(numbers)}),")


if __name__ == "__main__":
    main()
