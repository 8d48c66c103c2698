"""
Layouts of label tables: which columns hold the labels in each release of APOGEE, and how a layout is told.

Columns and the order of the arrays PARAM and FPARAM: data models of SDSS DR12 to DR17 (allStar) and DR19
(astraAllStarASPCAP), www.sdss.org/dr17/irspec/parameters. The metallicity is [M/H] wherever a table has it, because Ho
et al. (2017, section 1) train on PARAM_M_H; FE_H is read where it is named, or where it stands alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import numpy as np

from bayescannon.io.apogee_flags import AspcapFlagDR12, AspcapFlagDR17, AstraFlag
from bayescannon.io.label_tables.table_options import PLAIN_COLUMNS

Candidates = Mapping[str, tuple[str, ...]]
# places of the labels in PARAM and FPARAM
_PARAM = {"teff": 0, "logg": 1, "vmicro": 2, "fe_h": 3, "c_m": 4, "n_m": 5, "alpha_m": 6}


@dataclass(frozen=True)
class Layout:
    """
    Names of the columns of one kind of table.

    Attributes
    ----------
    name : str
        As a choice of ``--labels-format``.
    description : str
    labels : mapping of label to columns
        The first that exists is read. ``PARAM[3]`` is an element of an array per row. A label that is not listed is
        read from the column of its name.
    plain : mapping of name to columns
        As :data:`~bayescannon.io.label_tables.table_options.PLAIN_COLUMNS`.
    flag_type : IntFlag class or None
    """

    name: str
    description: str
    labels: Candidates = field(default_factory=dict)
    plain: Candidates = field(default_factory=lambda: PLAIN_COLUMNS)
    flag_type: type[IntFlag] | None = None

    @property
    def is_survey(self) -> bool:
        """Whether the table is a survey's, not one with labels as names."""
        return bool(self.labels)


def _with_arrays(scalar: Candidates) -> Candidates:
    """Add the elements of PARAM, calibrated, and of FPARAM, as fitted, where a table has no column for a label."""
    arrays = {name: (f"PARAM[{place}]", f"FPARAM[{place}]") for name, place in _PARAM.items()}
    return {name: (*scalar.get(name, ()), *arrays.get(name, ())) for name in {**arrays, **scalar}}


# not by the names of PLAIN_COLUMNS: allStar also has a column FILE, which does not name a spectrum of Survey B
_ALLSTAR_PLAIN = {**PLAIN_COLUMNS, "id": ("LAMOST_ID",), "survey_id": ("APOGEE_ID",), "flags": ("ASPCAPFLAG",)}
_DR13 = _with_arrays(
    {
        "teff": ("TEFF",),
        "logg": ("LOGG",),
        "fe_h": ("M_H", "FE_H"),
        "alpha_m": ("ALPHA_M",),
        "a_k": ("AK_TARG", "AK_WISE"),
        "mg_fe": ("MG_FE",),
        "vsini": ("VSINI",),
    }
)
DR12 = Layout(
    "allstar-dr12",
    "APOGEE's allStar of DR12",
    _with_arrays(
        {
            "teff": ("TEFF",),
            "logg": ("LOGG",),
            "fe_h": ("PARAM_M_H",),
            "alpha_m": ("PARAM_ALPHA_M",),
            "a_k": ("AK_WISE",),
            "c_m": ("PARAM_C_M",),
            "n_m": ("PARAM_N_M",),
        }
    ),
    _ALLSTAR_PLAIN,
    AspcapFlagDR12,
)
DR13 = Layout("allstar-dr13", "APOGEE's allStar of DR13 to DR16", _DR13, _ALLSTAR_PLAIN, AspcapFlagDR12)
DR17 = Layout("allstar-dr17", "APOGEE's allStar of DR17", _DR13, _ALLSTAR_PLAIN, AspcapFlagDR17)
ASTRA = Layout(
    "astra",
    "SDSS-V's astraAllStarASPCAP",
    {
        "teff": ("teff",),
        "logg": ("logg",),
        "fe_h": ("m_h_atm", "fe_h"),
        "alpha_m": ("alpha_m_atm",),
        "a_k": ("ak", "a_k"),
        "c_m": ("c_m_atm",),
        "n_m": ("n_m_atm",),
        "vsini": ("v_sini",),
    },
    {
        **PLAIN_COLUMNS,
        "id": ("LAMOST_ID",),
        "survey_id": ("sdss4_apogee_id", "sdss_id"),
        "flags": ("flag_bad", "result_flags"),
    },
    AstraFlag,
)
TABLE = Layout("table", "a table with columns named after labels")
LAYOUTS = {one.name: one for one in (DR12, DR13, DR17, ASTRA, TABLE)}
# columns by which allStar tables of DR13 and later differ from others with a metallicity M_H; two are enough
_TYPICAL = frozenset(
    ["M_H_ERR", "TEFF_ERR", "LOGG_ERR", "AK_TARG", "PARAM", "FPARAM", "APSTAR_ID", "ASPCAP_ID", "TELESCOPE", "NVISITS",
     "ASPCAPFLAGS", "STARFLAG", "EXTRATARG"]
)  # fmt: skip


def detect_layout(names: Sequence[str], get: Callable[[str], Any]) -> Layout:
    """
    Tell the layout of a table by the names of its columns, and by the width of ASPCAPFLAG (64 bits in DR17).

    Examples
    --------
    >>> from bayescannon.io.label_tables.table_layouts import detect_layout
    >>> detect_layout(["APOGEE_ID", "TEFF", "LOGG", "PARAM_M_H"], lambda name: [0]).name
    'allstar-dr12'
    >>> detect_layout(["id", "teff", "logg"], lambda name: [0]).name
    'table'
    """
    upper = {name.upper(): name for name in names}
    if "M_H_ATM" in upper and upper.keys() & {"SDSS_ID", "FLAG_BAD", "RESULT_FLAGS", "ALPHA_M_ATM"}:
        return ASTRA
    if not upper.keys() & {"APOGEE_ID", "ASPCAPFLAG"}:
        return TABLE
    if "PARAM_M_H" in upper:
        return DR12
    if upper.keys() & {"M_H", "PARAM", "FPARAM"} and len(upper.keys() & _TYPICAL) >= 2:
        wide = "GAIAEDR3_SOURCE_ID" in upper
        if not wide and "ASPCAPFLAG" in upper:
            dtype = getattr(get(upper["ASPCAPFLAG"]), "dtype", None)
            wide = isinstance(dtype, np.dtype) and dtype.kind in "iu" and dtype.itemsize == 8
        return DR17 if wide else DR13
    return TABLE
