"""Stellar labels: their names, their units, the numbers that the paper prints for them, and their scaling."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.display import html_table
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray


class LabelError(InputError):
    """A wrong label name, or labels that cannot be scaled or fitted."""


@dataclass(frozen=True)
class PublishedNumbers:
    """
    Numbers of Ho et al. (2017) for one label, in the label's own unit; None where the paper prints none.

    Attributes
    ----------
    bias, scatter : float or None
        Mean and standard deviation of (LAMOST Cannon - APOGEE) for S/N > 50 (figure 5).
    survey_error : float or None
        The error of APOGEE's label.
    bootstrap : float or None
        Spread of the labels from 20 bootstrapped models (section 4).
    plot_scale : float
        Scale of the label in the paper's plot of the coefficients (figure 4).
    """

    bias: float | None = None
    scatter: float | None = None
    survey_error: float | None = None
    bootstrap: float | None = None
    plot_scale: float = 1.0


@dataclass(frozen=True)
class Label:
    """
    One stellar label.

    Attributes
    ----------
    name : str
        Name in tables and on the command line, for instance ``"teff"``.
    symbol : str
        Name in plots (matplotlib mathtext).
    unit : str
        FITS unit string: ``"K"``, ``"dex"`` or ``"mag"``.
    description : str
        One phrase for table headers.
    digits : int
        Decimals to print.
    published : PublishedNumbers
        The paper's numbers.
    log_of : str
        If the label is the log10 of a quantity with a unit, that unit: ``"cm/s2"`` for log g.

    Raises
    ------
    InputTypeError
        The name, symbol, unit or description is no text.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> KNOWN_LABELS["logg"]
    <Label logg [dex]: log10 of the surface gravity in cm s-2>
    """

    name: str
    symbol: str
    unit: str
    description: str
    digits: int = 3
    published: PublishedNumbers = PublishedNumbers()
    log_of: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "symbol", "unit", "description"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise InputTypeError(f"{name} of a label must be text; got {value!r}")

    def __repr__(self) -> str:
        return f"<Label {self.name} [{self.unit}]: {self.description}>"

    def _repr_html_(self) -> str:
        """Show the label as a small table in a notebook."""
        return html_table("Label", {"name": self.name, "unit": self.unit, "description": self.description})

    def axis_text(self) -> str:
        """Return the text for a plot axis: the symbol and, in brackets, the unit."""
        return f"{self.symbol} [{self.unit}]"


# Ho et al. 2017, section 4.2 and figures 4 and 5
KNOWN_LABELS: dict[str, Label] = {
    label.name: label
    for label in (
        Label(
            "teff", r"$T_{\rm eff}$", "K", "effective temperature", 1,
            PublishedNumbers(-3.44, 68.8, 91.5, 4.4, 91.5),
        ),
        Label(
            "logg", r"$\log g$", "dex", "log10 of the surface gravity in cm s-2", 4,
            PublishedNumbers(-0.0035, 0.143, 0.11, 0.012, 0.11), "cm/s2",
        ),
        Label(
            "fe_h", r"[Fe/H]", "dex", "metallicity (APOGEE DR12: PARAM_M_H)", 4,
            PublishedNumbers(-0.0029, 0.0863, 0.05, 0.0060, 0.05),
        ),
        Label(
            "alpha_m", r"[$\alpha$/M]", "dex", "alpha-element enhancement (APOGEE DR12: PARAM_ALPHA_M)", 4,
            PublishedNumbers(0.0025, 0.0391, 0.05, 0.0042, 0.05),
        ),
        Label(
            "a_k", r"$A_K$", "mag", "K-band extinction (APOGEE DR12: AK_WISE)", 4,
            PublishedNumbers(0.0062, 0.0478, None, None, 1.0),
        ),
        Label("c_m", r"[C/M]", "dex", "carbon abundance relative to metallicity", 3),
        Label("n_m", r"[N/M]", "dex", "nitrogen abundance relative to metallicity", 3),
        Label("mg_fe", r"[Mg/Fe]", "dex", "magnesium abundance relative to iron", 3),
        Label("vmicro", r"$\log v_{\rm micro}$", "dex", "log10 of the microturbulence in km/s", 3, log_of="km/s"),
        Label("vsini", r"$v \sin i$", "km/s", "projected rotation velocity", 2),
        Label("mass", r"$M$", "solMass", "stellar mass", 3),
        Label("log_age", r"$\log$ age", "dex", "log10 of the age in years", 3, log_of="yr"),
    )
}  # fmt: skip

PAPER_LABELS = ("teff", "logg", "fe_h", "alpha_m", "a_k")


# a name is a column of tables and catalogues, and others begin with these
_NAME = re.compile(r"(?!e_|rho_|cov_)[a-z][a-z0-9_]*")


def register_label(label: Label) -> Label:
    """
    Make a label of one's own known by its name, in this process.

    Models with the label can be trained, saved and loaded where it is registered; register it before loading one.

    Parameters
    ----------
    label : Label
        Its name is the column of label tables and catalogues: lower-case letters, digits and underscores.

    Returns
    -------
    label : Label

    Raises
    ------
    InputTypeError
        Something else than a Label.
    LabelError
        The name cannot be a column, or another label has it already.

    Examples
    --------
    >>> from bayescannon.data.labels import Label, register_label
    >>> register_label(Label("ba_fe", "[Ba/Fe]", "dex", "barium abundance relative to iron"))
    <Label ba_fe [dex]: barium abundance relative to iron>
    """
    given: Any = label
    if not isinstance(given, Label):
        raise InputTypeError(f"register_label takes a Label, as Label('c_fe', '[C/Fe]', 'dex', '...'); got {given!r}")
    if not _NAME.fullmatch(label.name):
        raise LabelError(
            f"the name of a label must be lower-case letters, digits and underscores, and not begin with e_, rho_ or "
            f"cov_; got {label.name!r}"
        )
    if KNOWN_LABELS.get(label.name, label) != label:
        raise LabelError(
            f"another label has the name {label.name!r}: {KNOWN_LABELS[label.name]!r}; choose another name"
        )
    KNOWN_LABELS[label.name] = label
    return label


def labels_from_names(names: Sequence[str]) -> tuple[Label, ...]:
    """
    Look up labels by name, in the order given.

    Raises
    ------
    LabelError
        No name, an unknown name, or a name given twice.
    """
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise LabelError(f"label names must be a sequence of names, such as ('teff', 'logg'); got {names!r}")
    names = list(names)
    unknown = [name for name in names if name not in KNOWN_LABELS]
    if unknown:
        raise LabelError(
            f"unknown label name {unknown[0]!r}; known labels are {', '.join(KNOWN_LABELS)}. register_label makes one "
            "of your own known"
        )
    if not names:
        raise LabelError("no label names were given; give at least one, for instance 'teff'")
    if len(set(names)) < len(names):
        raise LabelError(f"a label name is given twice in {', '.join(names)}; give each once")
    return tuple(KNOWN_LABELS[name] for name in names)


@dataclass(frozen=True)
class LabelScaler:
    """
    The map between labels and scaled labels, (l - pivot) / scale, which is part of a trained model.

    Attributes
    ----------
    names : tuple of K str
        Label names, in order.
    pivot, scale : float arrays of shape (K,)
        In the labels' units.
    """

    names: tuple[str, ...]
    pivot: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, labels: ArrayLike, names: Sequence[str]) -> "LabelScaler":
        """
        Fit pivot = median and scale = (97.5 % - 2.5 %) / 4 of the reference labels.

        Parameters
        ----------
        labels : array of shape (star, K)
            Finite labels, in their units.
        names : sequence of K str
            Known label names.

        Raises
        ------
        LabelError
            An unknown name, a label that is not finite, or one that is constant over the stars.
        """
        names = tuple(label.name for label in labels_from_names(names))
        values = np.asarray(labels, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(names):
            raise LabelError(f"labels must have shape (star, {len(names)}) for {', '.join(names)}; got {values.shape}")
        if not np.isfinite(values).all():
            raise LabelError("reference labels must be finite; leave out reference stars with missing labels")
        low, pivot, high = np.quantile(values, [0.025, 0.5, 0.975], axis=0)
        scale = (high - low) / 4
        for name, width in zip(names, scale, strict=True):
            if not width > 0:
                raise LabelError(
                    f"label {name!r} is constant over the {len(values)} reference stars, so no spectrum can determine "
                    "it; leave it out of the label names or choose other reference stars"
                )
        return cls(names, pivot, scale)

    def to_scaled(self, labels: ArrayLike) -> FloatArray:
        """Map labels of shape (..., K) to scaled labels."""
        return (np.asarray(labels, dtype=np.float64) - self.pivot) / self.scale

    def from_scaled(self, scaled: ArrayLike) -> FloatArray:
        """Map scaled labels of shape (..., K) to labels in their units."""
        return np.asarray(scaled, dtype=np.float64) * self.scale + self.pivot

    def covariance_from_scaled(self, covariance: ArrayLike) -> Any:
        """Map covariances of scaled labels, shape (..., K, K), to the labels' units."""
        return np.asarray(covariance, dtype=np.float64) * np.outer(self.scale, self.scale)
