"""What the figures of a run show: a caption, and a text for those who do not see them."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Caption:
    """
    Texts of a figure.

    Attributes
    ----------
    title : str
    text : str
        What is drawn.
    alt : str
        In place of the picture.
    wide : bool
        Takes the whole width of the page.
    """

    title: str
    text: str
    alt: str
    wide: bool = False


# the Kiel diagrams of populations, which are called kiel_NAME
_MEMBERSHIP = "kiel_membership"
# kinds of figures of which there is one for each population, and how their names begin
_STARTS = {
    "coefficients": "coefficients_", _MEMBERSHIP: "kiel_", "distance": "distance_", "selection": "selection_",
}  # fmt: skip
# figures of a run by their names, in the order of a page; {} is a population
_OF_RUN = {
    "one_to_one": Caption(
        "Held-out stars against their reference labels",
        "Labels of reference stars with a high S/N, each by a model that was trained without it where there are folds, "
        "against those of the trusted survey; coloured by S/N (figure 5 of Ho et al. 2017).",
        "Inferred against reference labels of the reference stars, one panel per label, with the line of equality",
        wide=True,
    ),
    "scatter_by_snr": Caption(
        "Scatter against S/N",
        "Half of the central 68.3 % of (inferred - reference) of held-out stars in bins of S/N, and the median formal "
        "error there: what the formal errors leave out (figure 7 of Ho et al. 2017).",
        "Scatter of the labels of held-out stars against S/N, one panel per label, above the formal errors",
        wide=True,
    ),
    "corner": Caption(
        "Differences against each other",
        "(Inferred - reference) of held-out stars, each label against each other: correlated errors are tilted.",
        "Corner plot of the differences between inferred and reference labels of held-out stars",
        wide=True,
    ),
    "kiel": Caption(
        "Kiel diagram",
        "Log g against Teff: the catalogue before the reference set in grey, and the reference set alone.",
        "Surface gravity against effective temperature of the catalogue, and of the reference set",
        wide=True,
    ),
    "alpha_fe": Caption(
        "[alpha/M] against [Fe/H]",
        "Density of the stars of the catalogue that are not flag_bad (figure 11 of Ho et al. 2017).",
        "Density of the stars of the catalogue in the plane of alpha abundance and metallicity",
    ),
    "snr_and_chi2": Caption(
        "S/N and reduced chi2",
        "Histograms of the S/N of the spectra and of the reduced chi2 of their best fits, with the limits.",
        "Histograms of the signal-to-noise ratio and of the reduced chi2 of the catalogue",
    ),
    "sky": Caption(
        "On the sky",
        "Positions of the stars of the catalogue, coloured by the last label (figure 12 of Ho et al. 2017).",
        "Map of the sky with the stars of the catalogue",
    ),
    "coefficients": Caption(
        "Coefficients{}",
        "The model{}: its baseline spectrum, the coefficients of the labels and the scatter of every pixel (figure 4 "
        "of Ho et al. 2017).",
        "Coefficients of the model{} and scatter of its pixels against wavelength",
        wide=True,
    ),
    _MEMBERSHIP: Caption(
        "Kiel diagram by membership{}",
        "The catalogue coloured by the probability of being of the population{}.",
        "Surface gravity against effective temperature, coloured by membership{}",
    ),
    "distance": Caption(
        "Label distance and membership{}",
        "Membership against the label distance (equation 7 of Ho et al. 2017) from the population's reference stars{}.",
        "Probability of membership against label distance{}",
    ),
    "selection": Caption(
        "Selection{}",
        "Completeness and contamination of a selection by membership{}, from held-out stars, and the limit that is "
        "chosen.",
        "Completeness, contamination and purity against the limit on membership{}",
    ),
}  # fmt: skip
_OF_COMPARISON = {
    "one_to_one": Caption(
        "A against B", "Labels of A against those of B of the matched stars.", "Labels of A against those of B",
        wide=True,
    ),
    "residuals": Caption(
        "Differences against B", "A - B against the label of B.", "Differences A - B against the labels of B",
    ),
    "pulls": Caption(
        "Pulls", "Histograms of (A - B) / error of the difference, and the Normal distribution.",
        "Histograms of the differences over their errors",
    ),
    "corner": Caption(
        "Differences against each other", "A - B, each label against each other.", "Corner plot of A - B",
        wide=True,
    ),
    "kiel": Caption(
        "Differences in the Kiel diagram", "Median of A - B in cells of log g against Teff, one panel per label.",
        "Differences A - B over the Kiel diagram, one panel per label",
        wide=True,
    ),
}  # fmt: skip


def run_captions(names: list[str]) -> dict[str, Caption]:
    """
    Return the captions of those figures of a run that are known, in the order of a page.

    Examples
    --------
    >>> [(name, one.title) for name, one in run_captions(["kiel", "mine", "coefficients_router"]).items()]
    [('kiel', 'Kiel diagram'), ('coefficients_router', 'Coefficients: router')]
    """
    found: dict[str, Caption] = {}
    for kind, caption in _OF_RUN.items():
        start = _STARTS.get(kind)
        for name in sorted(names):
            if name == kind and kind != _MEMBERSHIP:
                found[name] = _named(caption, "")
            elif start and name.startswith(start) and name not in _OF_RUN:
                found[name] = _named(caption, name.removeprefix(start))
    return found


def comparison_captions(names: list[str]) -> dict[str, Caption]:
    """Return the captions of those figures of a comparison that are known, in the order of a page."""
    return {name: caption for name, caption in _OF_COMPARISON.items() if name in names}


def _named(caption: Caption, population: str) -> Caption:
    of = f" of {population}" if population else ""
    title = f": {population}" if population else ""
    return replace(
        caption, title=caption.title.format(title), text=caption.text.format(of), alt=caption.alt.format(of)
    )  # fmt: skip
