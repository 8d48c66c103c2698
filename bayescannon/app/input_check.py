"""Can these spectra and labels be used? A sample goes through preparation and matching, before a long run."""

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.app.training import build_from_config, read_sources
from bayescannon.cannon.choices import SAMPLE, SEED
from bayescannon.cannon.labelling import LOW_SNR
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.source_merging import NO_TABLE
from bayescannon.data.display import html_table, listed
from bayescannon.data.grid import describe_grid
from bayescannon.data.label_table import LabelTable
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.data.preset import PAPER, PRESETS, Preset, choose_preset
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_groups import star_groups
from bayescannon.data.tally import TallyRow
from bayescannon.io.preparation import ReadingOptions, prepare_files
from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.readers.choice import AUTO, endings_of
from bayescannon.io.readers.registry import find_reader
from bayescannon.io.source_files import SourceFiles, find_files
from bayescannon.io.store import is_store, load_spectra, open_store
from bayescannon.models.label_vector import n_terms
from bayescannon.numerics.errors import BayesCannonError, BayesCannonWarning, InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number

GOOD, DOUBT, FAULT = "good", "doubt", "fault"
# a larger share of spectra that are refused, dead or faint is doubtful
_LARGE_SHARE = 0.5
_REFUSED_SHARE = 0.05


@dataclass(frozen=True)
class Finding:
    """
    What was found about one thing.

    Attributes
    ----------
    topic : str
        ``"files"``, ``"reader"``, ``"grid"``, ``"wavelengths"``, ``"signal-to-noise"``, ``"inverse variances"``,
        ``"labels"``, ``"match"``, ``"scale"``, ``"stars"``, ``"reference set"``.
    verdict : {"good", "doubt", "fault"}
        A fault means that the input cannot be used as it is.
    text : str
    """

    topic: str
    verdict: str
    text: str


