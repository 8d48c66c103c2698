"""The probability models, stated in PyMC: the only place in the package where a distribution is written."""
