"""The information on labels in the pixels of a star, as numbers with names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.data.labels import Label, LabelError
from bayescannon.data.spectral_features import named_feature
from bayescannon.numerics.typing import FloatArray

# share of a feature's loss that is most of it
_MOST = 0.7


@dataclass(frozen=True)
class BlockInformation:
    """
    What is lost without a block of wavelengths.

    Attributes
    ----------
    low, high : float
        First and last wavelength [Angstrom].
    lost : float array of shape (K,)
        Share of the marginal information on each label.
    """

    low: float
    high: float
    lost: NDArray[np.float64]


@dataclass(frozen=True)
class FeatureInformation:
    """
    The information in a named feature (:mod:`bayescannon.data.spectral_features`); features may overlap.

    Attributes
    ----------
    name, kind : str
    n_pixels : int
        Its live pixels.
    share : float array of shape (K,)
        Share of the marginal information on each label that is in its pixels.
    lost : float array of shape (K,)
        Share that is lost without them. It is larger where they determine what other pixels would confuse with the
        label: another label, or a hidden component.
    """

    name: str
    kind: str
    n_pixels: int
    share: NDArray[np.float64]
    lost: NDArray[np.float64]


@dataclass(frozen=True)
class ExpectedErrors:
    """
    Errors of labels against S/N, in the labels' units; inf where the pixels do not determine a label.

    Attributes
    ----------
    snr : float array of shape (S,)
        As surveys report it.
    formal : float array of shape (S, K)
        What the noise of the pixels alone does: what ``formal_covariance`` of labelling gives.
    hidden_known : float array of shape (S, K)
        The same if hidden components and nuisances were known; equal to `formal` in a model without them.
    calibrated : float array of shape (S, K) or None
        The catalogue's errors; None for a model without calibration.
    """

    snr: NDArray[np.float64]
    formal: NDArray[np.float64]
    hidden_known: NDArray[np.float64]
    calibrated: NDArray[np.float64] | None


@dataclass(frozen=True)
class LabelInformation:
    """
    The Fisher information on K labels in P pixels of a star, in 1 / unit^2 of the label.

    Attributes
    ----------
    wavelength : float array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    labels : tuple of K Label
    at : float array of shape (K,)
        The star's labels.
    snr : float
        Its S/N, as surveys report it.
    known : float array of shape (P, K)
        What each pixel adds to the information on a label if everything else is known; 0 in dead pixels.
    marginal : float array of shape (P, K)
        What it adds if the other labels, hidden components and nuisances are found from the same spectrum.
    prior : float array of shape (K,)
        What the prior of hidden components and nuisances adds to the marginal information.
    blocks : tuple of BlockInformation
    features : tuple of FeatureInformation
    expected : ExpectedErrors
    """

    wavelength: NDArray[np.float64]
    labels: tuple[Label, ...]
    at: NDArray[np.float64]
    snr: float
    known: NDArray[np.float64]
    marginal: NDArray[np.float64]
    prior: NDArray[np.float64]
    blocks: tuple[BlockInformation, ...]
    features: tuple[FeatureInformation, ...]
    expected: ExpectedErrors

    @property
    def error(self) -> NDArray[np.float64]:
        """Formal error of each label, shape (K,)."""
        return _error(self.marginal.sum(axis=0) + self.prior)

    @property
    def error_known(self) -> NDArray[np.float64]:
        """Formal error of each label if everything else is known, shape (K,)."""
        return _error(self.known.sum(axis=0))

    def strongest(self, label: str, number: int = 5) -> tuple[FeatureInformation, ...]:
        """
        Return the features without which most information on a label is lost.

        Of two that overlap, where the narrower one makes up most of the loss, it is taken.

        Raises
        ------
        LabelError
            The model does not have the label.
        """
        names = [one.name for one in self.labels]
        if label not in names:
            raise LabelError(f"the model has the labels {', '.join(names)}; got {label!r}")
        k = names.index(label)
        known = [feature for feature in self.features if np.isfinite(feature.lost[k])]
        covered = {feature.name: named_feature(feature.name).covers(self.wavelength) for feature in known}

        def hidden_by(wide: FeatureInformation, narrow: FeatureInformation) -> bool:
            overlap = narrow.n_pixels < wide.n_pixels and (covered[wide.name] & covered[narrow.name]).any()
            return bool(overlap and narrow.lost[k] > _MOST * wide.lost[k])

        alone = [wide for wide in known if not any(hidden_by(wide, narrow) for narrow in known)]
        return tuple(sorted(alone, key=lambda feature: -feature.lost[k])[:number])

    def to_dataset(self) -> xr.Dataset:
        """Return everything with named dims: wavelength, stellar_label, block, feature and snr."""
        by_pixel, by_label = ("wavelength", "stellar_label"), ("stellar_label",)
        expected = self.expected
        variables: dict[str, Any] = {
            "known": (by_pixel, self.known),
            "marginal": (by_pixel, self.marginal),
            "prior": (by_label, self.prior),
            "at": (by_label, self.at),
            "error": (by_label, self.error),
            "error_known": (by_label, self.error_known),
            "unit": (by_label, [label.unit for label in self.labels]),
            "block_range": (("block", "end"), [[block.low, block.high] for block in self.blocks]),
            "block_lost": (("block", "stellar_label"), [block.lost for block in self.blocks]),
            "expected_formal": (("snr", "stellar_label"), expected.formal),
            "expected_hidden_known": (("snr", "stellar_label"), expected.hidden_known),
        }
        if self.features:
            variables["feature_share"] = (("feature", "stellar_label"), [feature.share for feature in self.features])
            variables["feature_lost"] = (("feature", "stellar_label"), [feature.lost for feature in self.features])
        if expected.calibrated is not None:
            variables["expected_calibrated"] = (("snr", "stellar_label"), expected.calibrated)
        return xr.Dataset(
            variables,
            coords={
                "wavelength": self.wavelength,
                "stellar_label": [label.name for label in self.labels],
                **({"feature": [feature.name for feature in self.features]} if self.features else {}),
                "snr": expected.snr,
            },
            attrs={"star_snr": self.snr},
        )


def _error(information: FloatArray) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return 1 / np.sqrt(information)
