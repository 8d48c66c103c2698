"""Whether what an archive sent is the file that was asked for, and not the page of a login or the half of a file."""

import gzip
import zlib
from pathlib import Path

from bayescannon.io.fetching.addresses import VOTABLE

_FITS, _GZIP = b"SIMPLE  =", b"\x1f\x8b"
_FITS_BLOCK = 2880
_CHUNK = 1 << 20


def fault_of(path: Path, kind: str) -> str:
    """
    Say in a sentence why a file is not what it should be; empty if it is.

    Parameters
    ----------
    path : Path
    kind : str
        ``"FITS"``, plain or gzipped, or ``"VOTable"``.
    """
    with path.open("rb") as file:
        begin = file.read(512)
    if not begin:
        return "the server sent nothing"
    text = begin.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")) or (kind != VOTABLE and text.startswith(b"<")):
        return (
            "the server sent a web page in place of the file, perhaps to log in; the release may need a token "
            "(--token-file), or the id is not in it"
        )
    if kind == VOTABLE:
        return (
            "" if b"<votable" in text or text.startswith(b"<?xml") else "the server sent something else than a VOTable"
        )
    if begin.startswith(_GZIP):
        return _fault_of_gzip(path)
    if not begin.startswith(_FITS):
        return "the server sent something else than a FITS file"
    size = path.stat().st_size
    return f"it is cut: {size} bytes are no whole number of FITS blocks" if size % _FITS_BLOCK else ""


def _fault_of_gzip(path: Path) -> str:
    size, begin = 0, b""
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK):
                begin = begin or chunk[: len(_FITS)]
                size += len(chunk)
    except (EOFError, OSError, zlib.error) as error:
        return f"it is cut or damaged: {error}"
    if not begin.startswith(_FITS):
        return "what is gzipped is no FITS file"
    return f"it is cut: {size} unpacked bytes are no whole number of FITS blocks" if size % _FITS_BLOCK else ""
