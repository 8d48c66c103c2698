"""The sources of error of a star's labels, and the budget that lists them.

A trained model and spectra come in; a Dataset with one entry per kind of error goes out.
"""
