"""Choices of a comparison of two catalogues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isnan

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice
from bayescannon.cannon.choices import MATCH_RADIUS, match_pair

# ranges of S/N in which labels are compared
SNR_EDGES = (0.0, 10.0, 30.0, 50.0, 100.0, inf)
# stars whose difference is larger than this many errors are listed
OUTLYING_PULL = 4.0


@dataclass(frozen=True)
class CompareChoices(Choices):
    """How the stars of two catalogues are matched, and what of them is compared."""

    match: str = choice(
        "id",
        "match stars by the names of their spectra, by position, or by columns of both tables (LEFT=RIGHT)",
        metavar="id|sky|LEFT=RIGHT",
    )
    radius: float = choice(MATCH_RADIUS, "for --match sky, in arcsec", metavar="ARCSEC")
    label_names: Sequence[str] | None = choice(
        None, "labels that are compared; all that both have unless given", metavar="NAME,..."
    )
    columns_a: Mapping[str, str] = choice(
        dict, "columns of A, where they are not named id, ra, dec, snr, teff, e_teff, ...", metavar="NAME=COL,..."
    )
    columns_b: Mapping[str, str] = choice(dict, "columns of B", metavar="NAME=COL,...")
    units_a: Mapping[str, str] = choice(dict, "units of A, in place of the table's", metavar="NAME=UNIT,...")
    units_b: Mapping[str, str] = choice(dict, "units of B", metavar="NAME=UNIT,...")
    snr_edges: Sequence[float] = choice(
        lambda: list(SNR_EDGES), "edges of the ranges of S/N, which is that of A, else of B", metavar="X,X,..."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.radius < inf:
            raise ChoiceError(f"radius must be positive and finite, in arcsec; got {self.radius}")
        match_pair(self.match)
        edges = [float(edge) for edge in self.snr_edges]
        rising = all(low < high for low, high in pairwise(edges))
        if len(edges) < 2 or not rising or any(isnan(edge) for edge in edges):
            raise ChoiceError(f"snr_edges must be two or more rising numbers; got {list(self.snr_edges)!r}")
