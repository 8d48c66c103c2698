"""
Put stellar surveys on one label scale: a hierarchical Bayesian Cannon with exact solvers.

Verbs, in the order of a survey's way from spectra to catalogue
    simulate_survey : a mock survey with a known truth
    check_input : can these spectra and labels be used?
    find_damage : is a store, model or catalogue whole?
    prepare_spectra, prepare_files : rest frame, common grid, continuum of 1
    read_labels : the trusted labels of Survey A
    build_reference : spectra and labels of the same stars, after named cuts
    train, train_clipped : coefficients and scatters of every pixel
    train_survey : a model of each population of a survey, and which population a star is of
    qualify : calibrated errors and coverage, from held-out reference stars
    validate : inferred against reference labels
    compare_catalogues : labels, errors and flags of the same stars in two catalogues
    compare_models : priors, noise, hidden components and label sets, by held-out spectra and labels
    label_spectra, label_store, label_catalogue : labels and errors of stars
    sample_posterior, error_budget, assess_coverage, compare_priors : how far labels can be trusted
    label_information, hidden_atlas : information on labels by wavelength; what hidden components are
    build_catalogue : labels, errors and flags as a table
    write_report : a page of a run, with figures, tables and an explorer
    uncertainty_tree : posterior and errors of a few stars for ArviZ

Files
    load_*, save_*, read_* and write_* of spectra, labels, reference sets, models and catalogues; from_specutils and
    to_specutils; Reader (register_reader) for the files of another survey

Nouns
    RawSpectrum, Spectra, Label (register_label), LabelTable, LabelSource, Cut, ReferenceSet, TrainingOptions,
    TrainedModel, Validation, Nuisances, the priors by name, and BayesCannonError above every exception

Figures are in :mod:`bayescannon.figures`. Each name is imported when it is first used, so that the command line is
quick.

Examples
--------
>>> import bayescannon as bc
>>> survey = bc.simulate_survey(80, 20, seed=1)
>>> spectra = bc.prepare_spectra(list(survey.spectra()))
>>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg", "fe_h"), format="allstar-dr12")
>>> model = bc.train(reference)
>>> estimates = bc.label_spectra(model, spectra)
>>> estimates["labels"].shape
(100, 3)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.9.0"

if TYPE_CHECKING:
    from bayescannon.app.catalogue_comparison import compare_catalogues
    from bayescannon.app.catalogue_run import label_catalogue
    from bayescannon.app.check import find_damage
    from bayescannon.app.input_check import check_input
    from bayescannon.app.report.page import write_report
    from bayescannon.app.stores import label_store
    from bayescannon.cannon.cuts import Cut
    from bayescannon.cannon.fisher_information import label_information
    from bayescannon.cannon.hidden_components import hidden_atlas
    from bayescannon.cannon.label_priors import build_label_prior
    from bayescannon.cannon.label_source import LabelSource
    from bayescannon.cannon.matching import build_reference
    from bayescannon.cannon.model_comparison import compare_models
    from bayescannon.cannon.options import TrainingOptions
    from bayescannon.cannon.populations.either_model import (
        assess_coverage,
        label_spectra,
        load_model,
        qualify,
        sample_posterior,
        save_model,
        validate,
    )
    from bayescannon.cannon.populations.training import train_survey
    from bayescannon.cannon.prior_comparison import compare_priors
    from bayescannon.cannon.reference import ReferenceSet
    from bayescannon.cannon.reference_file import load_reference, save_reference
    from bayescannon.cannon.trained_model import TrainedModel
    from bayescannon.cannon.training import train, train_clipped
    from bayescannon.cannon.validation import Validation
    from bayescannon.data.label_table import LabelTable
    from bayescannon.data.labels import Label, register_label
    from bayescannon.data.prepare import prepare_spectra
    from bayescannon.data.raw_spectrum import RawSpectrum
    from bayescannon.data.spectra import Spectra
    from bayescannon.io.catalogue import build_catalogue, read_catalogue, write_catalogue
    from bayescannon.io.preparation import prepare_files
    from bayescannon.io.readers.reader import Reader
    from bayescannon.io.readers.registry import register_reader
    from bayescannon.io.specutils import from_specutils, to_specutils
    from bayescannon.io.store import load_spectra
    from bayescannon.io.store_writer import save_spectra
    from bayescannon.io.tables import read_labels, save_labels
    from bayescannon.mock.survey import simulate_survey
    from bayescannon.models.coefficient_priors import (
        FlatCoefficients,
        HorseshoeCoefficients,
        LaplaceCoefficients,
        NormalCoefficients,
        PooledCoefficients,
    )
    from bayescannon.models.label_priors import BoxLabels, CoverageLabels, FlatLabels, MixtureLabels
    from bayescannon.models.noise_priors import (
        FixedNoise,
        FlatScatter,
        GlobalNoise,
        HalfNormalScatter,
        PixelNoise,
        PooledScatter,
        StarNoise,
    )
    from bayescannon.models.nuisances import Nuisances
    from bayescannon.models.smooth_coefficients import SmoothCoefficients
    from bayescannon.models.spectral import spectral_model
    from bayescannon.models.spectral_priors import SpectralPriors
    from bayescannon.models.star_labels import label_model
    from bayescannon.numerics.errors import BayesCannonError
    from bayescannon.uncertainty.budget import error_budget
    from bayescannon.uncertainty.datatree import uncertainty_tree

# the module of every public name
_HOME = {
    "simulate_survey": "mock.survey",
    "check_input": "app.input_check",
    "find_damage": "app.check",
    "prepare_spectra": "data.prepare",
    "prepare_files": "io.preparation",
    "read_labels": "io.tables",
    "build_reference": "cannon.matching",
    "train": "cannon.training",
    "train_clipped": "cannon.training",
    "train_survey": "cannon.populations.training",
    "qualify": "cannon.populations.either_model",
    "validate": "cannon.populations.either_model",
    "compare_catalogues": "app.catalogue_comparison",
    "compare_models": "cannon.model_comparison",
    "label_spectra": "cannon.populations.either_model",
    "label_catalogue": "app.catalogue_run",
    "label_store": "app.stores",
    "sample_posterior": "cannon.populations.either_model",
    "error_budget": "uncertainty.budget",
    "assess_coverage": "cannon.populations.either_model",
    "compare_priors": "cannon.prior_comparison",
    "label_information": "cannon.fisher_information",
    "hidden_atlas": "cannon.hidden_components",
    "build_catalogue": "io.catalogue",
    "write_report": "app.report.page",
    "uncertainty_tree": "uncertainty.datatree",
    "load_spectra": "io.store",
    "save_spectra": "io.store_writer",
    "save_labels": "io.tables",
    "load_reference": "cannon.reference_file",
    "save_reference": "cannon.reference_file",
    "load_model": "cannon.populations.either_model",
    "save_model": "cannon.populations.either_model",
    "read_catalogue": "io.catalogue",
    "write_catalogue": "io.catalogue",
    "from_specutils": "io.specutils",
    "to_specutils": "io.specutils",
    "Reader": "io.readers.reader",
    "register_reader": "io.readers.registry",
    "RawSpectrum": "data.raw_spectrum",
    "Spectra": "data.spectra",
    "Label": "data.labels",
    "register_label": "data.labels",
    "LabelTable": "data.label_table",
    "LabelSource": "cannon.label_source",
    "Cut": "cannon.cuts",
    "ReferenceSet": "cannon.reference",
    "TrainingOptions": "cannon.options",
    "TrainedModel": "cannon.trained_model",
    "Validation": "cannon.validation",
    "FlatCoefficients": "models.coefficient_priors",
    "NormalCoefficients": "models.coefficient_priors",
    "PooledCoefficients": "models.coefficient_priors",
    "LaplaceCoefficients": "models.coefficient_priors",
    "SmoothCoefficients": "models.smooth_coefficients",
    "HorseshoeCoefficients": "models.coefficient_priors",
    "FlatScatter": "models.noise_priors",
    "HalfNormalScatter": "models.noise_priors",
    "PooledScatter": "models.noise_priors",
    "FixedNoise": "models.noise_priors",
    "GlobalNoise": "models.noise_priors",
    "PixelNoise": "models.noise_priors",
    "StarNoise": "models.noise_priors",
    "FlatLabels": "models.label_priors",
    "BoxLabels": "models.label_priors",
    "MixtureLabels": "models.label_priors",
    "CoverageLabels": "models.label_priors",
    "build_label_prior": "cannon.label_priors",
    "Nuisances": "models.nuisances",
    "SpectralPriors": "models.spectral_priors",
    "spectral_model": "models.spectral",
    "label_model": "models.star_labels",
    "BayesCannonError": "numerics.errors",
}

__all__ = [
    "__version__",
    "simulate_survey",
    "check_input",
    "find_damage",
    "prepare_spectra",
    "prepare_files",
    "read_labels",
    "build_reference",
    "train",
    "train_clipped",
    "train_survey",
    "qualify",
    "validate",
    "compare_catalogues",
    "compare_models",
    "label_spectra",
    "label_catalogue",
    "label_store",
    "sample_posterior",
    "error_budget",
    "assess_coverage",
    "compare_priors",
    "label_information",
    "hidden_atlas",
    "build_catalogue",
    "write_report",
    "uncertainty_tree",
    "load_spectra",
    "save_spectra",
    "save_labels",
    "load_reference",
    "save_reference",
    "load_model",
    "save_model",
    "read_catalogue",
    "write_catalogue",
    "from_specutils",
    "to_specutils",
    "Reader",
    "register_reader",
    "RawSpectrum",
    "Spectra",
    "Label",
    "register_label",
    "LabelTable",
    "LabelSource",
    "Cut",
    "ReferenceSet",
    "TrainingOptions",
    "TrainedModel",
    "Validation",
    "FlatCoefficients",
    "NormalCoefficients",
    "PooledCoefficients",
    "LaplaceCoefficients",
    "SmoothCoefficients",
    "HorseshoeCoefficients",
    "FlatScatter",
    "HalfNormalScatter",
    "PooledScatter",
    "FixedNoise",
    "GlobalNoise",
    "PixelNoise",
    "StarNoise",
    "FlatLabels",
    "BoxLabels",
    "MixtureLabels",
    "CoverageLabels",
    "build_label_prior",
    "Nuisances",
    "SpectralPriors",
    "spectral_model",
    "label_model",
    "BayesCannonError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bayescannon' has no attribute {name!r}")
    return getattr(import_module(f"bayescannon.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
