import re
from pathlib import Path

import pytest
from run_configs import EVERYTHING, SMALLEST

from bayescannon.app.config import (
    CompareConfig,
    ConfigError,
    CoverageConfig,
    EngineConfig,
    LabelConfig,
    TrainConfig,
    UncertaintiesConfig,
    ValidateConfig,
    read_config,
    read_label_tables,
    tables_of,
)
from bayescannon.cannon.options import TrainingOptions
from bayescannon.data.labels import PAPER_LABELS, labels_from_names
from bayescannon.models.coefficient_priors import LaplaceCoefficients
from bayescannon.models.noise_priors import FixedNoise, HalfNormalScatter
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.errors import InputError


@pytest.fixture
def read(tmp_path):
    """Read a configuration from text."""

    def read_text(text):
        path = tmp_path / "run.toml"
        path.write_text(text)
        return read_config(path)

    return read_text


def changed(old, new, text=EVERYTHING):
    assert text.count(old) == 1
    return text.replace(old, new)


def test_the_smallest_configuration_has_the_papers_defaults(read, tmp_path):
    config = read(SMALLEST)
    assert config.out == str(tmp_path / "results")
    assert config.prepare.spectra == str(tmp_path / "spectra")
    assert config.labels.table == str(tmp_path / "apogee.fits")
    assert tuple(config.train.label_names) == PAPER_LABELS
    assert (config.train.clip_sigma, config.train.clip_rounds, config.train.scatter) == (4.0, None, "flat")
    assert (config.label.starts, config.validate.folds, config.validate.snr_min) == (7, 8, 50.0)
    assert config.train.folds == 8
    assert config.figures


def test_every_key_is_read(read):
    config = read(EVERYTHING)
    assert not config.figures
    assert (config.prepare.preset, config.prepare.variance, config.prepare.workers) == ("masked", "propagate", 1)
    assert config.labels.table == "/survey/allStar.fits", "an absolute path stays"
    assert config.labels.columns == {"id": "LAMOST_ID"}
    assert (config.labels.units, config.labels.missing) == ({"teff": "kK"}, {"fe_h": [0]})
    assert (config.labels.extension, config.labels.define) == ("STARS", {"ba_fe": {"unit": "dex", "lowest": -4}})
    assert labels_from_names(["ba_fe"])[0].lowest == -4
    assert (config.labels.format, config.labels.match, config.labels.radius) == ("allstar-dr12", "sky", 2)
    assert (config.labels.star_id, config.labels.repeats) == ("gaia_id", "best")
    assert (config.labels.name, config.labels.cuts, config.labels.keep) == ("APOGEE", "released", {"logg": [0, 3.8]})
    assert (config.labels.errors, config.labels.error_scale) == ({"teff": 90, "logg": 0.11}, 1.5)
    assert config.train == TrainConfig(
        label_names=["teff", "logg"], cuts="none", keep={"teff": [3500, 5500.5]}, clip_rounds=0, clip_sigma=3,
        offsets="none", max_per_cell=50, memory=8.5, populations="giants",
        coefficients="laplace", coefficient_scale=1, terms="all", scatter="half-normal", scatter_scale=0.01,
        noise="fixed", kappa=0.5, marginal=True, censored={"logg": [[5000, 5100], [5200.5, 5300]]}, folds=4,
        velocity_prior="5km/s", line_spread_prior=40, continuum_prior=0.01, continuum_order=2, odd=True,
        double_lined=True,
    )  # fmt: skip
    options = config.train.options()
    assert options.coefficients == LaplaceCoefficients(1, terms="all")
    assert options.scatter == HalfNormalScatter(0.01)
    assert options.noise == FixedNoise(0.5)
    assert options.marginal
    assert options.censored == {"logg": [(5000, 5100), (5200.5, 5300)]}
    assert options.nuisances == Nuisances(5, 40, 0.01, 2)
    assert config.label == LabelConfig(
        starts=3, seed=11, catalogue="catalogue.ecsv", prior="coverage", posterior=True, draws=500,
        correct_offsets=True, odd=True, only="giant", false_alarms=0.02,
        velocity_prior="20 km/s", line_spread_prior="50km/s", continuum_prior=0,
        continuum_order=1, model_spectra="models.zarr", model_stars="20",
    )  # fmt: skip
    assert config.validate == ValidateConfig(folds=0, snr_min=30)
    assert config.uncertainties == UncertaintiesConfig(
        kinds=["formal", "bootstrap"], stars="50", bootstrap=5, draws=200, keep_draws=True
    )
    folder = Path(config.out).parent
    assert config.coverage == CoverageConfig(
        pipeline_labels=str(folder / "lasp.csv"), pipeline_columns={"id": "file"}, false_alarms=0.05
    )
    assert config.compare == CompareConfig(
        table=str(folder / "truth.csv"), match="sky", radius=2.5, label_names=["teff"], columns_a={"id": "name"},
        columns_b={"fe_h": "m_h"}, units_a={"teff": "K"}, units_b={"teff": "kK"}, snr_edges=[0, 50],
    )  # fmt: skip
    assert config.engine == EngineConfig(workers=2, dask="local", block=256)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('label_errors = "table"', TrainingOptions(label_errors="table")),
        (
            "label_errors = { teff = 90, logg = 0.11 }\nhidden = 4",
            TrainingOptions(label_errors={"teff": 90, "logg": 0.11}, n_hidden=4),
        ),
    ],
)
def test_label_errors_are_read(read, text, expected):
    assert read(f"{SMALLEST}\n[train]\n{text}\n").train.options() == expected


