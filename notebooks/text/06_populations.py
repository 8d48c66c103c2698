# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Populations, selections and odd stars
#
# What you will learn: how a survey of giants, dwarfs and hot stars gets labels from several models; how giants are
# selected at a stated rate of losses; and how stars are found that no model describes, and which are not found.
#
# A model of giants gives labels to any spectrum: a dwarf becomes a subgiant, and the fit looks good. A *survey model*
# has a **router**, trained on all populations, which tells where a star can belong, and a **local model** of each
# population. Labels are those of the mixture.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy.table import Table

import bayescannon as bc
from bayescannon.cannon.populations.odd_stars import attach_odd
from bayescannon.cannon.populations.selection import selection_curve, selection_limit
from bayescannon.data.flags import ResultFlag
from bayescannon.figures import plot_kiel_membership, plot_one_to_one_panels, plot_selection, plot_spectrum
from bayescannon.figures.style import new_figure

NAMES = ("teff", "logg", "fe_h")

# %% [markdown]
# ## A field of stars
#
# 500 simulated stars have labels: giants, dwarfs and hot stars. Of 400 others, four fifths are dwarfs, and 75 are odd:
# pairs of stars in one spectrum, stars with lines in emission or carbon bands, wrong redshifts, and spectra of the sky.
# Only 4600-6800 Angstrom are used, so that the notebook takes less than a minute.

# %%
odd_stars = {"binary": 20, "double-lined": 20, "emission": 10, "carbon": 10, "wrong-redshift": 10, "sky": 5}
survey = bc.simulate_survey(500, 400, seed=2, populations="field", odd=odd_stars)
spectra = bc.prepare_spectra(list(survey.spectra()), "paper", "4600:6800:1.5")
table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=NAMES)
reference = bc.build_reference(spectra, table, NAMES, cuts="none")
test = spectra.select(np.arange(500, 900))
truth = survey.truth[500:]
population, odd = (np.asarray(truth[name]).astype(str) for name in ("population", "odd"))
true = np.column_stack([truth[name] for name in ("teff", "logg", "m_h")])
Table([dict(zip(("population", "stars"), row)) for row in zip(*np.unique(population, return_counts=True))])

# %% [markdown]
# ## One model of giants
#
# First the labels that dwarfs get from a model of giants. The dashed line is where they should be.

# %%
giants, _ = bc.train_clipped(reference.select(reference.labels[:, 1] < 3.7))
as_giants = bc.label_spectra(giants, test)["labels"].to_numpy()
single = odd == "none"
figure = new_figure(5.5, 4.6)
ax = figure.add_subplot()
for name in ("giant", "dwarf", "hot"):
    chosen = single & (population == name)
    ax.scatter(true[chosen, 1], as_giants[chosen, 1], s=10, label=name)
ax.axline((3, 3), slope=1, color="0.4", linestyle="--", linewidth=1)
ax.set_ylim(-2, 6)
ax.set_xlabel("true log g [dex]")
ax.set_ylabel("log g by a model of giants [dex]")
ax.legend()
figure

# %% [markdown]
# ## A survey model
#
# `train_survey` finds the populations that the reference stars are of, and says what it decided. `qualify` labels the
# reference stars out of fold: it calibrates the errors of each model and the probabilities of the populations.

# %%
model, kept = bc.train_survey(reference)
model = bc.qualify(model, kept, folds=3)
print(*model.notes, sep="\n")
model

# %% [markdown]
# `odd` needs the scores of held-out stars too; on the command line all of it is `train --populations auto --odd`.
# `label_store` then labels the stars of a store, with membership, coverage and scores of odd spectra.

# %%
model = attach_odd(model, kept, folds=3)
with TemporaryDirectory() as folder:
    store = bc.save_spectra(test, Path(folder) / "test.zarr")
    estimates = bc.label_store(model, store, odd=True)
catalogue = bc.build_catalogue(estimates)
catalogue["id", "teff", "e_teff", "logg", "e_logg", "population", "p_giant", "p_dwarf", "p_hot", "p_none"][:6]

# %%
labels, known = estimates["labels"].to_numpy(), single & (np.asarray(catalogue["flag_bad"]) == 0)
off = labels[known] - true[known]
plot_one_to_one_panels(
    true[known], labels[known], model.router.labels, bias=off.mean(axis=0), scatter=off.std(axis=0),
    snr=estimates["snr"].to_numpy()[known], names=("true", "inferred"),
)

