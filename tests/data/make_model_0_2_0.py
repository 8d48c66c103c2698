"""
Make model_0.2.0.nc and model_0.2.0.json: run with version 0.2.0 of bayescannon and its tests/helpers on the path.

The model has everything that a file of 0.2.0 could hold: populations, kappa, latent labels, hidden components,
calibrated errors and a coverage reference. The JSON file has a few spectra and the labels that 0.2.0 gave them.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import toy
from bayescannon.infer import label_spectra
from bayescannon.qualify import qualify
from bayescannon.reference import TallyRow
from bayescannon.training import train
from bayescannon.training_options import TrainingOptions

from bayescannon import __version__

NAMES = ("teff", "logg")
HERE = Path(__file__).parent

if __version__ != "0.2.0":
    raise SystemExit(f"the file must be made by version 0.2.0; this is {__version__}")
options = TrainingOptions.from_names(
    coefficients="pooled", scatter="pooled", noise="pixel", censored={"logg": [[5000, 5030]]}, label_errors="table",
    hidden=1,
)  # fmt: skip
reference, _ = toy.noisy_reference(100, error=0.2, names=NAMES, n_pixel=24, hidden=0.002)
attrs = {**reference.spectra.attrs, "preset_settings": '{"rest": "exact"}', "data_release": "toy DR1"}
reference = replace(
    reference, spectra=replace(reference.spectra, attrs=attrs), tally=(TallyRow("spectra", 20, 100, "a toy"),)
)
model = qualify(train(reference, options=options), reference, folds=3)
model.save(HERE / f"model_{__version__}.nc", overwrite=True)
stars = toy.toy_spectra(toy.toy_labels(4, NAMES, seed=11), NAMES, n_pixel=24, seed=12)
estimates = label_spectra(model, stars)
expected = {
    "hash": model.hash,
    "calibration_hash": model.calibration.hash,
    "calibration": model.attrs["calibration"],
    "priors": model.attrs["priors"],
    "status": model.attrs["label_errors_status"],
    "theta_sum": float(np.abs(model.theta).sum()),
    "tau": model.hyperparameters["tau"].tolist(),
    "matrix": model.hyperparameters["calibration_matrix"].tolist(),
    "flux": stars.flux.tolist(),
    "ivar": stars.ivar.tolist(),
    "id": stars.id.tolist(),
    "labels": estimates["labels"].to_numpy().tolist(),
    "calibrated_error": estimates["calibrated_error"].to_numpy().tolist(),
}
(HERE / f"model_{__version__}.json").write_text(json.dumps(expected) + "\n")
