"""The columns of an assessment of odd spectra."""

import numpy as np
from astropy.io.votable.ucd import parse_ucd
from catalogues import make_estimates

from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.catalogue_columns import ODD_COLUMNS


def test_columns_of_odd_spectra_have_units_descriptions_and_ucds() -> None:
    plain = make_estimates(names=("teff", "logg"))
    n_star = plain.sizes["star"]
    value = ("star", np.linspace(0, 1, n_star))
    errors = ("mass_ratio_error", "light_share_error", "velocity_difference_error")
    p_odd = np.column_stack([np.linspace(0.01, 1, n_star), np.full(n_star, np.nan)])
    estimates = (
        plain.assign(dict.fromkeys((*ODD_COLUMNS, *errors), value))
        .assign(
            p_odd=(("star", "odd_class"), p_odd),
            primary_labels=plain["labels"],
            companion_labels=plain["labels"],
        )
        .assign_coords(odd_class=["emission", "sky"])
    )
    table = build_catalogue(estimates)
    new = [name for name in table.colnames if name not in build_catalogue(plain).colnames]
    assert new == [
        "p_odd_emission", "p_binary", "log_evidence_ratio", "log_evidence_double_lined", "mass_ratio", "e_mass_ratio",
        "light_share", "e_light_share", "velocity_difference", "e_velocity_difference", "redshift_velocity",
        "primary_teff", "primary_logg", "companion_teff", "companion_logg",
    ]  # fmt: skip
    for name in new:
        assert table[name].description
        parse_ucd(table[name].meta["ucd"], check_controlled_vocabulary=True, has_colon=True)
    assert str(table["velocity_difference"].unit) == "km / s"
    assert table["companion_teff"].format == table["teff"].format
