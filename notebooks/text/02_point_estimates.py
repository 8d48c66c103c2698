# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Point estimates: Ho et al. (2017)
#
# What you will learn: how the point estimates of the paper are made with this package, how far its numbers are
# reproduced on a simulated survey, and what the choices behind them do: the clip, the stars that a validation is made
# of, and the distance of a star's labels from the reference set.
#
# The paper trained on 9952 stars in common of LAMOST DR2 and APOGEE DR12. Here there are 1200, simulated; the noise and
# what a model of five labels leaves out are calibrated on real giants of LAMOST. Numbers of the paper come with the
# labels (`label.published`), with their source.

# %%
# %matplotlib inline
import numpy as np
from astropy.table import Table

import bayescannon as bc
from bayescannon.cannon.novelty import pipeline_labels_of
from bayescannon.data.display import value_with_error
from bayescannon.data.label_distance import PAPER_CUT, label_distance, pair_distance, select_by_distance
from bayescannon.data.tally import tally_text
from bayescannon.figures import (
    plot_coefficients,
    plot_distances,
    plot_kiel_distance,
    plot_residuals,
    plot_validation,
)
from bayescannon.figures.style import new_figure

# %% [markdown]
# ## The recipe of the paper
#
# The paper clips once: reference stars with a label off by more than four scatters are dropped, and the model is
# trained again. (The default of `train_clipped` goes on until no star is dropped.) All other defaults are the paper's:
# five labels, flat priors, seven starting points, no masks. In place of the paper's grid of scatters, the scatter is
# the exact optimum.

# %%
survey = bc.simulate_survey(1200, 0, seed=2)
spectra = bc.prepare_spectra(list(survey.spectra()))
reference = bc.build_reference(spectra, survey.apogee, format="allstar-dr12")
model, reference = bc.train_clipped(reference, max_rounds=1)
print(tally_text(reference.tally))

# %% [markdown]
# Which labels are wrong is known of a mock survey. One round of the clip finds half of them, those that are off by
# much, and drops a few others whose spectra are unusual; what is left lies within four scatters.

# %%
clipped = np.isin(survey.truth["id"], reference.clipped.spectra.id)
trained = np.isin(survey.truth["id"], reference.spectra.id)
wrong = np.asarray(survey.truth["mislabelled"]).astype(str) == "True"
print(f"clipped: {np.sum(clipped & wrong)} stars with wrong labels, {np.sum(clipped & ~wrong)} others")
print(f"left: {np.sum(trained & wrong)} stars with wrong labels, {np.sum(trained & ~wrong)} others")

# %% [markdown]
# ## Figure 4: coefficients
#
# The change of the flux for a change of each label by the paper's scale (91.5 K, 0.11, 0.05, 0.05 dex, 1 mag), and the
# scatter. As in the paper the blue end has most of the information, and A_K follows the interstellar bands and Na D.

# %%
plot_coefficients(model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale)

# %% [markdown]
# ## Figure 5: inferred against reference labels
#
# The figure of the paper is *leave-none-out*: the model labels the stars that it was trained on, here those with S/N >
# 50.

# %%
check = bc.validate(model, reference, folds=8, snr_min=50)
plot_validation(check, method="leave-none-out", snr_min=50, reference_name="APOGEE")

# %% [markdown]
# The numbers of figure 5 beside ours. *k-fold* is of stars that are left out of the training, in eight folds. With 1200
# reference stars in place of 9952 a model fits its own stars better than new ones, so that leave-none-out is too good;
# with as many stars as the paper has, their scatters differ by 1-3 % (`studies/ho2017`).

# %%
rows = []
for label in model.labels:
    ours, others = (check.row(method, "snr > 50", label.name) for method in ("leave-none-out", "k-fold"))
    scatters = [ours.scatter, others.scatter, ours.robust_scatter, others.robust_scatter]
    rows.append((
        label.name, label.unit, label.published.bias, value_with_error(ours.bias, ours.bias_error),
        label.published.scatter, *(f"{scatter:.{label.digits}f}" for scatter in scatters),
    ))
Table(rows=rows, names=(
    "label", "unit", "bias of Ho et al.", "bias", "scatter of Ho et al.", "leave-none-out", "k-fold",
    "leave-none-out, robust", "k-fold, robust",
))

# %% [markdown]
# *Robust* is half of the central 68.3 %: it does not depend on the few stars that are far off.
#
# ## Figure 6: residuals of the pipeline and of the Cannon
#
# Survey B has labels of its own pipeline too (LASP). Against the labels of Survey A they have an offset in Teff, and
# trends in log g and [Fe/H]. Held-out labels of the Cannon have no offset, and smaller trends: this is what the transfer
# of labels is for. On this mock survey their scatter is smaller for [Fe/H], and larger for Teff and log g at low S/N.

# %%
names = ["teff", "logg", "fe_h"]
lasp = pipeline_labels_of(reference.spectra.id.tolist(), bc.read_labels(survey.lasp, label_names=names), names)
held_out = check.estimates["k-fold"]
cannon = held_out["labels"].sel(stellar_label=names).to_numpy()
trusted = reference.labels[:, :3]
plot_residuals(
    trusted, {"LASP - APOGEE": lasp - trusted, "Cannon - APOGEE": cannon - trusted}, model.labels[:3],
    snr=held_out["snr"].to_numpy(), edges=(0, 50, np.inf), reference_name="APOGEE",
)

# %% [markdown]
# ## Figures 9 and 10: label distance
#
# A model of giants labels any spectrum, also that of a dwarf. Ho et al. keep the stars whose labels by the survey's own
# pipeline are near the reference set: the *label distance* (equation 7) to the ten nearest reference stars is below
# 2.5. Here it is seen on a field of giants, dwarfs and hot stars. Stars beyond the cut get labels that differ much from
# the pipeline's. The distance depends on the number of reference stars: with 1200 in place of 9952 the ten nearest are
# farther away, and the cut is stricter than in the paper.

# %%
field = bc.simulate_survey(0, 500, seed=5, populations="field")
stars = bc.prepare_spectra(list(field.spectra()))
labels = bc.label_spectra(model, stars)["labels"].sel(stellar_label=names).to_numpy()
lasp = pipeline_labels_of(stars.id.tolist(), bc.read_labels(field.lasp, label_names=names), names)
distance = label_distance(lasp, trusted, names)
keep, tally = select_by_distance(distance)
print(tally_text(tally))
kind = np.asarray(field.truth["population"])
for name in ("giant", "dwarf", "hot"):
    print(f"{name}: {np.sum(keep & (kind == name))} of {np.sum(kind == name)} kept")

# %%
figure = new_figure(11, 4.2)
plot_distances(
    distance, pair_distance(labels, lasp, names), figure.add_subplot(1, 2, 1), cut=PAPER_CUT,
    kinds={name: kind == name for name in ("giant", "dwarf", "hot")},
)
plot_kiel_distance(
    lasp[:, 0], lasp[:, 1], distance, figure.add_subplot(1, 2, 2), cut=PAPER_CUT,
    reference_teff=trusted[:, 0], reference_logg=trusted[:, 1],
)
figure

# %% [markdown]
# ## Where to go on
#
# * `make paper`, or `studies/ho2017` of the repository, does all of this at the size of the paper, with every published
#   number beside ours and the reason where they differ.
# * `03_beyond_formal_errors`: what the errors of these point estimates are.
# * `06_populations`: a selection of giants that needs no labels of a pipeline.
