"""The numbers of Ho et al. (2017), typed from the paper a second time, against those that the package carries."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from bayescannon.cannon.choices import CLIP_SIGMA, HIGH_REDUCED_CHI2
from bayescannon.cannon.cuts import CUT_SETS
from bayescannon.cannon.selection import Selection
from bayescannon.cannon.star_matching import apply_cuts
from bayescannon.data.continuum import normalise
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS, LabelScaler
from bayescannon.data.prepare import lamost_grid
from bayescannon.data.preset import ARM_JOIN, PAPER, PRESETS, SKY_HALF_WIDTH, SKY_LINES
from bayescannon.data.spectral_features import INTERSTELLAR_BANDS
from bayescannon.io.tables import read_labels
from bayescannon.models.label_vector import n_terms, term_names
from bayescannon.pixels.scatter_search import GRID_LN_SCATTER

FIGURE_5 = "Ho et al. 2017, figure 5, S/N > 50"
APOGEE = "Ho et al. 2017, the errors of APOGEE's labels"
BOOTSTRAP = "Ho et al. 2017, section 4, 20 bootstrapped models"
FIGURE_4 = "Ho et al. 2017, figure 4, divisors of the coefficients"
SECTION_2 = "Ho et al. 2017, section 2.1"
SECTION_3 = "Ho et al. 2017, section 3"
CODE = "released code of Ho et al. 2017"


def published(label, number):
    return lambda: getattr(KNOWN_LABELS[label].published, number)


# what, value that the package has, value in print, relative tolerance, source
NUMBERS = [
    ("teff bias", published("teff", "bias"), -3.44, 0, FIGURE_5),
    ("logg bias", published("logg", "bias"), -0.0035, 0, FIGURE_5),
    ("fe_h bias", published("fe_h", "bias"), -0.0029, 0, FIGURE_5),
    ("alpha_m bias", published("alpha_m", "bias"), 0.0025, 0, FIGURE_5),
    ("a_k bias", published("a_k", "bias"), 0.0062, 0, FIGURE_5),
    ("teff scatter", published("teff", "scatter"), 68.8, 0, FIGURE_5),
    ("logg scatter", published("logg", "scatter"), 0.143, 0, FIGURE_5),
    ("fe_h scatter", published("fe_h", "scatter"), 0.0863, 0, FIGURE_5),
    ("alpha_m scatter", published("alpha_m", "scatter"), 0.0391, 0, FIGURE_5),
    ("a_k scatter", published("a_k", "scatter"), 0.0478, 0, FIGURE_5),
    ("teff error", published("teff", "survey_error"), 91.5, 0, APOGEE),
    ("logg error", published("logg", "survey_error"), 0.11, 0, APOGEE),
    ("fe_h error", published("fe_h", "survey_error"), 0.05, 0, APOGEE),
    ("alpha_m error", published("alpha_m", "survey_error"), 0.05, 0, APOGEE),
    ("a_k error", published("a_k", "survey_error"), None, 0, "none in print"),
    ("teff bootstrap", published("teff", "bootstrap"), 4.4, 0, BOOTSTRAP),
    ("logg bootstrap", published("logg", "bootstrap"), 0.012, 0, BOOTSTRAP),
    ("fe_h bootstrap", published("fe_h", "bootstrap"), 0.0060, 0, BOOTSTRAP),
    ("alpha_m bootstrap", published("alpha_m", "bootstrap"), 0.0042, 0, BOOTSTRAP),
    ("a_k bootstrap", published("a_k", "bootstrap"), None, 0, "none in print"),
    ("teff plot scale", published("teff", "plot_scale"), 91.5, 0, FIGURE_4),
    ("logg plot scale", published("logg", "plot_scale"), 0.11, 0, FIGURE_4),
    ("fe_h plot scale", published("fe_h", "plot_scale"), 0.05, 0, FIGURE_4),
    ("alpha_m plot scale", published("alpha_m", "plot_scale"), 0.05, 0, FIGURE_4),
    ("a_k plot scale", published("a_k", "plot_scale"), 1.0, 0, FIGURE_4),
    ("labels", lambda: len(PAPER_LABELS), 5, 0, SECTION_3),
    ("pixels", lambda: len(lamost_grid()), 3626, 0, SECTION_2),
    ("step of the grid in log10", lambda: np.diff(np.log10(lamost_grid())).mean(), 1e-4, 1e-9, SECTION_2),
    ("L of the running mean", lambda: PAPER.width, 50.0, 0, "Ho et al. 2017, eq. 2"),
    ("half-width of a masked sky line", lambda: SKY_HALF_WIDTH, 3.0, 0, SECTION_2),
    ("terms of five labels", lambda: n_terms(5), 21, 0, "Ho et al. 2017, eq. 6"),
    ("terms of four labels", lambda: n_terms(4), 15, 0, "Ho et al. 2017, eq. 6"),
    ("terms of three labels", lambda: n_terms(3), 10, 0, "Ho et al. 2017, eq. 6"),
    ("scatters of the clip", lambda: CLIP_SIGMA, 4.0, 0, SECTION_3),
    ("limit of the reduced chi2", lambda: HIGH_REDUCED_CHI2, 10.0, 0, "Ho et al. 2017, section 4"),
    ("first scatter tried", lambda: np.exp(GRID_LN_SCATTER[0]), 1e-4, 1e-12, CODE),
    ("step of ln scatter", lambda: np.diff(GRID_LN_SCATTER).mean(), 0.5, 1e-12, CODE),
    ("last scatter tried", lambda: np.exp(GRID_LN_SCATTER[-1]), np.exp(0.5 * 18) * 1e-4, 1e-9, CODE),
]

# results in print: numbers of stars
PRINTED = {
    "stars in common": 11_057,
    "reference stars": 9_952,
    "test stars": 444_228,
    "stars of the catalogue": 454_180,
}
# table 1: formal errors and reduced chi2 of four stars
TABLE_1 = {
    "teff error": (48, 145, 36, 39),
    "logg error": (0.08, 0.29, 0.06, 0.06),
    "fe_h error": (0.053, 0.177, 0.040, 0.043),
    "alpha_m error": (0.024, 0.075, 0.016, 0.017),
    "reduced chi2": (0.62, 0.57, 0.82, 0.88),
}


@pytest.mark.parametrize(
    ("value", "printed", "rtol", "source"), [row[1:] for row in NUMBERS], ids=[r[0] for r in NUMBERS]
)
def test_number(value, printed, rtol, source):
    got = value()
    if printed is None:
        assert got is None, source
    else:
        assert abs(got - printed) <= rtol * abs(printed), source


def test_the_table_holds_every_number_of_the_papers_labels():
    named = {row[0] for row in NUMBERS}
    short = {
        "bias": "bias",
        "scatter": "scatter",
        "survey_error": "error",
        "bootstrap": "bootstrap",
        "plot_scale": "plot scale",
    }
    for name in PAPER_LABELS:
        for attribute in vars(KNOWN_LABELS[name].published):
            assert f"{name} {short[attribute]}" in named


@pytest.fixture(scope="module")
def study():
    """The module of the study that puts the paper's numbers beside its own."""
    path = Path(__file__).parents[2] / "studies" / "ho2017" / "published_numbers.py"
    spec = importlib.util.spec_from_file_location("published_numbers", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    yield spec.loader.exec_module(module) or module
    del sys.modules[spec.name]


def test_the_study_of_the_paper_has_every_number(study):
    published = study.read_published()
    for name, _, printed, rtol, _ in NUMBERS:
        if printed is not None:
            assert published[name].value == pytest.approx(printed, rel=max(rtol, 1e-12)), name
    assert set(published) == set(study.OURS)
    for name, value in PRINTED.items():
        assert published[name].value == value


def test_table_1_of_the_study_holds_the_four_stars(study):
    published = study.read_published()
    for name, values in TABLE_1.items():
        assert published[f"table 1 lowest {name}"].value == min(values)
        assert published[f"table 1 highest {name}"].value == max(values)


# released code: lines of the night sky in air, and the join of the arms; section 3: diffuse interstellar bands
@pytest.mark.parametrize(
    ("got", "printed"),
    [
        (SKY_LINES, (4046, 4358, 5460, 5577, 6300, 6363, 6863)),
        (ARM_JOIN, (5800, 6000)),
        ([band.air for band in INTERSTELLAR_BANDS], (4428, 4882, 5780, 5797, 6203, 6283, 6614, 8621)),
        (PAPER_LABELS, ("teff", "logg", "fe_h", "alpha_m", "a_k")),
    ],
    ids=["sky lines", "arm join", "interstellar bands", "labels"],
)
def test_list(got, printed):
    assert tuple(got) == printed


def test_the_order_of_the_label_vector():
    # Ho et al. 2017, eq. 6
    assert term_names(["T", "g", "m"]) == ["1", "T", "g", "m", "T^2", "T*g", "T*m", "g^2", "g*m", "m^2"]


def test_pivot_and_scale_are_median_and_quarter_of_the_95_percent_range():
    labels = np.arange(1001.0)[:, None] + 4000
    scaler = LabelScaler.fit(labels, ["teff"])
    np.testing.assert_allclose([scaler.pivot[0], scaler.scale[0]], [4500, 950 / 4], rtol=1e-12)


def test_the_kernel_has_no_factor_of_two():
    # Ho et al. 2017, eq. 2: one width L away, the weight of a pixel is 1/e of its own
    wavelength = np.arange(4500.0, 5801.0)
    flux = np.ones((1, len(wavelength)))
    flux[0, 650] += 1e-6
    lowered = 1 - normalise(flux, np.ones_like(flux), wavelength, 50.0)[0][0]
    # its own cannot be seen, that of its neighbour can
    np.testing.assert_allclose(lowered[700] / lowered[651], np.exp(-1 + (1 / 50) ** 2), rtol=1e-5)


def test_only_the_masked_preset_leaves_out_sky_lines_and_the_arm_join():
    for name, preset in PRESETS.items():
        lines, join = (SKY_LINES, ARM_JOIN) if name == "masked" else ((), None)
        assert (preset.sky_lines, preset.arm_join) == (lines, join)


# what the paper's cuts take from the stars in common of LAMOST DR2 and APOGEE DR12
REAL_TALLY = [("missing", 103), ("teff < 3500 or teff > 6000 K", 10), ("alpha_m < -0.1 dex", 2), ("flag", 31)]


@pytest.mark.real_data
def test_the_papers_cuts_on_the_real_table(survey_data):
    table = read_labels(
        survey_data / "lamost_dr2_apogee_dr12.csv",
        label_names=["teff", "logg", "fe_h", "alpha_m"],
        columns={"fe_h": "m_h"},
    )
    assert len(table) == 11_061
    everyone = np.arange(len(table))
    selection = apply_cuts(
        Selection(everyone, everyone, ()), table, ["teff", "logg", "fe_h", "alpha_m"], cuts=CUT_SETS["paper"]
    )
    for row, (step, removed) in zip(selection.tally, REAL_TALLY, strict=True):
        assert step in row.step
        assert row.removed == removed
    assert len(selection) == 10_915
    # the paper keeps 9,952 of 11,057 after its clip, which needs the spectra
    assert len(selection) > 9_952
