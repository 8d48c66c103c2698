"""
Given labels, the coefficients and scatter of every pixel: exact solvers of the spectral model (eq. 3-6).

Label vectors and arrays (star, pixel) come in; coefficients, their covariance, scatters and populations go out. The
equations are those of Ho et al. (2017).
"""
