"""
Labels, tables of labels, spectra and their preparation (Ho et al. 2017, eq. 1-2), flags, label distance (eq. 7).

Raw spectra come in; normalised spectra on one grid go out.
"""
