"""Which column of a table holds what: labels, their errors, names, positions, flags; and what else could be meant."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS
from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.label_tables.table_layouts import Layout
from bayescannon.io.label_tables.table_options import PLAIN_COLUMNS, TableOptions

# names of the column with the error of a column, in this order, in upper or lower case
_ERROR_NAMES = ("{}_ERR", "e_{}", "{}_error", "err_{}", "{}err", "error_{}", "sigma_{}", "{}_sigma", "{}_unc", "{}_e")
# other names of right ascension and declination
_POSITION = tuple(re.compile(rf"_?{name}[_ ]?\(?(j?2000|icrs|deg)\)?", re.IGNORECASE) for name in ("ra", "(?:de|dec)"))
_ELEMENT = re.compile(r"(.+)\[(\d+)\]")
# columns with other measures of a label, to be named beside the one that is read
_RIVALS = {
    "fe_h": ("PARAM_M_H", "M_H", "FE_H", "m_h_atm"),
    "alpha_m": ("PARAM_ALPHA_M", "ALPHA_M", "ALPHA_FE", "alpha_m_atm"),
    "a_k": ("AK_TARG", "AK_WISE"),
}
_OTHER_NAMES = {
    "teff": ("t_eff", "temp", "temperature", "logteff", "log_teff", "lteff"),
    "logg": ("log_g", "grav", "log(g)"),
    "fe_h": ("feh", "[fe/h]", "m_h", "mh", "meh", "m_h_atm", "metallicity", "metals"),
    "alpha_m": ("alpham", "alpha_fe", "alphafe", "afe", "a_fe", "[alpha/m]"),
    "a_k": ("ak", "aks", "a_ks", "extinction"),
}
# columns that name stars, by which spectra may be matched
_KEY = re.compile(r"(^|.*_)(id|obsid|objid|specid|uid|name|designation|desig|source|star|file|filename|fits|spectrum|"
                  r"tmass|2mass|gaia|kic|epic|tic)(_.*|$)|.*(id|_id|name|file)$", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True)
class LabelColumns:
    """The columns of a label and of its error (an empty text if there is none), and whether it must be usable."""

    label: str
    column: str
    error: str = ""
    required: bool = True


@dataclass(frozen=True)
class ColumnPlan:
    """
    Which columns are read.

    Attributes
    ----------
    layout : Layout
    labels : tuple of LabelColumns
    plain : mapping of name to column
        Of `PLAIN_COLUMNS`, those that exist.
    keys : tuple of str
        Further columns that name stars.
    n_asked : int
        How many of them, the first, must be there.
    notes : tuple of str
        What was taken, and what else is there.
    """

    layout: Layout
    labels: tuple[LabelColumns, ...]
    plain: Mapping[str, str]
    keys: tuple[str, ...] = ()
    n_asked: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Names:
    """The names of a table's columns, looked up exactly or in upper and lower case."""

    found: FoundTable
    source: str
    lower: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        lower: dict[str, list[str]] = {}
        for name in dict.fromkeys(self.found.names):
            lower.setdefault(name.lower(), []).append(name)
        object.__setattr__(self, "lower", lower)

    def __contains__(self, name: str) -> bool:
        return self.look_up(name) is not None

    def look_up(self, name: str, *, meant: str = "") -> str | None:
        """Return the column of a name, or an element of one; None if there is none, an error if there are several."""
        element = _ELEMENT.fullmatch(name)
        if element and name not in self.found.names:
            column = self.look_up(element[1], meant=meant)
            return None if column is None else f"{column}[{element[2]}]"
        same = [name] if name in self.found.names else self.lower.get(name.lower(), [])
        option = f"--columns {meant or name}=COLUMN (columns={{{meant or name!r}: 'COLUMN'}})"
        if len(same) > 1:
            raise TableError(
                f"{self.source} has the columns {' and '.join(same)}, which differ in upper and lower case only, and "
                f"{meant or name!r} could be any of them; name one with {option}"
            )
        if same and same[0] in self.found.repeated_names():
            raise TableError(
                f"{self.source} has several columns named {same[0]!r}; rename them, since it cannot be told which is "
                "meant"
            )
        return same[0] if same else None

    def first(self, candidates: Iterable[str], meant: str) -> str | None:
        """Return the first of some columns that exists."""
        found = (self.look_up(name, meant=meant) for name in candidates)
        return next((name for name in found if name is not None), None)

    def text(self) -> str:
        """List the columns for a message."""
        names = list(self.found.names)
        more = f" and {len(names) - 60} more" if len(names) > 60 else ""
        return f"{self.source} has the columns {', '.join(names[:60])}{more}"


