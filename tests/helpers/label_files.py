"""Tables of labels as surveys and users write them."""

import numpy as np
from astropy.table import Table

THREE = ("teff", "logg", "fe_h")


def plain_table(**changes):
    return Table(
        {
            "LAMOST_ID": ["dr2/spec-1.fits", "spec-2.fits.gz ", "spec-3"],
            "ra": [1.0, 2.0, np.nan],
            "dec": [-1.0, 90.0, -9999.0],
            "TEFF": [4500.0, -9999.0, 5000.0],
            "logg": [2.5, 3.0, np.nan],
            "fe_h": [-0.5, -9999.99, 0.1],
            "e_teff": [50.0, 0.0, -9999.0],
            "ASPCAPFLAG": [0, 1 << 33, 1 << 7],
            "snr": [100.0, 200.0, -9999.0],
        }
        | changes
    )


def allstar(release, **changes):
    """An allStar-like table with blanks, missing values and the columns of its release."""
    metals, alpha, a_k = {
        "dr12": ("PARAM_M_H", "PARAM_ALPHA_M", "AK_WISE"),
        "dr17": ("M_H", "ALPHA_M", "AK_TARG"),
    }[release]
    missing = -9999.0 if release == "dr12" else np.nan
    columns = {
        "APOGEE_ID": np.array([b"2M0001+01  ", b"2M0002+02  ", b"2M0001+01  "]),
        # APOGEE's own file: no id of LAMOST
        "FILE": np.array([b"apStar-1.fits", b"apStar-2.fits", b"apStar-3.fits"]),
        "RA": [1.0, 2.0, 1.0],
        "DEC": [-1.0, -2.0, -1.0],
        "SNR": np.float32([100, 200, 300]),
        "TEFF": np.float32([4500, missing, 4510]),
        "TEFF_ERR": np.float32([90, missing, 91]),
        "LOGG": np.float32([2.5, missing, 2.6]),
        metals: np.float32([-0.5, missing, -0.4]),
        f"{metals}_ERR": np.float32([0.03, missing, 0.02]),
        alpha: np.float32([0.1, missing, 0.2]),
        a_k: np.float32([0.2, -9999.99, 0.3]),
        "PARAM": np.zeros((3, 7), dtype=np.float32),
        "ASPCAPFLAG": np.array([0, -(2**31) + 1, 1 << 7], dtype=np.int32 if release == "dr12" else np.int64),
    }
    return Table(columns | changes)
