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
# Every label comes with a formal error. It knows one thing, the noise of the star's own pixels, and takes for granted that
# the model is exact, that the reported noise is right, and that another choice of reference stars would have given the same
# model. This notebook puts every known source of error into a column of its own, holds the columns against the true errors of
# a simulated survey, and ends with errors that cover what they promise.

# %%
# %matplotlib inline
import numpy as np

import bayescannon as bc
from bayescannon.cannon.qualification import qualify
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_coverage, plot_label_forest, plot_label_ridge, plot_pit
from bayescannon.uncertainty.budget import error_budget
from bayescannon.uncertainty.datatree import uncertainty_tree
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
# The first notebook explains these steps: 500 giants with trusted labels train the model, 200 further ones are to be labelled,
# and of those we know the true labels. `qualify` labels the reference stars out of fold, which teaches the model how large
# errors are.

# %%
survey = bc.simulate_survey(500, 200, seed=1)
spectra = bc.prepare_spectra(list(survey.spectra()))
table = bc.read_labels(survey.apogee, format="allstar-dr12")
model, reference = bc.train_clipped(bc.build_reference(spectra, table))
model = qualify(model, reference, folds=3)

test = spectra.select(np.arange(500, 700))
truth = np.column_stack([survey.truth[name][500:] for name in ("teff", "logg", "m_h", "alpha_m", "a_k")])

# %% [markdown]
# ## The error budget
#
# One number for each star, label and kind of error. `meaning` says what a kind knows; a star that has none has a status that
# says why.

# %%
kinds = ("formal", "jackknife", "sandwich", "posterior", "calibrated")
budget = error_budget(model, test, reference=reference, kinds=kinds)
budget["meaning"].to_series().to_list()

# %% [markdown]
# If errors were Gaussian, with the size that a kind says, half of the central 68.3 % of (inferred - true) would be as wide as
# `predicted`. It is `scatter`. `share` is the part of the variance that the kind explains. Sources that are independent add
# in quadrature: here the noise of the pixels as the residuals show it, and the choice of the reference stars.

# %%
budget = combine_kinds(budget, {"sandwich + jackknife": ("sandwich", "jackknife")})
shares = explain_errors(budget, truth).isel(group=0, drop=True)
shares["share"].to_pandas().round(2)

# %%
shares[["scatter", "predicted"]].sel(stellar_label="teff", drop=True).to_dataframe().round(1)

# %% [markdown]
# ## Coverage
#
# An interval that asks for 68.3 % should hold the truth for 68.3 % of the stars: on the dashed line. Formal intervals are far
# below it. The second figure is the same in another way: the probability of a smaller error than the one that was found. It
# would be flat; the U says that most errors are larger than their formal size.

# %%
probability = np.linspace(0.02, 0.98, 49)
curve = interval_coverage(budget, truth, probability).sel(stellar_label="teff")
ax = plot_coverage(probability, {str(kind): curve.sel(kind=kind) for kind in curve["kind"].to_numpy()})
ax.set_title("Teff")
ax.figure

# %%
pit = pit_values(budget, truth).sel(stellar_label="teff")
plot_pit(*pit_histogram(pit.sel(kind="formal"), n_bin=15)).figure

# %% [markdown]
# `calibrated` is not a source of error but the sum of all, learned from reference stars that the model did not see. Half the
# width of its central 68.3 % interval is the error `e_` in the catalogue. Its tails are heavier than a Gaussian's, which the
# fraction within twice its size does not know.

# %%
shares[["within_68", "within_95"]].sel(kind="calibrated", drop=True).to_dataframe().round(3)

# %% [markdown]
# ## A few stars in ArviZ
#
# For a look at single stars, `uncertainty_tree` makes a DataTree with the groups that ArviZ knows: draws of the posterior, of
# the formal errors' Gaussian, and the labels by 10 models trained on resampled reference stars. `tree.to_netcdf` and
# `tree.to_zarr` write it.

# %%
few = test.select(np.arange(6))
tree = uncertainty_tree(model, few, reference=reference, n_bootstrap=10)
tree

# %%
uncertainty_summary(tree).round(3)

# %% [markdown]
# Thick lines are 68.3 % intervals, thin ones 95 %. `comparable_draws` gives every group the same number of draws: ArviZ joins
# groups by their draws and would drop most of them without a word.

# %%
draws = comparable_draws(tree, relative=True)
labels = [KNOWN_LABELS[name] for name in ("teff", "logg", "fe_h")]
plot_label_forest(draws, labels, relative=True)

# %%
plot_label_ridge(draws, labels, relative=True)

# %% [markdown]
# Formal error and posterior agree, because the likelihood is close to a Gaussian: the posterior does not make up for what the
# model leaves out. With few reference stars the bootstrap matters, but neither it nor its sum with the pixels' noise is the
# whole error. What remains is in the spectra and not in the model: abundances that no label follows, and lines that are blurred otherwise.
#
# `studies/beyond_formal_errors` does the same at the size of the paper, and on real spectra.
