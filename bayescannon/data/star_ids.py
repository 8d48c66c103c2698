"""
Names of stars and of their spectra, compared by one rule.

A name is first looked for as it is. Only if it is not there, folders and file endings are left out on both sides, and
the result counts if it means one name only; if it could mean several, it is refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import BoolArray

_ENDING = re.compile(r"\.(fits|fit|fts)(\.gz)?$|\.gz$", re.IGNORECASE)
_FILE = re.compile(r"\.(fits|fit|fts)(\.gz)?$", re.IGNORECASE)
# what tables write, in lower case, where a star has no name
_NO_NAME = frozenset(
    ["", "-", "--", "---", "?", "nan", "none", "null", "n/a", "na", "<na>", "masked", "unknown", "\\n"]
    + [text for code in (-1, -9, -99, -999, -9999, -99999) for text in (str(code), f"{code}.0")]
)
ZERO, _ONE = ("0", "0.0"), ("1", "1.0")


def known_names(names: ArrayLike) -> BoolArray:
    """
    Tell which names are those of a star, and do not stand for "unknown": blank, NaN, 0, -1, -9999 and the like.

    0 is a star's number only where 1 is one too, as in a column that counts stars from 0.

    Examples
    --------
    >>> known_names(["7", "", "nan", "-9999", "0"]).tolist(), known_names(["0", "1"]).tolist()
    ([True, False, False, False, False], [True, True])
    """
    lower = np.char.lower(np.char.strip(np.asarray(names, dtype=np.str_)))
    known: BoolArray = ~np.isin(lower, list(_NO_NAME))
    if not np.isin(lower, _ONE).any():
        known &= ~np.isin(lower, ZERO)
    return known


def bare_id(name: str) -> str:
    """
    Strip folders and file endings from a spectrum's name.

    Examples
    --------
    >>> bare_id("dr10/spec-1.fits.gz")
    'spec-1'
    """
    return _ENDING.sub("", re.split(r"[/\\]", name.strip())[-1])


def names_of_files(names: Iterable[str]) -> list[str]:
    """
    Return names in the form that a table of labels keeps: those of FITS files without folders and endings.

    Other names stay as they are, because a slash or a dot may be part of them, and so do all if two files of different
    folders would get the same name.

    Examples
    --------
    >>> names_of_files(["dr2/spec-1.fits.gz", "2MASS/J01", "GALAH.17"])
    ['spec-1', '2MASS/J01', 'GALAH.17']
    >>> names_of_files(["dr2/spec-1.fits", "dr5/spec-1.fits"])
    ['dr2/spec-1.fits', 'dr5/spec-1.fits']
    """
    full = [name.strip() for name in names]
    bare = [bare_id(name) if _FILE.search(name) else name for name in full]
    return bare if len(set(bare)) == len(set(full)) else full


def rows_by_id(names: Iterable[object], wanted: Iterable[object], *, of: str = "the spectra") -> NDArray[np.intp]:
    """
    Find the rows with the wanted names: as they are, else without folders and endings.

    A name that is found as it is does not stand for another one too.

    Parameters
    ----------
    names : N names
        Of several rows with the same name the last one is found; an empty name is never found.
    wanted : n names
    of : str
        What the rows are, for messages.

    Returns
    -------
    rows : int array of shape (n,)
        -1 where no row has the name.

    Raises
    ------
    InputError
        Without folders and endings a name could be several.

    Examples
    --------
    >>> rows_by_id(["dr2/a.fits", "b", "b.gz"], ["a", "b.gz", "x/b.fits", "c"]).tolist()
    [0, 2, 1, -1]
    >>> rows_by_id(["2MASS/J01", "GAIA/J01"], ["J01"])
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputError: 'J01' could be '2MASS/J01' or 'GAIA/J01' of the spectra: ...
    """
    there, asked = [str(name).strip() for name in names], [str(name).strip() for name in wanted]
    rows = rows_of(there, asked)
    open_rows = [i for i in np.flatnonzero(rows < 0).tolist() if asked[i]]
    if not open_rows:
        return rows
    taken = {name for name, row in zip(asked, rows.tolist(), strict=True) if row >= 0}
    meant: dict[str, dict[str, int]] = defaultdict(dict)
    for row, name in enumerate(there):
        if name and name not in taken:
            meant[bare_id(name)][name] = row
    asking: dict[str, set[str]] = defaultdict(set)
    for i in open_rows:
        asking[bare_id(asked[i])].add(asked[i])
    for i in open_rows:
        bare = bare_id(asked[i])
        found = meant.get(bare, {})
        if not found:
            continue
        if len(found) > 1:
            _refuse(asked[i], sorted(found), of)
        if len(asking[bare]) > 1:
            _refuse(next(iter(found)), sorted(asking[bare]), "the names that are looked for in it", of)
        rows[i] = next(iter(found.values()))
    return rows


def same_stars(first: Iterable[object], second: Iterable[object]) -> bool:
    """
    Say if two lists name the same stars in the same order.

    Examples
    --------
    >>> same_stars(["dr2/a.fits", "b"], ["a", "b.fits"]), same_stars(["x/a", "y/a"], ["y/a", "x/a"])
    (True, False)
    """
    one, other = [str(name).strip() for name in first], [str(name).strip() for name in second]
    if one == other:
        return True
    bare = [bare_id(name) for name in one]
    return len(set(bare)) == len(set(one)) and bare == [bare_id(name) for name in other]


def _refuse(name: str, several: list[str], whose: str, of: str = "") -> None:
    where = f" of {of}" if of else ""
    raise InputError(
        f"{name!r}{where} could be {' or '.join(map(repr, several[:2]))} of {whose}: without folders and file endings "
        "they are the same. Use the same names on both sides"
    )
