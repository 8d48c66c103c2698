"""Names of the steps of a run, in order; the later ones are done where the configuration has their section."""

PREPARE, TRAIN, VALIDATE, LABEL = "prepare", "train", "validate", "label"
UNCERTAINTIES, COVERAGE, COMPARE, FIGURES = "uncertainties", "coverage", "compare", "figures"
STEPS = (PREPARE, TRAIN, VALIDATE, LABEL, UNCERTAINTIES, COVERAGE, COMPARE, FIGURES)
