"""The equations: spectral model and label vector (Ho et al. 2017, eq. 3-6), a star's labels (section 4), priors.

Prior objects come in; PyMC models go out, which define every posterior. PyMC is imported only here.
"""

from bayescannon.models.compile_folder import provide_compile_folder

# before any module of this room imports PyMC
provide_compile_folder()
