r"""
A rule of four parameters for the errors of one label, from held-out stars: enough to score and compare models.

.. math::
    d_n \sim t_\nu\left(\mu,\; \sqrt{a^2 f_n^2 + b^2 + e_n^2}\right)

with d the difference of inferred and reference label, f its formal error and e the standard deviation of the reference
label's own error. The errors that a catalogue gives are those of :mod:`bayescannon.reliability.error_fit`.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from bayescannon.numerics.typing import FloatArray

# degrees of freedom from which the distribution is Gaussian for every purpose, and the fewest that are allowed
_LEAST_LN_DOF, _MOST_LN_DOF = np.log(1.5), np.log(100.0)


@dataclass(frozen=True)
class ErrorRule:
    """
    The parameters, in the label's units.

    Attributes
    ----------
    location, share, floor, dof : float
        mu, a, b and nu.
    """

    location: float
    share: float
    floor: float
    dof: float

    @classmethod
    def fit(cls, off: FloatArray, formal: FloatArray, noise: FloatArray) -> "ErrorRule":
        """
        Fit the rule to N differences by maximum likelihood.

        Parameters
        ----------
        off, formal, noise : float arrays of shape (N,)
            d, f and e, finite; at least 10 of them.

        Examples
        --------
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> formal = rng.uniform(5, 20, 4000)
        >>> rule = ErrorRule.fit(3 + np.hypot(2 * formal, 10) * rng.normal(size=4000), formal, np.zeros(4000))
        >>> abs(rule.location - 3) < 2, abs(rule.share - 2) < 0.2
        (True, True)
        """
        unit = float(np.median(np.abs(off - np.median(off)))) * 1.4826 or float(np.std(off)) or 1.0
        typical = float(np.median(formal)) or 1.0

        def loss(x: FloatArray) -> float:
            rule = cls(unit * x[0], np.exp(x[1]) * unit / typical, np.exp(x[2]) * unit, float(np.exp(x[3])))
            return -float(rule.log_density(off, formal, noise).sum())

        start = np.array([float(np.median(off)) / unit, np.log(0.7), np.log(0.7), np.log(6.0)])
        bounds = [(-5, 5), (-6, 3), (-6, 3), (_LEAST_LN_DOF, _MOST_LN_DOF)]
        x = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
        return cls(
            float(unit * x[0]), float(np.exp(x[1]) * unit / typical), float(np.exp(x[2]) * unit), float(np.exp(x[3]))
        )

    def log_density(self, off: FloatArray, formal: FloatArray, noise: FloatArray) -> FloatArray:
        """Return ln p of differences (N,) with their formal and reference errors."""
        scale = np.sqrt((self.share * formal) ** 2 + self.floor**2 + noise**2)
        density: FloatArray = stats.t.logpdf(off, self.dof, loc=self.location, scale=scale)
        return density
