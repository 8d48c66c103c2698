# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Priors and coverage
#
# What you will learn: how to see that a star is unlike the reference stars, so that its labels cannot be trusted, and
# what a prior on the labels changes, and what it cannot.
#
# A model of some stars gives labels, with small formal errors, for every spectrum. Two things help. **Coverage** asks
# afterwards: are the labels where the reference stars are, and does the model describe the spectrum as well as theirs?
# **Priors** say beforehand what labels are plausible, and the posterior shows how much that mattered.

# %%
# %matplotlib inline
import arviz as az
import numpy as np
from astropy.table import Table

import bayescannon as bc
from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.label_priors import LABEL_PRIORS
from bayescannon.cannon.novelty import with_coverage
from bayescannon.data.flags import ResultFlag
from bayescannon.data.tally import tally_text
from bayescannon.figures.style import COLOUR_MAP, new_figure

NAMES = ["teff", "logg", "fe_h"]

# %% [markdown]
# ## A model with a gap
#
# 360 stars of a simulated survey have trusted labels, 100 have none. A cut takes away the metal-poor reference stars;
# the others contain such stars. `qualify` labels each reference star by a model that was trained without it, which
# shows what is usual: how far from the training labels held-out stars fall, and how well the model fits them.

# %%
survey = bc.simulate_survey(360, 100, seed=3)
spectra = bc.prepare_spectra(list(survey.spectra()))
table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=NAMES)
reference = bc.build_reference(spectra, table, NAMES, cuts=[range_cut("fe_h", -0.7), range_cut("teff", 3500, 6000)])
print(tally_text(reference.tally))
model, reference = bc.train_clipped(reference)
model = bc.qualify(model, reference, folds=3)

# %% [markdown]
# ## Coverage
#
# `p_coverage` is the p-value of a star's labels among those of held-out stars, `p_novelty` that of what is left
# unexplained of its spectrum. Below 1 % they set `OUTSIDE_COVERAGE` and `NOVEL_SPECTRUM`, with which a star is
# `flag_bad`.

# %%
reference_stars = np.asarray(survey.truth["is_reference"]).astype(str) == "True"
test = spectra.select(~reference_stars)
truth = survey.truth[~reference_stars]
estimates = bc.label_spectra(model, test)
assessment = bc.assess_coverage(model, test, estimates)
estimates = with_coverage(estimates, assessment)
poor = np.asarray(truth["m_h"]) < -0.7
Table(
    rows=[
        (flag.name, np.sum(is_set & poor), np.sum(is_set & ~poor))
        for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM)
        for is_set in [(estimates["flags"].to_numpy() & int(flag)) > 0]
    ],
    names=("flag", f"of {poor.sum()} stars below -0.7 dex", f"of {np.sum(~poor)} others"),
)

# %%
figure = new_figure(6.4, 4.2)
ax = figure.add_subplot()
labels = estimates["labels"].to_numpy()
points = ax.scatter(truth["m_h"], labels[:, 2], c=estimates["p_coverage"], s=16, cmap=COLOUR_MAP)
ax.axline((0, 0), slope=1, color="0.6", linestyle="--", linewidth=1)
ax.axvspan(min(truth["m_h"]), -0.7, color="0.93", zorder=0)
ax.set_xlabel("true [Fe/H] [dex] (grey: no reference stars)")
ax.set_ylabel("inferred [Fe/H] [dex]")
figure.colorbar(points, label="p-value of the coverage")
figure

# %% [markdown]
# The paper's way, a cut on the *label distance* of labels that the survey has already, is in `02_point_estimates`.
# Coverage needs no labels of a pipeline, and its limits come from held-out stars.
#
# ## Priors from the reference set
#
# Five priors have names. `flat` is the paper's. `box` is the range of the reference labels. `gaussian` and `mixture`
# are fitted to the reference labels, with the errors of these taken out. `coverage` is flat where reference stars are
# dense, and falls off with label distance: the paper's cut made smooth.

# %%
for name in LABEL_PRIORS:
    print(f"{name:9s}", bc.build_label_prior(name, model).describe())

# %% [markdown]
# `compare_priors` labels the same spectra under each of them. `shift` is the change of the posterior mean, in widths of
# the posterior under the flat prior; `contraction` is 1 where the spectrum decides alone, and 0 where the prior does.

# %%
some = test.select(np.arange(30))
comparison = bc.compare_priors(model, some, n_draws=400, n_starts=3)
abs(comparison["shift"]).median("star").to_pandas().round(3)

# %%
comparison["contraction"].median("star").to_pandas().round(3)

# %% [markdown]
# Wide priors change little, and least at high S/N. The narrow components of `mixture` change more, also at high S/N:
# they say that giants lie near the red-giant branch and the red clump. A star is flagged `PRIOR_DOMINATED` where the
# prior moves a label by more than its formal error, or halves its variance.

# %%
figure = new_figure(8, 3.6)
ax = figure.add_subplot()
for name in ("gaussian", "mixture", "coverage"):
    ax.scatter(some.columns["snr"], abs(comparison["shift"]).sel(prior=name).max("stellar_label"), s=14, label=name)
ax.axhline(1, color="0.7", linewidth=1, linestyle="--")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xlabel("S/N in the g band")
ax.set_ylabel("largest shift [flat widths]")
ax.legend()
figure

# %%
dominated = comparison["prior_dominated"].mean("star").to_pandas()
print({name: f"{share:.0%}" for name, share in dominated.items()})

# %% [markdown]
# ## The posterior of one star
#
# The star with the lowest S/N of these 30, under two priors, with ArviZ.

# %%
star = int(np.argmin(some.columns["snr"]))
for name in ("flat", "mixture"):
    tree = bc.uncertainty_tree(model, some.select([star]), prior=name)
    print(f"prior {name}, S/N {some.columns['snr'][star]:.0f}")
    print(az.summary(tree["posterior"].to_dataset().isel(star=0, drop=True), kind="stats", round_to=3), end="\n\n")

# %% [markdown]
# ## What a prior cannot do
#
# A prior does not repair a star that is outside. It pulls the labels back inside, where they look usual, and *hides*
# the star from the coverage. Assess coverage with the labels of the flat prior, and see in `PRIOR_DOMINATED` what the
# prior has done.
#
# ## Where to go on
#
# * `06_populations`: several models where one does not cover the survey.
# * `studies/coverage_priors` of the repository measures the same things on more stars, with the truth and with real
#   spectra.
# * On the command line: `bayescannon label ... --prior coverage`, and `bayescannon coverage model.nc store.zarr --out
#   coverage.ecsv`.
