"""Figures of labels, spectra and errors: arrays and axes come in, axes go out; only save_figure writes files."""

from bayescannon.figures.abundances import plot_alpha_fe
from bayescannon.figures.catalogue_rows import catalogue_cells, plot_catalogue_rows
from bayescannon.figures.coefficients import plot_coefficients
from bayescannon.figures.continuum import plot_continuum
from bayescannon.figures.corner import plot_corner
from bayescannon.figures.hidden_components import plot_hidden_components
from bayescannon.figures.histograms import plot_chi2_histogram, plot_snr_histogram
from bayescannon.figures.information import plot_expected_errors, plot_information
from bayescannon.figures.interval_coverage import plot_coverage, plot_pit
from bayescannon.figures.kiel import plot_kiel
from bayescannon.figures.kiel_difference import plot_kiel_difference
from bayescannon.figures.label_distance import plot_distances, plot_kiel_distance
from bayescannon.figures.membership import plot_distance_membership, plot_kiel_membership
from bayescannon.figures.one_to_one import plot_one_to_one, plot_one_to_one_panels
from bayescannon.figures.posterior import plot_label_forest, plot_label_ridge
from bayescannon.figures.predictive_check import plot_predictive_check
from bayescannon.figures.pulls import plot_pulls
from bayescannon.figures.residual_map import plot_residual_map
from bayescannon.figures.residuals import plot_residuals
from bayescannon.figures.scatter_by_snr import plot_scatter_by_snr
from bayescannon.figures.selection import plot_selection
from bayescannon.figures.sky import plot_sky
from bayescannon.figures.spectrum import plot_spectrum
from bayescannon.figures.style import save_figure
from bayescannon.figures.validation import plot_validation

__all__ = [
    "catalogue_cells",
    "plot_alpha_fe",
    "plot_catalogue_rows",
    "plot_chi2_histogram",
    "plot_coefficients",
    "plot_continuum",
    "plot_corner",
    "plot_coverage",
    "plot_distance_membership",
    "plot_distances",
    "plot_expected_errors",
    "plot_hidden_components",
    "plot_information",
    "plot_kiel",
    "plot_kiel_difference",
    "plot_kiel_distance",
    "plot_kiel_membership",
    "plot_label_forest",
    "plot_label_ridge",
    "plot_one_to_one",
    "plot_one_to_one_panels",
    "plot_pit",
    "plot_predictive_check",
    "plot_pulls",
    "plot_residual_map",
    "plot_residuals",
    "plot_scatter_by_snr",
    "plot_selection",
    "plot_sky",
    "plot_snr_histogram",
    "plot_spectrum",
    "plot_validation",
    "save_figure",
]
