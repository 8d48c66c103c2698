r"""
Whether pixels can be outliers, as small objects that declare the distribution of the flux inside a ``pm.Model``.

With outliers, a share e of the fluxes (cosmic rays, residuals of the sky, defects of the detector that no mask tells)
scatters around the expected flux m as a Cauchy distribution whose scale is b times the standard deviation d of the
others:

    f ~ (1 - e) Normal(m, d) + e Cauchy(m, b d).

It is a mixture and not a Student-t of all pixels, because what is no outlier keeps its weight, s its meaning and the
labels their formal errors; spectra without outliers are labelled as without the mixture. The broad part is Cauchy and
not normal, so that the influence of a pixel vanishes however far off it is.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.outlier_mixture import (
    FIRST_SCALE,
    FIRST_SHARE,
    LEAST_SCALE,
    LEAST_SHARE,
    MOST_SCALE,
    MOST_SHARE,
    OutlierShare,
)
from bayescannon.numerics.real_numbers import real_number


class OutlierPrior(Protocol):
    """Declares the observed flux in the model on the stack."""

    def declare_flux(self, expected: Any, deviation: Any, live: Any, observed: Any, *, boundary: bool) -> None:
        """Declare ``flux`` (star, pixel) around its expectation; a dead pixel depends on no parameter of outliers."""


@dataclass(frozen=True)
class NoOutliers:
    """
    All pixels scatter as a normal distribution, as in the paper.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SpectralPriors().outliers
    NoOutliers()
    """

    def declare_flux(
        self,
        expected: Any,
        deviation: Any,
        live: Any,  # noqa: ARG002 - a normal distribution needs none of it
        observed: Any,
        *,
        boundary: bool,  # noqa: ARG002
    ) -> None:
        """Declare flux ~ Normal(expected, deviation)."""
        import pymc as pm

        pm.Normal("flux", expected, deviation, observed=observed, dims=("star", "pixel"))


@dataclass(frozen=True)
class MixtureOutliers:
    """
    A share of the pixels are outliers, see :mod:`bayescannon.models.outliers`.

    Attributes
    ----------
    share : float or None
        e; None is learned by maximum likelihood, between 0.00001 and 0.2.
    scale : float or None
        b; None is learned by maximum likelihood, between 5 and 200.

    Raises
    ------
    InputError
        A number out of these bounds.

    Examples
    --------
    >>> MixtureOutliers(share=0.001)  # the scale is learned
    MixtureOutliers(share=0.001, scale=None)
    """

    share: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("share", LEAST_SHARE, MOST_SHARE), ("scale", LEAST_SCALE, MOST_SCALE)):
            value = getattr(self, name)
            if value is not None and not low <= real_number(value, f"the {name} of outliers") <= high:
                raise InputError(f"the {name} of outliers must be from {low:g} to {high:g}; got {value!r}")

    @property
    def first(self) -> OutlierShare:
        """The values from which learning starts."""
        return OutlierShare(
            FIRST_SHARE if self.share is None else self.share, FIRST_SCALE if self.scale is None else self.scale
        )

    def declare_flux(self, expected: Any, deviation: Any, live: Any, observed: Any, *, boundary: bool) -> None:
        """Declare the mixture, with ``outlier_share`` and ``outlier_scale`` flat within their bounds if learned."""
        import pymc as pm
        import pytensor.tensor as pt

        options: dict[str, Any] = {"default_transform": None} if boundary else {}
        share, scale = self.share, self.scale
        if share is None:
            share = pm.Uniform("outlier_share", LEAST_SHARE, MOST_SHARE, **options)
        if scale is None:
            scale = pm.Uniform("outlier_scale", LEAST_SCALE, MOST_SCALE, **options)
        # the constant that a dead pixel adds must not depend on share and scale
        e, b = pt.where(live, share, 0.5), pt.where(live, scale, 1.0)
        parts = [pm.Normal.dist(expected, deviation), pm.Cauchy.dist(expected, b * deviation)]
        pm.Mixture("flux", pt.stack([1 - e, e], axis=-1), parts, observed=observed, dims=("star", "pixel"))
