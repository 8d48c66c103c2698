"""The digest of a catalogue: of names, units, descriptions, provenance and all values, whatever the file format."""

import hashlib
import re
from collections.abc import Iterable

import numpy as np
from astropy.table import Column, Table

from bayescannon.io.catalogue_provenance import DIGEST, flatten_provenance


def catalogue_hash(template: Table, pieces: Iterable[Table]) -> str:
    """
    Return the SHA-256 of a catalogue, in hexadecimal digits.

    Parameters
    ----------
    template : astropy.table.Table
        With columns and provenance, of which the digest itself does not count.
    pieces : iterable of astropy.table.Table
        The rows, in order; how they are split does not count.

    Examples
    --------
    >>> table = Table({"x": [1.0, 2.0, 3.0]}, meta={"fit_status": [], "result_flags": []})
    >>> catalogue_hash(table, [table]) == catalogue_hash(table, [table[:1], table[1:]])
    True
    """
    digests = {
        name: hashlib.sha256(f"{name} {column.dtype.kind} {column.unit or ''} {_text(column.description)}".encode())
        for name, column in template.columns.items()
    }
    for piece in pieces:
        for name, column in piece.columns.items():
            digests[name].update(_bytes(column))
    whole = hashlib.sha256()
    for key, value in flatten_provenance(template.meta):
        if key != DIGEST:
            whole.update(f"{key} = {_text(str(value))}\n".encode())
    for digest in digests.values():
        whole.update(digest.digest())
    return whole.hexdigest()


def _bytes(column: Column) -> bytes:
    """Return the values in one form: little-endian, one kind of NaN, text without blanks around it."""
    values = np.asarray(column)
    if values.dtype.kind == "U":
        return "".join(f"{text.strip()}\0" for text in values.tolist()).encode("utf-8", "surrogatepass")
    if values.dtype.kind == "f":
        # the sign of zero and the bits of NaN differ between formats
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values + 0.0)
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def _text(text: str | None) -> str:
    """Return a text without the blanks and line breaks that formats change."""
    return re.sub(r"\s+", "", text or "")
