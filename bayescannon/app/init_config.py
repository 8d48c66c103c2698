"""The verb init: a commented configuration for one's own spectra and labels, from what a sample of them shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayescannon.app.config import LabelsConfig, PrepareConfig, RunConfig, TrainConfig
from bayescannon.app.config_text import config_text
from bayescannon.app.input_check import GOOD, InputCheck, check_input
from bayescannon.cannon.choices import SAMPLE
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS
from bayescannon.data.preset import choose_preset
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import BayesCannonError


@dataclass(frozen=True)
class MadeConfig:
    """
    A configuration that was made for spectra and labels.

    Attributes
    ----------
    config : RunConfig
    check : InputCheck
        What a sample of the input showed with it.
    reasons : mapping of ``"section.key"`` to str
        Why a key has its value.
    """

    config: RunConfig
    check: InputCheck
    reasons: Mapping[str, str]

    def text(self, folder: Path) -> str:
        """Return the configuration as commented TOML for a file in a folder."""
        head = ["Made by `bayescannon init`; `bayescannon run` runs it. A sample of the input showed:"]
        head += [f"  {one.topic}{'' if one.verdict == GOOD else f' ({one.verdict})'}: {one.text}"
                 for one in self.check.findings]  # fmt: skip
        return config_text(self.config, folder, reasons=self.reasons, head=[_one_line(line) for line in head])


def make_config(
    prepare: PrepareConfig,
    labels: LabelsConfig,
    *,
    out: str,
    label_names: Sequence[str] | None = None,
    recipe: str | None = None,
    sample: int = SAMPLE,
) -> MadeConfig:
    """
    Make a configuration for spectra and a table of labels.

    Labels are those that the table has, of the paper's five; stars are matched by position where no name agrees. Both
    are only changed where they were not named.

    Parameters
    ----------
    prepare : PrepareConfig
    labels : LabelsConfig
    out : str
        Folder that the run writes to.
    label_names : sequence of str, optional
        Labels to train.
    recipe : str, optional
        Of the training.
    sample : int
        Spectra that are looked at; 0 takes all.

    Returns
    -------
    made : MadeConfig
        Its check says whether the input can be used.

    Raises
    ------
    InputError
        Choices that do not go together.
    """
    reasons: dict[str, str] = {}
    names = list(label_names) if label_names is not None else _labels_in(labels, reasons)
    train = TrainConfig(label_names=names, recipe=recipe)
    check = _check(prepare, labels, train, sample)
    if check.numbers.get("matched") == 0 and labels.match == "id":
        by_sky = replace(labels, match="sky")
        again = _check(prepare, by_sky, train, sample)
        if again.numbers.get("matched"):
            reasons["labels.match"] = (
                f"no name of a spectrum is in the table; {again.numbers['matched']:.0f} of "
                f"{again.numbers['spectra']:.0f} spectra of the sample agree by position"
            )
            labels, check = by_sky, again
    reader = next((one.text for one in check.findings if one.topic == "reader"), None)
    if reader is not None and prepare.reader == "auto":
        reasons["prepare.reader"] = f"found: {reader}"
    return MadeConfig(RunConfig(out=out, prepare=prepare, labels=labels, train=train), check, reasons)


def _labels_in(labels: LabelsConfig, reasons: dict[str, str]) -> list[str]:
    """Return the paper's labels that a table has; all five if it cannot be read, which the check will say."""
    try:
        table = read_labels(
            labels.table, format=labels.format, columns=labels.columns, units=labels.units, missing=labels.missing,
            extension=labels.extension,
        )  # fmt: skip
    except (BayesCannonError, OSError):
        return list(PAPER_LABELS)
    found = [name for name in PAPER_LABELS if name in table.labels]
    others = [name for name in table.labels if name in KNOWN_LABELS and name not in found]
    if not found:
        return list(PAPER_LABELS)
    missing = [name for name in PAPER_LABELS if name not in found]
    if missing:
        reasons["train.label_names"] = f"the table has no {', '.join(missing)}"
    if others:
        more = f"the table also has {', '.join(others)}"
        reasons["train.label_names"] = "; ".join(filter(None, (reasons.get("train.label_names"), more)))
    return found


def _check(prepare: PrepareConfig, labels: LabelsConfig, train: TrainConfig, sample: int) -> InputCheck:
    how: dict[str, Any] = {"reader": prepare.reader, "air": prepare.air, "redshift": prepare.redshift}
    return check_input(
        prepare.spectra, labels, train=train, sample=sample, grid=prepare.grid,
        preset=choose_preset(prepare.preset, prepare.variance, prepare.resampling), **how,
    )  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join(text.split())
