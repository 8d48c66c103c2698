"""Names of spectra against names of a label table: exactly, and if that finds nothing, as they are meant."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.display import listed
from bayescannon.data.star_ids import bare_id, known_names, rows_by_id
from bayescannon.numerics.rows import rows_of

_GAIA = re.compile(r"GAIA\s*E?DR\s*(\d)[\s_-]*", re.IGNORECASE)
_CATALOGUE = re.compile(r"^(2MASS|2M|GAIA\s*E?DR\s*\d|GAIA|TIC|KIC|EPIC)[\s_-]*|^J(?=\d)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class MatchedNames:
    """
    Rows of a table by the names of spectra.

    Attributes
    ----------
    rows : int array of shape (N,)
        The row of every spectrum, -1 where there is none.
    how : str
        How the names were compared; empty if they are the same.
    more : str
        How many more spectra would have a row if names were compared in another way; empty if none.
    """

    rows: NDArray[np.intp]
    how: str = ""
    more: str = ""


def match_names(
    stars: Sequence[str], names: Sequence[str], order: NDArray[np.intp], *, of: str = "the table"
) -> MatchedNames:
    """
    Find the rows that carry the names of spectra.

    Names are compared by :func:`bayescannon.data.star_ids.rows_by_id`. If none agrees: without the query of an address,
    without regard to case, and without the prefix of a catalogue (``2M``, ``2MASS J``, ``Gaia DR3``) and leading zeros.
    What makes two names of one side the same is not tried. Numbers of Gaia DR2 are not those of DR3: where both sides
    name a release it counts.

    Parameters
    ----------
    stars, names : sequences of str
        Of the spectra, and of the rows.
    order : int array
        The rows, the best last: of several rows with the same name it is taken.
    of : str
        What the rows are, for messages.

    Raises
    ------
    InputError
        Without folders and endings a name could be several.

    Examples
    --------
    >>> import numpy as np
    >>> match_names(["spec-1", "spec-2"], ["SPEC-2.FITS", "SPEC-3.FITS"], np.arange(2))
    MatchedNames(rows=array([-1,  0]), how='without regard to case', more='')
    """
    kept = np.where(known_names(names), np.asarray(names, dtype=np.str_), "").tolist() if len(names) else []
    there = [kept[row] for row in order.tolist()]
    found = rows_by_id(there, stars, of=of)
    n_exact = int((found >= 0).sum())
    if 2 * n_exact >= len(stars):
        return MatchedNames(np.where(found >= 0, order[found], -1))
    for form, how in _forms(stars, kept):
        looser = _rows_in_form(there, stars, form)
        n_more = int((looser >= 0).sum()) - n_exact
        if n_exact == 0 and n_more > 0:
            return MatchedNames(np.where(looser >= 0, order[looser], -1), how)
        if n_more > 0:
            return MatchedNames(np.where(found >= 0, order[found], -1), more=f"{n_more} more agree {how}")
    return MatchedNames(np.where(found >= 0, order[found], -1) if n_exact else found)


def _rows_in_form(names: Sequence[str], stars: Sequence[str], form: Callable[[str], str]) -> NDArray[np.intp]:
    """Return the rows of spectra by names in another form; -1 for all if two names of one side become the same."""
    here, there = [form(name) for name in stars], [form(name) if name else "" for name in names]
    if len(set(here)) < len(set(stars)) or len(set(there)) < len(set(names)):
        return np.full(len(stars), -1, dtype=np.intp)
    return rows_of(there, here)


def best_pair(stars: Mapping[str, Sequence[str]], names: Mapping[str, Sequence[str]]) -> tuple[int, str, str]:
    """
    Find the column of the spectra and the column of a table that agree for most spectra.

    Parameters
    ----------
    stars, names : mappings of column name to names
        Of the spectra, and of the rows of the table.

    Returns
    -------
    n_same : int
        For how many spectra they agree.
    left, right : str

    Examples
    --------
    >>> best_pair({"id": ["a", "b"], "obsid": ["11", "12"]}, {"OBSID": ["12", "13"], "note": ["x", "y"]})
    (1, 'obsid', 'OBSID')
    """
    there = {
        name: {_designation(one) for one, known in zip(values, known_names(values), strict=True) if known}
        for name, values in names.items()
        if len(values)
    }
    best = (0, "", "")
    for left, values in stars.items():
        here = [_designation(one) for one in values]
        # a column with few different values names no stars
        if 2 * len(set(here)) <= len(here):
            continue
        for right, known in there.items():
            n_same = sum(one in known for one in here)
            if n_same > best[0]:
                best = (n_same, left, right)
    return best


def first_names(
    stars: Sequence[str], names: Sequence[str], source: str, columns: tuple[str, str] = ("ids", "ids")
) -> str:
    """Show the first names of both sides, and what they are, so that one sees how they differ."""
    left, right = columns
    there = [name for name in names if name]
    return f"{left} of the spectra: {listed(list(stars), most=3)}\n{right} of {source}: {listed(there, most=3)}"


def _address(name: str) -> str:
    return bare_id(unquote(urlsplit(name).path) if "://" in name or "?" in name else name)


def _any_case(name: str) -> str:
    return _address(name).casefold()


def _designation(name: str) -> str:
    bare = _any_case(name)
    shorter = _CATALOGUE.sub("", _CATALOGUE.sub("", bare)).replace(" ", "")
    return (shorter.lstrip("0") or shorter) if shorter.isdigit() else (shorter or bare)


def _in_release(name: str) -> str:
    release = _GAIA.match(_any_case(name))
    return f"dr{release[1]} {_designation(name)}" if release else _designation(name)


def _forms(stars: Sequence[str], names: Sequence[str]) -> list[tuple[Callable[[str], str], str]]:
    """Return the forms in which names are compared, one after the other, and how to call them."""
    both = all(any(_GAIA.match(name) for name in side) for side in (stars, names))
    return [
        (_address, "without the query of an address"),
        (_any_case, "without regard to case"),
        (_in_release if both else _designation, "without catalogue prefixes and leading zeros"),
    ]