def plan_columns(
    found: FoundTable,
    layout: Layout,
    source: str,
    options: TableOptions,
    label_names: Sequence[str] | None,
    optional: Sequence[str] = (),
    keys: Sequence[str] = (),
) -> ColumnPlan:
    """
    Choose the columns of a table.

    The error of a label is read from the column that names the error of the label's own column (``FE_H_ERR`` or
    ``e_FE_H`` of ``FE_H``), never from that of another measure.

    Parameters
    ----------
    found : FoundTable
    layout : Layout
    source : str
        Name of the table, for messages.
    options : TableOptions
    label_names : sequence of str, or None
        Labels that must have a column. None takes the paper's five from a table of APOGEE, and from others every known
        label that has a column.
    optional : sequence of str
        Labels that are read too if they have a column.
    keys : sequence of str
        Further columns that must be there, with names of stars.

    Raises
    ------
    TableError
        A column is missing or ambiguous, or a choice names something that does not exist.
    """
    names = _Names(found, source)
    wanted = _wanted(layout, options, label_names)
    all_names = list(dict.fromkeys([*wanted, *optional]))
    chosen = _chosen(names, options, all_names)
    labels, notes = [], []
    for name in all_names:
        column = chosen.get(name) or names.first(_candidates(names, layout, name), name)
        if column is None:
            if name in wanted and (label_names is not None or layout.name.startswith("allstar")):
                raise TableError(_no_column(names, name))
            continue
        error = _error_column(names, chosen, name, column)
        labels.append(LabelColumns(name, column, error, required=name in wanted))
        notes += _rivals(names, name, column)
    if not labels:
        raise TableError(
            f"no column is named after a label ({', '.join(wanted)}); {names.text()}; name "
            f"them in columns, as {wanted[0]}=COLUMN"
        )
    _require_known(options, [one.label for one in labels])
    there = {name: chosen.get(name) or names.first(layout.plain.get(name, ()), name) for name in PLAIN_COLUMNS}
    plain = {name: column for name, column in {**there, **_position(names, there)}.items() if column is not None}
    lacking = [key for key in keys if key not in names]
    if lacking:
        raise TableError(
            f"match must be 'id', 'sky' or a pair of columns LEFT=RIGHT; there is no column {lacking[0]!r}: "
            f"{names.text()}"
        )
    named = [str(names.look_up(key)) for key in keys]
    likely = [name for name in found.names if _KEY.fullmatch(name) and name not in found.repeated_names()]
    taken = {one.column for one in labels} | {one.error for one in labels} | set(plain.values())
    others = tuple(dict.fromkeys([*named, *(name for name in likely if name not in taken)]))
    columns = ", ".join(f"{one.label} from {one.column}" + f" (error {one.error})" * bool(one.error) for one in labels)
    stars = f"; id from {plain['id']}" if "id" in plain else "; no column of ids"
    notes = [f"{source} is read as {layout.description}: {columns}{stars}", *notes]
    if layout.is_survey and "flags" not in plain:
        notes.append(f"{source} has no column of quality flags: a cut of flags removes nothing")
    notes += _other_positions(names, plain)
    repeated = [name for name in found.repeated_names() if name not in taken]
    if repeated:
        notes.append(f"{source} has several columns named {', '.join(repeated)}, which are not read")
    return ColumnPlan(layout, tuple(labels), plain, others, len(set(named)), tuple(notes))


def element(name: str) -> tuple[str, int | None]:
    """
    Split the name of an element of a column of arrays: ``PARAM[3]``.

    Examples
    --------
    >>> element("PARAM[3]"), element("TEFF")
    (('PARAM', 3), ('TEFF', None))
    """
    found = _ELEMENT.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


def _candidates(names: _Names, layout: Layout, label: str) -> list[str]:
    """Return the columns of a label in the layout; arrays only where no column of another release has the label."""
    other_release = any(name in names for name in _RIVALS.get(label, ()))
    candidates = layout.labels.get(label, (label,))
    return [name for name in candidates if not (other_release and element(name)[1] is not None)]


