"""Classes of odd spectra, and the scores that held-out reference stars have in each: p-values, and odds of pairs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.score_odds import ScoreOdds, largest_log_odds
from bayescannon.reliability.score_reference import ScoreReference

BINARY, DOUBLE_LINED, BROAD, EMISSION, CARBON, REDSHIFT, SKY = (
    "binary", "double_lined", "broad_lines", "emission", "carbon", "redshift", "sky",
)  # fmt: skip
# what each score is; large is odd
ODD_CLASSES = {
    BINARY: "log of the ratio of the evidences of an unresolved pair and of a single star",
    DOUBLE_LINED: "log of the ratio of the evidences of a pair with two velocities and of a single star",
    BROAD: "significance of lines that are wider than in the training",
    EMISSION: "significance of Balmer lines in emission",
    CARBON: "significance of bands of C2 and CN",
    REDSHIFT: "by how much another velocity fits better than that of the redshift",
    SKY: "log of the mean square residual near to lines of the sky over that elsewhere",
}


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

    def p_values(self, score: FloatArray, log_snr: FloatArray) -> NDArray[np.float64]:
        """Return the p-values of scores (N, class) of stars with these log S/N (N,); NaN where there is no score."""
        result = np.full(score.shape, np.nan)
        for k, name in enumerate(ODD_CLASSES):
            if name in self.scores:
                result[:, k] = self.scores[name].p_value(score[:, k], log_snr)
        return result

    def log_pair_odds(self, score: FloatArray, log_snr: FloatArray) -> NDArray[np.float64] | None:
        """
        Return the log odds of pairs, shape (N,), before their prior share; None where nothing is known of pairs.

        Where two velocities were fitted, a pair of either kind counts for half, that kind with the largest odds that
        its p-value can stand for.

        Parameters
        ----------
        score : float array of shape (N, class)
        log_snr : float array of shape (N,)
        """
        if self.pair_odds is None:
            return None
        names = list(ODD_CLASSES)
        standardised = self.scores[BINARY].standardised(score[:, names.index(BINARY)], log_snr)
        odds = self.pair_odds.log_odds(standardised)
        two = largest_log_odds(self.p_values(score, log_snr)[:, names.index(DOUBLE_LINED)])
        both = np.isfinite(odds) & np.isfinite(two)
        odds[both] = np.logaddexp(odds[both], two[both]) - np.log(2)
        return odds

    def describe(self) -> str:
        """Say in a phrase of how many held-out stars the scores are."""
        if not self.scores:
            return "no class, as too few held-out stars have scores"
        of_all = {name.replace("_", " "): one.tail.n_reference for name, one in self.scores.items()}
        most = max(of_all.values())
        fewer = "".join(f", {name} {count}" for name, count in of_all.items() if count < most)
        return f"{len(of_all)} classes against {most} held-out stars{fewer}"

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