def test_populations_are_trained_with_pooled_coefficients_unless_something_is_given(read, tmp_path):
    (tmp_path / "two.toml").write_text("")
    train = read(f'{SMALLEST}\n[train]\npopulations = "two.toml"\n').train
    assert train.populations == str(tmp_path / "two.toml"), "a file beside the configuration"
    assert train.options() == TrainingOptions(coefficients="pooled", noise="global")
    paper = read(f'{SMALLEST}\n[train]\npopulations = "auto"\nrecipe = "paper"\n').train
    assert (paper.populations, paper.options()) == ("auto", TrainingOptions())


def test_the_example_of_the_documentation_is_a_configuration(read):
    page = (Path(__file__).parents[3] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("```toml\n")
    config = read(rest.partition("```")[0])
    assert tuple(config.train.label_names) == PAPER_LABELS


def test_the_example_of_all_keys_lacks_none(read):
    """So that a new key gets its place in the tests."""
    config = read(EVERYTHING)
    default = read(SMALLEST)
    for section in ("prepare", "labels", "train", "label", "validate"):
        got, standard = vars(getattr(config, section)), vars(getattr(default, section))
        same = [key for key in got if got[key] == standard[key]]
        # the only noise whose kappa can be set is the default; hidden components and label errors go with no laplace
        # or marginal, nor outliers with these; another recipe would have to be replaced in nearly all of its choices
        alone = ["recipe", "noise", "outliers", "label_errors", "hidden"]
        expected = {"prepare": ["spectra"], "train": alone}.get(section, [])
        assert same == expected, f"give {same} of [{section}] another value above"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("figures", "figure", "^figure is not a known key; known are out, figures, report, and sections prepare,"),
        ('"5km/s"', '"5 pixel"', r"\[train\] the velocity prior is in pix, which does not convert to km / s"),
        ('"20 km/s"', '"fast"', r"\[label\] the velocity prior must be a speed, such as 5km/s; got 'fast'"),
        ("[validate]", "[validation]", "validation is not a known key"),
        ("\nfolds = 0", "\nfold = 0", r"\[validate\] fold is not a known key; known are folds, snr_min"),
        ('out = "results"', "", "^out is missing; it has no default"),
        ('spectra = "spectra"', "", r"\[prepare\] spectra is missing"),
        ('table = "/survey/allStar.fits"', "", r"\[labels\] table is missing"),
        ('out = "results"', "out = 1", "^out must be a text; got 1"),
        ("figures = false", "figures = 0", "figures must be true or false; got 0"),
        ("workers = 1", "workers = true", r"\[prepare\] workers must be a whole number; got True"),
        ("folds = 0", 'folds = "8"', r"\[validate\] folds must be a whole number; got '8'"),
        ("folds = 0", "folds = 8.0", r"\[validate\] folds must be a whole number; got 8.0"),
        ("snr_min = 30", "snr_min = true", r"\[validate\] snr_min must be a number; got True"),
        ('["teff", "logg"]', '"teff,logg"', r"\[train\] label_names must be a list of texts; got 'teff,logg'"),
        ('["teff", "logg"]', '["teff", 2]', r"\[train\] label_names must be a list of texts"),
        ('{ id = "LAMOST_ID" }', '"LAMOST_ID"', r"\[labels\] columns must be a table of texts"),
        ('{ id = "LAMOST_ID" }', "{ id = 1 }", r"\[labels\] columns must be a table of texts"),
        ("{ teff = [3500, 5500.5] }", "{ teff = 3500 }", r"\[train\] keep must be a table of lists of numbers"),
        ("[3500, 5500.5]", '["3500", 5500]', r"\[train\] keep must be a table of lists of numbers"),
        ("workers = 1", "workers = 0", r"\[prepare\] workers must be at least 1; got 0"),
        ("clip_rounds = 0", "clip_rounds = -1", r"\[train\] clip_rounds must be at least 0; got -1"),
        (
            "folds = 4",
            "folds = 1",
            r"folds must be 0 \(no star is held out\) or at least 2",
        ),
        (
            'prior = "coverage"',
            'prior = "cover"',
            r"\[label\] prior must be one of flat, box, gaussian, mixture, coverage",
        ),
        ("draws = 500", "draws = 10", r"\[label\] draws must be at least 100; got 10"),
        ("clip_sigma = 3", "clip_sigma = nan", r"\[train\] clip_sigma must be positive"),
        ('scatter = "half-normal"', 'scatter = "exakt"', r"\[train\] scatter must be one of flat, half-normal"),
        ("[[5000, 5100]", "[[5100, 5000]", r"\[train\] a censored range of logg must be \(low, high\)"),
        ('coefficients = "laplace"', 'coefficients = "pooled"', "pooled coefficients have no scale to set"),
        ('scatter = "half-normal"', 'scatter = "flat"', "flat scatter has no scale to set"),
        ('noise = "fixed"', 'noise = "global"', "global noise learns kappa"),
        ("marginal = true", 'marginal = "yes"', "marginal must be true or false"),
        (
            "marginal = true",
            'label_errors = "table"',
            r"\[train\] LaplaceCoefficients have no exact solver together with",
        ),
        (
            "marginal = true",
            'label_errors = "tabel"',
            r"\[train\] label errors must be 'table', 'learn', 'auto' or an error for each",
        ),
        ("marginal = true", "label_errors = 1", r"\[train\] label_errors must be a text or a table of numbers; got 1"),
        ("marginal = true", 'label_errors = { teff = "90" }', "label_errors must be a text or a table of numbers"),
        (
            "marginal = true",
            "label_errors = { teff = -90 }",
            "the error of teff must be finite and not negative; got -90",
        ),
        (
            "marginal = true",
            "label_errors = { logg = nan }",
            "the error of logg must be finite and not negative; got nan",
        ),
        ("marginal = true", "label_errors = { tef = 90 }", r"\[train\] unknown label name 'tef'"),
        ("marginal = true", "hidden = 4", "LaplaceCoefficients have no exact solver together with hidden components"),
        ("marginal = true", "hidden = 4.5", r"\[train\] hidden must be a whole number or a text; got 4.5"),
        ("false_alarms = 0.02", "false_alarms = 2", r"\[label\] false_alarms must be a share between 0 and 1; got 2"),
        ('populations = "giants"', "populations = 1", r"\[train\] populations must be a text; got 1"),
        ("starts = 3", "starts = 0", r"\[label\] starts must be at least 1; got 0"),
        ("seed = 11", "seed = -1", r"\[label\] seed must be at least 0; got -1"),
        ("folds = 0", "folds = 1", r"\[validate\] folds must be 0 \(no star is held out\) or at least 2; got 1"),
        ("[prepare]", "[prepare", r"run\.toml is not valid TOML: .*line 6"),
    ],
)
def test_a_wrong_key_or_value_is_named(read, old, new, message):
    with pytest.raises(ConfigError, match=message):
        read(changed(old, new))


