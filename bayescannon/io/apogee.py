"""Read APOGEE allStar tables of DR12 and DR17, by the column names of each release."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astropy.io import fits

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import PAPER_LABELS, LabelError
from bayescannon.io.apogee_flags import ASPCAP_FLAGS
from bayescannon.io.frames import columns_of
from bayescannon.io.label_columns import TableError, build_table, require_file

# not by the names of PLAIN_COLUMNS: allStar also has a column FILE, which does not name a LAMOST spectrum
_PLAIN = {"id": ("LAMOST_ID",), "survey_id": ("APOGEE_ID",), "flags": ("ASPCAPFLAG",)}
# columns of a label, of which the first that exists is read; the column of its error has _ERR appended
_LABELS: dict[str, dict[str, tuple[str, ...]]] = {
    "dr12": {
        "teff": ("TEFF",),
        "logg": ("LOGG",),
        "fe_h": ("PARAM_M_H",),
        "alpha_m": ("PARAM_ALPHA_M",),
        "a_k": ("AK_WISE",),
        "c_m": ("PARAM_C_M",),
        "n_m": ("PARAM_N_M",),
    },
    "dr17": {
        "teff": ("TEFF",),
        "logg": ("LOGG",),
        "fe_h": ("M_H", "FE_H"),
        "alpha_m": ("ALPHA_M",),
        "a_k": ("AK_TARG", "AK_WISE"),
        "mg_fe": ("MG_FE",),
        "vsini": ("VSINI",),
    },
}


def read_allstar(
    source: Any,
    release: str = "dr12",
    label_names: Sequence[str] = PAPER_LABELS,
    columns: Mapping[str, str] | None = None,
) -> LabelTable:
    """
    Read an APOGEE allStar file; only the columns in use are loaded.

    Parameters
    ----------
    source : str, Path, or table in memory
        FITS, gzipped or not, or a table as :func:`bayescannon.io.tables.read_labels` takes it. A column
        ``LAMOST_ID`` is used if there is one.
    release : {"dr12", "dr17"}
        The release, which decides the column names and the flags.
    label_names : sequence of str
        Labels to read.
    columns : mapping of name to column, optional
        As in :func:`bayescannon.io.tables.read_labels`.

    Returns
    -------
    table : LabelTable
        All rows, including those with missing labels, with flags, or with a repeated APOGEE_ID.

    Raises
    ------
    TableError
        The file is not a FITS table with a column TEFF, or a label has no column.
    """
    if release not in _LABELS:
        raise TableError(f"unknown APOGEE release {release!r}; use {' or '.join(_LABELS)}")
    survey_columns: dict[str, tuple[str, ...]] = _PLAIN | _LABELS[release]
    for name, candidates in _LABELS[release].items():
        survey_columns[f"e_{name}"] = tuple(f"{column}_ERR" for column in candidates)
    choices = (label_names, columns, survey_columns, ASPCAP_FLAGS[release])
    if (found := columns_of(source)) is not None:
        in_memory, get = found
        return build_table(in_memory, get, "the table", *choices)
    path = Path(source)
    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(path, memmap=True, lazy_load_hdus=True) as hdus:
                hdu = next((one for one in hdus if _has_labels(one)), None)
                if hdu is None:
                    raise TableError(f"{path} has no table with a column TEFF; is it an allStar file?")
                return build_table(hdu.columns.names, hdu.data.field, path.name, *choices)
    except (TableError, LabelError):
        raise
    except Exception as error:  # on damaged bytes astropy raises many kinds of exception
        raise TableError(f"{path} cannot be read as FITS ({error}); for other tables use the format 'table'") from error


def _has_labels(hdu: Any) -> bool:
    """Tell whether an HDU is the table of stars."""
    return isinstance(hdu, fits.BinTableHDU) and "TEFF" in {name.upper() for name in hdu.columns.names}
