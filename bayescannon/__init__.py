"""
Put stellar surveys on one label scale: a hierarchical Bayesian Cannon with exact solvers.

The names below are the public ones; each is imported when it is first used, so that the command line is quick.
Figures are in :mod:`bayescannon.figures`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bayescannon.version import __version__

if TYPE_CHECKING:
    from bayescannon.catalogue import build_catalogue, read_catalogue, write_catalogue
    from bayescannon.infer import label_spectra
    from bayescannon.io.store import load_spectra
    from bayescannon.io.tables import read_labels
    from bayescannon.mock.survey import simulate_survey
    from bayescannon.models.labels import label_model
    from bayescannon.models.spectral import spectral_model
    from bayescannon.pipeline import build_reference, label_store
    from bayescannon.prepare import prepare_spectra
    from bayescannon.prepare_files import prepare_files
    from bayescannon.qualify import qualify
    from bayescannon.star_posterior import sample_posterior
    from bayescannon.trained_model import TrainedModel
    from bayescannon.training import train, train_clipped
    from bayescannon.uncertainty import error_budget
    from bayescannon.validation import validate

_HOME = {
    "TrainedModel": "trained_model",
    "build_catalogue": "catalogue",
    "build_reference": "pipeline",
    "error_budget": "uncertainty",
    "label_model": "models.labels",
    "label_spectra": "infer",
    "label_store": "pipeline",
    "load_spectra": "io.store",
    "prepare_files": "prepare_files",
    "prepare_spectra": "prepare",
    "qualify": "qualify",
    "read_catalogue": "catalogue",
    "read_labels": "io.tables",
    "sample_posterior": "star_posterior",
    "simulate_survey": "mock.survey",
    "spectral_model": "models.spectral",
    "train": "training",
    "train_clipped": "training",
    "validate": "validation",
    "write_catalogue": "catalogue",
}

__all__ = [
    "TrainedModel",
    "__version__",
    "build_catalogue",
    "build_reference",
    "error_budget",
    "label_model",
    "label_spectra",
    "label_store",
    "load_spectra",
    "prepare_files",
    "prepare_spectra",
    "qualify",
    "read_catalogue",
    "read_labels",
    "sample_posterior",
    "simulate_survey",
    "spectral_model",
    "train",
    "train_clipped",
    "validate",
    "write_catalogue",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bayescannon' has no attribute {name!r}")
    return getattr(import_module(f"bayescannon.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
