# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own survey
#
# What you will learn: how to take spectra that the package has never seen, with a label of your own, from arrays or
# files to a catalogue, and how to see the three most frequent mistakes: wavelengths in air, errors in place of inverse
# variances, and repeated stars that count as different ones.
#
# The survey has four bands like those of GALAH, spectra that are normalised already, stars that were observed more than
# once, and a table with a label that is not built in, the barium abundance.

# %%
# %matplotlib inline
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from astropy.table import Table

import bayescannon as bc
from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.data.air import to_air
from bayescannon.data.tally import tally_text
from bayescannon.figures.style import LINE_COLOUR, new_figure

folder = Path(mkdtemp())

# %% [markdown]
# ## Spectra that stand for yours
#
# This cell makes what you have already: arrays of flux and inverse variance, and a table of labels. 150 lines have
# depths that depend on four labels (barium only in the two Ba II lines) and on two further abundances, which are no
# labels. Of the 500 stars of the survey 90 were observed twice. 300 stars have labels, with errors.

# %%
rng = np.random.default_rng(4)
n_star, bands = 500, ((4720, 4900), (5655, 5865), (6485, 6730), (7590, 7880))
wavelength = np.concatenate([np.arange(low, high, 0.5) for low, high in bands])          # Angstrom, vacuum, at rest
true = np.column_stack([rng.uniform(4000, 5500, n_star), rng.uniform(0.8, 3.5, n_star),
                        rng.normal(-0.3, 0.3, n_star), rng.normal(0.1, 0.2, n_star)])    # Teff, log g, [Fe/H], [Ba/Fe]
scaled = (true - true.mean(axis=0)) / true.std(axis=0)
lines = np.append(rng.choice(wavelength, 148, replace=False), [5855.32, 6498.70])        # the last two are Ba II
gradient = rng.normal(0, 0.02, (150, 3))
depth = 0.2 + scaled[:, :3] @ gradient.T + scaled[:, :1] ** 2 * rng.normal(0, 0.005, 150)
depth[:, :148] += rng.normal(size=(n_star, 2)) @ rng.normal(0, 0.008, (2, 148))          # other elements
depth[:, 148:] += 0.08 * scaled[:, 3:]
profile = np.exp(-0.5 * ((wavelength - lines[:, None]) / 0.8) ** 2)

star = np.append(np.arange(n_star), np.arange(90))                                       # which star each spectrum is of
snr = rng.uniform(50, 150, len(star))
ivar = np.tile(snr[:, None] ** 2, len(wavelength))
flux = 1 - np.clip(depth, 0, 0.9)[star] @ profile + rng.normal(size=ivar.shape) / np.sqrt(ivar)
star_name = 170506003900000 + star
spectrum_name = [f"{name}-{k}" for name, k in zip(star_name, np.repeat([1, 2], [n_star, 90]))]

table = Table({"sobject_id": star_name[:300]})
for k, (name, error) in enumerate({"teff": 20.0, "logg": 0.03, "fe_h": 0.02, "Ba_fe": 0.02}.items()):
    table[name] = true[:300, k] + rng.normal(0, error, 300)
    table[f"e_{name}"] = error
table.write(folder / "labels.csv")
flux.shape

# %% [markdown]
# ## The survey in 20 lines
#
# A label that is not built in needs a name, a unit and a description. Further arguments are the symbol in figures and
# the range that a star can have: values outside count as missing.

# %%
bc.register_label(bc.Label("ba_fe", "[Ba/Fe]", "dex", "barium abundance relative to iron", lowest=-5, highest=5))
names = ("teff", "logg", "fe_h", "ba_fe")

# %% [markdown]
# `Spectra` are normalised spectra on one grid, with one row per spectrum; gaps of the grid do not matter. A pixel that
# cannot be used has the inverse variance 0. The columns are optional: `snr` is used by flags and by the errors, and
# `star` is a column of our own, which names the star of each spectrum.

# %%
spectra = bc.Spectra(wavelength, flux, ivar, spectrum_name, {"snr": snr, "star": star_name})
spectra

# %% [markdown]
# `columns` names what the table calls differently. `match` says which column of the spectra names the same star as
# which column of the table; `star_id` says that spectra with the same `star` are of one star. Each step of the tally
# says how many spectra are left, and of how many stars.

