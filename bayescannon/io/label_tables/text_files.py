"""Files of text: bytes, decompressed and decoded, with what a byte-order mark says."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.lamost import GZIP_MAGIC
from bayescannon.io.size_limits import GZIP_FAULTS, UNPACKED_TABLE, SizeLimitError, read_limited, unpack_gzip

# the longer marks first, because that of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Cells:
    """
    A table of text.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    rows : list of list of str
        As many cells each as there are names, without blanks around.
    units : tuple of str, or None
        Of the columns, if a line gives them.
    delimiter : str
    notes : tuple of str
        What was taken for granted.
    """

    names: tuple[str, ...]
    rows: list[list[str]]
    units: tuple[str, ...] | None
    delimiter: str
    notes: tuple[str, ...] = ()


def read_bytes(path: Path) -> bytes:
    """
    Return the bytes of a file, decompressed if it is gzipped.

    Raises
    ------
    TableError
        The compressed data are cut or damaged, or unpack to too much.
    """
    try:
        data = read_limited(path, UNPACKED_TABLE, "a table of labels")
        return unpack_gzip(data, UNPACKED_TABLE, path.name) if data.startswith(GZIP_MAGIC) else data
    except SizeLimitError as error:
        raise TableError(str(error)) from error
    except GZIP_FAULTS as error:
        raise TableError(
            f"{path} is cut or damaged: its compressed data cannot be read to their end ({error})"
        ) from error


def decode(data: bytes, path: Path) -> str:
    r"""
    Return the text of bytes: by their byte-order mark, else as UTF-8, else as Latin-1.

    Raises
    ------
    TableError
        The bytes are no text.

    Examples
    --------
    >>> decode(b"\xef\xbb\xbfteff,logg", Path("t.csv"))
    'teff,logg'
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise TableError(f"{path} is cut or damaged: it begins as {encoding} and does not go on so") from None
        text = data.decode("latin-1")
    if "\0" in text:
        raise TableError(f"{path} is no table of text: it holds bytes of 0 (from byte {text.index(chr(0))})")
    return text