SEVERAL = """
out = "results"
[prepare]
spectra = "spectra"
[[labels]]
table = "apogee.fits"
name = "APOGEE"
star_id = "gaia_id"
[[labels]]
table = "lasp.csv"
match = "sky"
errors = { teff = 90 }
"""


def test_several_tables_of_labels(read, tmp_path):
    config = read(SEVERAL)
    assert [one.table for one in config.labels] == [str(tmp_path / name) for name in ("apogee.fits", "lasp.csv")]
    assert [one.name for one in config.labels] == ["APOGEE", ""]
    assert config.labels[1].errors == {"teff": 90}
    assert tables_of(config.labels) == read_label_tables(tmp_path / "run.toml")
    read(SMALLEST)
    assert read_label_tables(tmp_path / "run.toml")[0].table == str(tmp_path / "apogee.fits")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('match = "sky"', 'star_id = "name"', r"\[\[labels\]\] 2: star_id counts for the spectra of all tables"),
        ('match = "sky"', 'matches = "sky"', r"\[\[labels\]\] 2: matches is not a known key"),
        ('table = "lasp.csv"', "", r"\[\[labels\]\] 2: table is missing"),
        ("teff = 90", "teff = -90", r"\[\[labels\]\] 2: the error of teff must be finite and not negative; got -90"),
        ('name = "APOGEE"', "error_scale = 0", r"\[\[labels\]\] 1: error_scale must be positive"),
        ('name = "APOGEE"', "keep = { teff = [2, 1] }", "the range of teff must be two numbers"),
    ],
)
def test_a_wrong_key_of_one_of_several_tables_is_named(read, old, new, message):
    with pytest.raises(ConfigError, match=message):
        read(changed(old, new, SEVERAL))


