"""
Exact solvers of the spectral model (Ho et al. 2017, eq. 3-6): given labels, coefficients and scatter of every pixel.

Label vectors and arrays (star, pixel) come in; coefficients, their covariance, scatters and populations go out.
"""
