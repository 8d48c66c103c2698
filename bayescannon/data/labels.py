"""Stellar labels: their names, their units, the numbers that the paper prints for them, and their scaling."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.display import html_table
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray

# stands for a unit that was not given: the second text is the unit then
_SECOND = "\0"


class LabelError(InputError):
    """A wrong label name, or labels that cannot be scaled or fitted."""


@dataclass(frozen=True)
class PublishedNumbers:
    """
    Numbers of Ho et al. (2017) for one label, in the label's own unit; None where the paper prints none.

    Attributes
    ----------
    bias, scatter : float or None
        Mean and standard deviation of (LAMOST Cannon - APOGEE) for S/N > 50 (figure 5); the S/N is taken as the
        header's. That of figure 7 is three times it.
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
    One stellar label: ``Label(name, unit)``, or ``Label(name, symbol, unit, description)``.

    Attributes
    ----------
    name : str
        Name in tables and on the command line, for instance ``"teff"``.
    symbol : str
        Name in plots (matplotlib mathtext); made of the name unless given.
    unit : str
        FITS unit string, such as ``"K"``, ``"dex"``, ``"mag"`` or ``"Gyr"``; ``""`` for a plain number. A second text
        alone is the unit.
    description : str
        One phrase for table headers; the symbol unless given.
    digits : int
        Decimals to print.
    published : PublishedNumbers
        The paper's numbers.
    log_of : str
        If the label is the log10 of a quantity with a unit, that unit: ``"cm/s2"`` for log g.
    lowest, highest : float
        The range of values that a star can have, in the label's unit. It is wide: a value outside is a missing value
        or of another unit, not an unusual star.

    Raises
    ------
    InputTypeError
        The name, symbol, unit or description is no text, or the digits or the range no numbers.
    LabelError
        The range is empty, or the digits are negative.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS, Label
    >>> KNOWN_LABELS["logg"]
    <Label logg [dex]: log10 of the surface gravity in cm s-2>
    >>> Label("ba_fe", "dex")
    <Label ba_fe [dex]: [Ba/Fe]>
    """

    name: str
    symbol: str = ""
    unit: str = _SECOND
    description: str = ""
    digits: int = 3
    published: PublishedNumbers = PublishedNumbers()
    log_of: str = ""
    lowest: float = -np.inf
    highest: float = np.inf

    def __post_init__(self) -> None:
        for name in ("name", "symbol", "unit", "description", "log_of"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise InputTypeError(f"{name} of a label must be text; got {value!r}")
        for name, kind in (("digits", Integral), ("lowest", Real), ("highest", Real)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind):
                raise InputTypeError(f"{name} of a label must be a number; got {value!r}")
        if self.digits < 0:
            raise LabelError(f"digits of label {self.name!r} must be 0 or more; got {self.digits}")
        if not isinstance(self.published, PublishedNumbers):
            raise InputTypeError(f"published of label {self.name!r} must be PublishedNumbers; got {self.published!r}")
        if not self.lowest < self.highest:
            raise LabelError(
                f"the range of label {self.name!r} must have lowest < highest; got {self.lowest:g} and {self.highest:g}"
            )
        if self.unit == _SECOND:
            object.__setattr__(self, "unit", self.symbol)
            object.__setattr__(self, "symbol", "")
        object.__setattr__(self, "symbol", self.symbol or _symbol(self.name))
        object.__setattr__(self, "description", self.description or self.symbol)

    def __repr__(self) -> str:
        return f"<Label {self.name} [{self.unit}]: {self.description}>"

    def _repr_html_(self) -> str:
        """Show the label as a small table in a notebook."""
        return html_table("Label", {"name": self.name, "unit": self.unit, "description": self.description})

    def axis_text(self) -> str:
        """Return the text for a plot axis: the symbol and, in brackets, the unit."""
        return f"{self.symbol} [{self.unit}]" if self.unit else self.symbol

    def range_text(self) -> str:
        """Return the physical range in words, for messages."""
        return f"{self.lowest:g} to {self.highest:g} {self.unit}".rstrip()


def _symbol(name: str) -> str:
    """Make the symbol of a label of its name: ``ba_fe`` is [Ba/Fe]."""
    ratio = re.fullmatch(r"([a-z]{1,2})_(h|fe|m)", name)
    return f"[{ratio[1].capitalize()}/{ratio[2].capitalize()}]" if ratio else name.replace("_", " ")


# Published numbers: Ho et al. 2017, section 4 and figures 4 and 5. The ranges enclose all stars, with their errors:
# from brown dwarfs to the hottest white dwarfs, stars without any line of iron, carbon-enhanced stars of [C/Fe] 4.
KNOWN_LABELS: dict[str, Label] = {
    label.name: label
    for label in (
        Label(
            "teff", r"$T_{\rm eff}$", "K", "effective temperature", 1,
            PublishedNumbers(-3.44, 68.8, 91.5, 4.4, 91.5), lowest=200, highest=300_000,
        ),
        Label(
            "logg", r"$\log g$", "dex", "log10 of the surface gravity in cm s-2", 4,
            PublishedNumbers(-0.0035, 0.143, 0.11, 0.012, 0.11), "cm/s2", lowest=-3, highest=10,
        ),
        Label(
            "fe_h", r"[Fe/H]", "dex", "metallicity, [Fe/H] or [M/H] as in the reference labels", 4,
            PublishedNumbers(-0.0029, 0.0863, 0.05, 0.0060, 0.05), lowest=-9, highest=3,
        ),
        Label(
            "alpha_m", r"[$\alpha$/M]", "dex", "alpha-element enhancement relative to metallicity", 4,
            PublishedNumbers(0.0025, 0.0391, 0.05, 0.0042, 0.05), lowest=-4, highest=4,
        ),
        Label(
            "a_k", r"$A_K$", "mag", "K-band extinction", 4,
            PublishedNumbers(0.0062, 0.0478, None, None, 1.0), lowest=-2, highest=30,
        ),
        Label("c_m", r"[C/M]", "dex", "carbon abundance relative to metallicity", lowest=-6, highest=6),
        Label("n_m", r"[N/M]", "dex", "nitrogen abundance relative to metallicity", lowest=-6, highest=6),
        Label("mg_fe", r"[Mg/Fe]", "dex", "magnesium abundance relative to iron", lowest=-5, highest=5),
        Label(
            "vmicro", r"$\log v_{\rm micro}$", "dex", "log10 of the microturbulence in km/s", log_of="km/s", lowest=-4,
            highest=3,
        ),
        Label("vsini", r"$v \sin i$", "km/s", "projected rotation velocity", 2, lowest=0, highest=1000),
        Label("mass", r"$M$", "solMass", "stellar mass", lowest=0, highest=1000),
        Label("log_age", r"$\log$ age", "dex", "log10 of the age in years", log_of="yr", lowest=3, highest=11),
    )
}  # fmt: skip

PAPER_LABELS = ("teff", "logg", "fe_h", "alpha_m", "a_k")


# a name is a column of tables and catalogues, and others begin with these
_NAME = re.compile(r"(?!e_|rho_|cov_)[a-z][a-z0-9_]*")
# the other columns of label tables and of catalogues
_TAKEN = frozenset(
    ["id", "ra", "dec", "snr", "survey_id", "flags", "flag_type", "flag_bad", "flag_warn", "source", "keys", "layout",
     "notes", "star", "snr_g", "rchi2", "obsid", "designation", "class", "subclass", "release", "object_name",
     "object_catalogue", "gaia_id", "twomass_id", "redshift", "live_pixels", "agreeing_starts", "status", "status_text",
     "p_coverage", "p_novelty", "p_joint", "label_distance", "k_hat", "ess", "n_modes", "posterior_status",
     "rv_residual", "line_spread", "outlying_pixels"]
)  # fmt: skip


def register_label(label: Label) -> Label:
    """
    Make a label of one's own known by its name, in this process.

    A model's file holds the definitions of its labels, and loading it makes them known too.

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
        The name cannot be a column, another label has it already, or the unit is not known.

    Examples
    --------
    >>> from bayescannon.data.labels import Label, register_label
    >>> register_label(Label("ba_fe", "[Ba/Fe]", "dex", "barium abundance relative to iron"))
    <Label ba_fe [dex]: barium abundance relative to iron>
    """
    given: Any = label
    if not isinstance(given, Label):
        raise InputTypeError(f"register_label takes a Label, as Label('c_fe', 'dex'); got {given!r}")
    if not _NAME.fullmatch(label.name):
        raise LabelError(
            f"the name of a label must be lower-case letters, digits and underscores, and not begin with e_, rho_ or "
            f"cov_; got {label.name!r}"
        )
    if label.name in _TAKEN:
        raise LabelError(
            f"no label can have the name {label.name!r}, which is another column of label tables or catalogues; choose "
            f"another name, such as {label.name}_label, and name its column: --columns {label.name}_label={label.name}"
        )
    if KNOWN_LABELS.get(label.name, label) != label:
        raise LabelError(
            f"another label has the name {label.name!r}: {KNOWN_LABELS[label.name]!r}; choose another name"
        )
    if label.name not in KNOWN_LABELS:
        _require_unit(label)
    KNOWN_LABELS[label.name] = label
    return label


def _require_unit(label: Label) -> None:
    """Raise unless astropy knows the units of a label."""
    import astropy.units as u

    for unit in (label.unit, label.log_of):
        try:
            u.Unit(unit)
        except ValueError:
            raise LabelError(
                f"the unit {unit!r} of label {label.name!r} is not known to astropy.units; a label is "
                "Label(name, unit) or Label(name, symbol, unit, description), with a unit such as 'dex', 'K' or ''"
            ) from None


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
            f"of your own known (--define {unknown[0]}:UNIT, or [labels.define] of a TOML file)"
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
