"""Configurations of runs: the smallest one, and one with every key."""

SMALLEST = """
out = "results"
[prepare]
spectra = "spectra"
[labels]
table = "apogee.fits"
"""

EVERYTHING = """
out = "results"
figures = false
report = false

[prepare]
spectra = "spectra"
preset = "masked"
variance = "propagate"
resampling = "white"
reader = "lamost-mrs"
grid = "4000:7000:0.5"
air = "vacuum"
redshift = 0
workers = 1

[labels]
table = "/survey/allStar.fits"
format = "allstar-dr12"
columns = { id = "LAMOST_ID" }
match = "sky"
radius = 2
star_id = "gaia_id"
repeats = "best"
units = { teff = "kK" }
missing = { fe_h = [0] }
extension = "STARS"
name = "APOGEE"
cuts = "released"
keep = { logg = [0, 3.8] }
errors = { teff = 90, logg = 0.11 }
error_scale = 1.5

[labels.define.ba_fe]
unit = "dex"
lowest = -4

[train]
label_names = ["teff", "logg"]
cuts = "none"
keep = { teff = [3500, 5500.5] }
clip_rounds = 0
clip_sigma = 3
offsets = "none"
max_per_cell = 50
memory = 8.5
populations = "giants"
coefficients = "laplace"
coefficient_scale = 1
terms = "all"
scatter = "half-normal"
scatter_scale = 0.01
noise = "fixed"
kappa = 0.5
marginal = true
censored = { logg = [[5000, 5100], [5200.5, 5300]] }
velocity_prior = "5km/s"
line_spread_prior = 40
continuum_prior = 0.01
continuum_order = 2
folds = 4
odd = true
double_lined = true

[label]
starts = 3
seed = 11
catalogue = "catalogue.ecsv"
prior = "coverage"
posterior = true
draws = 500
correct_offsets = true
model_spectra = "models.zarr"
model_stars = "20"
odd = true
only = "giant"
false_alarms = 0.02
velocity_prior = "20 km/s"
line_spread_prior = "50km/s"
continuum_prior = 0
continuum_order = 1

[validate]
folds = 0
snr_min = 30

[uncertainties]
kinds = ["formal", "bootstrap"]
stars = "50"
bootstrap = 5
draws = 200
keep_draws = true

[coverage]
pipeline_labels = "lasp.csv"
pipeline_columns = { id = "file" }
false_alarms = 0.05

[compare]
table = "truth.csv"
match = "sky"
radius = 2.5
label_names = ["teff"]
columns_a = { id = "name" }
columns_b = { fe_h = "m_h" }
units_a = { teff = "K" }
units_b = { teff = "kK" }
snr_edges = [0, 50]

[engine]
workers = 2
dask = "local"
block = 256
"""
