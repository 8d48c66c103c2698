"""Priors of the spectral model, as small objects that declare their random variable inside a pm.Model."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pymc as pm


class CoefficientPrior(Protocol):
    """Declares theta with dims (pixel, term) in the model on the stack."""

    def declare_theta(self) -> Any:
        """Return the random variable."""


class ScatterPrior(Protocol):
    """Declares s >= 0 with dims (pixel,) in the model on the stack."""

    def declare_scatter(self, *, boundary: bool) -> Any:
        """Return the random variable; with `boundary`, on its own scale so that s = 0 can be reached."""


@dataclass(frozen=True)
class FlatCoefficients:
    """No preference for any coefficient, as in the paper."""

    def declare_theta(self) -> Any:
        """Return theta ~ Flat."""
        return pm.Flat("theta", dims=("pixel", "term"))


@dataclass(frozen=True)
class FlatScatter:
    """No preference for any scatter s >= 0, as in the paper."""

    def declare_scatter(self, *, boundary: bool) -> Any:
        """Return s ~ Flat on [0, inf)."""
        options: dict[str, Any] = {"default_transform": None} if boundary else {}
        n_pixel = len(pm.modelcontext(None).coords["pixel"])
        return pm.HalfFlat("scatter", dims="pixel", initval=np.full(n_pixel, 0.01), **options)
