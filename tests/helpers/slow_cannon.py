"""The slow obvious Cannon: loops over pixels and stars, scipy's optimisers, nothing clever."""

import numpy as np
from scipy.optimize import curve_fit, minimize_scalar


def vector(labels):
    """The label vector, written out (Ho et al. 2017, eq. 6)."""
    terms = [1.0, *labels]
    for i in range(len(labels)):
        for j in range(i, len(labels)):
            terms.append(labels[i] * labels[j])
    return np.array(terms)


def solve_theta(vectors, flux, ivar, s2):
    """Weighted least squares of one pixel by QR; theta and the negative log-likelihood."""
    live = ivar > 0
    variance = s2 + 1 / ivar[live]
    root = 1 / np.sqrt(variance)
    theta = np.linalg.lstsq(root[:, None] * vectors[live], root * flux[live], rcond=None)[0]
    residual = flux[live] - vectors[live] @ theta
    return theta, 0.5 * np.sum(residual**2 / variance + np.log(variance))


def train_pixel(vectors, flux, ivar):
    """Coefficients and scatter of one pixel: a fine grid of s, then a bounded search around its best."""
    grid = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 80)])
    nll = [solve_theta(vectors, flux, ivar, s**2)[1] for s in grid]
    best = int(np.argmin(nll))
    if best == 0:
        low, high = 0.0, grid[1]
    else:
        low, high = grid[best - 1], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda s: solve_theta(vectors, flux, ivar, s**2)[1],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10},
    )
    s = found.x if found.fun < nll[0] - 1e-9 else 0.0
    return *solve_theta(vectors, flux, ivar, s**2), s


def train_pixel_on_the_papers_grid(vectors, flux, ivar):
    """Scatter by the released code's rule: ln s from ln 1e-4 to 0 in steps of 0.5, then a parabola."""
    ln_s = np.arange(np.log(1e-4), 0.0, 0.5)
    nll = np.array([solve_theta(vectors, flux, ivar, np.exp(2 * x))[1] for x in ln_s])
    best = int(np.argmin(nll))
    x = ln_s[best]
    if 0 < best < len(ln_s) - 1:
        a, b, _ = np.polyfit(ln_s[best - 1 : best + 2] - ln_s[best], nll[best - 1 : best + 2], 2)
        x = ln_s[best] - b / (2 * a)
    return solve_theta(vectors, flux, ivar, np.exp(2 * x))[0], np.exp(x)


def label_star(theta, scatter, flux, ivar, starts):
    """Labels of one star by scipy's curve_fit on the pixels, best of several starts: labels, chi2, covariance."""
    live = (ivar > 0) & np.isfinite(scatter)
    sigma = np.sqrt(1 / ivar[live] + scatter[live] ** 2)

    def model(_, *labels):
        return theta[live] @ vector(labels)

    best = (None, np.inf, None)
    for start in starts:
        try:
            labels, covariance = curve_fit(
                model, None, flux[live], p0=start, sigma=sigma, absolute_sigma=True, xtol=1e-14, ftol=1e-14
            )
        except RuntimeError:  # this start did not converge
            continue
        chi2 = np.sum(((flux[live] - model(None, *labels)) / sigma) ** 2)
        if chi2 < best[1]:
            best = (labels, chi2, covariance)
    return best
