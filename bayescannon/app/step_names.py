"""Names of the steps of a run, in order; the later ones are done where the configuration has their section."""

PREPARE, TRAIN, VALIDATE, LABEL = "prepare", "train", "validate", "label"
MODEL_SPECTRA = "model-spectra"
UNCERTAINTIES, COVERAGE, COMPARE, FIGURES, REPORT = "uncertainties", "coverage", "compare", "figures", "report"
STEPS = (PREPARE, TRAIN, VALIDATE, LABEL, MODEL_SPECTRA, UNCERTAINTIES, COVERAGE, COMPARE, FIGURES, REPORT)
