r"""
Odd spectra: unresolved and double-lined pairs, emission, carbon stars, wide lines, wrong redshifts, spectra of the sky.

Three numbers say whether a star is a pair. ``log_evidence_ratio`` compares the hypotheses as the model states them. It
is far too sure where the model misses something of spectra: of single dwarfs of the mock survey, a third would be pairs
with a probability above 0.9. ``p_binary`` is the probability of a pair if a share of such stars are pairs, from what
evidence ratios held-out reference stars have, and the same stars with companions added to their spectra. ``p_odd`` is
the p-value of each score among held-out reference stars: it is that which keeps a rate of false alarms.

Some of the reference stars are pairs themselves, which makes p-values too large and ``p_binary`` too small.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.odd_scores import OddScorer, OddScores
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import ResultFlag
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.odd_reference import BROAD, DOUBLE_LINED, ODD_CLASSES, OddReference

# share of dwarfs with a companion of at least a fifth of their mass that a fibre does not separate from them: of stars
# like the Sun 44 % have companions (Raghavan et al. 2010, ApJS 190, 1), some of them wide ones
BINARY_SHARE = 0.3


# pairs with two velocities are fitted to stars whose lines are as wide as those of this share of single stars
SCREENED_SHARE = 0.05


def odd_spectra(
    model: TrainedModel | str | Path,
    spectra: Spectra | StarLikelihood | str | Path,
    estimates: xr.Dataset,
    odd: OddReference | None = None,
    *,
    power: FloatArray | float | None = None,
    binary_share: float = BINARY_SHARE,
    double_lined: BoolArray | bool | None = None,
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
        Of :func:`bayescannon.cannon.odd_fit.fit_odd_reference`; that of the model unless given. Without one there are
        no p-values, and ``p_binary`` is too sure.
    power : float or float array of shape (N,), optional
        To which the likelihoods of pairs and of single stars are raised: that of `odd` unless given, or 1. Below 1 for
        a model that misses more of spectra than its noise and scatter say, as
        :func:`bayescannon.cannon.labelling.error_power` returns. p-values of pairs are those of the reference's power.
    binary_share : float
        Share of pairs among stars like these before their spectra were seen.
    double_lined : bool or bool array of shape (N,), optional
        For which stars pairs with two velocities are fitted: a quarter of a second to a second for each. Unless given,
        if `odd` has scores of such pairs, for those with a p-value of wide lines below :data:`SCREENED_SHARE`: the
        p-values of pairs stay those of all single stars.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    assessment : xarray.Dataset
        Dims star, stellar_label, odd_class. ``odd_score`` and ``p_odd`` of each class of
        :data:`bayescannon.reliability.odd_reference.ODD_CLASSES`; ``log_evidence_ratio`` of an unresolved pair,
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
    odd = model.odd if odd is None else odd
    share = real_number(binary_share, "binary_share", above=0, below=1)
    likelihood = spectra if isinstance(spectra, StarLikelihood) else None
    if likelihood is None:
        likelihood = StarLikelihood.of(model, as_spectra(spectra), workers=workers)
    if list(map(str, likelihood.spectra.id)) != list(map(str, estimates["star"].to_numpy())):
        raise InputError("spectra and estimates must be of the same stars in the same order")
    asked = False if double_lined is None else double_lined
    if odd is not None and odd.model_hash != model.hash:
        raise InputError(
            f"the reference of odd spectra is of model {odd.model_hash}, not of {model.hash}; fit it again"
        )
    if odd is not None and odd.pair_odds is not None and DOUBLE_LINED not in odd.scores and double_lined is not None:
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
    found = scorer.scores(likelihood, scaled, power=power, workers=workers)
    wanted = np.broadcast_to(asked, len(scaled))
    if double_lined is None and odd is not None and DOUBLE_LINED in odd.scores:
        broad = odd.p_values(found.score, found.log_snr)[:, list(ODD_CLASSES).index(BROAD)]
        wanted = np.nan_to_num(broad, nan=1.0) < SCREENED_SHARE
    found = scorer.with_double_lined(found, likelihood, scaled, wanted, power=power, workers=workers)
    p_values, log_odds = np.full(found.score.shape, np.nan), None
    if odd is not None:
        p_values = odd.p_values(found.score, found.log_snr)
        log_odds = odd.log_pair_odds(found.score, found.log_snr)
    return xr.Dataset(
        {
            "odd_score": (("star", "odd_class"), found.score),
            "p_odd": (("star", "odd_class"), p_values),
            "redshift_velocity": ("star", found.velocity),
            **_pair_variables(model, found, share, log_odds),
        },
        coords={
            "star": estimates["star"].to_numpy(),
            "stellar_label": list(model.label_names),
            "odd_class": list(ODD_CLASSES),
        },
        attrs={
            "binary_share": share,
            "pairs": scorer.no_pairs or "of the main sequence",
            "measured_against": "nothing: no held-out stars were scored" if odd is None else odd.describe(),
        },
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


def with_odd(estimates: xr.Dataset, assessment: xr.Dataset, *, false_alarms: float = FALSE_ALARMS) -> xr.Dataset:
    """
    Put an assessment of odd spectra into label estimates of the same stars, for the catalogue, with its flag.

    Parameters
    ----------
    estimates, assessment : xarray.Dataset
    false_alarms : float
        The share of single stars that may have ODD_SPECTRUM: where the smallest p-value of all classes, times the
        number of classes that the star has p-values of, is below it.
    """
    p_odd = assessment["p_odd"].transpose("star", "odd_class").to_numpy()
    counted = np.isfinite(p_odd).sum(axis=1)
    # a star without any has 1
    odd = counted * np.nan_to_num(p_odd, nan=1.0).min(axis=1) < false_alarms * (counted > 0)
    flags = estimates["flags"].to_numpy()
    flags = np.where(odd, flags | int(ResultFlag.ODD_SPECTRUM), flags).astype(flags.dtype)
    both = estimates.assign({str(name): values for name, values in assessment.data_vars.items()})
    text = (
        f"{assessment.attrs['measured_against']}; {assessment.attrs['binary_share']:g} of the stars are pairs before "
        f"their spectra were seen; ODD_SPECTRUM of {false_alarms:g} of single stars"
    )
    return both.assign(flags=("star", flags)).assign_attrs(odd_spectra=text)
