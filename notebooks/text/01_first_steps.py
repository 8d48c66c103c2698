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
# Two surveys have looked at the same giants. *Survey A* (think of APOGEE) gives labels that we trust: Teff, log g, [Fe/H],
# [alpha/M] and the extinction A_K. *Survey B* (think of LAMOST) has spectra of many more stars, at lower resolution. We want
# labels for all stars of Survey B, on the scale of Survey A.
#
# *The Cannon* does this in two steps. **Training**: from the stars that both surveys share, learn how the flux in each pixel
# depends on the labels. **Labelling**: for every other star, find the labels whose spectrum fits best. The method is that of
# Ness et al. (2015) and Ho et al. (2017).
#
# This notebook takes both steps on a simulated survey, in less than a minute.

# %%
# %matplotlib inline
from dataclasses import asdict

from astropy.table import Table

import bayescannon as bc
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.tally import tally_text
from bayescannon.figures import plot_coefficients, plot_kiel, plot_one_to_one_panels, plot_spectrum
from bayescannon.figures.style import new_figure

# %% [markdown]
# ## A survey
#
# `simulate_survey` draws red giants and makes spectra with LAMOST's resolution, noise and flaws, and a table of labels with
# the errors and the mistakes that real tables have. 900 stars have trusted labels, 300 have none. For real data you would
# read files instead; the last section says how.

# %%
survey = bc.simulate_survey(900, 300, seed=1)
survey.apogee[:5]

# %% [markdown]
# These are raw spectra: flux against observed wavelength. The slope is the star, the dust and the instrument together.

# %%
raw = list(survey.spectra())

figure = new_figure(11, 3)
ax = figure.add_subplot()
ax.plot(raw[0].wavelength, raw[0].flux, color="0.3", linewidth=0.6)
ax.set_xlabel("observed wavelength [Angstrom]")
ax.set_ylabel("flux")
ax.set_title(f"{raw[0].id}, S/N = {raw[0].snr:.0f}")
figure

# %% [markdown]
# ## Preparation
#
# Every spectrum is shifted to rest, brought to one grid of 3626 pixels, and divided by its own running mean (a Gaussian 50
# Angstrom wide). What is left are the lines. A pixel that cannot be used has inverse variance 0; there is no other mask.

# %%
spectra = bc.prepare_spectra(raw)
spectra.flux.shape

# %% [markdown]
# ## The reference set
#
# Labels and spectra are matched by the name of the spectrum. Then the paper's cuts remove stars whose labels are missing,
# flagged, or outside the range of interest. Each cut is a line of the tally: nothing disappears silently.

# %%
table = bc.read_labels(survey.apogee, format="allstar-dr12")
reference = bc.build_reference(spectra, table)
print(tally_text(reference.tally))

# %% [markdown]
# ## Training
#
# In each pixel the flux is a quadratic function of the five labels (21 coefficients), plus noise, plus an intrinsic scatter
# that is fitted too. Some reference stars carry wrong labels. So the model labels its own reference stars, those that are
# off by more than four scatters are dropped, and it is trained again, until nobody is dropped.

# %%
model, reference = bc.train_clipped(reference)
print(tally_text(reference.tally))

# %% [markdown]
# The linear coefficients say which pixels know which label. Look for the hydrogen lines in Teff, the Mg b and the calcium
# triplet in log g, and, in A_K, sodium (Na D) and the diffuse interstellar bands. Nobody told the model about them. The last
# panel is the intrinsic scatter: largest at the blue end, and near 5900 Angstrom, where the two arms of the spectrograph are
# joined.

# %%
plot_coefficients(model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale)

# %% [markdown]
# ## Labels
#
# Each star is fitted from seven starting points, and the best fit is kept. `agreeing_starts` counts how many of them ended
# there; `reduced_chi2` is well below 1, because LAMOST's reported variances are too large, and the simulation follows it.

# %%
estimates = bc.label_spectra(model, spectra)
estimates

# %% [markdown]
# A star without trusted labels, its spectrum, and the spectrum that the model predicts for the labels it found:

# %%
star = 903
labels = estimates["labels"].to_numpy()[star]
print({name: round(float(value), KNOWN_LABELS[name].digits) for name, value in zip(model.label_names, labels)})

window = (spectra.wavelength > 5000) & (spectra.wavelength < 5500)
upper, lower = plot_spectrum(
    spectra.wavelength[window], spectra.flux[star, window], spectra.ivar[star, window], model.predict(labels)[window]
)
upper.set_title(f"{spectra.id[star]}, S/N = {spectra.columns['snr'][star]:.0f}", loc="left")
upper.figure

# %% [markdown]
# ## How good are they?
#
# The fair test leaves stars out: the reference stars are dealt into eight folds, and each fold is labelled by a model that
# was trained on the other seven. `scatter` is the standard deviation of (inferred - trusted); `robust_scatter` ignores the
# outliers; `pull_width` is that width in units of the formal error. It is far above 1: **the formal error is not the
# error**. Use the held-out scatter when you need one.

# %%
check = bc.validate(model, reference, folds=8)
held_out = Table([asdict(row) for row in check.rows if row.method == "k-fold"])
held_out.round(4)
held_out["selection", "label", "unit", "n_stars", "bias", "bias_error", "scatter", "robust_scatter", "pull_width"]

# %%
rows = [check.row("k-fold", "all", name) for name in model.label_names]
plot_one_to_one_panels(
    check.reference_labels,
    check.estimates["k-fold"]["labels"],
    model.labels,
    bias=[row.bias for row in rows],
    scatter=[row.scatter for row in rows],
    snr=check.estimates["k-fold"]["snr"],
)

# %% [markdown]
# ## The stars without labels
#
# The last 300 stars had spectra only. In the Kiel diagram they fall on the giant branch, with the metal-poor stars on its hot
# side, as it should be.

# %%
test = estimates.isel(star=slice(900, None))["labels"].to_numpy()
ax = plot_kiel(test[:, 0], test[:, 1], test[:, 2], colour_label=KNOWN_LABELS["fe_h"])
ax.figure

# %% [markdown]
# ## The catalogue
#
# One row per star: labels, formal errors (`e_formal_`) and correlations (`rho_`), the quality of the fit, and flags. There is
# no error `e_` yet: that one is calibrated, which the next notebook does. Units,
# descriptions, the meaning of the flags and where everything came from are in the table itself.
# `bc.write_catalogue(catalogue, "catalogue.fits")` writes it; `.ecsv`, `.parquet`, `.vot` and `.mrt` work as well. A flag of
# 0 is a star without remarks; the second table says what the bits mean.

# %%
catalogue = bc.build_catalogue(estimates)
catalogue["id", "snr_g", "teff", "e_formal_teff", "logg", "fe_h", "alpha_m", "a_k", "flags"][-300:-294]

# %%
Table(catalogue.meta["result_flags"])

# %% [markdown]
# ## With your own data
#
# On the command line, the same steps read and write files:
#
#     bayescannon prepare SPECTRA_FOLDER --out spectra.zarr
#     bayescannon train spectra.zarr --labels allStar.fits --labels-format allstar-dr12 --out model.nc
#     bayescannon validate model.nc spectra.zarr --labels allStar.fits --labels-format allstar-dr12
#     bayescannon label model.nc spectra.zarr --out catalogue.fits
#
# In Python they are `bc.prepare_files`, `bc.read_labels`, `bc.build_reference` (it takes the path of a store in place of
# spectra), `bc.train_clipped`, `bc.validate` and `bc.label_store`.
