"""The reliability of inferred labels: distribution of their errors, and distance of a star from the training set.

Arrays of held-out labels and residuals come in; calibrations, scores and p-values go out.
"""
