"""The style of each column of a catalogue: its number type, its decimals and its UCD."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from bayescannon.data.labels import KNOWN_LABELS, Label

# number types: float32 has digits enough for labels and errors, but not for positions
_POSITION, _NUMBER, _TEXT = "f8", "f4", "U"
_STATUS, _COUNT, _BITS = "u1", "i2", "i4"

# UCD1+ words of the labels
_LABEL_UCDS = {
    "teff": "phys.temperature.effective",
    "logg": "phys.gravity",
    "fe_h": "phys.abund.Z",
    "alpha_m": "phys.abund",
    "a_k": "phys.absorption;em.IR.K",
    "c_m": "phys.abund",
    "n_m": "phys.abund",
    "mg_fe": "phys.abund",
    "vmicro": "phys.veloc.microTurb",
    "vsini": "phys.veloc.rotat",
    "mass": "phys.mass",
    "log_age": "time.age",
}
# of a population's name, as models.label_regions allows them
_MEMBERSHIP = re.compile(r"p_[A-Za-z_]\w*")
_QUANTILE = re.compile(r"(.+)_p\d+(?:_\d+)?")


@dataclass(frozen=True)
class ColumnStyle:
    """
    The stored type, the decimals and the UCD of one column.

    Attributes
    ----------
    dtype : str
        Number type as numpy names it; ``"U"`` is text of any width.
    decimals : int or None
        Decimals to print; None for integers and text.
    ucd : str
        Unified content descriptor (UCD1+) of the International Virtual Observatory Alliance.
    """

    dtype: str
    decimals: int | None
    ucd: str

    @property
    def format(self) -> str | None:
        """Format string of :class:`astropy.table.Column`."""
        return None if self.decimals is None else f".{self.decimals}f"


def _text(ucd: str) -> ColumnStyle:
    return ColumnStyle(_TEXT, None, ucd)


_STYLES = {
    "id": _text("meta.id;meta.main"),
    "ra": ColumnStyle(_POSITION, 6, "pos.eq.ra;meta.main"),
    "dec": ColumnStyle(_POSITION, 6, "pos.eq.dec;meta.main"),
    "snr_g": ColumnStyle(_NUMBER, 2, "stat.snr;em.opt"),
    "redshift": ColumnStyle(_NUMBER, 8, "src.redshift"),
    "obsid": _text("meta.id;obs"),
    "designation": _text("meta.id"),
    "class": _text("src.class"),
    "subclass": _text("src.spType"),
    "release": _text("meta.version;meta.dataset"),
    "object_name": _text("meta.id.cross"),
    "object_catalogue": _text("meta.title;meta.table"),
    "gaia_id": _text("meta.id.cross"),
    "twomass_id": _text("meta.id.cross"),
    "survey_id": _text("meta.id.cross"),
    "rv_residual": ColumnStyle(_NUMBER, 2, "spect.dopplerVeloc"),
    "e_rv_residual": ColumnStyle(_NUMBER, 2, "stat.error;spect.dopplerVeloc"),
    "line_spread": ColumnStyle(_NUMBER, 0, "instr.det.psf"),
    "e_line_spread": ColumnStyle(_NUMBER, 0, "stat.error;instr.det.psf"),
    "noise_scale": ColumnStyle(_NUMBER, 3, "arith.factor"),
    "rchi2": ColumnStyle(_NUMBER, 4, "stat.fit.chi2"),
    "live_pixels": ColumnStyle(_BITS, None, "meta.number"),
    "outlying_pixels": ColumnStyle(_BITS, None, "meta.number"),
    "agreeing_starts": ColumnStyle(_COUNT, None, "meta.number"),
    "population": _text("meta.code"),
    "status": ColumnStyle(_STATUS, None, "meta.code.status"),
    "status_text": _text("meta.note"),
    "k_hat": ColumnStyle(_NUMBER, 3, "stat.value"),
    "ess": ColumnStyle(_NUMBER, 1, "stat.value"),
    "n_modes": ColumnStyle(_COUNT, None, "meta.number"),
    "posterior_status": ColumnStyle(_STATUS, None, "meta.code.status"),
    "p_coverage": ColumnStyle(_NUMBER, 7, "stat.probability"),
    "p_novelty": ColumnStyle(_NUMBER, 7, "stat.probability"),
    "p_joint": ColumnStyle(_NUMBER, 7, "stat.probability"),
    "label_distance": ColumnStyle(_NUMBER, 4, "stat.value"),
    "p_binary": ColumnStyle(_NUMBER, 5, "stat.probability"),
    "log_evidence_ratio": ColumnStyle(_NUMBER, 2, "stat.likelihood"),
    "log_evidence_double_lined": ColumnStyle(_NUMBER, 2, "stat.likelihood"),
    "mass_ratio": ColumnStyle(_NUMBER, 3, "phys.mass;arith.ratio"),
    "e_mass_ratio": ColumnStyle(_NUMBER, 3, "stat.error;phys.mass;arith.ratio"),
    "light_share": ColumnStyle(_NUMBER, 4, "phot.flux;arith.ratio"),
    "e_light_share": ColumnStyle(_NUMBER, 4, "stat.error;phot.flux;arith.ratio"),
    "velocity_difference": ColumnStyle(_NUMBER, 1, "spect.dopplerVeloc;arith.diff"),
    "e_velocity_difference": ColumnStyle(_NUMBER, 1, "stat.error;spect.dopplerVeloc"),
    "redshift_velocity": ColumnStyle(_NUMBER, 1, "spect.dopplerVeloc"),
    # signed, so that `flags & ~mask` works with a member of ResultFlag as mask
    "flags": ColumnStyle(_BITS, None, "meta.code.qual"),
    "flag_bad": ColumnStyle(_STATUS, None, "meta.code.qual"),
    "flag_warn": ColumnStyle(_STATUS, None, "meta.code.qual"),
}


def column_style(name: str) -> ColumnStyle | None:
    """
    Return the style of a column by its name; None for a column that this package does not define.

    Examples
    --------
    >>> column_style("e_teff")
    ColumnStyle(dtype='f4', decimals=1, ucd='stat.error;phys.temperature.effective')
    >>> column_style("e_teff").format
    '.1f'
    >>> column_style("parallax") is None
    True
    """
    if name in _STYLES:
        return _STYLES[name]
    if name in KNOWN_LABELS:
        return ColumnStyle(_NUMBER, KNOWN_LABELS[name].digits, _label_ucd(KNOWN_LABELS[name]))
    for prefix, extra in (("e_formal_", 1), ("e_", 0)):
        label = KNOWN_LABELS.get(name.removeprefix(prefix))
        if label is not None and name.startswith(prefix):
            return ColumnStyle(_NUMBER, label.digits + extra, f"stat.error;{_label_ucd(label)}")
    if name.removeprefix("offset_") in KNOWN_LABELS:
        label = KNOWN_LABELS[name.removeprefix("offset_")]
        return ColumnStyle(_NUMBER, label.digits + 1, f"stat.value;{_label_ucd(label)}")
    quantile = _QUANTILE.fullmatch(name)
    if quantile and quantile[1] in KNOWN_LABELS:
        label = KNOWN_LABELS[quantile[1]]
        return ColumnStyle(_NUMBER, label.digits, f"stat.percentile;{_label_ucd(label)}")
    for prefix in ("primary_", "companion_"):
        label = KNOWN_LABELS.get(name.removeprefix(prefix))
        if label is not None and name.startswith(prefix):
            return ColumnStyle(_NUMBER, label.digits, _label_ucd(label))
    if name.startswith("p_odd_"):
        return ColumnStyle(_NUMBER, 7, "stat.probability")
    if _MEMBERSHIP.fullmatch(name):
        return ColumnStyle(_NUMBER, 4, "stat.probability")
    if name.startswith("rho_"):
        return ColumnStyle(_NUMBER, 4, "stat.correlation")
    if name.startswith("cov_"):
        return ColumnStyle(_NUMBER, 4, "stat.fit.goodness")
    return None


def stored_dtype(name: str, dtype: np.dtype) -> DTypeLike:
    """
    Return the type in which a column is stored; every file format can hold it.

    A column that this package does not define keeps its type, or takes the next wider one that a VOTable has.

    Examples
    --------
    >>> stored_dtype("teff", np.dtype("f8"))
    'f4'
    >>> stored_dtype("parallax", np.dtype(">f8"))
    dtype('float64')
    """
    style = column_style(name)
    if style is not None and (style.dtype == _TEXT) == (dtype.kind not in "fiu"):
        return style.dtype
    if dtype.kind == "f":
        return np.dtype(np.float32 if dtype.itemsize == 4 else np.float64)
    if dtype.kind in "iu":
        return next(np.dtype(kind) for kind in ("u1", "i2", "i4", "i8") if kind == "i8" or np.can_cast(dtype, kind))
    return np.dtype(np.str_)


def _label_ucd(label: Label) -> str:
    """Return the UCD of a label; a label without a UCD of its own has that of a fitted parameter."""
    return _LABEL_UCDS.get(label.name, "stat.fit.param")
