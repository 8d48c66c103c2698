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
# A model that was trained on giants gives a confident answer for every star, also for one that is like none of its own.
# There are two ways to guard against that. **Coverage** asks afterwards: are the labels where the reference stars are, and
# does the model leave more of the spectrum unexplained than it leaves of giants? **Priors** say beforehand what labels are
# plausible, and the posterior says how much that mattered.
#
# This notebook trains on a simulated survey without its metal-poor stars, and then labels all of them, in less than a minute.
# `studies/coverage_priors` measures the same things on more stars, with the truth and with real spectra.

# %%
# %matplotlib inline
import numpy as np

import bayescannon as bc
from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.label_priors import LABEL_PRIORS, build_label_prior
from bayescannon.cannon.novelty import assess_coverage, pipeline_labels_of, with_coverage
from bayescannon.cannon.prior_comparison import compare_priors
from bayescannon.cannon.qualification import qualify
from bayescannon.data.flags import ResultFlag, flag_table
from bayescannon.data.label_distance import PAPER_CUT, label_distance, select_by_distance
from bayescannon.data.tally import tally_text
from bayescannon.figures import plot_distances, plot_kiel_distance
from bayescannon.figures.style import COLOUR_MAP, new_figure

NAMES = ["teff", "logg", "fe_h"]

# %% [markdown]
# ## A model with a gap
#
# 360 stars of the simulated survey have trusted labels, 100 have none. A cut takes away the metal-poor reference stars.

# %%
survey = bc.simulate_survey(360, 100, seed=3)
spectra = bc.prepare_spectra(list(survey.spectra()))
table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=NAMES)
reference = bc.build_reference(spectra, table, NAMES, cuts=[range_cut("fe_h", -0.7), range_cut("teff", 3500, 6000)])
print(tally_text(reference.tally))
model, reference = bc.train_clipped(reference)

# %% [markdown]
# `qualify` labels every reference star with a model that never saw it. That calibrates the errors, and it says what is usual:
# how far from the training labels held-out giants fall, and how badly the model fits them.

# %%
model = qualify(model, reference, folds=3)
test = spectra.select(~np.asarray(survey.truth["is_reference"], dtype=bool))
estimates = bc.label_spectra(model, test)
assessment = assess_coverage(model, test, estimates)
assessment

# %% [markdown]
# `p_coverage` and `p_novelty` are p-values against the held-out stars. Below 1 % they set the flags `OUTSIDE_COVERAGE` and
# `NOVEL_SPECTRUM`. All flags of a catalogue:

# %%
print(flag_table())

# %%
estimates = with_coverage(estimates, assessment)
for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM):
    print(flag.name, int(((estimates["flags"] & int(flag)) != 0).sum()))
figure = new_figure(6, 4)
ax = figure.add_subplot()
points = ax.scatter(*estimates["labels"].sel(stellar_label=["teff", "fe_h"]).to_numpy().T, c=estimates["p_coverage"], s=12, cmap=COLOUR_MAP)
ax.axhline(-0.7, color="0.6", linestyle="--")
ax.set_xlabel("inferred Teff [K]")
ax.set_ylabel("inferred [Fe/H] [dex]")
figure.colorbar(points, label="p-value of the coverage")
figure

# %% [markdown]
# ## The paper's cut
#
# Ho et al. (2017) have labels of Survey B's own pipeline, and keep stars whose *label distance* to the ten nearest reference
# stars is below 2.5. The two panels are figures 9 and 10 of the paper for this survey. The distance depends on how many
# reference stars there are: with so few of them the ten nearest are far away, and the cut, made for 9952, is too strict.

# %%
lasp = bc.read_labels(survey.lasp, label_names=NAMES)
own = pipeline_labels_of(test.id.tolist(), lasp, NAMES)
distance = label_distance(own, reference.labels, NAMES)
inferred = estimates["labels"].to_numpy()
moved = [label_distance(inferred[[n]], own[[n]], NAMES, neighbours=1)[0] for n in range(len(own))]
keep, tally = select_by_distance(distance)
print(tally_text(tally))

figure = new_figure(11, 4.2)
plot_distances(distance, moved, figure.add_subplot(1, 2, 1), cut=PAPER_CUT)
plot_kiel_distance(
    own[:, 0], own[:, 1], distance, figure.add_subplot(1, 2, 2), cut=PAPER_CUT,
    reference_teff=reference.labels[:, 0], reference_logg=reference.labels[:, 1],
)
figure

# %% [markdown]
# ## Priors from the reference set
#
# Five priors have names. `flat` is the paper's. `box` is the range of the reference labels. `gaussian` and `mixture` are
# fitted to the reference labels with their errors taken out. `coverage` is flat where reference stars are dense and falls off
# with label distance: the paper's cut made smooth.

# %%
for name in LABEL_PRIORS:
    print(f"{name:9s}", build_label_prior(name, model).describe())

# %% [markdown]
# `compare_priors` labels the same spectra under each of them. `shift` is in widths of the posterior under the flat prior;
# `contraction` near 1 says that the spectrum decides, near 0 that the prior does.

# %%
some = test.select(np.arange(30))
comparison = compare_priors(model, some, n_draws=400, n_starts=3)
abs(comparison["shift"]).median("star").to_pandas()

# %%
comparison["contraction"].median("star").to_pandas()

# %%
comparison["prior_dominated"].mean("star").to_pandas()

# %% [markdown]
# Where the signal-to-noise ratio is high, no prior should matter; where it is low, some do.

# %%
figure = new_figure(8, 3.6)
ax = figure.add_subplot()
for name in ("gaussian", "mixture", "coverage"):
    ax.scatter(some.columns["snr"], abs(comparison["shift"]).sel(prior=name).max("stellar_label"), s=12, label=name)
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xlabel("S/N in the g band")
ax.set_ylabel("largest shift [flat widths]")
ax.legend()
figure

# %% [markdown]
# A prior does not repair a star that is outside: it pulls the labels back inside, where they look usual, and so it *hides* the
# star from the coverage. Assess coverage with the flat labels, and read the prior's effect from the flag `PRIOR_DOMINATED`.
#
# On the command line: `bayescannon label ... --prior coverage`, and `bayescannon coverage MODEL STORE --out FILE`.
