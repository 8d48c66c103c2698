"""Every public name works twice in one session, whatever was imported before, and says what it is."""

import ast
import inspect
import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from toy import NAMES, toy_labels, toy_reference, toy_spectra, toy_table

import bayescannon as bc

N_STAR, N_NEW = 120, 12


def import_every_submodule():
    for module in pkgutil.walk_packages(bc.__path__, "bayescannon."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """What the calls need: objects, and the files of the same."""
    import_every_submodule()
    folder = tmp_path_factory.mktemp("public")
    reference = toy_reference(N_STAR)
    labels = toy_labels(N_NEW, seed=7)
    spectra = toy_spectra(labels, seed=7)
    model = bc.qualify(bc.train(reference), reference, folds=4)
    bc.save_model(model, folder / "model.nc")
    bc.save_spectra(spectra, folder / "store.zarr")
    bc.save_reference(reference, folder / "reference.nc")
    bc.save_labels(toy_table(spectra, labels), folder / "labels.ecsv")
    bc.write_catalogue(bc.label_spectra(model, spectra), folder / "catalogue.fits")
    raws = list(bc.simulate_survey(3, 0, seed=1).spectra())
    vectors = np.column_stack([np.ones(N_NEW), labels])
    return {
        "folder": folder, "reference": reference, "spectra": spectra, "labels": labels, "model": model, "raws": raws,
        "table": toy_table(spectra, labels), "vectors": vectors, "estimates": bc.label_spectra(model, spectra),
    }  # fmt: skip


def specutils_spectrum():
    specutils = pytest.importorskip("specutils")
    import astropy.units as u
    from astropy.nddata import InverseVariance

    wavelength = np.arange(5000.0, 5010.0) * u.AA
    return specutils.Spectrum(
        flux=np.ones(10) * u.Jy, spectral_axis=wavelength, uncertainty=InverseVariance(np.ones(10) / u.Jy**2)
    )


def files_of(toy):
    """Survey files, made once."""
    from bayescannon.mock.survey import write_survey

    survey = toy["folder"] / "survey"
    if not survey.exists():
        write_survey(survey, 3, 0, seed=1)
    return survey / "spectra"


def read_nothing(path):  # noqa: ARG001
    return []


# what takes more than seconds with a survey, and reports how far it is
LONG = (
    "simulate_survey", "prepare_files", "train_clipped", "qualify", "validate", "compare_catalogues", "compare_models",
    "label_catalogue", "label_store", "error_budget",
)  # fmt: skip
# every callable public name, and a call of it
CALLS = {
    "simulate_survey": lambda toy: bc.simulate_survey(2, 1, seed=1),
    "check_input": lambda toy: bc.check_input(files_of(toy), reader="lamost-lrs"),
    "find_damage": lambda toy: bc.find_damage(toy["folder"] / "model.nc"),
    "prepare_spectra": lambda toy: bc.prepare_spectra(toy["raws"], "masked"),
    "prepare_files": lambda toy: bc.prepare_files(
        files_of(toy), toy["folder"] / "new.zarr", preset="masked", workers=1, overwrite=True, progress=False
    ),
    "read_labels": lambda toy: bc.read_labels(toy["folder"] / "labels.ecsv"),
    "build_reference": lambda toy: bc.build_reference(
        toy["folder"] / "store.zarr", toy["folder"] / "labels.ecsv", NAMES, match="sky"
    ),
    "train": lambda toy: bc.train(toy["folder"] / "reference.nc", coefficients="pooled", noise="global"),
    "train_clipped": lambda toy: bc.train_clipped(toy["reference"], max_rounds=1, scatter="half-normal"),
    "train_survey": lambda toy: bc.train_survey(
        toy["folder"] / "reference.nc", populations="giants", max_rounds=0
    ),
    "qualify": lambda toy: bc.qualify(toy["folder"] / "model.nc", toy["folder"] / "reference.nc", folds=2),
    "validate": lambda toy: bc.validate(toy["folder"] / "model.nc", toy["reference"], folds=4),
    "compare_catalogues": lambda toy: bc.compare_catalogues(
        toy["folder"] / "labels.ecsv", toy["folder"] / "labels.ecsv", match="sky", progress=False
    ),
    "label_spectra": lambda toy: bc.label_spectra(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", prior="mixture"
    ),
    "label_catalogue": lambda toy: bc.label_catalogue(
        toy["model"], toy["folder"] / "store.zarr", toy["folder"] / "labelled.fits", overwrite=True
    ),
    "label_store": lambda toy: bc.label_store(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", prior="box",
        pipeline_labels=toy["folder"] / "labels.ecsv",
    ),
    "sample_posterior": lambda toy: bc.sample_posterior(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", prior="gaussian", n_draws=100
    ),
    "error_budget": lambda toy: bc.error_budget(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", prior="box", n_bootstrap=2,
        kinds=("formal", "bootstrap"), reference=toy["folder"] / "reference.nc",
    ),
    "assess_coverage": lambda toy: bc.assess_coverage(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", toy["estimates"],
        pipeline_labels=toy["folder"] / "labels.ecsv",
    ),
    "compare_models": lambda toy: bc.compare_models(
        toy["folder"] / "reference.nc", {"paper": {}, "kappa": {"noise": "global"}}, folds=2
    ),
    "compare_priors": lambda toy: bc.compare_priors(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", ["box"], n_draws=100
    ),
    "label_information": lambda toy: bc.label_information(toy["folder"] / "model.nc", {"teff": 4700.0}, snr=30),
    "hidden_atlas": lambda toy: bc.hidden_atlas(
        replace(toy["model"], loadings=np.ones((len(toy["model"].wavelength), 1)))
    ),
    "build_catalogue": lambda toy: bc.build_catalogue(toy["estimates"]),
    "write_report": lambda toy: bc.write_report(
        toy["folder"], toy["folder"] / "page.html", n_spectra=2, overwrite=True
    ),
    "uncertainty_tree": lambda toy: bc.uncertainty_tree(
        toy["folder"] / "model.nc", toy["folder"] / "store.zarr", prior="box", n_draws=100,
        observed=toy["folder"] / "labels.ecsv",
    ),
    "load_spectra": lambda toy: bc.load_spectra(toy["folder"] / "store.zarr"),
    "save_spectra": lambda toy: bc.save_spectra(toy["spectra"], toy["folder"] / "s.zarr", overwrite=True),
    "save_labels": lambda toy: bc.save_labels(toy["table"], toy["folder"] / "l.ecsv", overwrite=True),
    "load_reference": lambda toy: bc.load_reference(toy["folder"] / "reference.nc"),
    "save_reference": lambda toy: bc.save_reference(toy["reference"], toy["folder"] / "r.nc", overwrite=True),
    "load_model": lambda toy: bc.load_model(toy["folder"] / "model.nc"),
    "save_model": lambda toy: bc.save_model(toy["model"], toy["folder"] / "m.nc", overwrite=True),
    "read_catalogue": lambda toy: bc.read_catalogue(toy["folder"] / "catalogue.fits"),
    "write_catalogue": lambda toy: bc.write_catalogue(toy["estimates"], toy["folder"] / "c.fits", overwrite=True),
    "from_specutils": lambda toy: bc.from_specutils(specutils_spectrum(), ids=["a"]),
    "to_specutils": lambda toy: (pytest.importorskip("specutils"), bc.to_specutils(toy["spectra"], 0)),
    "Reader": lambda toy: bc.Reader("mine", read_nothing),
    "register_reader": lambda toy: bc.register_reader(bc.Reader("mine", read_nothing), overwrite=True),
    "RawSpectrum": lambda toy: bc.RawSpectrum("a", [5000, 5001], [1, 2], [1, 1], redshift=0),
    "Spectra": lambda toy: bc.Spectra([5000, 5001], [[1, 1]], [[1, 1]], ["a"]),
    "Label": lambda toy: bc.Label("mine", "m", "dex", "of one's own"),
    "register_label": lambda toy: bc.register_label(bc.Label("of_mine", "m", "dex", "of one's own")),
    "LabelSource": lambda toy: bc.LabelSource(toy["folder"] / "labels.ecsv", "APOGEE", errors={"teff": 90}),
    "LabelTable": lambda toy: bc.LabelTable.from_arrays(id=["a"], teff=[4800.0]),
    "Cut": lambda toy: bc.Cut("none", lambda table: np.ones(len(table), dtype=bool)),
    "ReferenceSet": lambda toy: bc.ReferenceSet(toy["spectra"], toy["labels"], label_names=NAMES),
    "TrainingOptions": lambda toy: bc.TrainingOptions(coefficients="pooled", noise="global"),
    "TrainedModel": lambda toy: bc.TrainedModel.load(toy["folder"] / "model.nc"),
    "Validation": lambda toy: bc.Validation((), {}, toy["labels"]),
    "FlatCoefficients": lambda toy: bc.FlatCoefficients(),
    "NormalCoefficients": lambda toy: bc.NormalCoefficients(0.01),
    "PooledCoefficients": lambda toy: bc.PooledCoefficients(terms="all"),
    "LaplaceCoefficients": lambda toy: bc.LaplaceCoefficients(0.01),
    "SmoothCoefficients": lambda toy: bc.SmoothCoefficients(length=2.0),
    "HorseshoeCoefficients": lambda toy: bc.HorseshoeCoefficients(),
    "FlatScatter": lambda toy: bc.FlatScatter(),
    "HalfNormalScatter": lambda toy: bc.HalfNormalScatter(0.02),
    "PooledScatter": lambda toy: bc.PooledScatter(),
    "FixedNoise": lambda toy: bc.FixedNoise(0.6),
    "GlobalNoise": lambda toy: bc.GlobalNoise(),
    "PixelNoise": lambda toy: bc.PixelNoise(),
    "StarNoise": lambda toy: bc.StarNoise(),
    "FlatLabels": lambda toy: bc.FlatLabels(),
    "BoxLabels": lambda toy: bc.BoxLabels(("teff",), np.array([4000.0]), np.array([5000.0])),
    "MixtureLabels": lambda toy: bc.MixtureLabels(
        ("teff",), np.ones(1), np.array([[4500.0]]), np.array([[[250.0**2]]])
    ),
    "CoverageLabels": lambda toy: bc.build_label_prior("coverage", toy["model"]),
    "Nuisances": lambda toy: bc.Nuisances(velocity="5km/s", line_spread=40),
    "build_label_prior": lambda toy: bc.build_label_prior("gaussian", toy["model"]),
    "SpectralPriors": lambda toy: bc.SpectralPriors(coefficients=bc.PooledCoefficients()),
    "spectral_model": lambda toy: bc.spectral_model(
        toy["vectors"], toy["spectra"].flux[:, :3], toy["spectra"].ivar[:, :3], terms=["1", *NAMES],
        priors=bc.SpectralPriors(),
    ),
    "label_model": lambda toy: bc.label_model(np.eye(10), np.zeros(10), label_names=NAMES),
    "BayesCannonError": lambda toy: bc.BayesCannonError("said"),
}  # fmt: skip


def test_every_public_name_is_called_here():
    assert set(CALLS) == set(bc.__all__) - {"__version__"}
    assert len(bc.__all__) == len(set(bc.__all__))


@pytest.mark.parametrize("name", CALLS)
def test_every_public_name_twice(toy, name):
    first = getattr(bc, name)
    CALLS[name](toy)
    import_every_submodule()
    CALLS[name](toy)
    assert getattr(bc, name) is first


def test_no_submodule_has_the_name_of_a_public_function():
    modules = {module.name.rpartition(".")[2] for module in pkgutil.walk_packages(bc.__path__, "bayescannon.")}
    assert not modules & set(bc.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_every_public_name_has_an_example(name):
    doc = getattr(bc, name).__doc__
    assert ">>>" in doc, f"{name} has no example"


def test_type_checkers_see_the_same_names():
    """What is imported under TYPE_CHECKING is what `_HOME` imports when it is used."""
    tree = ast.parse(Path(bc.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module.removeprefix("bayescannon.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == bc._HOME
    assert ["__version__", *bc._HOME] == bc.__all__
    assert (Path(bc.__file__).parent / "py.typed").exists()


def test_help_begins_with_the_verbs():
    first = bc.__doc__.index("Verbs")
    assert first < 200
    assert all(bc.__doc__.index(verb) > first for verb in ("prepare_spectra", "train", "label_spectra"))


def test_all_our_exceptions_are_below_one():
    import_every_submodule()
    for module in pkgutil.walk_packages(bc.__path__, "bayescannon."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(import_module(module.name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, Exception)
                and not issubclass(value, Warning)
                and value.__module__.startswith("bayescannon")
            ):
                assert issubclass(value, bc.BayesCannonError), value


@pytest.mark.parametrize("name", LONG)
def test_long_calls_report_their_progress(name):
    assert inspect.signature(getattr(bc, name)).parameters["progress"].default is None


def test_progress_is_reported_to_the_end(toy):
    for name, call in {
        "simulate_survey": lambda report: bc.simulate_survey(3, 2, seed=1, progress=report),
        "error_budget": lambda report: bc.error_budget(
            toy["folder"] / "model.nc", toy["folder"] / "store.zarr", kinds=("formal", "sandwich"), progress=report
        ),
    }.items():
        told = []
        call(lambda done, total, told=told: told.append((done, total)))
        assert told, name
        assert told[-1][0] == told[-1][1], name
    told = []
    bc.train_clipped(toy["reference"], max_rounds=1, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (1, 2)