# %%
reference = bc.build_reference(
    spectra, folder / "labels.csv", names,
    columns={"id": "sobject_id", "ba_fe": "Ba_fe", "e_ba_fe": "e_Ba_fe"}, match="star=sobject_id", star_id="star",
)
print(*reference.notes, tally_text(reference.tally), sep="\n")

# %% [markdown]
# `check_input`, on the command line `bayescannon check-input`, says before a long run whether spectra and labels can be
# used: grid, S/N, inverse variances, labels, units, stars that match, repeats.

# %%
matching = LabelsConfig(
    table=str(folder / "labels.csv"), columns={"id": "sobject_id", "ba_fe": "Ba_fe", "e_ba_fe": "e_Ba_fe"},
    match="star=sobject_id", star_id="star",
)
bc.check_input(spectra, matching, train=TrainConfig(label_names=names))

# %% [markdown]
# Training, with wrong labels clipped, and the calibration of the errors on held-out stars. A star is in one fold with
# all of its spectra. The second line says how well 300 stars with these errors of their labels determine the level of
# the errors.

# %%
model, reference = bc.train_clipped(reference)
model = bc.qualify(model, reference)
print(model.describe(), model.calibration_note, sep="\n")

# %% [markdown]
# Labels of all spectra, and the catalogue. `e_` is the calibrated error; what the flags mean is in the header.

# %%
estimates = bc.label_spectra(model, spectra)
catalogue = bc.build_catalogue(estimates)
bc.write_catalogue(catalogue, folder / "catalogue.fits")
model.save(folder / "model.nc")
catalogue["id", "snr_g", "teff", "e_teff", "logg", "fe_h", "ba_fe", "e_ba_fe", "flags"][300:305]

# %% [markdown]
# The last 200 stars had no labels, and here their true ones are known. The error bars are the calibrated errors, which
# should hold 68 % of the true labels, give or take 3 % for 200 stars, and the level's error.

# %%
test = np.flatnonzero(star >= 300)
figure = new_figure(11, 3.1)
for ax, label, x in zip(figure.subplots(1, 4), model.labels, true[star[test]].T):
    y, error = catalogue[label.name][test], catalogue[f"e_{label.name}"][test]
    ax.errorbar(x, y, error, fmt="o", markersize=2.5, elinewidth=0.7, color=LINE_COLOUR)
    ax.axline((x.mean(), x.mean()), slope=1, color="0.4", linewidth=1, linestyle="--")
    ax.set_title(f"{np.mean(abs(y - x) < error):.0%} within the error", fontsize=10)
    ax.set_xlabel(f"true {label.axis_text()}")
    ax.set_ylabel(f"inferred {label.axis_text()}")
figure

# %% [markdown]
# ## Files
#
# Spectra with a continuum, as observed, go through `prepare`, which shifts them to rest, brings them to one grid and
# normalises them. The shortest way there is one file of arrays: `npz`, HDF5, zarr or parquet with `wavelength`, `flux`
# and `ivar` (or `error`, or `variance`), and if known `id`, `redshift` (or `rv` in km/s), `ra`, `dec`, `snr` and
# `mask`. Ours are normalised and at rest: `--preset none`, and a redshift of 0.

# %%
grid = "4720:4899.5:0.5,5655:5864.5:0.5,6485:6729.5:0.5,7590:7879.5:0.5"
arrays = {"flux": flux, "ivar": ivar, "id": spectrum_name, "redshift": np.zeros(len(star)), "snr": snr}
np.savez(folder / "own.npz", wavelength=wavelength, **arrays)


def bayescannon(*arguments):
    done = subprocess.run([sys.executable, "-m", "bayescannon", *map(str, arguments)], capture_output=True, text=True)
    print((done.stdout + done.stderr).replace(str(folder), "FOLDER"))


bayescannon("prepare", folder / "own.npz", "--reader", "arrays", "--preset", "none", "--grid", grid,
            "--out", folder / "own.zarr")

# %% [markdown]
# The other commands take the store: `bayescannon train own.zarr --labels labels.csv --label-names teff,logg,fe_h,ba_fe
# --define ba_fe:dex ...`. Training has been done above, and its model labels the spectra of the store. The command also
# asks whether a spectrum is unlike those of the reference stars (`NOVEL_SPECTRUM`), as `bc.label_store` does.

