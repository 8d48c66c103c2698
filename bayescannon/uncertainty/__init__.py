"""Every source of error of a star's labels, and the budget that puts them side by side.

A trained model and spectra come in; a Dataset with one column for each kind of error goes out.
"""