def test_a_file_without_tables_of_labels(tmp_path):
    path = tmp_path / "labels.toml"
    with pytest.raises(FileNotFoundError, match="no file of tables of labels"):
        read_label_tables(path)
    path.write_text("table = 'apogee.fits'\n")
    with pytest.raises(ConfigError, match=r"must hold \[\[labels\]\], one for each table"):
        read_label_tables(path)


def test_a_section_that_is_no_table(read):
    with pytest.raises(ConfigError, match=r"\[prepare\] must be a table; got 'spectra'"):
        read('out = "results"\nprepare = "spectra"\n')


def test_a_file_that_is_no_text_or_not_there(tmp_path):
    path = tmp_path / "run.toml"
    with pytest.raises(FileNotFoundError, match=r"no configuration file .*run\.toml; bayescannon init writes one"):
        read_config(path)
    path.write_bytes(b"\x89HDF\r\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_config(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("out = " + "[" * 5000, "brackets or names more than 32 levels deep"),
        ("a" + ".a" * 5000 + " = 1", "brackets or names more than 32 levels deep"),
        ("[a" + ".a" * 5000 + "]", "brackets or names more than 32 levels deep"),
        ("out = " + "{a = " * 5000, "more than 32 levels deep"),
        ("out = " + "1" * 10_000, "is not valid TOML"),
        ("out = 2026-02-31", "is not valid TOML"),
        ('out = "' + "a" * 2_000_000 + '"', "has more than 1.0 MiB; expected a configuration"),
        ("out = '\x1b'", "is not valid TOML"),
    ],
)
def test_toml_that_is_deep_long_or_odd(tmp_path, text, fault):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(fault)):
        read_config(path)


def test_arrays_of_many_numbers_are_not_deep(tmp_path):
    path = tmp_path / "run.toml"
    numbers = ", ".join(["0.5"] * 100)
    path.write_text(f"out = [\n{numbers},\n{numbers}]\n")
    with pytest.raises(ConfigError, match="out must be"):
        read_config(path)
