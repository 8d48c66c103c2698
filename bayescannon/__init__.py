"""
Put stellar surveys on one label scale: a hierarchical Bayesian Cannon with exact solvers.

The names below are the public ones; each is imported when it is first used, so that the command line is quick.
Figures are in :mod:`bayescannon.figures`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.3.0"

if TYPE_CHECKING:
    from bayescannon.app.stores import label_store
    from bayescannon.cannon.labelling import label_spectra
    from bayescannon.cannon.matching import build_reference
    from bayescannon.cannon.posterior import sample_posterior
    from bayescannon.cannon.qualification import qualify
    from bayescannon.cannon.trained_model import TrainedModel
    from bayescannon.cannon.training import train, train_clipped
    from bayescannon.cannon.validation import validate
    from bayescannon.data.prepare import prepare_spectra
    from bayescannon.io.catalogue import build_catalogue, read_catalogue, write_catalogue
    from bayescannon.io.preparation import prepare_files
    from bayescannon.io.store import load_spectra
    from bayescannon.io.tables import read_labels
    from bayescannon.mock.survey import simulate_survey
    from bayescannon.models.spectral import spectral_model
    from bayescannon.models.star_labels import label_model
    from bayescannon.uncertainty.budget import error_budget

_HOME = {
    "TrainedModel": "cannon.trained_model",
    "build_catalogue": "io.catalogue",
    "build_reference": "cannon.matching",
    "error_budget": "uncertainty.budget",
    "label_model": "models.star_labels",
    "label_spectra": "cannon.labelling",
    "label_store": "app.stores",
    "load_spectra": "io.store",
    "prepare_files": "io.preparation",
    "prepare_spectra": "data.prepare",
    "qualify": "cannon.qualification",
    "read_catalogue": "io.catalogue",
    "read_labels": "io.tables",
    "sample_posterior": "cannon.posterior",
    "simulate_survey": "mock.survey",
    "spectral_model": "models.spectral",
    "train": "cannon.training",
    "train_clipped": "cannon.training",
    "validate": "cannon.validation",
    "write_catalogue": "io.catalogue",
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
