# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beyond formal errors
#
# What you will learn: which sources of error a label has, how large each is, how to test whether errors hold, and which
# error to use.
#
# The formal error of a label knows one thing, the noise of the star's own pixels. It takes for granted that the model
# is exact, that the reported noise is right, and that other reference stars would have given the same model. Here every
# known source has a column of its own, and the columns are compared with the true errors of a simulated survey.

# %%
# %matplotlib inline
import arviz as az
import numpy as np

import bayescannon as bc
from bayescannon.figures import plot_corner, plot_coverage, plot_label_forest, plot_pit
from bayescannon.figures.style import new_figure
from bayescannon.uncertainty.draws import comparable_draws, uncertainty_summary
from bayescannon.uncertainty.explained import (
    combine_kinds,
    explain_errors,
    interval_coverage,
    pit_histogram,
    pit_values,
)

# %% [markdown]
# ## A survey whose truth is known
#
# The steps of the first notebook: 600 giants with trusted labels train the model, and 200 others are to be labelled.
# `qualify` labels the reference stars by models that were trained without them, which shows how large errors are.

# %%
survey = bc.simulate_survey(600, 200, seed=1)
spectra = bc.prepare_spectra(list(survey.spectra()))
model, reference = bc.train_clipped(bc.build_reference(spectra, survey.apogee, format="allstar-dr12"))
model = bc.qualify(model, reference)

test = spectra.select(np.arange(600, 800))
truth = np.column_stack([survey.truth[name][600:] for name in ("teff", "logg", "m_h", "alpha_m", "a_k")])

# %% [markdown]
# ## The error budget
#
# `error_budget` has one number for each star, label and kind of error; `meaning` says what a kind knows. A star that
# has no number has a status that says why. `bootstrap`, `coefficient` and `repeat` are further kinds; *Errors
# you can trust* in the documentation has all of them.

# %%
kinds = ("formal", "posterior", "sandwich", "jackknife", "calibrated")
budget = bc.error_budget(model, test, reference=reference, kinds=kinds)
for kind, meaning in zip(budget["kind"].to_numpy(), budget["meaning"].to_numpy()):
    print(f"{kind}: {meaning}")

# %% [markdown]
# `explain_errors` compares a kind with the true errors. `share` is the part of their variance that it explains: 1 is
# right, less is too small. Independent sources add in quadrature; here the noise of the pixels, as the residuals show
# it, and the choice of the reference stars.

# %%
budget = combine_kinds(budget, {"sandwich + jackknife": ("sandwich", "jackknife")})
shares = explain_errors(budget, truth).isel(group=0, drop=True)
shares["share"].to_pandas().round(2)

# %% [markdown]
# The same for Teff in K: `scatter` is half of the central 68.3 % of (inferred - true), and `predicted` what it should
# be if a kind were all there is.

# %%
shares[["scatter", "predicted"]].sel(stellar_label="teff", drop=True).to_dataframe().round(1)

# %% [markdown]
# Formal errors explain less than a fifth of the variance. With few reference stars, the choice of these is the largest
# known source; it shrinks with their number. Known sources together are still too small: what is missing is in the
# spectra and not in the model, abundances that no label follows and lines that are blurred in another way.
#
# ## Do the errors hold?
#
# An interval that asks for 68.3 % should hold the truth for 68.3 % of the stars: on the dashed line. The histograms
# show the same in another way: the probability of a smaller error than the one that was found would be flat. For formal
# errors it has the shape of a U: most errors are larger than their formal size.

# %%
probability = np.linspace(0.02, 0.98, 49)
curve = interval_coverage(budget, truth, probability).sel(stellar_label="teff")
ax = plot_coverage(probability, {str(kind): curve.sel(kind=kind) for kind in curve["kind"].to_numpy()})
ax.set_title("Teff")
ax.figure

# %%
pit = pit_values(budget, truth).sel(stellar_label="teff")
figure = new_figure(10, 3.6)
for ax, kind in zip(figure.subplots(1, 2), ("formal", "calibrated")):
    plot_pit(*pit_histogram(pit.sel(kind=kind), n_bin=15), ax)
    ax.set_title(kind)
figure

# %% [markdown]
# `calibrated` is not a source of error but the sum of all, learned from held-out reference stars. It is `e_` in the
# catalogue, half of the central 68.3 % interval. With 200 stars the fractions below are known to 3 %, and the level of
# the errors itself, from 564 reference stars, to 6-8 % (`model.calibration_note`).

# %%
shares[["within_68", "within_95"]].sel(kind="calibrated", drop=True).to_dataframe().round(3)

# %% [markdown]
# True errors of different labels are correlated: a star whose Teff is too high mostly has a log g and an [Fe/H] that
# are too high. The numbers in the panels are rank correlations; the catalogue has those of the formal errors as `rho_`.

# %%
inferred = bc.label_spectra(model, test)["labels"].to_numpy()
plot_corner(inferred - truth, model.labels, name="inferred - true")

# %% [markdown]
# ## A few stars in ArviZ
#
# `uncertainty_tree` makes a DataTree with the groups that ArviZ knows: draws of the posterior, draws of the Gaussian of
# the formal errors, and the labels by ten models that were trained on resampled reference stars. `tree.to_netcdf` and
# `tree.to_zarr` write it.

# %%
tree = bc.uncertainty_tree(model, test.select(np.arange(6)), reference=reference, n_bootstrap=10)
print(tree.groups)
az.summary(tree["posterior"].to_dataset().isel(star=slice(0, 2)), kind="stats", round_to=3)

# %% [markdown]
# `uncertainty_summary` puts the kinds side by side, here the standard deviations of Teff.

# %%
summary = uncertainty_summary(tree)
summary.loc[summary.index.get_level_values(1) == "teff", ["formal_sd", "posterior_sd", "bootstrap_sd"]].round(1)

# %% [markdown]
# Formal error and posterior agree, because the likelihood is nearly a Gaussian: the posterior does not make up for what
# the model leaves out. Below, thick lines are 68.3 % intervals, thin ones 95 %. `comparable_draws` gives every group
# the same number of draws: ArviZ joins groups by their draws, and would drop most of them.

# %%
plot_label_forest(comparable_draws(tree, relative=True), model.labels[:3], relative=True)

# %% [markdown]
# ## Which error to use
#
# * `e_` of the catalogue for stars like the reference stars. It is learned from them, and holds for no others: see
#   `04_priors_and_coverage`.
# * The covariance of the formal errors for the correlations of a star's labels (`rho_` in the catalogue).
# * The budget to decide what to improve: more reference stars (`jackknife`), better spectra (`formal`, `sandwich`), or
#   a better model (the rest).
#
# ## Where to go on
#
# * `04_priors_and_coverage`: for which stars labels and errors hold.
# * `studies/beyond_formal_errors` of the repository does the same at the size of the paper, and on real spectra.
# * On the command line: `bayescannon uncertainties model.nc store.zarr --labels labels.csv --out budget.nc`.
