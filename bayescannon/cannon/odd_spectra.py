r"""
Odd spectra: unresolved and double-lined pairs, emission, carbon stars, wide lines, wrong redshifts, spectra of the sky.

Three numbers say whether a star is a pair. ``log_evidence_ratio`` compares the hypotheses as the model states them. It
is far too sure where the model misses something of spectra: of single dwarfs of the mock survey, a third would be pairs
with a probability above 0.9. ``p_binary`` is the probability of a pair if a share of such stars are pairs, from what
evidence ratios held-out reference stars have, and the same stars with companions added to their spectra. ``p_odd`` is
the p-value of each score among held-out reference stars: it is that which keeps a rate of false alarms.

Some of the reference stars are pairs themselves, which makes p-values too large and ``p_binary`` too small.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import N_FOLDS, SEED
from bayescannon.cannon.fold_models import fold_models
from bayescannon.cannon.held_out import deal_folds
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.odd_scores import BINARY, DOUBLE_LINED, ODD_CLASSES, OddScorer, OddScores
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.score_odds import ScoreOdds, largest_log_odds
from bayescannon.reliability.score_reference import FEWEST_STARS, ScoreReference

# share of dwarfs with a companion of at least a fifth of their mass that a fibre does not separate from them: of stars
# like the Sun 44 % have companions (Raghavan et al. 2010, ApJS 190, 1), some of them wide ones
BINARY_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class OddReference:
    """
    The scores of held-out reference stars.

    Attributes
    ----------
    model_hash : str
        Of the model that was trained on all of them.
    power : float
        To which the likelihoods of pairs and of single stars were raised.
    scores : dict of str to ScoreReference
        By class; a class that these stars have no scores of is missing.
    pair_odds : ScoreOdds or None
        Of standardised evidence ratios of unresolved pairs; None without dwarfs among the stars.
    """

    model_hash: str
    power: float
    scores: dict[str, ScoreReference]
    pair_odds: ScoreOdds | None = None

    def p_values(self, found: OddScores) -> FloatArray:
        """Return the p-value of each score, shape (N, class); NaN where there is none."""
        result = np.full(found.score.shape, np.nan)
        for k, name in enumerate(ODD_CLASSES):
            if name in self.scores:
                result[:, k] = self.scores[name].p_value(found.score[:, k], found.log_snr)
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, for JSON."""
        scores = {name: one.to_dict() for name, one in self.scores.items()}
        odds = None if self.pair_odds is None else self.pair_odds.to_dict()
        return {"model_hash": self.model_hash, "power": self.power, "scores": scores, "pair_odds": odds}

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> "OddReference":
        """Undo :meth:`to_dict`."""
        scores = {name: ScoreReference.from_dict(one) for name, one in numbers["scores"].items()}
        odds = None if numbers["pair_odds"] is None else ScoreOdds(**numbers["pair_odds"])
        return cls(numbers["model_hash"], numbers["power"], scores, odds)

    def log_pair_odds(self, found: OddScores, p_values: FloatArray) -> FloatArray | None:
        """
        Return the log odds of pairs, shape (N,), before their prior share; None where nothing is known of pairs.

        Where two velocities were fitted, a pair of either kind counts for half, that kind with the largest odds that
        its p-value can stand for.
        """
        if self.pair_odds is None or found.pair is None:
            return None
        names = list(ODD_CLASSES)
        score = found.score[:, names.index(BINARY)]
        odds = self.pair_odds.log_odds(self.scores[BINARY].standardised(score, found.log_snr))
        two = largest_log_odds(p_values[:, names.index(DOUBLE_LINED)])
        both = np.isfinite(odds) & np.isfinite(two)
        odds[both] = np.logaddexp(odds[both], two[both]) - np.log(2)
        return odds


