"""The arrays of a store, from the descriptions that the package writes and compares."""

from typing import Any

from markdown_tables import cell, code, table

from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.io.catalogue_columns import _IDENTITY_TEXTS
from bayescannon.io.store_layout import COMPONENTS, RESIDUAL, TEXT, ArrayLayout

# of a small store; the sizes of the tables are those of chunks
_STARS, _PIXELS, _REFUSED = 2000, 3626, 10
_MEANINGS = {
    "star": "name of the spectrum, unique",
    "snr": "signal-to-noise ratio of the file",
    "ra": "right ascension, ICRS [deg]",
    "dec": "declination, ICRS [deg]",
    "redshift": "redshift by which the spectrum was shifted to rest",
    "refused_file": "file, or file and row, that could not be used",
    "refused_reason": "why",
}


def layouts() -> list[ArrayLayout]:
    """Return the layouts of the arrays of a store, of spectra and of models."""
    pixels = [
        ArrayLayout(name, (_STARS, _PIXELS), "float32", "star") for name in ("flux", "ivar", RESIDUAL, COMPONENTS)
    ]
    numbers = [ArrayLayout(name, (_STARS,), "float64", "star") for name in ("snr", "ra", "dec", "redshift")]
    names = [ArrayLayout(name, (_STARS,), TEXT, "star") for name in ("star", *IDENTITY_COLUMNS)]
    refused = [ArrayLayout(name, (_REFUSED,), TEXT, "refusal") for name in ("refused_file", "refused_reason")]
    return [*pixels, ArrayLayout("wavelength", (_PIXELS,), "float64", "pixel"), *names, *numbers, *refused]


def _row(layout: ArrayLayout) -> tuple[str, str, str, str, str]:
    document: dict[str, Any] = layout.document()
    said = document["attributes"]
    meaning = said.get("long_name") or {**_IDENTITY_TEXTS, **_MEANINGS}[layout.name]
    unit = f" [{said['units']}]" if "units" in said else ""
    codecs = ", ".join(codec["name"] for codec in document["codecs"])
    dims = ", ".join(document["dimension_names"])
    return code(layout.name), dims, layout.dtype, codecs, cell(meaning + unit)


def store() -> str:
    """Return the table of arrays: dims, types and codecs as the metadata of zarr have them."""
    return table(("array", "dims", "type", "codecs", "meaning"), map(_row, layouts()))
