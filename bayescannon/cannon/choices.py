"""Defaults that several functions of the estimator share; the standard library only."""

N_STARTS = 7
N_FOLDS = 8
N_DRAWS = 1000
SEED = 0
FALSE_ALARMS = 0.01
SNR_MIN = 50.0
CLIP_SIGMA = 4.0
