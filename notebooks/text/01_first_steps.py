# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First steps
#
# What you will learn: how spectra and trusted labels become a model, how the model becomes a catalogue with errors, and
# what each object on this way is.
#
# Some giants were observed by two surveys. *Survey A* (such as APOGEE) gives trusted labels: Teff, log g, [Fe/H],
# [alpha/M] and the extinction A_K. *Survey B* (such as LAMOST) has spectra of many more stars, at lower resolution. All
# stars of Survey B are to get labels on the scale of Survey A. *The Cannon* (Ness et al. 2015, Ho et al. 2017) does
# this in two steps:
#
# * **training**: from the stars in common, learn how the flux of each pixel depends on the labels;
# * **labelling**: for every other star, find the labels whose spectrum fits best.
#
# The survey of this notebook is simulated, so that the true labels are known.

# %%
# %matplotlib inline
import numpy as np

import bayescannon as bc
from bayescannon.data.continuum import running_mean
from bayescannon.data.preset import PAPER
from bayescannon.data.tally import tally_text
from bayescannon.figures import plot_coefficients, plot_continuum, plot_kiel, plot_spectrum, plot_validation

# %% [markdown]
# ## A survey
#
# `simulate_survey` makes spectra with the resolution, noise and defects of LAMOST's, and a table of labels with errors
# and mistakes as real tables have. 600 stars have trusted labels, 200 have none.

# %%
survey = bc.simulate_survey(600, 200, seed=1)
survey.apogee["APOGEE_ID", "TEFF", "TEFF_ERR", "LOGG", "PARAM_M_H", "ASPCAPFLAG", "LAMOST_ID"][:4]

# %% [markdown]
# A `RawSpectrum` is a spectrum as it was observed: flux and inverse variance against wavelength, with the redshift and
# the S/N that the survey gives. A pixel that cannot be used has the inverse variance 0; there is no other mask.

# %%
raw = list(survey.spectra())
raw[0]

# %% [markdown]
# ## Preparation
#
# `prepare_spectra` shifts every spectrum to rest, brings it to one grid of 3626 pixels, and divides it by its running
# mean, a Gaussian of 50 Angstrom (equations 1 and 2 of Ho et al.). The slope of the star, the dust and the instrument
# is gone; the lines are left. The result, `Spectra`, has a row for each star.

# %%
spectra = bc.prepare_spectra(raw)
spectra

# %%
rest = raw[0].wavelength / (1 + raw[0].redshift)
continuum = running_mean(raw[0].flux[None], raw[0].ivar[None], rest, PAPER.width)[0]
upper, lower = plot_continuum(rest, np.where(raw[0].ivar > 0, raw[0].flux, np.nan), continuum, unit="counts")
upper.figure

# %% [markdown]
# ## The reference set
#
# `build_reference` matches labels and spectra by the name of the spectrum, and applies the cuts of the paper: stars
# whose labels are missing, flagged or outside of the range are left out. The tally says how many each cut removes.

# %%
reference = bc.build_reference(spectra, survey.apogee, format="allstar-dr12")
print(tally_text(reference.tally))
reference

# %% [markdown]
# ## Training
#
# The flux of a pixel is a quadratic function of the five labels (21 coefficients), with the noise of the spectrum and
# an intrinsic scatter, which is found too. Some reference stars have wrong labels. Therefore `train_clipped` labels the
# reference stars with the model, drops those that are off by more than four scatters, and trains again, until none is
# dropped. `qualify` then labels each reference star by a model that was trained without it: this calibrates the errors.

# %%
model, reference = bc.train_clipped(reference)
model = bc.qualify(model, reference)
print(tally_text(reference.tally[-3:]))
model

# %% [markdown]
# The linear coefficients show which pixels depend on which label: the hydrogen lines on Teff, Mg b and the calcium
# triplet on log g, and the interstellar bands and Na D on A_K, although no list of lines was given. The scatter in the
# last panel is largest at the blue end and near 5900 Angstrom, where the two arms of the spectrograph are joined.