def fit_odd_reference(
    model: TrainedModel | str | Path,
    reference: ReferenceSet,
    *,
    folds: int = N_FOLDS,
    power: float = 1.0,
    double_lined: bool = False,
    seed: int = SEED,
    workers: int | None = None,
) -> OddReference:
    """
    Score the reference stars of a model, each by a model without the stars of its fold.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    reference : ReferenceSet
        That it was trained on.
    folds, seed
        As in :func:`bayescannon.cannon.held_out.hold_out`.
    power : float
        To which the likelihoods of pairs and of single stars are raised.
    double_lined : bool
        Whether pairs with two velocities are fitted too: a quarter of a second per star.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    odd : OddReference
    """
    model = as_model(model)
    fold = deal_folds(reference, folds=folds, seed=seed)
    score, log_snr = np.full((len(reference), len(ODD_CLASSES)), np.nan), np.full(len(reference), np.nan)
    paired = np.full(len(reference), np.nan)
    rng = np.random.default_rng(seed)
    for k, without in enumerate(fold_models(model, reference, fold, workers=workers)):
        rows = np.flatnonzero(fold == k)
        scorer = OddScorer.of(without)
        likelihood, scaled = _labelled(without, reference.spectra.select(rows), seed, workers)
        found = scorer.scores(likelihood, scaled, power=power, double_lined=double_lined, workers=workers)
        score[rows], log_snr[rows] = found.score, found.log_snr
        if found.pair is not None:
            dwarf = np.isfinite(found.pair.log_ratio)
            spectra = scorer.with_companions(likelihood.spectra, np.where(dwarf[:, None], scaled, np.nan), rng)
            likelihood, scaled = _labelled(without, spectra, seed, workers)
            ratio = scorer.pairs(likelihood, scaled, power=power, workers=workers).log_ratio
            paired[rows] = np.where(dwarf, ratio, np.nan)
    usable = {name: np.isfinite(score[:, k]).sum() >= FEWEST_STARS for k, name in enumerate(ODD_CLASSES)}
    fitted = {name: ScoreReference.fit(score[:, k], log_snr) for k, name in enumerate(ODD_CLASSES) if usable[name]}
    odds = None
    if BINARY in fitted and np.isfinite(paired).sum() >= FEWEST_STARS:
        single = score[:, list(ODD_CLASSES).index(BINARY)]
        odds = ScoreOdds.fit(*(fitted[BINARY].standardised(one, log_snr) for one in (single, paired)))
    return OddReference(model.hash, power, fitted, odds)


def _labelled(
    model: TrainedModel, spectra: Spectra, seed: int, workers: int | None
) -> tuple[StarLikelihood, FloatArray]:
    """Return the likelihoods of stars and their best scaled labels."""
    likelihood = StarLikelihood.of(model, spectra, workers=workers)
    estimates = estimate_labels(likelihood, search_optima(likelihood, seed=seed, workers=workers), workers=workers)
    return likelihood, model.scaler.to_scaled(estimates["labels"].to_numpy())


