"""The convex hull by linear programs: exact, one point at a time."""

import numpy as np
from scipy.optimize import linprog


def inside_hull(points, reference):
    """
    Tell which points (N, K) lie in the convex hull of reference points (M, K).

    x is inside if there are weights lambda_m >= 0 with sum 1 and sum lambda_m r_m = x.
    """
    conditions = np.vstack([reference.T, np.ones(len(reference))])
    options = {"A_eq": conditions, "bounds": (0, None), "method": "highs"}
    return np.array([linprog(np.zeros(len(reference)), b_eq=[*point, 1.0], **options).status == 0 for point in points])
