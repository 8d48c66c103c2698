"""How far inferred labels can be trusted: the distribution of their errors, and how unlike the training set a star is.

Arrays of held-out labels and residuals come in; calibrations, scores and p-values go out.
"""
