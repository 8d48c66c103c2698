"""A small table of labels, in the layouts of the surveys and in every format of file."""

import numpy as np
from astropy.io import fits
from astropy.table import Table

N_ROW = 8
IDS = [f"spec-{k:02d}" for k in range(N_ROW)]
TEFF = np.array([4100.5, 4200.25, 4300.75, 4400.5, 4500.25, 4600.5, 4700.75, 4800.5])
LOGG = np.array([1.125, 1.5, 1.75, 2.125, 2.25, 2.5, 2.75, 3.125])
FE_H = np.array([-0.875, -0.75, -0.625, -0.375, -0.25, -0.125, 0.125, 0.25])
RA = np.array([10.5, 60.25, 100.5, 150.25, 200.5, 250.25, 300.5, 350.25])
DEC = np.array([-60.5, -40.25, -20.5, -0.25, 20.5, 40.25, 60.5, 80.25])


def simple(**changes):
    """A table with columns named after labels."""
    columns = {"id": IDS, "ra": RA, "dec": DEC, "teff": TEFF, "logg": LOGG, "fe_h": FE_H}
    return Table({name: values for name, values in (columns | changes).items() if values is not None})


def allstar_dr17(**changes):
    """An allStar table of DR17, with both measures of the metallicity."""
    columns = {
        "APOGEE_ID": [f"2M{k:04d}+00" for k in range(N_ROW)],
        "LAMOST_ID": [f"{one}.fits" for one in IDS],
        "RA": RA, "DEC": DEC, "SNR": np.linspace(100, 200, N_ROW, dtype="f4"),
        "TEFF": TEFF.astype("f4"), "TEFF_ERR": np.full(N_ROW, 90, "f4"),
        "LOGG": LOGG.astype("f4"), "LOGG_ERR": np.full(N_ROW, 0.05, "f4"),
        "M_H": FE_H.astype("f4"), "M_H_ERR": np.full(N_ROW, 0.01, "f4"),
        "ALPHA_M": (0.1 * FE_H).astype("f4"), "ALPHA_M_ERR": np.full(N_ROW, 0.02, "f4"),
        "FE_H": (FE_H - 0.5).astype("f4"), "FE_H_ERR": np.full(N_ROW, 0.2, "f4"),
        "AK_TARG": np.linspace(0.1, 0.8, N_ROW, dtype="f4"), "AK_WISE": np.linspace(0.2, 0.9, N_ROW, dtype="f4"),
        "ASPCAPFLAG": np.arange(N_ROW, dtype="i8") % 2,
    }  # fmt: skip
    return Table({name: values for name, values in (columns | changes).items() if values is not None})


def astra():
    """The table of APOGEE spectra in an astraAllStarASPCAP file."""
    return Table(
        {
            "sdss_id": np.arange(N_ROW) + 54_000_000, "gaia_dr3_source_id": np.arange(N_ROW) + 4611686018427387904,
            "ra": RA, "dec": DEC, "snr": np.full(N_ROW, 80.0), "teff": TEFF, "e_teff": np.full(N_ROW, 20.0),
            "logg": LOGG, "e_logg": np.full(N_ROW, 0.04), "m_h_atm": FE_H, "e_m_h_atm": np.full(N_ROW, 0.01),
            "fe_h": FE_H - 0.5, "e_fe_h": np.full(N_ROW, 0.3), "alpha_m_atm": 0.1 * FE_H,
            "flag_bad": np.arange(N_ROW) == 3, "result_flags": np.arange(N_ROW, dtype="i8"),
        }
    )  # fmt: skip


def write_extensions(path, *tables):
    """Write tables, given with their names, as extensions of a FITS file."""
    hdus = [fits.BinTableHDU(table, name=name) for table, name in tables]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


def assert_simple(labels, n_row=N_ROW):
    """The labels are those of the table, in its order."""
    assert labels.id.tolist() == IDS[:n_row]
    np.testing.assert_allclose(labels.labels["teff"], TEFF[:n_row], rtol=1e-6)
    np.testing.assert_allclose(labels.labels["logg"], LOGG[:n_row], rtol=1e-6)
    np.testing.assert_allclose(labels.labels["fe_h"], FE_H[:n_row], rtol=1e-6)
    np.testing.assert_allclose(labels.ra, RA[:n_row])
    np.testing.assert_allclose(labels.dec, DEC[:n_row])