# %% [markdown]
# ## Membership and the selection of giants
#
# The probability of being a giant, over the Kiel diagram. In between lie the subgiants; `BETWEEN_POPULATIONS` flags a
# star for which no population has 90 %.

# %%
ax = plot_kiel_membership(labels[known, 0], labels[known, 1], np.asarray(catalogue["p_giant"])[known], population="giant")
ax.figure

# %% [markdown]
# A selection is a limit on `p_giant`. It is not 0.5, but what held-out giants say: the limit at which 1 % of them are
# lost, with the interval that their number allows. The curves tell what a limit keeps of each population; purity is for
# one giant to four dwarfs.

# %%
limit, curve = selection_limit(model, "giant", false_alarms=0.01), selection_curve(model, "giant")
print(limit.describe())
selected = limit.select(estimates)
for name in ("giant", "dwarf", "hot"):
    chosen = single & (population == name)
    print(f"of the test stars: {np.sum(selected & chosen)} of {np.sum(chosen)} of population {name} selected")
ax = plot_selection(
    curve.limit, curve.completeness, curve.contamination, population="giant",
    purity=curve.purity({"giant": 1, "dwarf": 4}), chosen=(limit.value, limit.low, limit.high),
)
ax.figure

# %% [markdown]
# ## Odd stars
#
# Each class of odd spectra has a score, and a p-value from held-out single stars. `ODD_SPECTRUM` is set where the
# smallest p-value, times the number of classes, is below 1 %; `flag_bad` where labels should not be used, for instance
# because the spectrum is unlike those of the reference stars.

# %%
is_odd = (np.asarray(catalogue["flags"]) & int(ResultFlag.ODD_SPECTRUM)) > 0
bad = np.asarray(catalogue["flag_bad"]) == 1
Table(
    rows=[
        (name, np.sum(odd == name), np.sum(is_odd & (odd == name)), np.sum(bad & (odd == name)))
        for name in ("none", *odd_stars)
    ],
    names=("class", "stars", "ODD_SPECTRUM", "flag_bad"),
)

# %% [markdown]
# Emission, carbon bands and wrong redshifts are found, most pairs with two velocities too, and light of the sky if
# there is much of it. **Unresolved pairs are not**: at a resolution of 1800 most of them do not differ from a single
# star of somewhat other labels. Their `p_binary` stays near the 30 % that is assumed before a spectrum is seen, and
# their labels are off, as the next table says (median of inferred - true, of the brighter star).

# %%
rows = []
for name in ("none", "binary"):
    chosen = (odd == name) & (population == "dwarf") & ~bad
    rows.append((name, np.sum(chosen), *np.median(labels[chosen] - true[chosen], axis=0).round(3),
                 np.median(catalogue["p_binary"][chosen]).round(2)))  # fmt: skip
Table(rows=rows, names=("class", "dwarfs", "Teff [K]", "log g [dex]", "[Fe/H] [dex]", "median p_binary"))

# %% [markdown]
# A star with lines in emission, and the best model of a star without them. The difference is in the hydrogen lines.

# %%
star = int(np.flatnonzero((odd == "emission") & is_odd)[0])
best = dict(zip(model.names, model.models))[str(catalogue["population"][star])]
upper, lower = plot_spectrum(spectra.wavelength, test.flux[star], test.ivar[star], best.predict(labels[star]))
upper.set_title(f"p_odd_emission = {catalogue['p_odd_emission'][star]:.1g}", loc="left")
upper.figure

# %% [markdown]
# ## Limits
#
# * Membership and p-values are right for stars like the reference stars. If these are of one population only, the
#   router knows no other, and `train_survey` says so.
# * p-values below one over the number of held-out stars are extrapolated. With hundreds of stars rare classes are told
#   less well than with thousands.
# * `p_none` says that no population fits; a star that fits by chance is not found by it.
#
# ## Where to go on
#
# * The documentation of populations and of odd stars has the equations, and files of your own populations.
# * `studies/populations` of the repository measures all of this on real stars of LAMOST.
# * On the command line: `bayescannon label survey.nc store.zarr --odd --only giant --false-alarms 0.01 --out
#   giants.fits`.