def odd_spectra(
    model: TrainedModel | str | Path,
    spectra: Spectra | StarLikelihood | str | Path,
    estimates: xr.Dataset,
    odd: OddReference | None = None,
    *,
    power: FloatArray | float | None = None,
    binary_share: float = BINARY_SHARE,
    double_lined: BoolArray | bool = False,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Say how stars differ from the single stars that a model was trained on.

    Stars are independent of each other, so that a survey may be assessed block by block.

    Parameters
    ----------
    model : TrainedModel, or path of its file
        Of the population that the stars are of. Pairs are of stars of the main sequence: without dwarfs among the
        reference stars there are none, and stars that are no dwarfs have NaN.
    spectra : Spectra, path of a store, or StarLikelihood
    estimates : xarray.Dataset
        Labels of the same stars by this model.
    odd : OddReference, optional
        Of :func:`fit_odd_reference`; without it there are no p-values, and ``p_binary`` is too sure.
    power : float or float array of shape (N,), optional
        To which the likelihoods of pairs and of single stars are raised: that of `odd` unless given, or 1. Below 1 for
        a model that misses more of spectra than its noise and scatter say
        (:func:`bayescannon.cannon.labelling.error_power`). p-values of pairs are those of the reference's power.
    binary_share : float
        Share of pairs among stars like these before their spectra were seen.
    double_lined : bool or bool array of shape (N,)
        For which stars pairs with two velocities are fitted: a quarter of a second for each.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    assessment : xarray.Dataset
        Dims star, stellar_label, odd_class. ``odd_score`` and ``p_odd`` of each class of
        :data:`bayescannon.cannon.odd_scores.ODD_CLASSES`; ``log_evidence_ratio`` of an unresolved pair,
        ``log_evidence_double_lined``, and ``p_binary``, the probability of a pair of either kind (half of the pairs of
        each, where both were compared; only of the unresolved kind elsewhere). With `odd` it comes from evidence ratios
        of reference stars with and without companions, else from the evidences alone. Of the likelier kind of pair:
        ``primary_labels`` and ``companion_labels``, ``mass_ratio``, ``light_share`` of the second star and
        ``velocity_difference`` [km/s] with errors. ``redshift_velocity`` [km/s]: by which lines are at longer
        wavelengths than in the best of a few reference spectra.

    Raises
    ------
    InputError
        `odd` is of another model, or has no scores of the pairs that are wanted; `estimates` are of other stars or
        labels; the share is not between 0 and 1.

    Examples
    --------
    >>> import bayescannon as bc
    >>> from bayescannon.cannon.odd_spectra import odd_spectra
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model = bc.train(reference)
    >>> found = odd_spectra(model, spectra, bc.label_spectra(model, spectra))
    >>> found["odd_score"].sel(odd_class="emission").shape
    (100,)
    """
    model = as_model(model)
    share = real_number(binary_share, "binary_share", above=0, below=1)
    likelihood = spectra if isinstance(spectra, StarLikelihood) else None
    if likelihood is None:
        likelihood = StarLikelihood.of(model, as_spectra(spectra), workers=workers)
    if list(map(str, likelihood.spectra.id)) != list(map(str, estimates["star"].to_numpy())):
        raise InputError("spectra and estimates must be of the same stars in the same order")
    if odd is not None and odd.model_hash != model.hash:
        raise InputError(
            f"the reference of odd spectra is of model {odd.model_hash}, not of {model.hash}; fit it again"
        )
    if odd is not None and odd.pair_odds is not None and DOUBLE_LINED not in odd.scores and np.any(double_lined):
        raise InputError(
            "pairs with two velocities are wanted, of which the reference of odd spectra has no scores; fit it with "
            "double_lined=True"
        )
    names = [str(name) for name in estimates["stellar_label"].to_numpy()]
    if sorted(names) != sorted(model.label_names):
        raise InputError(f"estimates must have the labels {', '.join(model.label_names)}; got {', '.join(names)}")
    estimates = estimates.sel(stellar_label=list(model.label_names))
    scaled = model.scaler.to_scaled(estimates["labels"].transpose("star", "stellar_label").to_numpy())
    if power is None:
        power = 1.0 if odd is None else odd.power
    scorer = OddScorer.of(model)
    found = scorer.scores(likelihood, scaled, power=power, double_lined=double_lined, workers=workers)
    p_values = np.full(found.score.shape, np.nan) if odd is None else odd.p_values(found)
    return xr.Dataset(
        {
            "odd_score": (("star", "odd_class"), found.score),
            "p_odd": (("star", "odd_class"), p_values),
            "redshift_velocity": ("star", found.velocity),
            **_pair_variables(model, found, share, None if odd is None else odd.log_pair_odds(found, p_values)),
        },
        coords={
            "star": estimates["star"].to_numpy(),
            "stellar_label": list(model.label_names),
            "odd_class": list(ODD_CLASSES),
        },
        attrs={"binary_share": share, "pairs": scorer.no_pairs or "of the main sequence"},
    )


def _pair_variables(model: TrainedModel, found: OddScores, share: float, log_odds: FloatArray | None) -> dict[str, Any]:
    """Return what is known of pairs; NaN of stars of which nothing is. Without log odds they are of the evidences."""
    n_star, n_label = len(found.score), len(model.label_names)
    pair, double = found.pair, found.double
    numbers = {
        name: np.full(n_star, np.nan)
        for name in ("log_evidence_ratio", "log_evidence_double_lined", "p_binary", "mass_ratio", "mass_ratio_error",
                     "light_share", "light_share_error", "velocity_difference", "velocity_difference_error")
    }  # fmt: skip
    labels = {name: np.full((n_star, n_label), np.nan) for name in ("primary_labels", "companion_labels")}
    if pair is not None:
        log_ratio = pair.log_ratio
        numbers["log_evidence_ratio"] = log_ratio
        numbers["mass_ratio"], numbers["mass_ratio_error"] = pair.ratio.copy(), pair.ratio_error.copy()
        numbers["light_share"], numbers["light_share_error"] = pair.light_share.copy(), pair.light_share_error.copy()
        labels = {"primary_labels": pair.first.copy(), "companion_labels": pair.second.copy()}
        if double is not None:
            two = double.log_ratio
            numbers["log_evidence_double_lined"] = two
            both = np.isfinite(two) & np.isfinite(log_ratio)
            log_ratio = log_ratio.copy()
            log_ratio[both] = np.logaddexp(log_ratio[both], two[both]) - np.log(2)
            better = two > pair.log_ratio
            numbers["velocity_difference"] = np.where(better, double.difference, np.nan)
            numbers["velocity_difference_error"] = np.where(better, double.difference_error, np.nan)
            for name, values in (("mass_ratio", double.ratio), ("light_share", double.light_share)):
                numbers[name] = np.where(better, values, numbers[name])
                numbers[f"{name}_error"] = np.where(better, np.nan, numbers[f"{name}_error"])
            labels["primary_labels"] = np.where(better[:, None], double.first, labels["primary_labels"])
            labels["companion_labels"] = np.where(better[:, None], double.second, labels["companion_labels"])
        odds = (log_ratio if log_odds is None else log_odds) + np.log(share) - np.log1p(-share)
        numbers["p_binary"] = 0.5 * (1 + np.tanh(0.5 * odds))
        labels = {name: model.scaler.from_scaled(values) for name, values in labels.items()}
    return {
        **{name: ("star", values) for name, values in numbers.items()},
        **{name: (("star", "stellar_label"), values) for name, values in labels.items()},
    }
