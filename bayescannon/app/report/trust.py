"""Can the labels of a run be trusted? Five questions, each with numbers and a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayescannon.app.report.explorer_models import plain_symbol
from bayescannon.app.report.run_contents import Comparison, RunContents
from bayescannon.app.run_facts import BAD, CONVERGED, STARS, RunFacts
from bayescannon.cannon.choices import HIGH_REDUCED_CHI2
from bayescannon.cannon.fit_check import misfit_of
from bayescannon.cannon.held_out_coverage import HeldOutCoverage, held_out_coverage
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.validation import LabelStatistics
from bayescannon.data.display import value_with_error
from bayescannon.data.flags import FLAG_BAD, ResultFlag
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.numerics.typing import FloatArray

GOOD, LOOK, POOR, UNKNOWN = "good", "look closer", "not good", "not known"
# shares of flagged stars up to which a verdict is good, and above which it is not good
_FEW, _MANY = 0.1, 0.5
# differences from the nominal share of an interval up to which it holds, and from which on it does not, if more than
# three standard errors
_NEAR, _FAR, _SIGMAS = 0.03, 0.08, 3.0
# of the scatter: a bias up to which it does not matter, and from which on it decides
_SMALL_BIAS, _LARGE_BIAS = 0.15, 0.5
# reduced chi2 up to which most spectra are described
_FITTED = 2.0


@dataclass(frozen=True)
class TrustLine:
    """
    A question, and what a run says to it.

    Attributes
    ----------
    question : str
    answer : str
        With the numbers.
    verdict : str
        One of ``good``, ``look closer``, ``not good`` and ``not known``.
    meaning : str
        What the verdict goes by.
    """

    question: str
    answer: str
    verdict: str
    meaning: str


def trust_lines(run: RunContents) -> tuple[TrustLine, ...]:
    """Return the five lines of a run."""
    return (
        _errors(run), _held_out(run.validation), _usable(run), _inside(run.facts),
        _fitted(run.facts),
    )  # fmt: skip


def _errors(run: RunContents) -> TrustLine:
    model, rows = run.model, run.validation
    question = "Do the errors hold?"
    meaning = (
        "Share of held-out reference stars in the central intervals of the calibrated errors, which were learned from "
        "the same stars; good within 3 % of what the intervals promise, or within three standard errors of it."
    )
    if model is None:
        return TrustLine(question, "There is no model.", UNKNOWN, meaning)
    models = model.distinct if isinstance(model, SurveyModel) else {"": model}
    found = {name: one for name, each in models.items() if (one := held_out_coverage(each)) is not None}
    if not found:
        said = "The errors are formal only: the noise of the pixels. Calibrated ones need folds in the training."
        return TrustLine(question, said + _formal(rows), LOOK, meaning)
    verdicts, texts = [], []
    for name, one in found.items():
        verdicts.append(_coverage_verdict(one))
        shares = "; ".join(
            f"{100 * level:.1f} % intervals hold {_range(100 * row)} %"
            for level, row in zip(one.level, one.share, strict=True)
        )
        texts.append(f"{name + ': ' if name else ''}{shares} of {one.n_spectra:,} held-out spectra")
    missing = [name for name in models if name not in found]
    if missing:
        verdicts.append(LOOK)
        texts.append(f"without calibrated errors: {', '.join(missing)}")
    return TrustLine(
        question, f"{'. '.join(texts)}.{_formal(rows)}{_compared(run.comparison)}", _worst(verdicts), meaning
    )


def _formal(rows: tuple[LabelStatistics, ...]) -> str:
    """Say how much larger the differences of held-out stars are than the formal errors; nothing if that is unknown."""
    widths = [row.pull_width for row in rows if row.method == "k-fold" and row.selection == "all"]
    if not widths or not np.isfinite(widths).all():
        return ""
    return f" Without calibration: differences of held-out stars are {_range(np.array(widths))} formal errors wide."


def _compared(found: Comparison | None) -> str:
    """Say how many stars agree with another catalogue within the errors of both; nothing without a comparison."""
    shares = [row.within_error for row in found.rows if row.selection == "unflagged"] if found else []
    if not shares or not np.isfinite(shares).all():
        return ""
    text = _range(100 * np.array(shares))
    return f" Of the stars that are compared and not flagged, {text} % are within the error of the difference."


def _coverage_verdict(found: HeldOutCoverage) -> str:
    if not found.n_spectra:
        return UNKNOWN
    level = np.array(found.level)[:, None]
    off = np.abs(found.share - level)
    error = np.sqrt(level * (1 - level) / found.n_spectra)
    bad = (off > _FAR) & (off > _SIGMAS * error)
    fine = (off <= _NEAR) | (off <= _SIGMAS * error)
    return POOR if bad.any() else GOOD if fine.all() else LOOK


def _held_out(rows: tuple[LabelStatistics, ...]) -> TrustLine:
    question = "Do held-out stars get their labels back?"
    meaning = (
        "Mean and standard deviation of (inferred - reference) of stars that the model was trained without; good if "
        "every mean is below 15 % of the standard deviation, or within three of its errors."
    )
    folds = [row for row in rows if row.method == "k-fold"]
    chosen = [row for row in folds or rows if row.selection == "all" and row.n_stars]
    if not chosen:
        return TrustLine(question, "There are no statistics of held-out stars.", UNKNOWN, meaning)
    texts, verdicts = [] if folds else ["Not held out, as the run has no folds"], [] if folds else [LOOK]
    for row in chosen:
        texts.append(
            f"{plain_symbol(KNOWN_LABELS[row.label])} {value_with_error(row.bias, row.bias_error, row.unit)}, "
            f"scatter {row.scatter:.3g} {row.unit}".rstrip()
        )
        verdicts.append(_bias_verdict(row))
    stars = f"{chosen[0].n_stars:,} stars: " if folds else ""
    return TrustLine(question, f"{stars}{'; '.join(texts)}.", _worst(verdicts), meaning)


def _bias_verdict(row: LabelStatistics) -> str:
    if not np.isfinite([row.bias, row.scatter]).all():
        return UNKNOWN
    bias = abs(row.bias)
    certain = not bias <= _SIGMAS * row.bias_error
    return (
        POOR
        if bias > _LARGE_BIAS * row.scatter and certain
        else LOOK
        if bias > _SMALL_BIAS * row.scatter and certain
        else GOOD
    )


def _usable(run: RunContents) -> TrustLine:
    question = "How many labels should not be used?"
    meaning = (
        f"Share of the catalogue that is flag_bad or has no labels; good up to {100 * _FEW:.0f} %, not good above "
        f"{100 * _MANY:.0f} %."
    )
    facts, table = run.facts, run.catalogue
    if facts is None or table is None or not facts[STARS]:
        return TrustLine(question, _without(facts), UNKNOWN, meaning)
    counts = {flag.name: facts.flagged(flag) for flag in ResultFlag if flag & FLAG_BAD}
    reasons = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items(), key=lambda one: -one[1]) if n)
    share = facts[BAD] / facts[STARS]
    answer = (
        f"{facts[BAD]:,} of {facts[STARS]:,} stars ({100 * share:.1f} %) are flag_bad{': ' * bool(reasons)}{reasons}"
    )
    if run.without_labels.any():
        unflagged = run.without_labels & ((np.asarray(table["flags"], dtype=np.int64) & int(FLAG_BAD)) == 0)
        answer += f"; {int(run.without_labels.sum()):,} have no labels"
        share += unflagged.sum() / facts[STARS]
    return TrustLine(question, f"{answer}.", _share_verdict(share), meaning)


def _inside(facts: RunFacts | None) -> TrustLine:
    question = "Are the stars like the reference set?"
    meaning = (
        "Share of the catalogue whose labels are outside the reference set's coverage (OUTSIDE_COVERAGE); good up to "
        f"{100 * _FEW:.0f} %. There the model extrapolates."
    )
    if facts is None or not facts[STARS]:
        return TrustLine(question, _without(facts), UNKNOWN, meaning)
    outside, novel = (facts.flagged(flag) for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM))
    share = outside / facts[STARS]
    answer = f"{outside:,} of {facts[STARS]:,} stars ({100 * share:.1f} %) are outside its coverage"
    assessed = "coverage" in facts.attributes
    answer += f", and {novel:,} have spectra unlike its." if assessed else "; only its range was looked at, no scores."
    verdict = _share_verdict(share)
    return TrustLine(question, answer, verdict if assessed or verdict != GOOD else LOOK, meaning)


def _fitted(facts: RunFacts | None) -> TrustLine:
    question = "Does the model describe the spectra?"
    meaning = (
        f"Median reduced chi2 of the fitted stars; good up to {_FITTED:g}. Far below 1 the errors of the flux "
        "are given too large, which is no fault of the labels."
    )
    if facts is None or not facts[STARS]:
        return TrustLine(question, _without(facts), UNKNOWN, meaning)
    if not facts[CONVERGED]:
        return TrustLine(question, "No star could be fitted.", POOR, meaning)
    chi2, failed = facts.median_chi2, facts[STARS] - facts[CONVERGED]
    answer = f"The median reduced chi2 of {facts[CONVERGED]:,} stars is {chi2:.2f}"
    answer += f"; {failed:,} stars could not be fitted." if failed else "; every star could be fitted."
    misfit = misfit_of(facts[CONVERGED], chi2, facts.median_pixels)
    verdict = POOR if misfit or chi2 > HIGH_REDUCED_CHI2 else GOOD if chi2 <= _FITTED else LOOK
    return TrustLine(question, answer, verdict, meaning)


def _without(facts: RunFacts | None) -> str:
    return "There is no catalogue." if facts is None else "The catalogue has no stars."


def _share_verdict(share: float) -> str:
    return GOOD if share <= _FEW else LOOK if share <= _MANY else POOR


def _worst(verdicts: list[str]) -> str:
    return max(verdicts, key=(GOOD, UNKNOWN, LOOK, POOR).index)


def _range(values: FloatArray) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"


def conclusion(lines: Sequence[TrustLine]) -> str:
    """
    Say all verdicts in one sentence.

    Examples
    --------
    >>> from dataclasses import replace
    >>> line = TrustLine("Do the errors hold?", "Yes.", GOOD, "")
    >>> conclusion([line, line]), conclusion([line, replace(line, verdict=POOR)])
    ('All 2 answers are good.', '1 of 2 answers is good, 1 not good.')
    """
    counts = {verdict: sum(line.verdict == verdict for line in lines) for verdict in (GOOD, LOOK, POOR, UNKNOWN)}
    if counts[GOOD] == len(lines):
        return f"All {len(lines)} answers are good."
    look = "need a closer look" if counts[LOOK] > 1 else "needs a closer look"
    others = {LOOK: look, POOR: "not good", UNKNOWN: "not known"}
    said = "".join(f", {counts[verdict]} {text}" for verdict, text in others.items() if counts[verdict])
    return f"{counts[GOOD]} of {len(lines)} answers {'is' if counts[GOOD] == 1 else 'are'} good{said}."