@dataclass(frozen=True, repr=False)
class InputCheck:
    """
    Whether spectra, and a table of labels, can be used.

    Attributes
    ----------
    findings : tuple of Finding
    numbers : mapping of str to number
        ``files``, ``files_read``, ``spectra``, ``refused``, ``median_snr``, and with labels ``rows``, ``matched``,
        ``reference_stars``, all but the first and ``rows`` of the sample.
    """

    findings: tuple[Finding, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether nothing was found that prevents a run."""
        return all(finding.verdict != FAULT for finding in self.findings)

    def describe(self) -> str:
        """Say in a sentence whether the input can be used."""
        counts = [sum(finding.verdict == verdict for finding in self.findings) for verdict in (FAULT, DOUBT)]
        said = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in zip(counts, ("fault", "doubt"), strict=True) if n)
        if not self.usable:
            return f"this cannot be used as it is: {said}"
        return f"this can be used: {said}" if said else "this can be used: nothing is doubtful"

    def to_json(self) -> str:
        """Return the findings and numbers as JSON."""
        numbers = {name: value if np.isfinite(value) else None for name, value in self.numbers.items()}
        return json.dumps(
            {"usable": self.usable, "findings": [asdict(finding) for finding in self.findings], "numbers": numbers},
            indent=1,
        )

    def __repr__(self) -> str:
        return f"<InputCheck: {self.describe()}>"

    def _repr_html_(self) -> str:
        """Show the findings as a small table in a notebook."""
        rows = {f"{finding.topic} ({finding.verdict})": finding.text for finding in self.findings}
        return html_table("InputCheck", rows | {"answer": self.describe()})


def check_input(
    spectra: Any,
    labels: Any = None,
    *,
    train: TrainConfig | None = None,
    sample: int = SAMPLE,
    preset: Preset | str = PAPER,
    grid: FloatArray | str | Path | None = None,
    **reading: Unpack[ReadingOptions],
) -> InputCheck:
    """
    Read, prepare and match a sample, and say whether the input can be used.

    Nothing is written but a store in the temporary folder, which is removed.

    Parameters
    ----------
    spectra : path, sequence of paths, or Spectra
        As :func:`bayescannon.io.preparation.prepare_files` takes it, or a store, or spectra that are prepared.
    labels : path, table in memory, or LabelsConfig, optional
        Table of trusted labels; a LabelsConfig, or several in a list, says how it is read and matched.
    train : TrainConfig, optional
        Labels to train, cuts and ranges.
    sample : int
        Number of files to read, spread evenly; 0 reads all. Of a store all spectra are matched, and this many checked.
    preset, grid, **reading
        As :func:`bayescannon.io.preparation.prepare_files` takes them. They do not apply to a store or Spectra.

    Returns
    -------
    check : InputCheck

    Raises
    ------
    InputError
        `sample` is no whole number from 0 up, or there is no such preset. What is wrong with the input is a finding,
        and no exception.

    Examples
    --------
    >>> import tempfile
    >>> import bayescannon as bc
    >>> from bayescannon.mock.survey import write_survey
    >>> survey = write_survey(Path(tempfile.mkdtemp()) / "survey", 60, 10, seed=1)
    >>> check = bc.check_input(survey / "spectra", survey / "apogee.fits")
    >>> check
    <InputCheck: this can be used: ...>
    >>> check.numbers["matched"]
    60
    """
    sample = whole_number(sample, "sample")
    findings: list[Finding] = []
    numbers: dict[str, float] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", BayesCannonWarning)
        how: dict[str, Any] = {"preset": choose_preset(preset), "grid": grid, **reading}
        loaded = _load(spectra, sample, how, findings, numbers)
        if loaded is not None:
            findings += _of_spectra(loaded, numbers)
        if labels is not None:
            _check_labels(loaded, labels, train or TrainConfig(), findings, numbers)
    said = [finding.text for finding in findings]
    for text in dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, BayesCannonWarning)):
        # a warning may name the spectra before it repeats a finding
        if not any(text in one or one in text for one in said):
            findings.append(Finding("warning", DOUBT, text))
    return InputCheck(tuple(findings), numbers)


def _load(
    source: Any, sample: int, how: dict[str, Any], findings: list[Finding], numbers: dict[str, float]
) -> Spectra | None:
    """Return the spectra of a store, or those of a sample of files, and note how they were read."""
    try:
        if isinstance(source, Spectra):
            return _sample_of(source, sample, how, findings, numbers)
        if isinstance(source, str | Path) and is_store(Path(source)):
            return _load_store(source, sample, how, findings, numbers)
        reader = how.get("reader", AUTO)
        files = find_files(source, endings_of(reader), () if reader == AUTO else find_reader(reader).endings)
        return _prepare(files, sample, how, findings, numbers)
    except PrepareError as error:
        numbers["refused"] = len(error.refused)
        findings.append(Finding("files", FAULT, str(error)))
    except (BayesCannonError, OSError) as error:
        findings.append(Finding("files", FAULT, str(error)))
    return None


def _load_store(
    path: str | Path, sample: int, how: dict[str, Any], findings: list[Finding], numbers: dict[str, float]
) -> Spectra:
    with open_store(path) as opened:
        ids = opened["star"].to_numpy()
        refused = opened.sizes.get("refusal", 0)
        preset = opened.attrs.get("preset", "unknown")
    chosen = ids[_spread(len(ids), sample)]
    numbers |= {"spectra": len(chosen), "refused": refused, "files": len(ids), "files_read": len(chosen)}
    findings.append(Finding("files", GOOD, f"a store of {len(ids)} spectra, preset {preset}; {refused} were refused"))
    spectra = load_spectra(path, chosen.tolist())
    findings.extend(_of_prepared(spectra, how))
    return spectra


def _sample_of(
    whole: Spectra, sample: int, how: dict[str, Any], findings: list[Finding], numbers: dict[str, float]
) -> Spectra:
    spectra = whole.select(np.array(_spread(len(whole), sample), dtype=np.intp))
    numbers |= {"spectra": len(spectra), "refused": 0, "files": len(whole), "files_read": len(spectra)}
    preset = whole.attrs.get("preset", "unknown")
    findings.append(Finding("files", GOOD, f"{len(whole)} spectra in memory, preset {preset}"))
    findings.extend(_of_prepared(spectra, how))
    return spectra


def _of_prepared(spectra: Spectra, how: dict[str, Any]) -> list[Finding]:
    """Return what the noise says, and which choices of a preparation were given for spectra that are prepared."""
    own = str(spectra.attrs.get("preset", ""))
    preset = how["preset"]
    given = [] if preset.name in (PAPER.name, own) else ["preset"]
    usual = PRESETS.get(preset.name, preset)
    given += [name for name in ("variance", "resampling") if getattr(preset, name) != getattr(usual, name)]
    given += [name for name in ("grid", "redshift") if how.get(name) is not None]
    given += [name for name in ("reader", "air") if how.get(name, AUTO) != AUTO]
    found = _of_noise(NoiseFinding.of(spectra.flux, spectra.ivar))
    if given:
        options = ", ".join(f"--{name}" for name in given)
        text = f"{options} has no effect on spectra that are prepared already; give the files, to try it"
        found.append(Finding("files", DOUBT, text))
    return found


def _prepare(
    files: SourceFiles, sample: int, how: dict[str, Any], findings: list[Finding], numbers: dict[str, float]
) -> Spectra:
    names = [files.names[row] for row in _spread(len(files.names), sample)]
    numbers |= {"files": len(files.names), "files_read": len(names)}
    of_all = "" if len(names) == len(files.names) else f" of {len(files.names)}, spread evenly"
    with tempfile.TemporaryDirectory(prefix="bayescannon-check-") as folder:
        store = Path(folder) / "store.zarr"
        report = prepare_files([files.root / name for name in names], store, workers=1, **how)
        spectra = load_spectra(store)
    numbers |= {"spectra": report.n_stars, "refused": len(report.refused)}
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.tally().items())
    text = f"{report.n_stars} spectra prepared from {len(names)} files{of_all}"
    if report.refused:
        first, reason = report.refused[0]
        text += f"; {len(report.refused)} refused ({kinds}), the first {Path(first).name}: {reason}"
    many = len(report.refused) > _REFUSED_SHARE * max(report.n_found, 1)
    findings.append(Finding("files", DOUBT if many else GOOD, text))
    findings.append(Finding("reader", GOOD, report.reader))
    findings += [Finding("reader", DOUBT, f"{count} {text}") for text, count in report.notes.items() if count]
    converted = f"{report.n_air} of {report.n_stars} were in air, converted to vacuum"
    findings.append(Finding("wavelengths", GOOD, converted if report.n_air else "in vacuum"))
    findings.extend(_of_noise(report.noise))
    return spectra


def _of_noise(noise: NoiseFinding) -> list[Finding]:
    """Return what the pixel-to-pixel noise says about the inverse variances."""
    faults = noise.sentences()
    found = [Finding("inverse variances", FAULT if "looks like" in text else DOUBT, text) for text in faults]
    if lost := noise.lost_pixels():
        found.append(Finding("inverse variances", DOUBT, lost))
    return found or [Finding("inverse variances", GOOD, "agree with the pixel-to-pixel noise")]


def _of_spectra(spectra: Spectra, numbers: dict[str, float]) -> list[Finding]:
    """Return what prepared spectra say about grid, S/N and repeated stars."""
    live = (spectra.ivar > 0).mean(axis=1)
    few = float(np.mean(live < _LARGE_SHARE))
    text = f"{describe_grid(spectra.wavelength).removeprefix('of ')}, {100 * live.mean():.1f} % of the pixels live"
    if few:
        text += f"; {100 * few:.0f} % of the spectra have fewer than half of them"
    findings = [Finding("grid", DOUBT if few > _REFUSED_SHARE else GOOD, text)]
    snr = np.asarray(spectra.columns.get("snr", np.full(len(spectra), np.nan)), dtype=np.float64)
    known = snr[np.isfinite(snr)]
    numbers["median_snr"] = float(np.median(known)) if len(known) else float("nan")
    if not len(known):
        text, verdict = "the spectra have none (column snr): no star will be flagged for it", DOUBT
    else:
        faint = float(np.mean(known < LOW_SNR))
        text = f"median {np.median(known):.0f}, {100 * faint:.0f} % below {LOW_SNR:g}"
        text += f"; {len(snr) - len(known)} spectra have none" * (len(known) < len(snr))
        verdict = DOUBT if faint > _LARGE_SHARE else GOOD
    findings.append(Finding("signal-to-noise", verdict, text))
    groups = star_groups(spectra.columns, len(spectra))
    findings.append(Finding("stars", DOUBT if groups.suspicion() else GOOD, groups.suspicion() or groups.describe()))
    return findings


def _check_labels(
    spectra: Spectra | None,
    given: Any,
    train: TrainConfig,
    findings: list[Finding],
    numbers: dict[str, float],
) -> None:
    """Note how a table of labels is read, and how many of the spectra it labels."""
    try:
        is_config = isinstance(given, LabelsConfig) or _are_configs(given)
        config = given if is_config else LabelsConfig(table="")
        sources = read_sources(config, train, None if is_config else given)
    except (BayesCannonError, OSError) as error:
        findings.append(Finding("labels", FAULT, str(error)))
        return
    numbers["rows"] = sum(len(source.labels) for source in sources)
    for source in sources:
        of = f"{source.survey}: " if len(sources) > 1 else ""
        findings += [Finding("labels", GOOD, of + note) for note in source.labels.notes]
        findings += _of_labels(source.labels, train.label_names, of)
    if spectra is None:
        return
    try:
        reference = build_from_config(spectra, sources, config, train, seed=SEED)
    except ReferenceSetError as error:
        numbers |= {"matched": 0, "reference_stars": 0}
        findings.append(Finding("match", FAULT, str(error)))
    except InputError as error:
        findings.append(Finding("match", FAULT, str(error)))
    else:
        findings += _of_reference(reference, len(spectra), numbers)


def _are_configs(given: Any) -> bool:
    return isinstance(given, list | tuple) and all(isinstance(one, LabelsConfig) for one in given)


def _of_labels(table: LabelTable, names: Sequence[str], of: str) -> list[Finding]:
    """Return how many rows have each label."""
    shares = {name: float(np.isfinite(table.labels[name]).mean()) if len(table) else 0.0 for name in names}
    text = f"{of}{len(table)} rows; known: " + ", ".join(
        f"{name} {100 * share:.0f} %" for name, share in shares.items()
    )
    least = min(shares.values())
    return [Finding("labels", FAULT if least == 0 else DOUBT if least < _LARGE_SHARE else GOOD, text)]


def _of_reference(reference: ReferenceSet, n_spectra: int, numbers: dict[str, float]) -> list[Finding]:
    """Return how many spectra have usable labels, and whether they are enough to train on."""
    steps = reference.tally
    matched = _matched(steps, len(reference))
    numbers |= {"matched": matched, "reference_stars": reference.n_stars}
    findings = [
        Finding("match", GOOD, f"{matched} of {n_spectra} spectra have a row of the table; {_removed(steps[1:])}")
    ]
    findings += [Finding("scale", GOOD, step.step) for step in steps if " map of " in step.step]
    needed = 2 * n_terms(len(reference.label_names))
    scale = numbers.get("files", 0) / max(numbers.get("files_read", 1), 1)
    expected = reference.n_stars * max(scale, 1.0)
    text = f"{reference.n_stars} stars" + (f" in the sample, about {expected:.0f} in all" if scale > 1 else "")
    text += f"; at least {needed} are needed for {len(reference.label_names)} labels"
    findings.append(Finding("reference set", GOOD if expected >= needed else FAULT, text))
    return findings


def _matched(steps: Sequence[TallyRow], n_kept: int) -> int:
    """Return how many spectra have labels: of several tables, in any of them."""
    of_all = [step.remaining for step in steps if step.step.startswith(NO_TABLE)]
    return of_all[0] if of_all else steps[1].remaining if len(steps) > 1 else n_kept


def _removed(steps: Sequence[TallyRow]) -> str:
    """List the steps of a tally that removed spectra."""
    found = [f"{row.removed} removed by '{row.step}'" for row in steps if row.removed]
    return listed(found, most=6) if found else "none is removed"


def _spread(n: int, sample: int) -> list[int]:
    """Return rows spread evenly over n: all, or as many as the sample."""
    if not sample or n <= sample:
        return list(range(n))
    rows: list[int] = np.unique(np.linspace(0, n - 1, sample).astype(int)).tolist()
    return rows