def _wanted(layout: Layout, options: TableOptions, label_names: Sequence[str] | None) -> list[str]:
    if label_names is not None:
        return list(label_names)
    named = [name for name in options.columns if name in KNOWN_LABELS]
    return list(dict.fromkeys([*PAPER_LABELS, *named])) if layout.is_survey else list(KNOWN_LABELS)


def _chosen(names: _Names, options: TableOptions, labels: Sequence[str]) -> dict[str, str]:
    """Return the user's columns, as the table writes their names."""
    known = [*PLAIN_COLUMNS, *labels, *(f"e_{name}" for name in labels)]
    chosen = {}
    for name, column in options.columns.items():
        if name not in known:
            raise TableError(f"--columns cannot set {name!r}; it can set {', '.join(known)}")
        there = names.look_up(column, meant=name)
        if there is None:
            raise TableError(f"--columns {name}={column}: no such column; {names.text()}")
        chosen[name] = there
    return chosen


def _error_column(names: _Names, chosen: Mapping[str, str], label: str, column: str) -> str:
    if f"e_{label}" in chosen:
        return chosen[f"e_{label}"]
    array, place = element(column)
    if place is not None:
        covariance = names.look_up(f"{array}_COV")
        return "" if covariance is None else f"{covariance}[{place}]"
    found = names.first((pattern.format(column) for pattern in _ERROR_NAMES), f"e_{label}")
    # a column named after the label is that of the label's error, unless the table has another measure of that name
    if found is None and (column.lower() == label or label not in names):
        found = names.look_up(f"e_{label}")
    return found or ""


def _rivals(names: _Names, label: str, column: str) -> list[str]:
    """Name other measures of a label that the table has, and how one chooses them."""
    others = [name for one in _RIVALS.get(label, ()) for name in names.lower.get(one.lower(), [])]
    others += names.lower.get(column.lower(), [])
    others = [name for name in dict.fromkeys(others) if name != column]
    if not others:
        return []
    listed = " and ".join(others)
    rule = ", the metallicity [M/H] as in Ho et al. 2017" if label == "fe_h" and "m_h" in column.lower() else ""
    there = "is" if len(others) == 1 else "are"
    return [f"{label} is {column}{rule}; {listed} {there} there too (--columns {label}={others[0]} takes it)"]


def _position(names: _Names, plain: Mapping[str, str | None]) -> dict[str, str]:
    """Return the columns of a position that was saved as one column, ``coord.ra`` and ``coord.dec``."""
    if plain["ra"] is not None or plain["dec"] is not None:
        return {}
    stems = [name[:-3] for name in names.found.names if name.lower().endswith(".ra")]
    stems = [stem for stem in stems if f"{stem}.dec" in names]
    if len(stems) != 1:
        return {}
    return {one: str(names.look_up(f"{stems[0]}.{one}")) for one in ("ra", "dec")}


def _other_positions(names: _Names, plain: Mapping[str, str]) -> list[str]:
    """Name columns that could be a position, where none are named ra and dec."""
    if "ra" in plain or "dec" in plain:
        return []
    pair = [next((name for name in names.found.names if one.fullmatch(name)), None) for one in _POSITION]
    if None in pair:
        return []
    return [f"no columns ra and dec; {pair[0]} and {pair[1]} could be meant: --columns ra={pair[0]},dec={pair[1]}"]


def _require_known(options: TableOptions, labels: Sequence[str]) -> None:
    known = [*labels, *(f"e_{name}" for name in labels), "ra", "dec", "snr"]
    for option in ("units", "missing"):
        for name in getattr(options, option):
            if name not in known and name not in KNOWN_LABELS:
                raise TableError(f"--{option} cannot set {name!r}; it can set {', '.join(known)}")


def _no_column(names: _Names, label: str) -> str:
    """Say that a label has no column, and which columns could be meant."""
    lower = {name.lower(): name for name in names.found.names}
    near = [lower[name] for name in _OTHER_NAMES.get(label, ()) if name in lower]
    near += [lower[name] for name in get_close_matches(label, lower, n=2, cutoff=0.7) if lower[name] not in near]
    near = [name for name in near if not name.lower().startswith("e_") and not name.lower().endswith("_err")]
    hint = f"; {' or '.join(near[:3])} could be meant" if near else ""
    example = near[0] if near else "COLUMN"
    return (
        f"no column for label {label!r}; {names.text()}{hint}; name one with --columns {label}={example} "
        f"(columns={{{label!r}: {example!r}}})"
    )
