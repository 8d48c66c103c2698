"""The equations: label vector (Ho et al. 2017, eq. 6), spectral model (eq. 3-5), a star's labels (section 4), priors.

Prior objects come in; PyMC models go out, the single definition of every posterior. PyMC is imported only here.
"""
