"""Given coefficients and scatters, the labels of every star: exact quartic, optimum, importance sampling, NUTS.

Arrays (star, pixel) come in; scaled labels and their posteriors go out (Ho et al. 2017, section 4).
"""