# %%
bayescannon("label", folder / "model.nc", folder / "own.zarr", "--out", folder / "by_command.fits")
again = bc.read_catalogue(folder / "by_command.fits")
print("largest difference of Teff:", np.max(np.abs(again["teff"] - catalogue["teff"])).round(2), "K")


# %% [markdown]
# Files of a layout of your own need a reader: a function that takes the path of a file and returns a `RawSpectrum`.
# Once it is registered its name can be chosen, and `--reader` finds it too if a package registers it as an entry point
# of the group `bayescannon.readers`. A file that cannot be used is refused with the reason, and the others are read.

# %%
def read_text(path):
    wavelength, flux, error = np.loadtxt(path, unpack=True)
    return bc.RawSpectrum(path.stem, wavelength, flux, error**-2, redshift=0)


bc.register_reader(bc.Reader("my-text", read_text, "three columns of text", endings=(".txt",), grid=grid))
(folder / "texts").mkdir()
for k in range(20):
    columns = np.column_stack([wavelength, flux[k], ivar[k] ** -0.5])
    np.savetxt(folder / "texts" / f"{spectrum_name[k]}.txt", columns)
(folder / "texts" / "broken.txt").write_text("4720.0 1.01")

report = bc.prepare_files(folder / "texts", folder / "texts.zarr", reader="my-text", preset="none")
print(*report.lines(), *report.refused, sep="\n")

# %% [markdown]
# ## Wavelengths in air
#
# Models and stores are in vacuum. Air wavelengths are 1.3 to 2.2 Angstrom shorter here, three to four pixels. A file says
# which it has (`VACUUM`, `CTYPE1 = AWAV`, an attribute `air` or `medium`), or you do: `air=True`, `--air`. Without a
# word they are taken for vacuum, which is said. Then the spectra are so unlike the model that they are flagged, and a
# warning says so.

# %%
np.savez(folder / "air.npz", wavelength=to_air(wavelength), **arrays)
for air in ("vacuum", "air"):
    store = folder / f"{air}.zarr"
    report = bc.prepare_files(folder / "air.npz", store, preset="none", grid=grid, air=air)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = bc.build_catalogue(bc.label_spectra(model, store))
    off = np.sqrt(np.mean((found["teff"] - true[star, 0]) ** 2))
    print(f"taken for {air}: {report.n_air} of {report.n_stars} spectra converted, Teff is off by {off:.0f} K,", end=" ")
    print(f"{np.sum(found['flag_bad'])} stars are flag_bad", *(warning.message for warning in caught), sep="\n    ")

# %% [markdown]
# ## Errors in place of inverse variances
#
# The inverse variance is the weight of every pixel. If standard deviations are given for it, labels may look good while
# the weights, errors and flags are wrong. The noise of neighbouring pixels shows it, and a warning says what to do.

# %%
sigma = ivar**-0.5
raws = [bc.RawSpectrum(name, wavelength, *rows, redshift=0) for name, *rows in zip(spectrum_name, flux, sigma)]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    bc.prepare_spectra(raws, "none", grid)
print(*(warning.message for warning in caught), sep="\n")

# %% [markdown]
# ## Repeated stars
#
# Two spectra of a star share everything that the labels do not explain. If they count as two stars, a model that is
# tested on one of them has been trained on the other, and held-out stars look better than new ones. Spectra are of one
# star if the column named by `star_id` says so; without it, if they share a row of the label table, a name in the
# columns `survey_id`, `gaia_id` or `twomass_id`, or the position (3 arcsec).

# %%
for option in ({"star_id": "star"}, {"star_id": "star", "repeats": "best"}, {"star_id": "id"}):
    some = bc.build_reference(
        spectra, folder / "labels.csv", names, columns={"id": "sobject_id", "ba_fe": "Ba_fe"},
        match="star=sobject_id", **option,
    )
    print(option, some.tally[-1], f"{len(some)} spectra of {some.n_stars} stars", sep="\n    ")

# %%
shutil.rmtree(folder)

# %% [markdown]
# ## Where to go on
#
# * The documentation has pages on spectra of your own, on tables of labels (several tables on one scale, units, missing
#   values), and on surveys of millions of stars.
# * `04_priors_and_coverage` and `06_populations`: stars that are unlike the reference stars.
# * `bayescannon init --spectra SPECTRA --labels TABLE` writes a configuration for your survey, and `bayescannon run`
#   follows it.
