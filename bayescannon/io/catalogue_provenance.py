"""The provenance in a catalogue's meta, and a flat form of it that every file format can hold."""

from collections.abc import Iterable, Mapping
from typing import Any

from bayescannon.data.display import visible
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.numerics.errors import InputError

METHOD = "Label transfer with The Cannon: Ho et al. 2017, ApJ 836, 5, doi:10.3847/1538-4357/836/1/5"

# attributes that label estimates must have, and their meanings
REQUIRED = {
    "version": "bayescannon version",
    "model_hash": "hash of the trained model",
    "seed": "seed of the random numbers",
    "n_starts": "starts of the optimiser for each star",
    "data_release": "data release of the labelled spectra",
    "reference": "reference set of the model",
}
OPTIONAL = {
    "kappa": "median scale of the flux errors",
    "errors": "what the errors e_ of the labels are",
    "offsets": "expected offsets of the labels",
    "posterior_width": "half of 15.9-84.1 % over the error",
    "model_release": "data release of the training spectra",
    "preset": "preparation of the spectra",
    "recipe": "recipe of the training, or own choices",
    "priors": "priors of the training",
    "prior": "prior of the labels",
    "nuisances": "priors of velocity, line spread, continuum",
    "populations": "populations of the model, their labels",
    "population_notes": "what was decided about them",
    "selection": "selection by membership",
    "coverage": "reference stars of p-values, smallest p",
    "odd_spectra": "what odd spectra are measured against",
    "created": "SOURCE_DATE_EPOCH, if it was set (ISO)",
}
# of a file whose format has no checksums, in its provenance
DIGEST = "digest"
EXPLANATIONS = REQUIRED | OPTIONAL | {"method": "method and citation", DIGEST: "SHA-256 of columns and provenance"}
_INTEGERS = ("seed", "n_starts")
# `errors` of a catalogue without calibrated errors
FORMAL_ONLY = "formal only: e_formal_ is the noise of the pixels; there is no e_, as the model was not calibrated"


class CatalogueError(InputError):
    """A catalogue that cannot be built, written or read; the message says what to do."""


class NoCatalogueError(CatalogueError):
    """A file of another kind, not a damaged catalogue."""


def build_provenance(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """
    Collect the provenance of a catalogue from the attributes of its label estimates.

    Parameters
    ----------
    attrs : mapping
        Must have ``version``, ``model_hash``, ``seed``, ``n_starts``, ``data_release``, ``reference``; may have
        ``errors``, ``posterior_width``, ``model_release``, ``preset``, ``recipe``, ``priors``, ``prior``,
        ``nuisances``, ``kappa``, ``populations``, ``population_notes``, ``selection``, ``coverage``,
        ``odd_spectra``, ``created``.

    Returns
    -------
    provenance : dict
        These entries, ``method`` with the citation, and the tables ``fit_status`` and ``result_flags``:
        lists of dicts with ``value``, ``name`` and ``sentence``.

    Raises
    ------
    CatalogueError
        An entry is missing, or is not plain ASCII text, which FITS headers require.
    """
    missing = [key for key in REQUIRED if key not in attrs]
    if missing:
        raise CatalogueError(
            f"the label estimates need the attribute {missing[0]!r} ({REQUIRED[missing[0]]}) for the provenance of the "
            f"catalogue; they have {', '.join(map(str, attrs)) or 'none'}"
        )
    entries = {key: attrs[key] for key in (*REQUIRED, *OPTIONAL) if key in attrs}
    provenance: dict[str, Any] = {key: _plain(key, value) for key, value in entries.items()}
    provenance["method"] = METHOD
    provenance["fit_status"] = [_row(status) for status in FitStatus]
    provenance["result_flags"] = [_row(flag) for flag in ResultFlag]
    return provenance


def flatten_provenance(provenance: Mapping[str, Any]) -> list[tuple[str, int | str]]:
    """
    Turn a provenance into (key, value) pairs of plain text and integers, for headers and notes.

    The tables give one pair per row: ``("status0", "CONVERGED: The best ...")``, ``("flag16", ...)``.
    """
    pairs = [(key, provenance[key]) for key in EXPLANATIONS if key in provenance]
    for prefix, table in (("status", "fit_status"), ("flag", "result_flags")):
        pairs += [(f"{prefix}{row['value']}", f"{row['name']}: {row['sentence']}") for row in provenance[table]]
    return pairs


def unflatten_provenance(pairs: Iterable[tuple[str, int | str]]) -> dict[str, Any]:
    """Undo :func:`flatten_provenance`; integers may be given as text, and unknown keys are left out."""
    provenance: dict[str, Any] = {"fit_status": [], "result_flags": []}
    for key, value in pairs:
        prefix = key.rstrip("0123456789")
        if key in EXPLANATIONS:
            provenance[key] = int(value) if key in _INTEGERS else str(value)
        elif prefix != key and prefix in ("status", "flag"):
            name, sentence = str(value).split(": ", 1)
            row = {"value": int(key.removeprefix(prefix)), "name": name, "sentence": sentence}
            provenance["fit_status" if prefix == "status" else "result_flags"].append(row)
    return provenance


def _plain(key: str, value: Any) -> int | str:
    """Return an attribute as a Python int, or as one line of ASCII text."""
    if key in _INTEGERS:
        return int(value)
    text = visible(" ".join(str(value).split()), keep="")
    if not text.isascii():
        raise CatalogueError(
            f"the attribute {key!r} of the label estimates must be ASCII text, because a FITS header holds it; got "
            f"{text!r}"
        )
    return text


def _row(member: FitStatus | ResultFlag) -> dict[str, Any]:
    """Return the entry of a status or flag in its table."""
    return {"value": int(member), "name": str(member.name), "sentence": member.sentence}
