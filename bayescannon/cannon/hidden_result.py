"""The hidden components of a model, as numbers with names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

# excess of a component's variance in a feature that its description names
_NOTABLE = 0.02


@dataclass(frozen=True)
class ComponentPeak:
    """
    A peak of a component.

    Attributes
    ----------
    wavelength : float
        In vacuum [Angstrom].
    amplitude : float
        The component there: the change of the normalised flux per standard deviation.
    features : tuple of str
        The known features that cover it: the narrowest first where the peak is narrow, else that with most of the
        component's variance.
    spike : bool
        It is one pixel wide, which no line is: bad or hit pixels of few stars, or a fault of the spectra.
    """

    wavelength: float
    amplitude: float
    features: tuple[str, ...]
    spike: bool = False

    @property
    def name(self) -> str:
        """What it is in a table: a spike, a feature, or nothing that is known."""
        if self.spike:
            return f"one pixel at {self.wavelength:.0f}"
        return self.features[0] if self.features else ""


@dataclass(frozen=True)
class FeatureShare:
    """
    A component's variance in the pixels of a feature.

    Attributes
    ----------
    feature, kind : str
    share : float
        Of the component's variance.
    excess : float
        The same minus the feature's share of the live pixels: 0 for a component that is the same everywhere.
    """

    feature: str
    kind: str
    share: float
    excess: float


@dataclass(frozen=True)
class Resemblance:
    """
    How a component resembles a known change of the spectrum.

    Attributes
    ----------
    name : str
        A label, ``velocity`` or ``line_spread``.
    correlation : float
        Cosine of the angle between both, over the live pixels.
    """

    name: str
    correlation: float


@dataclass(frozen=True)
class LabelCost:
    """
    What a component costs a label.

    Attributes
    ----------
    label : str
    share : float
        Of the formal variance of the label, that would be gone if the component of the star were known.
    """

    label: str
    share: float


@dataclass(frozen=True)
class HiddenComponent:
    """
    One component, on the principal axes.

    Attributes
    ----------
    number : int
        From 1.
    share : float
        Of the variance that all components describe.
    share_of_scatter : float
        Of the variance that the labels do not describe: s^2 and that of the components, over the live pixels.
    smooth_share : float
        Of its variance, in its running mean over 15 A: near 1 for continuum and broad bands, near 0 for lines.
    features : tuple of FeatureShare
        By excess, the largest first.
    peaks : tuple of ComponentPeak
        Those that stand out most from their surroundings first, 12 A apart.
    resembles : tuple of Resemblance
        By correlation without its sign, the largest first.
    costs : tuple of LabelCost
        Of a star at the pivot; the largest first.
    """

    number: int
    share: float
    share_of_scatter: float
    smooth_share: float
    features: tuple[FeatureShare, ...]
    peaks: tuple[ComponentPeak, ...]
    resembles: tuple[Resemblance, ...]
    costs: tuple[LabelCost, ...] = ()

    @property
    def kind(self) -> str:
        """``continuum`` or ``lines``: where more of its variance is."""
        return "continuum" if self.smooth_share > 0.5 else "lines"

    def notable(self, number: int = 4) -> tuple[str, ...]:
        """Return the names of the features in which its variance exceeds that of other pixels most, with its share."""
        found = [f"{one.feature} {100 * one.share:.0f} %" for one in self.features if one.excess > _NOTABLE]
        return tuple(found[:number])

    def named_peaks(self, number: int = 4) -> tuple[str, ...]:
        """Return the names of its peaks."""
        return tuple(dict.fromkeys(peak.name for peak in self.peaks if peak.name))[:number]

    def describe(self) -> str:
        """Return a sentence that names what it looks like."""
        alike = [f"{one.name} {one.correlation:+.2f}" for one in self.resembles[:2]]
        return (
            f"component {self.number}: {100 * self.share:.0f} % of the variance, {self.kind}; in "
            f"{', '.join(self.notable()) or 'no feature in particular'}; peaks at "
            f"{', '.join(self.named_peaks()) or 'no known feature'}; resembles {', '.join(alike)}"
        )


@dataclass(frozen=True)
class HiddenAtlas:
    """
    The hidden components of a model.

    Attributes
    ----------
    wavelength : float array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    loadings : float array of shape (P, R)
        H on the principal axes, by share of the variance; the largest peak of each is positive. NaN in dead pixels.
    components : tuple of R HiddenComponent
    """

    wavelength: NDArray[np.float64]
    loadings: NDArray[np.float64]
    components: tuple[HiddenComponent, ...]

    def describe(self) -> str:
        """Return one line for each component."""
        return "\n".join(one.describe() for one in self.components)

    def to_dataset(self) -> xr.Dataset:
        """Return loadings and numbers with named dims: wavelength, component, feature and resemblance."""
        features = sorted({one.feature for component in self.components for one in component.features})
        alike = sorted({one.name for component in self.components for one in component.resembles})
        excess = [[_by_name(c.features, "feature", "excess", name) for name in features] for c in self.components]
        labels = sorted({one.label for component in self.components for one in component.costs})
        cost = [[_by_name(c.costs, "label", "share", name) for name in labels] for c in self.components]
        correlation = [[_by_name(c.resembles, "name", "correlation", name) for name in alike] for c in self.components]
        numbers = ("share", "share_of_scatter", "smooth_share")
        return xr.Dataset(
            {
                "loadings": (("wavelength", "component"), self.loadings),
                **{name: ("component", [getattr(one, name) for one in self.components]) for name in numbers},
                **({"feature_excess": (("component", "feature"), excess)} if features else {}),
                "correlation": (("component", "resemblance"), correlation),
                "cost": (("component", "stellar_label"), cost),
            },
            coords={
                "wavelength": self.wavelength,
                "component": [one.number for one in self.components],
                "resemblance": alike,
                "stellar_label": labels,
                **({"feature": features} if features else {}),
            },
        )


def _by_name(rows: tuple[Any, ...], key: str, value: str, name: str) -> float:
    return next((getattr(row, value) for row in rows if getattr(row, key) == name), float("nan"))