# %%
plot_coefficients(model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale)

# %% [markdown]
# ## How good are the labels?
#
# `validate` compares the inferred with the trusted labels: *leave-none-out*, as figure 5 of the paper, and *k-fold*, of
# stars that the model was not trained on. The second one is what holds for new stars. `pull_width` is the width of
# (inferred - trusted) in units of the formal error, which knows the noise of the star's pixels alone: **the formal
# error is not the error**.

# %%
check = bc.validate(model, reference)
check

# %%
plot_validation(check, snr_min=50)

# %% [markdown]
# ## Labels of all stars
#
# `label_spectra` fits each star from seven starting points, and keeps the best fit. The result is an xarray `Dataset`;
# below are a spectrum without trusted labels, and the model's spectrum for the labels that were found.

# %%
estimates = bc.label_spectra(model, spectra)
star = 600
labels = estimates["labels"].to_numpy()[star]
window = (spectra.wavelength > 5000) & (spectra.wavelength < 5500)
upper, lower = plot_spectrum(
    spectra.wavelength[window], spectra.flux[star, window], spectra.ivar[star, window], model.predict(labels)[window]
)
upper.set_title(f"{spectra.id[star]}, S/N = {spectra.columns['snr'][star]:.0f}", loc="left")
upper.figure

# %% [markdown]
# ## The catalogue
#
# `build_catalogue` makes an astropy `Table`, one row for each star: labels with their calibrated errors `e_`, the
# quality of the fit, formal errors and flags. Units, descriptions and the origin of everything are in the table.
# `write_catalogue` writes it to FITS, ECSV, Parquet, VOTable or a machine-readable table (`.mrt`). A row with
# `flag_bad` is not to be used.

# %%
catalogue = bc.build_catalogue(estimates)
new = catalogue[600:]
new["id", "snr_g", "teff", "e_teff", "logg", "e_logg", "fe_h", "e_fe_h", "flags"][:5]

# %% [markdown]
# About 68 % of the true labels should lie within `e_` of the inferred ones; with 200 stars the share is known to 3 %.
# The level of `e_` itself is learned from the held-out stars, from 564 stars to 6-8 % (`model.calibration_note`).

# %%
truth = survey.truth[600:]
for name, column in {"teff": "teff", "logg": "logg", "fe_h": "m_h", "alpha_m": "alpha_m", "a_k": "a_k"}.items():
    inside = np.abs(new[name] - truth[column]) < new[f"e_{name}"]
    print(f"{name:8s}{np.mean(inside):.0%} within e_{name}, whose median is {np.median(new[f'e_{name}']):.3g}")

# %%
ax = plot_kiel(
    new["teff"], new["logg"], new["fe_h"], colour_label=model.labels[2], flagged=new["flag_bad"] == 1,
    behind=(reference.labels[:, 0], reference.labels[:, 1]), behind_name="reference set",
)
ax.figure

# %% [markdown]
# ## With your own data
#
# On the command line the same steps read and write files:
#
#     bayescannon prepare SPECTRA_FOLDER --out spectra.zarr
#     bayescannon train spectra.zarr --labels allStar.fits --match sky --out model.nc
#     bayescannon validate model.nc spectra.zarr --labels allStar.fits --match sky
#     bayescannon label model.nc spectra.zarr --out catalogue.fits
#
# `bayescannon check-input` says whether spectra and labels can be used before a long run, `bayescannon init` writes one
# configuration of all steps, and `bayescannon run` follows it.
#
# ## Where to go on
#
# * `02_point_estimates`: the numbers and figures of Ho et al. (2017) beside ours.
# * `03_beyond_formal_errors`: where errors come from, and whether they hold.
# * `05_your_own_survey`: other spectra, other labels, and the usual mistakes.
