"""Long names and units of the variables of a trained model, group by group, for files and for ArviZ."""

from collections.abc import Mapping

# of arrays over labels in their own units
LABEL_UNIT = "unit of the label"
_FLUX = "normalised flux"
_ONE = "1"

MODEL: Mapping[str, tuple[str, str]] = {
    "wavelength": ("vacuum rest wavelength", "Angstrom"),
    "term": ("term of the label vector, a product of scaled labels", _ONE),
    "term_2": ("term of the label vector, a product of scaled labels", _ONE),
    "theta": ("coefficients of the label vector of scaled labels", _FLUX),
    "covariance": ("covariance of the coefficients, given scatter and kappa", "normalised flux squared"),
    "scatter": ("intrinsic scatter; infinite in dead pixels", _FLUX),
    "gradient": ("gradient of the profile objective by scatter^2; >= 0 where the scatter is 0", "1 / flux^2"),
    "slope": ("derivative of the gradient by scatter^2", "1 / flux^4"),
    "objective": ("minus log posterior of the pixel", _ONE),
    "chi2": ("weighted sum of squared residuals of the reference stars", _ONE),
    "freedom": ("terms that the data determine, where coefficients are integrated out; else 0", _ONE),
    "n_live": ("reference stars with weight in the pixel", _ONE),
    "n_passes": ("passes over the reference spectra", _ONE),
    "status": ("0 converged, 1 not converged, 2 dead, 3 singular", _ONE),
    "kappa": ("scale of the reported errors: the variance is kappa^2 sigma^2 + scatter^2", _ONE),
    "loadings": ("spectra of the hidden components", _FLUX),
    "pivot": ("zero point of the scaled labels (l - pivot) / scale", LABEL_UNIT),
    "scale": ("unit of the scaled labels (l - pivot) / scale", LABEL_UNIT),
}
POPULATIONS: Mapping[str, tuple[str, str]] = {
    "mu": ("mean of the population of each shrunk term's coefficients", _FLUX),
    "tau": ("scale of the population of each shrunk term's coefficients", _FLUX),
    "activity": ("factor of the pixel on all scales tau", _ONE),
    "smooth_scale": ("standard deviation of each shrunk term's smooth coefficients", _FLUX),
    "scatter_centre": ("mean of ln scatter over the pixels", "ln of normalised flux"),
    "scatter_width": ("standard deviation of ln scatter over the pixels", _ONE),
    "kappa_centre": ("mean of ln kappa over the pixels", _ONE),
    "kappa_width": ("standard deviation of ln kappa over the pixels", _ONE),
    "star_kappa_centre": ("mean of ln kappa over the stars", _ONE),
    "star_kappa_width": ("standard deviation of ln kappa over the stars", _ONE),
    "outlier_share": ("share of the pixels that are outliers", _ONE),
    "outlier_scale": ("scale of the outliers' Cauchy distribution, in standard deviations of the other pixels", _ONE),
    "round_objective": ("minus log posterior after each round, summed over the pixels", _ONE),
    "round_kappa": ("median kappa after each round", _ONE),
    "round_moved": ("largest relative move of a parameter in each round", _ONE),
}
LATENT_LABELS: Mapping[str, tuple[str, str]] = {
    "mean": ("mean of the true scaled labels of the reference stars", _ONE),
    "covariance": ("covariance of the true scaled labels of the reference stars", _ONE),
    "error_scale": ("errors of the reference labels, in units of those that were given", _ONE),
    "trace": ("log posterior after each round", _ONE),
}
COMPONENT_CHOICE: Mapping[str, tuple[str, str]] = {
    "numbers": ("numbers of hidden components that held-out stars were asked about", _ONE),
    "density": ("log density of held-out spectra and reported labels per star, less that without components", _ONE),
    "label_density": (
        "log density of reported labels per held-out star: of exact labels, with hidden components, and of latent "
        "labels with them, less the first",
        _ONE,
    ),
    "label_error": ("standard error of label_density", _ONE),
}
REFERENCE: Mapping[str, tuple[str, str]] = {
    "reference_star": ("identifier of the reference star's spectrum", _ONE),
    "star_name": ("name of the star; spectra with the same name are of the same star", _ONE),
    "label_source": ("survey that the labels are from", _ONE),
    "labels": ("labels of the reference stars as reported", LABEL_UNIT),
    "errors": ("errors of the reference labels as their survey gave them", LABEL_UNIT),
    "tally_step": ("step of the selection of the reference stars", _ONE),
    "tally_removed": ("stars that the step removed", _ONE),
    "tally_remaining": ("stars that the step left", _ONE),
    "tally_source": ("source of the step's choice", _ONE),
}
# estimates of the reference stars; see bayescannon.cannon.labelling.label_spectra
HELD_OUT: Mapping[str, tuple[str, str]] = {
    "star": ("identifier of the reference star's spectrum", _ONE),
    "star_name": ("name of the star; spectra with the same name are in the same fold", _ONE),
    "stellar_label": ("name of the label", _ONE),
    "stellar_label_2": ("name of the label", _ONE),
    "labels": ("labels by a model of the other folds", LABEL_UNIT),
    "formal_covariance": ("formal covariance (J^T W J)^-1 of the labels", "product of the labels' units"),
    "chi2": ("weighted sum of squared residuals", _ONE),
    "reduced_chi2": ("chi2 per degree of freedom, live pixels less labels", _ONE),
    "live_pixels": ("pixels with weight", _ONE),
    "outlying_pixels": ("pixels that are outliers: with less than half of their weight", _ONE),
    "agreeing_starts": ("starts that ended at the best optimum", _ONE),
    "status": ("how the fit ended: 0 converged, 1 not converged, 2 few pixels, 3 singular", _ONE),
    "flags": ("sum of the bits of bayescannon.data.flags.ResultFlag", _ONE),
    "typical_error": ("formal errors that the pixels give at the labels of the reference stars", LABEL_UNIT),
    "dead_share": ("share of dead pixels near live ones", _ONE),
    "one_sided": ("distance of the centroid of live pixels from the pixel, from 0 to 1", _ONE),
    "rv_residual": ("velocity left in the prepared spectrum", "km/s"),
    "rv_residual_error": ("standard deviation of the velocity left in the spectrum", "km/s"),
    "line_spread": ("variance of the lines in excess of the training's", "km^2/s^2"),
    "line_spread_error": ("standard deviation of the variance of the lines", "km^2/s^2"),
    "noise_scale": ("scale of the reported errors of the star's flux", _ONE),
    "ra": ("right ascension, ICRS", "deg"),
    "dec": ("declination, ICRS", "deg"),
    "redshift": ("redshift of the spectrum", _ONE),
    "snr": ("signal-to-noise ratio", _ONE),
    "obsid": ("identifier of the observation", _ONE),
    "designation": ("name of the star in the survey of the spectra", _ONE),
    "class": ("class by the survey's pipeline", _ONE),
    "subclass": ("subclass by the survey's pipeline", _ONE),
    "release": ("data release of the spectrum", _ONE),
    "object_name": ("name of the object that was observed", _ONE),
    "object_catalogue": ("catalogue of that name", _ONE),
    "gaia_id": ("Gaia source_id", _ONE),
    "twomass_id": ("2MASS designation", _ONE),
    "survey_id": ("name of the star in the survey of the labels", _ONE),
}
# of scaled labels; see bayescannon.reliability.error_distribution.ErrorCalibration
CALIBRATION: Mapping[str, tuple[str, str]] = {
    "location": ("mu: coefficients of the location of the errors", _ONE),
    "formal": ("alpha: log factor on the formal error", _ONE),
    "floor": ("beta: coefficients of the log error that is added in quadrature", _ONE),
    "dof": ("degrees of freedom of the errors' Student-t at the mean S/N", _ONE),
    "dof_slope": ("change of the log degrees of freedom with the standardised log S/N", _ONE),
    "scale_error": ("standard deviation of the mean log scale: how well the level of the errors is known", _ONE),
    "label_range": ("lowest and highest scaled label of the reference stars", _ONE),
    "axes": ("W: axes of the place in label space", _ONE),
    "centre": ("c: scaled labels where the place in label space is 0", _ONE),
    "snr_range": ("lowest and highest ln S/N of the reference stars", _ONE),
    "snr_centre": ("mean ln S/N of the reference stars", _ONE),
    "snr_width": ("standard deviation of ln S/N of the reference stars", _ONE),
    "nodes": ("u: positions that the smooth functions of the place are given by", _ONE),
    "bias": ("mean location of the errors", _ONE),
    "wrong_fraction": ("fraction of reference stars with the labels of another star", _ONE),
    "n_stars": ("reference stars that the calibration is of", _ONE),
    "damage_complete": ("rho: ln of the largest typical error of complete stars by S/N", _ONE),
    "damage_usual_gaps": ("largest measures of gaps of complete stars", _ONE),
    "damage_scale": ("gamma: coefficients of the log error of lost pixels", _ONE),
    "damage_dof": ("degrees of freedom of the errors of lost pixels", _ONE),
    "damage_offset_range": ("lowest and highest ln (formal / typical error)", _ONE),
    "damage_limit": ("largest typical error that the errors are calibrated on", _ONE),
    "damage_least_live": ("smallest share of live pixels that the errors are calibrated on", _ONE),
    "damage_reach": ("reach of the measures of gaps", "Angstrom"),
    "damage_n_copies": ("damaged copies of reference stars that the errors of lost pixels are of", _ONE),
}
# of scaled labels; see bayescannon.reliability.label_scores.CoverageReference
COVERAGE: Mapping[str, tuple[str, str]] = {
    "coverage_labels": ("scaled labels of the reference stars", _ONE),
    "coverage_scores": ("scores of the reference stars out of fold", _ONE),
    "coverage_pivot": ("zero point of the scaled labels", LABEL_UNIT),
    "coverage_scale": ("unit of the scaled labels", LABEL_UNIT),
    "coverage_label": ("name of the label", _ONE),
    "score": ("name of the score", _ONE),
    "novelty_intrinsic": ("variance of block averages of residuals beyond the noise", "normalised flux squared"),
    "novelty_trend": ("quadratic of ln S/N that is subtracted from the log scores", _ONE),
    "novelty_log_snr_range": ("lowest and highest ln S/N of the reference stars", _ONE),
    "novelty_block": ("pixels per block", _ONE),
}
ROOT: Mapping[str, tuple[str, str]] = {
    "stellar_label": ("name of the label", _ONE),
    "unit": ("unit of the label", _ONE),
}
